"""Breadth of the members, computed again with pandas from the documents in landing.

Nothing of the project's SQL is used: bars come from the documents, memberships from the holdings of the funds. What is told apart
there, and nowhere else, is which lines are equities and which company a line stands for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

BARS = ["symbol", "session", "open", "high", "low", "close", "volume"]
PRICES = ["open", "high", "low", "close"]
KEYS = ["universe", "basis", "session"]
COUNTED = ("sessions_missing", "sessions_rejected")
MOVES = ["advances", "declines", "unchanged", "up_volume", "down_volume"]
FUNDS = {"IWM": ["IWM"], "SPY": ["SPY", "IVV"], "QQQ": ["QQQ"]}
INCEPTION = {"IWM": date(2000, 5, 22), "SPY": date(1993, 1, 22), "QQQ": date(1999, 3, 10)}
ROUNDING = 1 + 5e-5


@dataclass(frozen=True)
class Inputs:
    """What breadth is computed from.

    `bars`: every usable row of the documents with `observed_at`; `holdings`: the equities (fund, as_of, security_id, ticker,
    weight); `sessions`: the calendar; `closes`: fund, session, close; `impossible`: the rows that are not usable.
    """

    bars: pd.DataFrame
    holdings: pd.DataFrame
    sessions: pd.DatetimeIndex
    closes: pd.DataFrame
    impossible: pd.DataFrame | None = None


def bars_of_documents(folder: Path) -> pd.DataFrame:
    """The usable rows of every document, with the time of its retrieval."""
    rows = rows_of_documents(folder)
    return rows[rows["is_usable"]].drop(columns="is_usable")


def rows_of_documents(folder: Path) -> pd.DataFrame:
    """Every row of every document, with the time of its retrieval and whether it is possible."""
    frames = []
    for path in sorted(folder.glob("*.parquet")):
        frame = pd.read_parquet(path)[BARS].sort_values(["symbol", "session"], kind="stable")
        closes = frame.groupby("symbol")["close"]
        apart = [frame["close"] / closes.shift(places) for places in (1, -1)]
        is_usable = ~((apart[0] > 10) & (apart[1] > 10)) & ~((apart[0] < 0.1) & (apart[1] < 0.1))
        frames.append(frame.assign(is_usable=is_usable, observed_at=datetime.strptime(path.name[:18], "%Y-%m-%dT%H%M%SZ")))
    rows = pd.concat(frames, ignore_index=True)
    rows["session"] = pd.to_datetime(rows["session"])
    lowest, highest = rows[PRICES].min(axis=1), rows[PRICES].max(axis=1)
    is_usable = rows["is_usable"] & rows[[*PRICES, "volume"]].notna().all(axis=1) & (lowest > 0)
    is_usable &= (rows["high"] * ROUNDING >= highest) & (rows["low"] <= lowest * ROUNDING)
    is_usable &= (highest <= 1e7) & (rows["high"] <= 25 * rows["low"])
    return rows.assign(is_usable=is_usable)


def breadth(inputs: Inputs) -> pd.DataFrame:
    """Every column of constituent_breadth except the parameters' id, by universe, basis and session."""
    measures = _measures(_by_security(inputs))
    followed = [universe for universe in FUNDS if _snapshots(inputs, universe)]
    in_force = pd.concat([_in_force(inputs, universe, measures["session"]) for universe in followed], ignore_index=True)
    counts = _counts(measures, in_force)
    rows = pd.concat([_with_means(group) for _, group in counts.groupby(["universe", "basis"])], ignore_index=True)
    rows = rows.merge(_fund_figures(inputs.closes), how="left", on=["universe", "session"])
    return pd.concat([_with_labels(group) for _, group in rows.groupby(["universe", "basis"])], ignore_index=True)


def _by_security(inputs: Inputs) -> pd.DataFrame:
    """The newest bar of each security's session."""
    bars = _owned(inputs, inputs.bars)
    newest = bars.sort_values("observed_at", kind="stable").drop_duplicates(["security_id", "session"], keep="last")
    return newest.sort_values(["security_id", "session"], ignore_index=True)


def _owned(inputs: Inputs, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with their company: a symbol stands for the one that had the ticker when it was asked for."""
    held = inputs.holdings.dropna(subset="ticker").groupby(["ticker", "as_of"])["security_id"].agg(lambda ids: ids.mode()[0])
    holders: dict[str, pd.Series] = {str(ticker): found.droplevel(0) for ticker, found in held.groupby(level=0)}
    asked = rows[["symbol", "observed_at"]].drop_duplicates()
    owners = []
    for symbol, at in asked.itertuples(index=False):
        history = holders.get(symbol.replace("-", "").replace(".", ""))
        if history is None:
            owners.append(None)
            continue
        before = history[history.index <= at.normalize()]
        owners.append(before.iloc[-1] if len(before) else history.iloc[0])
    return rows.merge(asked.assign(security_id=owners), on=["symbol", "observed_at"]).dropna(subset="security_id")


def gaps(expected: pd.DataFrame) -> pd.DataFrame:
    """Every row of constituent_breadth_gaps: universe, session, reason, members, weight."""
    missing = expected[expected["bar_no"].isna()]
    short = expected[expected["bar_no"] < 252].assign(reason="short_history")
    rows = pd.concat([missing, short]).groupby(["universe", "session", "reason"])["weight"].agg(["size", "sum"])
    return rows.rename(columns={"size": "members", "sum": "weight"}).reset_index()


def coverage(inputs: Inputs, expected: pd.DataFrame) -> pd.DataFrame:
    """Every figure of member_coverage, by universe and security."""
    by_member = expected.groupby(["universe", "security_id"])
    missing = expected[expected["bar_no"].isna()].groupby(["universe", "security_id"])
    newest = []
    for universe in FUNDS:
        for as_of, weights in _snapshots(inputs, universe).items():
            tickers = _tickers(inputs, universe, as_of)
            newest += [(universe, one, as_of, weight, tickers[one]) for one, weight in weights.items()]
    rows = pd.DataFrame(newest, columns=["universe", "security_id", "last_held_on", "weight", "ticker"])
    rows = rows.sort_values("last_held_on").drop_duplicates(["universe", "security_id"], keep="last")
    rows = rows.set_index(["universe", "security_id"])
    rows["sessions_expected"] = by_member.size()
    rows["sessions_missing"] = missing.size()
    rows["sessions_rejected"] = missing["reason"].agg(lambda reasons: (reasons == "bar_rejected").sum())
    rows["last_missing"] = missing["session"].max()
    spans = _by_security(inputs).groupby("security_id")["session"].agg(["min", "max", "size"])
    spans.columns = pd.Index(["first_bar", "last_bar", "bars"])
    rows = rows.join(spans, on="security_id").fillna(dict.fromkeys(("sessions_expected", *COUNTED, "bars"), 0))
    behind = inputs.sessions.get_indexer(rows["last_bar"].fillna(inputs.sessions[0]))
    rows["coverage"] = np.select(
        [
            rows["ticker"].isna(), rows["bars"] == 0, inputs.sessions.get_loc(spans["last_bar"].max()) - behind >= 5,
            rows["bars"] < 252, rows["sessions_missing"] > 0,
        ],
        ["no_symbol", "never_priced", "stopped", "short_history", "gaps"], "complete",
    )  # fmt: skip
    return rows.reset_index()


def expected_bars(inputs: Inputs) -> pd.DataFrame:
    """Each member of the day on each session: weight, the number of its bar (NaN without one), and why there is none."""
    bars = _by_security(inputs)
    bars["bar_no"] = bars.groupby("security_id").cumcount() + 1
    universes = [universe for universe in FUNDS if _snapshots(inputs, universe)]
    bases = ("point_in_time",)
    rows = pd.concat([_in_force(inputs, universe, bars["session"], bases) for universe in universes], ignore_index=True)
    rows = rows.merge(bars[["security_id", "session", "bar_no"]], how="left", on=["security_id", "session"])
    has_symbol: set[tuple[str, pd.Timestamp, str]] = set()
    for universe in universes:
        for as_of in _snapshots(inputs, universe):
            has_symbol |= {(universe, as_of, one) for one, ticker in _tickers(inputs, universe, as_of).items() if ticker}
    missing = rows[rows["bar_no"].isna()]
    impossible = set(_owned(inputs, inputs.impossible)[["security_id", "session"]].itertuples(index=False, name=None))
    priced = set(bars["security_id"])
    reasons = []
    for row in missing.itertuples():
        if (row.universe, row.as_of, row.security_id) not in has_symbol:
            reasons.append("no_symbol")
        elif (row.security_id, row.session) in impossible:
            reasons.append("bar_rejected")
        else:
            reasons.append("no_bar" if row.security_id in priced else "never_priced")
    return rows.assign(reason=pd.Series(reasons, index=missing.index, dtype=object))


def _tickers(inputs: Inputs, universe: str, as_of: pd.Timestamp) -> dict[str, str | None]:
    """Of the members of a snapshot; None for a placeholder."""
    for fund in FUNDS[universe]:
        lines = inputs.holdings[(inputs.holdings["fund"] == fund) & (inputs.holdings["as_of"] == as_of)]
        if len(lines):
            return {str(one): min(own.dropna(), default=None) for one, own in lines.groupby("security_id")["ticker"]}
    return {}


def _measures(bars: pd.DataFrame) -> pd.DataFrame:
    """What each bar says beside the earlier bars of its security; NaN where the window is not complete."""
    of_security = bars.groupby("security_id", sort=False)
    before = of_security.shift(1)

    def rolled(values: pd.Series, window: int, how: str) -> np.ndarray:
        rolling = values.groupby(bars["security_id"], sort=False).rolling(window, min_periods=window)
        return getattr(rolling, how)().to_numpy()

    def beyond(values: pd.Series, extreme: np.ndarray, sign: int) -> pd.Series:
        return (sign * (values - extreme) > 0).where(~np.isnan(extreme))

    found = bars[["security_id", "session", "volume"]].copy()
    found["bar_no"] = of_security.cumcount() + 1
    found["change"] = bars["close"] / before["close"] - 1
    found["direction"] = np.sign(bars["close"] - before["close"])
    for window in (50, 200):
        mean = rolled(bars["close"], window, "mean")
        found[f"above_{window}"] = (bars["close"] / mean - 1 > 1e-12).where(~np.isnan(mean))
    for name, column, how, sign in (
        ("new_highs_close", "close", "max", 1),
        ("new_lows_close", "close", "min", -1),
        ("new_highs_intraday", "high", "max", 1),
        ("new_lows_intraday", "low", "min", -1),
    ):
        found[name] = beyond(bars[column], rolled(before[column], 251, how), sign)
    return found


def _snapshots(inputs: Inputs, universe: str) -> dict[pd.Timestamp, pd.Series]:
    """Weights of the members by as-of date; of several funds with one date, the first is used."""
    found: dict[pd.Timestamp, pd.Series] = {}
    for fund in FUNDS[universe]:
        of_fund = inputs.holdings[inputs.holdings["fund"] == fund]
        for as_of, lines in of_fund.groupby("as_of"):
            weights = lines.groupby("security_id")["weight"].sum()
            found.setdefault(as_of, weights / weights.sum())
    return dict(sorted(found.items()))


def _in_force(
    inputs: Inputs, universe: str, priced: pd.Series, bases: tuple[str, ...] = ("point_in_time", "survivors")
) -> pd.DataFrame:
    """Every session of a universe and basis with its members: one row a member."""
    snapshots = _snapshots(inputs, universe)
    sessions = inputs.sessions[(inputs.sessions >= priced.min()) & (inputs.sessions <= priced.max())]
    sessions = sessions[sessions >= pd.Timestamp(INCEPTION[universe])]
    dates = pd.DatetimeIndex(list(snapshots))
    rows = []
    for basis in bases:
        for session in sessions:
            place = len(dates) - 1 if basis == "survivors" else max(int(dates.searchsorted(session)) - 1, 0)
            rows.append((universe, basis, session, dates[place], session <= dates[place]))
    frame = pd.DataFrame(rows, columns=[*KEYS, "as_of", "is_inferred"])
    members = pd.concat(
        [pd.DataFrame({"as_of": as_of, "security_id": w.index, "weight": w.to_numpy()}) for as_of, w in snapshots.items()]
    )
    return frame.merge(members, on="as_of")


def _counts(measures: pd.DataFrame, in_force: pd.DataFrame) -> pd.DataFrame:
    rows = in_force.merge(measures, how="left", on=["security_id", "session"])
    rows["members"], rows["priced"] = 1, rows["bar_no"].notna().astype(int)
    rows["priced_weight"] = rows["weight"].where(rows["bar_no"].notna(), 0.0)
    rows["eligible_50"] = rows["above_50"].notna().astype(int)
    rows["eligible_200"] = rows["above_200"].notna().astype(int)
    rows["eligible_252"] = rows["new_highs_close"].notna().astype(int)
    for name in ("above_50", "above_200", *(c for c in rows.columns if c.startswith("new_"))):
        rows[name] = rows[name].fillna(False).astype(int)
    for name, sign in (("advances", 1), ("declines", -1), ("unchanged", 0)):
        rows[name] = (rows["direction"] == sign).astype(int)
    rows["up_volume"] = rows["volume"].where(rows["direction"] == 1, 0.0)
    rows["down_volume"] = rows["volume"].where(rows["direction"] == -1, 0.0)
    sums = [
        "members", "priced", "priced_weight", "eligible_50", "eligible_200", "eligible_252", "above_50", "above_200",
        *(c for c in rows.columns if c.startswith("new_")), *MOVES,
    ]  # fmt: skip
    by_key = rows.groupby(KEYS)
    counts = by_key[sums].sum()
    counts["is_inferred"], counts["member_return"] = by_key["is_inferred"].first(), by_key["change"].mean()
    for window in (50, 200):
        counts[f"above_{window}"] = counts[f"above_{window}"] / counts[f"eligible_{window}"].replace(0, np.nan)
    nothing_to_compare = by_key["direction"].count() == 0
    counts[MOVES] = counts[MOVES].mask(nothing_to_compare)
    extremes = [c for c in counts.columns if c.startswith("new_")]
    counts[extremes] = counts[extremes].mask(counts["eligible_252"] == 0)
    return counts.reset_index()


def _with_means(rows: pd.DataFrame) -> pd.DataFrame:
    """Lines and exponential means of one universe and basis."""
    rows = rows.sort_values("session", ignore_index=True)
    moves = rows[MOVES].fillna(0)
    net, both = moves["advances"] - moves["declines"], moves["advances"] + moves["declines"]
    rows["advance_decline_line"] = net.cumsum().where(both + moves["unchanged"] > 0).astype(float)
    rows["net_advances"] = (1000 * net / both.replace(0, np.nan)).astype(float)
    known = rows["net_advances"].dropna()

    def smooth(values: pd.Series, alpha: float) -> pd.Series:
        return values.ewm(alpha=alpha, adjust=True).mean().iloc[100:].reindex(rows.index)

    rows["mcclellan_oscillator"] = smooth(known, 0.10) - smooth(known, 0.05)
    rows["mcclellan_summation"] = rows["mcclellan_oscillator"].cumsum()
    advancing = (moves["advances"] / both.replace(0, np.nan))[known.index]
    rows["thrust_ema"] = smooth(advancing, 2 / 11)
    rows["is_thrust"] = None
    observed = 0
    for place, index in enumerate(known.index):
        observed += not rows["is_inferred"][index]
        before = rows["thrust_ema"][known.index[max(place - 10, 0) : place]]
        if len(before) == 10 and before.notna().all() and observed > 100:
            now = rows["thrust_ema"][index]
            rows.loc[index, "is_thrust"] = bool(now > 0.615 and before.iloc[-1] <= 0.615 and before.min() < 0.40)
    return rows


def _fund_figures(closes: pd.DataFrame) -> pd.DataFrame:
    nothing = pd.DataFrame({"universe": pd.Series(dtype=str), "session": pd.to_datetime([])})
    frames = [nothing.assign(fund_return=np.nan, share=np.nan)]
    for fund, bars in closes.sort_values("session").groupby("fund"):
        close = bars["close"]
        share = close / close.rolling(252, min_periods=252).max()
        frames.append(
            pd.DataFrame({"universe": fund, "session": bars["session"], "fund_return": close.pct_change(), "share": share})
        )
    return pd.concat(frames)


def _with_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """The labels, session by session, with what was there before."""
    rows = rows.sort_values("session", ignore_index=True)
    labels: list[str | None] = []
    divergences: list[bool | None] = []
    thrusts: list[bool | None] = []
    state: str | None = None
    for row in rows.itertuples():
        is_covered = row.basis == "point_in_time" and not row.is_inferred and row.priced_weight >= 0.95
        thrusts.append(row.is_thrust if is_covered else None)
        if not (is_covered and row.eligible_200 > 0 and row.eligible_200 >= 0.5 * row.priced):
            labels.append(None)
            divergences.append(None)
            continue
        share = row.above_200
        if share > 0.6:
            state = "strong"
        elif share < 0.4:
            state = "weak"
        elif (state == "strong" and share < 0.5) or (state == "weak" and share > 0.5):
            state = "neutral"
        labels.append(state)
        divergences.append(None if np.isnan(row.share) else bool(row.share >= 0.98 and share < 0.5))
    return rows.assign(member_breadth=labels, is_divergence=divergences, is_thrust=thrusts).drop(columns="share")


def memberships(inputs: Inputs) -> set[tuple[str, str, date, date | None, bool]]:
    """Every row of index_membership, found by walking through the snapshots."""
    found: set[tuple[str, str, date, date | None, bool]] = set()
    sessions = inputs.sessions
    for universe in FUNDS:
        snapshots = _snapshots(inputs, universe)
        days = list(snapshots)
        first = sessions[sessions >= pd.Timestamp(INCEPTION[universe])][0].date()
        for security in snapshots[days[0]].index:
            found.add((universe, security, first, sessions[sessions <= days[0]][-1].date(), True))
        since: dict[str, date] = {}
        for day in days:
            starts, ends = sessions[sessions > day][0].date(), sessions[sessions <= day][-1].date()
            held: Mapping[str, float] = snapshots[day].to_dict()
            for security in [one for one in since if one not in held]:
                found.add((universe, security, since.pop(security), ends, False))
            for security in held:
                since.setdefault(security, starts)
        found |= {(universe, security, start, None, False) for security, start in since.items()}
    return found

"""Honest documents of extreme markets and unusual days: every rejected or quarantined line is a false alarm."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from tests.torture.folder import Folder, Snapshot, a_day_later, drifted, next_session, reweighted

Bars = pl.DataFrame
PRICES = ["Open", "High", "Low", "Close", "Adj Close"]
_EVENING = time(23, 30, tzinfo=UTC)
FUNDS = ("IWM", "SPY", "QQQ")


class NotHere(Exception):
    """The folder lacks the documents from which this event is made."""


@dataclass(frozen=True)
class Truth:
    """Honest documents of a true event, written into a copy of a landing folder; without any, the folder itself."""

    name: str
    sentence: str
    write: Callable[[Folder], list[Path]]
    newest_may_wait: bool = False
    """Whether one line of a document may be quarantined until the next session."""


def catalogue() -> list[Truth]:
    """Every true event."""
    truths = [
        Truth("as_they_are", "the honest documents alone", lambda _: []),
        *_market_truths(),
        *_event_truths(),
        *_answer_truths(),
        *_rate_truths(),
        *_holdings_truths(),
    ]
    assert len({truth.name for truth in truths}) == len(truths)
    return truths


# ---------------------------------------------------------------- prices: markets


def _market_truths() -> Iterator[Truth]:
    yield Truth("crash_as_newest", "-20.5 % in all funds, seen the same evening", _moves([-0.205]))
    yield Truth("crash_and_rebound", "-20.5 % in all funds, then +5 %", _moves([-0.205, 0.05]))
    yield Truth("crash_day_by_day", "the same, asked for each evening", _day_by_day([-0.205, 0.05, 0.09]))
    yield Truth("crash_in_history", "-20.5 % and +5 % in all funds, half-way through the history", _crash_in_history)
    yield Truth("limit_up", "+11 % in all funds", _moves([0.11]))
    yield Truth("rebound_undone", "+8 %, then -7.5 % in all funds", _moves([0.08, -0.075]))
    # The largest departures of one fund from both others: IWM 5.6 % (2008-10-10), QQQ 12.0 % (2001-01-03).
    yield Truth(
        "small_caps_alone",
        "IWM -6.4 % while the others fall 1 %, seen the same evening",
        _moves_of({"IWM": [-0.064], "SPY": [-0.01], "QQQ": [-0.012]}),
    )
    yield Truth(
        "technology_alone",
        "QQQ -11 %, SPY -4 %, IWM -2 %, and the session after",
        _moves_of({"IWM": [-0.02, 0.01], "SPY": [-0.04, 0.012], "QQQ": [-0.11, 0.02]}),
    )
    yield Truth(
        "technology_alone_day_by_day",
        "the same each evening: the first bar waits for the second",
        _lone_jump,
        True,
    )
    yield Truth("quiet_half_day", "a session of a third of the volume", _moves([0.001], volume=0.3))
    yield Truth("volume_13x", "a session of 13 times the volume", _moves([-0.03], volume=13))
    yield Truth("two_years_still", "moves of a tenth of the usual for 500 sessions", _still)


def _moves(moves: list[float], volume: float = 1.5) -> Callable[[Folder], list[Path]]:
    return _moves_of(dict.fromkeys(FUNDS, moves), volume)


def _moves_of(moves: dict[str, list[float]], volume: float = 1.5) -> Callable[[Folder], list[Path]]:
    """The history of each fund, followed by sessions with these moves."""

    def write(folder: Folder) -> list[Path]:
        paths = []
        for fund, own in moves.items():
            bars = folder.prices(fund)[0]
            for move in own:
                bars = _with_session(bars, move, volume=volume)
            paths.append(_put(folder, fund, bars))
        return paths

    return write


def _day_by_day(moves: list[float]) -> Callable[[Folder], list[Path]]:
    """45 sessions each evening, as in a daily fetch."""

    def write(folder: Folder) -> list[Path]:
        paths = []
        for fund in FUNDS:
            bars = folder.prices(fund)[0]
            for move in moves:
                bars = _with_session(bars, move, volume=3)
                paths.append(_put(folder, fund, bars.tail(45), "parquet"))
        return paths

    return write


def _lone_jump(folder: Folder) -> list[Path]:
    moves = {"IWM": [-0.02, 0.01], "SPY": [-0.04, 0.012], "QQQ": [-0.11, 0.02]}
    paths = []
    bars = {fund: folder.prices(fund)[0] for fund in FUNDS}
    for day in range(2):
        for fund in FUNDS:
            bars[fund] = _with_session(bars[fund], moves[fund][day], volume=2)
            paths.append(_put(folder, fund, bars[fund].tail(45), "parquet"))
    return paths


def _with_session(bars: Bars, move: float, *, volume: float = 1.0, dividend: float = 0.0, gain: float = 0.0) -> Bars:
    """Add a session. A distribution (fraction of the previous close) lowers the price and all older adjusted closes."""
    last = bars.row(-1, named=True)
    paid = round(last["Close"] * (dividend + gain), 3)
    close = last["Close"] * (1 + move) - paid
    begin = last["Close"] * (1 + move / 4) - paid
    fresh = {
        **last,
        "Date": next_session(last["Date"]),
        "Open": begin,
        "Close": close,
        "High": max(begin, close) * 1.004,
        "Low": min(begin, close) * 0.996,
        "Adj Close": close,
        "Volume": round(last["Volume"] * volume),
        "Dividends": paid,
        "Stock Splits": 0.0,
    }
    factor = 1 - paid / last["Close"]
    older = bars.with_columns(pl.col("Adj Close") * factor)
    return pl.concat([older, pl.DataFrame([fresh], schema=bars.schema)])


def _put(folder: Folder, fund: str, bars: Bars, extension: str = "csv") -> Path:
    last = bars["Date"].max()
    assert isinstance(last, date)
    return folder.put_prices(
        fund, max(datetime.combine(last, _EVENING), folder.prices(fund)[1] + timedelta(minutes=1)), bars, extension
    )


def _only(folder: Folder, fund: str, bars: Bars) -> Path:
    """Replace all documents of the fund."""
    at = folder.prices(fund)[1]
    folder.remove("yahoo", "prices", fund)
    return folder.put_prices(fund, at, bars)


def _crash_in_history(folder: Folder) -> list[Path]:
    """Older prices are scaled so that two sessions move as in October 1987."""
    oldest = folder.prices("IWM")[0]
    day = oldest["Date"][oldest.height // 2]
    paths = []
    for fund in FUNDS:
        bars = folder.prices(fund)[0]
        wanted = [-0.205, 0.05]
        place = int(bars["Date"].search_sorted(day))
        factors = np.ones(bars.height)
        for number, move in enumerate(wanted):
            row = place + number
            now = bars["Close"][row] / bars["Close"][row - 1]
            factors[:row] *= now / (1 + move)
        scaled = bars.with_columns(pl.Series("_factor", factors)).with_columns(
            pl.col(name) * pl.col("_factor") for name in [*PRICES, "Dividends"]
        )
        wide = scaled.with_columns(
            pl.max_horizontal("High", "Close").alias("High"), pl.min_horizontal("Low", "Close").alias("Low")
        )
        paths.append(_only(folder, fund, wide.drop("_factor")))
    return paths


def _still(folder: Folder) -> list[Path]:
    """Scale the prices before the calm period, so that those after it are unchanged."""
    paths = []
    for fund in FUNDS:
        bars = folder.prices(fund)[0]
        row = pl.int_range(pl.len())
        ratio = (pl.col("Close") / pl.col("Close").shift(1)).fill_null(1.0)
        calm = (row >= bars.height - 2500) & (row < bars.height - 2000)
        close = bars.select(pl.when(calm).then(ratio**0.1).otherwise(ratio).cum_prod().alias("close"))["close"]
        close *= bars["Close"][-1] / close[-1]
        moved = bars.with_columns(close.alias("_close")).with_columns((pl.col("_close") / pl.col("Close")).alias("_factor"))
        # The dividend keeps its ratio to the previous close, so that the adjusted closes keep their factor.
        before = pl.col("_factor").shift(1).fill_null(1.0)
        calmed = moved.with_columns(*[pl.col(name) * pl.col("_factor") for name in PRICES[:4]], pl.col("Dividends") * before)
        paths.append(_only(folder, fund, _adjusted(calmed.drop("_close", "_factor"))))
    return paths


def _adjusted(bars: Bars) -> Bars:
    """Add adjusted closes computed from closes and distributions by Yahoo's formula."""
    close, paid = bars["Close"].to_numpy(), bars["Dividends"].to_numpy()
    factors = np.ones(bars.height)
    factors[:-1] = 1 - paid[1:] / close[:-1]
    return bars.with_columns(pl.Series("Adj Close", close * np.cumprod(factors[::-1])[::-1]))


# ---------------------------------------------------------------- prices: events


def _event_truths() -> Iterator[Truth]:
    for name, fund, ratio in (("split_2_for_1", "QQQ", 2.0), ("split_3_for_1", "IWM", 3.0), ("split_1_for_4", "SPY", 0.25)):
        yield Truth(
            name, f"{fund} splits {ratio:g}:1, and the whole history comes again", partial(_split, fund=fund, ratio=ratio)
        )
        yield Truth(
            f"{name}_alone",
            f"a first document of {fund} with a split {ratio:g}:1",
            partial(_split, fund=fund, ratio=ratio, alone=True),
        )
    yield Truth("special_dividend", "SPY pays a special dividend of 3 %", _pays("SPY", dividend=0.03))
    yield Truth("ordinary_dividend", "IWM pays 0.3 %, and all older adjusted closes change", _pays("IWM", dividend=0.003))
    yield Truth("dividend_in_the_overlap", "the same in an answer of 45 sessions", _pays("IWM", dividend=0.003, overlap=True))
    yield Truth(
        "capital_gain_inside",
        "IWM distributes 2.3 %, of which 2 % gains: Dividends holds both",
        _pays("IWM", dividend=0.003, gain=0.02),
    )
    yield Truth(
        "dividend_on_a_crash", "SPY pays 0.4 % on a day of -9 %, as all funds fall", _pays("SPY", dividend=0.004, move=-0.09)
    )


def _split(folder: Folder, *, fund: str, ratio: float, alone: bool = False) -> list[Path]:
    bars = _with_session(folder.prices(fund)[0], 0.004, volume=1.2)
    scaled = bars.with_columns(
        *[pl.col(name) / ratio for name in [*PRICES, "Dividends"]],
        (pl.col("Volume") * ratio).round(0),
        pl.when(pl.int_range(pl.len()) == bars.height - 1).then(ratio).otherwise("Stock Splits").alias("Stock Splits"),
    )
    path = _put(folder, fund, scaled)
    if alone:
        for document in folder.documents("yahoo", "prices", fund):
            if document.path != path:
                document.path.unlink()
    return [path]


def _pays(
    fund: str, *, dividend: float, gain: float = 0.0, move: float = 0.002, overlap: bool = False
) -> Callable[[Folder], list[Path]]:
    def write(folder: Folder) -> list[Path]:
        paths = []
        for other in FUNDS if move < -0.05 else (fund,):
            bars = folder.prices(other)[0]
            if other == fund:
                bars = _with_session(bars, move, dividend=dividend, gain=gain)
                gains = pl.when(pl.int_range(pl.len()) == bars.height - 1).then(gain * bars["Close"][-2]).otherwise(0.0)
                bars = bars.with_columns(gains.round(3).alias("Capital Gains")) if gain else bars
            else:
                bars = _with_session(bars, move)
            paths.append(_put(folder, other, bars.tail(45) if overlap else bars, "parquet" if overlap else "csv"))
        return paths

    return write


# ---------------------------------------------------------------- prices: answers


def _answer_truths() -> Iterator[Truth]:
    yield Truth("last_ten_volumes", "the last 10 sessions again, volumes up to 2 % higher", _last_ten)
    yield Truth(
        "one_more_session",
        "45 sessions, one of them new",
        lambda f: [_put(f, fund, _with_session(f.prices(fund)[0], 0.003).tail(45), "parquet") for fund in FUNDS],
    )
    yield Truth(
        "same_answer_again",
        "the newest documents once more",
        lambda f: [f.put_prices(fund, f.prices(fund)[1] + timedelta(minutes=5), f.prices(fund)[0]) for fund in FUNDS],
    )
    yield Truth("first_60_sessions", "a fund's first 60 sessions, and nothing else of it", _first_sessions)
    yield Truth(
        "last_60_sessions",
        "the last 60 sessions, and nothing else of it",
        lambda f: [_only(f, "QQQ", f.prices("QQQ")[0].tail(60))],
    )
    yield Truth(
        "one_session_missing",
        "a first document without one session",
        lambda f: [_only(f, "SPY", f.prices("SPY")[0].with_row_index().filter(pl.col("index") != 3000).drop("index"))],
    )
    yield Truth("twelve_sessions_missing", "a later document without twelve sessions here and there", _gaps)
    yield Truth(
        "rounded_to_cents",
        "all prices rounded to cents",
        lambda f: [_only(f, "IWM", f.prices("IWM")[0].with_columns(pl.col(name).round(2) for name in PRICES[:4]))],
    )
    yield Truth("sibling_fund", "VTWO: the bars of IWM at two fifths of its price, not quite the same", _sibling)
    yield Truth(
        "back_after_a_year",
        "the newest document lacks what was retrieved before, and a year later the whole comes",
        _a_year_later,
    )


def _last_ten(folder: Folder) -> list[Path]:
    paths = []
    for fund in FUNDS:
        bars, at = folder.prices(fund)
        noise = pl.Series("_noise", 1 + np.random.default_rng(1).uniform(0, 0.02, 10))
        ten = bars.tail(10).with_columns(noise).with_columns((pl.col("Volume") * pl.col("_noise")).round(0)).drop("_noise")
        paths.append(folder.put_prices(fund, at + timedelta(hours=12), ten, "parquet"))
    return paths


def _first_sessions(folder: Folder) -> list[Path]:
    bars = folder.prices("IWM")[0].head(60)
    folder.remove("yahoo", "prices", "IWM")
    last = bars["Date"].max()
    assert isinstance(last, date)
    return [folder.put_prices("IWM", datetime.combine(last, _EVENING), bars)]


def _gaps(folder: Folder) -> list[Path]:
    bars, at = folder.prices("QQQ")
    gone = [bars.height - n for n in (30, 31, 90, 400, 401, 402, 1000, 1500, 2000, 2500, 2501, 4000)]
    return [
        folder.put_prices(
            "QQQ", at + timedelta(minutes=1), bars.with_row_index().filter(~pl.col("index").is_in(gone)).drop("index")
        )
    ]


def _sibling(folder: Folder) -> list[Path]:
    bars, at = folder.prices("IWM")
    if folder.documents("yahoo", "prices", "VTWO"):
        raise NotHere("VTWO has documents of its own")
    noise = pl.Series("_noise", 0.397 * (1 + np.random.default_rng(2).normal(0, 0.0004, bars.height)))
    close = bars.with_columns(noise).with_columns(
        *[pl.col(name) * pl.col("_noise") for name in PRICES[:4]],
        (pl.col("Volume") * 0.05).round(0),
        (pl.col("Dividends") * 0.397),
    )
    recent = _adjusted(close.drop("_noise").filter(pl.col("Date") >= date(2010, 9, 22)))
    wide = recent.with_columns(
        pl.max_horizontal("Open", "High", "Close").alias("High"), pl.min_horizontal("Open", "Low", "Close").alias("Low")
    )
    return [folder.put_prices("VTWO", at, wide)]


def _a_year_later(folder: Folder) -> list[Path]:
    """All funds move randomly for 252 sessions; then the whole history of each arrives."""
    rng = np.random.default_rng(4)
    common = rng.normal(0.0003, 0.01, 252)
    paths = []
    for fund in FUNDS:
        bars = folder.prices(fund)[0]
        for move in (common + rng.normal(0, 0.004, 252)).tolist():
            bars = _with_session(bars, move)
            bars = bars.with_columns(pl.when(pl.col("Volume") < 1e5).then(1e7).otherwise("Volume").alias("Volume"))
        paths.append(_put(folder, fund, bars))
    return paths


# ---------------------------------------------------------------- rates


def _rate_truths() -> Iterator[Truth]:
    ends = ("DFEDTARU", "DFEDTARL")
    for name, step in (("cut_of_1.00", -1.0), ("hike_of_0.75", 0.75), ("cut_of_0.25", -0.25)):
        yield Truth(name, f"both ends of the range move by {step:+.2f} and stay", partial(_step, series=ends, step=step))
    yield Truth("emergency_cuts", "0.50 and 1.00 within 12 days", partial(_emergency, series=ends))
    yield Truth("range_introduced", "the single target ends and the range begins, 2008-12-16", _range_introduced)
    yield Truth(
        "rates_again",
        "the same values a month later",
        lambda f: [f.put_rates(one, f.rates(one)[1] + timedelta(days=30), f.rates(one)[0]) for one in (*ends, "DFF", "DFEDTAR")],
    )
    yield Truth("effective_rate_revised", "the newest effective rate 0.01 higher than first printed", _revised)
    yield Truth("newest_value_missing", "a dot for the newest value", partial(_newest_missing, series="DFF"))


def _step(folder: Folder, *, series: tuple[str, ...], step: float) -> list[Path]:
    return [_prolonged(folder, one, [0.0] * 5 + [step] * 40) for one in series]


def _emergency(folder: Folder, *, series: tuple[str, ...]) -> list[Path]:
    return [_prolonged(folder, one, [0.0] * 3 + [-0.5] * 12 + [-1.5] * 20) for one in series]


def _prolonged(folder: Folder, series: str, changes: list[float]) -> Path:
    """Add days after the newest value, each with a given difference to it."""
    frame, at = folder.rates(series)
    last, value = frame["date"].max(), float(frame["value"][-1])
    assert isinstance(last, date)
    days = [last + timedelta(days=n) for n in range(1, len(changes) + 1)]
    more = pl.DataFrame({"date": days, "value": [f"{value + change:.2f}" for change in changes]})
    return folder.put_rates(
        series, max(at, datetime.combine(days[-1], time(1, tzinfo=UTC))) + timedelta(days=1), pl.concat([frame, more])
    )


def _range_introduced(folder: Folder) -> list[Path]:
    """The data available at the end of 2008."""
    paths = []
    for one in ("DFEDTARU", "DFEDTARL", "DFEDTAR", "DFF"):
        frame = folder.rates(one)[0].filter(pl.col("date") <= date(2008, 12, 30))
        if frame.is_empty():
            raise NotHere(f"{one} does not reach back to 2008")
        folder.remove("fred", "rates", one)
        paths.append(folder.put_rates(one, datetime(2008, 12, 31, 1, tzinfo=UTC), frame))
    return paths


def _revised(folder: Folder) -> list[Path]:
    frame, at = folder.rates("DFF")
    value = f"{float(frame['value'][-1]) + 0.01:.2f}"
    newest = pl.when(pl.int_range(pl.len()) == frame.height - 1).then(pl.lit(value)).otherwise("value").alias("value")
    return [folder.put_rates("DFF", at + timedelta(days=1), frame.with_columns(newest))]


def _newest_missing(folder: Folder, *, series: str) -> list[Path]:
    frame, at = folder.rates(series)
    last = frame["date"].max()
    assert isinstance(last, date)
    more = pl.DataFrame({"date": [last + timedelta(days=1)], "value": ["."]})
    return [folder.put_rates(series, at + timedelta(days=1), pl.concat([frame, more]))]


# ---------------------------------------------------------------- holdings


def _holdings_truths() -> Iterator[Truth]:
    for fund in FUNDS:
        yield Truth(f"{fund.lower()}_next_session", f"{fund}: the next session's list", partial(_holdings, fund=fund))
        yield Truth(f"{fund.lower()}_same_list_again", f"{fund}: the same list, asked for again", partial(_again, fund=fund))
        yield Truth(
            f"{fund.lower()}_a_quarter_later",
            f"{fund}: the first list for three months",
            partial(_holdings, fund=fund, days=91, sd=0.13),
        )
    yield Truth(
        "iwm_reconstitution",
        "IWM: a quarter of the names replaced",
        partial(_holdings, fund="IWM", days=52, sd=0.08, change=_replaced),
    )
    yield Truth("iwm_creations", "IWM: 12 % more shares, and of every holding", partial(_holdings, fund="IWM", change=_creations))
    yield Truth(
        "iwm_holding_splits", "IWM: its largest holding splits 10:1", partial(_holdings, fund="IWM", change=_holding_splits)
    )
    yield Truth(
        "iwm_holding_gains_60",
        "IWM: one holding of 0.3 % gains 60 % in a day",
        partial(_holdings, fund="IWM", change=_holding_jumps),
    )
    yield Truth(
        "qqq_special_rebalance",
        "QQQ: the seven largest give up a fifth of their weight",
        partial(_holdings, fund="QQQ", change=_rebalanced),
    )
    yield Truth(
        "spy_names_change",
        "SPY: eight names replaced at a quarter's end",
        partial(_holdings, fund="SPY", days=30, sd=0.05, change=_eight_replaced),
    )
    yield Truth("iwm_market_crash", "IWM: the list after a day of -20.5 %", _crash_list)


Changed = Callable[[Snapshot, Folder], Snapshot]


def _holdings(folder: Folder, *, fund: str, days: int = 1, sd: float = 0.015, change: Changed | None = None) -> list[Path]:
    if not folder.has_fund(fund):
        raise NotHere(f"no holdings of {fund}")
    known = folder.snapshot(fund)
    later = (
        a_day_later(known)
        if days == 1
        else drifted(known, next_session(known.as_of + timedelta(days=days)), _market(folder, known, days), sd)
    )
    later = change(later, folder) if change else later
    return [folder.put_snapshot(later, later.retrieved_at, _extension(later))]


def _extension(snapshot: Snapshot) -> str:
    return "csv" if snapshot.fund == "QQQ" and snapshot.lines[0].get("sector") else ""


def _market(folder: Folder, known: Snapshot, days: int) -> float:
    """The move of the fund's close to that day, if prices are known."""
    bars = folder.prices(known.fund)[0]
    until = next_session(known.as_of + timedelta(days=days))
    ends = [bars.filter(pl.col("Date") <= day)["Close"] for day in (known.as_of, until)]
    return float(ends[1][-1] / ends[0][-1]) if bars["Date"].max() >= until else 1.02  # type: ignore[operator]


def _again(folder: Folder, *, fund: str) -> list[Path]:
    known = folder.snapshot(fund)
    return [folder.put_snapshot(known, known.retrieved_at + timedelta(hours=20), _extension(known))]


def _replaced(snapshot: Snapshot, folder: Folder) -> Snapshot:
    """Replace every fourth security by one that the fund did not hold, from IWV's list if present."""
    held = {line.get("ticker") for line in snapshot.lines}
    others = (
        [line for line in folder.snapshot("IWV").equities if line.get("ticker") not in held] if folder.has_fund("IWV") else []
    )
    fresh = iter(line for line in others[::-1] if line.get("price"))
    lines, securities = [], {id(line) for line in snapshot.equities}
    for number, line in enumerate(snapshot.lines):
        new = next(fresh, None) if number % 4 == 1 and id(line) in securities and line.get("price") else None
        if new is None:
            lines.append(line)
            continue
        value = line["market_value"]
        quantity = round(value / new["price"])
        lines.append(
            new | {"quantity": float(quantity), "market_value": quantity * new["price"], "notional": quantity * new["price"]}
        )
    return replace(snapshot, lines=reweighted(lines))


def _creations(snapshot: Snapshot, _: Folder) -> Snapshot:
    lines = []
    for line in snapshot.lines:
        quantity = None if line["quantity"] is None else float(round(line["quantity"] * 1.12))
        factor = quantity / line["quantity"] if quantity and line["quantity"] else 1.0
        lines.append(
            line | {"quantity": quantity} | {n: line[n] * factor for n in ("market_value", "notional") if line.get(n) is not None}
        )
    return replace(snapshot, lines=reweighted(lines), shares=snapshot.shares * 1.12 if snapshot.shares else None)


def _holding_splits(snapshot: Snapshot, _: Folder) -> Snapshot:
    first = snapshot.lines[0]
    split = first | {"quantity": first["quantity"] * 10, "price": round(first["price"] / 10, 4)}
    return replace(snapshot, lines=[split, *snapshot.lines[1:]])


def _holding_jumps(snapshot: Snapshot, _: Folder) -> Snapshot:
    place = next(i for i, line in enumerate(snapshot.lines) if (line["weight"] or 0) < 0.3)
    line = snapshot.lines[place]
    jumped = line | {name: line[name] * 1.6 for name in ("price", "market_value", "notional") if line.get(name) is not None}
    return replace(snapshot, lines=reweighted([*snapshot.lines[:place], jumped, *snapshot.lines[place + 1 :]]))


def _rebalanced(snapshot: Snapshot, _: Folder) -> Snapshot:
    lines = []
    for number, line in enumerate(snapshot.lines):
        factor = 0.8 if number < 7 else 1.12
        quantity = float(round((line["quantity"] or 0) * factor))
        lines.append(line | {"quantity": quantity, "market_value": (line["market_value"] or 0) * factor})
    return replace(snapshot, lines=reweighted(lines))


def _eight_replaced(snapshot: Snapshot, _: Folder) -> Snapshot:
    lines = list(snapshot.lines)
    for number, place in enumerate(range(300, 460, 20)):
        lines[place] = lines[place] | {
            "name": f"NEWCOMER {number} INC",
            "ticker": f"NW{chr(65 + number)}",
            "cusip": f"77{number:07}",
            "sedol": f"BN{number:05}",
        }
    return replace(snapshot, lines=lines)


def _crash_list(folder: Folder) -> list[Path]:
    """The fund and its list fall together; the list arrives that night."""
    snapshot = folder.snapshot("IWM")
    day = next_session(snapshot.as_of)
    paths = []
    for fund in FUNDS:
        bars = folder.prices(fund)[0].filter(pl.col("Date") <= snapshot.as_of)
        if bars.is_empty() or bars["Date"].max() != snapshot.as_of:
            raise NotHere("no prices of that day")
        folder.remove("yahoo", "prices", fund)
        # Later dividends lowered the adjusted closes of that day, but not yet on that day.
        bars = bars.with_columns(pl.col("Adj Close") * (bars["Close"][-1] / bars["Adj Close"][-1]))
        crashed = _with_session(bars, -0.205, volume=4)
        last = crashed["Date"].max()
        assert isinstance(last, date)
        paths.append(folder.put_prices(fund, datetime.combine(last, _EVENING), crashed))
    fallen = drifted(snapshot, day, 0.795, 0.03)
    return [*paths, folder.put_snapshot(fallen, fallen.retrieved_at)]

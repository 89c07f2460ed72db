"""The scorecard once more, from its description alone: raw bars, the published labels, and numpy."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm
from statsmodels.api import OLS

from tests.pipeline.homes import FUNDS, Home, published, warehouse
from tests.pipeline.recomputation import NAN, Floats, calendar, fund_path

HORIZONS = (21, 63, 126, 252)
ENTRY, SHIFTS, COVERAGE = 1, 1999, 0.95
LEAST_HISTORY, LEAST_CLUSTERS, LEAST_TRAINING = 2520, 5, 2520
POWER = 0.8
# An unchanged price leaves a return of this size, either side of zero.
ROUNDING = 1e-12
Key = tuple[str, str]
LABELS = """
    select 'regime' as signal, pair as subject, session, regime as label, null as last_move
        from regime_daily where regime is not null
    union all select 'trend_break', pair, session, trend_break, null from ratio_daily where channel_high is not null
    union all select 'breadth', 'IWM, SPY, QQQ', session, breadth, null from breadth_daily where breadth is not null
    union all select 'rate_regime', 'Fed funds target', session, rate_regime, last_move from rate_regime_daily
    union all select 'cycle_phase', 'rate cycle and IWM/SPY', session, cycle_phase, last_move
        from cycle_phase_daily join rate_regime_daily using (session)
    union all select 'member_breadth', universe, session, member_breadth, null
        from constituent_breadth where member_breadth is not null
    union all select 'member_divergence', universe, session, case when is_divergence then 'divergence' end, null
        from constituent_breadth where is_divergence is not null
    union all select 'member_thrust', universe, session, case when is_thrust then 'thrust' end, null
        from constituent_breadth where is_thrust is not null
    order by session
"""


@dataclass(frozen=True)
class Market:
    """Every session from the first bar to the last (n,), whether a fund traded, and the returns from its next close on."""

    days: list[date]
    is_traded: NDArray[np.bool_]
    forward: dict[tuple[int, str], Floats]


def forward_returns(connection: duckdb.DuckDBPyConnection) -> tuple[dict, Market]:  # type: ignore[type-arg]
    """Place of each session, and the market, from raw bars and actions."""
    paths = {fund: fund_path(connection, fund) for fund in FUNDS}
    days = list(calendar(connection))
    first = days.index(min(path.sessions[0] for path in paths.values()))
    last = days.index(max(path.sessions[-1] for path in paths.values()))
    places = {day: place for place, day in enumerate(days[first : last + 1])}
    indices = {fund: np.full(len(places), NAN) for fund in FUNDS}
    for fund, path in paths.items():
        indices[fund][[places[day] for day in path.sessions]] = path.index
    forward = {}
    for horizon in HORIZONS:
        for fund, index in indices.items():
            padded = np.concatenate([index, np.full(ENTRY + horizon, NAN)])
            forward[horizon, fund] = padded[ENTRY + horizon :] / padded[ENTRY : ENTRY + index.size] - 1
        forward[horizon, "IWM - SPY"] = forward[horizon, "IWM"] - forward[horizon, "SPY"]
    is_traded = ~np.isnan(np.vstack(list(indices.values()))).all(axis=0)
    return places, Market(days[first : last + 1], is_traded, forward)


@dataclass(frozen=True)
class Signal:
    """One signal of one subject along the market's sessions (n,): code -1 where it is not known, 0 where it says nothing; the
    rate cycle of each session, 0 where there is none."""

    names: list[str]
    codes: NDArray[np.int64]
    cycles: NDArray[np.int64]

    @cached_property
    def history(self) -> slice:
        """From the first session on which it is known to the last."""
        known = np.flatnonzero(self.codes >= 0)
        return slice(int(known[0]), int(known[-1]) + 1)

    def has(self, label: str) -> NDArray[np.bool_]:
        """Sessions of the history with the label."""
        return np.asarray(self.codes[self.history] == self.names.index(label) + 1)

    def spells(self, label: str) -> list[tuple[int, int]]:
        """Its spells as places in the history, ends excluded."""
        edges = np.diff(np.concatenate([[0], self.has(label).astype(int), [0]]))
        return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))

    def clusters(self, label: str, horizon: int) -> list[list[tuple[int, int]]]:
        """Spells in groups: one follows within a horizon of another, or in the same rate cycle."""
        found: list[list[tuple[int, int]]] = []
        cycle = self.cycles[self.history]
        for start, end in self.spells(label):
            before = found[-1][-1] if found else None
            together = before is not None and (
                start - before[1] < horizon or (cycle[start] > 0 and cycle[start] == cycle[before[0]])
            )
            if together:
                found[-1].append((start, end))
            else:
                found.append([(start, end)])
        return found


def signals_of(home: Home) -> tuple[Market, dict[Key, Signal]]:
    """The market and every signal of a data directory."""
    with warehouse(home) as connection:
        places, market = forward_returns(connection)
    with published(home) as release:
        rows = release.execute(LABELS).fetchall()
    found: dict[Key, Signal] = {}
    moves: dict[Key, tuple[int, float]] = {}
    for signal, subject, session, label, move in rows:
        key = (signal, subject)
        one = found.setdefault(key, Signal([], np.full(len(places), -1), np.zeros(len(places), dtype=int)))
        if move is not None:
            cycle, before = moves.get(key, (1, move))
            moves[key] = (cycle + (move > 0 > before), move)
        if session not in places or not market.is_traded[places[session]]:
            continue
        if label is not None and label not in one.names:
            one.names.append(label)
        one.codes[places[session]] = 0 if label is None else one.names.index(label) + 1
        one.cycles[places[session]] = moves[key][0] if move is not None else 0
    return market, found


def facts(market: Market, signal: Signal, label: str, horizon: int, target: str) -> dict[str, float]:
    """What a row of the scorecard counts and averages."""
    returns = market.forward[horizon, target][signal.history]
    known = ~np.isnan(returns)
    mine, rest = signal.has(label) & known, ~signal.has(label) & known
    sums = np.concatenate([[0], mine.cumsum()])
    window = min(504, mine.size)
    return {
        "sessions": int(mine.sum()),
        "rest_sessions": int(rest.sum()),
        "spells": sum(mine[start:end].any() for start, end in signal.spells(label)),
        "clusters": sum(any(mine[start:end].any() for start, end in group) for group in signal.clusters(label, horizon)),
        "mean_return": returns[mine].mean(),
        "median_return": float(np.median(returns[mine])),
        "hit_rate": (returns[mine] > ROUNDING).mean(),
        "rest_return": returns[rest].mean(),
        "rest_hit_rate": (returns[rest] > ROUNDING).mean(),
        "difference": returns[mine].mean() - returns[rest].mean(),
        "busiest_two_years_share": max(sums[i + window] - sums[i] for i in range(mine.size - window + 1)) / mine.sum(),
    }


def shift_steps(lengths: list[int], length: int) -> NDArray[np.int64]:
    """Evenly spaced shifts of a history, the same fractions of each that is tested, none within the longest horizon of zero."""
    margin = (max(HORIZONS) + 1) / min(one for one in lengths if one >= LEAST_HISTORY)
    fractions = [margin + (1 - 2 * margin) * (k + 0.5) / SHIFTS for k in range(SHIFTS)]
    return np.array([round(fraction * length) for fraction in fractions])


def facts_of_era(market: Market, signal: Signal, label: str, horizon: int, target: str, first: date, last: date) -> tuple:  # type: ignore[type-arg]
    """Sessions, mean and the rest's mean (None without a rest) of the label in an era."""
    returns = market.forward[horizon, target][signal.history]
    inside = np.array([first <= day <= last for day in market.days[signal.history]]) & ~np.isnan(returns)
    mine, rest = signal.has(label) & inside, ~signal.has(label) & inside
    return int(mine.sum()), returns[mine].mean() if mine.any() else None, returns[rest].mean() if rest.any() else None


def forecast_of(market: Market, signal: Signal, horizon: int, target: str) -> tuple[int, float, float, float] | None:
    """Sessions, out-of-sample R², Clark and West's statistic and its p-value, by pandas and statsmodels."""
    returns = pd.Series(market.forward[horizon, target][signal.history])
    codes = pd.Series(signal.codes[signal.history]).clip(lower=0)
    lag = horizon + ENTRY

    def mean_so_far(values: pd.Series) -> pd.Series:
        """The mean of what was known at each session."""
        return values.shift(lag).expanding().mean()

    mean, seen = mean_so_far(returns), returns.shift(lag).expanding().count()
    own = pd.Series(NAN, index=returns.index)
    for code in codes.unique():
        own[codes == code] = mean_so_far(returns.where(codes == code))[codes == code]
    own = own.fillna(mean)
    use = returns.notna() & (seen >= LEAST_TRAINING)
    if use.sum() <= lag:
        return None
    to_mean, to_own = (returns - mean)[use], (returns - own)[use]
    gain = (to_mean**2 - to_own**2 + (mean - own)[use] ** 2).to_numpy()
    fitted = OLS(gain, np.ones(gain.size)).fit(cov_type="HAC", cov_kwds={"maxlags": horizon, "use_correction": False})
    statistic = float(fitted.tvalues[0])
    return gain.size, 1 - float((to_own**2).sum() / (to_mean**2).sum()), statistic, float(norm.sf(statistic))


def studentised(market: Market, signal: Signal, label: str, horizon: int, target: str, shift: int) -> tuple[float, float]:
    """The difference at a shift and its standard error, session by session."""
    returns = np.roll(market.forward[horizon, target][signal.history], -shift)
    known = ~np.isnan(returns)
    has = signal.has(label)
    mine, rest = has & known, ~has & known
    mean, rest_mean = returns[mine].mean(), returns[rest].mean()
    influence = np.zeros(returns.size)
    influence[mine] = (returns[mine] - mean) / mine.sum()
    influence[rest] = -(returns[rest] - rest_mean) / rest.sum()
    starts = [group[0][0] for group in signal.clusters(label, horizon)]
    cells = [influence[a:b].sum() for a, b in zip(starts, [*starts[1:], returns.size], strict=True)]
    cells[-1] += influence[: starts[0]].sum()  # before the first cluster is after the last one
    return mean - rest_mean, float(np.sqrt(len(cells) / (len(cells) - 1) * np.square(cells).sum()))


def shifted_statistics(market: Market, signal: Signal, label: str, horizon: int, target: str) -> tuple[Floats, Floats]:
    """The difference, and the difference over its standard error, once all labels are moved by each number of sessions
    (history,), by Fourier transforms of every cell: a cluster and the rest up to the next."""
    returns = market.forward[horizon, target][signal.history]
    known = ~np.isnan(returns)
    has = signal.has(label)
    starts = [group[0][0] for group in signal.clusters(label, horizon)]
    cell = np.searchsorted(starts, np.arange(returns.size), side="right") - 1
    cell[cell < 0] = len(starts) - 1  # before the first cluster is after the last one
    in_cell = cell == np.arange(len(starts))[:, None]

    def moved(where: NDArray[np.bool_], values: Floats) -> Floats:
        return np.fft.irfft(np.conj(np.fft.rfft(where, axis=1)) * np.fft.rfft(values), returns.size, axis=1)

    filled, ones = np.nan_to_num(returns), known.astype(float)
    total, number = moved(in_cell & has, filled), np.round(moved(in_cell & has, ones))
    rest_total, rest_number = moved(in_cell & ~has, filled), np.round(moved(in_cell & ~has, ones))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, rest = total.sum(axis=0) / number.sum(axis=0), rest_total.sum(axis=0) / rest_number.sum(axis=0)
        influence = (total - mean * number) / number.sum(axis=0) - (rest_total - rest * rest_number) / rest_number.sum(axis=0)
        return mean - rest, np.asarray(
            (mean - rest) / np.sqrt(len(starts) / (len(starts) - 1) * np.square(influence).sum(axis=0))
        )


@dataclass(frozen=True)
class Tested:
    """The size of a row's statistic as it is and at each joint shift (shifts,), nan where it has no error; its standard error."""

    statistic: float
    at_shifts: Floats
    error: float
    rarity: float
    """The share of shifts at which the difference itself is as large."""

    @property
    def shifted(self) -> Floats:
        """Where it is known."""
        return self.at_shifts[np.isfinite(self.at_shifts)]

    @property
    def p_value(self) -> float:
        """The share of shifts at which it is as large, the labels as they are among them."""
        return float((1 + (self.shifted >= self.statistic - 1e-12).sum()) / (1 + self.shifted.size))

    @property
    def critical(self) -> float:
        """As many are larger as a p-value of 5 % allows."""
        allowed = int((1 - COVERAGE) * (1 + self.shifted.size) + 1e-9) - 1
        return float(np.sort(self.shifted)[::-1][allowed])

    @property
    def detectable(self) -> float:
        """The critical value and what chance takes away with a probability of 20 %, in the unit of the difference."""
        both_signs = np.concatenate([self.shifted, -self.shifted])
        return (self.critical + float(np.quantile(both_signs, POWER))) * self.error


def tested(market: Market, signal: Signal, lengths: list[int], label: str, horizon: int, target: str) -> Tested:
    """The test of a row; `lengths`: of the histories of all signals."""
    differences, at_each = (np.abs(one) for one in shifted_statistics(market, signal, label, horizon, target))
    _, error = studentised(market, signal, label, horizon, target, 0)
    steps = shift_steps(lengths, at_each.size) % at_each.size
    known = differences[steps][np.isfinite(differences[steps])]
    rarity = float((1 + (known >= differences[0] - 1e-12).sum()) / (1 + known.size))
    return Tested(float(at_each[0]), at_each[steps], error, rarity)


def family_p_values(rows: list[Tested]) -> list[float]:
    """Westfall and Young's, step by step; never below the row's own, nor below the rarity of its difference."""
    observed = np.array([row.statistic for row in rows])
    null = np.nan_to_num(np.array([row.at_shifts for row in rows]), posinf=0.0)
    found, floor = np.empty(observed.size), 0.0
    for rank in np.argsort(-observed, kind="stable"):
        largest = null[observed <= observed[rank]].max(axis=0)
        floor = max(floor, (1 + (largest >= observed[rank] - 1e-12).sum()) / (1 + SHIFTS))
        found[rank] = max(floor, rows[rank].p_value, rows[rank].rarity)
    return found.tolist()

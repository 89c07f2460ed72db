"""An independent implementation of the scorecard from its description: raw bars, published labels, and numpy."""

from dataclasses import dataclass
from functools import cached_property

import duckdb
import numpy as np
from numpy.typing import NDArray

from tests.pipeline.homes import FUNDS, Home, published, warehouse
from tests.pipeline.recomputation import NAN, Floats, calendar, fund_path

HORIZONS = (21, 63, 126, 252)
TARGETS = ("SPY", "IWM", "QQQ", "IWM - SPY")
# Rounding noise in the return of an unchanged price.
ROUNDING = 1e-12
Key = tuple[str, str]
LABELS = """
    select 'regime' as signal, pair as subject, session, regime as label from regime_daily where regime is not null
    union all select 'trend_break', pair, session, trend_break from ratio_daily where channel_high is not null
    union all select 'breadth', 'IWM, SPY, QQQ', session, breadth from breadth_daily where breadth is not null
    union all select 'rate_regime', 'Fed funds target', session, rate_regime from rate_regime_daily
    union all select 'cycle_phase', 'rate cycle and IWM/SPY', session, cycle_phase from cycle_phase_daily
    order by session
"""


@dataclass(frozen=True)
class Market:
    """Every session from the first bar to the last (n,): its number in the calendar, and the forward returns."""

    numbers: NDArray[np.int64]
    is_traded: NDArray[np.bool_]
    forward: dict[tuple[int, str], Floats]


def forward_returns(connection: duckdb.DuckDBPyConnection) -> tuple[dict, Market]:  # type: ignore[type-arg]
    """The position of each session, and the market, from raw bars and actions."""
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
            later = np.concatenate([index[horizon:], np.full(horizon, NAN)])
            forward[horizon, fund] = later / index - 1
        forward[horizon, "IWM - SPY"] = forward[horizon, "IWM"] - forward[horizon, "SPY"]
    is_traded = ~np.isnan(np.vstack(list(indices.values()))).all(axis=0)
    return places, Market(np.arange(first + 1, last + 2), is_traded, forward)


@dataclass(frozen=True)
class Signal:
    """One signal of one subject by session (n,): code -1 where it is unknown, 0 where it has no label."""

    names: list[str]
    codes: NDArray[np.int64]

    @cached_property
    def spells(self) -> NDArray[np.int64]:
        """The number of the spell of each session (n,)."""
        return np.cumsum(np.diff(self.codes, prepend=-2) != 0)

    @cached_property
    def history(self) -> slice:
        """The sessions from the first to the last known one."""
        known = np.flatnonzero(self.codes >= 0)
        return slice(int(known[0]), int(known[-1]) + 1)

    def coded(self, label: str) -> NDArray[np.bool_]:
        """Sessions with the label (n,)."""
        return self.codes == self.names.index(label) + 1


def signals_of(home: Home) -> tuple[Market, dict[Key, Signal]]:
    """The market and every signal of a data directory."""
    with warehouse(home) as connection:
        places, market = forward_returns(connection)
    with published(home) as release:
        rows = release.execute(LABELS).fetchall()
    found: dict[Key, Signal] = {}
    for signal, subject, session, label in rows:
        one = found.setdefault((signal, subject), Signal([], np.full(len(places), -1)))
        if session not in places or not market.is_traded[places[session]]:
            continue
        if label is not None and label not in one.names:
            one.names.append(label)
        one.codes[places[session]] = 0 if label is None else one.names.index(label) + 1
    return market, found


def facts(market: Market, signal: Signal, label: str, horizon: int, target: str) -> dict[str, float]:
    """The counts and means of a row of the scorecard."""
    returns = market.forward[horizon, target]
    is_known = (signal.codes >= 0) & ~np.isnan(returns)
    mine = is_known & signal.coded(label)
    _, first = np.unique(signal.spells[mine], return_index=True)
    begins = market.numbers[mine][first]
    mean, base = returns[mine].mean(), returns[is_known].mean()
    return {
        "sessions": int(mine.sum()),
        "spells": begins.size,
        "independent_spells": np.unique(begins // horizon).size,
        "mean_return": mean,
        "median_return": float(np.median(returns[mine])),
        "hit_rate": (returns[mine] > ROUNDING).mean(),
        "base_return": base,
        "base_hit_rate": (returns[is_known] > ROUNDING).mean(),
        "difference": mean - base,
    }


def shifted_means(market: Market, signal: Signal, label: str, horizon: int, target: str) -> Floats:
    """Mean forward return of the label's sessions for each circular shift of all labels (history,)."""
    returns = market.forward[horizon, target][signal.history]
    is_mine = np.conj(np.fft.rfft(signal.coded(label)[signal.history]))
    sums, counts = (
        np.fft.irfft(is_mine * np.fft.rfft(values), returns.size) for values in (np.nan_to_num(returns), ~np.isnan(returns))
    )
    counts = np.round(counts)
    return np.asarray(np.divide(sums, counts, out=np.full(returns.size, NAN), where=counts > 0))


class Resamples:
    """Draws of whole spells within their label; targets and horizons with the same number of spells share them."""

    def __init__(self, draws: int, seed: int) -> None:
        self._draws = draws
        self._random = np.random.default_rng(seed)
        self._times: dict[int, Floats] = {}

    def times(self, spells: int) -> Floats:
        """How often each draw contains each spell (draws, spells)."""
        if spells not in self._times:
            each = np.full(spells, 1 / spells)
            self._times[spells] = self._random.multinomial(spells, each, size=self._draws).astype(float)
        return self._times[spells]

    def differences(self, market: Market, signal: Signal, horizon: int, target: str) -> dict[str, Floats]:
        """The difference from the base rate in each draw, per label (draws,)."""
        returns = market.forward[horizon, target]
        is_known = (signal.codes >= 0) & ~np.isnan(returns)
        sums, counts = {}, {}
        for code, name in enumerate(["", *signal.names]):
            mine = is_known & (signal.codes == code)
            if mine.any():
                _, place = np.unique(signal.spells[mine], return_inverse=True)
                # Two labels with the same number of spells must not have the same draws: they are shifted by label.
                times = np.roll(self.times(place.max() + 1), 101 * code, axis=0)
                sums[name] = times @ np.bincount(place, weights=returns[mine])
                counts[name] = times @ np.bincount(place)
        base = np.sum(list(sums.values()), axis=0) / np.sum(list(counts.values()), axis=0)
        return {name: sums[name] / counts[name] - base for name in sums if name}

"""The daily log prices of the three factors (large, small, technology) with the planted turns, advance and corrections.

The noise reverts to the planted paths: daily moves are as large as real ones, while every planted date keeps its meaning.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from orchestration.sample_market import truths
from orchestration.sample_market.streams import stream

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]

SESSIONS_A_YEAR = 252
FACTORS = ("large", "small", "technology")
_START_PRICE = {"large": 104.0, "small": 47.0, "technology": 29.0}
_LARGE_VOLATILITY = 0.0098
_SMALL_BETA, _SMALL_OWN = 0.15, 0.0060  # exposure to SPY's move, and own noise per session
_TECHNOLOGY_BETA, _TECHNOLOGY_OWN = 0.17, 0.0068
_TECHNOLOGY_DRIFT = 0.05 / SESSIONS_A_YEAR
# The share of its distance from the path that a price keeps from one session to the next.
_LARGE_MEMORY, _SMALL_MEMORY, _TECHNOLOGY_MEMORY = 0.965, 0.75, 0.98
_CALM, _FEAR = 0.45, 1.7
_RAMP_SESSIONS = 80


@dataclass(frozen=True)
class Paths:
    """Log closes by factor, one value per session, on the newest split basis, dividends not deducted."""

    sessions: Days
    log_close: dict[str, Floats]


def market_paths(sessions: Days, seed: int) -> Paths:
    """The factors' paths.

    Args:
        sessions: every session from `truths.FIRST_SESSION` on, in order (n,), as days.
    """
    market, calm = _market_noise(sessions, seed)
    large = np.log(_START_PRICE["large"]) + _large_plan(sessions) + hovering(market, _LARGE_MEMORY) * calm
    moves = np.diff(large - _large_plan(sessions), prepend=large[0])
    moves[0] = 0.0
    small_noise = _SMALL_BETA * moves + _SMALL_OWN * stream(seed, "small").standard_normal(sessions.size)
    technology_noise = _TECHNOLOGY_BETA * moves + _TECHNOLOGY_OWN * stream(seed, "technology").standard_normal(sessions.size)
    ratio = _ratio_plan(sessions) + hovering(small_noise * np.sqrt(calm), _SMALL_MEMORY)
    lead = np.arange(sessions.size) * _TECHNOLOGY_DRIFT + hovering(technology_noise, _TECHNOLOGY_MEMORY) * calm
    return Paths(
        sessions,
        {
            "large": large,
            "small": large + np.log(_START_PRICE["small"] / _START_PRICE["large"]) + ratio,
            "technology": large + np.log(_START_PRICE["technology"] / _START_PRICE["large"]) + lead,
        },
    )


def position(sessions: Days, day: date) -> int:
    """The position of the first session on or after a day."""
    return int(np.searchsorted(sessions, np.datetime64(day)))


def hovering(shocks: Floats, memory: float) -> Floats:
    """An AR(1) process (n,) with coefficient `memory`, starting at zero."""
    levels = np.empty_like(shocks)
    level = 0.0
    for i, shock in enumerate(shocks.tolist()):
        level = memory * level + shock
        levels[i] = level
    shifted: Floats = levels - levels[0]
    return shifted


def _ratio_plan(sessions: Days) -> Floats:
    """The planted log ratio small/large: linear between the turns, steeper in the narrow advance."""
    drift = np.zeros(sessions.size)
    for turn in truths.TURNS:
        drift[position(sessions, turn.session) :] = turn.drift if turn.label == "risk_on" else -turn.drift
    begin, end = (position(sessions, day) for day in truths.NARROW_ADVANCE)
    drift[begin : end + 1] = truths.RATIO_NARROW_DRIFT
    return np.cumsum(drift)


def _large_plan(sessions: Days) -> Floats:
    """The planted log price of the large companies: drift by label, the narrow advance, the corrections."""
    drift = np.zeros(sessions.size)
    for turn in truths.TURNS:
        late = 0 if turn.session == truths.FIRST_SESSION else truths.DRIFT_LAG
        drift[position(sessions, turn.session) + late :] = truths.SPY_DRIFT_A_YEAR[turn.label] / SESSIONS_A_YEAR
    begin, end = (position(sessions, day) for day in truths.NARROW_ADVANCE)
    drift[begin : end + 1] = truths.SPY_NARROW_DRIFT
    plan = np.cumsum(drift)
    for correction in truths.CORRECTIONS:
        places = [position(sessions, day) for day in (correction.peak, correction.trough, correction.recovery)]
        plan += np.interp(np.arange(sessions.size), places, [0.0, -correction.depth, 0.0])
    return plan


def _market_noise(sessions: Days, seed: int) -> tuple[Floats, Floats]:
    """Shocks with fat tails (n,), larger during a fall, and the factor that reduces them in the narrow advance (n,)."""
    shocks = stream(seed, "large").standard_t(7, sessions.size) * np.sqrt(5 / 7)
    fear = np.ones(sessions.size)
    for correction in truths.CORRECTIONS:
        fear[position(sessions, correction.peak) + 1 : position(sessions, correction.trough) + 1] = _FEAR
    begin, end = (position(sessions, day) for day in truths.NARROW_ADVANCE)
    calm = np.interp(
        np.arange(sessions.size), [begin - _RAMP_SESSIONS, begin, end, end + _RAMP_SESSIONS], [1.0, _CALM, _CALM, 1.0]
    )
    return shocks * fear * _LARGE_VOLATILITY, calm

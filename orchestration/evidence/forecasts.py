"""Does a label help to forecast, out of sample? Against the mean of everything known so far."""

from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np

from orchestration.evidence.histories import Floats, History


@dataclass(frozen=True)
class Forecast:
    """The out-of-sample R² of a signal's labels against the historical mean, and the p-value of Clark and West (2007)."""

    sessions: int
    r_squared: float
    clark_west: float
    p_value: float


def forecast(history: History, returns: Floats, horizon: int, *, entry: int, least_sessions: int) -> Forecast | None:
    """Forecast each session's forward return by the mean that followed the same label so far.

    Both means use only returns that were known at the session: those whose horizon had ended by then. A session without a label
    is a category of its own, and one whose label has not been seen gets the mean of all. The test statistic is the mean of
    (r - mean)² - (r - forecast)² + (mean - forecast)² over its Newey-West error, with the horizon as bandwidth; one-sided.

    Args:
        entry: sessions from a label to the start of its forward return.
        least_sessions: known returns before the first forecast.

    Returns:
        None where no forecast can be made.
    """
    known = np.isfinite(returns)
    values = np.where(known, returns, 0.0)
    lag = horizon + entry
    if history.length <= lag:
        return None
    mean_sum, mean_count = _before(values, lag), _before(known.astype(np.float64), lag)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = mean_sum / mean_count
    own = mean.copy()
    for code in range(-1, len(history.labels)):
        at = history.codes == code
        own_sum, own_count = _before(np.where(at, values, 0.0), lag), _before((at & known).astype(np.float64), lag)
        use = at & (own_count > 0)
        own[use] = own_sum[use] / own_count[use]
    use = known & (mean_count >= least_sessions)
    if np.count_nonzero(use) <= lag:
        return None
    error_mean, error_own = returns[use] - mean[use], returns[use] - own[use]
    gain = error_mean**2 - error_own**2 + (mean[use] - own[use]) ** 2
    statistic = float(gain.mean() / _newey_west(gain, horizon))
    return Forecast(
        sessions=int(use.sum()),
        r_squared=float(1 - (error_own**2).sum() / (error_mean**2).sum()),
        clark_west=statistic,
        p_value=0.5 * erfc(statistic / sqrt(2)) if np.isfinite(statistic) else float("nan"),
    )


def _before(values: Floats, lag: int) -> Floats:
    """Sums of everything at least `lag` sessions ago."""
    running = values.cumsum()
    found = np.zeros_like(running)
    found[lag:] = running[: running.size - lag]
    return found


def _newey_west(values: Floats, bandwidth: int) -> float:
    """The standard error of a mean with autocorrelated observations (Newey and West 1987, Bartlett weights)."""
    centred = values - values.mean()
    size = values.size
    variance = float(centred @ centred)
    for lag in range(1, min(bandwidth, size - 1) + 1):
        variance += 2 * (1 - lag / (bandwidth + 1)) * float(centred[lag:] @ centred[:-lag])
    return sqrt(variance) / size if variance > 0 else float("nan")

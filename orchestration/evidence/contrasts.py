"""What followed a label against what followed the rest of its signal's history, and the same for labels that are shifted in time.

A circular shift moves all labels of a signal along its history, the last ones coming round to its start: they keep their lengths,
order and clustering, and lose their relation to returns. The differences at many shifts are the distribution of the difference
where labels say nothing.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from orchestration.evidence.histories import Flags, Floats, History, Integers, Label


@dataclass(frozen=True)
class Contrast:
    """One label at one horizon for one target.

    Attributes:
        difference: mean forward return of the label minus that of the rest, all other sessions of the history.
        shifted: the same at each shift.
        error: standard error of the difference over clusters; NaN with fewer than two.
        shifted_error: the same at each shift.
    """

    mean: float
    rest_mean: float
    median: float
    hit_rate: float
    rest_hit_rate: float
    sessions: int
    rest_sessions: int
    difference: float
    shifted: Floats
    error: float
    shifted_error: Floats
    clusters: int

    @property
    def statistic(self) -> float:
        """The difference over its standard error; NaN where there is no error."""
        return self.difference / self.error if self.error > 0 else float("nan")

    @cached_property
    def shifted_statistics(self) -> Floats:
        """The same at each shift; NaN where there is no error."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.shifted_error > 0, self.shifted / self.shifted_error, np.nan)


def shift_fractions(count: int, lengths: list[int], longest_horizon: int) -> Floats:
    """Evenly spaced shifts as fractions of a history, the same for all histories; none is within one horizon of no shift.

    Raises:
        ValueError: a history is not longer than two horizons.
    """
    margin = (longest_horizon + 1) / min(lengths)
    if margin >= 0.5:
        raise ValueError(f"a history of {min(lengths)} sessions is too short to be shifted by more than {longest_horizon}")
    return margin + (1 - 2 * margin) * (np.arange(count) + 0.5) / count


def steps(fractions: Floats, length: int) -> Integers:
    """Shifts in sessions, of a history of so many."""
    return np.rint(fractions * length).astype(np.int64) % length


def contrast(history: History, label: Label, returns: Floats, horizon: int, shifts: Integers) -> Contrast | None:
    """The label's difference and its distribution under shifts; None where a side has no known return.

    Args:
        returns: forward returns on the history's sessions, NaN where not known.
        shifts: in sessions.
    """
    known = np.isfinite(returns)
    has_label = label.indicator(history.length)
    inside, outside = returns[has_label & known], returns[~has_label & known]
    if not inside.size or not outside.size:
        return None
    values = np.where(known, returns, 0.0)
    clusters = label.cluster_starts(horizon)
    observed = _differences(values, known, label, clusters, np.zeros(1, dtype=np.int64))
    at_shifts = _differences(values, known, label, clusters, shifts)
    return Contrast(
        mean=float(inside.mean()),
        rest_mean=float(outside.mean()),
        median=float(np.median(inside)),
        hit_rate=float((inside > 0).mean()),
        rest_hit_rate=float((outside > 0).mean()),
        sessions=inside.size,
        rest_sessions=outside.size,
        difference=float(observed[0][0]),
        shifted=at_shifts[0],
        error=float(observed[1][0]),
        shifted_error=at_shifts[1],
        clusters=int(_with_known(known, label, clusters)),
    )


def _with_known(known: Flags, label: Label, clusters: Integers) -> int:
    """Clusters of which a return is known."""
    of_cluster = np.searchsorted(clusters, label.starts, side="right") - 1
    sums = np.concatenate([[0], known.cumsum()])
    return np.unique(of_cluster[sums[label.ends] > sums[label.starts]]).size


def _differences(values: Floats, known: Flags, label: Label, clusters: Integers, shifts: Integers) -> tuple[Floats, Floats]:
    """The difference and its standard error at each shift.

    The error is that of two means over cells, each one cluster of the label with the rest up to the next: the sum of the
    influences of a cell's sessions is one observation (linearised, with the factor c / (c - 1) for c cells).
    """
    sums, counts = _running(values), _running(known.astype(np.float64))
    cell_of_spell = np.searchsorted(clusters, label.starts, side="right") - 1
    first_spells = np.flatnonzero(np.diff(cell_of_spell, prepend=-1))
    cell_sum, cell_count = (
        np.add.reduceat(_over(running, label.starts, label.ends, shifts), first_spells, axis=0) for running in (sums, counts)
    )
    # A cell ends where the next begins; the last one comes round to the first.
    ends = np.concatenate([clusters[1:], [clusters[0] + values.size]])
    rest_sum = _over(sums, clusters, ends, shifts) - cell_sum
    rest_count = _over(counts, clusters, ends, shifts) - cell_count
    with np.errstate(invalid="ignore", divide="ignore"):
        inside, outside = cell_count.sum(axis=0), rest_count.sum(axis=0)
        mean, rest_mean = cell_sum.sum(axis=0) / inside, rest_sum.sum(axis=0) / outside
        influence = (cell_sum - mean * cell_count) / inside - (rest_sum - rest_mean * rest_count) / outside
        count = clusters.size
        factor = count / (count - 1) if count > 1 else np.nan
        return mean - rest_mean, np.sqrt(factor * (influence**2).sum(axis=0))


def _running(values: Floats) -> Floats:
    """Sums up to each position of the history laid twice end to end, so that a range may come round."""
    return np.concatenate([[0.0], np.concatenate([values, values]).cumsum()])


def _over(running: Floats, starts: Integers, ends: Integers, shifts: Integers) -> Floats:
    """Sums over ranges that are shifted: one row per range, one column per shift."""
    length = (running.size - 1) // 2
    begin = (starts[:, None] + shifts[None, :]) % length
    return running[begin + (ends - starts)[:, None]] - running[begin]  # type: ignore[no-any-return]

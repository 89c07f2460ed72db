"""P-values of one row and of a family of rows, from the same joint shifts."""

from math import ceil

import numpy as np

from orchestration.evidence.histories import Floats

# A hair of rounding is a tie.
_TIE = 1e-12


def p_value(statistic: float, shifted: Floats) -> float:
    """The share of shifts whose statistic is at least as large, the labels as they are among them (two-sided).

    Args:
        statistic: the difference over its standard error, or the difference itself.
        shifted: the same at each shift; NaN where it is not known.

    Returns:
        NaN where the statistic is not known.
    """
    if not np.isfinite(statistic):
        return float("nan")
    known = shifted[np.isfinite(shifted)]
    return float((1 + np.count_nonzero(np.abs(known) >= abs(statistic) - _TIE)) / (1 + known.size))


def critical_value(shifted: Floats, coverage: float) -> float:
    """The size beyond which a statistic has a p-value of at most 1 - coverage; NaN where there are too few shifts for one.

    An order statistic and no interpolation: an interval of so many standard errors excludes zero where, and only where, the
    p-value is that small.
    """
    known = np.abs(shifted[np.isfinite(shifted)])
    place = ceil(coverage * (known.size + 1) - _TIE * known.size) - 1
    return float(np.partition(known, place)[place]) if place < known.size else float("nan")


def detectable(shifted: Floats, coverage: float, power: float) -> float:
    """The effect in standard errors that is found with this probability at a p-value of 1 - coverage.

    A statistic is found where the effect and what it is by chance exceed the critical value. By chance it is as at the shifts,
    either sign alike: it lies above minus the (2 power - 1) quantile of its size with the probability `power`.
    """
    known = np.abs(shifted[np.isfinite(shifted)])
    return critical_value(shifted, coverage) + float(np.quantile(known, 2 * power - 1)) if known.size else float("nan")


def family_p_values(statistics: Floats, shifted: Floats) -> Floats:
    """P-values adjusted for the whole family: the step-down maxT method of Westfall and Young (1993, algorithm 4.1).

    The shifts are joint, so that the dependence between rows is kept. The statistic is that of `p_value`: the difference over its
    own standard error at every shift. With the standard deviation across shifts in its place the test rejects twice as often as
    it should (docs/EVIDENCE.md).

    Args:
        statistics: one per row.
        shifted: rows by shifts; NaN counts as no difference.

    Returns:
        One per row: the probability that labels which say nothing give a statistic this large anywhere among the rows that are
        not larger.
    """
    if not statistics.size:
        return statistics
    observed, null = np.nan_to_num(np.abs(statistics)), np.nan_to_num(np.abs(shifted), posinf=0.0)
    order = np.argsort(-observed, kind="stable")
    # The largest of each row and those behind it in the order.
    largest = np.maximum.accumulate(null[order][::-1], axis=0)[::-1]
    exceed = (largest >= observed[order][:, None] - _TIE).sum(axis=1)
    stepped = np.maximum.accumulate((1 + exceed) / (1 + shifted.shape[1]))
    adjusted = np.empty_like(stepped)
    adjusted[order] = stepped
    return adjusted


def benjamini_yekutieli(p_values: Floats) -> Floats:
    """False discovery rates under any dependence (Benjamini and Yekutieli 2001)."""
    count = p_values.size
    if not count:
        return p_values
    order = np.argsort(p_values, kind="stable")
    penalty = (1 / np.arange(1, count + 1)).sum()
    raw = p_values[order] * count * penalty / np.arange(1, count + 1)
    monotone = np.minimum.accumulate(raw[::-1])[::-1]
    adjusted = np.empty_like(monotone)
    adjusted[order] = np.minimum(monotone, 1.0)
    return adjusted

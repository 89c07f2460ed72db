"""The statistics of every label of every signal: frames in, one frame out. Verdicts are given in SQL."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from orchestration.evidence.contrasts import Contrast, contrast, shift_fractions, steps
from orchestration.evidence.families import benjamini_yekutieli, critical_value, detectable, family_p_values, p_value
from orchestration.evidence.forecasts import forecast
from orchestration.evidence.histories import Flags, Floats, History, all_returns, histories

_YEARS_BUSIEST = 2
_POWER = 0.8
_LEAST_FOR_ERROR = 2
STATISTICS: dict[str, type[pl.DataType]] = {
    "signal": pl.String, "subject": pl.String, "label": pl.String, "horizon": pl.Int64, "target": pl.String, "family": pl.String,
    "history": pl.Int64, "first_no": pl.Int64, "last_no": pl.Int64, "sessions": pl.Int64, "rest_sessions": pl.Int64,
    "spells": pl.Int64, "clusters": pl.Int64, "mean_return": pl.Float64, "median_return": pl.Float64, "hit_rate": pl.Float64,
    "rest_return": pl.Float64, "rest_hit_rate": pl.Float64, "difference": pl.Float64, "interval_low": pl.Float64,
    "interval_high": pl.Float64, "p_value": pl.Float64, "p_family": pl.Float64, "q_value": pl.Float64,
    "min_detectable": pl.Float64, "busiest_two_years_share": pl.Float64,
}  # fmt: skip
FORECASTS: dict[str, type[pl.DataType]] = {
    "signal": pl.String, "subject": pl.String, "horizon": pl.Int64, "target": pl.String, "sessions": pl.Int64,
    "r_squared": pl.Float64, "clark_west": pl.Float64, "p_value": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class Method:
    """The parameters of `seeds/signal_parameters.csv`, signal `scorecard`.

    Attributes:
        shifts: circular shifts behind a p-value and an interval.
        coverage: share of the differences under shifts that an interval covers.
        least_clusters: clusters below which there is no interval.
        entry: sessions from a label to the start of its forward return.
        sessions_a_year: for the busiest years.
        least_training: known returns before the first forecast.
        least_history: sessions of a signal's history below which its labels cannot be shifted far enough to be tested.
    """

    shifts: int
    coverage: float
    least_clusters: int
    entry: int
    sessions_a_year: int
    least_training: int
    least_history: int

    @classmethod
    def of(cls, parameters: dict[str, float]) -> "Method":
        """From the seed's values by name."""
        return cls(
            shifts=int(parameters["shifts"]),
            coverage=parameters["coverage"],
            least_clusters=int(parameters["least_clusters"]),
            entry=int(parameters["entry_sessions"]),
            sessions_a_year=int(parameters["sessions_a_year"]),
            least_training=int(parameters["least_training"]),
            least_history=int(parameters["least_history"]),
        )


def statistics(labels: pl.DataFrame, returns: pl.DataFrame, claims: pl.DataFrame, method: Method) -> pl.DataFrame:
    """One row per signal, subject, label, horizon and target, with the columns of `STATISTICS`.

    P-value, interval, `p_family` and `min_detectable` rest on one statistic, the difference over its standard error; `p_family`
    is never below the share of shifts at which the difference itself is as large. A row with one cluster has no error and none
    of them. A row with fewer clusters than `least_clusters` has a p-value alone, and is not part of its family's correction.
    A signal whose history is shorter than `least_history` is not tested: its rows have counts and means alone, and the shifts
    of the other signals do not depend on it.

    Args:
        labels: signal, subject, session_no, label, spell_no, cycle_no; one row per signal, subject and session.
        returns: target, horizon, session_no, forward_return.
        claims: signal, subject, label, target, family; rows without one are of the family `exploratory`.
        method: the parameters.
    """
    rows, observed, shifted, plain = [], [], [], []
    for row, found in _contrasts(labels, returns, method):
        rows.append(row)
        is_judged = row["p_value"] is not None and found.clusters >= method.least_clusters
        observed.append(found.statistic if is_judged else np.nan)
        shifted.append(found.shifted_statistics)
        plain.append(p_value(found.difference, found.shifted))
    if not rows:
        return pl.DataFrame(schema=STATISTICS)
    frame = pl.DataFrame(rows, infer_schema_length=None).join(
        claims, on=["signal", "subject", "label", "target"], how="left", maintain_order="left"
    )
    frame = frame.with_columns(pl.col("family").fill_null("exploratory"))
    score, joint, alone = np.array(observed), np.array(shifted), frame["p_value"].cast(pl.Float64).to_numpy()
    p_family, q_value = np.full(frame.height, np.nan), np.full(frame.height, np.nan)
    for family in frame["family"].unique():
        own = (frame["family"] == family).to_numpy()
        judged, tested = own & np.isfinite(score), own & np.isfinite(alone)
        # A standard error that is small by chance makes a row look better than its difference is rare.
        at_least = np.maximum(alone[judged], np.array(plain)[judged])
        p_family[judged] = np.maximum(family_p_values(score[judged], joint[judged]), at_least)
        q_value[tested] = benjamini_yekutieli(alone[tested])
    return frame.with_columns(p_family=pl.Series(p_family).fill_nan(None), q_value=pl.Series(q_value).fill_nan(None)).select(
        pl.col(name).cast(kind) for name, kind in STATISTICS.items()
    )


def forecasts(labels: pl.DataFrame, returns: pl.DataFrame, method: Method) -> pl.DataFrame:
    """One row per signal, subject, horizon and target that can be forecast, with the columns of `FORECASTS`.

    Args:
        labels, returns, method: as for `statistics`.
    """
    rows = []
    for history in histories(labels):
        for one in all_returns(returns):
            values = one.over(history)
            found = forecast(history, values, one.horizon, entry=method.entry, least_sessions=method.least_training)
            if found:
                rows.append((history.signal, history.subject, one.horizon, one.target, *vars(found).values()))
    return pl.DataFrame(rows, schema=FORECASTS, orient="row").with_columns(pl.col(pl.Float64).fill_nan(None))


def _contrasts(labels: pl.DataFrame, returns: pl.DataFrame, method: Method) -> Iterator[tuple[dict[str, Any], Contrast]]:
    signals, every = list(histories(labels)), all_returns(returns)
    tested = [one.length for one in signals if one.length >= method.least_history]
    fractions = shift_fractions(method.shifts, tested, max(one.horizon for one in every)) if tested and every else np.empty(0)
    for history in signals:
        shifts = steps(fractions, history.length)
        for one in every:
            values = one.over(history)
            for label in history.labels:
                if found := contrast(history, label, values, one.horizon, shifts):
                    yield _row(history, label.name, one.target, one.horizon, values, found, method), found


def _row(
    history: History, name: str, target: str, horizon: int, values: Floats, found: Contrast, method: Method
) -> dict[str, Any]:
    label = next(label for label in history.labels if label.name == name)
    used = label.indicator(history.length) & np.isfinite(values)
    difference = found.mean - found.rest_mean
    # One cluster has no error.
    is_tested = history.length >= method.least_history and found.clusters >= _LEAST_FOR_ERROR
    shifted = found.shifted_statistics if is_tested else np.empty(0)
    half_width = detectable_difference = np.nan
    if found.clusters >= method.least_clusters:
        half_width = critical_value(shifted, method.coverage) * found.error
        detectable_difference = detectable(shifted, method.coverage, _POWER) * found.error
    return {
        "signal": history.signal,
        "subject": history.subject,
        "label": name,
        "horizon": horizon,
        "target": target,
        "history": history.length,
        "first_no": history.first_no + int(np.flatnonzero(used)[0]),
        "last_no": history.first_no + int(np.flatnonzero(used)[-1]),
        "sessions": found.sessions,
        "rest_sessions": found.rest_sessions,
        "spells": _spells(used, label.starts, label.ends),
        "clusters": found.clusters,
        "mean_return": found.mean,
        "median_return": found.median,
        "hit_rate": found.hit_rate,
        "rest_return": found.rest_mean,
        "rest_hit_rate": found.rest_hit_rate,
        "difference": difference,
        "interval_low": _known(difference - half_width),
        "interval_high": _known(difference + half_width),
        "p_value": _known(p_value(found.statistic if is_tested else np.nan, shifted)),
        "min_detectable": _known(detectable_difference),
        "busiest_two_years_share": _busiest_share(used, _YEARS_BUSIEST * method.sessions_a_year),
    }


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _spells(used: Flags, starts: Any, ends: Any) -> int:
    """Spells of which a return is known."""
    sums = np.concatenate([[0], used.cumsum()])
    return int(np.count_nonzero(sums[ends] > sums[starts]))


def _busiest_share(used: Flags, window: int) -> float:
    """The largest share of the label's sessions within so many consecutive sessions of the history."""
    sums = np.concatenate([[0], used.cumsum()])
    width = min(window, used.size)
    return float((sums[width:] - sums[:-width]).max() / sums[-1])

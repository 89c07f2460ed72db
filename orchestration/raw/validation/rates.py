"""Is a rates document plausible? Held against itself, against what is known of its series, and against the other series.

The target range is 0.25 points wide and holds the effective rate: three series that cannot all be wrong in the same way.
"""

from collections.abc import Iterator
from datetime import date, datetime

import polars as pl

from orchestration.raw.validation.rules import Finding
from orchestration.raw.validation.verdict import Verdict, quarantine_rows

EFFECTIVE, UPPER, LOWER, TARGET = "DFF", "DFEDTARU", "DFEDTARL", "DFEDTAR"
# Beside each limit: what 70 years of these series show.
LOWEST_RATE, HIGHEST_RATE = -1.0, 25.0  # 0.04 to 22.36 %
LARGEST_STEP = 1.0  # 1.00, on 2020-03-16
RANGE_WIDTH = 0.25
BELOW_LOWER, ABOVE_UPPER, OFF_TARGET = 0.15, 0.10, 1.0  # 0.10, 0.05; 1.81, and above 1.00 on 0.3 % of days
DISAGREEING_SHARE = 0.05
FRACTION_BELOW, LONG_SERIES = 0.2, 3650
FEW_ROWS, FEW_SHARE = 3, 0.01
FEWEST_TO_COMPARE = 20
_FIRST_DATE = date(1950, 1, 1)


def judge_rates(
    rows: dict[str, pl.DataFrame], *, series: str, retrieved_at: datetime, known: pl.DataFrame, others: pl.DataFrame
) -> Verdict:
    """Judge one series.

    Args:
        rows: `rates` with `_line` and `_content`; percent a year.
        known: date and value as known before the document.
        others: series, date, value of the other series.
    """
    rates = rows["rates"].sort("date").with_columns(step=pl.col("value").diff().abs())
    quarantined = _implausible_rows(rates, series, retrieved_at)
    plausible = rates.filter(~pl.col("_line").is_in(quarantined["line"].implode()).fill_null(False))
    findings = list(_document_findings(rates, plausible, quarantined, series, others))
    contradicts = None
    compared = plausible.join(known.rename({"value": "known"}), on="date", how="inner").drop_nulls(["value", "known"])
    changed = compared.filter((pl.col("value") - pl.col("known")).abs() > 1e-9)
    if changed.height > max(FEW_ROWS, FEW_SHARE * compared.height):
        worst = changed.sort((pl.col("value") - pl.col("known")).abs()).row(-1, named=True)
        reason = f"{changed.height} of {compared.height} known rates change, such as {worst['date']} from {worst['known']:g} to {worst['value']:g}"
        if not findings and _disagreements(series, known, others):
            contradicts = Finding("is_not_contradicted", f"a later document contradicts it: {reason}")
        else:
            findings.append(Finding("rates_are_not_restated", reason))
    return Verdict({"rates": plausible.drop("step")}, quarantined, findings, contradicts)


def _implausible_rows(rates: pl.DataFrame, series: str, retrieved_at: datetime) -> pl.DataFrame:
    is_target = pl.lit(series in (UPPER, LOWER, TARGET))
    spike = pl.col("step").shift(-1) > LARGEST_STEP  # a level that stays is for the other series to judge
    conditions = {
        "rate_is_possible": ~pl.col("value").is_between(LOWEST_RATE, HIGHEST_RATE),
        "date_is_possible": ~pl.col("date").is_between(_FIRST_DATE, retrieved_at.date()),
        "step_is_possible": is_target & (pl.col("step") > LARGEST_STEP) & spike,
    }
    reasons = {
        "rate_is_possible": pl.format("the rate {} on {} is not between -1 % and 25 %", "value", "date"),
        "date_is_possible": pl.format("the date {} is before 1950 or after the retrieval", "date"),
        "step_is_possible": pl.format("the target moves by {} points to {} on {}, and back", "step", "value", "date"),
    }
    return quarantine_rows(rates, reasons, conditions)


def _document_findings(
    rates: pl.DataFrame, plausible: pl.DataFrame, quarantined: pl.DataFrame, series: str, others: pl.DataFrame
) -> Iterator[Finding]:
    implausible = quarantined["line"].n_unique()
    if implausible > max(FEW_ROWS, FEW_SHARE * rates.height):
        first = quarantined.row(0, named=True)
        yield Finding(
            "few_rates_are_implausible",
            f"{implausible} of {rates.height} rows are implausible; the first is line {first['line']}: {first['reason']}",
        )
        return
    highest = plausible["value"].max()
    if isinstance(highest, float) and plausible.height > LONG_SERIES and highest < FRACTION_BELOW:
        yield Finding("rates_are_percent", f"its highest value in {plausible.height} days is {highest:g} %: are these fractions?")
    against = _disagreements(series, plausible.select("date", "value"), others)
    if against:
        yield Finding("series_agree", "; ".join(against))


def _disagreements(series: str, rates: pl.DataFrame, others: pl.DataFrame) -> list[str]:
    """What a series says against each of the others, where it agrees with none of them: the one that is alone is wrong."""
    found = []
    for other, bounds in _BOUNDS.get(series, {}).items():
        both = rates.join(others.filter(pl.col("series") == other).select("date", theirs="value"), on="date").drop_nulls()
        if both.height < FEWEST_TO_COMPARE:
            continue
        outside = both.filter(~(pl.col("value") - pl.col("theirs")).round(6).is_between(*bounds))
        if outside.height <= DISAGREEING_SHARE * both.height:
            return []
        first = outside.row(0, named=True)
        found.append(
            f"on {outside.height} of {both.height} days it does not agree with {other}, first on {first['date']}: {first['value']:g} against {first['theirs']:g}"
        )
    return found


def _mirrored(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = bounds
    return -high, -low


# The series' value less the other's, in percentage points.
_UPPER_LESS_LOWER = (RANGE_WIDTH, RANGE_WIDTH)
_EFFECTIVE_LESS_UPPER = (-RANGE_WIDTH - BELOW_LOWER, ABOVE_UPPER)
_EFFECTIVE_LESS_LOWER = (-BELOW_LOWER, RANGE_WIDTH + ABOVE_UPPER)
_EFFECTIVE_LESS_TARGET = (-OFF_TARGET, OFF_TARGET)
_BOUNDS: dict[str, dict[str, tuple[float, float]]] = {
    UPPER: {LOWER: _UPPER_LESS_LOWER, EFFECTIVE: _mirrored(_EFFECTIVE_LESS_UPPER)},
    LOWER: {UPPER: _mirrored(_UPPER_LESS_LOWER), EFFECTIVE: _mirrored(_EFFECTIVE_LESS_LOWER)},
    TARGET: {EFFECTIVE: _mirrored(_EFFECTIVE_LESS_TARGET)},
    EFFECTIVE: {UPPER: _EFFECTIVE_LESS_UPPER, LOWER: _EFFECTIVE_LESS_LOWER, TARGET: _EFFECTIVE_LESS_TARGET},
}

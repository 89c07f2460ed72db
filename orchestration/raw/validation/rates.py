"""Validation of a FRED document: against itself, the known values of its series, and the other series.

The target range is 0.25 points wide and contains the effective rate, so an error in one of the three series is visible.
"""

import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import polars as pl

from orchestration.raw.validation.rules import Finding
from orchestration.raw.validation.verdict import Verdict, quarantine_rows

EFFECTIVE, UPPER, LOWER, TARGET = "DFF", "DFEDTARU", "DFEDTARL", "DFEDTAR"
RECESSIONS = "USREC"
# The single target ended when the target range began.
RANGE_BEGINS = date(2008, 12, 16)
# The comment at each limit: the extreme values of the real series.
LOWEST_RATE, HIGHEST_RATE = -1.0, 25.0  # 0.04 to 22.36 %
_LIMITS = {
    "DGS10": (0.0, 20.0),  # 0.52 to 15.84 %
    "DGS3MO": (-0.5, 20.0),  # 0.00 to 17.01 %
    "T10Y2Y": (-4.0, 4.0),  # -2.41 to 2.91 points
    "BAA10Y": (0.5, 10.0),  # 1.16 to 6.16 points
    "NFCI": (-2.0, 8.0),  # -1.1 to 5.3 standard deviations
    "VIXCLS": (5.0, 150.0),  # 9.14 to 82.69 points
}
# A series has no value before its first date.
_FIRST_DATES = {
    "DGS10": date(1962, 1, 2),
    "DGS3MO": date(1981, 9, 1),
    "T10Y2Y": date(1976, 6, 1),
    "BAA10Y": date(1986, 1, 2),
    "NFCI": date(1971, 1, 8),
    "VIXCLS": date(1990, 1, 2),
}
# Estimated anew each week: most dates change with each edition, by hundredths of a standard deviation.
REVISED_SERIES, REVISION = "NFCI", 0.5
RANGE_WIDTH = 0.25
ALONE_DAYS = 10  # these series have every calendar day
STEP_DAYS, WEEKLY_STEP_DAYS = 11, 77
# From the median of the days around it, in the series' unit.
_LARGEST_STEPS = {
    **dict.fromkeys((UPPER, LOWER, TARGET), 2.0),  # 1.0: March 2020
    "VIXCLS": 50.0,  # 20.0 points in a day in February 2018, 24.9 in March 2020
    # Not measured, therefore wide.
    "DGS10": 2.0,
    "DGS3MO": 4.0,
    "T10Y2Y": 2.0,
    "BAA10Y": 3.0,
    "NFCI": 3.0,
}
BELOW_LOWER, ABOVE_UPPER = 0.15, 0.10  # 0.10, 0.05
OFF_TARGET = 3.0  # 1.81 since 1999
# At the ends of 1985 and 1986 overnight money cost 6 to 9 points more than the target for a day.
OFF_EARLY_TARGET, EARLY_TARGET_ENDS = 12.0, date(1991, 1, 1)
FRACTION_BELOW, LONG_SERIES = 0.2, 3000
REVISED_BY = 0.011  # revisions change the last digit of the effective rate
FEW_ROWS, FEW_SHARE = 3, 0.01
FEWEST_TO_COMPARE = 20
_FIRST_DATE = date(1950, 1, 1)
_FIRST_RECESSION_MONTH = date(1854, 12, 1)
# A turning point is announced up to 21 months after it, and the months since then change: those before are final.
_RECESSIONS_FINAL_AFTER = timedelta(days=36 * 31)


def judge_rates(
    rows: dict[str, pl.DataFrame], *, series: str, retrieved_at: datetime, known: pl.DataFrame, others: pl.DataFrame
) -> Verdict:
    """Validate one series.

    Args:
        rows: `rates` with `_line` and `_content`; percent per year.
        known: date and value as known before the document, and `by_person`, whether a person accepted it.
        others: series, date, value of the other series, in every version that a document contains.
    """
    rates = rows["rates"].sort("date").with_columns(before=pl.col("value").shift(1), after=pl.col("value").shift(-1))
    days = WEEKLY_STEP_DAYS if series == REVISED_SERIES else STEP_DAYS
    around = pl.col("value").median().rolling(index_column="date", period=f"{days}d", offset=f"-{days // 2 + 1}d")
    rates = rates.with_columns(off_median=pl.col("value") - around)
    rates = rates.join(known.rename({"value": "known"}), on="date", how="left", maintain_order="left")
    rates = rates.join(_disagreeing_days(series, rates, others), on="date", how="left", maintain_order="left")
    is_decided = (pl.col("by_person") & (pl.col("value") == pl.col("known"))).fill_null(False)
    quarantined = _implausible_rows(rates.filter(~is_decided), series, retrieved_at)
    plausible = rates.filter(~pl.col("_line").is_in(quarantined["line"].implode()).fill_null(False))
    findings = list(_document_findings(series, rates, plausible, quarantined))
    contradicts = None
    tolerance = {EFFECTIVE: REVISED_BY, REVISED_SERIES: REVISION}.get(series, 1e-9)
    compared = plausible.drop_nulls(["value", "known"])
    changed = compared.filter((pl.col("value") - pl.col("known")).abs() > tolerance)
    if series == RECESSIONS:
        newest = rates.select(pl.col("date").filter(pl.col("known").is_not_null()).max())["date"]
        changed = changed.filter(pl.col("date") < newest - _RECESSIONS_FINAL_AFTER)
    if changed.height > max(FEW_ROWS, FEW_SHARE * compared.height):
        worst = changed.sort((pl.col("value") - pl.col("known")).abs()).row(-1, named=True)
        reason = (
            f"{changed.height} of {compared.height} known rates change, for example {worst['date']} from {worst['known']:g}"
            f" to {worst['value']:g}"
        )
        if not findings and _are_many(_disagreeing_days(series, known, others).height, known.height):
            contradicts = Finding("is_not_contradicted", f"a later document contradicts it: {reason}")
        else:
            findings.append(Finding("rates_are_not_restated", reason))
    return Verdict({"rates": plausible.select(rows["rates"].columns)}, quarantined, findings, contradicts)


def _are_many(count: int, of: int) -> bool:
    return count > max(FEW_ROWS, FEW_SHARE * of)


def _implausible_rows(rates: pl.DataFrame, series: str, retrieved_at: datetime) -> pl.DataFrame:
    is_target = pl.lit(series in (UPPER, LOWER, TARGET))
    first = (_FIRST_DATES | {UPPER: RANGE_BEGINS, LOWER: RANGE_BEGINS, RECESSIONS: _FIRST_RECESSION_MONTH}).get(
        series, _FIRST_DATE
    )
    lowest, highest = _LIMITS.get(series, (LOWEST_RATE, HIGHEST_RATE))
    is_no_flag = ~pl.col("value").is_in([0.0, 1.0]) | (pl.col("date").dt.day() != 1)
    last = min(retrieved_at.date(), RANGE_BEGINS - timedelta(days=1)) if series == TARGET else retrieved_at.date()
    is_daily = pl.lit(series in _BOUNDS and rates.height > FEWEST_TO_COMPARE)
    apart = pl.min_horizontal(pl.col("date").diff().dt.total_days(), -pl.col("date").diff(-1).dt.total_days())
    returns = (pl.col("after") == pl.col("before")) & (pl.col("value") != pl.col("before"))
    conditions = {
        "rate_is_possible": ~pl.col("value").is_between(lowest, highest),
        "date_is_possible": ~pl.col("date").is_between(first, last) | (is_daily & (apart > ALONE_DAYS)),
        "recession_is_a_flag": pl.lit(series == RECESSIONS) & is_no_flag,
        "step_is_possible": (is_target & returns) | (pl.col("off_median").abs() > _LARGEST_STEPS.get(series, math.inf)),
        "series_agree": pl.col("against").is_not_null(),
        "known_rate_is_kept": pl.col("value").is_null() & pl.col("known").is_not_null(),
    }
    reasons = {
        "rate_is_possible": pl.format(
            "the value {} on {} is not between {} and {}", "value", "date", pl.lit(lowest), pl.lit(highest)
        ),
        "date_is_possible": pl.format("the series cannot have a value on {}, or has none near it", "date"),
        "recession_is_a_flag": pl.format("{} on {} is not 0 or 1 on the first day of a month", "value", "date"),
        "step_is_possible": pl.format("the value {} on {} is far from the values around it", "value", "date"),
        "series_agree": pl.format("on {} the rate {} agrees with no other series: {}", "date", "value", "against"),
        "known_rate_is_kept": pl.format("the known rate {} of {} is kept: the document has no value", "known", "date"),
    }
    return quarantine_rows(rates, reasons, conditions)


def _document_findings(series: str, rates: pl.DataFrame, plausible: pl.DataFrame, quarantined: pl.DataFrame) -> Iterator[Finding]:
    highest = plausible["value"].max()
    if isinstance(highest, float) and plausible.height > LONG_SERIES and highest < FRACTION_BELOW and series != REVISED_SERIES:
        yield Finding(
            "rates_are_percent", f"the highest value in {plausible.height} days is {highest:g} %: the values may be fractions"
        )
    implausible = quarantined["line"].n_unique()
    if _are_many(implausible, rates.height):
        first = quarantined.sort("line").row(0, named=True)
        yield Finding(
            "few_rates_are_implausible",
            f"{implausible} of {rates.height} rows are implausible; the first is line {first['line']}: {first['reason']}",
        )


def _disagreeing_days(series: str, rates: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """The days on which a rate disagrees with every other series that has a value, in every version: date, against."""
    pairs = [
        rates.select("date", "value")
        .join(others.filter(pl.col("series") == other), on="date", how="inner", suffix="_theirs")
        .drop_nulls()
        .select(
            "date",
            agrees=(pl.col("value") - pl.col("value_theirs")).round(6).is_between(*bounds)
            | (
                (pl.lit({series, other} == {TARGET, EFFECTIVE}) & (pl.col("date") < EARLY_TARGET_ENDS))
                & ((pl.col("value") - pl.col("value_theirs")).abs() <= OFF_EARLY_TARGET)
            ),
            against=pl.format("{} is {}", pl.lit(other), "value_theirs"),
        )
        for other, bounds in _BOUNDS.get(series, {}).items()
    ]
    if not pairs:
        return pl.DataFrame(schema={"date": pl.Date, "against": pl.String})
    by_day = (
        pl.concat(pairs)
        .group_by("date")
        .agg(pl.col("agrees").any(), pl.col("against").unique(maintain_order=True).str.join(", "))
    )
    return by_day.filter(~pl.col("agrees")).select("date", "against")


def disagreement(rates: pl.DataFrame, everything: pl.DataFrame) -> tuple[int, float]:
    """The number of series with which a document disagrees on many days, and the share of days on which it agrees with none.

    Args:
        rates: series, date, value of one document.
        everything: the same of all documents.
    """
    if rates.is_empty():
        return 0, 0.0
    series = str(rates["series"][0])
    others = everything.filter(pl.col("series") != series)
    alone = _disagreeing_days(series, rates, others)
    if not _are_many(alone.height, rates.height):
        return 0, 0.0
    against = [
        name
        for (name,), other in others.group_by("series")
        if _are_many(_disagreeing_days(series, rates, other).height, rates.height)
    ]
    return len(against), alone.height / rates.height


def _mirrored(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = bounds
    return -high, -low


# The series' value minus the other's, in percentage points: minimum, maximum.
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

"""The outcome of the validation of one document: rows to use, quarantined rows, and findings about the whole document."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import duckdb
import polars as pl

from orchestration.raw.validation.rules import Finding

_log = logging.getLogger(__name__)

QUARANTINE_COLUMNS: dict[str, type[pl.DataType]] = {
    "line": pl.Int64,
    "rule": pl.String,
    "reason": pl.String,
    "content": pl.String,
}


@dataclass(frozen=True)
class Verdict:
    """The outcome of validation.

    `rows`: the plausible rows by raw table. `quarantined`: the other rows (line, rule, reason, content). `findings`: about the
    whole document; with at least one, the document is quarantined. `contradicts`: the document disagrees with what is known and
    agrees better with the other funds, so that the earlier documents are quarantined with this finding.
    """

    rows: dict[str, pl.DataFrame]
    quarantined: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=QUARANTINE_COLUMNS))
    findings: list[Finding] = field(default_factory=list)
    contradicts: Finding | None = None


def guarded(judge: Callable[[], Verdict]) -> Verdict:
    """The verdict of a judge. An error of a rule is a finding about the document: it must not stop the others."""
    try:
        return judge()
    except duckdb.Error:
        raise  # the warehouse, not the document
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001 whatever a rule does not expect
        _log.debug("a rule failed", exc_info=True)
        return Verdict({}, findings=[Finding("can_be_judged", f"a rule fails with {type(error).__name__}: {error}")])


def quarantine_rows(rows: pl.DataFrame, reasons: dict[str, pl.Expr], conditions: dict[str, pl.Expr]) -> pl.DataFrame:
    """The rows that break a rule, one row per rule.

    Args:
        rows: with `_line`, `_content` and the columns that the expressions use.
        reasons: by rule, the reason with its figures.
        conditions: by rule, true for rows that break the rule.

    Returns:
        line, rule, reason, content.
    """
    found = rows.select(condition.fill_null(False).any().alias(rule) for rule, condition in conditions.items())
    broken = [
        rows.filter(conditions[rule].fill_null(False)).select(
            pl.col("_line").alias("line"),
            pl.lit(rule).alias("rule"),
            reasons[rule].alias("reason"),
            pl.col("_content").alias("content"),
        )
        for rule, is_broken in (found.row(0, named=True).items() if rows.height else ())
        if is_broken
    ]
    nothing = pl.DataFrame(schema=QUARANTINE_COLUMNS)
    return pl.concat([nothing, *(frame.cast(QUARANTINE_COLUMNS) for frame in broken)])  # type: ignore[arg-type]

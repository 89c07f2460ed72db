"""Holdings of any vendor: maps a document's columns to the raw table and checks that the list is complete."""

from datetime import date

import polars as pl

from orchestration.schemas import RAW_TABLES
from orchestration.universe import Fund
from orchestration.vendors.feed import DocumentRejected, Parsed, WrongLayout
from orchestration.vendors.formats.text import read_numbers

_NUMBERS = ("market_value", "stated_weight", "notional_value", "quantity", "price")
_SIZES = ("market_value", "stated_weight")
_WEIGHT_TOLERANCE = 0.02
# Published weights are rounded to 0.01 % and may use a slightly later net asset value.
LARGEST_WEIGHT_GAP = 0.002
_HALF_A_DIGIT, _OTHER_ASSETS = 0.5e-4, 0.002


def holdings_document(
    rows: pl.DataFrame, fund: Fund, as_of: date, rejects: list[pl.DataFrame], *, lines_before: int = 0
) -> Parsed:
    """Rows for `holdings` from the columns of a document; missing columns are NULL.

    Args:
        rows: trimmed text under the table's column names, NULL for empty cells, weights in percent, with `_line` and `_content`.
        rejects: lines that could not be read as a row.
        lines_before: lines of the document before its first holding, so that holdings count from 1.

    Raises:
        DocumentRejected: neither weights nor market values, a truncated list, or inconsistent sums.
    """
    if not set(_SIZES) & set(rows.columns):
        raise WrongLayout("the file has neither a weight column nor a market value column")
    rows, invalid = read_numbers(rows, [name for name in _NUMBERS if name in rows.columns])
    given = rows.with_columns(
        pl.lit(fund.fund).alias("fund"), pl.lit(as_of).alias("as_of"), (pl.col("_line") - lines_before).alias("line_no")
    )
    columns = [
        (pl.col(name) if name in given.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in RAW_TABLES["holdings"].columns.items()
    ]
    holdings = given.select(*columns, "_line", "_content").with_columns(pl.col("stated_weight") / 100)
    check_holdings(holdings, fund)
    return Parsed("holdings", {"holdings": holdings}, as_of, [*rejects, invalid])


def check_holdings(rows: pl.DataFrame, fund: Fund) -> None:
    """Reject a truncated or inconsistent holdings file.

    Weights must sum to 1 within 2 %, unless the market values are complete and show that only rounding is missing: in a list of
    thousands, weights below half a digit round to zero.

    Raises:
        DocumentRejected: fewer lines than the fund can have, weights that do not sum to 1, or a market value that contradicts
            the stated weight of its line.
    """
    sizes = pl.any_horizontal(pl.col(_SIZES).is_not_null())
    usable = rows.filter(pl.col("name").is_not_null() & sizes)
    if usable.is_empty() or usable.height < (fund.min_holdings or 0):
        example = rows.filter(pl.col("name").is_null() | ~sizes).head(1)
        detail = f"; {_quoted(example)} has no name, or neither weight nor market value" if example.height else ""
        raise DocumentRejected(
            f"the file has {usable.height} usable lines, but {fund.fund} has at least {fund.min_holdings or 1}{detail}: download"
            " the complete file again"
        )
    valued = usable.drop_nulls(list(_SIZES))
    total = float(usable["market_value"].sum())
    if usable["market_value"].is_not_null().any() and total <= 0:
        raise DocumentRejected(f"the market values sum to {total:,.2f}")
    stated = float(usable["stated_weight"].sum())
    if usable["stated_weight"].is_not_null().any() and abs(stated - 1) > _WEIGHT_TOLERANCE:
        if _only_rounded(usable, total):
            return
        raise DocumentRejected(
            f"the weights sum to {stated:.4f} instead of 1, which rounding does not explain: download the complete file again"
        )
    if valued.is_empty():
        return
    gap = (pl.col("market_value") / valued["market_value"].sum() - pl.col("stated_weight") / valued["stated_weight"].sum()).abs()
    contradictions = valued.with_columns(gap.alias("_gap")).filter(pl.col("_gap") > LARGEST_WEIGHT_GAP)
    if contradictions.height:
        worst = contradictions.sort("_gap").tail(1)
        raise DocumentRejected(
            f"market value and stated weight of {_quoted(worst)} differ by {worst['_gap'].item():.2%} of the fund"
            f" ({contradictions.height} such lines)"
        )


def _only_rounded(rows: pl.DataFrame, total: float) -> bool:
    """Whether each stated weight is the line's share of the market value, rounded to 0.01 %, of about the same net assets."""
    if rows["market_value"].null_count() or total <= 0:
        return False
    share, weight = pl.col("market_value") / total, pl.col("stated_weight").fill_null(0)
    return not rows.filter((share - weight).abs() > _HALF_A_DIGIT * 1.01 + _OTHER_ASSETS * share.abs()).height


def _quoted(line: pl.DataFrame) -> str:
    return f"line {line['_line'].item()} ({str(line['_content'].item())[:120]!r})"

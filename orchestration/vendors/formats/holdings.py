"""A fund's holdings, whatever the vendor: from the columns a document has to the table's, and whether the list is whole."""

from datetime import date

import polars as pl

from orchestration.schemas import RAW_TABLES
from orchestration.universe import Fund
from orchestration.vendors.feed import DocumentRejected, Parsed, WrongLayout
from orchestration.vendors.formats.text import read_numbers

_NUMBERS = ("market_value", "stated_weight", "notional_value", "quantity", "price")
_SIZES = ("market_value", "stated_weight")
_WEIGHT_TOLERANCE = 0.02
# Published weights are rounded to 0.01 % and may rest on a slightly later net asset value.
LARGEST_WEIGHT_GAP = 0.002
_HALF_A_DIGIT, _OTHER_ASSETS = 0.5e-4, 0.002


def holdings_document(
    rows: pl.DataFrame, fund: Fund, as_of: date, rejects: list[pl.DataFrame], *, lines_before: int = 0
) -> Parsed:
    """Rows for `holdings` from the columns a document has; the others are NULL.

    Args:
        rows: trimmed text under the table's names, NULL for nothing, weights in percent, with `_line` and `_content`.
        rejects: what could not be read as a row.
        lines_before: lines of the document before its first holding, so that holdings count from 1.

    Raises:
        DocumentRejected: neither weights nor market values, a list that is cut short, or one that does not add up.
    """
    if not set(_SIZES) & set(rows.columns):
        raise WrongLayout("it has neither a column of weights nor one of market values")
    rows, broken = read_numbers(rows, [name for name in _NUMBERS if name in rows.columns])
    given = rows.with_columns(
        pl.lit(fund.fund).alias("fund"), pl.lit(as_of).alias("as_of"), (pl.col("_line") - lines_before).alias("line_no")
    )
    columns = [
        (pl.col(name) if name in given.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in RAW_TABLES["holdings"].columns.items()
    ]
    holdings = given.select(*columns, "_line", "_content").with_columns(pl.col("stated_weight") / 100)
    check_holdings(holdings, fund)
    return Parsed("holdings", {"holdings": holdings}, as_of, [*rejects, broken])


def check_holdings(rows: pl.DataFrame, fund: Fund) -> None:
    """Refuse a holdings file that is cut short or does not add up.

    Weights must sum to 1 within 2 %, unless the market values are complete and show that rounding alone is missing: a list of
    thousands loses every weight below half a digit.

    Raises:
        DocumentRejected: fewer lines than the fund can have, weights that do not sum to 1, or a market value that contradicts
            the weight the issuer states for it.
    """
    sizes = pl.any_horizontal(pl.col(_SIZES).is_not_null())
    usable = rows.filter(pl.col("name").is_not_null() & sizes)
    if usable.is_empty() or usable.height < (fund.min_holdings or 0):
        example = rows.filter(pl.col("name").is_null() | ~sizes).head(1)
        because = f"; {_quoted(example)} has no name, or neither weight nor market value" if example.height else ""
        raise DocumentRejected(
            f"it has {usable.height} usable lines, and {fund.fund} cannot have fewer than {fund.min_holdings or 1}{because}:"
            " bring the issuer's whole file"
        )
    valued = usable.drop_nulls(list(_SIZES))
    total = float(usable["market_value"].sum())
    if usable["market_value"].is_not_null().any() and total <= 0:
        raise DocumentRejected(f"its market values sum to {total:,.2f}")
    stated = float(usable["stated_weight"].sum())
    if usable["stated_weight"].is_not_null().any() and abs(stated - 1) > _WEIGHT_TOLERANCE:
        if _only_rounded(usable, total):
            return
        raise DocumentRejected(
            f"its weights sum to {stated:.4f}, not to 1, and no rounding explains it: bring the issuer's whole file"
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
    """Whether each printed weight is the line's share of the market value, rounded to 0.01 %, of much the same net assets."""
    if rows["market_value"].null_count() or total <= 0:
        return False
    share, weight = pl.col("market_value") / total, pl.col("stated_weight").fill_null(0)
    return not rows.filter((share - weight).abs() > _HALF_A_DIGIT * 1.01 + _OTHER_ASSETS * share.abs()).height


def _quoted(line: pl.DataFrame) -> str:
    return f"line {line['_line'].item()} ({str(line['_content'].item())[:120]!r})"

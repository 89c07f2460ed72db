"""Schwab: holdings as the CSV behind "Export All Holdings", downloaded by a person, because the issuer blocks programs.

Header as seen in 2025 and 2026: As-Of-Date, Symbol, Quantity, Percent of Assets, Name, BBG FIGI, Country, Currency, Exchange,
Exchange (fx) Rate, Market Currency, Sector; some copies lack the columns that are optional here. GICS sectors; weights with ten
decimals, empty for a name that has just joined; no CUSIP, no market value. Quoted disclaimers follow the table. The file does not
name its fund: only its size and date can show that it belongs to another one.
"""

from datetime import date, datetime
from pathlib import Path

import polars as pl

from orchestration.universe import Fund
from orchestration.vendors.feed import (
    Context,
    DocumentRejected,
    Feed,
    Parsed,
    WrongLayout,
    funds_of,
    require_fund,
    settle_as_of,
    with_advice,
)
from orchestration.vendors.formats.holdings import holdings_document
from orchestration.vendors.formats.text import decode, fields_of, header_cells, read_table, split_lines

VENDOR, KIND = "schwab", "holdings"
_COLUMNS = {"as_of": ("As-Of-Date",), "stated_weight": ("Percent of Assets",), "name": ("Name",)}
_OPTIONAL = {
    "ticker": ("Symbol",),
    "quantity": ("Quantity",),
    "location": ("Country",),
    "currency": ("Currency",),
    "exchange": ("Exchange",),
    "sector_label": ("Sector",),
}
_HOW_TO_GET = "choose Export All Holdings on the fund's page at www.schwabassetmanagement.com and add the file unchanged"
_DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y")


def how_to_get(fund: Fund, folder: Path) -> str:
    """Instructions for the manual download, in one sentence."""
    return (
        f"Schwab blocks programs: open www.schwabassetmanagement.com/products/{str(fund.product_id).lower()}, choose Export All"
        f" Holdings, and save the file in {folder} under the download time in UTC, for example 2026-10-01T150000Z.csv"
    )


@with_advice(_HOW_TO_GET)
def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `holdings`.

    Raises:
        DocumentRejected: not a holdings file, no date, truncated, or inconsistent sums.
    """
    fund = require_fund(context)
    lines = split_lines(decode(content))
    start = _header_line(lines)
    rows, ragged = read_table(_table_lines(lines, start), header_cells(lines[start]), _COLUMNS, _OPTIONAL)
    as_of = settle_as_of(_stated_date(rows), context)
    kind = _kind(rows.with_columns(pl.lit(None, pl.String).alias(name) for name in _OPTIONAL if name not in rows.columns))
    return holdings_document(rows.with_columns(kind.alias("asset_class_label")), fund, as_of, [ragged], lines_before=start + 1)


def _header_line(lines: list[str]) -> int:
    for position, line in enumerate(lines):
        if {"As-Of-Date", "Percent of Assets"} <= set(header_cells(line)):
            return position
    first = next((line.strip() for line in lines if line.strip()), "")
    raise WrongLayout(f"the file has no header line with As-Of-Date and Percent of Assets; it begins with {first[:80]!r}")


def _table_lines(lines: list[str], start: int) -> list[tuple[int, str]]:
    """The data lines, to the last line with as many fields as the header; the disclaimers after it have fewer."""
    width = len(header_cells(lines[start]))
    end = next((i + 1 for i in range(len(lines) - 1, start, -1) if len(fields_of(lines[i])) == width), start + 1)
    return [(i + 1, lines[i]) for i in range(start + 1, end) if lines[i].strip()]


def _stated_date(rows: pl.DataFrame) -> date | None:
    stated = rows["as_of"].unique().to_list()
    if len(stated) > 1:
        raise DocumentRejected(f"the lines have {len(stated)} different dates")
    if not stated or not stated[0]:
        return None
    for pattern in _DATE_FORMATS:
        try:
            return datetime.strptime(stated[0], pattern).date()
        except ValueError:
            continue
    raise DocumentRejected(f"the as-of date {stated[0][:40]!r} is invalid (expected format: 2025-09-26)")


def _kind(rows: pl.DataFrame) -> pl.Series:
    """The asset class, which the file does not state: only shares have a sector, and a currency line has its code as ticker.

    Other lines have no label and count as shares with an unknown sector.
    """
    name = pl.col("name").str.to_uppercase()
    kind = (
        pl.when(pl.col("sector_label").is_not_null())
        .then(pl.lit("Equity"))
        .when(pl.col("ticker") == pl.col("currency"))
        .then(pl.lit("Currency"))
        .when(name.str.contains(r"\b(EMINI|FUTURES?)\b"))
        .then(pl.lit("Futures"))
        .when(name.str.contains(r"\b(MONEY MARKET|GOVERNMENT MM|CASH RESERVES?)\b"))
        .then(pl.lit("Money Market"))
    )
    return rows.select(kind.alias("kind")).to_series()


FEED = Feed(
    vendor=VENDOR,
    kind=KIND,
    description="Holdings of Schwab funds: CSV files that a person downloads, because the issuer blocks programs.",
    symbols=funds_of(VENDOR),
    how_to_get=how_to_get,
    parse=parse,
)

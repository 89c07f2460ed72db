"""Schwab: holdings as the CSV behind "Export All Holdings", downloaded by a person: the issuer refuses every program.

Header as seen in 2025 and 2026: As-Of-Date, Symbol, Quantity, Percent of Assets, Name, BBG FIGI, Country, Currency, Exchange,
Exchange (fx) Rate, Market Currency, Sector; some copies lack the columns that are optional here. GICS sectors; weights to ten
decimals, empty for a name that has just joined; no CUSIP, no market value. Quoted disclaimers follow the table. The file does not
name its fund: only its size and date can tell that it is another's.
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
    brings,
    funds_of,
    require_fund,
    settle_as_of,
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
_HOW_TO_GET = "Choose Export All Holdings on the fund's page at www.schwabassetmanagement.com and put the file there unchanged"
_DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y")


def how_to_get(fund: Fund, folder: Path) -> str:
    """What a person does where no program may: one sentence."""
    return (
        f"Schwab refuses programs: open www.schwabassetmanagement.com/products/{str(fund.product_id).lower()}, choose Export All"
        f" Holdings, and put the file into {folder} under the time of the download in UTC, such as 2026-10-01T150000Z.csv"
    )


@brings(_HOW_TO_GET)
def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `holdings`.

    Raises:
        DocumentRejected: not a holdings file, without date, cut short, or one that does not add up.
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
    raise WrongLayout(f"it has no header line with As-Of-Date and Percent of Assets; it begins with {first[:80]!r}")


def _table_lines(lines: list[str], start: int) -> list[tuple[int, str]]:
    """To the last line that has the header's width: the disclaimers behind it have not."""
    width = len(header_cells(lines[start]))
    end = next((i + 1 for i in range(len(lines) - 1, start, -1) if len(fields_of(lines[i])) == width), start + 1)
    return [(i + 1, lines[i]) for i in range(start + 1, end) if lines[i].strip()]


def _stated_date(rows: pl.DataFrame) -> date | None:
    stated = rows["as_of"].unique().to_list()
    if len(stated) > 1:
        raise DocumentRejected(f"its lines bear {len(stated)} different dates")
    if not stated or not stated[0]:
        return None
    for pattern in _DATE_FORMATS:
        try:
            return datetime.strptime(stated[0], pattern).date()
        except ValueError:
            continue
    raise DocumentRejected(f"its date {stated[0][:40]!r} cannot be read")


def _kind(rows: pl.DataFrame) -> pl.Series:
    """The issuer names no asset class, but gives a sector to shares alone and its own code to a currency.

    What is neither stays without a label, and counts as a share whose sector nobody knows.
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
    description="Holdings of Schwab funds: CSV files that a person downloads and drops here, since the issuer refuses programs.",
    symbols=funds_of(VENDOR),
    how_to_get=how_to_get,
    parse=parse,
)

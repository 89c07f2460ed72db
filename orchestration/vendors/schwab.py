"""Schwab: holdings as the CSV behind "Export All Holdings", downloaded by a person: the issuer refuses every program.

Header as seen in 2025 and 2026: As-Of-Date, Symbol, Quantity, Percent of Assets, Name, BBG FIGI, Country, Currency, Exchange,
Exchange (fx) Rate, Market Currency, Sector; some copies lack the columns that are optional here. GICS sectors; weights to ten
decimals, empty for a name that has just joined; no CUSIP, no market value. Quoted disclaimers follow the table. The file does not
name its fund: only its size and date can tell that it is another's.
"""

from datetime import date, datetime

import polars as pl

from orchestration.contracts import REJECT_COLUMNS
from orchestration.universe import Fund
from orchestration.vendors.base import Context, DocumentRejected, Parsed, check_holdings, require_fund, settle_as_of
from orchestration.vendors.text import (
    decode,
    fields_of,
    header_cells,
    read_numbers,
    read_table,
    split_lines,
)

VENDOR, KIND = "schwab", "holdings"
_COLUMNS = {
    "as_of": ("As-Of-Date",),
    "ticker": ("Symbol",),
    "quantity": ("Quantity",),
    "stated_weight": ("Percent of Assets",),
    "name": ("Name",),
}
_OPTIONAL = {"location": "Country", "currency": "Currency", "exchange": "Exchange", "sector_label": "Sector"}
_DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y")


def how_to_get(fund: Fund, folder: str) -> str:
    """What a person does where no program may: one sentence."""
    return (
        f"Schwab refuses programs: open www.schwabassetmanagement.com/products/{str(fund.product_id).lower()}, choose Export All"
        f" Holdings, and put the file into {folder} under the time of the download in UTC, such as 2026-10-01T150000Z.csv"
    )


def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `holdings`.

    Raises:
        DocumentRejected: not a holdings file, without date, cut short, or one that does not add up.
    """
    fund = require_fund(context)
    lines = split_lines(decode(content))
    start = _header_line(lines)
    header = header_cells(lines[start])
    optional = {ours: (theirs,) for ours, theirs in _OPTIONAL.items() if theirs in header}
    rows, ragged = read_table(_table_lines(lines, start), header, {**_COLUMNS, **optional})
    rows = rows.with_columns(pl.lit(None, pl.String).alias(c) for c in _OPTIONAL if c not in optional)
    as_of = settle_as_of(_stated_date(rows), context)
    rows, broken = read_numbers(rows, ["quantity", "stated_weight"])
    holdings = rows.select(
        pl.lit(fund.fund).alias("fund"),
        pl.lit(as_of).alias("as_of"),
        (pl.col("_line") - start - 1).cast(pl.Int32).alias("line_no"),
        "ticker",
        "name",
        *[pl.lit(None, pl.String).alias(c) for c in ("cusip", "isin", "sedol")],
        "sector_label",
        _kind().alias("asset_class_label"),
        pl.lit(None, pl.Float64).alias("market_value"),
        pl.col("stated_weight") / 100,
        pl.lit(None, pl.Float64).alias("notional_value"),
        "quantity",
        pl.lit(None, pl.Float64).alias("price"),
        "currency",
        "exchange",
        "location",
        "_line",
        "_content",
    )
    check_holdings(holdings, fund)
    return Parsed("holdings", {"holdings": holdings}, as_of, [ragged.cast(REJECT_COLUMNS), broken])  # type: ignore[arg-type]


def _header_line(lines: list[str]) -> int:
    for position, line in enumerate(lines):
        if {"As-Of-Date", "Symbol", "Percent of Assets"} <= set(header_cells(line)):
            return position
    raise DocumentRejected("it has no header line with As-Of-Date, Symbol and Percent of Assets")


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


def _kind() -> pl.Expr:
    """The issuer names no asset class, but gives a sector to shares alone and its own code to a currency.

    What is neither stays without a label, and counts as a share whose sector nobody knows.
    """
    name = pl.col("name").str.to_uppercase()
    return (
        pl.when(pl.col("sector_label").is_not_null())
        .then(pl.lit("Equity"))
        .when(pl.col("ticker") == pl.col("currency"))
        .then(pl.lit("Currency"))
        .when(name.str.contains(r"\b(EMINI|FUTURES?)\b"))
        .then(pl.lit("Futures"))
        .when(name.str.contains(r"\b(MONEY MARKET|GOVERNMENT MM|CASH RESERVES?)\b"))
        .then(pl.lit("Money Market"))
    )

"""iShares (BlackRock): holdings as CSV, behind a preamble whose length varies and before a long disclaimer."""

import re
from datetime import date, datetime

import polars as pl

from orchestration.settings import Settings
from orchestration.universe import Fund
from orchestration.vendors.base import Context, DocumentRejected, Fetched, Parsed, check_holdings, require_fund, settle_as_of
from orchestration.vendors.http import Pace, get
from orchestration.vendors.text import (
    decode,
    fields_of,
    header_cells,
    read_numbers,
    read_table,
    split_lines,
)

VENDOR, KIND = "ishares", "holdings"
_PATH = (
    "/varnish-api/blk-one01-product-data/product-data/api/v1/get-fund-document"
    "?appType=PRODUCT_PAGE&appSubType=ISHARES&targetSite=us-ishares&locale=en_US&userType=individual&component=holdings"
)
_HEADERS = {"Referer": "https://www.ishares.com/us/products/", "Accept": "text/csv,*/*"}
_COLUMNS = {
    "ticker": ("Ticker",),
    "name": ("Name",),
    "sector_label": ("Sector",),
    "asset_class_label": ("Asset Class",),
    "market_value": ("Market Value",),
    "stated_weight": ("Weight (%)",),
    "notional_value": ("Notional Value",),
    "quantity": ("Quantity", "Shares"),
    "price": ("Price",),
    "currency": ("Currency",),
    "exchange": ("Exchange",),
    "location": ("Location",),
}
_NUMBERS = ("market_value", "stated_weight", "notional_value", "quantity", "price")
_AS_OF = re.compile(r'^Fund Holdings as of,"?(?P<date>[^"]*)"?')
_NO_DATE = ("", "-")
_SHARES = re.compile(r'^Shares Outstanding,"?(?P<shares>[\d,.]+)"?')


def fetch(fund: Fund, settings: Settings, pace: Pace, as_of: date | None = None) -> Fetched:
    """The latest holdings, or those of a past date.

    Raises:
        FetchFailed: the issuer gave no usable answer.
    """
    past = f"&asOfDate={as_of:%Y%m%d}" if as_of else ""
    url = f"{settings.ishares_base_url}{_PATH}&portfolioId={fund.product_id}{past}"
    return Fetched(get(url, settings, pace=pace, headers=_HEADERS), "csv")


def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `holdings` and `fund_facts`.

    Raises:
        DocumentRejected: not a holdings file of this fund, without date, cut short, or one that does not add up.
    """
    fund = require_fund(context)
    lines = split_lines(decode(content))
    start = _header_line(lines)
    preamble = lines[:start]
    _check_title(preamble, fund)
    as_of = settle_as_of(_stated_date(preamble), context)
    rows, ragged = read_table(_table_lines(lines, start), header_cells(lines[start]), _COLUMNS)
    rows, broken = read_numbers(rows, list(_NUMBERS))
    holdings = rows.select(
        pl.lit(fund.fund).alias("fund"),
        pl.lit(as_of).alias("as_of"),
        (pl.col("_line") - start - 1).cast(pl.Int32).alias("line_no"),
        "ticker",
        "name",
        *[pl.lit(None, pl.String).alias(c) for c in ("cusip", "isin", "sedol")],
        "sector_label",
        "asset_class_label",
        "market_value",
        pl.col("stated_weight") / 100,
        "notional_value",
        "quantity",
        "price",
        "currency",
        "exchange",
        "location",
        "_line",
        "_content",
    )
    check_holdings(holdings, fund)
    facts = _facts(preamble, holdings, fund, as_of)
    return Parsed("holdings", {"holdings": holdings, "fund_facts": facts}, as_of, [ragged, broken])


def stated_date(content: bytes) -> date | None:
    """The date a holdings file bears; None where the issuer says that it has none for the day asked for.

    Raises:
        DocumentRejected: it is no holdings file, or bears no date.
    """
    lines = split_lines(decode(content))
    for line in lines:
        if match := _AS_OF.match(line):
            return None if match["date"].strip() in _NO_DATE else _as_date(match["date"].strip())
    raise DocumentRejected("it is no holdings file: it has no line Fund Holdings as of")


def _as_date(text: str) -> date:
    try:
        return datetime.strptime(text, "%b %d, %Y").date()
    except ValueError as error:
        raise DocumentRejected(f"its as-of date {text!r} cannot be read") from error


def _header_line(lines: list[str]) -> int:
    for position, line in enumerate(lines):
        if {"Ticker", "Name", "Asset Class"} <= set(header_cells(line)):
            return position
    raise DocumentRejected("it has no header line with Ticker, Name and Asset Class")


def _check_title(preamble: list[str], fund: Fund) -> None:
    title = preamble[0].strip().strip('",') if preamble else fund.name
    if title != fund.name:
        raise DocumentRejected(f"its title is {title[:80]!r}, not {fund.name!r}")


def _stated_date(preamble: list[str]) -> date | None:
    for line in preamble:
        if match := _AS_OF.match(line):
            text = match["date"].strip()
            if text in _NO_DATE:
                raise DocumentRejected("the issuer has no holdings for the date asked for")
            return _as_date(text)
    return None


def _table_lines(lines: list[str], start: int) -> list[tuple[int, str]]:
    """The data lines. A repeated answer must repeat the same table."""
    starts = [i for i in range(start, len(lines)) if lines[i].strip() == lines[start].strip()]
    tables = [_one_table(lines, begin, end) for begin, end in zip(starts, [*starts[1:], len(lines)], strict=True)]
    if any([text.strip() for _, text in other] != [text.strip() for _, text in tables[0]] for other in tables[1:]):
        raise DocumentRejected("it holds two different tables")
    return tables[0]


def _one_table(lines: list[str], start: int, end: int) -> list[tuple[int, str]]:
    """From the header to the first blank line, or to the last line that still has the header's width: a stray blank line
    must not cut the table short. `str.strip` drops the no-break space, too."""
    width = len(header_cells(lines[start]))
    blank = next((i for i in range(start + 1, end) if not lines[i].strip()), end)
    last = next((i + 1 for i in range(end - 1, blank, -1) if len(fields_of(lines[i])) == width), blank)
    return [(i + 1, lines[i]) for i in range(start + 1, last) if lines[i].strip()]


def _facts(preamble: list[str], holdings: pl.DataFrame, fund: Fund, as_of: date) -> pl.DataFrame:
    shares = next((m["shares"] for line in preamble if (m := _SHARES.match(line))), None)
    numbers = [
        ("shares_outstanding", float(shares.replace(",", "")) if shares else None, "shares"),
        ("net_assets", holdings["market_value"].sum(), "USD"),
        ("holdings_lines", float(holdings.height), "lines"),
    ]
    return pl.DataFrame(
        [(fund.fund, fact, as_of, VENDOR, value, None, unit, None, fact) for fact, value, unit in numbers if value is not None],
        schema={
            "fund": pl.String,
            "fact": pl.String,
            "as_of": pl.Date,
            "vendor": pl.String,
            "value_number": pl.Float64,
            "value_text": pl.String,
            "unit": pl.String,
            "_line": pl.Int64,
            "_content": pl.String,
        },
        orient="row",
    )

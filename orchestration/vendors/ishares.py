"""iShares (BlackRock): holdings as CSV, between a preamble of varying length and a long disclaimer.

The columns vary: files of 2019 to 2021 have CUSIP, ISIN and SEDOL, but no currency; since late 2025 some funds have a market
weight and a notional weight. The other download of the product page, an Excel sheet in XML, has the same table in its sheet
Holdings.
"""

import re
from datetime import date, datetime

import polars as pl

from orchestration.universe import Fund
from orchestration.vendors.feed import (
    Context,
    DocumentRejected,
    Feed,
    Fetched,
    Parsed,
    Request,
    WrongLayout,
    funds_of,
    require_fund,
    settle_as_of,
    with_advice,
)
from orchestration.vendors.formats import spreadsheet_xml
from orchestration.vendors.formats.holdings import holdings_document
from orchestration.vendors.formats.text import decode, fields_of, header_cells, read_table, split_lines
from orchestration.vendors.http import Client

VENDOR, KIND = "ishares", "holdings"
_PATH = (
    "/varnish-api/blk-one01-product-data/product-data/api/v1/get-fund-document"
    "?appType=PRODUCT_PAGE&appSubType=ISHARES&targetSite=us-ishares&locale=en_US&userType=individual&component=holdings"
)
_HEADERS = {"Referer": "https://www.ishares.com/us/products/", "Accept": "text/csv,*/*"}
# Only the asset class distinguishes cash and futures from shares.
_COLUMNS = {"name": ("Name",), "asset_class_label": ("Asset Class",)}
_OPTIONAL = {
    "ticker": ("Ticker",),
    "cusip": ("CUSIP",),
    "isin": ("ISIN",),
    "sedol": ("SEDOL",),
    "sector_label": ("Sector",),
    "market_value": ("Market Value",),
    "stated_weight": ("Weight (%)", "Market Weight"),
    "notional_value": ("Notional Value",),
    "quantity": ("Quantity", "Shares"),
    "price": ("Price",),
    "currency": ("Currency",),
    "exchange": ("Exchange",),
    "location": ("Location",),
}
_SIZES = {"Market Value", "Weight (%)", "Market Weight"}
_HOW_TO_GET = (
    "download the holdings from the fund's page at www.ishares.com (Holdings, Detailed Holdings and Analytics) and add the file"
    " unchanged"
)
_SHEET = "Holdings"
_AS_OF = re.compile(r'^"?Fund Holdings as of"?,"?(?P<date>[^"]*)"?')
_TITLE_LINES = 2
_NO_DATE = ("", "-", "--")
_SHARES = re.compile(r'^"?Shares Outstanding"?,"?(?P<shares>[\d,.]+)"?')


def fetch(request: Request, client: Client) -> Fetched:
    """The latest holdings, or those of a past date.

    Raises:
        FetchFailed: the issuer gave no usable answer.
    """
    past = f"&asOfDate={request.as_of:%Y%m%d}" if request.as_of else ""
    return Fetched(client.get(f"{_PATH}&portfolioId={request.product_id}{past}", headers=_HEADERS), "csv")


@with_advice(_HOW_TO_GET)
def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `holdings` and `fund_facts`.

    Raises:
        DocumentRejected: not a holdings file of this fund, no date, truncated, or inconsistent sums.
    """
    fund = require_fund(context)
    lines = _lines(content)
    start = _header_line(lines)
    preamble = lines[:start]
    _check_title(preamble, fund)
    as_of = settle_as_of(_stated_date(preamble), context)
    rows, ragged = read_table(_table_lines(lines, start), header_cells(lines[start]), _COLUMNS, _OPTIONAL)
    parsed = holdings_document(rows, fund, as_of, [ragged], lines_before=start + 1)
    parsed.tables["fund_facts"] = _facts(preamble, parsed.tables["holdings"], fund, as_of)
    return parsed


def _lines(content: bytes) -> list[str]:
    """The document's lines; the rows of an XML sheet are converted to CSV lines."""
    if spreadsheet_xml.is_one(content):
        return spreadsheet_xml.csv_lines(content, _SHEET)
    return split_lines(decode(content))


def stated_date(content: bytes) -> date | None:
    """The as-of date of a holdings file; None if the issuer states that it has no holdings for the requested date.

    Raises:
        DocumentRejected: it is not a holdings file, or the date is invalid.
    """
    for line in _lines(content):
        if match := _AS_OF.match(line):
            return None if match["date"].strip() in _NO_DATE else _as_date(match["date"].strip())
    raise DocumentRejected("the file is not a holdings file: the line 'Fund Holdings as of' is missing")


def _as_date(text: str) -> date:
    try:
        return datetime.strptime(text, "%b %d, %Y").date()
    except ValueError as error:
        raise DocumentRejected(f"the as-of date {text!r} is invalid (expected format: May 05, 2026)") from error


def _header_line(lines: list[str]) -> int:
    for position, line in enumerate(lines):
        cells = set(header_cells(line))
        if "Name" in cells and cells & _SIZES:
            return position
    first = next((line.strip() for line in lines if line.strip()), "")
    raise WrongLayout(f"the file has no header line with Name and Market Value or Weight (%); it begins with {first[:80]!r}")


def _check_title(preamble: list[str], fund: Fund) -> None:
    """Compare the title with the fund's name. Some copies begin at the header, and an XML sheet begins with a date."""
    titles = [line.strip().strip('",') for line in preamble[:_TITLE_LINES]]
    if titles and fund.name not in titles:
        raise DocumentRejected(f"the title is {titles[0][:80]!r}, not {fund.name!r}")


def _stated_date(preamble: list[str]) -> date | None:
    for line in preamble:
        if match := _AS_OF.match(line):
            text = match["date"].strip()
            if text in _NO_DATE:
                raise DocumentRejected("the issuer has no holdings for the requested date")
            return _as_date(text)
    return None


def _table_lines(lines: list[str], start: int) -> list[tuple[int, str]]:
    """The data lines. If the file contains the table twice, both must be the same."""
    starts = [i for i in range(start, len(lines)) if lines[i].strip() == lines[start].strip()]
    tables = [_one_table(lines, begin, end) for begin, end in zip(starts, [*starts[1:], len(lines)], strict=True)]
    if any([text.strip() for _, text in other] != [text.strip() for _, text in tables[0]] for other in tables[1:]):
        raise DocumentRejected("the file contains two different tables")
    return tables[0]


def _one_table(lines: list[str], start: int, end: int) -> list[tuple[int, str]]:
    """From the header to the first blank line, or to the last line with as many fields as the header, so that a stray blank
    line does not truncate the table. `str.strip` also removes the no-break space."""
    width = len(header_cells(lines[start]))
    blank = next((i for i in range(start + 1, end) if not lines[i].strip()), end)
    last = next((i + 1 for i in range(end - 1, blank, -1) if len(fields_of(lines[i])) == width), blank)
    return [(i + 1, lines[i]) for i in range(start + 1, last) if lines[i].strip()]


def _facts(preamble: list[str], holdings: pl.DataFrame, fund: Fund, as_of: date) -> pl.DataFrame:
    shares = next((m["shares"] for line in preamble if (m := _SHARES.match(line))), None)
    values = holdings["market_value"]
    numbers = [
        ("shares_outstanding", float(shares.replace(",", "")) if shares else None, "shares"),
        ("net_assets", None if values.null_count() else values.sum(), "USD"),
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


FEED = Feed(
    vendor=VENDOR,
    kind=KIND,
    description="Holdings of iShares funds: the issuer's CSV, one document per fund and retrieval.",
    symbols=funds_of(VENDOR),
    address="https://www.blackrock.com",
    fetch=fetch,
    parse=parse,
    stated_date=stated_date,
)

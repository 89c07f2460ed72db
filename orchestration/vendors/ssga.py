"""State Street: holdings as an Excel sheet with a preamble; CUSIP, SEDOL and stated weights, no market value, no sector."""

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
from orchestration.vendors.formats.holdings import holdings_document
from orchestration.vendors.formats.text import find_columns, with_placeholders_as_null
from orchestration.vendors.formats.workbook import check_workbook
from orchestration.vendors.http import Client

VENDOR, KIND = "ssga", "holdings"
_PATH = "/us/en/intermediary/library-content/products/fund-data/etfs/us/holdings-daily-us-en-{product}.xlsx"
_COLUMNS = {"name": ("Name",), "stated_weight": ("Weight",)}
_OPTIONAL = {
    "ticker": ("Ticker",),
    "cusip": ("Identifier",),
    "sedol": ("SEDOL",),
    "sector_label": ("Sector",),
    "quantity": ("Shares Held",),
    "currency": ("Local Currency",),
}
_HOW_TO_GET = "download the holdings as XLSX from the fund's page at www.ssga.com and add the file unchanged"
_AS_OF = re.compile(r"As of (\d{1,2}-[A-Za-z]{3}-\d{4})")
_CUSIP = r"^[0-9A-Z]{9}$"


def fetch(request: Request, client: Client) -> Fetched:
    """The latest holdings; the issuer does not offer past ones.

    Raises:
        FetchFailed: the issuer gave no usable answer.
    """
    return Fetched(client.get(_PATH.format(product=request.product_id)), "xlsx")


@with_advice(_HOW_TO_GET)
def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `holdings`.

    Raises:
        DocumentRejected: not a holdings workbook of this fund, no date, truncated, or inconsistent sums.
    """
    fund = require_fund(context)
    cells = _cells(content)
    start = _header_row(cells)
    _check_ticker(cells[:start], fund)
    as_of = settle_as_of(_stated_date(cells[:start]), context)
    rows = _table(cells, start)
    if "cusip" in rows.columns:
        # Cash lines have a placeholder instead of a CUSIP.
        rows = rows.with_columns(pl.when(pl.col("cusip").str.contains(_CUSIP)).then("cusip").alias("cusip"))
    return holdings_document(rows, fund, as_of, [], lines_before=start + 1)


def _cells(content: bytes) -> list[list[str]]:
    if not content.startswith(b"PK"):
        raise WrongLayout("the file is not an Excel workbook" + (" but a web page" if b"<html" in content[:2000].lower() else ""))
    check_workbook(content)
    import fastexcel  # only workbooks need it

    try:
        sheet = fastexcel.read_excel(content).load_sheet(0, header_row=None, skip_rows=0, dtypes="string").to_polars()
    except fastexcel.FastExcelError as error:  # raised for truncated, damaged and incomplete workbooks
        raise DocumentRejected(f"the workbook cannot be opened: {str(error).splitlines()[0][:120]}") from error
    return [[(cell or "").strip() for cell in row] for row in sheet.iter_rows()]


def _header_row(cells: list[list[str]]) -> int:
    for position, row in enumerate(cells):
        if row and row[0] == "Name" and "Weight" in row:
            return position
    first = next((" | ".join(row) for row in cells if any(row)), "")
    raise WrongLayout(f"the sheet has no header row that begins with Name and contains Weight; it begins with {first[:80]!r}")


def _check_ticker(preamble: list[list[str]], fund: Fund) -> None:
    """Compare the ticker in the preamble with the fund. Some copies begin at the header row and do not state a ticker."""
    default = "" if any(map(any, preamble)) else fund.fund
    stated = next((row[1] for row in preamble if row[0].startswith("Ticker Symbol")), default)
    if stated != fund.fund:
        raise DocumentRejected(f"the file contains the fund {stated[:40]!r}, not {fund.fund}")


def _stated_date(preamble: list[list[str]]) -> date | None:
    for row in preamble:
        if match := _AS_OF.search(" ".join(row)):
            try:
                return datetime.strptime(match[1], "%d-%b-%Y").date()
            except ValueError as error:
                raise DocumentRejected(f"the as-of date {match[1]!r} is invalid (expected format: 05-May-2026)") from error
    return None


def _table(cells: list[list[str]], start: int) -> pl.DataFrame:
    """The data rows, to the last row with a weight; the disclaimers follow."""
    places = find_columns(cells[start], _COLUMNS, _OPTIONAL)
    end = max((i + 1 for i in range(start + 1, len(cells)) if cells[i][places["stated_weight"]]), default=start + 1)
    table = [
        (*[cells[i][place] for place in places.values()], i + 1, " | ".join(cells[i]))
        for i in range(start + 1, end)
        if any(cells[i])
    ]
    schema = {**dict.fromkeys(places, pl.String), "_line": pl.Int64, "_content": pl.String}
    return with_placeholders_as_null(pl.DataFrame(table, schema=schema, orient="row"), list(places))


FEED = Feed(
    vendor=VENDOR,
    kind=KIND,
    description="Holdings of State Street funds: the issuer's Excel sheet, one document per fund and retrieval.",
    symbols=funds_of(VENDOR),
    address="https://www.ssga.com",
    fetch=fetch,
    parse=parse,
)

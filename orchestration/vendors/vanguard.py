"""Vanguard: the stocks of a fund at month-end, as JSON or as the CSV of its website.

The JSON has CUSIP, ISIN, SEDOL and market value, and no sector. It does not name its fund: only its size and date can show that
it belongs to another one. The CSV has SEDOL, market value and a sector (older files) or GICS sub-industry. Cash, bonds and
derivatives are separate lists, which are not read, so the weights sum to slightly less than 1.
"""

import re
from datetime import date, datetime
from typing import Any

import polars as pl

from orchestration.schemas import REJECT_COLUMNS
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
from orchestration.vendors.formats.json_text import check_lines, load_object, objects_table
from orchestration.vendors.formats.text import decode, fields_of, header_cells, read_table, split_lines
from orchestration.vendors.http import Client

VENDOR, KIND = "vanguard", "holdings"
_PATH = "/vmf/api/{product}/portfolio-holding/stock.json?start=1&count=20000&asOfType=daily"
_HEADERS = {"Referer": "https://investor.vanguard.com/", "Accept": "application/json"}
_JSON_COLUMNS = {
    "ticker": "ticker",
    "name": "longName",
    "short_name": "shortName",
    "cusip": "cusip",
    "isin": "isin",
    "sedol": "sedol",
    "quantity": "sharesHeld",
    "market_value": "marketValue",
    "stated_weight": "percentWeight",
    "asset_class_label": "secMainType",
}
# An object without one of these is damaged, unless all objects lack it.
_JSON_ALWAYS = ("ticker", "longName", "sharesHeld", "marketValue", "percentWeight")
_CSV_COLUMNS = {"name": ("HOLDINGS",)}
_CSV_OPTIONAL = {
    "ticker": ("TICKER",),
    "sedol": ("SEDOL",),
    "stated_weight": ("% OF FUNDS*", "% OF FUND*", "% OF FUNDS", "% OF FUND"),
    "sector_label": ("SECTOR", "SUB-INDUSTRY"),
    "location": ("COUNTRY",),
    "market_value": ("MARKET VALUE*", "MARKET VALUE"),
    "quantity": ("SHARES",),
}
_CSV_TITLE = re.compile(r"\((?P<ticker>[A-Z]+)\)\W*$")
_CSV_AS_OF = re.compile(r'^"?Equity"?,"?as of (?P<date>[^"]*?)"?$', re.IGNORECASE)
_CSV_LIST = re.compile(r'^"?[A-Za-z][^",]*"?,"?as of ')
_LESS_THAN = r"^<"
_HOW_TO_GET = (
    "download the holdings from the fund's page at investor.vanguard.com (Portfolio composition, Holding details, Export full"
    " holdings) and add the file unchanged"
)
# The requested list, for lines that do not state their type.
_DEFAULT_ASSET_CLASS = "stock"


def fetch(request: Request, client: Client) -> Fetched:
    """The latest published holdings; the issuer does not offer past ones.

    Raises:
        FetchFailed: the issuer gave no usable answer.
    """
    return Fetched(client.get(_PATH.format(product=request.product_id), headers=_HEADERS), "json")


@with_advice(_HOW_TO_GET)
def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `holdings`, from either format.

    Raises:
        DocumentRejected: not a list of holdings, another fund, no date, truncated, or inconsistent sums.
    """
    fund = require_fund(context)
    text = decode(content)
    return _read_json(text, fund, context) if text.lstrip()[0] in "{[" else _read_csv(text, fund, context)


def _read_json(text: str, fund: Fund, context: Context) -> Parsed:
    answer = load_object(text)
    lines = _json_lines(answer)
    as_of = settle_as_of(_stated_date(answer, lines), context)
    present = {ours: theirs for ours, theirs in _JSON_COLUMNS.items() if any(theirs in line for _, line in lines)}
    lacking = [
        (place, f"the field {theirs!r} is missing", str(line))
        for place, line in lines
        for theirs in _JSON_ALWAYS
        if theirs in present.values() and theirs not in line
    ]
    unusable = {place for place, *_ in lacking}
    rows = objects_table([(place, line) for place, line in lines if place not in unusable], present)
    names = [pl.col(name) for name in ("name", "short_name") if name in present]
    kind = pl.col("asset_class_label") if "asset_class_label" in present else pl.lit(None, pl.String)
    rows = rows.with_columns(pl.coalesce(names).alias("name"), kind.fill_null(_DEFAULT_ASSET_CLASS).alias("asset_class_label"))
    return holdings_document(rows, fund, as_of, [pl.DataFrame(lacking, schema=REJECT_COLUMNS, orient="row")])


def _json_lines(answer: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Position and object of each holding."""
    try:
        lines = check_lines(answer["fund"]["entity"], int(answer["size"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise WrongLayout(f"a required JSON field is missing or invalid: {str(error)[:120]}") from error
    if not any("longName" in line or "shortName" in line for line in lines):
        raise WrongLayout("the field 'longName' is missing from every holding")
    return list(enumerate(lines, start=1))


def _stated_date(answer: dict[str, Any], lines: list[tuple[int, dict[str, Any]]]) -> date | None:
    """The as-of date of the answer and of its lines, which must be the same where given: midnight in New York, as text."""
    stated = {str(part["asOfDate"])[:10] for part in (answer, *(line for _, line in lines)) if part.get("asOfDate")}
    if len(stated) > 1:
        raise DocumentRejected(f"the file has {len(stated)} different as-of dates: {', '.join(sorted(stated))[:80]}")
    try:
        return date.fromisoformat(stated.pop()) if stated else None
    except ValueError as error:
        raise DocumentRejected(f"the as-of date is invalid: {error}") from error


def _read_csv(text: str, fund: Fund, context: Context) -> Parsed:
    """The list of stocks, from its title to the next list."""
    lines = split_lines(text)
    title = next((position for position, line in enumerate(lines) if _CSV_AS_OF.match(line.strip())), None)
    if title is None:
        first = next(line.strip() for line in lines if line.strip())
        raise WrongLayout(
            f"the file is neither JSON nor a CSV with a line 'Equity,as of MM/DD/YYYY'; it begins with {first[:80]!r}"
        )
    tickers = [match["ticker"] for line in lines[:title] if (match := _CSV_TITLE.search(line.strip()))]
    if tickers and tickers != [fund.fund]:
        raise DocumentRejected(f"the file contains the fund {', '.join(tickers)[:40]}, not {fund.fund}")
    as_of = settle_as_of(_american_date(lines[title]), context)
    end = next((i for i in range(title + 1, len(lines)) if _CSV_LIST.match(lines[i])), len(lines))
    start = next((i for i in range(title + 1, end) if "HOLDINGS" in header_cells(lines[i])), None)
    if start is None:
        raise WrongLayout("the list of stocks has no header with HOLDINGS")
    header = header_cells(lines[start])
    # To the first blank line, or to the last line as wide as the header: a stray blank line must not truncate the list.
    blank = next((i for i in range(start + 1, end) if not lines[i].strip()), end)
    last = next((i + 1 for i in range(end - 1, blank, -1) if len(fields_of(lines[i])) == len(header)), blank)
    numbered = [(i + 1, lines[i]) for i in range(start + 1, last) if lines[i].strip()]
    rows, ragged = read_table(numbered, header, _CSV_COLUMNS, _CSV_OPTIONAL)
    return holdings_document(_plain_numbers(rows), fund, as_of, [ragged], lines_before=start + 1)


def _plain_numbers(rows: pl.DataFrame) -> pl.DataFrame:
    """Numbers without $ and %. A weight given as an upper bound (<0.01%) becomes NULL."""
    columns = [pl.lit(_DEFAULT_ASSET_CLASS).alias("asset_class_label")]
    if "market_value" in rows.columns:
        columns.append(pl.col("market_value").str.replace(r"^(-?)\$", "$1"))
    if "stated_weight" in rows.columns:
        columns.append(
            pl.when(~pl.col("stated_weight").str.contains(_LESS_THAN)).then(pl.col("stated_weight").str.strip_suffix("%"))
        )
    return rows.with_columns(columns)


def _american_date(title: str) -> date:
    match = _CSV_AS_OF.match(title.strip())
    text = match["date"].strip() if match else ""
    try:
        return datetime.strptime(text, "%m/%d/%Y").date()
    except ValueError as error:
        raise DocumentRejected(f"the as-of date {text!r} is invalid (expected format: 09/30/2025)") from error


FEED = Feed(
    vendor=VENDOR,
    kind=KIND,
    description="Holdings of Vanguard funds: the issuer's JSON, one document per fund and retrieval.",
    symbols=funds_of(VENDOR),
    address="https://investor.vanguard.com",
    fetch=fetch,
    parse=parse,
)

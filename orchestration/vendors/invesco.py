"""Invesco: holdings as JSON (current) or as the older CSV. CUSIP and market value; the JSON has no sector."""

import json
from datetime import date, datetime

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
from orchestration.vendors.formats.text import decode, header_cells, read_table, split_lines
from orchestration.vendors.http import Client

VENDOR, KIND = "invesco", "holdings"
_PATH = "/cache/v1/accounts/en_US/shareclasses/{product}/holdings/fund?idType=ticker&interval=monthly&productType=ETF"
# Names of 2025 first, then those of 2018.
_CSV_COLUMNS = {"fund_ticker": ("Fund Ticker", "FundTicker"), "name": ("Name",), "as_of": ("Date",)}
_CSV_OPTIONAL = {
    "cusip": ("Security Identifier", "SecurityIdentifier", "SecurityNum", "CUSIP"),
    "ticker": ("Holding Ticker", "HoldingsTicker", "HoldingTicker"),
    "quantity": ("Shares/Par Value", "Shares", "SharesParValue"),
    "market_value": ("MarketValue", "Market Value"),
    "stated_weight": ("Weight", "PercentageOfFund"),
    "asset_class_label": ("Class of Shares", "ClassofShares"),
    "sector_label": ("Sector",),
}
_JSON_COLUMNS = {
    "cusip": "cusip",
    "ticker": "ticker",
    "quantity": "units",
    "market_value": "marketValueBase",
    "stated_weight": "percentageOfTotalNetAssets",
    "name": "issuerName",
    "asset_class_label": "securityTypeCode",
    "currency": "currency",
}
# An object without one of these is damaged, unless all objects lack it.
_JSON_NUMBERS = ("units", "marketValueBase")
_HOW_TO_GET = "export the holdings from the fund's page at www.invesco.com and add the file unchanged"


def fetch(request: Request, client: Client) -> Fetched:
    """The latest holdings as JSON (the vendor labels it text/plain).

    Raises:
        FetchFailed: the issuer gave no usable answer.
    """
    return Fetched(client.get(_PATH.format(product=request.product_id)), "json")


@with_advice(_HOW_TO_GET)
def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `holdings`, from either format.

    Raises:
        DocumentRejected: not a holdings file of this fund, no date, truncated, or inconsistent sums.
    """
    fund = require_fund(context)
    text = decode(content)
    rows, stated, rejects = _read_json(text, fund) if text.lstrip().startswith("{") else _read_csv(text, fund)
    return holdings_document(rows, fund, settle_as_of(stated, context), rejects)


def _read_csv(text: str, fund: Fund) -> tuple[pl.DataFrame, date, list[pl.DataFrame]]:
    lines = [(i, line) for i, line in enumerate(split_lines(text), start=1) if line.strip()]
    rows, ragged = read_table(lines[1:], header_cells(lines[0][1]), _CSV_COLUMNS, _CSV_OPTIONAL)
    funds = rows["fund_ticker"].unique().to_list()
    if funds != [fund.fund]:
        raise DocumentRejected(f"the file contains the funds {sorted(map(str, funds))}, not {fund.fund}")
    dates = rows["as_of"].unique(maintain_order=True).to_list()
    if len(dates) != 1:
        other = rows.filter(pl.col("as_of").ne_missing(dates[0]))["_content"][0] if dates else ""
        raise DocumentRejected(
            f"the lines have {len(dates)} different dates; the first line with another date is {other[:120]!r}"
        )
    try:
        as_of = datetime.strptime(str(dates[0]), "%m/%d/%Y").date()
    except ValueError as error:
        raise DocumentRejected(f"the as-of date {dates[0]!r} is invalid (expected format: 09/26/2025)") from error
    return rows, as_of, [ragged]


def _read_json(text: str, fund: Fund) -> tuple[pl.DataFrame, date, list[pl.DataFrame]]:
    answer = load_object(text)
    try:
        # effectiveDate can be in the future: the business date is the as-of date.
        as_of = date.fromisoformat(answer["effectiveBusinessDate"][:10])
        promised = int(answer["totalNumberOfHoldings"])
        lines = check_lines(answer["holdings"], promised)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise WrongLayout(f"a required JSON field is missing or invalid: {str(error)[:120]}") from error
    stated_fund = answer.get("ticker")
    if stated_fund not in (None, fund.fund):
        raise DocumentRejected(f"the file contains the fund {stated_fund!r}, not {fund.fund}")
    present = {ours: theirs for ours, theirs in _JSON_COLUMNS.items() if any(theirs in line for line in lines)}
    if "name" not in present:
        raise WrongLayout("the field 'issuerName' is missing from every holding")
    # Only the weight may be missing: receivable cash has none.
    lacking = [
        (position, f"the field {theirs!r} is missing", json.dumps(line))
        for position, line in enumerate(lines, start=1)
        for theirs in _JSON_NUMBERS
        if theirs in present.values() and theirs not in line
    ]
    unusable = {position for position, *_ in lacking}
    usable = [(position, line) for position, line in enumerate(lines, start=1) if position not in unusable]
    return objects_table(usable, present), as_of, [pl.DataFrame(lacking, schema=REJECT_COLUMNS, orient="row")]


FEED = Feed(
    vendor=VENDOR,
    kind=KIND,
    description="Holdings of Invesco funds: JSON or the older CSV, one document per fund and retrieval.",
    symbols=funds_of(VENDOR),
    address="https://dng-api.invesco.com",
    fetch=fetch,
    parse=parse,
)

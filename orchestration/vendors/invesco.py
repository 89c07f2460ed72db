"""Invesco: holdings as JSON (today) or as the older CSV that people have on disk. CUSIP, market value; no sector in the JSON."""

import json
from datetime import date, datetime

import polars as pl

from orchestration.contracts import REJECT_COLUMNS
from orchestration.settings import Settings
from orchestration.universe import Fund
from orchestration.vendors.base import Context, DocumentRejected, Fetched, Parsed, check_holdings, require_fund, settle_as_of
from orchestration.vendors.http import Pace, get
from orchestration.vendors.json_text import check_lines, load_object, objects_table
from orchestration.vendors.text import (
    decode,
    header_cells,
    read_numbers,
    read_table,
    split_lines,
)

VENDOR, KIND = "invesco", "holdings"
_PATH = "/cache/v1/accounts/en_US/shareclasses/{product}/holdings/fund?idType=ticker&interval=monthly&productType=ETF"
_CSV_COLUMNS = {
    "fund_ticker": ("Fund Ticker",),
    "cusip": ("Security Identifier",),
    "ticker": ("Holding Ticker",),
    "quantity": ("Shares/Par Value",),
    "market_value": ("MarketValue",),
    "stated_weight": ("Weight",),
    "name": ("Name",),
    "asset_class_label": ("Class of Shares",),
    "sector_label": ("Sector",),
    "as_of": ("Date",),
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
_NUMBERS = ["quantity", "market_value", "stated_weight"]


def fetch(fund: Fund, settings: Settings, pace: Pace) -> Fetched:
    """The latest holdings as JSON (the vendor labels it text/plain).

    Raises:
        FetchFailed: the issuer gave no usable answer.
    """
    return Fetched(get(settings.invesco_base_url + _PATH.format(product=fund.product_id), settings, pace=pace), "json")


def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `holdings`, from either format.

    Raises:
        DocumentRejected: not a holdings file of this fund, without date, cut short, or one that does not add up.
    """
    fund = require_fund(context)
    text = decode(content)
    rows, stated, rejects = _read_json(text, fund) if text.lstrip().startswith("{") else _read_csv(text, fund)
    as_of = settle_as_of(stated, context)
    rows, broken = read_numbers(rows, _NUMBERS)
    holdings = rows.select(
        pl.lit(fund.fund).alias("fund"),
        pl.lit(as_of).alias("as_of"),
        pl.col("_line").cast(pl.Int32).alias("line_no"),
        "ticker",
        "name",
        "cusip",
        *[pl.lit(None, pl.String).alias(c) for c in ("isin", "sedol")],
        "sector_label",
        "asset_class_label",
        "market_value",
        pl.col("stated_weight") / 100,
        pl.lit(None, pl.Float64).alias("notional_value"),
        "quantity",
        pl.lit(None, pl.Float64).alias("price"),
        "currency",
        *[pl.lit(None, pl.String).alias(c) for c in ("exchange", "location")],
        "_line",
        "_content",
    )
    check_holdings(holdings, fund)
    return Parsed("holdings", {"holdings": holdings}, as_of, [*rejects, broken])


def _read_csv(text: str, fund: Fund) -> tuple[pl.DataFrame, date, list[pl.DataFrame]]:
    lines = [(i, line) for i, line in enumerate(split_lines(text), start=1) if line.strip()]
    rows, ragged = read_table(lines[1:], header_cells(lines[0][1]), _CSV_COLUMNS)
    rows = rows.with_columns(currency=pl.lit(None, pl.String))
    funds = rows["fund_ticker"].unique().to_list()
    if funds != [fund.fund]:
        raise DocumentRejected(f"it holds the funds {sorted(map(str, funds))}, not {fund.fund}")
    dates = rows["as_of"].unique().to_list()
    if len(dates) != 1:
        raise DocumentRejected(f"its lines bear {len(dates)} different dates")
    try:
        as_of = datetime.strptime(dates[0], "%m/%d/%Y").date()
    except ValueError as error:
        raise DocumentRejected(f"its date {dates[0]!r} cannot be read") from error
    return rows, as_of, [ragged]


def _read_json(text: str, fund: Fund) -> tuple[pl.DataFrame, date, list[pl.DataFrame]]:
    answer = load_object(text)
    try:
        # effectiveDate can lie in the future: the business date is the as-of.
        as_of = date.fromisoformat(answer["effectiveBusinessDate"][:10])
        promised = int(answer["totalNumberOfHoldings"])
        lines = check_lines(answer["holdings"], promised)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DocumentRejected(f"its JSON lacks a usable field: {str(error)[:120]}") from error
    stated_fund = answer.get("ticker")
    if stated_fund not in (None, fund.fund):
        raise DocumentRejected(f"it holds the fund {stated_fund!r}, not {fund.fund}")
    if missing := [theirs for theirs in _JSON_COLUMNS.values() if not any(theirs in line for line in lines)]:
        raise DocumentRejected(f"the field {missing[0]!r} is missing from every holding")
    # The weight alone may be absent: cash that is still to be paid has none.
    lacking = [
        (position, f"it lacks the field {theirs!r}", json.dumps(line))
        for position, line in enumerate(lines, start=1)
        for theirs in ("units", "marketValueBase")
        if theirs not in line
    ]
    unusable = {position for position, *_ in lacking}
    usable = [(position, line) for position, line in enumerate(lines, start=1) if position not in unusable]
    frame = objects_table(usable, _JSON_COLUMNS).with_columns(sector_label=pl.lit(None, pl.String))
    return frame, as_of, [pl.DataFrame(lacking, schema=REJECT_COLUMNS, orient="row")]

"""Vanguard: the stocks of a fund as JSON, at the end of a month. CUSIP, ISIN, SEDOL and market value; no sector, no cash.

The issuer keeps cash, bonds and derivatives in lists of their own, so the weights sum to a little below 1. The answer does not
name its fund: only its size and date can tell that it is another's.
"""

from datetime import date
from typing import Any

import polars as pl

from orchestration.contracts import REJECT_COLUMNS
from orchestration.settings import Settings
from orchestration.universe import Fund
from orchestration.vendors.base import Context, DocumentRejected, Fetched, Parsed, check_holdings, require_fund, settle_as_of
from orchestration.vendors.http import Pace, get
from orchestration.vendors.json_text import check_lines, load_object, objects_table
from orchestration.vendors.text import decode, read_numbers

VENDOR, KIND = "vanguard", "holdings"
_PATH = "/vmf/api/{product}/portfolio-holding/stock.json?start=1&count=20000&asOfType=daily"
_HEADERS = {"Referer": "https://investor.vanguard.com/", "Accept": "application/json"}
_COLUMNS = {
    "ticker": "ticker",
    "name": "longName",
    "short_name": "shortName",
    "cusip": "cusip",
    "isin": "isin",
    "sedol": "sedol",
    "quantity": "sharesHeld",
    "market_value": "marketValue",
    "stated_weight": "percentWeight",
    "kind": "secMainType",
}
_NEEDED = ("ticker", "longName", "sharesHeld", "marketValue", "percentWeight")
_NUMBERS = ["quantity", "market_value", "stated_weight"]
# The list that was asked for, where a line says nothing about itself.
_THE_LIST = "stock"


def fetch(fund: Fund, settings: Settings, pace: Pace) -> Fetched:
    """The latest published holdings; the issuer offers no others.

    Raises:
        FetchFailed: the issuer gave no usable answer.
    """
    url = settings.vanguard_base_url + _PATH.format(product=fund.product_id)
    return Fetched(get(url, settings, pace=pace, headers=_HEADERS), "json")


def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `holdings`.

    Raises:
        DocumentRejected: not a list of holdings, without date, cut short, or one that does not add up.
    """
    fund = require_fund(context)
    answer = load_object(decode(content))
    lines = _lines(answer)
    as_of = settle_as_of(_stated_date(answer, lines), context)
    lacking = [
        (place, f"it lacks the field {theirs!r}", str(line)) for place, line in lines for theirs in _NEEDED if theirs not in line
    ]
    unusable = {place for place, *_ in lacking}
    rows = objects_table([(place, line) for place, line in lines if place not in unusable], _COLUMNS)
    rows, broken = read_numbers(rows, _NUMBERS)
    holdings = rows.select(
        pl.lit(fund.fund).alias("fund"),
        pl.lit(as_of).alias("as_of"),
        pl.col("_line").cast(pl.Int32).alias("line_no"),
        "ticker",
        pl.coalesce("name", "short_name").alias("name"),
        "cusip",
        "isin",
        "sedol",
        pl.lit(None, pl.String).alias("sector_label"),
        pl.col("kind").fill_null(_THE_LIST).alias("asset_class_label"),
        "market_value",
        pl.col("stated_weight") / 100,
        pl.lit(None, pl.Float64).alias("notional_value"),
        "quantity",
        pl.lit(None, pl.Float64).alias("price"),
        *[pl.lit(None, pl.String).alias(c) for c in ("currency", "exchange", "location")],
        "_line",
        "_content",
    )
    check_holdings(holdings, fund)
    return Parsed("holdings", {"holdings": holdings}, as_of, [pl.DataFrame(lacking, schema=REJECT_COLUMNS, orient="row"), broken])


def _lines(answer: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Place and object of each holding."""
    try:
        lines = check_lines(answer["fund"]["entity"], int(answer["size"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DocumentRejected(f"its JSON lacks a usable field: {str(error)[:120]}") from error
    if missing := [theirs for theirs in _NEEDED if not any(theirs in line for line in lines)]:
        raise DocumentRejected(f"the field {missing[0]!r} is missing from every holding")
    return list(enumerate(lines, start=1))


def _stated_date(answer: dict[str, Any], lines: list[tuple[int, dict[str, Any]]]) -> date | None:
    """The date of the answer and of those lines that bear one, which must be the same: midnight in New York, as text."""
    stated = {str(part["asOfDate"])[:10] for part in (answer, *(line for _, line in lines)) if part.get("asOfDate")}
    if len(stated) > 1:
        raise DocumentRejected(f"it bears {len(stated)} different dates: {', '.join(sorted(stated))[:80]}")
    try:
        return date.fromisoformat(stated.pop()) if stated else None
    except ValueError as error:
        raise DocumentRejected(f"its as-of date cannot be read: {error}") from error

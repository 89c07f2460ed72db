"""Yahoo fund data, through yfinance: fees, assets, yield, quote, ten holdings and sectors in Yahoo's own names.

Yahoo gives no as-of date: the facts bear the New York date of their retrieval. Its units differ from field to field: in every
answer we know, `netExpenseRatio` and `dividendYield` are percentages, `annualReportExpenseRatio` and `yield` fractions, of the
same two things. A value that its other form contradicts by a factor is left out and listed, never converted by guess.
"""

import json
import math
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from orchestration.schemas import REJECT_COLUMNS
from orchestration.vendors.feed import Context, DocumentRejected, Feed, Fetched, FetchFailed, Parsed, Request, require_fund
from orchestration.vendors.formats.json_text import load_object
from orchestration.vendors.formats.text import decode
from orchestration.vendors.http import Client
from orchestration.vendors.yahoo import prices, yfinance_client

VENDOR, KIND = "yahoo", "fund_data"
_NEW_YORK = ZoneInfo("America/New_York")
_KINDS = ("ETF", "MUTUALFUND")
# Two forms of one figure may lie so far apart: a new fee, an older report. A unit is a factor of 100.
_SAME_THING = 5.0
_HIGHEST_FEE, _HIGHEST_YIELD = 0.05, 0.15
_SCHEMA = {
    "fund": pl.String,
    "fact": pl.String,
    "as_of": pl.Date,
    "vendor": pl.String,
    "value_number": pl.Float64,
    "value_text": pl.String,
    "unit": pl.String,
    "_line": pl.Int64,
    "_content": pl.String,
}


def fetch(request: Request, client: Client) -> Fetched:
    """Everything Yahoo tells of the fund, as JSON.

    Raises:
        FetchFailed: Yahoo answered with an error, with nothing, or not at all.
    """
    symbol = str(request.fund.price_symbol) if request.fund else request.symbol
    told = client.ask(lambda: yfinance_client.ask_fund_data(symbol, client))
    if "quoteType" not in told["info"]:
        raise FetchFailed(f"Yahoo's answer holds nothing about {symbol}")
    return Fetched(json.dumps(told, indent=1, sort_keys=True, default=str).encode(), "json")


def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `fund_facts`: one a fact, the top holdings and sectors each a fact of their own.

    Raises:
        DocumentRejected: not such a document, of another symbol, of no fund, or without a usable fact.
    """
    fund = require_fund(context)
    told = load_object(decode(content))
    info, funds_data = told.get("info"), told.get("funds_data")
    if not isinstance(info, dict) or not isinstance(funds_data, dict):
        raise DocumentRejected("it has no info and funds_data")
    if told.get("symbol") != fund.price_symbol:
        raise DocumentRejected(f"it speaks of {str(told.get('symbol'))[:40]!r}, not of {fund.price_symbol}")
    if info.get("quoteType") not in _KINDS:
        raise DocumentRejected(f"Yahoo calls it {str(info.get('quoteType'))[:40]!r}, not a fund")
    facts = _Facts(fund.fund, context.retrieved_at.astimezone(_NEW_YORK).date())
    _read_costs_and_yield(facts, info, funds_data)
    _read_dollars(facts, info)
    _read_parts(facts, "top_holding", _top_holdings(funds_data), least=0.0)
    _read_parts(facts, "sector_weight", list(_mapping(funds_data, "sector_weightings").items()), least=0.9)
    facts.add("average_volume", _positive(info.get("averageVolume")), "shares")
    category = info.get("category") or _mapping(funds_data, "fund_overview").get("categoryName")
    facts.add("category", str(category) if category else None, "text")
    if not facts.rows:
        raise DocumentRejected("it holds no usable fact")
    rejects = pl.DataFrame(facts.left_out, schema=REJECT_COLUMNS, orient="row")
    return Parsed("fund_facts", {"fund_facts": pl.DataFrame(facts.rows, schema=_SCHEMA, orient="row")}, facts.as_of, [rejects])


class _Facts:
    """Rows as they gather, and what had to be left out."""

    def __init__(self, fund: str, as_of: date) -> None:
        self.fund, self.as_of = fund, as_of
        self.rows: list[tuple[Any, ...]] = []
        self.left_out: list[tuple[None, str, str]] = []

    def add(self, fact: str, value: float | str | None, unit: str) -> None:
        """One fact, unless there is none."""
        if value is None:
            return
        number, text = (None, value) if isinstance(value, str) else (value, None)
        self.rows.append((self.fund, fact, self.as_of, VENDOR, number, text, unit, None, fact))

    def leave_out(self, fact: str, why: str, **received: Any) -> None:
        """A fact that was told, but in no way that can be relied on."""
        self.left_out.append((None, f"{fact} is left out: {why}", json.dumps({"fact": fact, **received})[:500]))


def _read_costs_and_yield(facts: _Facts, info: dict[str, Any], funds_data: dict[str, Any]) -> None:
    reported = _mapping(funds_data, "fund_operations").get("Annual Report Expense Ratio")
    fee, other_fee = _positive(reported), _positive(info.get("netExpenseRatio"))
    if fee is not None and not _agree(fee, other_fee, _HIGHEST_FEE):
        facts.leave_out("expense_ratio", "its unit is in doubt", annualReportExpenseRatio=reported, netExpenseRatio=other_fee)
    elif fee is not None:
        # The net ratio is today's, the other that of the last annual report.
        facts.add("expense_ratio", fee if other_fee is None else other_fee / 100, "fraction")
    elif other_fee is not None:
        facts.leave_out("expense_ratio", "nothing tells the unit of netExpenseRatio", netExpenseRatio=other_fee)
    paid, other_paid = _positive(info.get("yield")), _positive(info.get("dividendYield"))
    if paid is not None and not _agree(paid, other_paid, _HIGHEST_YIELD):
        facts.leave_out("dividend_yield", "its unit is in doubt", dividendYield=other_paid, **{"yield": paid})
    else:
        facts.add("dividend_yield", paid, "fraction")


def _agree(fraction: float, percentage: float | None, highest: float) -> bool:
    """Whether the fraction can be one, and the percentage, where there is one, is the same thing times a hundred."""
    within = percentage is None or 1 / _SAME_THING < percentage / 100 / fraction < _SAME_THING
    return fraction <= highest and within


def _read_dollars(facts: _Facts, info: dict[str, Any]) -> None:
    assets, again = _positive(info.get("totalAssets")), _positive(info.get("netAssets"))
    bid, ask = _positive(info.get("bid")), _positive(info.get("ask"))
    if info.get("currency") != "USD":
        facts.leave_out("net_assets, bid, ask", "the currency is not USD", currency=info.get("currency"))
        return
    if assets and again and not 0.95 < assets / again < 1.05:
        facts.leave_out("net_assets", "totalAssets and netAssets differ", totalAssets=assets, netAssets=again)
    else:
        facts.add("net_assets", assets or again, "USD")
    if bid and ask and bid > ask:
        facts.leave_out("bid, ask", "the bid lies above the ask", bid=bid, ask=ask)
        return
    facts.add("bid", bid, "USD")
    facts.add("ask", ask, "USD")


def _read_parts(facts: _Facts, prefix: str, parts: list[tuple[str, Any]], *, least: float) -> None:
    """Fractions of the fund by name: all of them, or none where they cannot be that."""
    if not parts:
        return
    fractions = {name: _number(value) for name, value in parts if name}
    known = [value for value in fractions.values() if value is not None]
    if len(known) < len(parts) or min(known) < 0 or not least <= sum(known) <= 1.01:
        facts.leave_out(prefix, "its parts are no fractions of one fund", parts=parts)
        return
    for name, value in fractions.items():
        facts.add(f"{prefix}:{name}", value, "fraction")


def _top_holdings(funds_data: dict[str, Any]) -> list[tuple[str, Any]]:
    """Yahoo's symbol and the fraction of each holding it names."""
    listed = funds_data.get("top_holdings")
    lines = [line for line in listed if isinstance(line, dict)] if isinstance(listed, list) else []
    return [(str(line.get("Symbol") or ""), line.get("Holding Percent")) for line in lines]


def _mapping(told: dict[str, Any], name: str) -> dict[str, Any]:
    part = told.get(name)
    return part if isinstance(part, dict) else {}


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _positive(value: Any) -> float | None:
    """Yahoo prints zero for what it does not know."""
    number = _number(value)
    return number if number is not None and number > 0 else None


FEED = Feed(
    vendor=VENDOR,
    kind=KIND,
    description="Yahoo's fees, assets, yield, quote, top holdings and sectors of each fund: one JSON per fund and retrieval.",
    symbols=lambda universe: {fund.fund: fund for fund in universe.values() if fund.price_symbol},
    address=yfinance_client.ADDRESS,
    fetch=fetch,
    parse=parse,
    # Fund data need a cookie and are refused more often: asked last, a refusal costs no price.
    after=(prices.FEED.name,),
)

"""Yahoo fund data, through yfinance: fees, assets, yield, top ten holdings, and sectors under Yahoo's names.

Yahoo states no as-of date: the facts have the New York date of their retrieval. Units differ between fields: in every known
answer, `netExpenseRatio` and `dividendYield` are percentages, `annualReportExpenseRatio` and `yield` fractions of the same
figures. If the two forms differ by a factor, the value is omitted and listed as a reject, never converted by a guess.
"""

import json
import math
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from orchestration.schemas import REJECT_COLUMNS
from orchestration.vendors.feed import (
    Context,
    DocumentRejected,
    Feed,
    Fetched,
    FetchFailed,
    Parsed,
    Request,
    require_fund,
    require_symbol,
)
from orchestration.vendors.formats.json_text import load_object
from orchestration.vendors.formats.text import decode
from orchestration.vendors.http import Client
from orchestration.vendors.yahoo import prices, yfinance_client

VENDOR, KIND = "yahoo", "fund_data"
_NEW_YORK = ZoneInfo("America/New_York")
_KINDS = ("ETF", "MUTUALFUND")
# Two forms of one figure may differ by this factor (a new fee, an older report); a wrong unit is a factor of 100.
_LARGEST_FACTOR = 5.0
_HIGHEST_FEE, _HIGHEST_YIELD = 0.05, 0.15
_LONGEST_TEXT = 100
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
    """Yahoo's data about the fund, as JSON.

    Raises:
        FetchFailed: Yahoo gave an error, an empty answer, or no answer.
    """
    symbol = str(request.fund.price_symbol) if request.fund else request.symbol
    answer = client.ask(lambda: yfinance_client.ask_fund_data(symbol, client))
    if "quoteType" not in answer["info"]:
        raise FetchFailed(f"Yahoo's answer has no data about {symbol}")
    return Fetched(json.dumps(answer, indent=1, sort_keys=True, default=str).encode(), "json")


def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `fund_facts`: one per fact; each top holding and each sector is a fact.

    Raises:
        DocumentRejected: not a fund data document, another symbol, not a fund, or no usable fact.
    """
    fund = require_fund(context)
    answer = load_object(decode(content))
    info, funds_data = answer.get("info"), answer.get("funds_data")
    if not isinstance(info, dict) or not isinstance(funds_data, dict):
        raise DocumentRejected("the JSON has no info and funds_data")
    require_symbol(answer.get("symbol"), fund)
    if "symbol" in info:
        require_symbol(info["symbol"], fund, "its info has")
    if info.get("quoteType") not in _KINDS:
        raise DocumentRejected(f"the quote type is {str(info.get('quoteType'))[:40]!r}, not a fund")
    facts = _Facts(fund.fund, context.retrieved_at.astimezone(_NEW_YORK).date())
    _read_costs_and_yield(facts, info, funds_data)
    _read_dollars(facts, info)
    _read_fractions(facts, "top_holding", _top_holdings(funds_data), least=0.0)
    _read_fractions(facts, "sector_weight", list(_mapping(funds_data, "sector_weightings").items()), least=0.9)
    facts.add("average_volume", _positive(info.get("averageVolume")), "shares")
    category = info.get("category") or _mapping(funds_data, "fund_overview").get("categoryName")
    if category and not _is_text(category):
        facts.omit("category", f"it is not a text of at most {_LONGEST_TEXT} printable characters", category=str(category)[:100])
    else:
        facts.add("category", category or None, "text")
    if not facts.rows:
        raise DocumentRejected("the file has no usable fact")
    rejects = pl.DataFrame(facts.omitted, schema=REJECT_COLUMNS, orient="row")
    return Parsed("fund_facts", {"fund_facts": pl.DataFrame(facts.rows, schema=_SCHEMA, orient="row")}, facts.as_of, [rejects])


class _Facts:
    """The facts collected so far, and the omitted ones."""

    def __init__(self, fund: str, as_of: date) -> None:
        self.fund, self.as_of = fund, as_of
        self.rows: list[tuple[Any, ...]] = []
        self.omitted: list[tuple[None, str, str]] = []

    def add(self, fact: str, value: float | str | None, unit: str) -> None:
        """Add one fact; None is skipped."""
        if value is None:
            return
        number, text = (None, value) if isinstance(value, str) else (value, None)
        content = json.dumps({"fact": fact, "value": value})
        self.rows.append((self.fund, fact, self.as_of, VENDOR, number, text, unit, None, content))

    def omit(self, fact: str, why: str, **received: Any) -> None:
        """Record a fact that was received but is not reliable."""
        self.omitted.append((None, f"{fact} is omitted: {why}", json.dumps({"fact": fact, **received})[:500]))


def _read_costs_and_yield(facts: _Facts, info: dict[str, Any], funds_data: dict[str, Any]) -> None:
    reported = _mapping(funds_data, "fund_operations").get("Annual Report Expense Ratio")
    fee, other_fee = _positive(reported), _positive(info.get("netExpenseRatio"))
    if fee is not None and not _agree(fee, other_fee, _HIGHEST_FEE):
        facts.omit("expense_ratio", "its unit is uncertain", annualReportExpenseRatio=reported, netExpenseRatio=other_fee)
    elif fee is not None:
        # The net ratio is current, the other one is from the last annual report.
        facts.add("expense_ratio", fee if other_fee is None else other_fee / 100, "fraction")
    elif other_fee is not None:
        facts.omit("expense_ratio", "the unit of netExpenseRatio is unknown", netExpenseRatio=other_fee)
    paid, other_paid = _positive(info.get("yield")), _positive(info.get("dividendYield"))
    if paid is not None and not _agree(paid, other_paid, _HIGHEST_YIELD):
        facts.omit("dividend_yield", "its unit is uncertain", dividendYield=other_paid, **{"yield": paid})
    else:
        facts.add("dividend_yield", paid, "fraction")


def _agree(fraction: float, percentage: float | None, highest: float) -> bool:
    """Whether the fraction is plausible, and the percentage, if given, is the same figure times 100."""
    within = percentage is None or 1 / _LARGEST_FACTOR < percentage / 100 / fraction < _LARGEST_FACTOR
    return fraction <= highest and within


def _read_dollars(facts: _Facts, info: dict[str, Any]) -> None:
    assets, again = _positive(info.get("totalAssets")), _positive(info.get("netAssets"))
    if info.get("currency") != "USD":
        facts.omit("net_assets", "the currency is not USD", currency=info.get("currency"))
        return
    if assets and again and not 0.95 < assets / again < 1.05:
        facts.omit("net_assets", "totalAssets and netAssets differ", totalAssets=assets, netAssets=again)
    else:
        facts.add("net_assets", assets or again, "USD")


def _read_fractions(facts: _Facts, prefix: str, parts: list[tuple[str, Any]], *, least: float) -> None:
    """Fractions of the fund by name: all of them, or none if they cannot be fractions of one fund."""
    if not parts:
        return
    fractions = {name: _number(value) for name, value in parts if name}
    known = [value for value in fractions.values() if value is not None]
    if not all(_is_text(name) for name in fractions):
        facts.omit(prefix, f"a name is not a text of at most {_LONGEST_TEXT} printable characters", parts=parts[:3])
        return
    if len(known) < len(parts) or min(known) < 0 or not least <= sum(known) <= 1.01:
        facts.omit(prefix, "the values are not fractions of one fund", parts=parts)
        return
    for name, value in fractions.items():
        facts.add(f"{prefix}:{name}", value, "fraction")


def _top_holdings(funds_data: dict[str, Any]) -> list[tuple[str, Any]]:
    """Yahoo's symbol and the fraction of each top holding."""
    listed = funds_data.get("top_holdings")
    lines = [line for line in listed if isinstance(line, dict)] if isinstance(listed, list) else []
    return [(str(line.get("Symbol") or ""), line.get("Holding Percent")) for line in lines]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_TEXT and value.isprintable()


def _mapping(parent: dict[str, Any], name: str) -> dict[str, Any]:
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _positive(value: Any) -> float | None:
    """A positive number or None; Yahoo gives zero for unknown values."""
    number = _number(value)
    return number if number is not None and number > 0 else None


FEED = Feed(
    vendor=VENDOR,
    kind=KIND,
    description="Yahoo's fees, assets, yield, top holdings and sectors of each fund: one JSON per fund and retrieval.",
    symbols=lambda universe: {fund.fund: fund for fund in universe.values() if fund.price_symbol},
    address=yfinance_client.ADDRESS,
    fetch=fetch,
    parse=parse,
    # Fund data need a cookie and are refused more often; a refusal must not affect prices.
    after=(prices.FEED.name,),
)

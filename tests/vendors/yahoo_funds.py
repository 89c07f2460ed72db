"""Synthetic answers about a fund in the formats and units of Yahoo's two addresses; tests change what must be rejected."""

import json
from copy import deepcopy
from typing import Any

from tests.vendors.server import Answer, Request

JSON = "application/json"
_SECTORS = {
    "realestate": 0.02, "consumer_cyclical": 0.15, "basic_materials": 0.01, "consumer_defensive": 0.05, "technology": 0.5,
    "communication_services": 0.16, "financial_services": 0.0, "utilities": 0.02, "industrials": 0.03, "energy": 0.01,
    "healthcare": 0.05,
}  # fmt: skip
_SUMMARY: dict[str, Any] = {
    "quoteType": {"quoteType": "ETF", "symbol": "QQQ"},
    "summaryProfile": {"longBusinessSummary": "An invented fund."},
    "defaultKeyStatistics": {"category": "Large Growth", "totalAssets": 328_302_690_304, "yield": 0.0054, "maxAge": 1},
    "summaryDetail": {
        "currency": "USD", "totalAssets": 328_302_690_304, "yield": 0.0054, "averageVolume": 29_831_893, "bid": 526.14,
        "ask": 526.33, "trailingAnnualDividendYield": 0.0033,
    },
    "fundProfile": {
        "categoryName": "Large Growth", "family": "Nobody", "legalType": "Exchange Traded Fund",
        "feesExpensesInvestment": {"annualReportExpenseRatio": 0.002, "totalNetAssets": 521_778.34},
        "feesExpensesInvestmentCat": {"annualReportExpenseRatio": 0.0093},
    },
    "topHoldings": {
        "cashPosition": 0.001, "stockPosition": 0.999,
        "holdings": [{"symbol": f"INV-{letter}", "holdingName": f"Invented {letter}", "holdingPercent": 0.09 - 0.005 * i}
                     for i, letter in enumerate("ABCDEFGHIJ")],
        "sectorWeightings": [{name: share} for name, share in _SECTORS.items()],
    },
}  # fmt: skip
_QUOTE: dict[str, Any] = {
    "quoteType": "ETF", "symbol": "QQQ", "currency": "USD", "netAssets": 328_302_690_000, "netExpenseRatio": 0.18,
    "dividendYield": 0.54, "bid": 526.14, "ask": 526.33,
}  # fmt: skip


class YahooFund:
    """One fund's answers by module, and its quote."""

    def __init__(self) -> None:
        self.summary, self.quote = deepcopy(_SUMMARY), deepcopy(_QUOTE)

    def answer(self, request: Request) -> Answer:
        """The answer of either address, with the requested modules that exist."""
        if "quoteSummary" in request.path:
            asked = request.query["modules"].split(",")
            modules = {name: part for name, part in self.summary.items() if name in asked}
            return _json({"quoteSummary": {"result": [modules], "error": None}})
        if request.path.endswith("/v7/finance/quote"):
            return _json({"quoteResponse": {"result": [self.quote], "error": None}})
        return Answer(status=404)


def _json(body: object) -> Answer:
    return Answer(json.dumps(body).encode(), content_type=JSON)

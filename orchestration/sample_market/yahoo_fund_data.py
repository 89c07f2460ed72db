"""Yahoo's fund data in the format of the fetch: a mix of percentages and fractions, as at Yahoo."""

import json
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from orchestration.sample_market.holdings import equities
from orchestration.sample_market.membership import index_style
from orchestration.sample_market.price_history import History, expense_ratio
from orchestration.universe import Fund

_SECTORS = {
    "Communication Services": "communication_services",
    "Consumer Discretionary": "consumer_cyclical",
    "Consumer Staples": "consumer_defensive",
    "Energy": "energy",
    "Financials": "financial_services",
    "Health Care": "healthcare",
    "Industrials": "industrials",
    "Information Technology": "technology",
    "Materials": "basic_materials",
    "Real Estate": "realestate",
    "Utilities": "utilities",
}
_CATEGORIES = {"russell_2000": "Small Blend", "small": "Small Blend", "nasdaq": "Large Growth"}
_SPREAD = 0.0001
_YEAR, _QUARTER = 252, 63


def json_document(fund: Fund, history: History, as_of: date, seed: int) -> bytes:
    """One answer after the close of a snapshot's date, on the split basis of that day."""
    held = equities(fund, as_of, "ssga", seed)
    value = held["market_value"].to_numpy()
    shown = history.sessions <= np.datetime64(as_of)
    later_splits = float(np.where((history.split > 0) & ~shown, history.split, 1.0).prod())
    close = float(history.close[shown][-1]) * later_splits
    paid = float(history.dividend[shown][-_YEAR:].sum()) * later_splits / close
    fee = expense_ratio(history.symbol)
    category = _CATEGORIES.get(index_style(fund), "Large Blend")
    info: dict[str, Any] = {
        "symbol": history.symbol,
        "quoteType": "ETF",
        "longName": fund.name,
        "currency": "USD",
        "category": category,
        "fundFamily": fund.issuer,
        "totalAssets": round(float(value.sum())),
        "netAssets": round(float(value.sum()), -3),
        "yield": round(paid, 4),
        "dividendYield": round(100 * paid, 2),
        "netExpenseRatio": round(100 * fee, 4),
        "averageVolume": round(float(history.volume[shown][-_QUARTER:].mean()) / later_splits),
        "bid": round(close * (1 - _SPREAD), 2),
        "ask": round(close * (1 + _SPREAD), 2),
    }
    largest = held.select("ticker", "name", "market_value").head(10).rows()
    by_sector = dict(held.group_by("sector").agg(pl.col("market_value").sum()).rows())
    funds_data = {
        "quote_type": "ETF",
        "fund_overview": {"categoryName": category, "family": fund.issuer, "legalType": "Exchange Traded Fund"},
        "fund_operations": {"Annual Report Expense Ratio": fee, "Annual Holdings Turnover": 0.12, "Total Net Assets": 312_450.5},
        "asset_classes": {"cashPosition": 0.003, "stockPosition": 0.997, "bondPosition": 0.0},
        "top_holdings": [
            {"Symbol": ticker.replace(".", "-"), "Name": name, "Holding Percent": round(amount / value.sum(), 7)}
            for ticker, name, amount in largest
        ],
        "sector_weightings": {
            theirs: round(by_sector.get(gics, 0.0) / value.sum(), 4) for gics, theirs in sorted(_SECTORS.items(), key=str)
        },
    }
    return json.dumps({"symbol": history.symbol, "info": info, "funds_data": funds_data}, indent=1, sort_keys=True).encode()

"""Holdings in Invesco's formats: the current JSON and the older CSV."""

import html
import json
from datetime import date, timedelta

import numpy as np

from orchestration.sample_market import truths
from orchestration.sample_market.holdings import equities, rounded_weights
from orchestration.universe import Fund

_CSV_HEADER = (
    "Fund Ticker,Security Identifier,Holding Ticker,Shares/Par Value,MarketValue,Weight,Name,Class of Shares,Sector,Date"
)
_CASH_SHARE = 0.0008
_PENDING_DOLLARS = 41_250.75


def json_file(fund: Fund, as_of: date, seed: int) -> bytes:
    """One snapshot as JSON. `effectiveDate` is after the business date, which is the as-of date."""
    held = equities(fund, as_of, "invesco", seed)
    cash = round(float(held["market_value"].sum()) * _CASH_SHARE, 2)
    weights = rounded_weights(np.append(held["market_value"].to_numpy(), cash), 3).tolist()
    rows = held.select("ticker", "name", "quantity", "market_value", "cusip", "is_foreign").rows()
    lines = [
        _holding(ticker, name, quantity, value, "ADR" if foreign else "COM", cusip, weight)
        for (ticker, name, quantity, value, cusip, foreign), weight in zip(rows, weights[:-1], strict=True)
    ]
    lines.append(_holding("USD", "US Dollar", cash, cash, "CURR", None, weights[-1]))
    # Receivable dividends have a value, but no percentage.
    lines.append(_holding("USDPDV", "Dividends pending", _PENDING_DOLLARS, _PENDING_DOLLARS, "UCURR", None, None))
    answer = {
        "ticker": fund.fund,
        "effectiveDate": (as_of + timedelta(days=31)).isoformat(),
        "effectiveBusinessDate": as_of.isoformat(),
        "totalNumberOfHoldings": len(lines),
        "holdings": lines,
    }
    return json.dumps(answer).encode()


def csv_file(fund: Fund, as_of: date, seed: int) -> bytes:
    """One snapshot as CSV: a blank after each ticker, thousands separators, weights with three decimals."""
    held = equities(fund, as_of, "invesco", seed)
    cash = round(float(held["market_value"].sum()) * _CASH_SHARE, 2)
    weights = rounded_weights(np.append(held["market_value"].to_numpy(), cash), 3).tolist()
    rows = held.select("cusip", "ticker", "quantity", "market_value", "name").rows()
    sectors = held["sector"].to_list()
    disputed = truths.DISPUTED_QQQ_LINE - 1
    sectors[disputed] = next(sector for sector in truths.DISPUTED_SECTORS if sector != sectors[disputed])
    lines = [
        f'{fund.fund},{cusip},{ticker} ,"{quantity:,.0f}","{value:,.2f}",{weight:.3f},"{name}",Common Stock,{sector},'
        f"{as_of:%m/%d/%Y}"
        for (cusip, ticker, quantity, value, name), sector, weight in zip(rows, sectors, weights[:-1], strict=True)
    ]
    lines.append(f'{fund.fund},-,USD ,"{cash:,.2f}","{cash:,.2f}",{weights[-1]:.3f},"US Dollar",Currency,-,{as_of:%m/%d/%Y}')
    return ("\n".join([_CSV_HEADER, *lines]) + "\n").encode()


def _holding(
    ticker: str, name: str, units: float, value: float, kind: str, cusip: str | None, weight: float | None
) -> dict[str, str | float | None]:
    line: dict[str, str | float | None] = {
        "ticker": ticker,
        "issuerName": html.escape(name),
        "units": units,
        "marketValueBase": value,
        "securityTypeCode": kind,
        "cusip": cusip,
        "currency": "USD",
    }
    return line if weight is None else {**line, "percentageOfTotalNetAssets": weight}

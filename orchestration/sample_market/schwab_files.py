"""Holdings in Schwab's format: CSV with Windows line ends, ten decimals, sectors only for shares, disclaimers at the end."""

from datetime import date

import numpy as np

from orchestration.sample_market.holdings import equities, rounded_weights
from orchestration.universe import Fund

_HEADER = (
    "As-Of-Date,Symbol,Quantity,Percent of Assets,Name,BBG FIGI,Country,Currency,Exchange,Exchange (fx) Rate,"
    "Market Currency,Sector"
)
_DISCLAIMERS = (
    '"This file belongs to an invented market: nobody holds any of it, and no number in it was ever quoted."',
    '"Holdings are drawn by a random number generator and subject to change, as it likes."',
)
_CASH_SHARE = 0.0021
_MARKETS = {"NASDAQ": "XNGS"}


def csv_file(fund: Fund, as_of: date, seed: int) -> bytes:
    """One snapshot: shares by value, then cash and a future with a value of zero."""
    held = equities(fund, as_of, "schwab", seed)
    cash = round(float(held["market_value"].sum()) * _CASH_SHARE, 2)
    weights = rounded_weights(np.append(held["market_value"].to_numpy(), cash), 10).tolist()
    rows = held.select("ticker", "quantity", "name", "exchange", "sector").rows()
    lines = [
        _line(as_of, ticker, quantity, weight, name.upper(), _MARKETS.get(exchange, "XNYS"), sector)
        for (ticker, quantity, name, exchange, sector), weight in zip(rows, weights[:-1], strict=True)
    ]
    lines.append(_line(as_of, "USD", cash, weights[-1], "US DOLLAR", "OTC", ""))
    lines.append(_line(as_of, "", 12.0, 0.0, f"EMINI RUSS 2000 DEC {as_of:%y}", "OTC", ""))
    return ("\r\n".join([_HEADER, *lines, *_DISCLAIMERS]) + "\r\n").encode()


def _line(as_of: date, ticker: str, quantity: float, weight: float, name: str, exchange: str, sector: str) -> str:
    return f'{as_of},{ticker},{quantity:.10f},{weight:.10f},"{name}",,US,USD,{exchange},1.0000000000,USD,{sector}'

"""Holdings in Vanguard's format: JSON with numbers as text, stocks only, without the name of the fund."""

import json
from datetime import date

import numpy as np

from orchestration.sample_market.holdings import equities, rounded_weights
from orchestration.sample_market.identifiers import isin
from orchestration.universe import Fund

_CASH_SHARE = 0.004  # of the fund; listed elsewhere


def json_file(fund: Fund, as_of: date, seed: int) -> bytes:
    """One snapshot at the end of a month. Percentages are of the whole fund, including cash."""
    held = equities(fund, as_of, "vanguard", seed)
    cash = float(held["market_value"].sum()) * _CASH_SHARE
    weights = rounded_weights(np.append(held["market_value"].to_numpy(), cash), 2).tolist()[:-1]
    rows = held.select("ticker", "name", "quantity", "market_value", "cusip", "sedol").rows()
    midnight = f"{as_of.isoformat()}T00:00:00-04:00"
    entity = [
        {
            "type": "portfolioHolding",
            "asOfDate": midnight,
            "longName": name,
            "shortName": name.upper()[:24],
            "sharesHeld": f"{quantity:.0f}",
            "marketValue": value,
            "ticker": ticker,
            "isin": isin(cusip),
            "percentWeight": f"{weight:.2f}",
            "notionalValue": "0",
            "secMainType": "",
            "secSubType": "",
            "holdingType": "",
            "cusip": cusip,
            "sedol": sedol,
        }
        for (ticker, name, quantity, value, cusip, sedol), weight in zip(rows, weights, strict=True)
    ]
    return json.dumps({"size": len(entity), "asOfDate": midnight, "fund": {"entity": entity}}).encode()

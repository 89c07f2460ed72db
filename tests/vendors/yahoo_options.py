"""Synthetic option chains in the format of Yahoo's address, and the documents of our fetch."""

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from statistics import NormalDist
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from orchestration.vendors.yahoo import quotes
from tests.vendors.server import Answer, Request

JSON = "application/json"
NEW_YORK = ZoneInfo("America/New_York")
# A Wednesday, half an hour before the close.
NOW = datetime(2026, 5, 6, 19, 30, tzinfo=UTC)
PRICE, RATE, VOLATILITY = 250.0, 0.04, 0.21
EXPIRATIONS = (*(date(2026, 5, day) for day in (7, 8, 15, 22)), date(2026, 6, 18), date(2026, 7, 17), date(2027, 1, 15))
STRIKES = tuple(float(strike) for strike in range(215, 286, 5))
_NORMAL = NormalDist()


def epoch(moment: datetime | date) -> int:
    """Seconds since 1970; a date is its midnight in UTC, as Yahoo writes expirations."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return int(moment.timestamp())


def years(expiration: date, at: datetime = NOW) -> float:
    """Years of 365 days to 16:00 in New York."""
    return (datetime(expiration.year, expiration.month, expiration.day, 16, tzinfo=NEW_YORK) - at) / timedelta(days=365)


def black(kind: str, strike: float, time: float, volatility: float, *, price: float = PRICE, rate: float = RATE) -> float:
    """The value of a European option on a fund without dividends (Black and Scholes)."""
    sign = 1 if kind == "call" else -1
    deviation = volatility * math.sqrt(time)
    d1 = (math.log(price / strike) + rate * time) / deviation + deviation / 2
    discounted = strike * math.exp(-rate * time)
    return sign * (price * _NORMAL.cdf(sign * d1) - discounted * _NORMAL.cdf(sign * (d1 - deviation)))


def contract(symbol: str, expiration: date, kind: str, strike: float, **changes: Any) -> dict[str, Any]:
    """One contract, quoted two cents around its value."""
    value = black(kind, strike, years(expiration), VOLATILITY)
    made = {
        "contractSymbol": f"{symbol}{expiration:%y%m%d}{kind[0].upper()}{round(1000 * strike):08}",
        "strike": strike, "currency": "USD", "lastPrice": round(value, 2), "change": 0.0, "percentChange": 0.0,
        "volume": 100, "openInterest": 1000, "bid": max(value - 0.01, 0.0), "ask": value + 0.01, "contractSize": "REGULAR",
        "expiration": epoch(expiration), "lastTradeDate": epoch(NOW - timedelta(hours=1)), "inTheMoney": False,
        "impliedVolatility": VOLATILITY + 0.001,
    }  # fmt: skip
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


@dataclass
class YahooOptions:
    """One fund's chain; `missing` expirations are listed, and answered for with the contracts of the nearest one."""

    symbol: str = "IWM"
    expirations: tuple[date, ...] = EXPIRATIONS
    missing: tuple[date, ...] = ()
    quote: dict[str, Any] = field(
        default_factory=lambda: {
            "symbol": "IWM", "quoteType": "ETF", "marketState": "REGULAR", "currency": "USD", "regularMarketPrice": PRICE,
            "regularMarketTime": epoch(NOW) - 60, "bid": 249.99, "ask": 250.01,
        }
    )  # fmt: skip
    changes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.quote = self.quote | {"symbol": self.symbol}

    def chain(self, expiration: date) -> list[dict[str, Any]]:
        """The contracts of one expiration, calls first."""
        return [contract(self.symbol, expiration, kind, k, **self.changes) for kind in ("call", "put") for k in STRIKES]

    def answer(self, request: Request) -> Answer:
        """The answer of Yahoo's address."""
        if not request.path.endswith(f"/v7/finance/options/{self.symbol}"):
            return Answer(status=404)
        asked = date.fromtimestamp(int(request.query["date"]) + 43200) if "date" in request.query else None
        options = []
        if self.expirations:
            shown = self.expirations[0] if asked is None or asked in self.missing else asked
            contracts = self.chain(shown)
            options = [
                {
                    "expirationDate": epoch(shown), "hasMiniOptions": False,
                    "calls": [one for one in contracts if "C0" in one["contractSymbol"]],
                    "puts": [one for one in contracts if "P0" in one["contractSymbol"]],
                }
            ]  # fmt: skip
        result = {
            "underlyingSymbol": self.symbol, "expirationDates": [epoch(day) for day in self.expirations],
            "strikes": list(STRIKES), "hasMiniOptions": False, "quote": self.quote, "options": options,
        }  # fmt: skip
        body = {"optionChain": {"result": [result], "error": None}}
        return Answer(json.dumps(body).encode(), content_type=JSON)

    def document(self) -> bytes:
        """The document of our fetch, with all expirations that are not missing."""
        rows = [one for day in self.expirations if day not in self.missing for one in self.chain(day)]
        numbers = ("strike", "lastPrice", "bid", "ask", "volume", "openInterest", "impliedVolatility")
        columns = ("contractSymbol", "lastTradeDate", *numbers)
        table = {name: [row.get(name) for row in rows] for name in columns}
        table["lastTradeDate"] = [datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None) for seconds in table["lastTradeDate"]]
        types = dict.fromkeys(numbers, pl.Float64) | {"contractSymbol": pl.String, "lastTradeDate": pl.Datetime("us")}
        frame = pl.DataFrame(table, schema={name: types[name] for name in columns}, strict=False)  # type: ignore[arg-type]
        return quotes.document(self.symbol, self.quote, [str(day) for day in self.expirations], [frame])

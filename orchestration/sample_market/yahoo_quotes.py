"""Yahoo's quotes of a fund and of its options, in the format of the fetch, with planted volatilities and faults."""

import json
import math
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from orchestration.sample_market import truths
from orchestration.sample_market.market_paths import Days, Floats
from orchestration.sample_market.price_history import History
from orchestration.sample_market.streams import stream
from orchestration.universe import Fund

_NEW_YORK = ZoneInfo("America/New_York")
_YEAR = timedelta(days=365)
_error_function = np.vectorize(math.erf, otypes=[np.float64])
_QUOTE_DELAY = timedelta(seconds=20)
_DAILY_SESSIONS, _WEEKS = 8, 6
_MONTHLY_MONTHS = (1, 2, 3, 6, 12)
_SCHEMA: dict[str, pl.DataType] = {
    "contractSymbol": pl.String(),
    "lastTradeDate": pl.Datetime("us"),
    "strike": pl.Float64(),
    "lastPrice": pl.Float64(),
    "bid": pl.Float64(),
    "ask": pl.Float64(),
    "volume": pl.Float64(),
    "openInterest": pl.Float64(),
    "impliedVolatility": pl.Float64(),
}


def document(fund: Fund, history: History, sessions: Days, retrieved_at: datetime, seed: int) -> bytes:
    """One answer. Outside regular hours it has the quote of the close, and before the open no quotes of options at all."""
    symbol, at = history.symbol, retrieved_at.replace(tzinfo=None)
    is_open = retrieved_at not in truths.QUOTES_BEFORE_OPEN
    shown = history.sessions <= np.datetime64(at.date()) if is_open else history.sessions < np.datetime64(at.date())
    session: date = history.sessions[shown][-1].astype(object)
    quoted_at = at - _QUOTE_DELAY if is_open else _closing(session)
    if (symbol, retrieved_at) == truths.STALE_CHAIN:
        quoted_at = _closing(history.sessions[shown][-2].astype(object))
    price = round(float(history.close[shown][-1]), 2)
    width = truths.QUOTE_WIDTH_CENTS.get(symbol, truths.OTHER_QUOTE_WIDTH_CENTS) / 100
    below = round(width / 2, 2)
    quote: dict[str, Any] = {
        "symbol": symbol,
        "quoteType": "ETF",
        "currency": "USD",
        "marketState": "REGULAR" if is_open else "PRE",
        "regularMarketPrice": price,
        "regularMarketTime": int(quoted_at.replace(tzinfo=UTC).timestamp()),
        "bid": round(price - below, 2),
        "ask": round(price - below + width, 2),
    }
    if (symbol, retrieved_at) == truths.CROSSED_QUOTE:
        quote["bid"], quote["ask"] = quote["ask"], quote["bid"]
    listed = [day for day in expirations(symbol, sessions, at.date()) if (symbol, at.date(), day) != truths.UNLISTED_EXPIRATION]
    chains = [_chain(symbol, day, price, quoted_at, seed, is_open=is_open) for day in listed if _is_read(symbol, at.date(), day)]
    rows = pl.concat([pl.DataFrame(schema=_SCHEMA), *chains])
    first = pl.int_range(pl.len()) == 0
    if (symbol, session) == truths.OLD_VOLUME:
        traded_at, volume = truths.OLD_TRADE
        rows = rows.with_columns(
            lastTradeDate=pl.when(first).then(pl.lit(traded_at, pl.Datetime("us"))).otherwise("lastTradeDate"),
            volume=pl.when(first).then(pl.lit(float(volume))).otherwise("volume"),
        )
    if (symbol, session) == truths.CROSSED_CONTRACT:
        rows = rows.with_columns(bid=pl.when(first).then(pl.col("ask") + 1).otherwise("bid"))
    buffer = BytesIO()
    named = {
        "symbol": symbol,
        "quote": json.dumps(quote, sort_keys=True),
        "expirations": json.dumps([str(day) for day in listed]),
    }
    rows.write_parquet(buffer, metadata=named)
    return buffer.getvalue()


def _normal(values: Floats) -> Floats:
    """The normal distribution function (n,)."""
    return np.asarray((1 + _error_function(values / math.sqrt(2))) / 2)


def _closing(session: date) -> datetime:
    return datetime(session.year, session.month, session.day, 16, tzinfo=_NEW_YORK).astimezone(UTC).replace(tzinfo=None)


def expirations(symbol: str, sessions: Days, today: date) -> list[date]:
    """The listed expirations: monthly ones of the thin fund; monthly, weekly and some daily ones of the others with options."""
    if symbol not in truths.OPTION_VOLATILITY:
        return []
    monthly = [_third_friday(today.year + (today.month - 1 + n) // 12, (today.month - 1 + n) % 12 + 1) for n in _MONTHLY_MONTHS]
    if symbol == truths.THIN_OPTIONS:
        return sorted(monthly)
    ahead = [day.astype(object) for day in sessions[sessions >= np.datetime64(today)]]
    weekly = [day for day in ahead if day.weekday() == 4][:_WEEKS]
    return sorted({*(ahead[:_DAILY_SESSIONS] if symbol in truths.DAILY_OPTIONS else []), *weekly, *monthly})


def _third_friday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(4 - first.weekday()) % 7 + 14)


def _is_read(symbol: str, day: date, expiration: date) -> bool:
    """Whether the vendor answered for an expiration: one that is listed has vanished."""
    return (symbol, day) != truths.VANISHED_EXPIRATION or expiration.month != _third_friday(day.year, day.month + 1).month


def volatility(symbol: str, strike: Floats, forward: float) -> Floats:
    """The planted volatility (n,): higher for low strikes."""
    return np.asarray(truths.OPTION_VOLATILITY[symbol] - truths.OPTION_SKEW * np.log(strike / forward))


def forward_of(price: float, years: float) -> float:
    """The planted forward price."""
    return price * float(np.exp((truths.OPTION_RATE - truths.OPTION_DIVIDENDS) * years))


def _chain(symbol: str, expiration: date, price: float, quoted_at: datetime, seed: int, *, is_open: bool) -> pl.DataFrame:
    is_thin = symbol == truths.THIN_OPTIONS
    years = (_closing(expiration) - quoted_at) / _YEAR
    step = max(round(price * (0.02 if is_thin else 0.01)), 1)
    strike = step * np.arange(round(price * 0.85 / step), round(price * 1.15 / step) + 1).astype(np.float64)
    draws = stream(seed, f"options of {symbol} on {expiration}")
    frames = []
    for letter, sign in (("C", 1.0), ("P", -1.0)):
        forward, discount = forward_of(price, years), float(np.exp(-truths.OPTION_RATE * years))
        sigma = volatility(symbol, strike, forward)
        deviation = sigma * np.sqrt(years)
        d1 = np.log(forward / strike) / deviation + deviation / 2
        value = discount * sign * (forward * _normal(sign * d1) - strike * _normal(sign * (d1 - deviation)))
        width = np.maximum(value * (0.2 if is_thin else 0.02), 0.05 if is_thin else 0.01)
        bid = np.maximum(np.round(value - width / 2, 2), 0.0) * is_open
        ask = np.round(value + width / 2, 2) * is_open
        size = truths.OPTION_SIZE[symbol] * np.exp(-8 * np.abs(strike / price - 1) - years) * (1.6 if letter == "P" else 1.0)
        interest = np.round(size * draws.lognormal(0.0, 0.4, strike.size)) * is_open
        volume = np.round(0.2 * size * draws.lognormal(0.0, 0.6, strike.size))
        frames.append(
            pl.DataFrame(
                {
                    "contractSymbol": [f"{symbol}{expiration:%y%m%d}{letter}{round(1000 * k):08}" for k in strike],
                    # A contract without a volume traded last some weeks before.
                    "lastTradeDate": [
                        quoted_at - timedelta(weeks=0 if traded else 1 + n % 2, minutes=30 + n)
                        for n, traded in enumerate(volume > 0)
                    ],
                    "strike": strike,
                    "lastPrice": np.round(value, 2),
                    "bid": bid,
                    "ask": ask,
                    "volume": np.where(volume > 0, volume, np.nan),
                    "openInterest": interest,
                    # Without a bid Yahoo writes a placeholder.
                    "impliedVolatility": np.where(bid > 0, np.round(sigma + 0.002, 6), 0.25 + 7e-6),
                },
                schema_overrides=_SCHEMA,
            )
        )
    return pl.concat(frames)

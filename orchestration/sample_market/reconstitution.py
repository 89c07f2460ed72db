"""What the market looks like on a rank day: who was in which index, what floats, and what every listed stock is worth.

Planted on the rank day of the simulated reconstitution: companies far beyond the band that cross it, companies that are closely
held, so that their weight in a fund is far below what they are worth, and companies whose price is below one dollar.
"""

from datetime import UTC, date, datetime, time
from io import BytesIO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from orchestration.sample_market import truths
from orchestration.sample_market.companies import SMALL_CLASS, Companies
from orchestration.sample_market.market_paths import Floats
from orchestration.vendors.yahoo.screener import FIELDS

Places = NDArray[np.int64]

_EXCHANGES = {"NASDAQ": "NMS", "New York Stock Exchange Inc.": "NYQ"}
_LISTED_SINCE, _YOUNG_SINCE = date(2015, 1, 5), date(2025, 7, 15)
_CLOSE = time(20)


def rising(listed: Companies) -> Places:
    """The planted companies that leave the Russell 2000 for the Russell 1000, far above the band on the rank day."""
    return np.flatnonzero(listed.small_before & listed.large_after)[: truths.PLANTED_MIGRATIONS]


def falling(listed: Companies) -> Places:
    """The planted companies that enter the Russell 2000 from the Russell 1000, far below the band on the rank day."""
    return np.flatnonzero(listed.large_before & listed.small_after)[: truths.PLANTED_MIGRATIONS]


def closely_held(listed: Companies) -> Places:
    """Companies of the Russell 1000 of which a tenth floats: they stay."""
    return np.flatnonzero(listed.large_before & listed.large_after)[-truths.PLANTED_CLOSELY_HELD :]


def cheap(listed: Companies) -> Places:
    """Companies that leave the Russell 2000 because their price is below one dollar."""
    leaving = listed.small_before & ~listed.small_after & ~listed.large_after
    return np.flatnonzero(leaving)[: truths.PLANTED_CHEAP]


def joining(listed: Companies) -> Places:
    """Companies that enter the Russell 2000 from below."""
    return np.flatnonzero(listed.small_after & ~listed.small_before & ~listed.large_before)


def worth(listed: Companies) -> Floats:
    """How many times its usual value a company is worth on the rank day (n,)."""
    factor = np.ones(listed.cap.size)
    factor[rising(listed)] = truths.RISEN_FACTOR
    factor[falling(listed)] = truths.FALLEN_FACTOR
    return factor


def free_float(listed: Companies) -> Floats:
    """The share of each company that floats (n,)."""
    share = np.ones(listed.cap.size)
    share[closely_held(listed)] = truths.CLOSELY_HELD_FLOAT
    return share


def on_rank_day(listed: Companies, quantity: Floats, price: Floats) -> tuple[Floats, Floats]:
    """Shares held and price of the fund of the whole market on the rank day: the planted sizes, by their shares."""
    quantity = np.maximum(np.round(quantity * worth(listed) * free_float(listed)), 1.0)
    price = price.copy()
    few = cheap(listed)
    quantity[few] = np.maximum(np.round(quantity[few] * price[few] / truths.CHEAP_PRICE), 1.0)
    price[few] = truths.CHEAP_PRICE
    return quantity, price


def screener_table(listed: Companies, price: Floats) -> bytes:
    """Yahoo's screener on the rank day: every company, young ones that no fund holds, and what is no common stock.

    Args:
        price: dollars per share on the rank day (n,).
    """
    price = price.copy()
    cap = np.round(listed.shares * price * worth(listed))
    price[cheap(listed)] = truths.CHEAP_PRICE
    home = np.flatnonzero(~listed.table["is_foreign"].to_numpy())
    table = listed.table[home]
    symbols = table["ticker"].to_list()
    symbols[SMALL_CLASS] = truths.SMALL_CLASS_TICKER["ishares"].replace(" ", "-")
    stocks = pl.DataFrame(
        {
            "symbol": symbols,
            "longName": table["name"],
            "exchange": table["exchange"].replace_strict(_EXCHANGES),
            "regularMarketPrice": price[home],
            "marketCap": cap[home],
            "first": [_YOUNG_SINCE if is_young else _LISTED_SINCE for is_young in np.isin(home, joining(listed))],
        }
    )
    young = pl.DataFrame(
        {
            "symbol": [f"YNG{place:03}" for place in range(truths.YOUNG_LARGE_COMPANIES)],
            "longName": [f"Young Company {place} Inc" for place in range(truths.YOUNG_LARGE_COMPANIES)],
            "exchange": "NMS",
            "regularMarketPrice": 50.0,
            "marketCap": np.linspace(2e10, 4e10, truths.YOUNG_LARGE_COMPANIES),
            "first": _YOUNG_SINCE,
        }
    )
    others = pl.DataFrame(
        {
            "symbol": list(truths.NOT_ELIGIBLE),
            "longName": list(truths.NOT_ELIGIBLE.values()),
            "exchange": "NYQ",
            "regularMarketPrice": 20.0,
            "marketCap": 1.5e9,
            "first": _LISTED_SINCE,
        }
    )
    closed = datetime.combine(truths.RANK_DAY, _CLOSE, UTC)
    found = pl.concat([stocks, young, others]).with_columns(
        shortName=pl.lit(None, pl.String),
        quoteType=pl.lit("EQUITY"),
        currency=pl.lit("USD"),
        regularMarketTime=pl.lit(int(closed.timestamp())),
        sharesOutstanding=(pl.col("marketCap") / pl.col("regularMarketPrice")).round(),
        firstTradeDateMilliseconds=pl.col("first").cast(pl.Datetime("ms")).dt.epoch("ms"),
    )
    buffer = BytesIO()
    found.select(pl.col(name).cast(kind) for name, kind in FIELDS.items()).sort("symbol").write_parquet(buffer)
    return buffer.getvalue()

"""A symbol's history as of one retrieval: with the split basis and the adjusted closes of that day."""

from datetime import date, datetime
from io import BytesIO

import numpy as np
import polars as pl

from orchestration.sample_market import truths
from orchestration.sample_market.market_paths import Floats
from orchestration.sample_market.price_history import History

_PRICES = ("Open", "High", "Low", "Close")


def price_document(history: History, retrieved_at: datetime) -> bytes:
    """One answer as Parquet, in the format of the fetch."""
    buffer = BytesIO()
    price_table(history, retrieved_at).write_parquet(buffer)
    return buffer.getvalue()


def price_table(history: History, retrieved_at: datetime) -> pl.DataFrame:
    """Yahoo's columns, one row per session that had begun: dollars per share, volume in shares.

    Args:
        retrieved_at: the retrieval; the answer includes a session that is still open.
    """
    shown = history.sessions <= np.datetime64(retrieved_at.date())
    later_splits = np.where((history.split > 0) & ~shown, history.split, 1.0).prod()
    close, dividend, split = history.close[shown], history.dividend[shown], history.split[shown]
    table = pl.DataFrame(
        {
            "Date": history.sessions[shown],
            "Open": history.open[shown] * later_splits,
            "High": history.high[shown] * later_splits,
            "Low": history.low[shown] * later_splits,
            "Close": close * later_splits,
            "Adj Close": close * later_splits * adjustment(close, dividend),
            "Volume": history.volume[shown] / later_splits,
            "Dividends": dividend * later_splits,
            "Stock Splits": split,
        }
    ).with_columns(pl.col("Date").cast(pl.Date))
    return _with_faults(table, history.symbol, retrieved_at)


def adjustment(close: Floats, dividend: Floats) -> Floats:
    """Yahoo's factor from close to adjusted close (n,): the product of 1 - dividend / previous close over all later ex-dates."""
    factors = np.ones(close.size)
    factors[:-1] = 1.0 - dividend[1:] / close[:-1]
    return np.asarray(np.cumprod(factors[::-1])[::-1], dtype=np.float64)


def _with_faults(table: pl.DataFrame, symbol: str, retrieved_at: datetime) -> pl.DataFrame:
    table = table.filter(~_is(truths.MISSING_BAR, symbol))
    if retrieved_at == truths.PRICE_RETRIEVALS[0]:
        table = table.with_columns(
            pl.when(_is(truths.HEALED_BAR, symbol)).then(float("nan")).otherwise(pl.col(name)).alias(name)
            for name in (*_PRICES, "Adj Close")
        ).with_columns(
            pl.when(_is(truths.RESTATED_BAR, symbol))
            .then((pl.col(name) * truths.RESTATED_FACTOR).round(2))
            .otherwise(pl.col(name))
            .alias(name)
            for name in ("High", "Close", "Adj Close")
        )
    return _with_unsettled_end(table, retrieved_at.date())


def _is(fault: truths.PriceFault, symbol: str) -> pl.Expr:
    return pl.lit(symbol == fault.symbol) & (pl.col("Date") == fault.session)


def _with_unsettled_end(table: pl.DataFrame, today: date) -> pl.DataFrame:
    """The newest volume is incomplete; that of an open session is a quarter."""
    share = 0.25 if today == truths.PARTIAL_SESSION else 1 - truths.VOLUME_STILL_MISSING
    unsettled = (pl.col("Volume") * share / 100).round() * 100
    return table.with_columns(pl.when(pl.col("Date") == today).then(unsettled).otherwise(pl.col("Volume")).alias("Volume"))

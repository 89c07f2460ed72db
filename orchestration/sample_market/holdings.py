"""A fund's holdings on one day: companies with shares, price and value, independent of a vendor's format."""

from datetime import date

import numpy as np
import polars as pl

from orchestration.sample_market import reconstitution, truths
from orchestration.sample_market.companies import LARGE_CLASS, SMALL_CLASS, TICKER_CHANGES, Companies, companies
from orchestration.sample_market.market_paths import Floats
from orchestration.sample_market.membership import index_style, is_leaving, members
from orchestration.sample_market.streams import stream
from orchestration.universe import Fund

# The share of each company that a fund of each style owns.
_STAKE = {"russell_2000": 0.021, "small": 0.017, "nasdaq": 0.02, "all": 0.00045, "large": 0.019}
# A subject or benchmark fund owns this whole share; a compared fund is smaller.
_COMPARED_SIZE = (0.1, 0.4)
_STILL_HELD = 0.1  # of a leaving name
_MONTHLY_DRIFT, _MONTHLY_VOLATILITY = 0.004, 0.085


def equities(fund: Fund, as_of: date, vendor: str, seed: int) -> pl.DataFrame:
    """The fund's companies, largest value first.

    Returns:
        ticker (in the vendor's spelling), name, sector, cusip, sedol, exchange, is_foreign, quantity (shares), price (dollars per
        share) and market_value (dollars, to the cent).
    """
    listed = companies(seed)
    places = members(fund, as_of, listed)
    stake = np.where(is_leaving(as_of, listed), _STILL_HELD, 1.0) * _STAKE[index_style(fund)] * _size(fund, seed)
    quantity = np.maximum(np.round(listed.shares * stake), 1.0)
    price = _prices(listed, as_of, seed)
    if index_style(fund) == "all" and as_of == truths.RANK_DAY:
        quantity, price = reconstitution.on_rank_day(listed, quantity, price)
    tickers = listed.table["ticker"].to_list()
    tickers[LARGE_CLASS] = truths.LARGE_CLASS_TICKER[vendor]
    tickers[SMALL_CLASS] = truths.SMALL_CLASS_TICKER[vendor]
    if as_of >= truths.TICKER_CHANGED_ON:
        tickers[TICKER_CHANGES] = truths.TICKER_AFTER
    return (
        listed.table.with_columns(pl.Series("ticker", tickers), pl.Series("quantity", quantity), pl.Series("price", price))
        .with_columns((pl.col("quantity") * pl.col("price")).round(2).alias("market_value"))[places]
        .sort("market_value", descending=True, maintain_order=True)
    )


def _size(fund: Fund, seed: int) -> float:
    return 1.0 if fund.role != "compared" else float(stream(seed, f"size of {fund.fund}").uniform(*_COMPARED_SIZE))


def _prices(listed: Companies, as_of: date, seed: int) -> Floats:
    """Dollars per share on a snapshot's date (n,): a random walk in monthly steps through the price at the reconstitution."""
    dates = truths.IWM_SNAPSHOTS
    steps = stream(seed, "valuation").normal(_MONTHLY_DRIFT, _MONTHLY_VOLATILITY, (len(dates), listed.cap.size))
    steps[dates.index(truths.RECONSTITUTION) + 1] *= 0.2  # two sessions, not a month
    walk = np.cumsum(steps, axis=0)
    moved = walk[dates.index(as_of)] - walk[dates.index(truths.RECONSTITUTION)]
    return np.asarray(np.maximum(np.round(listed.cap / listed.shares * np.exp(moved), 2), 0.01), dtype=np.float64)


def screener_table(seed: int) -> bytes:
    """Yahoo's stock screener on the rank day."""
    listed = companies(seed)
    return reconstitution.screener_table(listed, _prices(listed, truths.RANK_DAY, seed))


def rounded_weights(values: Floats, decimals: int) -> Floats:
    """Percentages of the sum, rounded so that they sum to 100: the largest remainders are rounded up (n,)."""
    units = values / values.sum() * 100 * 10**decimals
    whole = np.floor(units)
    missing = 100 * 10**decimals - int(whole.sum())
    whole[np.argsort(whole - units, kind="stable")[:missing]] += 1
    return np.asarray(whole / 10**decimals, dtype=np.float64)

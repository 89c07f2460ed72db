"""Implied volatility and delta of options, from their quotes alone.

The forward price and the discount factor of an expiration follow from put-call parity near the money, so that no rate and no
dividend is assumed. Volatilities are Black's for European exercise (vollib). The funds' options can be exercised early: only
options out of the money and those at the strike nearest the forward are used, for which the right is worth little.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import polars as pl

# Pairs within this distance of the price; further out, the right to exercise early is worth more.
PARITY_BAND, FEWEST_PAIRS = 0.05, 4
_LEAST_DISCOUNT, _MOST_DISCOUNT = 0.8, 1.02
# Below an hour the quotes' width exceeds what is left of the time value.
LEAST_YEARS = 1 / (365 * 24)
LOWEST, HIGHEST = 0.005, 5.0
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Parity:
    """Forward price in dollars and discount factor of one expiration."""

    forward: float
    discount: float


def parity(quotes: pl.DataFrame, price: float) -> Parity | None:
    """The line through call minus put over the strike (Theil and Sen): its slope is minus the discount factor.

    Args:
        quotes: strike, option_type (call or put), mid (dollars) of one expiration; a mid is NULL without a quote on both sides.
        price: of the fund, in dollars.

    Returns:
        None if too few strikes have a call and a put quoted both ways, or the line is impossible.
    """
    near = quotes.drop_nulls("mid").filter((pl.col("strike") / price - 1).abs() <= PARITY_BAND)
    pairs = (
        near.filter(pl.col("option_type") == "call")
        .join(near.filter(pl.col("option_type") == "put"), on="strike", suffix="_put")
        .select("strike", gap=pl.col("mid") - pl.col("mid_put"))
        .unique("strike", keep="none")
    )
    if pairs.height < FEWEST_PAIRS:
        return None
    strikes, gaps = pairs["strike"].to_numpy(), pairs["gap"].to_numpy()
    one, other = np.triu_indices(strikes.size, 1)
    discount = -float(np.median((gaps[one] - gaps[other]) / (strikes[one] - strikes[other])))
    if not _LEAST_DISCOUNT <= discount <= _MOST_DISCOUNT:
        return None
    forward = float(np.median(gaps + discount * strikes)) / discount
    return Parity(forward, discount) if abs(forward / price - 1) <= PARITY_BAND else None


def volatilities(quotes: pl.DataFrame, at: Parity, years: float) -> pl.DataFrame:
    """The quotes with `implied_volatility` (fraction a year) and `delta` (of the forward; negative for puts), NULL where unknown.

    Args:
        quotes: as for `parity`.
        years: to the expiration.
    """
    from vollib.black.implied_volatility import implied_volatility_of_undiscounted_option_price as inverted

    nearest = quotes.select(pl.col("strike").sort_by((pl.col("strike") - at.forward).abs(), "strike").first()).item()

    def solved(strike: float, kind: str, mid: float | None) -> tuple[float | None, float | None]:
        is_used = strike == nearest or (strike > at.forward) == (kind == "call")
        if mid is None or not is_used or years < LEAST_YEARS:
            return None, None
        undiscounted = mid / at.discount
        intrinsic = max(at.forward - strike if kind == "call" else strike - at.forward, 0.0)
        if not intrinsic < undiscounted < (at.forward if kind == "call" else strike):
            return None, None
        found = float(inverted(undiscounted, at.forward, strike, years, kind[0]))
        if not LOWEST <= found <= HIGHEST:
            return None, None
        deviation = found * years**0.5
        probability = _NORMAL.cdf(math.log(at.forward / strike) / deviation + deviation / 2)
        return found, probability if kind == "call" else probability - 1

    solutions = [solved(*row) for row in quotes.select("strike", "option_type", "mid").iter_rows()]
    values = np.array([[np.nan if v is None else v for v in pair] for pair in solutions], dtype=np.float64).reshape(-1, 2)
    return quotes.with_columns(
        pl.Series("implied_volatility", values[:, 0]).fill_nan(None), pl.Series("delta", values[:, 1]).fill_nan(None)
    )

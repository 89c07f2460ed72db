"""Is a session of the US market plausible? Held against itself, and what is known of it or of the session before it.

Ranks are what counts: one stock too many or too few does not matter, a missing page or another unit does.
"""

from collections.abc import Iterator

import polars as pl

from orchestration.raw.validation.rules import Finding
from orchestration.raw.validation.verdict import Verdict

FEWEST_STOCKS = 2500  # some 5 000 stocks are above 20 million dollars
# Companies with unlisted classes are worth more than the shares of the listed one.
SHARES_FACTOR, SHARES_SHARE = 1.5, 0.8
KEPT_SHARE = 0.8
LARGEST_CHANGE = 1.6  # of the median stock


def judge_market_caps(rows: dict[str, pl.DataFrame], *, known: pl.DataFrame) -> Verdict:
    """Judge one session.

    Args:
        rows: `market_caps` with `_line` and `_content`.
        known: symbol and market_cap of the same session or the newest one before, as last known; empty where none is known.
    """
    caps = rows["market_caps"]
    return Verdict(rows, findings=[*_of_values(caps), *_beside_known(caps, known)])


def _of_values(caps: pl.DataFrame) -> Iterator[Finding]:
    if caps.height < FEWEST_STOCKS:
        yield Finding("caps_are_many", f"the session has {caps.height:,} stocks, where {FEWEST_STOCKS:,} and more are usual")
    ratio = caps.drop_nulls("shares_outstanding").select(
        agrees=(pl.col("market_cap") / (pl.col("price") * pl.col("shares_outstanding"))).is_between(
            1 / SHARES_FACTOR, SHARES_FACTOR
        )
    )["agrees"]
    if len(ratio) and ratio.sum() < SHARES_SHARE * len(ratio):
        yield Finding(
            "caps_agree_with_shares",
            f"the capitalisation of {len(ratio) - ratio.sum():,} of {len(ratio):,} stocks is not price times shares",
        )


def _beside_known(caps: pl.DataFrame, known: pl.DataFrame) -> Iterator[Finding]:
    if known.is_empty():
        return
    both = caps.select("symbol", "market_cap").join(known, on="symbol", suffix="_before")
    if both.height < KEPT_SHARE * known.height:
        yield Finding("caps_are_as_before", f"only {both.height:,} of {known.height:,} stocks are those known before")
        return
    change = (both["market_cap"] / both["market_cap_before"]).median()
    if isinstance(change, float) and not 1 / LARGEST_CHANGE < change < LARGEST_CHANGE:
        yield Finding("caps_are_as_before", f"the median stock is worth {change:.2g} times what was known before")

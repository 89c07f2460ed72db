"""Is a session of the US market plausible? Held against itself, and what is known of it or of the nearest session.

Ranks are what counts: one stock too many or too few does not matter, a missing page or another unit does.
"""

from collections.abc import Iterator

import polars as pl

from orchestration.raw.validation.rules import Finding
from orchestration.raw.validation.verdict import Verdict

FEWEST_STOCKS = 2500  # some 5 000 stocks are above 20 million dollars
# Companies with unlisted classes are worth more than the shares of the listed one.
SHARES_FACTOR, SHARES_SHARE = 1.5, 0.8
STATED_SHARE = 0.5
KEPT_SHARE = 0.8
# The largest factor of the median stock, and of four of five beside it, by days between the sessions. The largest of 1 933 stocks
# from 2019 to 2024: the median by 1.32 in a week, 2.2 in a year; 9 % by more than 1.6 in a week, 10 % by more than 3 in a year.
AGREEING_SHARE = 0.8
LARGEST_CHANGES = ((7, 1.6), (400, 3.0))
LARGEST_EVER = 10.0


def judge_market_caps(rows: dict[str, pl.DataFrame], *, known: pl.DataFrame, days: int) -> Verdict:
    """Judge one session.

    Args:
        rows: `market_caps` with `_line` and `_content`.
        known: symbol and market_cap of the same or the nearest session, as last known; empty where none is known.
        days: between the two sessions.
    """
    caps = rows["market_caps"]
    return Verdict(rows, findings=[*_of_values(caps), *_beside_known(caps, known, abs(days))])


def _of_values(caps: pl.DataFrame) -> Iterator[Finding]:
    if caps.height < FEWEST_STOCKS:
        yield Finding("caps_are_many", f"the session has {caps.height:,} stocks, where {FEWEST_STOCKS:,} and more are usual")
    stated = caps["shares_outstanding"].count()
    if stated < STATED_SHARE * caps.height:
        yield Finding("caps_agree_with_shares", f"only {stated:,} of {caps.height:,} stocks have shares outstanding")
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


def _beside_known(caps: pl.DataFrame, known: pl.DataFrame, days: int) -> Iterator[Finding]:
    if known.is_empty():
        return
    limit = next((factor for longest, factor in LARGEST_CHANGES if days <= longest), LARGEST_EVER)
    both = caps.select("symbol", "market_cap").join(known, on="symbol", suffix="_before")
    if both.height < KEPT_SHARE * known.height and limit < LARGEST_EVER:
        yield Finding("caps_are_as_before", f"only {both.height:,} of the {known.height:,} stocks known before are in it")
        return
    changes = both.select(change=pl.col("market_cap") / pl.col("market_cap_before"))["change"]
    median = changes.median()
    if not isinstance(median, float):
        return  # no stock in common
    if not 1 / limit < median < limit:
        yield Finding(
            "caps_are_as_before",
            f"the median stock is worth {median:.2g} times what was known {days} days apart; the limit is {limit:g}",
        )
    beyond = len(changes) - int((changes / median).is_between(1 / limit, limit).sum())
    if beyond > (1 - AGREEING_SHARE) * len(changes):
        yield Finding(
            "caps_are_as_before",
            f"{beyond:,} of {len(changes):,} stocks changed by a factor of {limit:g} or more beside the median in {days} days",
        )

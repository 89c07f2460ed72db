"""Validation of option quotes: an expiration is compared with the document before. The parser checks the rest."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from orchestration.raw.validation.verdict import Verdict, quarantine_rows

# Strikes are added as the price moves; they do not leave before the expiration.
LEAST_CONTRACTS, FEWEST_TO_COMPARE = 0.5, 10

Contracts = Mapping[date, int]


def judge_quotes(rows: dict[str, pl.DataFrame], *, known: Contracts) -> Verdict:
    """Validate one document. An expiration whose contracts are quarantined counts as not read.

    Args:
        rows: `fund_quotes`, `option_expirations` and `option_quotes` with `_line` and `_content`.
        known: the number of contracts of each expiration in the document before.
    """
    options = rows["option_quotes"]
    short = _short_chains(options, known)
    quarantined = quarantine_rows(
        options.join(short, on="expiration", maintain_order="left"),
        {"chain_is_whole": pl.format("{} has {} contracts, {} in the document before", "expiration", "contracts", "before")},
        {"chain_is_whole": pl.lit(True)},
    )
    is_short = pl.col("expiration").is_in(short["expiration"].implode())
    expirations = rows["option_expirations"].with_columns(
        is_read=pl.col("is_read") & ~is_short,
        forward=pl.when(~is_short).then("forward"),
        discount=pl.when(~is_short).then("discount"),
    )
    return Verdict(rows | {"option_expirations": expirations, "option_quotes": options.filter(~is_short)}, quarantined)


def contracts_by_expiration(options: pl.DataFrame) -> dict[date, int]:
    """The number of contracts of each expiration."""
    return dict(options.group_by("expiration").len().iter_rows())


def _short_chains(options: pl.DataFrame, known: Contracts) -> pl.DataFrame:
    """expiration, contracts, before: where less than half of the contracts of the document before are left."""
    before = pl.DataFrame(
        {"expiration": list(known), "before": list(known.values())}, schema={"expiration": pl.Date, "before": pl.Int64}
    )
    counted = options.group_by("expiration", maintain_order=True).agg(contracts=pl.len().cast(pl.Int64))
    both = counted.join(before, on="expiration")
    return both.filter((pl.col("before") >= FEWEST_TO_COMPARE) & (pl.col("contracts") < LEAST_CONTRACTS * pl.col("before")))

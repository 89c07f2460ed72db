"""Validation of option quotes: the expirations are compared with those of the document before. The parser checks the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from orchestration.raw.validation.verdict import Verdict, quarantine_rows

# Strikes are added as the price moves; they do not leave before the expiration.
LEAST_CONTRACTS, FEWEST_TO_COMPARE = 0.5, 10


@dataclass(frozen=True)
class KnownChain:
    """What the documents before say: the cycle of each expiration of the last one, and the last number of its contracts."""

    cycles: Mapping[date, str] = field(default_factory=dict)
    contracts: Mapping[date, int] = field(default_factory=dict)

    def with_rows(self, rows: dict[str, pl.DataFrame]) -> "KnownChain":
        """What is known with the rows of the next document."""
        cycles = dict(rows["option_expirations"].select("expiration", "cycle").iter_rows())
        contracts = dict(rows["option_quotes"].group_by("expiration").len().iter_rows())
        # A document without a chain and without a quote says nothing about the list.
        says_list = not (rows["option_expirations"].is_empty() and rows["fund_quotes"].is_empty())
        return KnownChain(cycles if says_list else self.cycles, {**self.contracts, **contracts})


def judge_quotes(rows: dict[str, pl.DataFrame], *, known: KnownChain) -> Verdict:
    """Validate one document. An expiration whose contracts are quarantined, or that is no longer listed, counts as not read.

    Args:
        rows: `fund_quotes`, `option_expirations` and `option_quotes` with `_line` and `_content`.
        known: from the documents before.
    """
    options = rows["option_quotes"]
    short = _short_chains(options, known.contracts)
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
    listed = pl.concat([expirations, _missing(rows, known.cycles)])
    return Verdict(rows | {"option_expirations": listed, "option_quotes": options.filter(~is_short)}, quarantined)


def _missing(rows: dict[str, pl.DataFrame], cycles: Mapping[date, str]) -> pl.DataFrame:
    """The expirations of the document before that are not listed and have not passed, as rows of `option_expirations`.

    One that is the document's session has not passed: its contracts are part of the session's totals.
    """
    expirations, quotes = rows["option_expirations"], rows["fund_quotes"]
    chain = next((frame.row(0, named=True) for frame in (expirations, quotes) if frame.height), None)
    listed = set(expirations["expiration"])
    missing = [day for day in sorted(cycles) if chain and day >= chain["session"] and day not in listed]
    added = [
        {
            **{name: chain[name] for name in ("fund", "session", "phase")},
            "expiration": day, "cycle": cycles[day], "is_read": False, "_content": str(day),
        }
        for day in missing if chain
    ]  # fmt: skip
    return pl.DataFrame(added, schema=expirations.schema)


def _short_chains(options: pl.DataFrame, known: Mapping[date, int]) -> pl.DataFrame:
    """expiration, contracts, before: where less than half of the contracts of the document before are left."""
    before = pl.DataFrame(
        {"expiration": list(known), "before": list(known.values())}, schema={"expiration": pl.Date, "before": pl.Int64}
    )
    counted = options.group_by("expiration", maintain_order=True).agg(contracts=pl.len().cast(pl.Int64))
    both = counted.join(before, on="expiration")
    return both.filter((pl.col("before") >= FEWEST_TO_COMPARE) & (pl.col("contracts") < LEAST_CONTRACTS * pl.col("before")))

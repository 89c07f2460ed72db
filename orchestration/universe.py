"""The funds of the universe, from `seeds/funds.csv`, the only place where a fund is added."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from orchestration.settings import SEEDS_DIR


@dataclass(frozen=True)
class Fund:
    """One row of `seeds/funds.csv`; empty cells are None."""

    fund: str
    name: str
    issuer: str
    index_name: str
    role: str
    inception: str
    holdings_vendor: str | None
    product_id: str | None
    price_symbol: str | None
    min_holdings: int | None
    stale_after_days: int
    max_holdings: int | None = None


@lru_cache
def load_universe(path: Path = SEEDS_DIR / "funds.csv") -> dict[str, Fund]:
    """Funds by ticker, in the order of the seed."""
    frame = pl.read_csv(path, schema_overrides={"product_id": pl.String, "inception": pl.String})
    return {row["fund"]: Fund(**row) for row in frame.iter_rows(named=True)}

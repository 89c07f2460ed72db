"""FRED: interest-rate series as two-column CSV, in percent a year."""

from datetime import date

import polars as pl

from orchestration.settings import Settings
from orchestration.vendors.base import Context, DocumentRejected, Fetched, Parsed
from orchestration.vendors.http import Pace, get
from orchestration.vendors.text import decode, number, read_delimited, reject_broken_numbers

VENDOR, KIND = "fred", "rates"
SERIES = ("DFEDTAR", "DFEDTARL", "DFEDTARU", "DFF")
_MISSING = "."


def fetch(series: str, settings: Settings, pace: Pace) -> Fetched:
    """The whole history of a series.

    Raises:
        FetchFailed: FRED gave no usable answer.
    """
    return Fetched(get(f"{settings.fred_base_url}/graph/fredgraph.csv?id={series}", settings, pace=pace), "csv")


def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `rates`. A dot or nothing is a missing value, which is not zero.

    Raises:
        DocumentRejected: not a FRED file of this series.
    """
    lines = decode(content).splitlines()
    header = [cell.strip() for cell in lines[0].split(",")]
    # FRED named the first column DATE until December 2024.
    if len(header) != 2 or header[0] not in ("observation_date", "DATE"):
        raise DocumentRejected(f"its header is {lines[0][:80]!r}, not observation_date and a series")
    if header[1] != context.symbol:
        raise DocumentRejected(f"it holds the series {header[1]}, not {context.symbol}")
    numbered = [(i, line) for i, line in enumerate(lines[1:], start=2) if line.strip()]
    rows, ragged = read_delimited(["date", "value"], numbered)
    rows = rows.with_columns(pl.col("value").replace(_MISSING, ""))
    rows, broken = reject_broken_numbers(rows, ["value"])
    rows = rows.with_columns(pl.col("date").str.to_date("%Y-%m-%d", strict=False).alias("_date"))
    undated = rows.filter(pl.col("_date").is_null()).select(
        line="_line", reason=pl.format("'{}' is not a date", "date"), content="_content"
    )
    rates = rows.filter(pl.col("_date").is_not_null()).select(
        pl.lit(context.symbol).alias("series"), pl.col("_date").alias("date"), number("value").alias("value"), "_line", "_content"
    )
    if rates["value"].drop_nulls().is_empty():
        raise DocumentRejected("it holds no value")
    last = rates["date"].max()
    return Parsed("rates", {"rates": rates}, last if isinstance(last, date) else None, [ragged, broken, undated])

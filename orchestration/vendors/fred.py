"""FRED: interest-rate series as two-column CSV, in percent a year."""

from datetime import date

import polars as pl

from orchestration.settings import Settings
from orchestration.vendors.base import Context, DocumentRejected, Fetched, Parsed
from orchestration.vendors.http import Pace, get
from orchestration.vendors.text import decode, header_cells, read_numbers, read_table, split_lines

VENDOR, KIND = "fred", "rates"
SERIES = ("DFEDTAR", "DFEDTARL", "DFEDTARU", "DFF")
_DATE_NAMES = ("observation_date", "DATE")
_MISSING, _DAY = ".", r"^\d{4}-\d{2}-\d{2}$"


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
    lines = [(i, line) for i, line in enumerate(split_lines(decode(content)), start=1) if line.strip()]
    header = header_cells(lines[0][1])
    # FRED named the first column DATE until December 2024.
    if len(header) != 2 or header[0] not in _DATE_NAMES:
        raise DocumentRejected(f"its header is {lines[0][1].strip()[:80]!r}, not observation_date and a series")
    if header[1] != context.symbol:
        raise DocumentRejected(f"it holds the series {header[1]}, not {context.symbol}")
    rows, ragged = read_table(lines[1:], header, {"date": _DATE_NAMES, "value": (context.symbol,)})
    rows = rows.with_columns(pl.col("value").replace(_MISSING, None))
    rows, broken = read_numbers(rows, ["value"])
    day = pl.when(pl.col("date").str.contains(_DAY)).then(pl.col("date").str.to_date("%Y-%m-%d", strict=False))
    rows = rows.with_columns(day.alias("_date"))
    undated = rows.filter(pl.col("_date").is_null()).select(
        line="_line", reason=pl.format("'{}' is not a date", pl.col("date").fill_null("")), content="_content"
    )
    rates = rows.filter(pl.col("_date").is_not_null()).select(
        pl.lit(context.symbol).alias("series"), pl.col("_date").alias("date"), "value", "_line", "_content"
    )
    if rates["value"].drop_nulls().is_empty():
        raise DocumentRejected("it holds no value")
    last = rates["date"].max()
    return Parsed("rates", {"rates": rates}, last if isinstance(last, date) else None, [ragged, broken, undated])

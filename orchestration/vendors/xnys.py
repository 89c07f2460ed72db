"""The exchange's calendar as a document, generated from exchange_calendars, never fetched."""

from io import BytesIO

import polars as pl

from orchestration import market_calendar
from orchestration.vendors.feed import Context, Feed, Parsed


def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `sessions`."""
    rows = (
        pl.read_parquet(BytesIO(content))
        .with_row_index("_line", offset=1)
        .with_columns(pl.col("_line").cast(pl.Int64), pl.col("session").cast(pl.String).alias("_content"))
    )
    return Parsed("sessions", {"sessions": rows}, context.retrieved_at.date())


FEED = Feed(
    vendor="exchange_calendars",
    kind="sessions",
    description="Trading days of the New York Stock Exchange with opening and closing times, from exchange_calendars.",
    parse=parse,
    symbols=lambda _: {market_calendar.EXCHANGE: None},
)

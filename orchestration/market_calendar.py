"""NYSE sessions, from exchange_calendars. Only this module knows which days are trading days."""

from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from io import BytesIO

import polars as pl

from orchestration.files import content_hash

EXCHANGE = "XNYS"
FIRST_DAY = date(1993, 1, 1)  # SPY, the oldest fund, began trading on 1993-01-29
# Vendors publish the closing bar some minutes after the bell.
FINAL_BAR_DELAY = timedelta(minutes=30)
# Yahoo's option quotes are a quarter of an hour late: until then, those of an open session are of the session before.
QUOTES_LATE = timedelta(minutes=15)
_VERSION_KEY, _CONTENT_KEY = "exchange_calendars", "content_sha256"


def horizon(today: date) -> date:
    """The last day the calendar must cover: the end of next year."""
    return date(today.year + 1, 12, 31)


def sessions_frame(last_day: date, first_day: date = FIRST_DAY) -> pl.DataFrame:
    """One row per session: session, opens_at, closes_at (UTC, without zone), is_half_day (closes before 16:00 New York)."""
    import exchange_calendars  # imports pandas, about one second that most commands do not need

    calendar = exchange_calendars.get_calendar(EXCHANGE, start=str(first_day), end=str(last_day))
    schedule = calendar.schedule
    return pl.DataFrame(
        {
            "session": schedule.index.to_numpy(),
            "opens_at": schedule["open"].dt.tz_localize(None).to_numpy(),
            "closes_at": schedule["close"].dt.tz_localize(None).to_numpy(),
        }
    ).select(
        pl.col("session").cast(pl.Date),
        pl.col("opens_at", "closes_at").cast(pl.Datetime("us")),
        (pl.col("closes_at").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York").dt.hour() < 16).alias(
            "is_half_day"
        ),
    )


def sessions_document(last_day: date) -> bytes:
    """The calendar as a Parquet document, with the library version and the hash of its content in its metadata."""
    buffer = BytesIO()
    frame = sessions_frame(last_day)
    frame.write_parquet(buffer, metadata={_VERSION_KEY: version("exchange-calendars"), _CONTENT_KEY: _hash_of(frame)})
    return buffer.getvalue()


def _hash_of(sessions: pl.DataFrame) -> str:
    # As numbers: a damaged time need not be one.
    return content_hash(sessions.select(pl.all().to_physical()).write_csv().encode())


def is_current(document: bytes, last_day: date) -> bool:
    """Whether a calendar document reaches `last_day` (within 7 days), was made by the installed library version, and is as it was
    written: a damaged one can be readable and miss a session."""
    metadata = pl.read_parquet_metadata(BytesIO(document))
    sessions = pl.read_parquet(BytesIO(document))
    last = sessions["session"].max()
    is_as_written = metadata.get(_CONTENT_KEY) == _hash_of(sessions)
    is_of_version = metadata.get(_VERSION_KEY) == version("exchange-calendars")
    return is_as_written and is_of_version and isinstance(last, date) and last > last_day - timedelta(days=7)


def is_session(day: date) -> bool:
    """Whether XNYS trades on that day."""
    return not sessions_frame(day, first_day=day - timedelta(days=7)).filter(pl.col("session") == day).is_empty()


def closing(day: date) -> datetime | None:
    """When XNYS closes on a day (UTC); None if it does not trade."""
    found = sessions_frame(day, first_day=day - timedelta(days=7)).filter(pl.col("session") == day)["closes_at"].max()
    return found.replace(tzinfo=UTC) if isinstance(found, datetime) else None


def last_opening(at: datetime) -> datetime:
    """When the last session that has begun by `at` (UTC) opened."""
    sessions = sessions_frame(at.date(), first_day=at.date() - timedelta(days=10))
    opened = sessions.filter(pl.col("opens_at") <= at.replace(tzinfo=None))["opens_at"].max()
    assert isinstance(opened, datetime)
    return opened.replace(tzinfo=UTC)


def final_sessions(sessions: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """The sessions whose closing bar is final at `at` (UTC)."""
    return sessions.filter(pl.col("closes_at") + FINAL_BAR_DELAY <= at.replace(tzinfo=None))

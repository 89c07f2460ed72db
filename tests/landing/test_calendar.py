"""The calendar in landing: one that is damaged but readable is not believed."""

import random
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import duckdb
import polars as pl
import pytest

from orchestration.landing.collect import Landing, collect_sessions
from orchestration.market_calendar import EXCHANGE, horizon, is_current, sessions_document, sessions_frame
from orchestration.raw.ingest import ingest
from orchestration.raw.observations import KNOWN_SESSIONS
from orchestration.vendors.registry import CALENDAR
from orchestration.warehouse.connection import Warehouse

CLOCK = datetime(2026, 5, 6, tzinfo=UTC)
LAST = horizon(CLOCK.date())


@pytest.fixture(scope="module")
def whole() -> bytes:
    return sessions_document(LAST)


def with_one_flip(content: bytes, seed: int) -> bytes:
    draws = random.Random(seed)
    damaged = bytearray(content)
    damaged[draws.randrange(len(damaged))] ^= 1 << draws.randrange(8)
    return bytes(damaged)


def read(content: bytes) -> pl.DataFrame | None:
    try:
        return pl.read_parquet(BytesIO(content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError):
        return None


@pytest.mark.slow
def test_no_flipped_bit_that_changes_a_session_is_believed(whole: bytes) -> None:
    sound, differ = read(whole), []
    assert sound is not None
    for seed in range(400):
        damaged = with_one_flip(whole, seed)
        found = read(damaged)
        if found is None:
            continue
        try:
            counts = is_current(damaged, LAST)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, KeyError, ValueError):
            counts = False
        if not found.equals(sound):
            differ.append(counts)
    assert len(differ) > 20
    assert not any(differ)
    assert is_current(whole, LAST)


def test_a_calendar_that_lost_a_session_gets_a_successor(whole: bytes, tmp_path: Path) -> None:
    """Even if it was used before, and with a clock that stands still."""
    landing = Landing(tmp_path / "landing", [tmp_path / "landing"], CLOCK)
    assert [one.status for one in collect_sessions(landing)] == ["new"]
    [document] = landing.documents(CALENDAR)
    lost = read(whole)
    assert lost is not None
    buffer = BytesIO()
    lost.filter(pl.col("session") != date(2020, 3, 16)).write_parquet(buffer, metadata=pl.read_parquet_metadata(BytesIO(whole)))
    document.path.write_bytes(buffer.getvalue())
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.prepare()

    def known() -> int:
        with warehouse.connect() as connection:
            ingest(connection, landing.documents(CALENDAR), universe={}, clock=CLOCK)
            return int(connection.execute(f"select count(*) from {KNOWN_SESSIONS}").fetchall()[0][0])

    assert known() == len(sessions_frame(LAST)) - 1
    assert [one.status for one in collect_sessions(landing)] == ["new"]
    assert len(landing.documents(CALENDAR)) == 2
    assert known() == len(sessions_frame(LAST))
    assert [one.status for one in collect_sessions(landing)] == ["unchanged"]
    assert {document.symbol for document in landing.documents(CALENDAR)} == {EXCHANGE}


def test_a_calendar_without_a_hash_gets_a_successor(tmp_path: Path) -> None:
    """As an earlier release wrote it."""
    landing = Landing(tmp_path / "landing", [tmp_path / "landing"], CLOCK)
    collect_sessions(landing)
    [document] = landing.documents(CALENDAR)
    metadata = pl.read_parquet_metadata(document.path)
    sessions_frame(LAST).write_parquet(document.path, metadata={"exchange_calendars": metadata["exchange_calendars"]})
    assert [one.status for one in collect_sessions(landing)] == ["new"]
    assert [one.status for one in collect_sessions(landing)] == ["unchanged"]
    with duckdb.connect() as connection:
        paths = [str(one.path) for one in landing.documents(CALENDAR)]
        counts = [connection.execute("select count(*) from read_parquet(?)", [path]).fetchall() for path in paths]
    assert counts[0] == counts[1]

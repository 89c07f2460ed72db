"""The fingerprint of a release: each input changes it, and nothing else does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from orchestration.publish.fingerprint import fingerprint, is_current
from orchestration.raw.fetches import Fetch, record
from orchestration.raw.observations import append_observations, stamped
from orchestration.schemas import RAW_TABLES
from orchestration.warehouse.connection import Warehouse

CLOSE = datetime(2026, 9, 30, 20, 0)
AFTER = datetime(2026, 9, 30, 21, 0, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with two sessions."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.prepare()
    with warehouse.connect() as opened:
        for close in (CLOSE, CLOSE + timedelta(days=1)):
            opened.execute(
                "insert into raw.sessions values (?, ?, ?, false, '2026-01-01', 'd')",
                [close.date(), close - timedelta(hours=6), close],
            )
        yield opened


def made_of(connection: duckdb.DuckDBPyConnection, tmp_path: Path, clock: datetime = AFTER) -> dict[str, str]:
    return fingerprint(connection, decisions=tmp_path / "decisions.jsonl", clock=clock, known_at=None, engine="duckdb")


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def test_unchanged_inputs_give_the_same_fingerprint(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    before = made_of(connection, tmp_path)
    # A successful request, and hours without the end of a session.
    record(connection, [Fetch("fred", "rates", "DFF", CLOSE, "unchanged", None)])
    assert made_of(connection, tmp_path, AFTER + timedelta(hours=20)) == before


def test_each_input_changes_it(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    before = made_of(connection, tmp_path)
    assert changed(before, made_of(connection, tmp_path, AFTER + timedelta(days=1))) == {"session"}
    past = fingerprint(connection, decisions=tmp_path / "decisions.jsonl", clock=AFTER, known_at=AFTER, engine="duckdb")
    assert changed(before, past) == {"known_at"}
    (tmp_path / "decisions.jsonl").write_text("{}\n")
    assert changed(before, made_of(connection, tmp_path)) == {"decisions"}
    (tmp_path / "decisions.jsonl").unlink()
    record(connection, [Fetch("fred", "rates", "DFF", CLOSE, "failed", "no answer")])
    failed = made_of(connection, tmp_path)
    assert changed(before, failed) == {"observations"}
    rate = pl.DataFrame({"series": ["DFF"], "date": [CLOSE.date()], "value": [3.9]})
    append_observations(connection, RAW_TABLES["rates"], stamped(rate, observed_at=CLOSE, document_id="d"))
    assert changed(failed, made_of(connection, tmp_path)) == {"observations"}


def test_a_release_that_withholds_a_table_is_made_again(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = made_of(connection, tmp_path)
    manifest = {"made_of": found, "tables": [{"status": "published"}]}
    assert is_current(manifest, found)
    assert not is_current({**manifest, "made_of": {**found, "code": "other"}}, found)
    assert not is_current({**manifest, "tables": [{"status": "published"}, {"status": "withheld"}]}, found)
    assert not is_current({"tables": []}, found)

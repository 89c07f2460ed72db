"""Append-only observations: when a row is appended, and their order; a rebuilt warehouse replaces the current one."""

import multiprocessing
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from filelock import FileLock

from orchestration.raw.observations import append_observations, stamped
from orchestration.schemas import RAW_TABLES
from orchestration.settings import Settings, Source
from orchestration.warehouse.connection import Warehouse, WarehouseLocked, clear_unfinished_rebuild, rebuild_lock

DAY = date(2026, 5, 5)
NOW = datetime(2026, 5, 6)


@pytest.fixture
def connection(tmp_path: Path):  # type: ignore[no-untyped-def]
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.prepare()
    with warehouse.connect() as opened:
        yield opened


def rate(value: float | None) -> pl.DataFrame:
    return pl.DataFrame([("DFF", DAY, value)], schema=RAW_TABLES["rates"].columns, orient="row")


def append_rate(connection: duckdb.DuckDBPyConnection, value: float | None, day: int, document: str) -> int:
    observations = stamped(rate(value), observed_at=NOW + timedelta(days=day), document_id=document)
    return append_observations(connection, RAW_TABLES["rates"], observations)


def test_a_value_is_appended_only_when_it_differs(connection: duckdb.DuckDBPyConnection) -> None:
    assert [append_rate(connection, v, day, f"d{day}") for day, v in enumerate([3.5, 3.5, 3.75, 3.75, 3.5])] == [1, 0, 1, 0, 1]


def test_null_is_a_value_like_any_other(connection: duckdb.DuckDBPyConnection) -> None:
    assert [append_rate(connection, v, day, f"d{day}") for day, v in enumerate([None, None, 3.5, None, None])] == [1, 0, 1, 1, 0]


def test_documents_of_one_second_are_ordered_by_their_id(connection: duckdb.DuckDBPyConnection) -> None:
    assert [append_rate(connection, 1.0, 0, "b"), append_rate(connection, 2.0, 0, "a")] == [1, 1]
    # Reading them again in any order adds nothing.
    assert [append_rate(connection, 2.0, 0, "a"), append_rate(connection, 1.0, 0, "b")] == [0, 0]
    assert append_rate(connection, 1.0, 1, "a") == 0


def test_zero_withdraws_an_action_and_is_not_stored_alone(connection: duckdb.DuckDBPyConnection) -> None:
    def action(value: float, day: int) -> int:
        rows = pl.DataFrame([("IWM", DAY, "dividend", value)], schema=RAW_TABLES["corporate_actions"].columns, orient="row")
        observations = stamped(rows, observed_at=NOW + timedelta(days=day), document_id=f"d{day}")
        return append_observations(connection, RAW_TABLES["corporate_actions"], observations)

    assert [action(value, day) for day, value in enumerate([0.0, 0.5, 0.5, 0.0, 0.0, 0.5])] == [0, 1, 0, 1, 0, 1]


def test_a_snapshot_is_appended_as_a_whole_when_a_line_is_removed(connection: duckdb.DuckDBPyConnection) -> None:
    table = RAW_TABLES["holdings"]

    def snapshot(names: list[str], day: int) -> int:
        rows = [
            dict.fromkeys(table.columns) | {"fund": "IWM", "as_of": DAY, "line_no": i, "name": name, "market_value": 1.0}
            for i, name in enumerate(names, start=1)
        ]
        observations = stamped(
            pl.DataFrame(rows, schema=table.columns), observed_at=NOW + timedelta(days=day), document_id=f"d{day}"
        )
        return append_observations(connection, table, observations)

    assert [snapshot(names, day) for day, names in enumerate([["a", "b", "c"], ["a", "b", "c"], ["a", "b"], ["a", "b"]])] == [
        3,
        0,
        2,
        0,
    ]


def test_no_rows_append_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    assert append_observations(connection, RAW_TABLES["rates"], stamped(rate(1).clear(), observed_at=NOW, document_id="d")) == 0


def test_prepare_twice_keeps_the_data(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.prepare()
    with warehouse.connect() as opened:
        append_rate(opened, 3.5, 0, "d")
    warehouse.prepare()
    with warehouse.connect() as opened:
        assert opened.sql("select value from raw.rates").fetchall() == [(3.5,)]


def _hold(path: Path, held: "multiprocessing.synchronize.Event", done: "multiprocessing.synchronize.Event") -> None:
    with Warehouse(path).connect():
        held.set()
        done.wait(30)


@pytest.mark.slow
def test_a_second_writer_gets_a_clear_message(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    Warehouse(path).prepare()
    start = multiprocessing.get_context("spawn")
    held, done = start.Event(), start.Event()
    other = start.Process(target=_hold, args=(path, held, done))
    other.start()
    try:
        assert held.wait(30)
        with pytest.raises(WarehouseLocked, match="open in another program"), Warehouse(path).connect():
            pass
    finally:
        done.set()
        other.join(30)
    assert other.exitcode == 0


@pytest.fixture
def rebuilding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a rebuild whose run writes a file in place of a warehouse."""
    from orchestration.defs import rebuild

    def run(settings: Settings, *, progress: Callable[[str], None], force: bool) -> Path:
        assert force
        settings.warehouse_path.parent.mkdir()
        settings.warehouse_path.write_text("rebuilt")
        progress("published")
        return settings.published_dir / "r2"

    monkeypatch.setattr(rebuild, "run_daily", run)
    return Settings(source=Source.sample, data_dir=tmp_path, writer_wait_seconds=0)


def test_a_rebuild_without_a_warehouse_says_so(rebuilding: Settings) -> None:
    from orchestration.defs.rebuild import rebuild_warehouse

    said: list[str] = []
    assert rebuild_warehouse(rebuilding, progress=said.append).name == "r2"
    assert said == ["There is no warehouse to compare with. Landing has 0 documents.", "published"]
    assert rebuilding.warehouse_path.read_text() == "rebuilt"
    assert not rebuilding.rebuild_dir.exists()


@pytest.mark.parametrize("has_lake", [True, False])
def test_the_lake_is_that_of_the_rebuilt_warehouse(rebuilding: Settings, has_lake: bool) -> None:
    """Tables that an earlier build on Spark left would be taken for those of the new warehouse."""
    from orchestration.defs.rebuild import rebuild_warehouse

    rebuilt = rebuilding.model_copy(update={"rebuilding": True})
    left = rebuilding.lake_dir / "warehouse/marts/left_by_an_earlier_build"
    left.mkdir(parents=True)

    def say(_: str) -> None:
        if has_lake:
            (rebuilt.lake_dir / "warehouse/marts/new").mkdir(parents=True, exist_ok=True)

    rebuild_warehouse(rebuilding, progress=say)
    assert not left.exists()
    assert (rebuilding.lake_dir / "warehouse/marts/new").exists() == has_lake


def test_a_rebuilt_warehouse_that_cannot_replace_the_current_one_is_named(rebuilding: Settings) -> None:
    from orchestration.defs.rebuild import rebuild_warehouse
    from orchestration.defs.runner import RunFailed

    with (
        FileLock(rebuilding.home / ".writer.lock"),
        pytest.raises(RunFailed, match="r2 is published, but .*Another run is writing.*Run `smallcap rebuild` again"),
    ):
        rebuild_warehouse(rebuilding, progress=str)


def test_files_of_a_killed_rebuild_are_removed_but_not_those_of_a_running_one(tmp_path: Path) -> None:
    rebuild_dir = tmp_path / "rebuild"
    assert not clear_unfinished_rebuild(tmp_path, rebuild_dir)
    rebuild_dir.mkdir()
    with rebuild_lock(tmp_path):
        assert not clear_unfinished_rebuild(tmp_path, rebuild_dir)
    assert clear_unfinished_rebuild(tmp_path, rebuild_dir)
    assert not rebuild_dir.exists()

"""Raw tables in the lake: appended, written anew where that is needed, and always the rows of the warehouse."""

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.schemas import RAW_TABLES
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.engine import Spark
from orchestration.warehouse.made_of import record_made_of
from orchestration.warehouse.raw_tables import LEDGER_TABLES, create_raw_tables
from orchestration.warehouse.spark import lake as lake_module
from orchestration.warehouse.spark.lake import append_raw, built_tables, read_built

SEEN = datetime(2026, 1, 2, 22)


@pytest.fixture
def connection(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """A prepared warehouse."""
    connection = duckdb.connect(str(tmp_path / "warehouse.duckdb"))
    create_raw_tables(connection)
    return connection


def add(connection: duckdb.DuckDBPyConnection, document: str, *, bars: int = 3, first: date = date(2024, 12, 30)) -> None:
    for n in range(bars):
        connection.execute(
            "insert into raw.member_bars values ('A', ?, 1, 2, 1, 1.5, 100, ?, ?)", [first + timedelta(days=n), SEEN, document]
        )
    connection.execute("insert into raw.rates values ('DFF', ?, 3.5, ?, ?)", [first, SEEN, document])


def files(lake: Path, table: str) -> set[str]:
    return {file.relative_to(lake).as_posix() for file in (lake / "raw" / table).rglob("*.parquet")}


def in_lake(connection: duckdb.DuckDBPyConnection, lake: Path, table: str) -> list[tuple[object, ...]]:
    columns = [name for name, *_ in connection.execute(f"describe raw.{table}").fetchall()]
    names = ", ".join(columns)
    return connection.execute(f"select {names} from read_parquet('{lake}/raw/{table}/**/*.parquet') order by all").fetchall()


def in_raw(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[object, ...]]:
    return connection.execute(f"select * from raw.{table} order by all").fetchall()


def test_every_raw_table_is_in_the_lake_an_empty_one_too(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    append_raw(connection, tmp_path / "lake")
    for table in (*RAW_TABLES, *LEDGER_TABLES):
        assert in_lake(connection, tmp_path / "lake", table) == []


def test_a_new_document_is_appended_and_old_files_stay(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    add(connection, "one")
    append_raw(connection, lake)
    before = {table: files(lake, table) for table in ("member_bars", "rates")}
    assert {Path(file).parent.name for file in before["member_bars"]} == {"part=2024", "part=2025"}
    add(connection, "other", first=date(2026, 1, 5))
    append_raw(connection, lake)
    for table, old in before.items():
        assert old < files(lake, table)
        assert in_lake(connection, lake, table) == in_raw(connection, table)


def test_nothing_is_written_without_new_documents(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    add(connection, "one")
    append_raw(connection, lake)
    before = files(lake, "member_bars") | files(lake, "rates")
    append_raw(connection, lake)
    assert files(lake, "member_bars") | files(lake, "rates") == before


def test_the_ledger_is_that_of_the_warehouse(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    row = "('d', 'p', 's', 'fred', 'rates', 'DFF', null, null, 1, 0, ?, null, 0, null, 'rules')"
    for status in ("quarantined", "accepted"):
        connection.execute(f"insert or replace into raw.documents values {row}", [status])
        append_raw(connection, tmp_path / "lake")
        assert in_lake(connection, tmp_path / "lake", "documents") == in_raw(connection, "documents")


@pytest.mark.parametrize("damage", ["withdrawn", "read again", "half", "damaged", "leftover"])
def test_the_lake_heals(connection: duckdb.DuckDBPyConnection, tmp_path: Path, damage: str) -> None:
    lake = tmp_path / "lake"
    for name in ("one", "other"):
        add(connection, name)
        append_raw(connection, lake)
    some = sorted((lake / "raw/member_bars").rglob("*.parquet"))[0]
    if damage == "withdrawn":
        connection.execute("delete from raw.member_bars where document_id = 'one'")
    elif damage == "read again":
        connection.execute("update raw.member_bars set close = 1.6 where document_id = 'one'")
    elif damage == "half":
        some.unlink()
    elif damage == "damaged":
        some.write_bytes(some.read_bytes()[:50])
    else:
        (lake / "unfinished/member_bars/part=2024").mkdir(parents=True)
        (lake / "unfinished/member_bars/part=2024/x.parquet").write_bytes(b"")
    append_raw(connection, lake)
    assert in_lake(connection, lake, "member_bars") == in_raw(connection, "member_bars")
    assert not list((lake / "unfinished").iterdir())


def test_many_files_become_one(connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_module, "MOST_FILES", 3)
    for n in range(5):
        add(connection, f"document {n}")
        append_raw(connection, tmp_path / "lake")
        assert len(files(tmp_path / "lake", "rates")) <= 4
    assert in_lake(connection, tmp_path / "lake", "rates") == in_raw(connection, "rates")


def test_many_files_of_one_year_become_one(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other years do not count."""
    monkeypatch.setattr(lake_module, "MOST_FILES", 3)
    for year in range(2000, 2020):
        add(connection, f"document of {year}", bars=1, first=date(year, 6, 1))
    for n in range(10):
        add(connection, f"document {n}", bars=1, first=date(2020, 6, 1 + n))
        append_raw(connection, tmp_path / "lake")
        assert len([file for file in files(tmp_path / "lake", "member_bars") if "part=2020" in file]) <= 4
    assert in_lake(connection, tmp_path / "lake", "member_bars") == in_raw(connection, "member_bars")


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["add", "withdraw", "write"]), st.integers(0, 4)), max_size=12))
def test_after_any_history_the_lake_is_raw(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]) -> None:
    lake = tmp_path_factory.mktemp("lake")
    with duckdb.connect() as connection:
        create_raw_tables(connection)
        for step, n in steps:
            if step == "add":
                add(connection, f"document {n} {len(in_raw(connection, 'rates'))}", bars=n)
            elif step == "withdraw":
                connection.execute("delete from raw.member_bars where document_id like ?", [f"document {n} %"])
            else:
                append_raw(connection, lake)
        append_raw(connection, lake)
        assert in_lake(connection, lake, "member_bars") == in_raw(connection, "member_bars")


def node(name: str, schema: str = "marts") -> dict[str, object]:
    columns = {
        "session": {"name": "session", "data_type": "date", "description": "Trading day.", "constraints": [{"type": "not_null"}]},
        "close": {"name": "close", "data_type": "double", "description": "Issuer's price in US dollars."},
    }
    return {"schema": schema, "name": name, "columns": columns}


def write_built(lake: Path, schema: str, name: str, *, finished: bool = True) -> None:
    directory = lake / "warehouse" / schema / name
    directory.mkdir(parents=True)
    pl.DataFrame({"close": [1.5, None], "session": [date(2026, 1, 2), date(2026, 1, 5)]}).write_parquet(directory / "a.parquet")
    if finished:
        (directory / "_SUCCESS").touch()


def test_built_marts_are_tables_of_their_contract(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write_built(tmp_path, "marts", "closes")
    write_built(tmp_path, "intermediate", "int_closes")
    for _ in range(2):
        read_built(connection, tmp_path, [node("closes"), node("int_closes", "intermediate")])
    kinds = connection.execute(
        "select column_name, data_type, is_nullable, comment from duckdb_columns() where table_name = 'closes'"
        " order by column_index"
    ).fetchall()
    assert kinds == [("session", "DATE", False, "Trading day."), ("close", "DOUBLE", True, "Issuer's price in US dollars.")]
    assert connection.execute("select close from marts.closes order by session").fetchall() == [(1.5,), (None,)]
    assert connection.execute("select count(*) from intermediate.int_closes").fetchall() == [(2,)]


def test_a_half_written_table_is_not_read(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write_built(tmp_path, "marts", "closes", finished=False)
    assert built_tables(tmp_path) == []
    read_built(connection, tmp_path, [node("closes")])
    assert connection.execute("select 1 from duckdb_tables() where table_name = 'closes'").fetchall() == []


def test_a_table_of_the_other_engine_is_replaced(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    write_built(tmp_path, "intermediate", "int_closes")
    with warehouse.connect() as connection:
        connection.execute("create schema intermediate; create table intermediate.int_closes as select 1 as other")
        read_built(connection, tmp_path, [node("int_closes", "intermediate")])
        assert connection.execute("select count(close) from intermediate.int_closes").fetchall() == [(1,)]


@pytest.mark.parametrize(
    "before", ["", "create table seeds.some as select 1 as other", "create view seeds.some as select 1 as other"]
)
def test_the_warehouse_needs_the_lake_no_longer(connection: duckdb.DuckDBPyConnection, tmp_path: Path, before: str) -> None:
    """dbt on DuckDB can build after it: a seed that is a view cannot be loaded."""
    lake = tmp_path / "lake"
    write_built(lake, "seeds", "some")
    connection.execute(f"create schema seeds; {before}")
    assert read_built(connection, lake, [node("some", "seeds")]) == {}
    shutil.rmtree(lake)
    assert connection.execute("select count(*) from seeds.some").fetchall() == [(2,)]
    assert connection.execute("select table_type from information_schema.tables where table_name = 'some'").fetchall() == [
        ("BASE TABLE",)
    ]


def test_a_mart_that_breaks_its_contract_stops_no_other(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for name in ("a_bad", "b_good"):
        write_built(tmp_path, "marts", name)
    bad = node("a_bad")
    bad["columns"]["close"]["constraints"] = [{"type": "not_null"}]  # type: ignore[index]
    faults = read_built(connection, tmp_path, [bad, node("b_good")])
    assert faults == {"a_bad": "Constraint Error: NOT NULL constraint failed: a_bad.close"}
    assert connection.execute("select count(*) from marts.a_bad").fetchall() == [(0,)]
    assert connection.execute("select count(*) from marts.b_good").fetchall() == [(2,)]


def test_only_tables_that_spark_built_last_are_read_again(tmp_path: Path) -> None:
    warehouse, spark = Warehouse(tmp_path / "warehouse.duckdb"), Spark(tmp_path / "lake")
    for name in ("int_closes", "int_returns"):
        write_built(spark.lake, "intermediate", name)
    assert spark.readable(warehouse) == set()
    with warehouse.connect() as connection:
        record_made_of(connection, ["int_closes", "int_returns", "never_in_the_lake"], {"engine": "spark"})
        record_made_of(connection, ["int_returns"], {"engine": "duckdb"})
    assert spark.readable(warehouse) == {"int_closes"}

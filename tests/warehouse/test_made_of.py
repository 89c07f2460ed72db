"""What tables were built from: one value where they agree, and never a guess."""

import duckdb
import pytest

from orchestration.warehouse.made_of import PARTS, SEVERAL, UNKNOWN, built_by, made_of, record_made_of

MONDAY = {"observations": "o1", "decisions": "none", "code": "c1", "engine": "duckdb", "session": "2026-08-10", "known_at": "now"}
TUESDAY = {**MONDAY, "observations": "o2", "session": "2026-08-11"}


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def test_tables_of_one_build_have_its_inputs(connection: duckdb.DuckDBPyConnection) -> None:
    record_made_of(connection, ["a", "b"], MONDAY)
    assert made_of(connection, ["a", "b"]) == made_of(connection, ["b"]) == MONDAY


def test_a_later_build_of_some_tables_makes_several(connection: duckdb.DuckDBPyConnection) -> None:
    record_made_of(connection, ["a", "b"], MONDAY)
    record_made_of(connection, ["b"], TUESDAY)
    assert made_of(connection, ["a"]) == MONDAY
    assert made_of(connection, ["b"]) == TUESDAY
    assert made_of(connection, ["a", "b"]) == {**MONDAY, "observations": SEVERAL, "session": SEVERAL}
    record_made_of(connection, ["a", "b"], TUESDAY)
    assert made_of(connection, ["a", "b"]) == TUESDAY


def test_what_was_not_recorded_is_unknown(connection: duckdb.DuckDBPyConnection) -> None:
    assert made_of(connection, ["a"]) == dict.fromkeys(PARTS, UNKNOWN)
    record_made_of(connection, ["a"], MONDAY)
    assert made_of(connection, ["a", "b"]) == dict.fromkeys(PARTS, UNKNOWN)
    record_made_of(connection, ["b"], {})
    assert made_of(connection, ["b"]) == dict.fromkeys(PARTS, UNKNOWN)
    assert made_of(connection, ["a", "b"])["code"] == SEVERAL
    record_made_of(connection, [], MONDAY)
    assert made_of(connection, ["a"]) == MONDAY


def test_the_engine_of_the_last_build_is_known(connection: duckdb.DuckDBPyConnection) -> None:
    assert built_by(connection, "spark") == set()
    record_made_of(connection, ["a", "b"], {**MONDAY, "engine": "spark"})
    record_made_of(connection, ["b"], MONDAY)
    assert (built_by(connection, "spark"), built_by(connection, "duckdb")) == ({"a"}, {"b"})
    assert made_of(connection, ["a", "b"])["engine"] == SEVERAL


def test_a_warehouse_of_an_earlier_version_says_nothing_of_its_engine(connection: duckdb.DuckDBPyConnection) -> None:
    record_made_of(connection, ["a"], MONDAY)
    connection.execute("alter table build.made_of drop column engine")
    assert made_of(connection, ["a"])["engine"] == UNKNOWN
    assert built_by(connection, "duckdb") == set()
    record_made_of(connection, ["b"], MONDAY)
    assert (made_of(connection, ["a"])["engine"], made_of(connection, ["b"])["engine"]) == (UNKNOWN, "duckdb")

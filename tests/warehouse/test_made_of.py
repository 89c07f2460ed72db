"""What tables were built from: one value where they agree, and never a guess."""

import duckdb
import pytest

from orchestration.warehouse.made_of import PARTS, SEVERAL, UNKNOWN, made_of, record_made_of

MONDAY = {"observations": "o1", "decisions": "none", "code": "c1", "session": "2026-08-10", "known_at": "now"}
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
    record_made_of(connection, ["b"], None)
    assert made_of(connection, ["b"]) == dict.fromkeys(PARTS, UNKNOWN)
    assert made_of(connection, ["a", "b"])["code"] == SEVERAL
    record_made_of(connection, [], MONDAY)
    assert made_of(connection, ["a"]) == MONDAY

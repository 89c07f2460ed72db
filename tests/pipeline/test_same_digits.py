"""Every published figure is the same to the last digit for any order of the observations in raw."""

from pathlib import Path

import duckdb
import pytest

from tests.pipeline.homes import RAW_TABLES, Home, ask, build_models, copied, warehouse

pytestmark = pytest.mark.more_runs


@pytest.fixture(scope="module")
def rebuilt(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A copy with models rebuilt from raw rows in another order."""
    home = copied(sample_home, Path(tmp_path_factory.mktemp("shuffled")) / "home")
    with duckdb.connect(str(home.path / "warehouse.duckdb")) as connection:
        for table in RAW_TABLES:
            connection.execute(f"create temp table shuffled as from raw.{table} order by hash(rowid * 7919)")
            connection.execute(f"delete from raw.{table}")
            connection.execute(f"insert into raw.{table} from shuffled")
            connection.execute("drop table shuffled")
        # Dropped, so that no table of the first build remains.
        for schema in ("marts", "intermediate"):
            connection.execute(f"drop schema {schema} cascade")
    build_models(home.settings(), ["resource_type:model", "resource_type:seed"])
    return home


def test_every_digit_of_every_mart_is_the_same(sample_home: Home, rebuilt: Home) -> None:
    with warehouse(sample_home) as first, warehouse(rebuilt) as second:
        tables = [
            name for (name,) in first.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        ]
        assert len(tables) >= 38
        for table in tables:
            before, after = (ask(connection, f'select * from marts."{table}" order by all') for connection in (first, second))
            assert before.height >= 1, table
            assert after.equals(before, null_equal=True), table


def test_holdings_are_in_the_order_of_the_key(sample_home: Home, rebuilt: Home) -> None:
    with warehouse(sample_home) as first, warehouse(rebuilt) as second:
        before, after = (ask(connection, "select * from marts.holdings") for connection in (first, second))
    assert after.equals(before, null_equal=True)
    key = ["fund", "as_of", "line"]
    assert after.select(key).rows() == sorted(after.select(key).rows())

"""The evidence comes out the same to the last digit, in whatever order the observations lie in raw."""

from pathlib import Path

import duckdb
import pytest

from orchestration.transform import build
from tests.pipeline.homes import Home, ask, copied, warehouse

RAW = ("sessions", "price_bars", "corporate_actions", "rates")


@pytest.fixture(scope="module")
def rebuilt(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A copy whose scorecard was built once more, from raw rows in another order."""
    home = copied(sample_home, Path(tmp_path_factory.mktemp("shuffled")) / "home")
    with duckdb.connect(str(home.path / "warehouse.duckdb")) as connection:
        for table in RAW:
            connection.execute(f"create temp table shuffled as from raw.{table} order by hash(rowid * 7919)")
            connection.execute(f"delete from raw.{table}")
            connection.execute(f"insert into raw.{table} from shuffled")
            connection.execute("drop table shuffled")
        # What the build does not make again must not pass for its work.
        connection.execute("delete from marts.scorecard")
        connection.execute("delete from intermediate.int_scorecard_intervals")
    list(build(home.settings(), ["+scorecard", "--exclude-resource-type", "test"]))
    return home


@pytest.mark.parametrize("table", ["marts.scorecard", "intermediate.int_scorecard_intervals"])
def test_every_digit_is_the_same(sample_home: Home, rebuilt: Home, table: str) -> None:
    with warehouse(sample_home) as first, warehouse(rebuilt) as second:
        before, after = (ask(connection, f"select * from {table} order by all") for connection in (first, second))
    assert before.height >= 300
    assert after.equals(before, null_equal=True)


def test_the_rows_lie_in_the_order_of_the_key(sample_home: Home, rebuilt: Home) -> None:
    with warehouse(sample_home) as first, warehouse(rebuilt) as second:
        before, after = (ask(connection, "select * from marts.scorecard") for connection in (first, second))
    assert after.equals(before, null_equal=True)
    key = ["signal", "subject", "label", "horizon", "target"]
    assert after.select(key).rows() == sorted(after.select(key).rows())

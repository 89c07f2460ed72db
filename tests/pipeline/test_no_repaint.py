"""No repaint: the label of a session does not depend on later data."""

import random
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.pipeline.homes import Home, ask, build_models, copied, warehouse

pytestmark = pytest.mark.more_runs

TABLES = {"ratio_daily": ["pair", "session"], "regime_daily": ["pair", "session"], "rate_regime_daily": ["session"]}
CUTS = 5
Known = dict[str, pl.DataFrame]


def labels(home: Home) -> Known:
    """The daily tables in the order of their keys."""
    with warehouse(home) as connection:
        return {name: ask(connection, f"select * from marts.{name}").sort(keys) for name, keys in TABLES.items()}


def cut_dates(sessions: list[date]) -> list[date]:
    """Sessions drawn with a fixed seed, newest first: each cut shortens the same copy."""
    return sorted(random.Random(20260812).sample(sessions[300:], CUTS), reverse=True)


@pytest.fixture(scope="module")
def rebuilt(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[date, Known, Known]]:
    """For each cut: the labels of the whole history, and those built from the data before the cut."""
    whole = labels(sample_home)
    copy = copied(sample_home, Path(tmp_path_factory.mktemp("cut")) / "home")
    sessions = whole["regime_daily"]["session"].unique().sort().to_list()
    results = []
    for cut in cut_dates(sessions):
        with duckdb.connect(str(copy.path / "warehouse.duckdb")) as connection:
            connection.execute("delete from raw.price_bars where session > ?", [cut])
            connection.execute("delete from raw.corporate_actions where ex_date > ?", [cut])
            connection.execute("delete from raw.rates where date > ?", [cut])
        build_models(copy.settings(), ["+regime_daily", "+rate_regime_daily", "--exclude-resource-type", "test"])
        results.append((cut, whole, labels(copy)))
    return results


@pytest.mark.parametrize("place", range(CUTS))
def test_a_label_does_not_depend_on_later_data(rebuilt: list[tuple[date, Known, Known]], place: int) -> None:
    cut, whole, short = rebuilt[place]
    for name, keys in TABLES.items():
        before = whole[name].filter(pl.col("session") <= cut)
        assert short[name].select(keys).equals(before.select(keys)), name
        assert short[name]["session"].max() == cut
        for column, data_type in before.schema.items():
            if data_type == pl.Float64:
                assert short[name][column].is_null().equals(before[column].is_null()), (name, column)
                assert (short[name][column] - before[column]).abs().max() <= 1e-12, (name, column)
            else:
                assert short[name][column].equals(before[column], null_equal=True), (name, column)

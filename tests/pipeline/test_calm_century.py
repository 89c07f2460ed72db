"""The long run's verdicts on a simulated century of calm markets, in which a century is enough for every verdict.

At a market's volatility it is not (docs/EVIDENCE.md): the sample's long run has no `bounded` row.
"""

from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from orchestration.sample_market import truths
from orchestration.sample_market.french_files import size_phases
from tests.pipeline.homes import Home, ask, build_models, copied, warehouse
from tests.pipeline.test_scorecard_on_chance import with_fewer_shifts

pytestmark = [pytest.mark.more_runs, pytest.mark.long]

VOLATILITY = 0.1  # percent a session
DRIFT = 0.03  # percent a session
MODELS = ["stg_factors", "int_long_run_sessions+"]


def plant(connection: duckdb.DuckDBPyConnection) -> None:
    """Other returns in the newest edition: small minus large drifts up and down in phases, the market is chance."""
    newest = "observed_at = (select max(observed_at) from raw.factors)"
    days = ask(connection, f"select date, risk_free from raw.factors where {newest} order by date")
    random = np.random.default_rng(1926)
    phases = size_phases(days["date"].to_numpy(), seed=1)
    drawn = days.with_columns(
        market_excess=pl.Series(DRIFT + VOLATILITY * random.standard_normal(days.height)) - pl.col("risk_free"),
        small_minus_large=pl.Series(DRIFT * phases + VOLATILITY * random.standard_normal(days.height)),
    )
    connection.register("drawn", drawn)
    connection.execute(
        "update raw.factors set market_excess = drawn.market_excess, small_minus_large = drawn.small_minus_large"
        f" from drawn where drawn.date = factors.date and {newest}"
    )


@pytest.fixture(scope="module")
def scorecard(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The long run's scorecard of that century."""
    home = copied(sample_home, Path(tmp_path_factory.mktemp("calm")) / "home")
    with duckdb.connect(str(home.path / "warehouse.duckdb")) as connection:
        plant(connection)
    project = with_fewer_shifts(home.path.parent / "dbt_project")
    build_models(home.settings(), [*MODELS, "--exclude-resource-type", "test", "unit_test"], project)
    with warehouse(home) as connection:
        return ask(connection, "select * from marts.long_run_scorecard")


def test_the_signal_that_works_is_significant(scorecard: pl.DataFrame) -> None:
    signal, target = truths.LONG_RUN_WORKS
    rows = scorecard.filter(pl.col("signal") == signal, pl.col("target") == target, pl.col("horizon") == 21)
    assert dict(rows.select("label", "verdict").iter_rows()) == {"risk_on": "significant", "risk_off": "significant"}
    assert dict(rows.select("label", pl.col("difference").sign()).iter_rows()) == {"risk_on": 1, "risk_off": -1}


def test_the_signal_that_does_not_work_is_bounded(scorecard: pl.DataFrame) -> None:
    signal, target = truths.LONG_RUN_DOES_NOT_WORK
    rows = scorecard.filter(pl.col("signal") == signal, pl.col("target") == target)
    assert rows.height == 16
    assert set(rows["verdict"]) == {"bounded"}
    practical = 0.02 * rows["horizon"] / 252
    assert ((rows["interval_low"] > -practical) & (rows["interval_high"] < practical)).all()

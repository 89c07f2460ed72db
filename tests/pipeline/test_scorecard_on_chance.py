"""What the scorecard says of labels drawn at random, and of an effect planted on some of them."""

import re
import shutil
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from orchestration.settings import DBT_PROJECT_DIR
from tests.conftest import WITHOUT_BUILT
from tests.pipeline.homes import Home, ask, build_models, copied, warehouse

pytestmark = pytest.mark.more_runs

SIGNALS, SHIFTS, HORIZON = 210, 199, 63
MODELS = ["int_scorecard_statistics", "scorecard_eras", "scorecard", "evidence_summary"]
# Signal: target and what is added to its forward return on the sessions of the label. The guide is made to expect a rise of both.
PLANTED = {"rises": ("QQQ", 0.10), "falls": ("IWM", -0.12)}


def coin(sessions: int, random: np.random.Generator) -> np.ndarray:
    """A label that holds for 20 to 120 sessions on average and comes back as long after it went (sessions,)."""
    turns = random.random(sessions) < 1 / random.uniform(20, 120)
    return (np.cumsum(turns) + random.integers(2)) % 2 == 1


def drawn_labels(numbers: pl.DataFrame) -> pl.DataFrame:
    """Labels of every signal that know nothing of the market, in the shape of int_signal_labels."""
    random = np.random.default_rng(20260930)
    frames = []
    for name in [*(f"chance_{i:03}" for i in range(SIGNALS)), *PLANTED]:
        is_on = coin(numbers.height, random)
        spell = np.cumsum(np.diff(is_on, prepend=is_on[0])) + 1
        frames.append(
            numbers.with_columns(
                pl.lit(name).alias("signal"), pl.lit("coin").alias("subject"),
                pl.when(pl.Series(is_on)).then(pl.lit("on")).alias("label"), pl.Series("spell_no", spell),
                pl.lit(None, pl.Int32).alias("cycle_no"),
            )
        )  # fmt: skip
    return pl.concat(frames)


def plant(connection: duckdb.DuckDBPyConnection) -> None:
    """Random labels in place of the signals, one horizon, and the planted effects."""
    numbers = ask(
        connection, "select distinct session, session_no from intermediate.int_daily_returns where fund in ('IWM', 'SPY', 'QQQ')"
        " order by session",
    )  # fmt: skip
    connection.register("drawn", drawn_labels(numbers))
    connection.execute("create or replace table intermediate.int_signal_labels as from drawn")
    connection.execute("delete from intermediate.int_forward_returns where horizon <> ? or target = 'IWM - SPY'", [HORIZON])
    for name, (target, drift) in PLANTED.items():
        connection.execute(
            "update intermediate.int_forward_returns set forward_return = forward_return + ? where target = ? and session in"
            " (select session from intermediate.int_signal_labels where signal = ? and label = 'on')",
            [drift, target, name],
        )
        connection.execute(
            "insert into seeds.guide_expectations (signal, subject, label, target, expected)"
            " values (?, 'coin', 'on', ?, 'higher')",
            [name, target],
        )
    connection.execute(
        "update seeds.signal_parameters set value = ? where signal = 'scorecard' and parameter = 'shifts'", [SHIFTS]
    )


def with_fewer_shifts(project: Path) -> Path:
    """A copy of the dbt project with another number of shifts."""
    shutil.copytree(DBT_PROJECT_DIR, project, ignore=WITHOUT_BUILT)
    seed = project / "seeds" / "signal_parameters.csv"
    text, count = re.subn(r"^(scorecard,shifts),\d+,", rf"\1,{SHIFTS},", seed.read_text(), flags=re.MULTILINE)
    assert count == 1
    seed.write_text(text)
    return project


@pytest.fixture(scope="module")
def home(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """What the project's own models make of it."""
    home = copied(sample_home, Path(tmp_path_factory.mktemp("chance")) / "home")
    with duckdb.connect(str(home.path / "warehouse.duckdb")) as connection:
        plant(connection)
    project = with_fewer_shifts(home.path.parent / "dbt_project")
    build_models(home.settings(), [*MODELS, "--exclude-resource-type", "test"], project)
    return home


@pytest.fixture(scope="module")
def scorecard(home: Home) -> pl.DataFrame:
    """The rows of the random and the planted signals."""
    with warehouse(home) as connection:
        return ask(connection, "select * from marts.scorecard")


@pytest.fixture(scope="module")
def one_a_signal(scorecard: pl.DataFrame) -> pl.DataFrame:
    """Rows that know nothing of each other: one target of each random signal, none of a planted effect."""
    rows = scorecard.filter(pl.col("signal").str.starts_with("chance_"), pl.col("target") == "SPY")
    assert rows.height == rows["signal"].n_unique() == SIGNALS
    return rows


def test_p_values_of_random_labels_are_uniform(one_a_signal: pl.DataFrame) -> None:
    p_values = np.sort(one_a_signal["p_value"].to_numpy())
    assert p_values.min() >= 1 / (SHIFTS + 1)
    ranks = np.arange(1, SIGNALS + 1) / SIGNALS
    # Kolmogorov and Smirnov: the largest distance between the two distributions; one in a hundred lies beyond 1.63 / sqrt(n).
    distance = max(np.abs(ranks - p_values).max(), np.abs(p_values - ranks + 1 / SIGNALS).max())
    assert distance < 1.63 / np.sqrt(SIGNALS) + 1 / (SHIFTS + 1)


def test_no_random_label_is_significant(scorecard: pl.DataFrame) -> None:
    random = scorecard.filter(pl.col("signal").str.starts_with("chance_"))
    assert random["p_family"].min() > 1 / (SHIFTS + 1)
    assert set(random["verdict"]) <= {"bounded", "suggestive", "undecided"}
    suggestive = random.filter(pl.col("verdict") == "suggestive").height
    assert suggestive / random.height <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / SIGNALS)


def test_intervals_of_random_labels_hold_zero(one_a_signal: pl.DataFrame) -> None:
    with_interval = one_a_signal.drop_nulls("interval_low")
    missed = with_interval.filter((pl.col("interval_low") > 0) | (pl.col("interval_high") < 0)).height
    assert with_interval.height > 150
    assert missed / with_interval.height <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / with_interval.height)


@pytest.mark.parametrize(("signal", "verdict"), [("rises", "supported"), ("falls", "contradicted")])
def test_a_planted_effect_is_found(scorecard: pl.DataFrame, signal: str, verdict: str) -> None:
    target, drift = PLANTED[signal]
    row = scorecard.row(by_predicate=(pl.col("signal") == signal) & (pl.col("target") == target), named=True)
    assert row["verdict"] == verdict
    assert row["family"] == "claims"
    assert row["p_value"] == pytest.approx(1 / (SHIFTS + 1))
    assert 0.5 < row["difference"] / drift < 1.5
    assert row["interval_low"] < row["difference"] < row["interval_high"]


@pytest.mark.parametrize("signal", PLANTED)
def test_a_planted_effect_shows_nowhere_else(scorecard: pl.DataFrame, signal: str) -> None:
    elsewhere = scorecard.filter(pl.col("signal") == signal, pl.col("target") != PLANTED[signal][0])
    assert elsewhere.height == 2
    assert set(elsewhere["verdict"]) <= {"suggestive", "undecided"}


def test_the_summary_tells_them_apart(home: Home) -> None:
    with warehouse(home) as connection:
        summary = {row["family"]: row for row in ask(connection, "select * from marts.evidence_summary").iter_rows(named=True)}
    assert (summary["claims"]["tested"], summary["claims"]["surviving"]) == (2, 2)
    assert summary["exploratory"]["surviving"] == 0

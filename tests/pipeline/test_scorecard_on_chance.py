"""The scorecard of random labels, and of a planted effect."""

import re
import shutil
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from orchestration.settings import DBT_PROJECT_DIR
from tests.pipeline.homes import Home, ask, build_models, copied, warehouse

SIGNALS, SHIFTS, RESAMPLES, HORIZON = 210, 199, 300, 63
MODELS = ["int_spell_returns", "int_label_returns", "int_scorecard_shifts", "int_scorecard_intervals", "scorecard"]
# Signal: target and what is added to its forward return on the sessions of the label. The guide is set to expect a rise of both.
PLANTED = {"rises": ("QQQ", 0.08), "falls": ("IWM", -0.10)}


def coin(sessions: int, random: np.random.Generator) -> np.ndarray:
    """A random label with spells of 20 to 120 sessions on average, and gaps of the same length (sessions,)."""
    turns = random.random(sessions) < 1 / random.uniform(20, 120)
    return (np.cumsum(turns) + random.integers(2)) % 2 == 1


def drawn_labels(numbers: pl.DataFrame) -> pl.DataFrame:
    """Random labels for every signal, in the format of int_signal_labels."""
    random = np.random.default_rng(20260930)
    names = [*(f"chance_{i:03}" for i in range(SIGNALS)), *PLANTED]
    frames = []
    for name in names:
        is_on = coin(numbers.height, random)
        spell = np.cumsum(np.diff(is_on, prepend=is_on[0])) + 1
        frames.append(
            numbers.with_columns(
                pl.lit(name).alias("signal"), pl.lit("coin").alias("subject"),
                pl.when(pl.Series(is_on)).then(pl.lit("on")).alias("label"), pl.Series("spell_no", spell),
            )
        )  # fmt: skip
    return pl.concat(frames)


def plant(connection: duckdb.DuckDBPyConnection) -> None:
    """Replace the signals by random labels, with one horizon and the planted effects."""
    numbers = ask(
        connection, "select distinct session, session_no from intermediate.int_daily_returns where fund in ('IWM', 'SPY', 'QQQ')"
        " order by session",
    )  # fmt: skip
    connection.register("drawn", drawn_labels(numbers))
    connection.execute("create or replace table intermediate.int_signal_labels as from drawn")
    connection.execute("delete from intermediate.int_forward_returns where horizon <> ?", [HORIZON])
    connection.execute("update intermediate.int_forward_returns set iwm_minus_spy = null")
    for name, (target, drift) in PLANTED.items():
        connection.execute(
            f"update intermediate.int_forward_returns set {target} = {target} + ? where session in"
            " (select session from intermediate.int_signal_labels where signal = ? and label = 'on')",
            [drift, name],
        )
        connection.execute(
            "insert into seeds.guide_expectations (signal, subject, label, target, expected)"
            " values (?, 'coin', 'on', ?, 'higher')",
            [name, target],
        )


def with_fewer_draws(project: Path) -> Path:
    """A copy of the dbt project with other numbers of shifts and resamples."""
    shutil.copytree(DBT_PROJECT_DIR, project, ignore=shutil.ignore_patterns("target", "logs"))
    seed = project / "seeds" / "signal_parameters.csv"
    text = seed.read_text()
    for parameter, value in (("shifts", SHIFTS), ("resamples", RESAMPLES)):
        text, count = re.subn(rf"^(scorecard,{parameter}),\d+,", rf"\1,{value},", text, flags=re.MULTILINE)
        assert count == 1
    seed.write_text(text)
    return project


@pytest.fixture(scope="module")
def scorecard(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The scorecard built by the project's models."""
    home = copied(sample_home, Path(tmp_path_factory.mktemp("chance")) / "home")
    with duckdb.connect(str(home.path / "warehouse.duckdb")) as connection:
        plant(connection)
    project = with_fewer_draws(home.path.parent / "dbt_project")
    build_models(home.settings(), [*MODELS, "--exclude-resource-type", "test"], project)
    with warehouse(home) as connection:
        return ask(connection, "select * from marts.scorecard")


@pytest.fixture(scope="module")
def independent_rows(scorecard: pl.DataFrame) -> pl.DataFrame:
    """Independent rows: one target per random signal without a planted effect."""
    rows = scorecard.filter(pl.col("signal").str.starts_with("chance_"), pl.col("target") == "SPY")
    assert rows.height == rows["signal"].n_unique() == SIGNALS
    return rows


def test_p_values_of_random_labels_are_uniform(independent_rows: pl.DataFrame) -> None:
    p_values = np.sort(independent_rows["p_value"].to_numpy())
    assert p_values.min() >= 1 / (SHIFTS + 1)
    ranks = np.arange(1, SIGNALS + 1) / SIGNALS
    # Kolmogorov and Smirnov: the largest distance between the two distributions; one in 100 is beyond 1.63 / sqrt(n).
    distance = max(np.abs(ranks - p_values).max(), np.abs(p_values - ranks + 1 / SIGNALS).max())
    assert distance < 1.63 / np.sqrt(SIGNALS) + 1 / (SHIFTS + 1)


def test_random_labels_are_seldom_significant(independent_rows: pl.DataFrame) -> None:
    significant = independent_rows.filter(pl.col("verdict") != "noise").height
    assert significant / SIGNALS <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / SIGNALS)
    assert set(independent_rows["verdict"]) <= {"noise", "unclaimed"}


def test_intervals_of_random_labels_contain_zero(independent_rows: pl.DataFrame) -> None:
    missed = independent_rows.filter((pl.col("interval_low") > 0) | (pl.col("interval_high") < 0)).height
    # Labels share forward returns with their neighbours, so an interval may be slightly too narrow.
    assert missed / SIGNALS <= 0.10


@pytest.mark.parametrize(("signal", "verdict"), [("rises", "supports"), ("falls", "contradicts")])
def test_a_planted_effect_is_found(scorecard: pl.DataFrame, signal: str, verdict: str) -> None:
    target, drift = PLANTED[signal]
    row = scorecard.row(by_predicate=(pl.col("signal") == signal) & (pl.col("target") == target), named=True)
    assert row["verdict"] == verdict
    assert row["p_value"] == pytest.approx(1 / (SHIFTS + 1))
    # Half of the sessions have the label, so about half of the effect appears against the base rate.
    assert 0.3 < row["difference"] / drift < 0.7
    assert row["interval_low"] < row["difference"] < row["interval_high"]


@pytest.mark.parametrize("signal", PLANTED)
def test_a_planted_effect_appears_nowhere_else(scorecard: pl.DataFrame, signal: str) -> None:
    elsewhere = scorecard.filter(pl.col("signal") == signal, pl.col("target") != PLANTED[signal][0])
    assert elsewhere.height == 2
    assert set(elsewhere["verdict"]) == {"noise"}

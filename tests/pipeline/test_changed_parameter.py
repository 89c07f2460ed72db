"""Another number in seeds/signal_parameters.csv gives other rows under another params_id, and leaves the other signals alone."""

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from orchestration.settings import DBT_PROJECT_DIR
from orchestration.warehouse import dbt_build as transform
from tests.pipeline.homes import Home, ask, copied, warehouse

# Model: key, and the signals whose parameters make its rows.
MADE_BY = {
    "ratio_daily": (["pair", "session"], {"ratio"}),
    "regime_daily": (["pair", "session"], {"ratio", "regime"}),
    "regime_spells": (["pair", "spell_no"], {"ratio", "regime"}),
    "breadth_daily": (["session"], {"breadth"}),
    "breadth_episodes": (["first_session"], {"breadth"}),
    "rate_regime_daily": (["session"], {"rate_regime"}),
    "rate_regime_spells": (["spell_no"], {"rate_regime"}),
    "rate_regime_performance": (["rate_regime", "fund"], {"performance", "rate_regime"}),
    "cycle_phase_daily": (["session"], {"ratio", "regime", "rate_regime", "cycle_phase"}),
    "corrections": (["peak"], {"correction", "ratio", "regime", "breadth", "rate_regime"}),
}
CHANGES = {
    "regime": ("regime,threshold,0.02,", "regime,threshold,0.03,"),
    "ratio": ("ratio,trend_sessions,200,", "ratio,trend_sessions,150,"),
}
Tables = dict[str, pl.DataFrame]


def tables(home: Home) -> Tables:
    """Every model of the list in the order of its key."""
    with warehouse(home) as connection:
        return {name: ask(connection, f"select * from marts.{name}").sort(key) for name, (key, _) in MADE_BY.items()}


@pytest.fixture(scope="module")
def before(sample_home: Home) -> Tables:
    """With the project's own numbers."""
    return tables(sample_home)


@pytest.fixture(scope="module")
def changed(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Tables]:
    """The tables after one number of a signal was changed; each change begins from the project's own numbers."""
    root = Path(tmp_path_factory.mktemp("changed"))
    home = copied(sample_home, root / "home")
    shutil.copytree(DBT_PROJECT_DIR, root / "dbt_project", ignore=shutil.ignore_patterns("target", "logs"))
    seed = root / "dbt_project" / "seeds" / "signal_parameters.csv"
    original = seed.read_text()

    def build(signal: str) -> Tables:
        old, new = CHANGES[signal]
        assert original.count(old) == 1
        seed.write_text(original.replace(old, new))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(transform, "DBT_PROJECT_DIR", root / "dbt_project")
            list(transform.build(home.settings(), ["signal_parameters", *MADE_BY, "--exclude-resource-type", "test"]))
        return tables(home)

    return build


@pytest.mark.parametrize("signal", CHANGES)
def test_a_change_shows_in_the_rows_it_made_and_nowhere_else(
    before: Tables, changed: Callable[[str], Tables], signal: str
) -> None:
    after = changed(signal)
    for name, (_, made_by) in MADE_BY.items():
        ids = {frame["params_id"].n_unique() for frame in (before[name], after[name])}
        assert ids == {1}, name
        if signal in made_by:
            assert after[name]["params_id"][0] != before[name]["params_id"][0], name
        else:
            assert after[name].equals(before[name], null_equal=True), name
    for name in ("regime_daily", "regime_spells", "cycle_phase_daily"):
        assert not after[name].drop("params_id").equals(before[name].drop("params_id"), null_equal=True), name


def test_ids_of_different_parameters_differ(before: Tables) -> None:
    ids = {name: frame["params_id"][0] for name, frame in before.items()}
    assert ids["regime_spells"] == ids["regime_daily"]
    assert ids["breadth_episodes"] == ids["breadth_daily"]
    assert ids["rate_regime_spells"] == ids["rate_regime_daily"]
    assert len(set(ids.values())) == len(ids) - 3

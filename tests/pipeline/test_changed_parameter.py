"""A changed number in seeds/signal_parameters.csv gives changed rows a new params_id and leaves other tables unchanged.

tests/dbt_project/test_parameters.py checks this for every parameter in the compiled SQL.
"""

import shutil
from pathlib import Path

import polars as pl
import pytest

from orchestration.defs.dbt_project import dbt_of
from orchestration.settings import DBT_PROJECT_DIR
from tests.conftest import WITHOUT_BUILT
from tests.pipeline.homes import Home, ask, build_models, copied, warehouse

pytestmark = [pytest.mark.more_runs, pytest.mark.long]

# The lines of the seed before and after, all changed in one build, which takes half a minute of a core.
CHANGES = {
    "ratio,trend_sessions,200,": "ratio,trend_sessions,150,",
    "regime,threshold,0.02,": "regime,threshold,0.03,",
    "rate_regime,hold_days,182,": "rate_regime,hold_days,90,",
    "fund_facts,dollar_volume_quarter_sessions,63,": "fund_facts,dollar_volume_quarter_sessions,42,",
    "restatement,settling_sessions,2,": "restatement,settling_sessions,8,",
}
# Marts that change.
CHANGED = {
    "ratio_daily", "regime_daily", "regime_spells", "cycle_phase_daily", "scorecard", "investor_profiles", "reading",
    "rate_regime_daily", "rate_regime_performance", "fund_facts", "fund_comparison", "data_quality",
}  # fmt: skip
Tables = dict[str, pl.DataFrame]


def tables(home: Home) -> Tables:
    """Every mart that depends on a parameter."""
    nodes = dbt_of(home.settings()).manifest()["nodes"].values()
    names = [node["name"] for node in nodes if node["schema"] == "marts" and "params_id" in node.get("columns", {})]
    assert len(names) >= 30
    with warehouse(home) as connection:
        return {name: ask(connection, f"select * from marts.{name} order by all") for name in names}


@pytest.fixture(scope="module")
def before(sample_home: Home) -> Tables:
    """The tables with the project's numbers."""
    return tables(sample_home)


@pytest.fixture(scope="module")
def after(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """The tables after numbers were changed from those of the project."""
    root = Path(tmp_path_factory.mktemp("changed"))
    home = copied(sample_home, root / "home")
    shutil.copytree(DBT_PROJECT_DIR, root / "dbt_project", ignore=WITHOUT_BUILT)
    seed = root / "dbt_project" / "seeds" / "signal_parameters.csv"
    text = seed.read_text()
    for old, new in CHANGES.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    seed.write_text(text)
    build_models(home.settings(), ["resource_type:model", "--exclude-resource-type", "test"], root / "dbt_project")
    return tables(home)


def test_changed_rows_have_another_id(before: Tables, after: Tables) -> None:
    assert after.keys() == before.keys()
    differ = {t for t in after if not after[t].drop("params_id").equals(before[t].drop("params_id"), null_equal=True)}
    ids = {t: (set(before[t]["params_id"]), set(after[t]["params_id"])) for t in after if before[t].height}
    assert {len(found) for pair in ids.values() for found in pair} == {1}
    renamed = {t for t, (old, new) in ids.items() if old != new}
    assert differ >= CHANGED
    assert differ <= renamed
    assert "seasonality" not in renamed


def test_tables_of_the_same_parameters_have_the_same_id(before: Tables) -> None:
    ids = {name: frame["params_id"][0] for name, frame in before.items() if frame.height}
    assert ids["regime_spells"] == ids["regime_daily"] != ids["ratio_daily"]
    assert ids["breadth_episodes"] == ids["breadth_daily"]
    assert ids["rate_regime_spells"] == ids["rate_regime_daily"] != ids["rate_regime_performance"]

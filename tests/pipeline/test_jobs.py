"""The smaller jobs, and table previews in the UI."""

from pathlib import Path

import dagster as dg
import pytest

from orchestration.defs.build import build_defs
from orchestration.defs.previews import markdown_table
from tests.pipeline.homes import Home, copied, raw_tables, served_tables

FETCHED = {
    "prices": {"landing/yahoo_prices", "landing/yahoo_fund_data", "landing/yahoo_quotes"},
    "holdings": {f"landing/{vendor}_holdings" for vendor in ("ishares", "ssga", "invesco", "vanguard", "schwab")},
    "members": {"landing/yahoo_member_prices"},
    "quotes": {"landing/yahoo_quotes"},
    "publish": set(),
    "backfill": {"landing/ishares_holdings_history"},
}


def job(home: Home, name: str) -> dg.JobDefinition:
    """A job by name, for this directory."""
    return build_defs(home.settings()).resolve_job_def(name)


@pytest.mark.parametrize("name", list(FETCHED))
def test_a_job_selects_the_feeds_of_its_kind(sample_home: Home, name: str) -> None:
    selected = {key.to_user_string() for key in job(sample_home, name).asset_layer.selected_asset_keys}
    assert {key for key in selected if key.startswith("landing/")} == FETCHED[name]
    if name in ("prices", "holdings"):
        assert {"published/manifest", "published/report", "marts/reading", "marts/guide_claims"} <= selected
        assert ("marts/ratio_daily" in selected, "marts/sector_weights" in selected)[name == "holdings"]
    assert "marts/regime_daily" not in selected or name == "prices"


@pytest.mark.more_runs
@pytest.mark.parametrize("name", ["prices", pytest.param("holdings", marks=pytest.mark.long), "publish"])
def test_a_smaller_job_gives_the_same_release(sample_home: Home, tmp_path: Path, name: str) -> None:
    home = copied(sample_home, tmp_path / "home", parts=("warehouse.duckdb", "dbt", "landing"))
    with dg.DagsterInstance.ephemeral() as instance:
        result = job(home, name).execute_in_process(instance=instance, raise_on_error=False)
    assert result.success
    assert len(home.releases) == 1
    before, after = served_tables(sample_home), served_tables(home)
    assert set(before) == set(after)
    for table in before:
        assert before[table].equals(after[table]), table
    assert {name: table.height for name, table in raw_tables(home).items()} == {
        name: table.height for name, table in raw_tables(sample_home).items()
    }


def test_text_from_a_file_is_escaped() -> None:
    shown = markdown_table(
        ["name", "weight"], [("<img src=x onerror=alert(1)> | A & [b](javascript:c)\n# D", 0.123456789), (None, 2)]
    )
    header, rule, first, second = shown.split("\n")
    assert (header, rule) == ("| name | weight |", "| --- | --- |")
    assert first.count(" | ") == 1
    assert first.startswith("| ")
    assert not set("<>`*[]!") & set(first)
    assert first.endswith("| 0.123457 |")
    assert second == "|  | 2 |"


def test_the_code_location_loads_as_the_ui_loads_it(sample_home: Home) -> None:
    """The UI loads every job at once, which reveals name clashes."""
    repository = build_defs(sample_home.settings()).get_repository_def()
    assert {found.name for found in repository.get_all_jobs()} >= {"daily", *FETCHED}

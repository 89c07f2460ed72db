"""A run without changed inputs makes no release."""

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.defs.assets.published import origin_of, publish_release, published_marts
from orchestration.defs.build import build_defs
from orchestration.defs.jobs import DAILY_JOB
from orchestration.publish.release import inputs_of_a_build, unchanged_release
from orchestration.warehouse.connection import Warehouse
from tests.pipeline.homes import EVERYTHING, Home, copied, run, smallcap


@pytest.fixture(scope="module")
def home(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A copy of the sample's directory with its release."""
    return copied(sample_home, tmp_path_factory.mktemp("nothing-new") / "home", parts=EVERYTHING)


@pytest.mark.more_runs
def test_the_release_remains_current_with_a_message(home: Home, tmp_path: Path) -> None:
    before = home.releases
    again = run(home.path, "sample", cwd=tmp_path)
    assert again.code == 0, again.err
    assert f"Nothing has changed since release {before[-1]}" in again.out
    assert "Skipping" not in again.out
    assert home.releases == before
    assert f"Release: {home.latest.resolve()}" in again.out


@pytest.mark.more_runs
def test_after_a_decision_the_release_is_outdated(home: Home, tmp_path: Path) -> None:
    settings = home.settings()
    warehouse = Warehouse(settings.warehouse_path)
    before = inputs_of_a_build(warehouse, origin_of(settings))
    assert unchanged_release(settings.published_dir, warehouse, origin_of(settings)) == home.latest.resolve()
    document = next((home.path / "landing/fred/rates/DFF").iterdir())
    place = document.relative_to(home.path / "landing")
    decided = smallcap("reject", place, "--reason", "a test", "--data-dir", home.path, cwd=tmp_path)
    assert decided.returncode == 0, decided.stderr
    with dg.DagsterInstance.ephemeral() as instance:
        job = build_defs(settings).resolve_job_def(DAILY_JOB)
        assert job.execute_in_process(asset_selection=[dg.AssetKey(["raw", "rates"])], instance=instance).success
    after = inputs_of_a_build(warehouse, origin_of(settings))
    assert {name for name in before if before[name] != after[name]} == {"decisions", "observations"}
    assert unchanged_release(settings.published_dir, warehouse, origin_of(settings)) is None


@pytest.mark.more_runs
def test_tables_that_other_code_built_are_not_current(sample_home: Home, tmp_path: Path) -> None:
    """Publishing alone must not hide from the next run that the tables are to be built again."""
    copy = copied(sample_home, tmp_path / "home", parts=EVERYTHING)
    settings = copy.settings()
    warehouse = Warehouse(settings.warehouse_path)
    assert unchanged_release(settings.published_dir, warehouse, origin_of(settings)) == copy.latest.resolve()
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("update build.made_of set code = 'of yesterday' where table_name = 'ratio_daily'")
    release = publish_release(settings, published_marts(settings), run_id="alone")
    assert release.manifest["made_of"]["code"] == "several"
    assert unchanged_release(settings.published_dir, warehouse, origin_of(settings)) is None

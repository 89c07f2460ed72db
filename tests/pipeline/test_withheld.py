"""Withheld tables: those that failed, could not be built, or depend on such tables; all others are published."""

import inspect
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import pytest

from orchestration.defs.assets.published import publish_release, published_marts
from orchestration.defs.dbt_project import dbt_of
from orchestration.publish.made_tables import MADE_TABLES
from orchestration.publish.release_files import NotPublishable
from orchestration.report import freshness, panels
from orchestration.report.blocks import Chapter
from orchestration.report.freshness import missing_from
from orchestration.report.manifest import withheld_sentences
from orchestration.report.page import CHAPTERS
from orchestration.report.release_tables import ReleaseTables
from orchestration.report.sections import scorecards
from orchestration.report.sections.today import today
from orchestration.settings import PROJECT_ROOT
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.withholding import OUTDATED, UNFINISHED, Withholding
from tests.pipeline import homes
from tests.pipeline.homes import Home, ask, copied, published, served_tables, warehouse

FAILED_TEST = "its test planted_failure fails: 3 rows"
PRICES = {"ratio_daily", "regime_daily", "regime_spells", "breadth_daily", "performance", "core_satellite_daily", "seasonality"}
MADE = {one.name for one in MADE_TABLES}
WITHOUT_PRICES = {"holdings", "sector_weights", "session_calendar", "policy_rate_daily", "rate_regime_daily", "fund_overlap"}


_WITHOUT_COMMENT = "select table_name from duckdb_columns() where not internal and coalesce(comment, '') = ''"


def tables_of(home: Home) -> dict[str, dict[str, Any]]:
    """The tables of the newest release by name, from the manifest."""
    return {table["name"]: table for table in manifest_of(home)["tables"]}


def manifest_of(home: Home) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((home.latest / "manifest.json").read_text())
    return manifest


def withheld_of(home: Home) -> dict[str, str]:
    return {name: table["reason"] for name, table in tables_of(home).items() if table["status"] == "withheld"}


def test_the_failed_table_and_its_dependents_are_withheld(faulty_home: Home) -> None:
    withheld = withheld_of(faulty_home)
    assert withheld["regime_daily"] == FAILED_TEST
    assert withheld["regime_spells"] == f"it depends on regime_daily: {FAILED_TEST}"
    assert withheld["concentration"].startswith("it could not be built: ")
    assert {"reading", "corrections", "satellite_target", "scorecard", "core_satellite_summary"} <= set(withheld)
    assert not {"ratio_daily", "holdings", "session_calendar", "policy_rate_daily", "rate_regime_daily"} & set(withheld)


def test_unrelated_tables_equal_those_of_a_run_without_faults(faulty_home: Home, sample_home: Home) -> None:
    expected, found, withheld = served_tables(sample_home), served_tables(faulty_home), withheld_of(faulty_home)
    assert set(found) == set(expected)
    for name in expected.keys() - withheld.keys():
        assert found[name].equals(expected[name]), name


def test_a_withheld_table_has_its_columns_and_no_rows(faulty_home: Home, sample_home: Home) -> None:
    before, now = tables_of(sample_home), tables_of(faulty_home)
    for name in withheld_of(faulty_home):
        assert now[name]["rows"] == 0
        assert now[name]["first_date"] is None
        for same in ("columns", "never_null", "key"):
            assert now[name][same] == before[name][same], name
        frame = pl.read_parquet(faulty_home.latest / f"{name}.parquet")
        assert frame.is_empty()
        assert frame.schema == pl.read_parquet(sample_home.latest / f"{name}.parquet").schema
    with published(faulty_home) as release:
        assert ask(release, _WITHOUT_COMMENT).is_empty()
        listed = dict(ask(release, "select table_name, reason from readme where status = 'withheld'").rows())
    assert listed == withheld_of(faulty_home)


def test_the_run_the_report_and_the_check_report_it(faulty_home: Home) -> None:
    sentence = next(words for words in withheld_sentences(manifest_of(faulty_home)) if words.startswith("Withheld, because its"))
    assert sentence == f"Withheld, because {FAILED_TEST}: regime_daily."
    page = (faulty_home.latest / "report.html").read_text()
    assert f"<strong>Incomplete release.</strong> {sentence}" in page
    assert f"regime_daily is withheld: {FAILED_TEST}" in page
    errors = [line for line in faulty_home.out.splitlines() if line.startswith("error: marts/regime_daily")]
    assert any("planted_failure" in line for line in errors)
    with dg.DagsterInstance.from_config(str(faulty_home.path / "dagster")) as instance:
        key = dg.AssetCheckKey(dg.AssetKey(["marts", "regime_daily"]), "planted_failure")
        records = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert [record.status.value for record in records] == ["FAILED"]


def test_today_begins_with_withheld_tables(faulty_home: Home, tmp_path: Path) -> None:
    done = homes.smallcap("today", "--data-dir", faulty_home.path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "The table `reading` is withheld" in done.stdout.splitlines()[1]
    assert "WARNING: " in done.stdout
    told = json.loads(homes.smallcap("today", "--json", "--data-dir", faulty_home.path, cwd=tmp_path).stdout)
    assert any(f"because {FAILED_TEST}: regime_daily" in warning for warning in told["warnings"])


def test_doctor_lists_withheld_tables(faulty_home: Home, tmp_path: Path) -> None:
    done = homes.smallcap("doctor", "--data-dir", faulty_home.path, cwd=tmp_path)
    assert done.returncode == 1
    assert FAILED_TEST in " ".join(done.stdout.split())


def test_the_next_run_without_faults_publishes_all_tables(recovered_home: Home, sample_home: Home) -> None:
    assert withheld_of(recovered_home) == {}
    expected, found = served_tables(sample_home), served_tables(recovered_home)
    for name, rows in expected.items():
        assert found[name].equals(rows), name


@pytest.fixture(scope="module")
def judged(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The sample's warehouse, for simulated builds."""
    return copied(sample_home, tmp_path_factory.mktemp("judged") / "home")


@pytest.mark.more_runs
def test_after_a_killed_build_its_tables_and_dependents_are_withheld(judged: Home, tmp_path: Path) -> None:
    home = copied(judged, tmp_path / "home")
    settings = home.settings()
    manifest = dbt_of(settings).manifest()
    fqn = ".".join(manifest["nodes"]["model.small_cap_signal.regime_daily"]["fqn"])
    Withholding(Warehouse(settings.warehouse_path), manifest, [fqn]).begin()
    marts = [mart for mart in published_marts(settings) if mart.name in ("regime_daily", "regime_spells", "ratio_daily")]
    release = publish_release(settings, marts, run_id="after the kill")
    found = {
        table["name"]: (table["status"], table["rows"] > 0, table["reason"])
        for table in release.manifest["tables"]
        if table["name"] not in MADE
    }
    assert found == {
        "ratio_daily": ("published", True, None),
        "regime_daily": ("withheld", False, UNFINISHED),
        "regime_spells": ("withheld", False, OUTDATED),
    }


@pytest.mark.more_runs
def test_an_unreadable_value_withholds_its_table_and_dependents(judged: Home, tmp_path: Path) -> None:
    home = copied(judged, tmp_path / "home")
    with duckdb.connect(str(home.path / "warehouse.duckdb")) as connection:
        connection.execute("update marts.regime_spells set ratio_change = 'infinity' where spell_no = 1")
    marts = [mart for mart in published_marts(home.settings()) if mart.name in ("regime_spells", "reading", "ratio_daily")]
    release = publish_release(home.settings(), marts, run_id="odd")
    reasons = {table["name"]: table["reason"] for table in release.manifest["tables"] if table["name"] not in MADE}
    fault = "its column ratio_change has 3 values that are infinite or not a number"
    assert reasons == {"ratio_daily": None, "regime_spells": fault, "reading": f"it depends on regime_spells: {fault}"}
    with pytest.raises(NotPublishable, match="ratio_change"):
        publish_release(home.settings(), [mart for mart in marts if mart.name == "regime_spells"], run_id="nothing left")
    assert home.latest.resolve().name == release.release_id


@pytest.fixture(scope="module")
def without_prices(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The first run of a folder without Yahoo's documents."""
    root = tmp_path_factory.mktemp("without-prices")
    shutil.copytree(sample_home.path / "landing", root / "landing", ignore=shutil.ignore_patterns("yahoo"))
    home = copied(sample_home, root / "home", parts=("dbt",))
    return homes.run(home.path, "landing", "--landing-dir", root / "landing", cwd=root)


@pytest.mark.more_runs
def test_without_prices_the_rest_is_published(without_prices: Home, sample_home: Home) -> None:
    assert without_prices.code == 0, without_prices.out + without_prices.err
    tables = tables_of(without_prices)
    assert tables.keys() == tables_of(sample_home).keys()
    for name in WITHOUT_PRICES:
        assert (tables[name]["status"], tables[name]["rows"] > 0) == ("published", True), name
    for name in PRICES:
        assert (tables[name]["status"], tables[name]["rows"]) == ("withheld", 0), name
        assert tables[name]["reason"] == "no prices are known", name
    assert "no document with prices was accepted" in without_prices.out
    assert manifest_of(without_prices)["last_session"] is None
    assert "No prices: nothing can be read." in without_prices.out


@pytest.mark.more_runs
def test_no_number_is_computed_from_missing_prices(without_prices: Home) -> None:
    with warehouse(without_prices) as connection:
        assert ask(connection, "select * from raw.price_bars").is_empty()
    with published(without_prices) as release:
        topics = set(ask(release, "select distinct topic from reading")["topic"])
        ratios = ask(release, "select count(*) from ratio_daily").item()
    assert topics <= {"rate_regime", "sector_gap", "reconstitution"}
    assert ratios == 0


def tables_named_by(chapter: Chapter) -> set[str]:
    """The words in the module of a chapter, and in those that several chapters share."""
    modules = [sys.modules[chapter.write.__module__], freshness, panels, scorecards]
    return {word for module in modules for word in re.findall(r"\w+", inspect.getsource(module))}


def test_no_section_of_the_report_fails_without_a_table(sample_home: Home, tmp_path: Path) -> None:
    """Empty each table in turn, then all tables except one; in between, let each column that may be NULL be NULL."""
    manifest = {**manifest_of(sample_home), "last_session": None}
    contract = json.loads((PROJECT_ROOT / "docs" / "contract.json").read_text())["tables"]
    names = sorted(tables_of(sample_home))
    named = {chapter.name: tables_named_by(chapter) for chapter in CHAPTERS}
    assert all(any(name in words for name in names) for words in named.values())

    def write_all(connection: duckdb.DuckDBPyConnection, changed: str, *, has_signals: bool) -> None:
        tables = ReleaseTables(connection)
        for chapter in CHAPTERS:
            if changed in named[chapter.name]:  # the others do not read it
                assert chapter.section(tables, manifest).name == chapter.name
        first = today(tables, manifest)
        assert first.headline
        assert first.signals is not None or not has_signals
        missing_from(tables, priced={"IWM"})

    shutil.copy(sample_home.latest / "warehouse.duckdb", tmp_path / "tables.duckdb")
    with duckdb.connect(str(tmp_path / "tables.duckdb")) as connection:
        connection.execute("create or replace table ratio_daily as from ratio_daily where session >= '2024-01-01'")  # quicker
        for name in names:
            connection.execute(f"alter table {name} rename to {name}__full; create table {name} as from {name}__full limit 0")
            write_all(connection, name, has_signals=name not in ("signal_levels", "reading"))
            values = (
                f'"{column}"' if "NOT NULL" in kind else f'null::{kind} as "{column}"'
                for column, kind in contract[name]["columns"].items()
            )
            connection.execute(f"create or replace table {name} as select {', '.join(values)} from {name}__full")
            write_all(connection, name, has_signals=name not in ("signal_levels", "reading"))
            connection.execute(f"drop table {name}; alter table {name}__full rename to {name}")
        for name in names:
            connection.execute(f"alter table {name} rename to {name}__full; create table {name} as from {name}__full limit 0")
        for name in names:
            # A new table each time: one whose rows were deleted still has an estimated size.
            connection.execute(f"create or replace table {name} as from {name}__full")
            write_all(connection, name, has_signals=False)
            connection.execute(f"create or replace table {name} as from {name}__full limit 0")

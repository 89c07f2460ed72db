"""When the dbt project is parsed again, and what a build withholds, tested without parsing."""

import csv
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest

from orchestration.market_calendar import FINAL_BAR_DELAY
from orchestration.settings import SEEDS_DIR
from orchestration.warehouse import dbt_build
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.dbt_build import Dbt, variables
from orchestration.warehouse.withholding import Withholding


@pytest.fixture
def parses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A project of two models, and the calls of dbt."""
    asked: list[list[str]] = []

    def invoke(dbt: Dbt, arguments: list[str]) -> Any:
        asked.append(arguments)
        dbt.target_dir.mkdir(parents=True, exist_ok=True)
        (dbt.target_dir / "manifest.json").write_text("{}")
        return SimpleNamespace(success=True, result=None)

    project = tmp_path / "project"
    project.mkdir()
    for name in ("one", "other"):
        (project / f"{name}.sql").write_text("select 1")
    monkeypatch.setattr(Dbt, "invoke", invoke)
    return asked


def test_the_clock_of_the_models_is_at_most_known_at() -> None:
    clock = datetime(2026, 10, 1, 15, tzinfo=UTC)
    now = variables(clock, None)
    assert now == {"clock": "2026-10-01 15:00:00.000000"}  # the clock of the sample market
    past = variables(clock, datetime(2026, 6, 30, tzinfo=UTC))
    assert past == {"clock": "2026-06-30 00:00:00.000000", "known_at": "2026-06-30 00:00:00.000000"}


def test_the_final_bar_delay_is_the_same_in_python_and_sql() -> None:
    rows = list(csv.DictReader((SEEDS_DIR / "signal_parameters.csv").open()))
    [minutes] = [row["value"] for row in rows if (row["signal"], row["parameter"]) == ("clock", "final_bar_minutes")]
    assert timedelta(minutes=int(minutes)) == FINAL_BAR_DELAY


def change(project: Path) -> None:
    (project / "one.sql").write_text("select 2")
    os.utime(project / "one.sql", (0, 0))  # like a restored backup: older than the manifest


@pytest.mark.parametrize("changes", [change, lambda project: (project / "other.sql").unlink()], ids=["changed", "removed"])
def test_a_changed_project_is_parsed_once(parses: list[list[str]], tmp_path: Path, changes: Any) -> None:
    dbt = Dbt(Warehouse(tmp_path / "w.duckdb"), tmp_path / "home", tmp_path / "project")
    for _ in range(2):
        assert dbt.manifest_path().exists()
    assert parses == [["parse"]]
    changes(tmp_path / "project")
    for _ in range(2):
        dbt.manifest_path()
    assert parses == [["parse"], ["parse"]]


def test_another_version_of_dbt_parses_again(parses: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dbt = Dbt(Warehouse(tmp_path / "w.duckdb"), tmp_path / "home", tmp_path / "project")
    for installed in ("1.99.0", "1.99.0", "1.99.1"):
        monkeypatch.setattr(dbt_build, "version", lambda _, installed=installed: installed)
        dbt.manifest_path()
    assert parses == [["parse"], ["parse"]]


def test_runs_that_start_at_once_parse_once(tmp_path: Path, parses: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt writes its manifest in place: the other run must not read the half of it."""
    is_half, go_on = Event(), Event()

    def invoke(dbt: Dbt, arguments: list[str]) -> Any:
        parses.append(arguments)
        (dbt.target_dir / "manifest.json").write_text('{"nodes": ')
        is_half.set()
        go_on.wait(30)
        (dbt.target_dir / "manifest.json").write_text('{"nodes": {}}')
        return SimpleNamespace(success=True, result=None)

    monkeypatch.setattr(Dbt, "invoke", invoke)
    dbt = Dbt(Warehouse(tmp_path / "w.duckdb"), tmp_path / "home", tmp_path / "project")
    with ThreadPoolExecutor(max_workers=2) as pool:
        first = pool.submit(dbt.manifest)
        is_half.wait(30)
        second = pool.submit(dbt.manifest)
        go_on.set()
        assert first.result() == second.result() == {"nodes": {}}
    assert parses == [["parse"]]


def test_a_build_that_nobody_reads_any_more_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that failed leaves the generator to the garbage collection, which can happen in a thread for which dbt waits."""
    abandoned, is_over = Event(), Event()

    def build(dbt: Dbt, arguments: list[str], take: Any) -> Any:
        take("the result of a model")
        abandoned.wait(30)
        collecting = Thread(target=events.close, daemon=True)
        collecting.start()
        collecting.join(10)
        if not collecting.is_alive():
            is_over.set()
        return SimpleNamespace(result=None, exception=None)

    monkeypatch.setattr(Dbt, "_build", build)
    monkeypatch.setattr(Dbt, "manifest", lambda _: {"nodes": {}, "sources": {}})
    monkeypatch.setattr("orchestration.warehouse.dbt_build._pass_result", lambda event, take: take(event))
    dbt = Dbt(Warehouse(tmp_path / "w.duckdb"), tmp_path / "home", tmp_path / "project")
    events = dbt.build(clock=datetime(2026, 10, 1, tzinfo=UTC))
    assert next(events) == "the result of a model"
    abandoned.set()
    assert is_over.wait(15)


def test_a_table_that_breaks_its_contract_is_withheld_with_what_depends_on_it(tmp_path: Path) -> None:
    """An engine finds it after dbt has ended."""
    columns = {"n": {"name": "n", "data_type": "bigint", "description": "A number."}}
    shared = {"resource_type": "model", "schema": "marts", "columns": columns}
    manifest = {
        "nodes": {
            f"model.{name}": {**shared, "name": name, "fqn": [name], "depends_on": {"nodes": reads}}
            for name, reads in (("bad", []), ("after", ["model.bad"]), ("good", []))
        }
    }
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.prepare()
    withholding = Withholding(warehouse, manifest, [])
    withholding.begin()
    results = [SimpleNamespace(node=SimpleNamespace(unique_id=uid), status="success") for uid in manifest["nodes"]]
    assert withholding.end(results, {"bad": "NOT NULL constraint failed: bad.n"}) == {
        "bad": "it could not be built: NOT NULL constraint failed: bad.n",
        "after": "it depends on bad: it could not be built: NOT NULL constraint failed: bad.n",
    }

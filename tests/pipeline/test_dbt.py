"""dbt's tests: the rules on small synthetic rows, the data on the sample."""

import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.defs.dbt_project import dbt_of
from orchestration.files import content_hash
from orchestration.settings import DBT_PROJECT_DIR
from tests.conftest import WITHOUT_BUILT
from tests.dbt_project.test_dbt_rules import DECIMAL
from tests.pipeline.homes import Home, copied


@pytest.fixture(scope="module")
def parsed(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The project, parsed once for the tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMALLCAP_WAREHOUSE", "")  # restored afterwards
        return dbt_of(copied(sample_home, tmp_path_factory.mktemp("parsed") / "home", parts=("dbt",)).settings()).parsed()


@pytest.mark.parametrize("kind", ["unit", "data"])
def test_every_dbt_test_passes(
    sample_home: Home, parsed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("SMALLCAP_WAREHOUSE", "")  # restored afterwards
    home = copied(sample_home, tmp_path / "home")
    result = dbt_of(home.settings()).invoke(["test", "--select", f"test_type:{kind}"], manifest=parsed)
    assert result.exception is None
    results = [one for one in result.result if one.node.resource_type != "operation"]  # type: ignore[union-attr]
    assert [(one.node.name, one.message) for one in results if one.status != "pass"] == []
    assert len(results) >= (5 if kind == "unit" else 50)


def test_no_compiled_number_is_a_decimal(sample_home: Home) -> None:
    """A parameter neither: `int * 1.0 / int` is a decimal on Spark, of few digits."""
    compiled = sorted(sample_home.settings().dbt_target_dir.glob("compiled/**/*.sql"))
    assert len(compiled) > 400
    found = []
    for file in compiled:
        text = re.sub(r"--[^\n]*|'[^'\n]*'", " ", file.read_text())
        found += [(file.name, match) for match in re.findall(DECIMAL, text)]
    assert found == []


def test_tables_of_an_earlier_version_are_dropped(
    sample_home: Home, parsed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALLCAP_WAREHOUSE", "")  # restored afterwards
    home = copied(sample_home, tmp_path / "home")
    former = (
        "select table_name from information_schema.tables where table_name in ('int_former', 'stg_former', 'made_by', 'mine')"
    )
    with duckdb.connect(str(home.path / "warehouse.duckdb")) as connection:
        connection.execute("create table intermediate.int_former (value integer)")
        connection.execute("create view staging.stg_former as from intermediate.int_former")
        connection.execute("create table build.made_by (value integer)")
        connection.execute("create table main.mine (value integer)")
    result = dbt_of(home.settings()).invoke(["run", "--select", "int_clock"], manifest=parsed)
    assert result.success
    with duckdb.connect(str(home.path / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute(former).fetchall() == [("mine",)]


@pytest.mark.more_runs
def test_dbt_builds_by_hand_from_the_raw_tables_of_the_sample(sample_home: Home, tmp_path: Path) -> None:
    """Without a variable; the sample's warehouse is only read, and without it one sentence says what to do."""
    shutil.copytree(DBT_PROJECT_DIR, tmp_path / "dbt_project", ignore=WITHOUT_BUILT)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SMALLCAP_", "DBT_"))}

    def dbt(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [Path(sys.executable).parent / "dbt", "-q", *arguments]
        return subprocess.run(command, cwd=tmp_path / "dbt_project", env=environment, capture_output=True, text=True, check=False)

    without_tests = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
    build = partial(dbt, "build", "--select", "+price_daily", *without_tests)
    missing = build()
    assert missing.returncode == 2
    assert "There is no ../data/sample/warehouse.duckdb: run `make run` first" in missing.stdout
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sample").symlink_to(sample_home.path)
    before = content_hash((sample_home.path / "warehouse.duckdb").read_bytes())
    built = build()
    assert built.returncode == 0, built.stdout
    assert content_hash((sample_home.path / "warehouse.duckdb").read_bytes()) == before
    # What an editor's preview does, in another process and without the sample's warehouse.
    (tmp_path / "data" / "sample").unlink()
    shown = dbt("show", "--select", "stg_price_bars", "--limit", "1", "--output", "json")
    assert (shown.returncode, shown.stdout.count('"session"')) == (0, 1), shown.stdout

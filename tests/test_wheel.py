"""The wheel: everything that a run needs, and the version of the published contract."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from orchestration.publish.contract import CONTRACT_VERSION
from orchestration.settings import PACKAGE_DIR, PROJECT_ROOT

# What dbt, pytest and Python write into the folders of a checkout.
WRITTEN = {"target", "logs", "dev.duckdb", "__pycache__"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return Path(*WheelBuilder(str(PROJECT_ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"]))


def files_below(folder: Path, place: str) -> set[str]:
    """The source files of a folder, at their place in the wheel."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {f"{place}/{path.as_posix()}" for path in found if not WRITTEN & set(path.parts)}


def test_the_wheel_contains_everything_that_a_run_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        content = set(archive.namelist())
    needed = files_below(PACKAGE_DIR, "orchestration")
    needed |= files_below(PROJECT_ROOT / "dbt_project", "orchestration/project/dbt_project")
    needed.add("orchestration/project/workspace.yaml")
    assert {"orchestration/report/templates/page.html.j2", "orchestration/project/dbt_project/seeds/funds.csv"} <= needed
    other = {name for name in content if ".dist-info/" not in name}
    assert other == needed


def test_the_package_has_the_version_of_the_contract(wheel: Path) -> None:
    assert wheel.name.split("-")[1] == CONTRACT_VERSION
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        lines = archive.read(metadata).decode().splitlines()
    assert f"Version: {CONTRACT_VERSION}" in lines


def test_an_installed_wheel_finds_the_dbt_project_inside_the_package(wheel: Path, tmp_path: Path) -> None:
    """The settings of an unpacked wheel, in a Python that does not see the checkout."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = "from orchestration import settings, universe; print(settings.DBT_PROJECT_DIR, len(universe.load_universe()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    folder, funds = done.stdout.split()
    assert Path(folder) == tmp_path.resolve() / "orchestration" / "project" / "dbt_project"
    assert int(funds) > 5

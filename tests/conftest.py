"""Fixtures for all tests."""

import shutil
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
# For shutil.copytree: what dbt and Python write into the folders of a checkout.
WITHOUT_BUILT = shutil.ignore_patterns("__pycache__", "target", "logs", "dev.duckdb*")


@pytest.fixture(scope="session")
def of_all_workers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the workers of pytest-xdist share; what is made there once needs a lock."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if hasattr(request.config, "workerinput") else base


@pytest.fixture(scope="session")
def real_landing() -> Path:
    """Real documents, which are licensed and not part of the project; tests need the folder next to it."""
    if not (SHARED / "landing").is_dir():
        pytest.skip(f"needs real documents in {SHARED / 'landing'}, which are licensed and not part of the project")
    return SHARED / "landing"


@pytest.fixture(scope="session")
def recorded_yahoo() -> Path:
    """Recorded answers of Yahoo, also not part of the project."""
    if not (SHARED / "recorded" / "yahoo").is_dir():
        pytest.skip(f"needs recorded answers in {SHARED / 'recorded' / 'yahoo'}, which are licensed and not part of the project")
    return SHARED / "recorded" / "yahoo"


@pytest.fixture(scope="session")
def real_cases() -> Path:
    """Real files in other layouts, also not part of the project."""
    if not (SHARED / "cases").is_dir():
        pytest.skip(f"needs real files in {SHARED / 'cases'}, which are licensed and not part of the project")
    return SHARED / "cases"


@pytest.fixture(scope="session")
def real_longrun() -> Path:
    """Real documents of the long histories; the same rule."""
    if not (SHARED / "longrun").is_dir():
        pytest.skip(f"needs real documents in {SHARED / 'longrun'}, which are licensed and not part of the project")
    return SHARED / "longrun"

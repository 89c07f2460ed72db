"""Fixtures for all tests."""

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

SHARED = Path(__file__).resolve().parents[2] / "shared"


class ByDirectory(LoadScopeScheduling):  # type: ignore[misc]
    """Whole runs stay on one worker, since their tests share data directories; all other tests go by file."""

    def _split_scope(self, nodeid: str) -> str:
        return "tests/pipeline" if nodeid.startswith("tests/pipeline/") else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByDirectory:
    """With `-n`, pytest-xdist asks which tests go to which worker."""
    return ByDirectory(config, log)


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

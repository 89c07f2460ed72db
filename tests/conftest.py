"""Shared by all tests."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def real_landing() -> Path:
    """Real documents: licensed, so never part of the project; tests of them need the folder beside it."""
    if not (SHARED / "landing").is_dir():
        pytest.skip(f"needs real documents in {SHARED / 'landing'}, which are licensed and not part of the project")
    return SHARED / "landing"


@pytest.fixture(scope="session")
def recorded_yahoo() -> Path:
    """Recorded answers of Yahoo; the same rule."""
    if not (SHARED / "recorded" / "yahoo").is_dir():
        pytest.skip(f"needs recorded answers in {SHARED / 'recorded' / 'yahoo'}, which are licensed and not part of the project")
    return SHARED / "recorded" / "yahoo"


@pytest.fixture(scope="session")
def real_cases() -> Path:
    """Real files in the layouts that people keep; the same rule."""
    if not (SHARED / "cases").is_dir():
        pytest.skip(f"needs real files in {SHARED / 'cases'}, which are licensed and not part of the project")
    return SHARED / "cases"


@pytest.fixture(scope="session")
def real_longrun() -> Path:
    """Real documents of the long histories; the same rule."""
    if not (SHARED / "longrun").is_dir():
        pytest.skip(f"needs real documents in {SHARED / 'longrun'}, which are licensed and not part of the project")
    return SHARED / "longrun"

"""Fixtures for all tests."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


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

"""The sensor: a file that a person puts into landing starts one run; what a run writes starts none."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.defs import sensors
from orchestration.defs.jobs import DAILY_JOB
from orchestration.defs.sensors import SETTLED_SECONDS, landing_sensor
from orchestration.settings import Settings

HOUR = 3600


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file was written long ago, unless a test says otherwise."""
    now = datetime.now(UTC).timestamp()
    monkeypatch.setattr(sensors.time, "time", lambda: now + HOUR)


def settings(folder: Path, source: str = "landing", **changes: Any) -> Settings:
    """A data directory and an additional landing folder."""
    (folder / "extra").mkdir(exist_ok=True)
    return Settings(source=source, data_dir=folder / "home", landing_dir=folder / "extra", **changes)  # type: ignore[arg-type]


def dropped(
    folder: Path, name: str = "2026-05-06T010000Z.csv", place: str = "extra/ishares/holdings/IWM", content: str = "a"
) -> Path:
    """A file in landing."""
    path = folder / place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a")
    return path


def look(given: Settings, cursor: str | None) -> tuple[int, str | None]:
    """One evaluation: the number of requested runs, and the next cursor."""
    context = dg.build_sensor_context(cursor=cursor)
    result = landing_sensor(given)(context)
    if isinstance(result, dg.SkipReason):
        return 0, cursor
    assert isinstance(result, dg.SensorResult)
    return len(result.run_requests or []), result.cursor


def test_a_dropped_file_starts_one_run(tmp_path: Path) -> None:
    given = settings(tmp_path)
    dropped(tmp_path)
    runs, noted = look(given, None)
    assert (runs, bool(noted)) == (0, True)  # the first look only notes what is there
    assert look(given, noted) == (0, noted)
    dropped(tmp_path, "2026-06-06T010000Z.csv")
    runs, after = look(given, noted)
    assert runs == 1
    assert after != noted
    assert look(given, after) == (0, after)


def test_the_first_file_of_an_empty_landing_starts_a_run(tmp_path: Path) -> None:
    given = settings(tmp_path)
    _, noted = look(given, None)
    dropped(tmp_path)
    assert look(given, noted)[0] == 1


@pytest.mark.parametrize("change", ["replaced", "removed"])
def test_a_replaced_or_removed_file_starts_a_run(tmp_path: Path, change: str) -> None:
    given, path = settings(tmp_path), dropped(tmp_path)
    _, noted = look(given, None)
    if change == "removed":
        path.unlink()
    else:
        path.write_text("b")
        os.utime(path, (0, 0))
    assert look(given, noted)[0] == 1


def test_a_file_that_is_still_being_copied_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings(tmp_path)
    _, noted = look(given, None)
    path = dropped(tmp_path)
    os.utime(path, (0, 0))  # a copy may keep the old time of modification
    written = path.stat().st_ctime
    monkeypatch.setattr(sensors.time, "time", lambda: written + SETTLED_SECONDS - 1)
    assert look(given, noted) == (0, noted)
    monkeypatch.setattr(sensors.time, "time", lambda: written + SETTLED_SECONDS)
    assert look(given, noted)[0] == 1


@pytest.mark.parametrize(
    ("source", "place", "starts"),
    [
        ("landing", "extra/ishares/holdings/IWM", True),
        ("landing", "home/landing/ishares/holdings/IWM", True),
        ("landing", "home/landing/exchange_calendars/sessions/XNYS", False),
        ("landing", "extra/unknown/holdings/IWM", False),
        ("live", "extra/ishares/holdings/IWM", True),
        ("live", "home/landing/ishares/holdings/IWM", False),
        ("live", "home/landing/schwab/holdings/SCHA", True),
        ("sample", "home/landing/schwab/holdings/SCHA", False),
    ],
)
def test_what_a_run_writes_starts_no_run(tmp_path: Path, source: str, place: str, starts: bool) -> None:
    given = settings(tmp_path, source)
    _, noted = look(given, None)
    dropped(tmp_path, place=place)
    assert look(given, noted)[0] == starts


@pytest.mark.parametrize(("source", "status"), [("sample", "STOPPED"), ("live", "RUNNING"), ("landing", "RUNNING")])
def test_it_is_off_at_first_for_the_sample_market(tmp_path: Path, source: str, status: str) -> None:
    sensor = landing_sensor(settings(tmp_path, source))
    assert sensor.default_status.value == status
    assert sensor.job_name == DAILY_JOB
    past = settings(tmp_path, source, known_at=datetime.now(UTC) - timedelta(days=365))
    assert landing_sensor(past).default_status.value == "STOPPED"

"""The calendar file: every step and early close, read back by a calendar library."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import icalendar
import polars as pl
import pytest

from orchestration.publish.calendar_file import STEPS, calendar_ics

CLOCK = datetime(2026, 10, 1, 15, 0, 0, 123456, tzinfo=UTC)
OURS = "@small-cap-signal"
EVENTS: list[dict[str, Any]] = [
    {"event": "2025-06", "rank_day": date(2025, 4, 30), "effective": date(2025, 6, 27), "basis": "published"},
    {"event": "2026-06", "rank_day": date(2026, 4, 30), "list_update_2": date(2026, 6, 5), "effective": date(2026, 6, 26),
     "basis": "published", "updates_basis": "by rule"},
    {"event": "2026-12", "rank_day": date(2026, 10, 30), "lock_down": date(2026, 11, 30), "effective": date(2026, 12, 11),
     "basis": "by rule"},
]  # fmt: skip
SESSIONS: list[dict[str, Any]] = [
    {"session": date(2026, 11, 26), "is_half_day": False, "closes_at": datetime(2026, 11, 26, 21, 0)},
    {"session": date(2026, 11, 27), "is_half_day": True, "closes_at": datetime(2026, 11, 27, 18, 0)},
]


def made(folder: Path, events: list[dict[str, Any]] = EVENTS, sessions: list[dict[str, Any]] = SESSIONS) -> bytes:
    """The calendar of a release with these tables."""
    columns = {"event": pl.String, **dict.fromkeys(STEPS, pl.Date), "basis": pl.String, "updates_basis": pl.String}
    rows = [{column: row.get(column) for column in columns} for row in events]
    pl.DataFrame(rows, schema=columns).write_parquet(folder / "reconstitution_calendar.parquet")
    schema = {"session": pl.Date, "is_half_day": pl.Boolean, "closes_at": pl.Datetime("us")}
    pl.DataFrame(sessions, schema=schema).write_parquet(folder / "session_calendar.parquet")
    return calendar_ics(folder, CLOCK)


def test_a_calendar_program_reads_every_step_and_half_day(tmp_path: Path) -> None:
    read = icalendar.Calendar.from_ical(made(tmp_path))
    found = [
        (
            str(one["uid"]).removesuffix("@small-cap-signal"),
            one["dtstart"].dt,
            one["dtend"].dt,
            str(one["summary"]),
            str(one["status"]),
        )
        for one in read.walk("VEVENT")
    ]
    # Nothing from more than a year ago.
    assert found == [
        ("2026-06-rank_day", date(2026, 4, 30), date(2026, 5, 1), "Russell 2026-06: rank day", "CONFIRMED"),
        ("2026-06-list_update_2", date(2026, 6, 5), date(2026, 6, 6), "Russell 2026-06: list update", "TENTATIVE"),
        ("2026-06-effective", date(2026, 6, 26), date(2026, 6, 27), "Russell 2026-06: reconstitution", "CONFIRMED"),
        ("2026-12-rank_day", date(2026, 10, 30), date(2026, 10, 31), "Russell 2026-12: rank day", "TENTATIVE"),
        ("2026-11-27-half-day", date(2026, 11, 27), date(2026, 11, 28), "NYSE closes at 13:00", "CONFIRMED"),
        ("2026-12-lock_down", date(2026, 11, 30), date(2026, 12, 1), "Russell 2026-12: lock-down", "TENTATIVE"),
        ("2026-12-effective", date(2026, 12, 11), date(2026, 12, 12), "Russell 2026-12: reconstitution", "TENTATIVE"),
    ]  # fmt: skip
    doubtful = [event for event in read.walk("VEVENT") if "The date is by rule, not announced." in event["description"]]
    assert [event["status"] for event in doubtful] == ["TENTATIVE"] * 4
    assert {event["dtstamp"].dt for event in read.walk("VEVENT")} == {CLOCK.replace(microsecond=0)}


def test_the_file_follows_the_standard(tmp_path: Path) -> None:
    content = made(tmp_path)
    lines = content.split(b"\r\n")
    assert (lines[0], lines[-2], lines[-1]) == (b"BEGIN:VCALENDAR", b"END:VCALENDAR", b"")
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, lines)) <= 75
    assert {b"VERSION:2.0", b"PRODID:-//Small-Cap Signal//calendar//EN"} <= set(lines)


def test_the_same_tables_give_the_same_file(tmp_path: Path) -> None:
    assert made(tmp_path) == made(tmp_path)


@pytest.mark.parametrize(("events", "sessions", "count"), [([], SESSIONS, 1), (EVENTS, [], 6), ([], [], 0)])
def test_a_withheld_table_leaves_the_other_events(tmp_path: Path, events: list[Any], sessions: list[Any], count: int) -> None:
    assert len(icalendar.Calendar.from_ical(made(tmp_path, events, sessions)).walk("VEVENT")) == count

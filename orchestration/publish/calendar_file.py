"""`calendar.ics` of a release: the steps of Russell reconstitutions and the early closes of the exchange."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

CALENDAR_FILE = "calendar.ics"
# Column of reconstitution_calendar, its name, and what happens on the day.
STEPS = {
    "rank_day": ("rank day", "companies are ranked by total market capitalisation"),
    "preliminary_list": ("preliminary lists", "the lists of additions and deletions are first published"),
    **{f"list_update_{number}": ("list update", "the lists are published again with their changes") for number in range(1, 5)},
    "lock_down": ("lock-down", "from this day the lists change only to correct errors"),
    "effective": ("reconstitution", "the new indices apply after the close of this day"),
}
_PAST_SHOWN = timedelta(days=365)
_NEW_YORK = ZoneInfo("America/New_York")


def calendar_ics(release: Path, clock: datetime) -> bytes:
    """The calendar as RFC 5545 text: all-day events from one year before the clock to the last scheduled one.

    An event keeps its identity between releases, so that a program that reads the file again updates it.

    Args:
        release: a directory with reconstitution_calendar.parquet and session_calendar.parquet; a withheld table has no rows.
        clock: the run's clock (UTC), the time at which the events are stamped.
    """
    import icalendar

    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Small-Cap Signal//calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Small-Cap Signal")
    for day, identity, title, text, is_certain in sorted([*_steps(release), *_early_closes(release)]):
        if day < clock.date() - _PAST_SHOWN:
            continue
        event = icalendar.Event()
        event.add("uid", f"{identity}@small-cap-signal")
        event.add("dtstamp", clock.astimezone(UTC).replace(microsecond=0))
        event.add("dtstart", day)
        event.add("dtend", day + timedelta(days=1))
        event.add("summary", title)
        event.add("description", text)
        event.add("status", "CONFIRMED" if is_certain else "TENTATIVE")
        event.add("transp", "TRANSPARENT")  # the day does not count as busy
        calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


def doubt_about(row: dict[str, Any], step: str) -> str:
    """The sentence about the date of a step, a row of reconstitution_calendar, that was not announced; else empty."""
    basis = row["updates_basis" if step.startswith("list_update") else "basis"]
    return "" if basis == "published" else f" The date is {basis}, not announced."


_Entry = tuple[date, str, str, str, bool]


def _steps(release: Path) -> Iterator[_Entry]:
    for row in _rows(release, "reconstitution_calendar"):
        for step, (name, meaning) in STEPS.items():
            if row[step]:
                doubt = doubt_about(row, step)
                text = f"{meaning[:1].upper()}{meaning[1:]}.{doubt}"
                yield row[step], f"{row['event']}-{step}", f"Russell {row['event']}: {name}", text, not doubt


def _early_closes(release: Path) -> Iterator[_Entry]:
    for row in _rows(release, "session_calendar"):
        if row["is_half_day"]:
            at = f"{row['closes_at'].replace(tzinfo=UTC).astimezone(_NEW_YORK):%H:%M}"
            yield (
                row["session"],
                f"{row['session']}-half-day",
                f"NYSE closes at {at}",
                f"Half day: closes at {at} New York time.",
                True,
            )


def _rows(release: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a table; none if the release has no such table."""
    file = release / f"{table}.parquet"
    return pl.read_parquet(file, glob=False).to_dicts() if file.exists() else []

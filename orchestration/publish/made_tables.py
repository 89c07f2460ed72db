"""Make all tables that publishing adds to the marts, in the connection from which a release is written."""

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.publish.changes import (
    READING_CHANGES,
    NotComparable,
    Row,
    Side,
    frame,
    side_of,
    since_release,
    since_session,
)
from orchestration.publish.diary import (
    READ_BY_DIARY,
    READ_FOR_FORECASTS,
    RECONSTITUTION_DIARY,
    SIGNAL_DIARY,
    SIGNAL_DIARY_OUTCOMES,
    Diary,
    DiaryDamaged,
    Entry,
    diary_rows,
    forecast_rows,
    forecasts,
    outcomes,
    readings,
    said_by,
)
from orchestration.publish.history import RELEASE_HISTORY, release_history

OF_THE_DIARY = (SIGNAL_DIARY, SIGNAL_DIARY_OUTCOMES, RECONSTITUTION_DIARY)
MADE_TABLES = (READING_CHANGES, RELEASE_HISTORY, *OF_THE_DIARY)

PRICES = "prices"  # the feed of `freshness` that labels depend on


@dataclass(frozen=True)
class Past:
    """The releases that can be read, oldest first, the directory of the latest one, and how many stay on disk."""

    releases: list[Side]
    latest: Path | None
    keep: int


@dataclass
class Made:
    """The outcome: the reason by withheld table, facts for the manifest, and the diary's entry to append after publication."""

    withheld: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    entry: Entry | None = None


def make_tables(connection: duckdb.DuckDBPyConnection, release: Side, past: Past, diary: Diary) -> Made:
    """Create the tables; those of which a mart is missing stay empty and are withheld.

    Args:
        release: the release that is being made, with the Parquet files of its marts.
    """
    made = Made()
    RELEASE_HISTORY.create(connection, release_history(past.releases, release.manifest, keep=past.keep))
    _reading_changes(connection, release, past, made)
    _signal_diary(connection, release, past, diary, made)
    return made


def _reading_changes(connection: duckdb.DuckDBPyConnection, release: Side, past: Past, made: Made) -> None:
    """Changes from the latest release, if it can be compared, and from the previous session."""
    rows: list[Row] = []
    compared_with, reason = None, "this is the first release"
    if past.latest is not None:
        try:
            before = side_of(past.latest)
            rows, compared_with, reason = since_release(before, release), past.latest.name, ""
        except NotComparable as error:
            reason = str(error)
    made.facts["baseline"] = {"release_id": compared_with, "reason": reason or None}
    READING_CHANGES.create(connection, frame([*rows, *since_session(release)]))


def _signal_diary(connection: duckdb.DuckDBPyConnection, release: Side, past: Past, diary: Diary, made: Made) -> None:
    """The frozen lines, what this release freezes, and what followed."""
    manifest = release.manifest
    made.facts |= {"diary": None, "diary_note": None}
    for table in OF_THE_DIARY:
        table.create(connection)
    try:
        # A publication that was killed after its release became the latest has left its entry in the manifest only.
        made.facts["diary_note"] = diary.append(said_by(side.manifest for side in past.releases))
        entries = diary.entries()
    except DiaryDamaged as error:
        made.withheld = dict.fromkeys((table.name for table in OF_THE_DIARY), str(error))
        return
    made.entry = _new_entry(connection, release, entries)
    if made.entry is not None:
        made.facts["diary"] = made.entry.as_json()
        entries.append(made.entry)
    known_at = manifest["known_at"]
    shown = [
        entry
        for entry in entries
        if entry.source == manifest["source"] and (known_at is None or entry.session <= datetime.fromisoformat(known_at).date())
    ]
    SIGNAL_DIARY.create(connection, diary_rows(shown))
    RECONSTITUTION_DIARY.create(connection, forecast_rows(shown))
    lacking = sorted(mart for mart in SIGNAL_DIARY_OUTCOMES.reads if not release.columns(mart))
    if lacking:
        made.withheld[SIGNAL_DIARY_OUTCOMES.name] = f"it depends on {lacking[0]}, which this release does not publish"
    else:
        SIGNAL_DIARY_OUTCOMES.create(connection, outcomes(connection))


def _new_entry(connection: duckdb.DuckDBPyConnection, release: Side, entries: list[Entry]) -> Entry | None:
    """What this release is the first to say, if its prices are current and it says what everybody could know."""
    manifest = release.manifest
    is_of_today = manifest["known_at"] is None and manifest["sessions_behind"] == 0
    if not is_of_today or not all(release.columns(mart) for mart in READ_BY_DIARY):
        return None
    session = date.fromisoformat(next(one["newest"] for one in manifest["freshness"] if one["feed"] == PRICES))
    if any(entry.session == session or entry.source != manifest["source"] for entry in entries):
        return None
    recorded_at = datetime.fromisoformat(manifest["published_at"]).replace(tzinfo=None)
    said = forecasts(connection, session, entries) if all(release.columns(mart) for mart in READ_FOR_FORECASTS) else []
    return Entry(session, manifest["source"], manifest["release_id"], recorded_at, readings(connection, session), said)

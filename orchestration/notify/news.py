"""The news of a release: flips, episodes, trend breaks, reconstitution steps, and data that are stale or not used.

Everything comes from the files of a release. Each piece of news has a key, so that it is sent once however often it is found.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from orchestration.publish.calendar_file import STEPS, doubt_about
from orchestration.publish.changes import PREVIOUS_RELEASE, NotComparable, changes
from orchestration.report.manifest import quarantine_sentences, withheld_sentences

# Steps of the reconstitution are sent by their date. Verdicts are in the text of what they judge.
SENT_OTHERWISE = ("reconstitution", "evidence")
# The changes of `reading_changes` that are sent; the others are in the table.
SENT = ("flip", "episode", "trend_break")
# A step is sent with the first release on or after its day, but not long afterwards, when it is no news.
STEP_IS_NEWS = timedelta(days=7)
Row = dict[str, Any]


@dataclass(frozen=True)
class News:
    """One piece of news: `key` identifies it, `text` is one paragraph, `is_warning` says that data need a person."""

    key: str
    text: str
    is_warning: bool = False


class ReleaseFiles:
    """The tables and the manifest of a release, as far as notifications use them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.manifest: Row = json.loads((self.directory / "manifest.json").read_text(encoding="utf-8"))

    @property
    def release_id(self) -> str:
        """The id of the release."""
        return str(self.manifest["release_id"])

    @property
    def day(self) -> date:
        """The date of the run's clock (UTC)."""
        return datetime.fromisoformat(self.manifest["clock"]).date()

    @property
    def title(self) -> str:
        """What the release is about, for the subject line."""
        session = self.manifest["last_session"] or "without prices"
        return f"Small-Cap Signal {session}" + (" (simulated market)" if self.manifest["source"] == "sample" else "")

    def rows(self, table: str) -> list[Row]:
        """The rows of a table; none if the release has no such table."""
        file = self.directory / f"{table}.parquet"
        return pl.read_parquet(file, glob=False).to_dicts() if file.exists() else []


def news_of(release: ReleaseFiles, seen: Path | None) -> list[News]:
    """The news of a release.

    Args:
        seen: the directory of the last release whose news were sent; None if there is none, or it is no longer kept.
    """
    if seen == release.directory:
        return [*_steps(release), *_stale(release), *_quarantined(release)]
    return [*_changes(release, seen), *_steps(release), *_stale(release), *_quarantined(release), *_withheld(release, seen)]


def _changes(release: ReleaseFiles, seen: Path | None) -> list[News]:
    """Flips, new episodes and new breaks, with what followed the label in the past."""
    if seen is None:
        rows = release.rows("reading_changes")
        # Nothing was sent yet: what changed since the previous release, or else since the previous session.
        found = [row for row in rows if row["baseline"] == PREVIOUS_RELEASE] or rows
    else:
        try:
            found = changes(seen, release.directory).to_dicts()
        except NotComparable as reason:
            return [News(_key("not comparable", release.release_id), f"What changed is not known: {reason}", is_warning=True)]
    evidence = {(row["topic"], row["subject"]): row["evidence"] for row in release.rows("reading") if row["evidence"]}
    return [
        News(_key(row["change"], row["topic"], row["subject"], row["field"], release.release_id),
             _with_evidence(row["sentence"], evidence.get((row["topic"], row["subject"]))))
        for row in found
        if row["change"] in SENT and row["topic"] not in SENT_OTHERWISE
    ]  # fmt: skip


def _with_evidence(sentence: str, evidence: str | None) -> str:
    return f"{sentence} What followed in the past: {evidence}." if evidence else sentence


def _steps(release: ReleaseFiles) -> list[News]:
    return [
        News(
            _key("reconstitution", row["event"], step),
            f"Russell reconstitution {row['event']}, {row[step]}: {meaning}.{doubt_about(row, step)}",
        )
        for row in release.rows("reconstitution_calendar")
        for step, (_, meaning) in STEPS.items()
        if row[step] and timedelta(0) <= release.day - row[step] <= STEP_IS_NEWS
    ]


def _stale(release: ReleaseFiles) -> list[News]:
    """A stale feed is sent once for each time it becomes stale: its newest date is part of the key."""
    stale = [row for row in release.rows("freshness") if row["is_stale"]]
    return [News(_key("stale", row["feed"], row["newest"]), _stale_sentence(row), is_warning=True) for row in stale]


def _stale_sentence(row: Row) -> str:
    newest = f"newest {row['newest']}" if row["newest"] else "none"
    limit = f" (limit: {row['limit_text']})" if row["limit_text"] else ""
    return f"Stale data: {row['feed']}, {newest}{limit}."


def _quarantined(release: ReleaseFiles) -> list[News]:
    """A document is sent once, and again if more of it is quarantined."""
    quarantined = zip(release.manifest.get("quarantine", []), quarantine_sentences(release.manifest), strict=True)
    return [
        News(_key("quarantine", one["path"], one["rows"], *one["rules"]), f"{sentence} To decide: `smallcap quarantine`.", True)
        for one, sentence in quarantined
    ]


def _withheld(release: ReleaseFiles, seen: Path | None) -> list[News]:
    """Tables that are withheld now and were not in the release seen before, since their news are missing."""
    before = withheld_sentences(ReleaseFiles(seen).manifest) if seen else []
    now = [sentence for sentence in withheld_sentences(release.manifest) if sentence not in before]
    return [News(_key("withheld", sentence, release.release_id), sentence, is_warning=True) for sentence in now]


def summary_of(release: ReleaseFiles) -> News | None:
    """The reading of a session, one line a signal; None without a reading."""
    rows = release.rows("reading")
    if not rows:
        return None
    lines = [
        str(row["reading"]) + "." if row["topic"] in ("freshness", "evidence") else _line(row)
        for row in rows
        if row["topic"] in ("freshness", "evidence") or row["evidence"] or row["since"]
    ]
    return News(_key("daily", release.manifest["last_session"]), "\n".join(lines))


def _line(row: Row) -> str:
    since = f", since {row['since']} ({row['sessions']} sessions)" if row["since"] else ""
    return f"{row['topic']} {row['subject']}: {row['reading'] or row['note']}{since}"


def _key(*parts: object) -> str:
    return "|".join(str(part) for part in parts)

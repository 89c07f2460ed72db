"""What was sent: an append-only file in the data directory, with one line per message that is due, confirmed, or release seen."""

import json
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.notify.news import News

_log = logging.getLogger(__name__)


class NotifiedDamaged(RuntimeError):
    """The file cannot be read; the message names the line and says what to do."""


@dataclass(frozen=True)
class Due:
    """News for one service that has not confirmed it."""

    service: str
    news: News
    title: str


class Ledger:
    """The file of what was sent. A line is flushed before anything that depends on it happens."""

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one.

        Raises:
            NotifiedDamaged: a line other than a truncated last one is not valid.
        """
        self._path = path
        self._due: dict[str, dict[str, Any]] = {}
        self._sent: set[tuple[str, str]] = set()
        self.last_seen: str | None = None
        for line in _lines(path):
            self._take(line)

    def pending(self, services: Sequence[str]) -> list[Due]:
        """What these services have not confirmed, oldest first. A new service does not receive old news."""
        return [
            Due(service, News(key, line["text"], line["is_warning"]), line["title"])
            for key, line in self._due.items()
            for service in services
            if service in line["services"] and (key, service) not in self._sent
        ]

    def new(self, news: Iterable[News]) -> list[News]:
        """The news that are not recorded yet, each once."""
        return [one for key, one in {one.key: one for one in news}.items() if key not in self._due]

    def add(self, news: Iterable[News], *, release_id: str, title: str, services: Sequence[str], at: str) -> None:
        """Record news that are not recorded yet as due for these services, then the release as seen."""
        due = [
            {"event": "due", "key": one.key, "services": list(services), "title": title, "text": one.text,
             "is_warning": one.is_warning, "release_id": release_id, "at": at}
            for one in self.new(news)
        ]  # fmt: skip
        seen = [{"event": "seen", "release_id": release_id, "at": at}] if release_id != self.last_seen else []
        self._append([*due, *seen])

    def confirm(self, confirmed: Iterable[Due], *, at: str) -> None:
        """Record that a service has confirmed these news."""
        self._append([{"event": "sent", "key": one.news.key, "service": one.service, "at": at} for one in confirmed])

    def _take(self, line: dict[str, Any]) -> None:
        if line["event"] == "due":
            self._due[line["key"]] = line
        elif line["event"] == "sent":
            self._sent.add((line["key"], line["service"]))
        else:
            self.last_seen = line["release_id"]

    def _append(self, lines: list[dict[str, Any]]) -> None:
        if not lines:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # A line truncated by a power failure must not be joined with these.
        content = self._path.read_bytes() if self._path.exists() else b""
        start = "\n" if content and not content.endswith(b"\n") else ""
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(start + "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
            stream.flush()
            os.fsync(stream.fileno())
        for line in lines:
            self._take(line)


_FIELDS = {
    "due": {"key", "services", "title", "text", "is_warning"}, "sent": {"key", "service"}, "seen": {"release_id"},
}  # fmt: skip


def _lines(path: Path) -> list[dict[str, Any]]:
    """The lines of the file. A truncated line is what a killed process or a power failure left."""
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            _log.warning("Line %d of %s is truncated: what it recorded may be sent again.", number, path)
            continue
        if not isinstance(entry, dict) or not _FIELDS.get(entry.get("event", ""), {"event", ""}) <= entry.keys():
            raise NotifiedDamaged(f"Line {number} of {path} is not valid: correct or delete the line.")
        found.append(entry)
    return found

"""A local service that receives notifications, and releases made by hand."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl

from orchestration.publish.calendar_file import STEPS

Row = dict[str, Any]


@dataclass
class Receiver:
    """What was received, and how the next requests are answered: with `answers` in turn, then with 200."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    received: list[Row] = field(default_factory=list)
    refused: int = 0

    @property
    def address(self) -> str:
        """The service in the notation of Apprise, with a password that must appear nowhere."""
        return f"json://someone:S3cretPassw0rd@127.0.0.1:{self.port}/hidden-path"

    @property
    def messages(self) -> list[str]:
        """The text of each message received."""
        return [one["message"] for one in self.received]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Listen on 127.0.0.1."""
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = state.answers.pop(0) if state.answers else 200
            if status == 200:
                state.received.append(json.loads(body))
            else:
                state.refused += 1
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


CHANGES = {
    "baseline": pl.String, "topic": pl.String, "subject": pl.String, "field": pl.String, "baseline_release_id": pl.String,
    "baseline_session": pl.Date, "value_before": pl.String, "value_after": pl.String, "change": pl.String, "cause": pl.String,
    "sentence": pl.String,
}  # fmt: skip
FRESHNESS = {
    "feed": pl.String, "newest": pl.Date, "age_days": pl.Int64, "sessions_behind": pl.Int64, "is_stale": pl.Boolean,
    "limit_text": pl.String,
}  # fmt: skip
READING = {
    "topic": pl.String, "subject": pl.String, "reading": pl.String, "since": pl.Date, "sessions": pl.Int32, "note": pl.String,
    "evidence": pl.String,
}  # fmt: skip
DATES = dict.fromkeys(STEPS, pl.Date)


def change(
    kind: str, subject: str = "IWM/SPY", *, topic: str = "regime", baseline: str = "previous_release", of: str | None = "r0"
) -> Row:
    """One row of `reading_changes`."""
    return {
        "baseline": baseline, "topic": topic, "subject": subject, "field": "label", "baseline_release_id": of,
        "value_before": "risk_on", "value_after": "risk_off", "change": kind, "cause": "new data",
        "sentence": f"{subject} changes from risk_on to risk_off ({kind}).",
    }  # fmt: skip


def stale(feed: str, newest: date) -> Row:
    """One stale row of `freshness`."""
    return {"feed": feed, "newest": newest, "is_stale": True, "limit_text": "3 sessions"}


def release(
    published: Path, release_id: str, *, session: str = "2026-09-30", changed: list[Row] | None = None,
    freshness: list[Row] | None = None, events: list[Row] | None = None, quarantine: list[Row] | None = None,
    withheld: tuple[str, ...] = (),
) -> Path:  # fmt: skip
    """Write a release with the tables that notifications use; `regime` of IWM/SPY has evidence."""
    directory = published / "releases" / release_id
    directory.mkdir(parents=True)
    manifest = {
        "release_id": release_id, "source": "live", "clock": f"{session}T22:30:00+00:00", "last_session": session,
        "quarantine": quarantine or [],
        "tables": [{"name": name, "status": "withheld", "reason": "a test fails"} for name in withheld],
    }  # fmt: skip
    (directory / "manifest.json").write_text(json.dumps(manifest))
    reading = [
        {"topic": "evidence", "subject": "claims", "reading": "Of 52 tests of the guide's claims, 3 survive"},
        {"topic": "regime", "subject": "IWM/SPY", "reading": "risk_off", "since": date(2025, 8, 27), "sessions": 274,
         "evidence": "a year later SPY +8.9 % on average; undecided"},
    ]  # fmt: skip
    tables: dict[str, tuple[list[Row], Any]] = {
        "reading_changes": (changed or [], CHANGES), "freshness": (freshness or [], FRESHNESS), "reading": (reading, READING),
        "reconstitution_calendar": (events or [], {"event": pl.String, **DATES, "basis": pl.String, "updates_basis": pl.String}),
    }  # fmt: skip
    for name, (rows, schema) in tables.items():
        full = [{column: row.get(column) for column in schema} for row in rows]
        pl.DataFrame(full, schema=schema).write_parquet(directory / f"{name}.parquet")
    return directory

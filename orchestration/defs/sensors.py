"""The sensor that starts a run when a person puts a file into landing."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from orchestration.defs.jobs import daily_job
from orchestration.landing.documents import Document, list_documents
from orchestration.settings import Settings, Source
from orchestration.vendors.registry import FEEDS

# A file that changed within this many seconds may still be being copied.
SETTLED_SECONDS = 20


def dropped_documents(settings: Settings) -> Iterator[Document]:
    """The documents that a person puts into landing: never those that a run fetches or simulates, which would start another run.

    With source landing, all documents; with source live, all of `landing_dir` and those of vendors that block programs.
    """
    folders = [settings.landing_dir.resolve()] if settings.landing_dir else []
    for feed in FEEDS:
        is_by_hand = settings.source is Source.landing or (settings.source is Source.live and feed.fetch is None)
        roots = settings.landing_dirs if is_by_hand else folders
        yield from list_documents(roots, vendor=feed.vendor, kind=feed.kind)


def landing_sensor(settings: Settings) -> dg.SensorDefinition:
    """The sensor with these settings; it is off at first for the sample market, whose documents nobody drops."""
    is_on = settings.source is not Source.sample and settings.known_at is None

    @dg.sensor(
        name="documents_dropped",
        job=daily_job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING if is_on else dg.DefaultSensorStatus.STOPPED,
        description="Starts the daily run when a person has put a file into landing, replaced or removed one.",
    )
    def documents_dropped(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        """Compare the listing with that of the last evaluation, whose hash is the cursor; the first one only records it."""
        listing, newest_change = _listing(dropped_documents(settings))
        if context.cursor == listing:
            return dg.SkipReason("No file was put into landing since the last look.")
        if time.time() - newest_change < SETTLED_SECONDS:
            return dg.SkipReason("A file in landing is new and may still be being copied: the next look starts the run.")
        if not context.cursor:
            return dg.SensorResult(skip_reason="The files that are in landing now are noted.", cursor=listing)
        return dg.SensorResult(run_requests=[dg.RunRequest(tags={"started_by": "a file in landing"})], cursor=listing)

    return documents_dropped


def _listing(documents: Iterator[Document]) -> tuple[str, float]:
    """A hash of paths, sizes and times of change, and the latest time at which the file system saw a change (seconds)."""
    lines, newest = [], 0.0
    for document in documents:
        status = _status(document.path)
        if status is not None:
            size, modified, changed = status
            lines.append(f"{document.path}\0{size}\0{modified}")
            newest = max(newest, changed)
    return hashlib.sha256("\n".join(sorted(lines)).encode(errors="surrogateescape")).hexdigest(), newest


def _status(path: Path) -> tuple[int, int, float] | None:
    """Size, time of modification (ns) and time of the last change of the file's entry (s); None if it has just been removed."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime

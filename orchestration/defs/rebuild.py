"""A fresh warehouse from the documents in landing, made beside the present one, which it replaces once it is whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from filelock import Timeout

from orchestration.defs.runner import Progress, RunFailed, run_daily
from orchestration.files import sync_directory
from orchestration.landing.documents import list_documents
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse, WarehouseUnusable, rebuild_lock, writer_lock


def rebuild_warehouse(settings: Settings, *, progress: Progress) -> Path:
    """Read every document again, build, publish, and put the fresh warehouse in the place of the present one.

    Nothing is fetched. A process that dies leaves the present warehouse as it was; the next run removes the unfinished one.

    Returns:
        The directory of the release that was made from it.

    Raises:
        RunFailed: documents are missing, another rebuild is running, or the run failed; the message says what to do.
    """
    with _alone(settings):
        _check_documents(settings, progress)
        shutil.rmtree(settings.rebuild_dir, ignore_errors=True)
        fresh = settings.model_copy(update={"rebuilding": True})
        release = run_daily(fresh, progress=progress, force=True)
        with writer_lock(settings.home, settings.writer_wait_seconds):
            # The log of the present file must not be played on the fresh one.
            settings.warehouse_path.with_name(f"{settings.warehouse_path.name}.wal").unlink(missing_ok=True)
            fresh.warehouse_path.replace(settings.warehouse_path)
            sync_directory(settings.home)
            shutil.rmtree(settings.rebuild_dir)
    return release


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    lock = rebuild_lock(settings.home)
    try:
        lock.acquire()
    except Timeout as error:
        raise RunFailed(f"the warehouse in {settings.home} is being rebuilt already: wait for that to end") from error
    try:
        yield
    finally:
        lock.release()


def _check_documents(settings: Settings, progress: Progress) -> None:
    """What the present warehouse knows from a document that is gone would be lost."""
    present = {document.key for document in list_documents(settings.landing_dirs)}
    try:
        with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
            read = connection.execute("select path from raw.documents where status = 'accepted' order by path").fetchall()
    except (WarehouseUnusable, duckdb.Error):
        progress(f"the present warehouse cannot be read; landing holds {len(present)} documents")
        return
    gone = [path for (path,) in read if path not in present]
    if gone:
        raise RunFailed(
            f"{len(gone)} documents that the warehouse was made from are no longer in landing, the first is {gone[0]}: put them"
            f" back or give their folder with --landing-dir; to do without them, delete {settings.warehouse_path} first"
        )

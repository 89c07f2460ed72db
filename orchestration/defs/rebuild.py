"""Rebuild the warehouse from the documents in landing, next to the current one, and replace it when complete."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from filelock import Timeout

from orchestration.defs.runner import Progress, RunFailed, run_daily
from orchestration.files import content_hash, sync_directory
from orchestration.landing.documents import list_documents
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse, WarehouseLocked, WarehouseUnusable, rebuild_lock, writer_lock


def rebuild_warehouse(settings: Settings, *, progress: Progress) -> Path:
    """Ingest every document again, build, publish, and replace the current warehouse with the new one.

    Nothing is fetched; the sample market writes documents that are missing. If the process dies, the current warehouse is
    unchanged; the next run removes the unfinished one and says so.

    Returns:
        The directory of the new release.

    Raises:
        RunFailed: documents are missing, another rebuild is running, or the run failed; the message says what to do.
    """
    with _exclusive(settings):
        _check_documents(settings, progress)
        shutil.rmtree(settings.rebuild_dir, ignore_errors=True)
        rebuilt = settings.model_copy(update={"rebuilding": True})
        release = run_daily(rebuilt, progress=progress, force=True)
        try:
            with writer_lock(settings.home, settings.writer_wait_seconds):
                # The write-ahead log of the current file must not be applied to the rebuilt one.
                settings.warehouse_path.with_name(f"{settings.warehouse_path.name}.wal").unlink(missing_ok=True)
                # The tables of a lake are those of its warehouse.
                shutil.rmtree(settings.lake_dir, ignore_errors=True)
                rebuilt.warehouse_path.replace(settings.warehouse_path)
                if rebuilt.lake_dir.exists():
                    rebuilt.lake_dir.replace(settings.lake_dir)
                sync_directory(settings.home)
                shutil.rmtree(settings.rebuild_dir)
        except (WarehouseLocked, OSError) as error:
            raise RunFailed(
                f"Release {release.name} is published, but the rebuilt warehouse could not replace the current one ({error})."
                " Run `smallcap rebuild` again."
            ) from error
    return release


@contextmanager
def _exclusive(settings: Settings) -> Iterator[None]:
    lock = rebuild_lock(settings.home)
    try:
        lock.acquire()
    except Timeout as error:
        raise RunFailed(f"Another rebuild of the warehouse in {settings.home} is running: wait for it to end.") from error
    try:
        yield
    finally:
        lock.release()


def _check_documents(settings: Settings, progress: Progress) -> None:
    """Check that landing has every accepted document as it was, because the values of a missing or changed one would be lost."""
    present = {document.key: document for document in list_documents(settings.landing_dirs)}
    if not settings.warehouse_path.exists():
        progress(f"There is no warehouse to compare with. Landing has {len(present)} documents.")
        return
    try:
        with Warehouse(settings.warehouse_path).connect(read_only=True) as connection:
            read = connection.execute("select path, sha256 from raw.documents where status = 'accepted' order by path").fetchall()
    except (WarehouseUnusable, duckdb.Error):
        progress(f"The current warehouse cannot be read. Landing has {len(present)} documents.")
        return
    missing = [path for path, _ in read if path not in present]
    if missing:
        raise RunFailed(
            f"Landing lacks {len(missing)} documents of the current warehouse; the first is {missing[0]}. Restore them or use"
            f" --landing-dir with their folder. To rebuild without them, delete {settings.warehouse_path} first."
        )
    changed = [path for path, sha256 in read if content_hash(present[path].read()) != sha256]
    if changed:
        raise RunFailed(
            f"{len(changed)} documents changed after they were accepted; the first is {changed[0]}. Restore them, and save new"
            f" content under a new name. To rebuild with them as they are, delete {settings.warehouse_path} first."
        )

"""The writer's DuckDB file: short connections, locks, and error messages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from filelock import FileLock, Timeout

from orchestration.frames import ArrowStream
from orchestration.warehouse.raw_tables import create_raw_tables

# In the storage format of 1.0, every string column is compressed in four ways to compare; only this project opens the warehouse.
_NEW_FILES: dict[str, str | bool | int | float | list[str]] = {"storage_compatibility_version": "v1.5.0"}


class WarehouseUnusable(RuntimeError):
    """The warehouse cannot be read or written; the message says why and what to do."""


class WarehouseLocked(WarehouseUnusable):
    """Another process uses the warehouse."""


class WarehouseDamaged(WarehouseUnusable):
    """The file is damaged, or another version of DuckDB wrote it."""


class DiskFull(WarehouseUnusable):
    """The disk is full."""


def raise_if_unusable(path: Path, message: str) -> None:
    """Convert a known error of DuckDB, SQLite or the operating system to one clear sentence.

    Args:
        path: the warehouse, or another file that was read or written.
        message: the original error.

    Raises:
        WarehouseUnusable: the error is a known one.
    """
    text = message.lower()
    if any(words in text for words in _FULL):
        raise DiskFull(f"The disk is full below {path.parent}: free some space, then run again.")
    if "could not set lock" in text or "conflicting lock" in text or "being used by another process" in text:
        raise WarehouseLocked(f"The warehouse {path} is open in another program: close it there, or query the published copy.")
    if "we can only read versions" in text or "storage version" in text:
        raise WarehouseDamaged(
            f"The warehouse {path} was written by another version of DuckDB than {duckdb.__version__}: install that version, or"
            " rebuild the warehouse from its documents with `smallcap rebuild`."
        )
    if any(words in text for words in _DAMAGED):
        raise WarehouseDamaged(f"The warehouse {path} is damaged: rebuild it from its documents with `smallcap rebuild`.")


_FULL = ("no space left on device", "disk is full", "file too large", "disk quota exceeded", "not enough space")
_DAMAGED = (
    "corrupt database file", "does not match stored checksum", "not a valid duckdb database", "failed to deserialize",
    "serialization error", "database has been invalidated", "internal error",
    "failed to read block", "could not read enough bytes",
)  # fmt: skip


@contextmanager
def writer_lock(home: Path, wait_seconds: float) -> Iterator[None]:
    """Lock the data directory for one run; the operating system releases the lock when the process ends for any reason.

    Raises:
        WarehouseLocked: another run is still active after the wait.
    """
    home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home / ".writer.lock", timeout=wait_seconds)
    try:
        lock.acquire()
    except Timeout as error:
        raise WarehouseLocked(f"Another run is writing to {home}: wait for it to end, then run again.") from error
    try:
        yield
    finally:
        lock.release()


def rebuild_lock(home: Path) -> FileLock:
    """The lock that a rebuild holds from start to end; acquiring it does not wait."""
    return FileLock(home / ".rebuild.lock", timeout=0)


def clear_unfinished_rebuild(home: Path, rebuild_dir: Path) -> bool:
    """Remove the files of a killed rebuild; whether there were any."""
    if not rebuild_dir.exists():
        return False
    try:
        with rebuild_lock(home):
            shutil.rmtree(rebuild_dir)
    except Timeout:  # the rebuild is still running
        return False
    return True


@dataclass(frozen=True)
class Warehouse:
    """One DuckDB file with one writer."""

    path: Path

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A short connection, by default for writing.

        Raises:
            WarehouseUnusable: another program has the file open, it is damaged, or the disk is full.
        """
        if not read_only:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with duckdb.connect(str(self.path), read_only=read_only, config={} if read_only else _NEW_FILES) as connection:
                connection.execute("set timezone = 'UTC'")
                connection.execute("set enable_progress_bar = false")  # it would be printed between a run's messages
                yield connection
        except duckdb.Error as error:
            raise_if_unusable(self.path, str(error))
            raise

    def ask(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """The result of one short query, on a separate connection.

        Raises:
            WarehouseUnusable: see `connect`.
        """
        with self.connect() as connection:
            return connection.execute(query, parameters).fetchall()

    def prepare(self) -> None:
        """Create the raw schema and its tables if they are missing."""
        with self.connect() as connection:
            create_raw_tables(connection)


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame) -> Iterator[None]:
    """Register the rows as a view with this name, within the context."""
    connection.register(name, ArrowStream(rows))
    try:
        yield
    finally:
        connection.unregister(name)

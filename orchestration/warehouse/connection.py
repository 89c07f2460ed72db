"""The writer's DuckDB file: opened late, closed early, append-only. Knows no vendor."""

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

# The form of files for 1.0 makes every string column be tried in four ways; nobody but this project opens the warehouse.
_NEW_FILES: dict[str, str | bool | int | float | list[str]] = {"storage_compatibility_version": "v1.5.0"}


class WarehouseUnusable(RuntimeError):
    """The warehouse cannot be read or written; the message says why and what to do."""


class WarehouseLocked(WarehouseUnusable):
    """Another process holds the warehouse."""


class WarehouseDamaged(WarehouseUnusable):
    """The file does not hold what DuckDB wrote into it, or another version of DuckDB wrote it."""


class DiskFull(WarehouseUnusable):
    """There is no room left for what has to be written."""


def raise_if_unusable(path: Path, message: str) -> None:
    """Turn what DuckDB, SQLite or the operating system says into one sentence.

    Args:
        path: the warehouse, or another file that was to be read or written.

    Raises:
        WarehouseUnusable: the message is one of those that a person can act on.
    """
    said = message.lower()
    if any(words in said for words in _FULL):
        raise DiskFull(f"no room is left to write below {path.parent}: free some space, then run again")
    if "could not set lock" in said or "conflicting lock" in said or "being used by another process" in said:
        raise WarehouseLocked(f"{path} is open in another program: close it there, or query the published copy instead")
    if "we can only read versions" in said or "storage version" in said:
        raise WarehouseDamaged(
            f"{path} was written by another version of DuckDB than {duckdb.__version__}: install that version, or make the"
            " warehouse anew from its documents with `smallcap rebuild`"
        )
    if any(words in said for words in _DAMAGED):
        raise WarehouseDamaged(f"{path} is damaged: make it anew from its documents with `smallcap rebuild`")


_FULL = ("no space left on device", "disk is full", "file too large", "disk quota exceeded", "not enough space")
_DAMAGED = (
    "corrupt database file", "does not match stored checksum", "not a valid duckdb database", "failed to deserialize",
    "serialization error", "database has been invalidated", "internal error",
    "failed to read block", "could not read enough bytes",
)  # fmt: skip


@contextmanager
def writer_lock(home: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the data directory for one run; the operating system lets go of it when the process ends, however it ends.

    Raises:
        WarehouseLocked: another run is still going after the wait.
    """
    home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home / ".writer.lock", timeout=wait_seconds)
    try:
        lock.acquire()
    except Timeout as error:
        raise WarehouseLocked(f"another run is writing to {home}: wait for it to end, then run again") from error
    try:
        yield
    finally:
        lock.release()


def rebuild_lock(home: Path) -> FileLock:
    """What a rebuild holds from its begin to its end; asking for it does not wait."""
    return FileLock(home / ".rebuild.lock", timeout=0)


def clear_unfinished_rebuild(home: Path, rebuild_dir: Path) -> None:
    """Remove what a killed rebuild left."""
    if rebuild_dir.exists():
        try:
            with rebuild_lock(home):
                shutil.rmtree(rebuild_dir)
        except Timeout:
            pass  # it is still being made


@dataclass(frozen=True)
class Warehouse:
    """One DuckDB file with one writer."""

    path: Path

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A short-lived connection, for writing where nothing else is said.

        Raises:
            WarehouseUnusable: another program has the file open, it is damaged, or the disk is full.
        """
        if not read_only:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with duckdb.connect(str(self.path), read_only=read_only, config={} if read_only else _NEW_FILES) as connection:
                connection.execute("set timezone = 'UTC'")
                yield connection
        except duckdb.Error as error:
            raise_if_unusable(self.path, str(error))
            raise

    def ask(self, question: str, *parameters: object) -> list[tuple[Any, ...]]:
        """The answer to one short question, by a connection of its own.

        Raises:
            WarehouseUnusable: see `connect`.
        """
        with self.connect() as connection:
            return connection.execute(question, parameters).fetchall()

    def prepare(self) -> None:
        """Create the raw schema where it is missing."""
        with self.connect() as connection:
            create_raw_tables(connection)


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame) -> Iterator[None]:
    """The rows as a view of that name, for the statements within."""
    connection.register(name, ArrowStream(rows))
    try:
        yield
    finally:
        connection.unregister(name)

"""The writer's DuckDB file: opened late, closed early, append-only. Knows no vendor."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl
from filelock import FileLock, Timeout

from orchestration.contracts import RAW_TABLES, RawTable
from orchestration.settings import Settings

_LEDGER = """
create schema if not exists raw;
create table if not exists raw.documents (
    document_id varchar primary key, path varchar not null, sha256 varchar not null, vendor varchar not null,
    kind varchar not null, symbol varchar not null, as_of date, retrieved_at timestamp, rows_accepted bigint not null,
    rows_rejected bigint not null, status varchar not null, reason varchar, rows_quarantined bigint default 0, rule varchar,
    decided_by varchar default 'rules'
);
create table if not exists raw.rejects (
    document_id varchar not null, line bigint, reason varchar not null, content varchar, rule varchar,
    outcome varchar default 'rejected'
);
create table if not exists raw.fetches (
    vendor varchar not null, kind varchar not null, symbol varchar not null, attempted_at timestamp not null,
    outcome varchar not null, reason varchar
);
-- A warehouse made by a release of the project that knew no quarantine.
alter table raw.documents add column if not exists rows_quarantined bigint default 0;
alter table raw.documents add column if not exists rule varchar;
alter table raw.documents add column if not exists decided_by varchar default 'rules';
alter table raw.rejects add column if not exists rule varchar;
alter table raw.rejects add column if not exists outcome varchar default 'rejected';
"""


# The form of files for 1.0 makes every string column be tried in four ways; nobody but this project opens the warehouse.
_NEW_FILES: dict[str, str | bool | int | float | list[str]] = {"storage_compatibility_version": "v1.5.0"}
LEDGER_TABLES = ("documents", "rejects", "fetches")


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
def writer_lock(settings: Settings) -> Iterator[None]:
    """Hold the data directory for one run; the operating system lets go of it when the process ends, however it ends.

    Raises:
        WarehouseLocked: another run is still going after the wait.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.home / ".writer.lock", timeout=settings.writer_wait_seconds)
    try:
        lock.acquire()
    except Timeout as error:
        raise WarehouseLocked(f"another run is writing to {settings.home}: wait for it to end, then run again") from error
    try:
        yield
    finally:
        lock.release()


def rebuild_lock(settings: Settings) -> FileLock:
    """What a rebuild holds from its begin to its end; asking for it does not wait."""
    return FileLock(settings.home / ".rebuild.lock", timeout=0)


def clear_unfinished_rebuild(settings: Settings) -> None:
    """Remove what a killed rebuild left."""
    if settings.rebuild_dir.exists() and not settings.rebuilding:
        try:
            with rebuild_lock(settings):
                shutil.rmtree(settings.rebuild_dir)
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

    def prepare(self) -> None:
        """Create the raw schema where it is missing."""
        with self.connect() as connection:
            connection.execute(_LEDGER)
            for table in RAW_TABLES.values():
                _create_raw_table(connection, table)


def _create_raw_table(connection: duckdb.DuckDBPyConnection, table: RawTable) -> None:
    columns = {**table.columns, "observed_at": pl.Datetime("us"), "document_id": pl.String()}
    declared = ", ".join(f"{name} {_SQL_TYPES[str(data_type)]}" for name, data_type in columns.items())
    connection.execute(f"create table if not exists raw.{table.name} ({declared})")


_SQL_TYPES = {
    "String": "varchar",
    "Date": "date",
    "Boolean": "boolean",
    "Int32": "integer",
    "Int64": "bigint",
    "Float64": "double",
    "Datetime(time_unit='us', time_zone=None)": "timestamp",
}


class _ArrowStream:
    """A frame as nothing but an Arrow stream: DuckDB reads that by itself, and a polars frame only with pyarrow's help."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame) -> Iterator[None]:
    """The rows as a view of that name, for the statements within."""
    connection.register(name, _ArrowStream(rows))
    try:
        yield
    finally:
        connection.unregister(name)


def frame_of(relation: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    """A query's result as a frame, without pyarrow."""
    return pl.DataFrame(relation)


def stamped(rows: pl.DataFrame, *, observed_at: datetime, document_id: str) -> pl.DataFrame:
    """The rows of a document with when the vendor said so (UTC, without zone) and where."""
    return rows.with_columns(
        pl.lit(observed_at, pl.Datetime("us")).alias("observed_at"), pl.lit(document_id).alias("document_id")
    )


def append_observations(connection: duckdb.DuckDBPyConnection, table: RawTable, rows: pl.DataFrame) -> int:
    """Append the rows that are new, or differ from what was last known of their key when they were observed.

    Observations are ordered by when they were made, and those of the same second by document.

    Args:
        rows: the contract's columns, `observed_at` and `document_id`; of any documents, but at most one row a key, and of a
            table with a snapshot key whole snapshots.

    Returns:
        How many rows were appended.
    """
    if rows.is_empty():
        return 0
    with registered(connection, "told", rows):
        # A table of its own: DuckDB would hand a condition on an Arrow stream to pyarrow, which does not know polars' strings.
        connection.execute("create or replace temp table incoming as select * from told")
    if not table.snapshot_key:
        return _run(connection, _append_changed(table))
    known = connection.execute(_known_snapshots(table)).fetchall()
    return _run(connection, _append_unknown_snapshots(table)) + sum(
        _run(connection, _append_snapshot(table), dict(zip((*table.snapshot_key, *_STAMPS), snapshot, strict=True)))
        for snapshot in known
    )


def _run(connection: duckdb.DuckDBPyConnection, statement: str, parameters: dict[str, object] | None = None) -> int:
    appended = connection.execute(statement, parameters).fetchall()
    return int(appended[0][0]) if appended else 0


def withdraw_documents(connection: duckdb.DuckDBPyConnection, document_ids: list[str]) -> None:
    """Delete the observations of documents that were accepted once: they are read again, or should not have been."""
    for table in RAW_TABLES.values():
        connection.execute(f"delete from raw.{table.name} where document_id in (select unnest(?))", [document_ids])


def _append_changed(table: RawTable) -> str:
    """Row by row: the last observation of a key before this one decides."""
    known = ", ".join(
        f"coalesce(known.{v}, {table.when_unknown[v]})" if v in table.when_unknown else f"known.{v}" for v in table.values
    )
    unknown = "false" if table.when_unknown else "known.observed_at is null"
    key = ", ".join(table.key)
    return f"""
        insert into raw.{table.name}
        with last_known as (
            select raw_rows.*
            from raw.{table.name} as raw_rows inner join incoming using ({key})
            where (raw_rows.observed_at, raw_rows.document_id) <= (incoming.observed_at, incoming.document_id)
            qualify row_number() over (
                partition by {", ".join(f"raw_rows.{k}" for k in table.key)}
                order by raw_rows.observed_at desc, raw_rows.document_id desc
            ) = 1
        )
        select {", ".join(f"incoming.{c}" for c in (*table.columns, *_STAMPS))}
        from incoming left join last_known as known using ({key})
        where {unknown} or row({", ".join(f"incoming.{v}" for v in table.values)}) is distinct from row({known})
        order by {key}
    """


def _known_snapshots(table: RawTable) -> str:
    """The incoming snapshots of which an observation is known that is not later."""
    key = ", ".join(table.snapshot_key)
    return f"""
        select distinct {", ".join(f"incoming.{c}" for c in (*table.snapshot_key, *_STAMPS))}
        from (select distinct {key}, observed_at, document_id from incoming) as incoming
        inner join (select distinct {key}, observed_at, document_id from raw.{table.name}) as known using ({key})
        where (known.observed_at, known.document_id) <= (incoming.observed_at, incoming.document_id)
    """


def _append_unknown_snapshots(table: RawTable) -> str:
    """A snapshot that nothing is known of yet needs no comparison."""
    return f"""
        insert into raw.{table.name}
        select {", ".join((*table.columns, *_STAMPS))}
        from incoming anti join ({_known_snapshots(table)}) as known using ({", ".join(table.snapshot_key)})
        order by {", ".join(table.key)}
    """


def _append_snapshot(table: RawTable) -> str:
    """All or nothing: the last observation of this one snapshot, line by line, decides.

    Its key comes as parameters, so that DuckDB passes over the blocks of other dates.
    """
    columns = ", ".join(table.columns)
    of_snapshot = " and ".join(f"{column} = ${column}" for column in table.snapshot_key)
    return f"""
        insert into raw.{table.name}
        with last_known as (
            select {columns}
            from raw.{table.name}
            where {of_snapshot} and (observed_at, document_id) <= ($observed_at::timestamp, $document_id::varchar)
            qualify dense_rank() over (order by observed_at desc, document_id desc) = 1
        ),
        told as (select * from incoming where {of_snapshot}),
        differences as (
            (select {columns} from told except select {columns} from last_known)
            union all
            (select {columns} from last_known except select {columns} from told)
        )
        select {columns}, $observed_at::timestamp, $document_id::varchar
        from told
        where exists (select 1 from differences)
        order by {", ".join(table.key)}
    """


_STAMPS = ("observed_at", "document_id")

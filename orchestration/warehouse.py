"""The writer's DuckDB file: opened late, closed early, append-only. Knows no vendor."""

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
    rows_rejected bigint not null, status varchar not null, reason varchar
);
create table if not exists raw.rejects (
    document_id varchar not null, line bigint, reason varchar not null, content varchar
);
"""


LEDGER_TABLES = ("documents", "rejects")


class WarehouseLocked(RuntimeError):
    """Another process holds the warehouse."""


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


@dataclass(frozen=True)
class Warehouse:
    """One DuckDB file with one writer."""

    path: Path

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A short-lived writing connection.

        Raises:
            WarehouseLocked: another program has the file open; the message says what to do.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = duckdb.connect(str(self.path))
        except duckdb.IOException as error:
            if "lock" in str(error).lower():
                raise WarehouseLocked(
                    f"{self.path} is open in another program: close it there, or query the published copy instead"
                ) from error
            raise
        try:
            connection.execute("set timezone = 'UTC'")
            yield connection
        finally:
            connection.close()

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


def append_observations(
    connection: duckdb.DuckDBPyConnection,
    table: RawTable,
    rows: pl.DataFrame,
    *,
    observed_at: datetime,
    document_id: str,
) -> int:
    """Append the rows that are new, or differ from what was last known of their key when they were observed.

    Observations are ordered by when they were made, and those of the same second by document.

    Args:
        rows: the contract's columns, at most one row a key.
        observed_at: when the vendor said so (UTC).

    Returns:
        How many rows were appended.
    """
    if rows.is_empty():
        return 0
    parameters: dict[str, object] = {"observed_at": observed_at.replace(tzinfo=None), "document_id": document_id}
    if not table.snapshot_key:
        return _append(connection, _append_changed(table), rows, parameters)
    appended = 0
    for (*key,), snapshot in rows.group_by(table.snapshot_key, maintain_order=True):
        named = {**parameters, **dict(zip(table.snapshot_key, key, strict=True))}
        is_known = connection.execute(_any_of_snapshot(table), named).fetchone() is not None
        appended += _append(connection, _append_snapshot(table) if is_known else _append_all(table), snapshot, named)
    return appended


def _append(connection: duckdb.DuckDBPyConnection, statement: str, rows: pl.DataFrame, parameters: dict[str, object]) -> int:
    with registered(connection, "incoming", rows):
        appended = connection.execute(statement, parameters).fetchone()
    return int(appended[0]) if appended else 0


def withdraw_document(connection: duckdb.DuckDBPyConnection, document_id: str) -> None:
    """Take back what a document had told: it was accepted once, and in the light of an older one it should not have been."""
    for table in RAW_TABLES.values():
        connection.execute(f"delete from raw.{table.name} where document_id = ?", [document_id])


def _append_changed(table: RawTable) -> str:
    """Row by row: the last observation of a key before this one decides."""
    known = ", ".join(
        f"coalesce(known.{v}, {table.when_unknown[v]})" if v in table.when_unknown else f"known.{v}" for v in table.values
    )
    unknown = "false" if table.when_unknown else "known.observed_at is null"
    return f"""
        insert into raw.{table.name}
        with last_known as (
            select raw_rows.*
            from raw.{table.name} as raw_rows
            semi join incoming using ({", ".join(table.key)})
            where (raw_rows.observed_at, raw_rows.document_id) <= ($observed_at::timestamp, $document_id)
            qualify row_number() over (
                partition by {", ".join(table.key)} order by raw_rows.observed_at desc, raw_rows.document_id desc
            ) = 1
        )
        select {", ".join(f"incoming.{c}" for c in table.columns)}, $observed_at::timestamp, $document_id::varchar
        from incoming left join last_known as known using ({", ".join(table.key)})
        where {unknown} or row({", ".join(f"incoming.{v}" for v in table.values)}) is distinct from row({known})
        order by {", ".join(table.key)}
    """


def _known_of_snapshot(table: RawTable) -> str:
    """The snapshot's key comes as parameters, so that DuckDB passes over the blocks of other dates."""
    same = " and ".join(f"{column} = ${column}" for column in table.snapshot_key)
    return f"raw.{table.name} where {same} and (observed_at, document_id) <= ($observed_at::timestamp, $document_id::varchar)"


def _any_of_snapshot(table: RawTable) -> str:
    return f"select 1 from {_known_of_snapshot(table)} limit 1"


def _append_all(table: RawTable) -> str:
    """A snapshot that nothing is known of yet needs no comparison."""
    of_snapshot = " and ".join(f"{column} = ${column}" for column in table.snapshot_key)
    return f"""
        insert into raw.{table.name}
        select {", ".join(table.columns)}, $observed_at::timestamp, $document_id::varchar
        from incoming
        where {of_snapshot}
        order by {", ".join(table.key)}
    """


def _append_snapshot(table: RawTable) -> str:
    """All or nothing: the last observation of this one snapshot, line by line, decides."""
    columns = ", ".join(table.columns)
    return f"""
        insert into raw.{table.name}
        with last_known as (
            select {columns}
            from {_known_of_snapshot(table)}
            qualify dense_rank() over (order by observed_at desc, document_id desc) = 1
        ),
        differences as (
            (select {columns} from incoming except select {columns} from last_known)
            union all
            (select {columns} from last_known except select {columns} from incoming)
        )
        select {columns}, $observed_at::timestamp, $document_id::varchar
        from incoming
        where exists (select 1 from differences)
        order by {", ".join(table.key)}
    """

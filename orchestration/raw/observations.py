"""Observations: rows of raw with observation time and document. A row is appended only if it differs from the known one."""

from datetime import datetime

import duckdb
import polars as pl

from orchestration.schemas import RAW_TABLES, RawTable
from orchestration.warehouse.connection import registered

# A session without trading time is withdrawn: the newest calendar no longer has it.
KNOWN_SESSIONS = """(
    select * from (
        select * from raw.sessions
        qualify row_number() over (partition by session order by observed_at desc, document_id desc) = 1
    ) where closes_at > opens_at
)"""
_STAMPS = ("observed_at", "document_id")


def stamped(rows: pl.DataFrame, *, observed_at: datetime, document_id: str) -> pl.DataFrame:
    """The rows of a document with observation time (UTC, without zone) and document id."""
    return rows.with_columns(
        pl.lit(observed_at, pl.Datetime("us")).alias("observed_at"), pl.lit(document_id).alias("document_id")
    )


def append_observations(connection: duckdb.DuckDBPyConnection, table: RawTable, rows: pl.DataFrame) -> int:
    """Append the rows that are new or differ from the last known row of their key at their observation time.

    Observations are ordered by time, and within one second by document.

    Args:
        rows: the contract's columns, `observed_at` and `document_id`; from any documents, but at most one row per key; for a
            table with a snapshot key, complete snapshots.

    Returns:
        The number of appended rows.
    """
    if rows.is_empty():
        return 0
    with registered(connection, "received", rows):
        # A temporary table: DuckDB passes filters on an Arrow stream to pyarrow, which cannot read polars' strings.
        connection.execute("create or replace temp table incoming as select * from received")
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
    """Delete the observations of accepted documents that are read again or no longer accepted."""
    for table in RAW_TABLES.values():
        connection.execute(f"delete from raw.{table.name} where document_id in (select unnest(?))", [document_ids])


def _append_changed(table: RawTable) -> str:
    """SQL that compares each row with the last observation of its key."""
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
        {"" if table.is_bulk else f"order by {key}"}
    """


def _known_snapshots(table: RawTable) -> str:
    """SQL for the incoming snapshots that have an earlier observation."""
    key = ", ".join(table.snapshot_key)
    return f"""
        select distinct {", ".join(f"incoming.{c}" for c in (*table.snapshot_key, *_STAMPS))}
        from (select distinct {key}, observed_at, document_id from incoming) as incoming
        inner join (select distinct {key}, observed_at, document_id from raw.{table.name}) as known using ({key})
        where (known.observed_at, known.document_id) <= (incoming.observed_at, incoming.document_id)
    """


def _append_unknown_snapshots(table: RawTable) -> str:
    """SQL that appends snapshots without an earlier observation."""
    return f"""
        insert into raw.{table.name}
        select {", ".join((*table.columns, *_STAMPS))}
        from incoming anti join ({_known_snapshots(table)}) as known using ({", ".join(table.snapshot_key)})
        order by {", ".join(table.key)}
    """


def _append_snapshot(table: RawTable) -> str:
    """SQL that appends one complete snapshot if a line differs from its last observation.

    The key is passed as parameters, so that DuckDB skips the blocks of other dates.
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
        received as (select * from incoming where {of_snapshot}),
        differences as (
            (select {columns} from received except select {columns} from last_known)
            union all
            (select {columns} from last_known except select {columns} from received)
        )
        select {columns}, $observed_at::timestamp, $document_id::varchar
        from received
        where exists (select 1 from differences)
        order by {", ".join(table.key)}
    """

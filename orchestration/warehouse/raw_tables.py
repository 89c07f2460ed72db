"""The raw schema of the warehouse: the observation tables, from their row schemas, and the ledger."""

import duckdb
import polars as pl

from orchestration.schemas import RAW_TABLES, RawTable

LEDGER_TABLES = ("documents", "rejects", "fetches")
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
-- For a warehouse made by a version of the project without a quarantine.
alter table raw.documents add column if not exists rows_quarantined bigint default 0;
alter table raw.documents add column if not exists rule varchar;
alter table raw.documents add column if not exists decided_by varchar default 'rules';
alter table raw.rejects add column if not exists rule varchar;
alter table raw.rejects add column if not exists outcome varchar default 'rejected';
"""


_SQL_TYPES = {
    "String": "varchar",
    "Date": "date",
    "Boolean": "boolean",
    "Int32": "integer",
    "Int64": "bigint",
    "Float64": "double",
    "Datetime(time_unit='us', time_zone=None)": "timestamp",
}


def create_raw_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables that are missing."""
    connection.execute(_LEDGER)
    for table in RAW_TABLES.values():
        _create_raw_table(connection, table)


def _create_raw_table(connection: duckdb.DuckDBPyConnection, table: RawTable) -> None:
    columns = {**table.columns, "observed_at": pl.Datetime("us"), "document_id": pl.String()}
    declared = ", ".join(f"{name} {_SQL_TYPES[str(data_type)]}" for name, data_type in columns.items())
    connection.execute(f"create table if not exists raw.{table.name} ({declared})")

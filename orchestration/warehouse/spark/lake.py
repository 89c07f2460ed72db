"""The lake directory: raw tables and what dbt built as Parquet files, between DuckDB and Spark.

lake/raw/<table>/…parquet             what was observed, and the ledger; members' bars by year
lake/unfinished/<table>/              files that are being written; they are renamed into place
lake/warehouse/<schema>/<table>/      what dbt built; a finished table has the file _SUCCESS
"""

import os
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import duckdb

from orchestration.files import sync_directory
from orchestration.schemas import RAW_TABLES
from orchestration.warehouse.raw_tables import LEDGER_TABLES
from orchestration.warehouse.withholding import MARTS, make_empty

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LAKE_VARIABLE = "SMALLCAP_LAKE"
RAW = (*RAW_TABLES, *LEDGER_TABLES)
# Large tables are partitioned; the name of the partition is in the path.
PARTITIONS = {"member_bars": "year(session)"}
FINISHED = "_SUCCESS"
MOST_FILES = 64
"""Files of a raw table, in one partition, beyond which they are written as one."""
Documents = dict[str, tuple[int, int]]


def table_directory(schema: str, name: str) -> str:
    """Where a table of the current build is; macros/cross_db/spark_tables.sql says the same."""
    return f"{os.environ[LAKE_VARIABLE]}/warehouse/{schema}/{name}"


def append_raw(connection: duckdb.DuckDBPyConnection, lake: Path, tables: Iterable[str] = RAW) -> None:
    """Append the observations of documents that the lake lacks, one file a table and partition; the ledger is written whole.

    A table is written anew if documents were withdrawn or read again with another result, if a killed run left half of one, or if
    it has too many files.
    """
    for table in tables:
        directory, unfinished = lake / "raw" / table, lake / "unfinished" / table
        shutil.rmtree(unfinished, ignore_errors=True)
        # The ledger changes in place; it is small and written whole.
        in_lake = None if table in LEDGER_TABLES else _known(connection, table, directory)
        if in_lake is None:
            _replace(connection, table, directory, unfinished)
            continue
        in_raw = _documents(connection, table, f"raw.{table}")
        if any(in_raw.get(document) != rows for document, rows in in_lake.items()):
            _replace(connection, table, directory, unfinished)
        elif new := sorted(in_raw.keys() - in_lake.keys()):
            connection.execute("set variable new_documents = $1", [new])
            _write(connection, table, "list_contains(getvariable('new_documents'), document_id)", unfinished)
            for file in sorted(unfinished.rglob("*.parquet")):
                place = directory / file.parent.relative_to(unfinished)
                place.mkdir(exist_ok=True)
                file.replace(place / file.name)
                sync_directory(place)
            shutil.rmtree(unfinished)


def _known(connection: duckdb.DuckDBPyConnection, table: str, directory: Path) -> Documents | None:
    """What the lake has of a table, None if the table is to be written anew."""
    files = sorted(directory.rglob("*.parquet"))
    if not files or max(Counter(file.parent for file in files).values()) > MOST_FILES:
        return None
    try:
        paths = ", ".join(f"'{_literal(file)}'" for file in files)
        return _documents(connection, table, f"read_parquet([{paths}])")
    except duckdb.Error:  # a damaged file
        return None


def _documents(connection: duckdb.DuckDBPyConnection, table: str, rows: str) -> Documents:
    """The number of rows of each document, and a hash of their content."""
    columns = ", ".join((*RAW_TABLES[table].columns, "observed_at"))
    found = connection.execute(f"select document_id, count(*), bit_xor(hash({columns})) from {rows} group by document_id")
    return {document: (count, content) for document, count, content in found.fetchall()}


def _replace(connection: duckdb.DuckDBPyConnection, table: str, directory: Path, unfinished: Path) -> None:
    """Write a table to a new directory and swap it with the old one."""
    _write(connection, table, "true", unfinished)
    shutil.rmtree(directory, ignore_errors=True)
    directory.parent.mkdir(parents=True, exist_ok=True)
    unfinished.replace(directory)
    sync_directory(directory.parent)


def _write(connection: duckdb.DuckDBPyConnection, table: str, where: str, directory: Path) -> None:
    """Write rows of a raw table as Parquet; an empty table becomes one file, which has the columns."""
    directory.mkdir(parents=True)
    rows = f"select * from raw.{table} where {where}"
    partition = PARTITIONS.get(table)
    if partition and connection.execute(f"select 1 from ({rows}) limit 1").fetchall():
        connection.execute(
            f"copy (select *, {partition} as part from ({rows})) to '{_literal(directory)}'"
            f" (format parquet, compression zstd, partition_by (part), append, filename_pattern '{{uuid}}')"
        )
    else:
        connection.execute(f"copy ({rows}) to '{_literal(directory)}/{uuid4().hex}.parquet' (format parquet, compression zstd)")
    for file in directory.rglob("*.parquet"):
        with file.open("rb+") as stream:
            os.fsync(stream.fileno())


def remove_built(lake: Path) -> None:
    """Remove what dbt built; finished releases do not need it."""
    shutil.rmtree(lake / "warehouse", ignore_errors=True)


def built_tables(lake: Path) -> list[tuple[str, str]]:
    """Schema and name of every finished table that dbt built, sorted."""
    return sorted((done.parent.parent.name, done.parent.name) for done in (lake / "warehouse").glob(f"*/*/{FINISHED}"))


def enter_tables(session: "SparkSession", lake: Path) -> None:
    """Enter the raw tables and the finished tables of the lake in the session's catalog."""
    built = built_tables(lake)
    for schema in sorted({"raw", *(schema for schema, _ in built)}):
        session.sql(f"create schema if not exists {schema}")
    for table in RAW:  # views, because a table would not find its partitions
        session.sql(f"create or replace view raw.{table} as select * from parquet.`{lake / 'raw' / table}`")
    for schema, table in built:
        directory = _literal(lake / "warehouse" / schema / table)
        # A Spark Connect server outlives a build, and may know the table of another lake.
        session.sql(f"drop table if exists {schema}.{table}")
        session.sql(f"create table {schema}.{table} using parquet location '{directory}'")


def read_built(connection: duckdb.DuckDBPyConnection, lake: Path, nodes: Collection[Mapping[str, Any]]) -> dict[str, str]:
    """Read built tables into the warehouse, the marts as the tables that their contracts describe.

    The warehouse then has what a build on DuckDB would have left there, and needs the lake no longer.

    Returns:
        Why a mart does not fulfil its contract, by name; it is empty.
    """
    finished = set(built_tables(lake))
    faults: dict[str, str] = {}
    for node in nodes:
        schema, name = node["schema"], node["name"]
        if (schema, name) not in finished:
            continue
        rows = f"select * from read_parquet('{_literal(lake / 'warehouse' / schema / name)}/*.parquet')"
        if schema == MARTS:
            make_empty(connection, node)
            try:
                connection.execute(f"insert into {schema}.{name} by name {rows}")
            except duckdb.ConstraintException as error:
                faults[name] = str(error)
        else:
            connection.execute(f"create schema if not exists {schema}")
            _drop(connection, schema, name)
            connection.execute(f"create table {schema}.{name} as {rows}")
    return faults


def _drop(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> None:
    """Drop a table or view, whichever it is."""
    found: Iterable[tuple[str]] = connection.execute(
        "select table_type from information_schema.tables where table_schema = $1 and table_name = $2", [schema, name]
    ).fetchall()
    for (kind,) in found:
        connection.execute(f"drop {'view' if kind == 'VIEW' else 'table'} {schema}.{name}")


def _literal(path: Path) -> str:
    return str(path).replace("'", "''")

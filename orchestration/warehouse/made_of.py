"""What each table was built from, recorded when it is built: a release can be published long after, by other code."""

from collections.abc import Collection, Mapping

import duckdb
import polars as pl

from orchestration.warehouse.connection import registered

PARTS = ("observations", "decisions", "code", "engine", "session", "known_at")
SEVERAL, UNKNOWN = "several", "unknown"
_COLUMNS = ", ".join(f"{part} varchar not null" for part in PARTS)
_STATE = f"""
create schema if not exists build;
create table if not exists build.made_of (table_name varchar primary key, {_COLUMNS});
-- For a warehouse made by a version of the project without it.
alter table build.made_of add column if not exists engine varchar default '{UNKNOWN}';
"""
_KNOWN = "select 1 from duckdb_columns() where schema_name = 'build' and table_name = 'made_of' and column_name = 'engine'"


def record_made_of(connection: duckdb.DuckDBPyConnection, tables: Collection[str], made_of: Mapping[str, str]) -> None:
    """Record the inputs of tables that were just built.

    Args:
        made_of: a hash or text per part; what the builder does not know is `unknown`, and so no release made of it is current.
    """
    connection.execute(_STATE)
    rows = pl.DataFrame([{"table_name": name, **{part: made_of.get(part, UNKNOWN) for part in PARTS}} for name in tables])
    if not rows.is_empty():
        with registered(connection, "rows_made_of", rows):
            connection.execute("insert or replace into build.made_of by name select * from rows_made_of")


def made_of(connection: duckdb.DuckDBPyConnection, tables: Collection[str]) -> dict[str, str]:
    """The inputs of tables by part: `several` where tables differ, `unknown` where one was never recorded."""
    if not connection.execute(_KNOWN).fetchall():
        return dict.fromkeys(PARTS, UNKNOWN)
    found = connection.execute(
        f"select {', '.join(PARTS)} from build.made_of where list_contains($1, table_name)", [sorted(tables)]
    ).fetchall()
    if len(found) < len(set(tables)):
        return dict.fromkeys(PARTS, UNKNOWN)
    values = zip(PARTS, zip(*found, strict=True), strict=True)
    return {part: of_tables[0] if len(set(of_tables)) == 1 else SEVERAL for part, of_tables in values}


def built_by(connection: duckdb.DuckDBPyConnection, engine: str) -> set[str]:
    """The tables whose last build was by an engine."""
    if not connection.execute(_KNOWN).fetchall():
        return set()
    found = connection.execute("select table_name from build.made_of where engine = $1", [engine]).fetchall()
    return {table for (table,) in found}

"""The files of a release: each mart as Parquet, all marts in one DuckDB file with comments, and the data dictionary."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.warehouse.withholding import withheld_tables

MARTS_SCHEMA = "marts"
# Types that every BI tool can read.
BI_TYPES = {"BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "VARCHAR", "DATE", "TIMESTAMP"}


class NotPublishable(RuntimeError):
    """No release can be made; the message says why."""


@dataclass(frozen=True)
class Mart:
    """A table to publish, sorted by its key. `depends_on` names all models and seeds that it depends on."""

    name: str
    description: str
    key: tuple[str, ...]
    depends_on: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PublishedTable:
    """One table of a release, as listed in the manifest: published, or withheld with a reason and no rows."""

    name: str
    status: str
    reason: str | None
    rows: int
    columns: dict[str, str]
    never_null: list[str]
    key: list[str]
    date_column: str | None
    first_date: str | None
    last_date: str | None
    file: str
    bytes: int
    sha256: str


def withheld_marts(connection: duckdb.DuckDBPyConnection, marts: list[Mart]) -> dict[str, str]:
    """The reason by withheld mart: withheld by the build, unreadable for BI tools, or dependent on such a table.

    Raises:
        NotPublishable: a mart was never built.
    """
    built = withheld_tables(connection)
    present = {name for (name,) in connection.execute(_PRESENT, [MARTS_SCHEMA]).fetchall()}
    absent = [mart.name for mart in marts if mart.name not in present]
    if absent:
        raise NotPublishable(f"{', '.join(absent[:3])} {'was' if len(absent) == 1 else 'were'} never built: run the job `daily`.")
    unreadable = {mart.name: fault for mart in marts if mart.name not in built and (fault := _fault(connection, mart))}
    dependent = {
        mart.name: f"it depends on {cause}: {unreadable[cause]}"
        for mart in marts
        for cause in sorted(mart.depends_on & unreadable.keys())[:1]
    }
    return {**dependent, **unreadable, **{mart.name: built[mart.name] for mart in marts if mart.name in built}}


_PRESENT = "select table_name from duckdb_tables() where schema_name = ?"


def _fault(connection: duckdb.DuckDBPyConnection, mart: Mart) -> str | None:
    """The type or value in a mart that BI tools cannot read, or None."""
    columns = _columns(connection, mart)
    for column, (data_type, _) in columns.items():
        if data_type not in BI_TYPES:
            return f"its column {column} has the type {data_type}; a release contains only {', '.join(sorted(BI_TYPES))}"
    doubles = [column for column, (data_type, _) in columns.items() if data_type == "DOUBLE"]
    if not doubles:
        return None
    counts = ", ".join(f'count(*) filter (not isfinite("{column}"))' for column in doubles)
    invalid = connection.execute(f"select {counts} from {MARTS_SCHEMA}.{mart.name}").fetchall()[0]
    return next(
        (f"its column {c} has {n} values that are infinite or not a number" for c, n in zip(doubles, invalid, strict=True) if n),
        None,
    )


def _columns(connection: duckdb.DuckDBPyConnection, mart: Mart) -> dict[str, tuple[str, bool]]:
    """Type of each column, and whether it may be NULL."""
    found = connection.execute(
        "select column_name, data_type, is_nullable from duckdb_columns() where schema_name = ? and table_name = ?"
        " order by column_index",
        [MARTS_SCHEMA, mart.name],
    ).fetchall()
    return {column: (data_type, is_nullable) for column, data_type, is_nullable in found}


def write_parquet(
    connection: duckdb.DuckDBPyConnection, mart: Mart, directory: Path, identity: dict[str, str], *, withheld: str | None = None
) -> PublishedTable:
    """Write a mart as Parquet: sorted by key, compressed with ZSTD, with the release's identity in the key-value metadata.

    Args:
        withheld: the reason if the table is withheld; the file then has columns and no rows.
    """
    found = _columns(connection, mart)
    columns = {column: data_type for column, (data_type, _) in found.items()}
    # NOT NULL follows from the contract's constraints and from the primary_key test.
    never_null = [column for column, (_, is_nullable) in found.items() if not is_nullable or column in mart.key]
    path = directory / f"{mart.name}.parquet"
    order = ", ".join(f'"{column}"' for column in mart.key)
    metadata = ", ".join(f"{key}: '{value}'" for key, value in identity.items())
    rows_of = f"(select * from {MARTS_SCHEMA}.{mart.name} where {'false' if withheld else 'true'})"
    connection.execute(
        f"copy (select * from {rows_of} order by {order}) to {_literal(str(path))}"
        f" (format parquet, compression zstd, kv_metadata {{{metadata}}})"
    )
    date_column = next((c for c in ("session", "as_of", "first_session", "end_session") if columns.get(c) == "DATE"), None)
    bounds = f'min("{date_column}")::varchar, max("{date_column}")::varchar' if date_column else "null, null"
    rows, first, last = connection.execute(f"select count(*), {bounds} from {rows_of}").fetchall()[0]
    return PublishedTable(
        name=mart.name, status="withheld" if withheld else "published", reason=withheld, rows=rows, columns=columns,
        never_null=never_null, key=list(mart.key), date_column=date_column, first_date=first, last_date=last, **file_facts(path),
    )  # fmt: skip


def write_serving_copy(
    source: duckdb.DuckDBPyConnection, marts: list[Mart], tables: list[PublishedTable], path: Path, manifest: dict[str, Any]
) -> None:
    """Write all marts with comments, and the tables `release` and `readme`, to one file for DuckDB 1.0 and later."""
    comments = source.execute(
        "select table_name, column_name, comment from duckdb_columns() where schema_name = ? and comment is not null",
        [MARTS_SCHEMA],
    ).fetchall()
    with duckdb.connect() as connection:
        connection.execute(f"attach {_literal(str(path))} as serving (storage_version 'v1.0.0')")
        connection.execute("use serving")
        # One transaction, because there are hundreds of comments.
        connection.execute("begin")
        for mart in marts:
            connection.execute(f"create table {mart.name} as from read_parquet({_literal(f'{path.parent / mart.name}.parquet')})")
            connection.execute(f"comment on table {mart.name} is {_literal(mart.description)}")
        for table, column, comment in comments:
            if any(mart.name == table for mart in marts):
                connection.execute(f'comment on column {table}."{column}" is {_literal(comment)}')
        facts = {key: manifest[key] for key in _RELEASE_COLUMNS}
        connection.execute(
            "create table release as select " + ", ".join(f"${key}::{kind} as {key}" for key, kind in _RELEASE_COLUMNS.items()),
            facts,
        )
        connection.execute("comment on table release is 'One row: the identity of the release, its source and its last session.'")
        for column, meaning in _RELEASE_COMMENTS.items():
            connection.execute(f"comment on column release.{column} is {_literal(meaning)}")
        _write_readme(connection, marts, tables)
        connection.execute("commit")
        connection.execute("use memory")
        connection.execute("detach serving")


def _write_readme(connection: duckdb.DuckDBPyConnection, marts: list[Mart], tables: list[PublishedTable]) -> None:
    connection.execute("create table readme (" + ", ".join(f"{name} {kind}" for name, (kind, _) in _README_COLUMNS.items()) + ")")
    for mart, table in zip(marts, tables, strict=True):
        row = [mart.name, mart.description, ", ".join(mart.key), table.rows, table.first_date, table.last_date]
        connection.execute("insert into readme values (?, ?, ?, ?, ?, ?, ?, ?)", [*row, table.status, table.reason])
    connection.execute("comment on table readme is 'One row per table: start here.'")
    for column, (_, meaning) in _README_COLUMNS.items():
        connection.execute(f"comment on column readme.{column} is {_literal(meaning)}")


_README_COLUMNS = {
    "table_name": ("varchar", "Name of the table, and of its Parquet file."),
    "what_a_row_is": ("varchar", "What one row stands for, and the contents of the table."),
    "grain": ("varchar", "The key: columns that identify a row; rows are sorted by them."),
    "row_count": ("bigint", "Number of rows."),
    "first_date": ("date", "Earliest session or as-of date; NULL if the table has no dates."),
    "last_date": ("date", "Latest session or as-of date; NULL if the table has no dates."),
    "status": ("varchar", "published, or withheld: the table has its columns and no rows."),
    "reason": ("varchar", "Why the table is withheld; NULL if it is published."),
}


_RELEASE_COLUMNS = {
    "release_id": "varchar", "contract_version": "varchar", "source": "varchar", "published_at": "timestamp",
    "known_at": "timestamp", "last_session": "date", "run_id": "varchar", "git_revision": "varchar",
}  # fmt: skip


_RELEASE_COMMENTS = {
    "release_id": "Release id: the time of publication (UTC) as sortable text.",
    "contract_version": "Version of the published schema: the first number changes with breaking changes.",
    "source": "sample: simulated market; live: fetched from vendors; landing: a folder of documents.",
    "published_at": "Time of publication (UTC).",
    "known_at": "The tables are as known at this time (UTC); NULL: everything known.",
    "last_session": "Last session with a final bar.",
    "run_id": "Id of the Dagster run that made the release.",
    "git_revision": "Git revision of the code, with + if the work tree differed; NULL outside a checkout.",
}


def write_data_dictionary(
    connection: duckdb.DuckDBPyConnection, tables: list[PublishedTable], marts: list[Mart], path: Path
) -> None:
    """Write the data dictionary as Markdown: every published table and column with its meaning, from the warehouse's comments."""
    comments = connection.execute(
        "select table_name, column_name, comment from duckdb_columns() where schema_name = ?", [MARTS_SCHEMA]
    ).fetchall()
    meanings = {(table, column): comment or "" for table, column, comment in comments}
    lines = ["# Data dictionary", ""]
    for table, mart in zip(tables, marts, strict=True):
        lines += [f"## {table.name}", "", f"{mart.description} Key: {', '.join(table.key)}. Rows: {table.rows}.", ""]
        lines += [f"Withheld from this release: {table.reason}.", ""] if table.reason else []
        lines += ["| column | type | meaning |", "|---|---|---|"]
        lines += [f"| {column} | {kind} | {meanings[table.name, column]} |" for column, kind in table.columns.items()]
        lines.append("")
    path.write_text("\n".join(lines))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def file_facts(path: Path) -> dict[str, Any]:
    """Name, size and SHA-256 of a file, for the manifest."""
    content = path.read_bytes()
    return {"file": path.name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

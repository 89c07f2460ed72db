"""The files of a release: each table as Parquet, all tables in one DuckDB file with comments, and the data dictionary."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.publish.arrow_schema import arrow_schema
from orchestration.warehouse.withholding import withheld_tables

MARTS_SCHEMA = "marts"
# The tables that publishing makes are in the temporary database of the connection.
MADE_SCHEMA = "temp"
# Types that every BI tool can read.
BI_TYPES = {"BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "VARCHAR", "DATE", "TIMESTAMP"}


class NotPublishable(RuntimeError):
    """No release can be made; the message says why."""


@dataclass(frozen=True)
class Table:
    """A table to publish, sorted by its key. `depends_on` names the tables without which it cannot be published."""

    name: str
    description: str
    key: tuple[str, ...]
    depends_on: frozenset[str] = frozenset()
    schema: str = MARTS_SCHEMA

    @property
    def relation(self) -> str:
        """Its qualified name in the connection to the warehouse."""
        return f"{self.schema}.{self.name}"


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


@dataclass(frozen=True)
class _Column:
    """A column in the warehouse."""

    kind: str
    may_be_null: bool
    meaning: str


def withheld_marts(connection: duckdb.DuckDBPyConnection, marts: Sequence[Table]) -> dict[str, str]:
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


def _fault(connection: duckdb.DuckDBPyConnection, table: Table) -> str | None:
    """The type or value in a table that BI tools cannot read, or None."""
    columns = _columns(connection, table)
    for name, column in columns.items():
        if column.kind not in BI_TYPES:
            return f"its column {name} has the type {column.kind}; a release contains only {', '.join(sorted(BI_TYPES))}"
    doubles = [name for name, column in columns.items() if column.kind == "DOUBLE"]
    if not doubles:
        return None
    counts = ", ".join(f'count(*) filter (not isfinite("{column}"))' for column in doubles)
    invalid = connection.execute(f"select {counts} from {table.relation}").fetchall()[0]
    return next(
        (f"its column {c} has {n} values that are infinite or not a number" for c, n in zip(doubles, invalid, strict=True) if n),
        None,
    )


def _columns(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, _Column]:
    found = connection.execute(
        "select column_name, data_type, is_nullable, coalesce(comment, '') from duckdb_columns()"
        " where ? in (schema_name, database_name) and table_name = ? order by column_index",
        [table.schema, table.name],
    ).fetchall()
    return {name: _Column(kind, may_be_null, meaning) for name, kind, may_be_null, meaning in found}


def write_parquet(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    directory: Path,
    identity: Mapping[str, str],
    *,
    withheld: str | None = None,
) -> PublishedTable:
    """Write a table as Parquet: sorted by key, ZSTD; the footer has the release's identity and the meaning of every column.

    Args:
        withheld: the reason if the table is withheld; the file then has columns and no rows.
    """
    found = _columns(connection, table)
    columns = {name: column.kind for name, column in found.items()}
    # NOT NULL follows from the contract's constraints and from the primary_key test.
    never_null = [name for name, column in found.items() if not column.may_be_null or name in table.key]
    path = directory / f"{table.name}.parquet"
    order = ", ".join(f'"{column}"' for column in table.key)
    described = {name: (column.kind, column.meaning) for name, column in found.items()}
    footer = {**identity, "ARROW:schema": arrow_schema(described, {**identity, "description": table.description})}
    metadata = ", ".join(f"{quoted(key)}: {quoted(value)}" for key, value in footer.items())
    rows_of = f"(select * from {table.relation} where {'false' if withheld else 'true'})"
    connection.execute(
        f"copy (select * from {rows_of} order by {order}) to {quoted(str(path))}"
        f" (format parquet, compression zstd, kv_metadata {{{metadata}}})"
    )
    date_column = next((c for c in _DATE_COLUMNS if columns.get(c) == "DATE"), None)
    # The last date of a spell is its end; an open one has none yet.
    ends = [c for c in (date_column, _DATE_COLUMNS.get(date_column or "")) if c in columns]
    newest = "greatest(" + ", ".join(f'max("{c}")' for c in ends) + ")"
    bounds = f'min("{date_column}")::varchar, {newest}::varchar' if date_column else "null, null"
    rows, first, last = connection.execute(f"select count(*), {bounds} from {rows_of}").fetchall()[0]
    return PublishedTable(
        name=table.name, status="withheld" if withheld else "published", reason=withheld, rows=rows, columns=columns,
        never_null=never_null, key=list(table.key), date_column=date_column, first_date=first, last_date=last, **file_facts(path),
    )  # fmt: skip


def write_serving_copy(
    source: duckdb.DuckDBPyConnection,
    tables: Sequence[Table],
    published: Sequence[PublishedTable],
    path: Path,
    manifest: Mapping[str, Any],
) -> None:
    """Write all tables with comments, and the tables `release` and `readme`, to one file for DuckDB 1.0 and later."""
    with duckdb.connect() as connection:
        connection.execute(f"attach {quoted(str(path))} as serving (storage_version 'v1.0.0')")
        connection.execute("use serving")
        # One transaction, because there are hundreds of comments.
        connection.execute("begin")
        for table in tables:
            connection.execute(f"create table {table.name} as from read_parquet({quoted(f'{path.parent / table.name}.parquet')})")
            meanings = {name: column.meaning for name, column in _columns(source, table).items()}
            _comment(connection, table.name, table.description, meanings)
        facts = {key: manifest[key] for key in _RELEASE_COLUMNS}
        connection.execute(
            "create table release as select "
            + ", ".join(f"${key}::{kind} as {key}" for key, (kind, _) in _RELEASE_COLUMNS.items()),
            facts,
        )
        what_release_is = "One row: the identity of the release, its source, its last session and how far that is behind."
        _comment(connection, "release", what_release_is, {name: meaning for name, (_, meaning) in _RELEASE_COLUMNS.items()})
        _write_readme(connection, tables, published)
        connection.execute("commit")
        connection.execute("use memory")
        connection.execute("detach serving")


def _comment(connection: duckdb.DuckDBPyConnection, table: str, description: str, meanings: Mapping[str, str]) -> None:
    connection.execute(f"comment on table {table} is {quoted(description)}")
    for column, meaning in meanings.items():
        connection.execute(f'comment on column {table}."{column}" is {quoted(meaning)}')


def _write_readme(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table], published: Sequence[PublishedTable]) -> None:
    connection.execute("create table readme (" + ", ".join(f"{name} {kind}" for name, (kind, _) in _README_COLUMNS.items()) + ")")
    for table, facts in zip(tables, published, strict=True):
        row = [table.name, table.description, ", ".join(table.key), facts.rows, facts.first_date, facts.last_date]
        connection.execute("insert into readme values (?, ?, ?, ?, ?, ?, ?, ?)", [*row, facts.status, facts.reason])
    meanings = {name: meaning for name, (_, meaning) in _README_COLUMNS.items()}
    _comment(connection, "readme", "One row per table: start here.", meanings)


# The columns that date a row, in this order; of a spell, the first session and the last.
_DATE_COLUMNS = {
    "session": None, "as_of": None, "first_session": "last_session", "end_session": None, "date": None,
    "from_session": "to_session", "peak": None,
}  # fmt: skip


_README_COLUMNS = {
    "table_name": ("varchar", "Name of the table, and of its Parquet file."),
    "what_a_row_is": ("varchar", "What one row stands for, and the contents of the table."),
    "grain": ("varchar", "The key: columns that identify a row; rows are sorted by them."),
    "row_count": ("bigint", "Number of rows."),
    "first_date": ("date", "Earliest session or as-of date; NULL if the table has no dates."),
    "last_date": ("date", "Latest session or as-of date, of spells the latest end; NULL if the table has no dates."),
    "status": ("varchar", "published, or withheld: the table has its columns and no rows."),
    "reason": ("varchar", "Why the table is withheld; NULL if it is published."),
}


_RELEASE_COLUMNS = {
    "release_id": ("varchar", "Release id: the time of publication (UTC) as sortable text."),
    "contract_version": ("varchar", "Version of the published schema: the first number changes with breaking changes."),
    "source": ("varchar", "sample: simulated market; live: fetched from vendors; landing: a folder of documents."),
    "published_at": ("timestamp", "Time of publication (UTC)."),
    "known_at": ("timestamp", "The tables are as known at this time (UTC); NULL: everything known."),
    "last_session": ("date", "Last session with a final bar."),
    "sessions_behind": (
        "integer",
        "Sessions with a final close at the run's clock that the prices lack (table freshness); 0: current; NULL: no prices.",
    ),
    "run_id": ("varchar", "Id of the Dagster run that made the release."),
    "git_revision": ("varchar", "Git revision of the code, with + if the work tree differed; NULL outside a checkout."),
}


def write_data_dictionary(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[Table], published: Sequence[PublishedTable], path: Path
) -> None:
    """Write the data dictionary as Markdown: every published table and column with its meaning, from the warehouse's comments."""
    lines = ["# Data dictionary", ""]
    for table, facts in zip(tables, published, strict=True):
        lines += [f"## {table.name}", "", f"{table.description} Key: {', '.join(table.key)}. Rows: {facts.rows}.", ""]
        lines += [f"Withheld from this release: {facts.reason}.", ""] if facts.reason else []
        lines += ["| column | type | meaning |", "|---|---|---|"]
        lines += [f"| {name} | {column.kind} | {column.meaning} |" for name, column in _columns(connection, table).items()]
        lines.append("")
    path.write_text("\n".join(lines))


def quoted(text: str) -> str:
    """The text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def file_facts(path: Path) -> dict[str, Any]:
    """Name, size and SHA-256 of a file, for the manifest."""
    content = path.read_bytes()
    return {"file": path.name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

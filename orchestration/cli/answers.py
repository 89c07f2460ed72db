"""One SQL statement on a release, and its answer as a table, CSV, JSON, Parquet or Markdown."""

import difflib
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Any

import duckdb
from duckdb.sqltypes import DuckDBPyType

from orchestration.cli.console import Refused, WrongOption
from orchestration.files import write_atomically


class Format(StrEnum):
    """How an answer is written."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"
    markdown = "markdown"


_BY_SUFFIX = {".csv": Format.csv, ".json": Format.json, ".parquet": Format.parquet, ".md": Format.markdown, ".txt": Format.table}
_COPY = {
    Format.csv: "format csv, header true",
    Format.json: "format json, array true",
    Format.parquet: "format parquet, compression zstd",
}
# Rows that a terminal can still show. Elsewhere an answer is whole.
_ROWS_SHOWN = 1000
_EVERYTHING = 2**31 - 1
_SIMILAR = 0.6
_NUMBERS = {"float", "double", "decimal", "hugeint", "uhugeint"} | {
    f"{sign}{size}" for sign in ("", "u") for size in ("tinyint", "smallint", "integer", "bigint")
}


def format_of(chosen: Format | None, file: Path | None) -> Format:
    """The chosen format, or that of the file's suffix, or a table.

    Raises:
        Refused: Parquet needs a file; the suffix says nothing.
    """
    if chosen is None and file is not None:
        chosen = _BY_SUFFIX.get(file.suffix.lower())
        if chosen is None:
            raise WrongOption(
                f"{file}: the suffix {file.suffix!r} names no format: add --format, or use {', '.join(_BY_SUFFIX)}."
            )
    if chosen is Format.parquet and file is None:
        raise WrongOption("Parquet is binary: name a file with --output.")
    return chosen or Format.table


def ask(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyRelation | None:
    """The answer to one statement; None if the statement has none.

    Raises:
        Refused: it is not one statement, DuckDB refuses it, or it names a table that does not exist.
    """
    try:
        return connection.sql(one_statement(connection, query))
    except duckdb.CatalogException as error:
        raise Refused(_with_our_tables(connection, str(error))) from error
    except duckdb.Error as error:
        raise Refused(str(error)) from error


def one_statement(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.Statement:
    """The one statement in a text.

    Raises:
        Refused: there are several, there is none, or it is no SQL.
    """
    try:
        statements = connection.extract_statements(query)
    except duckdb.Error as error:
        raise Refused(str(error)) from error
    if len(statements) != 1:
        raise Refused(f"{len(statements) or 'No'} statements: give exactly one.")
    return statements[0]


def _with_our_tables(connection: duckdb.DuckDBPyConnection, message: str) -> str:
    """DuckDB's message; if a table is unknown, the tables that exist."""
    _, found, rest = message.partition("Table with name ")
    if not found:
        return message
    name = rest.partition(" does not exist")[0]
    ours = [table for (table,) in connection.execute("select table_name from duckdb_tables() order by table_name").fetchall()]
    similar = difflib.get_close_matches(name.lower(), ours, n=1, cutoff=_SIMILAR)
    hint = f" Did you mean {similar[0]}?" if similar else ""
    return f"There is no table {name}.{hint} The tables are {', '.join(ours)}. `select * from readme` says what they hold."


def text_of(answer: duckdb.DuckDBPyRelation, form: Format, *, width: int | None) -> str:
    """The answer as text.

    Args:
        width: columns of the terminal, to which a table is shortened; None: every row and column.
    """
    if form is Format.markdown:
        return markdown(answer.columns, answer.types, answer.fetchall())
    if form is Format.table:
        return _drawn(answer, width)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answer"
        _copy(answer, form, file)
        return file.read_text(encoding="utf-8")


def write(answer: duckdb.DuckDBPyRelation, form: Format, file: Path) -> None:
    """Write the whole answer to a file, atomically.

    Raises:
        Refused: it cannot be written.
    """
    if not file.parent.is_dir():
        raise Refused(f"{file.parent} is not a folder: choose another --output.")
    try:
        if form in _COPY:
            with tempfile.TemporaryDirectory(dir=file.parent) as folder:
                unfinished = Path(folder) / "answer"
                _copy(answer, form, unfinished)
                unfinished.replace(file)
        else:
            write_atomically(file, (text_of(answer, form, width=None) + "\n").encode())
    except OSError as error:  # it names the temporary file
        raise Refused(f"{file} cannot be written: {error.strerror or error}.") from error


class _Stream:
    """An answer as nothing but an Arrow stream, which another DuckDB connection reads."""

    def __init__(self, answer: duckdb.DuckDBPyRelation) -> None:
        self._answer = answer

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._answer.__arrow_c_stream__(requested_schema)


def _copy(answer: duckdb.DuckDBPyRelation, form: Format, file: Path) -> None:
    """Another connection writes the file: the one that runs the person's query has no access to files."""
    with duckdb.connect() as writer:
        writer.register("answer", _Stream(answer))
        try:
            writer.execute(f"copy (from answer) to '{str(file).replace(chr(39), chr(39) * 2)}' ({_COPY[form]})")
        except duckdb.Error as error:
            raise Refused(f"The answer cannot be written as {form.value}: {error}") from error


def _drawn(answer: duckdb.DuckDBPyRelation, width: int | None) -> str:
    """DuckDB's own drawing of a table."""
    import contextlib
    import io

    drawn = io.StringIO()
    with contextlib.redirect_stdout(drawn):
        if width is None:
            answer.show(max_rows=_EVERYTHING, max_width=_EVERYTHING, max_col_width=_EVERYTHING)
        else:
            answer.show(max_rows=_ROWS_SHOWN, max_width=width)
    table, _, foot = drawn.getvalue().rstrip("\n").rpartition("\n")
    if width is None:  # DuckDB does not count beyond 9 999 rows
        foot = foot.replace("? rows", f"{len(answer)} rows")
    return f"{table}\n{foot}"


def markdown(columns: list[str], types: list[DuckDBPyType], rows: list[tuple[Any, ...]]) -> str:
    """A Markdown table; numbers are aligned right, NULL is an empty cell."""
    numeric = [kind.id in _NUMBERS for kind in types]
    head = ["| " + " | ".join(columns) + " |", "|" + "|".join("---:" if right else "---" for right in numeric) + "|"]
    return "\n".join(head + ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows])


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")

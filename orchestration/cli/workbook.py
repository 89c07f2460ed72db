"""A release as one Excel workbook: a cover, one sheet per table, and the meaning of every column."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from orchestration.cli.console import Refused

# Excel's own limits.
MOST_ROWS = 1_048_576
_LONGEST_NAME = 31
_NARROWEST, _WIDEST = 8, 40
_NAMES = (
    "select table_name from duckdb_tables() where not internal order by case table_name when 'readme' then 0 when 'release'"
    " then 1 else 2 end, table_name"
)


def tables_in(connection: duckdb.DuckDBPyConnection, chosen: Sequence[str]) -> list[str]:
    """The chosen tables, or all.

    Raises:
        Refused: one does not exist.
    """
    known = [name for (name,) in connection.execute(_NAMES).fetchall()]
    absent = [name for name in chosen if name not in known]
    if absent:
        raise Refused(f"There is no table {absent[0]}. The tables are {', '.join(known)}.")
    return list(chosen) or known


def write_workbook(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[str],
    file: Path,
    manifest: dict[str, Any],
    progress: Callable[[str], None],
) -> None:
    """Write the workbook under a temporary name, then give it its own.

    Raises:
        Refused: a table has more rows than a sheet, or the file cannot be written.
    """
    for table in tables:
        [(rows,)] = connection.execute(f'select count(*) from "{table}"').fetchall()
        if rows >= MOST_ROWS:
            raise Refused(
                f"{table} has {rows:,} rows, more than the {MOST_ROWS:,} of a sheet: leave it out, or use its Parquet file."
            )
    unfinished = file.with_name(f".incoming-{file.name}")
    try:
        # Rows go to disk as they are written: a release has half a million of them.
        with xlsxwriter.Workbook(unfinished, {"constant_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
            _Writer(book, connection, manifest).write(tables, progress)
        unfinished.replace(file)
    except (OSError, FileCreateError) as error:  # it names the temporary file
        cause = error if isinstance(error, OSError) else error.args[0]
        raise Refused(f"{file} cannot be written: {cause.strerror or cause}.") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


class _Writer:
    def __init__(self, book: Any, connection: duckdb.DuckDBPyConnection, manifest: dict[str, Any]) -> None:
        self._book, self._connection, self._manifest = book, connection, manifest
        self._bold = book.add_format({"bold": True})
        self._head = book.add_format({"bold": True, "bottom": 1, "text_wrap": False})
        self._title = book.add_format({"bold": True, "font_size": 16})
        self._wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        self._top = book.add_format({"valign": "top"})
        self._time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})

    def write(self, tables: Sequence[str], progress: Callable[[str], None]) -> None:
        names = _sheet_names(tables)
        self._cover(tables, names)
        self._columns(tables)
        for table in tables:
            rows = self._table(table, names[table])
            progress(f"{table}: {rows:,} rows")

    def _cover(self, tables: Sequence[str], names: dict[str, str]) -> None:
        manifest, sheet = self._manifest, self._book.add_worksheet("cover")
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, 1, 12)
        sheet.set_column(2, 2, 100)
        sheet.write_string(0, 0, "Small-Cap Signal", self._title)
        facts = {
            "release": manifest["release_id"],
            "source": "SAMPLE: simulated market" if manifest["source"] == "sample" else manifest["source"],
            "prices to": manifest["last_session"] or "none",
            "published at (UTC)": manifest["published_at"][:19].replace("T", " "),
            "as known at (UTC)": manifest["known_at"] or "everything known",
            "contract version": manifest["contract_version"],
            "units": "Percentages are fractions, money is US dollars, rates are fractions a year. An empty cell is unknown or not"
            " applicable: the column says which.",
        }
        for line, (name, value) in enumerate(facts.items(), start=2):
            sheet.write_string(line, 0, name, self._bold)
            sheet.write_string(line, 1, str(value))
        first = len(facts) + 3
        for place, heading in enumerate(("table", "rows", "what a row is")):
            sheet.write_string(first, place, heading, self._head)
        about = {name: (text or "", rows) for name, text, rows in self._connection.execute(_ABOUT).fetchall()}
        for line, table in enumerate(tables, start=first + 1):
            text, rows = about[table]
            sheet.write_url(line, 0, f"internal:'{names[table]}'!A1", string=table)
            sheet.write_number(line, 1, rows, self._top)
            sheet.write_string(line, 2, text, self._wrapped)

    def _columns(self, tables: Sequence[str]) -> None:
        sheet = self._book.add_worksheet("columns")
        sheet.freeze_panes(1, 0)
        for place, width in enumerate((28, 28, 12, 100)):
            sheet.set_column(place, place, width)
        for place, heading in enumerate(("table", "column", "type", "meaning and unit")):
            sheet.write_string(0, place, heading, self._head)
        meanings = self._connection.execute(_COLUMNS, [list(tables)]).fetchall()
        for line, row in enumerate(meanings, start=1):
            for place, text in enumerate(row):
                sheet.write_string(line, place, text or "", self._wrapped if place == 3 else self._top)

    def _table(self, table: str, name: str) -> int:
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        answer = self._connection.execute(f'select * from "{table}"')
        columns = [column[0] for column in answer.description or []]
        rows = answer.fetchall()
        for place, column in enumerate(columns):
            longest = max((len(str(row[place])) for row in rows[:200] if row[place] is not None), default=0)
            sheet.set_column(place, place, min(max(len(column) + 2, longest + 1, _NARROWEST), _WIDEST))
            sheet.write_string(0, place, column, self._head)
        for line, row in enumerate(rows, start=1):
            for place, value in enumerate(row):
                self._cell(sheet, line, place, value)
        if rows:
            sheet.autofilter(0, 0, len(rows), len(columns) - 1)
        return len(rows)

    def _cell(self, sheet: Any, line: int, place: int, value: Any) -> None:
        """Text stays text, even if it looks like a formula or a number."""
        if value is None:
            return
        if isinstance(value, bool):
            sheet.write_boolean(line, place, value)
        elif isinstance(value, int | float):
            sheet.write_number(line, place, value)
        elif isinstance(value, datetime):
            sheet.write_datetime(line, place, value, self._time)
        elif isinstance(value, str):
            sheet.write_string(line, place, value)
        else:
            sheet.write_datetime(line, place, value)


_ABOUT = "select table_name, comment, estimated_size from duckdb_tables() where not internal"
_COLUMNS = (
    "select table_name, column_name, data_type, comment from duckdb_columns()"
    " where not internal and list_contains($1, table_name) order by table_name, column_index"
)


def _sheet_names(tables: Sequence[str]) -> dict[str, str]:
    """A name for each sheet: Excel allows 31 characters."""
    names: dict[str, str] = {}
    for table in tables:
        name = table[:_LONGEST_NAME]
        if name in names.values() or name in {"cover", "columns"}:
            name = f"{table[: _LONGEST_NAME - 3]}_{len(names)}"
        names[table] = name
    return names

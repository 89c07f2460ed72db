"""The tables of one release, read from its serving copy: the report uses only data that every reader of the release has."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

Row = dict[str, Any]
Columns = dict[str, list[Any]]


class ReleaseTables:
    """Read-only queries on the serving copy of a release."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._reasons: dict[str, str] = {}
        self._rows: dict[str, int] = dict(
            connection.execute("select table_name, estimated_size from duckdb_tables() where not internal").fetchall()
        )
        known = connection.execute("select 1 from duckdb_columns() where table_name = 'readme' and column_name = 'reason'")
        if known.fetchall():
            listed = connection.execute("select table_name, reason from readme where status = 'withheld'").fetchall()
            self._reasons = dict(listed)

    def unavailable(self, *marts: str) -> str | None:
        """One sentence about the marts that are withheld, absent or empty; None if all have rows."""
        withheld = {self._reasons[mart]: mart for mart in reversed(marts) if mart in self._reasons}
        absent = [mart for mart in marts if mart not in self._rows]
        empty = [mart for mart in marts if self._rows.get(mart) == 0 and mart not in self._reasons]
        parts = [f"{_listed(absent)} missing"] if absent else []
        parts += [f"{_listed(empty)} empty"] if empty else []
        said = [f"{mart} is withheld: {reason}" for reason, mart in withheld.items()]
        said += [" and ".join(parts)] if parts else []
        return f"Not available in this release: {'; '.join(said)}." if said else None

    def exists(self, mart: str) -> bool:
        """Whether the mart is in the release and not withheld, with or without rows."""
        return mart in self._rows and mart not in self._reasons

    def has(self, mart: str) -> bool:
        """Whether the mart exists and has at least one row."""
        return bool(self._rows.get(mart))

    def rows(self, query: str, *parameters: Any) -> list[Row]:
        """The result of a query as a list of dictionaries."""
        answer = self._connection.execute(query, list(parameters))
        names = [column[0] for column in answer.description or []]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def columns(self, query: str, *parameters: Any) -> Columns:
        """The result of a query by column, for charts."""
        answer = self._connection.execute(query, list(parameters))
        names = [column[0] for column in answer.description or []]
        rows = answer.fetchall()
        return {name: [row[place] for row in rows] for place, name in enumerate(names)}


@contextmanager
def release_tables(directory: Path) -> Iterator[ReleaseTables]:
    """Open the serving copy in the directory of a release, read-only."""
    with duckdb.connect(str(directory / "warehouse.duckdb"), read_only=True) as connection:
        yield ReleaseTables(connection)


def _listed(names: list[str]) -> str:
    text = ", ".join(names)
    return f"{text} {'is' if len(names) == 1 else 'are'}"

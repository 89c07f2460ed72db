"""Tables that publishing makes beside the marts: about releases, so dbt cannot make them. They are published like marts."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import polars as pl

from orchestration.publish.release_files import MADE_SCHEMA, Table, quoted
from orchestration.warehouse.connection import registered

_POLARS_TYPES = {
    "varchar": pl.String(), "date": pl.Date(), "integer": pl.Int32(), "boolean": pl.Boolean(), "double": pl.Float64(),
    "timestamp": pl.Datetime("us"),
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column's type, meaning with unit, and whether it may be NULL."""

    kind: str
    meaning: str
    may_be_null: bool = False


@dataclass(frozen=True)
class MadeTable:
    """The description of such a table. `reads` names the marts without which it is withheld."""

    name: str
    description: str
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    reads: frozenset[str] = frozenset()

    @property
    def table(self) -> Table:
        """The table to publish."""
        return Table(self.name, self.description, self.key, self.reads, MADE_SCHEMA)

    def create(self, connection: duckdb.DuckDBPyConnection, rows: pl.DataFrame | None = None) -> None:
        """Create the table with its comments in the connection's temporary database, which the warehouse's file never contains.

        Args:
            rows: columns by name, in any order; None leaves the table empty.
        """
        columns = [f"{name} {column.kind}{'' if column.may_be_null else ' not null'}" for name, column in self.columns.items()]
        connection.execute(f"create or replace temp table {self.name} ({', '.join(columns)})")
        for name, column in self.columns.items():
            connection.execute(f"comment on column {MADE_SCHEMA}.{self.name}.{name} is {quoted(column.meaning)}")
        if rows is not None and not rows.is_empty():
            with registered(connection, "rows_of_made_table", rows):
                connection.execute(f"insert into {MADE_SCHEMA}.{self.name} by name select * from rows_of_made_table")


def schema_of(table: MadeTable) -> dict[str, pl.DataType]:
    """The columns with their types as polars has them."""
    return {name: _POLARS_TYPES[column.kind] for name, column in table.columns.items()}

"""The tables of the warehouse: rows, columns, and which ones are withheld."""

from typing import Any

from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.withholding import withheld_tables

Columns = dict[tuple[str, str], dict[str, dict[str, str]]]
DESCRIBED_COLUMNS = (
    "select schema_name, table_name, column_name, data_type, coalesce(comment, '') from duckdb_columns() where not internal"
    " order by schema_name, table_name, column_index"
)


def row_counts(warehouse: Warehouse) -> dict[tuple[str, str], int]:
    """The number of rows of every table outside raw, by schema and name; views are not counted."""
    tables = warehouse.ask("select schema_name, table_name from duckdb_tables() where schema_name <> 'raw'")
    if not tables:
        return {}
    counts = " union all ".join(f"select '{s}', '{t}', count(*) from {s}.{t}" for s, t in tables)
    return {(schema, table): rows for schema, table, rows in warehouse.ask(counts)}


def withheld(warehouse: Warehouse) -> dict[str, str]:
    """The reason by withheld table, from the last build."""
    with warehouse.connect() as connection:
        return withheld_tables(connection)


def columns(warehouse: Warehouse) -> Columns:
    """Type and comment of each column by name, of every table and view, by schema and name."""
    return described(warehouse.ask(DESCRIBED_COLUMNS))


def described(rows: list[tuple[Any, ...]]) -> Columns:
    found: Columns = {}
    for schema, table, column, data_type, comment in rows:
        found.setdefault((schema, table), {})[column] = {"data_type": data_type, "description": comment}
    return found

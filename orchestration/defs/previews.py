"""Tables as Markdown for the Dagster UI."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.warehouse.catalog import DESCRIBED_COLUMNS, described
from orchestration.warehouse.connection import Warehouse


def recent_rejects(warehouse: Warehouse, most: int = 20) -> str:
    """The newest rejects as a Markdown table."""
    query = (
        "select path, line, rejects.reason, left(rejects.content, 80) from raw.rejects join raw.documents using (document_id)"
        " order by retrieved_at desc, path, line limit ?"
    )
    return markdown_table(["document", "line", "reason", "begins with"], warehouse.ask(query, most))


def markdown_table(columns: list[str], rows: list[tuple[Any, ...]], longest: int = 80) -> str:
    """Rows as a Markdown table, with text truncated at `longest` characters; markup in vendors' text is escaped."""
    heads, *body = [[_as_markdown(cell, longest) for cell in row] for row in (columns, *rows)]
    lines = [heads, ["---"] * len(columns), *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _as_markdown(cell: object, longest: int) -> str:
    if cell is None:
        return ""
    text = f"{cell:.6g}" if isinstance(cell, float) else " ".join(str(cell)[:longest].split())
    return "".join(f"&#{ord(char)};" if char in "|<>&`*_[]!\\" else char for char in text)


def mart_previews(warehouse: Warehouse) -> dict[tuple[str, str], str]:
    """The last rows of each mart as a Markdown table, by schema and name."""
    tables = warehouse.ask("select schema_name, table_name from duckdb_tables() where schema_name = 'marts'")
    with warehouse.connect() as connection:
        return {(schema, table): last_rows(connection, f"{schema}.{table}") for schema, table in tables}


def last_rows(connection: duckdb.DuckDBPyConnection, table: str, most: int = 5) -> str:
    """The last rows of a table as Markdown."""
    rows = connection.execute(f"select * from {table} order by all desc limit {most}").fetchall()
    return markdown_table([column[0] for column in connection.description or []], rows)


@dataclass(frozen=True)
class Published:
    """A published table: type and comment of each column by name, and its last rows as Markdown."""

    columns: dict[str, dict[str, str]]
    last_rows: str


def published_tables(serving_copy: Path) -> dict[str, Published]:
    """The columns and last rows of each table of the serving copy."""
    with duckdb.connect(str(serving_copy), read_only=True) as connection:
        tables = described(connection.execute(DESCRIBED_COLUMNS).fetchall())
        return {table: Published(columns, last_rows(connection, table)) for (_, table), columns in tables.items()}

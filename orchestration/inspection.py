"""Short questions to the warehouse, for metadata, checks and vendors. Reads only; every answer is small."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from orchestration.fetches import Fetch, failing
from orchestration.market_calendar import FINAL_BAR_DELAY
from orchestration.raw.review import Waiting, waiting
from orchestration.warehouse import Warehouse, frame_of
from orchestration.withholding import withheld_tables

_NEWEST = {
    "sessions": "max(session)", "price_bars": "max(session)", "corporate_actions": "max(ex_date)", "holdings": "max(as_of)",
    "fund_facts": "max(as_of)", "rates": "max(date)", "documents": "max(retrieved_at)", "rejects": "null",
    "fetches": "max(attempted_at)",
}  # fmt: skip


def _ask(warehouse: Warehouse, question: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with warehouse.connect() as connection:
        return connection.execute(question, parameters).fetchall()


def extent(warehouse: Warehouse, table: str) -> tuple[int, date | datetime | None]:
    """Rows of a raw table, and its newest date."""
    rows, newest = _ask(warehouse, f"select count(*), {_NEWEST[table]} from raw.{table}")[0]
    return rows, newest


def row_counts(warehouse: Warehouse) -> dict[tuple[str, str], int]:
    """Rows of every table right of raw, by schema and name; views are not counted."""
    tables = _ask(warehouse, "select schema_name, table_name from duckdb_tables() where schema_name <> 'raw'")
    if not tables:
        return {}
    counts = " union all ".join(f"select '{s}', '{t}', count(*) from {s}.{t}" for s, t in tables)
    return {(schema, table): rows for schema, table, rows in _ask(warehouse, counts)}


def withheld(warehouse: Warehouse) -> dict[str, str]:
    """By table name, why the last build says that no release may hold it."""
    with warehouse.connect() as connection:
        return withheld_tables(connection)


def known_bars(warehouse: Warehouse, symbol: str) -> pl.DataFrame:
    """The last known bars of a symbol, oldest first: session, close, vendor_adj_close, volume."""
    warehouse.prepare()
    with warehouse.connect() as connection:
        return frame_of(
            connection.sql(
                "select session, close, vendor_adj_close, volume from raw.price_bars where symbol = $symbol"
                " qualify row_number() over (partition by session order by observed_at desc, document_id desc) = 1"
                " order by session",
                params={"symbol": symbol},
            )
        )


def last_final_session(warehouse: Warehouse, at: datetime) -> date | None:
    """The newest session whose closing bar is final at that moment (UTC)."""
    latest_close = (at - FINAL_BAR_DELAY).replace(tzinfo=None)
    answer: date | None = _ask(warehouse, "select max(session) from raw.sessions where closes_at <= ?", latest_close)[0][0]
    return answer


def newest_bars(warehouse: Warehouse) -> list[tuple[str, date]]:
    """Each symbol's newest session."""
    return _ask(warehouse, "select symbol, max(session) from raw.price_bars group by symbol order by symbol")


def newest_snapshots(warehouse: Warehouse) -> list[tuple[str, date]]:
    """Each fund's newest as-of date."""
    return _ask(warehouse, "select fund, max(as_of) from raw.holdings group by fund order by fund")


def rejected_documents(warehouse: Warehouse) -> list[tuple[str, str]]:
    """Path and reason of each document that was rejected whole."""
    return _ask(warehouse, "select path, reason from raw.documents where status = 'rejected' order by path")


def failed_fetches(warehouse: Warehouse) -> list[Fetch]:
    """The last request of each document that failed."""
    with warehouse.connect() as connection:
        return failing(connection)


def quarantined_documents(warehouse: Warehouse) -> list[Waiting]:
    """Every document in quarantine, whole or in part."""
    with warehouse.connect() as connection:
        return waiting(connection)


def reject_reasons(warehouse: Warehouse) -> list[tuple[str, int]]:
    """Reasons for rejected lines with their counts, most frequent first."""
    question = (
        "select reason, count(*) from raw.rejects where line is not null and outcome = 'rejected'"
        " group by reason order by count(*) desc, reason"
    )
    return _ask(warehouse, question)


def recent_rejects(warehouse: Warehouse, most: int = 20) -> str:
    """The newest rejects as a markdown table."""
    question = (
        "select path, line, rejects.reason, left(rejects.content, 80) from raw.rejects join raw.documents using (document_id)"
        " order by retrieved_at desc, path, line limit ?"
    )
    return markdown_table(["document", "line", "reason", "begins with"], _ask(warehouse, question, most))


def markdown_table(columns: list[str], rows: list[tuple[Any, ...]], longest: int = 80) -> str:
    """Rows for the UI, each text cut at so many characters; text from vendors' files is shown, never interpreted."""
    heads, *body = [[_as_markdown(cell, longest) for cell in row] for row in (columns, *rows)]
    lines = [heads, ["---"] * len(columns), *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _as_markdown(cell: object, longest: int) -> str:
    if cell is None:
        return ""
    text = f"{cell:.6g}" if isinstance(cell, float) else " ".join(str(cell)[:longest].split())
    return "".join(f"&#{ord(sign)};" if sign in "|<>&`*_[]!\\" else sign for sign in text)


def columns(warehouse: Warehouse) -> dict[tuple[str, str], dict[str, dict[str, str]]]:
    """Type and comment of each column by name, of every table and view, by schema and name."""
    return _described(_ask(warehouse, _COLUMNS))


def _described(rows: list[tuple[Any, ...]]) -> dict[tuple[str, str], dict[str, dict[str, str]]]:
    found: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
    for schema, table, column, data_type, comment in rows:
        found.setdefault((schema, table), {})[column] = {"data_type": data_type, "description": comment}
    return found


_COLUMNS = (
    "select schema_name, table_name, column_name, data_type, coalesce(comment, '') from duckdb_columns() where not internal"
    " order by schema_name, table_name, column_index"
)


def mart_previews(warehouse: Warehouse) -> dict[tuple[str, str], str]:
    """The last rows of each mart as a markdown table, by schema and name."""
    tables = _ask(warehouse, "select schema_name, table_name from duckdb_tables() where schema_name = 'marts'")
    with warehouse.connect() as connection:
        return {(schema, table): last_rows(connection, f"{schema}.{table}") for schema, table in tables}


def last_rows(connection: duckdb.DuckDBPyConnection, table: str, most: int = 5) -> str:
    """The last rows of a table as markdown."""
    rows = connection.execute(f"select * from {table} order by all desc limit {most}").fetchall()
    return markdown_table([column[0] for column in connection.description or []], rows)


@dataclass(frozen=True)
class Published:
    """A published table: type and comment of each column by name, and its last rows as markdown."""

    columns: dict[str, dict[str, str]]
    last_rows: str


def published_tables(serving_copy: Path) -> dict[str, Published]:
    """What the serving copy says of each of its tables."""
    with duckdb.connect(str(serving_copy), read_only=True) as connection:
        tables = _described(connection.execute(_COLUMNS).fetchall())
        return {table: Published(columns, last_rows(connection, table)) for (_, table), columns in tables.items()}


def missing_sessions(warehouse: Warehouse) -> list[tuple[str, date]]:
    """Fund and session of each gap in the bars."""
    return _ask(warehouse, "select fund, session from intermediate.int_missing_sessions order by session, fund")


def unexplained_restatements(warehouse: Warehouse) -> list[tuple[str, date, str, float, float]]:
    """Symbol, session, field, value before and after of each settled bar that changed without a dividend or split."""
    question = (
        "select symbol, session, field, value_before, value_after from intermediate.int_price_restatements"
        " where cause = 'unexplained' order by session desc, symbol"
    )
    return _ask(warehouse, question)


def sector_coverage(warehouse: Warehouse) -> list[tuple[str, float]]:
    """Share of the equity weight with a known sector, of each fund's newest snapshot."""
    return _ask(
        warehouse,
        "select fund, max_by(coalesce(coverage, 0), as_of) from marts.sector_coverage group by fund order by fund",
    )


def data_warnings(warehouse: Warehouse) -> list[tuple[str, str, int, date]]:
    """Symbol, check, count and last day of each finding that a person should look at."""
    question = (
        "select symbol, check_name, findings, last_found_on from marts.data_quality"
        " where severity = 'warning' order by table_name, check_name, symbol"
    )
    return _ask(warehouse, question)

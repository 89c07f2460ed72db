"""The outcome of every request to a vendor, in `raw.fetches`, so that failures are in a table."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import duckdb


@dataclass(frozen=True)
class Fetch:
    """One request for a document: `outcome` is new, unchanged or failed; `attempted_at` is UTC, without zone."""

    vendor: str
    kind: str
    symbol: str
    attempted_at: datetime
    outcome: str
    reason: str | None


def record(connection: duckdb.DuckDBPyConnection, fetches: Iterable[Fetch]) -> None:
    """Append the outcomes of requests."""
    rows = [list(vars(fetch).values()) for fetch in fetches]
    if rows:
        connection.executemany("insert into raw.fetches values (?, ?, ?, ?, ?, ?)", rows)


def failing(connection: duckdb.DuckDBPyConnection) -> list[Fetch]:
    """Documents whose last request failed; none if the warehouse has no `raw.fetches` yet.

    Members' prices are left out: there, some dead tickers are usual, and `member_coverage` names them.
    """
    known = "select 1 from duckdb_tables() where schema_name = 'raw' and table_name = 'fetches'"
    if not connection.execute(known).fetchall():
        return []
    last = "row_number() over (partition by vendor, kind, symbol order by attempted_at desc, rowid desc) = 1"
    of_documents = "kind <> 'member_prices' or symbol = 'US'"
    rows = connection.execute(
        f"select * from (from raw.fetches where {of_documents} qualify {last}) where outcome = 'failed'"
        " order by vendor, kind, symbol"
    ).fetchall()
    return [Fetch(*row) for row in rows]

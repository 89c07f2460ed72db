"""Short queries on the raw tables, for metadata, checks and vendors."""

from datetime import date, datetime

import polars as pl

from orchestration.frames import frame_of
from orchestration.market_calendar import FINAL_BAR_DELAY
from orchestration.raw.fetches import Fetch, failing
from orchestration.raw.review import QuarantinedDocument, documents_in_quarantine
from orchestration.warehouse.connection import Warehouse

_NEWEST = {
    "sessions": "max(session)", "price_bars": "max(session)", "corporate_actions": "max(ex_date)", "holdings": "max(as_of)",
    "fund_facts": "max(as_of)", "rates": "max(date)", "factors": "max(date)", "documents": "max(retrieved_at)", "rejects": "null",
    "fetches": "max(attempted_at)",
}  # fmt: skip


def extent(warehouse: Warehouse, table: str) -> tuple[int, date | datetime | None]:
    """The number of rows of a raw table, and its newest date."""
    rows, newest = warehouse.ask(f"select count(*), {_NEWEST[table]} from raw.{table}")[0]
    return rows, newest


def documents_of_kind(warehouse: Warehouse, kind: str) -> int:
    """The number of documents of a kind in the ledger, whatever became of them."""
    count: int = warehouse.ask("select count(*) from raw.documents where kind = ?", kind)[0][0]
    return count


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
    """The newest session whose closing bar is final at `at` (UTC)."""
    latest_close = (at - FINAL_BAR_DELAY).replace(tzinfo=None)
    answer: date | None = warehouse.ask("select max(session) from raw.sessions where closes_at <= ?", latest_close)[0][0]
    return answer


def newest_bars(warehouse: Warehouse) -> list[tuple[str, date]]:
    """Each symbol's newest session."""
    return warehouse.ask("select symbol, max(session) from raw.price_bars group by symbol order by symbol")


def newest_snapshots(warehouse: Warehouse) -> list[tuple[str, date]]:
    """Each fund's newest as-of date."""
    return warehouse.ask("select fund, max(as_of) from raw.holdings group by fund order by fund")


def rejected_documents(warehouse: Warehouse) -> list[tuple[str, str]]:
    """Path and reason of each rejected document."""
    return warehouse.ask("select path, reason from raw.documents where status = 'rejected' order by path")


def failed_fetches(warehouse: Warehouse) -> list[Fetch]:
    """Documents whose last request failed."""
    with warehouse.connect() as connection:
        return failing(connection)


def quarantined_documents(warehouse: Warehouse) -> list[QuarantinedDocument]:
    """Every document in quarantine, whole or in part."""
    with warehouse.connect() as connection:
        return documents_in_quarantine(connection)


def reject_reasons(warehouse: Warehouse) -> list[tuple[str, int]]:
    """Reasons of rejected lines with their counts, most frequent first."""
    question = (
        "select reason, count(*) from raw.rejects where line is not null and outcome = 'rejected'"
        " group by reason order by count(*) desc, reason"
    )
    return warehouse.ask(question)

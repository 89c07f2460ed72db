"""Short queries on the raw tables, for metadata, checks and vendors."""

from datetime import UTC, date, datetime

import polars as pl

from orchestration.frames import frame_of
from orchestration.market_calendar import FINAL_BAR_DELAY
from orchestration.raw.fetches import Fetch, failing
from orchestration.raw.observations import KNOWN_SESSIONS
from orchestration.raw.review import QuarantinedDocument, documents_in_quarantine
from orchestration.warehouse.connection import Warehouse

_NEWEST = {
    "sessions": "max(session)", "price_bars": "max(session)", "member_bars": "max(session)", "corporate_actions": "max(ex_date)",
    "holdings": "max(as_of)", "market_caps": "max(as_of)",
    "fund_facts": "max(as_of)", "rates": "max(date)", "factors": "max(date)",
    "fund_quotes": "max(session)", "option_expirations": "max(session)", "option_quotes": "max(session)",
    "documents": "max(retrieved_at)", "rejects": "null",
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


def incomplete_quotes(warehouse: Warehouse, option_days: int) -> set[str]:
    """The paths of the documents of quotes that were not accepted, of which the fund's own quote was not used, or of which an
    expiration up to so many days ahead was not read."""
    warehouse.prepare()
    question = (
        "select path from raw.documents where kind = 'quotes' and (status <> 'accepted' or rows_accepted = 0 or document_id in"
        " (select document_id from raw.option_expirations where not is_read and expiration <= session + $1::integer))"
    )
    return {path for (path,) in warehouse.ask(question, option_days)}


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


def member_symbols(warehouse: Warehouse, funds: list[str], equity_labels: list[str]) -> list[str]:
    """The tickers in the newest snapshots of the funds, and of earlier members those whose bars end before the last snapshot that
    has them, unless the vendor has answered since; in Yahoo's spelling.

    Of a share class, issuers write BRKB, BRK.B or BRK B: a spelling that separates the class is preferred.

    Args:
        funds: whose holdings name the members.
        equity_labels: the asset classes that are equities; lines without one count too.
    """
    rows = warehouse.ask(
        """
        with lines as (
            select distinct fund, as_of, upper(trim(ticker)) as ticker from raw.holdings
            where fund in (select unnest($1)) and (asset_class_label is null or asset_class_label in (select unnest($2)))
        ), spelt as (
            select *, regexp_replace(ticker, '[./ -]+', '-', 'g') as symbol, regexp_replace(ticker, '[./ -]+', '', 'g') as letters
            from lines where regexp_matches(ticker, '^[A-Z]+([./ -]+[A-Z]+)?$')
        ), named as (
            select letters, coalesce(min(symbol) filter (symbol <> letters), letters) as symbol,
                bool_or(as_of = newest.last) as is_current, max(as_of) as last_held
            from spelt inner join (select fund, max(as_of) as last from lines group by fund) as newest using (fund)
            group by letters
        ), priced as (
            select symbol, max(session) as last_priced from raw.member_bars group by symbol
        ), answered as (
            select symbol, cast(max(attempted_at) as date) as last_answered from raw.fetches
            where kind = 'member_prices' and outcome <> 'failed' group by symbol
        )
        select symbol from named left join priced using (symbol) left join answered using (symbol)
        where is_current or not coalesce(last_priced >= last_held or last_answered > last_held, false)
        order by symbol
        """,
        funds, equity_labels,
    )  # fmt: skip
    return [symbol for (symbol,) in rows]


def known_member_bars(warehouse: Warehouse, sessions: int) -> dict[str, pl.DataFrame]:
    """The last known bars of each member's symbol, oldest first: session, close."""
    with warehouse.connect() as connection:
        bars = frame_of(
            connection.sql(
                "with known as (select symbol, session, close from raw.member_bars"
                " qualify row_number() over (partition by symbol, session order by observed_at desc, document_id desc) = 1)"
                " select * from known qualify row_number() over (partition by symbol order by session desc) <= $sessions"
                " order by symbol, session",
                params={"sessions": sessions},
            )
        )
    return {str(symbol): frame.drop("symbol") for (symbol,), frame in bars.group_by("symbol", maintain_order=True)}


def member_failures(warehouse: Warehouse) -> list[tuple[str, int, date]]:
    """Each member's symbol that failed since its last success: on how many days, and on which day last."""
    return warehouse.ask(
        "with asked as (select symbol, attempted_at, outcome, max(attempted_at) filter (outcome <> 'failed')"
        " over (partition by symbol) as succeeded_at from raw.fetches where kind = 'member_prices')"
        " select symbol, count(distinct attempted_at::date), max(attempted_at)::date from asked"
        " where outcome = 'failed' and (succeeded_at is null or attempted_at > succeeded_at) group by symbol order by symbol"
    )


def last_final_session(warehouse: Warehouse, at: datetime) -> date | None:
    """The newest session whose closing bar is final at `at` (UTC)."""
    latest_close = (at - FINAL_BAR_DELAY).replace(tzinfo=None)
    answer: date | None = warehouse.ask(f"select max(session) from {KNOWN_SESSIONS} where closes_at <= ?", latest_close)[0][0]
    return answer


def last_final_at(warehouse: Warehouse, at: datetime) -> datetime | None:
    """When the newest closing bar that is final at `at` became final (UTC)."""
    latest_close = (at - FINAL_BAR_DELAY).replace(tzinfo=None)
    [(closed,)] = warehouse.ask(f"select max(closes_at) from {KNOWN_SESSIONS} where closes_at <= ?", latest_close)
    return (closed + FINAL_BAR_DELAY).replace(tzinfo=UTC) if closed else None


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

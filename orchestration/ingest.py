"""Documents into raw: read, parse, part good rows from bad, append, and write the ledger, one transaction a document."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby

import duckdb
import polars as pl

from orchestration.contracts import RAW_TABLES, REJECT_COLUMNS
from orchestration.landing import Document, content_hash
from orchestration.reading import naive_utc, read_rows
from orchestration.universe import Fund
from orchestration.vendors.base import DocumentRejected
from orchestration.warehouse import append_observations, frame_of, registered, withdraw_document

_log = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Outcome:
    """What became of one document: its row of the ledger."""

    document_id: str
    path: str
    sha256: str
    vendor: str
    kind: str
    symbol: str
    as_of: date | None
    retrieved_at: datetime | None
    rows_accepted: int
    rows_rejected: int
    status: str
    reason: str | None


DOCUMENTS_A_COMMIT = 20


def ingest(
    connection: duckdb.DuckDBPyConnection,
    documents: Iterable[Document],
    *,
    universe: dict[str, Fund],
    progress: Callable[[str], None] = _log.info,
) -> list[Outcome]:
    """Take in every document that the ledger does not hold as accepted, oldest retrieval first.

    A document older than one already accepted for the same symbol arrives late: the later ones are then read again, so that
    the tables end as if all had come in order. A rejected document is tried again on every run: its cause may be cured.

    Args:
        connection: to a prepared warehouse; documents of the calendar must be ingested before prices.
        documents: in any order.

    Returns:
        One outcome a document that was read, in reading order.
    """
    sessions = _known_sessions(connection)
    ledger = connection.execute("select document_id from raw.documents where status = 'accepted'").fetchall()
    accepted = {document_id for (document_id,) in ledger}
    outcomes: list[Outcome] = []
    late: set[tuple[str, str, str]] = set()
    with _transactions(connection) as written:
        for document, content in _in_order(documents):
            group = (document.vendor, document.kind, document.symbol)
            known = _document_id(document, content) in accepted
            if known and group not in late:
                continue
            outcome = _ingest_one(connection, document, content, sessions, universe)
            written()
            if outcome.status == "accepted":
                late.add(group)
            because = f" ({outcome.reason})" if outcome.reason else ""
            progress(f"{outcome.path}: {outcome.status}, {outcome.rows_accepted} rows{because}")
            outcomes.append(outcome)
    return outcomes


@contextmanager
def _transactions(connection: duckdb.DuckDBPyConnection) -> Iterator[Callable[[], None]]:
    """A document's rows and its line in the ledger are committed together, some documents at a time: each commit waits for the
    disk. What a killed run has not committed, the next one reads again.

    Gives the function to call after each document.
    """
    waiting = 0

    def written() -> None:
        nonlocal waiting
        waiting += 1
        if waiting == DOCUMENTS_A_COMMIT:
            connection.commit()
            connection.begin()
            waiting = 0

    connection.begin()
    try:
        yield written
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _known_sessions(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    newest = "qualify row_number() over (partition by session order by observed_at desc, document_id desc) = 1 order by session"
    return frame_of(connection.sql(f"select session, opens_at, closes_at from raw.sessions {newest}"))


def _in_order(documents: Iterable[Document]) -> Iterator[tuple[Document, bytes]]:
    """In the order of the observations: by retrieval, and by document within one second."""

    def second(document: Document) -> datetime:
        return document.retrieved_at or _EPOCH

    for _, same_second in groupby(sorted(documents, key=second), key=second):
        read = [(document, document.read()) for document in same_second]
        yield from sorted(read, key=lambda pair: _document_id(*pair))


def _document_id(document: Document, content: bytes) -> str:
    return content_hash(f"{document.key}\n{content_hash(content)}".encode())[:16]


def _ingest_one(
    connection: duckdb.DuckDBPyConnection, document: Document, content: bytes, sessions: pl.DataFrame, universe: dict[str, Fund]
) -> Outcome:
    sha256, document_id = content_hash(content), _document_id(document, content)
    try:
        parsed, rows, rejects = read_rows(connection, document, content, sha256, sessions, universe)
    except DocumentRejected as rejection:
        reason = str(rejection)
        whole = pl.DataFrame([(None, reason, content[:500].decode("utf-8", "replace"))], schema=REJECT_COLUMNS, orient="row")
        outcome = _outcome(document, document_id, sha256, as_of=None, accepted=0, rejected=0, reason=reason)
        if not _is_in_ledger(connection, outcome):
            _write(connection, outcome, {}, whole)
        return outcome
    outcome = _outcome(
        document, document_id, sha256, as_of=parsed.as_of, accepted=rows[parsed.main].height, rejected=rejects.height, reason=None
    )
    _write(connection, outcome, rows, rejects)
    return outcome


def _outcome(
    document: Document, document_id: str, sha256: str, *, as_of: date | None, accepted: int, rejected: int, reason: str | None
) -> Outcome:
    return Outcome(
        document_id=document_id,
        path=document.key,
        sha256=sha256,
        vendor=document.vendor,
        kind=document.kind,
        symbol=document.symbol,
        as_of=as_of,
        retrieved_at=naive_utc(document.retrieved_at),
        rows_accepted=accepted,
        rows_rejected=rejected,
        status="rejected" if reason else "accepted",
        reason=reason,
    )


def _write(connection: duckdb.DuckDBPyConnection, outcome: Outcome, rows: dict[str, pl.DataFrame], rejects: pl.DataFrame) -> None:
    if outcome.status == "rejected":
        _withdraw_if_accepted_before(connection, outcome.document_id)
    for name, frame in rows.items():
        assert outcome.retrieved_at is not None  # a document without a retrieval time is rejected whole
        append_observations(
            connection, RAW_TABLES[name], frame, observed_at=outcome.retrieved_at, document_id=outcome.document_id
        )
    connection.execute("delete from raw.rejects where document_id = ?", [outcome.document_id])
    if rejects.height:
        with registered(connection, "rejected", rejects):
            connection.execute("insert into raw.rejects select ?, line, reason, content from rejected", [outcome.document_id])
    columns = list(vars(outcome))
    connection.execute(
        f"insert or replace into raw.documents ({', '.join(columns)}) values ({', '.join('?' * len(columns))})",
        list(vars(outcome).values()),
    )


def _is_in_ledger(connection: duckdb.DuckDBPyConnection, outcome: Outcome) -> bool:
    """Whether an earlier run came to the same end: then there is nothing to write."""
    same = "select 1 from raw.documents where document_id = ? and status = ? and reason is not distinct from ?"
    return connection.execute(same, [outcome.document_id, outcome.status, outcome.reason]).fetchone() is not None


def _withdraw_if_accepted_before(connection: duckdb.DuckDBPyConnection, document_id: str) -> None:
    before = connection.execute("select 1 from raw.documents where document_id = ? and status = 'accepted'", [document_id])
    if before.fetchone():
        withdraw_document(connection, document_id)

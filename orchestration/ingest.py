"""Documents into raw: read, parse, part good rows from bad, append, and write the ledger, one transaction a document."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from itertools import groupby

import duckdb
import polars as pl

from orchestration import ledger
from orchestration.contracts import RAW_TABLES, REJECT_COLUMNS
from orchestration.landing import Document, content_hash
from orchestration.ledger import Outcome
from orchestration.reading import Reading, read_document
from orchestration.universe import Fund
from orchestration.vendors.base import DocumentRejected
from orchestration.warehouse import append_observations, frame_of, registered, withdraw_document

_log = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

DOCUMENTS_A_COMMIT = 20
DOCUMENTS_AHEAD = 4


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
    accepted = ledger.accepted_documents(connection)
    outcomes: list[Outcome] = []
    late: set[tuple[str, str, str]] = set()
    read = partial(read_document, sessions=sessions, universe=universe)
    with _transactions(connection) as written:
        for document, content, reading in _read_ahead(_in_order(documents), accepted, read):
            group = (document.vendor, document.kind, document.symbol)
            if reading is None and group not in late:
                continue
            outcome = _take_in(connection, document, content, reading.result if reading else partial(read, document, content))
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


def _read_ahead(
    documents: Iterable[tuple[Document, bytes]], accepted: set[str], read: Callable[[Document, bytes], Reading]
) -> Iterator[tuple[Document, bytes, Future[Reading] | None]]:
    """In the same order, each document that was never taken in with its reading, begun while those before it are written."""
    waiting: deque[tuple[Document, bytes, Future[Reading] | None]] = deque()
    with ThreadPoolExecutor(max_workers=1) as reader:
        for document, content in documents:
            known = _document_id(document, content) in accepted
            waiting.append((document, content, None if known else reader.submit(read, document, content)))
            if len(waiting) > DOCUMENTS_AHEAD:
                yield waiting.popleft()
        yield from waiting


def _take_in(
    connection: duckdb.DuckDBPyConnection, document: Document, content: bytes, reading_of: Callable[[], Reading]
) -> Outcome:
    sha256, document_id = content_hash(content), _document_id(document, content)
    try:
        ledger.refuse_changed(connection, document, sha256)
        reading = reading_of()
        ledger.refuse_step_back(connection, document, reading)
    except DocumentRejected as rejection:
        reason = str(rejection)
        whole = pl.DataFrame([(None, reason, content[:500].decode("utf-8", "replace"))], schema=REJECT_COLUMNS, orient="row")
        outcome = _outcome(document, document_id, sha256, as_of=None, accepted=0, rejected=0, reason=reason)
        if not ledger.holds(connection, outcome):
            _write(connection, outcome, {}, whole)
        return outcome
    accepted, rejected = reading.rows[reading.main].height, reading.rejects.height
    outcome = _outcome(document, document_id, sha256, as_of=reading.as_of, accepted=accepted, rejected=rejected, reason=None)
    _write(connection, outcome, reading.rows, reading.rejects)
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
        retrieved_at=ledger.naive_utc(document.retrieved_at),
        rows_accepted=accepted,
        rows_rejected=rejected,
        status="rejected" if reason else "accepted",
        reason=reason,
    )


def _write(connection: duckdb.DuckDBPyConnection, outcome: Outcome, rows: dict[str, pl.DataFrame], rejects: pl.DataFrame) -> None:
    if outcome.status == "rejected" and ledger.was_accepted(connection, outcome.document_id):
        withdraw_document(connection, outcome.document_id)
    for name, frame in rows.items():
        assert outcome.retrieved_at is not None  # a document without a retrieval time is rejected whole
        append_observations(
            connection, RAW_TABLES[name], frame, observed_at=outcome.retrieved_at, document_id=outcome.document_id
        )
    connection.execute("delete from raw.rejects where document_id = ?", [outcome.document_id])
    if rejects.height:
        with registered(connection, "rejected", rejects):
            connection.execute("insert into raw.rejects select ?, line, reason, content from rejected", [outcome.document_id])
    ledger.write(connection, outcome)

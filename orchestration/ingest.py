"""Documents into raw: read, parse, part good rows from bad, append, and write the ledger, some documents a transaction."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, partial
from itertools import groupby

import duckdb
import polars as pl

from orchestration import ledger
from orchestration.contracts import RAW_TABLES, REJECT_COLUMNS, RawTable
from orchestration.landing import Document, content_hash
from orchestration.ledger import Outcome
from orchestration.reading import Reading, read_document
from orchestration.universe import Fund
from orchestration.vendors.base import DocumentRejected
from orchestration.warehouse import append_observations, frame_of, registered, stamped, withdraw_document

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
    connection.execute("set threads = 1")  # the other core reads the next documents
    sessions = _known_sessions(connection)
    accepted = ledger.accepted_documents(connection)
    outcomes: list[Outcome] = []
    late: set[tuple[str, str, str]] = set()
    read = partial(read_document, sessions=sessions, universe=universe)
    with _transactions(connection) as (rows_waiting, written):
        for one, reading in _read_ahead(_in_order(documents), accepted, read):
            if reading is None and one.group not in late:
                continue
            reading_of = reading.result if reading else partial(read, one.document, one.content)
            outcome = _take_in(connection, one, reading_of, rows_waiting)
            written()
            if outcome.status == "accepted":
                late.add(one.group)
            because = f" ({outcome.reason})" if outcome.reason else ""
            progress(f"{outcome.path}: {outcome.status}, {outcome.rows_accepted} rows{because}")
            outcomes.append(outcome)
    return outcomes


class _RowsWaiting:
    """Rows of documents on their way into raw: many documents share a statement, which costs more than the rows of one."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._frames: dict[str, list[pl.DataFrame]] = {}
        self._keys: dict[str, list[pl.DataFrame]] = {}

    def add(self, outcome: Outcome, rows: dict[str, pl.DataFrame]) -> None:
        """Let the rows wait; what waits of the same keys was observed before them, and goes first."""
        assert outcome.retrieved_at is not None  # a document without a retrieval time is rejected whole
        keys = {name: _keys_of(RAW_TABLES[name], frame) for name, frame in rows.items()}
        if any(self._waits(name, frame) for name, frame in keys.items()):
            self.append()
        for name, frame in rows.items():
            told = stamped(frame, observed_at=outcome.retrieved_at, document_id=outcome.document_id)
            self._frames.setdefault(name, []).append(told)
            self._keys.setdefault(name, []).append(keys[name])

    def append(self) -> None:
        """Write all that wait."""
        for name, frames in self._frames.items():
            append_observations(self._connection, RAW_TABLES[name], pl.concat(frames))
        self._frames.clear()
        self._keys.clear()

    def _waits(self, name: str, keys: pl.DataFrame) -> bool:
        return name in self._keys and not pl.concat(self._keys[name]).join(keys, on=keys.columns, how="semi").is_empty()


def _keys_of(table: RawTable, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(table.snapshot_key or table.key).unique()


@contextmanager
def _transactions(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[_RowsWaiting, Callable[[], None]]]:
    """A document's rows and its line in the ledger are committed together, some documents at a time: each commit waits for the
    disk. What a killed run has not committed, the next one reads again.

    Gives where rows wait for the commit, and the function to call after each document.
    """
    rows_waiting, documents = _RowsWaiting(connection), 0

    def written() -> None:
        nonlocal documents
        documents += 1
        if documents == DOCUMENTS_A_COMMIT:
            rows_waiting.append()
            connection.commit()
            connection.begin()
            documents = 0

    connection.begin()
    try:
        yield rows_waiting, written
        rows_waiting.append()
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _known_sessions(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    newest = "qualify row_number() over (partition by session order by observed_at desc, document_id desc) = 1 order by session"
    return frame_of(connection.sql(f"select session, opens_at, closes_at from raw.sessions {newest}"))


@dataclass(frozen=True)
class _Received:
    """A document with its bytes; `document_id` names the two together."""

    document: Document
    content: bytes

    @cached_property
    def sha256(self) -> str:
        return content_hash(self.content)

    @cached_property
    def document_id(self) -> str:
        return content_hash(f"{self.document.key}\n{self.sha256}".encode())[:16]

    @property
    def group(self) -> tuple[str, str, str]:
        """What one history is told of."""
        return (self.document.vendor, self.document.kind, self.document.symbol)


def _in_order(documents: Iterable[Document]) -> Iterator[_Received]:
    """In the order of the observations: by retrieval, and by document within one second."""

    def second(document: Document) -> datetime:
        return document.retrieved_at or _EPOCH

    for _, same_second in groupby(sorted(documents, key=second), key=second):
        yield from sorted((_Received(document, document.read()) for document in same_second), key=lambda one: one.document_id)


def _read_ahead(
    received: Iterable[_Received], accepted: set[str], read: Callable[[Document, bytes], Reading]
) -> Iterator[tuple[_Received, Future[Reading] | None]]:
    """In the same order, each document that was never taken in with its reading, begun while those before it are written."""
    waiting: deque[tuple[_Received, Future[Reading] | None]] = deque()
    with ThreadPoolExecutor(max_workers=1) as reader:
        for one in received:
            known = one.document_id in accepted
            waiting.append((one, None if known else reader.submit(read, one.document, one.content)))
            if len(waiting) > DOCUMENTS_AHEAD:
                yield waiting.popleft()
        yield from waiting


def _take_in(
    connection: duckdb.DuckDBPyConnection, one: _Received, reading_of: Callable[[], Reading], rows_waiting: _RowsWaiting
) -> Outcome:
    try:
        ledger.refuse_changed(connection, one.document, one.sha256)
        reading = reading_of()
        ledger.refuse_step_back(connection, one.document, reading)
    except DocumentRejected as rejection:
        outcome = _outcome(one, as_of=None, accepted=0, rejected=0, reason=str(rejection))
        if not ledger.holds(connection, outcome):
            if ledger.was_accepted(connection, outcome.document_id):
                withdraw_document(connection, outcome.document_id)
            whole = [(None, outcome.reason, one.content[:500].decode("utf-8", "replace"))]
            _write_in_ledger(connection, outcome, pl.DataFrame(whole, schema=REJECT_COLUMNS, orient="row"))
        return outcome
    accepted, rejected = reading.rows[reading.main].height, reading.rejects.height
    outcome = _outcome(one, as_of=reading.as_of, accepted=accepted, rejected=rejected, reason=None)
    rows_waiting.add(outcome, reading.rows)
    _write_in_ledger(connection, outcome, reading.rejects)
    return outcome


def _outcome(one: _Received, *, as_of: date | None, accepted: int, rejected: int, reason: str | None) -> Outcome:
    return Outcome(
        document_id=one.document_id,
        path=one.document.key,
        sha256=one.sha256,
        vendor=one.document.vendor,
        kind=one.document.kind,
        symbol=one.document.symbol,
        as_of=as_of,
        retrieved_at=ledger.naive_utc(one.document.retrieved_at),
        rows_accepted=accepted,
        rows_rejected=rejected,
        status="rejected" if reason else "accepted",
        reason=reason,
    )


def _write_in_ledger(connection: duckdb.DuckDBPyConnection, outcome: Outcome, rejects: pl.DataFrame) -> None:
    connection.execute("delete from raw.rejects where document_id = ?", [outcome.document_id])
    if rejects.height:
        with registered(connection, "rejected", rejects):
            connection.execute("insert into raw.rejects select ?, line, reason, content from rejected", [outcome.document_id])
    ledger.write(connection, outcome)

"""Documents into raw: read, parse, part good rows from bad, append, and write the ledger, one transaction a document."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby

import duckdb
import polars as pl

from orchestration.contracts import RAW_TABLES, REJECT_COLUMNS, check_rows
from orchestration.landing import Document, content_hash
from orchestration.universe import Fund
from orchestration.vendors.base import Context, DocumentRejected, Parsed
from orchestration.vendors.registry import PARSERS
from orchestration.warehouse import append_observations, withdraw_document

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
    accepted = {key for (key,) in connection.execute("select document_id from raw.documents where status = 'accepted'").fetchall()}
    outcomes: list[Outcome] = []
    late: set[tuple[str, str, str]] = set()
    for document, content in _in_order(documents):
        group = (document.vendor, document.kind, document.symbol)
        known = _document_id(document, content) in accepted
        if known and group not in late:
            continue
        outcome = _ingest_one(connection, document, content, sessions, universe)
        if outcome.status == "accepted":
            late.add(group)
        progress(f"{outcome.path}: {outcome.status}, {outcome.rows_accepted} rows" + (f" ({outcome.reason})" if outcome.reason else ""))
        outcomes.append(outcome)
    return outcomes


def _known_sessions(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return connection.sql(
        "select session, opens_at, closes_at from raw.sessions"
        " qualify row_number() over (partition by session order by observed_at desc) = 1 order by session"
    ).pl()


def _in_order(documents: Iterable[Document]) -> Iterator[tuple[Document, bytes]]:
    """In the order of the observations: by retrieval, and by document within one second."""
    by_second = groupby(sorted(documents, key=lambda d: (d.retrieved_at or _EPOCH, d.key)), key=lambda d: d.retrieved_at or _EPOCH)
    for _, same_second in by_second:
        read = [(document, document.read()) for document in same_second]
        yield from sorted(read, key=lambda pair: _document_id(*pair))


def _document_id(document: Document, content: bytes) -> str:
    return content_hash(f"{document.key}\n{content_hash(content)}".encode())[:16]


def _ingest_one(
    connection: duckdb.DuckDBPyConnection, document: Document, content: bytes, sessions: pl.DataFrame, universe: dict[str, Fund]
) -> Outcome:
    sha256, document_id = content_hash(content), _document_id(document, content)
    try:
        parsed, rows, rejects = _read_rows(connection, document, content, sha256, sessions, universe)
    except DocumentRejected as rejection:
        reason = str(rejection)
        whole = pl.DataFrame([(None, reason, content[:500].decode("utf-8", "replace"))], schema=REJECT_COLUMNS, orient="row")
        outcome = _outcome(document, document_id, sha256, as_of=None, accepted=0, rejected=0, reason=reason)
        _write(connection, outcome, {}, whole)
        return outcome
    outcome = _outcome(
        document, document_id, sha256, as_of=parsed.as_of, accepted=rows[parsed.main].height, rejected=rejects.height, reason=None
    )
    _write(connection, outcome, rows, rejects)
    return outcome


def _read_rows(
    connection: duckdb.DuckDBPyConnection,
    document: Document,
    content: bytes,
    sha256: str,
    sessions: pl.DataFrame,
    universe: dict[str, Fund],
) -> tuple[Parsed, dict[str, pl.DataFrame], pl.DataFrame]:
    """Parse one document and check its rows.

    Raises:
        DocumentRejected: with the reason in words.
    """
    parser = PARSERS.get((document.vendor, document.kind))
    if parser is None:
        raise DocumentRejected(f"no reader for {document.vendor}/{document.kind}; known are {', '.join('/'.join(k) for k in PARSERS)}")
    if document.retrieved_at is None:
        raise DocumentRejected("its file name does not begin with the retrieval time as YYYY-MM-DDTHHMMSSZ: rename it")
    _refuse_changed(connection, document, sha256)
    context = Context(
        symbol=document.symbol,
        extension=document.extension,
        retrieved_at=document.retrieved_at,
        declared_as_of=document.declared_as_of,
        fund=universe.get(document.symbol),
        sessions=sessions,
    )
    try:
        parsed = parser(content, context)
    except DocumentRejected:
        raise
    except Exception as error:
        # One odd document must not keep all others out.
        _log.exception("the reader of %s failed", document.key)
        raise DocumentRejected(f"its reader failed ({type(error).__name__}: {str(error)[:200]}): please report it") from error
    _refuse_step_back(connection, document, parsed)
    return parsed, *_part(parsed)


def _part(parsed: Parsed) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Good rows by table, and rejects: a line that fails in one table is taken in none, and is listed once."""
    good, rejects = {}, list(parsed.rejects)
    for name, frame in parsed.tables.items():
        once, repeated = _drop_repeats(frame, RAW_TABLES[name].key)
        good[name], bad = check_rows(RAW_TABLES[name], once)
        rejects += [repeated, bad]
    listed = (
        pl.concat([r.cast(REJECT_COLUMNS) for r in rejects])  # type: ignore[arg-type]
        .group_by("line", pl.when(pl.col("line").is_null()).then("content").alias("_unnumbered"), maintain_order=True)
        .agg(pl.col("reason").unique(maintain_order=True).str.join("; "), pl.col("content").first())
        .drop("_unnumbered")
    )
    lost = listed["line"].drop_nulls().implode()
    return {
        name: frame.filter(~pl.col("_line").is_in(lost).fill_null(False)).select(*RAW_TABLES[name].columns)
        for name, frame in good.items()
    }, listed


def _refuse_changed(connection: duckdb.DuckDBPyConnection, document: Document, sha256: str) -> None:
    changed = connection.execute(
        "select 1 from raw.documents where path = ? and sha256 <> ? and status = 'accepted'", [document.key, sha256]
    ).fetchone()
    if changed:
        raise DocumentRejected("the file changed after it was read; documents are never changed: drop the new one under a new name")


def _refuse_step_back(connection: duckdb.DuckDBPyConnection, document: Document, parsed: Parsed) -> None:
    """A vendor that answers with an older snapshot than before has answered wrongly, unless that date was asked for by name."""
    if parsed.main != "holdings" or document.declared_as_of:
        return
    newest = connection.execute(
        "select max(as_of) from raw.documents where vendor = ? and kind = ? and symbol = ? and retrieved_at < ? and status = 'accepted'",
        [document.vendor, document.kind, document.symbol, _naive(document.retrieved_at)],
    ).fetchone()
    if newest and newest[0] and parsed.as_of and parsed.as_of < newest[0]:
        raise DocumentRejected(f"its as-of date {parsed.as_of} is older than {newest[0]}, which was known before")


def _drop_repeats(rows: pl.DataFrame, key: tuple[str, ...]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same content twice is one observation, and the second is listed as rejected."""
    natural = [column for column in key if column != "line_no"]
    first = pl.struct("_content", *natural).is_first_distinct()
    repeated = rows.filter(~first).select(
        pl.col("_line").alias("line"), pl.lit("repeats an earlier row").alias("reason"), pl.col("_content").alias("content")
    )
    return rows.filter(first), repeated


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
        retrieved_at=_naive(document.retrieved_at),
        rows_accepted=accepted,
        rows_rejected=rejected,
        status="rejected" if reason else "accepted",
        reason=reason,
    )


def _write(connection: duckdb.DuckDBPyConnection, outcome: Outcome, rows: dict[str, pl.DataFrame], rejects: pl.DataFrame) -> None:
    connection.begin()
    try:
        if outcome.status == "rejected":
            _withdraw_if_accepted_before(connection, outcome.document_id)
        for name, frame in rows.items():
            assert outcome.retrieved_at is not None  # a document without a retrieval time is rejected whole
            append_observations(
                connection, RAW_TABLES[name], frame, observed_at=outcome.retrieved_at, document_id=outcome.document_id
            )
        connection.execute("delete from raw.rejects where document_id = ?", [outcome.document_id])
        if rejects.height:
            connection.register("rejected", rejects.to_arrow())
            connection.execute("insert into raw.rejects select ?, line, reason, content from rejected", [outcome.document_id])
            connection.unregister("rejected")
        columns = list(vars(outcome))
        connection.execute(
            f"insert or replace into raw.documents ({', '.join(columns)}) values ({', '.join('?' * len(columns))})",
            list(vars(outcome).values()),
        )
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def _withdraw_if_accepted_before(connection: duckdb.DuckDBPyConnection, document_id: str) -> None:
    before = connection.execute("select 1 from raw.documents where document_id = ? and status = 'accepted'", [document_id])
    if before.fetchone():
        withdraw_document(connection, document_id)


def _naive(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=None) if moment else None

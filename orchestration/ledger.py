"""The ledger `raw.documents`: what became of each document, and what that forbids the ones after it."""

from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from orchestration.landing import Document
from orchestration.reading import Reading
from orchestration.vendors.base import DocumentRejected


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


def accepted_documents(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The ids of the documents that were taken in."""
    accepted = connection.execute("select document_id from raw.documents where status = 'accepted'").fetchall()
    return {document_id for (document_id,) in accepted}


def was_accepted(connection: duckdb.DuckDBPyConnection, document_id: str) -> bool:
    """Whether an earlier run took the document in."""
    accepted = "select 1 from raw.documents where document_id = ? and status = 'accepted'"
    return connection.execute(accepted, [document_id]).fetchone() is not None


def holds(connection: duckdb.DuckDBPyConnection, outcome: Outcome) -> bool:
    """Whether an earlier run came to the same end: then there is nothing to write."""
    same = "select 1 from raw.documents where document_id = ? and status = ? and reason is not distinct from ?"
    return connection.execute(same, [outcome.document_id, outcome.status, outcome.reason]).fetchone() is not None


def write(connection: duckdb.DuckDBPyConnection, outcome: Outcome) -> None:
    """Write the document's row, in place of an earlier one."""
    columns = list(vars(outcome))
    connection.execute(
        f"insert or replace into raw.documents ({', '.join(columns)}) values ({', '.join('?' * len(columns))})",
        list(vars(outcome).values()),
    )


def refuse_changed(connection: duckdb.DuckDBPyConnection, document: Document, sha256: str) -> None:
    """A document is never changed.

    Raises:
        DocumentRejected: another content was read from the same place.
    """
    changed = connection.execute(
        "select 1 from raw.documents where path = ? and sha256 <> ? and status = 'accepted'", [document.key, sha256]
    ).fetchone()
    if changed:
        raise DocumentRejected(
            "the file changed after it was read; documents are never changed: drop the new one under a new name"
        )


def refuse_step_back(connection: duckdb.DuckDBPyConnection, document: Document, reading: Reading) -> None:
    """A vendor that answers with an older snapshot than before has answered wrongly, unless that date was asked for by name.

    Raises:
        DocumentRejected: the snapshot is older than one that was known before.
    """
    if reading.main != "holdings" or document.declared_as_of:
        return
    newest = connection.execute(
        "select max(as_of) from raw.documents"
        " where vendor = ? and kind = ? and symbol = ? and retrieved_at < ? and status = 'accepted'",
        [document.vendor, document.kind, document.symbol, naive_utc(document.retrieved_at)],
    ).fetchone()
    if newest and newest[0] and reading.as_of and reading.as_of < newest[0]:
        raise DocumentRejected(f"its as-of date {reading.as_of} is older than {newest[0]}, which was known before")


def naive_utc(moment: datetime | None) -> datetime | None:
    """The moment as the warehouse keeps it: UTC, without zone."""
    return moment.replace(tzinfo=None) if moment else None

"""The ledger `raw.documents`: the outcome of each document, and the checks of later documents against it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from orchestration.landing.documents import Document
from orchestration.raw.parse import ParsedDocument
from orchestration.vendors.feed import DocumentRejected

ACCEPTED, REJECTED, QUARANTINED = "accepted", "rejected", "quarantined"
BY_RULES, BY_PERSON = "rules", "person"
CONTRADICTED = "is_not_contradicted"


@dataclass(frozen=True)
class Outcome:
    """The outcome of one document: its row of the ledger."""

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
    rows_quarantined: int = 0
    rule: str | None = None
    decided_by: str = BY_RULES


@dataclass(frozen=True)
class Entry:
    """The ledger's entry for a document that was read before."""

    status: str
    rule: str | None
    decided_by: str


def entries(connection: duckdb.DuckDBPyConnection) -> dict[str, Entry]:
    """Every document of the ledger, by id."""
    found = connection.execute("select document_id, status, rule, decided_by from raw.documents").fetchall()
    return {document_id: Entry(*entry) for document_id, *entry in found}


def is_recorded(connection: duckdb.DuckDBPyConnection, outcome: Outcome) -> bool:
    """Whether the ledger already has this outcome, so that nothing must be written."""
    same = (
        "select 1 from raw.documents where document_id = ? and status = ? and reason is not distinct from ?"
        " and rule is not distinct from ? and decided_by = ?"
    )
    values = [outcome.document_id, outcome.status, outcome.reason, outcome.rule, outcome.decided_by]
    return bool(connection.execute(same, values).fetchall())


def remove(connection: duckdb.DuckDBPyConnection, document_ids: list[str]) -> None:
    """Remove documents and their rejects from the ledger, so that they are read again."""
    for table in ("documents", "rejects"):
        connection.execute(f"delete from raw.{table} where document_id in (select unnest(?))", [document_ids])


def remove_missing(connection: duckdb.DuckDBPyConnection, present: Collection[str], kinds: Collection[tuple[str, str]]) -> None:
    """Remove documents from the ledger that were never used and no longer exist or have other content.

    Args:
        present: the ids of all documents of these kinds.
        kinds: vendor and kind.
    """
    unused = connection.execute("select document_id, vendor, kind from raw.documents where status <> ?", [ACCEPTED]).fetchall()
    if missing := [document_id for document_id, *kind in unused if tuple(kind) in kinds and document_id not in present]:
        remove(connection, missing)


def write(connection: duckdb.DuckDBPyConnection, outcome: Outcome) -> None:
    """Insert or replace the document's row."""
    columns = list(vars(outcome))
    connection.execute(
        f"insert or replace into raw.documents ({', '.join(columns)}) values ({', '.join('?' * len(columns))})",
        list(vars(outcome).values()),
    )


def reject_changed(connection: duckdb.DuckDBPyConnection, document: Document, sha256: str) -> None:
    """Reject a document whose file changed after it was accepted.

    Raises:
        DocumentRejected: the accepted file had other content.
    """
    changed = connection.execute(
        "select 1 from raw.documents where path = ? and sha256 <> ? and status = 'accepted'", [document.key, sha256]
    ).fetchall()
    if changed:
        raise DocumentRejected(
            "the file changed after it was accepted, and documents must not change: save the new content under a new name"
        )


def reject_older_snapshot(connection: duckdb.DuckDBPyConnection, document: Document, parsed: ParsedDocument) -> None:
    """Reject a snapshot that is older than the last one, unless its date is declared in the file name.

    Raises:
        DocumentRejected: the snapshot is older than one that was accepted before.
    """
    if parsed.main != "holdings" or document.declared_as_of:
        return
    [(newest,)] = connection.execute(
        "select max(as_of) from raw.documents"
        " where vendor = ? and kind = ? and symbol = ? and retrieved_at < ? and status = 'accepted'",
        [document.vendor, document.kind, document.symbol, naive_utc(document.retrieved_at)],
    ).fetchall()
    if newest and parsed.as_of and parsed.as_of < newest:
        raise DocumentRejected(f"the as-of date {parsed.as_of} is older than that of an accepted snapshot, {newest}")


def naive_utc(moment: datetime | None) -> datetime | None:
    """The time as stored in the warehouse: UTC, without zone."""
    return moment.replace(tzinfo=None) if moment else None

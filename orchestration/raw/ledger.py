"""The ledger `raw.documents`: what became of each document, and what that forbids the ones after it."""

from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from orchestration.landing.documents import Document
from orchestration.raw.parse import Reading
from orchestration.vendors.feed import DocumentRejected

ACCEPTED, REJECTED, QUARANTINED = "accepted", "rejected", "quarantined"
BY_RULES, BY_PERSON = "rules", "person"
CONTRADICTED = "is_not_contradicted"


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
    rows_quarantined: int = 0
    rule: str | None = None
    decided_by: str = BY_RULES


@dataclass(frozen=True)
class Entry:
    """What the ledger holds of a document that was read before."""

    status: str
    rule: str | None
    decided_by: str


def entries(connection: duckdb.DuckDBPyConnection) -> dict[str, Entry]:
    """Every document of the ledger, by id."""
    found = connection.execute("select document_id, status, rule, decided_by from raw.documents").fetchall()
    return {document_id: Entry(*entry) for document_id, *entry in found}


def holds(connection: duckdb.DuckDBPyConnection, outcome: Outcome) -> bool:
    """Whether an earlier run came to the same end: then there is nothing to write."""
    same = (
        "select 1 from raw.documents where document_id = ? and status = ? and reason is not distinct from ?"
        " and rule is not distinct from ? and decided_by = ?"
    )
    values = [outcome.document_id, outcome.status, outcome.reason, outcome.rule, outcome.decided_by]
    return bool(connection.execute(same, values).fetchall())


def forget(connection: duckdb.DuckDBPyConnection, document_ids: list[str]) -> None:
    """Take documents out of the ledger, with their rejects: they are to be read again."""
    for table in ("documents", "rejects"):
        connection.execute(f"delete from raw.{table} where document_id in (select unnest(?))", [document_ids])


def forget_gone(connection: duckdb.DuckDBPyConnection, present: dict[str, Document]) -> None:
    """Take documents out of the ledger that were never used and are no longer there, or hold something else now.

    Args:
        present: by id, all documents of their vendors and kinds.
    """
    kinds = {(document.vendor, document.kind) for document in present.values()}
    unused = connection.execute("select document_id, vendor, kind from raw.documents where status <> ?", [ACCEPTED]).fetchall()
    if gone := [one for one, *kind in unused if tuple(kind) in kinds and one not in present]:
        forget(connection, gone)


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
    ).fetchall()
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
    [(newest,)] = connection.execute(
        "select max(as_of) from raw.documents"
        " where vendor = ? and kind = ? and symbol = ? and retrieved_at < ? and status = 'accepted'",
        [document.vendor, document.kind, document.symbol, naive_utc(document.retrieved_at)],
    ).fetchall()
    if newest and reading.as_of and reading.as_of < newest:
        raise DocumentRejected(f"its as-of date {reading.as_of} is older than {newest}, which was known before")


def naive_utc(moment: datetime | None) -> datetime | None:
    """The moment as the warehouse keeps it: UTC, without zone."""
    return moment.replace(tzinfo=None) if moment else None

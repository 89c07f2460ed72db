"""What waits in quarantine, and a person's decision about a document."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.files import content_hash
from orchestration.landing.documents import Document, list_documents
from orchestration.raw.decisions import Choice, Decision, append_decision, subject
from orchestration.warehouse.connection import Warehouse


class NoSuchDocument(LookupError):
    """No document, or more than one, goes by that name; the message says what to do."""


@dataclass(frozen=True)
class Waiting:
    """A document in quarantine, whole or in part: its place, the rules it breaks with their figures, and its rows in quarantine.

    `rows` is None where the whole document waits.
    """

    path: str
    sha256: str
    rules: list[str]
    reasons: list[str]
    rows: int | None


_WAITING = """
    select documents.path, documents.sha256, list(rejects.rule order by rejects.line, rejects.rule),
        list(rejects.reason order by rejects.line, rejects.rule), documents.status = 'quarantined', documents.rows_quarantined
    from raw.documents as documents
    inner join raw.rejects as rejects on rejects.document_id = documents.document_id
    where rejects.outcome = 'quarantined' and documents.status <> 'rejected'
    group by documents.path, documents.sha256, documents.status, documents.rows_quarantined, documents.retrieved_at
    order by documents.status desc, documents.retrieved_at desc, documents.path
"""


def quarantine(warehouse: Path) -> list[Waiting]:
    """Every document that waits, whole documents first, then those with single rows in quarantine; the newest first.

    Raises:
        WarehouseUnusable: a run is writing, or the file is damaged.
    """
    if not warehouse.exists():
        return []
    with Warehouse(warehouse).connect(read_only=True) as connection:
        return waiting(connection)


def waiting(connection: duckdb.DuckDBPyConnection) -> list[Waiting]:
    """The same from an open warehouse."""
    outcomes = "schema_name = 'raw' and table_name = 'rejects' and column_name = 'outcome'"
    if not connection.execute(f"select 1 from duckdb_columns() where {outcomes}").fetchall():
        return []  # made by a release of the project that knew no quarantine
    found = connection.execute(_WAITING).fetchall()
    return [Waiting(path, sha, rules, reasons, None if whole else rows) for path, sha, rules, reasons, whole, rows in found]


def decide(document: str, choice: Choice, reason: str, *, landing: list[Path], decisions: Path) -> tuple[Document, Decision]:
    """Write down a decision about one document; the next run follows it.

    Args:
        document: its place below landing (`yahoo/prices/IWM/2026-05-06T010000Z.csv`), or its path.

    Raises:
        NoSuchDocument: landing has no such document.
        UnreadableDocument: it cannot be read.
        ValueError: no reason is given.
    """
    if not reason.strip():
        raise ValueError('a decision needs a reason: --reason "…"')
    found = _find(document, landing)
    sha256 = content_hash(found.read())
    now = datetime.now(UTC)
    return found, append_decision(
        decisions, sha256=sha256, choice=choice, reason=reason.strip(), decided_at=now, document=found.key
    )


def _find(document: str, landing: list[Path]) -> Document:
    path = Path(document)
    known = list(list_documents(landing))
    matches = [one for one in known if one.key == document or one.key.endswith("/" + document.lstrip("/"))]
    if path.exists():
        matches = [one for one in known if one.path.resolve() == path.resolve()] or matches
    distinct = {subject(one.key, content_hash(one.read())): one for one in matches}
    if len(distinct) == 1:
        return next(iter(distinct.values()))
    if not matches:
        raise NoSuchDocument(
            f"landing has no document {document!r}: `smallcap quarantine` lists the documents that wait, by their place"
        )
    raise NoSuchDocument(f"{len(distinct)} documents are called {document!r}: name one by its place, such as {matches[0].key}")

"""Review of the quarantine: its documents, and a person's decision about one."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.files import content_hash
from orchestration.landing.documents import Document, UnreadableDocument, list_documents
from orchestration.raw.decisions import Choice, Decision, Decisions, append_decision, subject
from orchestration.warehouse.connection import Warehouse


class NoSuchDocument(LookupError):
    """No document, or more than one, matches the name; the message says what to do."""


@dataclass(frozen=True)
class QuarantinedDocument:
    """A document in quarantine, whole or in part: its path, the rules it breaks with their reasons, and the number of its rows in
    quarantine.

    `rows` is None if the whole document is in quarantine.
    """

    path: str
    sha256: str
    rules: list[str]
    reasons: list[str]
    rows: int | None


_QUARANTINED = """
    select documents.path, documents.sha256, list(rejects.rule order by rejects.line, rejects.rule),
        list(rejects.reason order by rejects.line, rejects.rule), documents.status = 'quarantined', documents.rows_quarantined
    from raw.documents as documents
    inner join raw.rejects as rejects on rejects.document_id = documents.document_id
    where rejects.outcome = 'quarantined' and documents.status <> 'rejected'
    group by documents.path, documents.sha256, documents.status, documents.rows_quarantined, documents.retrieved_at
    order by documents.status desc, documents.retrieved_at desc, documents.path
"""


def quarantine(warehouse: Path) -> list[QuarantinedDocument]:
    """Every document in quarantine: whole documents first, then documents with single rows in quarantine, newest first.

    Raises:
        WarehouseUnusable: a run is writing, or the file is damaged.
    """
    if not warehouse.exists():
        return []
    with Warehouse(warehouse).connect(read_only=True) as connection:
        return documents_in_quarantine(connection)


def documents_in_quarantine(connection: duckdb.DuckDBPyConnection) -> list[QuarantinedDocument]:
    """The same from an open warehouse."""
    outcomes = "schema_name = 'raw' and table_name = 'rejects' and column_name = 'outcome'"
    if not connection.execute(f"select 1 from duckdb_columns() where {outcomes}").fetchall():
        return []  # made by a version of the project without a quarantine
    found = connection.execute(_QUARANTINED).fetchall()
    return [
        QuarantinedDocument(path, sha, rules, reasons, None if whole else rows)
        for path, sha, rules, reasons, whole, rows in found
    ]


def decide(document: str, choice: Choice, reason: str, *, landing: list[Path], decisions: Path) -> tuple[Document, Decision]:
    """Record a decision about one document; it applies from the next run.

    Args:
        document: its path below landing (`yahoo/prices/IWM/2026-05-06T010000Z.csv`), or any path to it.

    Raises:
        NoSuchDocument: landing has no such document.
        UnreadableDocument: it cannot be read.
        ValueError: the reason is empty.
    """
    if not reason.strip():
        raise ValueError('A decision requires a reason: use --reason "…".')
    found = _find(document, landing)
    sha256 = content_hash(found.read())
    now = datetime.now(UTC)
    return found, append_decision(
        decisions, sha256=sha256, choice=choice, reason=reason.strip(), decided_at=now, document=found.key
    )


def decisions_without_document(decisions: Decisions, landing: list[Path]) -> list[Decision]:
    """Decisions that apply to nothing, because landing has no document with this content in this folder."""
    folders = {folder for folder, _ in decisions}
    present = {
        subject(one.key, content_hash(content))
        for one in list_documents(landing)
        if one.key.rpartition("/")[0] in folders and (content := _content(one)) is not None
    }
    return [decision for about, decision in decisions.items() if about not in present]


def _content(document: Document) -> bytes | None:
    try:
        return document.read()
    except UnreadableDocument:
        return None  # a run rejects it with the reason


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
            f"No document {document!r} below {' or '.join(map(str, landing))}: `smallcap quarantine` lists the quarantined"
            " documents with their paths; name another folder with --landing-dir."
        )
    raise NoSuchDocument(f"{len(distinct)} documents match {document!r}: use the full path, for example {matches[0].key}.")

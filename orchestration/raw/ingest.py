"""Ingest documents into raw: parse, validate, append, and write the ledger, several documents per transaction.

Documents are processed by group (vendor, kind, symbol), each group in the order of retrieval, because validation depends on the
earlier documents. When a document arrives late, the later ones are read again, so that the result is the same as if all had
arrived in order.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice

import duckdb
import polars as pl

from orchestration.files import content_hash
from orchestration.frames import frame_of
from orchestration.landing.documents import Document
from orchestration.raw import ledger
from orchestration.raw.decisions import Choice, Decision, Decisions, subject
from orchestration.raw.ledger import ACCEPTED, BY_PERSON, CONTRADICTED, QUARANTINED, REJECTED, Entry, Outcome
from orchestration.raw.observations import KNOWN_SESSIONS, append_observations, stamped, withdraw_documents
from orchestration.raw.parse import ParsedDocument, parse_document
from orchestration.raw.validation.documents import check_document
from orchestration.raw.validation.judge import Candidate, Judge, judge_for
from orchestration.raw.validation.rules import CONTRADICTIONS, Finding
from orchestration.raw.validation.verdict import guarded
from orchestration.schemas import RAW_TABLES, RawTable
from orchestration.universe import Fund
from orchestration.vendors.feed import DocumentRejected
from orchestration.warehouse.connection import registered

_log = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

DOCUMENTS_A_COMMIT = 20
DOCUMENTS_AHEAD = 4
# Beyond so many rows, pending ones are written: they are in memory.
MOST_PENDING_ROWS = 500_000
# Documents of these kinds are compared with each other: all new ones are parsed before the first is validated.
_COMPARED_KINDS = {"prices", "rates"}

Progress = Callable[[str], None]
Group = tuple[str, str, str]


def ingest(
    connection: duckdb.DuckDBPyConnection,
    documents: Iterable[Document],
    *,
    universe: dict[str, Fund],
    kinds: Iterable[tuple[str, str]] = (),
    clock: datetime | None = None,
    decisions: Decisions | None = None,
    progress: Progress = _log.info,
) -> list[Outcome]:
    """Ingest every document that is not accepted or quarantined in the ledger.

    A rejected document is tried again on every run, because the cause may be fixed. A quarantined one needs a decision.

    Args:
        connection: to a prepared warehouse; the calendar must be ingested before prices, prices before holdings.
        documents: all documents of their vendors and kinds, in any order.
        kinds: vendors and kinds of which `documents` has all, besides those that it contains: also those without a document.
        clock: the run's clock (UTC); later documents are rejected.
        decisions: a person's decisions about documents.

    Returns:
        One outcome per document that was read, group by group.
    """
    connection.execute("set threads = 1")  # another thread parses the next documents
    sessions = _known_sessions(connection)
    run = _Run(connection, universe, clock or datetime.now(UTC), decisions or {}, sessions, progress)
    groups = _in_order(documents)
    run.ingest_groups(groups, {*kinds, *((vendor, kind) for vendor, kind, _ in groups)})
    return list({outcome.document_id: outcome for outcome in run.outcomes}.values())


@dataclass(frozen=True)
class _Received:
    """A document with the hash of its bytes, or the reason why it cannot be read; `document_id` identifies path and content."""

    document: Document
    sha256: str
    unreadable: str | None = None

    @cached_property
    def document_id(self) -> str:
        return content_hash(f"{self.document.key}\n{self.sha256}".encode())[:16]

    @property
    def group(self) -> Group:
        """The group whose history the document belongs to."""
        return (self.document.vendor, self.document.kind, self.document.symbol)

    @property
    def retrieved_at(self) -> datetime:
        """The retrieval time, without a zone, as in the warehouse."""
        return (self.document.retrieved_at or _EPOCH).replace(tzinfo=None)

    @property
    def order(self) -> tuple[datetime, str]:
        """The order of observations: by retrieval time, and within one second by document."""
        return (self.retrieved_at, self.document_id)


def _in_order(documents: Iterable[Document]) -> dict[Group, list[_Received]]:
    """Documents by group, each in the order of its observations; groups by their oldest document, then by name."""
    received = sorted((_receive(document) for document in documents), key=lambda one: one.order)
    groups: dict[Group, list[_Received]] = {}
    for one in received:
        groups.setdefault(one.group, []).append(one)
    return dict(sorted(groups.items(), key=lambda group: (group[1][0].retrieved_at, group[0])))


def _receive(document: Document) -> _Received:
    try:
        return _Received(document, content_hash(document.read()))
    except DocumentRejected as rejection:
        return _Received(document, content_hash(document.key.encode()), str(rejection))


class _ReadAhead:
    """Parses documents ahead in another thread, a few at a time, in the order in which they are needed."""

    def __init__(self, pool: ThreadPoolExecutor, parse: Callable[[_Received], ParsedDocument], due: list[_Received]) -> None:
        self._pool, self._parse = pool, parse
        self._ahead = iter(due)
        self._futures: dict[str, Future[ParsedDocument]] = {}
        self._kept: dict[str, ParsedDocument] = {}
        self._begin(DOCUMENTS_AHEAD)

    def take(self, one: _Received) -> ParsedDocument:
        """The parsed document.

        Raises:
            DocumentRejected: the document is unusable.
        """
        if one.document_id in self._kept:
            return self._kept[one.document_id]
        future = self._futures.pop(one.document_id, None)
        if future is None:
            return self._parse(one)
        self._begin(1)
        return future.result()

    def keep(self, one: _Received) -> ParsedDocument | None:
        """Parse now and keep the result, for documents that are compared with each other; None if the document is rejected."""
        try:
            self._kept[one.document_id] = self.take(one)
        except DocumentRejected:
            return None
        return self._kept[one.document_id]

    def _begin(self, count: int) -> None:
        for one in islice(self._ahead, count):
            self._futures[one.document_id] = self._pool.submit(self._parse, one)


class _Run:
    """The state of one call of `ingest`."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        universe: dict[str, Fund],
        clock: datetime,
        decisions: Decisions,
        sessions: pl.DataFrame,
        progress: Progress,
    ) -> None:
        self._connection, self._universe, self._clock = connection, universe, clock
        self._decisions, self._sessions, self._progress = decisions, sessions, progress
        self._entries = ledger.entries(connection)
        self._pending = _PendingRows(connection)
        self._written = 0
        self.outcomes: list[Outcome] = []

    def ingest_groups(self, groups: dict[Group, list[_Received]], kinds: set[tuple[str, str]]) -> None:
        """Ingest every group, in transactions of several documents; `kinds`: the vendors and kinds that are complete."""
        due = [one for group in groups.values() for one in group if self._is_due(one)]
        with self._transaction(), ThreadPoolExecutor(max_workers=1) as pool:
            ledger.remove_missing(self._connection, {one.document_id for group in groups.values() for one in group}, kinds)
            ahead = _ReadAhead(pool, self._parse, [one for one in due if not one.unreadable])
            judges: dict[str, Judge] = {}
            for (_, kind, _), group in groups.items():
                if not any(map(self._is_due, group)):
                    continue  # a judge reads all that is known of its kind
                if kind not in judges:
                    judges[kind] = self._judge(kind, due, ahead)
                self._ingest_group(group, judges[kind], ahead)

    def _judge(self, kind: str, due: list[_Received], ahead: _ReadAhead) -> Judge:
        batch = []
        if kind in _COMPARED_KINDS:
            for one in due:
                if one.document.kind == kind and (parsed := self._parsed_for_comparison(one, ahead)):
                    batch.append(_candidate(one, parsed))
        calendar = self._sessions.select("session").with_row_index("session_no").cast({"session_no": pl.Int64})
        return judge_for(kind, self._connection, batch, self._universe, calendar, self._pending.append)

    def _parsed_for_comparison(self, one: _Received, ahead: _ReadAhead) -> ParsedDocument | None:
        """The parsed document, for the comparison with others; None if it is rejected."""
        try:
            self._reject_unparsed(one)
        except DocumentRejected:
            return None
        parsed = ahead.keep(one)
        return parsed if parsed and self._check(one, parsed) is None else None

    def _reject_unparsed(self, one: _Received) -> None:
        """Reject documents that must not be parsed.

        Raises:
            DocumentRejected: the file is unreadable or has changed, or a person rejected it.
        """
        if one.unreadable:
            raise DocumentRejected(one.unreadable)
        decision = self._decision(one)
        if decision and decision.choice is Choice.reject:
            raise DocumentRejected(f"the document was rejected by decision of {decision.decided_at[:10]}: {decision.reason}")
        ledger.reject_changed(self._connection, one.document, one.sha256)

    def _decision(self, one: _Received) -> Decision | None:
        return self._decisions.get(subject(one.document.key, one.sha256))

    def _check(self, one: _Received, parsed: ParsedDocument) -> Finding | None:
        return check_document(parsed, one.document, self._clock, accepted_by_person=self._decision(one) is not None)

    def _is_due(self, one: _Received) -> bool:
        """Whether the document is new, was rejected, or has a new decision."""
        entry, decision = self._entries.get(one.document_id), self._decision(one)
        if entry is None or entry.status == REJECTED:
            return True
        if decision is None:
            return entry.decided_by == BY_PERSON
        return entry.decided_by != BY_PERSON or (decision.choice is Choice.accept) != (entry.status == ACCEPTED)

    def _ingest_group(self, group: list[_Received], judge: Judge, ahead: _ReadAhead) -> None:
        """Ingest a group from the first due document. If a document changes what is known, all later ones are read again."""
        again, recalled = False, False
        overruled: set[str] = set()
        place = 0
        while place < len(group):
            one = group[place]
            place += 1
            if one.document_id in overruled or not (again or self._is_due(one)):
                recalled = recalled and not self._accepted(one)
                continue
            if not recalled:
                self._pending.append()
                judge.begin(one.document.symbol, one.order)
                recalled = True
            was_accepted = self._accepted(one)
            if was_accepted:
                self._withdraw([one])
            outcome, contradicted = self._ingest_document(one, judge, ahead)
            contradicted = contradicted or self._outvoted(group[: place - 1], one, judge, ahead)
            if contradicted:
                # Their values are withdrawn, and all documents from the oldest of them on are read again.
                overruled |= contradicted.keys()
                place = self._overrule(group, contradicted)
                again, recalled = True, False
                continue
            changed = was_accepted or outcome.status == ACCEPTED
            if changed and not again and any(self._is_judged(later) for later in group[place:]):
                # Documents that were contradicted may no longer be.
                suspects = [i for i, other in enumerate(group[:place]) if self._is_contradicted(other)]
                if suspects:
                    place, recalled = suspects[0], False
                self._withdraw([other for other in group[place:] if self._accepted(other)])
                again = True
            recalled = recalled and outcome.decided_by != BY_PERSON

    def _accepted(self, one: _Received) -> bool:
        entry = self._entries.get(one.document_id)
        return entry is not None and entry.status == ACCEPTED

    def _is_judged(self, one: _Received) -> bool:
        """Whether the outcome depends on earlier documents."""
        entry = self._entries.get(one.document_id)
        return entry is not None and entry.status in (ACCEPTED, QUARANTINED)

    def _is_contradicted(self, one: _Received) -> bool:
        entry = self._entries.get(one.document_id)
        return entry is not None and entry.status == QUARANTINED and entry.rule == CONTRADICTED

    def _withdraw(self, documents: list[_Received]) -> None:
        self._pending.append()
        ids = [one.document_id for one in documents]
        withdraw_documents(self._connection, ids)
        ledger.remove(self._connection, ids)
        for document_id in ids:
            self._entries.pop(document_id, None)

    def _outvoted(self, before: list[_Received], one: _Received, judge: Judge, ahead: _ReadAhead) -> dict[str, Finding]:
        """The accepted documents, with findings, if more later ones contradict them and agree with each other.

        If two documents contradict each other and nothing else shows which is right, the first is used until another document
        agrees with the second.
        """
        entry = self._entries[one.document_id]
        if entry.status != QUARANTINED or entry.rule not in CONTRADICTIONS:
            return {}
        used = [earlier for earlier in before if self._accepted(earlier)]
        against = [
            earlier
            for earlier in before
            if (e := self._entries.get(earlier.document_id)) and e.status == QUARANTINED and e.rule in CONTRADICTIONS
        ]
        if not used or len(against) < len(used) or len(self._overrulable({u.document_id for u in used})) < len(used):
            return {}
        candidate = _candidate(one, ahead.take(one))
        agreeing = [earlier for earlier in against if self._agree(earlier, candidate, judge, ahead)]
        if len(agreeing) < len(used):
            return {}
        why = (
            f"{len(agreeing) + 1} later documents contradict it and agree with each other, the last retrieved on"
            f" {one.retrieved_at.date()}"
        )
        return {u.document_id: Finding(CONTRADICTED, why) for u in used}

    @staticmethod
    def _agree(earlier: _Received, candidate: Candidate, judge: Judge, ahead: _ReadAhead) -> bool:
        """Whether an earlier document agrees; one that can no longer be parsed does not."""
        try:
            return judge.agree(_candidate(earlier, ahead.take(earlier)), candidate)
        except DocumentRejected:
            return False

    def _overrule(self, group: list[_Received], contradicted: dict[str, Finding]) -> int:
        """Quarantine documents that a later one contradicts; return the position in the group to continue from."""
        places = [place for place, one in enumerate(group) if one.document_id in contradicted]
        self._withdraw([one for one in group[places[0] :] if self._accepted(one)])
        for place in places:
            finding = contradicted[group[place].document_id]
            self._finish(_outcome(group[place], QUARANTINED, finding=finding), listed=_as_rejects([finding]))
        return places[0]

    def _parse(self, one: _Received) -> ParsedDocument:
        content = one.document.read()
        if content_hash(content) != one.sha256:
            raise DocumentRejected("the file changed while it was read: write files under a temporary name, then rename them")
        return parse_document(one.document, content, self._sessions, self._universe)

    def _ingest_document(self, one: _Received, judge: Judge, ahead: _ReadAhead) -> tuple[Outcome, dict[str, Finding]]:
        """Write the document's outcome; or return the documents it contradicts, with findings, and write nothing."""
        decision = self._decision(one)
        decided_by = BY_PERSON if decision else ledger.BY_RULES
        try:
            self._reject_unparsed(one)
            parsed = ahead.take(one)
            ledger.reject_older_snapshot(self._connection, one.document, parsed)
            if finding := self._check(one, parsed):
                return self._finish(replace(_outcome(one, REJECTED, finding=finding), decided_by=decided_by)), {}
        except DocumentRejected as rejection:
            return self._finish(replace(_outcome(one, REJECTED, reason=str(rejection)), decided_by=decided_by)), {}
        candidate = _candidate(one, parsed)
        if decision:  # accepted by a person: the rules do not apply
            outcome = replace(_outcome(one, ACCEPTED, parsed=parsed, rows=candidate.rows), decided_by=decided_by)
            judge.learn(candidate, candidate.rows)
            return self._finish(outcome, candidate.rows, parsed.rejects), {}
        verdict = guarded(lambda: judge.judge(candidate))
        blamed, findings = set[str](), verdict.findings
        if verdict.contradicts and not findings:
            suppliers = judge.suppliers(candidate)
            blamed = self._overrulable(suppliers)
            if suppliers - blamed:  # a person accepted what it contradicts
                findings = [verdict.contradicts]
        if findings:
            outcome = _outcome(one, QUARANTINED, finding=findings[0], as_of=parsed.as_of)
            return self._finish(outcome, listed=_as_rejects(findings)), {}
        if verdict.contradicts and blamed:
            return _outcome(one, ACCEPTED), dict.fromkeys(blamed, verdict.contradicts)
        judge.learn(candidate, verdict.rows)
        outcome = _outcome(one, ACCEPTED, parsed=parsed, rows=verdict.rows)
        # A row that is no line of the document is known by its content.
        row = pl.coalesce(pl.col("line").cast(pl.String), "content")
        outcome = replace(outcome, rows_quarantined=verdict.quarantined.select(row.n_unique()).item())
        return self._finish(outcome, verdict.rows, parsed.rejects, verdict.quarantined), {}

    def _overrulable(self, suppliers: set[str]) -> set[str]:
        """The accepted documents that a later one may overrule: all except those that a person accepted."""
        return {one for one in suppliers if (e := self._entries.get(one)) and e.status == ACCEPTED and e.decided_by != BY_PERSON}

    def _finish(
        self,
        outcome: Outcome,
        rows: dict[str, pl.DataFrame] | None = None,
        rejected: pl.DataFrame | None = None,
        listed: pl.DataFrame | None = None,
    ) -> Outcome:
        """Queue the rows for their transaction, and write the ledger."""
        if rows:
            self._pending.add(outcome, rows)
        if rejected is None and outcome.status == REJECTED:
            rejected = pl.DataFrame([(None, outcome.rule, outcome.reason, outcome.path)], schema=_REJECT, orient="row")
        self._write(outcome, rejected=rejected, quarantined=listed)
        reason = f" ({outcome.reason})" if outcome.reason else ""
        quarantined = f", {outcome.rows_quarantined} quarantined" if outcome.rows_quarantined else ""
        self._progress(f"{outcome.path}: {outcome.status}, {outcome.rows_accepted} rows{quarantined}{reason}")
        self.outcomes.append(outcome)
        return outcome

    def _write(
        self,
        outcome: Outcome,
        *,
        rejected: pl.DataFrame | None = None,
        quarantined: pl.DataFrame | None = None,
    ) -> None:
        if not (outcome.status == REJECTED and ledger.is_recorded(self._connection, outcome)):
            self._connection.execute("delete from raw.rejects where document_id = ?", [outcome.document_id])
            for frame, kind in ((rejected, REJECTED), (quarantined, QUARANTINED)):
                if frame is not None and frame.height:
                    self._insert_rejects(outcome.document_id, frame, kind)
            ledger.write(self._connection, outcome)
        self._entries[outcome.document_id] = Entry(outcome.status, outcome.rule, outcome.decided_by)
        self._written += 1
        if self._written == DOCUMENTS_A_COMMIT:
            self._pending.append()
            self._connection.commit()
            self._connection.begin()
            self._written = 0

    def _insert_rejects(self, document_id: str, frame: pl.DataFrame, kind: str) -> None:
        columns = frame if "rule" in frame.columns else frame.with_columns(rule=pl.lit(None, pl.String))
        with registered(self._connection, "rejected", columns.select("line", "reason", "content", "rule")):
            self._connection.execute(
                "insert into raw.rejects (document_id, line, reason, content, rule, outcome)"
                " select ?, line, reason, content, rule, ? from rejected",
                [document_id, kind],
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit a document's rows together with its ledger row, several documents at a time, because each commit waits for the
        disk. Documents that a killed run did not commit are read again by the next run."""
        self._connection.begin()
        try:
            yield
            self._pending.append()
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()


_REJECT = {"line": pl.Int64, "rule": pl.String, "reason": pl.String, "content": pl.String}


def _as_rejects(findings: list[Finding]) -> pl.DataFrame:
    return pl.DataFrame([(None, finding.rule, finding.reason, None) for finding in findings], schema=_REJECT, orient="row")


def _candidate(one: _Received, parsed: ParsedDocument) -> Candidate:
    return Candidate(one.document_id, one.document.symbol, one.retrieved_at, parsed.as_of, parsed.rows)


def _outcome(
    one: _Received,
    status: str,
    *,
    parsed: ParsedDocument | None = None,
    rows: dict[str, pl.DataFrame] | None = None,
    finding: Finding | None = None,
    reason: str | None = None,
    as_of: object = None,
) -> Outcome:
    return Outcome(
        document_id=one.document_id,
        path=one.document.key,
        sha256=one.sha256,
        vendor=one.document.vendor,
        kind=one.document.kind,
        symbol=one.document.symbol,
        as_of=_last_day(parsed, rows) if parsed and rows else as_of,  # type: ignore[arg-type]
        retrieved_at=ledger.naive_utc(one.document.retrieved_at),
        rows_accepted=rows[parsed.main].height if parsed and rows else 0,
        rows_rejected=parsed.rejects.height if parsed else 0,
        status=status,
        reason=finding.reason if finding else reason,
        rule=finding.rule if finding else None,
    )


def _last_day(parsed: ParsedDocument, rows: dict[str, pl.DataFrame]) -> object:
    """The date of a document: its as-of date, or the last date of the rows that are used."""
    day = {"price_bars": "session", "member_bars": "session", "rates": "date", "factors": "date"}.get(parsed.main)
    return rows[parsed.main][day].max() if day else parsed.as_of


class _PendingRows:
    """Rows that are not yet in raw: many documents share one statement, because a statement costs more than the rows of one."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._frames: dict[str, list[pl.DataFrame]] = {}
        self._keys: dict[str, list[pl.DataFrame]] = {}
        self._rows = 0

    def add(self, outcome: Outcome, rows: dict[str, pl.DataFrame]) -> None:
        """Queue the rows; pending rows with the same keys were observed earlier and are written first."""
        assert outcome.retrieved_at is not None  # a document without a retrieval time is rejected
        frames = {name: frame.select(*RAW_TABLES[name].columns) for name, frame in rows.items()}
        keys = {name: _keys_of(RAW_TABLES[name], frame) for name, frame in frames.items()}
        if any(self._has_pending(name, frame) for name, frame in keys.items()):
            self.append()
        for name, frame in frames.items():
            observed = stamped(frame, observed_at=outcome.retrieved_at, document_id=outcome.document_id)
            self._frames.setdefault(name, []).append(observed)
            self._keys.setdefault(name, []).append(keys[name])
            self._rows += observed.height
        if self._rows > MOST_PENDING_ROWS:
            self.append()

    def append(self) -> None:
        """Write all pending rows."""
        for name, frames in self._frames.items():
            append_observations(self._connection, RAW_TABLES[name], pl.concat(frames))
        self._frames.clear()
        self._keys.clear()
        self._rows = 0

    def _has_pending(self, name: str, keys: pl.DataFrame) -> bool:
        return name in self._keys and not pl.concat(self._keys[name]).join(keys, on=keys.columns, how="semi").is_empty()


def _keys_of(table: RawTable, rows: pl.DataFrame) -> pl.DataFrame:
    """What tells whether two documents can have a row of the same key."""
    return rows.select(table.key[:1] if table.is_bulk else table.snapshot_key or table.key).unique()


def _known_sessions(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return frame_of(connection.sql(f"select session, opens_at, closes_at from {KNOWN_SESSIONS} order by session"))

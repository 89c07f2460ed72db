"""Documents into raw: read, validate, append, and write the ledger, some documents per transaction.

Documents are taken group by group (vendor, kind, symbol), each group in the order of its retrievals: what a document may say
depends on those before it. A document that arrives late makes those after it be read again, so that the tables end as if all had
come in order.
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
from orchestration.landing.documents import Document
from orchestration.raw import ledger
from orchestration.raw.decisions import Choice, Decision, Decisions, subject
from orchestration.raw.ledger import ACCEPTED, BY_PERSON, CONTRADICTED, QUARANTINED, REJECTED, Entry, Outcome
from orchestration.raw.observations import append_observations, stamped, withdraw_documents
from orchestration.raw.parse import Reading, read_document
from orchestration.raw.validation.documents import check_document
from orchestration.raw.validation.judge import Judge, Parsed, judge_for
from orchestration.raw.validation.rules import CONTRADICTIONS, Finding
from orchestration.schemas import RAW_TABLES, RawTable
from orchestration.universe import Fund
from orchestration.vendors.feed import DocumentRejected
from orchestration.warehouse.connection import frame_of, registered

_log = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

DOCUMENTS_A_COMMIT = 20
DOCUMENTS_AHEAD = 4
# Documents of these kinds are held against each other: all that are new are read before the first is judged.
_COMPARED_KINDS = {"prices", "rates"}

Progress = Callable[[str], None]
Group = tuple[str, str, str]


def ingest(
    connection: duckdb.DuckDBPyConnection,
    documents: Iterable[Document],
    *,
    universe: dict[str, Fund],
    clock: datetime | None = None,
    decisions: Decisions | None = None,
    progress: Progress = _log.info,
) -> list[Outcome]:
    """Read every document that the ledger does not hold as accepted or quarantined.

    A rejected document is tried again on every run: its cause may be cured. A quarantined one waits for a person's decision.

    Args:
        connection: to a prepared warehouse; documents of the calendar must be ingested before prices, prices before holdings.
        documents: in any order; all there are of their vendors and kinds.
        clock: now (UTC); no document is from after it.
        decisions: a person's.

    Returns:
        One outcome per document that was read, group by group.
    """
    connection.execute("set threads = 1")  # the other core reads the next documents
    sessions = _known_sessions(connection)
    run = _Run(connection, universe, clock or datetime.now(UTC), decisions or {}, sessions, progress)
    run.take_in(_in_order(documents))
    return list({outcome.document_id: outcome for outcome in run.outcomes}.values())


@dataclass(frozen=True)
class _Received:
    """A document with the hash of its bytes, or why they cannot be read; `document_id` names place and content together."""

    document: Document
    sha256: str
    unreadable: str | None = None

    @cached_property
    def document_id(self) -> str:
        return content_hash(f"{self.document.key}\n{self.sha256}".encode())[:16]

    @property
    def group(self) -> Group:
        """What one history is about."""
        return (self.document.vendor, self.document.kind, self.document.symbol)

    @property
    def retrieved_at(self) -> datetime:
        """For the order of observations; without a zone, as the warehouse keeps it."""
        return (self.document.retrieved_at or _EPOCH).replace(tzinfo=None)

    @property
    def order(self) -> tuple[datetime, str]:
        """Observations are ordered by retrieval, and within one second by document."""
        return (self.retrieved_at, self.document_id)


def _in_order(documents: Iterable[Document]) -> dict[Group, list[_Received]]:
    """Documents by group, each group in the order of its observations; the group with the oldest document comes first, then by
    name."""
    received = sorted((_receive(document) for document in documents), key=lambda one: one.order)
    groups: dict[Group, list[_Received]] = {}
    for one in received:
        groups.setdefault(one.group, []).append(one)
    return dict(sorted(groups.items(), key=lambda group: (group[1][0].retrieved_at, group[0])))


def _receive(document: Document) -> _Received:
    try:
        return _Received(document, content_hash(document.read()))
    except DocumentRejected as refusal:
        return _Received(document, content_hash(document.key.encode()), str(refusal))


class _Readings:
    """Documents read ahead in a thread of their own, a few at a time, in the order in which they will be wanted."""

    def __init__(self, pool: ThreadPoolExecutor, read: Callable[[_Received], Reading], wanted: list[_Received]) -> None:
        self._pool, self._read = pool, read
        self._ahead = iter(wanted)
        self._futures: dict[str, Future[Reading]] = {}
        self._kept: dict[str, Reading] = {}
        self._begin(DOCUMENTS_AHEAD)

    def take(self, one: _Received) -> Reading:
        """The document's reading.

        Raises:
            DocumentRejected: with the reason.
        """
        if one.document_id in self._kept:
            return self._kept[one.document_id]
        future = self._futures.pop(one.document_id, None)
        if future is None:
            return self._read(one)
        self._begin(1)
        return future.result()

    def keep(self, one: _Received) -> Reading | None:
        """Read now and keep, for documents that are held against each other; None for one that cannot be read."""
        try:
            self._kept[one.document_id] = self.take(one)
        except DocumentRejected:
            return None
        return self._kept[one.document_id]

    def _begin(self, count: int) -> None:
        for one in islice(self._ahead, count):
            self._futures[one.document_id] = self._pool.submit(self._read, one)


class _Run:
    """One call of `ingest`: the state that its documents share."""

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
        self._waiting = _RowsWaiting(connection)
        self._written = 0
        self.outcomes: list[Outcome] = []

    def take_in(self, groups: dict[Group, list[_Received]]) -> None:
        """Every group, in transactions of some documents each."""
        wanted = [one for group in groups.values() for one in group if self._is_wanted(one)]
        with self._transaction(), ThreadPoolExecutor(max_workers=1) as pool:
            ledger.forget_gone(self._connection, {one.document_id: one.document for group in groups.values() for one in group})
            readings = _Readings(pool, self._read, [one for one in wanted if not one.unreadable])
            judges: dict[str, Judge] = {}
            for (_, kind, _), group in groups.items():
                if kind not in judges:
                    judges[kind] = self._judge(kind, wanted, readings)
                self._take_in_group(group, judges[kind], readings)

    def _judge(self, kind: str, wanted: list[_Received], readings: _Readings) -> Judge:
        batch = []
        if kind in _COMPARED_KINDS:
            for one in wanted:
                if one.document.kind == kind and (reading := self._heard(one, readings)):
                    batch.append(_parsed(one, reading))
        calendar = self._sessions.select("session").with_row_index("session_no").cast({"session_no": pl.Int64})
        return judge_for(kind, self._connection, batch, self._universe, calendar, self._waiting.append)

    def _heard(self, one: _Received, readings: _Readings) -> Reading | None:
        """What the document says to those it is held against: nothing where it is rejected."""
        try:
            self._refuse(one)
        except DocumentRejected:
            return None
        reading = readings.keep(one)
        return reading if reading and self._check(one, reading) is None else None

    def _refuse(self, one: _Received) -> None:
        """Documents that are not even parsed.

        Raises:
            DocumentRejected: with the reason.
        """
        if one.unreadable:
            raise DocumentRejected(one.unreadable)
        decision = self._decision(one)
        if decision and decision.choice is Choice.reject:
            raise DocumentRejected(f"a person rejected it on {decision.decided_at[:10]}: {decision.reason}")
        ledger.refuse_changed(self._connection, one.document, one.sha256)

    def _decision(self, one: _Received) -> Decision | None:
        return self._decisions.get(subject(one.document.key, one.sha256))

    def _check(self, one: _Received, reading: Reading) -> Finding | None:
        return check_document(reading, one.document, self._clock, accepted_by_person=self._decision(one) is not None)

    def _is_wanted(self, one: _Received) -> bool:
        """New, rejected before, or decided otherwise since."""
        entry, decision = self._entries.get(one.document_id), self._decision(one)
        if entry is None or entry.status == REJECTED:
            return True
        if decision is None:
            return entry.decided_by == BY_PERSON
        return entry.decided_by != BY_PERSON or (decision.choice is Choice.accept) != (entry.status == ACCEPTED)

    def _take_in_group(self, group: list[_Received], judge: Judge, readings: _Readings) -> None:
        """From the first document that is wanted. Where one changes what is known, all after it are read again."""
        again, recalled = False, False
        overruled: set[str] = set()
        place = 0
        while place < len(group):
            one = group[place]
            place += 1
            if one.document_id in overruled or not (again or self._is_wanted(one)):
                recalled = recalled and not self._accepted(one)
                continue
            if not recalled:
                self._waiting.append()
                judge.begin(one.document.symbol, one.order)
                recalled = True
            was_accepted = self._accepted(one)
            if was_accepted:
                self._withdraw([one])
            outcome, contradicted = self._take_in_one(one, judge, readings)
            contradicted = contradicted or self._outvoted(group[: place - 1], one, judge, readings)
            if contradicted:
                # What they said is withdrawn, and everything from the oldest of them on is read again.
                overruled |= contradicted.keys()
                place = self._overrule(group, contradicted)
                again, recalled = True, False
                continue
            changed = was_accepted or outcome.status == ACCEPTED
            if changed and not again and any(self._is_judged(later) for later in group[place:]):
                # What was contradicted may no longer be.
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
        """What became of it rests on the documents before it."""
        entry = self._entries.get(one.document_id)
        return entry is not None and entry.status in (ACCEPTED, QUARANTINED)

    def _is_contradicted(self, one: _Received) -> bool:
        entry = self._entries.get(one.document_id)
        return entry is not None and entry.status == QUARANTINED and entry.rule == CONTRADICTED

    def _withdraw(self, documents: list[_Received]) -> None:
        self._waiting.append()
        ids = [one.document_id for one in documents]
        withdraw_documents(self._connection, ids)
        ledger.forget(self._connection, ids)
        for document_id in ids:
            self._entries.pop(document_id, None)

    def _outvoted(self, before: list[_Received], one: _Received, judge: Judge, readings: _Readings) -> dict[str, Finding]:
        """The documents that are known, where more later ones contradict them and agree with each other; with why.

        Of two documents that contradict each other and that nothing else decides, the first is used until a second one agrees
        with the later.
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
        if not used or len(against) < len(used) or len(self._blamable({u.document_id for u in used})) < len(used):
            return {}
        parsed = _parsed(one, readings.take(one))
        agreeing = [earlier for earlier in against if judge.agree(_parsed(earlier, readings.take(earlier)), parsed)]
        if len(agreeing) < len(used):
            return {}
        why = (
            f"{len(agreeing) + 1} later documents contradict it and agree with each other, the last of {one.retrieved_at.date()}"
        )
        return {u.document_id: Finding(CONTRADICTED, why) for u in used}

    def _overrule(self, group: list[_Received], contradicted: dict[str, Finding]) -> int:
        """Quarantine what a later document contradicts; the place in the group to go on from."""
        places = [place for place, one in enumerate(group) if one.document_id in contradicted]
        self._withdraw([one for one in group[places[0] :] if self._accepted(one)])
        for place in places:
            finding = contradicted[group[place].document_id]
            self._finish(_outcome(group[place], QUARANTINED, finding=finding), listed=_as_rejects([finding]))
        return places[0]

    def _read(self, one: _Received) -> Reading:
        content = one.document.read()
        if content_hash(content) != one.sha256:
            raise DocumentRejected("it changed while it was read: write documents under another name first, then rename them")
        return read_document(one.document, content, self._sessions, self._universe)

    def _take_in_one(self, one: _Received, judge: Judge, readings: _Readings) -> tuple[Outcome, dict[str, Finding]]:
        """The document's outcome, written; or the documents it contradicts, with why, and nothing is written."""
        decision = self._decision(one)
        person = BY_PERSON if decision else ledger.BY_RULES
        try:
            self._refuse(one)
            reading = readings.take(one)
            ledger.refuse_step_back(self._connection, one.document, reading)
            if finding := self._check(one, reading):
                return self._finish(replace(_outcome(one, REJECTED, finding=finding), decided_by=person)), {}
        except DocumentRejected as rejection:
            return self._finish(replace(_outcome(one, REJECTED, reason=str(rejection)), decided_by=person)), {}
        parsed = _parsed(one, reading)
        if decision:  # accepted by a person: the rules have no say
            outcome = replace(_outcome(one, ACCEPTED, reading=reading, rows=parsed.rows), decided_by=person)
            judge.learn(parsed, parsed.rows)
            return self._finish(outcome, parsed.rows, reading.rejects), {}
        verdict = judge.judge(parsed)
        if verdict.findings:
            outcome = _outcome(one, QUARANTINED, finding=verdict.findings[0], as_of=reading.as_of)
            return self._finish(outcome, listed=_as_rejects(verdict.findings)), {}
        if verdict.contradicts and (blamed := self._blamable(judge.suppliers(parsed))):
            return _outcome(one, ACCEPTED), dict.fromkeys(blamed, verdict.contradicts)
        judge.learn(parsed, verdict.rows)
        outcome = _outcome(one, ACCEPTED, reading=reading, rows=verdict.rows)
        outcome = replace(outcome, rows_quarantined=verdict.quarantined["line"].n_unique())
        return self._finish(outcome, verdict.rows, reading.rejects, verdict.quarantined), {}

    def _blamable(self, suppliers: set[str]) -> set[str]:
        """Documents that a later one may overrule: not those that a person accepted."""
        return {one for one in suppliers if (e := self._entries.get(one)) and e.status == ACCEPTED and e.decided_by != BY_PERSON}

    def _finish(
        self,
        outcome: Outcome,
        rows: dict[str, pl.DataFrame] | None = None,
        rejected: pl.DataFrame | None = None,
        listed: pl.DataFrame | None = None,
    ) -> Outcome:
        """Let the rows wait for their transaction, and write the ledger."""
        if rows:
            self._waiting.add(outcome, rows)
        if rejected is None and outcome.status == REJECTED:
            rejected = pl.DataFrame([(None, outcome.rule, outcome.reason, outcome.path)], schema=_REJECT, orient="row")
        self._write(outcome, rejected=rejected, quarantined=listed)
        because = f" ({outcome.reason})" if outcome.reason else ""
        aside = f", {outcome.rows_quarantined} quarantined" if outcome.rows_quarantined else ""
        self._progress(f"{outcome.path}: {outcome.status}, {outcome.rows_accepted} rows{aside}{because}")
        self.outcomes.append(outcome)
        return outcome

    def _write(
        self,
        outcome: Outcome,
        *,
        rejected: pl.DataFrame | None = None,
        quarantined: pl.DataFrame | None = None,
    ) -> None:
        if not (outcome.status == REJECTED and ledger.holds(self._connection, outcome)):
            self._connection.execute("delete from raw.rejects where document_id = ?", [outcome.document_id])
            for frame, kind in ((rejected, REJECTED), (quarantined, QUARANTINED)):
                if frame is not None and frame.height:
                    self._insert_rejects(outcome.document_id, frame, kind)
            ledger.write(self._connection, outcome)
        self._entries[outcome.document_id] = Entry(outcome.status, outcome.rule, outcome.decided_by)
        self._written += 1
        if self._written == DOCUMENTS_A_COMMIT:
            self._waiting.append()
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
        """A document's rows and its line in the ledger are committed together, some documents at a time: each commit waits for
        the disk. What a killed run has not committed, the next one reads again."""
        self._connection.begin()
        try:
            yield
            self._waiting.append()
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()


_REJECT = {"line": pl.Int64, "rule": pl.String, "reason": pl.String, "content": pl.String}


def _as_rejects(findings: list[Finding]) -> pl.DataFrame:
    return pl.DataFrame([(None, finding.rule, finding.reason, None) for finding in findings], schema=_REJECT, orient="row")


def _parsed(one: _Received, reading: Reading) -> Parsed:
    return Parsed(one.document_id, one.document.symbol, one.retrieved_at, reading.as_of, reading.rows)


def _outcome(
    one: _Received,
    status: str,
    *,
    reading: Reading | None = None,
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
        as_of=_last_day(reading, rows) if reading and rows else as_of,  # type: ignore[arg-type]
        retrieved_at=ledger.naive_utc(one.document.retrieved_at),
        rows_accepted=rows[reading.main].height if reading and rows else 0,
        rows_rejected=reading.rejects.height if reading else 0,
        status=status,
        reason=finding.reason if finding else reason,
        rule=finding.rule if finding else None,
    )


def _last_day(reading: Reading, rows: dict[str, pl.DataFrame]) -> object:
    """The day a document is about: its own, or the last of those whose rows are used."""
    day = {"price_bars": "session", "rates": "date", "factors": "date"}.get(reading.main)
    return rows[reading.main][day].max() if day else reading.as_of


class _RowsWaiting:
    """Rows of documents on their way into raw: many documents share a statement, which costs more than the rows of one."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._frames: dict[str, list[pl.DataFrame]] = {}
        self._keys: dict[str, list[pl.DataFrame]] = {}

    def add(self, outcome: Outcome, rows: dict[str, pl.DataFrame]) -> None:
        """Let the rows wait; what waits of the same keys was observed before them, and goes first."""
        assert outcome.retrieved_at is not None  # a document without a retrieval time is rejected whole
        frames = {name: frame.select(*RAW_TABLES[name].columns) for name, frame in rows.items()}
        keys = {name: _keys_of(RAW_TABLES[name], frame) for name, frame in frames.items()}
        if any(self._waits(name, frame) for name, frame in keys.items()):
            self.append()
        for name, frame in frames.items():
            observed = stamped(frame, observed_at=outcome.retrieved_at, document_id=outcome.document_id)
            self._frames.setdefault(name, []).append(observed)
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


def _known_sessions(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    newest = "qualify row_number() over (partition by session order by observed_at desc, document_id desc) = 1 order by session"
    return frame_of(connection.sql(f"select session, opens_at, closes_at from raw.sessions {newest}"))

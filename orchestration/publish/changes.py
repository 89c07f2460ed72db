"""What is different between two releases, or between the last two sessions of one: the table `reading_changes`.

A value at another session is new data only if the new release says of the old session what the old release said of it. Otherwise
its parameters, the code or the observations have changed.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from orchestration.publish.made import Column, MadeTable, schema_of
from orchestration.publish.release_files import quoted
from orchestration.publish.watched import EVENTS, LAST_SESSION, WATCHED, Event, Watched

_REQUIRED = ("release_id", "source", "published_at", "contract_version", "last_session", "tables")
PREVIOUS_RELEASE, PREVIOUS_SESSION = "previous_release", "previous_session"
NEW_DATA, RESTATEMENT, PARAMETER, RULE, TIME, DECISION = "new data", "restatement", "parameter", "rule", "time", "decision"
# The order in which a person reads them.
CHANGES = (
    "flip", "trend_break", "episode", "quarantined", "gone", "parameter", "code", "restated", "member_added", "member_removed",
    "new", "value",
)  # fmt: skip

READING_CHANGES = MadeTable(
    "reading_changes",
    "One row per difference from the previous release (baseline previous_release) and from the session before the last"
    " (previous_session): flips, events, figures, restatements, members, quarantine, parameters and code, each with its cause.",
    ("baseline", "topic", "subject", "field"),
    {
        "baseline": Column("varchar", "previous_release or previous_session: what the release is compared with."),
        "topic": Column("varchar", "Signal, event or part of the release: regime, trend_break, members, quarantine, parameter."),
        "subject": Column("varchar", "Pair, fund, sector, document, parameter or table that changed."),
        "field": Column("varchar", "Label, figure or date that changed; past sessions are a field of their own."),
        "line": Column("integer", "Position in reading order within the baseline, from 1: flips and events first."),
        "baseline_release_id": Column("varchar", "Release id of the baseline; NULL for previous_session.", True),
        "baseline_session": Column("date", "Last session of the baseline; NULL if it has no prices.", True),
        "session": Column("date", "Session or snapshot date of value_after, or newest past session; NULL if undated.", True),
        "change": Column("varchar", f"One of {', '.join(CHANGES)}."),
        "value_before": Column("varchar", "Value of the baseline as text; NULL if it had none.", True),
        "value_after": Column("varchar", "Value of this release as text; NULL if it has none.", True),
        "unit": Column("varchar", "Unit of the values; NULL for labels, dates and counts.", True),
        "cause": Column(
            "varchar",
            "new data: a newer session or document; restatement: the same session with other observations; parameter: the"
            " table's parameters differ; rule: the code differs; time: only the clock moved; decision: a person decided about a"
            " document. A restatement beside a change of parameters or code cannot be distinguished from it.",
        ),
        "sentence": Column("varchar", "The change in one sentence."),
    },
    frozenset(),
)  # fmt: skip
Row = dict[str, Any]


class NotComparable(RuntimeError):
    """The two releases cannot be compared; the message says why."""


@dataclass(frozen=True)
class Side:
    """One of two releases: the directory with its Parquet files, and its manifest."""

    directory: Path
    manifest: Mapping[str, Any]

    @property
    def last_session(self) -> str | None:
        """Its last session with a price, as text."""
        found: str | None = self.manifest["last_session"]
        return found

    def columns(self, table: str) -> frozenset[str]:
        """The columns of a table that has rows; empty if it is withheld or not in the release."""
        found = (one for one in self.manifest["tables"] if one["name"] == table and one.get("status", "published") == "published")
        return frozenset(next((one["columns"] for one in found), ()))

    def made_of(self, part: str) -> str | None:
        """A hash of what the release was made of; None in releases that do not state it."""
        found: str | None = self.manifest.get("made_of", {}).get(part)
        return found


def side_of(release: Path) -> Side:
    """A release on disk.

    Raises:
        NotComparable: there is no complete release in the directory.
    """
    try:
        manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
        return Side(release, {**manifest, **{name: manifest[name] for name in _REQUIRED}})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotComparable(f"The release {release.name} cannot be read: its manifest is missing or damaged.") from error


def changes(before: Path, after: Path) -> pl.DataFrame:
    """What is different in the release `after`: the columns of `reading_changes`, most important first.

    The baseline is named previous_release, whichever release `before` is.

    Args:
        before: directory of a release.
        after: directory of another release of the same source.

    Raises:
        NotComparable: one cannot be read, or they have different sources; the message says why.
    """
    return frame(since_release(side_of(before), side_of(after)))


def since_release(before: Side, after: Side) -> list[Row]:
    """The differences between two releases.

    Raises:
        NotComparable: see `changes`.
    """
    sources = [side.manifest.get("source") for side in (before, after)]
    if sources[0] != sources[1]:
        raise NotComparable(
            f"The release {before.directory.name} has the source {sources[0]} and {after.directory.name} {sources[1]}: only"
            " releases of one source are compared."
        )
    try:
        with duckdb.connect() as connection:
            compared = _Comparison(connection, before, after)
            found = [*compared.values(), *compared.past_values(), *compared.events(), *compared.members()]
    except duckdb.Error as error:
        line = str(error).splitlines()[0]
        raise NotComparable(
            f"The releases {before.directory.name} and {after.directory.name} cannot be compared: a file is missing or damaged"
            f" ({line})."
        ) from error
    found += [*_freshness(before, after), *_quarantine(before, after), *_parameters(before, after), *_code(before, after)]
    found += _tables(before, after)
    return _in_order(found, PREVIOUS_RELEASE, before.manifest["release_id"], before.last_session)


def since_session(release: Side, since: date | None = None) -> list[Row]:
    """The differences between the last session of a release and an earlier one: labels, figures, events, members.

    Labels never change when later data arrive, so one release is enough.

    Args:
        since: the earlier session, or a day after it; then a label says when it changed, and how often. Default: the session
            before the last.
    """
    if release.last_session is None:
        return []
    with duckdb.connect() as connection:
        history = [one for one in WATCHED if one.has_history and _can_read(release, one)]
        _create(connection, "values_after", release, history)
        last = date.fromisoformat(release.last_session)
        until = since or last - timedelta(days=1)
        [(previous,)] = connection.execute("select max(session) from values_after where session <= ?", [until]).fetchall()
        if previous is None:
            return []
        rows = connection.execute(_BETWEEN_SESSIONS, [previous, last]).fetchall()
        found = [
            _value(WATCHED[number], subject, (before, number_before), (after, number_after), last, NEW_DATA)
            for number, subject, before, number_before, after, number_after in rows
        ]
        if since is not None:
            found = _with_flips_between(found, connection.execute(_FLIPS, [previous, last]).fetchall())
        for event in EVENTS:
            if _can_read(release, event):
                query = f"from ({_events_of(release, event)}) where known_on > ? and known_on <= ?"
                known = connection.execute(query, [previous, last]).fetchall()
                found += [
                    _event(event, subject, began, known_on, None, kind, NEW_DATA) for subject, began, known_on, kind in known
                ]
        if release.columns("holdings_changes"):
            found += _member_rows(
                connection.execute(_MEMBERS.format(_file(release, "holdings_changes"), "as_of > ?"), [previous])
            )
    return _in_order(found, PREVIOUS_SESSION, None, previous.isoformat())


def frame(rows: Iterable[Row]) -> pl.DataFrame:
    """The rows as a frame with the columns of the table."""
    return pl.DataFrame(list(rows), schema=schema_of(READING_CHANGES))


class _Comparison:
    """Two releases in one database in memory: every watched value of both, by number in WATCHED, subject and session."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, before: Side, after: Side) -> None:
        self._connection, self._before, self._after = connection, before, after
        watched = [one for one in WATCHED if _can_read(before, one) and _can_read(after, one)]
        _create(connection, "values_before", before, watched)
        _create(connection, "values_after", after, watched)
        self._has_other_code = before.made_of("code") != after.made_of("code")
        self._has_other_observations = _differ(before, after, "observations")
        self._has_new_data = self._has_other_observations or _differ(before, after, "session")

    def values(self) -> Iterator[Row]:
        """The newest value of each subject, where it differs."""
        for number, subject, then, now, before, number_before, after, number_after, old_value in self._ask(_NEWEST_VALUES):
            watched = WATCHED[number]
            if then is None or now is None:
                cause = self._cause(watched.table, is_new_data=True)
            else:
                # old_value: what the new release says of the old session; unknown without history.
                cause = self._cause(watched.table, is_new_data=now > then and old_value != "differs", is_same=old_value == "same")
            yield _value(
                watched, subject, (before, number_before), (after, number_after), now or then, cause, is_new=then is None
            )

    def past_values(self) -> Iterator[Row]:
        """Past sessions whose values differ: one row a subject and field, and one for sessions that were added."""
        for number, subject, is_added, sessions, first, last, before, after in self._ask(_PAST_VALUES):
            watched = WATCHED[number]
            period = f"{first}" if sessions == 1 else f"{sessions} sessions from {first} to {last}"
            what = f"{watched.words} ({subject}): {period}"
            yield {
                "topic": watched.topic, "subject": subject, "session": last, "unit": watched.unit,
                "field": f"{watched.field}, past sessions {'added' if is_added else 'changed'}",
                "change": "new" if is_added else "restated", "value_before": before, "value_after": after,
                "cause": self._cause(watched.table, is_new_data=is_added, is_same=is_added),
                "sentence": f"{what} added." if is_added else f"{what} changed; on {last} from {before} to {after}.",
            }  # fmt: skip

    def events(self) -> Iterator[Row]:
        """Events that only one of the two has, or that have another kind."""
        last = self._before.last_session
        for event in EVENTS:
            if not (_can_read(self._before, event) and _can_read(self._after, event)):
                continue
            sides = [_events_of(side, event) for side in (self._before, self._after)]
            for subject, began, known_on, before, after in self._ask(_EVENTS.format(*sides)):
                is_new_data = before is None and (last is None or known_on > date.fromisoformat(last))
                cause = self._cause(event.table, is_new_data=is_new_data, is_same=is_new_data)
                yield _event(event, subject, began, known_on, before, after, cause)

    def members(self) -> list[Row]:
        """Securities added to and removed from a fund in snapshots that the earlier release does not have."""
        if not (self._before.columns("holdings_changes") and self._after.columns("holdings_changes")):
            return []
        known = f"(fund, as_of) not in (select (fund, as_of) from {_file(self._before, 'holdings_changes')})"
        return _member_rows(self._connection.execute(_MEMBERS.format(_file(self._after, "holdings_changes"), known)))

    def _cause(self, table: str, *, is_new_data: bool, is_same: bool = False) -> str:
        """Why a value of a table differs.

        Args:
            is_new_data: it is of a newer session or document than the earlier release had.
            is_same: the new release says of the old session what the old release said.
        """
        is_new_data = is_new_data and self._has_new_data
        if is_new_data and is_same:
            return NEW_DATA
        if self._params_id(self._before, table) != self._params_id(self._after, table):
            return PARAMETER
        if is_new_data:
            return NEW_DATA
        if self._has_other_code:
            return RULE
        return RESTATEMENT if self._has_other_observations else TIME

    def _params_id(self, side: Side, table: str) -> str | None:
        if "params_id" not in side.columns(table):
            return None
        found: str | None = self._ask(f"select max(params_id) from {_file(side, table)}")[0][0]
        return found

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(query).fetchall()


def _differ(before: Side, after: Side, part: str) -> bool:
    """Whether the releases were made of other observations, for example; true if one does not say."""
    found = before.made_of(part)
    return found is None or found != after.made_of(part)


def _can_read(side: Side, what: Watched | Event) -> bool:
    """Whether the release has the table; a table of an earlier contract may lack the column."""
    columns = side.columns(what.table)
    return what.field in columns if isinstance(what, Watched) else bool(columns)


def _file(side: Side, table: str) -> str:
    return f"read_parquet({quoted(str(side.directory / f'{table}.parquet'))})"


def _create(connection: duckdb.DuckDBPyConnection, name: str, side: Side, watched: Iterable[Watched]) -> None:
    """A table with every watched value of a release: place in WATCHED, subject, session, text, and number if it has a unit."""
    last = f"{quoted(side.last_session)}::date" if side.last_session else "null::date"
    parts = [
        f"select {WATCHED.index(one)} as watched, ({one.subject})::varchar as subject,"
        f" {last if one.session == LAST_SESSION else one.session} as session, {one.field}::varchar as value,"
        f" {f'{one.field}::double' if one.unit else 'null::double'} as number, {one.has_history} as has_history"
        f" from {_file(side, one.table)} where {one.where}"
        for one in watched
    ]
    nothing = (
        "select 0 as watched, '' as subject, null::date as session, '' as value, null::double as number, true as has_history"
        " where false"
    )
    connection.execute(f"create table {name} as {' union all '.join([nothing, *parts])}")


# Figures are the same up to what summation in another order may change.
_DIFFERS = (
    "case when {0}.number is not null and {1}.number is not null"
    " then abs({0}.number - {1}.number) > 1e-9 * greatest(abs({0}.number), abs({1}.number))"
    " else {0}.value is distinct from {1}.value end"
)
_NEWEST = "(select * from {} qualify row_number() over (partition by watched, subject order by session desc nulls last) = 1)"
_NEWEST_VALUES = f"""
    select watched, subject, old.session, new.session, old.value, old.number, new.value, new.number,
        case when not new.has_history or again.watched is null then 'unknown'
            when {_DIFFERS.format("old", "again")} then 'differs' else 'same' end
    from {_NEWEST.format("values_before")} as old
    full join {_NEWEST.format("values_after")} as new using (watched, subject)
    left join values_after as again
        on old.watched = again.watched and old.subject = again.subject and old.session = again.session
    where {_DIFFERS.format("old", "new")}
    order by watched, subject
"""
_PAST_VALUES = f"""
    with newest as {_NEWEST.format("values_after")},
    ended as {_NEWEST.format("values_before")},
    past as (
        select watched, subject, session, old.watched is null as is_added, old.value as value_before, new.value as value_after
        from (select *, watched as is_there from values_before where has_history) as old
        full join (select * from values_after where has_history) as new using (watched, subject, session)
        where {_DIFFERS.format("old", "new")}
    )
    select watched, subject, is_added, count(*), min(past.session), max(past.session),
        arg_max(past.value_before, past.session), arg_max(past.value_after, past.session)
    from past
    inner join newest using (watched, subject)
    inner join ended using (watched, subject)
    where past.session < newest.session and past.session <= ended.session
    group by all
    order by all
"""
_BETWEEN_SESSIONS = f"""
    select watched, subject, old.value, old.number, new.value, new.number
    from (select * from values_after where session = ?) as old
    inner join (select * from values_after where session = ?) as new using (watched, subject)
    where {_DIFFERS.format("old", "new")}
    order by watched, subject
"""
# A session without a label does not end a spell.
_FLIPS = """
    select watched, subject, count(*), max(session), max_by(value, session)
    from (
        select *, lag(value) over (partition by watched, subject order by session) as value_before
        from values_after
        where session between ? and ? and value is not null
    )
    where value <> value_before
    group by watched, subject
    order by watched, subject
"""
_EVENTS = """
    select subject, began, coalesce(new.known_on, old.known_on), old.kind, new.kind
    from ({}) as old
    full join ({}) as new using (subject, began)
    where old.kind is distinct from new.kind
    order by began desc, subject
"""
_MEMBERS = """
    select fund, as_of, previous_as_of, change, count(*), list(security_id order by weight_change desc, security_id)
    from {} where change in ('added', 'removed') and {}
    group by all
    order by as_of desc, fund, change
"""


def _events_of(side: Side, event: Event) -> str:
    return (
        f"select ({event.subject})::varchar as subject, {event.began} as began, {event.known_on} as known_on,"
        f" ({event.kind})::varchar as kind from {_file(side, event.table)} where {event.where}"
    )


Value = tuple[str | None, float | None]


def _value(
    watched: Watched, subject: str, before: Value, after: Value, session: date | None, cause: str, *, is_new: bool = False
) -> Row:
    """The row of a label or a figure."""
    what = f"{watched.words} ({subject})"
    then, now = _in_words(before, watched.unit), _in_words(after, watched.unit)
    if is_new:
        change, sentence = "new", f"{what} is new: {now}."
    elif after[0] is None:
        change, sentence = "gone", f"{what} is no longer given; it was {then}."
    elif watched.unit is None:
        change, sentence = "flip", f"{what} changed from {then} to {now}."
    else:
        change, sentence = "value", f"{what} moved from {then} to {now}."
    return {
        "topic": watched.topic, "subject": subject, "field": watched.field, "session": session, "change": change,
        "value_before": before[0], "value_after": after[0], "unit": watched.unit, "cause": cause, "sentence": sentence,
    }  # fmt: skip


def _with_flips_between(found: list[Row], flips: Iterable[tuple[Any, ...]]) -> list[Row]:
    """The rows, where a label says when it changed; and a row for each label that changed and changed back."""
    rows = {(row["topic"], row["subject"], row["field"]): row for row in found}
    again = []
    for number, subject, count, last, value in flips:
        watched = WATCHED[number]
        if watched.unit is not None:
            continue
        row = rows.get((watched.topic, subject, watched.field))
        if row is not None:
            when = f" on {last}" if count == 1 else f", with {count} changes, the last on {last}"
            row["sentence"] = f"{row['sentence'].removesuffix('.')}{when}."
        else:
            row = _value(watched, subject, (value, None), (value, None), last, NEW_DATA)
            when = f"on {last}" if count == 1 else f"{count} times, the last time on {last}"
            again.append({**row, "sentence": f"{watched.words} ({subject}) changed {when}, to {value}."})
    return [*found, *again]


def _in_words(value: Value, unit: str | None) -> str:
    text, number = value
    if text is None:
        return "unknown"
    if number is None or unit is None:
        return text
    if unit in ("fraction", "fraction a year"):
        return f"{100 * number:.{3 if unit == 'fraction a year' else 2}f} %"
    if unit == "tests":
        return f"{number:.0f}"
    return f"{number:.2f} {unit}" if unit == "US dollars" else f"{number:.4f}"


def _event(event: Event, subject: str, began: date, known_on: date, before: str | None, after: str | None, cause: str) -> Row:
    sentence = f"{event.words} ({subject}): {after}, from {began}."
    if after is None:
        sentence = f"{event.words} ({subject}) from {began} is no longer listed; it was {before}."
    return {
        "topic": event.topic, "subject": subject, "field": str(began), "session": known_on,
        "change": event.change if after else "gone", "value_before": before, "value_after": after, "unit": None,
        "cause": cause, "sentence": sentence,
    }  # fmt: skip


_NAMES_SHOWN = 5


def _member_rows(answer: duckdb.DuckDBPyConnection) -> list[Row]:
    """One row per fund, snapshot and direction, with the count and the largest names."""
    found = []
    for fund, as_of, previous_as_of, change, count, securities in answer.fetchall():
        names = securities if change == "added" else securities[::-1]  # the largest first
        shown = ", ".join(names[:_NAMES_SHOWN]) + (f" and {count - _NAMES_SHOWN} more" if count > _NAMES_SHOWN else "")
        members = "1 member" if count == 1 else f"{count} members"
        found.append({
            "topic": "members", "subject": fund, "field": f"{change} {as_of}", "session": as_of, "change": f"member_{change}",
            "value_before": None, "value_after": str(count), "unit": "members", "cause": NEW_DATA,
            "sentence": f"{fund}: {members} {change} between {previous_as_of} and {as_of}: {shown}.",
        })  # fmt: skip
    return found


def _row(topic: str, subject: str, field: str, change: str, before: Any, after: Any, cause: str, sentence: str) -> Row:
    return {
        "topic": topic, "subject": subject, "field": field, "session": None, "change": change,
        "value_before": None if before is None else str(before), "value_after": None if after is None else str(after),
        "unit": None, "cause": cause, "sentence": sentence,
    }  # fmt: skip


def _freshness(before: Side, after: Side) -> Iterator[Row]:
    """Feeds that became stale, or current again."""
    earlier = {one["feed"]: one for one in before.manifest.get("freshness", [])}
    for feed in after.manifest.get("freshness", []):
        old = earlier.get(feed["feed"])
        if old is None or old["is_stale"] == feed["is_stale"]:
            continue
        said = {True: "stale", False: "current"}
        newest = f"data until {feed['newest']}" if feed["newest"] else "no data"
        yield _row(
            "freshness", feed["feed"], "is_stale", "flip", said[old["is_stale"]], said[feed["is_stale"]],
            NEW_DATA if old["newest"] != feed["newest"] else TIME,
            f"{feed['feed'][:1].upper()}{feed['feed'][1:]} became {said[feed['is_stale']]}: {newest} (limit:"
            f" {feed['limit_text']}).",
        )  # fmt: skip


def _quarantine(before: Side, after: Side) -> Iterator[Row]:
    """Documents that entered or left the quarantine."""
    then, now = ({one["path"]: one for one in side.manifest.get("quarantine", [])} for side in (before, after))
    for path in sorted(now.keys() - then.keys()):
        one = now[path]
        what = path if one["rows"] is None else f"{one['rows']} rows of {path}"
        yield _row(
            "quarantine", path, "document", "quarantined", None, "document" if one["rows"] is None else f"{one['rows']} rows",
            NEW_DATA, f"{what} went into quarantine: {one['reason']}.",
        )  # fmt: skip
    has_new_decision = before.made_of("decisions") != after.made_of("decisions")
    for path in sorted(then.keys() - now.keys()):
        rows = then[path]["rows"]
        yield _row(
            "quarantine", path, "document", "gone", "document" if rows is None else f"{rows} rows", None,
            DECISION if has_new_decision else NEW_DATA, f"{path} is no longer in quarantine.",
        )  # fmt: skip


def _parameters(before: Side, after: Side) -> Iterator[Row]:
    then, now = ({name: one["value"] for name, one in side.manifest.get("parameters", {}).items()} for side in (before, after))
    for name in sorted(then.keys() | now.keys()):
        if then.get(name) == now.get(name):
            continue
        old, new = then.get(name), now.get(name)
        sentence = f"The parameter {name} changed from {old} to {new}."
        if old is None or new is None:
            sentence = f"The parameter {name} is new: {new}." if old is None else f"The parameter {name} is gone; it was {old}."
        yield _row("parameter", name, "value", "parameter", old, new, PARAMETER, sentence)


def _code(before: Side, after: Side) -> Iterator[Row]:
    """Another version of the code, the seeds or the libraries."""
    old, new = before.made_of("code"), after.made_of("code")
    if old != new:
        revisions = [side.manifest.get("git_revision") or "unknown" for side in (before, after)]
        yield _row(
            "code", "code", "hash", "code", old, new, RULE,
            f"The code, its seeds or its libraries changed (git {revisions[0]} to {revisions[1]}).",
        )  # fmt: skip


def _tables(before: Side, after: Side) -> Iterator[Row]:
    """Tables that are withheld now, or published again."""
    status = [{one["name"]: one.get("status", "published") for one in side.manifest["tables"]} for side in (before, after)]
    reasons = {one["name"]: one.get("reason") for one in after.manifest["tables"]}
    for name in sorted(status[0].keys() & status[1].keys()):
        old, new = status[0][name], status[1][name]
        if old != new:
            is_gone = new == "withheld"
            sentence = f"The table {name} is withheld: {reasons[name]}." if is_gone else f"The table {name} is published again."
            yield _row("table", name, "status", "gone" if is_gone else "new", old, new, NEW_DATA, sentence)


def _in_order(rows: Iterable[Row], baseline: str, release_id: str | None, session: str | None) -> list[Row]:
    """The rows in reading order, with their baseline."""
    shared = {
        "baseline": baseline,
        "baseline_release_id": release_id,
        "baseline_session": date.fromisoformat(session) if session else None,
    }
    ordered = sorted(rows, key=lambda row: CHANGES.index(row["change"]))
    return [{**shared, **row, "line": line} for line, row in enumerate(ordered, start=1)]

"""The signal diary: what the first release of each session said, frozen in an append-only file of the data directory.

One line is one session, so that a session is frozen as a whole. A line is appended after its release has become the latest one;
the release's manifest has the same line, from which the next publication repeats an append that was interrupted. With the
decisions, the diary is the one thing that cannot be made again from landing (docs/decisions/0012-signal-diary.md).
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from filelock import FileLock
from pydantic import TypeAdapter, ValidationError

from orchestration.files import sync_directory
from orchestration.frames import frame_of
from orchestration.publish.made import Column, MadeTable, schema_of

_KEY = {
    "session": Column("date", "Session whose close the release was the first to have."),
    "signal": Column("varchar", "regime, breadth, rate_regime, cycle_phase, satellite or trend_break."),
    "subject": Column("varchar", "Pair, rate or funds that the signal is about."),
}
SIGNAL_DIARY = MadeTable(
    "signal_diary",
    "One row per session, signal and subject: what the first release of the session said. Written once, on the day, and never"
    " changed: evidence apart from any backtest. Only sessions whose prices were current.",
    ("session", "signal", "subject"),
    {
        **_KEY,
        "label": Column("varchar", "Label that was given; for satellite, the cycle phase that sets the weight."),
        "value": Column("double", "Figure that was given with it, in the unit that reading has; NULL if none was.", True),
        "since": Column("date", "First session of the label as it was known; NULL if not stated.", True),
        "as_of": Column("date", "Session of the label: before session if the signal's own data end earlier."),
        "verdict": Column("varchar", "Verdict on the label's track record at that time (scorecard); NULL if none.", True),
        "release_id": Column("varchar", "The release that said it."),
        "recorded_at": Column("timestamp", "Time of its publication (UTC)."),
    },
)
HORIZONS = (5, 21, 63)
SIGNAL_DIARY_OUTCOMES = MadeTable(
    "signal_diary_outcomes",
    "One row per row of signal_diary, horizon and target: what followed, from the next close on. Computed again in every release;"
    " the figures are NULL until the horizon has ended.",
    ("session", "signal", "subject", "horizon", "target"),
    {
        **_KEY,
        "horizon": Column("integer", "Sessions from entry_session to end_session: 5, 21 or 63."),
        "target": Column("varchar", "IWM, SPY, or IWM - SPY (the difference of the two returns)."),
        "entry_session": Column("date", "The session after session: the first close at which one could act on the label."),
        "end_session": Column("date", "The session whose close ends the horizon; it may be in the future."),
        "forward_return": Column(
            "double", "Total return from the close of entry_session to that of end_session; fraction; NULL without both.", True
        ),
        "label_now": Column("varchar", "Label of the signal on end_session; NULL if unknown or not there yet.", True),
        "is_flipped": Column(
            "boolean", "Whether another label was given after session and up to end_session; NULL before end_session.", True
        ),
    },
    frozenset(
        {
            "session_calendar",
            "price_daily",
            "regime_daily",
            "ratio_daily",
            "breadth_daily",
            "rate_regime_daily",
            "cycle_phase_daily",
        }
    ),
)
RECONSTITUTION_DIARY = MadeTable(
    "reconstitution_diary",
    "One row per Russell reconstitution, stage, quality and symbol that was expected to move: what the first release with the"
    " statement said (reconstitution_candidates). Written once, before the event, and never changed, whatever rules come later.",
    ("event", "stage", "quality", "symbol"),
    {
        "event": Column("varchar", "Year and month of the reconstitution."),
        "stage": Column("varchar", "Stage of the statement; previews are not recorded."),
        "quality": Column("varchar", "fund weights or total capitalisations."),
        "symbol": Column("varchar", "Ticker as it was stated."),
        "status": Column("varchar", "What was expected: leaves above, leaves below, enters from above or enters from below."),
        "said_on": Column("date", "Day of the statement."),
        "release_id": Column("varchar", "The release that published it first."),
        "recorded_at": Column("timestamp", "Time of its publication (UTC)."),
    },
)
# The marts whose statements are frozen. If one is withheld, the release freezes nothing, and a later one may.
READ_BY_DIARY = frozenset({"reading", "ratio_daily", "satellite_target", "scorecard", "core_satellite_summary"})
READ_FOR_FORECASTS = frozenset({"reconstitution_candidates", "reconstitution_calendar"})


class DiaryDamaged(RuntimeError):
    """The diary cannot be read; the message names the line."""


@dataclass(frozen=True)
class Reading:
    """What a release said about one signal and subject."""

    signal: str
    subject: str
    label: str
    value: float | None
    since: date | None
    as_of: date
    verdict: str | None


@dataclass(frozen=True)
class Forecast:
    """A statement about a reconstitution: the symbols that were expected to move, by status."""

    event: str
    stage: str
    quality: str
    said_on: date
    symbols: dict[str, list[str]]


@dataclass(frozen=True)
class Entry:
    """One line: a session, the release that froze it, and what it said; `forecasts` are those that no earlier line has."""

    session: date
    source: str
    release_id: str
    recorded_at: datetime
    readings: list[Reading]
    forecasts: list[Forecast] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The entry as the manifest and the file have it."""
        found: dict[str, Any] = _ENTRY.dump_python(self, mode="json")
        return found


_ENTRY = TypeAdapter(Entry)


@dataclass(frozen=True)
class Diary:
    """The append-only file. Its functions may be repeated: a session that is there is never written again."""

    path: Path

    def entries(self) -> list[Entry]:
        """Every complete line, in file order; empty if there is no file.

        Raises:
            DiaryDamaged: a line before the last is not valid, or a session is there twice.
        """
        found, _ = self._read()
        return found

    def append(self, entries: Iterable[Entry]) -> str | None:
        """Append the entries whose sessions are not there yet, and flush them to disk.

        A last line that a crash left incomplete is removed first.

        Returns:
            One sentence about such a line, or None.

        Raises:
            DiaryDamaged: see `entries`.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f".{self.path.name}.lock")):
            found, complete = self._read()
            note = self._remove_after(complete)
            known = {entry.session for entry in found}
            for entry in entries:
                if entry.session not in known and {one.source for one in found} <= {entry.source}:
                    self._write(json.dumps(entry.as_json(), ensure_ascii=False))
                    known.add(entry.session)
                    found.append(entry)
        return note

    def _read(self) -> tuple[list[Entry], int]:
        """The entries, and the length in bytes of what is complete: a last line without its end counts if it is valid."""
        content = self.path.read_bytes() if self.path.exists() else b""
        *lines, last = content.split(b"\n")
        complete = len(content)
        if last and _is_entry(last):
            lines.append(last)
        else:
            complete -= len(last)
        entries: dict[date, Entry] = {}
        for number, line in enumerate(lines, start=1):
            try:
                entry = _ENTRY.validate_json(line)
            except ValidationError as error:
                why = error.errors()[0]["msg"]
                raise DiaryDamaged(
                    f"line {number} of {self.path.name} is not valid ({why}): restore the file from a backup, or delete the line"
                ) from error
            if entry.session in entries:
                raise DiaryDamaged(f"line {number} of {self.path.name} repeats the session {entry.session}: delete the line")
            entries[entry.session] = entry
        return list(entries.values()), complete

    def _remove_after(self, complete: int) -> str | None:
        """Remove an incomplete last line."""
        if not self.path.exists() or self.path.stat().st_size == complete:
            return None
        with self.path.open("rb+") as stream:
            stream.seek(complete)
            torn = stream.read()
            stream.truncate(complete)
            os.fsync(stream.fileno())
        return (
            f"The last line of {self.path.name} was incomplete and is removed ({len(torn)} bytes, beginning with"
            f" {torn[:60].decode(errors='replace')!r}); if its release is on disk, it is written again."
        )

    def _write(self, line: str) -> None:
        has_open_end = self.path.exists() and self.path.stat().st_size > 0 and not self.path.read_bytes().endswith(b"\n")
        with self.path.open("ab") as stream:
            stream.write((b"\n" if has_open_end else b"") + line.encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        sync_directory(self.path.parent)


def _is_entry(line: bytes) -> bool:
    try:
        _ENTRY.validate_json(line)
    except ValidationError:
        return False
    return True


def said_by(manifests: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """The entries in the manifests of releases, in their order."""
    return [_ENTRY.validate_python(one["diary"]) for one in manifests if one.get("diary")]


_READINGS = """
with said as (
    select topic as signal, subject, reading as label, value, since, session as as_of
    from marts.reading
    where topic in ('regime', 'breadth', 'rate_regime', 'cycle_phase') and reading is not null
    union all
    select 'satellite', reading.subject, targets.cycle_phase, reading.value, null, reading.session
    from marts.reading as reading
    inner join marts.satellite_target as targets on reading.session = targets.session
    where reading.topic = 'satellite' and reading.value is not null
    union all
    select 'trend_break', pair, trend_break, ratio, session, session
    from marts.ratio_daily
    where session = ? and trend_break is not null
)
-- The verdict is that of the test which reading cites.
select said.signal, said.subject, said.label, said.value, said.since, said.as_of, coalesce(scorecard.verdict, summary.verdict)
from said
left join marts.scorecard as scorecard
    on said.signal = scorecard.signal and said.subject = scorecard.subject and said.label = scorecard.label
    and scorecard.horizon = (select value from seeds.signal_parameters where signal = 'scorecard' and parameter = 'horizon_year')
    and scorecard.target = case when said.signal in ('rate_regime', 'cycle_phase') then 'IWM - SPY' else 'SPY' end
left join marts.core_satellite_summary as summary on said.signal = 'satellite' and summary.strategy = 'timed'
order by said.signal, said.subject
"""


def readings(connection: duckdb.DuckDBPyConnection, session: date) -> list[Reading]:
    """What the marts say of each signal at a session: labels that are not given are left out."""
    return [Reading(*row) for row in connection.execute(_READINGS, [session]).fetchall()]


_FORECASTS = """
select candidates.event, candidates.stage, candidates.quality, candidates.said_on, candidates.status,
    list(candidates.symbol order by candidates.symbol)
from marts.reconstitution_candidates as candidates
inner join marts.reconstitution_calendar as calendar on candidates.event = calendar.event
where calendar.effective > ? and not candidates.is_preview and not candidates.is_hindsight and candidates.status <> 'stays'
group by candidates.event, candidates.stage, candidates.quality, candidates.said_on, candidates.status
order by candidates.event, candidates.said_on, candidates.quality, candidates.status
"""


def forecasts(connection: duckdb.DuckDBPyConnection, session: date, entries: Sequence[Entry]) -> list[Forecast]:
    """The statements made in time about reconstitutions that take effect after a session, without those that an entry has."""
    known = {(one.event, one.stage, one.quality) for entry in entries for one in entry.forecasts}
    found: dict[tuple[str, str, str], Forecast] = {}
    for event, stage, quality, said_on, status, symbols in connection.execute(_FORECASTS, [session]).fetchall():
        key = (event, stage, quality)
        if key not in known:
            found.setdefault(key, Forecast(*key, said_on, {})).symbols[status] = symbols
    return list(found.values())


def forecast_rows(entries: Sequence[Entry]) -> pl.DataFrame:
    """The rows of `reconstitution_diary`."""
    rows = [
        (one.event, one.stage, one.quality, symbol, status, one.said_on, entry.release_id, entry.recorded_at)
        for entry in entries
        for one in entry.forecasts
        for status, symbols in one.symbols.items()
        for symbol in symbols
    ]
    return pl.DataFrame(rows, schema=schema_of(RECONSTITUTION_DIARY), orient="row")


def diary_rows(entries: Sequence[Entry]) -> pl.DataFrame:
    """The rows of `signal_diary`."""
    rows = [
        {"session": entry.session, **asdict(reading), "release_id": entry.release_id, "recorded_at": entry.recorded_at}
        for entry in entries
        for reading in entry.readings
    ]
    return pl.DataFrame(rows, schema=schema_of(SIGNAL_DIARY))


_OUTCOMES = """
with labels as (
    select 'regime' as signal, pair as subject, session, regime as label from marts.regime_daily
    union all
    select 'trend_break', pair, session, trend_break from marts.ratio_daily
    union all
    select 'breadth', 'IWM, SPY, QQQ', session, breadth from marts.breadth_daily
    union all
    select 'rate_regime', 'Fed funds target', session, rate_regime from marts.rate_regime_daily
    union all
    select 'cycle_phase', 'rate cycle and IWM/SPY', session, cycle_phase from marts.cycle_phase_daily
    union all
    select 'satellite', 'IWM beside a core of SPY', session, cycle_phase from marts.cycle_phase_daily
),
asked as (
    select diary.session, diary.signal, diary.subject, diary.label, horizons.horizon,
        entry.session as entry_session, ending.session as end_session
    from temp.signal_diary as diary
    cross join (values {horizons}) as horizons (horizon)
    inner join marts.session_calendar as spoken on diary.session = spoken.session
    inner join marts.session_calendar as entry on entry.session_no = spoken.session_no + 1
    inner join marts.session_calendar as ending on ending.session_no = entry.session_no + horizons.horizon
),
returns as (
    select asked.session, asked.signal, asked.subject, asked.horizon, later.fund,
        later.total_return_index / earlier.total_return_index - 1 as forward_return
    from asked
    inner join marts.price_daily as earlier on asked.entry_session = earlier.session
    inner join marts.price_daily as later on asked.end_session = later.session and earlier.fund = later.fund
    where later.fund in ('IWM', 'SPY')
),
by_target as (
    select session, signal, subject, horizon, fund as target, forward_return from returns
    union all
    select iwm.session, iwm.signal, iwm.subject, iwm.horizon, 'IWM - SPY', iwm.forward_return - spy.forward_return
    from returns as iwm
    inner join returns as spy
        on iwm.session = spy.session and iwm.signal = spy.signal and iwm.subject = spy.subject and iwm.horizon = spy.horizon
    where iwm.fund = 'IWM' and spy.fund = 'SPY'
),
flips as (
    select asked.session, asked.signal, asked.subject, asked.horizon,
        max(case when labels.session = asked.end_session then labels.label end) as label_now,
        max(case when labels.label <> asked.label then 1 else 0 end) = 1 as is_flipped,
        max(labels.session) as last_session
    from asked
    inner join labels
        on asked.signal = labels.signal and asked.subject = labels.subject
        and labels.session > asked.session and labels.session <= asked.end_session
    group by asked.session, asked.signal, asked.subject, asked.horizon
)
select asked.session, asked.signal, asked.subject, asked.horizon, targets.target, asked.entry_session, asked.end_session,
    by_target.forward_return, flips.label_now,
    case when flips.last_session = asked.end_session then flips.is_flipped end as is_flipped
from asked
cross join (values ('IWM'), ('SPY'), ('IWM - SPY')) as targets (target)
left join by_target
    on asked.session = by_target.session and asked.signal = by_target.signal and asked.subject = by_target.subject
    and asked.horizon = by_target.horizon and targets.target = by_target.target
left join flips
    on asked.session = flips.session and asked.signal = flips.signal and asked.subject = flips.subject
    and asked.horizon = flips.horizon
"""


def outcomes(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The rows of `signal_diary_outcomes`, from the marts and the table `signal_diary` of this connection."""
    horizons = ", ".join(f"({horizon})" for horizon in HORIZONS)
    return frame_of(connection.sql(_OUTCOMES.format(horizons=horizons)))

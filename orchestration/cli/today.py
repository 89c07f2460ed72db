"""The reading of a release for one person on one morning: facts only, no layout.

Every figure and label comes from a published table. The one thing computed here is how old they are when the command is typed.
"""

import re
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.cli.console import WrongOption
from orchestration.cli.releases import Row, Tables, tables_of
from orchestration.report.manifest import failed_fetches, quarantine_sentences, withheld_sentences
from orchestration.settings import Settings, Source

WINDOWS = ("1d", "1w", "1m", "ytd")
_FUNDS = ("IWM", "SPY", "QQQ")
# What a person must not miss comes first; a change of a value alone is no news.
_NEWS = (
    "flip", "trend_break", "episode", "restated", "quarantined", "gone", "new", "parameter", "code", "member_added",
    "member_removed",
)  # fmt: skip
_LOOKS_LIKE_A_DATE = re.compile(r"\d+-\d+-\d+")
_STEPS = {
    "rank_day": "Russell rank day",
    "preliminary_list": "preliminary lists",
    **{f"list_update_{number}": "list update" for number in range(1, 5)},
    "lock_down": "lock-down",
    "effective": "new Russell indices after the close",
}


@dataclass(frozen=True, kw_only=True)
class Close:
    """A fund's last close (USD, split-adjusted) and its total returns by window (fractions)."""

    fund: str
    session: date
    close: float
    returns: dict[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Flip:
    """What would flip a label at the next close.

    `distance` is in the unit of the signal's value; `ratio_change` a fraction; `iwm_close` in USD with `other_fund` unchanged.
    """

    flips_to: str | None
    threshold: float | None
    distance: float | None
    ratio: float | None
    ratio_change: float | None
    iwm_close: float | None
    other_fund: str | None


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One signal: its label with its value, what would flip it, and what its history is worth.

    `note` says why there is no label, where there is none. `verdict` is a word, `evidence` the sentence behind it.
    """

    signal: str
    subject: str
    label: str | None
    since: date | None
    sessions: int | None
    value: float | None
    unit: str | None
    measure: str | None
    session: date | None
    flip: Flip | None
    verdict: str | None
    evidence: str | None
    note: str | None


@dataclass(frozen=True, kw_only=True)
class Event:
    """A dated event ahead."""

    day: date
    event: str


@dataclass(frozen=True, kw_only=True)
class Today:
    """The whole answer. `sessions_behind` and `days_behind` count from `session` to the moment of asking."""

    release_id: str
    contract_version: str
    source: str
    published_at: str
    known_at: str | None
    session: date | None
    asked_at: datetime
    sessions_behind: int | None
    days_behind: int | None
    headline: str
    evidence: str | None
    changed_since: str
    changes: list[Row]
    values_changed: int
    closes: list[Close]
    signals: list[Signal]
    upcoming: list[Event]
    freshness: list[Row]
    warnings: list[str]

    @property
    def is_stale(self) -> bool:
        """Whether a session has ended since the last one with prices."""
        return bool(self.sessions_behind) or self.session is None

    def as_json(self) -> dict[str, Any]:
        """The answer in types that JSON knows: dates as ISO text."""
        plain: dict[str, Any] = _plain(asdict(self))
        return {"is_stale": self.is_stale, **plain}


def read_today(release: Path, since: str | None = None, published: Path | None = None) -> Today:
    """The reading of a release.

    Args:
        release: its directory.
        since: a session (YYYY-MM-DD) or a release to compare with; default: the release before.
        published: where the releases are; needed if `since` is a release.

    Raises:
        Refused: another version made the release, or `since` cannot be compared with.
    """
    with tables_of(release) as tables:
        manifest = tables.manifest
        asked_at = _asked_at(manifest)
        last = date.fromisoformat(manifest["last_session"]) if manifest["last_session"] else None
        behind = _sessions_behind(tables, last, asked_at)
        signals = _signals(tables)
        changed_since, news, values_changed = _changes(tables, release, since, published)
        freshness = tables.rows(_FRESHNESS)
        return Today(
            release_id=manifest["release_id"],
            contract_version=manifest["contract_version"],
            source=manifest["source"],
            published_at=manifest["published_at"],
            known_at=manifest["known_at"],
            session=last,
            asked_at=asked_at,
            sessions_behind=behind,
            days_behind=(asked_at.date() - last).days if last else None,
            headline=_headline(manifest, last, behind, signals, news),
            evidence=_evidence(tables),
            changed_since=changed_since,
            changes=news,
            values_changed=values_changed,
            closes=_closes(tables),
            signals=signals,
            upcoming=_upcoming(tables, asked_at.date()),
            freshness=freshness,
            warnings=_warnings(manifest, freshness, signals, last, behind),
        )


def _asked_at(manifest: Row) -> datetime:
    """Now, by the clock of the release's source; a release as known on a past day is read on that day."""
    if manifest["known_at"]:
        return datetime.fromisoformat(manifest["known_at"]).astimezone(UTC)
    return Settings(source=Source(manifest["source"])).clock


def _sessions_behind(tables: Tables, last: date | None, asked_at: datetime) -> int | None:
    """Sessions whose bar is final and that are later than the last one with prices; None where the calendar has ended."""
    if last is None:
        return None
    minutes = tables.manifest["parameters"]["clock.final_bar_minutes"]["value"]
    until = (asked_at - timedelta(minutes=minutes)).replace(tzinfo=None)
    [row] = tables.rows(
        "select count(*) filter (session > $1 and closes_at <= $2) as behind, max(closes_at) as calendar_end"
        " from session_calendar",
        last,
        until,
    )
    behind: int = row["behind"]
    return behind if row["calendar_end"] is not None and until <= row["calendar_end"] else None


def _signals(tables: Tables) -> list[Signal]:
    """Signals in the order of the reading; the last trend break of IWM/SPY follows the regimes, as on the report's page."""
    levels = {
        (row["signal"], row["subject"]): row
        for row in tables.rows(
            "select signal, subject, label, session, flips_to, threshold, distance, flip_ratio, flip_change, flip_close,"
            " other_fund from signal_levels"
        )
    }
    labels = tables.rows(_LABELS)
    place = sum(row["signal"] == "regime" for row in labels)
    rows = [*labels[:place], *tables.rows(_LAST_BREAK), *labels[place:]]
    return [_signal(row, levels.get((row["signal"], row["subject"]))) for row in rows]


_FRESHNESS = "select feed, newest, age_days, sessions_behind, is_stale, limit_text from freshness order by feed"
# The verdict is the one that the reading's own sentence ends with.
_LABELS = """
    select reading.topic as signal, reading.subject, reading.reading as label, reading.since, reading.sessions, reading.value,
        reading.unit, reading.measure, reading.session, reading.note, reading.evidence,
        coalesce(
            (select min(scorecard.verdict) from scorecard
            where scorecard.signal = reading.topic and scorecard.subject = reading.subject and scorecard.label = reading.reading
                and ends_with(reading.evidence, scorecard.verdict_in_words)),
            case when reading.topic = 'satellite' then (select min(summary.verdict) from core_satellite_summary as summary
            where summary.strategy = 'timed' and ends_with(reading.evidence, summary.verdict)) end
        ) as verdict
    from reading
    where reading.topic in ('regime', 'breadth', 'rate_regime', 'cycle_phase', 'satellite')
    order by reading.line
"""
# `reading` has no line for it, so it has no sentence of evidence either.
_LAST_BREAK = """
    select signal, subject, label, since, null as sessions, null as value, null as unit, null as measure, session, null as note,
        null as evidence, null as verdict
    from signal_levels
    where signal = 'trend_break' and subject = 'IWM/SPY'
"""


def _signal(row: Row, level: Row | None) -> Signal:
    is_current = level is not None and level["label"] == row["label"] and level["session"] == row["session"]
    flip = (
        Flip(
            flips_to=level["flips_to"],
            threshold=level["threshold"],
            distance=level["distance"],
            ratio=level["flip_ratio"],
            ratio_change=level["flip_change"],
            iwm_close=level["flip_close"],
            other_fund=level["other_fund"],
        )
        if level is not None and is_current
        else None
    )
    # "undecided: only …", "better than the static portfolio": the first word is the verdict.
    verdict = row["verdict"].partition(":")[0].partition(" ")[0] if row["verdict"] else None
    return Signal(**{**row, "verdict": verdict}, flip=flip)


def _closes(tables: Tables) -> list[Close]:
    newest = tables.rows(
        "select fund, session, close from price_daily where list_contains($1, fund)"
        " qualify row_number() over (partition by fund order by session desc) = 1",
        list(_FUNDS),
    )
    returns = {
        (row["fund"], row["window_name"], row["end_session"]): row["total_return"]
        for row in tables.rows('select fund, "window_name", end_session, total_return from performance')
    }
    return [
        Close(**row, returns={window: returns.get((row["fund"], window, row["session"])) for window in WINDOWS})
        for row in sorted(newest, key=lambda row: _FUNDS.index(row["fund"]))
    ]


def _changes(tables: Tables, release: Path, since: str | None, published: Path | None) -> tuple[str, list[Row], int]:
    """Since what, the news with the most important first, and how many values alone are different."""
    if since is not None:
        return _since(tables, release, since, published)
    found = tables.rows(
        "select baseline, baseline_session, topic, subject, field, value_before, value_after, change, cause, sentence"
        " from reading_changes order by topic, subject, field"
    )
    by_release = [row for row in found if row["baseline"] == "previous_release"]
    by_session = [row for row in found if row["baseline"] == "previous_session"]
    earlier = _previous_release(tables)
    if earlier is not None and (_news(by_release) or not _news(by_session)):
        return f"the release before ({_when(earlier)})", _news(by_release), _values(by_release)
    session = next((row["baseline_session"] for row in by_session), None)
    return f"the session before{f' ({session})' if session else ''}", _news(by_session), _values(by_session)


def _previous_release(tables: Tables) -> Row | None:
    rows = tables.rows(
        "select release_id, published_at, last_session from release_history where release_id < $1"
        " order by release_id desc limit 1",
        tables.manifest["release_id"],
    )
    return rows[0] if rows else None


def _when(release: Row) -> str:
    return f"published {release['published_at']:%Y-%m-%d %H:%M} UTC, prices to {release['last_session']}"


def _since(tables: Tables, release: Path, since: str, published: Path | None) -> tuple[str, list[Row], int]:
    try:
        day = date.fromisoformat(since)
    except ValueError as error:
        if _LOOKS_LIKE_A_DATE.fullmatch(since):
            raise WrongOption(
                f"Invalid --since {since!r}: there is no such day. Use YYYY-MM-DD, for example 2026-06-30."
            ) from error
    else:
        return _since_session(tables, release, day)
    from orchestration.cli.differences import between
    from orchestration.cli.releases import named

    before = named(published or release.parents[1], since)
    if before == release:
        raise WrongOption(f"Invalid --since {since!r}: it is the current release itself. Use an earlier one, or a date.")
    found = between(before, release)
    return f"release {before.name}", _news(found), _values(found)


def _since_session(tables: Tables, release: Path, day: date) -> tuple[str, list[Row], int]:
    """What changed after one past session, as known today."""
    from orchestration.cli.differences import since

    [known] = tables.rows(
        "select min(session) as first, max(session) filter (session <= $1) as session, max(session) as last"
        " from signal_state_daily",
        day,
    )
    if known["session"] is None:
        raise WrongOption(f"Invalid --since {day}: the first session with a label is {known['first']}.")
    if day > known["last"]:
        raise WrongOption(f"Invalid --since {day}: the last session of the release is {known['last']}.")
    found = since(release, known["session"])
    return f"session {known['session']}", _news(found), _values(found)


def _news(changes: list[Row]) -> list[Row]:
    news = [change for change in changes if change["change"] != "value"]
    return sorted(news, key=lambda change: _NEWS.index(change["change"]) if change["change"] in _NEWS else len(_NEWS))


def _values(changes: list[Row]) -> int:
    return sum(change["change"] == "value" for change in changes)


def _headline(manifest: Row, last: date | None, behind: int | None, signals: list[Signal], news: list[Row]) -> str:
    """One or two sentences: how old, whether something flipped, where the first signal stands and what would flip it."""
    if last is None:
        return "No prices: nothing can be read."
    parts = [] if behind == 0 else [f"STALE: prices ended {_sessions(behind)} ago, on {last}."]
    flips = [change for change in news if change["change"] == "flip"]
    if flips:
        parts.append(flips[0]["sentence"] + {1: "", 2: " And 1 more flip."}.get(len(flips), f" And {len(flips) - 1} more flips."))
    if any(table["name"] == "reading" and table["status"] == "withheld" for table in manifest["tables"]):
        return " ".join([*parts, "The table `reading` is withheld: no signal can be read."])
    regime = next((one for one in signals if one.signal == "regime" and one.label is not None), None)
    if regime is not None:
        parts.append(
            f"{regime.subject} has been {regime.label} since {regime.since} ({_sessions(regime.sessions)})" + _flip_clause(regime)
        )
    return " ".join(parts) or f"No signal has a label on {last}."


def _sessions(count: int | None) -> str:
    return "an unknown number of sessions" if count is None else f"{count} session{'' if count == 1 else 's'}"


def _flip_clause(signal: Signal) -> str:
    flip = signal.flip
    if flip is None or flip.ratio is None or flip.ratio_change is None:
        return "."
    side = "below" if flip.ratio_change < 0 else "above"
    at_close = f", an IWM close {side} {flip.iwm_close:.2f} with {flip.other_fund} unchanged" if flip.iwm_close else ""
    return f"; {flip.flips_to} {side} {flip.ratio:.4f} ({flip.ratio_change:+.1%}){at_close}."


def _evidence(tables: Tables) -> str | None:
    rows = tables.rows("select reading from reading where topic = 'evidence' order by line")
    return f"{rows[0]['reading']}." if rows else None


def _upcoming(tables: Tables, today: date) -> list[Event]:
    """The steps of the next reconstitution that are still ahead, and the next half day."""
    rows = tables.rows(f"select {', '.join(_STEPS)} from reconstitution_calendar where is_next")
    events = [
        Event(day=day, event=f"{words}")
        for row in rows
        for name, words in _STEPS.items()
        if (day := row[name]) is not None and day >= today
    ]
    half = tables.rows("select min(session) as day from session_calendar where is_half_day and session >= $1", today)
    events += [Event(day=row["day"], event="half day") for row in half if row["day"] is not None]
    return sorted(events, key=lambda event: event.day)


def _warnings(manifest: Row, freshness: list[Row], signals: list[Signal], last: date | None, behind: int | None) -> list[str]:
    """Stale data first, then labels that cannot be given, withheld tables, quarantine and failed requests."""
    found = []
    if last is None:
        found.append("There are no prices.")
    elif behind != 0:
        found.append(f"Prices end on {last}, {_sessions(behind)} ago: no label below says anything about today.")
    stale = [row for row in freshness if row["is_stale"] and not (row["feed"] == "prices" and behind != 0)]
    if stale:
        found.append("Old: " + ", ".join(f"{row['feed']} {row['newest'] or '(none)'}" for row in stale) + ".")
    # Several signals may have the same cause, which is the first part of their notes.
    causes: dict[str, list[str]] = {}
    for one in signals:
        if one.note:
            causes.setdefault(one.note.partition(";")[0], []).append(one.signal)
    found += [f"Without a label: {', '.join(names)}; {cause}." for cause, names in causes.items()]
    found += withheld_sentences(manifest)
    found += quarantine_sentences(manifest)
    return found + [f"Not received: {fetch}." for fetch in failed_fetches(manifest)]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value

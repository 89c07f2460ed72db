"""The first screen: headline, age of the data, what changed, returns, and each signal with its distance to the flip."""

import math
import re
from dataclasses import dataclass

from orchestration.report.blocks import Cell, Column, Manifest, Sentences, Table
from orchestration.report.freshness import ends, feeds, stale_feeds
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import (
    DASH,
    GAP,
    MAIN_FUNDS,
    MINUS,
    capitalised,
    day,
    label,
    listed,
    number,
    percent,
    plural,
    points,
)  # fmt: skip

_WINDOWS = {"1d": "1 day", "1w": "1 week", "1m": "1 month", "ytd": "This year", "1y": "1 year"}
_SIGNALS = {
    "regime": "", "trend_break": "Trend break", "breadth": "Breadth", "rate_regime": "Fed funds", "cycle_phase": "Cycle phase",
    "satellite": "Satellite",
}  # fmt: skip
_FEEDS = {"rate_regime": ("rates",), "cycle_phase": ("prices", "rates"), "satellite": ("prices", "rates")}
_TONES = {"risk_on": "blue", "risk_off": "orange", "break_up": "blue", "break_down": "orange"}
_HOLDS = {"hold_after_cuts": "on hold after cuts", "hold_after_hikes": "on hold after hikes"}
_TARGET = re.compile(r"a year later (\w+(?: minus \w+)?) ")
_LABEL = re.compile(r"\b[a-z]+(_[a-z]+)+\b")
_SHOWN = 5  # changes of each kind before the rest is folded
# What a reader must see first; changed values come last, behind everything that changed in kind.
_CHANGES = (
    "flip", "trend_break", "episode", "quarantined", "restated", "member_added", "member_removed", "parameter", "code", "gone",
    "new",
)  # fmt: skip
_RETURNS = (
    "select fund, window_name, start_session, end_session, total_return from performance where fund in ('IWM', 'SPY', 'QQQ')"
)
_CLOSES = "select fund, max_by(close, session) as close from price_daily where close is not null group by fund"
_BASELINES = {"previous_release": "Since the previous release", "previous_session": "Since the session before"}


@dataclass(frozen=True)
class Today:
    """What stands on the first screen and on the first printed page. `unavailable` has a sentence for each part left out."""

    headline: str
    stale: list[str]
    current: str
    changes: list[Sentences]
    signals: Table | None
    returns: Table | None
    evidence: str
    coming: str
    unavailable: list[str]


def today(tables: ReleaseTables, manifest: Manifest) -> Today:
    """The first screen. A part whose table is missing or withheld is left out, with a sentence that says so."""
    readings = tables.rows("select * from reading order by line") if tables.has("reading") else []
    wanted = [(name, tables.unavailable(name)) for name in ("reading", "signal_levels", "performance", "freshness")]
    by_topic = {row["topic"]: row for row in reversed(readings)}
    return Today(
        headline=_headline(by_topic, stale_feeds(tables, ("prices",))),
        stale=[capitalised(f"{ends(row)} (limit: {row['limit_text']}).") for row in stale_feeds(tables, ("",))],
        current=_current(tables),
        changes=_changes(tables, manifest),
        signals=_signals(tables, readings, manifest),
        returns=_returns(tables, manifest) if tables.has("performance") else None,
        evidence=f"{by_topic['evidence']['reading']}." if "evidence" in by_topic else "",
        coming=_coming(by_topic),
        unavailable=[*(sentence for _, sentence in wanted if sentence), *_not_available(readings)],
    )


def _headline(first: dict[str, Row], late: list[Row]) -> str:
    """The labels in one sentence; one without a current label is left out. If the prices are late, it says of when they are."""
    words = []
    for topic, form in (
        ("regime", "{subject} is {word}"), ("breadth", "breadth is {word}"), ("rate_regime", "the Fed is {word}"),
        ("cycle_phase", "the cycle phase is {word}"),
    ):  # fmt: skip
        row = first.get(topic)
        if row is not None and row["reading"] is not None:
            words.append(form.format(subject=row["subject"], word=_HOLDS.get(row["reading"], label(row["reading"]))))
    said = f"; as of {day(late[0]['newest'])}" if late else ""
    return capitalised(f"{'; '.join(words)}{said}.") if words else "No label is available."


def _current(tables: ReleaseTables) -> str:
    """The feeds that are not late, by their newest date."""
    dates: dict[str, list[str]] = {}
    for row in feeds(tables):
        if not row["is_stale"]:
            dates.setdefault(day(row["newest"]), []).append(row["feed"])
    return "; ".join(f"{listed(names)} to {newest}" for newest, names in dates.items())


def _coming(first: dict[str, Row]) -> str:
    row = first.get("reconstitution")
    if row is None or row["value"] is None:
        return ""
    return (
        f"{row['subject']} reconstitution takes effect in {plural(int(row['value']), 'session')}; stage: {label(row['reading'])}."
    )


def _changes(tables: ReleaseTables, manifest: Manifest) -> list[Sentences]:
    """The changes against each baseline, important ones first. Two baselines of one session say the same: one is shown."""
    if unavailable := tables.unavailable("reading_changes"):
        is_empty = tables.exists("reading_changes")
        return [Sentences("What changed", [], nothing="Nothing." if is_empty else unavailable)]
    rows = tables.rows("select * from reading_changes order by baseline, topic, subject, field")
    found, seen = [], set[object]()
    for baseline, caption in _BASELINES.items():
        own = [row for row in rows if row["baseline"] == baseline]
        since = own[0]["baseline_session"] if own else None
        if baseline == "previous_release" and manifest["baseline"]["release_id"] is None:
            found.append(Sentences(caption, [], nothing=f"Not compared: {manifest['baseline']['reason']}."))
            continue
        if baseline != "previous_release" and (not own or since in seen):
            continue
        seen.add(since)
        kinds = [row for row in own if row["change"] in _CHANGES]
        kinds.sort(key=lambda row: _CHANGES.index(row["change"]))
        values = [_sentence(row) for row in own if row["change"] not in _CHANGES]
        sentences = [_sentence(row) for row in kinds]
        nothing = "No label, episode, break or member changed." if values else "Nothing changed."
        dated = f"{caption} ({day(since)})" if since else caption
        found.append(Sentences(dated, sentences[:_SHOWN], sentences[_SHOWN:] + values, nothing=nothing))
    return found


def _sentence(row: Row) -> str:
    """The sentence of the table, with labels in words; its cause is named where it is not new data."""
    said = str(row["sentence"])
    if row["change"] in ("flip", "trend_break", "episode"):
        said = _LABEL.sub(lambda found: label(found[0]), said)
    return said if row["cause"] in (None, "new data") else f"{said.rstrip('.')} ({row['cause']})."


def _signals(tables: ReleaseTables, readings: list[Row], manifest: Manifest) -> Table | None:
    rows = tables.rows("select * from signal_levels order by signal, subject") if tables.has("signal_levels") else []
    levels = {(row["signal"], row["subject"]): row for row in rows}
    shown = [row for row in readings if row["topic"] in _SIGNALS]
    known = {(row["topic"], row["subject"]) for row in shown}
    more = [_as_reading(row) for key, row in levels.items() if key not in known and row["signal"] in _SIGNALS]
    shown += sorted(more, key=lambda row: row["subject"] != "IWM/SPY")
    shown.sort(key=lambda row: list(_SIGNALS).index(row["topic"]))
    if not shown:
        return None
    late = {topic: bool(stale_feeds(tables, _FEEDS.get(topic, ("prices",)))) for topic in _SIGNALS}
    horizon = manifest["parameters"].get("scorecard.horizon_year", {}).get("value")
    judged = f"Verdict over {number(horizon)} sessions" if horizon else "Verdict"
    return Table(
        caption="Signals",
        columns=[
            Column("Signal", False), Column("Label", False), Column("Since"), Column("Value"), Column("To the flip"),
            Column("Flips at", False), Column("Flips in 21 sessions"), Column(judged, False),
        ],
        rows=[
            [
                _name(row), _label(row), day(row["since"]), _value(row),
                *_distance(levels.get((row["topic"], row["subject"]))), _judged(row["evidence"]),
            ]
            for row in shown
        ],
        faded={place for place, row in enumerate(shown) if late[row["topic"]]},
        source="Marts reading, signal_levels. Value: the ratio against its trend mean; IWM's return over the breadth window; the"
        " midpoint of the Fed funds range. To the flip: the move of the ratio with which the next close changes the label. Flips"
        " in 21 sessions: how often a label at this distance did. Verdict: what the track record of the label shows for the"
        " return named beside it; other returns and horizons are in What followed each signal. That of the satellite is about"
        " its timing. Breadth, Fed funds, cycle phase and satellite have no distance: they depend on three funds or on interest"
        " rates, not on the level of one ratio.",
        stacks=True,
    )  # fmt: skip


def _as_reading(level: Row) -> Row:
    """A signal that `reading` does not have, such as trend breaks."""
    kept = {name: level[name] for name in ("subject", "since", "session")}
    return {**kept, "topic": level["signal"], "reading": level["label"], "value": None, "note": None, "evidence": None}


def verdict(evidence: str | None) -> str:
    """The verdict in a word: the sentence of evidence ends with it and its reason."""
    return re.split(r"[: ]", evidence.rpartition("; ")[2])[0] if evidence else DASH


def _judged(evidence: str | None) -> Cell | str:
    """The verdict and, beside it, the return that it is about; that of the satellite is about its timing."""
    if evidence is None:
        return DASH
    target = _TARGET.match(evidence)
    return Cell(verdict(evidence), note=target[1].replace(" minus ", f"{GAP}{MINUS}{GAP}") if target else "timing")


def _name(row: Row) -> str:
    title = _SIGNALS[row["topic"]]
    if not title:
        return str(row["subject"])
    return f"{title} {row['subject']}" if row["topic"] == "trend_break" else title


def _label(row: Row) -> Cell:
    if row["reading"] is None:
        return Cell("not available")
    if row["topic"] == "satellite":
        return Cell(f"{percent(row['value'], 0)} IWM")
    return Cell(label(row["reading"]), tone=_TONES.get(row["reading"], ""))


def _not_available(readings: list[Row]) -> list[str]:
    """Why signals have no label: one sentence a reason, which is the first clause of their notes."""
    found: dict[str, list[str]] = {}
    for row in readings:
        if row["topic"] in _SIGNALS and row["reading"] is None:
            found.setdefault((row["note"] or "no reason is given").partition(";")[0], []).append(_name(row))
    return [f"Not available: {listed(names)}; {reason}." for reason, names in found.items()]


def _value(row: Row) -> str:
    value = row["value"]
    if value is None or row["topic"] in ("satellite", "cycle_phase"):
        return DASH
    if row["topic"] == "rate_regime":
        return percent(value, 3)
    return percent(math.expm1(value) if row["topic"] == "regime" else value, signed=True)


def _distance(level: Row | None) -> list[Cell | str]:
    """The move to the flip, the closes at which it would happen, and how often it came within a month."""
    if level is None or level["flip_ratio"] is None:
        return [DASH, DASH, DASH]
    at = f"{label(level['flips_to'])} {'below' if level['flip_change'] < 0 else 'above'} {number(level['flip_ratio'], 4)}"
    if level["flip_close"] is not None:
        at += f" (IWM {number(level['flip_close'], 2)})"
    cases = f"{percent(level['flips_21'], 0)} of {number(level['analogues_n'])}" if level["analogues_n"] else DASH
    return [percent(level["flip_change"], signed=True), at, cases]


def _returns(tables: ReleaseTables, manifest: Manifest) -> Table:
    found = {(row["fund"], row["window_name"]): row for row in tables.rows(_RETURNS)}
    closes = {row["fund"]: row["close"] for row in tables.rows(_CLOSES)} if tables.has("price_daily") else {}
    rows: list[list[Cell | str]] = [
        [fund, number(closes.get(fund), 2), *(_return(found.get((fund, name))) for name in _WINDOWS)] for fund in MAIN_FUNDS
    ]
    rows.append([f"IWM {MINUS} SPY", "", *(_gap(found.get(("IWM", name)), found.get(("SPY", name))) for name in _WINDOWS)])
    is_late = bool(stale_feeds(tables, ("prices",)))
    return Table(
        caption=f"Returns to the close of {manifest['last_session'] or DASH}",
        columns=[Column("Fund", False), Column("Close"), *(Column(text) for text in _WINDOWS.values())],
        rows=rows,
        faded=set(range(len(rows))) if is_late else set(),
        source="Marts performance, price_daily. Total returns, dividends included, in percent; closes in US dollars;"
        " the difference in percentage points (pp).",
        stacks=True,
    )


def _return(row: Row | None) -> Cell | str:
    value = row["total_return"] if row else None
    return Cell(percent(value, signed=True), tone=_sign(value)) if value is not None else DASH


def _gap(one: Row | None, other: Row | None) -> Cell | str:
    """The difference, where both windows have the same ends."""
    ends_of = [(row["start_session"], row["end_session"], row["total_return"]) for row in (one, other) if row]
    if len(ends_of) < 2 or ends_of[0][:2] != ends_of[1][:2] or None in (ends_of[0][2], ends_of[1][2]):
        return DASH
    gap = ends_of[0][2] - ends_of[1][2]
    return Cell(points(gap), tone=_sign(gap))


def _sign(value: float) -> str:
    return "" if abs(value) < 0.0005 else "blue" if value > 0 else "orange"

"""Today's reading: the statements of the mart `reading` in words, each with its track record."""

import math

from orchestration.report.blocks import Cell, Chapter, Column, Manifest, Section, Statement, Table
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import DASH, day, label, number, percent, plural, points

_SIGNALS = ("regime", "breadth", "rate_regime", "cycle_phase", "satellite", "reconstitution")
_NAMES = {
    "breadth": "Breadth", "rate_regime": "Fed funds", "cycle_phase": "Cycle phase", "satellite": "Satellite",
    "reconstitution": "Next reconstitution",
}  # fmt: skip
_TONES = {"risk_on": "blue", "risk_off": "orange"}


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.rows("select * from reading order by line")
    rest = [row for row in rows if row["topic"] not in (*_SIGNALS, "freshness", "evidence")]
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=_lead(rows, manifest),
        statements=[_statement(row) for row in rows if row["topic"] in _SIGNALS],
        blocks=[_others(rest)] if rest else [],
        notes=["A track record describes the past. It is not a forecast, and nothing here is investment advice."],
    )


def _lead(rows: list[Row], manifest: Manifest) -> str:
    """A warning if prices are late, then the labels in one sentence, each with its date if it is older than the prices."""
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row["topic"], row)
    words = []
    for topic, form in (
        ("regime", "{subject} is {word}"), ("breadth", "breadth is {word}"), ("rate_regime", "the Fed is {word}"),
        ("cycle_phase", "the cycle phase is {word}"),
    ):  # fmt: skip
        if topic in first and first[topic]["reading"] is not None:
            row = first[topic]
            late = f" (as of {day(row['session'])})" if day(row["session"]) != manifest["last_session"] else ""
            word = {"hold_after_cuts": "on hold after cuts", "hold_after_hikes": "on hold after hikes"}.get(row["reading"])
            words.append(form.format(subject=row["subject"], word=word or label(row["reading"])) + late)
    late_prices = "".join(f"{row['reading']}. " for row in rows if row["topic"] == "freshness")
    at = f"At the close of {manifest['last_session']}: " if manifest["last_session"] else "No prices available; "
    evidence = "".join(f" {row['reading']}." for row in rows if row["topic"] == "evidence")
    return late_prices + (f"{at}{'; '.join(words)}." if words else "") + evidence


def _statement(row: Row) -> Statement:
    since = f"since {day(row['since'])}, {plural(row['sessions'], 'session')}; " if row["since"] else ""
    subject = row["subject"] if row["topic"] == "regime" else _NAMES[row["topic"]]
    if row["value"] is None:
        as_of = f"as of {day(row['session'])}"
        return Statement(subject=subject, reading="not available", figure=row["note"], since=as_of, evidence="")
    reading = label(row["reading"])
    if row["topic"] == "satellite":
        reading = f"{percent(row['value'], 0)} IWM"
    elif row["topic"] == "reconstitution":
        reading = f"in {plural(int(row['value']), 'session')}"
    return Statement(
        subject=subject,
        reading=reading,
        figure=_figure(row),
        since=f"{since}as of {day(row['session'])}",
        evidence=row["evidence"] or "",
        tone=_TONES.get(row["reading"] or "", ""),
    )


def _figure(row: Row) -> str:
    """The value in words. A gap in log points is shown as a percentage."""
    value = row["value"]
    if row["topic"] == "regime":
        return f"ratio {percent(abs(math.expm1(value)))} {'above' if value >= 0 else 'below'} its trend mean"
    if row["topic"] == "satellite":
        return str(row["reading"]).partition(", ")[2] or row["measure"]
    if row["topic"] == "reconstitution":
        return f"{row['subject']}: {label(row['reading'])}"
    if row["topic"] == "cycle_phase":
        return f"from {row['subject']}"
    return f"{row['measure']}: {_value(row)}"


def _value(row: Row) -> str:
    value, unit = row["value"], row["unit"]
    if value is None:
        return DASH
    if row["topic"] == "sector_gap":
        return points(value)
    if row["topic"] == "rate_regime":
        return percent(value, 3)
    if unit in ("fraction", "fraction a year"):
        return percent(value, signed=row["topic"] in ("breadth", "performance"))
    return number(value, 4 if unit == "ratio" else 0)


def _days(row: Row) -> str:
    return day(row["session"]) + (f" and {day(row['other_as_of'])}" if row["other_as_of"] else "")


def _others(rows: list[Row]) -> Table:
    return Table(
        caption="More of today's reading",
        columns=[Column("Subject", False), Column("Measure", False), Column("Value"), Column("As of")],
        rows=[[row["subject"], Cell(row["measure"], note=row["note"] or ""), _value(row), _days(row)] for row in rows],
        source="Mart reading. Percentages are total returns, percentiles or shares; pp: percentage points of weight.",
        folded=True,
    )


CHAPTER = Chapter("reading", "Today's reading", ("reading",), _write)

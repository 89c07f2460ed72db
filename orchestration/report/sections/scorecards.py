"""The track record of each signal: forward returns after each label against the rest, with intervals and verdicts."""

from orchestration.report.blocks import Cell, Chapter, Chart, Column, Control, Key, Manifest, Section, Table
from orchestration.report.chart_parts import (
    PAPER,
    TONES,
    VERDICT_SHAPES,
    VERDICT_TONES,
    chart,
    p_value_tips,
    p_value_words,
    row_axis,
    span,
    tip,
    value_axis,
    zero_line,
)
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import (
    GAP,
    MINUS,
    interval,
    label,
    listed,
    number,
    p_value,
    percent,
    plural,
    points,
    survive,
)

MARKS = {
    "supported": "circle", "contradicted": "diamond", "significant": "up", "bounded": "square", "suggestive": "cross",
    "undecided": "ring",
}  # fmt: skip
_ORDER = (
    "regime", "trend_break", "breadth", "rate_regime", "cycle_phase", "member_breadth", "member_divergence", "member_thrust",
)  # fmt: skip
_TARGETS = ("SPY", "IWM - SPY", "IWM", "QQQ")
ROW = 23
_TOOLTIP = [
    tip("name", "Label", kind="nominal"), tip("verdict", "Verdict", kind="nominal"),
    tip("expected", "The guide expects", kind="nominal"), tip("difference", "Difference", "+.1%"),
    tip("interval_low", "Interval from", "+.1%"), tip("interval_high", "to", "+.1%"), tip("mean_return", "Mean", "+.1%"),
    tip("rest_return", "Mean of the rest", "+.1%"), *p_value_tips({"p_value": "p-value", "p_family": "p, corrected"}),
    tip("min_detectable", "Smallest detectable difference", ".1%"), tip("clusters", "Independent clusters", "d"),
    tip("sessions", "Sessions", "d"),
]  # fmt: skip
_VERDICTS = {
    "supported": "supports the guide", "contradicted": "contradicts the guide",
    "significant": "significant, no claim in the guide", "bounded": "no effect of practical size",
    "suggestive": "suggestive, not significant", "undecided": "undecided: too little data",
}  # fmt: skip
_TITLE = "Forward return after the label minus that after the rest, with 95 % interval"
_SOURCE = (
    "Mean forward total return from the next close after the label, minus the mean after the rest of the signal's history, in"
    " percentage points. Interval: standard error over clusters of spells, calibrated on circular shifts; none with fewer than"
    " five clusters."
)
_FAMILIES = ("claims", "exploratory", "long_run", "total")
SURVIVING = ("supported", "contradicted", "significant")
_FIGURES = (
    "difference", "interval_low", "interval_high", "mean_return", "rest_return", "p_value", "p_family", "min_detectable",
)  # fmt: skip
_SHORT = {"breadth": "breadth", "rate_regime": "Fed", "cycle_phase": "cycle"}


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.rows("select * from scorecard")
    rows.sort(key=lambda row: (_place(row["signal"], _ORDER), row["subject"] != "IWM/SPY", row["subject"], row["label"]))
    summary = {row["family"]: row for row in tables.rows("select * from evidence_summary")}
    claimed = [row for row in rows if row["expected"] is not None]
    tested = [row for row in rows if row["p_value"] is not None]
    surviving = [{**row, "name": _name(row), "return_of": _target(row["target"])} for row in rows if row["verdict"] in SURVIVING]
    names_tested = {_name(row) for row in tested}
    untested = [name for name in dict.fromkeys(map(_name, rows)) if name not in names_tested]
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=_lead(summary),
        blocks=[
            *([_chart(tested)] if tested else []),
            _summary(summary),
            *(
                [
                    survivors(
                        surviving,
                        "What survives, at any horizon",
                        "Mart scorecard, every horizon and target; the families are the claims and all other comparisons.",
                    )
                ]
                if surviving
                else []
            ),
            *([_claimed(claimed)] if claimed else []),
        ],
        notes=[
            *([] if surviving else ["Nothing survives: no claim and no other comparison, at any horizon or target."]),
            "A row is undecided if its data cannot decide, which is no evidence that there is no effect: a difference below the"
            " minimum detectable one is often missed. Method: docs/EVIDENCE.md.",
            *([f"Not tested, because the history is too short or has one cluster: {listed(untested)}."] if untested else []),
        ],
    )


def _lead(summary: dict[str, Row]) -> str:
    words = []
    if "claims" in summary:
        row = summary["claims"]
        words.append(
            f"Of {number(row['tested'])} tests of the guide's claims, {survive(row['surviving'])} the correction for their"
            f" number; {number(row['found'])} have a p-value of at most 5 % alone, against {number(row['by_chance'], 1)} by"
            " chance."
        )
    if "exploratory" in summary:
        row = summary["exploratory"]
        words.append(
            f"Of {number(row['tested'])} other comparisons, {survive(row['surviving'])}; {number(row['found'])} have a"
            f" p-value of at most 5 % alone, against {number(row['by_chance'], 1)} by chance."
        )
    return " ".join(words)


def _summary(summary: dict[str, Row]) -> Table:
    return Table(
        caption="How many tests survive",
        columns=[
            Column("Family", False), Column("Tested"), Column("By chance"), Column("Significant alone"), Column("Survive"),
            Column("Bounded"), Column("Undecided"),
        ],
        rows=[
            [
                label(name), number(row["tested"]), number(row["by_chance"], 1), number(row["found"]), number(row["surviving"]),
                number(row["bounded"]), number(row["undecided"]),
            ]
            for name, row in sorted(summary.items(), key=lambda item: _place(item[0], _FAMILIES))
        ],
        source="Mart evidence_summary. By chance: rows with a p-value of at most 5 % if no label said anything.",
        stacks=True,
    )  # fmt: skip


def _place(value: str, order: tuple[str, ...]) -> int:
    return order.index(value) if value in order else len(order)


def _name(row: Row) -> str:
    if row["signal"].startswith("member_"):
        return f"{row['subject']} members {label(row['label'])}"
    return f"{_SHORT.get(row['signal'], row['subject'])} {label(row['label'])}"


def _target(name: str) -> str:
    """The target with a minus sign, on one line."""
    return name.replace(" - ", f"{GAP}{MINUS}{GAP}")


def _chart(rows: list[Row]) -> Chart:
    named = [{**row, "name": _name(row)} for row in rows]
    targets = sorted({row["target"] for row in rows}, key=lambda target: _place(target, _TARGETS))
    words = {target: _target(target) for target in targets}
    return evidence_chart("scorecards", _TITLE, named, words, f"Mart scorecard. {_SOURCE}")


def evidence_chart(name: str, title: str, rows: list[Row], targets: dict[str, str], source: str) -> Chart:
    """Differences with intervals, one row a label, for a chosen target and horizon.

    Args:
        rows: rows of a scorecard, each with the `name` of its label, in the order to be shown.
        targets: the targets with their words; the first is shown first.
    """
    names = list(dict.fromkeys(row["name"] for row in rows))
    horizons = sorted({row["horizon"] for row in rows})
    first = next(iter(targets))
    chosen = [row for row in rows if row["horizon"] == horizons[-1] and row["target"] == first]
    telling = [f"{row['name']} ({points(row['difference'])})" for row in chosen if row["verdict"] in SURVIVING]
    fields = ("name", "signal", "horizon", "target", "verdict", "expected", "clusters", "sessions")
    data = {field: [row.get(field) for row in rows] for field in fields}
    for field in _FIGURES:
        data[field] = [None if row[field] is None else round(row[field], 4) for row in rows]
    seen = {row["verdict"] for row in rows}
    return Chart(
        name=name,
        title=title,
        summary=f"{targets[first]} over {plural(horizons[-1], 'session')} after each of {plural(len(chosen), 'label')}."
        + (f" Surviving: {listed(telling)}." if telling else " None survives the correction for the number of tests."),
        source=source,
        height=ROW * len(names) + 36,
        spec=_spec(names, horizons[-1], first),
        data={"scores": data},
        legend=[Key(MARKS[verdict], tone, _VERDICTS[verdict]) for verdict, tone in VERDICT_TONES.items() if verdict in seen],
        controls=[
            Control("target", "Return of", list(targets.items()), first),
            Control("horizon", "over", [(horizon, f"{horizon} sessions") for horizon in horizons], horizons[-1]),
        ],
    )


def _spec(names: list[str], horizon: int, target: str) -> dict[str, object]:
    rows = row_axis("name", names, lines=True)
    verdicts = {"field": "verdict", "legend": None}
    colour = {**verdicts, "scale": {"domain": list(VERDICT_TONES), "range": [TONES[tone] for tone in VERDICT_TONES.values()]}}
    shape = {**verdicts, "scale": {"domain": list(VERDICT_SHAPES), "range": list(VERDICT_SHAPES.values())}}
    # Hollow where nothing was decided.
    hollow = {"condition": {"test": "datum.verdict == 'undecided'", "value": PAPER}, **colour}
    look = {"stroke": colour, "fill": hollow}
    place = {"y": rows, "x": value_axis("difference", "+.0%", 80), "shape": shape, "tooltip": _TOOLTIP}
    low = value_axis("interval_low", "+.0%", 80)
    return chart(
        height=ROW * len(names),
        params=[{"name": "horizon", "value": horizon}, {"name": "target", "value": target}],
        data={"name": "scores"},
        transform=[{"filter": "datum.horizon == horizon && datum.target == target"}, *p_value_words("p_value", "p_family")],
        layer=[
            zero_line(),
            span(rows, low, "interval_high", mark={"opacity": 0.75}, color=colour, tooltip=_TOOLTIP),
            {"mark": {"type": "point", "size": 80, "opacity": 1, "strokeWidth": 1.6}, "encoding": {**place, **look}},
        ],
    )


def survivors(rows: list[Row], caption: str, source: str) -> Table:
    """The rows of a scorecard with a verdict of their own, whatever their horizon and target.

    Args:
        rows: rows of a scorecard, each with the `name` of its label and the words of its target, `return_of`.
    """
    return Table(
        caption=caption,
        columns=[
            Column("Label", False), Column("Return of", False), Column("Sessions ahead"), Column("Difference"),
            Column("95 % interval"), Column("Clusters"), Column("p, corrected"), Column("Verdict", False),
        ],
        rows=[
            [
                Cell(row["name"], note=label(row["signal"])), row["return_of"], number(row["horizon"]), points(row["difference"]),
                interval(row["interval_low"], row["interval_high"], unit="pp"), number(row["clusters"]), p_value(row["p_family"]),
                Cell(row["verdict"], tone=VERDICT_TONES[row["verdict"]], mark=MARKS[row["verdict"]]),
            ]
            for row in rows
        ],
        source=f"{source} Differences in percentage points (pp). The p-value is corrected for the number of tests in its"
        " family.",
        stacks=True,
    )  # fmt: skip


def _claimed(rows: list[Row]) -> Table:
    horizon = max(row["horizon"] for row in rows)
    return Table(
        caption=f"What the guide expects after each label, over {horizon} sessions",
        columns=[
            Column("Label", False), Column("Return of", False), Column("Expected", False), Column("Mean"), Column("Rest"),
            Column("Difference"), Column("95 % interval"), Column("Clusters"), Column("p"), Column("p, all claims"),
            Column("Verdict", False),
        ],
        rows=[
            [
                _name(row), _target(row["target"]), row["expected"], percent(row["mean_return"], signed=True),
                percent(row["rest_return"], signed=True), points(row["difference"]),
                interval(row["interval_low"], row["interval_high"], unit="pp"), number(row["clusters"]),
                p_value(row["p_value"]), p_value(row["p_family"]),
                Cell(
                    row["verdict"], tone=VERDICT_TONES[row["verdict"]], mark=MARKS[row["verdict"]],
                    note=row["verdict_in_words"].partition(": ")[2],
                ),
            ]
            for row in rows
            if row["horizon"] == horizon
        ],
        source="Mart scorecard, which has every signal, label, horizon and target. Clusters: independent groups of spells, the"
        " effective sample size. The interval excludes zero where p is at most 5 %. p, all claims: corrected for the number of"
        " claims; the verdict follows it.",
        stacks=True,
    )  # fmt: skip


CHAPTER = Chapter("scorecards", "What followed each signal", ("scorecard", "evidence_summary"), _write, feeds=("prices",))

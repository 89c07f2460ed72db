"""The track record of each signal: forward returns after each label against the base rate, with intervals and verdicts."""

from orchestration.report.blocks import Cell, Chapter, Chart, Column, Control, Key, Manifest, Section, Table
from orchestration.report.chart_parts import (
    PAPER,
    TONES,
    VERDICT_SHAPES,
    VERDICT_TONES,
    chart,
    row_axis,
    span,
    tip,
    value_axis,
    zero_line,
)
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import GAP, MINUS, interval, label, listed, number, p_value, percent, plural, points

MARKS = {"supports": "circle", "contradicts": "diamond", "unclaimed": "up", "noise": "ring"}
_ORDER = ("regime", "trend_break", "breadth", "rate_regime", "cycle_phase")
_TARGETS = ("SPY", "IWM - SPY", "IWM", "QQQ")
ROW = 23
_TOOLTIP = [
    tip("name", "Label", kind="nominal"), tip("verdict", "Verdict", kind="nominal"),
    tip("expected", "The guide expects", kind="nominal"), tip("difference", "Difference", "+.1%"),
    tip("interval_low", "Interval from", "+.1%"), tip("interval_high", "to", "+.1%"), tip("mean_return", "Mean", "+.1%"),
    tip("base_return", "Base rate", "+.1%"), tip("p_value", "p-value", ".3f"),
    tip("independent_spells", "Independent spells", "d"), tip("sessions", "Sessions", "d"),
]  # fmt: skip
_VERDICTS = {
    "supports": "supports the guide", "contradicts": "contradicts the guide", "unclaimed": "significant, no claim in the guide",
    "noise": "noise (not significant)",
}  # fmt: skip
_SHORT = {"breadth": "breadth", "rate_regime": "Fed", "cycle_phase": "cycle"}


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.rows("select * from scorecard")
    rows.sort(key=lambda row: (_place(row["signal"], _ORDER), row["subject"] != "IWM/SPY", row["subject"], row["label"]))
    verdicts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in VERDICT_TONES}
    claimed = [row for row in rows if row["expected"] is not None]
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"Returns after each label compared with the base rate: of {number(len(rows))} comparisons, {verdicts['noise']} are"
        f" not statistically significant, {verdicts['supports']} support the guide, {verdicts['contradicts']} contradict it, and"
        f" {verdicts['unclaimed']} are significant where the guide makes no claim.",
        blocks=[_chart(rows), _claimed(claimed)] if claimed else [_chart(rows)],
        notes=["With so many comparisons, some are significant by chance alone. A single significant result is not a finding."],
    )


def _place(value: str, order: tuple[str, ...]) -> int:
    return order.index(value) if value in order else len(order)


def _name(row: Row) -> str:
    return f"{_SHORT.get(row['signal'], row['subject'])} {label(row['label'])}"


def _target(name: str) -> str:
    """The target with a minus sign, on one line."""
    return name.replace(" - ", f"{GAP}{MINUS}{GAP}")


def _chart(rows: list[Row]) -> Chart:
    names = list(dict.fromkeys(_name(row) for row in rows))
    horizons = sorted({row["horizon"] for row in rows})
    targets = sorted({row["target"] for row in rows}, key=lambda target: _place(target, _TARGETS))
    chosen = [row for row in rows if row["horizon"] == horizons[-1] and row["target"] == targets[0]]
    telling = [f"{_name(row)} ({points(row['difference'])})" for row in chosen if row["verdict"] != "noise"]
    fields = ("signal", "horizon", "target", "verdict", "expected", "independent_spells", "sessions")
    data = {field: [row[field] for row in rows] for field in fields}
    data["name"] = [_name(row) for row in rows]
    for field in ("difference", "interval_low", "interval_high", "mean_return", "base_return", "p_value"):
        data[field] = [None if row[field] is None else round(row[field], 4) for row in rows]
    return Chart(
        name="scorecards",
        title="Forward return minus base rate, with 95 % interval",
        summary=f"{targets[0]} over {plural(horizons[-1], 'session')} after each of {plural(len(chosen), 'label')}."
        f" Statistically significant: {listed(telling)}.",
        source="Mart scorecard. Mean forward total return after the label minus the mean over all sessions, in percent."
        " Intervals: bootstrap of whole spells. The verdict also uses circular shifts of the labels.",
        height=ROW * len(names) + 36,
        spec=_spec(names, horizons[-1], targets[0]),
        data={"scores": data},
        legend=[Key(MARKS[verdict], tone, _VERDICTS[verdict]) for verdict, tone in VERDICT_TONES.items()],
        controls=[
            Control("target", "Return of", [(target, _target(target)) for target in targets], targets[0]),
            Control("horizon", "over", [(horizon, f"{horizon} sessions") for horizon in horizons], horizons[-1]),
        ],
    )


def _spec(names: list[str], horizon: int, target: str) -> dict[str, object]:
    rows = row_axis("name", names, lines=True)
    verdicts = {"field": "verdict", "legend": None}
    colour = {**verdicts, "scale": {"domain": list(VERDICT_TONES), "range": [TONES[tone] for tone in VERDICT_TONES.values()]}}
    shape = {**verdicts, "scale": {"domain": list(VERDICT_SHAPES), "range": list(VERDICT_SHAPES.values())}}
    point = {"type": "point", "size": 80, "opacity": 1, "filled": True}
    place = {"y": rows, "x": value_axis("difference", "+.0%", 80), "shape": shape, "tooltip": _TOOLTIP}
    low = value_axis("interval_low", "+.0%", 80)
    return chart(
        height=ROW * len(names),
        params=[{"name": "horizon", "value": horizon}, {"name": "target", "value": target}],
        data={"name": "scores"},
        transform=[{"filter": "datum.horizon == horizon && datum.target == target"}],
        layer=[
            zero_line(),
            span(rows, low, "interval_high", mark={"opacity": 0.75}, color=colour, tooltip=_TOOLTIP),
            {
                "mark": point,
                "transform": [{"filter": "datum.verdict != 'noise'"}],
                "encoding": {**place, "color": colour},
            },
            {
                "mark": {**point, "fill": PAPER, "strokeWidth": 1.6},
                "transform": [{"filter": "datum.verdict == 'noise'"}],
                "encoding": {**place, "stroke": colour},
            },
        ],
    )


def _claimed(rows: list[Row]) -> Table:
    horizon = max(row["horizon"] for row in rows)
    return Table(
        caption=f"What the guide expects after each label, over {horizon} sessions",
        columns=[
            Column("Label", False), Column("Return of", False), Column("Expected", False), Column("Mean"), Column("Base rate"),
            Column("Difference"), Column("95 % interval"), Column("Spells"), Column("p"), Column("Verdict", False),
        ],
        rows=[
            [
                _name(row), _target(row["target"]), row["expected"], percent(row["mean_return"], signed=True),
                percent(row["base_return"], signed=True), points(row["difference"]),
                interval(row["interval_low"], row["interval_high"], unit="pp"), number(row["independent_spells"]),
                p_value(row["p_value"]),
                Cell(
                    row["verdict"], tone=VERDICT_TONES[row["verdict"]], mark=MARKS[row["verdict"]],
                    note=row["verdict_in_words"].partition(": ")[2],
                ),
            ]
            for row in rows
            if row["horizon"] == horizon
        ],
        source="Mart scorecard, which has every signal, label, horizon and target. Spells: the number of independent spells,"
        " which is the effective sample size.",
    )  # fmt: skip


CHAPTER = Chapter("scorecards", "What followed each signal", ("scorecard",), _write)

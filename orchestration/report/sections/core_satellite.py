"""Core and satellite: the SPY and IWM portfolios relative to the static middle one."""

from orchestration.report.blocks import Cell, Chapter, Chart, Column, Key, Manifest, Section, Table
from orchestration.report.chart_parts import (
    PAPER,
    SIGNED,
    TONES,
    chart,
    crosshair,
    date_axis,
    row_axis,
    span,
    tip,
    value_axis,
    vertical_axis,
    zero_line,
)  # fmt: skip
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import day, interval, label, number, percent

_MIDDLE = "static_middle"
_TONES = {"timed": "orange", "spy_only": "green", "static_least": "purple", _MIDDLE: "ink", "static_most": "blue"}
_DASHES = {"timed": [1, 0], "spy_only": [2, 2], "static_least": [4, 2], "static_most": [8, 3]}
_MARKS = {"timed": "line", "spy_only": "dots", "static_least": "dash", "static_most": "dash"}
ROW = 40
# One close per month is enough for a line of 25 years.
_GROWTH = """
pivot (
    select strategy, session, value from core_satellite_daily
    qualify row_number() over (partition by strategy, date_trunc('month', session) order by session desc) = 1
) on strategy using first(value) order by session
"""


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.rows("select * from core_satellite_summary")
    order = list(_TONES)
    rows.sort(key=lambda row: order.index(row["strategy"]) if row["strategy"] in order else len(order))
    charts = [_relative(tables, rows)] if tables.has("core_satellite_daily") else []
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=_lead(rows),
        blocks=[*charts, _gaps(rows), _table(rows)],
        notes=[
            "Five portfolios of SPY and IWM. Weights are decided at one close and traded at the next, with trading costs. The"
            " portfolios differ little: compare their gaps to the static middle portfolio, and whether the interval excludes"
            " zero.",
            *([] if charts else [tables.unavailable("core_satellite_daily") or ""]),
        ],
    )


def _lead(rows: list[Row]) -> str:
    timed = next((row for row in rows if row["strategy"] == "timed"), None)
    if timed is None or timed["gap_to_static"] is None:
        return "The timed satellite cannot be compared."
    return (
        f"Timing the satellite changed growth by {percent(timed['gap_to_static'], 2, signed=True)} a year"
        f" ({interval(timed['gap_low'], timed['gap_high'], 2)}): {timed['verdict']}."
    )


def _relative(tables: ReleaseTables, rows: list[Row]) -> Chart:
    values = tables.columns(_GROWTH)
    shown = [name for name in _TONES if name in values and name != _MIDDLE]
    gaps = {name: _against_middle(values, name) for name in shown}
    ends = ", ".join(f"{label(name)} {percent(gaps[name][-1], signed=True)}" for name in shown)
    growth = next((row["growth"] for row in rows if row["strategy"] == _MIDDLE), None)
    return Chart(
        name="core_satellite",
        title="Growth relative to the static middle portfolio",
        summary=f"One dollar in the static middle portfolio grew to {number(growth, 2)} dollars from"
        f" {day(rows[0]['first_session'])} to {day(rows[0]['last_session'])}. The others ended, relative to it: {ends}.",
        source="Mart core_satellite_daily, month ends. Total returns after trading costs, in percent of the value of the static"
        " middle portfolio.",
        height=258,
        spec=_spec(shown),
        data={"values": {"session": values["session"], **gaps}},
        legend=[Key(_MARKS[name], _TONES[name], label(name)) for name in shown],
    )


def _spec(shown: list[str]) -> dict[str, object]:
    named = {"field": "strategy", "legend": None}
    tooltip = [tip("session", "Session", kind="temporal"), *(tip(name, label(name), "+.2%") for name in shown)]
    lines = {
        "data": {"name": "values"},
        "mark": {"type": "line", "strokeWidth": 1.5},
        "transform": [{"fold": shown, "as": ["strategy", "value"]}],
        "encoding": {
            "x": date_axis("session"),
            "y": {"field": "value", "type": "quantitative", "axis": vertical_axis(None, "+.0%", **SIGNED)},
            "color": {**named, "scale": {"domain": shown, "range": [TONES[_TONES[name]] for name in shown]}},
            "strokeDash": {**named, "scale": {"domain": shown, "range": [_DASHES[name] for name in shown]}},
        },
    }
    zero = {**zero_line(), "encoding": {"y": {"datum": 0}}}
    return chart(height=220, layer=[zero, lines, crosshair("near", "session", tooltip, "values")])


def _against_middle(values: dict[str, list[float | None]], name: str) -> list[float | None]:
    middle = values.get(_MIDDLE, [None] * len(values["session"]))
    return [None if v is None or not m else round(v / m - 1, 5) for v, m in zip(values[name], middle, strict=True)]


def _gaps(rows: list[Row]) -> Chart:
    shown = [row for row in rows if row["strategy"] != _MIDDLE and row["gap_low"] is not None]
    data: dict[str, list[object]] = {
        "name": [label(row["strategy"]) for row in shown], "verdict": [str(row["verdict"]) for row in shown],
        **{field: [round(row[field], 6) for row in shown] for field in ("gap_to_static", "gap_low", "gap_high")},
        "significant": [_is_significant(row) for row in shown],
    }  # fmt: skip
    words = "; ".join(
        f"{label(row['strategy'])} {percent(row['gap_to_static'], 2, signed=True)}"
        f" ({interval(row['gap_low'], row['gap_high'], 2)}): {row['verdict']!s}"
        for row in shown
    )
    return Chart(
        name="gaps",
        title="Annual growth relative to the static middle portfolio, with 95 % interval",
        summary=f"{words}.",
        source="Mart core_satellite_summary. Percent a year: (1 + CAGR) / (1 + CAGR of the static middle portfolio) minus 1;"
        " intervals from a bootstrap of calendar years.",
        height=ROW * len(shown) + 36,
        spec=_gap_spec([label(row["strategy"]) for row in shown]),
        data={"gaps": data},
        legend=[Key("circle", "blue", "statistically significant"), Key("ring", "grey", "not significant")],
    )


def _gap_spec(names: list[str]) -> dict[str, object]:
    rows = row_axis("name", names)
    colour = {"condition": {"test": "datum.significant", "value": TONES["blue"]}, "value": TONES["grey"]}
    fill = {"condition": {"test": "datum.significant", "value": TONES["blue"]}, "value": PAPER}
    tooltip = [
        tip("name", "Strategy", kind="nominal"), tip("gap_to_static", "Gap a year", "+.2%"),
        tip("gap_low", "Interval from", "+.2%"), tip("gap_high", "to", "+.2%"), tip("verdict", "Verdict", kind="nominal"),
    ]  # fmt: skip
    at = value_axis("gap_to_static", "+.1%")
    return chart(
        height=ROW * len(names),
        data={"name": "gaps"},
        layer=[
            zero_line(),
            span(rows, value_axis("gap_low", "+.1%"), "gap_high", mark={}, color=colour, tooltip=tooltip),
            {
                "mark": {"type": "point", "filled": True, "size": 100, "opacity": 1, "strokeWidth": 1.8},
                "encoding": {"y": rows, "x": at, "stroke": colour, "fill": fill, "tooltip": tooltip},
            },
        ],
    )


def _table(rows: list[Row]) -> Table:
    return Table(
        caption="Strategies",
        columns=[
            Column("Strategy", False), Column("CAGR"), Column("Volatility"), Column("Sharpe ratio"), Column("Max drawdown"),
            Column("Mean IWM weight"), Column("Turnover a year"), Column("Gap a year"), Column("95 % interval"), Column("Verdict",
            False),
        ],
        rows=[
            [
                label(row["strategy"]), percent(row["cagr"], 2), percent(row["volatility"]), number(row["sharpe"], 2),
                percent(row["max_drawdown"]), percent(row["mean_iwm_weight"]), percent(row["turnover_a_year"]),
                percent(row["gap_to_static"], 2, signed=True), _interval(row), Cell(str(row["verdict"])),
            ]
            for row in rows
        ],
        source=f"Mart core_satellite_summary, {day(rows[0]['first_session'])} to {day(rows[0]['last_session'])}; percent"
        " a year; weights and max drawdown in percent. Gap: (1 + CAGR) / (1 + CAGR of"
        " the static middle portfolio) minus 1.",
        stacks=True,
    )  # fmt: skip


def _is_significant(row: Row) -> bool:
    """Whether the interval of the gap excludes zero, as the verdict of the mart has it."""
    return bool(row["gap_low"] > 0 or row["gap_high"] < 0)


def _interval(row: Row) -> str:
    return interval(None, None) if row["strategy"] == _MIDDLE else interval(row["gap_low"], row["gap_high"], 2)


CHAPTER = Chapter("core_satellite", "Core and satellite", ("core_satellite_summary",), _write, feeds=("prices",))

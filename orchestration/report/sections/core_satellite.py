"""A core of SPY with a satellite of IWM: growth of the strategies, and what each was worth against the static middle one."""

from orchestration.report.blocks import Cell, Chapter, Chart, Column, Key, Manifest, Section, Table
from orchestration.report.chart_parts import FAINT, PAPER, TONES, chart, height_axis, moment, told, under_pointer
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import day, interval, label, number, percent

_TONES = {"timed": "orange", "spy_only": "green", "static_least": "purple", "static_middle": "ink", "static_most": "blue"}
_DASHES = {"timed": [1, 0], "spy_only": [2, 2], "static_least": [4, 2], "static_middle": [1, 0], "static_most": [8, 3]}
_MARKS = {"timed": "line", "spy_only": "dots", "static_least": "dash", "static_middle": "line", "static_most": "dash"}
# One close a month is enough for a line of 25 years.
_GROWTH = """
pivot (
    select strategy, session, value from core_satellite_daily
    qualify row_number() over (partition by strategy, date_trunc('month', session) order by session desc) = 1
) on strategy using first(value) order by session
"""


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.ask("select * from core_satellite_summary")
    order = list(_TONES)
    rows.sort(key=lambda row: order.index(row["strategy"]) if row["strategy"] in order else len(order))
    charts = [_growth(tables, rows)] if tables.has("core_satellite_daily") else []
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead="Five portfolios of SPY and IWM, decided at one close and traded at the next, with costs. The five grow almost alike: what"
        " counts is the gap to the static middle portfolio, and whether its interval leaves zero out.",
        blocks=[*charts, _gaps(rows), _table(rows)],
        notes=[] if charts else [tables.lacking("core_satellite_daily") or ""],
    )


def _growth(tables: ReleaseTables, rows: list[Row]) -> Chart:
    values = tables.columns(_GROWTH)
    shown = [name for name in _TONES if name in values]
    ends = ", ".join(f"{label(row['strategy'])} {number(row['growth'], 2)}" for row in rows)
    gaps = {f"{name} gap": _against_middle(values, name) for name in shown}
    data = {"session": values["session"], **{n: [None if v is None else round(v, 4) for v in values[n]] for n in shown}, **gaps}
    scale = {"domain": shown, "range": [TONES.get(_TONES[name], f"var(--{_TONES[name]})") for name in shown]}
    look = {
        "color": {"field": "strategy", "scale": scale, "legend": None},
        "strokeDash": {"field": "strategy", "scale": {"domain": shown, "range": [_DASHES[n] for n in shown]}, "legend": None},
    }
    tooltip = [told("session", "Session", kind="temporal"), *(told(name, label(name), ".3f") for name in shown)]
    drift = [told("session", "Session", kind="temporal"), *(told(f"{name} gap", label(name), "+.2%") for name in shown)]
    line = {"data": {"name": "values"}, "mark": {"type": "line", "strokeWidth": 1.5}}
    growth = {
        "height": 190,
        "title": {"text": "Value of one dollar", "anchor": "start", "fontSize": 12, "fontWeight": "normal", "color": FAINT},
        "layer": [
            {
                **line, "transform": [{"fold": shown, "as": ["strategy", "value"]}],
                "encoding": {
                    "x": moment("session"), **look,
                    "y": {"field": "value", "type": "quantitative", "scale": {"type": "log"}, "axis": height_axis(None, "$.0f")},
                },
            },
            under_pointer("near", "session", tooltip, "values"),
        ],
    }  # fmt: skip
    against = {
        "height": 150,
        "title": {
            "text": "Value against the static middle portfolio", "anchor": "start", "fontSize": 12, "fontWeight": "normal", "color": FAINT,
        },
        "layer": [
            {
                **line, "encoding": {
                    "x": moment("session"), **look,
                    "y": {"field": "gap", "type": "quantitative", "axis": height_axis(None, "+.1%")},
                },
                "transform": [
                    {"fold": [f"{name} gap" for name in shown], "as": ["named", "gap"]},
                    {"calculate": "replace(datum.named, ' gap', '')", "as": "strategy"},
                ],
            },
            under_pointer("close", "session", drift, "values"),
        ],
    }  # fmt: skip
    return Chart(
        name="core_satellite",
        title="Growth of one dollar, and growth against the static middle portfolio",
        says=f"From {day(rows[0]['first_session'])} to {day(rows[0]['last_session'])} one dollar became: {ends} dollars.",
        source="Mart core_satellite_daily, month ends. Total returns after trading costs, in dollars (logarithmic) and in percent of the"
        " static middle portfolio.",
        height=480,
        spec=chart(vconcat=[growth, against]),
        data={"values": data},
        keys=[Key(_MARKS[name], _TONES[name], label(name)) for name in shown],
    )


def _against_middle(values: dict[str, list[float | None]], name: str) -> list[float | None]:
    middle = values.get("static_middle", [None] * len(values["session"]))
    return [None if v is None or not m else round(v / m - 1, 5) for v, m in zip(values[name], middle, strict=True)]


def _gaps(rows: list[Row]) -> Chart:
    shown = [row for row in rows if row["strategy"] != "static_middle" and row["gap_low"] is not None]
    data: dict[str, list[object]] = {
        "name": [label(row["strategy"]) for row in shown], "verdict": [row["verdict"] for row in shown],
        **{field: [round(row[field], 6) for row in shown] for field in ("gap_to_static", "gap_low", "gap_high")},
        "beside_zero": [bool(row["gap_low"] > 0 or row["gap_high"] < 0) for row in shown],
    }  # fmt: skip
    y = {
        "field": "name", "type": "nominal", "sort": data["name"],
        "axis": {"title": None, "grid": False, "domain": False, "ticks": False},
    }  # fmt: skip
    axis = {"title": None, "format": "+.1%", "orient": "top", "tickCount": 5}
    colour = {"condition": {"test": "datum.beside_zero", "value": TONES["blue"]}, "value": TONES["grey"]}
    tooltip = [
        told("name", "Strategy", kind="nominal"), told("gap_to_static", "Gap a year", "+.2%"),
        told("gap_low", "Interval from", "+.2%"), told("gap_high", "to", "+.2%"), told("verdict", "Verdict", kind="nominal"),
    ]  # fmt: skip
    words = "; ".join(
        f"{label(row['strategy'])} {percent(row['gap_to_static'], 2, signed=True)}"
        f" ({interval(row['gap_low'], row['gap_high'], 2)}): {row['verdict']}"
        for row in shown
    )
    return Chart(
        name="gaps",
        title="Growth a year beyond the static middle portfolio, with its 95 % interval",
        says=f"{words}.",
        source="Mart core_satellite_summary. Percent a year; the interval comes from resampled calendar years.",
        height=40 * len(shown) + 40,
        spec=chart(
            height=40 * len(shown), data={"name": "gaps"},
            layer=[
                {"mark": {"type": "rule", "color": FAINT}, "data": {"values": [{}]}, "encoding": {"x": {"datum": 0}}},
                {
                    "mark": {"type": "rule", "strokeWidth": 2.5},
                    "encoding": {
                        "y": y, "x": {"field": "gap_low", "type": "quantitative", "axis": axis}, "x2": {"field": "gap_high"},
                        "color": colour, "tooltip": tooltip,
                    },
                },
                {
                    "mark": {"type": "point", "filled": True, "size": 100, "opacity": 1, "strokeWidth": 1.8},
                    "encoding": {
                        "y": y, "x": {"field": "gap_to_static", "type": "quantitative", "axis": axis}, "stroke": colour,
                        "fill": {"condition": {"test": "datum.beside_zero", "value": TONES["blue"]}, "value": PAPER},
                        "tooltip": tooltip,
                    },
                },
            ],
        ),
        data={"gaps": data},
        keys=[Key("circle", "blue", "interval beside zero"), Key("ring", "grey", "cannot be told from luck")],
    )  # fmt: skip


def _table(rows: list[Row]) -> Table:
    return Table(
        caption="Strategies",
        columns=[
            Column("Strategy", False), Column("Growth a year"), Column("Volatility"), Column("Sharpe"), Column("Deepest fall"),
            Column("Mean IWM"), Column("Turnover a year"), Column("Gap to static"), Column("95 % interval"), Column("Verdict", False),
        ],
        rows=[
            [
                label(row["strategy"]), percent(row["cagr"], 2), percent(row["volatility"]), number(row["sharpe"], 2),
                percent(row["max_drawdown"]), percent(row["mean_iwm_weight"]), percent(row["turnover_a_year"]),
                percent(row["gap_to_static"], 2, signed=True), _interval(row), Cell(row["verdict"]),
            ]
            for row in rows
        ],
        source=f"Mart core_satellite_summary, {day(rows[0]['first_session'])} to {day(rows[0]['last_session'])}; percent a year unless"
        " it is a weight or a fall.",
    )  # fmt: skip


def _interval(row: Row) -> str:
    return interval(None, None) if row["strategy"] == "static_middle" else interval(row["gap_low"], row["gap_high"], 2)


CHAPTER = Chapter("core_satellite", "Core and satellite", ("core_satellite_summary",), _write)

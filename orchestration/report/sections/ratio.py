"""IWM against SPY: the ratio with its regimes and trend breaks, and where each pair stands."""

from orchestration.report.blocks import Cell, Chapter, Chart, Column, Key, Manifest, Section, Table
from orchestration.report.chart_parts import FAINT, INK, LEFT, TONES, Spec, chart, height_axis, moment, told, under_pointer
from orchestration.report.release_tables import ReleaseTables
from orchestration.report.wording import day, label, number, percent, plural, rounded

PAIR = "IWM/SPY"
_DETAIL, _OVERVIEW = 300, 56
# One point a week, but every session of the newest five years and every trend break.
_POINTS = """
select session, ratio, ratio * exp(-trend_gap) as trend, trend_break
from ratio_daily
where pair = ? and ratio is not null
qualify session > max(session) over () - interval 5 year
    or row_number() over (partition by date_trunc('week', session) order by session desc) = 1
    or trend_break is not null
order by session
"""
_STANDING = """
select
    pair, session, ratio, trend_gap, percentile, slope,
    (select max_by(regime, session) from regime_daily as r where r.pair = d.pair and r.regime is not null) as regime,
    (select max(first_session) from regime_spells as s where s.pair = d.pair) as since,
    (select max(session) from ratio_daily as b where b.pair = d.pair and b.trend_break is not null) as broke,
    (select max_by(trend_break, session) from ratio_daily as b where b.pair = d.pair and b.trend_break is not null) as trend_break
from ratio_daily as d
qualify row_number() over (partition by pair order by session desc) = 1
order by pair
"""


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    points = tables.columns(_POINTS, PAIR)
    spells = tables.columns(
        "select first_session, last_session, regime from regime_spells where pair = ? order by spell_no", PAIR
    )
    if not points["session"]:
        return Section(CHAPTER.name, CHAPTER.title, lacking=f"Nothing to show from this release: ratio_daily knows no {PAIR}.")
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead="A rising ratio means that small companies gain on large ones. The bands are the regimes as they read at each close:"
        " none of them changes when later data arrive.",
        blocks=[_chart(points, spells), _standing(tables)],
    )


def _chart(points: dict[str, list], spells: dict[str, list]) -> Chart:  # type: ignore[type-arg]
    breaks = [(s, b) for s, b in zip(points["session"], points["trend_break"], strict=True) if b]
    newest = points["session"][-1]
    regime = f"{label(spells['regime'][-1])} since {day(spells['first_session'][-1])}" if spells["regime"] else "no regime yet"
    last = f", the last of them a {label(breaks[-1][1])} on {day(breaks[-1][0])}" if breaks else ""
    says = (
        f"On {day(newest)} a share of IWM cost {number(points['ratio'][-1], 3)} shares of SPY; {regime}."
        f" Between {day(points['session'][0])} and then: {plural(len(spells['regime']), 'regime spell')} and"
        f" {plural(len(breaks), 'trend break')}{last}."
    )
    points = {**points, "ratio": rounded(points["ratio"], 4), "trend": rounded(points["trend"], 4)}
    return Chart(
        name="ratio",
        title="IWM/SPY: ratio, regimes and trend breaks",
        says=says,
        source="Marts ratio_daily, regime_spells. Closes of IWM over closes of SPY (a ratio, without dividends); weekly points,"
        " daily in the newest five years. Drag across the small chart to zoom; a double click shows all.",
        height=_DETAIL + _OVERVIEW + 70,
        spec=chart(vconcat=[_detail(), _overview()], resolve={"scale": {"color": "independent"}}),
        data={"points": points, "spells": spells},
        keys=[
            Key("line", "ink", "ratio"), Key("dash", "faint", "trend mean"), Key("band", "blue", "risk-on"),
            Key("band", "orange", "risk-off"), Key("up", "blue", "break up"), Key("down", "orange", "break down"),
        ],
        zoom=True,
    )  # fmt: skip


def _detail() -> Spec:
    shown = {"data": {"name": "points"}, "transform": [{"filter": {"param": "zoom", "empty": True}}]}
    y = {"field": "ratio", "type": "quantitative", "scale": {"zero": False, "nice": True}, "axis": height_axis(None, ".2f")}
    x = moment("session", scale={"type": "utc", "domain": {"param": "zoom"}})
    tooltip = [
        told("session", "Session", kind="temporal"), told("ratio", "Ratio", ".3f"), told("trend", "Trend mean", ".3f"),
        told("trend_break", "Trend break", kind="nominal"),
    ]  # fmt: skip
    pointer = under_pointer("near", "session", tooltip, "points")
    pointer["encoding"]["x"] = x
    mean = {"type": "line", "color": FAINT, "strokeDash": [5, 4], "strokeWidth": 1.2, "clip": True}
    line = {"type": "line", "color": INK, "strokeWidth": 1.5, "clip": True}
    return {
        "height": _DETAIL,
        "layer": [
            _bands(x),
            {**shown, "mark": mean, "encoding": {"x": x, "y": {**y, "field": "trend"}}},
            {**shown, "mark": line, "encoding": {"x": x, "y": y}},
            _breaks(x, y),
            {**pointer, **shown},
        ],
        "resolve": {"scale": {"color": "independent"}},
    }


def _bands(x: Spec) -> Spec:
    """The regimes behind the line."""
    tones = {"domain": ["risk_on", "risk_off"], "range": [TONES["blue"], TONES["orange"]]}
    return {
        "data": {"name": "spells"},
        "mark": {"type": "rect", "opacity": 0.16, "clip": True},
        "encoding": {
            "x": {**x, "field": "first_session"},
            "x2": {"field": "last_session"},
            "color": {"field": "regime", "scale": tones, "legend": None},
        },
    }


def _breaks(x: Spec, y: Spec) -> Spec:
    """Trend breaks, up and down told apart by shape as well as colour."""
    domain = ["break_up", "break_down"]
    named = {"field": "trend_break", "legend": None}
    return {
        "data": {"name": "points"},
        "transform": [{"filter": "datum.trend_break"}, {"filter": {"param": "zoom", "empty": True}}],
        "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1, "clip": True},
        "encoding": {
            "x": x,
            "y": y,
            "shape": {**named, "scale": {"domain": domain, "range": ["triangle-up", "triangle-down"]}},
            "color": {**named, "scale": {"domain": domain, "range": [TONES["blue"], TONES["orange"]]}},
        },
    }


def _overview() -> Spec:
    return {
        "height": _OVERVIEW,
        "data": {"name": "points"},
        "params": [{"name": "zoom", "select": {"type": "interval", "encodings": ["x"], "mark": {"fill": INK,
        "fillOpacity": 0.12}}}],
        "mark": {"type": "line", "color": FAINT, "strokeWidth": 1},
        "encoding": {
            "x": moment("session"),
            "y": {
                "field": "ratio", "type": "quantitative", "scale": {"zero": False},
                "axis": {"title": None, "labels": False, "grid": False, "minExtent": LEFT - 12, "maxExtent": LEFT - 12},
            },
        },
    }  # fmt: skip


def _standing(tables: ReleaseTables) -> Table:
    tone = {"risk_on": "blue", "risk_off": "orange"}
    rows = tables.ask(_STANDING)
    return Table(
        caption="Where each pair stands",
        columns=[
            Column("Pair", False), Column("Regime", False), Column("Since"), Column("Ratio"), Column("Trend gap"),
            Column("Rank in a year"), Column("Last trend break"),
        ],
        rows=[
            [
                row["pair"],
                Cell(label(row["regime"]), tone=tone.get(row["regime"] or "", "")),
                day(row["since"]),
                number(row["ratio"], 4),
                number(row["trend_gap"], 4, signed=True),
                percent(row["percentile"], 0),
                Cell(day(row["broke"]), note=label(row["trend_break"]) if row["trend_break"] else ""),
            ]
            for row in rows
        ],
        source=f"Marts ratio_daily, regime_daily, regime_spells; as of {day(max(row['session'] for row in rows))}. Trend gap"
        " in log points; the rank is the share of the window's ratios at or below this one.",
    )  # fmt: skip


CHAPTER = Chapter("ratio", "Small against large: IWM/SPY", ("ratio_daily", "regime_daily", "regime_spells"), _write)

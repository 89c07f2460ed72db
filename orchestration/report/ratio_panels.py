"""Chart panels for the ratio of two funds: ratio, trend mean, regimes as coloured bands, and trend breaks."""

from orchestration.report.chart_parts import (
    FAINT,
    INK,
    LEFT,
    TONES,
    Spec,
    crosshair,
    date_axis,
    panel_title,
    tip,
    vertical_axis,
)  # fmt: skip

_TOOLTIP = [
    tip("session", "Session", kind="temporal"), tip("ratio", "Ratio", ".3f"), tip("trend", "Trend mean", ".3f"),
    tip("trend_break", "Trend break", kind="nominal"),
]  # fmt: skip


def detail(height: int) -> Spec:
    """The upper panel of the zoomable chart: `points` and `spells` within the range selected in the overview."""
    x = date_axis("session", scale={"type": "utc", "domain": {"param": "zoom"}})
    return _panel("near", "points", "spells", height, x, [{"filter": {"param": "zoom", "empty": True}}])


def panel(title: str, points: str, spells: str, height: int) -> Spec:
    """A panel with the whole history of one ratio; `points` and `spells` name its data sets."""
    name = "near_" + "".join(filter(str.isalnum, title))
    return {**_panel(name, points, spells, height, date_axis("session"), []), "title": panel_title(title)}


def overview(height: int) -> Spec:
    """The lower panel of the zoomable chart, in which the reader selects a date range."""
    axis = {"title": None, "labels": False, "grid": False, "minExtent": LEFT - 12, "maxExtent": LEFT - 12}
    chosen = {"type": "interval", "encodings": ["x"], "mark": {"fill": INK, "fillOpacity": 0.12}}
    return {
        "height": height,
        "data": {"name": "points"},
        "params": [{"name": "zoom", "select": chosen}],
        "mark": {"type": "line", "color": FAINT, "strokeWidth": 1},
        "encoding": {
            "x": date_axis("session"),
            "y": {"field": "ratio", "type": "quantitative", "scale": {"zero": False}, "axis": axis},
        },
    }


def _panel(pointer: str, points: str, spells: str, height: int, x: Spec, kept: list[Spec]) -> Spec:
    shown = {"data": {"name": points}, "transform": kept}
    y = {"field": "ratio", "type": "quantitative", "scale": {"zero": False, "nice": True}, "axis": vertical_axis(None, ".2f")}
    mean = {"type": "line", "color": FAINT, "strokeDash": [5, 4], "strokeWidth": 1.2, "clip": True}
    line = {"type": "line", "color": INK, "strokeWidth": 1.5, "clip": True}
    near = crosshair(pointer, "session", _TOOLTIP, points)
    near["encoding"]["x"] = x
    return {
        "height": height,
        "layer": [
            _bands(spells, x),
            {**shown, "mark": mean, "encoding": {"x": x, "y": {**y, "field": "trend"}}},
            {**shown, "mark": line, "encoding": {"x": x, "y": y}},
            _breaks(points, kept, x, y),
            {**near, **shown},
        ],
        "resolve": {"scale": {"color": "independent"}},
    }


def _bands(spells: str, x: Spec) -> Spec:
    """The regimes as bands behind the line."""
    tones = {"domain": ["risk_on", "risk_off"], "range": [TONES["blue"], TONES["orange"]]}
    return {
        "data": {"name": spells},
        "mark": {"type": "rect", "opacity": 0.16, "clip": True},
        "encoding": {
            "x": {**x, "field": "first_session"},
            "x2": {"field": "last_session"},
            "color": {"field": "regime", "scale": tones, "legend": None},
        },
    }


def _breaks(points: str, kept: list[Spec], x: Spec, y: Spec) -> Spec:
    """Trend breaks. Up and down differ in shape as well as in colour."""
    domain = ["break_up", "break_down"]
    named = {"field": "trend_break", "legend": None}
    return {
        "data": {"name": points},
        "transform": [{"filter": "datum.trend_break"}, *kept],
        "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1, "clip": True},
        "encoding": {
            "x": x,
            "y": y,
            "shape": {**named, "scale": {"domain": domain, "range": ["triangle-up", "triangle-down"]}},
            "color": {**named, "scale": {"domain": domain, "range": [TONES["blue"], TONES["orange"]]}},
        },
    }

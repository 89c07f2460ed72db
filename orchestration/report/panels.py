"""Stacked panels that share one time axis, an overview in which the reader selects a range, and the panel of a ratio."""

from dataclasses import dataclass

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

OF_PAIR: Spec = {"filter": "datum.pair == pair"}
# Evenly spaced points in every view: weekly, or daily where one year is shown.
EVEN: Spec = {"filter": "datum.weekly || years == 1"}
# The line of the ratio also passes through its trend breaks.
_EVEN_OR_BREAK: Spec = {"filter": "datum.weekly || years == 1 || datum.trend_break"}
ZOOMED: Spec = {"filter": {"param": "zoom", "empty": True}}
_SOLID, _DASHED = [1, 0], [5, 3]


@dataclass(frozen=True)
class Line:
    """One line of a panel: its field, its name in the tooltip, and whether it is dashed."""

    field: str
    text: str
    dashed: bool = False


def zoomed_axis(*, has_labels: bool) -> Spec:
    """The time axis of a panel: the range selected in the overview. Only the lowest panel has labels."""
    axis = {} if has_labels else {"axis": {"title": None, "grid": False, "labels": False, "ticks": False}}
    return date_axis("session", scale={"type": "utc", "domain": {"param": "zoom"}}, **axis)


def lines(
    title: str, height: int, shown: list[Line], form: str, *, of: Spec = OF_PAIR, at: float | None = None, is_last: bool = False
) -> Spec:
    """A panel of lines over the selected range of what the reader chose, with a rule at the value `at`.

    Args:
        title: an expression.
        of: the filter of the choice.
    """
    x = zoomed_axis(has_labels=is_last)
    kept = [of, EVEN, ZOOMED]
    axis = vertical_axis(None, form, tickCount=4)
    layers = [
        {
            "mark": {
                "type": "line", "color": INK if not line.dashed else TONES["blue"], "strokeWidth": 1.4, "clip": True,
                "strokeDash": _DASHED if line.dashed else _SOLID,
            },
            "encoding": {"x": x, "y": {"field": line.field, "type": "quantitative", "scale": {"zero": False}, "axis": axis}},
        }
        for line in shown
    ]  # fmt: skip
    rule = [
        {"mark": {"type": "rule", "color": FAINT, "opacity": 0.6}, "data": {"values": [{}]}, "encoding": {"y": {"datum": at}}}
    ]
    tooltip = [tip("session", "Session", kind="temporal"), *(tip(line.field, line.text, form) for line in shown)]
    near = crosshair("near_" + shown[0].field, "session", tooltip, "points")
    near["encoding"]["x"] = x
    return {
        "height": height,
        "title": {**panel_title(""), "text": {"expr": title}},
        "data": {"name": "points"},
        "transform": kept,
        "layer": [*(rule if at is not None else []), *layers, {**near, "transform": kept}],
    }


def ratio_panel(height: int) -> Spec:
    """The ratio of the chosen pair with its trend mean, its regimes as bands and its trend breaks."""
    x = zoomed_axis(has_labels=False)
    kept = [OF_PAIR, _EVEN_OR_BREAK, ZOOMED]
    shown = {"data": {"name": "points"}, "transform": kept}
    y = {"field": "ratio", "type": "quantitative", "scale": {"zero": False, "nice": True}, "axis": vertical_axis(None, ".2f")}
    tooltip = [
        tip("session", "Session", kind="temporal"), tip("ratio", "Ratio", ".4f"), tip("trend", "Trend mean", ".4f"),
        tip("trend_break", "Trend break", kind="nominal"),
    ]  # fmt: skip
    mean = {"type": "line", "color": FAINT, "strokeDash": [5, 4], "strokeWidth": 1.2, "clip": True}
    near = crosshair("near_ratio", "session", tooltip, "points")
    near["encoding"]["x"] = x
    return {
        "height": height,
        "layer": [
            _bands(x),
            {**shown, "mark": mean, "encoding": {"x": x, "y": {**y, "field": "trend"}}},
            {**shown, "mark": {"type": "line", "color": INK, "strokeWidth": 1.5, "clip": True}, "encoding": {"x": x, "y": y}},
            _breaks(x, y),
            {**near, **shown},
        ],
        "resolve": {"scale": {"color": "independent"}},
    }


def overview(height: int, field: str, kept: list[Spec]) -> Spec:
    """The lowest panel, with the whole history, in which the reader selects a range of dates."""
    axis = {"title": None, "labels": False, "grid": False, "minExtent": LEFT - 12, "maxExtent": LEFT - 12}
    chosen = {"type": "interval", "encodings": ["x"], "mark": {"fill": INK, "fillOpacity": 0.12}}
    return {
        "height": height,
        "data": {"name": "points"},
        "transform": kept,
        "params": [{"name": "zoom", "select": chosen}],
        "mark": {"type": "line", "color": FAINT, "strokeWidth": 1},
        "encoding": {
            "x": date_axis("session"),
            "y": {"field": field, "type": "quantitative", "scale": {"zero": False}, "axis": axis},
        },
    }


def _bands(x: Spec) -> Spec:
    """The regimes as bands behind the line."""
    tones = {"domain": ["risk_on", "risk_off"], "range": [TONES["blue"], TONES["orange"]]}
    return {
        "data": {"name": "spells"},
        "transform": [OF_PAIR],
        "mark": {"type": "rect", "opacity": 0.16, "clip": True},
        "encoding": {
            "x": {**x, "field": "first_session"},
            "x2": {"field": "last_session"},
            "color": {"field": "regime", "scale": tones, "legend": None},
        },
    }


def _breaks(x: Spec, y: Spec) -> Spec:
    """Trend breaks. Up and down differ in shape as well as in colour."""
    domain = ["break_up", "break_down"]
    named = {"field": "trend_break", "legend": None}
    return {
        "data": {"name": "points"},
        "transform": [OF_PAIR, {"filter": "datum.trend_break"}, ZOOMED],
        "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1, "clip": True},
        "encoding": {
            "x": x,
            "y": y,
            "shape": {**named, "scale": {"domain": domain, "range": ["triangle-up", "triangle-down"]}},
            "color": {**named, "scale": {"domain": domain, "range": [TONES["blue"], TONES["orange"]]}},
        },
    }

"""Pieces that all charts share: Vega-Lite as plain dictionaries, colours as variables of the style sheet.

Colours are CSS variables, so that one drawing serves light, dark and paper. `width` is set by the page, which knows its own.
"""

from typing import Any

Spec = dict[str, Any]

INK, FAINT, RULE, PAPER = "var(--ink)", "var(--faint)", "var(--rule)", "var(--paper)"
TONES = {name: f"var(--{name})" for name in ("blue", "orange", "green", "purple", "grey")}
FUND_TONES = {"IWM": "blue", "SPY": "orange", "QQQ": "green"}
VERDICT_TONES = {"supports": "blue", "contradicts": "orange", "unclaimed": "purple", "noise": "grey"}
VERDICT_SHAPES = {"supports": "circle", "contradicts": "diamond", "unclaimed": "triangle-up", "noise": "circle"}
YEAR_AXIS: Spec = {"title": None, "grid": False, "tickCount": {"expr": "max(3, floor(width / 90))"}, "labelFlush": True}
MOMENT = {"type": "temporal", "scale": {"type": "utc"}}
LEFT = 54  # pixels that every vertical axis of a time chart takes, so that stacked panels line up

# Zero bears no sign.
SIGNED: Spec = {"labelExpr": "datum.value == 0 ? '0' : datum.label"}

CONFIG: Spec = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "labelColor": FAINT, "titleColor": FAINT, "domainColor": RULE, "tickColor": RULE, "gridColor": RULE, "labelFontSize": 12,
        "titleFontSize": 12, "titleFontWeight": "normal", "gridOpacity": 0.7, "labelPadding": 6,
    },
    "axisY": {"domain": False, "ticks": False},
    "concat": {"spacing": 10},
}  # fmt: skip


def chart(**parts: Any) -> Spec:
    """A specification with what all have in common."""
    return {"padding": {"left": 0, "right": 10, "top": 6, "bottom": 2}, "config": CONFIG, **parts}


def moment(field: str, **parts: Any) -> Spec:
    """A date on the horizontal axis."""
    return {"field": field, **MOMENT, "axis": YEAR_AXIS, **parts}


def height_axis(title: str | None, form: str = "", **parts: Any) -> Spec:
    """A vertical axis that takes the same room everywhere; its title lies above it."""
    room = {"minExtent": LEFT - 12, "maxExtent": LEFT - 12}
    named = {"title": title, "titleAngle": 0, "titleAlign": "left", "titleAnchor": "end", "titleX": -LEFT + 12, "titleY": -8}
    return {**room, **named, "tickCount": 5, **({"format": form} if form else {}), **parts}


def panel_title(text: str) -> Spec:
    """What one of several panels shows, above it."""
    return {"text": text, "anchor": "start", "fontSize": 12, "fontWeight": "normal", "color": FAINT}


def log_scale(values: list[float | None]) -> Spec:
    """A logarithmic scale that ends a little beyond the values, not at the next power of ten."""
    known = [value for value in values if value]
    return {"type": "log", "nice": False, "domain": [min(known) / 1.06, max(known) * 1.06]} if known else {"type": "log"}


def tones(values: dict[str, str]) -> Spec:
    """A colour scale from labels to tones."""
    return {"domain": list(values), "range": [TONES[tone] for tone in values.values()]}


def told(field: str, title: str, form: str = "", kind: str = "quantitative") -> Spec:
    """A line of a tooltip."""
    shown = {"formatType": "utc", "format": "%Y-%m-%d"} if kind == "temporal" else {"format": form} if form else {}
    if kind == "temporal":
        return {"field": field, "type": kind, "title": title, "timeUnit": "utcyearmonthdate", "format": "%Y-%m-%d"}
    return {"field": field, "type": kind, "title": title, **shown}


def under_pointer(name: str, field: str, tooltip: list[Spec], data: str) -> Spec:
    """A thin line at the nearest session, with what it shows there."""
    return {
        "data": {"name": data},
        "params": [
            {
                "name": name,
                "select": {"type": "point", "on": "pointermove", "nearest": True, "encodings": ["x"], "clear": "pointerout"},
            }
        ],
        "mark": {"type": "rule", "color": FAINT, "strokeWidth": 1},
        "encoding": {
            "x": moment(field),
            "opacity": {"condition": {"param": name, "empty": False, "value": 0.8}, "value": 0},
            "tooltip": tooltip,
        },
    }


def row_axis(field: str, order: list[str], *, lines: bool = False) -> Spec:
    """Names down the left side, in their order."""
    axis = {"title": None, "labelLimit": 220, "grid": lines, "tickBand": "center", "domain": False, "ticks": False}
    return {"field": field, "type": "nominal", "sort": order, "scale": {"domain": order}, "axis": axis}


def value_axis(field: str, form: str, every: int = 110, **parts: Any) -> Spec:
    """Values along the top, a mark about every so many pixels."""
    axis = {"title": None, "format": form, "orient": "top", "tickCount": {"expr": f"max(2, floor(width / {every}))"}}
    return {"field": field, "type": "quantitative", "axis": {**axis, **(SIGNED if form.startswith("+") else {})}, **parts}


def zero_line() -> Spec:
    """Where nothing differs."""
    return {"mark": {"type": "rule", "color": FAINT}, "data": {"values": [{}]}, "encoding": {"x": {"datum": 0}}}


def span(rows: Spec, low: Spec, high: str, *, mark: Spec, **look: Any) -> Spec:
    """A horizontal stretch from `low` to `high` on each row."""
    return {
        "mark": {"type": "rule", "strokeWidth": 2.5, **mark},
        "encoding": {"y": rows, "x": low, "x2": {"field": high}, **look},
    }

"""Parts that the charts share: Vega-Lite specifications as plain dictionaries.

Colours are CSS variables of the style sheet, so one chart works in light mode, dark mode and print. The page sets `width`.
"""

from typing import Any

from orchestration.report.wording import DASH

Spec = dict[str, Any]

INK, FAINT, RULE, PAPER = "var(--ink)", "var(--faint)", "var(--rule)", "var(--paper)"
TONES = {name: f"var(--{name})" for name in ("blue", "orange", "green", "purple", "grey")}
FUND_TONES = {"IWM": "blue", "SPY": "orange", "QQQ": "green"}
VERDICT_TONES = {
    "supported": "blue", "contradicted": "orange", "significant": "purple", "bounded": "green", "suggestive": "grey",
    "undecided": "grey",
}  # fmt: skip
VERDICT_SHAPES = {
    "supported": "circle", "contradicted": "diamond", "significant": "triangle-up", "bounded": "square", "suggestive": "cross",
    "undecided": "circle",
}  # fmt: skip
YEAR_AXIS: Spec = {"title": None, "grid": False, "tickCount": {"expr": "max(3, floor(width / 90))"}, "labelFlush": True}
DATE_SCALE = {"type": "temporal", "scale": {"type": "utc"}}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LEFT = 54  # pixels for the vertical axis of every time chart, so that stacked panels line up

# Zero has no sign.
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
    """A specification with the common configuration."""
    return {"padding": {"left": 0, "right": 10, "top": 6, "bottom": 2}, "config": CONFIG, **parts}


def date_axis(field: str, **parts: Any) -> Spec:
    """A horizontal date axis."""
    return {"field": field, **DATE_SCALE, "axis": YEAR_AXIS, **parts}


def vertical_axis(title: str | None, form: str = "", **parts: Any) -> Spec:
    """A vertical axis of fixed width, with its title above it."""
    room = {"minExtent": LEFT - 12, "maxExtent": LEFT - 12}
    named = {"title": title, "titleAngle": 0, "titleAlign": "left", "titleAnchor": "end", "titleX": -LEFT + 12, "titleY": -8}
    return {**room, **named, "tickCount": 5, **({"format": form} if form else {}), **parts}


def panel_title(text: str) -> Spec:
    """The title above one of several panels."""
    return {"text": text, "anchor": "start", "fontSize": 12, "fontWeight": "normal", "color": FAINT}


def log_scale(values: list[float | None]) -> Spec:
    """A log scale that ends just beyond the data instead of at the next power of ten."""
    known = [value for value in values if value]
    return {"type": "log", "nice": False, "domain": [min(known) / 1.06, max(known) * 1.06]} if known else {"type": "log"}


def tones(values: dict[str, str]) -> Spec:
    """A colour scale from labels to tones."""
    return {"domain": list(values), "range": [TONES[tone] for tone in values.values()]}


def tip(field: str, title: str, form: str = "", kind: str = "quantitative") -> Spec:
    """One line of a tooltip."""
    shown = {"formatType": "utc", "format": "%Y-%m-%d"} if kind == "temporal" else {"format": form} if form else {}
    if kind == "temporal":
        return {"field": field, "type": kind, "title": title, "timeUnit": "utcyearmonthdate", "format": "%Y-%m-%d"}
    return {"field": field, "type": kind, "title": title, **shown}


def p_value_tips(titles: dict[str, str]) -> list[Spec]:
    """Lines of a tooltip with p-values; `p_value_words` computes their texts."""
    return [tip(f"{field}_words", title, kind="nominal") for field, title in titles.items()]


def p_value_words(*fields: str) -> list[Spec]:
    """Transforms that write p-values as `p_value` of the page does: vega's own format decides ties in another way."""
    return [
        {
            "calculate": f"!isValid(datum.{field}) ? '{DASH}' : datum.{field} < 0.001 ? '< 0.001'"
            f" : format(floor(datum.{field} * 1000 + 0.5) / 1000, '.3f')",
            "as": f"{field}_words",
        }
        for field in fields
    ]


def crosshair(name: str, field: str, tooltip: list[Spec], data: str) -> Spec:
    """A thin vertical line with a tooltip at the session nearest to the pointer."""
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
            "x": date_axis(field),
            "opacity": {"condition": {"param": name, "empty": False, "value": 0.8}, "value": 0},
            "tooltip": tooltip,
        },
    }


def row_axis(field: str, order: list[str], *, lines: bool = False) -> Spec:
    """A vertical axis with one name per row, in the given order."""
    axis = {"title": None, "labelLimit": 220, "grid": lines, "tickBand": "center", "domain": False, "ticks": False}
    return {"field": field, "type": "nominal", "sort": order, "scale": {"domain": order}, "axis": axis}


def value_axis(field: str, form: str, every: int = 110, **parts: Any) -> Spec:
    """A value axis at the top with a tick about every `every` pixels."""
    axis = {"title": None, "format": form, "orient": "top", "tickCount": {"expr": f"max(2, floor(width / {every}))"}}
    return {"field": field, "type": "quantitative", "axis": {**axis, **(SIGNED if form.startswith("+") else {})}, **parts}


def zero_line() -> Spec:
    """A line at zero."""
    return {"mark": {"type": "rule", "color": FAINT}, "data": {"values": [{}]}, "encoding": {"x": {"datum": 0}}}


def span(rows: Spec, low: Spec, high: str, *, mark: Spec, **look: Any) -> Spec:
    """A horizontal line from `low` to `high` in each row."""
    return {
        "mark": {"type": "rule", "strokeWidth": 2.5, **mark},
        "encoding": {"y": rows, "x": low, "x2": {"field": high}, **look},
    }

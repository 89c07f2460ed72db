"""Seasonality: total returns by calendar month, and whether the share of months with a gain differs from chance."""

from orchestration.report.blocks import Chapter, Chart, Control, Key, Manifest, Section
from orchestration.report.chart_parts import (
    FAINT,
    INK,
    MONTHS,
    PAPER,
    SIGNED,
    TONES,
    Spec,
    chart,
    panel_title,
    tip,
    vertical_axis,
    zero_line,
)
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import DASH, fund_order, number, percent

_RETURNS, _SHARES = 150, 130


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.rows("select * from seasonality order by fund, month")
    rows.sort(key=lambda row: fund_order(row["fund"]))
    outside, by_chance = (sum(row[name] for row in rows) for name in ("is_beyond_chance", "chance_beyond"))
    chance = manifest["parameters"]["seasonality.chance"]["value"]
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"{outside} of {number(len(rows))} combinations of fund and calendar month gain more or less often than chance"
        f" allows; about {number(by_chance, 1)} would by chance alone.",
        blocks=[_chart(rows, manifest, chance)],
        notes=[
            "The table has no standard deviations, so the means have no interval. Where mean and median differ widely, a"
            " few months dominate the mean. The funds move together, so their months are not independent evidence."
        ],
    )


def _chart(rows: list[Row], manifest: Manifest, chance: float) -> Chart:
    funds = list(dict.fromkeys(row["fund"] for row in rows))
    own = [row for row in rows if row["fund"] == funds[0]]
    best, worst = max(own, key=_mean), min(own, key=_mean)
    outside = [MONTHS[row["month"] - 1] for row in own if row["is_beyond_chance"]]
    data: dict[str, list[object]] = {
        "fund": [row["fund"] for row in rows], "month": [MONTHS[row["month"] - 1] for row in rows],
        "months": [row["months"] for row in rows], "outside": [row["is_beyond_chance"] for row in rows],
    }  # fmt: skip
    for field in ("mean_return", "median_return", "hit_rate", "chance_low", "chance_high"):
        data[field] = [round(row[field], 4) for row in rows]
    return Chart(
        name="seasonality",
        title="Total return by calendar month, and the share of months with a gain",
        summary=f"{funds[0]}, {_counts(own)} values of each month: the mean ranges from {percent(_mean(worst), signed=True)}"
        f" in {MONTHS[worst['month'] - 1]} to {percent(_mean(best), signed=True)} in {MONTHS[best['month'] - 1]}; the share of"
        f" months with a gain is outside the chance band in {', '.join(outside) or 'no month'}.",
        source=f"Mart seasonality, complete months as of {manifest['last_session'] or DASH}. Total returns, dividends"
        f" included, percent a month. The chance band covers {percent(chance, 0)} of the shares that chance would give if each"
        " month were as likely to gain as all months of the fund together.",
        height=_RETURNS + _SHARES + 118,
        spec=_spec(funds[0]),
        data={"months": data},
        legend=[
            Key("circle", "ink", "mean"), Key("line", "faint", "median"), Key("ring", "grey", "share inside the chance band"),
            Key("diamond", "orange", "share outside the chance band"), Key("band", "grey", f"{percent(chance, 0)} chance band"),
        ],
        controls=[Control("fund", "Fund", [(fund, fund) for fund in funds], funds[0])],
    )  # fmt: skip


def _mean(row: Row) -> float:
    return float(row["mean_return"])


def _counts(rows: list[Row]) -> str:
    counts = [row["months"] for row in rows]
    return " to ".join(number(count) for count in sorted({min(counts), max(counts)}))


def _spec(fund: str) -> Spec:
    zero = {**zero_line(), "encoding": {"y": {"datum": 0}}}
    median = {"type": "tick", "color": FAINT, "thickness": 2, "width": 14}
    signed = vertical_axis(None, "+.1~%", **SIGNED)
    band = {"type": "bar", "width": {"band": 0.7}, "color": TONES["grey"], "opacity": 0.28}
    form = vertical_axis(None, ".0%")
    return chart(
        params=[{"name": "fund", "value": fund}],
        vconcat=[
            {
                "height": _RETURNS,
                "title": panel_title("Mean and median total return"),
                "layer": [
                    zero,
                    _on_months(median, "median_return", signed),
                    _on_months({"type": "point", "size": 60, "opacity": 1, "filled": True, "color": INK}, "mean_return", signed),
                ],
            },
            {
                "height": _SHARES,
                "title": panel_title("Share of months with a gain"),
                "layer": [
                    _on_months(band, "chance_low", form, y2={"field": "chance_high"}),
                    _shares(form),
                ],
            },
        ],
    )


def _shares(axis: Spec) -> Spec:
    """Hollow grey marks inside the chance band, like noise elsewhere on the page; filled marks outside it."""
    mark = {"type": "point", "size": 80, "opacity": 1, "filled": True, "strokeWidth": 1.6}
    looks = {"shape": ("diamond", "circle"), "fill": (TONES["orange"], PAPER), "stroke": (TONES["orange"], TONES["grey"])}
    channels = {
        channel: {"condition": {"test": "datum.outside", "value": outside}, "value": within}
        for channel, (outside, within) in looks.items()
    }
    return _on_months(mark, "hit_rate", axis, **channels)


def _on_months(mark: Spec, field: str, axis: Spec, **more: Spec) -> Spec:
    # On a phone there is room for one letter per month.
    letters = {"title": None, "labelAngle": 0, "grid": False, "labelExpr": "width < 420 ? slice(datum.label, 0, 1) : datum.label"}
    tooltip = [
        tip("month", "Month", kind="nominal"), tip("mean_return", "Mean", "+.2%"), tip("median_return", "Median", "+.2%"),
        tip("hit_rate", "Share with a gain", ".0%"), tip("chance_low", "Chance band from", ".0%"),
        tip("chance_high", "to", ".0%"),
        tip("months", "Months", "d"),
    ]  # fmt: skip
    return {
        "data": {"name": "months"},
        "transform": [{"filter": "datum.fund == fund"}],
        "mark": mark,
        "encoding": {
            "x": {"field": "month", "type": "ordinal", "scale": {"domain": list(MONTHS)}, "axis": letters},
            "y": {"field": field, "type": "quantitative", "scale": {"zero": False}, "axis": axis},
            "tooltip": tooltip,
            **more,
        },
    }


CHAPTER = Chapter("seasonality", "Seasonality", ("seasonality",), _write, feeds=("prices",))

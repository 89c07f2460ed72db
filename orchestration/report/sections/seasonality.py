"""Calendar months: what the funds returned in each, and whether more months gained than chance explains."""

from orchestration.report.blocks import Chapter, Chart, Column, Control, Key, Manifest, Section, Table, headings
from orchestration.report.chart_parts import FAINT, PAPER, SIGNED, TONES, Spec, chart, height_axis, panel_title, told, zero_line
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import NOTHING, fund_order, number, percent

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RETURNS, _SHARES = 150, 130


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.ask("select * from seasonality order by fund, month")
    rows.sort(key=lambda row: fund_order(row["fund"]))
    outside = sum(row["is_beyond_chance"] for row in rows)
    chance = manifest["parameters"]["seasonality.chance"]["value"]
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"In {outside} of {number(len(rows))} calendar months of a fund the share of months with a gain lies outside what"
        f" chance gives where all months are alike; chance alone would put about {number(len(rows) * (1 - chance))} or fewer"
        " there.",
        blocks=[_chart(rows, manifest, chance), _table(rows)],
        notes=[
            "The mart gives no spread of the returns, so their means bear no interval; where mean and median lie apart, a few"
            " months made the mean. The guide's funds move together: their months are no independent witnesses."
        ],
    )


def _chart(rows: list[Row], manifest: Manifest, chance: float) -> Chart:
    funds = list(dict.fromkeys(row["fund"] for row in rows))
    own = [row for row in rows if row["fund"] == funds[0]]
    best, worst = max(own, key=_mean), min(own, key=_mean)
    outside = [_MONTHS[row["month"] - 1] for row in own if row["is_beyond_chance"]]
    data: dict[str, list[object]] = {
        "fund": [row["fund"] for row in rows], "month": [_MONTHS[row["month"] - 1] for row in rows],
        "months": [row["months"] for row in rows], "outside": [row["is_beyond_chance"] for row in rows],
    }  # fmt: skip
    for field in ("mean_return", "median_return", "hit_rate", "chance_low", "chance_high"):
        data[field] = [round(row[field], 4) for row in rows]
    return Chart(
        name="seasonality",
        title="Total return by calendar month, and the share of months with a gain",
        says=f"{funds[0]}, {_counts(own)} of each: the mean goes from {percent(_mean(worst), signed=True)} in"
        f" {_MONTHS[worst['month'] - 1]} to {percent(_mean(best), signed=True)} in {_MONTHS[best['month'] - 1]}; the share of"
        f" months with a gain leaves the band of chance in {', '.join(outside) or 'none'}.",
        source=f"Mart seasonality, whole months known on {manifest['last_session'] or NOTHING}. Total returns with dividends,"
        f" percent a month. The band holds {percent(chance, 0)} of the shares that chance gives to as many months, each as likely"
        " to gain as the fund's months altogether; rings are the months whose share lies in it.",
        height=_RETURNS + _SHARES + 118,
        spec=_spec(funds[0]),
        data={"months": data},
        keys=[
            Key("ring", "grey", "within what chance gives"), Key("diamond", "orange", "outside it"),
            Key("line", "faint", "median"), Key("band", "grey", f"{percent(chance, 0)} of what chance gives"),
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
    signed = height_axis(None, "+.1~%", **SIGNED)
    band = {"type": "bar", "width": {"band": 0.7}, "color": TONES["grey"], "opacity": 0.28}
    form = height_axis(None, ".0%")
    return chart(
        params=[{"name": "fund", "value": fund}],
        vconcat=[
            {
                "height": _RETURNS,
                "title": panel_title("Mean and median total return"),
                "layer": [
                    zero,
                    _on_months(median, "median_return", signed),
                    _points("mean_return", signed),
                ],
            },
            {
                "height": _SHARES,
                "title": panel_title("Share of months with a gain"),
                "layer": [
                    _on_months(band, "chance_low", form, y2={"field": "chance_high"}),
                    _points("hit_rate", form),
                ],
            },
        ],
    )


def _points(field: str, axis: Spec) -> Spec:
    """Hollow and grey as noise is everywhere on the page; filled where chance does not explain the month."""
    mark = {"type": "point", "size": 80, "opacity": 1, "filled": True, "strokeWidth": 1.6}
    looks = {"shape": ("diamond", "circle"), "fill": (TONES["orange"], PAPER), "stroke": (TONES["orange"], TONES["grey"])}
    told_apart = {
        channel: {"condition": {"test": "datum.outside", "value": outside}, "value": within}
        for channel, (outside, within) in looks.items()
    }
    return _on_months(mark, field, axis, **told_apart)


def _on_months(mark: Spec, field: str, axis: Spec, **more: Spec) -> Spec:
    # A phone has room for a letter a month.
    letters = {"title": None, "labelAngle": 0, "grid": False, "labelExpr": "width < 420 ? slice(datum.label, 0, 1) : datum.label"}
    tooltip = [
        told("month", "Month", kind="nominal"), told("mean_return", "Mean", "+.2%"), told("median_return", "Median", "+.2%"),
        told("hit_rate", "With a gain", ".0%"), told("chance_low", "By chance from", ".0%"), told("chance_high", "to", ".0%"),
        told("months", "Months", "d"),
    ]  # fmt: skip
    return {
        "data": {"name": "months"},
        "transform": [{"filter": "datum.fund == fund"}],
        "mark": mark,
        "encoding": {
            "x": {"field": "month", "type": "ordinal", "scale": {"domain": list(_MONTHS)}, "axis": letters},
            "y": {"field": field, "type": "quantitative", "scale": {"zero": False}, "axis": axis},
            "tooltip": tooltip,
            **more,
        },
    }


def _table(rows: list[Row]) -> Table:
    return Table(
        caption="Every fund and calendar month",
        columns=[
            Column("Month", False), Column("Mean"), Column("Median"), Column("With a gain"), Column("By chance"),
            Column("Months"),
        ],
        rows=[
            [
                _MONTHS[row["month"] - 1], percent(row["mean_return"], 2, signed=True),
                percent(row["median_return"], 2, signed=True), percent(row["hit_rate"], 0),
                f"{number(row['chance_low'] * 100)} to {percent(row['chance_high'], 0)}", number(row["months"]),
            ]
            for row in rows
        ],
        source="Mart seasonality; by chance: the band of the chart. Total returns in percent a month.",
        folded=True,
        groups=headings([row["fund"] for row in rows]),
    )  # fmt: skip


CHAPTER = Chapter("seasonality", "Calendar months", ("seasonality",), _write)

"""Sector weights of the three funds, with the guide's figures and the drift since the previous snapshot."""

from orchestration.report.blocks import Chapter, Chart, Column, Key, Manifest, Section, Table
from orchestration.report.chart_parts import FAINT, FUND_TONES, chart, row_axis, span, tip, tones, value_axis
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import MINUS, day, listed, percent, plural, points

ROW = 28
_SHAPES = {"IWM": "circle", "SPY": "diamond", "QQQ": "triangle-up"}


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.rows("select * from sector_comparison order by iwm_minus_spy desc nulls last, sector")
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=_finding(rows),
        blocks=[_chart(rows), _table(rows)],
        notes=[f"Snapshots: {_dates(rows[0])}. {_comparison(rows[0])}".strip()],
    )


def _comparison(row: Row) -> str:
    if row["is_comparable"] is False:
        return (
            f"The snapshots of IWM and SPY are {plural(row['days_apart'], 'day')} apart, too far to compare their weights, so no"
            " gap is given."
        )
    dates = {row[f"{fund.lower()}_as_of"] for fund in FUND_TONES}
    return "Snapshots of different dates are compared without adjustment." if len(dates) > 1 else ""


def _finding(rows: list[Row]) -> str:
    known = [row for row in rows if row["iwm_minus_spy"] is not None]
    if rows[0]["is_comparable"] is False:
        return _comparison(rows[0])
    if not known:
        return "No sector weight is available for both IWM and SPY."
    return (
        f"Relative to SPY, IWM is most overweight in {known[0]['sector']} ({points(known[0]['iwm_minus_spy'])}) and most"
        f" underweight in {known[-1]['sector']} ({points(known[-1]['iwm_minus_spy'])})."
    )


def _gap(row: Row) -> str:
    return points(row["iwm_minus_spy"] if row["is_comparable"] else None)


def _dates(row: Row, suffix: str = "as_of") -> str:
    return ", ".join(f"{fund} {day(row[f'{fund.lower()}_{suffix}'])}" for fund in FUND_TONES)


def _chart(rows: list[Row]) -> Chart:
    order = [row["sector"] for row in rows]
    today = [(row["sector"], fund, row[f"{fund.lower()}_weight"]) for row in rows for fund in FUND_TONES]
    guide = [(row["sector"], fund, row[f"guide_{fund.lower()}_weight"]) for row in rows for fund in ("IWM", "SPY")]
    gaps = {"sector": order, "iwm": [row["iwm_weight"] for row in rows], "spy": [row["spy_weight"] for row in rows]}
    return Chart(
        name="sectors",
        title="Sector weights of IWM, SPY and QQQ",
        summary=_finding(rows),
        source=f"Mart sector_comparison: share of the fund, GICS sectors; as of {_dates(rows[0])}. Hollow marks: the guide"
        " of 2026-05-12.",
        height=ROW * len(order) + 34,
        spec=_spec(order),
        data={
            "today": _long(today, "measured"),
            "guide": _long([row for row in guide if row[2] is not None], "guide"),
            "gaps": gaps,
        },
        legend=[
            Key("circle", "blue", "IWM"), Key("diamond", "orange", "SPY"), Key("up", "green", "QQQ"),
            Key("ring", "faint", "the guide's figure (hollow)"),
        ],
    )  # fmt: skip


def _spec(order: list[str]) -> dict[str, object]:
    rows = row_axis("sector", order, lines=True)
    weight = value_axis("weight", ".0%")
    tooltip = [
        tip("sector", "Sector", kind="nominal"), tip("fund", "Fund", kind="nominal"), tip("of", "Figure", kind="nominal"),
        tip("weight", "Weight", ".2%"),
    ]  # fmt: skip
    shapes = {"domain": list(_SHAPES), "range": list(_SHAPES.values())}
    places = {
        "y": rows, "x": weight, "tooltip": tooltip, "color": {"field": "fund", "scale": tones(FUND_TONES), "legend": None},
        "shape": {"field": "fund", "scale": shapes, "legend": None},
    }  # fmt: skip
    hollow = {"type": "point", "size": 110, "filled": False, "strokeWidth": 1.4}
    return chart(
        height=ROW * len(order),
        layer=[
            {
                "data": {"name": "gaps"},
                **span(rows, value_axis("iwm", ".0%"), "spy", mark={"color": FAINT, "strokeWidth": 1.5, "opacity": 0.6}),
            },
            {"data": {"name": "guide"}, "mark": hollow, "encoding": places},
            {"data": {"name": "today"}, "mark": {"type": "point", "size": 90, "filled": True, "opacity": 1}, "encoding": places},
        ],
    )


def _long(rows: list[tuple[str, str, float | None]], of: str) -> dict[str, list[object]]:
    return {
        "sector": [row[0] for row in rows], "fund": [row[1] for row in rows],
        "weight": [None if row[2] is None else round(row[2], 5) for row in rows], "of": [of] * len(rows),
    }  # fmt: skip


def _table(rows: list[Row]) -> Table:
    undrifted = [fund for fund in FUND_TONES if all(row[f"{fund.lower()}_drift"] is None for row in rows)]
    without = f" There is no drift for {listed(undrifted)}: no earlier snapshot is available." if undrifted else ""
    return Table(
        caption="Sector weights, gaps and drift",
        columns=[
            Column("Sector", False), Column("IWM"), Column("SPY"), Column("QQQ"), Column(f"IWM {MINUS} SPY"),
            Column("Guide's gap"),
            Column("IWM drift"), Column("SPY drift"), Column("QQQ drift"),
        ],
        rows=[
            [
                row["sector"], percent(row["iwm_weight"]), percent(row["spy_weight"]), percent(row["qqq_weight"]),
                _gap(row), points(row["guide_iwm_minus_spy"], 0), points(row["iwm_drift"], 2),
                points(row["spy_drift"], 2), points(row["qqq_drift"], 2),
            ]
            for row in rows
        ],
        source=f"Mart sector_comparison. Weights in percent of the fund; gaps and drift in percentage points (pp). Drift: change"
        f" since {_dates(rows[0], 'previous_as_of')}.{without}",
    )  # fmt: skip


CHAPTER = Chapter("sectors", "Sector weights", ("sector_comparison",), _write, feeds=("holdings",))

"""Sector weights side by side, with the guide's figures and the drift since the snapshot before."""

from orchestration.report.blocks import Chapter, Chart, Column, Key, Manifest, Section, Table
from orchestration.report.chart_parts import FAINT, FUND_TONES, chart, told, tones
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import day, listed, percent, points

_SHAPES = {"IWM": "circle", "SPY": "diamond", "QQQ": "triangle-up"}


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.ask("select * from sector_comparison order by iwm_minus_spy desc nulls last, sector")
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"Snapshots: {_dates(rows[0])}. Snapshots of different days are set side by side as they are.",
        blocks=[_chart(rows), _table(rows)],
    )


def _dates(row: Row, suffix: str = "as_of") -> str:
    return ", ".join(f"{fund} {day(row[f'{fund.lower()}_{suffix}'])}" for fund in FUND_TONES)


def _chart(rows: list[Row]) -> Chart:
    order = [row["sector"] for row in rows]
    today = [(row["sector"], fund, row[f"{fund.lower()}_weight"]) for row in rows for fund in FUND_TONES]
    guide = [(row["sector"], fund, row[f"guide_{fund.lower()}_weight"]) for row in rows for fund in ("IWM", "SPY")]
    known = [row for row in rows if row["iwm_minus_spy"] is not None]
    most, least = (known[0], known[-1]) if known else (None, None)
    says = "No sector weight of both IWM and SPY is known."
    if most and least:
        says = (
            f"Against SPY, IWM is heaviest in {most['sector']} ({points(most['iwm_minus_spy'])}) and lightest in"
            f" {least['sector']} ({points(least['iwm_minus_spy'])})."
        )
    y = {
        "field": "sector", "type": "nominal", "sort": order,
        "axis": {"title": None, "grid": True, "tickBand": "center", "labelLimit": 150, "domain": False, "ticks": False},
    }  # fmt: skip
    x = {
        "field": "weight", "type": "quantitative",
        "axis": {"title": None, "format": ".0%", "grid": False, "orient": "top", "tickCount": 5},
    }  # fmt: skip
    tooltip = [
        told("sector", "Sector", kind="nominal"), told("fund", "Fund", kind="nominal"), told("of", "Figure", kind="nominal"),
        told("weight", "Weight", ".2%"),
    ]  # fmt: skip
    look = {
        "color": {"field": "fund", "scale": tones(FUND_TONES), "legend": None},
        "shape": {
            "field": "fund", "scale": {"domain": list(_SHAPES), "range": list(_SHAPES.values())}, "legend": None,
        },
    }  # fmt: skip
    return Chart(
        name="sectors",
        title="Sector weights of IWM, SPY and QQQ",
        says=says,
        source=f"Mart sector_comparison: share of the fund, GICS sectors; as of {_dates(rows[0])}. Hollow: the guide (2026-05-12).",
        height=28 * len(order) + 50,
        spec=chart(
            height=28 * len(order),
            layer=[
                {
                    "data": {"name": "gaps"}, "mark": {"type": "rule", "color": FAINT, "strokeWidth": 1.5, "opacity": 0.6},
                    "encoding": {"y": y, "x": {**x, "field": "iwm"}, "x2": {"field": "spy"}},
                },
                {
                    "data": {"name": "guide"}, "mark": {"type": "point", "size": 110, "filled": False, "strokeWidth": 1.4},
                    "encoding": {"y": y, "x": x, "tooltip": tooltip, **look},
                },
                {
                    "data": {"name": "today"}, "mark": {"type": "point", "size": 90, "filled": True, "opacity": 1},
                    "encoding": {"y": y, "x": x, "tooltip": tooltip, **look},
                },
            ],
        ),
        data={
            "today": _long(today, "measured"),
            "guide": _long([row for row in guide if row[2] is not None], "the guide"),
            "gaps": {
                "sector": order,
                "iwm": [row["iwm_weight"] for row in rows],
                "spy": [row["spy_weight"] for row in rows],
            },
        },
        keys=[
            Key("circle", "blue", "IWM"), Key("diamond", "orange", "SPY"), Key("up", "green", "QQQ"),
            Key("ring", "faint", "hollow: the guide's figure"),
        ],
    )  # fmt: skip


def _long(rows: list[tuple[str, str, float | None]], of: str) -> dict[str, list[object]]:
    return {
        "sector": [row[0] for row in rows], "fund": [row[1] for row in rows],
        "weight": [None if row[2] is None else round(row[2], 5) for row in rows], "of": [of] * len(rows),
    }  # fmt: skip


def _table(rows: list[Row]) -> Table:
    undrifted = [fund for fund in FUND_TONES if all(row[f"{fund.lower()}_drift"] is None for row in rows)]
    without = f" No earlier snapshot of {listed(undrifted)} is known, so no drift." if undrifted else ""
    return Table(
        caption="Sector weights, their gap and their drift",
        columns=[
            Column("Sector", False), Column("IWM"), Column("SPY"), Column("QQQ"), Column("IWM − SPY"), Column("the guide's gap"),
            Column("IWM drift"), Column("SPY drift"), Column("QQQ drift"),
        ],
        rows=[
            [
                row["sector"], percent(row["iwm_weight"]), percent(row["spy_weight"]), percent(row["qqq_weight"]),
                points(row["iwm_minus_spy"]), points(row["guide_iwm_minus_spy"], 0), points(row["iwm_drift"], 2),
                points(row["spy_drift"], 2), points(row["qqq_drift"], 2),
            ]
            for row in rows
        ],
        source=f"Mart sector_comparison. Weights in percent of the fund, gaps and drift in percentage points (pp); drift since"
        f" {_dates(rows[0], 'previous_as_of')}.{without}",
    )  # fmt: skip


CHAPTER = Chapter("sectors", "Sectors side by side", ("sector_comparison",), _write)

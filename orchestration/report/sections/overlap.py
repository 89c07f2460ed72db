"""Overlap: the holdings that funds have in common, by weight."""

from orchestration.report.blocks import Cell, Chapter, Chart, Column, Key, Manifest, Section, Table
from orchestration.report.chart_parts import INK, TONES, chart, row_axis, tip
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import day, fund_order, number, percent, plural, share

ROW = 32
_NEWEST = """
select * from fund_overlap
qualify row_number() over (partition by fund_a, fund_b order by as_of desc) = 1
order by overlap desc, fund_a, fund_b
"""


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.rows(_NEWEST)
    own = [row for row in rows if {row["fund_a"], row["fund_b"]} == {"IWM", "SPY"}]
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"{_sentence(own[0])} {_sentence(rows[0])}" if own else _sentence(rows[0]),
        blocks=[_chart(rows), _table(rows)],
        notes=[
            "The overlap of two funds is the sum, over all securities, of the smaller of the two weights:"
            f" {percent(0, 0)} means nothing in common, {percent(1, 0)} means the same weights in every security and"
            " nothing but equities. The newest snapshots of two funds can be far apart; the table gives both dates."
        ],
    )


def _sentence(row: Row) -> str:
    common = plural(row["names_in_common"], "security", "securities")
    return f"{row['fund_a']} and {row['fund_b']} overlap by {share(row['overlap'])}, with {common} in common."


def _neighbours(rows: list[Row]) -> list[str]:
    """The funds ordered so that each is next to the remaining fund with which it overlaps most."""
    overlap = {frozenset((row["fund_a"], row["fund_b"])): row["overlap"] for row in rows}
    waiting = sorted({row[side] for row in rows for side in ("fund_a", "fund_b")}, key=fund_order)
    order = [waiting.pop(0)]
    while waiting:
        nearest = max(waiting, key=lambda fund: overlap.get(frozenset((order[-1], fund)), 0.0))
        waiting.remove(nearest)
        order.append(nearest)
    return order


def _dates(rows: list[Row]) -> dict[str, str]:
    """Each fund and the date of its newest snapshot."""
    known: dict[str, str] = {}
    for row in rows:
        for fund, as_of in ((row["fund_a"], row["as_of_a"]), (row["fund_b"], row["as_of_b"])):
            known[fund] = max(day(as_of), known.get(fund, ""))
    return known


def _chart(rows: list[Row]) -> Chart:
    order, dates = _neighbours(rows), _dates(rows)
    pairs = [sorted((row["fund_a"], row["fund_b"]), key=order.index) for row in rows]
    return Chart(
        name="overlap",
        title="Overlap of the funds by weight, in percent",
        summary=f"{plural(len(rows), 'pair')} of {plural(len(order), 'fund')}. The largest overlap: {_sentence(rows[0])}",
        source="Mart fund_overlap, equities only, in percent of the fund. Newest snapshots: "
        + ", ".join(f"{fund} {dates[fund]}" for fund in order) + ".",
        height=ROW * (len(order) - 1) + 34,
        spec=_spec(order),
        data={
            "pairs": {
                "left": [pair[0] for pair in pairs], "below": [pair[1] for pair in pairs],
                "overlap": [round(row["overlap"], 5) for row in rows],
                "percent": [number(row["overlap"] * 100, 1) for row in rows],
                "names": [row["names_in_common"] for row in rows],
                "first": [f"{row['fund_a']} {day(row['as_of_a'])}" for row in rows],
                "second": [f"{row['fund_b']} {day(row['as_of_b'])}" for row in rows],
            }
        },
        legend=[Key("band", "blue", "the stronger the colour, the more overlap")],
    )  # fmt: skip


def _spec(order: list[str]) -> dict[str, object]:
    columns = {**row_axis("left", order[:-1]), "axis": {"title": None, "orient": "top", "labelAngle": 0, "domain": False}}
    columns["axis"]["ticks"] = False
    tooltip = [
        tip("first", "First fund", kind="nominal"), tip("second", "Second fund", kind="nominal"),
        tip("overlap", "Overlap", ".2%"),
        tip("names", "Securities in common", ",d"),
    ]  # fmt: skip
    # At most half of the colour, so that the figure on it stays readable.
    strength = {"field": "overlap", "type": "quantitative", "scale": {"domain": [0, 1], "range": [0.06, 0.5]}, "legend": None}
    return chart(
        height=ROW * (len(order) - 1),
        data={"name": "pairs"},
        encoding={"x": columns, "y": row_axis("below", order[1:]), "tooltip": tooltip},
        layer=[
            {"mark": {"type": "rect", "color": TONES["blue"], "cornerRadius": 3}, "encoding": {"opacity": strength}},
            {
                "mark": {"type": "text", "color": INK, "fontSize": 12},
                "encoding": {"text": {"field": "percent", "type": "nominal"}},
            },
        ],
    )


def _table(rows: list[Row]) -> Table:
    return Table(
        caption="Overlap of every pair of funds",
        columns=[
            Column("Pair", False), Column("Overlap"), Column("Securities in common"), Column("Their weight in the first fund"),
            Column("in the second fund"), Column("Snapshot of the first fund"), Column("of the second fund"),
        ],
        rows=[
            [
                Cell(f"{row['fund_a']} and {row['fund_b']}"), share(row["overlap"]), number(row["names_in_common"]),
                percent(row["common_weight_a"]), percent(row["common_weight_b"]), day(row["as_of_a"]), day(row["as_of_b"]),
            ]
            for row in rows
        ],
        source="Mart fund_overlap. Overlap and weights in percent of the whole fund.",
        folded=True,
    )  # fmt: skip


CHAPTER = Chapter("overlap", "Overlap of the funds", ("fund_overlap",), _write, feeds=("holdings",))

"""Holdings changes: additions and removals of each fund between its two newest snapshots, and the largest weight changes."""

from collections import Counter

from orchestration.report.blocks import Cell, Chapter, Chart, Column, Control, Key, Manifest, Section, Table, headings
from orchestration.report.chart_parts import FAINT, PAPER, TONES, chart, row_axis, span, tip, tones, value_axis
from orchestration.report.freshness import days_before
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import DASH, day, fund_order, number, percent, plural, points, rounded, share

ROW = 26
_TOP = 10
_ORDER = ("added", "removed", "kept")
_PAIRS = """
select
    fund, as_of, previous_as_of, reconstitution,
    count(*) filter (change = 'added') as added, count(*) filter (change = 'removed') as removed,
    count(*) filter (change = 'kept') as kept,
    coalesce(sum(weight) filter (change = 'added'), 0) as added_weight,
    coalesce(sum(weight_before) filter (change = 'removed'), 0) as removed_weight
from holdings_changes
group by fund, as_of, previous_as_of, reconstitution
qualify as_of = max(as_of) over (partition by fund)
"""
_LARGEST = """
select
    changes.fund, changes.change, changes.weight, changes.weight_before, changes.weight_change, changes.security_id,
    master.ticker, master.name,
    row_number() over (partition by changes.fund order by abs(changes.weight_change) desc, changes.security_id) as place,
    row_number() over (
        partition by changes.fund, changes.change order by abs(changes.weight_change) desc, changes.security_id
    ) as place_of_kind
from (select * from holdings_changes qualify as_of = max(as_of) over (partition by fund)) as changes
left join security_master as master on changes.security_id = master.security_id
qualify place_of_kind <= ?
"""


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    pairs = sorted(tables.rows(_PAIRS), key=lambda row: fund_order(row["fund"]))
    largest = tables.rows(_LARGEST, _TOP)
    largest.sort(key=lambda row: (fund_order(row["fund"]), _ORDER.index(row["change"]), row["place"]))
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"{pairs[0]['fund']} from {day(pairs[0]['previous_as_of'])} to {day(pairs[0]['as_of'])}:"
        f" {number(pairs[0]['added'])} added, {number(pairs[0]['removed'])} removed, {number(pairs[0]['kept'])} kept.",
        blocks=[_counts(pairs), _chart(pairs, largest), _names(largest)],
        notes=[
            "Each fund's newest snapshot compared with the previous one. The two can be far apart: the changes then include"
            " mergers and new listings, and weights move with prices as well as with the fund's trades."
        ],
    )


def _counts(pairs: list[Row]) -> Table:
    return Table(
        caption="Securities added, removed and kept",
        columns=[
            Column("Fund", False), Column("Newest snapshot"), Column("Previous snapshot"), Column("Added"), Column("Removed"),
            Column("Kept"), Column("Reconstitution", False),
        ],
        rows=[
            [
                row["fund"], day(row["as_of"]),
                Cell(day(row["previous_as_of"]), note=f"{plural(_apart(row), 'day')} earlier"),
                _count(row["added"], row["added_weight"]), _count(row["removed"], row["removed_weight"]), number(row["kept"]),
                row["reconstitution"] or DASH,
            ]
            for row in pairs
        ],
        source="Mart holdings_changes, equities only. Below the counts: their share of the fund, in percent. Reconstitution: the"
        f" newest Russell reconstitution whose trading window overlaps the time between the snapshots; {DASH}: none, or not a"
        " Russell index.",
        stacks=True,
    )  # fmt: skip


def _count(count: int, weight: float) -> Cell:
    return Cell(number(count), note=share(weight) if count else "")


def _apart(row: Row) -> int:
    return days_before(day(row["previous_as_of"]), day(row["as_of"])) or 0


def _chart(pairs: list[Row], largest: list[Row]) -> Chart:
    shown = sorted((row for row in largest if row["place"] <= _TOP), key=lambda row: int(row["place"]))
    funds, labels = [row["fund"] for row in pairs], _labels(shown)
    first = pairs[0]
    top, its_label = next((row, text) for row, text in zip(shown, labels, strict=True) if row["fund"] == first["fund"])
    dates = ", ".join(f"{row['fund']} {day(row['previous_as_of'])} to {day(row['as_of'])}" for row in pairs)
    return Chart(
        name="changes",
        title=f"The {_TOP} largest weight changes",
        summary=f"The largest change in {first['fund']} from {day(first['previous_as_of'])} to {day(first['as_of'])} was"
        f" {its_label}: {points(top['weight_change'], 2)}. The table below lists every fund.",
        source=f"Marts holdings_changes, security_master. Share of the fund in percent, by ticker; {dates}.",
        height=ROW * _TOP + 36,
        spec=_spec(funds[0]),
        data={
            "changes": {
                "fund": [row["fund"] for row in shown], "label": labels, "name": [row["name"] or DASH for row in shown],
                "place": [row["place"] for row in shown], "change": [row["change"] for row in shown],
                "before": rounded([row["weight_before"] for row in shown], 6),
                "weight": rounded([row["weight"] for row in shown], 6),
                # Positions of the marks: an addition or removal has only one weight.
                "start": rounded([_either(row["weight_before"], row["weight"]) for row in shown], 6),
                "end": rounded([_either(row["weight"], row["weight_before"]) for row in shown], 6),
                "moved": rounded([row["weight_change"] for row in shown], 6),
            }
        },
        legend=[
            Key("ring", "grey", "previous weight"), Key("circle", "blue", "current weight"), Key("up", "green", "added"),
            Key("down", "orange", "removed"),
        ],
        controls=[Control("fund", "Fund", [(fund, fund) for fund in funds], funds[0])],
    )  # fmt: skip


def _either(weight: float | None, other: float | None) -> float | None:
    return other if weight is None else weight


def _labels(rows: list[Row]) -> list[str]:
    """Tickers as the rows of the chart; the security id where a ticker is missing or shared by two securities of a fund."""
    seen = Counter((row["fund"], row["ticker"]) for row in rows)
    is_clear = [row["ticker"] is not None and seen[row["fund"], row["ticker"]] == 1 for row in rows]
    return [row["ticker"] if clear else row["security_id"] for row, clear in zip(rows, is_clear, strict=True)]


def _spec(fund: str) -> dict[str, object]:
    by_place = {"field": "place", "op": "min"}
    axis = {**row_axis("label", [], lines=True)["axis"], "labelLimit": 110}
    rows = {"field": "label", "type": "nominal", "sort": by_place, "axis": axis}
    tooltip = [
        tip("name", "Security", kind="nominal"), tip("change", "Status", kind="nominal"), tip("before", "Previous", ".3%"),
        tip("weight", "Current", ".3%"), tip("moved", "Change", "+.3%"),
    ]  # fmt: skip
    point = {"type": "point", "size": 90, "opacity": 1, "filled": True}
    ring = {**point, "fill": PAPER, "stroke": TONES["grey"], "strokeWidth": 1.6}
    start, end = (value_axis(field, ".2~%", scale={"zero": False}) for field in ("start", "end"))
    has_moved = {"condition": {"test": "datum.change == 'kept'", "value": 1}, "value": 0}
    looks = {"kept": ("circle", "blue"), "added": ("triangle-up", "green"), "removed": ("triangle-down", "orange")}
    shapes = {"domain": list(looks), "range": [shape for shape, _ in looks.values()]}
    colours = tones({change: tone for change, (_, tone) in looks.items()})
    channels = {
        "shape": {"field": "change", "scale": shapes, "legend": None},
        "color": {"field": "change", "scale": colours, "legend": None},
    }
    return chart(
        height=ROW * _TOP,
        params=[{"name": "fund", "value": fund}],
        data={"name": "changes"},
        transform=[{"filter": "datum.fund == fund"}],
        layer=[
            span(rows, start, "end", mark={"color": FAINT, "strokeWidth": 1.5}),
            {"mark": ring, "encoding": {"y": rows, "x": start, "opacity": has_moved, "tooltip": tooltip}},
            {"mark": point, "encoding": {"y": rows, "x": end, **channels, "tooltip": tooltip}},
        ],
    )


def _names(largest: list[Row]) -> Table:
    """Names and tickers come from vendor files and are treated as plain text, whatever they contain."""
    return Table(
        caption=f"The {_TOP} largest weight changes of securities added, removed and kept",
        columns=[Column("Security", False), Column("Change"), Column("Previous"), Column("Current")],
        rows=[
            [
                Cell(row["name"] or row["security_id"], note=row["ticker"] or ""), points(row["weight_change"], 3),
                percent(row["weight_before"], 3), percent(row["weight"], 3),
            ]
            for row in largest
        ],
        source="Marts holdings_changes, security_master. Share of the fund in percent, change in percentage points (pp)"
        " between the two snapshots shown above for each fund.",
        folded=True,
        groups=headings([f"{row['fund']}: {row['change']}" for row in largest]),
    )  # fmt: skip


CHAPTER = Chapter("changes", "Holdings changes", ("holdings_changes", "security_master"), _write, feeds=("holdings",))

"""The guide's four investor profiles: what the data pick for each today, by which figures, and what the guide picked."""

from orchestration.report.blocks import Cell, Chapter, Column, Manifest, Section, Table, headings
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import DASH, day, grouped, label, measure, plural

_PROFILES = {
    "passive": "Passive investor", "trader": "Trader", "core_satellite": "Core-satellite investor", "analyst": "Analyst",
}  # fmt: skip
_SAME = {True: ("yes", "blue", "circle"), False: ("no", "orange", "diamond")}


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.rows("select * from investor_profiles order by profile, criterion")
    order = list(_PROFILES)
    rows.sort(key=lambda row: order.index(row["profile"]) if row["profile"] in order else len(order))
    same, other, unknown = (sum(row["is_the_guides_pick"] is answer for row in rows) for answer in (True, False, None))
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"On {plural(len(rows), 'criterion', 'criteria')}, the data agree with the guide's choice (2026-05-12)"
        f" {plural(same, 'time')} and pick another fund or pair {plural(other, 'time')}"
        + (f"; {unknown} cannot be compared." if unknown else "."),
        blocks=[_table(rows)],
        notes=["Not investment advice: the figures do not consider a person's circumstances."],
    )


def _table(rows: list[Row]) -> Table:
    return Table(
        caption="Today's pick and the guide's pick",
        columns=[
            Column("Criterion", False), Column("Today's pick", False), Column("Figure"), Column("Runner-up"),
            Column("As of"), Column("Guide's pick", False), Column("Same", False),
        ],
        rows=[
            [
                Cell(label(row["criterion"]), note=grouped(row["reason"])), row["pick"] or DASH,
                Cell(measure(row["figure"], row["unit"]), note=_compared(row)), _runner_up(row), day(row["as_of"]),
                Cell(row["guide_pick"], note=row["guide_says"]), _is_same(row),
            ]
            for row in rows
        ],
        source="Mart investor_profiles. As of: the oldest date of the figures compared.",
        stacks=True,
        groups=headings([_PROFILES.get(row["profile"], label(row["profile"])) for row in rows]),
    )  # fmt: skip


def _compared(row: Row) -> str:
    return "" if row["candidates"] is None else f"of {plural(row['candidates'], 'fund')}"


def _runner_up(row: Row) -> Cell | str:
    return Cell(row["runner_up"], note=measure(row["runner_up_figure"], row["unit"])) if row["runner_up"] else DASH


def _is_same(row: Row) -> Cell | str:
    if row["is_the_guides_pick"] is None:
        return DASH
    text, tone, mark = _SAME[row["is_the_guides_pick"]]
    return Cell(text, tone=tone, mark=mark)


CHAPTER = Chapter("profiles", "Investor profiles", ("investor_profiles",), _write)

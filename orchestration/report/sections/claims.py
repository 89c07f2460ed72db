"""The guide's statements held against the data."""

from orchestration.report.blocks import Cell, Chapter, Column, Manifest, Section, Table, headings
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import NOTHING, day, listed, measure

_LOOKS = {
    "holds": ("blue", "circle"), "stale": ("purple", "up"), "contradicted": ("orange", "diamond"), "noise": ("grey", "ring"),
    "untestable": ("grey", "cross"),
}  # fmt: skip


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.ask("select * from guide_claims order by topic, claim")
    counts = [f"{verdict} {sum(row['verdict'] == verdict for row in rows)}" for verdict in _LOOKS]
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"{len(rows)} checkable statements of the guide of 2026-05-12, in our words: {listed(counts)}.",
        blocks=[_table(rows)],
        notes=[
            "stale: a figure that is no longer so. contradicted: the data or the rule say otherwise. noise: tested, but not"
            " to be told from chance. untestable: nothing at hand measures it."
        ],
    )


def _table(rows: list[Row]) -> Table:
    return Table(
        caption="The claims audit",
        columns=[
            Column("Claim", False), Column("The guide", False), Column("Measured"), Column("Verdict", False), Column("As of"),
            Column("Mart", False),
        ],
        rows=[
            [
                row["statement"], row["guide_says"], measure(row["measured_value"], row["unit"]), _verdict(row),
                day(row["as_of"]), row["read_from"] or NOTHING,
            ]
            for row in rows
        ],
        source="Mart guide_claims.",
        stacks=True,
        groups=headings([row["topic"] for row in rows]),
    )  # fmt: skip


def _verdict(row: Row) -> Cell:
    tone, mark = _LOOKS.get(row["verdict"], ("grey", "ring"))
    return Cell(row["verdict"], note=row["reason"], tone=tone, mark=mark)


CHAPTER = Chapter("claims", "The guide, audited", ("guide_claims",), _write)

"""The guide's statements held against the data."""

from orchestration.report.blocks import Cell, Chapter, Column, Manifest, Section, Table
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import NOTHING, TIMES, day, dollars, fee, listed, number, percent

_LOOKS = {
    "holds": ("blue", "circle"), "stale": ("purple", "up"), "contradicted": ("orange", "diamond"), "noise": ("grey", "ring"),
    "untestable": ("grey", "cross"),
}  # fmt: skip
_COUNTS, _MULTIPLES, _MONEY = (
    ("holdings_count", "reconstitution_every_june"),
    ("nothing_as_liquid",),
    ("net_assets", "dollar_volume", "fee_gap"),
)


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
    groups = {place: row["topic"] for place, row in enumerate(rows) if place == 0 or rows[place - 1]["topic"] != row["topic"]}
    return Table(
        caption="The claims audit",
        columns=[
            Column("Claim", False), Column("The guide", False), Column("Measured"), Column("Verdict", False), Column("As of"),
            Column("Mart", False),
        ],
        rows=[
            [
                row["statement"], row["guide_says"], _measured(row), _verdict(row), day(row["as_of"]),
                row["read_from"] or NOTHING,
            ]
            for row in rows
        ],
        source="Mart guide_claims.",
        stacks=True,
        groups=groups,
    )  # fmt: skip


def _verdict(row: Row) -> Cell:
    tone, mark = _LOOKS.get(row["verdict"], ("grey", "ring"))
    return Cell(row["verdict"], note=row["reason"], tone=tone, mark=mark)


def _measured(row: Row) -> str:
    """A figure has the unit of its name; what is measured of a belief is a fraction unless the claim counts."""
    claim, value = row["claim"], row["measured_value"]
    if any(name in claim for name in _MONEY):
        return dollars(value)
    if any(name in claim for name in _COUNTS):
        return number(value)
    if claim in _MULTIPLES:
        return f"{number(value, 1)}{TIMES}" if value is not None else NOTHING
    if "expense_ratio" in claim:
        return fee(value)
    return percent(value, 2 if "weight" in claim or "yield" in claim else 1)


CHAPTER = Chapter("claims", "The guide, audited", ("guide_claims",), _write)

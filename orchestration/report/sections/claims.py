"""The claims audit: the guide's statements checked against the data."""

from orchestration.report.blocks import Cell, Chapter, Column, Manifest, Section, Table, headings
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import DASH, day, grouped, listed, measure

_LOOKS = {
    "holds": ("blue", "circle"), "stale": ("purple", "up"), "contradicted": ("orange", "diamond"),
    "supported": ("blue", "circle"),
    "significant": ("purple", "up"), "bounded": ("green", "square"), "suggestive": ("grey", "cross"),
    "undecided": ("grey", "ring"), "untestable": ("grey", "cross"),
}  # fmt: skip

_WORDS = {verdict: "hold" if verdict == "holds" else verdict for verdict in _LOOKS}


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.rows("select * from guide_claims order by topic, claim")
    found = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in _LOOKS}
    counts = [f"{count} {_WORDS[verdict]}" for verdict, count in found.items() if count]
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"{len(rows)} claims of the guide of 2026-05-12, in our words: {listed(counts)}.",
        blocks=[_table(rows)],
        notes=[
            "holds: the data agree. stale: today's figure differs. contradicted: the data or the rules say otherwise."
            " supported, bounded, suggestive, undecided: the verdict of a test (What followed each signal). untestable: no"
            " available data measure it."
        ],
    )


def _table(rows: list[Row]) -> Table:
    return Table(
        caption="Claims audit",
        columns=[
            Column("Claim", False), Column("Guide", False), Column("Measured"), Column("Verdict", False), Column("As of"),
            Column("Mart", False),
        ],
        rows=[
            [
                row["statement"], row["guide_says"], measure(row["measured_value"], row["unit"]), _verdict(row),
                day(row["as_of"]), row["read_from"] or DASH,
            ]
            for row in rows
        ],
        source="Mart guide_claims.",
        stacks=True,
        groups=headings([row["topic"] for row in rows]),
    )  # fmt: skip


def _verdict(row: Row) -> Cell:
    tone, mark = _LOOKS.get(row["verdict"], ("grey", "ring"))
    return Cell(row["verdict"], note=grouped(row["reason"]), tone=tone, mark=mark)


CHAPTER = Chapter("claims", "Claims of the guide", ("guide_claims",), _write)

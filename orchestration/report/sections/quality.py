"""Data quality, and how fresh every number is."""

from orchestration.report.blocks import Cell, Chapter, Column, Manifest, Section, Table
from orchestration.report.freshness import days_before
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import NOTHING, day, label, listed, number, plural

_LOOKS = {"warning": ("orange", "diamond"), "note": ("blue", "circle")}


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    fresh = [_freshness(manifest)] if manifest["holdings_as_of"] else []
    lead = f"Prices end with the session {manifest['last_session'] or NOTHING}. "
    if not tables.has("data_quality"):
        lacking = tables.lacking("data_quality") or ""
        return Section(CHAPTER.name, CHAPTER.title, lead=lead, blocks=[*fresh], notes=[lacking, *_unknown(manifest)])
    rows = tables.ask("select * from data_quality order by severity desc, table_name, check_name, symbol")
    counts = {severity: sum(row["severity"] == severity for row in rows) for severity in ("ok", "note", "warning")}
    warnings, noted = ([row for row in rows if row["severity"] == severity] for severity in ("warning", "note"))
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"{lead}{plural(len(rows), 'check')}: {counts['ok']} without a finding, {counts['note']} to note,"
        f" {counts['warning']} for a person to look at. Nothing is filled in: what is missing stays missing.",
        blocks=[
            *fresh,
            *([_findings("What a person should look at", warnings)] if warnings else []),
            *([_findings("What is noted", noted, folded=True)] if noted else []),
        ],
        notes=_unknown(manifest),
    )  # fmt: skip


def _unknown(manifest: Manifest) -> list[str]:
    """Funds of which nothing is known, one sentence a kind, and each document that did not come."""
    kinds = {"no_holdings": "No holdings known", "no_prices": "No full quarter of prices known"}
    funds = {check: [item["symbol"] for item in manifest["missing"] if item["check"] == check] for check in kinds}
    unknown = [f"{words}: {listed(funds[check])}." for check, words in kinds.items() if funds[check]]
    return unknown + [item["words"] for item in manifest["missing"] if item["check"] == "fetch_failed"]


def _freshness(manifest: Manifest) -> Table:
    last = manifest["last_session"]
    return Table(
        caption="How old each fund's holdings are",
        columns=[Column("Fund", False), Column("Holdings as of"), Column("Days before the last session")],
        rows=[[fund, day(as_of), number(days_before(as_of, last))] for fund, as_of in sorted(manifest["holdings_as_of"].items())],
        source="Newest snapshot of each fund; the same dates are in manifest.json.",
    )


def _findings(caption: str, rows: list[Row], *, folded: bool = False) -> Table:
    return Table(
        caption=caption,
        columns=[
            Column("Check", False), Column("Symbol", False), Column("Severity", False), Column("Findings"), Column("First"),
            Column("Last"), Column("Table", False),
        ],
        rows=[
            [
                Cell(label(row["check_name"]), note=row["meaning"]), row["symbol"], _severity(row), number(row["findings"]),
                day(row["first_found_on"]), day(row["last_found_on"]), row["table_name"],
            ]
            for row in rows
        ],
        source="Mart data_quality.",
        stacks=True,
        folded=folded,
    )  # fmt: skip


def _severity(row: Row) -> Cell:
    tone, mark = _LOOKS[row["severity"]]
    return Cell(row["severity"], tone=tone, mark=mark)


CHAPTER = Chapter("quality", "Data quality and freshness", (), _write)

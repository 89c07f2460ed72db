"""Data quality: the age of every feed, and the findings of the checks."""

from orchestration.report.blocks import Cell, Chapter, Column, Manifest, Section, Table
from orchestration.report.freshness import days_before
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import DASH, day, label, listed, number, plural

_LOOKS = {"warning": ("orange", "diamond"), "note": ("blue", "circle")}


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    ages = [_freshness(tables)] if tables.has("freshness") else [_holdings(manifest)] if manifest["holdings_as_of"] else []
    absent = [tables.unavailable("freshness") or ""]
    if not tables.has("data_quality"):
        lead = tables.unavailable("data_quality") or ""
        return Section(CHAPTER.name, CHAPTER.title, lead=lead, blocks=[*ages], notes=[*absent, *_unknown(manifest)])
    rows = tables.rows("select * from data_quality order by severity desc, table_name, check_name, symbol")
    counts = {severity: sum(row["severity"] == severity for row in rows) for severity in ("ok", "note", "warning")}
    warnings, noted = ([row for row in rows if row["severity"] == severity] for severity in ("warning", "note"))
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"{plural(len(rows), 'check')}: {counts['ok']} without findings, {counts['note']} with notes, {counts['warning']}"
        " with warnings.",
        blocks=[
            *ages,
            *([_findings("Warnings to review", warnings)] if warnings else []),
            *([_findings("Notes", noted, folded=True)] if noted else []),
        ],
        notes=["Missing values are never filled in.", *absent, *_unknown(manifest)],
    )  # fmt: skip


def _unknown(manifest: Manifest) -> list[str]:
    """Funds without holdings or prices, one sentence per kind, and each request that failed."""
    kinds = {"no_holdings": "No holdings available", "no_prices": "No full quarter of prices available"}
    funds = {check: [item["symbol"] for item in manifest["missing"] if item["check"] == check] for check in kinds}
    unknown = [f"{words}: {listed(funds[check])}." for check, words in kinds.items() if funds[check]]
    return unknown + [item["words"] for item in manifest["missing"] if item["check"] == "fetch_failed"]


def _freshness(tables: ReleaseTables) -> Table:
    rows = tables.rows("select * from freshness order by is_stale desc, feed")
    return Table(
        caption="Age of every feed",
        columns=[
            Column("Feed", False), Column("Newest"), Column("Days old"), Column("Sessions behind"), Column("Limit", False),
            Column("State", False),
        ],
        rows=[
            [
                row["feed"], day(row["newest"]), number(row["age_days"]), number(row["sessions_behind"]),
                row["limit_text"] or DASH,
                Cell("stale" if row["newest"] else "no data", tone="orange", mark="diamond") if row["is_stale"] else "current",
            ]
            for row in rows
        ],
        source="Mart freshness, by the clock of the run; manifest.json has the same.",
        stacks=True,
    )  # fmt: skip


def _holdings(manifest: Manifest) -> Table:
    last = manifest["last_session"]
    return Table(
        caption="Age of each fund's holdings",
        columns=[Column("Fund", False), Column("Holdings as of"), Column("Days before the last session")],
        rows=[[fund, day(as_of), number(days_before(as_of, last))] for fund, as_of in sorted(manifest["holdings_as_of"].items())],
        source="Newest snapshot of each fund; manifest.json has the same dates.",
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


CHAPTER = Chapter("quality", "Data quality and age", (), _write)

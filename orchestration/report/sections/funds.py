"""The funds with the guide's figure beneath each measured one."""

from collections.abc import Callable

from orchestration.report.blocks import Cell, Chapter, Column, Manifest, Section, Table
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import NOTHING, day, dollars, fee, fund_order, label, number, percent

_FIGURES: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "holdings_count": ("Companies", number),
    "expense_ratio": ("Fee a year", fee),
    "net_assets": ("Assets", dollars),
    "dollar_volume_quarter": ("Traded a day", dollars),
    "largest_holding_weight": ("Largest holding", lambda value: percent(value, 2)),
    "dividend_yield": ("Dividend yield", lambda value: percent(value, 2)),
}
_TEXTS = {"issuer": "Issuer", "index_name": "Index", "market_cap_focus": "Companies' size"}


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.ask("select * from fund_comparison")
    rows.sort(key=lambda row: fund_order(row["fund"]))
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead="Under each figure: the day it is known for, where it comes from, and what the guide of 2026-05-12 says.",
        blocks=[_table(rows)],
        notes=[f"{NOTHING}: no document at hand gives it. What the guide says is not filled in for what is measured."],
    )


def _table(rows: list[Row]) -> Table:
    body: list[list[Cell | str]] = [[title, *(_text(row, column) for row in rows)] for column, title in _TEXTS.items()]
    body += [[title, *(_figure(row, column, form) for row in rows)] for column, (title, form) in _FIGURES.items()]
    body.append(["Special dividends", *(_special(row) for row in rows)])
    body.append(["Name of the largest", *(_named(row) for row in rows)])
    return Table(
        caption="Funds, measured and as the guide has them",
        columns=[Column("", False), *(Column(row["fund"], False) for row in rows)],
        rows=body,
        source="Mart fund_comparison. Assets and dollars traded a day (mean of a quarter's sessions) in US dollars; fee,"
        " weight and yield (a year's regular dividends over the close; special ones of twelve months below it) in percent.",
    )


def _text(row: Row, column: str) -> Cell:
    guide = row[f"{column}_guide"]
    is_same = guide == row[column]
    return Cell(row[column] or NOTHING, note="" if guide is None or is_same else f"guide: {guide}")


def _special(row: Row) -> Cell:
    value = row["special_dividend_yield"]
    return Cell(percent(value, 2), note="" if value is None else day(row["special_dividend_yield_as_of"]))


def _named(row: Row) -> Cell:
    """Names come from vendors' files: plain text, whatever they hold."""
    guide = row["largest_holding_guide"]
    return Cell(row["largest_holding"] or NOTHING, note=f"guide: {guide}" if guide else "")


def _figure(row: Row, column: str, form: Callable[[float | None], str]) -> Cell:
    value, guide = row[column], row[f"{column}_guide"]
    known = [f"{day(row[f'{column}_as_of'])}, {label(row[f'{column}_origin'])}"] if value is not None else []
    known += [f"guide: {guide}"] if guide else []
    return Cell(form(value), note="\n".join(known))


CHAPTER = Chapter("funds", "The funds", ("fund_comparison",), _write)

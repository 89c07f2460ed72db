"""Fund comparison: each measured figure with the guide's figure below it."""

from collections.abc import Callable

from orchestration.report.blocks import Cell, Chapter, Column, Manifest, Section, Table
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import DASH, day, dollars, fee, fund_order, label, number, percent

_FIGURES: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "holdings_count": ("Equity holdings", number),
    "expense_ratio": ("Expense ratio", fee),
    "net_assets": ("Net assets", dollars),
    "dollar_volume_quarter": ("Average daily dollar volume", dollars),
    "largest_holding_weight": ("Weight of the largest holding", lambda value: percent(value, 2)),
    "dividend_yield": ("Dividend yield", lambda value: percent(value, 2)),
}
_FUND, _FEE = "fund", "expense_ratio"
_TEXTS = {"issuer": "Issuer", "index_name": "Index", "market_cap_focus": "Market cap focus"}


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.rows("select * from fund_comparison")
    rows.sort(key=lambda row: fund_order(row["fund"]))
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"Expense ratio: {', '.join(f'{row[_FUND]} {fee(row[_FEE])}' for row in rows[:3])}.",
        blocks=[_table(rows)],
        notes=[
            "Below each figure: its date, its origin and the guide's figure (2026-05-12).",
            f"{DASH}: no document provides the figure. The guide's figures never replace missing measurements.",
        ],
    )


def _table(rows: list[Row]) -> Table:
    body: list[list[Cell | str]] = [[title, *(_text(row, column) for row in rows)] for column, title in _TEXTS.items()]
    body += [[title, *(_figure(row, column, form) for row in rows)] for column, (title, form) in _FIGURES.items()]
    body.append(["Special dividend yield", *(_special(row) for row in rows)])
    body.append(["Largest holding", *(_named(row) for row in rows)])
    return Table(
        caption="Fund comparison: measured figures and the guide's",
        columns=[Column("", False), *(Column(row["fund"], False) for row in rows)],
        rows=body,
        source="Mart fund_comparison. Net assets and average daily dollar volume (mean over a quarter's sessions) in US dollars;"
        " expense ratio (per year), weight and yields in percent. Dividend yield: one year's regular dividends over the close."
        " Special dividend yield: the special dividends of twelve months over the close.",
    )


def _text(row: Row, column: str) -> Cell:
    guide = row[f"{column}_guide"]
    is_same = guide == row[column]
    return Cell(row[column] or DASH, note="" if guide is None or is_same else f"guide: {guide}")


def _special(row: Row) -> Cell:
    value = row["special_dividend_yield"]
    return Cell(percent(value, 2), note="" if value is None else day(row["special_dividend_yield_as_of"]))


def _named(row: Row) -> Cell:
    """Names come from vendor files and are treated as plain text, whatever they contain."""
    guide = row["largest_holding_guide"]
    return Cell(row["largest_holding"] or DASH, note=f"guide: {guide}" if guide else "")


def _figure(row: Row, column: str, form: Callable[[float | None], str]) -> Cell:
    value, guide = row[column], row[f"{column}_guide"]
    known = [f"{day(row[f'{column}_as_of'])}, {label(row[f'{column}_origin'])}"] if value is not None else []
    known += [f"guide: {guide}"] if guide else []
    return Cell(form(value), note="\n".join(known))


CHAPTER = Chapter("funds", "The funds", ("fund_comparison",), _write)

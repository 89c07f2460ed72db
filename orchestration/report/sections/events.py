"""Dated stresses of the market: what each of the three funds went through."""

from orchestration.report.blocks import Cell, Chapter, Column, Manifest, Section, Table
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import MAIN_FUNDS, NOTHING, day, listed, percent, plural


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.ask("select * from market_events order by start_session desc, event, fund")
    events: dict[str, dict[str, Row]] = {}
    for row in rows:
        events.setdefault(row["event"], {})[row["fund"]] = row
    deepest = min(rows, key=lambda row: float(row["max_drawdown"]))
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"{plural(len(events), 'dated stress', 'dated stresses')}, the newest first. The deepest fall was that of"
        f" {deepest['fund']}, {percent(deepest['max_drawdown'])}, in {deepest['description']}.",
        blocks=[_table(events)],
        notes=["All of these are past, chosen knowing how they went: they tell what can happen, not how often."],
    )


def _table(events: dict[str, dict[str, Row]]) -> Table:
    others = sorted({fund for funds in events.values() for fund in funds} - set(MAIN_FUNDS))
    more = f" It holds {listed(others)}, too." if others else ""
    return Table(
        caption="Total return and deepest fall in each stress",
        columns=[Column("Stress", False), *(Column(fund) for fund in MAIN_FUNDS)],
        rows=[[_event(funds), *(_fund(funds.get(fund)) for fund in MAIN_FUNDS)] for funds in events.values()],
        source="Mart market_events. Total returns with dividends from the first to the last day, in percent; below them the"
        " deepest fall from a high in between, and the first later close back at the start. No figure: the fund's history"
        f" does not reach.{more}",
        stacks=True,
    )


def _event(funds: dict[str, Row]) -> Cell:
    one = next(iter(funds.values()))
    return Cell(one["description"], note=f"{day(one['start_session'])} to {day(one['end_session'])}")


def _fund(row: Row | None) -> Cell | str:
    if row is None:
        return NOTHING
    back = f"back {day(row['recovery'])}" if row["recovery"] else "ended higher" if row["total_return"] >= 0 else "not back yet"
    return Cell(percent(row["total_return"], signed=True), note=f"fall {percent(row['max_drawdown'])}, {back}")


CHAPTER = Chapter("events", "Dated stresses", ("market_events",), _write)

"""Market stress events: total return and max drawdown of each of the three funds."""

from orchestration.report.blocks import Cell, Chapter, Column, Manifest, Section, Table
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import DASH, MAIN_FUNDS, day, listed, percent, plural


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.rows("select * from market_events order by start_session desc, event, fund")
    events: dict[str, dict[str, Row]] = {}
    for row in rows:
        events.setdefault(row["event"], {})[row["fund"]] = row
    deepest = min(rows, key=lambda row: float(row["max_drawdown"]))
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"{plural(len(events), 'market stress event')}, newest first. The largest drawdown was that of {deepest['fund']}:"
        f" {percent(deepest['max_drawdown'])} ({deepest['description']}).",
        blocks=[_table(events)],
        notes=["The events were selected in hindsight: they show what can happen, not how often it happens."],
    )


def _table(events: dict[str, dict[str, Row]]) -> Table:
    others = sorted({fund for funds in events.values() for fund in funds} - set(MAIN_FUNDS))
    more = f" The mart also has {listed(others)}." if others else ""
    return Table(
        caption="Total return and max drawdown in each event",
        columns=[Column("Event", False), *(Column(fund) for fund in MAIN_FUNDS)],
        rows=[[_event(funds), *(_fund(funds.get(fund)) for fund in MAIN_FUNDS)] for funds in events.values()],
        source="Mart market_events. Total return, dividends included, from the first to the last day, in percent. Below it: max"
        " drawdown within the event, and the first later close at which the fund was back at its starting value. No figure: the"
        f" fund's history does not cover the event.{more}",
        stacks=True,
    )


def _event(funds: dict[str, Row]) -> Cell:
    one = next(iter(funds.values()))
    return Cell(one["description"], note=f"{day(one['start_session'])} to {day(one['end_session'])}")


def _fund(row: Row | None) -> Cell | str:
    if row is None:
        return DASH
    unrecovered = "ended higher" if row["total_return"] >= 0 else "not recovered"
    back = f"recovered {day(row['recovery'])}" if row["recovery"] else unrecovered
    return Cell(percent(row["total_return"], signed=True), note=f"max drawdown {percent(row['max_drawdown'])}\n{back}")


CHAPTER = Chapter("events", "Market stress events", ("market_events",), _write, feeds=("prices",))

"""The cost of a fee gap over several holding periods."""

from orchestration.report.blocks import Cell, Chapter, Column, Manifest, Section, Table
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import day, dollars, label, percent

_GROWTH = 0.08  # the guide's assumption; the mart has other growth rates
_CURRENT = "today"  # as of the release, in fees_from


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.rows("select * from fee_drag order by fund, cheaper_fund, fees_from desc, horizon_years, growth")
    growths = sorted({row["growth"] for row in rows})
    growth = _GROWTH if _GROWTH in growths else growths[-1]
    shown = [row for row in rows if row["growth"] == growth]
    # Current fees are what a reader pays; the guide's may be stale.
    current = [row for row in shown if row["fees_from"] == _CURRENT] or shown
    dearest = max(current, key=lambda row: float(row["cost_compounded"] or 0))
    amount = manifest["parameters"].get("fee_drag.amount", {}).get("value")
    put_in = f"{amount:,.0f} US dollars" if amount else "the set amount"
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"{dearest['fund']} costs up to {dollars(dearest['cost_compounded'])} more than {dearest['cheaper_fund']}"
        f" on {put_in} over {dearest['horizon_years']} years, with {_fees(dearest)}.",
        blocks=[_table(shown)],
        notes=[
            f"Extra cost of the more expensive fund for a one-time investment of {put_in} that grows {percent(growth, 0)} a year"
            " before fees.",
            "The guide does not say how it compounds fees, so both methods are given.",
        ],
    )


def _pair(row: Row) -> str:
    return f"{row['fund']} against {row['cheaper_fund']}"


def _fees(row: Row) -> str:
    return {_CURRENT: "current fees", "guide": "the guide's fees"}.get(row["fees_from"], label(row["fees_from"]))


def _table(rows: list[Row]) -> Table:
    horizons = sorted({row["horizon_years"] for row in rows})
    groups: dict[tuple[str, str], dict[int, Row]] = {}
    for row in rows:
        groups.setdefault((_pair(row), _fees(row)), {})[row["horizon_years"]] = row
    body: list[list[Cell | str]] = []
    for (pair, fees), found in groups.items():
        one = next(iter(found.values()))
        same = "same index" if one["is_same_index"] else "different index"
        body.append(
            [
                Cell(pair, note=same), Cell(fees, note=f"as of {day(one['as_of'])}"), percent(one["fee_gap"], 3),
                *(Cell(_money(found.get(h), "cost_compounded"), note=_money(found.get(h), "cost_subtracted")) for h in horizons),
            ]
        )  # fmt: skip
    return Table(
        caption="Cost of the fee gap by holding period",
        columns=[Column("Funds", False), Column("Fees", False), Column("Annual gap"), *(Column(f"{h} years") for h in horizons)],
        rows=body,
        source="Mart fee_drag. US dollars: the fee deducted from the balance each year and, below it, subtracted from growth.",
    )


def _money(row: Row | None, column: str) -> str:
    return dollars(row[column] if row else None)


CHAPTER = Chapter("fees", "Cost of fees", ("fee_drag",), _write)

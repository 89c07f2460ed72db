"""The cost of a fee gap over several holding periods."""

from orchestration.report.blocks import Cell, Chapter, Chart, Column, Key, Manifest, Section, Table
from orchestration.report.chart_parts import chart, tip, tones, value_axis
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import day, dollars, label, percent

_KINDS = {"current fees": "blue", "the guide's fees": "grey"}
_GROWTH = 0.08  # the guide's assumption; the mart has other growth rates


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.rows("select * from fee_drag order by fund, cheaper_fund, fees_from desc, horizon_years, growth")
    growths = sorted({row["growth"] for row in rows})
    growth = _GROWTH if _GROWTH in growths else growths[-1]
    shown = [row for row in rows if row["growth"] == growth]
    amount = manifest["parameters"].get("fee_drag.amount", {}).get("value")
    put_in = f"{amount:,.0f} US dollars" if amount else "the set amount"
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"Extra cost of the more expensive fund for a one-time investment of {put_in} that grows {percent(growth, 0)} a year"
        " before fees.",
        blocks=[_chart(shown), _table(shown)],
        notes=["The guide does not say how it compounds fees, so both methods are given."],
    )


def _chart(rows: list[Row]) -> Chart:
    horizon = max(row["horizon_years"] for row in rows)
    longest = [row for row in rows if row["horizon_years"] == horizon]
    data: dict[str, list[object]] = {
        "pair": [_pair(row) for row in longest], "fees": [_fees(row) for row in longest],
        "compounded": [row["cost_compounded"] for row in longest], "subtracted": [row["cost_subtracted"] for row in longest],
        "gap": [row["fee_gap"] for row in longest],
    }  # fmt: skip
    dearest = max(longest, key=lambda row: float(row["cost_compounded"]))
    return Chart(
        name="fees",
        title=f"Cost of the fee gap after {horizon} years",
        summary=f"The largest cost is {_pair(dearest)} with {_fees(dearest)}: {dollars(dearest['cost_compounded'])} with the fee"
        f" deducted from the balance, or {dollars(dearest['cost_subtracted'])} with the fee subtracted from growth.",
        source="Mart fee_drag. US dollars; the fee is deducted from the balance at the end of each year.",
        height=44 * len(set(data["pair"])) + 36,
        spec=_spec(len(set(data["pair"]))),
        data={"costs": data},
        legend=[Key("band-full", tone, text) for text, tone in _KINDS.items()],
    )


def _spec(pairs: int) -> dict[str, object]:
    axis = {"title": None, "domain": False, "ticks": False, "labelLimit": 160}
    return chart(
        height=44 * pairs,
        data={"name": "costs"},
        mark={"type": "bar", "height": 10},
        encoding={
            "y": {"field": "pair", "type": "nominal", "axis": axis},
            "yOffset": {"field": "fees", "sort": list(_KINDS)},
            "x": value_axis("compounded", "$,.0f", scale={"zero": True}),
            "color": {"field": "fees", "legend": None, "scale": tones(_KINDS)},
            "tooltip": [
                tip("pair", "Funds", kind="nominal"), tip("fees", "Fees", kind="nominal"), tip("gap", "Fee gap", ".3%"),
                tip("compounded", "Fee deducted from balance", "$,.0f"),
                tip("subtracted", "Fee subtracted from growth", "$,.0f"),
            ],
        },
    )  # fmt: skip


def _pair(row: Row) -> str:
    return f"{row['fund']} against {row['cheaper_fund']}"


def _fees(row: Row) -> str:
    return {"today": "current fees", "guide": "the guide's fees"}.get(row["fees_from"], label(row["fees_from"]))


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

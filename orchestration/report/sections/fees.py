"""What a fee gap costs over the years."""

from orchestration.report.blocks import Cell, Chapter, Chart, Column, Key, Manifest, Section, Table
from orchestration.report.chart_parts import chart, told, tones, value_axis
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import day, dollars, label, percent

_KINDS = {"fees of today": "blue", "the guide's fees": "grey"}
_GROWTH = 0.08  # the guide's: other growths are in the mart


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.ask("select * from fee_drag order by fund, cheaper_fund, fees_from desc, horizon_years, growth")
    growths = sorted({row["growth"] for row in rows})
    growth = _GROWTH if _GROWTH in growths else growths[-1]
    shown = [row for row in rows if row["growth"] == growth]
    amount = manifest["parameters"].get("fee_drag.amount", {}).get("value")
    put_in = f"{amount:,.0f} US dollars" if amount else "the amount"
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"What the dearer fund costs on {put_in} put in once, at {percent(growth, 0)} growth a year before fees.",
        blocks=[_chart(shown), _table(shown)],
        notes=["The guide does not say how its figure compounds: both ways are given."],
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
        says=f"Most costly: {_pair(dearest)} with {_fees(dearest)}, {dollars(dearest['cost_subtracted'])} or"
        f" {dollars(dearest['cost_compounded'])}, as it compounds.",
        source="Mart fee_drag. US dollars, with the fee taken each year from what has grown.",
        height=44 * len(set(data["pair"])) + 36,
        spec=_spec(len(set(data["pair"]))),
        data={"costs": data},
        keys=[Key("band-full", tone, text) for text, tone in _KINDS.items()],
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
                told("pair", "Funds", kind="nominal"), told("fees", "Fees", kind="nominal"), told("gap", "Fee gap", ".3%"),
                told("compounded", "Fee from what has grown", "$,.0f"), told("subtracted", "Growth less fee", "$,.0f"),
            ],
        },
    )  # fmt: skip


def _pair(row: Row) -> str:
    return f"{row['fund']} against {row['cheaper_fund']}"


def _fees(row: Row) -> str:
    return {"today": "fees of today", "guide": "the guide's fees"}.get(row["fees_from"], label(row["fees_from"]))


def _table(rows: list[Row]) -> Table:
    horizons = sorted({row["horizon_years"] for row in rows})
    groups: dict[tuple[str, str], dict[int, Row]] = {}
    for row in rows:
        groups.setdefault((_pair(row), _fees(row)), {})[row["horizon_years"]] = row
    body: list[list[Cell | str]] = []
    for (pair, fees), found in groups.items():
        one = next(iter(found.values()))
        same = "the same index" if one["is_same_index"] else "another index"
        body.append(
            [
                Cell(pair, note=same), Cell(fees, note=f"as of {day(one['as_of'])}"), percent(one["fee_gap"], 3),
                *(Cell(_money(found.get(h), "cost_compounded"), note=_money(found.get(h), "cost_subtracted")) for h in horizons),
            ]
        )  # fmt: skip
    return Table(
        caption="Cost of the fee gap by years held",
        columns=[Column("Funds", False), Column("Fees", False), Column("Gap a year"), *(Column(f"{h} years") for h in horizons)],
        rows=body,
        source="Mart fee_drag. US dollars: the fee taken from what has grown and, below it, growth less fee.",
    )


def _money(row: Row | None, column: str) -> str:
    return dollars(row[column] if row else None)


CHAPTER = Chapter("fees", "What fees cost", ("fee_drag",), _write)

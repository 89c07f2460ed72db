"""The signals on the hundred years of the factors, and how far the factors stand for the funds."""

from orchestration.report.blocks import Chapter, Column, Manifest, Section, Table
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.sections.scorecards import SURVIVING, evidence_chart, survivors
from orchestration.report.wording import DASH, GAP, MINUS, day, label, number, percent, survive

_SIGNALS = {"regime": "", "rate_regime": "Fed", "business_cycle": "cycle"}
_TARGETS = {"small_minus_large": f"small{GAP}{MINUS}{GAP}large", "market": "the market"}


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.rows("select * from long_run_scorecard ")
    order = list(_SIGNALS)
    rows.sort(key=lambda row: (order.index(row["signal"]), row["label"], row["horizon"], row["target"]))
    named = [{**row, "name": _name(row), "return_of": _TARGETS[row["target"]]} for row in rows]
    surviving = [row for row in named if row["verdict"] in SURVIVING]
    proxies = tables.rows("select * from long_run_proxy order by proxy desc, frequency") if tables.has("long_run_proxy") else []
    first = min(row["first_session"] for row in rows)
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"Since {day(first)}, on factors that stand for the funds: {number(len(rows))} comparisons,"
        f" {survive(len(surviving))}.",
        blocks=[
            evidence_chart(
                "long_run", "Since 1926, on the factors: return after the label minus that after the rest, with 95 % interval",
                named, _TARGETS,
                "Mart long_run_scorecard. Mean forward return from the next close after the label, minus the mean after the rest"
                " of the history, in percentage points, with 95 % interval; corrected over all rows, and with the same sign in"
                " each era (to 1963, 1964 to 2000, since 2001).",
            ),
            *([survivors(surviving, "What survives since 1926", "Mart long_run_scorecard.")] if surviving else []),
            *([_proxies(proxies)] if proxies else []),
        ],
        notes=[
            "Small minus large is a factor, not a fund: it has no costs, holds companies too small to trade, weights value,"
            " neutral and growth equally, and its days until May 1952 include Saturdays. What held for it need not hold for IWM"
            f" {MINUS} SPY.",
            *([] if proxies else [tables.unavailable("long_run_proxy") or ""]),
        ],
    )  # fmt: skip


def _name(row: Row) -> str:
    short = _SIGNALS[row["signal"]]
    return f"{short} {label(row['label'])}" if short else label(row["label"])


def _proxies(rows: list[Row]) -> Table:
    return Table(
        caption="How closely the factors match the funds",
        columns=[
            Column("Factor", False), Column("Stands for", False), Column("By", False), Column("From"), Column("To"),
            Column("Correlation"), Column("Beta"), Column("Mean gap a year"), Column("Same regime"),
        ],
        rows=[
            [
                row["proxy"], row["subject"].replace(" - ", f" {MINUS} "), row["frequency"], day(row["first_session"]),
                day(row["last_session"]), number(row["correlation"], 2), number(row["beta"], 2),
                percent(row["mean_gap"], 2, signed=True),
                percent(row["label_agreement"], 0) if row["label_agreement"] is not None else DASH,
            ]
            for row in rows
        ],
        source="Mart long_run_proxy. Mean gap: return of the funds minus that of the factor, percent a year. Same regime: share"
        " of the sessions on which both have the same regime.",
        stacks=True,
    )  # fmt: skip


CHAPTER = Chapter("long_run", "A hundred years", ("long_run_scorecard",), _write)

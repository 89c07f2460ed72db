"""Russell reconstitution: sessions until the next one, who may move, and returns around past ones against placebo windows."""

from orchestration.report.blocks import Cell, Chapter, Chart, Column, Key, Manifest, Section, Table
from orchestration.report.chart_parts import (
    PAPER,
    TONES,
    chart,
    p_value_tips,
    p_value_words,
    row_axis,
    span,
    tip,
    value_axis,
    zero_line,
)
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import DASH, MINUS, TIMES, day, interval, label, listed, number, p_value, percent, plural

_WINDOWS = {
    "rank_to_effective": "rank day to effective close",
    "list_to_effective": "preliminary list to effective close",
    "week_before": "week before",
    "effective_day": "effective day",
    "week_after": "week after",
    "month_after": "month after",
}
ROW = 46
NAMED = 8
_TOOLTIP = [
    tip("name", "Window", kind="nominal"), tip("mean_gap", f"Mean of IWM {MINUS} SPY", "+.2%"),
    tip("interval_low", "Interval from", "+.2%"), tip("interval_high", "to", "+.2%"),
    tip("placebo_low", "Placebo from", "+.2%"), tip("placebo_high", "Placebo to", "+.2%"),
    *p_value_tips({"p_value": "p-value"}), tip("events", "Events", "d"),
]  # fmt: skip


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    coming = tables.rows("select * from reconstitution_calendar where sessions_to_effective >= 0 or is_next order by effective")
    following = next((row for row in coming if row["is_next"]), None)
    lead = "No upcoming reconstitution is known."
    if following is not None:
        lead = (
            f"{plural(following['sessions_to_effective'], 'session')} until the close of {day(following['effective'])}, when the"
            f" {following['event']} reconstitution takes effect. Stage as of {day(following['counted_from'])}:"
            f" {label(following['stage'])}."
        )
    summary = _summary(tables) if tables.has("reconstitution_summary") else []
    blocks: list[Chart | Table] = [_calendar(coming)] if coming else []
    if tables.has("reconstitution_candidates"):
        blocks += [block for block in (_candidates(tables), _scores(tables)) if block]
    no_statement = _no_statement(tables, following) if following and tables.exists("reconstitution_candidates") else ""
    study: list[Chart | Table] = [_chart(summary), _table(summary)] if summary else []
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=lead,
        blocks=[*blocks, *study],
        notes=[no_statement, *([] if summary else [tables.unavailable("reconstitution_summary") or ""])],
    )


def _summary(tables: ReleaseTables) -> list[Row]:
    rows = tables.rows("select * from reconstitution_summary order by window_name")
    order = list(_WINDOWS)
    return sorted(rows, key=lambda row: order.index(row["window_name"]) if row["window_name"] in order else len(order))


def _calendar(rows: list[Row]) -> Table:
    return Table(
        caption="Upcoming reconstitutions",
        columns=[
            Column("Event", False), Column("Rank day"), Column("Preliminary list"), Column("List updates"), Column("Lock-down"),
            Column("Effective close"),
            Column("Sessions left"), Column("Basis", False),
        ],
        rows=[
            [
                row["event"], day(row["rank_day"]), day(row["preliminary_list"]), _updates(row), day(row["lock_down"]),
                day(row["effective"]), number(row["sessions_to_effective"]), row["basis"],
            ]
            for row in rows
        ],
        source=f"Mart reconstitution_calendar, sessions counted from {day(rows[0]['counted_from'])}.",
        stacks=True,
    )  # fmt: skip


def _updates(row: Row) -> Cell:
    days = [said for update in range(1, 5) if (said := row[f"list_update_{update}"])]
    return Cell(", ".join(f"{said:%m-%d}" for said in days) or DASH, note=row["updates_basis"] or "")


def _candidates(tables: ReleaseTables) -> Table | None:
    """Who is expected to move at the last event that has statements: by a rule first, then the farthest from the border."""
    rows = tables.rows(
        "select event, candidates.stage, said_on, quality, status, symbol, effective, effective <= counted_from as is_over"
        " from reconstitution_candidates as candidates join reconstitution_calendar using (event)"
        " where is_latest and event = (select max(event) from reconstitution_candidates) and status <> 'stays'"
        " order by quality, status, abs(distance_to_border) desc nulls first, symbol"
    )
    undecided = tables.rows(
        "select quality, count(*) as members from reconstitution_candidates where is_latest and status is null"
        " and event = (select max(event) from reconstitution_candidates) group by quality order by quality"
    )
    unknown = "".join(f" {plural(row['members'], 'member')} without a status by {row['quality']}." for row in undecided)
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["status"], row["quality"]), []).append(row)
    if not groups:
        return None
    stated = "; ".join(sorted({f"{row['stage']}, as of {day(row['said_on'])}" for row in rows}))
    expected = "Who was expected to move" if rows[0]["is_over"] else "Who may move"
    return Table(
        caption=f"{expected} at the {rows[0]['event']} reconstitution, effective {day(rows[0]['effective'])}",
        columns=[
            Column("Status", False), Column("By", False), Column("Symbols"),
            Column("By a rule, then farthest from the border", False),
        ],
        rows=[
            [status, quality, number(len(found)), ", ".join(row["symbol"] for row in found[:NAMED])]
            for (status, quality), found in sorted(groups.items())
        ],
        source=f"Mart reconstitution_candidates: {stated}.{unknown} Fund weights count free float"
        " only: of the companies that they expect to enter from above, many are closely held and stay.",
    )  # fmt: skip


def _no_statement(tables: ReleaseTables, following: Row) -> str:
    """That nothing is stated about the next event, and which holdings are known; nothing if there is a statement."""
    event = following["event"]
    if tables.rows("select event from reconstitution_candidates where event = ? limit 1", event):
        return ""
    needed = "It needs holdings of IWM of the weeks before it, and of IWV for the sizes"
    dates = {}
    if tables.exists("concentration"):
        dates = {
            row["fund"]: row["as_of"] for row in tables.rows("select fund, max(as_of) as as_of from concentration group by 1")
        }
    known = listed(
        [
            f"the newest of {fund} are of {day(dates[fund])}" if fund in dates else f"none of {fund} are known"
            for fund in ("IWM", "IWV")
        ]
    )
    return f"There is no statement on the {event} reconstitution yet. {needed}; {known}."


def _scores(tables: ReleaseTables) -> Table | None:
    """How right the statements about past events were."""
    if not tables.has("reconstitution_forecast_scores"):
        return None
    rows = tables.rows(
        "select * from reconstitution_forecast_scores where is_latest and reach = 'all' order by event desc, quality, status"
    )
    if not rows:
        return None
    unknown = sorted({row["event"] for row in rows if not row["is_broad_known"]})
    return Table(
        caption="Scores of earlier forecasts",
        columns=[
            Column("Event", False), Column("Status", False), Column("By", False), Column("Expected"), Column("Happened"),
            Column("Precision"), Column("Recall"), Column("Naive precision"), Column("Naive recall"),
        ],
        rows=[
            [
                Cell(row["event"], note="in hindsight" if row["is_hindsight"] else f"as known on {row['said_on']}"),
                row["status"], row["quality"], number(row["predicted"]), number(row["happened"]),
                percent(row["precision_share"], 0), percent(row["recall_share"], 0),
                percent(row["naive_precision"], 0), percent(row["naive_recall"], 0),
            ]
            for row in rows
        ],
        source="Mart reconstitution_forecast_scores, by the last forecast before each event. Naive: the same number of symbols,"
        " those of the largest or the smallest companies by fund weight."
        + (
            f" {', '.join(unknown)}: without holdings of the Russell 3000 fund after the event, any company above the breakpoint"
            " that left counts as leaving above."
            if unknown
            else ""
        ),
        stacks=True,
    )  # fmt: skip


def _chart(rows: list[Row]) -> Chart:
    order = [_WINDOWS.get(row["window_name"], label(row["window_name"])) for row in rows]
    data: dict[str, list[object]] = {"name": list(order), "events": [row["events"] for row in rows]}
    for field in ("mean_gap", "interval_low", "interval_high", "placebo_low", "placebo_high", "p_value"):
        data[field] = [None if row[field] is None else round(row[field], 5) for row in rows]
    known = [(name, row) for name, row in zip(order, rows, strict=True) if None not in (row["mean_gap"], row["placebo_low"])]
    outside = [name for name, row in known if not row["placebo_low"] <= row["mean_gap"] <= row["placebo_high"]]
    return Chart(
        name="reconstitution",
        title="IWM minus SPY around reconstitutions, against placebo windows",
        summary=f"{len(known) - len(outside)} of {len(known)} means are within the 95 % placebo band"
        + (f"; outside it: {', '.join(outside)}." if outside else "."),
        source="Mart reconstitution_summary. Total return of IWM minus that of SPY, in percent. Intervals: bootstrap of events."
        " Placebo band: the same windows shifted to other dates.",
        height=ROW * len(order) + 36,
        spec=_spec(order),
        data={"windows": data},
        legend=[Key("circle", "blue", "mean with 95 % interval"), Key("band", "grey", "95 % placebo band")],
    )


def _spec(order: list[str]) -> dict[str, object]:
    rows = row_axis("name", order)
    band = {"type": "bar", "height": 22, "color": TONES["grey"], "opacity": 0.28}
    low, left = value_axis("interval_low", "+.1%"), value_axis("placebo_low", "+.1%")
    point = {
        "type": "point",
        "filled": True,
        "size": 100,
        "opacity": 1,
        "color": TONES["blue"],
        "stroke": PAPER,
        "strokeWidth": 1.5,
    }
    return chart(
        height=ROW * len(order),
        data={"name": "windows"},
        transform=p_value_words("p_value"),
        layer=[
            {"mark": band, "encoding": {"y": rows, "x": left, "x2": {"field": "placebo_high"}, "tooltip": _TOOLTIP}},
            zero_line(),
            span(rows, low, "interval_high", mark={"color": TONES["blue"]}, tooltip=_TOOLTIP),
            {"mark": point, "encoding": {"y": rows, "x": value_axis("mean_gap", "+.1%"), "tooltip": _TOOLTIP}},
        ],
    )


def _table(rows: list[Row]) -> Table:
    return Table(
        caption="IWM minus SPY by window",
        columns=[
            Column("Window", False), Column("Events"), Column("Mean"), Column("95 % interval"), Column("Median"),
            Column("IWM ahead of SPY"), Column("Placebo band"), Column("p"), Column("Volume ratio"),
        ],
        rows=[
            [
                Cell(
                    _WINDOWS.get(row["window_name"], label(row["window_name"])),
                    note=f"{row['first_event']} to {row['last_event']}",
                ),
                number(row["events"]), percent(row["mean_gap"], 2, signed=True),
                interval(row["interval_low"], row["interval_high"], 2), percent(row["median_gap"], 2, signed=True),
                percent(row["hit_rate"], 0), interval(row["placebo_low"], row["placebo_high"], 2), p_value(row["p_value"]),
                f"{number(row['median_volume_ratio'], 2)}{TIMES}" if row["median_volume_ratio"] is not None else number(None),
            ]
            for row in rows
        ],
        source="Mart reconstitution_summary. Volume ratio: IWM's mean daily volume in the window as a multiple of its median"
        " before the window; median over the events.",
        stacks=True,
    )  # fmt: skip


CHAPTER = Chapter("reconstitution", "Russell reconstitution", ("reconstitution_calendar",), _write)

"""Returns by month as a heat map: the three funds, and IWM minus SPY."""

from orchestration.report.blocks import Chapter, Chart, Control, Key, Manifest, Section
from orchestration.report.chart_parts import INK, MONTHS, TONES, Spec, chart, row_axis, tip
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import MAIN_FUNDS, MINUS, day, number, percent, points, rounded

_GAP = f"IWM {MINUS} SPY"
_YEAR = "Year"
ROW = 19
# The last close of each month and year over that of the one before; the last ones end with the last session.
_RETURNS = """
with ends as (
    select
        fund, step, date_trunc(step, session) as start, max_by(total_return_index, session) as level,
        max(session) as last_session
    from price_daily cross join (values ('month'), ('year')) as steps (step)
    where fund in ('IWM', 'SPY', 'QQQ') and total_return_index is not null
    group by fund, step, start
),

returns as (
    select fund, step, start, last_session, level / lag(level) over before - 1 as total_return
    from ends
    window before as (partition by fund, step order by start)
    qualify lag(start) over before = start - case step when 'month' then interval 1 month else interval 1 year end
)

select fund as series, step, start, last_session, total_return from returns
union all
select ?, step, start, one.last_session, one.total_return - other.total_return
from returns as one
inner join returns as other using (step, start)
where one.fund = 'IWM' and other.fund = 'SPY' and one.last_session = other.last_session
order by series, start, step
"""


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    rows = tables.rows(_RETURNS, _GAP)
    last = max(row["last_session"] for row in rows)
    this = {row["series"]: row["total_return"] for row in rows if row["step"] == "year" and row["last_session"] == last}
    funds = ", ".join(f"{fund} {percent(this.get(fund), signed=True)}" for fund in MAIN_FUNDS)
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"{last.year} to {day(last)}: {funds}; {_GAP} {points(this.get(_GAP))}.",
        blocks=[_chart(rows)],
    )


def _chart(rows: list[Row]) -> Chart:
    present = {row["series"] for row in rows}
    series = [name for name in (*MAIN_FUNDS, _GAP) if name in present]
    own = [row for row in rows if row["series"] == series[0] and row["step"] == "month"]
    best, worst = max(own, key=_return), min(own, key=_return)
    years = [str(year) for year in sorted({row["start"].year for row in rows}, reverse=True)]
    return Chart(
        name="months",
        title="Total return by month and year",
        summary=f"{series[0]}: the best of {number(len(own))} months is {best['start']:%Y-%m} with"
        f" {percent(_return(best), signed=True)}, the worst {worst['start']:%Y-%m} with {percent(_return(worst), signed=True)}.",
        source=f"Mart price_daily. Total returns, dividends included, in percent; {_GAP} in percentage points. The newest month"
        " and year end with the last session; any other incomplete month or year is left out.",
        height=ROW * len(years) + 34,
        spec=_spec(years, series[0]),
        data={
            "months": {
                "series": [row["series"] for row in rows],
                "year": [str(row["start"].year) for row in rows],
                "month": [MONTHS[row["start"].month - 1] if row["step"] == "month" else _YEAR for row in rows],
                "total_return": rounded([row["total_return"] for row in rows], 6),
            }
        },
        legend=[Key("band", "blue", "gain"), Key("band", "orange", "loss; the stronger the colour, the larger, up to 10 %")],
        controls=[Control("series", "Show", [(name, name) for name in series], series[0])],
    )


def _return(row: Row) -> float:
    return float(row["total_return"])


def _spec(years: list[str], series: str) -> Spec:
    # On a phone there is room for one letter and no decimals.
    letters = {
        "title": None, "orient": "top", "labelAngle": 0, "domain": False, "ticks": False,
        "labelExpr": "width < 460 ? slice(datum.label, 0, 1) : datum.label",
    }  # fmt: skip
    figure = "format(datum.total_return * 100, width < 460 ? '.0f' : '.1f')"
    tooltip = [
        tip("series", "Series", kind="nominal"), tip("month", "Month", kind="nominal"), tip("year", "Year", kind="nominal"),
        tip("total_return", "Total return", "+.2%"),
    ]  # fmt: skip
    colour = {"condition": {"test": "datum.total_return < 0", "value": TONES["orange"]}, "value": TONES["blue"]}
    # At most half of the colour, so that the figure on it stays readable.
    strength = {"field": "size", "type": "quantitative", "scale": {"domain": [0, 0.1], "range": [0.04, 0.5], "clamp": True}}
    return chart(
        height=ROW * len(years),
        params=[{"name": "series", "value": series}],
        data={"name": "months"},
        transform=[
            {"filter": "datum.series == series"},
            {"calculate": "abs(datum.total_return)", "as": "size"},
            {"calculate": f"replace({figure}, '-', '{MINUS}')", "as": "figure"},
        ],
        encoding={
            "x": {"field": "month", "type": "nominal", "scale": {"domain": [*MONTHS, _YEAR]}, "axis": letters},
            "y": {**row_axis("year", []), "sort": "descending", "scale": {}},
            "tooltip": tooltip,
        },
        layer=[
            {"mark": {"type": "rect"}, "encoding": {"color": colour, "opacity": {**strength, "legend": None}}},
            {
                "mark": {"type": "text", "color": INK, "fontSize": {"expr": "width < 460 ? 9 : 11.5"}},
                "encoding": {"text": {"field": "figure", "type": "nominal"}},
            },
        ],
    )


CHAPTER = Chapter("months", "Returns by month", ("price_daily",), _write, feeds=("prices",), is_open=True)

"""Breadth of the members: the share above the 200-session mean under the fund's price, new highs less new lows, and the
advance-decline line, for the members of each day beside today's."""

from orchestration.report.blocks import Cell, Chapter, Chart, Column, Control, Manifest, Section, Table
from orchestration.report.chart_parts import chart
from orchestration.report.panels import EVEN, Line, lines, overview
from orchestration.report.release_tables import Columns, ReleaseTables, Row
from orchestration.report.wording import (
    DASH,
    capitalised,
    day,
    fund_order,
    label,
    listed,
    number,
    percent,
    plural,
    points,
    rounded,
)

_PRICE, _SHARE, _PANEL, _HIND, _OVERVIEW = 150, 150, 92, 60, 44
_YEARS = 5
_OF_UNIVERSE = {"filter": "datum.universe == universe"}
_DIGITS = {"close": 2, "above_200": 4, "hindsight": 4}
# One session per week, and every session of the last year.
_POINTS = """
select
    p.universe, p.session, f.close, p.above_200, s.above_200 - p.above_200 as hindsight,
    case when p.eligible_252 > 0 then p.new_highs_close - p.new_lows_close end as net_new_highs, p.advance_decline_line,
    cast(
        row_number() over (partition by p.universe, date_trunc('week', p.session) order by p.session desc) = 1 as integer
    ) as weekly
from constituent_breadth as p
inner join constituent_breadth as s on p.universe = s.universe and p.session = s.session and s.basis = 'survivors'
left join price_daily as f on p.universe = f.fund and p.session = f.session
where p.basis = 'point_in_time'
qualify weekly = 1 or p.session > max(p.session) over () - interval 1 year
order by p.universe, p.session
"""
_NEWEST = """
select * from constituent_breadth
where basis = 'point_in_time' and priced > 0
qualify row_number() over (partition by universe order by session desc) = 1
"""
_HINDSIGHT = """
select
    p.universe, count(*) as sessions, count(s.above_200 - p.above_200) as compared, min(p.session) as first_session,
    avg(p.above_200) filter (s.above_200 is not null) as of_the_day,
    avg(s.above_200) filter (p.above_200 is not null) as of_today,
    max(abs(s.above_200 - p.above_200)) as largest, max_by(p.session, abs(s.above_200 - p.above_200)) as largest_on,
    252 * avg(p.member_return) as member_return, 252 * avg(s.member_return) as survivors_return
from constituent_breadth as p
inner join constituent_breadth as s on p.universe = s.universe and p.session = s.session and s.basis = 'survivors'
where p.basis = 'point_in_time' and not p.is_inferred
group by p.universe
having compared > 0
"""


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    newest = sorted(tables.rows(_NEWEST), key=lambda row: fund_order(row["universe"]))
    compared = sorted(tables.rows(_HINDSIGHT), key=lambda row: fund_order(row["universe"]))
    if not newest:
        return Section(CHAPTER.name, CHAPTER.title, unavailable="Not available in this release: no member has a bar.")
    said = [
        f"{percent(row['above_200'], 0)} of the members of {row['universe']}" for row in newest if row["above_200"] is not None
    ]
    last = max(row["session"] for row in newest)
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"{capitalised(listed(said))} are above their 200-session mean on {day(last)}." if said else "",
        blocks=[
            _chart(tables.columns(_POINTS), [row["universe"] for row in newest]),
            _standing(newest),
            *([_hindsight(compared)] if compared else []),
        ],
        notes=[
            "A member without a bar on a session is not counted, and a window needs all of its bars. Before a universe's first"
            " snapshot its members are those of the first snapshot; such sessions have no label.",
            *([] if compared else ["No session has the members of its day: survivors are not compared."]),
        ],
    )  # fmt: skip


def _chart(shown: Columns, universes: list[str]) -> Chart:
    data = {name: rounded(values, _DIGITS[name]) if name in _DIGITS else values for name, values in shown.items()}
    first = universes[0]
    own = [place for place, universe in enumerate(data["universe"]) if universe == first]
    panels = [
        lines("'Close of ' + universe + ', US dollars'", _PRICE, [Line("close", "Close")], ",.0f", of=_OF_UNIVERSE),
        lines(
            "'Share of the members above their 200-session mean'", _SHARE, [Line("above_200", "Above their mean")], ".0%",
            of=_OF_UNIVERSE, at=0.5,
        ),
        lines("'New highs less new lows by close'", _PANEL, [Line("net_new_highs", "Net")], "~s", of=_OF_UNIVERSE, at=0.0),
        lines(
            "'Advance\N{EN DASH}decline line'", _PANEL, [Line("advance_decline_line", "A\N{EN DASH}D line")], "~s",
            of=_OF_UNIVERSE,
        ),
        lines(
            "'Hindsight: today\u2019s members less those of the day'", _HIND,
            [Line("hindsight", "Hindsight")], "+.1%", of=_OF_UNIVERSE, at=0.0, is_last=True,
        ),
    ]  # fmt: skip
    latest = {name: next((data[name][place] for place in reversed(own) if data[name][place] is not None), None) for name in data}
    return Chart(
        name="members",
        title="A fund and its members: price, share above the 200-session mean, new highs less new lows,"
        " advance\N{EN DASH}decline line",
        summary=f"{first} on {day(data['session'][own[-1]])}: {percent(latest['above_200'])} of its members are above their"
        f" 200-session mean (today's members: {points(latest['hindsight'])}); new highs less new lows"
        f" {number(latest['net_new_highs'])}. Since {day(data['session'][own[0]])}.",
        source="Marts constituent_breadth, price_daily. Shares in percent, prices in US dollars, split-adjusted and not adjusted"
        " for dividends. Means and extremes count a member's own bars; a new high or low is beyond the closes of the 251 bars"
        " before. The level of the advance\N{EN DASH}decline line has no meaning. Weekly; daily in the one-year view. Drag"
        " across the lowest panel to zoom; double-click it to show all.",
        height=_PRICE + _SHARE + 2 * _PANEL + _HIND + _OVERVIEW + 5 * 30 + 76,
        spec=chart(
            params=[{"name": "universe", "value": first}, {"name": "years", "value": 0}],
            vconcat=[*panels, overview(_OVERVIEW, "close", [_OF_UNIVERSE, EVEN])],
            resolve={"scale": {"x": "independent"}},
        ),
        data={"points": data},
        controls=[Control("universe", "Members of", [(universe, universe) for universe in universes], first)],
        years=_YEARS,
    )  # fmt: skip


def _standing(rows: list[Row]) -> Table:
    return Table(
        caption="Each universe on its newest session",
        columns=[
            Column("Universe", False), Column("Session"), Column("Members"), Column("With a bar"), Column("Of the weight"),
            Column("Above 50"), Column("Above 200"), Column("New highs, lows"), Column("Up, down"), Column("McClellan"),
            Column("Label", False),
        ],
        rows=[
            [
                row["universe"], day(row["session"]), number(row["members"]), number(row["priced"]),
                percent(row["priced_weight"]), percent(row["above_50"], 0), percent(row["above_200"], 0),
                f"{number(row['new_highs_close'])} / {number(row['new_lows_close'])}",
                f"{number(row['advances'])} / {number(row['declines'])}",
                number(row["mcclellan_oscillator"], signed=True),
                Cell(
                    label(row["member_breadth"]) if row["member_breadth"] else DASH,
                    note="divergence" if row["is_divergence"] else "",
                ),
            ]
            for row in rows
        ],
        source="Mart constituent_breadth, the members of the day. constituent_breadth_gaps counts the missing ones by reason.",
        stacks=True,
    )  # fmt: skip


def _hindsight(rows: list[Row]) -> Table:
    empty = [row["sessions"] - row["compared"] for row in rows]
    return Table(
        caption="Survivorship bias: the members of the day beside today's",
        columns=[
            Column("Universe", False), Column("Sessions"), Column("Since"), Column("Above 200, of the day"),
            Column("Of today"), Column("Difference"), Column("Largest"), Column("On"), Column("Mean return, of the day"),
            Column("Of today"),
        ],
        rows=[
            [
                row["universe"],
                Cell(
                    number(row["sessions"]),
                    note=f"{number(without)} without a value" if without else "",
                ),
                day(row["first_session"]), percent(row["of_the_day"]),
                percent(row["of_today"]), points(row["of_today"] - row["of_the_day"]), points(row["largest"], signed=False),
                day(row["largest_on"]), percent(row["member_return"], signed=True), percent(row["survivors_return"], signed=True),
            ]
            for row, without in zip(rows, empty, strict=True)
        ],
        source="Mart constituent_breadth, sessions whose members are known. Means over those with a value; returns are the"
        f" equal-weight means of a session times 252. {plural(len(rows), 'universe')}.",
        stacks=True,
    )  # fmt: skip


CHAPTER = Chapter("members", "Breadth of the members", ("constituent_breadth", "price_daily"), _write, feeds=("member prices",))

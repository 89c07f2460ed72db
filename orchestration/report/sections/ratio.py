"""IWM against SPY: the ratio with its regimes and trend breaks, and the current state of every pair."""

from orchestration.report.blocks import Cell, Chapter, Chart, Column, Key, Manifest, Section, Table
from orchestration.report.chart_parts import chart
from orchestration.report.ratio_panels import detail, overview, panel
from orchestration.report.release_tables import Columns, ReleaseTables
from orchestration.report.wording import day, label, listed, number, percent, plural, rounded

PAIR = "IWM/SPY"
_DETAIL, _OVERVIEW, _PANEL = 300, 56, 130
_DAILY_YEARS = 5
# One point per week, plus every session of the most recent years and every trend break.
_POINTS = """
select session, ratio, ratio * exp(-trend_gap) as trend, trend_break
from ratio_daily
where pair = ? and ratio is not null
qualify session > max(session) over () - to_years(?)
    or row_number() over (partition by date_trunc('week', session) order by session desc) = 1
    or trend_break is not null
order by session
"""
_SPELLS = "select first_session, last_session, regime from regime_spells where pair = ? order by spell_no"
_OTHERS = "select distinct pair from ratio_daily where pair <> ? and ratio is not null order by pair"
_LEGEND = [
    Key("line", "ink", "ratio"), Key("dash", "faint", "trend mean"), Key("band", "blue", "risk-on"),
    Key("band", "orange", "risk-off"), Key("up", "blue", "break up"), Key("down", "orange", "break down"),
]  # fmt: skip
_STANDING = """
select
    pair, session, ratio, trend_gap, percentile, slope,
    (select max_by(regime, session) from regime_daily as r where r.pair = d.pair and r.regime is not null) as regime,
    (select max(first_session) from regime_spells as s where s.pair = d.pair) as since,
    (select max(session) from ratio_daily as b where b.pair = d.pair and b.trend_break is not null) as broke,
    (select max_by(trend_break, session) from ratio_daily as b where b.pair = d.pair and b.trend_break is not null) as trend_break
from ratio_daily as d
qualify row_number() over (partition by pair order by session desc) = 1
order by pair
"""


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    points = tables.columns(_POINTS, PAIR, _DAILY_YEARS)
    if not points["session"]:
        return Section(
            CHAPTER.name, CHAPTER.title, unavailable=f"Not available in this release: ratio_daily has no rows for {PAIR}."
        )
    others = tables.columns(_OTHERS, PAIR)["pair"]
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead="A rising ratio means that small caps outperform large caps. The bands show the regime as it was known at each"
        " close: later data never change it.",
        blocks=[
            _chart(points, tables.columns(_SPELLS, PAIR)),
            *([_small_charts(tables, others)] if others else []),
            _standing(tables),
        ],
    )


def _regime_now(spells: Columns) -> str:
    return f"{label(spells['regime'][-1])} since {day(spells['first_session'][-1])}" if spells["regime"] else "no regime yet"


def _drawn(points: Columns) -> Columns:
    """The data at the precision that a screen can show."""
    return {**points, "ratio": rounded(points["ratio"], 4), "trend": rounded(points["trend"], 4)}


def _chart(points: Columns, spells: Columns) -> Chart:
    breaks = [(s, b) for s, b in zip(points["session"], points["trend_break"], strict=True) if b]
    newest = points["session"][-1]
    last = f"; the most recent was a {label(breaks[-1][1])} on {day(breaks[-1][0])}" if breaks else ""
    summary = (
        f"On {day(newest)} one share of IWM cost {number(points['ratio'][-1], 3)} shares of SPY; {_regime_now(spells)}."
        f" Since {day(points['session'][0])} there have been {plural(len(spells['regime']), 'regime spell')} and"
        f" {plural(len(breaks), 'trend break')}{last}."
    )
    return Chart(
        name="ratio",
        title="IWM/SPY: ratio, regimes and trend breaks",
        summary=summary,
        source="Marts ratio_daily, regime_spells. Ratio of the closes of IWM and SPY, without dividends; weekly points, daily in"
        " the most recent five years. Drag across the small chart to zoom in; double-click to show all.",
        height=_DETAIL + _OVERVIEW + 70,
        spec=chart(vconcat=[detail(_DETAIL), overview(_OVERVIEW)], resolve={"scale": {"color": "independent"}}),
        data={"points": _drawn(points), "spells": spells},
        legend=_LEGEND,
        zoom=True,
    )


def _small_charts(tables: ReleaseTables, pairs: list[str]) -> Chart:
    """The other pairs, one point per week, for comparison with the main chart."""
    points = {pair: tables.columns(_POINTS, pair, 0) for pair in pairs}
    spells = {pair: tables.columns(_SPELLS, pair) for pair in pairs}
    summary = "; ".join(
        f"{pair} {number(points[pair]['ratio'][-1], 3)} on {day(points[pair]['session'][-1])}, {_regime_now(spells[pair])}"
        for pair in pairs
    )
    panels = [panel(pair, f"{pair} points", f"{pair} spells", _PANEL) for pair in pairs]
    return Chart(
        name="other_ratios",
        title=f"{listed(pairs)}: ratio, regimes and trend breaks",
        summary=f"{summary}.",
        source="Marts ratio_daily, regime_spells. Ratio of closes, without dividends; weekly points and every trend break.",
        height=(_PANEL + 54) * len(pairs),
        spec=chart(vconcat=panels, resolve={"scale": {"color": "independent", "shape": "independent"}}),
        data={
            **{f"{pair} points": _drawn(points[pair]) for pair in pairs},
            **{f"{pair} spells": spells[pair] for pair in pairs},
        },
        legend=_LEGEND,
    )


def _standing(tables: ReleaseTables) -> Table:
    tone = {"risk_on": "blue", "risk_off": "orange"}
    rows = tables.rows(_STANDING)
    return Table(
        caption="Current state of each pair",
        columns=[
            Column("Pair", False), Column("Regime", False), Column("Since"), Column("Ratio"), Column("Trend gap"),
            Column("1-year percentile"), Column("Last trend break"),
        ],
        rows=[
            [
                row["pair"],
                Cell(label(row["regime"]), tone=tone.get(row["regime"] or "", "")),
                day(row["since"]),
                number(row["ratio"], 4),
                number(row["trend_gap"], 4, signed=True),
                percent(row["percentile"], 0),
                Cell(day(row["broke"]), note=label(row["trend_break"]) if row["trend_break"] else ""),
            ]
            for row in rows
        ],
        source=f"Marts ratio_daily, regime_daily, regime_spells; as of {day(max(row['session'] for row in rows))}. Trend gap:"
        " log ratio minus its trend mean, in log points. Percentile: share of the window's ratios at or below the current one.",
    )  # fmt: skip


CHAPTER = Chapter("ratio", "Small against large caps: IWM/SPY", ("ratio_daily", "regime_daily", "regime_spells"), _write)

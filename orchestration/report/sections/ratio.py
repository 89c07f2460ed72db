"""IWM against SPY: the ratio with its regimes and trend breaks, and where each pair stands."""

from orchestration.report.blocks import Cell, Chapter, Chart, Column, Key, Manifest, Section, Table
from orchestration.report.chart_parts import chart
from orchestration.report.ratio_panels import detail, overview, panel
from orchestration.report.release_tables import Columns, ReleaseTables
from orchestration.report.wording import day, label, listed, number, percent, plural, rounded

PAIR = "IWM/SPY"
_DETAIL, _OVERVIEW, _PANEL = 300, 56, 130
_DAILY_YEARS = 5
# One point a week, but every session of the newest years and every trend break.
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
_KEYS = [
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
        return Section(CHAPTER.name, CHAPTER.title, lacking=f"Nothing to show from this release: ratio_daily knows no {PAIR}.")
    others = tables.columns(_OTHERS, PAIR)["pair"]
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead="A rising ratio means that small companies gain on large ones. The bands are the regimes as they read at each close:"
        " none of them changes when later data arrive.",
        blocks=[
            _chart(points, tables.columns(_SPELLS, PAIR)),
            *([_small_charts(tables, others)] if others else []),
            _standing(tables),
        ],
    )


def _regime_now(spells: Columns) -> str:
    return f"{label(spells['regime'][-1])} since {day(spells['first_session'][-1])}" if spells["regime"] else "no regime yet"


def _drawn(points: Columns) -> Columns:
    """As many digits as a screen shows."""
    return {**points, "ratio": rounded(points["ratio"], 4), "trend": rounded(points["trend"], 4)}


def _chart(points: Columns, spells: Columns) -> Chart:
    breaks = [(s, b) for s, b in zip(points["session"], points["trend_break"], strict=True) if b]
    newest = points["session"][-1]
    last = f", the last of them a {label(breaks[-1][1])} on {day(breaks[-1][0])}" if breaks else ""
    says = (
        f"On {day(newest)} a share of IWM cost {number(points['ratio'][-1], 3)} shares of SPY; {_regime_now(spells)}."
        f" Between {day(points['session'][0])} and then: {plural(len(spells['regime']), 'regime spell')} and"
        f" {plural(len(breaks), 'trend break')}{last}."
    )
    return Chart(
        name="ratio",
        title="IWM/SPY: ratio, regimes and trend breaks",
        says=says,
        source="Marts ratio_daily, regime_spells. Closes of IWM over closes of SPY (a ratio, without dividends); weekly points,"
        " daily in the newest five years. Drag across the small chart to zoom; a double click shows all.",
        height=_DETAIL + _OVERVIEW + 70,
        spec=chart(vconcat=[detail(_DETAIL), overview(_OVERVIEW)], resolve={"scale": {"color": "independent"}}),
        data={"points": _drawn(points), "spells": spells},
        keys=_KEYS,
        zoom=True,
    )


def _small_charts(tables: ReleaseTables, pairs: list[str]) -> Chart:
    """The other pairs, a point a week: to be held beside the first, not read to the session."""
    points = {pair: tables.columns(_POINTS, pair, 0) for pair in pairs}
    spells = {pair: tables.columns(_SPELLS, pair) for pair in pairs}
    says = "; ".join(
        f"{pair} {number(points[pair]['ratio'][-1], 3)} on {day(points[pair]['session'][-1])}, {_regime_now(spells[pair])}"
        for pair in pairs
    )
    panels = [panel(pair, f"{pair} points", f"{pair} spells", _PANEL) for pair in pairs]
    return Chart(
        name="other_ratios",
        title=f"{listed(pairs)}: ratio, regimes and trend breaks",
        says=f"{says}.",
        source="Marts ratio_daily, regime_spells. Closes over closes (a ratio, without dividends); weekly points and every trend"
        " break.",
        height=(_PANEL + 54) * len(pairs),
        spec=chart(vconcat=panels, resolve={"scale": {"color": "independent", "shape": "independent"}}),
        data={
            **{f"{pair} points": _drawn(points[pair]) for pair in pairs},
            **{f"{pair} spells": spells[pair] for pair in pairs},
        },
        keys=_KEYS,
    )


def _standing(tables: ReleaseTables) -> Table:
    tone = {"risk_on": "blue", "risk_off": "orange"}
    rows = tables.ask(_STANDING)
    return Table(
        caption="Where each pair stands",
        columns=[
            Column("Pair", False), Column("Regime", False), Column("Since"), Column("Ratio"), Column("Trend gap"),
            Column("Rank in a year"), Column("Last trend break"),
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
        source=f"Marts ratio_daily, regime_daily, regime_spells; as of {day(max(row['session'] for row in rows))}. Trend gap"
        " in log points; the rank is the share of the window's ratios at or below this one.",
    )  # fmt: skip


CHAPTER = Chapter("ratio", "Small against large: IWM/SPY", ("ratio_daily", "regime_daily", "regime_spells"), _write)

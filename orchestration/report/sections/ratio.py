"""The main chart: a pair of funds with its regimes, drawdowns, volatility, correlation and beta; and the state of every pair."""

from orchestration.report.blocks import Cell, Chapter, Chart, Column, Control, Key, Manifest, Section, Table
from orchestration.report.chart_parts import Spec, chart
from orchestration.report.panels import EVEN, OF_PAIR, Line, lines, overview, ratio_panel
from orchestration.report.release_tables import Columns, ReleaseTables, Row
from orchestration.report.wording import day, label, number, percent, plural, rounded

PAIR = "IWM/SPY"
_RATIO, _PANEL, _OVERVIEW = 270, 92, 44
_YEARS = 5  # the period shown first
_FIRST, _SECOND = "split(pair, '/')[0]", "split(pair, '/')[1]"  # the funds of the chosen pair, as Vega expressions
_WINDOW = 63  # sessions of the rolling volatility: one quarter
_DIGITS = {
    "ratio": 4, "trend": 4, "drawdown": 4, "fund_drawdown": 4,
    "volatility": 3, "other_volatility": 3, "correlation": 3, "beta": 3,
}  # fmt: skip
# One point per week, plus every session of the last year and every trend break.
_POINTS = """
select
    pair, session, ratio, ratio * exp(-trend_gap) as trend, trend_break,
    cast(row_number() over (partition by pair, date_trunc('week', session) order by session desc) = 1 as integer) as weekly
from ratio_daily
where ratio is not null
qualify weekly = 1 or session > max(session) over () - to_years(1) or trend_break is not null
order by case pair when 'IWM/SPY' then 0 else 1 end, pair, session
"""
_RISK = """
select pair, session, drawdown, beta, beta / nullif(relative_volatility, 0) as correlation from relative_risk_daily
"""
_FUNDS = f"""
select
    fund, session, drawdown,
    case when count(total_return) over recent = {_WINDOW} then stddev_samp(total_return) over recent * sqrt(252e0) end
        as volatility
from price_daily
window recent as (partition by fund order by session rows {_WINDOW - 1} preceding)
"""
_SPELLS = "select pair, first_session, last_session, regime from regime_spells order by pair, spell_no"
_STANDING = """
select
    pair, session, ratio, trend_gap, percentile, slope,
    (select max_by(regime, session) from regime_daily as r where r.pair = d.pair and r.regime is not null) as regime,
    (select max(first_session) from regime_spells as s where s.pair = d.pair) as since,
    (select max(session) from ratio_daily as b where b.pair = d.pair and b.trend_break is not null) as broke,
    (select max_by(trend_break, session) from ratio_daily as b where b.pair = d.pair and b.trend_break is not null) as trend_break
from ratio_daily as d
qualify row_number() over (partition by pair order by session desc) = 1
order by case pair when 'IWM/SPY' then 0 else 1 end, pair
"""


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    points = _points(tables)
    if PAIR not in points["pair"]:
        return Section(
            CHAPTER.name, CHAPTER.title, unavailable=f"Not available in this release: ratio_daily has no rows for {PAIR}."
        )
    absent = [tables.unavailable(name) for name in ("relative_risk_daily", "price_daily")]
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead="A rising ratio of IWM to SPY means that small caps outperform large caps.",
        blocks=[_chart(points, tables.columns(_SPELLS)), _standing(tables)],
        notes=[sentence for sentence in absent if sentence],
    )


def _points(tables: ReleaseTables) -> Columns:
    """The series of every pair; those of a table that is not available are left out."""
    found = tables.columns(_POINTS)
    places = list(zip(found["pair"], found["session"], strict=True))
    if tables.has("relative_risk_daily"):
        risk = {(row["pair"], row["session"]): row for row in tables.rows(_RISK)}
        for name in ("drawdown", "beta", "correlation"):
            found[name] = [risk.get(place, {}).get(name) for place in places]
    if tables.has("price_daily"):
        funds = {(row["fund"], row["session"]): row for row in tables.rows(_FUNDS)}
        legs = [[funds.get((fund, session), {}) for fund in pair.split("/")] for pair, session in places]
        found["fund_drawdown"] = [one.get("drawdown") for one, _ in legs]
        found["volatility"] = [one.get("volatility") for one, _ in legs]
        found["other_volatility"] = [other.get("volatility") for _, other in legs]
    return {name: rounded(values, _DIGITS[name]) if name in _DIGITS else values for name, values in found.items()}


def _chart(points: Columns, spells: Columns) -> Chart:
    pairs = list(dict.fromkeys(points["pair"]))
    own = [place for place, pair in enumerate(points["pair"]) if pair == PAIR]
    breaks = [(points["session"][place], points["trend_break"][place]) for place in own if points["trend_break"][place]]
    regimes = [
        (day(f), r) for p, f, r in zip(spells["pair"], spells["first_session"], spells["regime"], strict=True) if p == PAIR
    ]
    now = f"{label(regimes[-1][1])} since {regimes[-1][0]}" if regimes else "no regime yet"
    last = f"; the last was a {label(breaks[-1][1])} on {day(breaks[-1][0])}" if breaks else ""
    panels, height = _panels(points)
    return Chart(
        name="ratio",
        title="A pair of funds: ratio, drawdown, volatility, correlation and beta",
        summary=f"{PAIR} on {day(points['session'][own[-1]])}: {number(points['ratio'][own[-1]], 4)}, {now}."
        f" Since {day(points['session'][own[0]])} there have been {plural(len(regimes), 'regime spell')} and"
        f" {plural(len(breaks), 'trend break')}{last}.",
        source="Marts ratio_daily, regime_spells, relative_risk_daily, price_daily. Ratio of the closes, without dividends."
        " Drawdowns of the ratio of total returns and of the first fund's total return, from the running high, in percent."
        f" Volatility: standard deviation of daily total returns over {_WINDOW} sessions, percent a year; none where one of them"
        " has no return. Correlation, and beta of the first fund on the second, of daily total returns over 252 sessions."
        " Weekly; daily in the one-year view. Drag across the lowest panel to zoom; double-click it to show all.",
        height=height,
        spec=chart(
            params=[{"name": "pair", "value": PAIR}, {"name": "years", "value": 0}],
            vconcat=[*panels, overview(_OVERVIEW, "ratio", [OF_PAIR, EVEN])],
            resolve={"scale": {"color": "independent", "x": "independent"}},
        ),
        data={"points": points, "spells": spells},
        legend=[
            Key("line", "ink", "ratio"), Key("dash", "faint", "trend mean"), Key("band", "blue", "risk-on"),
            Key("band", "orange", "risk-off"), Key("up", "blue", "break up"), Key("down", "orange", "break down"),
        ],
        controls=[Control("pair", "Pair", [(pair, pair) for pair in pairs], PAIR)],
        years=_YEARS,
    )  # fmt: skip


def _panels(points: Columns) -> tuple[list[Spec], int]:
    """The panels whose series are available, and the height of all with the overview."""
    drawdowns = [Line("drawdown", "Ratio")] if "drawdown" in points else []
    drawdowns += [Line("fund_drawdown", "First fund", dashed=True)] if "fund_drawdown" in points else []
    wanted: list[tuple[str, list[Line], str, float | None]] = []
    wanted.append((f"'Drawdown: ' + pair + ', ' + {_FIRST} + ' (dashed)'", drawdowns, ".0%", 0.0))
    if "volatility" in points:
        of_funds = [Line("volatility", "First fund"), Line("other_volatility", "Second fund", dashed=True)]
        wanted.append((f"'Volatility, {_WINDOW} sessions: ' + {_FIRST} + ', ' + {_SECOND} + ' (dashed)'", of_funds, ".0%", None))
    if "beta" in points:
        linked = [Line("correlation", "Correlation"), Line("beta", "Beta", dashed=True)]
        wanted.append(("'Over 252 sessions: correlation, beta (dashed)'", linked, ".2f", 1.0))
    shown = [panel for panel in wanted if panel[1]]
    panels = [
        lines(title, _PANEL, series, form, at=at, is_last=place == len(shown) - 1)
        for place, (title, series, form, at) in enumerate(shown)
    ]
    return [ratio_panel(_RATIO), *panels], _RATIO + _OVERVIEW + 76 + (_PANEL + 30) * len(panels)


def _standing(tables: ReleaseTables) -> Table:
    tone = {"risk_on": "blue", "risk_off": "orange"}
    rows = tables.rows(_STANDING)
    has_risk = tables.has("relative_risk_summary")
    risk = {row["pair"]: row for row in tables.rows("select * from relative_risk_summary")} if has_risk else {}
    return Table(
        caption="Each pair now, and over its history",
        columns=[
            Column("Pair", False), Column("Regime", False), Column("Ratio"), Column("Trend gap"), Column("1-year percentile"),
            Column("Last trend break"), Column("Drawdown"), Column("Deepest"), Column("Beta"), Column("Correlation"),
            Column("Alpha a year"),
        ],
        rows=[
            [
                row["pair"],
                Cell(label(row["regime"]), note=f"since {day(row['since'])}", tone=tone.get(row["regime"] or "", "")),
                number(row["ratio"], 4),
                number(row["trend_gap"], 4, signed=True),
                percent(row["percentile"], 0),
                Cell(day(row["broke"]), note=label(row["trend_break"]) if row["trend_break"] else ""),
                *_risk(risk.get(row["pair"])),
            ]
            for row in rows
        ],
        source=f"Marts ratio_daily, regime_daily, regime_spells, relative_risk_summary; as of"
        f" {day(max(row['session'] for row in rows))}. Trend gap in log points. Percentile: share of the last 252 ratios at or"
        " below this one. Drawdown of the ratio of total returns; beta, correlation and alpha over the whole history, alpha with"
        " its standard error in percent a year.",
        stacks=True,
    )  # fmt: skip


def _risk(row: Row | None) -> list[Cell | str]:
    if row is None:
        return [number(None)] * 5
    return [
        Cell(percent(row["drawdown"]), note=f"from {day(row['drawdown_from'])}"),
        Cell(percent(row["deepest_drawdown"]), note=day(row["deepest_session"])),
        number(row["beta"], 2),
        number(row["correlation"], 2),
        Cell(percent(row["alpha"], signed=True), note=f"± {percent(row['alpha_error'])}"),
    ]


CHAPTER = Chapter(
    "ratio", "Small against large caps", ("ratio_daily", "regime_daily", "regime_spells"), _write, feeds=("prices",), is_open=True
)

"""The rate cycle and the relative performance of IWM, and the returns of the funds in each rate regime."""

from orchestration.report.blocks import Cell, Chapter, Chart, Column, Key, Manifest, Section, Table
from orchestration.report.chart_parts import INK, TONES, chart, crosshair, date_axis, log_scale, tip, vertical_axis
from orchestration.report.release_tables import Columns, ReleaseTables, Row
from orchestration.report.wording import DASH, MAIN_FUNDS, day, label, number, percent, plural, rounded

_REGIMES = {"hiking": "orange", "hold_after_hikes": "orange", "cutting": "blue", "hold_after_cuts": "blue"}
_RELATIVE = """
select session, ratio_total_return as relative
from ratio_daily
where pair = 'IWM/SPY' and ratio_total_return is not null
qualify row_number() over (partition by date_trunc('week', session) order by session desc) = 1
order by session
"""
# The rate is a step function: its changes and its last value are enough to draw it.
_RATE = """
select session, policy_rate
from policy_rate_daily
qualify policy_rate is distinct from lag(policy_rate) over (order by session) or session = max(session) over ()
order by session
"""
_MACRO = """
with newest as (select series, max(date) as newest from macro_daily group by series)
select name, unit, newest, hindsight, min(date) as oldest,
    max_by(value, date) as latest,
    min(value) filter (where unit <> 'flag') as lowest, max(value) filter (where unit <> 'flag') as highest,
    max_by(value, date) filter (where date <= newest - interval 1 year) as year_before
from macro_daily join newest using (series)
group by series, name, unit, newest, hindsight
order by unit = 'flag', unit, series
"""
_SPELLS = "select first_session, last_session, rate_regime, sessions from rate_regime_spells order by spell_no"


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    has_table = tables.has("rate_regime_performance")
    hold = manifest["parameters"].get("rate_regime.hold_days", {}).get("value")
    wait = f"{hold:.0f} days without a move" if hold else "a set time without a move"
    rates = tables.columns(_RATE)
    spells = tables.columns(_SPELLS)
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"{_now(spells).capitalize()}; the midpoint of the target range is {percent(rates['policy_rate'][-1], 3)}.",
        blocks=[
            _chart(tables.columns(_RELATIVE), rates, spells),
            *([_performance(tables)] if has_table else []),
            *([_macro(tables.rows(_MACRO))] if tables.has("macro_daily") else []),
        ],
        notes=[
            f"Only moves that the Fed has already made count. A hold begins after {wait}.",
            *(words for name in ("rate_regime_performance", "macro_daily") if (words := tables.unavailable(name))),
        ],
    )


def _now(spells: Columns) -> str:
    return (
        f"{label(spells['rate_regime'][-1])} since {day(spells['first_session'][-1])}" if spells["rate_regime"] else "no regime"
    )


def _chart(relative: Columns, rate: Columns, spells: Columns) -> Chart:
    gained = relative["relative"][-1] / relative["relative"][0] - 1 if relative["relative"] else None
    summary = (
        f"On {day(rate['session'][-1])} the midpoint of the Fed funds target range was"
        f" {percent(rate['policy_rate'][-1], 3)}: {_now(spells)}."
        f" Since {day(relative['session'][0]) if relative['session'] else 'the start'} the return of IWM"
        f" relative to SPY, dividends included, is {percent(gained, signed=True)}."
    )
    shown = {**spells, "label": [label(name) for name in spells["rate_regime"]]}
    relative = {**relative, "relative": rounded(relative["relative"], 4)}
    return Chart(
        name="rates",
        title="IWM against SPY through the rate cycle",
        summary=summary,
        source="Marts ratio_daily (ratio of total returns, 1 at its start, log scale; weekly), policy_rate_daily (midpoint of the"
        " Fed funds target range, percent a year; FRED), rate_regime_spells.",
        height=404,
        spec=chart(vconcat=[_panel(210, _lines(log_scale(relative["relative"]))), _panel(120, _steps())],
        resolve={"scale": {"x": "shared"}}),
        data={"relative": relative, "rate": rate, "spells": shown},
        legend=[
            Key("band", "orange", "hiking"), Key("band-light", "orange", "hold after hikes"), Key("band", "blue", "cutting"),
            Key("band-light", "blue", "hold after cuts"),
        ],
    )  # fmt: skip


def _panel(height: int, layers: list[dict[str, object]]) -> dict[str, object]:
    """A panel with the rate regimes as bands behind it."""
    strong = " || ".join(f"datum.rate_regime == '{name}'" for name in ("hiking", "cutting"))
    colour = {"domain": list(_REGIMES), "range": [TONES[tone] for tone in _REGIMES.values()]}
    bands = {
        "data": {"name": "spells"},
        "mark": {"type": "rect"},
        "encoding": {
            "x": date_axis("first_session"),
            "x2": {"field": "last_session"},
            "color": {"field": "rate_regime", "scale": colour, "legend": None},
            "opacity": {"condition": {"test": strong, "value": 0.24}, "value": 0.1},
            "tooltip": [
                tip("label", "Rate regime", kind="nominal"), tip("first_session", "From", kind="temporal"),
                tip("last_session", "To", kind="temporal"), tip("sessions", "Sessions", "d"),
            ],
        },
    }  # fmt: skip
    return {"height": height, "layer": [bands, *layers]}


def _lines(scale: dict[str, object]) -> list[dict[str, object]]:
    tooltip = [tip("session", "Session", kind="temporal"), tip("relative", "IWM/SPY, total return", ".3f")]
    return [
        {
            "data": {"name": "relative"},
            "mark": {"type": "line", "color": INK, "strokeWidth": 1.5},
            "encoding": {
                "x": date_axis("session"),
                "y": {
                    "field": "relative", "type": "quantitative", "scale": scale,
                    "axis": vertical_axis(None, ".2f"),
                },
            },
        },
        crosshair("near", "session", tooltip, "relative"),
    ]  # fmt: skip


def _steps() -> list[dict[str, object]]:
    return [
        {
            "data": {"name": "rate"},
            "mark": {"type": "line", "interpolate": "step-after", "color": INK, "strokeWidth": 1.5},
            "encoding": {
                "x": date_axis("session"),
                "y": {
                    "field": "policy_rate",
                    "type": "quantitative",
                    "axis": vertical_axis(None, ".0%", tickCount=4),
                    "scale": {"padding": 6},
                },
            },
        }
    ]


def _performance(tables: ReleaseTables) -> Table:
    rows = tables.rows(
        "select rate_regime, fund, annual_return, spells, sessions, own_annual_return, own_sessions from rate_regime_performance"
    )
    found = {(row["rate_regime"], row["fund"]): row for row in rows}
    shown = [regime for regime in _REGIMES if any((regime, fund) in found for fund in MAIN_FUNDS)]
    body: list[list[Cell | str]] = []
    for regime in shown:
        cells = [found.get((regime, fund)) for fund in MAIN_FUNDS]
        common = next((cell for cell in cells if cell and cell["sessions"]), None)
        body.append(
            [
                label(regime),
                *(_returned(cell) for cell in cells),
                number(common["spells"] if common else None),
                number(common["sessions"] if common else None),
            ]
        )
    return Table(
        caption="Annualised total return by rate regime",
        columns=[Column("Rate regime", False), *(Column(fund) for fund in MAIN_FUNDS), Column("Spells"), Column("Sessions")],
        rows=body,
        source="Mart rate_regime_performance. Percent a year over the sessions for which all three funds have a return, spells"
        " pooled. Where a fund's own history differs, the small figure covers that history: do not compare it between funds. A"
        f" handful of spells is weak evidence: the track record tests the {plural(len(shown), 'regime')} against chance.",
    )


def _macro(rows: list[Row]) -> Table:
    return Table(
        caption="Interest rates and financial conditions",
        columns=[
            Column("Series", False), Column("Latest"), Column("Date"), Column("A year before"),
            Column("Lowest"), Column("Highest"), Column("Since"),
        ],
        rows=[
            [
                Cell(row["name"][:1].upper() + row["name"][1:], note=row["hindsight"] or ""),
                _valued(row["latest"], row["unit"]), day(row["newest"]),
                *(_valued(row[name], row["unit"]) for name in ("year_before", "lowest", "highest")), day(row["oldest"]),
            ]
            for row in rows
        ],
        source="Mart macro_daily (FRED), each series on its own dates. Yields in percent a year.",
        stacks=True,
    )  # fmt: skip


def _valued(value: float | None, unit: str) -> str:
    """A value of `macro_daily` in its unit."""
    if value is None:
        return DASH
    return {"fraction a year": percent(value, 2), "flag": "yes" if value else "no"}.get(unit, number(value, 2))


def _returned(cell: Row | None) -> Cell | str:
    """The return over the common sessions and, where the fund's own history differs, the return over that below it."""
    if cell is None:
        return percent(None)
    own = f"own history, {number(cell['own_sessions'])} sessions: {percent(cell['own_annual_return'], signed=True)}"
    return Cell(percent(cell["annual_return"], signed=True), note="" if cell["own_sessions"] == cell["sessions"] else own)


CHAPTER = Chapter(
    "rates", "The rate cycle", ("ratio_daily", "policy_rate_daily", "rate_regime_spells"), _write, feeds=("prices", "rates")
)

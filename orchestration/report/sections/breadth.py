"""Breadth: the returns of the three funds side by side, and the episodes of each label."""

from orchestration.report.blocks import Chapter, Chart, Key, Manifest, Section
from orchestration.report.chart_parts import (
    FUND_TONES,
    SIGNED,
    TONES,
    Spec,
    chart,
    crosshair,
    panel_title,
    row_axis,
    tip,
    tones,
    vertical_axis,
    zero_line,
)  # fmt: skip
from orchestration.report.panels import EVEN, ZOOMED, overview, zoomed_axis
from orchestration.report.release_tables import Columns, ReleaseTables
from orchestration.report.wording import day, label, percent, plural, rounded

_YEARS = 5
_LINES, _BANDS, _OVERVIEW = 200, 84, 44
# One session per week, and every session of the last year.
_RETURNS = """
select
    session, iwm_return as "IWM", spy_return as "SPY", qqq_return as "QQQ", breadth,
    cast(row_number() over (partition by date_trunc('week', session) order by session desc) = 1 as integer) as weekly
from breadth_daily
where session >= (select min(session) from breadth_daily where breadth is not null)
qualify weekly = 1 or session > max(session) over () - interval 1 year
order by session
"""
_EPISODES = "select breadth, first_session, last_session, sessions from breadth_episodes order by first_session, breadth"
_LABELS = {
    "broad_advance": "green", "small_cap_led": "blue", "mixed": "grey", "narrow_advance": "purple", "broad_decline": "orange",
}  # fmt: skip


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    data = tables.columns(_RETURNS)
    episodes = tables.columns(_EPISODES) if tables.has("breadth_episodes") else None
    window = manifest["parameters"].get("breadth.return_sessions", {}).get("value")
    span = f"{window:.0f} sessions" if window else "the breadth window"
    advance = manifest["parameters"].get("breadth.advance", {}).get("value")
    gain = percent(advance, 0) if advance else "the set return"
    if not data["session"]:
        return Section(CHAPTER.name, CHAPTER.title, lead=f"No session has a label: the returns over {span} are not known.")
    now = ", ".join(f"{fund} {percent(data[fund][-1], signed=True)}" for fund in FUND_TONES)
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=f"{label(data['breadth'][-1]).capitalize()} on {day(data['session'][-1])}: over {span}, {now}.",
        blocks=[_chart(data, episodes, span)],
        notes=[
            f"An advance is broad when all three funds gain more than {gain}, and narrow when SPY and QQQ do while IWM gains"
            " nothing.",
            *([] if episodes else [tables.unavailable("breadth_episodes") or ""]),
        ],
    )


def _chart(data: Columns, episodes: Columns | None, span: str) -> Chart:
    shown = {"session": data["session"], "weekly": data["weekly"], **{fund: rounded(data[fund], 4) for fund in FUND_TONES}}
    shown["label"] = [label(name) for name in data["breadth"]]
    sets, bands, names = {"points": shown}, [], list[str]()
    summary = f"Since {day(data['session'][0])}"
    if episodes:
        names = [name for name in _LABELS if name in episodes["breadth"]]
        counts = ", ".join(f"{label(name)} {episodes['breadth'].count(name)}" for name in names)
        summary += f" there have been {plural(len(episodes['breadth']), 'episode')}: {counts}."
        sets["episodes"] = {**episodes, "label": [label(name) for name in episodes["breadth"]]}
        bands = [_bands(names)]
    else:
        summary += ", the three funds side by side."
    return Chart(
        name="breadth",
        title=f"Total return over {span}, and the episodes of each label",
        summary=summary,
        source="Marts breadth_daily, breadth_episodes. Rolling total returns, dividends included, in percent; weekly; daily in"
        " the one-year view. A bar is an episode: an unbroken run of one label, long enough to count. Drag across the lowest"
        " panel to zoom; double-click it to show all.",
        height=_LINES + _OVERVIEW + 64 + (_BANDS + 30 if bands else 0),
        spec=chart(
            params=[{"name": "years", "value": 0}],
            vconcat=[_lines(is_last=not bands), *bands, overview(_OVERVIEW, "IWM", [EVEN])],
            resolve={"scale": {"color": "independent", "x": "independent"}},
        ),
        data=sets,
        legend=[
            Key("line", "blue", "IWM"), Key("dash", "orange", "SPY"), Key("dots", "green", "QQQ"),
            *(Key("band-full", _LABELS[name], label(name)) for name in names),
        ],
        years=_YEARS,
    )  # fmt: skip


def _lines(*, is_last: bool) -> Spec:
    x = zoomed_axis(has_labels=is_last)
    kept = [EVEN, ZOOMED]
    tooltip = [
        tip("session", "Session", kind="temporal"), *(tip(fund, fund, "+.1%") for fund in FUND_TONES),
        tip("label", "Breadth", kind="nominal"),
    ]  # fmt: skip
    dashes = {"domain": list(FUND_TONES), "range": [[1, 0], [6, 3], [2, 2]]}
    lines = {
        "data": {"name": "points"},
        "transform": [*kept, {"fold": list(FUND_TONES), "as": ["fund", "change"]}],
        "mark": {"type": "line", "strokeWidth": 1.5, "clip": True},
        "encoding": {
            "x": x,
            "y": {"field": "change", "type": "quantitative", "axis": vertical_axis(None, "+.0%", **SIGNED)},
            "color": {"field": "fund", "scale": tones(FUND_TONES), "legend": None},
            "strokeDash": {"field": "fund", "scale": dashes, "legend": None},
        },
    }
    near = {**crosshair("near", "session", tooltip, "points"), "transform": kept}
    near["encoding"]["x"] = x
    return {"height": _LINES, "layer": [{**zero_line(), "encoding": {"y": {"datum": 0}}}, lines, near]}


def _bands(names: list[str]) -> Spec:
    """The episodes, one row a label, over the selected range."""
    order = [label(name) for name in names]
    rows = row_axis("label", order)
    # The legend has the names, so that the vertical axis is as wide as that of the lines.
    shown = {**rows, "axis": {**rows["axis"], "labels": False, "minExtent": 42, "maxExtent": 42}}
    return {
        "height": _BANDS,
        "title": panel_title("Episodes"),
        "data": {"name": "episodes"},
        "mark": {"type": "bar", "height": 10, "clip": True},
        "encoding": {
            "x": {**zoomed_axis(has_labels=True), "field": "first_session"},
            "x2": {"field": "last_session"},
            "y": shown,
            "color": {
                "field": "label", "legend": None, "scale": {"domain": order, "range": [TONES[_LABELS[name]] for name in names]},
            },
            "tooltip": [
                tip("label", "Breadth", kind="nominal"), tip("first_session", "From", kind="temporal"),
                tip("last_session", "To", kind="temporal"), tip("sessions", "Sessions", "d"),
            ],
        },
    }  # fmt: skip


CHAPTER = Chapter("breadth", "Breadth: IWM, SPY and QQQ", ("breadth_daily",), _write, feeds=("prices",), is_open=True)

"""Breadth: the returns of the three funds side by side, and the episodes of each label."""

from orchestration.report.blocks import Chapter, Chart, Key, Manifest, Section
from orchestration.report.chart_parts import (
    FUND_TONES,
    SIGNED,
    TONES,
    chart,
    crosshair,
    date_axis,
    row_axis,
    tip,
    tones,
    vertical_axis,
    zero_line,
)  # fmt: skip
from orchestration.report.release_tables import ReleaseTables
from orchestration.report.wording import day, label, percent, plural, rounded

_RETURNS = """
select session, iwm_return as "IWM", spy_return as "SPY", qqq_return as "QQQ", breadth
from breadth_daily
qualify session > max(session) over () - interval 2 year
order by session
"""
_LABELS = {
    "broad_advance": "green", "small_cap_led": "blue", "mixed": "grey", "narrow_advance": "purple", "broad_decline": "orange",
}  # fmt: skip


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    blocks = [_returns(tables, manifest)]
    if tables.has("breadth_episodes"):
        blocks.append(_episodes(tables))
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead="An advance is broad when all three funds rise, and narrow when SPY and QQQ rise while IWM does not.",
        blocks=list(blocks),
        notes=[] if tables.has("breadth_episodes") else [tables.unavailable("breadth_episodes") or ""],
    )


def _returns(tables: ReleaseTables, manifest: Manifest) -> Chart:
    data = tables.columns(_RETURNS)
    last = {fund: data[fund][-1] for fund in FUND_TONES}
    last_returns = ", ".join(f"{fund} {percent(value, signed=True)}" for fund, value in last.items())
    window = manifest["parameters"].get("breadth.return_sessions", {}).get("value")
    span = f"{window:.0f} sessions" if window else "the breadth window"
    data = {
        "session": data["session"],
        **{fund: rounded(data[fund], 4) for fund in FUND_TONES},
        "label": [label(name) for name in data["breadth"]],
    }
    return Chart(
        name="breadth",
        title=f"Total return over {span}, last two years",
        summary=f"On {day(data['session'][-1])}, over {span}: {last_returns}; breadth is {data['label'][-1]}.",
        source="Mart breadth_daily. Rolling total return, dividends included, in percent; daily.",
        height=280,
        spec=_return_spec(),
        data={"returns": data},
        legend=[Key("line", "blue", "IWM"), Key("dash", "orange", "SPY"), Key("dots", "green", "QQQ")],
    )


def _return_spec() -> dict[str, object]:
    tooltip = [
        tip("session", "Session", kind="temporal"), *(tip(fund, fund, "+.1%") for fund in FUND_TONES),
        tip("label", "Breadth", kind="nominal"),
    ]  # fmt: skip
    dashes = {"domain": list(FUND_TONES), "range": [[1, 0], [6, 3], [2, 2]]}
    lines = {
        "transform": [{"fold": list(FUND_TONES), "as": ["fund", "change"]}],
        "data": {"name": "returns"},
        "mark": {"type": "line", "strokeWidth": 1.6},
        "encoding": {
            "x": date_axis("session"),
            "y": {"field": "change", "type": "quantitative", "axis": vertical_axis(None, "+.0%", **SIGNED)},
            "color": {"field": "fund", "scale": tones(FUND_TONES), "legend": None},
            "strokeDash": {"field": "fund", "scale": dashes, "legend": None},
        },
    }
    zero = {**zero_line(), "encoding": {"y": {"datum": 0}}}
    return chart(height=240, layer=[zero, lines, crosshair("near", "session", tooltip, "returns")])


def _episodes(tables: ReleaseTables) -> Chart:
    data = tables.columns(
        "select breadth, first_session, last_session, sessions from breadth_episodes order by first_session, breadth"
    )
    counts = {name: data["breadth"].count(name) for name in _LABELS if name in data["breadth"]}
    summary = (
        f"{plural(len(data['breadth']), 'episode')} from {day(min(data['first_session']))} to {day(max(data['last_session']))}: "
    )
    data["label"] = [label(name) for name in data.pop("breadth")]
    return Chart(
        name="episodes",
        title="Episodes of each label",
        summary=summary + ", ".join(f"{label(name)} {count}" for name, count in counts.items()) + ".",
        source="Mart breadth_episodes. Each bar is an episode: an unbroken run of one label, long enough to count.",
        height=30 * len(counts) + 38,
        spec=_episode_spec(list(counts)),
        data={"episodes": data},
    )


def _episode_spec(names: list[str]) -> dict[str, object]:
    order = [label(name) for name in names]
    axis = {"title": None, "grid": True, "tickBand": "extent"}
    return chart(
        height=30 * len(order),
        data={"name": "episodes"},
        mark={"type": "bar", "height": 16},
        encoding={
            "x": date_axis("first_session"),
            "x2": {"field": "last_session"},
            "y": {**row_axis("label", order), "axis": axis},
            "color": {
                "field": "label", "legend": None, "scale": {"domain": order, "range": [TONES[_LABELS[name]] for name in names]},
            },
            "tooltip": [
                tip("label", "Breadth", kind="nominal"), tip("first_session", "From", kind="temporal"),
                tip("last_session", "To", kind="temporal"), tip("sessions", "Sessions", "d"),
            ],
        },
    )  # fmt: skip


CHAPTER = Chapter("breadth", "Breadth: IWM, SPY and QQQ", ("breadth_daily",), _write)

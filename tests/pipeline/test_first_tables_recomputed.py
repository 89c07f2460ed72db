"""The tables people look for first, recomputed from raw rows or from other published tables."""

from datetime import date
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import polars as pl
import pytest

from orchestration.defs.dbt_project import dbt_of
from tests.pipeline import recomputation
from tests.pipeline.homes import FUNDS, PAIRS, Home, ask, published, warehouse
from tests.pipeline.recomputation import Floats
from tests.pipeline.signal_recomputation import seed

THRESHOLD, TREND, CHANNEL = 0.02, 200, 126
LONGEST = 63
TICK = 1e-9
Row = dict[str, Any]


@pytest.fixture(scope="module")
def levels(sample_home: Home) -> list[Row]:
    """Every row of signal_levels."""
    with published(sample_home) as release:
        return list(ask(release, "select * from signal_levels").iter_rows(named=True))


def history(home: Home, pair: str) -> pl.DataFrame:
    """Every session of a pair with a ratio."""
    with published(home) as release:
        return ask(
            release, "select r.session, r.ratio, r.trend_gap, r.trend_break, g.regime from ratio_daily as r"
            " join regime_daily as g using (pair, session) where pair = ? and ratio is not null order by session", pair,
        )  # fmt: skip


def label_after(past: Floats, label: str, ratio: float) -> str:
    """The regime or the side of the last break after one more ratio."""
    if label.startswith("break"):
        channel = past[-CHANNEL:]
        return "break_up" if ratio > channel.max() else "break_down" if ratio < channel.min() else label
    logs = np.log(np.append(past[-(TREND - 1) :], ratio))
    gap = logs[-1] - logs.mean()
    return "risk_on" if gap > THRESHOLD else "risk_off" if gap < -THRESHOLD else label


def flips(past: Floats, label: str, flips_to: str, flip_ratio: float) -> None:
    """A tick beyond the level changes the label, a tick before it does not."""
    beyond = -1 if flips_to in ("risk_off", "break_down") else 1
    assert label_after(past, label, flip_ratio * (1 + beyond * TICK)) == flips_to != label
    assert label_after(past, label, flip_ratio * (1 - beyond * TICK)) == label


@pytest.mark.parametrize("fund", FUNDS)
def test_price_daily_matches_the_raw_bars(sample_home: Home, fund: str) -> None:
    with warehouse(sample_home) as connection:
        path = recomputation.fund_path(connection, fund)
        raw = connection.execute(
            "select session, volume, observed_at, document_id from raw.price_bars where symbol = ?", [fund]
        ).fetchall()
    volumes = {session: volume for session, (volume, _) in recomputation.newest(raw).items()}
    with published(sample_home) as release:
        rows = ask(release, "select * from price_daily where fund = ? order by session", fund)
        deepest = ask(release, "select max_drawdown from performance where fund = ? and window_name = 'all'", fund).item()
    assert rows["session"].to_list() == path.sessions
    np.testing.assert_allclose(rows["close"], path.closes, rtol=1e-12)
    np.testing.assert_allclose(rows["volume"], [volumes[session] for session in path.sessions], rtol=1e-12)
    np.testing.assert_allclose(rows["dollar_volume"], rows["close"].to_numpy() * rows["volume"].to_numpy(), rtol=1e-12)
    singles = path.spans == 1
    singles[0] = False
    assert rows["total_return"].is_not_null().to_list() == singles.tolist()
    np.testing.assert_allclose(rows["total_return"].drop_nulls(), path.returns[singles], atol=1e-12)
    np.testing.assert_allclose(rows["total_return_index"], path.index, rtol=1e-9)
    high, high_from, highs = 0.0, path.sessions[0], []
    for session, value in zip(path.sessions, np.round(path.index, 10), strict=True):
        if value >= high:
            high, high_from = value, session
        highs.append((value / high - 1, high_from))
    np.testing.assert_allclose(rows["drawdown"], [depth for depth, _ in highs], atol=1e-9)
    assert rows["drawdown_from"].to_list() == [since for _, since in highs]
    assert rows["drawdown"].min() == deepest
    if fund == "IWM":
        assert (~singles).sum() == 2  # the first bar, and the one after the planted gap


def test_every_label_that_a_price_changes_has_a_level(sample_home: Home, levels: list[Row]) -> None:
    with published(sample_home) as release:
        spells = ask(release, "select pair, regime, first_session, last_session from regime_spells where is_open").rows()
    assert {(row["signal"], row["subject"]) for row in levels} == {(s, p) for s in ("regime", "trend_break") for p in PAIRS}
    stated = [(r["subject"], r["label"], r["since"], r["session"]) for r in levels if r["signal"] == "regime"]
    assert sorted(stated) == sorted(spells)


def test_the_next_close_beyond_the_level_changes_the_label(sample_home: Home, levels: list[Row]) -> None:
    with published(sample_home) as release:
        closes = dict(
            ask(release, "select fund, close from price_daily where session = (select max(session) from price_daily)").rows()
        )
    for row in levels:
        past = history(sample_home, row["subject"])["ratio"].to_numpy()
        assert row["ratio"] == past[-1]
        flips(past, row["label"], row["flips_to"], row["flip_ratio"])
        assert row["flip_change"] == pytest.approx(row["flip_ratio"] / past[-1] - 1, abs=1e-12)
        assert row["distance"] == pytest.approx(abs(row["value"] - row["threshold"]), abs=1e-12)
        numerator, denominator = row["subject"].split("/")
        if numerator != "IWM":
            assert row["flip_close"] is row["other_fund"] is row["other_close"] is row["iwm_close"] is None
            continue
        assert (row["other_fund"], row["other_close"], row["iwm_close"]) == (denominator, closes[denominator], closes["IWM"])
        flips(past, row["label"], row["flips_to"], row["flip_close"] / closes[denominator])
        side = "below" if row["flip_ratio"] < row["ratio"] else "above"
        said = f"{row['flips_to']} {side} {row['flip_ratio']:.4f}, {100 * row['flip_change']:+.1f} %, {denominator} unchanged"
        assert row["flip_in_words"] == said


def test_the_level_of_any_past_session_changes_its_label(sample_home: Home) -> None:
    with warehouse(sample_home) as connection:
        steps = ask(connection, "select * from intermediate.int_flip_distances order by signal, subject, session")
    for pair in PAIRS:
        days = history(sample_home, pair)
        ratios = days["ratio"].to_numpy()
        places = {session: place for place, session in enumerate(days["session"])}
        rows = steps.filter(subject=pair).gather_every(97)
        assert rows.height > 100
        for row in rows.iter_rows(named=True):
            flips(ratios[: places[row["session"]] + 1], row["label"], row["flips_to"], row["flip_ratio"])


def test_analogues_are_counted_from_the_published_labels(sample_home: Home, levels: list[Row]) -> None:
    for row in levels:
        days = history(sample_home, row["subject"])
        if row["signal"] == "regime":
            days = days.filter(pl.col("regime").is_not_null())
            labels, gaps = days["regime"].to_list(), days["trend_gap"].to_list()
            distances = [
                gap + THRESHOLD if label == "risk_on" else THRESHOLD - gap for label, gap in zip(labels, gaps, strict=True)
            ]
        else:
            ratios = days["ratio"].to_numpy()
            labels = days["trend_break"].forward_fill().to_list()
            edges = [ratios[max(0, i - CHANNEL + 1) : i + 1] for i in range(ratios.size)]
            distances = [
                abs(float(np.log(ratios[i] / (edge.min() if labels[i] == "break_up" else edge.max()))))
                for i, edge in enumerate(edges)
            ]
        last = len(labels) - 1
        found = [
            i for i in range(last - LONGEST + 1) if labels[i] == row["label"] and abs(distances[i] - distances[last]) <= 0.01
        ]
        assert row["analogues_n"] == len(found) > 0
        spells = np.cumsum([0, *(a != b for a, b in pairwise(labels))])
        assert row["analogue_spells"] == len({spells[i] for i in found})
        for horizon in (5, 21, 63):
            changed = [any(label != row["label"] for label in labels[i + 1 : i + 1 + horizon]) for i in found]
            assert row[f"flips_{horizon}"] == pytest.approx(np.mean(changed), abs=1e-12)
        assert row["flips_5"] <= row["flips_21"] <= row["flips_63"]


def test_signal_state_daily_repeats_the_tables_of_the_signals(sample_home: Home) -> None:
    with published(sample_home) as release:
        states = ask(release, "select * from signal_state_daily order by session")
        traded = ask(release, "select distinct session from price_daily where fund in ('IWM', 'SPY', 'QQQ') order by session")
        sources = {
            f"{column}_{pair.lower().replace('/', '_')}": ask(
                release, f"select session, {column} from {table} where pair = ?", pair
            )
            for pair in PAIRS
            for table, column in (("regime_daily", "regime"), ("ratio_daily", "trend_gap"), ("ratio_daily", "trend_break"))
        } | {
            column: ask(release, f"select session, {column} from {table}")
            for table, columns in {
                "breadth_daily": ("breadth", "iwm_return", "spy_return", "qqq_return"),
                "rate_regime_daily": ("rate_regime", "policy_rate"),
                "cycle_phase_daily": ("cycle_phase",),
                "satellite_target": ("iwm_weight",),
            }.items()
            for column in columns
        }  # fmt: skip
    assert states["session"].equals(traded["session"])
    assert set(states.columns) == {"session", "params_id", *sources}
    for name, source in sources.items():
        values: dict[date, object] = dict(source.rows())
        assert states[name].to_list() == [values.get(session) for session in states["session"]], name
        assert states[name].is_not_null().sum() > 5, name


def test_signal_state_daily_has_columns_for_every_pair() -> None:
    assert tuple(row["pair"] for row in seed("pairs")) == PAIRS


def test_sector_gaps_are_differences_of_the_latest_weights(sample_home: Home) -> None:
    with published(sample_home) as release:
        weights = ask(release, "select fund, as_of, sector, weight from sector_weights")
        gaps = ask(release, "select * exclude (origin_a, origin_b, params_id) from sector_gaps")
        pair = ask(release, "select sector, iwm_minus_spy from sector_comparison").rows()
    rows = {(a, b, sector): rest for a, b, sector, *rest in gaps.rows()}
    newest: dict[str, date] = dict(weights.group_by("fund").agg(pl.col("as_of").max()).rows())
    found = {(fund, sector): weight for fund, as_of, sector, weight in weights.rows() if as_of == newest[fund]}
    sectors = {sector for _, sector in found}
    expected = {}
    for a, b in permutations(newest, 2):
        days = abs((newest[a] - newest[b]).days)
        for sector in sectors:
            one, other = found.get((a, sector)), found.get((b, sector))
            if one is not None or other is not None:
                gap = None if one is None or other is None else one - other
                expected[a, b, sector] = [one, other, gap, newest[a], newest[b], days, days <= 45]
    assert rows == expected
    assert all(rows["IWM", "SPY", sector][2] == gap for sector, gap in pair)
    assert {days for *_, days, _ in rows.values()} == {0, 30}


def test_parameters_are_those_of_the_seed(sample_home: Home) -> None:
    with published(sample_home) as release:
        rows = ask(release, "select parameter, signal, name, value, unit, meaning from parameters order by parameter").rows()
    expected = [
        (f"{row['signal']}.{row['parameter']}", row["signal"], row["parameter"], float(row["value"]), row["unit"], row["meaning"])
        for row in seed("signal_parameters")
    ]
    assert rows == sorted(expected)


def test_relationships_are_those_of_the_project(sample_home: Home) -> None:
    nodes = dbt_of(sample_home.settings()).manifest()["nodes"]
    expected = set()
    for node in nodes.values():
        if (node.get("test_metadata") or {}).get("name") in ("relationships", "composite_relationships"):
            given = node["test_metadata"]["kwargs"]
            columns, fields = given.get("columns") or [given["column_name"]], given.get("fields") or [given["field"]]
            parent = given["to"].removeprefix("ref('").removesuffix("')")
            expected.add((nodes[node["attached_node"]]["name"], parent, ", ".join(columns), ", ".join(fields), "always"))
        for one in node["config"].get("meta", {}).get("relates_to", []):
            expected.add((node["name"], one["to"], ", ".join(one["columns"]), ", ".join(one["fields"]), "optional"))
    with published(sample_home) as release:
        rows = ask(release, "select child, parent, columns, parent_columns, holds from relationships").rows()
    assert set(rows) == expected
    assert len(rows) == len(expected)

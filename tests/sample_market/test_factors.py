"""The simulated century of factors: its calendar, its editions, its planted phases, and that it goes with the funds."""

import numpy as np
import polars as pl
import pytest

from orchestration.sample_market import truths
from orchestration.sample_market.documents import DEFAULT_SEED
from orchestration.sample_market.french_files import factor_days, size_phases
from orchestration.sample_market.rates import funds_rate
from tests.sample_market.conftest import Ingested

pytestmark = pytest.mark.slow


def _editions(market: Ingested) -> list[pl.DataFrame]:
    rows = market.query("select * from raw.factors order by observed_at, date")
    return rows.partition_by("observed_at", maintain_order=True)


def test_the_second_edition_revises_the_whole_history(market: Ingested) -> None:
    older, newer = _editions(market)
    assert [edition["date"][-1] for edition in (older, newer)] == [last for _, last in truths.FACTOR_EDITIONS]
    assert older["date"][0] == newer["date"][0] == truths.FIRST_FACTOR_DAY
    both = older.join(newer, on="date", suffix="_newer")
    assert both.height == older.height
    changed = (both["small_minus_large"] - both["small_minus_large_newer"]).abs()
    assert 0.2 < (changed > 0.001).mean() < 0.4  # type: ignore[operator]
    assert changed.max() < 0.035  # type: ignore[operator]


def test_saturdays_are_sessions_until_1952(market: Ingested) -> None:
    days = _editions(market)[1]["date"]
    weekday = days.dt.weekday()
    assert days.filter(weekday == 6).max() == truths.LAST_SATURDAY
    assert days.filter(weekday == 7).is_empty()
    assert days.filter(weekday == 6).len() > 1200


def test_the_factors_go_with_the_funds(market: Ingested) -> None:
    moves = [
        market.bars(symbol).select("session", (pl.col("close").pct_change() * 100).alias(symbol)) for symbol in ("SPY", "IWM")
    ]
    both = _editions(market)[1].join(moves[0].join(moves[1], on="session"), left_on="date", right_on="session").drop_nulls()
    assert both.height > 6000
    assert both.select(pl.corr(pl.col("market_excess") + pl.col("risk_free"), "SPY")).item() > 0.97
    assert both.select(pl.corr("small_minus_large", pl.col("IWM") - pl.col("SPY"))).item() > 0.95


def test_the_size_phases_are_planted(market: Ingested, sessions: pl.DataFrame) -> None:
    days = factor_days(sessions["session"].to_numpy().astype("datetime64[D]"))
    sign = size_phases(days, DEFAULT_SEED)
    size = _editions(market)[1]["small_minus_large"].to_numpy() / 100
    before = days[: size.size] < np.datetime64(truths.FIRST_SESSION)
    in_phase = size[before] * sign[: size.size][before]
    assert abs(in_phase.mean() - truths.SIZE_DRIFT) < 5 * in_phase.std() / np.sqrt(in_phase.size)
    assert (np.diff(np.flatnonzero(np.diff(sign))) >= truths.SIZE_PHASE_SESSIONS[0]).all()


def test_the_early_cycles_end_at_the_first_target() -> None:
    days = np.array([np.datetime64(truths.FIRST_FUNDS_DAY), np.datetime64(truths.FIRST_RATE_DAY)])
    assert funds_rate(days).tolist() == [truths.EARLY_RATE, truths.FIRST_TARGET]


def test_recession_months_are_those_that_were_announced(market: Ingested) -> None:
    flags = market.query("select date, value from raw.rates where series = 'USREC' order by date")
    turned = flags.with_columns(before=pl.col("value").shift(1)).filter(pl.col("value") != pl.col("before"))
    assert turned.height == 2 * len(truths.RECESSIONS)
    assert flags.filter(pl.col("value") == 1)["date"].max() == truths.RECESSIONS[-1][1]

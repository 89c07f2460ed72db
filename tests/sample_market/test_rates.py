"""The planted rate cycles, in FRED's files and in the raw table."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from orchestration.sample_market import truths
from orchestration.sample_market.documents import SampleDocument
from orchestration.sample_market.rates import MACRO
from orchestration.settings import SAMPLE_LAST_SESSION as LAST_SESSION
from tests.sample_market.conftest import Ingested

pytestmark = pytest.mark.slow

HOLD = timedelta(days=182)


def _series(market: Ingested, series: str) -> pl.DataFrame:
    return market.query(
        "select date, value from raw.rates where series = ?"
        " qualify row_number() over (partition by date order by observed_at desc) = 1 order by date",
        series,
    )


def test_the_series_cover_every_calendar_day(market: Ingested) -> None:
    for series, first, last in (
        ("DFEDTAR", truths.FIRST_RATE_DAY, truths.RANGE_BEGINS - timedelta(days=1)),
        ("DFEDTARL", truths.RANGE_BEGINS, LAST_SESSION),
        ("DFEDTARU", truths.RANGE_BEGINS, LAST_SESSION),
        ("DFF", truths.FIRST_FUNDS_DAY, LAST_SESSION - timedelta(days=1)),
    ):
        days = _series(market, series)["date"]
        assert (days[0], days[-1]) == (first, last)
        assert days.len() == (last - first).days + 1


def test_the_moves_are_the_planted_cycles(market: Ingested) -> None:
    upper = pl.concat([_series(market, "DFEDTAR"), _series(market, "DFEDTARU")])
    moves = upper.with_columns(pl.col("value").diff().alias("move")).filter(pl.col("move") != 0).select("date", "move")
    planted = [
        (cycle.first + timedelta(days=cycle.days * step), cycle.step)
        for cycle in truths.RATE_CYCLES
        for step in range(cycle.moves)
    ]
    assert moves.rows() == planted
    lower = _series(market, "DFEDTARL")
    assert (_series(market, "DFEDTARU")["value"] - lower["value"] == 0.25).all()
    assert lower["value"].min() >= 0


def test_each_cycle_is_followed_by_a_hold() -> None:
    ends = [cycle.first + timedelta(days=cycle.days * (cycle.moves - 1)) for cycle in truths.RATE_CYCLES]
    for end, following in zip(ends, [*[cycle.first for cycle in truths.RATE_CYCLES[1:]], LAST_SESSION], strict=True):
        # The move to the range continues the previous cuts.
        assert following - end > HOLD or following == truths.RANGE_BEGINS
    assert all(cycle.days < HOLD.days for cycle in truths.RATE_CYCLES)


def test_the_effective_rate_follows_the_target_with_one_gap(market: Ingested) -> None:
    overnight = _series(market, "DFF")
    assert overnight.filter(pl.col("value").is_null())["date"].to_list() == [truths.MISSING_RATE_DAY]
    both = overnight.join(_series(market, "DFEDTARU"), on="date", suffix="_upper").drop_nulls()
    np.testing.assert_allclose(both["value"], both["value_upper"] - 0.125, atol=0.12)


def test_the_other_series_have_their_own_days(market: Ingested) -> None:
    """Weekdays, and Fridays for NFCI; three holidays a year have no value, and nothing is filled."""
    last = LAST_SESSION - timedelta(days=1)
    for series in MACRO:
        found = _series(market, series)
        weekdays = set(found["date"].dt.weekday())
        assert weekdays == ({5} if series == "NFCI" else {1, 2, 3, 4, 5})
        assert found["date"].max() == (last - timedelta(days=(last.weekday() - 4) % 7) if series == "NFCI" else last)
        missing = found.filter(pl.col("value").is_null())["date"].dt.strftime("%m-%d")
        assert set(missing) == (set() if series == "NFCI" else set(truths.MACRO_HOLIDAYS))
    both = market.query("select date, count(*) as n from raw.rates where series = 'NFCI' group by date")
    assert (both["n"] == 2).mean() > 0.99  # most weeks are revised


def test_both_headers_occur_with_the_same_values(market: Ingested, documents: list[tuple[SampleDocument, bytes]]) -> None:
    headers = {d.retrieved_at: content.split(b"\n")[0] for d, content in documents if d.symbol == "DFF"}
    assert headers == {truths.OLD_HEADER_RETRIEVED: b"DATE,DFF", truths.RATES_RETRIEVED: b"observation_date,DFF"}
    twice = market.query("select date from raw.rates where series = 'DFF' group by date having count(*) > 1")
    assert twice.is_empty()

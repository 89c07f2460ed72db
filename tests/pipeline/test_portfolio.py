"""The core-satellite portfolios and the reconstitution study, recomputed by shares and days."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from statistics import mean, median

import duckdb
import numpy as np
import polars as pl
import pytest

from tests.pipeline.homes import Home, ask, published, warehouse
from tests.pipeline.recomputation import calendar, fund_path

COST = 0.0005
STATIC = {"spy_only": 0.0, "static_least": 0.05, "static_middle": 0.10, "static_most": 0.15}
PHASES = {"early": 0.15, "mid": 0.10, "late": 0.05, "contraction": 0.05}


@pytest.fixture(scope="class")
def release(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published tables."""
    with published(home) as connection:
        yield connection


@pytest.fixture(scope="class")
def indices(home: Home) -> tuple[list[date], dict[str, dict[date, float]]]:
    """All sessions of the calendar, and each fund's total return index by session, from raw rows."""
    with warehouse(home) as connection:
        paths = {fund: fund_path(connection, fund) for fund in ("IWM", "SPY")}
        days = list(calendar(connection))
    return days, {fund: dict(zip(path.sessions, path.index, strict=True)) for fund, path in paths.items()}


class Recomputed:
    """The same tests for every data directory."""

    def test_target_follows_the_phase(self, release: duckdb.DuckDBPyConnection) -> None:
        rows = ask(release, "select session, cycle_phase, iwm_weight, reason from satellite_target order by session")
        phases = ask(release, "select session, cycle_phase from cycle_phase_daily order by session")
        assert rows.select("session", "cycle_phase").equals(phases)
        assert rows["iwm_weight"].to_list() == [PHASES[phase] for phase in rows["cycle_phase"]]
        assert all(reason for reason in rows["reason"])

    @pytest.mark.parametrize("strategy", [*STATIC, "timed"])
    def test_growth_equals_that_of_the_shares(
        self, release: duckdb.DuckDBPyConnection, indices: tuple[list[date], dict[str, dict[date, float]]], strategy: str
    ) -> None:
        days, index = indices
        iwm, spy = index["IWM"], index["SPY"]
        targets = dict(release.execute("select session, iwm_weight from satellite_target").fetchall())
        month_ends = {day for day, after in pairwise(days) if day.month != after.month}
        first = min(day for day in month_ends if day in targets)
        rows = ask(release, "select session, value, iwm_weight, turnover from core_satellite_daily where strategy = ?", strategy)
        found = {session: rest for session, *rest in rows.sort("session").rows()}

        weight: float | None = None  # decided, not yet traded
        shares: tuple[float, float] | None = None
        values = {}
        for day in days:
            if day in iwm and day in spy:
                turnover = 0.0
                if shares is not None:
                    parts = (shares[0] * iwm[day], shares[1] * spy[day])
                    value = sum(parts)
                if weight is not None:
                    if shares is None:
                        value = 1.0
                    else:
                        turnover = abs(weight - parts[0] / value)
                        value *= 1 - 2 * COST * turnover
                    shares = (value * weight / iwm[day], value * (1 - weight) / spy[day])
                    weight = None
                if shares is not None:
                    values[day] = (value, shares[0] * iwm[day] / value, turnover)
            if day in month_ends and day >= first:
                weight = STATIC[strategy] if strategy in STATIC else targets.get(day, weight)
        assert list(values) == list(found)
        np.testing.assert_allclose(list(found.values()), list(values.values()), rtol=1e-9, atol=1e-12)

    def test_summary_matches_the_daily_values(self, release: duckdb.DuckDBPyConnection) -> None:
        daily = ask(release, "select strategy, session, value from core_satellite_daily order by session")
        middle = daily.filter(daily["strategy"] == "static_middle")["value"].to_numpy()
        summary = ask(release, "select * from core_satellite_summary")
        static = summary.row(by_predicate=pl.col("strategy") == "static_middle", named=True)
        for row in summary.iter_rows(named=True):
            values = daily.filter(daily["strategy"] == row["strategy"])["value"].to_numpy()
            years = (row["last_session"] - row["first_session"]).days / 365.25
            returns = values[1:] / values[:-1] - 1
            assert row["growth"] == pytest.approx(values[-1], rel=1e-9)
            assert row["cagr"] == pytest.approx(values[-1] ** (1 / years) - 1, rel=1e-9)
            assert row["volatility"] == pytest.approx(returns.std(ddof=1) * 252**0.5, rel=1e-9)
            assert row["max_drawdown"] == pytest.approx((values / np.maximum.accumulate(values)).min() - 1, rel=1e-9)
            assert row["gap_low"] <= row["gap_to_static"] <= row["gap_high"]
            # Both start at 1: the gap is the annual difference of logarithms.
            assert row["gap_to_static"] == pytest.approx(np.expm1(np.log(values[-1] / middle[-1]) / years), abs=1e-9)
            assert (1 + row["cagr"]) / (1 + static["cagr"]) - 1 == pytest.approx(row["gap_to_static"], abs=1e-9)

    def test_gap_interval_is_that_of_resampled_years(self, release: duckdb.DuckDBPyConnection) -> None:
        """Compare with numpy's draws of whole calendar years, within the error of a thousand resamples."""
        daily = ask(release, "select strategy, session, ln(value) as v from core_satellite_daily order by session")
        middle = daily.filter(daily["strategy"] == "static_middle")
        timed = daily.filter(daily["strategy"] == "timed")
        gaps = np.diff(timed["v"].to_numpy() - middle["v"].to_numpy())
        years = timed["session"].dt.year().to_numpy()[1:]
        days = timed["session"].diff().dt.total_days().to_numpy()[1:] / 365.25
        sums = np.array([[gaps[years == year].sum(), days[years == year].sum()] for year in sorted(set(years))])
        draws = np.random.default_rng(1).integers(0, len(sums), (20_000, len(sums)))
        resampled = np.expm1(sums[draws, 0].sum(axis=1) / sums[draws, 1].sum(axis=1))
        low, high = release.execute("select gap_low, gap_high from core_satellite_summary where strategy = 'timed'").fetchall()[0]
        assert [low, high] == pytest.approx(list(np.quantile(resampled, [0.025, 0.975])), abs=0.12 * resampled.std() * 2)

    def test_reconstitution_windows(
        self, release: duckdb.DuckDBPyConnection, indices: tuple[list[date], dict[str, dict[date, float]]]
    ) -> None:
        days, index = indices
        place = {day: number for number, day in enumerate(days)}
        stages = {row["event"]: row for row in ask(release, "select * from reconstitution_calendar").iter_rows(named=True)}
        rows = ask(release, "select *, window_name as kind from reconstitution_study")
        assert len(rows) > 100

        def last_close(day: date) -> int:
            return max(number for session, number in place.items() if session <= day)

        for row in rows.iter_rows(named=True):
            stage = stages[row["event"]]
            end = last_close(stage["effective"])
            first, last = {
                "rank_to_effective": lambda s=stage, e=end: (last_close(s["rank_day"]), e),
                "list_to_effective": lambda s=stage, e=end: (last_close(s["preliminary_list"]), e),
                "week_before": lambda e=end: (e - 5, e), "effective_day": lambda e=end: (e - 1, e),
                "week_after": lambda e=end: (e, e + 5), "month_after": lambda e=end: (e, e + 21),
            }[row["kind"]]()  # fmt: skip
            assert (row["start_session"], row["end_session"]) == (days[first], days[last])
            iwm, spy = (index[fund][days[last]] / index[fund][days[first]] - 1 for fund in ("IWM", "SPY"))
            assert [row["iwm_return"], row["spy_return"]] == pytest.approx([iwm, spy], abs=1e-9)

    def test_reconstitution_summary_against_moved_calendars(
        self, release: duckdb.DuckDBPyConnection, indices: tuple[list[date], dict[str, dict[date, float]]]
    ) -> None:
        days, index = indices
        place = {day: number for number, day in enumerate(days)}
        for row in ask(release, "select *, window_name as kind from reconstitution_summary").iter_rows(named=True):
            windows = release.execute(
                "select start_session, end_session, iwm_minus_spy from reconstitution_study where window_name = ?", [row["kind"]]
            ).fetchall()
            gaps = [gap for _, _, gap in windows]
            assert [row["mean_gap"], row["median_gap"]] == pytest.approx([mean(gaps), median(gaps)], abs=1e-12)
            longest = max(place[end] - place[start] for start, end, _ in windows)
            real = [(place[start], place[end]) for start, end, _ in windows]
            moved = []
            for shift in range(longest, 252 - longest + 1):
                found, is_clear = [], True
                for start, end, _ in windows:
                    ends = [days[place[day] + shift] for day in (start, end) if place[day] + shift < len(days)]
                    is_clear &= all(place[end] + shift <= since or place[start] + shift >= till for since, till in real)
                    if len(ends) == 2 and all(day in index[fund] for day in ends for fund in ("IWM", "SPY")):
                        iwm, spy = (index[fund][ends[1]] / index[fund][ends[0]] for fund in ("IWM", "SPY"))
                        found.append(iwm - spy)
                if is_clear:
                    moved.append(mean(found))
            usual = mean(moved)
            as_far = sum(abs(value - usual) >= abs(row["mean_gap"] - usual) - 1e-12 for value in moved)
            assert row["placebo_mean"] == pytest.approx(usual, abs=1e-9)
            assert row["p_value"] == pytest.approx((1 + as_far) / (1 + len(moved)))


class TestSample(Recomputed):
    """On the sample market."""

    @pytest.fixture(scope="class")
    @classmethod
    def home(cls, sample_home: Home) -> Home:
        """The sample directory."""
        return sample_home


class TestRealDocuments(Recomputed):
    """On the real documents."""

    @pytest.fixture(scope="class")
    @classmethod
    def home(cls, real_home: Home) -> Home:
        """The directory of the real documents."""
        return real_home

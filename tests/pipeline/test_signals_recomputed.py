"""Breadth, corrections, phases, rate regimes, seasonality and market events, recomputed from raw rows."""

from collections.abc import Iterator
from datetime import date

import duckdb
import numpy as np
import pytest

from tests.pipeline import signal_recomputation as again
from tests.pipeline.homes import FUNDS, Home, ask, published, warehouse


@pytest.fixture(scope="class")
def readings(home: Home) -> again.Readings:
    """Every label, from raw rows."""
    with warehouse(home) as connection:
        return again.readings(connection)


@pytest.fixture(scope="class")
def release(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published tables."""
    with published(home) as connection:
        yield connection


def same(found: dict[str, object], expected: dict[str, object] | dict[str, float]) -> None:
    """Compare numbers to nine decimals, all else exactly."""
    for name, value in expected.items():
        is_number = isinstance(value, float)
        assert found[name] == (pytest.approx(value, abs=1e-9) if is_number else value), (name, found)


class Recomputed:
    """The same tests for every data directory."""

    def test_breadth(self, release: duckdb.DuckDBPyConnection, readings: again.Readings) -> None:
        rows = ask(release, "select session, iwm_return, spy_return, qqq_return, breadth from breadth_daily order by session")
        assert rows["session"].to_list() == sorted(readings.breadth)
        expected = [readings.breadth[session] for session in rows["session"]]
        for place, name in enumerate(("iwm_return", "spy_return", "qqq_return")):
            values = np.array([row[place] for row in expected], dtype=float)
            np.testing.assert_allclose(rows[name].to_numpy(), values, atol=1e-9, err_msg=name)
        assert rows["breadth"].to_list() == [row[3] for row in expected]

    def test_breadth_episodes(self, release: duckdb.DuckDBPyConnection, readings: again.Readings) -> None:
        rows = list(
            ask(release, "select * exclude (params_id) from breadth_episodes order by first_session").iter_rows(named=True)
        )
        assert rows == again.episodes({session: row[3] for session, row in readings.breadth.items()})
        assert len(rows) > 20

    def test_corrections(self, release: duckdb.DuckDBPyConnection, readings: again.Readings) -> None:
        rows = list(ask(release, "select * from corrections order by peak").iter_rows(named=True))
        expected = again.corrections(readings.paths["SPY"])
        highs = again.at_a_high(readings.paths["SPY"])
        assert len(rows) == len(expected) >= 4
        for row, one in zip(rows, expected, strict=True):
            same(row, one)
            peak = row["peak"]
            assert row["regime_at_peak"] == readings.regime.get(peak)
            assert row["breadth_at_peak"] == readings.breadth.get(peak, (None,) * 4)[3]
            assert row["rate_regime_at_peak"] == readings.rate_regime.get(peak)
            breadth = {session: values[3] for session, values in readings.breadth.items()}
            for name, labels in (("regime", readings.regime), ("breadth", breadth), ("rate_regime", readings.rate_regime)):
                label = labels.get(peak)
                for column, days in (("rate_at_highs", highs), ("base_rate", readings.paths["SPY"].sessions)):
                    known = [labels[day] for day in days if labels.get(day) is not None]
                    share = None if label is None else known.count(label) / len(known)
                    assert row[f"{name}_{column}"] == (share if share is None else pytest.approx(share, abs=1e-12))

    def test_cycle_phases(self, release: duckdb.DuckDBPyConnection, readings: again.Readings) -> None:
        phases = {(row["rate_regime"], row["regime"]): row for row in again.seed("cycle_phases")}
        assert len(phases) == 8
        expected = {}
        for session, regime in readings.regime.items():
            rate_regime = readings.rate_regime.get(session)
            if regime is not None and rate_regime is not None:
                one = phases[rate_regime, regime]
                rate = readings.policy_rate[session]
                level = "low" if rate <= 0.02 else f"at {round(100 * rate, 3):g} %"
                expected[session] = (one["cycle_phase"], rate_regime, regime, one["reason"].replace("{level}", level))
        rows = ask(release, "select session, cycle_phase, rate_regime, regime, reason from cycle_phase_daily").rows()
        assert {session: tuple(rest) for session, *rest in rows} == expected
        assert len(rows) == len(expected) > 5000

    def test_rate_regime_performance(self, release: duckdb.DuckDBPyConnection, readings: again.Readings) -> None:
        rows = list(ask(release, "select * from rate_regime_performance").iter_rows(named=True))
        found = {(row["fund"], row["rate_regime"]): row for row in rows}
        count = 0
        common = again.common_days(readings.paths[fund] for fund in FUNDS)
        most = {
            label: figures["sessions"]
            for label, figures in again.rate_regime_returns(readings.rate_regime, readings.paths["IWM"], common).items()
        }
        for fund in readings.paths:
            own = again.rate_regime_returns(readings.rate_regime, readings.paths[fund])
            together = again.rate_regime_returns(readings.rate_regime, readings.paths[fund], common)
            for label, expected in own.items():
                row = found[fund, label]
                same({name.removeprefix("own_"): value for name, value in row.items() if name.startswith("own_")}, expected)
                if together[label]["sessions"] == most[label]:
                    same(row, together[label])
                else:  # a fund without some of the common sessions
                    assert {row[name] for name in expected} == {None}
                count += 1
        assert len(rows) == count >= 12

    def test_seasonality(self, release: duckdb.DuckDBPyConnection, readings: again.Readings) -> None:
        rows = list(ask(release, "select * from seasonality").iter_rows(named=True))
        assert sorted((row["fund"], row["month"]) for row in rows) == sorted((f, m) for f in readings.paths for m in range(1, 13))
        expected = {fund: again.months(path) for fund, path in readings.paths.items()}
        for row in rows:
            same(row, expected[row["fund"]][row["month"]])

    def test_market_events(self, release: duckdb.DuckDBPyConnection, readings: again.Readings) -> None:
        rows = list(ask(release, "select * from market_events").iter_rows(named=True))
        found = {(row["event"], row["fund"]): row for row in rows}
        expected = {}
        for event in again.seed("market_stress"):
            for fund in readings.paths:
                bounds = (date.fromisoformat(event[name]) for name in ("first_day", "last_day"))
                one = again.stress(readings.paths[fund], *bounds)
                if one is not None:
                    expected[event["event"], fund] = one
        assert set(found) == set(expected)
        assert len(rows) == len(expected) >= 21
        for key, one in expected.items():
            same(found[key], one)


class TestSample(Recomputed):
    """On the sample market."""

    @pytest.fixture(scope="class")
    @classmethod
    def home(cls, sample_home: Home) -> Home:
        """The sample directory."""
        return sample_home


class TestRealDocuments(Recomputed):
    """On real documents."""

    @pytest.fixture(scope="class")
    @classmethod
    def home(cls, real_home: Home) -> Home:
        """The directory of the real documents."""
        return real_home

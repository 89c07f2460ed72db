"""Every figure of the scorecard, found again from raw bars by a second implementation."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

from tests.pipeline import scorecard_recomputation as again
from tests.pipeline.homes import Home, ask, published

COUNTS = ("sessions", "rest_sessions", "spells", "clusters")
FIGURES = (
    "mean_return", "median_return", "hit_rate", "rest_return", "rest_hit_rate", "difference", "busiest_two_years_share",
)  # fmt: skip
TESTS = ("interval_low", "interval_high", "p_value", "p_family", "q_value", "min_detectable")
ERAS = {1: (date.min, date(2012, 12, 31)), 2: (date(2013, 1, 1), date.max)}
Row = dict[str, Any]
Rows = list[Row]
Evidence = tuple[again.Market, dict[again.Key, again.Signal]]


def arguments(row: Row) -> tuple[str, int, str]:
    return row["label"], row["horizon"], row["target"]


def known_on(returns: again.Floats, signal: again.Signal, sessions: NDArray[np.bool_]) -> bool:
    """Whether a return is known on some of the history's sessions: a label is compared with the rest."""
    return not np.isnan(returns[signal.history][sessions]).all()


@pytest.fixture(scope="class")
def rows(home: Home) -> Rows:
    """The published scorecard."""
    with published(home) as release:
        return list(ask(release, "select * from scorecard").iter_rows(named=True))


@pytest.fixture(scope="class")
def evidence(home: Home) -> Evidence:
    """Forward returns and labels."""
    return again.signals_of(home)


@pytest.fixture(scope="class")
def lengths(evidence: Evidence) -> list[int]:
    """Of the histories of all signals."""
    return [signal.history.stop - signal.history.start for signal in evidence[1].values()]


@pytest.fixture(scope="class")
def tested(rows: Rows, evidence: Evidence) -> Rows:
    """The rows of the signals whose history is long enough, with two clusters at least."""
    _, signals = evidence
    long = {key for key, one in signals.items() if one.history.stop - one.history.start >= again.LEAST_HISTORY}
    return [row for row in rows if (row["signal"], row["subject"]) in long and row["clusters"] > 1]


@pytest.fixture(scope="class")
def tests(tested: Rows, evidence: Evidence, lengths: list[int]) -> list[again.Tested]:
    """The test of each of them."""
    market, signals = evidence
    return [again.tested(market, signals[row["signal"], row["subject"]], lengths, *arguments(row)) for row in tested]


class Recomputed:
    """The same questions to every data directory."""

    def test_there_is_a_row_for_whatever_can_be_tested(self, rows: Rows, evidence: Evidence) -> None:
        market, signals = evidence
        expected = {
            (*key, label, horizon, target)
            for key, signal in signals.items()
            for label in signal.names
            for (horizon, target), returns in market.forward.items()
            if known_on(returns, signal, signal.has(label)) and known_on(returns, signal, ~signal.has(label))
        }
        assert {(r["signal"], r["subject"], r["label"], r["horizon"], r["target"]) for r in rows} == expected
        assert len(rows) == len(expected) > 300

    def test_counts_and_means(self, rows: Rows, evidence: Evidence) -> None:
        market, signals = evidence
        for row in rows:
            facts = again.facts(market, signals[row["signal"], row["subject"]], *arguments(row))
            assert {name: row[name] for name in COUNTS} == {name: facts[name] for name in COUNTS}, row
            assert [row[name] for name in FIGURES] == pytest.approx([facts[name] for name in FIGURES], abs=1e-9), row

    def test_a_short_history_or_one_cluster_is_not_tested(self, rows: Rows, tested: Rows, evidence: Evidence) -> None:
        _, signals = evidence
        for row in rows:
            if row in tested:
                assert None not in (row["p_value"], row["q_value"]), row
                continue
            history = signals[row["signal"], row["subject"]].history
            is_short = history.stop - history.start < again.LEAST_HISTORY
            why = (
                "the signal has fewer than 2520 sessions of history"
                if is_short
                else "fewer than 5 independent clusters of spells"
            )
            assert {row[name] for name in TESTS} == {None}, row
            assert (row["verdict"], row["verdict_in_words"]) == ("undecided", f"undecided: {why}"), row

    def test_p_values_by_fourier_transforms(self, tested: Rows, tests: list[again.Tested]) -> None:
        for row, test in zip(tested, tests, strict=True):
            # A statistic that is equal but for its last digit may count or not.
            assert row["p_value"] == pytest.approx(test.p_value, abs=2.1 / again.SHIFTS), row

    def test_intervals_and_detectable_differences_by_fourier_transforms(self, tested: Rows, tests: list[again.Tested]) -> None:
        for row, test in zip(tested, tests, strict=True):
            if row["clusters"] < again.LEAST_CLUSTERS:
                assert (row["interval_low"], row["interval_high"], row["min_detectable"]) == (None, None, None), row
            else:
                half = test.critical * test.error
                expected = [row["difference"] - half, row["difference"] + half]
                assert [row["interval_low"], row["interval_high"]] == pytest.approx(expected, rel=1e-6, abs=1e-9), row
                assert row["min_detectable"] == pytest.approx(test.detectable, rel=5e-3), row

    def test_p_value_interval_and_detectable_difference_agree(self, tested: Rows) -> None:
        """They rest on one statistic."""
        for row in tested:
            if row["interval_low"] is not None:
                assert (row["p_value"] <= 0.05) == (not row["interval_low"] <= 0 <= row["interval_high"]), row
                assert row["p_family"] >= row["p_value"], row
                assert row["p_value"] <= 0.05 or abs(row["difference"]) <= row["min_detectable"], row

    def test_p_values_of_families_by_the_definition(self, tested: Rows, tests: list[again.Tested]) -> None:
        for family in ("claims", "exploratory"):
            own = [(row, test) for row, test in zip(tested, tests, strict=True) if row["family"] == family]
            judged = [(row, test) for row, test in own if row["clusters"] >= again.LEAST_CLUSTERS]
            assert all(row["p_family"] is None for row, _ in own if row["clusters"] < again.LEAST_CLUSTERS)
            expected = again.family_p_values([test for _, test in judged])
            assert [row["p_family"] for row, _ in judged] == pytest.approx(expected, abs=2.1 / again.SHIFTS)
            rates = multipletests([row["p_value"] for row, _ in own], method="fdr_by")[1]
            assert [row["q_value"] for row, _ in own] == pytest.approx(rates, abs=1e-12)

    def test_statistics_session_by_session(
        self, tested: Rows, tests: list[again.Tested], evidence: Evidence, lengths: list[int]
    ) -> None:
        market, signals = evidence
        for row, test in list(zip(tested, tests, strict=True))[:: len(tested) // 6]:
            signal = signals[row["signal"], row["subject"]]
            steps = again.shift_steps(lengths, signal.history.stop - signal.history.start)
            for place in range(0, again.SHIFTS, 100):
                difference, error = again.studentised(market, signal, *arguments(row), int(steps[place]))
                assert test.at_shifts[place] == pytest.approx(abs(difference / error), rel=1e-6), row

    def test_eras_and_signs(self, home: Home, rows: Rows, evidence: Evidence) -> None:
        market, signals = evidence
        with published(home) as release:
            table = ask(release, "select * from scorecard_eras")
        found = {(r["signal"], r["subject"], *arguments(r), r["era"]): r for r in table.iter_rows(named=True)}
        expected, signs = {}, {}
        for key, signal in signals.items():
            for what in ((label, *of) for label in signal.names for of in market.forward):
                eras = {era: again.facts_of_era(market, signal, *what, *days) for era, days in ERAS.items()}
                expected |= {(*key, *what, era): facts for era, facts in eras.items() if facts[0]}
                signs[(*key, *what)] = [np.sign(m - r) for _, m, r in eras.values() if m is not None and r is not None]
        assert set(found) == set(expected)
        for place, (sessions, mean, rest) in expected.items():
            difference = None if mean is None or rest is None else mean - rest
            assert found[place]["sessions"] == sessions, place
            for name, value in (("mean_return", mean), ("rest_return", rest), ("difference", difference)):
                assert found[place][name] == (None if value is None else pytest.approx(value, abs=1e-9)), place
        for row in rows:
            own = signs[row["signal"], row["subject"], *arguments(row)]
            assert row["has_one_sign"] == (len(own) == len(ERAS) and len(set(own)) == 1), row

    def test_forecasts_with_pandas_and_statsmodels(self, home: Home, evidence: Evidence) -> None:
        market, signals = evidence
        with published(home) as release:
            table = ask(release, "select * from signal_forecasts")
        rows = {(r["signal"], r["subject"], r["horizon"], r["target"]): r for r in table.iter_rows(named=True)}
        found = {
            (*key, horizon, target): again.forecast_of(market, signal, horizon, target)
            for key, signal in signals.items()
            for horizon, target in market.forward
        }
        assert set(rows) == {key for key, one in found.items() if one is not None}
        for key, row in rows.items():
            figures = [row[name] for name in ("sessions", "r_squared", "clark_west", "p_value")]
            assert figures == pytest.approx(found[key], rel=1e-6, abs=1e-7), key

    def test_the_summary_counts_the_rows(self, home: Home, tested: Rows) -> None:
        with published(home) as release:
            summary = {row["family"]: row for row in ask(release, "select * from evidence_summary").iter_rows(named=True)}
            century = ask(release, "select family, p_value, verdict from long_run_scorecard").iter_rows(named=True)
        counted = [*tested, *(row for row in century if row["p_value"] is not None)]
        assert {row["family"] for row in counted} | {"total"} == set(summary)
        for family, found in summary.items():
            own = [row for row in counted if family in (row["family"], "total")]
            verdicts = [row["verdict"] for row in own]
            expected = {name: verdicts.count(name) for name in ("supported", "contradicted", "bounded", "undecided")}
            expected |= {"tested": len(own), "found": sum(row["p_value"] <= 0.05 for row in own)}
            expected |= {"surviving": expected["supported"] + expected["contradicted"] + verdicts.count("significant")}
            assert {name: found[name] for name in expected} == expected, family
            assert found["by_chance"] == pytest.approx(0.05 * len(own)), family


class TestSample(Recomputed):
    """On the simulated market."""

    @pytest.fixture(scope="class")
    @classmethod
    def home(cls, sample_home: Home) -> Home:
        """The sample."""
        return sample_home

    @pytest.mark.parametrize("label", ["risk_on", "risk_off"])
    def test_the_planted_effect_is_seen(self, rows: Rows, label: str) -> None:
        row = next(
            r for r in rows
            if (r["signal"], r["subject"], r["label"], r["horizon"], r["target"]) == ("regime", "IWM/SPY", label, 21, "SPY")
        )  # fmt: skip
        assert row["p_value"] <= 0.05
        assert (row["difference"] > 0) == (label == "risk_on")
        assert row["interval_low"] <= row["difference"] <= row["interval_high"]


class TestRealDocuments(Recomputed):
    """On the vendors' own files."""

    @pytest.fixture(scope="class")
    @classmethod
    def home(cls, real_home: Home) -> Home:
        """The real documents."""
        return real_home

    def test_no_claim_of_the_guide_survives(self, rows: Rows) -> None:
        claims = [row for row in rows if row["family"] == "claims"]
        assert len(claims) == 52
        assert {row["verdict"] for row in claims} <= {"bounded", "suggestive", "undecided"}
        cutting = [row for row in rows if row["label"] == "cutting" and row["horizon"] == 252]
        assert {row["clusters"] for row in cutting} == {4}

"""Every figure of the scorecard, found again from raw bars by a second implementation."""

from functools import cache
from statistics import NormalDist
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
LEAST_CLUSTERS = 5
TESTS = ("interval_low", "interval_high", "p_value", "p_family", "q_value", "min_detectable")
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
def tested(rows: Rows, evidence: Evidence) -> Rows:
    """The rows of the signals whose history is long enough."""
    _, signals = evidence
    long = {key for key, one in signals.items() if one.history.stop - one.history.start >= again.LEAST_HISTORY}
    return [row for row in rows if (row["signal"], row["subject"]) in long]


@pytest.fixture(scope="class")
def shifted(tested: Rows, evidence: Evidence) -> np.ndarray:
    """The difference of each row at each joint shift (rows, shifts)."""
    market, signals = evidence
    lengths = [signal.history.stop - signal.history.start for signal in signals.values()]

    @cache
    def steps(length: int) -> np.ndarray:
        return again.shift_steps(lengths, length)

    found = []
    for row in tested:
        signal = signals[row["signal"], row["subject"]]
        differences = again.shifted_differences(market, signal, *arguments(row))
        found.append(differences[steps(differences.size) % differences.size])
    return np.array(found)


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

    def test_a_short_history_is_not_tested(self, rows: Rows, tested: Rows) -> None:
        for row in rows:
            if row in tested:
                assert None not in (row["p_value"], row["q_value"], row["min_detectable"]), row
            else:
                assert {row[name] for name in TESTS} == {None}, row
                assert (row["verdict"], row["verdict_in_words"]) == (
                    "undecided", "undecided: the signal has fewer than 2520 sessions of history",
                ), row  # fmt: skip

    def test_p_values_and_detectable_differences_by_fourier_transforms(self, tested: Rows, shifted: np.ndarray) -> None:
        reach = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)
        for row, differences in zip(tested, shifted, strict=True):
            known = differences[~np.isnan(differences)]
            far = (np.abs(known) >= abs(row["difference"]) - 1e-12).sum()
            # A difference that is equal but for its last digit may count or not.
            assert row["p_value"] == pytest.approx((1 + far) / (1 + known.size), abs=2.1 / again.SHIFTS), row
            assert row["min_detectable"] == pytest.approx(reach * known.std(), rel=1e-9), row

    def test_p_values_of_families_by_the_definition(self, tested: Rows, evidence: Evidence) -> None:
        market, signals = evidence
        lengths = [signal.history.stop - signal.history.start for signal in signals.values()]
        assert all((row["p_family"] is None) == (row["clusters"] < LEAST_CLUSTERS) for row in tested)
        for family in ("claims", "exploratory"):
            own = [row for row in tested if row["family"] == family]
            judged = [row for row in own if row["p_family"] is not None]
            scores = []
            for row in judged:
                at_each = again.shifted_statistics(market, signals[row["signal"], row["subject"]], *arguments(row))
                steps = again.shift_steps(lengths, at_each.size) % at_each.size
                scores.append(np.abs(np.concatenate([at_each[:1], at_each[steps]])))
            observed, null = np.array(scores)[:, 0], np.nan_to_num(np.array(scores)[:, 1:])
            floor = 0.0
            for rank in np.argsort(-observed, kind="stable"):
                largest = null[observed <= observed[rank]].max(axis=0)
                floor = max(floor, (1 + (largest >= observed[rank] - 1e-12).sum()) / (1 + again.SHIFTS))
                expected = max(floor, judged[rank]["p_value"])
                assert judged[rank]["p_family"] == pytest.approx(expected, abs=2.1 / again.SHIFTS), judged[rank]
            rates = multipletests([row["p_value"] for row in own], method="fdr_by")[1]
            assert [row["q_value"] for row in own] == pytest.approx(rates, abs=1e-12)

    def test_intervals_session_by_session(self, tested: Rows, evidence: Evidence) -> None:
        market, signals = evidence
        lengths = [signal.history.stop - signal.history.start for signal in signals.values()]
        assert all((row["interval_low"] is None) == (row["clusters"] < LEAST_CLUSTERS) for row in tested)
        with_interval = [row for row in tested if row["interval_low"] is not None]
        for row in with_interval[:: len(with_interval) // 6]:
            signal = signals[row["signal"], row["subject"]]
            length = signal.history.stop - signal.history.start
            _, error = again.studentised(market, signal, *arguments(row), 0)
            scores = []
            for shift in again.shift_steps(lengths, length):
                difference, at_shift = again.studentised(market, signal, *arguments(row), int(shift))
                scores.append(abs(difference / at_shift))
            half = np.quantile(np.array(scores)[np.isfinite(scores)], again.COVERAGE) * error
            assert [row["interval_low"], row["interval_high"]] == pytest.approx(
                [row["difference"] - half, row["difference"] + half], rel=1e-6, abs=1e-9
            ), row

    def test_the_summary_counts_the_rows(self, home: Home, tested: Rows) -> None:
        with published(home) as release:
            summary = {row["family"]: row for row in ask(release, "select * from evidence_summary").iter_rows(named=True)}
        for family, found in summary.items():
            if family not in ("claims", "exploratory"):
                continue  # the long run has a scorecard of its own
            own = [row for row in tested if row["family"] == family]
            assert found["tested"] == len(own)
            assert found["found"] == sum(row["p_value"] <= 0.05 for row in own)
            assert found["surviving"] == sum(row["verdict"] in ("supported", "contradicted", "significant") for row in own)


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

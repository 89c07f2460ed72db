"""Every figure of the scorecard, recomputed from raw bars by a second implementation."""

from typing import Any

import numpy as np
import pytest

from tests.pipeline import scorecard_recomputation as again
from tests.pipeline.homes import Home, ask, published

SHIFTS, DRAWS, RESAMPLES = 499, 3000, 1000
COUNTS = ("sessions", "spells", "independent_spells")
FIGURES = ("mean_return", "median_return", "hit_rate", "base_return", "base_hit_rate", "difference")
Rows = list[dict[str, Any]]


Evidence = tuple[again.Market, dict[again.Key, again.Signal]]


@pytest.fixture(scope="class")
def rows(home: Home) -> Rows:
    """The published scorecard."""
    with published(home) as release:
        return list(ask(release, "select * from scorecard").iter_rows(named=True))


@pytest.fixture(scope="class")
def evidence(home: Home) -> Evidence:
    """Forward returns and labels."""
    return again.signals_of(home)


class Recomputed:
    """The same tests for every data directory."""

    def test_there_is_a_row_for_every_testable_label(self, rows: Rows, evidence: Evidence) -> None:
        market, signals = evidence
        expected = {
            (*key, label, horizon, target)
            for key, signal in signals.items()
            for label in signal.names
            for (horizon, target), returns in market.forward.items()
            if not np.isnan(returns[signal.coded(label)]).all()
        }
        assert {(r["signal"], r["subject"], r["label"], r["horizon"], r["target"]) for r in rows} == expected
        assert len(rows) == len(expected) > 300

    def test_counts_means_and_base_rates(self, rows: Rows, evidence: Evidence) -> None:
        market, signals = evidence
        for row in rows:
            facts = again.facts(market, signals[row["signal"], row["subject"]], row["label"], row["horizon"], row["target"])
            assert {name: row[name] for name in COUNTS} == {name: facts[name] for name in COUNTS}, row
            assert [row[name] for name in FIGURES] == pytest.approx([facts[name] for name in FIGURES], abs=1e-9), row

    def test_p_values_by_the_same_shifts_and_by_all_shifts(self, rows: Rows, evidence: Evidence) -> None:
        market, signals = evidence
        for row in rows:
            signal = signals[row["signal"], row["subject"]]
            means = again.shifted_means(market, signal, row["label"], row["horizon"], row["target"])
            turned = [shift * means.size // (SHIFTS + 1) for shift in range(1, SHIFTS + 1)]
            found = {}
            for name, some in (("same", means[turned]), ("all", means[1:])):
                known = some[~np.isnan(some)]
                far = np.abs(known - row["base_return"]) >= abs(row["difference"]) - 1e-12
                found[name] = (1 + far.sum()) / (1 + known.size)
            assert row["p_value"] == pytest.approx(found["same"], abs=1e-12), row
            error = np.sqrt(found["all"] * (1 - found["all"]) / SHIFTS)
            assert row["p_value"] == pytest.approx(found["all"], abs=1 / SHIFTS + 3 * error), row

    def test_intervals_agree_with_other_draws(self, rows: Rows, evidence: Evidence) -> None:
        market, signals = evidence
        published_rows = {(r["signal"], r["subject"], r["label"], r["horizon"], r["target"]): r for r in rows}
        resamples = again.Resamples(DRAWS, seed=20260812)
        # Five standard errors: with few spells the differences have few values, and a quantile jumps between them.
        slack = 5 * np.sqrt(0.025 * 0.975 * (1 / RESAMPLES + 1 / DRAWS))
        checked = 0
        for key, signal in signals.items():
            for horizon, target in market.forward:
                for label, differences in resamples.differences(market, signal, horizon, target).items():
                    row = published_rows[*key, label, horizon, target]
                    if row["spells"] < 5:
                        continue
                    for end, level in (("interval_low", 0.025), ("interval_high", 0.975)):
                        low, high = np.quantile(differences, [max(level - slack, 0), min(level + slack, 1)])
                        assert low - 1e-9 <= row[end] <= high + 1e-9, (row, end, np.quantile(differences, level))
                    checked += 1
        assert checked > 200


class TestSample(Recomputed):
    """On the sample market."""

    @pytest.fixture(scope="class")
    @classmethod
    def home(cls, sample_home: Home) -> Home:
        """The sample directory."""
        return sample_home

    @pytest.mark.parametrize("horizon", [21, 63])
    @pytest.mark.parametrize("label", ["risk_on", "risk_off"])
    def test_the_planted_effect_supports_the_guide(self, rows: Rows, label: str, horizon: int) -> None:
        row = next(
            r for r in rows
            if (r["signal"], r["subject"], r["label"], r["horizon"], r["target"]) == ("regime", "IWM/SPY", label, horizon, "SPY")
        )  # fmt: skip
        assert row["verdict"] == "supports"
        assert (row["difference"] > 0) == (label == "risk_on")
        assert row["interval_low"] <= row["difference"] <= row["interval_high"]


class TestRealDocuments(Recomputed):
    """On real documents."""

    @pytest.fixture(scope="class")
    @classmethod
    def home(cls, real_home: Home) -> Home:
        """The directory of the real documents."""
        return real_home

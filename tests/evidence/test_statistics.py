"""The statistics recomputed another way: loops, statsmodels, arch."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from arch.bootstrap import StationaryBootstrap, optimal_block_length
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

from orchestration.evidence.contrasts import contrast, shift_fractions, steps
from orchestration.evidence.families import benjamini_yekutieli, critical_value, detectable, family_p_values, p_value
from orchestration.evidence.forecasts import forecast
from orchestration.evidence.histories import History, histories
from orchestration.evidence.scorecard import Method, forecasts, statistics

pytestmark = pytest.mark.slow

Floats = NDArray[np.float64]
METHOD = Method(shifts=199, coverage=0.95, least_clusters=3, entry=1, sessions_a_year=252, least_training=200, least_history=505)


@dataclass(frozen=True)
class Market:
    """Labels and returns of one signal as a scorecard reads them."""

    labels: pl.DataFrame
    returns: pl.DataFrame

    @property
    def history(self) -> History:
        """The signal's history."""
        return next(iter(histories(self.labels)))


def market(seed: int = 0, *, length: int = 1500, horizon: int = 21, effect: float = 0.0) -> Market:
    """Random spells of three labels and of none, and overlapping forward returns, some unknown."""
    rng = np.random.default_rng(seed)
    names: list[str | None] = []
    while len(names) < length:
        names += [str(rng.choice(["up", "down", "flat"])) if rng.random() < 0.85 else None] * int(rng.integers(5, 60))
    label = pl.Series("label", names[:length])
    first_no = 100
    session_no = pl.int_range(first_no, first_no + length, eager=True)
    daily = rng.normal(0, 0.01, length + horizon + 1) + effect * np.append(
        (label == "up").fill_null(False).to_numpy(), [0] * (horizon + 1)
    )
    forward = np.convolve(daily, np.ones(horizon), "valid")[:length]
    known = rng.random(length) > 0.02
    labels = pl.DataFrame({"session_no": session_no, "label": label}).with_columns(
        signal=pl.lit("coin"), subject=pl.lit("heads"), cycle_no=pl.lit(None, pl.Int64),
        spell_no=(pl.col("label").ne_missing(pl.col("label").shift(1))).cum_sum(),
    )  # fmt: skip
    returns = pl.DataFrame({"session_no": session_no, "forward_return": forward}).filter(pl.Series(known))
    return Market(labels, returns.with_columns(target=pl.lit("SPY"), horizon=pl.lit(horizon)))


def by_loops(names: list[str | None], returns: Floats, label: str) -> float:
    inside = [r for n, r in zip(names, returns, strict=True) if n == label and np.isfinite(r)]
    outside = [r for n, r in zip(names, returns, strict=True) if n != label and np.isfinite(r)]
    return float(np.mean(inside) - np.mean(outside))


def aligned(one: Market) -> tuple[list[str | None], Floats]:
    joined = one.labels.join(one.returns, on="session_no", how="left", maintain_order="left")
    return joined["label"].to_list(), joined["forward_return"].cast(pl.Float64).fill_null(np.nan).to_numpy()


@pytest.mark.parametrize("seed", range(3))
def test_differences_at_every_shift_are_those_of_rolled_labels(seed: int) -> None:
    one = market(seed)
    names, returns = aligned(one)
    shifts = steps(shift_fractions(50, [len(names)], 21), len(names))
    for label in one.history.labels:
        found = contrast(one.history, label, returns, 21, shifts)
        assert found is not None
        assert found.mean - found.rest_mean == pytest.approx(by_loops(names, returns, label.name), abs=1e-14)
        assert found.difference == pytest.approx(by_loops(names, returns, label.name), abs=1e-13)
        for shift, difference in zip(shifts, found.shifted, strict=True):
            rolled = names[-shift:] + names[:-shift]
            assert difference == pytest.approx(by_loops(rolled, returns, label.name), abs=1e-12)


def test_the_error_is_that_of_cells_of_a_cluster_and_the_rest_behind_it() -> None:
    one = market(4)
    names, returns = aligned(one)
    label = one.history.labels[0]
    found = contrast(one.history, label, returns, 21, np.array([0]))
    assert found is not None
    starts = label.cluster_starts(21)
    cell = np.searchsorted(starts, np.arange(len(names)), side="right") - 1
    cell[cell < 0] = starts.size - 1  # before the first cluster is after the last one
    has = np.array([n == label.name for n in names])
    known = np.isfinite(returns)
    influence = np.where(has, (returns - found.mean) / (has & known).sum(), -(returns - found.rest_mean) / (~has & known).sum())
    sums = np.array([influence[(cell == k) & known].sum() for k in range(starts.size)])
    assert found.error == pytest.approx(np.sqrt(starts.size / (starts.size - 1) * (sums**2).sum()), rel=1e-10)
    assert found.shifted_error[0] == pytest.approx(found.error, rel=1e-12)


def test_shifts_are_evenly_spaced_and_none_is_within_a_horizon_of_none() -> None:
    fractions = shift_fractions(1999, [6000, 3000], 252)
    assert np.ptp(np.diff(fractions)) < 1e-12
    for length in (6000, 3000):
        found = steps(fractions, length)
        assert found.min() > 252
        assert found.max() < length - 252
    with pytest.raises(ValueError, match="too short"):
        shift_fractions(10, [400], 252)


def test_spells_closer_than_a_horizon_or_of_one_rate_cycle_are_one_cluster() -> None:
    def row(session_no: int, label: str, spell: int, cycle: int | None) -> tuple[int, str, int, int | None]:
        return session_no, label, spell, cycle

    spells = [(0, 10, "cut"), (15, 20, "cut"), (100, 110, "cut"), (300, 310, "cut"), (310, 320, "hike")]

    def clusters(cycles: list[int | None]) -> int:
        rows = [row(n, name, k, cycles[k]) for k, (a, b, name) in enumerate(spells) for n in range(a, b)]
        frame = pl.DataFrame(rows, schema=["session_no", "label", "spell_no", "cycle_no"], orient="row")
        history = next(
            histories(frame.with_columns(signal=pl.lit("s"), subject=pl.lit("x"), cycle_no=pl.col("cycle_no").cast(pl.Int64)))
        )
        return next(label for label in history.labels if label.name == "cut").cluster_starts(21).size

    assert clusters([None] * 5) == 3
    assert clusters([1, 1, 1, 2, 2]) == 2
    assert clusters([1, 1, 2, 2, 2]) == 2


def test_family_p_values_by_the_definition() -> None:
    rng = np.random.default_rng(1)
    shifted = rng.normal(0, 1, (4, 300))
    shifted[3] = shifted[0] + rng.normal(0, 0.1, 300)  # dependent rows
    observed = np.array([3.1, -1.0, 0.2, 2.9])
    score, null = np.abs(observed), np.abs(shifted)
    order = sorted(range(4), key=lambda row: -score[row])
    expected, before = {}, 0.0
    for place, row in enumerate(order):
        largest = null[order[place:]].max(axis=0)
        before = max(before, (1 + (largest >= score[row]).sum()) / 301)
        expected[row] = before
    assert family_p_values(observed, shifted) == pytest.approx([expected[row] for row in range(4)])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.0005, 1), min_size=1, max_size=60))
def test_q_values_are_those_of_statsmodels(p_values: list[float]) -> None:
    expected = multipletests(p_values, method="fdr_by")[1]
    assert benjamini_yekutieli(np.array(p_values)) == pytest.approx(expected, rel=1e-12)


def test_a_p_value_counts_the_labels_as_they_are() -> None:
    shifted = np.array([0.1, -0.2, 0.3, np.nan])
    assert p_value(0.2, shifted) == (1 + 2) / (1 + 3)
    assert p_value(-0.5, shifted) == 1 / 4
    assert np.isnan(p_value(np.nan, shifted))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(19, 400), st.sampled_from([0.8, 0.9, 0.95]))
def test_an_interval_excludes_zero_where_the_p_value_is_small_and_only_there(seed: int, count: int, coverage: float) -> None:
    """To the last shift: at, just below and just above every statistic of the shifts."""
    shifted = np.random.default_rng(seed).standard_t(3, count)
    shifted[: count // 10] = np.nan
    critical = critical_value(shifted, coverage)
    for size in np.abs(shifted[np.isfinite(shifted)]):
        for statistic in (size * (1 - 1e-9), size, -size * (1 + 1e-9)):
            assert (p_value(statistic, shifted) <= 1 - coverage + 1e-12) == (abs(statistic) > critical)


def test_too_few_shifts_have_no_critical_value() -> None:
    assert np.isnan(critical_value(np.arange(18.0), 0.95))
    assert critical_value(np.arange(19.0), 0.95) == 18
    assert np.isnan(detectable(np.full(30, np.nan), 0.95, 0.8))


def test_the_detectable_effect_is_found_as_often_as_it_says() -> None:
    """A statistic by chance, of either sign, and the effect: beyond the critical value in four of five cases."""
    shifted = np.random.default_rng(5).standard_t(4, 4001)
    effect = detectable(shifted, 0.95, 0.8)
    both = np.concatenate([shifted, -shifted])
    assert (both + effect > critical_value(shifted, 0.95)).mean() == pytest.approx(0.8, abs=0.001)


def test_p_value_interval_family_and_detectable_difference_rest_on_one_statistic() -> None:
    markets = [market(seed, length=4000, effect=0.001) for seed in range(25)]
    rows = pl.concat([statistics(one.labels, one.returns, NO_CLAIMS, METHOD) for one in markets])
    small = pl.col("p_value") <= 0.05
    assert 10 < rows.filter(small).height < rows.height - 10
    excluded = (pl.col("interval_low") > 0) | (pl.col("interval_high") < 0)
    assert rows.filter(small != excluded).is_empty()
    # What exceeds its own detectable difference has been found.
    assert rows.filter(pl.col("difference").abs() > pl.col("min_detectable"), ~small).is_empty()
    half_width = (pl.col("interval_high") - pl.col("interval_low")) / 2
    assert rows.filter(pl.col("min_detectable") <= half_width).is_empty()


def test_a_small_error_alone_does_not_survive() -> None:
    """The family's p-value is not below the share of shifts at which the difference itself is as large."""
    for seed in range(5):
        one = market(seed, length=3000)
        _, returns = aligned(one)
        shifts = steps(shift_fractions(METHOD.shifts, [3000], 21), 3000)
        rows = statistics(one.labels, one.returns, NO_CLAIMS, METHOD)
        for label in one.history.labels:
            found = contrast(one.history, label, returns, 21, shifts)
            assert found is not None
            rarity = (1 + (np.abs(found.shifted) >= abs(found.difference) - 1e-12).sum()) / (1 + shifts.size)
            row = rows.filter(pl.col("label") == label.name).row(0, named=True)
            assert row["p_family"] >= max(rarity, row["p_value"]) - 1e-12


def test_one_cluster_is_not_tested() -> None:
    one = market(3)
    only = one.labels.with_columns(
        label=pl.when(pl.col("session_no").is_between(500, 540)).then(pl.lit("once")).otherwise(pl.lit("always")),
        spell_no=pl.when(pl.col("session_no") < 500).then(1).when(pl.col("session_no") <= 540).then(2).otherwise(3),
    )
    row = statistics(only, one.returns, NO_CLAIMS, METHOD).filter(pl.col("label") == "once").row(0, named=True)
    assert row["clusters"] == 1
    assert {row[name] for name in ("interval_low", "interval_high", "p_value", "p_family", "q_value", "min_detectable")} == {None}


def test_intervals_are_near_those_of_the_stationary_bootstrap() -> None:
    """Another method on the same data: the width within a third, over twenty markets."""
    ratios = []
    for seed in range(20):
        one = market(seed, length=4000, horizon=21)
        names, returns = aligned(one)
        frame = statistics(one.labels, one.returns, NO_CLAIMS, METHOD).filter(pl.col("label") == "up")
        known = np.isfinite(returns)
        data = np.column_stack([np.array([n == "up" for n in names])[known], returns[known]])
        block = float(optimal_block_length(data[:, 1])["stationary"].iloc[0])
        bootstrap = StationaryBootstrap(max(block, 21), data, seed=seed)

        def difference(rows: Floats) -> float:
            has = rows[:, 0] > 0
            return float(rows[has, 1].mean() - rows[~has, 1].mean())

        low, high = bootstrap.conf_int(difference, 400, method="percentile")[:, 0]
        ratios.append((frame["interval_high"].item() - frame["interval_low"].item()) / (high - low))
    assert 0.75 < np.median(ratios) < 1.33


def test_an_interval_needs_clusters_and_a_known_effect_is_found() -> None:
    strong = market(7, length=6000, effect=0.002)
    found = statistics(strong.labels, strong.returns, NO_CLAIMS, METHOD)
    up = found.filter(pl.col("label") == "up").row(0, named=True)
    assert up["p_value"] == 1 / 200
    assert up["p_family"] <= 0.02
    assert 0 < up["interval_low"] < up["difference"] < up["interval_high"]
    assert up["family"] == "exploratory"
    few = Method(**{**vars(METHOD), "least_clusters": 1000})
    unjudged = statistics(strong.labels, strong.returns, NO_CLAIMS, few)
    for name in ("interval_low", "interval_high", "p_family", "min_detectable"):
        assert unjudged[name].null_count() == found.height
    assert unjudged["p_value"].to_list() == found["p_value"].to_list()


def test_a_signal_with_a_short_history_is_counted_and_not_tested() -> None:
    long, short = market(7, length=3000), market(8, length=600)
    young = short.labels.with_columns(signal=pl.lit("young"), session_no=pl.col("session_no") + 2000)
    method = Method(**{**vars(METHOD), "least_history": 601})
    alone = statistics(long.labels, long.returns, NO_CLAIMS, method)
    found = statistics(pl.concat([young, long.labels]), long.returns, NO_CLAIMS, method)
    # The other signals are tested as if it were not there.
    assert found.filter(pl.col("signal") == "coin").equals(alone, null_equal=True)
    untested = found.filter(pl.col("signal") == "young")
    assert untested.height == 3
    tests = ("interval_low", "interval_high", "p_value", "p_family", "q_value", "min_detectable")
    assert all(untested[name].null_count() == 3 for name in tests)
    assert all(untested[name].null_count() == 0 for name in found.columns if name not in tests)
    assert forecasts(young.head(20), long.returns, method).is_empty()
    nothing_else = statistics(young, long.returns, NO_CLAIMS, method)
    assert nothing_else.equals(untested, null_equal=True)


def test_labels_that_say_nothing_are_found_as_often_as_they_should() -> None:
    frames = [statistics(m.labels, m.returns, NO_CLAIMS, METHOD) for m in (market(seed) for seed in range(150))]
    rows = pl.concat(frames)
    misses = rows.filter((pl.col("interval_low") > 0) | (pl.col("interval_high") < 0)).height / rows.height
    assert 0.025 < misses < 0.08
    assert 0.025 < rows.filter(pl.col("p_value") <= 0.05).height / rows.height < 0.08
    assert rows.filter(pl.col("p_family") < pl.col("p_value")).is_empty()
    families = [frame["p_family"].min() for frame in frames]
    assert sum(p <= 0.05 for p in families) / len(families) < 0.10  # type: ignore[operator]


def test_a_forecast_uses_only_what_was_known() -> None:
    one = market(3, effect=0.003)
    names, returns = aligned(one)
    found = forecast(one.history, returns, 21, entry=1, least_sessions=200)
    assert found is not None
    errors = []
    for t in range(len(names)):
        past = [(n, r) for n, r in zip(names[: max(t - 22 + 1, 0)], returns, strict=False) if np.isfinite(r)]
        if len(past) < 200 or not np.isfinite(returns[t]):
            continue
        mean = np.mean([r for _, r in past])
        same = [r for n, r in past if n == names[t]]
        errors.append((returns[t] - mean, returns[t] - (np.mean(same) if same else mean)))
    base, own = np.array(errors).T
    assert found.sessions == len(errors)
    assert found.r_squared == pytest.approx(1 - (own**2).sum() / (base**2).sum(), abs=1e-12)
    assert found.r_squared > 0
    assert found.p_value < 0.05
    cut = Market(one.labels.head(1200), one.returns.filter(pl.col("session_no") < 1300 - 22))
    again = forecasts(cut.labels, cut.returns, METHOD)
    assert again["sessions"].item() < found.sessions


NO_CLAIMS = pl.DataFrame(schema=dict.fromkeys(("signal", "subject", "label", "target", "family"), pl.String))

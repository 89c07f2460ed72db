"""The hundred years: labels and returns recomputed from raw rows, the planted truths, and published figures on real documents."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from statsmodels.stats.multitest import multipletests

from orchestration.sample_market import truths
from tests.pipeline import scorecard_recomputation as evidence
from tests.pipeline.homes import Home, ask, published, warehouse
from tests.pipeline.long_run_recomputation import ERAS, HORIZONS, LongRun, long_run


@pytest.fixture(scope="class")
def again(home: Home) -> LongRun:
    """Labels and returns from raw rows."""
    with warehouse(home) as connection:
        return long_run(connection)


@pytest.fixture(scope="class")
def connection(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """The writer's file."""
    with warehouse(home) as connection:
        yield connection


class Recomputed:
    """The same questions to every data directory."""

    @pytest.mark.parametrize("signal", ["regime", "rate_regime", "business_cycle"])
    def test_labels(self, connection: duckdb.DuckDBPyConnection, again: LongRun, signal: str) -> None:
        rows = ask(connection, "select * from marts.long_run_labels where signal = ? order by session", signal)
        assert rows["session"].to_list() == again.days
        assert rows["session_no"].to_list() == list(range(1, len(again.days) + 1))
        assert rows["label"].to_list() == again.labels[signal]
        if signal == "regime":
            np.testing.assert_allclose(rows["trend_gap"].to_numpy(), again.gaps, atol=1e-9)
            distance = np.where(np.array(again.labels[signal]) == "risk_on", again.gaps + 0.02, 0.02 - again.gaps)
            labelled = rows["label"].is_not_null().to_numpy()
            np.testing.assert_allclose(rows["distance"].to_numpy()[labelled], distance[labelled], atol=1e-9)

    @pytest.mark.parametrize("target", ["market", "small_minus_large"])
    def test_forward_returns_begin_at_the_next_close(
        self, connection: duckdb.DuckDBPyConnection, again: LongRun, target: str
    ) -> None:
        for horizon in HORIZONS:
            rows = ask(
                connection,
                "select forward_return from intermediate.int_long_run_returns where target = ? and horizon = ? order by session",
                target,
                horizon,
            )
            np.testing.assert_allclose(rows["forward_return"].to_numpy(), again.forward(target, horizon), atol=1e-9)

    def test_spells(self, connection: duckdb.DuckDBPyConnection, again: LongRun) -> None:
        rows = ask(connection, "select * from intermediate.int_long_run_labels order by signal, session_no")
        for (signal,), spells in rows.group_by("signal"):
            labels = again.labels[str(signal)]
            number, expected = 0, []
            for place, label in enumerate(labels):
                number += label is not None and (place == 0 or labels[place - 1] != label)
                if label is not None:
                    expected.append((place + 1, label, number))
            assert spells.select("session_no", "label", "spell_no").rows() == expected

    def test_scorecard(self, home: Home, again: LongRun) -> None:
        """Every statistic, by the recomputation of the scorecard: Fourier transforms, and families by the definition."""
        with published(home) as release:
            rows = list(ask(release, "select * from long_run_scorecard").iter_rows(named=True))
        market, signals = again.market(), {name: again.signal(name) for name in again.labels}
        lengths = [one.history.stop - one.history.start for one in signals.values()]
        keys = {(name, label, *key) for name, one in signals.items() for label in one.names for key in market.forward}
        assert {(r["signal"], r["label"], r["horizon"], r["target"]) for r in rows} == keys
        judged: list[tuple[dict[str, Any], evidence.Tested]] = []
        for row in rows:
            signal, what = signals[row["signal"]], (row["label"], row["horizon"], row["target"])
            facts = evidence.facts(market, signal, *what)
            assert {name: row[name] for name in facts} == pytest.approx(facts, abs=1e-9), row
            test = evidence.tested(market, signal, lengths, *what)
            assert row["p_value"] == pytest.approx(test.p_value, abs=2.1 / evidence.SHIFTS), row
            half, given = test.critical * test.error, [row[name] for name in ("interval_low", "interval_high", "min_detectable")]
            if row["clusters"] < evidence.LEAST_CLUSTERS:
                assert [*given, row["p_family"]] == [None] * 4, row
            else:
                expected = [row["difference"] - half, row["difference"] + half, test.detectable]
                assert given == pytest.approx(expected, rel=5e-3, abs=1e-9), row
                assert given[:2] == pytest.approx(expected[:2], rel=1e-6, abs=1e-9), row
                judged.append((row, test))
            eras = [evidence.facts_of_era(market, signal, *what, first, last) for first, last in ERAS]
            signs = [np.sign(mean - rest) for _, mean, rest in eras if mean is not None and rest is not None]
            assert row["has_one_sign"] == (len(signs) >= 2 and len(set(signs)) == 1), row
        expected_family = evidence.family_p_values([test for _, test in judged])
        assert [row["p_family"] for row, _ in judged] == pytest.approx(expected_family, abs=2.1 / evidence.SHIFTS)
        rates = multipletests([row["p_value"] for row in rows], method="fdr_by")[1]
        assert [row["q_value"] for row in rows] == pytest.approx(rates, abs=1e-12)

    def test_relative_risk(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Beta, alpha and their errors from the matrix of the regression; the drawdown from the index itself."""
        moves = (
            ask(
                connection,
                "select session, fund, total_return from intermediate.int_daily_returns where sessions_spanned = 1",
            )
            .pivot(on="fund", index="session", values="total_return")
            .sort("session")
        )
        summary = {row["pair"]: row for row in ask(connection, "select * from marts.relative_risk_summary").iter_rows(named=True)}
        assert len(summary) == 3
        for pair, row in summary.items():
            one, other = pair.split("/")
            both = moves.select(one, other, "session").drop_nulls()
            y, x = both[one].to_numpy(), np.column_stack([np.ones(both.height), both[other].to_numpy()])
            inverse = np.linalg.inv(x.T @ x)
            alpha, beta = inverse @ x.T @ y
            residual = y - x @ [alpha, beta]
            errors = np.sqrt(np.diag(inverse) * (residual @ residual) / (y.size - 2))
            expected = {
                "sessions": y.size, "beta": beta, "alpha": 252 * alpha, "beta_error": errors[1], "alpha_error": 252 * errors[0],
                "relative_volatility": y.std(ddof=1) / x[:, 1].std(ddof=1),
                "tracking_volatility": (y - x[:, 1]).std(ddof=1) * np.sqrt(252), "mean_gap": 252 * (y - x[:, 1]).mean(),
            }  # fmt: skip
            assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-7, abs=1e-9)
            daily = ask(connection, "select * from marts.relative_risk_daily where pair = ? order by session", pair)
            rolled = daily.join(both, on="session").sort("session")
            for place in (251, 1000, rolled.height - 1):
                past = rolled[place - 251 : place + 1]
                slope = np.polyfit(past[other].to_numpy(), past[one].to_numpy(), 1)[0]
                assert rolled["beta"][place] == pytest.approx(slope, rel=1e-7)
                if place > 251:
                    earned = rolled[one][place] - rolled["beta"][place - 1] * rolled[other][place]
                    assert rolled["beta_adjusted_return"][place] == pytest.approx(earned, abs=1e-12)
            ratio = ask(
                connection,
                "select ratio_total_return as r from marts.ratio_daily where pair = ? and ratio is not null order by session",
                pair,
            )["r"].to_numpy()
            np.testing.assert_allclose(daily["drawdown"].to_numpy(), ratio / np.maximum.accumulate(ratio) - 1, atol=1e-12)
            assert row["deepest_drawdown"] == daily["drawdown"].min()

    def test_sharpe_ratios(self, connection: duckdb.DuckDBPyConnection) -> None:
        rows = ask(connection, "select * from marts.sharpe_ratios where tbill_coverage >= 0.75")
        assert rows["sharpe_tbill"].null_count() == 0
        newest = "(select document_id from raw.factors order by observed_at desc, document_id desc limit 1)"
        moves = ask(
            connection,
            "select fund, session, total_return, policy_rate, total_return - risk_free / 100 as excess"
            f" from intermediate.int_daily_returns inner join (from raw.factors where document_id = {newest}) on session = date"
            " left join marts.policy_rate_daily using (session) where sessions_spanned = 1",
        )
        for row in rows.filter(pl.col("window_name").is_in(["all", "10y", "2019"])).iter_rows(named=True):
            inside = pl.col("session").is_between(row["start_session"], row["end_session"], closed="right")
            both = moves.filter((pl.col("fund") == row["fund"]) & inside)
            excess, returns = both["excess"].to_numpy(), both["total_return"].to_numpy()
            over_policy_rate = returns.mean() * 252 - np.nanmean(both["policy_rate"].cast(float).to_numpy())
            assert row["sharpe_policy_rate"] == pytest.approx(over_policy_rate / returns.std(ddof=1) / np.sqrt(252), rel=1e-9)
            assert row["sharpe_tbill"] == pytest.approx(excess.mean() / excess.std(ddof=1) * np.sqrt(252), rel=1e-9)


class TestSample(Recomputed):
    @pytest.fixture(scope="class")
    @classmethod
    def home(cls, sample_home: Home) -> Home:
        """The sample."""
        return sample_home

    def test_the_planted_signal_works_and_the_other_does_not(self, again: LongRun) -> None:
        """In the years before the funds, where nothing but the size phases is planted."""
        signal, target = truths.LONG_RUN_WORKS
        before = np.array([day < truths.FIRST_SESSION for day in again.days])
        returns, labels = again.forward(target, 21), np.array(again.labels[signal])
        gap = returns[before & (labels == "risk_on")].mean() - returns[before & (labels == "risk_off")].mean()
        assert gap > 0.01
        signal, target = truths.LONG_RUN_DOES_NOT_WORK
        returns, labels = again.forward(target, 21), np.array(again.labels[signal])
        rest = before & np.array([label is not None for label in again.labels[signal]])
        for label in ("hiking", "hold_after_hikes", "cutting", "hold_after_cuts"):
            inside = rest & (labels == label)
            assert abs(returns[inside].mean() - returns[rest & (labels != label)].mean()) < 0.006, label

    def test_published_figures_are_beside_invented_ones(self, home: Home) -> None:
        with published(home) as release:
            rows = ask(release, "select * from replications")
        assert rows.height == 14
        assert (
            rows.filter(pl.col("study") == "Carino & Pritamani 2007", pl.col("figure") == "impact_2000_2002")["our_value"].item()
            is None
        )
        assert rows.filter(pl.col("figure") == "return_10y")["our_value"].item() is not None


class TestReal(Recomputed):
    @pytest.fixture(scope="class")
    @classmethod
    def home(cls, long_run_home: Home) -> Home:
        """The real documents with the long histories."""
        return long_run_home

    def test_the_regime_gives_the_figures_computed_before(self, again: LongRun) -> None:
        """On the edition of 2025-05-01, to 2025-03-31: market and size after risk_on less after risk_off, in percent."""
        labels = np.array(again.labels["regime"])
        assert [(labels == label).sum() for label in ("risk_on", "risk_off")] == [12_101, 13_646]
        expected = {"market": [-0.49, -1.06, -1.57, -1.85], "small_minus_large": [0.09, 0.04, 0.46, 1.49]}
        for target, figures in expected.items():
            found = []
            for horizon in HORIZONS:
                returns = again.forward(target, horizon)
                groups = [returns[(labels == label) & ~np.isnan(returns)].mean() for label in ("risk_on", "risk_off")]
                found.append(100 * (groups[0] - groups[1]))
            assert found == pytest.approx(figures, abs=0.006), target

    def test_every_table_is_sound(self, home: Home) -> None:
        with warehouse(home) as connection:
            assert connection.execute("select * from build.withheld").fetchall() == []
            assert connection.execute("select path from raw.documents where status = 'quarantined'").fetchall() == []
            assert connection.execute("select max(session) from marts.long_run_labels").fetchall() == [(date(2025, 3, 31),)]

    def test_the_proxy_and_what_a_professional_adds(self, home: Home) -> None:
        with published(home) as release:
            proxy = dict(release.execute("select proxy, correlation from long_run_proxy where frequency = 'session'").fetchall())
            risk = ask(release, "select * from relative_risk_summary where pair = 'IWM/SPY'").row(0, named=True)
            band = (
                "select avg(cast(is_inside_band as integer)) from regime_daily where pair = 'IWM/SPY' and trend_gap is not null"
            )
            [(inside,)] = release.execute(band).fetchall()
        assert proxy == pytest.approx({"small minus large": 0.868, "market": 0.985}, abs=0.001)
        assert (risk["beta"], risk["drawdown"]) == (pytest.approx(1.106, abs=0.001), pytest.approx(-0.422, abs=0.001))
        assert (risk["last_session"], risk["drawdown_from"]) == (date(2026, 8, 14), date(2011, 4, 5))
        assert abs(risk["alpha"]) < 2 * risk["alpha_error"]
        assert inside == pytest.approx(0.32, abs=0.005)

    def test_replications(self, home: Home) -> None:
        with published(home) as release:
            rows = {(study, figure): (ours, difference, agrees) for study, figure, ours, difference, agrees in release.execute(
                "select study, figure, our_value, difference, agrees from replications").fetchall()}  # fmt: skip
        of_etf = [difference for (study, _), (_, difference, _) in rows.items() if study == "etf.com"]
        assert len(of_etf) == 7
        assert max(map(abs, of_etf)) < 0.00035
        stated = {
            ("Simpson & Grossmann 2024", "easing"): 0.024, ("Simpson & Grossmann 2024", "tightening"): -0.009,
            ("Carino & Pritamani 2007", "impact_2000_2002"): -0.0282, ("Carino & Pritamani 2007", "impact_2003_2006"): 0.0109,
        }  # fmt: skip
        assert {key: rows[key][0] for key in stated} == pytest.approx(stated, abs=0.0006)
        assert rows["Simpson & Grossmann 2024", "difference_t"][0] == pytest.approx(0.8, abs=0.05)
        assert rows["Pension Partners 2016", "cells_lower"][0] == 15
        assert [key for key, (_, _, agrees) in rows.items() if not agrees] == [("Simpson & Grossmann 2024", "difference_t")]

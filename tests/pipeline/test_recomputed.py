"""Every figure of the release, recomputed independently from raw rows."""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from tests.pipeline import recomputation
from tests.pipeline.homes import FUNDS, PAIRS, Home, ask, published, warehouse
from tests.pipeline.signal_recomputation import seed

NUMBERS = ("trend_gap", "slope", "zscore", "percentile", "channel_high", "channel_low")
Paths = dict[str, recomputation.Path]


@pytest.fixture(scope="module")
def paths(sample_home: Home) -> Paths:
    """Each fund's history from raw."""
    with warehouse(sample_home) as connection:
        return {fund: recomputation.fund_path(connection, fund) for fund in FUNDS}


@pytest.mark.parametrize("pair", PAIRS)
def test_ratio_signals_and_regimes_match_the_definitions(sample_home: Home, paths: Paths, pair: str) -> None:
    numerator, denominator = (paths[fund] for fund in pair.split("/"))
    shared = sorted(set(numerator.sessions) & set(denominator.sessions))
    closes = [dict(zip(path.sessions, path.closes, strict=True)) for path in (numerator, denominator)]
    indices = [dict(zip(path.sessions, path.index, strict=True)) for path in (numerator, denominator)]
    ratio = np.array([closes[0][s] / closes[1][s] for s in shared])
    total = np.array([indices[0][s] / indices[1][s] for s in shared])
    expected = recomputation.signals(ratio)
    with published(sample_home) as release:
        rows = ask(
            release, "select r.*, g.regime from ratio_daily r join regime_daily g using (pair, session)"
            " where pair = ? and ratio is not null order by session", pair,
        )  # fmt: skip
    assert rows["session"].to_list() == shared
    np.testing.assert_allclose(rows["ratio"], ratio, rtol=1e-12)
    np.testing.assert_allclose(rows["ratio_total_return"], total / total[0], rtol=1e-9)
    for name in NUMBERS:
        np.testing.assert_allclose(rows[name].to_numpy(), np.array(expected[name], dtype=float), atol=1e-9, err_msg=name)
    assert rows["trend_break"].to_list() == expected["trend_break"]
    assert rows["regime"].to_list() == expected["regime"]
    assert rows["trend_break"].drop_nulls().len() > 10


def months_before(last: date, months: int) -> date:
    """The same day of an earlier month, or its last day if it is shorter."""
    year, month = divmod(last.year * 12 + last.month - 1 - months, 12)
    return date(year, month + 1, min(last.day, monthrange(year, month + 1)[1]))


SHORT: dict[str, Callable[[date], date]] = {
    "1d": lambda last: last - timedelta(days=1),
    "1w": lambda last: last - timedelta(days=7),
    "1m": lambda last: months_before(last, 1),
    "3m": lambda last: months_before(last, 3),
    "ytd": lambda last: date(last.year - 1, 12, 31),
}


def window_start(name: str, path: recomputation.Path) -> tuple[date, date]:
    """First and last day of a window."""
    last = path.sessions[-1]
    if name == "all":
        return path.sessions[0], last
    if name in SHORT:
        return SHORT[name](last), last
    if re.fullmatch(r"\d+y", name):
        return last.replace(year=last.year - int(name[:-1])), last
    return date(int(name) - 1, 12, 31), date(int(name), 12, 31)


@pytest.mark.parametrize("fund", FUNDS)
def test_performance_of_every_window_matches_the_definitions(sample_home: Home, paths: Paths, fund: str) -> None:
    path = paths[fund]
    with published(sample_home) as release:
        rows = ask(release, "select * from performance where fund = ?", fund)
    # These funds are older than the sample's prices: no return since inception.
    wanted = {"all", "1y", "3y", "5y", "10y", *SHORT, *map(str, range(path.sessions[0].year + 1, path.sessions[-1].year + 1))}
    assert set(rows["window_name"]) == wanted
    for row in rows.iter_rows(named=True):
        first_day, last_day = window_start(row["window_name"], path)
        start = max(i for i, s in enumerate(path.sessions) if s <= first_day)
        end = max(i for i, s in enumerate(path.sessions) if s <= last_day)
        assert (row["start_session"], row["end_session"]) == (path.sessions[start], path.sessions[end])
        inside = slice(start + 1, end + 1)
        total = float(np.prod(1 + path.returns[inside]))
        is_one_year = row["window_name"] == "1y" or row["window_name"].isdigit()
        years = 1 if is_one_year else (path.sessions[end] - path.sessions[start]).days / 365.25
        is_complete = not row["window_name"].isdigit() or path.sessions[-1] > last_day
        singles = path.returns[inside][path.spans[inside] == 1]
        depth, peak, trough, recovery = recomputation.max_drawdown(path.index[start : end + 1], path.sessions[start : end + 1])
        assert row["total_return"] == pytest.approx(total - 1, abs=1e-9)
        is_annualised = is_complete and row["window_name"] not in SHORT
        assert row["volatility"] == (pytest.approx(singles.std(ddof=1) * np.sqrt(252), abs=1e-9) if is_annualised else None)
        assert row["sharpe"] is None or is_annualised
        assert row["max_drawdown"] == pytest.approx(depth, abs=1e-9)
        assert (row["drawdown_peak"], row["drawdown_trough"], row["drawdown_recovery"]) == (peak, trough, recovery)
        assert row["is_complete"] == is_complete
        assert row["cagr"] == (pytest.approx(total ** (1 / years) - 1, abs=1e-9) if is_annualised else None)


def test_a_return_since_inception_needs_the_first_closes(sample_home: Home) -> None:
    with published(sample_home) as release:
        rows = ask(
            release,
            "select fund, inception.start_session, whole.start_session, inception.total_return, whole.total_return"
            " from performance as inception join performance as whole using (fund)"
            " where inception.window_name = 'inception' and whole.window_name = 'all'",
        ).rows()
    began = {row["fund"]: date.fromisoformat(row["inception"]) for row in seed("funds")}
    assert {row[0] for row in rows} == {"VTWO", "SCHA", "VOO"}
    for fund, start, first, since_inception, whole in rows:
        assert start == first
        assert timedelta(0) <= start - began[fund] <= timedelta(days=10)
        assert since_inception == whole


NO_COMPANY = re.compile(r"( |-)(CVR|RIGHTS?|WARRANTS?|ESCROW)( |$)|^ESC ")
LABELS = {"Communication": "Communication Services"}


def is_equity(line: dict[str, object]) -> bool:
    """Whether a raw line is an equity, by the issuers' labels."""
    label, ticker = line["asset_class_label"], str(line["ticker"] or "-")
    if label is None:
        return ticker != "-"
    odd = str(line["exchange"]).startswith("NO MARKET") or NO_COMPANY.search(str(line["name"]).upper())
    return label in ("Equity", "COM", "ADR", "Common Stock", "stock") and not odd


def plain(ticker: object) -> str:
    """A uniform spelling of a share class."""
    return re.sub(r"[./\- ]", "", str(ticker))


def test_sector_weights_are_shares_of_market_value(sample_home: Home) -> None:
    with warehouse(sample_home) as connection:
        raw = ask(connection, "select * from raw.holdings qualify observed_at = max(observed_at) over (partition by fund, as_of)")
    lines = list(raw.iter_rows(named=True))
    newest_first = sorted((line for line in lines if line["fund"] in ("IWM", "IWV")), key=lambda line: line["as_of"])
    by_ticker = {plain(line["ticker"]): line["sector_label"] for line in newest_first if is_equity(line)}
    by_cusip = {line["cusip"]: line["sector_label"] for line in lines if line["cusip"] and line["sector_label"]}
    with published(sample_home) as release:
        weights = ask(release, "select fund, as_of, sector, weight from sector_weights")
    found = {(row[0], row[1], row[2]): row[3] for row in weights.rows()}
    for fund, as_of in {(fund, as_of) for fund, as_of, _ in found}:
        held = [line for line in lines if (line["fund"], line["as_of"]) == (fund, as_of)]
        basis = "stated_weight" if fund in ("SPY", "SCHA") else "market_value"
        total = sum(line[basis] for line in held)
        expected: dict[str, float] = {}
        for line in held:
            stated = line["sector_label"] or by_cusip.get(line["cusip"]) or by_ticker.get(plain(line["ticker"]), "Unclassified")
            sector = stated if is_equity(line) else "Cash and Other"
            sector = LABELS.get(sector, sector)
            expected[sector] = expected.get(sector, 0.0) + line[basis] / total
        stated = {sector: weight for (f, a, sector), weight in found.items() if (f, a) == (fund, as_of)}
        assert len(stated) == 13
        assert sum(stated.values()) == pytest.approx(1, abs=1e-9)
        assert {s: w for s, w in stated.items() if w} == pytest.approx(expected, abs=1e-9), (fund, as_of)


def test_rate_regimes_follow_past_moves(sample_home: Home) -> None:
    with warehouse(sample_home) as connection:
        expected = recomputation.rate_regimes(connection)
    with published(sample_home) as release:
        rows = ask(release, "select session, rate_regime, policy_rate from rate_regime_daily order by session")
    assert rows["session"].to_list() == sorted(expected)
    assert rows["rate_regime"].to_list() == [expected[s][0] for s in rows["session"]]
    np.testing.assert_allclose(rows["policy_rate"], [expected[s][1] for s in rows["session"]], atol=1e-12)


def test_spells_are_the_runs_of_the_daily_labels(sample_home: Home) -> None:
    with published(sample_home) as release:
        for pair in PAIRS:
            days = ask(
                release, "select session, regime from regime_daily where pair = ? and regime is not null order by session", pair
            )
            runs = days.with_columns(run=pl.col("regime").rle_id()).group_by("run", maintain_order=True).agg(
                pl.col("regime").first(), pl.col("session").min().alias("first"), pl.col("session").max().alias("last"), pl.len()
            )  # fmt: skip
            spells = ask(
                release, "select spell_no, regime, first_session, last_session, sessions from regime_spells where pair = ?"
                " order by spell_no", pair,
            )  # fmt: skip
            assert spells.rows() == [(run + 1, *rest) for run, *rest in runs.rows()]
            assert timedelta(0) < spells["last_session"][-1] - spells["first_session"][0]

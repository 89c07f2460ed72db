"""The planted truths of the holdings documents."""

from datetime import date

import polars as pl
import pytest

from orchestration.sample_market import truths
from tests.sample_market.conftest import Ingested

pytestmark = pytest.mark.slow

GICS = {
    "Communication",
    "Consumer Discretionary",
    "Consumer Staples",
    "Energy",
    "Financials",
    "Health Care",
    "Industrials",
    "Information Technology",
    "Materials",
    "Real Estate",
    "Utilities",
}


def _equities(market: Ingested, as_of: date, fund: str = "IWM") -> set[str]:
    """Tickers of listed companies, without unlisted claims and placeholders."""
    lines = market.lines(fund, as_of).filter(
        (pl.col("asset_class_label") == "Equity") & pl.col("exchange").is_in(["NASDAQ", "New York Stock Exchange Inc."])
    )
    assert lines["ticker"].is_unique().all()
    return set(lines["ticker"])


def test_the_snapshots_are_the_planted_ones(market: Ingested) -> None:
    known = market.query("select distinct fund, as_of from raw.holdings order by fund, as_of")
    dates = {fund[0]: tuple(rows["as_of"]) for fund, rows in known.group_by("fund")}
    assert dates["IWM"] == truths.IWM_SNAPSHOTS
    assert dates["IWV"] == (truths.RANK_DAY, *truths.OTHER_SNAPSHOTS)
    assert dates["IVV"] == dates["SPY"] == dates["QQQ"] == truths.OTHER_SNAPSHOTS
    assert dates["VTWO"] == dates["VOO"] == truths.VANGUARD_SNAPSHOTS
    assert dates["SCHA"] == (truths.HAND_DROPPED_SNAPSHOT,)


def test_weights_of_each_snapshot_sum_to_one(market: Ingested) -> None:
    sums = market.query("select fund, as_of, sum(stated_weight) as weight from raw.holdings group by all")
    # Vanguard lists cash separately.
    expected = pl.when(pl.col("fund").is_in(["VTWO", "VOO"])).then(0.996).otherwise(1.0)
    assert sums.select(((pl.col("weight") - expected).abs() < 0.001).all()).item()


@pytest.mark.parametrize(("fund", "other"), [("VTWO", "IWM"), ("VOO", "SPY")])
def test_funds_of_one_index_hold_the_same_names_at_the_same_weights(market: Ingested, fund: str, other: str) -> None:
    as_of = truths.VANGUARD_SNAPSHOTS[0]

    def weights(of: str) -> dict[str, float]:
        lines = market.lines(of, as_of).filter(~pl.col("ticker").is_in(["-", "XTSLA", "USD"]) & (pl.col("quantity") > 0))
        return dict(lines.select(pl.col("ticker").str.replace_all("[. /]", ""), "stated_weight").rows())

    ours, theirs = weights(fund), weights(other)
    shared = ours.keys() & theirs.keys()
    assert len(shared) == len(ours)
    assert sum(min(ours[ticker], theirs[ticker]) for ticker in shared) > 0.99


def test_value_is_price_times_quantity_and_agrees_with_the_weight(market: Ingested) -> None:
    for fund in ("IWM", "IWV"):
        for as_of in truths.OTHER_SNAPSHOTS:
            lines = market.lines(fund, as_of)
            listed = lines.filter(pl.col("exchange").is_in(["NASDAQ", "New York Stock Exchange Inc."]))
            assert listed.select(((pl.col("price") * pl.col("quantity") - pl.col("market_value")).abs() < 0.01).all()).item()
            share = lines["market_value"] / lines["market_value"].sum()
            assert ((share - lines["stated_weight"]).abs() < 0.0001).all()


def test_the_reconstitution_moves_the_planted_counts(market: Ingested) -> None:
    days = (truths.RECONSTITUTION, truths.LINGERING_SNAPSHOT, date(2026, 7, 31))
    eve, lingering, after = (_equities(market, day) for day in days)
    assert len(eve) == truths.IWM_EQUITIES_BEFORE
    assert len(after) == truths.IWM_EQUITIES_AFTER
    assert len(after - eve) == truths.NAMES_JOINING
    assert len(eve - after) == truths.NAMES_LEAVING
    assert lingering == eve | after
    lines = market.lines("IWM", truths.LINGERING_SNAPSHOT)
    assert lines.filter(pl.col("ticker").is_in(list(eve - after)))["stated_weight"].sum() < 0.02
    large = _equities(market, truths.LINGERING_SNAPSHOT, "IWV") - after
    assert len(large) == truths.LARGE_COMPANIES_AFTER
    assert len(large & eve) == truths.NAMES_GRADUATED


def test_a_company_changes_its_ticker_and_nothing_else_changes(market: Ingested) -> None:
    members = {as_of: _equities(market, as_of) for as_of in truths.IWM_SNAPSHOTS if as_of > truths.LINGERING_SNAPSHOT}
    before, after, last = members.values()
    assert before - after == {truths.TICKER_BEFORE}
    assert after - before == {truths.TICKER_AFTER}
    assert after == last
    june, september = (market.lines("SPY", as_of) for as_of in truths.OTHER_SNAPSHOTS)
    old, new = (
        lines.filter(pl.col("ticker") == ticker)["cusip"].item()
        for lines, ticker in ((june, truths.TICKER_BEFORE), (september, truths.TICKER_AFTER))
    )
    assert old == new


def test_unusual_lines_are_present(market: Ingested) -> None:
    lines = market.lines("IWM", truths.IWM_SNAPSHOTS[-1])
    by_ticker = {row["ticker"]: row for row in lines.iter_rows(named=True)}
    assert by_ticker["XTSLA"]["asset_class_label"] == "Money Market"
    assert by_ticker["ETD_USD"]["market_value"] < 0
    assert by_ticker["RTYZ6"]["market_value"] == 0 and by_ticker["RTYZ6"]["notional_value"] > 100e6
    assert {*truths.AWKWARD_TICKERS, truths.ESCROW_TICKER, "USD", "CAD", truths.SMALL_CLASS_TICKER["ishares"]} <= set(by_ticker)
    assert lines["ticker"].null_count() == 3
    assert lines.filter(pl.col("asset_class_label") != "Equity")["stated_weight"].abs().sum() < 0.005
    assert set(lines["sector_label"]) == GICS | {"Cash and/or Derivatives"}
    assert lines["stated_weight"].max() < 0.01


def test_share_classes_have_each_issuers_spelling(market: Ingested) -> None:
    for fund, vendor in (("IWV", "ishares"), ("SPY", "ssga")):
        assert truths.LARGE_CLASS_TICKER[vendor] in set(market.lines(fund, truths.OTHER_SNAPSHOTS[0])["ticker"])


def test_all_snapshots_except_one_are_complete(market: Ingested) -> None:
    for as_of in truths.IWM_SNAPSHOTS:
        held = truths.ESCROW_TICKER in set(market.lines("IWM", as_of)["ticker"])
        assert held == (as_of != truths.BROKEN_LINE_SNAPSHOT)


def test_the_repeated_answer_counts_once(market: Ingested) -> None:
    july, august = (market.lines("IWM", day).height for day in (date(2026, 7, 31), truths.REPEATED_SNAPSHOT))
    assert july == august


def test_sectors_of_the_large_funds_are_in_the_broad_one(market: Ingested) -> None:
    as_of = truths.OTHER_SNAPSHOTS[-1]
    broad = {ticker.replace(" ", "") for ticker in _equities(market, as_of, "IWV")}
    spy = market.lines("SPY", as_of)
    assert spy["ticker"].drop_nulls().str.replace_all(r"\.", "").is_in(list(broad)).all()
    assert spy["sector_label"].null_count() == spy.height == 504
    qqq = market.lines("QQQ", as_of).filter(pl.col("asset_class_label").is_in(["COM", "ADR"]))
    assert qqq.height == truths.QQQ_LINES
    unknown = qqq.filter(~pl.col("ticker").str.replace_all("/", "").is_in(list(broad)))
    assert sorted(unknown["ticker"]) == sorted(truths.FOREIGN_TICKERS)
    assert 0 < unknown["stated_weight"].sum() <= 0.01


def test_small_and_large_companies_differ_in_their_sectors(market: Ingested) -> None:
    as_of = truths.OTHER_SNAPSHOTS[-1]
    sectors = market.lines("IWV", as_of).select("ticker", "sector_label")
    small = market.lines("IWM", as_of).group_by("sector_label").agg(pl.col("stated_weight").sum())
    large = (
        market.lines("SPY", as_of)
        .join(sectors, on="ticker", suffix="_broad")
        .group_by("sector_label_broad")
        .agg(pl.col("stated_weight").sum())
    )
    weights = {"IWM": dict(small.rows()), "SPY": dict(large.rows())}
    for sector in ("Financials", "Health Care", "Industrials"):
        assert weights["IWM"][sector] > weights["SPY"][sector] + 0.02
    assert weights["SPY"]["Information Technology"] > weights["IWM"]["Information Technology"] + 0.10


@pytest.mark.parametrize(("fund", "lines"), [("IWV", 2709), ("SPY", 504), ("QQQ", 103)])
def test_the_other_funds_have_lines(market: Ingested, fund: str, lines: int) -> None:
    assert market.lines(fund, truths.OTHER_SNAPSHOTS[-1]).height == lines

"""The planted truths of the price documents, by independent computation."""

from datetime import date, timedelta
from io import BytesIO

import numpy as np
import polars as pl
import pytest

from orchestration.sample_market import truths
from orchestration.sample_market.documents import SampleDocument, sample_documents
from orchestration.settings import SAMPLE_LAST_SESSION as LAST_SESSION
from orchestration.universe import load_universe
from tests.sample_market.conftest import Ingested

pytestmark = pytest.mark.slow

SYMBOLS = ("IWM", "SPY", "QQQ")
BEFORE, AFTER = truths.PRICE_RETRIEVALS[:2]


def _labels(log_ratio: np.ndarray) -> list[str | None]:
    """An independent implementation of the regime rule: gap to the 200-session mean, ±2 %, hysteresis."""
    labels: list[str | None] = []
    label = None
    for place in range(log_ratio.size):
        if place >= 199:
            gap = log_ratio[place] - log_ratio[place - 199 : place + 1].mean()
            label = "risk_on" if gap > 0.02 else "risk_off" if gap < -0.02 else label
        labels.append(label)
    return labels


def _changes(bars: dict[str, pl.DataFrame]) -> tuple[list[date], list[str | None], list[int]]:
    """Common sessions of both legs, their labels, and the changes of the label."""
    both = bars["IWM"].join(bars["SPY"], on="session", suffix="_spy").sort("session")
    labels = _labels(np.log(both["close"].to_numpy() / both["close_spy"].to_numpy()))
    changes = [place for place in range(1, len(labels)) if labels[place] != labels[place - 1]]
    return both["session"].to_list(), labels, changes


def _final_bars(market: Ingested) -> dict[str, pl.DataFrame]:
    """Closes on the newest split basis; the last retrieval has the whole history."""
    return {symbol: market.bars(symbol) for symbol in SYMBOLS}


def test_the_regime_changes_once_after_each_planted_turn_only(market: Ingested) -> None:
    sessions, labels, changes = _changes(_final_bars(market))
    assert [labels[place] for place in changes] == [turn.label for turn in truths.TURNS]
    for turn, place in zip(truths.TURNS[1:], changes[1:], strict=True):
        assert 0 < place - sessions.index(turn.session) <= truths.TURN_NOTICED_WITHIN
    assert min(np.diff(changes)) >= 150


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_seeds_have_the_same_turns(sessions: pl.DataFrame, seed: int) -> None:
    newest = {d.symbol: d for d in sample_documents("yahoo", "prices", sessions, seed=seed)}
    bars = {
        symbol: pl.read_parquet(BytesIO(newest[symbol].build())).rename({"Date": "session", "Close": "close"})
        for symbol in ("IWM", "SPY")
    }
    _, labels, changes = _changes(bars)
    assert [labels[place] for place in changes] == [turn.label for turn in truths.TURNS]


def test_spy_rises_faster_under_risk_on(market: Ingested) -> None:
    bars = _final_bars(market)
    sessions, labels, _ = _changes(bars)
    spy = bars["SPY"].filter(pl.col("session").is_in(sessions))["close"].to_numpy()
    ahead = 63
    forward = np.log(spy[ahead:] / spy[:-ahead]) * 252 / ahead
    known = np.array([label or "" for label in labels[:-ahead]])
    difference = forward[known == "risk_on"].mean() - forward[known == "risk_off"].mean()
    planted = truths.SPY_DRIFT_A_YEAR["risk_on"] - truths.SPY_DRIFT_A_YEAR["risk_off"]
    assert 0.5 * planted < difference < 1.6 * planted


def test_the_small_caps_stall_before_the_correction(market: Ingested) -> None:
    bars = _final_bars(market)
    begin, end = truths.NARROW_ADVANCE
    gains = {}
    for symbol, frame in bars.items():
        close, days = frame["close"].to_numpy(), frame["session"].to_list()
        assert days.index(end) - days.index(begin) >= 70
        last = days.index(end) + 1
        gains[symbol] = (close[63:] / close[:-63] - 1)[last - 63 - truths.NARROW_LEAST_SESSIONS : last - 63]
    narrow = (gains["SPY"] > 0.02) & (gains["QQQ"] > 0.02) & (gains["IWM"] <= 0)
    assert narrow.size == truths.NARROW_LEAST_SESSIONS
    assert narrow.all()


@pytest.mark.parametrize("correction", truths.CORRECTIONS, ids=lambda c: str(c.peak))
def test_each_planted_correction_falls_and_recovers(market: Ingested, correction: truths.Correction) -> None:
    spy = market.bars("SPY")
    month = timedelta(days=30)
    window = spy.filter(pl.col("session").is_between(correction.peak - month, correction.recovery))["close"].to_numpy()
    drawdown = 1 - (window / np.maximum.accumulate(window)).min()
    assert drawdown >= truths.LEAST_DRAWDOWN.get(correction.peak, truths.LEAST_OTHER_DRAWDOWN)
    around_peak = spy.filter(pl.col("session").is_between(correction.peak - month, correction.peak + month))["close"].max()
    later = spy.filter(pl.col("session").is_between(correction.trough, correction.recovery + timedelta(days=500)))["close"].max()
    assert later >= around_peak


@pytest.mark.parametrize(("fund", "leader"), [("VTWO", "IWM"), ("VOO", "SPY"), ("SCHA", "IWM")])
def test_a_fund_follows_its_index_minus_its_costs(market: Ingested, fund: str, leader: str) -> None:
    both = market.bars(fund).join(market.bars(leader), on="session", suffix="_leader").sort("session")
    assert both["session"][0] >= date.fromisoformat(load_universe()[fund].inception)
    # Yahoo's adjusted closes include dividends and splits.
    gap = np.log(both["vendor_adj_close"].to_numpy() / both["vendor_adj_close_leader"].to_numpy())
    years = (both["session"][-1] - both["session"][0]).days / 365.25
    cheaper = truths.EXPENSE_RATIO[leader] - truths.EXPENSE_RATIO[fund]
    same_index = load_universe()[fund].index_name == load_universe()[leader].index_name
    daily = np.diff(gap).std() * np.sqrt(252)
    assert daily < 0.01 if same_index else 0.01 < daily < 0.05
    assert (gap[-1] - gap[0]) / years == pytest.approx(cheaper, abs=0.0006 if same_index else 0.002)
    trend = np.polyfit(np.arange(gap.size) / 252, gap, 1)[0]
    assert trend == pytest.approx(cheaper, abs=0.0005)


def test_volatility_is_realistic(market: Ingested) -> None:
    for symbol, lowest, highest in (("SPY", 0.13, 0.19), ("QQQ", 0.18, 0.26), ("IWM", 0.18, 0.25)):
        returns = np.diff(np.log(market.bars(symbol)["close"].to_numpy()))
        assert lowest < returns.std() * np.sqrt(252) < highest
        assert np.abs(returns).max() < 0.15


def test_a_split_between_two_retrievals_changes_the_basis(market: Ingested) -> None:
    ratio = truths.SPLITS["QQQ", date(2026, 8, 17)]
    old, new = market.bars("QQQ", BEFORE), market.bars("QQQ", AFTER).filter(pl.col("session") < BEFORE.date())
    both = old.join(new, on="session", suffix="_new")
    assert both.height == new.height
    np.testing.assert_allclose(both["close"] / both["close_new"], ratio)
    np.testing.assert_allclose(both["volume_new"] / both["volume"], ratio)
    dividends = market.query(
        "select ex_date, value, observed_at from raw.corporate_actions where symbol = 'QQQ' and kind = 'dividend' and value > 0"
        " and ex_date < ? order by ex_date, observed_at",
        BEFORE.date(),
    )
    values = dividends.group_by("ex_date").agg(pl.col("value").first() / pl.col("value").last())["value"]
    np.testing.assert_allclose(values, ratio)
    splits = market.query("select symbol, ex_date, value from raw.corporate_actions where kind = 'split' and value > 0")
    assert {(symbol, day): value for symbol, day, value in splits.rows()} == truths.SPLITS


def test_adjusted_closes_are_as_of_their_retrieval(market: Ingested) -> None:
    for retrieved_at in truths.PRICE_RETRIEVALS:
        bars = market.bars("SPY", retrieved_at)
        assert bars["vendor_adj_close"][-1] == bars["close"][-1]
    ex_date = truths.EX_DATES_BETWEEN_RETRIEVALS["SPY"]
    last_shared = date(2026, 6, 29)
    before, after = (
        market.bars("SPY", at).filter(pl.col("session") == last_shared)["vendor_adj_close"].item() for at in (BEFORE, AFTER)
    )
    dividend = market.query("select value from raw.corporate_actions where symbol = 'SPY' and ex_date = ?", ex_date).item()
    previous = market.bars("SPY").filter(pl.col("session") < ex_date)["close"][-1]
    assert after / before == pytest.approx(1 - dividend / previous)


def test_total_returns_agree_with_adjusted_closes(market: Ingested) -> None:
    bars = market.bars("QQQ")
    dividends = market.query(
        "select ex_date as session, value from raw.corporate_actions where symbol = 'QQQ' and kind = 'dividend'"
        " qualify row_number() over (partition by ex_date order by observed_at desc) = 1"
    )
    dividend = bars.join(dividends, on="session", how="left", maintain_order="left")["value"].fill_null(0).to_numpy()
    close, adjusted = bars["close"].to_numpy(), bars["vendor_adj_close"].to_numpy()
    # Yahoo divides by 1 - D/P, a total return multiplies by 1 + D/P': equal to first order.
    np.testing.assert_allclose((close[1:] + dividend[1:]) / close[:-1], adjusted[1:] / adjusted[:-1], rtol=5e-4)


def test_exactly_one_session_is_missing(market: Ingested, sessions: pl.DataFrame) -> None:
    wanted = sessions.filter(pl.col("session").is_between(truths.FIRST_SESSION, LAST_SESSION))["session"]
    for symbol in SYMBOLS:
        missing = set(wanted) - set(market.bars(symbol)["session"])
        assert missing == ({truths.MISSING_BAR.session} if symbol == truths.MISSING_BAR.symbol else set())


def test_a_bar_without_prices_is_complete_later(market: Ingested) -> None:
    observed = market.query(
        "select observed_at from raw.price_bars where symbol = ? and session = ?",
        truths.HEALED_BAR.symbol,
        truths.HEALED_BAR.session,
    )
    assert observed["observed_at"].to_list() == [AFTER.replace(tzinfo=None)]


def test_one_settled_bar_is_restated_without_explanation(market: Ingested) -> None:
    symbol = truths.RESTATED_BAR.symbol
    old, new = market.bars(symbol, BEFORE), market.bars(symbol)
    both = old.join(new, on="session", suffix="_new").filter(pl.col("session") < BEFORE.date())
    differing = both.filter(pl.col("close") != pl.col("close_new"))
    assert differing["session"].to_list() == [truths.RESTATED_BAR.session]
    assert differing["close"].item() / differing["close_new"].item() == pytest.approx(truths.RESTATED_FACTOR, abs=1e-4)
    assert both["volume"].equals(both["volume_new"])


def test_the_newest_volume_is_provisional(market: Ingested) -> None:
    observed = market.query(
        "select volume from raw.price_bars where symbol = 'IWM' and session = ? order by observed_at", AFTER.date()
    )["volume"]
    assert observed[0] / observed[1] == pytest.approx(1 - truths.VOLUME_STILL_MISSING, abs=1e-3)


def test_bars_have_yahoos_format(documents: list[tuple[SampleDocument, bytes]]) -> None:
    for document, content in documents:
        if (document.vendor, document.kind) != ("yahoo", "prices"):
            continue
        table = pl.read_parquet(BytesIO(content))
        assert list(table.schema.items()) == [("Date", pl.Date)] + [
            (name, pl.Float64) for name in ("Open", "High", "Low", "Close", "Adj Close", "Volume", "Dividends", "Stock Splits")
        ]
        priced = table.filter(pl.col("Close").is_not_nan())
        assert (priced["High"] >= priced.select(pl.max_horizontal("Open", "Close")).to_series()).all()
        assert (priced["Low"] <= priced.select(pl.min_horizontal("Open", "Close")).to_series()).all()
        assert (priced["Low"] > 0).all()
        assert (table["Volume"] == table["Volume"].round()).all()
        assert table["Date"][-1] == document.retrieved_at.date()

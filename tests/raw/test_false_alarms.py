"""Rare but true events are not quarantined, neither in a first document nor in a later one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from tests.raw.conftest import MakeDesk
from tests.raw.market import (
    AT,
    DAY,
    SESSIONS,
    UNIVERSE,
    Desk,
    Snapshot,
    adjusted,
    answered,
    at,
    bars,
    changed,
    fund,
    holdings,
)

pytestmark = pytest.mark.slow

FUNDS = ("IWM", "SPY", "QQQ")
Market = dict[str, pl.DataFrame]
PRICES = ("Open", "High", "Low", "Close")
EVENT = 30  # sessions before the end


def _from(frame: pl.DataFrame, back: int) -> pl.Expr:
    return pl.col("Date") >= frame["Date"][-1 - back]


def _moved(frame: pl.DataFrame, back: int, move: float) -> pl.DataFrame:
    """The market moves between open and close of one session and does not return."""
    day, after = at(frame, back), _from(frame, back - 1)
    low = pl.when(day).then(pl.min_horizontal("Low", pl.col("Close") * (1 + move))).otherwise("Low")
    high = pl.when(day).then(pl.max_horizontal("High", pl.col("Close") * (1 + move))).otherwise("High")
    frame = frame.with_columns(Low=low, High=high)
    moved = [pl.when(after).then(pl.col(c) * (1 + move)).otherwise(c).alias(c) for c in ("Open", "High", "Low")]
    close = pl.when(day | after).then(pl.col("Close") * (1 + move)).otherwise("Close").alias("Close")
    return frame.with_columns(*moved, close)


def _crash() -> Market:
    """As on 1987-10-19: every fund loses 20.5 % on one day, a little more or less, on five times the volume."""
    moves = {"IWM": -0.19, "SPY": -0.205, "QQQ": -0.215}
    return {f: adjusted(changed(_moved(bars(f), EVENT, moves[f]), EVENT, Volume=5)) for f in FUNDS}


def _panic() -> Market:
    """As in March 2020: four weeks of moves up to 12 % a day in both directions, larger in the smaller fund."""
    shared = np.random.default_rng(2020).choice([-0.12, -0.095, -0.05, 0.06, 0.09, 0.093], 20)
    market = {}
    for f in FUNDS:
        frame, own = bars(f), np.random.default_rng([3, *f.encode()]).normal(0, 0.006, 20)
        for place in range(20):
            frame = _moved(frame, EVENT + 20 - place, float(shared[place] * (1.15 if f == "IWM" else 1) + own[place]))
        market[f] = adjusted(frame)
    return market


def _with_iwm(frame: pl.DataFrame) -> Market:
    return {"IWM": frame, "SPY": bars("SPY"), "QQQ": bars("QQQ")}


def _split(ratio: float) -> Market:
    """The history after a split: earlier prices, dividends and volumes are on the new basis."""
    frame = bars("IWM").with_columns(pl.col(*PRICES, "Dividends") / ratio, pl.col("Volume") * ratio)
    return _with_iwm(adjusted(frame.with_columns(pl.when(at(frame, EVENT)).then(ratio).otherwise(0.0).alias("Stock Splits"))))


def _before_split() -> pl.DataFrame:
    """The history on the evening before the split."""
    return adjusted(bars("IWM").head(bars("IWM").height - EVENT - 1))


def _special(share: float) -> Market:
    """A distribution of a fraction of the price, by which the price falls."""
    frame = bars("IWM")
    paid = round(frame["Close"][-2 - EVENT] * share, 2)
    lower = [pl.when(_from(frame, EVENT)).then(pl.col(c) * (1 - share)).otherwise(c).alias(c) for c in PRICES]
    dividend = pl.when(at(frame, EVENT)).then(paid).otherwise("Dividends").alias("Dividends")
    return _with_iwm(adjusted(frame.with_columns(*lower, dividend)))


def _half_day() -> Market:
    """A tenth of the volume."""
    return {f: changed(bars(f), EVENT, Volume=0.1) for f in FUNDS}


def _not_adjusted_yet() -> Market:
    """The newest session is an ex-date whose dividend is not in the adjusted closes yet."""
    frame = bars("IWM").filter(pl.col("Date") <= _EX_DATE)
    raw = adjusted(frame.with_columns(pl.when(at(frame, 0)).then(0.0).otherwise("Dividends").alias("Dividends")))
    shown = raw.with_columns(Dividends=frame["Dividends"])
    return {"IWM": shown} | {f: bars(f).filter(pl.col("Date") <= _EX_DATE) for f in ("SPY", "QQQ")}


_EX_DATE: date = bars("IWM").filter(pl.col("Dividends") > 0)["Date"][-1]

MARKETS: dict[str, Callable[[], Market]] = {
    "the market as it is": lambda: {f: bars(f) for f in FUNDS},
    "a crash in a day": _crash,
    "weeks of panic": _panic,
    "a split of 2 for 1": lambda: _split(2.0),
    "a reverse split of 1 for 5": lambda: _split(0.2),
    "a special dividend of 3 %": lambda: _special(0.03),
    "a half day": _half_day,
    "a dividend that is not in the adjusted closes yet": _not_adjusted_yet,
}


def test_the_events_are_as_described() -> None:
    moves = {name: MARKETS[name]()["IWM"]["Close"].pct_change() for name in MARKETS}
    assert moves["a crash in a day"][-1 - EVENT] < -0.17
    panic = moves["weeks of panic"][-21 - EVENT : -EVENT]
    assert (panic.abs() > 0.05).sum() > 15
    assert panic.min() < -0.11 < 0.1 < panic.max()  # type: ignore[operator]
    assert moves["a special dividend of 3 %"][-1 - EVENT] < moves["the market as it is"][-1 - EVENT] - 0.025
    assert _before_split()["Close"][-1] == 2 * _split(2.0)["IWM"]["Close"][-2 - EVENT]


def _assert_nothing_in_quarantine(desk: Desk) -> None:
    assert desk.in_quarantine() == []
    assert desk.sql("select path, reason from raw.documents where status <> 'accepted'") == []


@pytest.mark.parametrize("name", MARKETS)
def test_first_documents(name: str, make_desk: MakeDesk) -> None:
    desk = make_desk("empty")
    for symbol, frame in MARKETS[name]().items():
        desk.prices(symbol, frame, answered(frame["Date"][-1]))
    desk.run()
    _assert_nothing_in_quarantine(desk)


@pytest.mark.parametrize("name", MARKETS)
def test_a_fund_alone(name: str, make_desk: MakeDesk) -> None:
    """Without another fund to compare with."""
    desk = make_desk("empty")
    frame = MARKETS[name]()["IWM"]
    desk.prices("IWM", frame, answered(frame["Date"][-1]))
    desk.run()
    _assert_nothing_in_quarantine(desk)


@pytest.mark.parametrize("name", [name for name in MARKETS if "split" not in name])
def test_day_by_day_around_the_event(name: str, make_desk: MakeDesk) -> None:
    """The history on each evening, adjusted as of then: the event as the newest bar, and the bars after it."""
    desk, market = make_desk("empty"), MARKETS[name]()
    first = 5 if name == "a dividend that is not in the adjusted closes yet" else EVENT + 3
    for back in range(first, max(first - 6, -1), -1):
        for symbol, frame in market.items():
            shown = frame.head(frame.height - back)
            shown = shown if back == 0 else adjusted(shown)
            desk.prices(symbol, shown, answered(shown["Date"][-1]))
        desk.run()
        _assert_nothing_in_quarantine(desk)


@pytest.mark.parametrize("ratio", [2.0, 3.0, 0.2])
def test_before_and_after_a_split(ratio: float, make_desk: MakeDesk) -> None:
    desk = make_desk("neighbours")
    desk.prices("IWM", _before_split(), answered(SESSIONS[-2 - EVENT]))
    desk.run()
    after = _split(ratio)["IWM"]
    for back in (EVENT, EVENT - 1, 0):
        shown = adjusted(after.head(after.height - back))
        desk.prices("IWM", shown, answered(shown["Date"][-1]))
        desk.run()
        _assert_nothing_in_quarantine(desk)
    known = dict(
        desk.sql(
            "select session, close from raw.price_bars where symbol = 'IWM'"
            " qualify row_number() over (partition by session order by observed_at desc) = 1"
        )
    )
    assert known == dict(after.select("Date", "Close").iter_rows())


def test_a_short_answer_after_a_split_and_then_the_whole_history(make_desk: MakeDesk) -> None:
    desk = make_desk("neighbours")
    desk.prices("IWM", _before_split(), answered(SESSIONS[-2 - EVENT]))
    after = _split(2.0)["IWM"]
    desk.prices("IWM", after.tail(45), AT)
    desk.prices("IWM", after, AT + DAY)
    desk.run()
    _assert_nothing_in_quarantine(desk)


def test_a_short_answer_that_begins_with_a_new_fund(make_desk: MakeDesk) -> None:
    """The window of a daily answer begins on the first day of a fund that was added to the universe."""
    desk = make_desk("neighbours")
    desk.prices("SPY", bars("SPY").tail(45), AT + DAY)
    desk.run(UNIVERSE | {"NEW": fund("NEW", prices="NEW", inception=SESSIONS[-45])})
    _assert_nothing_in_quarantine(desk)


def test_a_snapshot_of_the_evening_before_a_split(make_desk: MakeDesk) -> None:
    """The closes were retrieved in that night, after midnight UTC: they and the shares are on the same split basis."""
    desk, last = make_desk("neighbours"), bars("IWM").tail(1)
    desk.prices("IWM", bars("IWM").head(-1), answered(SESSIONS[-2]))
    desk.prices("IWM", last.with_columns(pl.col(*PRICES, "Adj Close") / 2, pl.lit(2.0).alias("Stock Splits")), AT)
    desk.holdings(holdings("IWM", 1), AT)
    desk.run()
    _assert_nothing_in_quarantine(desk)


def test_a_volume_that_is_restated(make_desk: MakeDesk) -> None:
    """The newest volumes grow for days, and an older one is corrected."""
    desk, frame = make_desk("neighbours"), bars("IWM")
    first = frame
    for back, factor in ((0, 0.3), (1, 0.95), (2, 0.99), (200, 0.6)):
        first = changed(first, back, Volume=factor)
    desk.prices("IWM", first)
    desk.run()
    desk.prices("IWM", frame, AT + DAY)
    desk.run()
    _assert_nothing_in_quarantine(desk)


def test_adjusted_closes_in_cents(make_desk: MakeDesk) -> None:
    desk = make_desk("neighbours")
    desk.prices("IWM", bars("IWM").with_columns(pl.col("Adj Close").round(2)))
    desk.run()
    _assert_nothing_in_quarantine(desk)


# Holdings


def _reconstituted(share: float) -> Snapshot:
    """Replace the smallest names by other companies."""
    snapshot = holdings("IWM")
    other = pl.int_range(pl.len()) >= pl.len() * (1 - share)
    return snapshot.with_lines(
        pl.when(other).then(pl.format("Z{}", "ticker")).otherwise("ticker").alias("ticker"),
        pl.when(other).then(pl.format("QX {}", "name")).otherwise("name").alias("name"),
    )


def _renamed(names: int) -> Snapshot:
    """Companies change their ticker, and some their name."""
    line = pl.int_range(pl.len())
    return holdings("IWM").with_lines(
        pl.when(line % 50 < names).then(pl.format("{}X", "ticker")).otherwise("ticker").alias("ticker"),
        pl.when(line % 100 < names).then(pl.format("NEW {}", "name")).otherwise("name").alias("name"),
    )


def _stock_split() -> Snapshot:
    """The largest company splits its shares 10 for 1."""
    return holdings("IWM").times(pl.int_range(pl.len()) == 0, quantity=10, price=0.1)


def _crashed() -> Snapshot:
    """Every price is 35 % lower, as in March 2020, and a tenth of the companies lost 70 %."""
    snapshot = holdings("IWM").undeclared().times(price=0.65, value=0.65)
    return snapshot.times(pl.int_range(pl.len()) % 10 == 0, price=0.46, value=0.46)


def _relabelled() -> Snapshot:
    """One company in twenty moves to another sector."""
    moved = pl.int_range(pl.len()) % 20 == 0
    return holdings("IWM").with_lines(pl.when(moved).then(pl.lit("Materials")).otherwise("sector").alias("sector"))


SNAPSHOTS: dict[str, Callable[[], Snapshot]] = {
    "the next snapshot": lambda: holdings("IWM"),
    "a reconstitution of a fifth of the names": lambda: _reconstituted(0.2),
    "other tickers and names": lambda: _renamed(1),
    "a company's split": _stock_split,
    "a market a third lower": _crashed,
    "other sectors": _relabelled,
    "another layout without sectors": lambda: holdings("IWM").with_lines(pl.lit("-").alias("sector")),
    "fund flows of a fifth": lambda: replace(
        holdings("IWM").times(quantity=0.8, value=0.8), shares=0.8 * float(holdings("IWM").shares or 0)
    ),
}


@pytest.mark.parametrize("name", SNAPSHOTS)
@pytest.mark.parametrize("begin", ["empty", "known"])
def test_snapshots(name: str, begin: str, make_desk: MakeDesk) -> None:
    """After the fund's snapshot of 25 sessions before; with its closes and the larger fund known; and in reverse order."""
    desk = make_desk(begin)
    desk.holdings(holdings("IWM", 1))
    desk.holdings(SNAPSHOTS[name]())
    desk.run()
    _assert_nothing_in_quarantine(desk)


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_first_snapshots(name: str, make_desk: MakeDesk) -> None:
    desk = make_desk("neighbours")
    desk.prices("IWM", bars("IWM"))
    desk.holdings(holdings("IWV", 25))
    desk.holdings(SNAPSHOTS[name]())
    desk.run()
    _assert_nothing_in_quarantine(desk)

"""The order of arrival does not matter; and the effect of later documents on earlier ones."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.landing.documents import Document
from tests.raw.conftest import MakeDesk
from tests.raw.market import (
    AT,
    DAY,
    SESSIONS,
    Desk,
    adjusted,
    answered,
    bars,
    changed,
    holdings,
    rates,
    scaled,
)

pytestmark = pytest.mark.slow

Put = Callable[[Desk], Document]
IWM = bars("IWM")
PRICES = ("Open", "High", "Low", "Close")
EX_DATE = IWM.filter(pl.col("Dividends") > 0)["Date"][-1]


def _until(back: int, frame: pl.DataFrame = IWM) -> pl.DataFrame:
    return frame.head(frame.height - back)


def _prices(frame: pl.DataFrame, back: int, hours: int = 0) -> Put:
    """The answer on the evening of a session: the bars up to it."""
    when = answered(SESSIONS[-1 - back]) + hours * DAY / 24
    return lambda desk: desk.prices("IWM", adjusted(_until(back, frame)), when)


def _as_adjusted(frame: pl.DataFrame) -> pl.DataFrame:
    """Adjusted closes instead of closes, as in the output of some tools."""
    ratio = pl.col("Adj Close") / pl.col("Close")
    return frame.with_columns(pl.col(c) * ratio for c in PRICES).with_columns(Dividends=pl.lit(0.0))


def price_pool() -> list[Put]:
    """Honest answers of some evenings, with faulty ones between them."""
    no_events = IWM.with_columns(Dividends=pl.lit(0.0))
    return [
        _prices(IWM, 12),
        _prices(IWM, 8),
        _prices(IWM, 5),
        _prices(IWM, 0),
        _prices(scaled(IWM, 60, 1.2), 7),  # one row is wrong
        _prices(scaled(IWM, 6, 1.1), 6),  # the newest bar jumps
        _prices(changed(IWM, 80, Volume=100), 4, 1),
        _prices(bars("SPY").filter(pl.col("Date") >= SESSIONS[100]), 9),
        lambda desk: desk.prices(
            "IWM", _until(3, no_events), answered(SESSIONS[-4])
        ),  # no events, although closes are adjusted for them
        lambda desk: desk.prices("IWM", _as_adjusted(IWM), answered(SESSIONS[-1]) + DAY),
        _prices(IWM.with_columns(pl.col("Open", "High", "Low", "Close") * 1.0005), 2),
        _prices(IWM.with_columns(Volume=pl.col("Volume") * 1.1), 1),
    ]


def holdings_pool() -> list[Put]:
    """Honest snapshots, with faulty ones between them."""
    then = holdings("IWM", 12).undeclared()
    return [
        lambda desk: desk.holdings(holdings("IWM", 15)),
        lambda desk: desk.holdings(holdings("IWM", 8)),
        lambda desk: desk.holdings(holdings("IWM", 0)),
        lambda desk: desk.holdings(holdings("IWM", 0), AT + DAY),
        lambda desk: desk.holdings(then.times(value=1000, price=1000)),
        lambda desk: desk.holdings(holdings("IWM", 4).with_lines(pl.lit("Financials").alias("sector"))),
        lambda desk: desk.holdings(holdings("IWM", 2).undeclared().times(quantity=0.1, price=10)),
    ]


def rate_pool() -> list[Put]:
    """Honest answers, with faulty ones between them."""
    effective = rates("DFF")

    def put(frame: pl.DataFrame, days_ago: int) -> Put:
        kept = frame.head(frame.height - days_ago)
        return lambda desk: desk.rates("DFF", kept, AT - days_ago * DAY)

    one_wrong = pl.when(pl.col("date") == effective["date"][300]).then(9.0).otherwise("value")
    none_there = pl.when(pl.col("date") == effective["date"][310]).then(None).otherwise("value")
    return [
        put(effective, 9),
        put(effective, 5),
        put(effective, 0),
        put(effective.with_columns(value=one_wrong), 7),
        put(effective.with_columns(value=none_there), 3),
        put(effective.with_columns(pl.col("value") / 100), 4),
        put(effective.with_columns((pl.col("value") + 0.01).round(2)), 2),
        put(effective.with_columns((pl.col("value") + 0.03).round(2)), 1),
    ]


def _outcomes(desk: Desk) -> list[tuple[object, ...]]:
    columns = "document_id, status, rule, as_of, rows_accepted, rows_rejected, rows_quarantined"
    return desk.sql(f"select {columns} from raw.documents order by all")


@pytest.mark.parametrize("kind", ["prices", "holdings", "rates"])
@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_documents_one_by_one_in_any_order_give_the_same_result(
    kind: str, data: st.DataObject, beginnings: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With the other funds known before, because a document is compared with the funds known at its time."""
    pool = {"prices": price_pool, "holdings": holdings_pool, "rates": rate_pool}[kind]()
    places = data.draw(st.lists(st.integers(0, len(pool) - 1), min_size=2, max_size=6, unique=True))
    begin = beginnings["with_rates" if kind == "rates" else "neighbours"]
    at_once, as_they_come = (Desk(tmp_path_factory.mktemp(name), begin) for name in ("once", "come"))
    for place in places:
        pool[place](at_once)
        pool[place](as_they_come)
        as_they_come.run()
    at_once.run()
    assert _outcomes(as_they_come) == _outcomes(at_once)
    assert as_they_come.in_quarantine() == at_once.in_quarantine()
    assert as_they_come.contents() == at_once.contents()
    before = as_they_come.contents()
    as_they_come.run()
    assert as_they_come.contents() == before
    at_once.connection.close()
    as_they_come.connection.close()


WRONG_FIRST: dict[str, tuple[str, Put, Put]] = {
    "adjusted closes": ("neighbours", lambda desk: desk.prices("IWM", _as_adjusted(IWM), AT - DAY), _prices(IWM, 0)),
    "another fund's prices": (
        "neighbours",
        lambda desk: desk.prices("IWM", bars("SPY").filter(pl.col("Date") >= SESSIONS[100]), AT - DAY),
        _prices(IWM, 0),
    ),
    "a wrong level": (
        "neighbours",
        lambda desk: desk.prices("IWM", _half_the_level(300), AT - DAY),
        _prices(IWM, 0),
    ),
    "rates as fractions": (
        "with_rates",
        lambda desk: desk.rates("DFF", rates("DFF").with_columns(pl.col("value") / 100), AT - DAY),
        lambda desk: desk.rates("DFF", rates("DFF")),
    ),
}  # fmt: skip


def _half_the_level(back: int) -> pl.DataFrame:
    older = pl.col("Date") < IWM["Date"][-1 - back]
    return adjusted(IWM.with_columns(pl.when(older).then(pl.col(c) / 2).otherwise(c).alias(c) for c in PRICES))


@pytest.mark.parametrize("name", WRONG_FIRST)
@pytest.mark.parametrize("together", [True, False])
def test_a_wrong_first_document_does_not_block_the_right_one(name: str, together: bool, make_desk: MakeDesk) -> None:
    begin, put_wrong, put_right = WRONG_FIRST[name]
    desk, twin = make_desk(begin), make_desk(begin)
    wrong = put_wrong(desk)
    if not together:
        desk.run()
    right = put_right(desk)
    desk.run()
    put_right(twin)
    twin.run()
    assert (desk.status(wrong), desk.status(right)) == ("quarantined", "accepted")
    assert desk.last_known() == twin.last_known()


def test_two_later_documents_that_agree_outvote_a_wrong_first_one(make_desk: MakeDesk) -> None:
    """Nothing else shows which is right: no other fund, no close."""
    desk, twin = make_desk("empty"), make_desk("empty")
    wrong = desk.holdings(holdings("IWM", 10).undeclared().times(value=1000, price=1000))
    desk.run()
    second = desk.holdings(holdings("IWM", 5).undeclared())
    desk.run()
    assert (desk.status(wrong), desk.status(second)) == ("accepted", "quarantined")
    third = desk.holdings(holdings("IWM").undeclared())
    desk.run()
    assert [desk.status(one) for one in (wrong, second, third)] == ["quarantined", "accepted", "accepted"]
    assert "2 later documents contradict it and agree with each other" in str(desk.in_quarantine())
    twin.holdings(holdings("IWM", 5).undeclared())
    twin.holdings(holdings("IWM").undeclared())
    twin.run()
    assert desk.last_known() == twin.last_known()


def test_a_second_wrong_document_does_not_outvote_without_agreement(make_desk: MakeDesk) -> None:
    desk = make_desk("empty")
    right = desk.holdings(holdings("IWM", 10).undeclared())
    wrong = [
        desk.holdings(holdings("IWM", 5).undeclared().times(value=1000, price=1000)),
        desk.holdings(holdings("IWM").undeclared().times(value=0.001, price=0.001)),
    ]
    desk.run()
    assert desk.status(right) == "accepted"
    assert [desk.status(one) for one in wrong] == ["quarantined", "quarantined"]


def test_a_jump_of_the_newest_bar_is_used_after_confirmation(make_desk: MakeDesk) -> None:
    """A true fall of one fund by 10 %: every bar from that day on is lower."""
    fallen = pl.col("Date") >= SESSIONS[-2]
    lower = [pl.when(fallen).then(pl.col(c) * 0.9).otherwise(c).alias(c) for c in PRICES]
    truth = adjusted(IWM.with_columns(lower))
    desk = make_desk("neighbours")
    first = desk.prices("IWM", _until(1, truth), answered(SESSIONS[-2]))
    desk.run()
    assert desk.status(first) == "accepted"
    assert desk.broken(first) == {"newest_close_is_confirmed"}
    on_that_day = f"select close from raw.price_bars where symbol = 'IWM' and session = '{SESSIONS[-2]}'"
    assert desk.sql(on_that_day) == []
    second = desk.prices("IWM", truth)
    desk.run()
    assert (desk.status(second), desk.broken(second)) == ("accepted", set())
    assert desk.sql(on_that_day) == [(truth["Close"][-2],)]


def test_an_unconfirmed_jump_of_the_newest_bar_is_never_used(make_desk: MakeDesk) -> None:
    desk, twin = make_desk("neighbours"), make_desk("neighbours")
    desk.prices("IWM", scaled(_until(1), 0, 1.1), answered(SESSIONS[-2]))
    desk.run()
    for one in (desk, twin):
        one.prices("IWM", IWM)
        one.run()
    assert desk.last_known() == twin.last_known()


@pytest.mark.parametrize("events", ["zero", "absent"])
def test_missing_events_withdraw_nothing(events: str, make_desk: MakeDesk) -> None:
    desk = make_desk("neighbours")
    desk.prices("IWM", _until(5), answered(SESSIONS[-6]))
    desk.run()
    paid = desk.last_known()["corporate_actions"]
    assert len({row for row in paid if row[0] == "IWM"}) == IWM.filter(pl.col("Dividends") > 0).height
    without = IWM.with_columns(pl.lit(0.0).alias(c) for c in ("Dividends", "Stock Splits"))
    later = desk.prices("IWM", without if events == "zero" else without.drop("Dividends", "Stock Splits"))
    desk.run()
    assert desk.status(later) == "accepted"
    assert desk.last_known()["corporate_actions"] == paid
    assert len({row for row in desk.last_known()["price_bars"] if row[0] == "IWM"}) == IWM.height


def test_a_very_small_dividend_is_not_withdrawn_by_zero(make_desk: MakeDesk) -> None:
    desk = make_desk("neighbours")
    small = adjusted(IWM.with_columns(pl.col("Dividends") / 20))
    desk.prices("IWM", small)
    desk.prices("IWM", small.with_columns(Dividends=pl.lit(0.0)), AT + DAY)
    desk.run()
    paid = {row for row in desk.last_known()["corporate_actions"] if row[0] == "IWM"}
    assert len(paid) == IWM.filter(pl.col("Dividends") > 0).height


def test_a_rejected_bar_keeps_its_dividend(make_desk: MakeDesk) -> None:
    desk = make_desk("neighbours")
    frame = IWM.with_columns(
        pl.when(pl.col("Date") == EX_DATE).then(float("nan")).otherwise(c).alias(c) for c in ("Open", "Close")
    )
    desk.prices("IWM", frame)
    desk.run()
    assert desk.sql(f"select * from raw.price_bars where symbol = 'IWM' and session = '{EX_DATE}'") == []
    value = IWM.filter(pl.col("Date") == EX_DATE)["Dividends"][0]
    assert desk.sql(f"select value from raw.corporate_actions where symbol = 'IWM' and ex_date = '{EX_DATE}'") == [(value,)]


def test_two_rows_with_the_same_prices_give_the_larger_volume(make_desk: MakeDesk) -> None:
    desk = make_desk("neighbours")
    again = IWM.tail(1).with_columns(pl.col("Volume") - 1000)
    document = desk.prices("IWM", pl.concat([_until(1), again, IWM.tail(1)]))
    (outcome,) = desk.run()
    assert (outcome.rows_accepted, outcome.rows_rejected) == (IWM.height, 1)
    assert desk.status(document) == "accepted"
    volume = f"select volume from raw.price_bars where symbol = 'IWM' and session = '{SESSIONS[-1]}'"
    assert desk.sql(volume) == [(int(IWM["Volume"][-1]),)]


def test_two_rows_with_different_prices_give_no_price(make_desk: MakeDesk) -> None:
    desk = make_desk("neighbours")
    desk.prices("IWM", pl.concat([_until(1), changed(IWM.tail(1), 0, Close=0.999), IWM.tail(1)]))
    (outcome,) = desk.run()
    assert (outcome.rows_accepted, outcome.rows_rejected) == (IWM.height - 1, 2)

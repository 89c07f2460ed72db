"""Every rule for market capitalisations: a session that breaks it, and an honest one just inside."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from io import BytesIO

import polars as pl
import pytest

from orchestration.landing.documents import Document
from orchestration.vendors.yahoo.screener import FIELDS
from tests.raw.cases import Case, Put, check_faulty, check_honest, nothing_more
from tests.raw.conftest import MakeDesk
from tests.raw.market import AT, SESSIONS, Desk

STOCKS = 3000
LONG_BEFORE, BEFORE, LAST = SESSIONS[-20], SESSIONS[-4], SESSIONS[-1]


def table(session: object = LAST, stocks: int = STOCKS, first: int = 0) -> pl.DataFrame:
    """Yahoo's fields for some stocks, whose capitalisation is price times shares."""
    assert not isinstance(session, int)
    closed = datetime.combine(session, time(20), UTC)  # type: ignore[arg-type]
    places = range(first, first + stocks)
    return pl.DataFrame(
        {
            "symbol": [f"S{place:04}" for place in places],
            "longName": [f"Stock {place} Inc" for place in places],
            "shortName": None,
            "exchange": "NYQ",
            "quoteType": "EQUITY",
            "currency": "USD",
            "regularMarketPrice": [10.0 + place % 90 for place in places],
            "regularMarketTime": int(closed.timestamp()),
            "marketCap": [(10.0 + place % 90) * 1e6 * (1 + place) for place in places],
            "sharesOutstanding": [1e6 * (1 + place) for place in places],
            "firstTradeDateMilliseconds": 0,
        },
        schema_overrides=FIELDS,
    ).select(list(FIELDS))


def put(frame: pl.DataFrame, when: datetime = AT) -> Put:
    def write(desk: Desk) -> Document:
        buffer = BytesIO()
        frame.write_parquet(buffer)
        return desk.put("yahoo/market_caps/US", buffer.getvalue(), when, "parquet")

    return write


def know_itself(desk: Desk) -> None:
    """An earlier document of the same session."""
    put(table(), datetime.combine(LAST, time(23), UTC))(desk)


def know(desk: Desk) -> None:
    """A session of the same week."""
    put(table(BEFORE), at(BEFORE))(desk)


def know_long_before(desk: Desk) -> None:
    """The session some weeks before."""
    put(table(LONG_BEFORE), at(LONG_BEFORE))(desk)


def at(session: date, hour: int = 23) -> datetime:
    """A retrieval on the evening of a session."""
    return datetime.combine(session, time(hour), UTC)


def case(
    rule: str, lie: pl.DataFrame, honest: pl.DataFrame, *, note: str = "", prepare: Callable[[Desk], None] = nothing_more
) -> Case:
    return Case(rule, put(lie), put(honest), "empty", table="market_caps", note=note, prepare=prepare)


def times(factor: float, share: float = 1.0, *, with_price: bool = False) -> pl.DataFrame:
    """Capitalisations of the first stocks times a factor, as another unit or a rising market would give."""
    chosen = pl.int_range(pl.len()) < share * STOCKS
    columns = ("marketCap", "regularMarketPrice") if with_price else ("marketCap",)
    return table().with_columns(pl.when(chosen).then(pl.col(name) * factor).otherwise(name).alias(name) for name in columns)


def of_other_stocks(share: float) -> pl.DataFrame:
    """Capitalisations, prices and shares of the first stocks in reversed order."""
    chosen = table().head(round(share * STOCKS))
    swapped = chosen.with_columns(pl.col("marketCap", "regularMarketPrice", "sharesOutstanding").reverse())
    return pl.concat([swapped, table().tail(STOCKS - chosen.height)])


def without_shares(share: float) -> pl.DataFrame:
    chosen = pl.int_range(pl.len()) < share * STOCKS
    return table().with_columns(sharesOutstanding=pl.when(~chosen).then("sharesOutstanding"))


def unchanged(frame: pl.DataFrame) -> pl.DataFrame:
    return frame


def with_shares_too(frame: pl.DataFrame) -> pl.DataFrame:
    """The shares that agree with the capitalisations."""
    return frame.with_columns(sharesOutstanding=pl.col("marketCap") / pl.col("regularMarketPrice"))


CASES = [
    case("caps_are_many", table(stocks=2499), table(stocks=2500)),
    case("caps_agree_with_shares", times(100, 0.21), times(100, 0.19)),
    case("caps_agree_with_shares", without_shares(0.51), without_shares(0.49), note="no shares"),
    case("caps_are_as_before", times(1.65, with_price=True), times(1.55, with_price=True), note="level", prepare=know),
    case("caps_are_as_before", times(3.1, with_price=True), times(2.9, with_price=True), note="weeks", prepare=know_long_before),
    *[
        case("caps_are_as_before", *(change(times(factor, share, **how)) for share in (0.21, 0.19)), note=note, prepare=then)
        for factor, then, since in ((1.65, know, "week"), (3.1, know_long_before, "weeks"), (0.02, know, "fiftieth"))
        for how, change, note in (
            ({"with_price": True}, unchanged, f"price-{since}"), ({}, with_shares_too, f"shares-{since}"),
        )
    ],
    case("caps_are_as_before", of_other_stocks(1.0), of_other_stocks(0.2), note="order", prepare=know),
    case("caps_are_as_before", table(first=650), table(first=590), note="names", prepare=know),
    case("caps_are_as_before", table(first=650), table(first=590), note="the same session", prepare=know_itself),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_session_that_breaks_the_rule_is_quarantined(case: Case, make_desk: MakeDesk) -> None:
    check_faulty(case, make_desk(case.begin))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_honest_session_within_the_limit_is_used(case: Case, make_desk: MakeDesk) -> None:
    check_honest(case, make_desk(case.begin))


def sessions_and_statuses(desk: Desk) -> list[tuple[object, ...]]:
    return desk.sql("select as_of, status, rule from raw.documents where kind = 'market_caps' order by retrieved_at")


@pytest.mark.parametrize("order", [None, (0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_an_older_session_is_compared_and_replaces_nothing(order: tuple[int, ...] | None, make_desk: MakeDesk) -> None:
    """Retrieved after a newer session, and nothing is known before it: wrong and right, at once or one by one in any order."""
    one, two, three = SESSIONS[-3:]
    documents = [
        put(table(two), at(two)),
        put(times_of(table(one), 100), at(two) + timedelta(minutes=30)),
        put(times_of(table(one), 0.99), at(two) + timedelta(minutes=40)),
        put(times_of(table(three), 1.01), at(three)),
    ]
    desk = make_desk("empty")
    for place in order or range(len(documents)):
        documents[place](desk)
        if order:
            desk.run()
    desk.run()
    expected = [(two, None), (one, "caps_are_as_before"), (one, None), (three, None)]
    found = sessions_and_statuses(desk)
    assert found == [(day, "quarantined" if rule else "accepted", rule) for day, rule in expected]
    assert desk.sql("select as_of, count(*), min(price) from raw.market_caps group by as_of order by as_of") == [
        (one, STOCKS, pytest.approx(9.9)), (two, STOCKS, 10.0), (three, STOCKS, pytest.approx(10.1)),
    ]  # fmt: skip


def times_of(frame: pl.DataFrame, factor: float) -> pl.DataFrame:
    return frame.with_columns(pl.col("marketCap", "regularMarketPrice") * factor)


@pytest.mark.parametrize(("factor", "status"), [(6, "accepted"), (15, "quarantined")])
def test_a_session_years_apart_is_compared_only_for_its_unit(factor: float, status: str, make_desk: MakeDesk) -> None:
    """Many of its stocks are gone, and no factor of a market is certain."""
    first = SESSIONS[-600]
    desk = make_desk("empty")
    put(table(first, first=1500), at(first))(desk)
    later = put(times_of(table(), factor))(desk)
    desk.run()
    assert desk.status(later) == status

"""Every rule for market capitalisations: a session that breaks it, and an honest one just inside."""

from collections.abc import Callable
from datetime import UTC, datetime, time
from io import BytesIO

import polars as pl
import pytest

from orchestration.landing.documents import Document
from orchestration.vendors.yahoo.screener import FIELDS
from tests.raw.cases import Case, Put, check_faulty, check_honest, nothing_more
from tests.raw.conftest import MakeDesk
from tests.raw.market import AT, SESSIONS, Desk

STOCKS = 3000
BEFORE, LAST = SESSIONS[-20], SESSIONS[-1]


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
    """The session some weeks before."""
    put(table(BEFORE), datetime.combine(BEFORE, time(23), UTC))(desk)


def case(
    rule: str, lie: pl.DataFrame, honest: pl.DataFrame, *, note: str = "", prepare: Callable[[Desk], None] = nothing_more
) -> Case:
    return Case(rule, put(lie), put(honest), "empty", table="market_caps", note=note, prepare=prepare)


def times(factor: float, share: float = 1.0, *, with_price: bool = False) -> pl.DataFrame:
    """Capitalisations of the first stocks times a factor, as another unit or a rising market would give."""
    chosen = pl.int_range(pl.len()) < share * STOCKS
    columns = ("marketCap", "regularMarketPrice") if with_price else ("marketCap",)
    return table().with_columns(pl.when(chosen).then(pl.col(name) * factor).otherwise(name).alias(name) for name in columns)


CASES = [
    case("caps_are_many", table(stocks=2499), table(stocks=2500)),
    case("caps_agree_with_shares", times(100, 0.21), times(100, 0.19)),
    case("caps_are_as_before", times(1.65, with_price=True), times(1.55, with_price=True), note="level", prepare=know),
    case("caps_are_as_before", table(first=650), table(first=590), note="names", prepare=know),
    case("caps_are_as_before", table(first=650), table(first=590), note="the same session", prepare=know_itself),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_session_that_breaks_the_rule_is_quarantined(case: Case, make_desk: MakeDesk) -> None:
    check_faulty(case, make_desk(case.begin))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_honest_session_within_the_limit_is_used(case: Case, make_desk: MakeDesk) -> None:
    check_honest(case, make_desk(case.begin))

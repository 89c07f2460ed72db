"""The stock screener: the real client against a local Yahoo on good and bad days, and what a document may contain."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import polars as pl
import pytest

from orchestration.defs.assets.landing import _is_wanted
from orchestration.settings import Settings
from orchestration.vendors.feed import DocumentRejected, FetchFailed, Parsed
from orchestration.vendors.registry import FEEDS
from orchestration.vendors.yahoo import screener
from tests.vendors import documents as invented
from tests.vendors.asking import ask
from tests.vendors.server import Answer, Request, VendorServer

SettingsFor = Callable[..., Settings]
SESSION = date(2026, 4, 30)
CLOSED = int(datetime(2026, 4, 30, 20, tzinfo=UTC).timestamp())
EVENING = datetime(2026, 5, 1, 1, tzinfo=UTC)


def quote(place: int, **changes: Any) -> dict[str, Any]:
    """One stock as Yahoo describes it, with fields that nobody reads."""
    known = {
        "symbol": f"S{place:04}",
        "longName": f"Stock {place} Inc",
        "exchange": "NYQ",
        "quoteType": "EQUITY",
        "currency": "USD",
        "regularMarketPrice": 10.0,
        "regularMarketTime": CLOSED,
        "marketCap": 1e9 + place,
        "sharesOutstanding": 1e8,
        "firstTradeDateMilliseconds": 1_600_000_000_000,
        "bid": 9.99,
        "fiftyTwoWeekRange": "5.0 - 12.0",
    }
    return {name: value for name, value in {**known, **changes}.items() if value is not None}


EMPTY_PAGE = b'{"finance":{"result":[{}],"error":null}}'


class Screener:
    """Answers pages by offset. `bad` answers come first; `cut` leaves out every stock from a place on.

    With `overlap`, pages begin that much before their offset; beyond the offset `stuck` the same page comes again.
    """

    def __init__(
        self, stocks: int, *, bad: list[Answer] | None = None, cut: int | None = None, overlap: int = 0, stuck: int = 2**40
    ) -> None:
        self.asked: list[dict[str, Any]] = []
        self._stocks, self._bad, self._cut, self._overlap, self._stuck = stocks, list(bad or []), cut, overlap, stuck

    def __call__(self, request: Request) -> Answer:
        if self._bad:
            return self._bad.pop(0)
        question = json.loads(request.body)
        self.asked.append(question)
        first = max(min(question["offset"], self._stuck) - self._overlap, 0)
        places = range(first, min(first + question["size"], self._stocks if self._cut is None else self._cut))
        page = {"start": question["offset"], "count": len(places), "total": self._stocks, "quotes": [quote(p) for p in places]}
        body = {"finance": {"result": [page], "error": None}}
        return Answer(json.dumps(body).encode(), content_type="application/json")


def table(*quotes: dict[str, Any]) -> bytes:
    buffer = BytesIO()
    rows = [{name: one.get(name) for name in screener.FIELDS} for one in quotes]
    pl.DataFrame(rows, schema=screener.FIELDS, strict=False).write_parquet(buffer)
    return buffer.getvalue()


def read(content: bytes, **changes: object) -> Parsed:
    return screener.parse(content, invented.context("US", "parquet", **{"retrieved_at": EVENING, **changes}))


def reasons(parsed: Parsed) -> dict[str, str]:
    """The reason by symbol."""
    rows = pl.concat(parsed.rejects)
    return {content.split(",")[0]: reason for reason, content in rows.select("reason", "content").rows()}


def test_all_pages_become_one_document(server: VendorServer, settings_for: SettingsFor) -> None:
    vendor = Screener(612)
    server.replies = [vendor]
    fetched = ask(screener.FEED, settings_for(server), "US")
    assert [(question["offset"], question["size"]) for question in vendor.asked] == [(0, 250), (250, 250), (500, 250)]
    assert {question["sortField"] for question in vendor.asked} == {"ticker"}
    parsed = read(fetched.content)
    caps = parsed.tables["market_caps"]
    assert (parsed.as_of, caps.height, caps["symbol"].n_unique()) == (SESSION, 612, 612)
    assert caps.row(7, named=True) | {"_line": 0, "_content": ""} == {
        "as_of": SESSION, "symbol": "S0007", "name": "Stock 7 Inc", "exchange": "NYQ", "price": 10.0, "market_cap": 1e9 + 7,
        "shares_outstanding": 1e8, "first_traded": date(2020, 9, 13), "_line": 0, "_content": "",
    }  # fmt: skip


def test_a_stock_on_two_pages_counts_once(server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [Screener(502, overlap=2)]
    assert read(ask(screener.FEED, settings_for(server), "US").content).tables["market_caps"].height == 502


def test_a_refusal_is_waited_for(server: VendorServer, settings_for: SettingsFor) -> None:
    vendor = Screener(300, bad=[Answer(b"Too Many Requests", status=429, headers={"Retry-After": "0"})])
    server.replies = [vendor]
    assert read(ask(screener.FEED, settings_for(server), "US").content).tables["market_caps"].height == 300


@pytest.mark.parametrize(
    ("vendor", "reason"),
    [
        (Screener(900, cut=700), "700 different stocks of 900"),
        (Screener(900, stuck=500), "750 different stocks of 900"),
        (Screener(0), "0 different stocks"),
        (Screener(9, bad=[Answer(b"Too Many Requests", status=429, headers={"Retry-After": "0"})] * 9), "429"),
        (Screener(9, bad=[Answer(b"<html>One moment</html>", content_type="text/html")] * 9), "not valid JSON"),
        (
            Screener(9, bad=[Answer(EMPTY_PAGE, content_type="application/json")] * 9),
            "no quotes",
        ),
    ],
    ids=["page cut", "rows repeated", "nothing", "refused", "web page", "empty page"],
)
def test_a_bad_day_gives_no_document(vendor: Screener, reason: str, server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [vendor]
    with pytest.raises(FetchFailed, match=reason):
        ask(screener.FEED, settings_for(server), "US")


def test_it_is_fetched_only_if_a_person_asks_for_it(server: VendorServer, settings_for: SettingsFor) -> None:
    assert screener.FEED in FEEDS
    assert not _is_wanted(screener.FEED, settings_for(server))
    assert _is_wanted(screener.FEED, settings_for(server, market_caps="on"))


def test_what_is_no_current_stock_in_dollars_is_rejected() -> None:
    week_ago = CLOSED - 8 * 86_400
    parsed = read(
        table(
            quote(1), quote(2), quote(3, quoteType="MUTUALFUND"), quote(4, currency="CAD"), quote(5, marketCap=None),
            quote(6, regularMarketPrice=0.0), quote(7, regularMarketTime=week_ago), quote(8), quote(8, marketCap=5.0),
            quote(9, regularMarketPrice=1.1e7), quote(10, marketCap=2.1e13), quote(11, marketCap=4.9e8),
            quote(12, marketCap=1.1e12), quote(13), quote(14, regularMarketTime=CLOSED + 18 * 3600),
        )
    )  # fmt: skip
    assert parsed.tables["market_caps"]["symbol"].to_list() == ["S0001", "S0002", "S0013"]
    assert reasons(parsed) == {
        "S0003": "it is no stock",
        "S0004": "the currency is not USD",
        "S0005": "the capitalisation is missing or not above zero",
        "S0006": "the price is missing or not above zero",
        "S0007": "it has not traded for a week",
        "S0008": "another row has the same symbol",
        "S0009": "the price is above ten million dollars",
        "S0010": "the capitalisation is above twenty trillion dollars",
        "S0011": "the capitalisation is less than half of price times shares",
        "S0012": "the capitalisation is more than a thousand times price times shares",
        "S0014": "it has traded after the session",
    }


def test_the_session_must_be_over() -> None:
    with pytest.raises(DocumentRejected, match="still open"):
        read(table(quote(1)), retrieved_at=datetime(2026, 4, 30, 19, 59, tzinfo=UTC))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>One moment</html>", "not a Parquet table"),
        (table(quote(1))[:-40], "not a Parquet table"),
        (table(quote(1, regularMarketTime=None)), "no stock has the time"),
        (table(quote(1, regularMarketTime=CLOSED + 2 * 86_400)), "does not trade"),
    ],
    ids=["web page", "truncated", "no times", "a Saturday"],
)
def test_other_files_are_rejected(content: bytes, reason: str) -> None:
    with pytest.raises(DocumentRejected, match=reason):
        read(content)


def test_a_table_without_a_field_is_rejected() -> None:
    buffer = BytesIO()
    pl.read_parquet(BytesIO(table(quote(1)))).drop("marketCap").write_parquet(buffer)
    with pytest.raises(DocumentRejected, match="no column marketCap"):
        read(buffer.getvalue())

"""Quotes of a fund and its options: the real yfinance against a local Yahoo, every known trap, and implied volatility."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as checking
from hypothesis import strategies as st

from orchestration.landing.collect import Landing, fetch_all
from orchestration.landing.documents import write_document
from orchestration.raw.validation.quotes import KnownChain, judge_quotes
from orchestration.schemas import RAW_TABLES, check_rows
from orchestration.settings import Settings
from orchestration.vendors.feed import DocumentRejected, FetchFailed, Parsed
from orchestration.vendors.feed import Request as Asked
from orchestration.vendors.yahoo import implied_volatility, quotes
from tests.vendors import documents as invented
from tests.vendors.asking import client_of
from tests.vendors.server import Answer, Request, VendorServer
from tests.vendors.yahoo_options import (
    EXPIRATIONS,
    NOW,
    PRICE,
    RATE,
    STRIKES,
    VOLATILITY,
    YahooOptions,
    black,
    epoch,
    years,
)

SettingsFor = Callable[..., Settings]
REFUSED = Answer(status=429)
CONTRACTS = 2 * len(STRIKES)
OPENED = NOW.replace(hour=13, minute=30)


def fetch(settings: Settings, *, option_days: int = 1000, symbol: str = "IWM") -> bytes:
    request = Asked(symbol=symbol, fund=invented.UNIVERSE[symbol], today=NOW.date(), option_days=option_days)
    return quotes.fetch(request, client_of(quotes.FEED, settings)).content


def read(content: bytes, at: datetime = NOW, symbol: str = "IWM") -> Parsed:
    parsed = quotes.parse(content, invented.context(symbol, "parquet", retrieved_at=at))
    for name, frame in parsed.tables.items():
        assert check_rows(RAW_TABLES[name], frame)[1].is_empty(), name
    return parsed


def reasons(parsed: Parsed) -> list[str]:
    return [reason for frame in parsed.rejects for reason in frame["reason"]]


def unread(parsed: Parsed) -> list[date]:
    expirations = parsed.tables["option_expirations"]
    return expirations.filter(~pl.col("is_read"))["expiration"].to_list()


# The fetch


def test_every_expiration_is_asked_for_once(server: VendorServer, settings_for: SettingsFor) -> None:
    vendor = YahooOptions()
    server.replies = [vendor.answer]
    content = fetch(settings_for(server))
    asked = [request.query.get("date") for request in server.requests]
    # The answer without a date has the nearest expiration.
    assert asked == [None, *(str(epoch(day)) for day in EXPIRATIONS[1:])]
    parsed = read(content)
    assert parsed.tables["option_quotes"].height == CONTRACTS * len(EXPIRATIONS)
    assert unread(parsed) == []
    expected = read(vendor.document())
    for name, frame in parsed.tables.items():
        keys = list(RAW_TABLES[name].key)
        assert frame.drop("_line", "_content").sort(keys).equals(expected.tables[name].drop("_line", "_content").sort(keys)), name


def test_only_expirations_within_the_setting_are_asked_for(server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [YahooOptions().answer]
    parsed = read(fetch(settings_for(server), option_days=30))
    assert unread(parsed) == [day for day in EXPIRATIONS if day > NOW.date() + timedelta(days=30)]
    assert len(server.requests) == 4
    server.requests.clear()
    assert unread(read(fetch(settings_for(server), option_days=0))) == list(EXPIRATIONS[1:])
    assert len(server.requests) == 1


def test_a_refusal_keeps_what_was_received_and_ends_the_requests(server: VendorServer, settings_for: SettingsFor) -> None:
    good = YahooOptions().answer
    server.replies = [good, good, REFUSED]
    parsed = read(fetch(settings_for(server, fetch_attempts=2)))
    assert unread(parsed) == list(EXPIRATIONS[2:])
    assert len(server.requests) == 4  # two answers, and two attempts at the third


def test_a_refusal_at_first_is_a_failure(server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [REFUSED]
    with pytest.raises(FetchFailed, match="429"):
        fetch(settings_for(server, fetch_attempts=1))


def test_a_refusal_that_passes_costs_nothing(server: VendorServer, settings_for: SettingsFor) -> None:
    good = YahooOptions().answer
    server.replies = [REFUSED, good, REFUSED, good]
    assert unread(read(fetch(settings_for(server)))) == []


@pytest.mark.parametrize(
    "answer",
    [Answer(b"<html>busy</html>", content_type="text/html"), Answer(b'{"optionChain": {"res', content_type="application/json")],
    ids=["a web page", "half an answer"],
)
def test_an_unusable_answer_is_a_failure(answer: Answer, server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [answer]
    with pytest.raises(FetchFailed):
        fetch(settings_for(server, fetch_attempts=1))


def test_an_expiration_that_vanished_is_not_read(server: VendorServer, settings_for: SettingsFor) -> None:
    """Yahoo answers for it with the contracts of another expiration."""
    gone = EXPIRATIONS[3]
    server.replies = [YahooOptions(missing=(gone,)).answer]
    parsed = read(fetch(settings_for(server)))
    assert unread(parsed) == [gone]
    assert parsed.tables["option_quotes"].height == CONTRACTS * (len(EXPIRATIONS) - 1)
    assert reasons(parsed) == []


def test_half_a_chain_waits_in_quarantine(server: VendorServer, settings_for: SettingsFor) -> None:
    """Nothing in the answer says that it is half of one: the document before does."""

    class Half(YahooOptions):
        def chain(self, expiration: date) -> list[dict[str, Any]]:
            contracts = super().chain(expiration)
            return contracts[: len(contracts) // 2 - 1] if expiration == EXPIRATIONS[4] else contracts

    server.replies = [YahooOptions().answer]
    whole = read(fetch(settings_for(server)))
    server.replies = [Half().answer]
    half = read(fetch(settings_for(server)))
    assert unread(half) == []
    verdict = judge_quotes(half.tables, known=KnownChain().with_rows(whole.tables))
    listed = verdict.rows["option_expirations"]
    assert listed.filter(~pl.col("is_read"))["expiration"].to_list() == [EXPIRATIONS[4]]
    assert verdict.rows["option_quotes"].height == CONTRACTS * (len(EXPIRATIONS) - 1)
    assert verdict.quarantined.height == CONTRACTS // 2 - 1


def test_an_expiration_without_an_answer_does_not_end_the_requests(server: VendorServer, settings_for: SettingsFor) -> None:
    vendor, gone = YahooOptions(), EXPIRATIONS[2]

    def reply(request: Request) -> Answer:
        return Answer(status=404) if request.query.get("date") == str(epoch(gone)) else vendor.answer(request)

    server.replies = [reply]
    assert unread(read(fetch(settings_for(server)))) == [gone]


def test_a_fund_without_options_has_a_quote(server: VendorServer, settings_for: SettingsFor) -> None:
    vendor = YahooOptions("SCHA", expirations=())
    server.replies = [vendor.answer]
    parsed = read(fetch(settings_for(server), symbol="SCHA"), symbol="SCHA")
    assert parsed.tables["fund_quotes"].select("bid", "ask", "expirations").rows() == [(249.99, 250.01, 0)]
    assert parsed.tables["option_expirations"].is_empty()
    assert parsed.tables["option_quotes"].is_empty()
    assert len(server.requests) == 1


@dataclass
class Requests:
    """Runs at several times over one landing folder; `incomplete` documents are those that the ledger does not count."""

    server: VendorServer
    settings: Settings
    incomplete: set[str] = field(default_factory=set)

    @property
    def landing(self) -> Landing:
        return Landing(self.settings.own_landing_dir, [self.settings.own_landing_dir], NOW)

    def run(self, at: datetime) -> str:
        """The outcome of IWM."""
        now = Landing(self.landing.own, self.landing.folders, at)
        universe = {"IWM": invented.UNIVERSE["IWM"]}
        found = fetch_all(
            quotes.FEED, now, universe, lambda: client_of(quotes.FEED, self.settings), lambda _: pl.DataFrame(),
            incomplete=self.incomplete,
        )  # fmt: skip
        return found[0].status

    def put(self, at: datetime, content: bytes) -> str:
        """The key of a document that was retrieved before."""
        return write_document(
            self.landing.own, vendor="yahoo", kind="quotes", symbol="IWM", retrieved_at=at, extension="parquet", content=content
        ).key


@pytest.fixture
def requests(server: VendorServer, settings_for: SettingsFor) -> Requests:
    server.replies = [YahooOptions().answer]
    return Requests(server, settings_for(server))


def test_a_session_has_one_document(requests: Requests) -> None:
    """A second run asks only for the funds that have no document of the session."""
    requests.put(OPENED - timedelta(hours=2), b"of the session before")
    assert requests.run(OPENED - timedelta(minutes=1)) == "unchanged"
    assert requests.run(NOW) == "new"
    assert requests.run(NOW + timedelta(hours=3)) == "unchanged"
    assert len(requests.server.requests) == 1


def test_a_document_of_the_first_minutes_is_not_of_the_session(requests: Requests) -> None:
    requests.put(OPENED + timedelta(minutes=14), b"too early")
    assert requests.run(OPENED + timedelta(minutes=14, seconds=30)) == "unchanged"
    assert requests.run(OPENED + timedelta(minutes=15)) == "new"
    assert requests.run(OPENED + timedelta(minutes=16)) == "unchanged"


def test_an_incomplete_document_does_not_end_the_session(requests: Requests) -> None:
    requests.incomplete = {requests.put(NOW - timedelta(hours=1), b"rejected")}
    assert requests.run(NOW) == "new"
    assert requests.run(NOW + timedelta(hours=1)) == "unchanged"


# The parser


def test_the_quote_of_regular_hours_has_both_sides() -> None:
    quote = read(YahooOptions().document()).tables["fund_quotes"]
    assert quote.select("fund", "session", "phase", "price", "bid", "ask", "expirations").rows() == [
        ("IWM", NOW.date(), "regular", PRICE, 249.99, 250.01, len(EXPIRATIONS))
    ]


CLOSED = {
    "after the close": (NOW + timedelta(hours=3), epoch(NOW) + 1800, "POSTPOST"),
    "before the open": (NOW + timedelta(hours=17), epoch(NOW) + 1800, "PRE"),
    "in the first minutes, of the day before": (NOW.replace(hour=13, minute=40), epoch(NOW - timedelta(days=1)), "REGULAR"),
    "on a Saturday": (NOW + timedelta(days=3), epoch(NOW + timedelta(days=2, minutes=30)), "CLOSED"),
}


@pytest.mark.parametrize(("at", "quoted_at", "state"), CLOSED.values(), ids=CLOSED.keys())
def test_outside_regular_hours_nothing_is_said_of_spreads(at: datetime, quoted_at: int, state: str) -> None:
    vendor = YahooOptions()
    vendor.quote |= {"regularMarketTime": quoted_at, "marketState": state, "bid": 240.0, "ask": 260.0}
    vendor.expirations = EXPIRATIONS[2:]
    parsed = read(vendor.document(), at)
    day = datetime.fromtimestamp(quoted_at, UTC).date()
    assert parsed.tables["fund_quotes"].select("session", "phase", "bid", "ask").rows() == [(day, "closed", None, None)]
    assert parsed.tables["option_quotes"]["implied_volatility"].drop_nulls().is_empty()
    assert parsed.tables["option_expirations"]["forward"].drop_nulls().is_empty()
    assert parsed.tables["option_quotes"]["open_interest"].to_list() == [1000] * parsed.tables["option_quotes"].height


@pytest.mark.parametrize(("minute", "is_early"), [(30, True), (44, True), (45, False)])
def test_a_document_of_the_first_minutes_is_rejected(minute: int, *, is_early: bool) -> None:
    """Yahoo's options are a quarter of an hour late: they are still those of the session before."""
    vendor, at = YahooOptions(), NOW.replace(hour=13, minute=minute)
    vendor.quote |= {"regularMarketTime": epoch(at) - 20}
    if is_early:
        with pytest.raises(DocumentRejected, match="in the first 15 minutes of its session"):
            read(vendor.document(), at)
    else:
        assert read(vendor.document(), at).tables["fund_quotes"]["phase"].to_list() == ["regular"]


STALE: dict[str, dict[str, Any]] = {
    "of the day before": {"regularMarketTime": epoch(NOW - timedelta(days=1))},
    "of an hour ago": {"regularMarketTime": epoch(NOW - timedelta(hours=1))},
    "the vendor takes the market for closed": {"marketState": "CLOSED"},
    "of an hour ago, without a state": {"marketState": None, "regularMarketTime": epoch(NOW - timedelta(hours=1))},
}


@pytest.mark.parametrize("changes", STALE.values(), ids=STALE.keys())
def test_a_stale_quote_is_rejected(changes: dict[str, Any]) -> None:
    vendor = YahooOptions()
    vendor.quote |= changes
    with pytest.raises(DocumentRejected, match="the quote is stale"):
        read(vendor.document())


def test_without_a_state_of_the_market_the_age_of_the_quote_decides() -> None:
    vendor = YahooOptions()
    del vendor.quote["marketState"]
    assert read(vendor.document()).tables["fund_quotes"]["phase"].to_list() == ["regular"]


UNUSABLE: dict[str, tuple[dict[str, Any], str]] = {
    "zero bid": ({"bid": 0}, "one side only"),
    "no ask": ({"ask": None}, "one side only"),
    "crossed": ({"bid": 250.02}, "locked or crossed"),
    "locked": ({"bid": 250.00, "ask": 250.00}, "locked or crossed"),
    "wide": ({"bid": 240.0, "ask": 260.0}, "too wide"),
    "far from the price": ({"bid": 239.9, "ask": 240.1}, "far from the price"),
}


@pytest.mark.parametrize(("changes", "reason"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_impossible_quote_is_rejected_and_its_options_are_used(changes: dict[str, Any], reason: str) -> None:
    vendor = YahooOptions()
    vendor.quote |= changes
    parsed = read(vendor.document())
    assert parsed.tables["fund_quotes"].is_empty()
    assert [reason in one for one in reasons(parsed)] == [True]
    assert parsed.tables["option_quotes"].height == CONTRACTS * len(EXPIRATIONS)


DOCUMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "another fund": ({"symbol": "QQQ"}, "the file contains the symbol 'QQQ', not IWM"),
    "another currency": ({"currency": "GBP"}, "currency of its quote is 'GBP', not USD"),
    "no time": ({"regularMarketTime": None}, "no time or no price"),
    "no price": ({"regularMarketPrice": 0}, "no time or no price"),
    "of a Sunday": ({"regularMarketTime": epoch(NOW - timedelta(days=3))}, "in no session"),
    "of the future": ({"regularMarketTime": epoch(NOW + timedelta(days=1))}, "in no session"),
}


@pytest.mark.parametrize(("changes", "reason"), DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_document_that_cannot_be_placed_is_rejected(changes: dict[str, Any], reason: str) -> None:
    vendor = YahooOptions()
    vendor.quote |= changes
    symbol = changes.get("symbol", "IWM")
    with pytest.raises(DocumentRejected, match=reason):
        read(quotes.document(symbol, vendor.quote, [], []))


def test_before_the_open_there_is_no_open_interest() -> None:
    """Every open interest is zero: that is not a number. Implied volatilities are placeholders."""
    vendor = YahooOptions(changes={"openInterest": 0, "bid": 0.0, "ask": 0.0, "impliedVolatility": 0.500005})
    found = read(vendor.document()).tables["option_quotes"]
    for column in ("open_interest", "vendor_implied_volatility", "implied_volatility"):
        assert found[column].drop_nulls().is_empty(), column
    assert found["volume"].to_list() == [100] * found.height


@pytest.mark.parametrize("value", [0.0, 1e-05, 0.03125, 0.0625, 0.12501, 0.25, 0.500005])
def test_a_placeholder_is_no_volatility(value: float) -> None:
    found = read(YahooOptions(changes={"impliedVolatility": value}).document()).tables["option_quotes"]
    assert found["vendor_implied_volatility"].drop_nulls().is_empty()


def test_a_volume_that_is_left_out_is_unknown() -> None:
    found = read(YahooOptions(changes={"volume": None}).document()).tables["option_quotes"]
    assert found["volume"].drop_nulls().is_empty()
    assert found["open_interest"].sum() == 1000 * found.height


LAST_TRADES: dict[str, tuple[datetime | None, int | None, int | None]] = {
    "at the open": (OPENED, 7, 7),
    "on the evening before, in New York": (OPENED.replace(hour=2), 7, 0),
    "a week before": (NOW - timedelta(days=7), 7, 0),
    "a week before, without a volume": (NOW - timedelta(days=7), None, 0),
    "in the session, without a volume": (NOW, None, None),
    "in the session after": (NOW + timedelta(days=1), 7, None),
    "never": (None, None, None),
    "never, with a volume": (None, 7, None),
}


@pytest.mark.parametrize(("traded_at", "given", "expected"), LAST_TRADES.values(), ids=LAST_TRADES.keys())
def test_a_volume_is_of_the_session_of_the_last_trade(
    traded_at: datetime | None, given: int | None, expected: int | None
) -> None:
    """Yahoo keeps the volume of a contract until it trades again."""
    vendor = YahooOptions(changes={"volume": given, "lastTradeDate": epoch(traded_at) if traded_at else 0})
    document = BytesIO(vendor.document())
    contracts, named = pl.read_parquet(document), pl.read_parquet_metadata(document)
    if traded_at is None:
        contracts = contracts.with_columns(lastTradeDate=pl.lit(None, pl.Datetime("us")))
    found = read(quotes.document("IWM", vendor.quote, json.loads(named["expirations"]), [contracts])).tables["option_quotes"]
    assert found["volume"].to_list() == [expected] * found.height
    assert found["open_interest"].sum() == 1000 * found.height


def test_a_contract_with_one_side_has_no_volatility() -> None:
    found = read(YahooOptions(changes={"bid": 0.0}).document())
    assert found.tables["option_quotes"]["implied_volatility"].drop_nulls().is_empty()
    assert found.tables["option_expirations"]["forward"].drop_nulls().is_empty()
    assert reasons(found) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bid": 9.0, "ask": 8.0}, "crossed"),
        ({"bid": 300.0, "ask": 301.0}, "can be worth"),
        ({"ask": 96428.8}, "can be worth"),
    ],
)
def test_a_contract_with_an_impossible_quote_keeps_its_volume(changes: dict[str, Any], reason: str) -> None:
    parsed = read(YahooOptions(expirations=EXPIRATIONS[:1], changes=changes).document())
    assert len(reasons(parsed)) == CONTRACTS
    assert all(reason in one and "bid and ask are not used" in one for one in reasons(parsed))
    found = parsed.tables["option_quotes"]
    assert (found.height, found["volume"].sum(), found["open_interest"].sum()) == (CONTRACTS, 100 * CONTRACTS, 1000 * CONTRACTS)
    for column in ("bid", "ask", "implied_volatility", "vendor_implied_volatility", "delta"):
        assert found[column].drop_nulls().is_empty(), column
    assert unread(parsed) == []


def test_a_contract_without_an_expiration_is_rejected() -> None:
    parsed = read(YahooOptions(expirations=EXPIRATIONS[:1], changes={"contractSymbol": "IWM"}).document())
    assert parsed.tables["option_quotes"].is_empty()
    assert len(reasons(parsed)) == CONTRACTS
    assert all("no expiration" in one for one in reasons(parsed))


def test_the_quote_of_another_fund_under_the_right_name_is_rejected() -> None:
    vendor = YahooOptions()
    vendor.quote["symbol"] = "SPY"
    with pytest.raises(DocumentRejected, match="its quote has the symbol 'SPY', not IWM"):
        read(vendor.document())


def test_a_fund_without_a_price_symbol_has_no_quotes() -> None:
    fund = replace(invented.UNIVERSE["IWM"], fund="IWV", price_symbol=None)
    context = invented.context("IWV", "parquet", retrieved_at=NOW, fund=fund)
    with pytest.raises(DocumentRejected, match=r"IWV has no price_symbol in seeds/funds\.csv"):
        quotes.parse(YahooOptions(symbol="IWV").document(), context)


NAMES: dict[str, tuple[str, float, str | None]] = {
    "its own": ("IWM260618C00250000", 250.0, None),
    "adjusted": ("IWM1260618C00250000", 250.0, None),
    "half a dollar": ("IWM260618C00250500", 250.5, None),
    "another fund": ("SPY260618C00250000", 250.0, "is one of SPY, not of IWM"),
    "a longer name": ("IWMX260618C00250000", 250.0, "is one of IWMX, not of IWM"),
    "another strike": ("IWM260618C00250000", 2500.0, r"strike 2500\.0 is not that of the contract's symbol, 250\.0"),
}


@pytest.mark.parametrize(("name", "strike", "reason"), NAMES.values(), ids=NAMES.keys())
def test_a_contract_is_the_fund_s_and_has_the_strike_of_its_name(name: str, strike: float, reason: str | None) -> None:
    @dataclass
    class Named(YahooOptions):
        def chain(self, expiration: date) -> list[dict[str, Any]]:
            return [super().chain(expiration)[0] | {"contractSymbol": name, "strike": strike}]

    content = quotes.document("IWM", YahooOptions().quote, [], [pl.read_parquet(BytesIO(Named().document())).head(1)])
    parsed = read(content)
    if reason is None:
        assert parsed.tables["option_quotes"]["strike"].to_list() == [strike]
    else:
        assert parsed.tables["option_quotes"].is_empty()
        assert parsed.tables["option_expirations"].is_empty(), "it says nothing about the fund's expirations"
        assert re.search(reason, reasons(parsed)[0])


def test_cycles_follow_the_calendar() -> None:
    """2026-06-19 and 2026-04-03 are holidays: the Thursday before ends the week."""
    days = {
        date(2026, 5, 7): "daily", date(2026, 5, 8): "weekly", date(2026, 5, 15): "monthly", date(2026, 5, 29): "weekly",
        date(2026, 6, 18): "monthly", date(2026, 6, 17): "daily", date(2026, 6, 30): "daily", date(2026, 7, 2): "weekly",
        date(2028, 1, 21): "monthly", date(2028, 1, 20): "daily", date(2028, 1, 28): "weekly",
    }  # fmt: skip
    expirations = read(YahooOptions(expirations=tuple(sorted(days))).document()).tables["option_expirations"]
    assert dict(expirations.select("expiration", "cycle").rows()) == days


@pytest.mark.parametrize("content", [b"", b"PAR1", b"contractSymbol,strike\n"])
def test_another_file_is_rejected(content: bytes) -> None:
    with pytest.raises(DocumentRejected):
        read(content)
    buffer = BytesIO()
    pl.DataFrame({"contractSymbol": ["X"]}).write_parquet(buffer)
    with pytest.raises(DocumentRejected, match="no column"):
        read(buffer.getvalue())
    document = BytesIO(YahooOptions().document())
    table, named = pl.read_parquet(document), pl.read_parquet_metadata(document)
    buffer = BytesIO()
    table.cast({"lastTradeDate": pl.String}).write_parquet(
        buffer, metadata={k: v for k, v in named.items() if k != "ARROW:schema"}
    )
    with pytest.raises(DocumentRejected, match="lastTradeDate has no times"):
        read(buffer.getvalue())


# Implied volatility


def test_the_volatility_of_the_quotes_is_found_again() -> None:
    """Neither rate nor dividends are given: both follow from put-call parity."""
    parsed = read(YahooOptions().document())
    found = parsed.tables["option_quotes"].drop_nulls("implied_volatility")
    late = found.filter(pl.col("expiration") >= EXPIRATIONS[2])
    assert late.height > 60
    assert late.select((pl.col("implied_volatility") - VOLATILITY).abs().max()).item() < 0.002
    # Of the nearest expirations too few strikes have a bid.
    for row in parsed.tables["option_expirations"].tail(-2).iter_rows(named=True):
        time = years(row["expiration"])
        assert row["forward"] == pytest.approx(PRICE * math.exp(RATE * time), abs=0.02)
        assert row["discount"] == pytest.approx(math.exp(-RATE * time), abs=0.0005)
    calls = late.filter(pl.col("option_type") == "call")
    assert calls["delta"].is_between(0, 0.6).all()
    assert late.filter(pl.col("option_type") == "put")["delta"].is_between(-0.6, 0).all()
    vendor = late.select((pl.col("vendor_implied_volatility") - pl.col("implied_volatility")).abs().max()).item()
    assert vendor < 0.003


def test_a_half_day_ends_at_its_close() -> None:
    """2026-11-27 closes at 13:00: a day and a half later than the quotes, three hours less than usual."""
    at, day = datetime(2026, 11, 25, 19, 30, tzinfo=UTC), date(2026, 11, 27)
    time = (datetime(2026, 11, 27, 18, 0, tzinfo=UTC) - at) / timedelta(days=365)
    values = {(kind, k): black(kind, k, time, VOLATILITY) for kind in ("call", "put") for k in (246.0 + n for n in range(9))}
    rows = [
        {
            "contractSymbol": f"IWM{day:%y%m%d}{kind[0].upper()}{round(1000 * k):08}", "lastTradeDate": None, "strike": k,
            "lastPrice": value, "bid": value - 1e-6, "ask": value + 1e-6, "volume": 1.0, "openInterest": 1.0,
            "impliedVolatility": None,
        }
        for (kind, k), value in values.items()
    ]  # fmt: skip
    quote = YahooOptions().quote | {"regularMarketTime": epoch(at)}
    frame = pl.DataFrame(rows, schema_overrides={"lastTradeDate": pl.Datetime("us"), "impliedVolatility": pl.Float64})
    found = read(quotes.document("IWM", quote, [str(day)], [frame]), at).tables["option_quotes"].drop_nulls("implied_volatility")
    assert found.height > 5
    assert (found["implied_volatility"] - VOLATILITY).abs().max() == pytest.approx(0, abs=1e-4)


_MARKETS = {
    "volatility": st.floats(0.08, 1.2),
    "rate": st.floats(-0.005, 0.08),
    "days": st.integers(3, 600),
    "price": st.floats(20.0, 900.0),
}


@checking(max_examples=60, deadline=None)
@given(**_MARKETS)  # type: ignore[arg-type]
def test_exact_quotes_give_the_exact_volatility(volatility: float, rate: float, days: int, price: float) -> None:
    time = days / 365
    strikes = [price * (1 + step / 100) for step in range(-12, 13)]
    rows = [
        (strike, kind, black(kind, strike, time, volatility, price=price, rate=rate))
        for strike in strikes
        for kind in ("call", "put")
    ]
    chain = pl.DataFrame(rows, schema=["strike", "option_type", "mid"], orient="row")
    at = implied_volatility.parity(chain, price)
    expected = math.exp(rate * time)
    if abs(expected - 1) > implied_volatility.PARITY_BAND or 1 / expected > 1.02:
        return  # such a forward is beyond what a fund's chain can show
    assert at is not None
    assert at.forward == pytest.approx(price * expected, rel=1e-9)
    found = implied_volatility.volatilities(chain, at, time).filter(pl.col("mid") > 1e-6 * price).drop_nulls("implied_volatility")
    assert found.height >= 3
    assert (found["implied_volatility"] - volatility).abs().max() == pytest.approx(0, abs=1e-4)


def test_few_pairs_give_no_forward() -> None:
    rows = [(strike, kind, 5.0) for strike in (245.0, 250.0, 255.0) for kind in ("call", "put")]
    assert implied_volatility.parity(pl.DataFrame(rows, schema=["strike", "option_type", "mid"], orient="row"), PRICE) is None


def test_one_wrong_quote_does_not_move_the_forward() -> None:
    strikes = [240.0 + n for n in range(21)]
    rows = [
        (k, kind, black(kind, k, 0.25, 0.2) + (3.0 if (k, kind) == (250.0, "call") else 0))
        for k in strikes
        for kind in ("call", "put")
    ]
    at = implied_volatility.parity(pl.DataFrame(rows, schema=["strike", "option_type", "mid"], orient="row"), PRICE)
    assert at is not None
    assert at.forward == pytest.approx(PRICE * math.exp(RATE * 0.25), abs=0.01)

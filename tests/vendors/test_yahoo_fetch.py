"""The real yfinance against a local Yahoo: its requests, and the handling of bad answers."""

import gzip
import json
import logging
import time
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from orchestration.settings import Settings
from orchestration.vendors import http
from orchestration.vendors.feed import FetchFailed
from orchestration.vendors.yahoo import prices as yahoo
from orchestration.vendors.yahoo.session import YahooSession
from tests.vendors import documents as invented
from tests.vendors.asking import ask
from tests.vendors.documents import Prices
from tests.vendors.server import Answer, Reply, Request, VendorServer

SettingsFor = Callable[..., Settings]
NOTHING_KNOWN = pl.DataFrame(schema={"session": pl.Date, "close": pl.Float64, "vendor_adj_close": pl.Float64, "volume": pl.Int64})
JSON = "application/json"


def yesterday() -> date:
    return datetime.now(UTC).date() - timedelta(days=1)


def charts(prices: Prices) -> Reply:
    """Answer each request with the bars of the requested period."""

    def reply(request: Request) -> Answer:
        symbol = request.path.rpartition("/")[2]
        return Answer(prices.chart(symbol, int(request.query["period1"]), int(request.query["period2"])), content_type=JSON)

    return reply


def known_bars(prices: Prices) -> pl.DataFrame:
    return prices.frame.select(
        session="Date", close="Close", vendor_adj_close="Adj Close", volume=pl.col("Volume").cast(pl.Int64)
    )


def fetch(settings: Settings, known: pl.DataFrame = NOTHING_KNOWN, symbol: str = "IWM") -> pl.DataFrame:
    fetched = ask(yahoo.FEED, settings, symbol, known=known)
    assert fetched.extension == "parquet"
    return pl.read_parquet(BytesIO(fetched.content))


def requested_from(request: Request) -> date:
    return datetime.fromtimestamp(int(request.query["period1"]), invented.NEW_YORK).date()


@pytest.fixture
def prices() -> Prices:
    return Prices.invented(invented.recent_days(80, yesterday()))


def test_the_fetched_frame_equals_the_answer_and_parses(prices: Prices, server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [charts(prices)]
    fetched = ask(yahoo.FEED, settings_for(server), "IWM", known=NOTHING_KNOWN)
    frame = pl.read_parquet(BytesIO(fetched.content))
    expected = prices.frame.select("Date", "Open", "High", "Low", "Close", "Adj Close", "Volume", "Dividends", "Stock Splits")
    assert frame.select(expected.columns).equals(expected)
    at = datetime.now(UTC) + timedelta(days=1)
    calendar = invented.sessions_frame(at.date(), date(2020, 1, 1))
    parsed = yahoo.parse(fetched.content, invented.context("IWM", "parquet", retrieved_at=at, sessions=calendar))
    assert parsed.tables["price_bars"].height == 80
    assert parsed.tables["corporate_actions"].filter(pl.col("value") > 0).select("ex_date", "kind", "value").rows() == [
        (prices.frame["Date"][19], "dividend", 0.5)
    ]


def test_without_known_bars_the_whole_history_is_requested_once(
    prices: Prices, server: VendorServer, settings_for: SettingsFor
) -> None:
    server.replies = [charts(prices)]
    fetch(settings_for(server))
    assert [requested_from(request) for request in server.requests] == [yahoo.FIRST_DAY]
    assert server.requests[0].path == "/v8/finance/chart/IWM"
    assert server.requests[0].query["interval"] == "1d"
    assert server.requests[0].query["events"] == "div,splits,capitalGains"


def test_the_exclusive_end_is_tomorrow(prices: Prices, server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [charts(prices)]
    settings = settings_for(server)
    fetch(settings)
    end = datetime.fromtimestamp(int(server.requests[0].query["period2"]), invented.NEW_YORK).date()
    assert end in (settings.today, settings.today + timedelta(days=1))
    assert end > yesterday()


def test_known_bars_that_agree_are_requested_by_their_overlap(
    prices: Prices, server: VendorServer, settings_for: SettingsFor
) -> None:
    server.replies = [charts(prices)]
    frame = fetch(settings_for(server), known_bars(prices).head(-1))
    days = prices.frame["Date"]
    assert [requested_from(request) for request in server.requests] == [days[-1 - yahoo.OVERLAP_SESSIONS]]
    assert frame["Date"].to_list() == days.to_list()[-1 - yahoo.OVERLAP_SESSIONS :]


def test_with_few_known_bars_the_whole_history_is_requested(
    prices: Prices, server: VendorServer, settings_for: SettingsFor
) -> None:
    server.replies = [charts(prices)]
    fetch(settings_for(server), known_bars(prices).tail(yahoo.OVERLAP_SESSIONS - 1))
    assert [requested_from(request) for request in server.requests] == [yahoo.FIRST_DAY]


RESTATED = {
    "dividend rescales older adjusted closes": lambda f: f.with_columns(pl.col("vendor_adj_close") * 1.002),
    "split halves older closes": lambda f: f.with_columns(pl.col("close", "vendor_adj_close") * 2, pl.col("volume") // 2),
    "one close, unexplained": lambda f: f.with_columns(
        close=pl.when(pl.int_range(pl.len()) == 50).then(pl.col("close") * 1.001).otherwise("close")
    ),
    "one volume, unexplained": lambda f: f.with_columns(
        volume=pl.when(pl.int_range(pl.len()) == 50).then(pl.col("volume") * 2).otherwise("volume")
    ),
}


@pytest.mark.parametrize("restate", RESTATED.values(), ids=RESTATED.keys())
def test_after_a_restatement_the_whole_history_is_requested(
    restate: Callable[[pl.DataFrame], pl.DataFrame], prices: Prices, server: VendorServer, settings_for: SettingsFor
) -> None:
    server.replies = [charts(prices)]
    frame = fetch(settings_for(server), restate(known_bars(prices)))
    assert len(server.requests) == 2
    assert requested_from(server.requests[1]) == yahoo.FIRST_DAY
    assert frame.height == 80


WITHIN = {
    "price within 1e-4": lambda f: f.with_columns(pl.col("close", "vendor_adj_close") * (1 + 0.9e-4)),
    "volume within 5e-3": lambda f: f.with_columns((pl.col("volume") * 1.004).cast(pl.Int64)),
    "volume of the two newest drifts": lambda f: f.with_columns(
        volume=pl.when(pl.int_range(pl.len()) >= pl.len() - 2).then(pl.col("volume") * 2).otherwise("volume")
    ),
}


@pytest.mark.parametrize("drift", WITHIN.values(), ids=WITHIN.keys())
def test_a_small_drift_is_not_a_restatement(
    drift: Callable[[pl.DataFrame], pl.DataFrame], prices: Prices, server: VendorServer, settings_for: SettingsFor
) -> None:
    server.replies = [charts(prices)]
    fetch(settings_for(server), drift(known_bars(prices)))
    assert len(server.requests) == 1


def test_zero_volume_and_bars_without_price_are_not_restatements(prices: Prices) -> None:
    still = known_bars(prices).with_columns(volume=pl.lit(0, pl.Int64))
    answer = prices.frame.with_columns(Volume=pl.lit(0.0))
    assert not yahoo.is_restated(still, answer)
    hole = pl.int_range(pl.len()) == 40
    without = answer.with_columns(
        pl.when(hole).then(float("nan")).otherwise(pl.col(c)).alias(c) for c in ("Open", "High", "Low", "Close", "Adj Close")
    )
    assert not yahoo.is_restated(still, without)


@pytest.mark.parametrize(("symbol", "path"), [("BRK.B", "BRK-B"), ("MOG.A", "MOG-A"), ("BRK-B", "BRK-B"), ("^IRX", "^IRX")])
def test_symbols(symbol: str, path: str, prices: Prices, server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [charts(prices)]
    fetch(settings_for(server), symbol=symbol)
    assert server.requests[0].path.rpartition("/")[2].replace("%5E", "^") == path


NOT_FOUND = Answer(
    b'{"chart":{"result":null,"error":{"code":"Not Found","description":"No data found, symbol may be delisted"}}}',
    status=404,
    content_type=JSON,
)
WHOLE = Prices.invented(invented.recent_days(60, date(2026, 5, 5))).chart("IWM")
BAD_ANSWERS = {
    "429": (Answer(b"Too Many Requests\r\n", status=429), r"rate limit is reached \(429\)"),
    "500": (Answer(b"<html>Internal Server Error</html>", status=500), "Yahoo answered 500"),
    "web page with 200": (
        Answer(b"<!DOCTYPE html><html><body>Consent</body></html>", content_type="text/html"),
        "not valid JSON",
    ),
    "cut in half": (Answer(WHOLE[: len(WHOLE) // 2], content_type=JSON), "not valid JSON"),
    "shorter than promised": (Answer(WHOLE[:500], promised=len(WHOLE)), "no usable answer from Yahoo"),
    "empty": (Answer(b""), "not valid JSON"),
    "down": (Answer(b"Will be right back..."), "DOWN"),
    "no chart": (Answer(b'{"finance": {"result": null, "error": null}}'), "IWM"),
    "empty chart": (Answer(b'{"chart": {"result": [], "error": null}}'), "IWM"),
    "a list": (Answer(b"[]"), "IWM|no usable"),
    "no quotes": (Answer(b'{"chart":{"result":[{"meta":{},"indicators":{"quote":[{}]}}],"error":null}}'), "IWM"),
    "meta alone": (Answer(b'{"chart":{"result":[{"meta":{}}],"error":null}}'), "no usable answer"),
    "delisted": (NOT_FOUND, "may be delisted"),
}


@pytest.mark.parametrize(("answer", "sentence"), BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
def test_bad_answers_give_a_clear_message(answer: Answer, sentence: str, server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [answer]
    with pytest.raises(FetchFailed, match=sentence):
        fetch(settings_for(server))
    # Rate limits, server errors and truncated answers are retried; refusals are not.
    assert 1 <= len(server.requests) <= 3


def test_possibly_delisted_is_a_failure_not_an_answer(prices: Prices, server: VendorServer, settings_for: SettingsFor) -> None:
    settings = settings_for(server)
    server.replies = [NOT_FOUND, charts(prices)]
    with pytest.raises(FetchFailed):
        fetch(settings)
    assert not list(settings.home.rglob("*.parquet"))
    assert fetch(settings).height == 80


@pytest.mark.slow
def test_slow_answer(server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [Answer(promised=1_000_000, stall=True)]
    with pytest.raises(FetchFailed, match="no usable answer.*imed out"):
        fetch(settings_for(server, fetch_timeout_seconds=0.3, fetch_attempts=2))
    assert len(server.requests) == 2


def test_an_endless_answer_is_cut_off(server: VendorServer, settings_for: SettingsFor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LARGEST_ANSWER_BYTES", 10_000)
    server.replies = [Answer(b" " * 500_000, content_type=JSON)]
    with pytest.raises(FetchFailed, match="larger than 10,000 bytes"):
        fetch(settings_for(server))
    assert len(server.requests) == 1


def test_a_compressed_bomb_is_cut_off(server: VendorServer, settings_for: SettingsFor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LARGEST_ANSWER_BYTES", 1_000_000)
    packed = gzip.compress(b" " * 50_000_000)
    assert len(packed) < 100_000
    server.replies = [Answer(packed, content_type=JSON, headers={"Content-Encoding": "gzip"})]
    with pytest.raises(FetchFailed, match="larger than 1,000,000 bytes"):
        fetch(settings_for(server))


def test_a_requested_pause_is_respected(
    prices: Prices, server: VendorServer, settings_for: SettingsFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    server.replies = [Answer(status=429, headers={"Retry-After": "17"}), charts(prices)]
    assert fetch(settings_for(server)).height == 80
    assert max(pauses) == 17


def test_a_pause_longer_than_the_budget_ends_the_attempts(server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [Answer(status=429, headers={"Retry-After": "3600"})]
    began = time.monotonic()
    with pytest.raises(FetchFailed, match=r"rate limit is reached \(429\) and requested a pause of 3600 seconds"):
        fetch(settings_for(server))
    assert time.monotonic() - began < 5
    assert len(server.requests) == 1


def test_with_another_address_no_request_goes_to_yahoo(server: VendorServer) -> None:
    """Including cookies, crumbs, consent, options and the screener."""
    server.replies = [Answer(b"{}", content_type=JSON)]
    session = YahooSession(f"{server.url}/mirror", 10)
    for url in ("https://fc.yahoo.com", "https://guce.yahoo.com/consent", "https://query1.finance.yahoo.com/v1/finance/screener",
                "https://query2.finance.yahoo.com/v7/finance/options/IWM"):  # fmt: skip
        session.get(url)
    assert [request.path for request in server.requests] == [
        "/mirror", "/mirror/consent", "/mirror/v1/finance/screener", "/mirror/v7/finance/options/IWM",
    ]  # fmt: skip


def test_a_refused_crumb_is_never_sent(server: VendorServer) -> None:
    from yfinance.exceptions import YFRateLimitError

    server.replies = [Answer(b"Too Many Requests", status=429)]
    with pytest.raises(YFRateLimitError):
        YahooSession(server.url, 10).get("https://query1.finance.yahoo.com/v1/test/getcrumb")


def test_an_empty_crumb_is_not_sent(prices: Prices, server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [charts(prices)]
    fetch(settings_for(server))
    assert "crumb" not in server.requests[0].query


def test_a_rate_limit_is_retried(prices: Prices, server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [Answer(b"Too Many Requests", status=429)] * 2 + [charts(prices)]
    assert fetch(settings_for(server)).height == 80
    assert len(server.requests) == 3


def test_a_bad_first_answer_is_not_cached(server: VendorServer, settings_for: SettingsFor) -> None:
    """yfinance caches answers about past dates, including bad ones."""
    settings = settings_for(server, source="sample")
    past = Prices.invented(invented.session_days(60, settings.today))
    server.replies = [Answer(b"<html></html>"), charts(past)]
    assert fetch(settings).height == 60
    assert len(server.requests) == 2


def test_answer_without_bars(server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [charts(Prices.invented([]))]
    with pytest.raises(FetchFailed, match="IWM"):
        fetch(settings_for(server))


def test_two_addresses_in_one_process(prices: Prices, server: VendorServer, settings_for: SettingsFor, tmp_path: Path) -> None:
    other = VendorServer([charts(Prices(prices.frame.with_columns(pl.col("Close") + 0.5)))])
    other.start()
    try:
        server.replies = [charts(prices)]
        here, there = settings_for(server, data_dir=tmp_path / "a"), settings_for(other, data_dir=tmp_path / "b")
        first, second, third = fetch(here), fetch(there), fetch(here)
    finally:
        other.stop()
    assert first.equals(third)
    assert second["Close"][0] == first["Close"][0] + 0.5
    assert (len(server.requests), len(other.requests)) == (2, 1)


def test_caches_are_in_the_data_directory(prices: Prices, server: VendorServer, settings_for: SettingsFor) -> None:
    from yfinance import cache

    server.replies = [charts(prices)]
    settings = settings_for(server)
    fetch(settings)
    assert cache._CookieDBManager.get_location() == str(settings.home / "yfinance")
    assert cache._TzDBManager.get_location() == str(settings.home / "yfinance")


def test_known_warnings_are_suppressed_and_others_are_not(
    prices: Prices,
    server: VendorServer,
    settings_for: SettingsFor,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.replies = [charts(prices), NOT_FOUND]
    settings = settings_for(server)
    with warnings.catch_warnings(record=True) as seen, caplog.at_level(logging.DEBUG, logger="orchestration"):
        warnings.simplefilter("always")
        fetch(settings)
        with pytest.raises(FetchFailed):
            fetch(settings)
        logging.getLogger("yfinance").warning("Cookie fetch from its address failed, continuing without it")
        logging.getLogger("yfinance").warning("something else")
    assert capfd.readouterr() == ("", "")
    assert [r.getMessage() for r in caplog.records if r.name.startswith("yfinance")] == ["something else"]
    assert any("continuing without" in r.getMessage() for r in caplog.records if r.name.startswith("orchestration"))
    assert [str(w.message) for w in seen if "yfinance" in w.filename] == []


RECORDED = [
    "AAPL-2020-08-31-to-2020-11-07",
    "QQQ-2020-01-01-to-2020-01-03",
    "AMZN-2020-01-01-to-2020-01-03",
    "SPOT-2020-01-01-to-2020-01-03",
]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_answers_give_their_frame(
    name: str, recorded_yahoo: Path, server: VendorServer, settings_for: SettingsFor
) -> None:
    answer = json.loads((recorded_yahoo / f"chart-{name}.json").read_text())
    body = answer["body"] if isinstance(answer["body"], str) else json.dumps(answer["body"])
    result = json.loads(body)["chart"]["result"][0]
    server.replies = [Answer(body.encode(), content_type=JSON)]
    frame = fetch(settings_for(server), symbol=name.partition("-")[0])
    quote = result["indicators"]["quote"][0]
    days = [datetime.fromtimestamp(t, invented.NEW_YORK).date() for t in result["timestamp"]]
    assert frame["Date"].to_list() == days
    for column in ("open", "high", "low", "close", "volume"):
        assert frame[column.capitalize()].to_list() == pytest.approx(quote[column])
    assert frame["Adj Close"].to_list() == pytest.approx(result["indicators"]["adjclose"][0]["adjclose"])
    events = result.get("events") or {}
    assert frame["Dividends"].sum() == pytest.approx(sum(d["amount"] for d in events.get("dividends", {}).values()))
    assert frame["Stock Splits"].filter(frame["Stock Splits"] > 0).to_list() == [
        s["numerator"] / s["denominator"] for s in events.get("splits", {}).values()
    ]

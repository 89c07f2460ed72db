"""Every vendor's fetch with the real HTTP client against a local server with good and bad answers."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.settings import Settings
from orchestration.vendors import fred, french, http, invesco, ishares, ssga, vanguard
from orchestration.vendors.feed import DocumentRejected, Feed, Fetched, FetchFailed
from tests.vendors import documents as invented
from tests.vendors.asking import ask, client_of
from tests.vendors.server import Answer, VendorServer

SettingsFor = Callable[..., Settings]
FETCHED: dict[str, tuple[Feed, str]] = {
    "ishares": (ishares.FEED, "IWM"),
    "ssga": (ssga.FEED, "SPY"),
    "invesco": (invesco.FEED, "QQQ"),
    "vanguard": (vanguard.FEED, "VTWO"),
    "fred": (fred.FEED, "DFF"),
    "french": (french.FEED, "daily"),
}
GOOD = {
    "ishares": lambda: Answer(invented.IShares().encode()),
    "ssga": lambda: Answer(invented.StateStreet().encode(), content_type="application/octet-stream"),
    "invesco": lambda: Answer(invented.InvescoJson().encode(), content_type="text/plain"),
    "vanguard": lambda: Answer(invented.Vanguard().encode(), content_type="application/json"),
    "fred": lambda: Answer(invented.Fred().encode()),
    "french": lambda: Answer(invented.French().archive(), content_type="application/zip"),
}
PATHS = {
    "ishares": ("/varnish-api/blk-one01-product-data/product-data/api/v1/get-fund-document", {"portfolioId": "idIWM"}),
    "ssga": ("/us/en/intermediary/library-content/products/fund-data/etfs/us/holdings-daily-us-en-idSPY.xlsx", {}),
    "invesco": ("/cache/v1/accounts/en_US/shareclasses/idQQQ/holdings/fund", {"idType": "ticker", "productType": "ETF"}),
    "vanguard": ("/vmf/api/idVTWO/portfolio-holding/stock.json", {"start": "1", "count": "20000"}),
    "fred": ("/graph/fredgraph.csv", {"id": "DFF"}),
    "french": ("/pages/faculty/ken.french/ftp/F-F_Research_Data_Factors_daily_CSV.zip", {}),
}
VENDORS = pytest.mark.parametrize("vendor", sorted(FETCHED))


def fetch(vendor: str, settings: Settings) -> Fetched:
    feed, symbol = FETCHED[vendor]
    return ask(feed, settings, symbol)


@VENDORS
def test_the_fetched_document_equals_the_answer_and_parses(vendor: str, server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [GOOD[vendor]()]
    fetched = fetch(vendor, settings_for(server))
    assert fetched.content == GOOD[vendor]().body
    feed, symbol = FETCHED[vendor]
    parsed = feed.parse(fetched.content, invented.context(symbol, fetched.extension))
    assert parsed.tables[parsed.main].height >= 28
    assert len(server.requests) == 1
    path, query = PATHS[vendor]
    assert server.requests[0].path == path
    assert query.items() <= server.requests[0].query.items()
    assert "Chrome" in server.requests[0].headers["User-Agent"]


def test_ishares_requests_a_past_date_with_a_referer(server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [GOOD["ishares"]()]
    ask(ishares.FEED, settings_for(server), "IWM", as_of=invented.AS_OF)
    assert server.requests[0].query["asOfDate"] == "20260505"
    assert "ishares.com" in server.requests[0].headers["Referer"]


@VENDORS
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_temporary_failure_is_retried(vendor: str, status: int, server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [Answer(b"Too Many Requests\r\n", status=status), GOOD[vendor]()]
    assert fetch(vendor, settings_for(server)).content == GOOD[vendor]().body
    assert len(server.requests) == 2


@VENDORS
@pytest.mark.parametrize("status", [429, 500])
def test_the_number_of_attempts_is_limited(vendor: str, status: int, server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [Answer(b"Too Many Requests", status=status)]
    with pytest.raises(FetchFailed, match=f"answered {status}"):
        fetch(vendor, settings_for(server))
    assert len(server.requests) == 3


@VENDORS
@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_not_retried(vendor: str, status: int, server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [Answer(b"no", status=status)]
    with pytest.raises(FetchFailed, match=f"answered {status}"):
        fetch(vendor, settings_for(server))
    assert len(server.requests) == 1


@VENDORS
def test_web_page_with_status_200_is_rejected_by_the_parser(vendor: str, server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [Answer(b"<!DOCTYPE html><html><body>Please accept our cookies</body></html>", content_type="text/html")]
    fetched = fetch(vendor, settings_for(server))
    feed, symbol = FETCHED[vendor]
    with pytest.raises(DocumentRejected, match="web page"):
        feed.parse(fetched.content, invented.context(symbol, fetched.extension))


@VENDORS
def test_a_truncated_answer_is_rejected(vendor: str, server: VendorServer, settings_for: SettingsFor) -> None:
    whole = GOOD[vendor]().body
    server.replies = [Answer(whole[: len(whole) // 2], promised=len(whole))]
    with pytest.raises(FetchFailed, match="no answer"):
        fetch(vendor, settings_for(server))
    assert len(server.requests) == 3


@VENDORS
def test_empty_answer(vendor: str, server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [Answer(b"")]
    with pytest.raises(FetchFailed, match="answer is empty"):
        fetch(vendor, settings_for(server))


@pytest.mark.slow
def test_the_timeout_covers_the_whole_request(server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [Answer(promised=1_000_000, stall=True)]
    began = time.monotonic()
    with pytest.raises(FetchFailed, match="no answer.*timed out"):
        fetch("fred", settings_for(server, fetch_timeout_seconds=0.3, fetch_attempts=2))
    assert time.monotonic() - began < 5
    assert len(server.requests) == 2


def test_the_time_budget_ends_the_attempts(server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [Answer(status=503)]
    with pytest.raises(FetchFailed, match="answered 503"):
        fetch("fred", settings_for(server, fetch_attempts=50, fetch_pause_seconds=0.05, fetch_budget_seconds=0.4))
    assert 1 < len(server.requests) < 10


def test_a_requested_pause_is_respected(server: VendorServer, settings_for: SettingsFor, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    server.replies = [Answer(status=503, headers={"Retry-After": "17"}), GOOD["fred"]()]
    assert fetch("fred", settings_for(server)).content == GOOD["fred"]().body
    assert max(pauses) == 17


@pytest.mark.parametrize("asked", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_pause_longer_than_the_budget_ends_the_attempts(asked: str, server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [Answer(status=429, headers={"Retry-After": asked})]
    began = time.monotonic()
    with pytest.raises(FetchFailed, match=r"answered 429 and requested a pause of \d{4,} seconds"):
        fetch("fred", settings_for(server))
    assert time.monotonic() - began < 5
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("text", "seconds"), [(None, None), ("", None), ("soon", None), ("7", 7), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("-5", None)]
)
def test_retry_after(text: str | None, seconds: float | None) -> None:
    assert http.retry_after(text) == seconds


def test_oversized_answer_is_cut_off(server: VendorServer, settings_for: SettingsFor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LARGEST_ANSWER_BYTES", 10_000)
    server.replies = [Answer(b"x" * 500_000)]
    with pytest.raises(FetchFailed, match="larger than 10,000 bytes"):
        fetch("fred", settings_for(server))
    assert len(server.requests) == 1


def test_no_server_listens(server: VendorServer, settings_for: SettingsFor) -> None:
    settings = settings_for(server, vendor_urls={"fred": "http://127.0.0.1:9"})
    with pytest.raises(FetchFailed, match="no answer"):
        fetch("fred", settings)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, without jitter, on a clock that only they move."""
    made: list[float] = []
    monkeypatch.setattr(time, "sleep", made.append)
    monkeypatch.setattr(time, "monotonic", lambda: sum(made))
    monkeypatch.setattr(http.tenacity, "wait_random", lambda low, high: http.tenacity.wait_none())
    return made


def refused() -> None:
    raise http.WorthRetrying("Yahoo's rate limit is reached (429)")


SEQUENCES = {
    "three attempts": ({}, [10, 20]),
    "at most half a minute, within the budget": ({"fetch_attempts": 50}, [10, 20, 30, 30]),
    "a longer budget": ({"fetch_attempts": 50, "fetch_budget_seconds": 200}, [10, 20, 30, 30, 30, 30, 30]),
    "another first pause": ({"fetch_attempts": 6, "member_prices_backoff_seconds": 2}, [2, 4, 8, 16, 30]),
    "a slow pace": ({"member_prices_pause_seconds": 3}, [10, 20]),
}


@pytest.mark.parametrize(("changes", "expected"), SEQUENCES.values(), ids=SEQUENCES.keys())
def test_pauses_between_attempts_for_members_do_not_follow_their_fast_pace(
    changes: dict[str, float], expected: list[float], pauses: list[float], tmp_path: Path
) -> None:
    limits = Settings(**changes).member_limits  # type: ignore[arg-type]
    with pytest.raises(http.WorthRetrying):
        http.Client("http://127.0.0.1:9", limits, tmp_path).ask(refused)
    assert pauses == expected
    assert sum(pauses) <= limits.budget_seconds


def test_pauses_between_attempts_for_other_documents_follow_the_pace(pauses: list[float], tmp_path: Path) -> None:
    limits = Settings(fetch_attempts=4, fetch_pause_seconds=1.5).fetch_limits
    with pytest.raises(http.WorthRetrying):
        http.Client("http://127.0.0.1:9", limits, tmp_path).ask(refused)
    assert pauses == [1.5, 3, 6]


def test_requests_to_one_vendor_are_rate_limited(server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [Answer(status=500), GOOD["fred"]()]
    settings = settings_for(server, fetch_pause_seconds=0.08)
    # Two feeds of the vendor have a client each, and one pace.
    for client in (client_of(fred.FEED, settings), client_of(fred.FEED, settings)):
        ask(fred.FEED, settings, "DFF", client=client)
        ask(fred.FEED, settings, "DFF", client=client)
    times = [request.at for request in server.requests]
    assert len(times) == 5
    # The server records requests with a small delay, so the measured pause may be slightly shorter.
    assert all(later - earlier > 0.06 for earlier, later in itertools.pairwise(times))

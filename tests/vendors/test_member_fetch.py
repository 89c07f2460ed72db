"""Fetching members' prices from a local Yahoo: dead symbols, refusals, a kill in the middle, and what the next run asks for."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from orchestration.defs.assets.landing import _collect, landing_of
from orchestration.landing import members
from orchestration.landing.collect import Collected, Landing, collect_sessions
from orchestration.landing.import_prices import import_prices
from orchestration.landing.members import BARS_ARE_LATE, Failures, Reporting, due_symbols, fetch_members
from orchestration.raw.fetches import Fetch, failing, record
from orchestration.raw.ingest import ingest
from orchestration.raw.queries import member_failures, member_symbols
from orchestration.settings import Settings
from orchestration.universe import load_universe
from orchestration.vendors.http import Client
from orchestration.vendors.registry import CALENDAR
from orchestration.vendors.yahoo.member_prices import FEED, PRICES, fetch_bars
from orchestration.warehouse.connection import Warehouse
from tests.vendors import documents as invented
from tests.vendors.asking import client_of
from tests.vendors.documents import Prices
from tests.vendors.server import Answer, Request, VendorServer

SettingsFor = Callable[..., Settings]
SYMBOLS = [f"M{one}{two}" for one in "ABCDEF" for two in "ABCDEFGHIJ"]
DEAD = {"MAC", "MCA", "MFJ"}
GONE = b'{"chart":{"result":null,"error":{"code":"Not Found","description":"No data found, symbol may be delisted"}}}'
# When the newest bar of `prices` was final.
FINAL = datetime.combine(invented.recent_days(1, datetime.now(UTC).date() - timedelta(days=1))[0], time(21, 30), UTC)
NOT_KNOWN = pl.DataFrame(schema={"session": pl.Date, "close": pl.Float64})


class Vendor:
    """Bars for every symbol but the dead ones; some requests are refused first."""

    def __init__(self, prices: Prices, refused: Sequence[int] = ()) -> None:
        self.asked: list[str] = []
        self.dead = DEAD
        self._prices, self._refused, self._count = prices, set(refused), 0

    def __call__(self, request: Request) -> Answer:
        symbol = request.path.rpartition("/")[2]
        self._count += 1
        if self._count in self._refused:
            return Answer(b"Too Many Requests", status=429, headers={"Retry-After": "0"})
        self.asked.append(symbol)
        if symbol in self.dead:
            return Answer(GONE, status=404, content_type="application/json")
        period = (int(request.query["period1"]), int(request.query["period2"]))
        return Answer(self._prices.chart(symbol, *period), content_type="application/json")


class Run:
    """What a run reported, with a clock that gives each document its own second."""

    def __init__(self, folder: Path, clock: datetime | None = None) -> None:
        self.landing = Landing(folder, [folder], clock or datetime.now(UTC))
        self.said: list[str] = []
        self.recorded: list[Collected] = []
        self._seconds = 0

    def now(self) -> datetime:
        self._seconds += 1
        return self.landing.clock + timedelta(seconds=self._seconds)

    def fetch(self, symbols: Sequence[str], client: Client) -> list[Collected]:
        report = Reporting(say=self.said.append, record=self.recorded.extend, now=self.now)
        return fetch_members(symbols, {}, self.landing, client, since=date(2020, 1, 1), report=report)

    def landed(self) -> list[str]:
        documents = self.landing.documents(FEED)
        return sorted(s for d in documents for s in pl.read_parquet(BytesIO(d.read()))["symbol"].unique())


@pytest.fixture
def prices() -> Prices:
    return Prices.invented(invented.recent_days(30, datetime.now(UTC).date() - timedelta(days=1)))


@pytest.fixture(autouse=True)
def small_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "SYMBOLS_A_DOCUMENT", 20)


@pytest.mark.slow
def test_every_member_is_asked_for_once_whatever_fails_between(
    prices: Prices, server: VendorServer, settings_for: SettingsFor, tmp_path: Path
) -> None:
    vendor = Vendor(prices, refused=(5, 6, 30))
    server.replies = [vendor]
    run = Run(tmp_path / "landing")
    outcomes = run.fetch(SYMBOLS, client_of(FEED, settings_for(server)))
    assert Counter(vendor.asked) == Counter(SYMBOLS)
    assert {one.symbol for one in outcomes if one.status == "failed"} == DEAD
    assert "may be delisted" in next(one.detail for one in outcomes if one.status == "failed")
    assert run.landed() == sorted(set(SYMBOLS) - DEAD)
    assert len(run.landing.documents(FEED)) == 3
    assert [one for one in run.recorded if one.symbol != "US"] == outcomes


@pytest.mark.slow
def test_a_document_is_of_the_time_of_its_first_request(
    prices: Prices, server: VendorServer, settings_for: SettingsFor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = Vendor(prices)
    server.replies = [vendor]
    run = Run(tmp_path / "landing")
    began = run.landing.clock.replace(microsecond=0)
    monkeypatch.setattr(run, "now", lambda: began + timedelta(seconds=10 * len(vendor.asked)))
    run.fetch(SYMBOLS, client_of(FEED, settings_for(server)))
    times = [document.retrieved_at for document in run.landing.documents(FEED)]
    assert times == [began + timedelta(seconds=10 * asked) for asked in (0, 20, 40)]


@pytest.mark.slow
@pytest.mark.parametrize(("is_killed", "lost"), [(True, SYMBOLS[40:47]), (False, [])], ids=["killed", "stopped"])
def test_an_ended_run_keeps_what_it_has_and_the_next_one_goes_on(
    prices: Prices,
    server: VendorServer,
    settings_for: SettingsFor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_killed: bool,
    lost: list[str],
) -> None:
    vendor = Vendor(prices)
    server.replies = [vendor]
    run, client = Run(tmp_path / "landing"), client_of(FEED, settings_for(server))
    ask = Client.ask

    def ended(self: Client, call: Callable[[], object]) -> object:
        if len(vendor.asked) == 47:
            if is_killed:
                monkeypatch.setattr(members._Batch, "write", lambda *_: None)
            raise KeyboardInterrupt
        return ask(self, call)

    with monkeypatch.context() as patch:
        patch.setattr(Client, "ask", ended)
        with pytest.raises(KeyboardInterrupt):
            run.fetch(SYMBOLS, client)
    monkeypatch.undo()
    monkeypatch.setattr(members, "SYMBOLS_A_DOCUMENT", 20)
    kept = SYMBOLS[: 47 - len(lost)]
    assert run.landed() == sorted(set(kept) - DEAD)
    failed = {one.symbol: Failures(1, run.landing.clock.date()) for one in run.recorded if one.status == "failed"}
    due = due_symbols(SYMBOLS, failed, run.landing, FINAL)
    assert due == SYMBOLS[len(kept) :]
    run.fetch(due, client)
    assert run.landed() == sorted(set(SYMBOLS) - DEAD)
    # Only those whose document was not written yet are asked for again.
    assert {symbol for symbol, count in Counter(vendor.asked).items() if count > 1} == set(lost)
    assert due_symbols(SYMBOLS, failed, run.landing, FINAL) == ["MFJ"]


def test_what_was_fetched_is_not_asked_for_again_even_if_yahoo_lacks_the_session(
    prices: Prices, server: VendorServer, settings_for: SettingsFor, tmp_path: Path
) -> None:
    server.replies = [Vendor(prices)]
    run = Run(tmp_path / "landing")
    run.fetch(["MAA"], client_of(FEED, settings_for(server)))
    # The session that was final just before is not in the answer, as of a halted stock.
    assert due_symbols(["MAA", "MAB"], {}, run.landing, run.landing.clock) == ["MAB"]
    assert due_symbols(["MAA", "MAB"], {}, run.landing, run.landing.clock + timedelta(hours=1)) == ["MAA", "MAB"]


@pytest.mark.parametrize("has_row", [False, True])
def test_a_bar_that_is_late_is_asked_for_once_more(
    *, has_row: bool, prices: Prices, server: VendorServer, settings_for: SettingsFor, tmp_path: Path
) -> None:
    """MAA has no bar of the last session yet, or one without prices; MAB has it. Six hours later, one more question is enough."""
    last = prices.frame["Date"].max()
    final = datetime.combine(last, time(20, 30), UTC)
    is_old = pl.col("Date") < last
    names = ("Open", "High", "Low", "Close", "Adj Close")
    without = prices.frame.with_columns(pl.when(is_old).then(pl.col(name)).alias(name) for name in names)
    late = Vendor(Prices(without if has_row else prices.frame.filter(is_old)))
    server.replies = [late]
    evening = Run(tmp_path / "landing", final + timedelta(hours=1))
    evening.fetch(["MAA"], client_of(FEED, settings_for(server)))
    server.replies = [Vendor(prices)]
    evening.fetch(["MAB"], client_of(FEED, settings_for(server)))
    assert due_symbols(["MAA", "MAB"], {}, evening.landing, final) == []
    night = Run(tmp_path / "landing", final + BARS_ARE_LATE)
    assert due_symbols(["MAA", "MAB"], {}, night.landing, final) == ["MAA"]
    server.replies = [late]
    night.fetch(["MAA"], client_of(FEED, settings_for(server)))
    assert due_symbols(["MAA", "MAB"], {}, night.landing, final) == []


def test_an_import_of_old_bars_is_no_fetch_of_today(prices: Prices, tmp_path: Path) -> None:
    run = Run(tmp_path / "landing")
    last = prices.frame["Date"].max()
    bars = prices.frame.select(session="Date", **{name: name.capitalize() for name in (*PRICES, "volume")})
    old = bars.filter(pl.col("session") < last).with_columns(symbol=pl.lit("MAA"))
    whole = bars.with_columns(symbol=pl.lit("MAB"))
    pl.concat([old, whole]).write_csv(tmp_path / "bars.csv")
    assert import_prices(tmp_path / "bars.csv", run.landing).documents == 1
    assert due_symbols(["MAA", "MAB", "MAC"], {}, run.landing, FINAL) == ["MAA", "MAC"]
    # Its newest bar was still open when the document was retrieved.
    assert due_symbols(["MAB"], {}, run.landing, run.landing.clock + timedelta(hours=1)) == ["MAB"]


def recorded(warehouse: Warehouse, run: Run) -> None:
    """Record what a run reported, as a run of the pipeline does."""
    with warehouse.connect() as connection:
        at = run.landing.clock.replace(tzinfo=None)
        record(connection, [Fetch("yahoo", "member_prices", one.symbol, at, one.status, one.detail) for one in run.recorded])


def failures(warehouse: Warehouse) -> dict[str, Failures]:
    return {symbol: Failures(days, last) for symbol, days, last in member_failures(warehouse)}


def test_dead_symbols_alone_are_no_outage_and_are_believed_dead_after_three_days(
    prices: Prices, server: VendorServer, settings_for: SettingsFor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "SYMBOLS_A_DOCUMENT", 300)
    dead = SYMBOLS[:30]
    vendor = Vendor(prices)
    vendor.dead = set(dead)
    server.replies = [vendor]
    warehouse, client = Warehouse(tmp_path / "warehouse.duckdb"), client_of(FEED, settings_for(server))
    warehouse.prepare()
    today = datetime.now(UTC)
    for day in range(3):
        run = Run(tmp_path / "landing", today + timedelta(days=day))
        due = due_symbols(dead, failures(warehouse), run.landing, FINAL)
        assert due == dead
        outcomes = run.fetch(due, client)
        assert [(one.symbol, one.status) for one in outcomes] == [(symbol, "failed") for symbol in dead]
        assert run.recorded[-1] == Collected("US", "new")
        recorded(warehouse, run)
        with warehouse.connect() as connection:
            assert failing(connection) == []
    # The fund is asked for twice a day, after twenty failures and after the rest.
    assert Counter(vendor.asked) == {**dict.fromkeys(dead, 3), "IWM": 6}
    assert {one.days for one in failures(warehouse).values()} == {3}
    fourth = Run(tmp_path / "landing", today + timedelta(days=3))
    assert due_symbols(dead, failures(warehouse), fourth.landing, FINAL) == []


def test_many_dead_symbols_do_not_stop_the_living_ones(
    prices: Prices, server: VendorServer, settings_for: SettingsFor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "SYMBOLS_A_DOCUMENT", 300)
    vendor = Vendor(prices)
    vendor.dead = set(SYMBOLS[:40])
    server.replies = [vendor]
    run = Run(tmp_path / "landing")
    outcomes = run.fetch(SYMBOLS[:50], client_of(FEED, settings_for(server)))
    assert {one.symbol for one in outcomes if one.status == "failed"} == set(SYMBOLS[:40])
    assert run.landed() == SYMBOLS[40:50]
    assert run.recorded == [*outcomes, Collected("US", "new")]


def test_symbols_that_failed_before_are_asked_for_last(tmp_path: Path) -> None:
    landing = Run(tmp_path / "landing").landing
    failed = {symbol: Failures(1, landing.clock.date() - timedelta(days=1)) for symbol in ("MAA", "MAC")}
    assert due_symbols(["MAD", "MAC", "MAB", "MAA"], failed, landing, FINAL) == ["MAB", "MAD", "MAA", "MAC"]


def test_unusable_answers_for_some_symbols_in_a_row_are_their_own(
    prices: Prices, server: VendorServer, settings_for: SettingsFor, tmp_path: Path
) -> None:
    vendor, page = Vendor(prices), Answer(b"<html>", content_type="text/html")
    server.replies = [lambda request: page if request.path[-3:] in SYMBOLS[:7] else vendor(request)]
    run = Run(tmp_path / "landing")
    outcomes = run.fetch(SYMBOLS[:10], client_of(FEED, settings_for(server, fetch_attempts=1)))
    assert [one.symbol for one in outcomes if one.status == "failed"] == SYMBOLS[:7]
    assert vendor.asked == ["IWM", "IWM", *SYMBOLS[7:10]]


@pytest.mark.parametrize(
    "answer", [Answer(status=429), Answer(GONE, status=404, content_type="application/json")], ids=["429", "GONE"]
)
def test_an_outage_blames_no_symbol_when_few_are_due(
    answer: Answer, server: VendorServer, settings_for: SettingsFor, tmp_path: Path
) -> None:
    server.replies = [answer]
    run = Run(tmp_path / "landing")
    run.fetch(SYMBOLS[:2], client_of(FEED, settings_for(server, fetch_attempts=1)))
    assert [(one.symbol, one.status) for one in run.recorded] == [("US", "failed")]
    assert len(server.requests) == 2 + 1


def test_an_outage_at_the_end_blames_no_symbol(
    prices: Prices, server: VendorServer, settings_for: SettingsFor, tmp_path: Path
) -> None:
    vendor = Vendor(prices)
    server.replies = [lambda request: vendor(request) if len(server.requests) <= 2 else Answer(status=503)]
    run = Run(tmp_path / "landing")
    run.fetch(["MAA", "MAB", "MAD"], client_of(FEED, settings_for(server, fetch_attempts=1)))
    assert [(one.symbol, one.status) for one in run.recorded] == [("MAA", "new"), ("MAB", "new"), ("US", "failed")]


OUTAGES = {
    "500": Answer(b"<html>Internal Server Error</html>", status=500),
    "closed connections": Answer(b"{", promised=1_000),
    "a page": Answer(b"<html>Consent</html>", content_type="text/html"),
}


@pytest.mark.parametrize("answer", OUTAGES.values(), ids=OUTAGES.keys())
def test_an_outage_in_the_middle_keeps_what_came_before_it(
    answer: Answer, prices: Prices, server: VendorServer, settings_for: SettingsFor, tmp_path: Path
) -> None:
    vendor = Vendor(prices)
    server.replies = [lambda request: vendor(request) if len(server.requests) <= 4 else answer]
    run = Run(tmp_path / "landing")
    outcomes = run.fetch(SYMBOLS, client_of(FEED, settings_for(server, fetch_attempts=1)))
    # MAC, which is dead, failed too near to the outage to be blamed.
    assert [(one.symbol, one.status) for one in outcomes] == [("MAA", "new"), ("MAB", "new"), ("MAD", "new"), ("US", "failed")]
    assert run.recorded == outcomes
    assert "and the one for IWM too" in outcomes[-1].detail
    assert len(server.requests) == 4 + 3 + 1
    assert run.landed() == ["MAA", "MAB", "MAD"]


@pytest.mark.parametrize("answer", OUTAGES.values(), ids=OUTAGES.keys())
def test_an_outage_blames_no_symbol(answer: Answer, server: VendorServer, settings_for: SettingsFor, tmp_path: Path) -> None:
    server.replies = [answer]
    run = Run(tmp_path / "landing")
    outcomes = run.fetch(SYMBOLS, client_of(FEED, settings_for(server, fetch_attempts=1)))
    assert [(one.symbol, one.status) for one in outcomes] == [("US", "failed")]
    assert run.recorded == outcomes
    assert len(server.requests) == 3 + 1


def test_a_vendor_that_refuses_ends_the_fetch_and_blames_no_symbol(
    server: VendorServer, settings_for: SettingsFor, tmp_path: Path
) -> None:
    server.replies = [Answer(b"Too Many Requests", status=429)]
    run = Run(tmp_path / "landing")
    outcomes = run.fetch(SYMBOLS, client_of(FEED, settings_for(server, fetch_attempts=2)))
    assert [one.symbol for one in outcomes] == ["US"]
    assert "429" in outcomes[0].detail
    assert "60 of 60 members are left" in run.said[-1]
    assert len(server.requests) == (3 + 1) * 2
    assert [one.symbol for one in run.recorded] == ["US"]


def test_an_outage_that_says_delisted_blames_no_symbol(server: VendorServer, settings_for: SettingsFor, tmp_path: Path) -> None:
    server.replies = [Answer(GONE, status=404, content_type="application/json")]
    run = Run(tmp_path / "landing")
    outcomes = run.fetch(SYMBOLS, client_of(FEED, settings_for(server)))
    assert [one.symbol for one in outcomes] == ["US"]
    assert len(server.requests) == members.FEWEST_FOR_OUTAGE + 1


@pytest.mark.parametrize(("count", "reported"), [(4, [1, 2, 3, 4]), (10, [*range(1, 11)]), (25, [3, 6, 9, 12, 15, 18, 21, 24])])
def test_a_small_fetch_tells_its_progress_at_every_tenth(
    count: int, reported: list[int], prices: Prices, server: VendorServer, settings_for: SettingsFor, tmp_path: Path
) -> None:
    server.replies = [Vendor(prices)]
    run = Run(tmp_path / "landing")
    run.fetch(SYMBOLS[:count], client_of(FEED, settings_for(server)))
    assert all(re.fullmatch(rf"members [#.]{{20}} \d+ of {count}, about \d+ min \d+ s left", line) for line in run.said)
    assert [int(line.split()[2]) for line in run.said] == reported


def test_a_large_fetch_tells_its_progress_at_every_hundredth_symbol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bars(symbol: str, *_: object) -> pl.DataFrame:
        return pl.DataFrame({"symbol": [symbol], "session": [date(2026, 5, 4)]})

    monkeypatch.setattr(members, "SYMBOLS_A_DOCUMENT", 300)
    monkeypatch.setattr(members.member_prices, "fetch_bars", bars)
    run = Run(tmp_path / "landing")
    client = Client("http://127.0.0.1:9", Settings().member_limits, tmp_path)
    run.fetch([f"M{number}" for number in range(1_250)], client)
    assert [line.split()[2] for line in run.said] == [f"{asked:,}" for asked in range(100, 1_201, 100)]


def test_the_progress_has_a_bar_and_an_estimate() -> None:
    assert members._progress(650, 2_600, 130) == "members #####............... 650 of 2,600, about 6 min 30 s left"
    assert members._progress(10, 30, 49.9) == "members #######............. 10 of 30, about 1 min 40 s left"
    assert members._progress(60, 60, 12) == "members #################### 60 of 60, about 0 min 0 s left"


def test_an_answer_that_nobody_expects_stops_no_other(
    prices: Prices, server: VendorServer, settings_for: SettingsFor, tmp_path: Path
) -> None:
    vendor = Vendor(prices)
    strange = Answer(b'{"chart": {"result": [{"meta": {}, "timestamp": "x"}], "error": null}}', content_type="application/json")
    server.replies = [lambda request: strange if request.path.endswith("MAB") else vendor(request)]
    run = Run(tmp_path / "landing")
    outcomes = run.fetch(SYMBOLS[:10], client_of(FEED, settings_for(server, fetch_attempts=1)))
    assert {one.symbol for one in outcomes if one.status == "failed"} == {"MAB", "MAC"}
    assert len(run.landed()) == 8


def test_known_members_are_asked_for_the_last_sessions_and_after_a_split_for_all(
    prices: Prices, server: VendorServer, settings_for: SettingsFor
) -> None:
    vendor = Vendor(prices)
    server.replies = [vendor]
    client = client_of(FEED, settings_for(server))
    known = prices.frame.select(session="Date", close="Close")[:-1]
    today = datetime.now(UTC).date()
    short = fetch_bars("MAA", known, date(2020, 1, 1), today, client)
    assert short["session"].to_list() == prices.frame["Date"].to_list()[-11:]
    assert vendor.asked == ["MAA"]
    split = known.with_columns(pl.col("close") * 2)
    assert fetch_bars("MAB", split, date(2020, 1, 1), today, client).height == 30
    assert vendor.asked == ["MAA", "MAB", "MAB"]
    assert fetch_bars("MAD", NOT_KNOWN, date(2020, 1, 1), today, client).height == 30


def test_a_known_session_without_a_close_in_the_answer_is_no_split(
    prices: Prices, server: VendorServer, settings_for: SettingsFor
) -> None:
    known = prices.frame.select(session="Date", close="Close")
    hole = pl.col("Date") == prices.frame["Date"][-3]
    names = ("Open", "High", "Low", "Close", "Adj Close", "Volume")
    prices.frame = prices.frame.with_columns(pl.when(~hole).then(pl.col(name)).alias(name) for name in names)
    vendor = Vendor(prices)
    server.replies = [vendor]
    client, today = client_of(FEED, settings_for(server)), datetime.now(UTC).date()
    bars = fetch_bars("MAA", known, date(2020, 1, 1), today, client)
    assert bars["close"].is_nan().to_list() == [False] * 7 + [True] + [False] * 2
    assert vendor.asked == ["MAA"]
    # A split is noticed by the other sessions.
    assert fetch_bars("MAB", known.with_columns(pl.col("close") * 2), date(2020, 1, 1), today, client).height == 30


@pytest.mark.parametrize(("days", "pause"), [(1, 1), (2, 1), (3, 2), (4, 4), (7, 32), (30, 32)])
def test_a_symbol_that_fails_is_asked_for_at_growing_intervals(days: int, pause: int) -> None:
    assert Failures(days, date(2026, 5, 4)).next_day == date(2026, 5, 4) + timedelta(days=pause)


def test_the_warehouse_remembers_failures_and_names_the_members(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.prepare()

    def fetched(symbol: str, day: int, outcome: str) -> Fetch:
        return Fetch("yahoo", "member_prices", symbol, datetime(2026, 5, day, 23), outcome, None)

    lines = [
        ("IWM", "2026-05-04", "AAA", "Equity"), ("IWM", "2026-05-04", "BRKB", "Equity"),
        ("IWM", "2026-05-04", "RTYZ6", "Futures"),
        ("IWM", "2026-05-04", "USD", "Cash"), ("IWM", "2026-05-04", "-", "Equity"), ("IWM", "2026-04-01", "OLD", "Equity"),
        ("IWM", "2026-04-01", "GONE", "Equity"), ("SPY", "2026-05-04", "BRK.B", None), ("IWV", "2026-05-04", "ZZZ", "Equity"),
    ]  # fmt: skip
    with warehouse.connect() as connection:
        record(connection, [fetched("AAA", 4, "failed"), fetched("AAA", 5, "new"), fetched("GONE", 4, "failed")])
        record(connection, [fetched("GONE", 4, "failed"), fetched("GONE", 5, "failed")])
        for fund, as_of, ticker, label in lines:
            connection.execute(
                "insert into raw.holdings (fund, as_of, line_no, ticker, name, asset_class_label) values (?, ?, 1, ?, 'x', ?)",
                [fund, as_of, ticker, label],
            )
        assert failing(connection) == []
    assert member_failures(warehouse) == [("GONE", 2, date(2026, 5, 5))]
    assert member_symbols(warehouse, ["IWM", "SPY"], ["Equity"]) == ["AAA", "BRK-B", "GONE", "OLD"]


def test_a_former_member_is_due_until_its_bars_reach_the_day_it_left_or_the_vendor_has_no_more(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.prepare()
    # Who left after the snapshot of 2026-04-01: the newest bar, and the requests before.
    former: dict[str, tuple[str | None, list[tuple[str, str]]]] = {
        "NEVER": (None, []),
        "FAILS": (None, [("2026-04-03", "failed")]),
        "WHOLE": ("2026-04-01", []),
        "LATER": ("2026-04-20", [("2026-04-20", "new")]),
        "SHORT": ("2026-03-31", [("2026-03-31", "new")]),
        "OPEN": ("2026-03-31", [("2026-04-01", "new")]),
        "RETRY": ("2026-03-31", [("2026-03-31", "new"), ("2026-04-03", "failed")]),
        "MERGED": ("2026-03-31", [("2026-03-31", "new"), ("2026-04-03", "new")]),
        "BROKEN": ("2026-03-31", [("2026-04-03", "new"), ("2026-04-04", "failed")]),
        "BARLESS": (None, [("2026-04-03", "new")]),
    }
    with warehouse.connect() as connection:
        for as_of, tickers in (("2026-03-02", former), ("2026-04-01", former), ("2026-05-04", ["STAYS"])):
            for ticker in tickers:
                connection.execute(
                    "insert into raw.holdings (fund, as_of, line_no, ticker, name) values ('IWM', ?, 1, ?, 'x')", [as_of, ticker]
                )
        for symbol, (newest, requests) in former.items():
            for session in (newest, "2026-02-02") if newest else ():
                connection.execute("insert into raw.member_bars (symbol, session) values (?, ?)", [symbol, session])
            record(
                connection,
                (
                    Fetch("yahoo", "member_prices", symbol, datetime.fromisoformat(f"{day}T22:00"), outcome, None)
                    for day, outcome in requests
                ),
            )
    assert member_symbols(warehouse, ["IWM"], ["Equity"]) == ["FAILS", "NEVER", "OPEN", "RETRY", "SHORT", "STAYS"]


@pytest.mark.slow
def test_a_run_asks_only_if_it_is_told_to_and_only_once(prices: Prices, server: VendorServer, settings_for: SettingsFor) -> None:
    vendor = Vendor(prices)
    server.replies = [vendor]
    off, on = settings_for(server), settings_for(server, member_prices="on")
    warehouse, landing = Warehouse(on.warehouse_path), landing_of(on)
    warehouse.prepare()
    collect_sessions(landing)
    with warehouse.connect() as connection:
        ingest(connection, Landing(landing.own, [landing.own], landing.clock).documents(CALENDAR), universe=load_universe())
        for line, ticker in enumerate(("MAA", "MAB", "MAC"), start=1):
            connection.execute(
                "insert into raw.holdings (fund, as_of, line_no, ticker, name, asset_class_label)"
                " values ('IWM', current_date, ?, ?, 'x', 'Equity')",
                [line, ticker],
            )
    said: list[str] = []
    assert _collect(FEED, off, warehouse, said.append) == []
    assert vendor.asked == []
    assert [(one.symbol, one.status) for one in _collect(FEED, on, warehouse, said.append)] == [
        ("MAA", "new"), ("MAB", "new"), ("MAC", "failed"),
    ]  # fmt: skip
    with warehouse.connect() as connection:
        [outcome] = ingest(connection, landing_of(on).documents(FEED), universe=load_universe())
    assert (outcome.status, outcome.rows_accepted) == ("accepted", 60)
    assert _collect(FEED, on, warehouse, said.append) == []
    assert vendor.asked == ["MAA", "MAB", "MAC"]
    assert "3 members, 0 of them to ask for" in said[-1]

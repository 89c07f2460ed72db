"""Every rule for quotes: a document that breaks it, and an honest one just inside.

A chain that lost contracts waits in quarantine and counts as not read; the others are used. An expiration that left the list
before its time counts as not read too.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from orchestration.landing.documents import Document
from orchestration.raw.queries import incomplete_quotes
from tests.raw.cases import Case, Put, check_faulty, check_honest
from tests.raw.conftest import MakeDesk
from tests.raw.market import BAR, Desk, bars
from tests.vendors.yahoo_options import EXPIRATIONS, NOW, PRICE, STRIKES, YahooOptions, epoch

LATER = NOW + timedelta(days=1)
BEFORE = NOW - timedelta(days=1)
CLOSES = bars("IWM").sort("Date")["Close"]
# Contracts on as many shares as are usually traded, for each of the chain.
OPEN = round(float(bars("IWM").sort("Date")["Volume"].tail(21).median() or 0) / 100 / (2 * len(STRIKES) * len(EXPIRATIONS)))  # type: ignore[arg-type]
HIGH = bars("IWM").sort("Date")["High"][-1]
CUT = EXPIRATIONS[4]


@dataclass
class Half(YahooOptions):
    """A chain of which one expiration has some of its contracts only."""

    kept: int = len(STRIKES)

    def chain(self, expiration: date) -> list[dict[str, Any]]:
        contracts = super().chain(expiration)
        return contracts[: self.kept] if expiration == CUT else contracts


def put(desk: Desk, vendor: YahooOptions, at: datetime) -> Document:
    vendor.quote["regularMarketTime"] = epoch(at) - 60
    vendor.changes = {"lastTradeDate": epoch(at) - 3600} | vendor.changes
    return desk.put("yahoo/quotes/IWM", vendor.document(), at, "parquet")


def quoted(price: float, at: datetime = NOW, **changes: Any) -> Put:
    """A document with a price, and with the chain around 250 dollars unless it has no expirations."""

    def write(desk: Desk) -> Document:
        vendor = YahooOptions(**changes)
        vendor.quote |= {"regularMarketPrice": price, "bid": price - 0.01, "ask": price + 0.01}
        return put(desk, vendor, at)

    return write


def contracts(**changes: Any) -> Put:
    """A document with changes of each contract."""
    return quoted(PRICE, changes=changes)


def know(desk: Desk) -> None:
    """A document of the session before; open interests of 1 000."""
    quoted(CLOSES[-1], BEFORE)(desk)


NONE: tuple[date, ...] = ()
CASES = [
    Case(
        "price_agrees_with_closes",
        quoted(CLOSES[-1] * 1.26, expirations=NONE),
        quoted(CLOSES[-1] * 1.24, expirations=NONE),
        "known",
    ),
    Case(
        "price_agrees_with_closes",
        quoted(HIGH * 1.035, BEFORE, expirations=NONE),
        quoted(HIGH * 1.025, BEFORE, expirations=NONE),
        "known",
        note="of its session",
    ),
    Case(
        "price_agrees_with_closes",
        quoted(CLOSES[-1] * 1.42, NOW + timedelta(days=7), expirations=NONE),
        quoted(CLOSES[-1] * 1.38, NOW + timedelta(days=7), expirations=NONE),
        "known",
        note="a week later",
    ),
    Case("chain_agrees_with_price", quoted(281.0), quoted(274.0), "known"),
    Case("chain_agrees_with_price", quoted(225.0), quoted(230.0), "empty", note="above"),
    Case("volume_agrees_with_open_interest", contracts(volume=5100), contracts(volume=4900), "known"),
    Case("options_agree_with_shares", contracts(openInterest=OPEN * 210), contracts(openInterest=OPEN * 190), "known"),
    Case(
        "options_agree_with_shares",
        contracts(openInterest=OPEN * 50, volume=OPEN * 85),
        contracts(openInterest=OPEN * 50, volume=OPEN * 75),
        "known",
        note="volume",
    ),
    Case("open_interest_is_as_before", contracts(openInterest=5100), contracts(openInterest=4900), "known", prepare=know),
    Case(
        "open_interest_is_as_before", contracts(openInterest=190), contracts(openInterest=210), "known", note="less", prepare=know
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_document_that_breaks_the_rule_is_quarantined(case: Case, make_desk: MakeDesk) -> None:
    check_faulty(case, make_desk(case.begin))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_honest_document_within_the_limit_is_used(case: Case, make_desk: MakeDesk) -> None:
    check_honest(case, make_desk(case.begin))


def test_without_a_recent_close_no_price_is_compared(make_desk: MakeDesk) -> None:
    desk = make_desk("known")
    document = quoted(CLOSES[-1] * 2, NOW + timedelta(days=12), expirations=NONE)(desk)
    desk.run()
    assert desk.status(document) == "accepted"


@pytest.mark.parametrize(("times", "status"), [(1.0, "accepted"), (0.5, "quarantined")])
def test_a_price_is_compared_on_the_split_basis_of_its_session(times: float, status: str, make_desk: MakeDesk) -> None:
    """Half of the price on the day before a split of 2 for 1, which is in the history of its evening."""
    halved = bars("IWM").with_columns(pl.col(*(name.replace("_", " ") for name in BAR), "Dividends") / 2, pl.col("Volume") * 2)
    newest = pl.col("Date") == pl.col("Date").max()
    desk = make_desk("neighbours")
    desk.prices("IWM", halved.with_columns(pl.when(newest).then(2.0).otherwise(0.0).alias("Stock Splits")))
    desk.run()
    document = quoted(CLOSES[-2] * times, BEFORE - timedelta(days=1), expirations=NONE)(desk)
    after = quoted(CLOSES[-1] / 2, NOW, expirations=NONE)(desk)
    desk.run()
    assert [rule for _, rule, _ in desk.in_quarantine()] == ["price_agrees_with_closes"] * (status == "quarantined")
    assert desk.status(document) == status
    assert desk.status(after) == "accepted"


@pytest.mark.parametrize(("column", "value"), [("volume", 10**18), ("openInterest", 10**7 + 1), ("volume", 10**7)])
def test_an_impossible_number_of_contracts_quarantines_its_expiration(column: str, value: int, make_desk: MakeDesk) -> None:
    @dataclass
    class Odd(YahooOptions):
        def chain(self, expiration: date) -> list[dict[str, Any]]:
            chain = super().chain(expiration)
            return [chain[0] | {column: value}, *chain[1:]] if expiration == EXPIRATIONS[0] else chain

    desk = make_desk("empty")
    document = put(desk, Odd(), NOW)
    desk.run()
    is_odd = value > 10**7
    assert desk.status(document) == "accepted"
    assert desk.broken(document) == ({"contracts_are_possible"} if is_odd else set())
    assert read_expirations(desk, NOW.date()) == set(EXPIRATIONS[is_odd:])


@pytest.mark.parametrize("phase", ["regular", "closed"])
@pytest.mark.parametrize(
    ("stale", "traded", "is_used"),
    [(100, 0, False), (99, 0, True), (2 * len(STRIKES) * len(EXPIRATIONS) - 1, 1, True)],
    ids=["many before", "fewer before", "one now"],
)
def test_a_chain_in_which_none_has_traded_is_that_of_a_session_before(
    phase: str, stale: int, traded: int, *, is_used: bool, make_desk: MakeDesk
) -> None:
    """The fund's own quote is of the session. Contracts that have not traded for longer say nothing."""

    @dataclass
    class Stale(YahooOptions):
        def chain(self, expiration: date) -> list[dict[str, Any]]:
            first = EXPIRATIONS.index(expiration) * 2 * len(STRIKES)
            days = [
                7 if place >= stale + traded else 1 if place >= traded else 0 for place in range(first, first + 2 * len(STRIKES))
            ]
            contracts = super().chain(expiration)
            return [
                one | {"lastTradeDate": one["lastTradeDate"] - 86400 * back}
                for one, back in zip(contracts, days, strict=True)
            ]  # fmt: skip

    desk = make_desk("empty")
    vendor = Stale()
    vendor.quote |= {"regularMarketTime": epoch(NOW) - 60, "marketState": "REGULAR" if phase == "regular" else "POST"}
    document = desk.put("yahoo/quotes/IWM", vendor.document(), NOW if phase == "regular" else NOW + timedelta(hours=2), "parquet")
    desk.run()
    assert desk.status(document) == "accepted"
    assert desk.broken(document) == (set() if is_used else {"chain_is_of_its_session"})
    assert desk.sql("select phase, session from raw.fund_quotes") == [(phase, NOW.date())]
    assert read_expirations(desk, NOW.date()) == (set(EXPIRATIONS) if is_used else set())
    if not is_used:
        reasons = {reason for _, _, reason in desk.in_quarantine()}
        assert reasons == {"no contract has traded in the session 2026-05-06; 100 traded last on 2026-05-05"}
        assert desk.sql("select count(*) from raw.option_quotes") == [(0,)]
        desk.connection.close()
        assert incomplete_quotes(desk.warehouse, 1000) == {document.key}


def test_two_chains_that_agree_overrule_a_wrong_first_one(make_desk: MakeDesk) -> None:
    desk = make_desk("known")
    wrong = put(desk, YahooOptions(changes={"openInterest": 100_000}), BEFORE)
    right = [put(desk, YahooOptions(), at) for at in (NOW, LATER)]
    desk.run()
    assert [desk.status(one) for one in (wrong, *right)] == ["quarantined", "accepted", "accepted"]


def read_expirations(desk: Desk, day: date) -> set[date]:
    return {one for (one,) in desk.sql(f"select expiration from raw.option_expirations where session = '{day}' and is_read")}


@pytest.mark.parametrize(("kept", "is_whole"), [(len(STRIKES) - 1, False), (len(STRIKES), True)])
def test_an_expiration_keeps_half_of_its_contracts(kept: int, *, is_whole: bool, make_desk: MakeDesk) -> None:
    desk = make_desk("empty")
    put(desk, YahooOptions(expirations=EXPIRATIONS[1:]), NOW)
    later = put(desk, Half(expirations=EXPIRATIONS[1:], kept=kept), LATER)
    desk.run()
    assert desk.status(later) == "accepted"
    assert desk.broken(later) == (set() if is_whole else {"chain_is_whole"})
    assert read_expirations(desk, NOW.date()) == set(EXPIRATIONS[1:])
    assert read_expirations(desk, LATER.date()) == set(EXPIRATIONS[1:]) - (set() if is_whole else {CUT})
    used = dict(desk.sql(f"select expiration, count(*) from raw.option_quotes where session = '{LATER.date()}' group by 1"))
    assert used.get(CUT, 0) == (kept if is_whole else 0)
    assert used[EXPIRATIONS[2]] == 2 * len(STRIKES)


@pytest.mark.slow
def test_the_next_whole_chain_is_compared_with_the_last_whole_one(make_desk: MakeDesk) -> None:
    """Whatever the order of arrival."""
    days = [NOW, LATER, LATER + timedelta(days=4)]
    vendors = [
        YahooOptions(expirations=EXPIRATIONS[2:]),
        Half(expirations=EXPIRATIONS[2:], kept=5),
        Half(expirations=EXPIRATIONS[2:], kept=6),
    ]
    states = []
    for order in ((0, 1, 2), (2, 0, 1)):
        desk = make_desk("empty")
        for place in order:
            put(desk, vendors[place], days[place])
            desk.run()
        assert [CUT in read_expirations(desk, day.date()) for day in days] == [True, False, False]
        states.append(desk.sql("select * exclude (document_id) from raw.option_quotes order by all"))
    assert states[0] == states[1]


def test_a_new_expiration_has_nothing_to_be_compared_with(make_desk: MakeDesk) -> None:
    desk = make_desk("empty")
    put(desk, YahooOptions(expirations=EXPIRATIONS[5:]), NOW)
    put(desk, Half(expirations=EXPIRATIONS[1:], kept=3), LATER)
    desk.run()
    assert desk.in_quarantine() == []
    assert CUT in read_expirations(desk, LATER.date())


def test_a_vanished_contract_is_gone_from_the_later_snapshot(make_desk: MakeDesk) -> None:
    """Two documents of one session and phase: the later one replaces the earlier one as a whole."""
    desk = make_desk("empty")
    put(desk, YahooOptions(expirations=EXPIRATIONS[2:]), NOW - timedelta(minutes=20))
    put(desk, YahooOptions(expirations=EXPIRATIONS[3:]), NOW)
    desk.run()
    newest = "qualify dense_rank() over (order by observed_at desc) = 1"
    assert {one for (one,) in desk.sql(f"select expiration from raw.option_quotes {newest}")} == set(EXPIRATIONS[3:])
    assert len(desk.sql("select distinct observed_at from raw.option_quotes")) == 2


def listed(desk: Desk, day: date) -> dict[date, tuple[str, bool]]:
    """Cycle and whether it was read, of each expiration of the newest document of a session."""
    rows = desk.sql(
        f"select expiration, cycle, is_read from raw.option_expirations where session = '{day}'"
        " qualify dense_rank() over (order by observed_at desc) = 1"
    )
    return {expiration: (cycle, is_read) for expiration, cycle, is_read in rows}


@pytest.mark.slow
@pytest.mark.parametrize("left", [EXPIRATIONS[1:3], ()], ids=["a short list", "no list"])
def test_an_expiration_that_left_the_list_is_not_read(left: tuple[date, ...], make_desk: MakeDesk) -> None:
    """The first one has passed. Those that are missing stay so until they are listed again, whatever the order of arrival."""
    days = [NOW, LATER, LATER + timedelta(days=1), LATER + timedelta(days=4)]
    vendors = [YahooOptions(expirations=some) for some in (EXPIRATIONS, left, left, EXPIRATIONS[2:])]
    later = [day for day in EXPIRATIONS if day > LATER.date()]
    for order in ((0, 1, 2, 3), (3, 2, 0, 1)):
        desk = make_desk("empty")
        for place in order:
            put(desk, vendors[place], days[place])
            desk.run()
        for day in (days[1], days[2]):
            found = listed(desk, day.date())
            # LATER is the day of the first expiration, which is part of the totals of its own session.
            expected = later if day > LATER else [EXPIRATIONS[0], *later]
            assert sorted(found) == expected
            assert {one for one, (_, is_read) in found.items() if is_read} == {one for one in left if one in expected}
        before = listed(desk, NOW.date())
        assert {one: cycle for one, (cycle, _) in listed(desk, days[2].date()).items()} == {one: before[one][0] for one in later}
        assert {is_read for _, is_read in listed(desk, days[3].date()).values()} == {True}
        assert desk.in_quarantine() == []


def test_a_document_of_the_morning_misses_what_expired_the_day_before(make_desk: MakeDesk) -> None:
    """Retrieved before the open, it is of the session before, and the list begins after it."""
    desk = make_desk("empty")
    day, morning = EXPIRATIONS[0], LATER + timedelta(hours=17)
    put(desk, YahooOptions(), NOW)
    vendor = YahooOptions(expirations=EXPIRATIONS[1:], changes={"lastTradeDate": epoch(LATER)})
    vendor.quote |= {"regularMarketTime": epoch(LATER) + 1800, "marketState": "PRE"}
    desk.put("yahoo/quotes/IWM", vendor.document(), morning, "parquet")
    desk.run()
    rows = desk.sql(f"select phase, expiration, is_read from raw.option_expirations where session = '{day}' order by expiration")
    assert rows == [("closed", day, False), *(("closed", one, True) for one in EXPIRATIONS[1:])]


def test_which_documents_end_a_session(make_desk: MakeDesk) -> None:
    """Neither one that was rejected, nor one without the fund's own quote, nor one that misses an expiration asked for."""
    desk = make_desk("empty")
    whole = put(desk, YahooOptions(), NOW)
    half = put(desk, YahooOptions(missing=(CUT,)), LATER)
    short = put(desk, YahooOptions(expirations=EXPIRATIONS[2:5]), LATER + timedelta(days=1))
    stale = YahooOptions()
    stale.quote["marketState"] = "CLOSED"
    refused = put(desk, stale, LATER + timedelta(days=4))
    quote = YahooOptions(expirations=EXPIRATIONS[2:])
    quote.quote |= {"bid": quote.quote["ask"], "ask": quote.quote["bid"]}
    crossed = put(desk, quote, LATER + timedelta(days=5))
    desk.run()
    assert [desk.status(one) for one in (whole, half, short, crossed)] == ["accepted"] * 4
    desk.connection.close()
    days = (CUT - LATER.date()).days
    assert incomplete_quotes(desk.warehouse, days) == {half.key, short.key, refused.key, crossed.key}
    assert incomplete_quotes(desk.warehouse, days - 1) == {short.key, refused.key, crossed.key}


def test_some_crossed_contracts_do_not_reject_a_document(make_desk: MakeDesk) -> None:
    """Neither with the fund's own quote, nor without it."""

    @dataclass
    class Crossed(YahooOptions):
        count: int = 0

        def chain(self, expiration: date) -> list[dict[str, Any]]:
            contracts = super().chain(expiration)
            if expiration == CUT:
                contracts[: self.count] = [one | {"bid": one["ask"] + 1} for one in contracts[: self.count]]
            return contracts

    desk = make_desk("empty")
    few, many = Crossed(count=12), Crossed(count=2 * len(STRIKES), expirations=(CUT,))
    many.symbol, many.quote["symbol"] = "SPY", "SPY"
    few.quote |= {"bid": 250.01, "ask": 249.99}
    one = put(desk, few, NOW)
    other = desk.put("yahoo/quotes/SPY", many.document(), NOW, "parquet")
    desk.run()
    assert desk.status(one) == "accepted"
    [(contracts, quoted, volume)] = desk.sql("select count(*), count(bid), sum(volume) from raw.option_quotes where fund = 'IWM'")
    assert (contracts - quoted, volume) == (12, 100 * contracts)
    # If it is most of the contracts, the document is at fault.
    assert desk.status(other) == "rejected"

"""A chain that lost contracts: its expiration waits in quarantine and counts as not read; the others are used."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from orchestration.landing.documents import Document
from tests.raw.conftest import MakeDesk
from tests.raw.market import Desk
from tests.vendors.yahoo_options import EXPIRATIONS, NOW, STRIKES, YahooOptions, epoch

LATER = NOW + timedelta(days=1)
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
    return desk.put("yahoo/quotes/IWM", vendor.document(), at, "parquet")


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

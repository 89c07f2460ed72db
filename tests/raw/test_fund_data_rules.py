"""Every rule for Yahoo's fund data: an impossible fact waits alone, a document unlike the one before waits whole."""

import json
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from orchestration.landing.documents import Document
from orchestration.raw.decisions import Choice, append_decision
from orchestration.raw.validation.fund_data import POSSIBLE
from tests.raw.cases import Case, Put, check_faulty, check_honest
from tests.raw.conftest import MakeDesk
from tests.raw.market import AT, DAY, SESSIONS, UNIVERSE, Desk, bars
from tests.vendors.test_yahoo_funds import document

ASSETS, VOLUME, FEE, YIELD = 328_302_690_304, 29_831_893, 0.0018, 0.0054
DATE = SESSIONS[-1]


def put(desk: Desk, answer: dict[str, Any], at: datetime = AT) -> Document:
    return desk.put("yahoo/fund_data/QQQ", json.dumps(answer).encode(), at, "json")


def with_parts(name: str, **parts: float) -> dict[str, Any]:
    """A document with other fractions; the rest is in one more part."""
    answer = document()
    if name == "sector_weightings":
        answer["funds_data"][name] = {**parts, "utilities": round(1 - sum(parts.values()), 6)}
    else:
        answer["funds_data"][name] = [{"Symbol": symbol, "Holding Percent": value} for symbol, value in parts.items()]
    return answer


def with_fee(fee: float) -> dict[str, Any]:
    answer = document(netExpenseRatio=round(100 * fee, 6))
    answer["funds_data"]["fund_operations"] = {"Annual Report Expense Ratio": fee}
    return answer


def assets(times: float) -> dict[str, Any]:
    return document(totalAssets=ASSETS * times, netAssets=ASSETS * times)


def paid(value: float) -> dict[str, Any]:
    return document(**{"yield": value, "dividendYield": 100 * value})


def used(desk: Desk, at: date) -> dict[str, Any]:
    """The facts that are used of a date."""
    return dict(desk.sql(f"select fact, coalesce(value_text, value_number::varchar) from raw.fund_facts where as_of = '{at}'"))


IMPOSSIBLE: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "net assets times 1000": ("net_assets", assets(1000), assets(10)),
    "net assets in millions": ("net_assets", document(totalAssets=328_302, netAssets=328_302), assets(1e-4)),
    "a volume of one share": ("average_volume", document(averageVolume=1), document(averageVolume=101)),
    "a volume without bounds": ("average_volume", document(averageVolume=1e300), document(averageVolume=1.9e9)),
    "a fee times 10": ("expense_ratio", with_fee(10 * FEE), with_fee(0.0145)),
    "a yield times 20": ("dividend_yield", paid(20 * YIELD), paid(0.079)),
    "a yield alone": ("dividend_yield", document(**{"yield": 0.149, "dividendYield": None}), paid(0.07)),
    "one holding": ("top_holding", with_parts("top_holdings", ONE=0.9999), with_parts("top_holdings", ONE=0.29)),
    "one sector": (
        "sector_weight",
        with_parts("sector_weightings", technology=0.99),
        with_parts("sector_weightings", energy=0.79),
    ),
}


@pytest.mark.parametrize(("fact", "lie", "honest"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_an_impossible_fact_of_a_first_document_waits_alone(
    fact: str, lie: dict[str, Any], honest: dict[str, Any], make_desk: MakeDesk
) -> None:
    whole = None
    for answer, is_possible in ((honest, True), (lie, False)):
        desk = make_desk("empty")
        one = put(desk, answer)
        (outcome,) = desk.run()
        found = {name.split(":")[0] for name in used(desk, DATE)}
        whole = found if is_possible else whole
        assert desk.status(one) == "accepted"
        assert desk.broken(one) == (set() if is_possible else {"fact_is_possible"})
        assert found == (whole if is_possible else (whole or set()) - {fact})
        assert (outcome.rows_quarantined > 0) == (not is_possible)


def test_each_quarantined_fact_is_counted_and_kept_as_received(make_desk: MakeDesk) -> None:
    desk = make_desk("empty")
    put(desk, with_parts("sector_weightings", technology=0.99) | {"info": assets(1000)["info"]})
    (outcome,) = desk.run()
    assert outcome.rows_quarantined == 3
    contents = {json.loads(content)["fact"] for (content,) in desk.sql("select content from raw.rejects")}
    assert contents == {"net_assets", "sector_weight:technology", "sector_weight:utilities"}
    reasons = {reason for (reason,) in desk.sql("select reason from raw.rejects")}
    assert "the largest sector_weight is 0.99, above 0.8" in reasons


def test_a_fund_of_one_sector_may_hold_one(make_desk: MakeDesk) -> None:
    desk = make_desk("empty")
    put(desk, with_parts("sector_weightings", energy=0.99))
    for fewest in (20, None):
        desk.run(UNIVERSE | {"QQQ": replace(UNIVERSE["QQQ"], min_holdings=fewest)})
        assert desk.in_quarantine() == []


@pytest.mark.parametrize("times", [0.3, 0.4, 2.5, 3.5])
def test_net_assets_agree_with_the_issuer_s(times: float, make_desk: MakeDesk) -> None:
    desk = make_desk("empty")
    desk.connection.execute(
        "insert into raw.fund_facts (fund, fact, as_of, vendor, value_number, unit, observed_at, document_id)"
        f" values ('QQQ', 'net_assets', date '{DATE - 20 * DAY}', 'invesco', {ASSETS / times}, 'USD', '2026-04-20', 'x'),"
        f" ('QQQ', 'net_assets', date '{DATE - 60 * DAY}', 'invesco', {ASSETS}, 'USD', '2026-03-20', 'x')"
    )
    one = put(desk, document())
    desk.run()
    assert desk.broken(one) == (set() if 1 / 3 < times < 3 else {"fact_agrees_elsewhere"})
    assert ("net_assets" in used(desk, DATE)) == (1 / 3 < times < 3)


@pytest.mark.parametrize("times", [0.3, 0.4, 2.5, 3.5])
def test_the_mean_volume_agrees_with_the_known_bars(times: float, make_desk: MakeDesk) -> None:
    median = bars("QQQ").sort("Date")["Volume"].tail(63).median()
    assert isinstance(median, float)
    desk = make_desk("known")
    one = put(desk, document(averageVolume=round(median * times)))
    desk.run()
    assert desk.broken(one) == (set() if 1 / 3 < times < 3 else {"fact_agrees_elsewhere"})
    assert "net_assets" in used(desk, DATE)


def _put(answer: dict[str, Any]) -> Put:
    return lambda desk: put(desk, answer, AT + 10 * DAY)


def _know(desk: Desk) -> None:
    put(desk, document(), AT - DAY)


def _case(note: str, lie: dict[str, Any], honest: dict[str, Any]) -> Case:
    return Case("fund_data_are_as_before", _put(lie), _put(honest), "empty", table="fund_facts", note=note, prepare=_know)


CASES = [
    _case("assets", assets(3.2), assets(2.8)),
    _case("fewer assets", assets(0.3), assets(0.36)),
    _case("fee", with_fee(FEE * 2.1), with_fee(FEE * 1.9)),
    _case("yield", paid(YIELD * 3.1), paid(YIELD * 2.9)),
    _case("volume", document(averageVolume=VOLUME * 11), document(averageVolume=VOLUME * 9)),
    _case(
        "holding", with_parts("top_holdings", **{"INV-A": 0.172}), with_parts("top_holdings", **{"INV-A": 0.168}),
    ),
    _case(
        "sector", with_parts("sector_weightings", technology=0.71), with_parts("sector_weightings", technology=0.69, energy=0.2),
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_document_unlike_the_one_before_is_quarantined(case: Case, make_desk: MakeDesk) -> None:
    check_faulty(case, make_desk(case.begin))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_honest_change_within_the_limit_is_used(case: Case, make_desk: MakeDesk) -> None:
    check_honest(case, make_desk(case.begin))


def test_a_document_of_long_ago_is_not_compared(make_desk: MakeDesk) -> None:
    desk = make_desk("empty")
    documents = [put(desk, document(), AT - 420 * DAY), put(desk, assets(4), AT)]
    desk.run()
    assert [desk.status(one) for one in documents] == ["accepted", "accepted"]


def test_two_documents_that_agree_overrule_a_wrong_first_one(make_desk: MakeDesk) -> None:
    desk = make_desk("empty")
    wrong = put(desk, assets(5), AT - 2 * DAY)
    right = [put(desk, document(), AT - DAY), put(desk, assets(1.01), AT)]
    desk.run()
    assert [desk.status(one) for one in (wrong, *right)] == ["quarantined", "accepted", "accepted"]


def test_a_fact_that_a_person_accepted_does_not_wait_again(make_desk: MakeDesk) -> None:
    desk = make_desk("empty")
    high = POSSIBLE["dividend_yield"][1]
    first = put(desk, paid(high * 1.2), AT - 2 * DAY)
    desk.run()
    assert desk.broken(first) == {"fact_is_possible"}
    [(sha256,)] = desk.sql("select sha256 from raw.documents where kind = 'fund_data'")
    append_decision(
        desk.decisions, sha256=sha256, choice=Choice.accept, reason="It paid that.", decided_at=AT, document=first.key
    )
    later = [put(desk, paid(high * 1.3), AT - DAY), put(desk, paid(high * 1.1), AT)]
    desk.run()
    assert desk.in_quarantine() == []
    assert [desk.status(one) for one in (first, *later)] == ["accepted"] * 3

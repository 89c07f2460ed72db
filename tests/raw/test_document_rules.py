"""The rules for every document, and that every rule of every kind has a test case."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from orchestration.landing.documents import Document
from orchestration.raw.validation import judge
from orchestration.raw.validation.rules import RULES, as_markdown
from orchestration.settings import PROJECT_ROOT
from tests.raw import (
    test_factor_rules,
    test_fund_data_rules,
    test_holdings_rules,
    test_market_cap_rules,
    test_member_rules,
    test_price_rules,
    test_quote_rules,
    test_rate_rules,
)
from tests.raw.cases import Case, Put, check_faulty, check_honest
from tests.raw.conftest import MakeDesk
from tests.raw.market import AT, CLOCK, DAY, SESSIONS, UNIVERSE, Desk, Snapshot, bars, fred, holdings, rates, scaled

IWM, SNAPSHOT = bars("IWM"), holdings("IWM")


def _prices_at(hours: float) -> Put:
    return lambda desk: desk.prices("IWM", IWM, CLOCK + timedelta(hours=hours))


def _snapshot_at(hours_before_its_day: float) -> Put:
    midnight = AT - timedelta(hours=25)
    return lambda desk: desk.holdings(SNAPSHOT, midnight - timedelta(hours=hours_before_its_day))


def _unusable_rates(count: int) -> Put:
    lines = fred("DFF", rates("DFF")).decode().splitlines()
    lines[1 : 1 + count] = [line.replace(",", ",x") for line in lines[1 : 1 + count]]
    return lambda desk: desk.put("fred/rates/DFF", ("\n".join(lines) + "\n").encode(), AT)


CASES = [
    Case("retrieval_is_past", _prices_at(0.25), _prices_at(0.15)),
    Case("as_of_is_past", _snapshot_at(1), _snapshot_at(-1), "empty"),
    Case("lines_are_usable", _unusable_rates(88), _unusable_rates(87), "empty", table="rates"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_document_that_breaks_the_rule_is_rejected(case: Case, make_desk: MakeDesk) -> None:
    check_faulty(case, make_desk(case.begin))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_honest_document_within_the_limit_is_used(case: Case, make_desk: MakeDesk) -> None:
    check_honest(case, make_desk(case.begin))


def test_days_before_the_calendar_and_missing_columns_do_not_discredit_other_rows(make_desk: MakeDesk) -> None:
    desk = make_desk("empty")
    older = IWM.head(100).with_columns(pl.col("Date") - pl.duration(days=3653))
    document = desk.prices("SPY", pl.concat([older, bars("SPY")]).drop("Dividends", "Stock Splits"))
    (outcome,) = desk.run()
    assert (desk.status(document), outcome.rows_accepted, outcome.rows_rejected) == ("accepted", len(SESSIONS), 101)


@pytest.mark.parametrize("rows", [5, 400])
def test_a_document_without_a_usable_line_is_rejected_and_is_no_evidence(rows: int, make_desk: MakeDesk) -> None:
    desk = make_desk("empty")
    swapped = IWM.tail(rows).rename({"High": "Low", "Low": "High"}).select(IWM.columns)
    document = desk.prices("IWM", swapped)
    others = [desk.prices(symbol, bars(symbol)) for symbol in ("SPY", "QQQ")]
    desk.run()
    assert (desk.status(document), desk.broken(document)) == ("rejected", {"lines_are_usable"})
    assert [desk.status(other) for other in others] == ["accepted", "accepted"]


def test_the_first_unusable_line_is_named(make_desk: MakeDesk) -> None:
    desk = make_desk("empty")
    saturdays = IWM.with_columns(pl.col("Date").dt.truncate("1w") + pl.duration(days=5)).drop("Dividends", "Stock Splits")
    desk.prices("IWM", pl.concat([saturdays.head(200), IWM.drop("Dividends", "Stock Splits")]))
    (outcome,) = desk.run()
    assert (outcome.status, outcome.rule) == ("rejected", "lines_are_usable")
    assert "200 of 780 lines are unusable; the first is line 2: XNYS does not trade on this day" in (outcome.reason or "")


def _adjusted_closes_as_closes() -> pl.DataFrame:
    return IWM.with_columns(
        pl.col(c) * pl.col("Adj Close") / pl.col("Close") for c in ("Open", "High", "Low", "Close")
    ).with_columns(pl.lit(0.0).alias("Dividends"))


def _times(snapshot: Snapshot, factor: float) -> Snapshot:
    return snapshot.times(value=factor, price=factor)


def _put_first_wrong(kind: str, desk: Desk) -> Document:
    if kind == "prices":
        return desk.prices("IWM", _adjusted_closes_as_closes(), AT - 2 * DAY)
    if kind == "rates":
        return desk.rates("DFF", rates("DFF").with_columns(pl.col("value") / 10), AT - 2 * DAY)
    return desk.holdings(_times(holdings("IWM", 3), 1000))


def _put_right(kind: str, desk: Desk) -> Document:
    if kind == "prices":
        return desk.prices("IWM", IWM)
    if kind == "rates":
        return desk.rates("DFF", rates("DFF"))
    return desk.holdings(SNAPSHOT)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["prices", "rates", "holdings"])
def test_a_contradicted_document_is_quarantined(kind: str, make_desk: MakeDesk) -> None:
    desk, twin = make_desk("empty"), make_desk("empty")
    wrong = _put_first_wrong(kind, desk)
    desk.run()
    assert desk.status(wrong) == "accepted"  # alone, nothing contradicts it
    for one in (desk, twin):  # shows which of the two is wrong
        for symbol in ("SPY", "QQQ"):
            one.prices(symbol, bars(symbol))
        if kind == "holdings":
            one.prices("IWM", IWM)
        for series in ("DFEDTARU", "DFEDTARL"):
            one.rates(series, rates(series))
        one.run()
        right = _put_right(kind, one)
        one.run()
    assert desk.status(wrong) == "quarantined"
    assert desk.broken(wrong) == {"is_not_contradicted"}
    assert desk.status(right) == "accepted"
    assert desk.last_known() == twin.last_known()


@pytest.mark.parametrize("kind", ["prices", "rates", "holdings"])
def test_an_honest_first_document_is_not_contradicted(kind: str, make_desk: MakeDesk) -> None:
    desk = make_desk("known")
    _put_right(kind, desk)
    later = {
        "prices": lambda: desk.prices("IWM", scaled(IWM, 50, 1.004), AT + DAY),
        "rates": lambda: desk.rates("DFF", rates("DFF").with_columns((pl.col("value") + 0.01).round(2)), AT + DAY),
        "holdings": lambda: desk.holdings(_times(SNAPSHOT, 1000), AT + DAY),
    }[kind]()
    desk.run()
    assert "is_not_contradicted" not in {rule for _, rule, _ in desk.in_quarantine()}
    assert desk.status(later) == ("quarantined" if kind == "holdings" else "accepted")


def test_a_document_is_used_whatever_its_shares_outstanding(make_desk: MakeDesk) -> None:
    desk = make_desk("known")
    desk.prices("IWM", IWM)
    document = desk.holdings(replace(SNAPSHOT, shares=0.0))
    desk.run()
    assert desk.status(document) == "accepted"


@pytest.mark.parametrize("kind", ["prices", "holdings"])
@pytest.mark.parametrize("error", [ZeroDivisionError("float division by zero"), pl.exceptions.PanicException("at the disco")])
def test_an_error_of_a_rule_quarantines_its_document_only(
    error: BaseException, kind: str, make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(judge, f"judge_{kind}", fail)
    desk = make_desk("known")
    document = desk.prices("IWM", IWM, AT + DAY) if kind == "prices" else desk.holdings(SNAPSHOT)
    documents = [document, desk.rates("DFF", rates("DFF"), AT + DAY)]
    desk.run()
    assert [desk.status(one) for one in documents] == ["quarantined", "accepted"]
    [(path, rule, reason)] = desk.in_quarantine()
    assert (path, rule) == (documents[0].key, "can_be_judged")
    assert type(error).__name__ in reason


def test_a_contradicted_document_that_can_no_longer_be_parsed_is_no_witness(make_desk: MakeDesk) -> None:
    """After a change of the fund's least number of lines, a quarantined document cannot be parsed any more."""
    desk = make_desk("empty")
    desk.holdings(holdings("IWM", 25).undeclared())
    desk.run()
    short = replace(holdings("IWM", 1).undeclared(), lines=holdings("IWM", 1).lines.head(200))
    desk.holdings(short)
    desk.run()
    wrong = SNAPSHOT.undeclared().with_lines(pl.format("X{}", "ticker").alias("ticker"), pl.format("Q{}", "name").alias("name"))
    document = desk.holdings(wrong)
    desk.run(UNIVERSE | {"IWM": replace(UNIVERSE["IWM"], min_holdings=250)})
    assert desk.status(document) == "quarantined"


def test_every_rule_has_a_case() -> None:
    modules = (
        test_price_rules,
        test_rate_rules,
        test_holdings_rules,
        test_factor_rules,
        test_market_cap_rules,
        test_member_rules,
        test_quote_rules,
        test_fund_data_rules,
    )
    tried = {case.rule for module in modules for case in module.CASES} | {case.rule for case in CASES}
    # Their modules have tests of their own for these rows.
    alone = {
        "chain_is_of_its_session", "chain_is_whole", "contracts_are_possible", "fact_is_possible", "fact_agrees_elsewhere"
    }  # fmt: skip
    assert tried | alone | {"is_not_contradicted", "can_be_judged"} == set(RULES)


def test_the_documentation_lists_the_rules() -> None:
    text = (PROJECT_ROOT / "docs" / "RELIABILITY.md").read_text(encoding="utf-8")
    assert as_markdown() in text, "put the output of orchestration.raw.validation.rules.as_markdown() there"

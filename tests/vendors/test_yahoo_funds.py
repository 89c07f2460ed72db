"""Fund data: the real yfinance against a local Yahoo, and the interpretation of units."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.raw.validation.fund_data import KnownFund, judge_fund_data
from orchestration.schemas import RAW_TABLES, check_rows
from orchestration.settings import Settings
from orchestration.vendors.feed import DocumentRejected, FetchFailed, Parsed
from orchestration.vendors.yahoo import fund_data as yahoo_funds
from tests.vendors import documents as invented
from tests.vendors.asking import ask
from tests.vendors.server import Answer, Request, VendorServer
from tests.vendors.yahoo_funds import JSON, YahooFund

SettingsFor = Callable[..., Settings]
FundData = dict[str, Any]


def document(**changes: Any) -> FundData:
    """A document of our fetch; changes apply to `info`, or with a path to other parts."""
    fund = YahooFund()
    info = {**fund.summary["defaultKeyStatistics"], **fund.summary["summaryDetail"], **fund.quote}
    top = fund.summary["topHoldings"]
    return {
        "symbol": "QQQ",
        "info": {key: value for key, value in {**info, **changes}.items() if value is not None},
        "funds_data": {
            "fund_overview": {"categoryName": "Large Growth"},
            "fund_operations": {"Annual Report Expense Ratio": 0.002},
            "top_holdings": [
                {"Symbol": line["symbol"], "Name": line["holdingName"], "Holding Percent": line["holdingPercent"]}
                for line in top["holdings"]
            ],
            "sector_weightings": {name: share for part in top["sectorWeightings"] for name, share in part.items()},
        },
    }


def read(answer: FundData | bytes, **changes: object) -> Parsed:
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return yahoo_funds.parse(content, invented.context("QQQ", "json", **changes))


def facts(parsed: Parsed) -> dict[str, tuple[Any, str]]:
    """Value and unit by fact."""
    return {
        row["fact"]: (row["value_text"] if row["value_number"] is None else row["value_number"], row["unit"])
        for row in parsed.tables["fund_facts"].iter_rows(named=True)
    }


def omitted_facts(parsed: Parsed) -> list[str]:
    return [reason for rejects in parsed.rejects for reason in rejects["reason"]]


def fetch(settings: Settings) -> bytes:
    fetched = ask(yahoo_funds.FEED, settings, "QQQ")
    assert fetched.extension == "json"
    return fetched.content


def test_the_answers_become_facts_with_units(server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [YahooFund().answer]
    parsed = read(fetch(settings_for(server)))
    found = facts(parsed)
    assert omitted_facts(parsed) == []
    assert found["expense_ratio"] == (pytest.approx(0.0018), "fraction")
    assert found["dividend_yield"] == (0.0054, "fraction")
    assert found["net_assets"] == (328_302_690_304, "USD")
    assert found["average_volume"] == (29_831_893, "shares")
    assert found["category"] == ("Large Growth", "text")
    assert found["top_holding:INV-A"] == (0.09, "fraction")
    assert found["sector_weight:technology"] == (0.5, "fraction")
    assert len([name for name in found if name.startswith("top_holding:")]) == 10
    assert len([name for name in found if name.startswith("sector_weight:")]) == 11
    good, bad = check_rows(RAW_TABLES["fund_facts"], parsed.tables["fund_facts"])
    assert (good.height, bad.height) == (len(found), 0)


def test_only_three_requests_are_made(server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [YahooFund().answer]
    fetch(settings_for(server))
    assert [request.path for request in server.requests] == [
        "/v10/finance/quoteSummary/QQQ", "/v7/finance/quote", "/v10/finance/quoteSummary/QQQ",
    ]  # fmt: skip


def test_the_as_of_date_is_the_new_york_date_of_the_retrieval() -> None:
    parsed = read(document(), retrieved_at=datetime(2026, 5, 6, 1, tzinfo=UTC))
    assert parsed.as_of == date(2026, 5, 5)
    assert parsed.tables["fund_facts"]["as_of"].unique().to_list() == [date(2026, 5, 5)]


BAD_ANSWERS = {
    "no crumb": (Answer(b'{"finance":{"result":null,"error":{"code":"Unauthorized"}}}', status=401, content_type=JSON), "401"),
    "429": (Answer(b"Too Many Requests\r\n", status=429), "rate limit is reached"),
    "500": (Answer(b"<html>Internal Server Error</html>", status=500), "500"),
    "web page with 200": (Answer(b"<!DOCTYPE html><html>Consent</html>", content_type="text/html"), "not valid JSON"),
    "nothing known": (Answer(b'{"quoteSummary":{"result":[],"error":null}}', content_type=JSON), "Yahoo"),
    "a list": (Answer(b"[]", content_type=JSON), "Yahoo"),
    "empty": (Answer(b""), "not valid JSON"),
}


@pytest.mark.parametrize(("answer", "sentence"), BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
def test_bad_answers_give_a_clear_message(answer: Answer, sentence: str, server: VendorServer, settings_for: SettingsFor) -> None:
    server.replies = [answer]
    with pytest.raises(FetchFailed, match=sentence):
        fetch(settings_for(server, fetch_attempts=2))


def test_a_temporary_failure_is_retried(server: VendorServer, settings_for: SettingsFor) -> None:
    fund, asked = YahooFund(), []

    def reply(request: Request) -> Answer:
        asked.append(request)
        return Answer(status=503) if len(asked) <= 2 else fund.answer(request)

    server.replies = [reply]
    assert read(fetch(settings_for(server))).as_of is not None


def test_an_answer_without_holdings_is_a_failure(server: VendorServer, settings_for: SettingsFor) -> None:
    fund = YahooFund()
    del fund.summary["topHoldings"]
    server.replies = [fund.answer]
    with pytest.raises(FetchFailed, match="topHoldings"):
        fetch(settings_for(server, fetch_attempts=1))


UNITS: dict[str, tuple[FundData, dict[str, float], list[str]]] = {
    "percentage and fraction agree": ({}, {"expense_ratio": 0.0018, "dividend_yield": 0.0054}, []),
    "the annual report alone": ({"netExpenseRatio": None}, {"expense_ratio": 0.002}, []),
    "the yield alone": ({"dividendYield": None}, {"dividend_yield": 0.0054}, []),
    "the net ratio has become a fraction": ({"netExpenseRatio": 0.0018}, {}, ["expense_ratio"]),
    "the dividend yield has become a fraction": ({"dividendYield": 0.0054}, {}, ["dividend_yield"]),
    "the yield has become a percentage": ({"yield": 0.54}, {}, ["dividend_yield"]),
    "the yield is a percentage and alone": ({"yield": 0.54, "dividendYield": None}, {}, ["dividend_yield"]),
    "no yield": ({"yield": None, "dividendYield": None}, {"expense_ratio": 0.0018}, []),
    "zero means unknown": ({"yield": 0, "dividendYield": 0, "netAssets": 0}, {"expense_ratio": 0.0018}, []),
    "assets in thousands": ({"netAssets": 328_302_690}, {}, ["net_assets"]),
    "another currency": ({"currency": "CAD"}, {}, ["net_assets"]),
}


@pytest.mark.parametrize(("changes", "expected", "omitted"), UNITS.values(), ids=UNITS.keys())
def test_a_value_with_an_uncertain_unit_is_omitted(changes: FundData, expected: dict[str, float], omitted: list[str]) -> None:
    parsed = read(document(**changes))
    found = facts(parsed)
    for fact, value in expected.items():
        assert found[fact] == (pytest.approx(value), "fraction")
    assert [reason.partition(" is omitted")[0] for reason in omitted_facts(parsed)] == omitted
    for fact in ", ".join(omitted).split(", ") if omitted else []:
        assert fact not in found


def test_an_expense_ratio_without_the_annual_report_has_no_unit() -> None:
    answer = document()
    answer["funds_data"]["fund_operations"] = {"Annual Report Expense Ratio": None}
    parsed = read(answer)
    assert "expense_ratio" not in facts(parsed)
    assert omitted_facts(parsed) == ["expense_ratio is omitted: the unit of netExpenseRatio is unknown"]


PARTS = {
    "holdings in percent": ("top_holding", "top_holdings", [{"Symbol": "A", "Holding Percent": 9.0}]),
    "a holding without symbol": ("top_holding", "top_holdings", [{"Symbol": "", "Holding Percent": 0.09}]),
    "one symbol twice": ("top_holding", "top_holdings", [{"Symbol": "A", "Holding Percent": 0.09}] * 2),
    "no share": ("top_holding", "top_holdings", [{"Symbol": "A"}]),
    "sectors in percent": ("sector_weight", "sector_weightings", {"technology": 50.0, "energy": 50.0}),
    "half the sectors": ("sector_weight", "sector_weightings", {"technology": 0.5}),
    "all sectors zero": ("sector_weight", "sector_weightings", {"technology": 0, "energy": 0}),
    "a negative sector": ("sector_weight", "sector_weightings", {"technology": 1.05, "energy": -0.05}),
}


@pytest.mark.parametrize(("prefix", "name", "parts"), PARTS.values(), ids=PARTS.keys())
def test_values_that_are_not_fractions_are_omitted_together(prefix: str, name: str, parts: object) -> None:
    answer = document()
    answer["funds_data"][name] = parts
    parsed = read(answer)
    assert not [fact for fact in facts(parsed) if fact.startswith(f"{prefix}:")]
    assert omitted_facts(parsed) == [f"{prefix} is omitted: the values are not fractions of one fund"]


BAD: dict[str, tuple[Any, str]] = {
    "no info": ({"symbol": "QQQ"}, "no info and funds_data"),
    "another symbol": ({**document(), "symbol": "SPY"}, "contains the symbol 'SPY', not QQQ"),
    "no symbol": ({**document(), "symbol": None}, "contains no symbol, where QQQ is expected"),
    "another symbol inside": (document(symbol="SPY"), "its info has the symbol 'SPY', not QQQ"),
    "a share": (document(quoteType="EQUITY"), "quote type is 'EQUITY', not a fund"),
    "nothing usable": ({"symbol": "QQQ", "info": {"quoteType": "ETF", "currency": "USD"}, "funds_data": {}}, "no usable fact"),
}


@pytest.mark.parametrize(("answer", "reason"), BAD.values(), ids=BAD.keys())
def test_other_documents_are_rejected(answer: Any, reason: str) -> None:
    with pytest.raises(DocumentRejected, match=reason):
        read(answer)


def test_a_fund_without_a_price_symbol_has_no_data() -> None:
    fund = replace(invented.UNIVERSE["QQQ"], fund="IWV", price_symbol=None)
    for symbol in ("IWV", None):
        with pytest.raises(DocumentRejected, match=r"IWV has no price_symbol in seeds/funds\.csv"):
            read({**document(), "symbol": symbol}, fund=fund)


NO_TEXTS: dict[str, Any] = {"long": "x" * 101, "unprintable": "Large\x1b[31m Growth\n", "a mapping": {"Large": "Growth"}}


@pytest.mark.parametrize("text", NO_TEXTS.values(), ids=NO_TEXTS.keys())
def test_a_text_is_short_and_printable(text: Any) -> None:
    parsed = read(document(category=text))
    assert "category" not in facts(parsed)
    assert omitted_facts(parsed) == ["category is omitted: it is not a text of at most 100 printable characters"]
    assert facts(read(document(category="x" * 100)))["category"] == ("x" * 100, "text")


@pytest.mark.parametrize("name", ["x" * 101, "INV\n"])
def test_the_name_of_a_holding_is_short_and_printable(name: str) -> None:
    answer = document()
    answer["funds_data"]["top_holdings"][3]["Symbol"] = name
    parsed = read(answer)
    assert not [fact for fact in facts(parsed) if fact.startswith("top_holding:")]
    assert omitted_facts(parsed) == ["top_holding is omitted: a name is not a text of at most 100 printable characters"]
    assert all(len(content) <= 500 and content.isprintable() for frame in parsed.rejects for content in frame["content"])


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_documents_give_only_received_values(data: st.DataObject) -> None:
    content = json.dumps(document(), indent=1).encode()
    # If one of two forms of a figure is lost, the other is used.
    expected = {value for value, _ in facts(read(document())).values()} | {0.002, 328_302_690_000}
    place = data.draw(st.integers(0, len(content)))
    noise = data.draw(st.sampled_from([b"", b'"', b"x", b"\x00", b"null", b"{}", b"-", b"\n", b"NaN", b"\xff"]))
    rest = content[place:] if data.draw(st.booleans()) else b""
    try:
        found = facts(read(content[:place] + noise + rest))
    except DocumentRejected:
        return
    assert {value for fact, (value, _) in found.items() if fact != "category"} <= expected


def test_recorded_answers_give_their_facts(recorded_yahoo: Path, server: VendorServer, settings_for: SettingsFor) -> None:
    def body(name: str) -> Any:
        answer = json.loads((recorded_yahoo / name).read_text())["body"]
        return json.loads(answer) if isinstance(answer, str) else answer

    fund = YahooFund()
    fund.summary = body("quoteSummary-all-QQQ.json")["quoteSummary"]["result"][0]
    fund.quote = body("quote-QQQ.json")["quoteResponse"]["result"][0]
    server.replies = [fund.answer]
    parsed = read(fetch(settings_for(server)))
    found = facts(parsed)
    assert omitted_facts(parsed) == []
    assert found["expense_ratio"] == (pytest.approx(0.002), "fraction")
    assert found["dividend_yield"] == (0.0054, "fraction")
    assert found["net_assets"][0] == fund.summary["summaryDetail"]["totalAssets"]
    assert found["top_holding:AAPL"][0] == pytest.approx(fund.summary["topHoldings"]["holdings"][0]["holdingPercent"])
    assert sum(value for fact, (value, _) in found.items() if fact.startswith("sector_weight:")) == pytest.approx(1, abs=0.01)
    assert parsed.as_of is not None
    verdict = judge_fund_data(parsed.tables, as_of=parsed.as_of, fewest_lines=90, known=KnownFund())
    assert (verdict.quarantined.height, verdict.findings) == (0, [])

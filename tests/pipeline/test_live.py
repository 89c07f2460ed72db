"""The daily job against local vendors: first all answer, then one is down."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.universe import load_universe
from tests.pipeline.homes import FUNDS, Home, ask, copied, published, smallcap, warehouse
from tests.pipeline.live_market import DOWN, LiveRuns, run_live_without_yahoo
from tests.vendors.yahoo_options import STRIKES


def landing_metadata(home: Home, vendor_kind: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Metadata of the newest materialisation of a landing asset."""
    monkeypatch.setenv("DAGSTER_HOME", str(home.path / "dagster"))
    with dg.DagsterInstance.get() as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["landing", vendor_kind]))
    assert event is not None
    assert event.asset_materialization is not None
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def test_a_live_run_ends_with_a_release(live_homes: LiveRuns) -> None:
    home = live_homes.all_answer
    assert home.code == 0, home.out + home.err
    manifest = json.loads((home.latest / "manifest.json").read_text())
    assert manifest["source"] == "live"
    assert manifest["holdings_as_of"] == dict.fromkeys(["IVV", "IWM", "IWV", "QQQ", "SPY"], "2026-05-05") | dict.fromkeys(
        ["VOO", "VTWO"], "2026-04-30"
    )
    with warehouse(home) as connection:
        ledger = ask(connection, "select vendor, status, count(*) as n from raw.documents group by all order by all").rows()
    assert ledger == [
        ("exchange_calendars", "accepted", 1), ("fred", "accepted", 11), ("french", "accepted", 1), ("invesco", "accepted", 1),
        ("ishares", "accepted", 3), ("ssga", "accepted", 1), ("vanguard", "accepted", 2), ("yahoo", "accepted", 18),
    ]  # fmt: skip
    with published(home) as release:
        counts = dict(ask(release, "select fund, count(*) from holdings group by fund").rows())
        days = ask(release, "select count(ratio) from ratio_daily where pair = 'IWM/SPY'").item()
    assert counts["SPY"] == 460
    assert days == 399


def test_a_vendor_that_is_down_stops_nothing(live_homes: LiveRuns) -> None:
    first, second = live_homes.all_answer, live_homes.one_is_down
    assert second.code == 0, second.out + second.err
    assert f"{DOWN} SPY: the vendor answered 500; the known data remain current" in second.out
    newest = [json.loads((home.latest / "manifest.json").read_text()) for home in (first, second)]
    assert newest[1]["release_id"] > newest[0]["release_id"]
    assert date.fromisoformat(newest[1]["last_session"]) > date.fromisoformat(newest[0]["last_session"])
    assert newest[1]["holdings_as_of"] == newest[0]["holdings_as_of"]
    with published(first) as before, published(second) as after:
        query = "select * exclude (document_id) from holdings where fund = 'SPY' order by line"
        assert ask(after, query).equals(ask(before, query))


def test_a_manual_download_is_requested_and_is_no_failure(live_homes: LiveRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    home = live_homes.all_answer
    messages = [line for line in home.out.splitlines() if "schwab SCHA:" in line]
    assert len(messages) == 1
    assert f"save the file in {home.path / 'landing' / 'schwab' / 'holdings' / 'SCHA'} under the download time" in messages[0]
    assert "landing has no file yet" in messages[0]
    by_hand = landing_metadata(home, "schwab_holdings", monkeypatch)
    assert (by_hand["asked"], by_hand["failed"], by_hand["new"], by_hand["documents"]) == (0, 0, 0, 0)


def test_the_failure_is_on_the_landing_asset(live_homes: LiveRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = landing_metadata(live_homes.one_is_down, "ssga_holdings", monkeypatch)
    assert (failed["asked"], failed["failed"], failed["new"], failed["documents"]) == (1, 1, 0, 1)
    assert "SPY | failed | the vendor answered 500" in failed["outcomes"]
    well = landing_metadata(live_homes.one_is_down, "yahoo_prices", monkeypatch)
    assert (well["asked"], well["failed"], well["new"]) == (6, 0, 6)


def test_quotes_are_collected_once_a_session(live_homes: LiveRuns) -> None:
    """The second run of the session asks for none; the options of both expirations were read."""
    for home in (live_homes.all_answer, live_homes.one_is_down):
        with published(home) as release:
            depth = ask(
                release, "select fund, expirations, unread_expirations, contracts, cast(observed_at as date) > session as is_late"
                " from option_depth where horizon = 'all'",
            )  # fmt: skip
            spreads = ask(release, "select fund, is_regular, spread_bp from quoted_spreads")
        assert set(depth["fund"]) == set(spreads["fund"]) == {fund.fund for fund in load_universe().values() if fund.price_symbol}
        assert depth.select("expirations", "unread_expirations").unique().rows() == [(2, 0)]
        # On the day after, what expired on the session is no longer listed.
        for contracts, is_late in depth.select("contracts", "is_late").rows():
            assert contracts == (None if is_late else 4 * len(STRIKES))
        assert (spreads["spread_bp"].is_not_null() == spreads["is_regular"]).all()
        assert len(list((home.path / "landing" / "yahoo" / "quotes" / "IWM").iterdir())) == 1


def test_an_unchanged_answer_is_not_stored_again(live_homes: LiveRuns) -> None:
    landing = live_homes.one_is_down.path / "landing"
    assert len(list((landing / "ishares/holdings/IWM").iterdir())) == 1
    assert len(list((landing / "fred/rates/DFF").iterdir())) == 1
    assert all(len(list((landing / "yahoo/prices" / fund).iterdir())) == 2 for fund in FUNDS)


def test_the_second_answer_adds_one_session_and_no_other_row(live_homes: LiveRuns) -> None:
    counts = []
    for home in (live_homes.all_answer, live_homes.one_is_down):
        with warehouse(home) as connection:
            counts.append(dict(ask(connection, "select symbol, count(*) from raw.price_bars group by symbol").rows()))
    assert counts[1] == {symbol: rows + 1 for symbol, rows in counts[0].items()}


def test_each_request_is_in_a_table(live_homes: LiveRuns) -> None:
    with warehouse(live_homes.one_is_down) as connection:
        outcomes = ask(
            connection, "select symbol, outcome, reason from raw.fetches where vendor = 'ssga' order by attempted_at"
        ).rows()
        asked = ask(connection, "select count(*) from raw.fetches where vendor = 'schwab'").item()
    assert outcomes == [("SPY", "new", None), ("SPY", "failed", "the vendor answered 500")]
    assert asked == 0


@pytest.fixture(scope="module")
def first_without_yahoo(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A first live run without an answer from Yahoo."""
    root = tmp_path_factory.mktemp("without-yahoo")
    return run_live_without_yahoo(copied(sample_home, root / "home", parts=("dbt",)).path, root)


@pytest.mark.more_runs
def test_a_first_run_without_yahoo_publishes_the_other_data(first_without_yahoo: Home) -> None:
    home = first_without_yahoo
    assert home.code == 0, home.out + home.err
    manifest = json.loads((home.latest / "manifest.json").read_text())
    tables = {table["name"]: table for table in manifest["tables"]}
    for name in ("holdings", "sector_weights", "session_calendar", "policy_rate_daily"):
        assert tables[name]["status"] == "published", name
        assert tables[name]["rows"] > 0, name
    assert (tables["ratio_daily"]["status"], tables["ratio_daily"]["rows"]) == ("withheld", 0)
    assert tables["ratio_daily"]["reason"] == "no prices are known"
    # Quotes are optional: without them their tables are empty, and nothing is withheld for it.
    for name in ("quoted_spreads", "option_depth"):
        assert (tables[name]["status"], tables[name]["rows"]) == ("published", 0), name
    page = (home.latest / "report.html").read_text()
    assert "fund_flows is withheld: no prices are known; quoted_spreads, option_depth are empty." in page
    assert {(one["vendor"], one["symbol"]) for one in manifest["failed_fetches"]} >= {("yahoo", "IWM"), ("yahoo", "SPY")}
    assert ("fetch_failed", "IWM") in {(one["check"], one["symbol"]) for one in manifest["missing"]}
    with warehouse(home) as connection:
        outcomes = ask(connection, "select distinct outcome from raw.fetches where vendor = 'yahoo' and kind = 'prices'").rows()
    assert outcomes == [("failed",)]


@pytest.mark.more_runs
def test_failed_requests_are_in_the_report_and_in_doctor(first_without_yahoo: Home, tmp_path: Path) -> None:
    page = (first_without_yahoo.latest / "report.html").read_text()
    assert "IWM: yahoo prices request failed: " in page
    assert "no prices are known" in page
    done = smallcap("doctor", "--source", "sample", "--data-dir", first_without_yahoo.path, cwd=tmp_path)
    assert "yahoo prices IWM: " in " ".join(done.stdout.split())
    assert "no prices are known" in " ".join(done.stdout.split())

"""Quotes, options, flows and macro series of the release: recomputed from the documents, and the planted truths."""

import json
import math
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
import pytest

from orchestration.sample_market import truths
from tests.pipeline.homes import Home, ask, published, warehouse

HORIZONS = {"all": None, "week": 7, "month": 31, "quarter": 92}
TARGETS = {"all": 31, "week": 7, "month": 31, "quarter": 92}
IN_SESSION = [at for at in truths.QUOTE_RETRIEVALS if at not in truths.QUOTES_BEFORE_OPEN]
Row = dict[str, Any]


def chain(home: Home, fund: str, at: datetime) -> tuple[Row, list[date], list[Row]]:
    """The quote, the listed expirations and the contracts of a document, each contract with its expiration, type, mid and trades.

    A contract that traded last on another day did not trade in the session.
    """
    path = home.path / "landing" / "yahoo" / "quotes" / fund / f"{at:%Y-%m-%dT%H%M%SZ}.parquet"
    named = pl.read_parquet_metadata(path)
    rows = pl.read_parquet(path).to_dicts()
    for row in rows:
        day, kind = re.fullmatch(rf"{fund}(\d{{6}})([CP])\d{{8}}", row["contractSymbol"]).groups()  # type: ignore[union-attr]
        row |= {"expiration": datetime.strptime(day, "%y%m%d").replace(tzinfo=UTC).date(), "type": kind}
        row["mid"] = (row["bid"] + row["ask"]) / 2 if 0 < row["bid"] <= row["ask"] else None
        row["traded"] = row["volume"] if row["lastTradeDate"].date() == at.date() else 0
    return json.loads(named["quote"]), [date.fromisoformat(day) for day in json.loads(named["expirations"])], rows


def depth(home: Home) -> dict[tuple[str, date, str], Row]:
    with published(home) as release:
        rows = ask(release, "select * from option_depth").to_dicts()
    return {(row["fund"], row["session"], row["horizon"]): row for row in rows}


def test_each_session_has_the_quote_of_regular_hours(sample_home: Home) -> None:
    with published(sample_home) as release:
        found = {(r["fund"], r["session"]): r for r in ask(release, "select * from quoted_spreads").to_dicts()}
    expected = {(fund, at.date()): chain(sample_home, fund, at)[0] for fund in truths.QUOTE_WIDTH_CENTS for at in IN_SESSION}
    for fund, at in (truths.CROSSED_QUOTE, truths.STALE_CHAIN):
        del expected[fund, at.date()]
    assert found.keys() == expected.keys()
    for key, quote in expected.items():
        row = found[key]
        assert (row["bid"], row["ask"], row["is_regular"]) == (quote["bid"], quote["ask"], True)
        middle = (quote["bid"] + quote["ask"]) / 2
        assert row["spread_bp"] == pytest.approx(1e4 * (quote["ask"] - quote["bid"]) / middle)
        assert row["spread_bp"] == pytest.approx(100 * truths.QUOTE_WIDTH_CENTS[key[0]] / middle, rel=1e-9)
        assert row["tick_bp"] == pytest.approx(100 / middle)
        assert row["spread_bp"] >= row["tick_bp"]
        assert row["observed_at"] == datetime.combine(key[1], datetime.min.time()) + timedelta(hours=19, minutes=30)


def test_the_spread_of_a_fund_is_the_median_of_its_sessions(sample_home: Home) -> None:
    with published(sample_home) as release:
        quotes = ask(release, "select fund, spread_bp from quoted_spreads").rows()
        dates = ask(release, "select fund, quoted_spread_as_of from fund_comparison where quoted_spread is not null").rows()
        last = dict(
            ask(release, "select fund, max(session) from quoted_spreads where spread_bp is not null group by fund").rows()
        )
        facts = dict(ask(release, "select fund, quoted_spread from fund_comparison where quoted_spread is not null").rows())
    known = Counter(fund for fund, _ in quotes)
    # Two funds have a rejected quote, and with two left there is no median.
    assert {fund for fund in known if fund not in facts} == {truths.CROSSED_QUOTE[0], truths.STALE_CHAIN[0]}
    assert {known[fund] for fund in facts} == {3}
    assert dates == [(fund, last[fund]) for fund, _ in dates]
    for fund, spread in facts.items():
        assert spread == pytest.approx(median(s for f, s in quotes if f == fund) / 1e4)


def test_the_totals_are_those_of_the_documents(sample_home: Home) -> None:
    found = depth(sample_home)
    for fund in truths.OPTION_VOLATILITY:
        for at in IN_SESSION:
            if (fund, at) == truths.STALE_CHAIN:
                assert not any(key[:2] == (fund, at.date()) for key in found)
                continue
            _, listed, contracts = chain(sample_home, fund, at)
            read = {row["expiration"] for row in contracts}
            if (fund, at.date()) == truths.UNLISTED_EXPIRATION[:2]:
                listed.append(truths.UNLISTED_EXPIRATION[2])
            for horizon, most in HORIZONS.items():
                within = [day for day in listed if most is None or (day - at.date()).days <= most]
                inside = [row for row in contracts if row["expiration"] in within]
                row = found[fund, at.date(), horizon]
                unread = [day for day in within if day not in read]
                assert (row["expirations"], row["unread_expirations"]) == (len(within), len(unread))
                assert sum(row[f"{cycle}_expirations"] for cycle in ("monthly", "weekly", "daily")) == len(within)
                if unread:
                    assert (fund, at.date()) in (truths.VANISHED_EXPIRATION, truths.UNLISTED_EXPIRATION[:2])
                    assert {row[name] for name in ("contracts", "open_interest", "volume", "put_call_volume")} == {None}
                    continue
                two_sided = [one for one in inside if one["mid"] is not None]
                assert row["contracts"] == len(inside)
                assert row["contracts_quoted"] == len(two_sided)
                assert row["strikes_quoted"] == len({(one["expiration"], one["strike"]) for one in two_sided})
                for name, total, ratio in (
                    ("openInterest", "open_interest", "put_call_interest"), ("traded", "volume", "put_call_volume"),
                ):  # fmt: skip
                    sums = {kind: sum(one[name] for one in inside if one["type"] == kind) for kind in "CP"}
                    assert row[total] == sum(sums.values())
                    assert row[ratio] == (pytest.approx(sums["P"] / sums["C"]) if sums["C"] else None)


def test_an_expiration_that_left_the_list_leaves_no_totals(sample_home: Home) -> None:
    found = depth(sample_home)
    fund, session, missing = truths.UNLISTED_EXPIRATION
    week, month = found[fund, session, "week"], found[fund, session, "month"]
    assert (missing - session).days == 9
    assert (week["unread_expirations"], month["unread_expirations"]) == (0, 1)
    assert week["volume"] > 0
    assert [month[name] for name in ("contracts", "open_interest", "volume", "put_call_volume")] == [None] * 4
    with published(sample_home) as release:
        facts = "select fund, option_open_interest from fund_comparison where fund = 'QQQ'"
        assert ask(release, facts).rows() == [(fund, found[fund, date(2026, 9, 28), "quarter"]["open_interest"])]


def test_an_old_volume_is_not_of_the_session(sample_home: Home) -> None:
    (fund, session), (traded_at, _) = truths.OLD_VOLUME, truths.OLD_TRADE
    with warehouse(sample_home) as connection:
        rows = ask(
            connection, "select volume, open_interest > 0 from raw.option_quotes where phase = 'regular'"
            f" and fund = '{fund}' and session = '{session}' and last_traded_at = '{traded_at}'",
        ).rows()  # fmt: skip
    assert rows == [(0, True)]


def test_a_crossed_contract_keeps_its_volume(sample_home: Home) -> None:
    fund, session = truths.CROSSED_CONTRACT
    with warehouse(sample_home) as connection:
        rows = ask(
            connection, "select ask, implied_volatility, vendor_implied_volatility, volume > 0 and open_interest > 0"
            f" from raw.option_quotes where fund = '{fund}' and session = '{session}' and bid is null",
        ).rows()  # fmt: skip
    assert rows == [(None, None, None, True)]


def test_the_cycles_are_the_planted_ones(sample_home: Home) -> None:
    found = depth(sample_home)
    day = IN_SESSION[0].date()
    deep, thin = found["IWM", day, "all"], found["VTWO", day, "all"]
    assert deep["daily_expirations"] > deep["weekly_expirations"] > 0
    assert (found["SPY", day, "all"]["daily_expirations"], found["SPY", day, "all"]["weekly_expirations"]) == (0, 5)
    assert (thin["expirations"], thin["monthly_expirations"]) == (5, 5)
    assert thin["near_spread"] > 5 * deep["near_spread"]
    assert deep["open_interest"] > 1000 * thin["open_interest"]


def test_a_fund_without_options_has_zeros(sample_home: Home) -> None:
    found = depth(sample_home)
    for horizon in HORIZONS:
        row = found["SCHA", IN_SESSION[0].date(), horizon]
        assert [row[name] for name in ("expirations", "contracts", "open_interest", "volume")] == [0, 0, 0, 0]
        assert (row["near_spread"], row["atm_implied_volatility"], row["put_call_volume"]) == (None, None, None)


def test_the_volatilities_are_the_planted_ones(sample_home: Home) -> None:
    """Recomputed without the project's solver: the planted smile at the planted forward."""
    found = depth(sample_home)
    checked = 0
    for (fund, session, horizon), row in found.items():
        expiration = row["volatility_expiration"]
        if expiration is None:
            continue
        quote, listed, contracts = chain(sample_home, fund, next(at for at in IN_SESSION if at.date() == session))
        close = datetime.combine(expiration, datetime.min.time()) + timedelta(hours=20 if expiration < date(2026, 11, 1) else 21)
        quoted_at = datetime.fromtimestamp(quote["regularMarketTime"], UTC).replace(tzinfo=None)
        years = (close - quoted_at) / timedelta(days=365)
        forward = quote["regularMarketPrice"] * math.exp((truths.OPTION_RATE - truths.OPTION_DIVIDENDS) * years)
        strikes = {one["strike"] for one in contracts if one["expiration"] == expiration}
        nearest = min(strikes, key=lambda strike: abs(strike - forward))
        planted = truths.OPTION_VOLATILITY[fund] - truths.OPTION_SKEW * math.log(nearest / forward)
        wide = fund == truths.THIN_OPTIONS
        assert row["atm_implied_volatility"] == pytest.approx(planted, abs=0.006 if wide else 0.002), (fund, session, horizon)
        assert row["vendor_implied_volatility"] == pytest.approx(planted + 0.002, abs=1e-5)
        target, most = TARGETS[horizon], HORIZONS[horizon] or math.inf
        away = {day: (day - session).days for day in listed if (day - session).days <= most}
        nearer = [day for day, days in away.items() if abs(days - target) < abs(away[expiration] - target)]
        # No nearer expiration has quotes at the money: it was not read, or expires today.
        assert all(day == session or not any(one["expiration"] == day for one in contracts) for day in nearer)
        if row["skew_25_delta"] is not None:
            assert row["skew_25_delta"] == pytest.approx(planted_skew(fund, years), abs=0.006)
            checked += 1
    assert checked > 20


def planted_skew(fund: str, years: float) -> float:
    """The planted smile at the strikes where delta is 0.25, found by bisection."""
    quantile, at_money = 0.6744897501960817, truths.OPTION_VOLATILITY[fund]

    def volatility(log_moneyness: float) -> float:
        return at_money - truths.OPTION_SKEW * log_moneyness

    def solve(sign: float) -> float:
        low, high = -0.6, 0.6
        for _ in range(80):
            middle = (low + high) / 2
            deviation = volatility(middle) * math.sqrt(years)
            d1 = -middle / deviation + deviation / 2
            # d1 falls with the strike; a 25-delta call has d1 = -0.674, a 25-delta put +0.674.
            low, high = (middle, high) if d1 > sign * quantile else (low, middle)
        return volatility(low)

    return solve(1.0) - solve(-1.0)


def test_before_the_open_there_is_no_open_interest(sample_home: Home) -> None:
    """The raw table keeps the chain of the morning; the depth of its session is that of regular hours."""
    with warehouse(sample_home) as connection:
        rows = ask(connection, "select * from raw.option_quotes where phase = 'closed'")
    assert rows["fund"].unique().to_list() == ["IWM"]
    for column in ("open_interest", "implied_volatility", "vendor_implied_volatility"):
        assert rows[column].drop_nulls().is_empty()
    assert rows["volume"].sum() > 0
    assert depth(sample_home)["IWM", date(2026, 9, 30), "all"]["is_regular"]


def test_the_faults_are_listed(sample_home: Home) -> None:
    with warehouse(sample_home) as connection:
        found = ask(
            connection, "select symbol, retrieved_at, rejects.reason from raw.rejects as rejects"
            " join raw.documents using (document_id) where kind = 'quotes' order by all",
        ).rows()  # fmt: skip
    listed = [(symbol, at.replace(tzinfo=UTC), reason.partition(":")[0]) for symbol, at, reason in found]
    assert listed == [
        (truths.STALE_CHAIN[0], truths.STALE_CHAIN[1], "the quote is stale"),
        (truths.CROSSED_QUOTE[0], truths.CROSSED_QUOTE[1], "the quote is locked or crossed"),
        (truths.CROSSED_CONTRACT[0], IN_SESSION[1], "the quote is crossed"),
    ]


def stated(path: Path) -> tuple[date, float, float] | None:
    """As-of date, shares outstanding and the sum of the market values of an iShares file; None if it states no shares."""
    text = path.read_text(encoding="utf-8-sig")
    day, shares = (re.search(pattern, text) for pattern in (r'Holdings as of,"(.+?)"', r'Shares Outstanding,"([\d,.]+)"'))
    if day is None or shares is None:
        return None
    lines = text.split("\n\u00a0\n")[1].splitlines()
    values = [line.split('","')[4] for line in lines[1:] if line.count('","') > 10]
    total = sum(float(value.replace(",", "")) for value in values if re.fullmatch(r"-?[\d,.]+", value))
    as_of = datetime.strptime(day[1], "%b %d, %Y").replace(tzinfo=UTC).date()
    return as_of, float(shares[1].replace(",", "")), total


def test_flows_follow_from_the_issuers_files(sample_home: Home) -> None:
    folder = sample_home.path / "landing" / "ishares" / "holdings" / "IWM"
    known = sorted({found for path in folder.iterdir() if (found := stated(path))})
    with published(sample_home) as release:
        rows = ask(release, "select * from fund_flows where fund = 'IWM' order by as_of").to_dicts()
    assert [(row["from_as_of"], row["as_of"]) for row in rows] == [(one[0], other[0]) for one, other in pairwise(known)]
    for row, ((_, before, value_before), (_, after, value_after)) in zip(rows, pairwise(known), strict=True):
        assert row["shares_change"] == after - before
        worth = (value_before / before + value_after / after) / 2
        assert row["flow"] == pytest.approx((after - before) * worth, rel=1e-9)
        assert row["flow_share"] == pytest.approx((after - before) * worth / value_before, rel=1e-9)
    # A file without the number of shares is passed over.
    assert any(row["days"] == 59 for row in rows)
    assert min(row["flow"] for row in rows) < 0


def test_planted_flows_are_found(sample_home: Home) -> None:
    """Shares created at the fund's closes, and none in a month in which only prices moved."""
    (none_from, none_to, made_from, made_to) = (day for _, day in truths.SHARES_OUTSTANDING)
    created = truths.SHARES_OUTSTANDING["IWM", made_to] - truths.SHARES_OUTSTANDING["IWM", made_from]
    with published(sample_home) as release:
        flows = {
            (row["from_as_of"], row["as_of"]): row
            for row in ask(release, "select * from fund_flows where fund = 'IWM'").to_dicts()
        }
        closes = dict(ask(release, "select session, close from price_daily where fund = 'IWM'").rows())
    still, made = flows[none_from, none_to], flows[made_from, made_to]
    assert still["shares_change"] == still["flow"] == 0
    assert abs(still["net_asset_value"] / still["from_net_asset_value"] - 1) > 0.02
    assert made["shares_change"] == created
    # Cash and the like are 0.3 % of the fund beside its companies.
    assert made["flow"] == pytest.approx(created * (closes[made_from] + closes[made_to]) / 2, rel=0.005)


def test_macro_series_have_their_own_dates_and_say_what_was_revised(sample_home: Home) -> None:
    folder = sample_home.path / "landing" / "fred" / "rates"
    with published(sample_home) as release:
        found = ask(release, "select series, date, value, revisions, hindsight from macro_daily order by series, date")
    assert set(found["series"]) == {"T10Y2Y", "BAA10Y", "NFCI", "DGS10", "DGS3MO", "VIXCLS", "USREC"}
    for series in found["series"].unique():
        files = [path.read_text().splitlines()[1:] for path in sorted((folder / series).iterdir())]
        versions = [dict(line.split(",") for line in lines) for lines in files]
        divisor = 1 if series in ("NFCI", "USREC", "VIXCLS") else 100
        expected = {date.fromisoformat(day): float(value) / divisor for day, value in versions[-1].items() if value != "."}
        rows = found.filter(pl.col("series") == series)
        assert dict(rows.select("date", "value").rows()) == pytest.approx(expected)
        changed = {
            date.fromisoformat(day)
            for earlier, later in pairwise(versions)
            for day, value in earlier.items()
            if later[day] != value
        }
        assert set(rows.filter(pl.col("revisions") > 0)["date"]) == changed
        assert rows["hindsight"].is_null().all() == (series not in ("NFCI", "USREC"))


def test_low_rates_are_tested_on_the_long_yield(sample_home: Home) -> None:
    """QQQ's annual growth relative to the better of the others, after closes with a low 10-year yield."""
    with published(sample_home) as release:
        claim = ask(
            release, "select measured_value, verdict, reason from guide_claims where claim = 'qqq_leads_at_low_yields'"
        ).row(0)
        yields = dict(ask(release, "select date, value from macro_daily where series = 'DGS10'").rows())
        sessions = ask(release, "select session from session_calendar order by session")["session"].to_list()
    with warehouse(sample_home) as connection:
        returns = ask(
            connection, "select session, fund, total_return from intermediate.int_daily_returns"
            " where fund in ('IWM', 'SPY', 'QQQ') and total_return is not null and sessions_spanned = 1",
        )  # fmt: skip
    by_session = {day: dict(frame.select("fund", "total_return").rows()) for (day,), frame in returns.group_by("session")}
    before = dict(zip(sessions[1:], sessions, strict=False))
    low_days = [s for s in by_session if len(by_session[s]) == 3 and yields.get(before[s], 1.0) <= 0.03]
    low = [by_session[s] for s in low_days]
    annual = {fund: math.exp(sum(math.log1p(day[fund]) for day in low) * 252 / len(low)) for fund in ("IWM", "SPY", "QQQ")}
    better = max("IWM", "SPY", key=annual.__getitem__)
    assert claim[0] == pytest.approx(annual["QQQ"] / annual[better] - 1, abs=1e-9)
    assert f"relative to {better}, " in claim[2]
    assert f"over {len(low)} sessions" in claim[2]
    assert claim[1] == "undecided"
    assert f"; in {len({day.year for day in low_days})} calendar years, fewer than 10" in claim[2]


def test_the_traders_row_is_answered_by_quotes_and_options(sample_home: Home) -> None:
    with published(sample_home) as release:
        rows = ask(release, "select * from investor_profiles where profile = 'trader'").to_dicts()
        claims = {row["claim"]: row for row in ask(release, "select * from guide_claims").to_dicts()}
    trader = {row["criterion"]: row for row in rows}
    found = depth(sample_home)
    assert set(trader) == {"most_liquid", "narrowest_quote", "deepest_options", "busiest_options"}
    assert {row["pick"] for row in rows} == {"IWM"}
    assert {row["criterion"]: row["candidates"] for row in rows if row["candidates"] != 3} == {"narrowest_quote": 2}
    newest = found["IWM", date(2026, 9, 30), "quarter"]
    # The thin fund's newest session misses an expiration: the session before counts.
    other = found["VTWO", date(2026, 9, 29), "quarter"]
    assert (trader["deepest_options"]["figure"], trader["deepest_options"]["runner_up_figure"]) == (
        newest["open_interest"], other["open_interest"],
    )  # fmt: skip
    assert trader["busiest_options"]["figure"] == newest["volume"]
    assert trader["narrowest_quote"]["runner_up"] == "VTWO"
    for claim in ("options_are_deep", "weekly_contracts"):
        assert claims[claim]["verdict"] == "holds", claim
    assert claims["spreads_are_tight"]["verdict"] == "undecided"
    assert "the spread of SCHA is not known" in claims["spreads_are_tight"]["reason"]
    assert claims["options_are_deep"]["measured_value"] == newest["open_interest"]
    assert claims["weekly_contracts"]["measured_value"] == newest["weekly_expirations"] > 0
    assert claims["spreads_are_tight"]["measured_value"] == pytest.approx(1e4 * trader["narrowest_quote"]["figure"])

"""Breadth of the members: recomputed from the documents, with the planted events of the sample market, and on real members."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from shutil import copyfile

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from typer.testing import CliRunner

from orchestration.cli.main import app
from orchestration.landing.collect import Landing, collect_sessions
from orchestration.raw.ingest import ingest
from orchestration.sample_market import member_bars, truths
from orchestration.sample_market.companies import TICKER_CHANGES, companies
from orchestration.sample_market.streams import DEFAULT_SEED
from orchestration.universe import load_universe
from orchestration.vendors.registry import BY_PLACE, CALENDAR
from orchestration.warehouse.connection import Warehouse
from tests.conftest import SHARED
from tests.pipeline import breadth_recomputation as again
from tests.pipeline.homes import Home, ask, build_models, copied, published, warehouse

# Sums of returns of both signs, and differences of means, are near zero: there the tolerance is a share of what is summed.
NEAR_ZERO = {"member_return": 1e-14, "mcclellan_oscillator": 2e-11, "mcclellan_summation": 2e-10}
MEMBERS = ["path:models/marts/members", "stg_member_observations"]


@pytest.fixture(scope="module")
def inputs(sample_home: Home) -> again.Inputs:
    """The documents of the sample market."""
    return inputs_of(sample_home)


def inputs_of(home: Home) -> again.Inputs:
    """What a data directory's breadth is computed from."""
    with warehouse(home) as connection:
        holdings = ask(
            connection, "select fund, as_of, security_id, ticker, weight from marts.holdings where holdings_class = 'equity'"
        )
        sessions = ask(connection, "select distinct session from raw.sessions order by session")
        closes = ask(connection, "select fund, session, close from marts.price_daily order by fund, session")
    frame = holdings.to_pandas()
    frame["as_of"] = pd.to_datetime(frame["as_of"])
    funds = closes.to_pandas()
    funds["session"] = pd.to_datetime(funds["session"])
    rows = again.rows_of_documents(home.path / "landing/yahoo/member_prices/US")
    return again.Inputs(
        rows[rows["is_usable"]],
        frame,
        pd.DatetimeIndex(pd.to_datetime(sessions["session"].to_list())),
        funds[funds["fund"].isin(list(again.FUNDS))],
        rows[~rows["is_usable"]],
    )


def breadth_of(home: Home) -> pd.DataFrame:
    """The published table in the order of its key."""
    with published(home) as connection:
        rows = ask(connection, "select * exclude (params_id) from constituent_breadth order by universe, basis, session")
    frame = rows.to_pandas()
    frame["session"] = pd.to_datetime(frame["session"])
    return frame


def compare(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Every column and row: counts and labels exactly, numbers to 1e-12 of their size."""
    expected = expected.sort_values(again.KEYS, ignore_index=True)
    assert set(found.columns) == set(expected.columns)
    assert len(found) == len(expected) > 700
    for name in found.columns:
        if name in ("universe", "basis", "session", "is_inferred"):
            assert (found[name] == expected[name]).all(), name
        elif name in ("member_breadth", "is_divergence", "is_thrust"):
            assert [None if pd.isna(v) else v for v in found[name]] == [None if pd.isna(v) else v for v in expected[name]], name
        else:
            np.testing.assert_allclose(
                found[name].astype(float), expected[name].astype(float), rtol=1e-12, atol=NEAR_ZERO.get(name, 0.0), err_msg=name
            )


def test_every_column_of_every_session(sample_home: Home, inputs: again.Inputs) -> None:
    compare(breadth_of(sample_home), again.breadth(inputs))


@pytest.fixture(scope="module")
def expected(inputs: again.Inputs) -> pd.DataFrame:
    """Each member of the day on each session."""
    return again.expected_bars(inputs)


def test_every_gap(sample_home: Home, expected: pd.DataFrame) -> None:
    with published(sample_home) as connection:
        found = ask(connection, "select universe, session, reason, members, weight from constituent_breadth_gaps").to_pandas()
    found["session"] = pd.to_datetime(found["session"])
    both = found.merge(again.gaps(expected), how="outer", on=["universe", "session", "reason"], suffixes=("", "_again"))
    assert len(both) == len(found) > 800
    assert {"no_bar", "bar_rejected", "short_history"} <= set(found["reason"])
    assert (both["members"] == both["members_again"]).all()
    np.testing.assert_allclose(both["weight"], both["weight_again"], rtol=1e-12, atol=1e-15)


def test_every_figure_of_the_coverage(sample_home: Home, inputs: again.Inputs, expected: pd.DataFrame) -> None:
    keys = ["universe", "security_id"]
    with published(sample_home) as connection:
        found = ask(connection, "select * exclude (name, params_id) from member_coverage").to_pandas()
    both = found.merge(again.coverage(inputs, expected), how="outer", on=keys, suffixes=("", "_again"))
    assert len(both) == len(found) > 2_500
    for name in set(found.columns) - {*keys, "weight"}:
        first, second = both[name], both[f"{name}_again"]
        if name in ("last_held_on", "first_bar", "last_bar", "last_missing"):
            first, second = pd.to_datetime(first), pd.to_datetime(second)
        assert ((first == second) | (first.isna() & second.isna())).all(), name
    np.testing.assert_allclose(both["weight"], both["weight_again"], rtol=1e-12)


def test_every_membership(sample_home: Home, inputs: again.Inputs) -> None:
    with published(sample_home) as connection:
        rows = ask(connection, "select universe, security_id, from_session, to_session, is_inferred from index_membership").rows()
    assert len(rows) == len(set(rows)) > 4_000
    assert set(rows) == again.memberships(inputs)


@dataclass(frozen=True)
class Planted:
    """The published tables, and the tickers of the companies with planted events."""

    connection: duckdb.DuckDBPyConnection

    def row(self, table: str, condition: str) -> dict[str, object]:
        """The only row that meets a condition."""
        [row] = list(ask(self.connection, f"select * from {table} where {condition}").iter_rows(named=True))
        return row

    def values(self, query: str) -> list[object]:
        """The first column of a query."""
        return [value for (value, *_) in self.connection.execute(query).fetchall()]

    def coverage(self, place: int) -> dict[str, object]:
        """IWM's row of the company at a position."""
        return self.row("member_coverage", f"universe = 'IWM' and security_id = '{ticker_of(place)}'")


def ticker_of(place: int) -> str:
    """The ticker of the company at a position."""
    return str(companies(DEFAULT_SEED).table["ticker"][place])


@pytest.fixture(scope="module")
def planted(sample_home: Home) -> Iterator[Planted]:
    """The release of the sample market."""
    with published(sample_home) as connection:
        yield Planted(connection)


def test_the_thrust_is_found_and_no_other(planted: Planted) -> None:
    first, last = truths.THRUST_RISE
    [found] = planted.values("select session from constituent_breadth where is_thrust")
    assert isinstance(found, date)
    assert first < found <= last


def test_the_fund_near_its_high_diverges_from_its_members(planted: Planted) -> None:
    found = planted.values(
        f"select session from constituent_breadth where is_divergence and universe = '{truths.DIVERGENCE_FUND}' order by session"
    )
    assert len(found) >= 5
    assert str(truths.DIVERGENCE[0]) <= str(found[0]) <= str(found[-1]) <= str(truths.DIVERGENCE[1])
    # The fund's distance from its high decides, because most of its companies fall.
    near = planted.values(
        "with closes as (select session, close, max(close) over (order by session rows 251 preceding) as highest from price_daily"
        f" where fund = '{truths.DIVERGENCE_FUND}') select session from closes where close >= 0.98 * highest and session between"
        " date '2026-06-30' and date '2026-09-30' order by session"
    )
    assert found == near


def test_a_delisted_member_and_one_whose_bars_stop_are_named(planted: Planted) -> None:
    for place, last in (
        (member_bars.DELISTED, truths.DELISTED_LAST_SESSION), (member_bars.STOPPED, truths.STOPPED_LAST_SESSION),
    ):  # fmt: skip
        row = planted.coverage(place)
        assert (row["coverage"], row["last_bar"]) == ("stopped", last)
    for session in ("2026-07-30", "2026-09-30"):
        gap = planted.row("constituent_breadth_gaps", f"universe = 'IWM' and reason = 'no_bar' and session = date '{session}'")
        assert gap["members"] == 1
    # The delisted one is a member up to the date of the first snapshot without it.
    membership = planted.row(
        "index_membership", f"universe = 'IWM' and security_id = '{ticker_of(member_bars.DELISTED)}' and not is_inferred"
    )
    assert membership["to_session"] == date(2026, 7, 31)


def test_a_young_listing_is_counted_where_its_history_suffices(planted: Planted) -> None:
    row = planted.coverage(member_bars.ipo_place(DEFAULT_SEED))
    assert (row["coverage"], row["first_bar"]) == ("short_history", truths.IPO_FIRST_SESSION)
    newest = planted.row("constituent_breadth", "universe = 'IWM' and basis = 'point_in_time' and session = date '2026-09-30'")
    # One has stopped, and the young one has 103 bars.
    assert (newest["members"], newest["priced"]) == (truths.IWM_EQUITIES_AFTER, truths.IWM_EQUITIES_AFTER - 1)
    assert (newest["eligible_50"], newest["eligible_200"], newest["eligible_252"]) == (1969, 1968, 1968)


def test_a_split_is_no_fall(sample_home: Home) -> None:
    symbol = ticker_of(member_bars.SPLIT)
    with warehouse(sample_home) as connection:
        kept = ask(
            connection, "select session, close from raw.member_bars where symbol = ? order by session, observed_at", symbol
        )
        returns = ask(
            connection,
            "select min(change), count(*) from (select close / lag(close) over (order by session) - 1 as change"
            " from intermediate.int_member_bars"
            " where security_no = (select any_value(security_no) from intermediate.int_universe_members where security_id = ?))",
            symbol,
        )
    twice = kept.group_by("session").agg(pl.col("close").first() / pl.col("close").last(), pl.len()).filter(pl.col("len") > 1)
    assert twice["close"].unique().to_list() == [truths.MEMBER_SPLIT_RATIO]
    assert twice.height > 600
    [(worst, bars)] = returns.rows()
    assert worst > -0.15
    assert bars == 751


def test_a_new_ticker_is_the_same_member(planted: Planted, sample_home: Home) -> None:
    row = planted.coverage(TICKER_CHANGES)
    assert (row["ticker"], row["bars"], row["sessions_missing"]) == (truths.TICKER_AFTER, 751, 1)
    assert planted.values(
        f"select count(*) from index_membership where security_id = '{truths.TICKER_BEFORE}' and universe = 'IWM'"
    ) == [2]
    with warehouse(sample_home) as connection:
        symbols = ask(
            connection, "select symbol, count(*) from raw.member_bars where symbol in (?, ?) group by symbol order by symbol",
            truths.TICKER_BEFORE, truths.TICKER_AFTER,
        )  # fmt: skip
    assert symbols["symbol"].to_list() == sorted((truths.TICKER_BEFORE, truths.TICKER_AFTER))


def test_a_session_without_any_bar_is_a_row_without_figures(planted: Planted) -> None:
    rows = ask(
        planted.connection,
        "select * from constituent_breadth where basis = 'point_in_time' and session = ?", truths.MEMBERS_MISSING_SESSION,
    )  # fmt: skip
    assert rows["priced"].to_list() == [0, 0, 0]
    nothing = (
        "above_50", "above_200", "new_highs_close", "new_lows_intraday", "advances", "unchanged", "up_volume",
        "advance_decline_line", "mcclellan_oscillator", "member_return", "member_breadth",
    )  # fmt: skip
    for name in nothing:
        assert rows[name].null_count() == 3, name
    gaps = ask(
        planted.connection, "select reason, members from constituent_breadth_gaps where session = ? order by members",
        truths.MEMBERS_MISSING_SESSION,
    )  # fmt: skip
    assert gaps.rows() == [("no_bar", 101), ("no_bar", 503), ("no_bar", 2120)]


def test_impossible_bars_are_reported(planted: Planted) -> None:
    found = planted.connection.execute(
        "select session, members from constituent_breadth_gaps where reason = 'bar_rejected' order by session"
    ).fetchall()
    assert found == [(truths.MEMBER_WITHOUT_PRICES_SESSION, 1), (truths.MEMBER_CROSSED_SESSION, 1)]
    for place in (member_bars.WITHOUT_PRICES, member_bars.CROSSED):
        assert planted.coverage(place)["sessions_rejected"] == 1


def test_the_survivors_have_no_labels_and_differ(planted: Planted) -> None:
    labels = "select count(member_breadth) + count(is_thrust) + count(is_divergence) from constituent_breadth"
    assert planted.values(f"{labels} where basis = 'survivors'") == [0]
    [differ] = planted.values(
        "select count(*) from constituent_breadth as p inner join constituent_breadth as s using (universe, session)"
        " where p.basis = 'point_in_time' and s.basis = 'survivors' and p.above_200 <> s.above_200"
    )
    assert isinstance(differ, int)
    assert differ > 400


@pytest.fixture(scope="module")
def known_earlier(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The members' tables as known before the last retrieval."""
    home = copied(sample_home, tmp_path_factory.mktemp("earlier"))
    build_models(home.settings(known_at=datetime(2026, 9, 29, tzinfo=UTC)), MEMBERS)
    return home


@pytest.mark.more_runs
def test_later_data_change_no_label(sample_home: Home, known_earlier: Home) -> None:
    query = (
        "select * exclude (params_id) from {}constituent_breadth where basis = 'point_in_time' and session < ?"
        " order by universe, session"
    )
    with warehouse(known_earlier) as connection:
        then = ask(connection, query.format("marts."), truths.LATE_MEMBER_SESSION)
    with published(sample_home) as connection:
        now = ask(connection, query.format(""), truths.LATE_MEMBER_SESSION)
    assert then.height > 2_000
    assert then.equals(now, null_equal=True)
    assert now["member_breadth"].drop_nulls().len() > 200


@pytest.mark.more_runs
def test_a_late_bar_counts_from_its_arrival(sample_home: Home, known_earlier: Home) -> None:
    late = f"universe = 'IWM' and basis = 'point_in_time' and session = date '{truths.LATE_MEMBER_SESSION}'"
    with warehouse(known_earlier) as connection:
        last_session = "(select max(session) from marts.constituent_breadth)"
        [(then, last)] = ask(connection, f"select priced, {last_session} from marts.constituent_breadth where {late}").rows()
    with published(sample_home) as connection:
        [(now,)] = ask(connection, f"select priced from constituent_breadth where {late}").rows()
    assert (then, now, last) == (now - len(member_bars.LATE), 1969, truths.LATE_MEMBER_SESSION)


# On real members

PARQUET, HOLDINGS = "iwm_2024-09_daily_2019-01_2024-03.parquet", "IWM_holdings_2024-09-27.csv"
# Computed by others on all members: shares of those eligible in per cent, highs, lows, advances, declines, members with a bar.
KNOWN = {
    date(2020, 3, 23): (2.13, 4.13, 1, 348, 600, 883, 1515),
    date(2020, 11, 9): (74.17, 73.37, 84, 1, 1234, 346, 1604),
    date(2022, 9, 30): (10.87, 16.89, 6, 290, 687, 1155, 1883),
    date(2023, 10, 27): (13.91, 20.57, 5, 282, 433, 1447, 1916),
}


@pytest.fixture(scope="module")
def real_members(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Real bars and the real list of members, imported as a person would, and breadth built from them."""
    folder = SHARED / "constituents"
    if not folder.is_dir():
        pytest.skip(f"needs real bars in {folder}, which are licensed and not part of the project")
    home = Home(tmp_path_factory.mktemp("members"), "landing")
    settings = home.settings()
    lists = settings.own_landing_dir / "ishares/holdings/IWM"
    lists.mkdir(parents=True)
    copyfile(folder / HOLDINGS, lists / "2024-09-28T010000Z.asof=2024-09-27.csv")
    typed = ["import-prices", str(folder / PARQUET), "--universe", "IWM", "--source", "landing", "--data-dir", str(home.path)]
    done = CliRunner().invoke(app, typed)
    assert done.exit_code == 0, done.output
    assert "2,239,727 bars of 1,933 symbols" in done.output
    landing = Landing(settings.own_landing_dir, [settings.own_landing_dir], settings.clock)
    collect_sessions(landing)
    store = Warehouse(settings.warehouse_path)
    store.prepare()
    with store.connect() as connection:
        for feed in (CALENDAR, BY_PLACE["ishares", "holdings"], BY_PLACE["yahoo", "member_prices"]):
            outcomes = ingest(connection, landing.documents(feed), universe=load_universe(), clock=settings.clock)
            assert {outcome.status for outcome in outcomes} == {"accepted"}
    build_models(settings, ["+constituent_breadth", "+constituent_breadth_gaps", "+member_coverage", "+index_membership"])
    return home


@pytest.mark.more_runs
def test_the_figures_that_others_found(real_members: Home) -> None:
    with warehouse(real_members) as connection:
        rows = ask(
            connection,
            "select session, round(100 * above_50, 2), round(100 * above_200, 2), new_highs_close, new_lows_close, advances,"
            " declines, priced from marts.constituent_breadth where basis = 'point_in_time' and session in (select unnest(?))"
            " order by session",
            list(KNOWN),
        ).rows()
    assert {row[0]: row[1:] for row in rows} == KNOWN


@pytest.mark.more_runs
def test_members_that_the_list_names_and_nobody_prices_are_told(real_members: Home) -> None:
    with warehouse(real_members) as connection:
        [(members, priced, weight, labels)] = connection.execute(
            "select max(members), max(priced), max(priced_weight), count(member_breadth) from marts.constituent_breadth"
        ).fetchall()
        counted = dict(connection.execute("select coverage, count(*) from marts.member_coverage group by coverage").fetchall())
    assert (members, sum(counted.values()), counted["never_priced"]) == (1971, 1971, 38)
    assert priced <= 1933
    assert 0.95 < weight < 1
    assert labels == 0  # all sessions are before the list: who the members were is inferred


@pytest.mark.more_runs
def test_real_breadth_recomputed(real_members: Home) -> None:
    with warehouse(real_members) as connection:
        found = ask(
            connection, "select * exclude (params_id) from marts.constituent_breadth order by universe, basis, session"
        ).to_pandas()
        holdings = ask(
            connection, "select fund, as_of, security_id, ticker, weight from intermediate.int_security_lines"
            " where holdings_class = 'equity'",
        ).to_pandas()  # fmt: skip
        sessions = ask(connection, "select distinct session from raw.sessions order by session")["session"].to_list()
    found["session"], holdings["as_of"] = pd.to_datetime(found["session"]), pd.to_datetime(holdings["as_of"])
    no_closes = pd.DataFrame({"fund": [], "session": pd.to_datetime([]), "close": []})
    expected = again.breadth(
        again.Inputs(
            again.bars_of_documents(real_members.path / "landing/yahoo/member_prices/US"), holdings,
            pd.DatetimeIndex(pd.to_datetime(sessions)), no_closes,
        )
    )  # fmt: skip
    compare(found, expected)

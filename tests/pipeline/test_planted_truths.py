"""The release contains the planted truths of the sample market."""

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from orchestration.sample_market import truths
from orchestration.universe import load_universe
from tests.pipeline.homes import FUNDS, PAIRS, Home, ask, build_models, copied, published, warehouse

HOLD = timedelta(days=182)
RUNNING = "the session was still open at the retrieval"


def test_the_regimes_of_iwm_against_spy_are_the_planted_ones(sample_home: Home) -> None:
    with published(sample_home) as release:
        spells = ask(release, "select * from regime_spells where pair = 'IWM/SPY' order by spell_no")
        sessions = ask(release, "select session from ratio_daily where pair = 'IWM/SPY' order by session")["session"].to_list()
    assert spells["regime"].to_list() == [turn.label for turn in truths.TURNS]
    for turn, noticed in zip(truths.TURNS[1:], spells["first_session"].to_list()[1:], strict=True):
        assert 0 < sessions.index(noticed) - sessions.index(turn.session) <= truths.TURN_NOTICED_WITHIN
    assert spells["is_open"].to_list() == [False] * (len(truths.TURNS) - 1) + [True]


def planted_rate_spells() -> list[tuple[str, date]]:
    """Label and first calendar day of each spell, from the planted cycles alone."""
    moves = sorted(
        (cycle.first + timedelta(days=cycle.days * i), cycle.step) for cycle in truths.RATE_CYCLES for i in range(cycle.moves)
    )
    spells: list[tuple[str, date]] = []
    for (day, step), (following, _) in pairwise([*moves, (date(2026, 9, 30) + timedelta(days=1), 0.0)]):
        label = "hiking" if step > 0 else "cutting"
        if not spells or spells[-1][0] != label:
            spells.append((label, day))
        if day + HOLD < following:
            spells.append(("hold_after_hikes" if step > 0 else "hold_after_cuts", day + HOLD))
    return spells


def test_the_rate_regimes_are_the_planted_cycles(sample_home: Home) -> None:
    with published(sample_home) as release:
        spells = ask(release, "select rate_regime, first_session from rate_regime_spells order by spell_no").rows()
        sessions = ask(release, "select session from policy_rate_daily order by session")["session"].to_list()
    assert spells == [(label, next(s for s in sessions if s >= day)) for label, day in planted_rate_spells()]


@pytest.mark.parametrize(("fund", "ex_date"), list(truths.SPLITS), ids=str)
def test_a_split_leaves_no_jump(sample_home: Home, fund: str, ex_date: date) -> None:
    with warehouse(sample_home) as connection:
        day = ask(
            connection, "select total_return from intermediate.int_daily_returns where fund = ? and session = ?", fund, ex_date
        )
        ratios = ask(
            connection, "select pair, session, ln(ratio) as x from marts.ratio_daily where session between ? and ? order by all",
            ex_date - timedelta(days=7), ex_date + timedelta(days=7),
        )  # fmt: skip
    assert abs(day["total_return"].item()) < 0.15
    for pair in PAIRS:
        steps = ratios.filter(pair=pair)["x"].diff().drop_nulls()
        assert steps.len() > 5
        assert steps.abs().max() < 0.10


@pytest.mark.parametrize("fund", FUNDS)
def test_dividends_count_in_total_returns(sample_home: Home, fund: str) -> None:
    with warehouse(sample_home) as connection:
        total = ask(connection, "select total_return from marts.performance where fund = ? and window_name = 'all'", fund).item()
        closes = ask(connection, "select close from intermediate.int_bars_on_current_basis where fund = ? order by session", fund)
    price = closes["close"][-1] / closes["close"][0]
    assert np.log((1 + total) / price) == pytest.approx(truths.DIVIDEND_YIELD_A_YEAR[fund] * 25, rel=0.05)


def test_a_missing_session_is_null_and_breaks_no_spell(sample_home: Home) -> None:
    day = truths.MISSING_BAR.session
    with published(sample_home) as release:
        ratios = ask(release, "select * from ratio_daily where session = ? order by pair", day)
        labels = ask(release, "select pair, trend_gap, regime from regime_daily where session = ? order by pair", day)
        around = ask(release, "select pair from regime_spells where first_session < ? and last_session > ?", day, day)
    hit = pl.col("pair").str.contains("IWM")
    measures = [c for c in ratios.columns if c not in ("pair", "session", "params_id")]
    assert ratios.height == labels.height == 3
    assert all(ratios.filter(hit)[measure].null_count() == 2 for measure in measures)
    assert all(ratios.filter(~hit)[measure].null_count() == 0 for measure in measures if measure != "trend_break")
    assert labels.filter(hit)["regime"].null_count() == 2
    assert labels.filter(~hit)["regime"].null_count() == 0
    assert {"IWM/SPY", "IWM/QQQ"} <= set(around["pair"])


def test_the_open_session_is_in_no_table(sample_home: Home) -> None:
    with warehouse(sample_home) as connection:
        newest = ask(connection, "select max(session) from raw.price_bars").item()
        refused = ask(connection, "select content from raw.rejects where reason = ?", RUNNING)["content"]
        columns = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() where data_type = 'DATE'"
            " and schema_name in ('marts', 'intermediate') and column_name like '%session%'"
            # The calendar is known in advance, and the newest snapshot says who the members of the next session are.
            " and table_name <> 'session_calendar' and (table_name, column_name) <> ('index_membership', 'from_session')"
        ).fetchall()
        latest = {(t, c): ask(connection, f'select max("{c}") from {s}.{t}').item() for s, t, c in columns}
    assert newest < truths.PARTIAL_SESSION
    assert len(refused) == len([fund for fund in load_universe().values() if fund.price_symbol])
    assert all(text.startswith(str(truths.PARTIAL_SESSION)) for text in refused)
    assert columns
    assert {place: day for place, day in latest.items() if day is not None and day >= truths.PARTIAL_SESSION} == {}


def test_a_restated_bar_has_two_observations_and_the_later_is_used(sample_home: Home) -> None:
    symbol, session = truths.RESTATED_BAR.symbol, truths.RESTATED_BAR.session
    with warehouse(sample_home) as connection:
        both = ask(
            connection, "select close from raw.price_bars where symbol = ? and session = ? order by observed_at", symbol, session
        )
        used = ask(
            connection, "select close from intermediate.int_bars_on_current_basis where fund = ? and session = ?", symbol, session
        )
    assert both.height == 2
    assert both["close"][0] / both["close"][1] == pytest.approx(truths.RESTATED_FACTOR, abs=1e-4)
    assert used["close"].item() == both["close"][1]


@pytest.mark.more_runs
def test_known_at_rebuilds_the_past(sample_home: Home, tmp_path: Path) -> None:
    symbol, session = truths.RESTATED_BAR.symbol, truths.RESTATED_BAR.session
    past = copied(sample_home, tmp_path / "past")
    before = truths.PRICE_RETRIEVALS[0] + timedelta(hours=1)
    build_models(past.settings(known_at=before), ["+regime_daily"])
    with warehouse(past) as connection:
        first = ask(
            connection, "select close from raw.price_bars where symbol = ? and session = ? order by observed_at", symbol, session
        )
        used = ask(
            connection, "select close from intermediate.int_bars_on_current_basis where fund = ? and session = ?", symbol, session
        )
        last = ask(connection, "select max(session) from marts.regime_daily where regime is not null").item()
        split = ask(
            connection, "select close from intermediate.int_bars_on_current_basis where fund = 'QQQ' and session = ?", session
        )
        raw = ask(
            connection, "select close from raw.price_bars where symbol = 'QQQ' and session = ? order by observed_at", session
        )
    assert used["close"].item() == first["close"][0]
    assert last == date(2026, 6, 30)
    # The split of August was not known yet: prices are on the old basis.
    assert split["close"].item() == raw["close"][0] != raw["close"][-1]


def test_the_reconstitution_moves_the_planted_counts(sample_home: Home) -> None:
    with published(sample_home) as release:
        lines = ask(release, "select as_of, security_id from holdings where fund = 'IWM' and holdings_class = 'equity'")
    names = {as_of: set(lines.filter(as_of=as_of)["security_id"]) for as_of in truths.IWM_SNAPSHOTS}
    assert lines.height == sum(len(held) for held in names.values())
    eve, after = names[truths.RECONSTITUTION], names[date(2026, 7, 31)]
    assert (len(eve), len(after)) == (truths.IWM_EQUITIES_BEFORE, truths.IWM_EQUITIES_AFTER)
    assert (len(after - eve), len(eve - after)) == (truths.NAMES_JOINING, truths.NAMES_LEAVING)
    assert names[truths.LINGERING_SNAPSHOT] == eve | after


def test_rejected_data_are_listed_with_their_reasons(sample_home: Home) -> None:
    with warehouse(sample_home) as connection:
        refused = dict(ask(connection, "select retrieved_at, reason from raw.documents where status = 'rejected'").rows())
        line = ask(
            connection,
            "select symbol, as_of, rows_rejected, rejects.reason from raw.rejects join raw.documents using (document_id)"
            " where line is not null and contains(content, ?)",
            truths.BROKEN_MARKET_VALUE,
        )
    undated, page = truths.UNDATED_COPY_RETRIEVED.replace(tzinfo=None), truths.WEB_PAGE_RETRIEVED.replace(tzinfo=None)
    stale = truths.STALE_CHAIN[1].replace(tzinfo=None)
    assert set(refused) == {undated, page, stale}
    assert "the quote is stale" in refused[stale]
    assert "no as-of date" in refused[undated]
    assert "web page" in refused[page]
    assert line.rows() == [
        ("IWM", truths.BROKEN_LINE_SNAPSHOT, 1, f"market_value '{truths.BROKEN_MARKET_VALUE}' is not a number")
    ]


def test_a_company_is_one_security_under_both_tickers(sample_home: Home) -> None:
    with published(sample_home) as release:
        known = ask(release, "select * from security_master where ticker in (?, ?)", truths.TICKER_BEFORE, truths.TICKER_AFTER)
        lines = ask(
            release, "select distinct security_id, ticker, gics_sector, as_of < ? as is_before from holdings"
            " where ticker in (?, ?) order by is_before",
            truths.TICKER_CHANGED_ON, truths.TICKER_BEFORE, truths.TICKER_AFTER,
        )  # fmt: skip
    assert known.height == 1
    assert known["ticker"].item() == truths.TICKER_AFTER
    assert known["cusip"].item() is not None
    assert (known["first_held_on"].item(), known["last_held_on"].item()) == (truths.IWM_SNAPSHOTS[0], truths.IWM_SNAPSHOTS[-1])
    security, sector = known["security_id"].item(), known["gics_sector"].item()
    assert lines.rows() == [(security, truths.TICKER_AFTER, sector, False), (security, truths.TICKER_BEFORE, sector, True)]


def test_the_reconstitution_is_tied_to_the_changes_of_its_window(sample_home: Home) -> None:
    with published(sample_home) as release:
        moved = ask(
            release, "select as_of, change, reconstitution, count(*) from holdings_changes"
            " where fund = 'IWM' and is_reconstitution group by all order by all",
        )  # fmt: skip
        others = ask(
            release, "select fund, count(*) from holdings_changes where change <> 'kept' and not is_reconstitution group by 1"
        )
    lingering = truths.IWM_SNAPSHOTS.index(truths.LINGERING_SNAPSHOT)
    assert moved.rows() == [
        (truths.LINGERING_SNAPSHOT, "added", "2026-06", truths.NAMES_JOINING),
        (truths.IWM_SNAPSHOTS[lingering + 1], "removed", "2026-06", truths.NAMES_LEAVING),
    ]
    # QQQ's foreign names join and as many leave; a changed ticker is not a change.
    assert others.rows() == [("QQQ", 2 * len(truths.FOREIGN_TICKERS))]


def test_the_disputed_sector_is_listed(sample_home: Home) -> None:
    first = truths.OTHER_SNAPSHOTS[0]
    with published(sample_home) as release:
        conflicts = ask(release, "select security_id, as_of, fund, gics_sector from sector_conflicts order by fund")
        line = ask(
            release, "select security_id, gics_sector from holdings where fund = 'QQQ' and as_of = ?"
            " order by line limit 1 offset ?",
            first, truths.DISPUTED_QQQ_LINE - 1,
        ).row(0)  # fmt: skip
    assert conflicts["security_id"].unique().to_list() == [line[0]]
    assert conflicts["as_of"].unique().to_list() == [first]
    assert dict(conflicts.select("fund", "gics_sector").rows())["QQQ"] == line[1]
    assert set(conflicts["fund"]) >= {"IWV", "QQQ"}
    assert conflicts["gics_sector"].n_unique() == 2


def test_funds_share_the_planted_names(sample_home: Home) -> None:
    newest = truths.OTHER_SNAPSHOTS[-1]
    with published(sample_home) as release:
        shared = ask(release, "select fund_a || '/' || fund_b, names_in_common from fund_overlap where as_of = ?", newest)
        alone = ask(release, "select fund_a, overlap - common_weight_a from fund_overlap where overlap > common_weight_a + 1e-12")
    names = dict(shared.rows())
    assert names["IWM/IWV"] == truths.IWM_EQUITIES_AFTER
    assert names["IWM/SPY"] == 1  # the company that changed its ticker and stayed in the index
    assert names["IWV/QQQ"] == truths.QQQ_LINES - len(truths.FOREIGN_TICKERS)
    assert alone.is_empty()


def test_every_planted_fault_is_in_the_data_quality(sample_home: Home) -> None:
    with published(sample_home) as release:
        rows = ask(
            release, "select table_name, check_name, symbol, severity, findings, first_found_on, last_found_on from data_quality"
        )
    found = {(check, symbol): rest for _, check, symbol, *rest in rows.rows()}
    restated, missing = truths.RESTATED_BAR, truths.MISSING_BAR
    assert found["missing_session", missing.symbol] == ["warning", 1, missing.session, missing.session]
    assert found["restated_unexplained", restated.symbol] == ["warning", 1, restated.session, restated.session]
    assert found["rejected_row_holdings", "IWM"] == ["warning", 1, truths.BROKEN_LINE_SNAPSHOT, truths.BROKEN_LINE_SNAPSHOT]
    assert found["rejected_document_holdings", "IWM"][:2] == ["warning", 2]
    day = truths.STALE_CHAIN[1].date()
    assert found["rejected_document_quotes", truths.STALE_CHAIN[0]] == ["warning", 1, day, day]
    assert found["rejected_row_quotes", truths.CROSSED_QUOTE[0]][:2] == ["note", 1]
    assert found["rejected_row_quotes", truths.CROSSED_CONTRACT[0]][:2] == ["note", 1]
    for fund in load_universe().values():
        if fund.price_symbol:
            # The last retrieval was a day after the last session: two sessions may still be corrected.
            assert found["provisional_bar", fund.price_symbol][:2] == ["note", 2]
    warned = {check for (check, _), (severity, *_) in found.items() if severity == "warning"}
    assert warned == {
        "missing_session", "restated_unexplained", "rejected_row_holdings", "rejected_row_prices", "rejected_document_holdings",
        "rejected_document_quotes",
    }  # fmt: skip
    # Checks without findings are listed, too.
    assert {severity for severity, findings, *_ in found.values() if findings == 0} == {"ok"}
    assert rows.filter(pl.col("severity") == "ok").height > 40

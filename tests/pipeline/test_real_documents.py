"""The real documents, compared with published figures."""

import hashlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from orchestration.landing.documents import list_documents
from orchestration.market_calendar import sessions_document
from orchestration.raw.ingest import ingest
from orchestration.settings import DBT_PROJECT_DIR
from orchestration.universe import load_universe
from orchestration.warehouse.connection import Warehouse
from tests.conftest import SHARED, WITHOUT_BUILT
from tests.pipeline.homes import FUNDS, Home, ask, build_models, copied, published, warehouse

UNDATED = "ishares/holdings/IWM/2025-11-12T010000Z.csv"
# Calendar-year total returns from Yahoo's adjusted closes, to the hundredth of a percent.
STATED = {
    ("IWM", 2013): 0.3870, ("IWM", 2022): -0.2048, ("IWM", 2023): 0.1683, ("SPY", 2022): -0.1818, ("SPY", 2023): 0.2618,
    ("QQQ", 2022): -0.3258, ("QQQ", 2023): 0.5486,
}  # fmt: skip
# SPY trades since 1993-01-29; the files begin later.
FIRST_SESSIONS = {"SPY": date(1995, 1, 3), "QQQ": date(1999, 3, 10), "IWM": date(2000, 5, 26)}
NEWEST = date(2026, 8, 14)


@pytest.fixture(scope="module")
def release(real_home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published tables of the real documents."""
    with published(real_home) as connection:
        yield connection


def test_all_documents_except_the_undated_file_are_accepted(real_home: Home, real_landing: Path) -> None:
    with warehouse(real_home) as connection:
        ledger = ask(connection, "select path, sha256, status, reason from raw.documents where vendor <> 'exchange_calendars'")
    files = {str(path.relative_to(real_landing)): path for path in real_landing.rglob("*") if path.is_file()}
    assert set(ledger["path"]) == set(files)
    rejected = ledger.filter(pl.col("status") != "accepted")
    assert rejected["path"].to_list() == [UNDATED]
    assert "no as-of date" in rejected["reason"].item()
    for path, sha256 in ledger.select("path", "sha256").rows():
        assert hashlib.sha256(files[path].read_bytes()).hexdigest() == sha256


def test_nothing_was_written_to_the_folder(real_home: Home, real_landing: Path) -> None:
    begun = (real_home.path / "dagster").stat().st_ctime
    places = [real_landing, *real_landing.rglob("*")]
    assert not [place for place in places if place.name.startswith(".")]
    assert max(place.stat().st_mtime for place in places) < begun
    assert {place.name for place in real_landing.iterdir()} <= {"yahoo", "ishares", "ssga", "invesco", "fred"}


def test_the_undated_file_is_accepted_with_a_declared_date(real_landing: Path, tmp_path: Path) -> None:
    target = tmp_path / "landing/ishares/holdings/IWM/2025-11-12T010000Z.asof=2025-11-11.csv"
    target.parent.mkdir(parents=True)
    shutil.copyfile(real_landing / UNDATED, target)
    place = Warehouse(tmp_path / "warehouse.duckdb")
    place.prepare()
    with place.connect() as connection:
        outcomes = ingest(connection, list_documents([tmp_path / "landing"]), universe=load_universe())
        lines = connection.execute("select count(*), min(as_of), max(as_of) from raw.holdings").fetchall()
    assert [(outcome.status, outcome.as_of) for outcome in outcomes] == [("accepted", date(2025, 11, 11))]
    assert lines[0][0] > 1900
    assert lines[0][1:] == (date(2025, 11, 11), date(2025, 11, 11))


@pytest.mark.parametrize("fund", FUNDS)
def test_calendar_years_agree_with_adjusted_closes(release: duckdb.DuckDBPyConnection, real_landing: Path, fund: str) -> None:
    newest = max((real_landing / "yahoo/prices" / fund).iterdir())
    bars = pl.read_csv(newest).select(pl.col("Date").str.slice(0, 10).str.to_date(), pl.col("Adj Close")).sort("Date")
    ends = bars.group_by(pl.col("Date").dt.year().alias("year"), maintain_order=True).last()
    theirs = {
        year: value - 1
        for year, value in ends.select("year", pl.col("Adj Close") / pl.col("Adj Close").shift()).drop_nulls().rows()
    }
    rows = ask(release, """select window_name, total_return from performance where fund = ? and is_complete""", fund).rows()
    ours = {int(window): value for window, value in rows if window.isdigit()}
    first = FIRST_SESSIONS[fund].year
    assert set(ours) == set(range(first + 1, NEWEST.year))
    for year, value in ours.items():
        assert value == pytest.approx(theirs[year], abs=0.0005), year


@pytest.mark.parametrize(("fund", "year"), list(STATED), ids=str)
def test_calendar_years_equal_the_published_ones(release: duckdb.DuckDBPyConnection, fund: str, year: int) -> None:
    value = ask(release, "select total_return from performance where fund = ? and window_name = ?", fund, str(year)).item()
    assert value == pytest.approx(STATED[fund, year], abs=0.0005)


@pytest.mark.parametrize(
    ("day", "label"),
    [
        (date(2005, 6, 15), "hiking"),
        (date(2022, 9, 1), "hiking"),
        (date(2001, 6, 15), "cutting"),
        (date(2008, 6, 16), "cutting"),
        (date(2024, 10, 15), "cutting"),
        (date(2007, 4, 16), "hold_after_hikes"),
        (date(2024, 4, 15), "hold_after_hikes"),
    ],
    ids=str,
)
def test_rate_regimes_match_history(release: duckdb.DuckDBPyConnection, day: date, label: str) -> None:
    assert ask(release, "select rate_regime from rate_regime_daily where session = ?", day).item() == label


@pytest.mark.parametrize(
    ("peak", "trough", "least_depth"),
    [
        (date(2000, 3, 24), date(2002, 10, 9), 0.45),
        (date(2007, 10, 9), date(2009, 3, 9), 0.55),
        (date(2011, 4, 29), date(2011, 10, 3), 0.15),
        (date(2018, 1, 26), date(2018, 4, 2), 0.10),
        (date(2018, 9, 20), date(2018, 12, 24), 0.19),
        (date(2020, 2, 19), date(2020, 3, 23), 0.33),
        (date(2022, 1, 3), date(2022, 10, 12), 0.24),
        (date(2025, 2, 19), date(2025, 4, 8), 0.18),
    ],
    ids=str,
)
def test_corrections_match_history(release: duckdb.DuckDBPyConnection, peak: date, trough: date, least_depth: float) -> None:
    row = ask(release, "select trough, depth, recovery from corrections where peak = ?", peak).row(0, named=True)
    assert row["trough"] == trough
    assert -least_depth - 0.05 < row["depth"] <= -least_depth
    assert row["recovery"] > trough


def test_there_is_no_other_correction(release: duckdb.DuckDBPyConnection) -> None:
    years = ask(release, "select distinct extract(year from peak) as year from corrections")["year"].to_list()
    assert not {1995, 1996, 2004, 2005, 2006, 2013, 2014, 2017, 2021, 2024} & set(years)


def test_the_policy_rate_equals_the_published_one(release: duckdb.DuckDBPyConnection) -> None:
    rows = ask(release, "select session, lower_bound, upper_bound from policy_rate_daily where session >= '2025-12-11'")
    assert set(rows["lower_bound"].round(6)) == {0.035}
    assert set(rows["upper_bound"].round(6)) == {0.0375}


@pytest.mark.parametrize("fund", ["SPY", "QQQ", "IWM"])
def test_sectors_are_known_for_99_percent(release: duckdb.DuckDBPyConnection, fund: str) -> None:
    coverage = ask(release, "select coverage from sector_coverage where fund = ? order by as_of desc limit 1", fund)
    assert coverage.item() >= 0.99


def test_first_and_last_sessions_equal_those_of_the_files(release: duckdb.DuckDBPyConnection) -> None:
    assert ask(release, "select last_session from release").item() == NEWEST
    assert ask(release, "select max(session) from regime_daily where regime is not null").item() == NEWEST
    first = ask(release, "select fund, start_session from performance where window_name = 'all'")
    assert dict(first.rows()) == FIRST_SESSIONS


def test_past_splits_leave_no_jump(real_home: Home) -> None:
    with warehouse(real_home) as connection:
        for fund, day in (("IWM", date(2005, 6, 9)), ("QQQ", date(2000, 3, 20))):
            moved = ask(
                connection, "select total_return from intermediate.int_daily_returns where fund = ? and session = ?", fund, day
            )
            assert abs(moved.item()) < 0.15


def test_the_reconstitution_study_reproduces_published_figures(release: duckdb.DuckDBPyConnection) -> None:
    """Eight events with a preliminary list: mean -0.01 %, median -0.44 %; ours is -0.016 %, dividends included."""
    events, mean, median = release.execute(
        "select events, mean_gap, median_gap from reconstitution_summary where window_name = 'list_to_effective'"
    ).fetchall()[0]
    assert (events, round(median, 4)) == (8, -0.0044)
    assert mean == pytest.approx(-0.0001, abs=0.0002)
    # Published: 1.42 times its median of 60 sessions on the day, 2019 to 2026.
    volume = ask(
        release,
        "select avg(volume_ratio) from reconstitution_study"
        " where window_name = 'effective_day' and event >= '2019' and event like '%-06'",
    ).item()
    assert volume == pytest.approx(1.42, abs=0.01)


def test_claims_have_the_known_verdicts(release: duckdb.DuckDBPyConnection) -> None:
    verdicts = dict(release.execute("select claim, verdict from guide_claims").fetchall())
    assert len(verdicts) >= 25
    stale = {
        "qqq_expense_ratio",
        "iwm_largest_holding_weight",
        "reconstitution_every_june",
        "vtwo_expense_ratio",
        "scha_expense_ratio",
    }
    assert {claim for claim in stale if verdicts[claim] == "stale"} == stale
    assert verdicts["float_ranks_companies"] == verdicts["fee_gap_to_vtwo"] == "contradicted"
    assert verdicts["ratio_rising_is_risk_on"] == "undecided"
    assert verdicts["timed_satellite_pays"] == "bounded"
    assert verdicts["caps_at_reconstitution"] == "contradicted"
    assert {verdicts[c] for c in ("domestic_revenue", "russell_3000_covers_market")} == {"untestable"}


def test_every_measured_claim_has_a_date_and_a_table(release: duckdb.DuckDBPyConnection) -> None:
    marts = {name for (name,) in release.execute("select table_name from duckdb_tables()").fetchall()}
    rows = release.execute(
        "select claim, measured_value, as_of, read_from from guide_claims where measured_value is not null"
    ).fetchall()
    assert all(as_of is not None and read_from in marts for _, _, as_of, read_from in rows), rows


@pytest.mark.parametrize(
    ("fund", "common", "own"), [("QQQ", 0.1043, 0.1311), ("SPY", 0.0990, 0.0901), ("IWM", 0.0733, 0.0733)], ids=str
)
def test_funds_are_compared_over_common_sessions(
    release: duckdb.DuckDBPyConnection, fund: str, common: float, own: float
) -> None:
    """SPY and QQQ have data for the hikes of 1999, IWM does not."""
    row = ask(release, "select * from rate_regime_performance where rate_regime = 'hiking' and fund = ?", fund).row(0, named=True)
    assert (round(row["annual_return"], 4), round(row["own_annual_return"], 4)) == (common, own)
    lengths = ask(release, "select distinct sessions from rate_regime_performance where rate_regime = 'hiking'")
    assert lengths["sessions"].to_list() == [row["sessions"]]


def test_equal_closes_have_one_peak_in_every_table(release: duckdb.DuckDBPyConnection) -> None:
    """SPY closed at 118.5625 on 1998-07-17 and on 1998-07-20: the fall ran from the second."""
    peak = ask(release, "select drawdown_peak from performance where fund = 'SPY' and window_name = '1998'").item()
    assert peak == date(1998, 7, 20) == ask(release, "select peak from corrections where extract(year from peak) = 1998").item()


def test_a_label_at_the_peak_has_its_rate_at_highs(release: duckdb.DuckDBPyConnection) -> None:
    rows = ask(release, "select * from corrections where regime_at_peak is not null")
    assert rows["regime_at_peak"].to_list().count("risk_off") == 6
    assert rows.height == 10
    risk_off = rows.filter(regime_at_peak="risk_off").unique(["regime_rate_at_highs", "regime_base_rate"])
    assert risk_off["regime_base_rate"].to_list() == pytest.approx([0.51], abs=0.005)
    assert risk_off["regime_rate_at_highs"].to_list() == pytest.approx([0.455], abs=0.005)


def test_rates_are_not_called_low_at_three_percent_and_more(release: duckdb.DuckDBPyConnection) -> None:
    rows = ask(
        release, "select reason, min(policy_rate) as lowest, max(policy_rate) as highest from cycle_phase_daily"
        " join policy_rate_daily using (session) where reason like '%rates stay%' group by reason",
    )  # fmt: skip
    assert rows.filter(pl.col("reason").str.contains("stay low"))["highest"].max() <= 0.02
    assert rows.filter(~pl.col("reason").str.contains("stay low"))["lowest"].min() > 0.02


def test_stale_prices_come_first_and_events_count_from_the_clock(release: duckdb.DuckDBPyConnection) -> None:
    behind = ask(
        release, "select count(*) from session_calendar where session > ? and closes_at + interval 30 minutes <= ?",
        NEWEST, ask(release, "select published_at from release").item(),
    ).item()  # fmt: skip
    first = ask(release, "select topic, reading, value, session from reading order by line limit 1").row(0, named=True)
    assert (first["topic"], first["value"], first["session"]) == ("freshness", behind, NEWEST)
    assert first["reading"].startswith(f"Prices end on {NEWEST}, {behind} sessions behind the run date (")
    stale = ask(release, "select symbol, severity, findings from data_quality where check_name = 'stale_prices' order by symbol")
    assert stale.rows() == [(fund, "warning", behind) for fund in sorted(FUNDS)]
    counted_from = ask(release, "select distinct counted_from from reconstitution_calendar").item()
    assert counted_from > NEWEST
    assert ask(release, "select session from reading where topic = 'reconstitution'").item() == counted_from


def test_the_command_and_the_report_begin_with_stale_prices(real_home: Home) -> None:
    text = " ".join(real_home.out.split())
    assert re.search(rf"STALE: prices ended \d+ sessions ago, on {NEWEST}\.", text[text.index("· source landing") :])
    assert f"WARNING: Prices end on {NEWEST}, " in text
    page = (real_home.latest / "report.html").read_text()
    first = page[: page.index("<table")]
    assert f"<strong>Stale data.</strong> Prices end on <time>{NEWEST}</time>, " in first
    assert f"as of <time>{NEWEST}</time>." in first
    assert "217\xa0days apart" in page


def test_labels_based_on_the_calendar_end_with_their_rates(release: duckdb.DuckDBPyConnection) -> None:
    rows = ask(release, "select * from reading where topic in ('rate_regime', 'cycle_phase', 'satellite')")
    assert rows.height == 3
    for row in rows.iter_rows(named=True):
        assert {row[name] for name in ("reading", "value", "since", "sessions", "evidence")} == {None}
        assert row["note"].startswith("rates end on 2026-06-05; ")
    target = ask(release, "select pick, figure, reason from investor_profiles where criterion = 'satellite_weight'").row(0)
    assert target[:2] == (None, None)
    assert target[2].startswith("rates end on 2026-06-05; ")


def test_far_apart_snapshots_have_no_sector_gap(release: duckdb.DuckDBPyConnection) -> None:
    """IWM of 2026-05-05 and SPY of 2025-09-30 are 217 days apart."""
    marked = ask(release, "select distinct iwm_as_of, spy_as_of, days_apart, is_comparable from sector_comparison").rows()
    assert marked == [(date(2026, 5, 5), date(2025, 9, 30), 217, False)]
    row = ask(release, "select value, session, other_as_of, note from reading where topic = 'sector_gap'").row(0)
    assert row[:3] == (None, date(2026, 5, 5), date(2025, 9, 30))
    assert "217 days apart" in row[3]


@pytest.mark.parametrize(
    ("known_at", "label"),
    [
        (datetime(2026, 6, 8, 12), "cutting"),
        # Three sessions behind is within the limit, but 182 days after the last known move a cut would have become a hold.
        (datetime(2026, 6, 11, 12), None),
        (datetime(2026, 6, 12, 23), None),
    ],
    ids=str,
)  # fmt: skip
def test_the_last_label_is_given_while_its_rates_are_recent(
    real_home: Home, tmp_path: Path, known_at: datetime, label: str | None
) -> None:
    past = copied(real_home, tmp_path / "past")
    build_models(past.settings(known_at=known_at), ["signal_parameters", "int_clock", "+int_label_ages"])
    with warehouse(past) as connection:
        age = ask(connection, "select * from intermediate.int_label_ages where topic = 'rate_regime'").row(0, named=True)
        held = ask(connection, "select rate_regime from marts.rate_regime_daily order by session desc limit 1").item()
    assert held == "cutting"
    assert age["session"] == date(2026, 6, 5)
    assert age["is_current"] is (label is not None)
    assert (age["note"] is None) is (label is not None)


@pytest.fixture(scope="module")
def gains(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """A real fund whose dividends at Yahoo include capital gains, in a project that follows it."""
    place = SHARED / "cases/03-capital-gains-counted-twice"
    if not place.is_dir():
        pytest.skip(f"{place} is not there: real documents are not part of the project")
    root = tmp_path_factory.mktemp("gains")
    shutil.copytree(DBT_PROJECT_DIR, root / "project", ignore=WITHOUT_BUILT)
    seed = root / "project/seeds/funds.csv"
    seed.write_text(
        f"{seed.read_text().rstrip()}\nVWILX,Vanguard International Growth,Vanguard,none,compared,2001-08-13,,,VWILX,,50,\n"
    )
    landing = root / "landing/yahoo/prices/VWILX"
    landing.mkdir(parents=True)
    for document in place.iterdir():
        shutil.copy2(document, landing)
    home = Home(root / "home", "landing")
    target = Warehouse(home.settings().warehouse_path)
    target.prepare()
    fund = replace(load_universe()["VOO"], fund="VWILX", price_symbol="VWILX")
    calendar = root / "landing/exchange_calendars/sessions/XNYS/2026-01-10T000000Z.parquet"
    calendar.parent.mkdir(parents=True)
    calendar.write_bytes(sessions_document(date(2026, 12, 31)))
    with target.connect() as connection:
        for kind in ("sessions", "prices"):
            documents = [document for document in list_documents([root / "landing"]) if document.kind == kind]
            ingest(connection, documents, universe={"VWILX": fund}, progress=lambda _: None)
    build_models(home.settings(), ["+performance", "--exclude-resource-type", "test"], root / "project")
    return duckdb.connect(str(home.settings().warehouse_path), read_only=True)


def test_capital_gains_included_in_dividends_are_counted_once(
    gains: duckdb.DuckDBPyConnection, shared_case: pl.DataFrame
) -> None:
    paid = {day: rest for day, *rest in gains.execute(
        "select ex_date, amount, capital_gain from intermediate.int_distributions"
    ).fetchall()}  # fmt: skip
    assert paid[date(2025, 12, 17)] == pytest.approx([7.857, 6.420], abs=0.0005)
    assert paid[date(2024, 12, 18)][0] == pytest.approx(9.968, abs=0.0005)
    total = dict(gains.execute("select window_name, total_return from marts.performance where fund = 'VWILX'").fetchall())
    assert total["2025"] == pytest.approx(0.2021, abs=0.0001)
    assert total["all"] == pytest.approx(0.3939, abs=0.0001)
    # The price fell by about the amount paid once. Yahoo's adjusted closes count the gain twice and are no evidence.
    days = shared_case.with_columns(fall=pl.col("Close").shift() - pl.col("Close")).filter(pl.col("Capital Gains") > 0)
    assert days.height == 2
    for day in days.iter_rows(named=True):
        assert abs(day["fall"] - day["Dividends"]) < 0.6 * abs(day["fall"] - day["Dividends"] - day["Capital Gains"])


@pytest.fixture(scope="module")
def shared_case() -> pl.DataFrame:
    """The document."""
    place = SHARED / "cases/03-capital-gains-counted-twice"
    if not place.is_dir():
        pytest.skip(f"{place} is not there: real documents are not part of the project")
    return pl.read_csv(next(place.iterdir())).sort("Date")

"""Fund facts, recomputed from raw rows and compared with published figures."""

import math
from datetime import date

import duckdb
import numpy as np
import polars as pl
import pytest

from tests.pipeline import recomputation
from tests.pipeline.homes import FUNDS, Home, ask, published, warehouse

PRICES = ("open", "high", "low", "close")
Facts = dict[tuple[str, str, str, date], float]


def month_ends(sessions: list[date]) -> list[date]:
    """The last of each month's sessions, oldest first."""
    return list({(session.year, session.month): session for session in sessions}.values())


def bars_of(connection: duckdb.DuckDBPyConnection, symbol: str) -> pl.DataFrame:
    """Every XNYS session from the fund's first bar to its last, with the newest observed bar on today's split basis."""
    opens = recomputation.calendar(connection)
    bars = ask(
        connection, "select * from raw.price_bars where symbol = ?"
        " qualify row_number() over (partition by session order by observed_at desc, document_id desc) = 1", symbol,
    )  # fmt: skip
    actions = "select distinct ex_date, value from raw.corporate_actions where symbol = ? and kind = 'split' and value > 0"
    for ex_date, ratio in ask(connection, actions, symbol).rows():
        old = (pl.col("session") < ex_date) & (pl.col("observed_at") < opens[ex_date])
        bars = bars.with_columns(
            *[pl.when(old).then(pl.col(c) / ratio).otherwise(pl.col(c)).alias(c) for c in PRICES],
            pl.when(old).then(pl.col("volume") * ratio).otherwise(pl.col("volume")).cast(pl.Float64).alias("volume"),
        )
    first, last = bars["session"].min(), bars["session"].max()
    sessions = pl.DataFrame({"session": sorted(session for session in opens if first <= session <= last)})  # type: ignore[operator]
    return sessions.join(bars.select("session", *PRICES, pl.col("volume").cast(pl.Float64)), on="session", how="left")


def computed(home: Home, fund: str, fact: str) -> dict[date, float]:
    """Computed values of the release by first day."""
    with published(home) as release:
        rows = ask(
            release, "select valid_from, value_number from fund_facts where fund = ? and fact = ? and origin = 'computed'"
            " order by valid_from", fund, fact,
        )  # fmt: skip
    return dict(rows.rows())


@pytest.mark.parametrize("fund", FUNDS)
def test_dollar_volumes_are_means_over_the_sessions_with_a_bar(sample_home: Home, fund: str) -> None:
    with warehouse(sample_home) as connection:
        bars = bars_of(connection, fund)
    known = bars.drop_nulls("close")
    dollars = (bars["close"] * bars["volume"]).to_numpy()
    places = {session: place for place, session in enumerate(bars["session"])}
    for fact, length in (("dollar_volume_month", 21), ("dollar_volume_quarter", 63)):
        found = computed(sample_home, fund, fact)
        expected = {
            session: float(np.nanmean(dollars[max(places[session] - length + 1, 0) : places[session] + 1]))
            for session in month_ends(known["session"].to_list())
            if np.count_nonzero(~np.isnan(dollars[max(places[session] - length + 1, 0) : places[session] + 1])) >= 0.95 * length
        }
        assert found.keys() == expected.keys()
        np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-12)


@pytest.mark.parametrize("fund", FUNDS)
def test_the_dividend_yield_uses_the_last_four_quarters(sample_home: Home, fund: str) -> None:
    """Every fund of the sample market pays quarterly dividends only."""
    with warehouse(sample_home) as connection:
        path = recomputation.fund_path(connection, fund)
        kinds = ask(connection, "select distinct kind from raw.corporate_actions where symbol = ?", fund)["kind"]
    assert "capital_gain" not in kinds.to_list()  # only dividends were paid
    paid = (1 + path.returns[1:]) * path.closes[:-1] - path.closes[1:]
    payments = [(day, value) for day, value in zip(path.sessions[1:], paid, strict=True) if value > 1e-6]
    closes = dict(zip(path.sessions, path.closes, strict=True))
    found = computed(sample_home, fund, "dividend_yield")
    taken = 0
    for session in month_ends(path.sessions):
        leap_day = (session.month, session.day) == (2, 29)
        year_before = session.replace(year=session.year - 1, day=28 if leap_day else session.day)
        in_force = [value for valid_from, value in found.items() if valid_from <= session]
        if year_before < path.sessions[0]:
            assert in_force == []
            continue
        last = [value for day, value in payments if day <= session][-4:]
        assert in_force[-1] == pytest.approx(sum(last) / closes[session], rel=1e-6), session
        taken += 1
    assert len(found) <= taken <= len(found) + 3  # an unchanged yield begins no new row
    assert min(found.values()) > 0
    assert set(computed(sample_home, fund, "special_dividend_yield").values()) == {0.0}


def test_validity_has_no_gap_or_overlap(sample_home: Home) -> None:
    with published(sample_home) as release:
        facts = ask(release, "select fund, fact, origin, valid_from, valid_to from fund_facts where fact not like '%:%'")
    assert facts.filter(pl.col("valid_to") <= pl.col("valid_from")).is_empty()
    following = facts.sort("valid_from").with_columns(next=pl.col("valid_from").shift(-1).over("fund", "fact", "origin"))
    assert following.filter(pl.col("valid_to") > pl.col("next")).is_empty()
    open_rows = facts.filter(pl.col("valid_to").is_null())
    assert open_rows.select("fund", "fact", "origin").is_unique().all()


def test_fee_drag_equals_year_by_year_growth(sample_home: Home) -> None:
    with published(sample_home) as release:
        rows = ask(release, "select * from fee_drag")
        fees = dict(ask(release, "select fund, expense_ratio from fund_comparison").rows())
    assert {("IWM", "VTWO"), ("IWM", "SCHA")} <= set(rows.select("fund", "cheaper_fund").rows())
    for row in rows.iter_rows(named=True):
        money = [[100_000.0] * 2, [100_000.0] * 2]
        for _ in range(row["horizon_years"]):
            for after, fee in zip(money, (row["cheaper_expense_ratio"], row["expense_ratio"]), strict=True):
                after[0] += after[0] * row["growth"]
                after[0] -= after[0] * fee
                after[1] += after[1] * (row["growth"] - fee)
        assert row["cost_compounded"] == pytest.approx(money[0][0] - money[1][0], abs=0.006)
        assert row["cost_subtracted"] == pytest.approx(money[0][1] - money[1][1], abs=0.006)
        if row["fees_from"] == "today":
            assert (row["expense_ratio"], row["cheaper_expense_ratio"]) == (fees[row["fund"]], fees[row["cheaper_fund"]])


def test_the_guides_fee_gaps_have_the_known_costs(sample_home: Home) -> None:
    with published(sample_home) as release:
        rows = ask(
            release, "select cheaper_fund, cost_subtracted, cost_compounded from fee_drag where fund = 'IWM'"
            " and fees_from = 'guide' and horizon_years = 30 and growth = 0.08 order by cheaper_fund",
        )  # fmt: skip
    assert rows.rows() == [("SCHA", 43_423.83, 46_787.52), ("VTWO", 24_195.92, 26_050.32)]


def test_the_comparison_shows_the_current_facts(sample_home: Home) -> None:
    with published(sample_home) as release:
        iwm = ask(release, "select * from fund_comparison where fund = 'IWM'").row(0, named=True)
        facts = ask(
            release, "select fact, origin, value_number, value_high from fund_facts where fund = 'IWM' and valid_to is null"
        )  # fmt: skip
    values = {(fact, origin): (value, high) for fact, origin, value, high in facts.rows()}
    for fact, origin in (("net_assets", "issuer"), ("dividend_yield", "computed"), ("expense_ratio", "hand_kept")):
        assert (iwm[f"{fact}_origin"], iwm[fact]) == (origin, values[fact, origin][0])
    assert iwm["largest_holding_weight_guide_high"] == values["largest_holding_weight", "guide"][1] == 0.005
    assert iwm["holdings_count_difference"] == values["holdings_count", "issuer"][0] - 2000


@pytest.fixture(scope="module")
def real_facts(real_home: Home) -> Facts:
    """Numbers of the real documents by fund, fact, origin and first day."""
    with published(real_home) as release:
        rows = ask(release, "select fund, fact, origin, valid_from, value_number from fund_facts where value_number is not null")
    return {tuple(row[:4]): row[4] for row in rows.rows()}


def test_the_issuers_facts_equal_those_in_its_files(real_facts: Facts) -> None:
    assert real_facts["IWM", "shares_outstanding", "issuer", date(2026, 5, 5)] == 278_750_000
    assert real_facts["IWM", "net_assets", "issuer", date(2026, 5, 5)] == pytest.approx(79.33e9, rel=1e-3)
    assert real_facts["SPY", "holdings_count", "issuer", date(2025, 9, 30)] == 503
    assert real_facts["QQQ", "holdings_count", "issuer", date(2025, 9, 26)] == 101


def test_net_assets_are_shares_times_a_price_near_the_close(real_home: Home, real_facts: Facts) -> None:
    with warehouse(real_home) as connection:
        closes = dict(
            ask(connection, "select session, close from intermediate.int_bars_on_current_basis where fund = 'IWM'").rows()
        )
    days = [day for fund, fact, _, day in real_facts if (fund, fact) == ("IWM", "net_assets")]
    assert len(days) >= 4
    for day in days:
        value = real_facts["IWM", "net_assets", "issuer", day] / real_facts["IWM", "shares_outstanding", "issuer", day]
        assert 1 < value / closes[day] < 1.012, day  # the lines sum to slightly more than the value of the fund's shares


@pytest.mark.parametrize(
    ("day", "percent", "specials"),
    [(date(2019, 6, 28), 1.199, 0.0), (date(2012, 6, 29), 1.556, 0.0), (date(2003, 12, 31), 0.832, 0.208)],
    ids=str,
)
def test_a_yield_counts_four_quarters_when_ex_dates_drift(real_home: Home, day: date, percent: float, specials: float) -> None:
    """Twelve months to June 2019 and 2012 contain five payments of IWM; in December 2003 one of five was special."""
    with warehouse(real_home) as connection:
        found = ask(
            connection, "select * from intermediate.int_dividend_yields where fund = 'IWM' and session = ?", day
        ).row(0, named=True)  # fmt: skip
    assert found["payments_a_year"] == 4
    assert 100 * found["dividend_yield"] == pytest.approx(percent, abs=0.0005)
    assert 100 * found["special_dividend_yield"] == pytest.approx(specials, abs=0.0005)


def test_yields_and_volumes_are_plausible(real_facts: Facts) -> None:
    newest = date(2026, 8, 14)
    for fund, low, high in (("IWM", 0.007, 0.015), ("SPY", 0.008, 0.014), ("QQQ", 0.003, 0.007)):
        assert low < real_facts[fund, "dividend_yield", "computed", newest] < high
    volumes = [real_facts[fund, "dollar_volume_quarter", "computed", newest] for fund in ("IWM", "QQQ", "SPY")]
    assert 4e9 < volumes[0] < volumes[1] < volumes[2] < 60e9
    assert all(math.isfinite(value) for value in real_facts.values())


def test_the_largest_holding_of_a_real_file_is_its_first_line(real_home: Home, real_facts: Facts) -> None:
    with warehouse(real_home) as connection:
        lines = ask(
            connection, "select name, market_value / sum(market_value) over () as weight from raw.holdings"
            " where fund = 'IWM' and as_of = '2026-05-05' order by market_value desc limit 1",
        )  # fmt: skip
    with published(real_home) as release:
        named = ask(
            release, "select value_text from fund_facts where fund = 'IWM' and fact = 'largest_holding' and origin = 'computed'"
            " and valid_from <= '2026-05-05' order by valid_from desc limit 1",
        )  # fmt: skip
    assert named.item() == lines["name"].item()
    weight = real_facts["IWM", "largest_holding_weight", "computed", date(2026, 5, 5)]
    assert weight == pytest.approx(lines["weight"].item(), rel=1e-9)
    assert weight > 0.005  # the maximum in the guide

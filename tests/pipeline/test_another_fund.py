"""One line in `seeds/funds.csv` adds a fund to every table."""

from orchestration.settings import PROJECT_ROOT
from tests.pipeline.conftest import IJR
from tests.pipeline.homes import Home, ask, published, warehouse


def test_the_line_is_in_the_documentation() -> None:
    assert IJR in (PROJECT_ROOT / "docs" / "ARCHITECTURE.md").read_text()


def test_the_fund_has_holdings_performance_facts_and_sectors(home_with_ijr: Home) -> None:
    with published(home_with_ijr) as release:
        lines = ask(release, "select as_of, count(*) as n, sum(weight) as weight from holdings where fund = 'IJR' group by as_of")
        windows = ask(release, "select window_name, total_return, max_drawdown from performance where fund = 'IJR'")
        coverage = ask(release, "select min(coverage) from sector_coverage where fund = 'IJR'").item()
        months = ask(release, "select count(*) from seasonality where fund = 'IJR'").item()
    assert lines["n"].to_list() == [618, 618]  # 609 companies, and the other lines
    assert ((lines["weight"] - 1).abs() < 1e-9).all()
    assert {"all", "1y", "10y", "2013"} <= set(windows["window_name"])
    assert windows["total_return"].null_count() == 0
    assert coverage == 1.0
    assert months == 12
    with warehouse(home_with_ijr) as connection:
        facts = ask(connection, "select distinct vendor, fact from raw.fund_facts where fund = 'IJR'").rows()
    assert {("ishares", "net_assets"), ("yahoo", "expense_ratio")} <= set(facts)


def test_the_other_funds_and_the_signals_are_unchanged(home_with_ijr: Home, sample_home: Home) -> None:
    for table in ("regime_daily", "breadth_daily", "sector_comparison", "performance"):
        with published(home_with_ijr) as ours, published(sample_home) as theirs:
            where = "where fund <> 'IJR'" if table == "performance" else ""
            query = f"select * from {table} {where} order by all"
            assert ask(ours, query).equals(ask(theirs, query)), table

"""One line in `seeds/funds.csv` adds a fund to every table, and one in `seeds/universes.csv` its members to those of breadth."""

from orchestration.settings import PROJECT_ROOT
from tests.pipeline.conftest import IJR, IJR_UNIVERSE
from tests.pipeline.homes import Home, ask, published, warehouse


def test_the_lines_are_in_the_documentation() -> None:
    text = (PROJECT_ROOT / "docs" / "ARCHITECTURE.md").read_text()
    assert {f"    {IJR}", f"    {IJR_UNIVERSE}"} <= set(text.splitlines())


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


def test_the_universe_has_breadth_and_labels_as_the_others_have(home_with_ijr: Home) -> None:
    with published(home_with_ijr) as release:
        breadth = ask(
            release, "select * from constituent_breadth where universe in ('IJR', 'SPY') order by universe, basis, session"
        )
        current = ask(release, "select count(*) from index_membership where universe = 'IJR' and to_session is null").item()
        named = ask(release, "select count(*) from member_coverage where universe = 'IJR'").item()
        now, before = ask(release, "select close from price_daily where fund = 'IJR' order by session desc limit 2")["close"]
    ours, theirs = (breadth.filter(universe=name) for name in ("IJR", "SPY"))
    # Both funds have two snapshots: the labels begin after the first one.
    assert ours.select("basis", "session", "is_inferred").equals(theirs.select("basis", "session", "is_inferred"))
    assert ours["member_breadth"].is_null().equals(theirs["member_breadth"].is_null())
    assert ours["member_breadth"].drop_nulls().len() > 50
    last = ours.filter(basis="point_in_time").row(-1, named=True)
    assert last["members"] == current == named == 609
    assert last["priced"] > 600
    assert last["advances"] + last["declines"] + last["unchanged"] == last["priced"]
    assert abs(last["fund_return"] - (now / before - 1)) < 1e-12


def test_the_other_funds_and_the_signals_are_unchanged(home_with_ijr: Home, sample_home: Home) -> None:
    wheres = {"performance": "where fund <> 'IJR'", "constituent_breadth": "where universe <> 'IJR'"}
    for table in ("regime_daily", "breadth_daily", "sector_comparison", *wheres):
        with published(home_with_ijr) as ours, published(sample_home) as theirs:
            where = wheres.get(table, "")
            query = f"select * from {table} {where} order by all"
            assert ask(ours, query).equals(ask(theirs, query)), table

"""Real documents, if present: read by our parsers and, independently, by simpler means."""

import csv
from collections import Counter
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path

import duckdb
import polars as pl
import pytest

from orchestration import market_calendar
from orchestration.landing.documents import list_documents
from orchestration.raw.ingest import ingest
from orchestration.raw.ledger import Outcome
from orchestration.universe import load_universe
from orchestration.vendors.registry import CALENDAR
from orchestration.warehouse.connection import Warehouse
from tests.vendors.documents import RETRIEVED

pytestmark = pytest.mark.slow

UNDATED = "ishares/holdings/IWM/2025-11-12T010000Z.csv"


@pytest.fixture(scope="module")
def ingested(
    real_landing: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Outcome]]]:
    """A warehouse of all real documents; the calendar comes first."""
    folder = tmp_path_factory.mktemp("real")
    own = folder / "landing" / CALENDAR.vendor / CALENDAR.kind / "XNYS"
    own.mkdir(parents=True)
    (own / f"{RETRIEVED:%Y-%m-%dT%H%M%SZ}.parquet").write_bytes(market_calendar.sessions_document(date(2027, 12, 31)))
    warehouse = Warehouse(folder / "warehouse.duckdb")
    warehouse.prepare()
    with warehouse.connect() as connection:
        universe = load_universe()
        ingest(connection, list_documents([folder / "landing"]), universe=universe)
        yield connection, ingest(connection, list_documents([real_landing]), universe=universe)


def test_all_documents_except_the_undated_file_are_accepted(ingested: tuple[duckdb.DuckDBPyConnection, list[Outcome]]) -> None:
    connection, outcomes = ingested
    assert [o.path for o in outcomes if o.status == "rejected"] == [UNDATED]
    assert {o.path: o.rows_rejected for o in outcomes if o.rows_rejected} == {}
    assert connection.sql("select count(*) from raw.rejects").fetchall() == [(1,)]


def counted_with_csv(path: Path) -> int:
    """Lines of the table, counted with the csv module only."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    start = next(
        i for i, row in enumerate(rows) if row and row[0] in ("Ticker", "Date", "Fund Ticker", "observation_date", "DATE")
    )
    end = next((i for i in range(start + 1, len(rows)) if len(rows[i]) != len(rows[start])), len(rows))
    return end - start - 1


def test_counts_equal_an_independent_count(ingested: tuple[duckdb.DuckDBPyConnection, list[Outcome]], real_landing: Path) -> None:
    _, outcomes = ingested
    found = {o.path: o.rows_accepted for o in outcomes if o.status == "accepted" and o.path.endswith(".csv")}
    assert found == {path: counted_with_csv(real_landing / path) for path in found}


def test_state_street_counts_equal_an_independent_count(
    ingested: tuple[duckdb.DuckDBPyConnection, list[Outcome]], real_landing: Path
) -> None:
    for outcome in (o for o in ingested[1] if o.vendor == "ssga"):
        sheet = pl.read_excel(BytesIO((real_landing / outcome.path).read_bytes()), has_header=False, infer_schema_length=0)
        weights = sheet.get_column(sheet.columns[4]).cast(pl.Float64, strict=False).drop_nulls()
        assert outcome.rows_accepted == weights.len()


def test_weights_from_market_value_match_the_stated_ones(ingested: tuple[duckdb.DuckDBPyConnection, list[Outcome]]) -> None:
    gaps = (
        ingested[0]
        .sql(
            "select fund, as_of, max(abs(market_value / total - stated_weight)), sum(stated_weight) from ("
            "  select *, sum(market_value) over (partition by fund, as_of) as total"
            "  from raw.holdings where market_value is not null) group by all"
        )
        .fetchall()
    )
    assert len(gaps) == 6
    for fund, as_of, gap, total in gaps:
        # Rounded to 0.01 %, or to 0.001 % of a slightly different net asset value.
        assert gap < 0.0002, (fund, as_of)
        # IWV's 2 661 rounded weights sum to 0.983.
        assert total == pytest.approx(1, abs=0.02), (fund, as_of)


def test_prices_are_stored_in_full_precision(
    ingested: tuple[duckdb.DuckDBPyConnection, list[Outcome]], real_landing: Path
) -> None:
    for fund in ("IWM", "SPY", "QQQ"):
        newest = max((real_landing / "yahoo" / "prices" / fund).iterdir())
        with newest.open(newline="") as stream:
            expected = {
                row["Date"]: (float(row["Close"]), float(row["Adj Close"]), int(row["Volume"])) for row in csv.DictReader(stream)
            }
        kept = (
            ingested[0]
            .execute(
                "select strftime(session, '%Y-%m-%d'), close, vendor_adj_close, volume from raw.price_bars where symbol = ?"
                " qualify row_number() over (partition by session order by observed_at desc) = 1",
                [fund],
            )
            .fetchall()
        )
        assert {day: tuple(values) for day, *values in kept} == expected


def yearly_returns(connection: duckdb.DuckDBPyConnection, fund: str) -> pl.DataFrame:
    """Calendar-year total returns: from close and dividend, and from Yahoo's adjusted closes."""
    bars = connection.execute(
        "select session, close, vendor_adj_close from raw.price_bars where symbol = ?"
        " qualify row_number() over (partition by session order by observed_at desc) = 1 order by session",
        [fund],
    ).pl()
    paid = connection.execute(
        "select ex_date as session, value from raw.corporate_actions where symbol = ? and kind = 'dividend'"
        " qualify row_number() over (partition by ex_date order by observed_at desc) = 1",
        [fund],
    ).pl()
    daily = bars.join(paid, on="session", how="left").with_columns(
        own=((pl.col("close") + pl.col("value").fill_null(0)) / pl.col("close").shift(1)).log(),
        theirs=(pl.col("vendor_adj_close") / pl.col("vendor_adj_close").shift(1)).log(),
        year=pl.col("session").dt.year(),
    )
    first, last = bars["session"].min().year, bars["session"].max().year  # type: ignore[union-attr]
    return (
        daily.filter(pl.col("year").is_between(first + 1, last - 1))
        .group_by("year", maintain_order=True)
        .agg((pl.col("own", "theirs").sum().exp() - 1) * 100)
    )


PUBLISHED = {
    "IWM": {2013: 38.70, 2022: -20.48, 2023: 16.83},
    "SPY": {2022: -18.18, 2023: 26.18},
    "QQQ": {2022: -32.58, 2023: 54.86},
}


@pytest.mark.parametrize("fund", PUBLISHED)
def test_total_returns_agree_with_adjusted_closes_in_every_full_year(
    fund: str, ingested: tuple[duckdb.DuckDBPyConnection, list[Outcome]]
) -> None:
    years = yearly_returns(ingested[0], fund)
    apart = years.filter((pl.col("own") - pl.col("theirs")).abs() > 0.05)
    assert apart.is_empty(), apart
    assert years.height >= 25
    own = dict(years.select("year", "own").rows())
    for year, published in PUBLISHED[fund].items():
        assert own[year] == pytest.approx(published, abs=0.05)


def test_ingesting_again_adds_nothing(ingested: tuple[duckdb.DuckDBPyConnection, list[Outcome]], real_landing: Path) -> None:
    connection, _ = ingested
    tables = ("price_bars", "corporate_actions", "holdings", "fund_facts", "rates", "documents", "rejects")

    def rows() -> Counter[str]:
        return Counter({name: connection.sql(f"select count(*) from raw.{name}").fetchall()[0][0] for name in tables})

    before = rows()
    assert [o.path for o in ingest(connection, list_documents([real_landing]), universe=load_universe())] == [UNDATED]
    assert rows() == before

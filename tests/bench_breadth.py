"""The cost of breadth on the members' own prices: `make bench-breadth`. Wall seconds of this machine; the ratios are comparable.

Makes bars of invented companies, then measures in one run: reading their documents with DuckDB, the same measures in
one query written by hand, and ours, from the documents to the mart; then one more session.
"""

import argparse
import resource
import shutil
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from orchestration.landing.collect import Landing, collect_sessions
from orchestration.landing.documents import write_document
from orchestration.market_calendar import sessions_frame
from orchestration.raw.ingest import ingest
from orchestration.settings import Settings, Source
from orchestration.universe import load_universe
from orchestration.vendors.registry import CALENDAR
from orchestration.vendors.yahoo.member_prices import FEED
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.dbt_build import Dbt

FIRST, LAST = date(2000, 1, 3), date(2024, 12, 30)
SYMBOLS_AT_20_MILLION, SYMBOLS_A_DOCUMENT = 6_700, 300
RETRIEVED = datetime(2024, 12, 31, 2, tzinfo=UTC)
GAPS = 0.002
MODELS = ["+constituent_breadth", "+constituent_breadth_gaps", "+member_coverage", "+index_membership"]

MEMBERS = """
insert into raw.holdings
    (fund, as_of, line_no, ticker, name, asset_class_label, market_value, observed_at, document_id)
select 'IWM', make_date(year, 12, 31), row_number() over (partition by year order by symbol), symbol, symbol, 'Equity', 1,
    timestamp '2000-01-01', 'bench'
from (
    select distinct symbol, year(session) as year from read_parquet({documents})
    where month(session) = 12 and day(session) > 20
)
"""
BY_HAND = """
create or replace temp table by_hand as
with windows as (
    select symbol, session, high, low, close, volume,
        row_number() over bars as bar_no, lag(close) over bars as previous_close,
        avg(close) over last_50 as mean_50, avg(close) over last_200 as mean_200,
        max(close) over year_before as highest_close, min(close) over year_before as lowest_close,
        max(high) over year_before as highest_high, min(low) over year_before as lowest_low
    from read_parquet('{documents}')
    window bars as (partition by symbol order by session),
        last_50 as (partition by symbol order by session rows between 49 preceding and current row),
        last_200 as (partition by symbol order by session rows between 199 preceding and current row),
        year_before as (partition by symbol order by session rows between 251 preceding and 1 preceding)
)
select m.universe, session, count(*) as priced,
    avg((close > mean_50)::int) filter (bar_no >= 50) as above_50,
    avg((close > mean_200)::int) filter (bar_no >= 200) as above_200,
    count(*) filter (bar_no >= 252 and close > highest_close) as new_highs_close,
    count(*) filter (bar_no >= 252 and close < lowest_close) as new_lows_close,
    count(*) filter (bar_no >= 252 and high > highest_high) as new_highs_intraday,
    count(*) filter (bar_no >= 252 and low < lowest_low) as new_lows_intraday,
    count(*) filter (close > previous_close) as advances, count(*) filter (close < previous_close) as declines,
    sum(volume) filter (close > previous_close) as up_volume, sum(volume) filter (close < previous_close) as down_volume
from windows inner join members as m on windows.symbol = m.symbol and year(session) - 1 = m.of_year
group by all
"""


def timed(label: str, work: Callable[[], object]) -> float:
    """Run, print and return the wall time in seconds."""
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    print(f"{label:<62}{seconds:8.2f} s", flush=True)
    return seconds


def make_documents(folder: Path, bars: int) -> int:
    """Documents of invented companies that list and delist, with gaps; the number of bars."""
    draws = np.random.default_rng(1)
    sessions = sessions_frame(LAST, FIRST)["session"].to_numpy()
    symbols = round(SYMBOLS_AT_20_MILLION * bars / 20_000_000)
    made = 0
    for place in range(0, symbols, SYMBOLS_A_DOCUMENT):
        frames = [_company(number, sessions, draws) for number in range(place, min(place + SYMBOLS_A_DOCUMENT, symbols))]
        table = pl.concat(frames)
        made += table.height
        at = RETRIEVED + timedelta(seconds=place // SYMBOLS_A_DOCUMENT)
        _write(folder, table, at)
    return made


def _company(number: int, sessions: np.ndarray, draws: np.random.Generator) -> pl.DataFrame:
    length = int(draws.integers(300, sessions.size)) if draws.random() < 0.95 else sessions.size
    first = int(draws.integers(0, sessions.size - length + 1))
    kept = np.flatnonzero(draws.random(length) >= GAPS)
    close = np.round(20 * np.exp(np.cumsum(draws.normal(0, 0.02, length)) % 6 - 3), 2)[kept] + 0.01
    wicks = np.abs(draws.normal(0, 0.01, (2, kept.size)))
    return pl.DataFrame(
        {
            "symbol": _symbol(number), "session": sessions[first : first + length][kept], "open": close,
            "high": close * (1 + wicks[0]), "low": close * (1 - wicks[1]), "close": close,
            "volume": draws.integers(1_000, 1_000_000, kept.size),
        }
    ).with_columns(pl.col("session").cast(pl.Date))  # fmt: skip


def _symbol(number: int) -> str:
    return "".join(chr(ord("A") + number // 26**place % 26) for place in (3, 2, 1, 0))


def _write(folder: Path, table: pl.DataFrame, at: datetime) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "part.parquet"
    table.write_parquet(path)
    write_document(
        folder, vendor=FEED.vendor, kind=FEED.kind, symbol="US", retrieved_at=at, extension="parquet", content=path.read_bytes()
    )
    path.unlink()


def prepare(settings: Settings) -> Landing:
    """A warehouse with the calendar and yearly lists of members: every company that had a bar in the last week of the year."""
    landing = Landing(settings.own_landing_dir, [settings.own_landing_dir], RETRIEVED)
    collect_sessions(landing)
    warehouse = Warehouse(settings.warehouse_path)
    warehouse.prepare()
    with warehouse.connect() as connection:
        ingest(connection, landing.documents(CALENDAR), universe=load_universe(), clock=settings.clock)
        connection.execute(MEMBERS.format(documents=documents_of(landing)))
    return landing


def documents_of(landing: Landing) -> str:
    """The bars' documents for DuckDB."""
    return f"'{landing.own}/{FEED.vendor}/{FEED.kind}/US/*.parquet'"


def main() -> None:
    """Measure and print every part, then the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=20_000_000)
    parser.add_argument("--folder", type=Path, default=Path("data/bench_breadth"))
    given = parser.parse_args()
    home = (given.folder / str(given.bars)).resolve()
    shutil.rmtree(home, ignore_errors=True)
    settings = Settings(source=Source.landing, data_dir=home)
    made = make_documents(settings.own_landing_dir, given.bars)
    print(f"{made:,} bars in {len(list(settings.own_landing_dir.rglob('*.parquet')))} documents")
    landing = prepare(settings)
    warehouse, dbt = Warehouse(settings.warehouse_path), Dbt(Warehouse(settings.warehouse_path), settings.dbt_target_dir)
    dbt.manifest()
    files = documents_of(landing)
    with duckdb.connect(str(home / "scratch.duckdb")) as connection:
        reading = timed("reading the documents", lambda: connection.execute(f"create or replace table bars as from {files}"))
        connection.execute(
            "create table members as select distinct 'IWM' as universe, symbol, year(session) as of_year from bars"
            " where month(session) = 12 and day(session) > 20"
        )
        by_hand = timed(
            "the measures in one query by hand", lambda: connection.execute(BY_HAND.format(documents=files.strip("'")))
        )

    def ingest_all() -> None:
        with warehouse.connect() as connection:
            if settings.memory_limit:
                connection.execute(f"set memory_limit = '{settings.memory_limit}'")
            ingest(connection, landing.documents(FEED), universe=load_universe(), clock=settings.clock)

    def build() -> None:
        for _ in dbt.build(MODELS, clock=datetime(2024, 12, 31, 3, tzinfo=UTC)):
            pass

    ingesting, computing = timed("ingesting", ingest_all), timed("computing, with dbt and its tests", build)
    newest = pl.DataFrame({"symbol": [_symbol(n) for n in range(round(SYMBOLS_AT_20_MILLION * given.bars / 20_000_000))]})
    one_more = newest.with_columns(
        session=pl.lit(date(2024, 12, 31)), open=20.0, high=21.0, low=19.0, close=20.5, volume=pl.lit(1_000, pl.Int64)
    )
    _write(settings.own_landing_dir, one_more, datetime(2025, 1, 1, 2, tzinfo=UTC))

    def next_day() -> None:
        ingest_all()
        build()

    again = timed("one more session, from its document to the mart", next_day)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"computing / by hand {computing / by_hand:.2f}, ingesting / reading {ingesting / reading:.1f}")
    print(f"one more session / first build {again / (ingesting + computing):.2f}, memory {peak:.2f} GB")


if __name__ == "__main__":
    main()

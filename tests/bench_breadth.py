"""The cost of breadth on the members' own prices: `make bench-breadth`. Seconds of this machine; the ratios are comparable.

Makes bars of invented companies, then measures in one run: reading their documents with DuckDB, the same measures in one query
written by hand, and ours, from the documents to the mart; then every table of the members (missing bars by reason, coverage,
membership), which that query does not make; then one more session. That the query and ours give the same numbers is checked.
Each part runs in a process of its own, so that each has its own peak of memory.
"""

import argparse
import resource
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
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
# One company in fifty has split: its whole history was asked for again, and its first document has the prices before the split.
SPLITS = 50
MEASURES = ["+constituent_breadth"]
MODELS = [*MEASURES, "+constituent_breadth_gaps", "+member_coverage", "+index_membership"]

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
# Everything that constituent_breadth counts and averages, from the day on which IWM began; its labels cost nothing.
BY_HAND = """
create or replace table by_hand as
with lists as (
    select as_of, lead(as_of) over (order by as_of) as next_list, as_of = min(as_of) over () as is_first
    from (select distinct as_of from members)
),
sessions as (
    select s.session, 'point_in_time' as basis, as_of
    from (select distinct session from bars where session >= date '2000-05-22') as s
    inner join lists on (is_first or s.session > as_of) and (next_list is null or s.session <= next_list)
    union all
    select distinct session, 'survivors', (select max(as_of) from members)
    from bars where session >= date '2000-05-22'
),
restated as (
    select symbol, max(filename) as newest from read_parquet('{documents}', filename = true)
    group by symbol having min(filename) < max(filename)
),
windows as (
    select symbol, session, high, low, close, volume,
        row_number() over bars as bar_no, lag(close) over bars as previous_close,
        avg(close) over last_50 as mean_50, avg(close) over last_200 as mean_200,
        max(close) over year_before as highest_close, min(close) over year_before as lowest_close,
        max(high) over year_before as highest_high, min(low) over year_before as lowest_low
    from read_parquet('{documents}', filename = true) left join restated using (symbol)
    where newest is null or newest = filename
    window bars as (partition by symbol order by session),
        last_50 as (partition by symbol order by session rows between 49 preceding and current row),
        last_200 as (partition by symbol order by session rows between 199 preceding and current row),
        year_before as (partition by symbol order by session rows between 251 preceding and 1 preceding)
),
counts as (
    select basis, session, count(*) as priced, sum(weight) as priced_weight,
        count(*) filter (bar_no >= 50) as eligible_50, count(*) filter (bar_no >= 200) as eligible_200,
        count(*) filter (bar_no >= 252) as eligible_252,
        count(*) filter (bar_no >= 50 and close > mean_50 * (1 + 1e-12)) as members_above_50,
        count(*) filter (bar_no >= 200 and close > mean_200 * (1 + 1e-12)) as members_above_200,
        count(*) filter (bar_no >= 252 and close > highest_close) as new_highs_close,
        count(*) filter (bar_no >= 252 and close < lowest_close) as new_lows_close,
        count(*) filter (bar_no >= 252 and high > highest_high) as new_highs_intraday,
        count(*) filter (bar_no >= 252 and low < lowest_low) as new_lows_intraday,
        count(*) filter (close > previous_close) as advances, count(*) filter (close < previous_close) as declines,
        count(*) filter (close = previous_close) as unchanged, sum(volume) filter (close > previous_close) as up_volume,
        sum(volume) filter (close < previous_close) as down_volume, avg(close / previous_close - 1) as member_return
    -- A left join, so that the sessions are not joined to the members first: the faster plan.
    from windows left join sessions using (session) inner join members using (as_of, symbol)
    group by all
),
daily as (
    select *, 1000.0 * (advances - declines) / (advances + declines) as net_advances,
        advances / (advances + declines) as advancing, row_number() over (partition by basis order by session) as value_no
    from counts
    where advances + declines > 0
),
weights as (select k, 0.9 ** k as fast, 0.95 ** k as slow, (9 / 11) ** k as thrust from range(800) as back(k)),
means as (
    select basis, value_no + k as value_no, sum(fast * net_advances) / sum(fast) as fast,
        sum(slow * net_advances) / sum(slow) as slow,
        sum(thrust * advancing) / sum(thrust) as thrust_ema
    from daily cross join weights
    group by all
),
settled as (
    select * exclude (fast, slow, thrust_ema), case when value_no > 100 then fast - slow end as mcclellan_oscillator,
        case when value_no > 100 then thrust_ema end as thrust_ema
    from daily inner join means using (basis, value_no)
)
select *, members_above_50 / nullif(eligible_50, 0) as above_50, members_above_200 / nullif(eligible_200, 0) as above_200,
    sum(advances - declines) over so_far as advance_decline_line,
    case when mcclellan_oscillator is not null then sum(mcclellan_oscillator) over so_far end as mcclellan_summation,
    thrust_ema > 0.615 and min(thrust_ema) over last_10 < 0.4 as is_thrust
from settled
window so_far as (partition by basis order by session),
    last_10 as (partition by basis order by session rows between 10 preceding and 1 preceding)
"""
# Counts must be equal: ours are NULL where nothing could be counted.
COUNTS = (
    "priced", "eligible_50", "eligible_200", "eligible_252", "new_highs_close", "new_lows_close", "new_highs_intraday",
    "new_lows_intraday", "advances", "declines", "unchanged", "up_volume", "down_volume", "advance_decline_line",
)  # fmt: skip
MEASURED = {
    "priced_weight": 1e-9, "above_50": 1e-9, "above_200": 1e-9, "member_return": 1e-9, "net_advances": 1e-9, "thrust_ema": 1e-9,
    "mcclellan_oscillator": 1e-6, "mcclellan_summation": 1e-3,
}  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What a part took: seconds by the clock and of all processors."""

    wall: float
    processor: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.wall + other.wall, self.processor + other.processor)


def timed(label: str, work: Callable[[], object]) -> Cost:
    """Run a part, print and return its cost."""
    began, used = time.perf_counter(), time.process_time()
    work()
    cost = Cost(time.perf_counter() - began, time.process_time() - used)
    print(f"{label:<62}{cost.wall:8.2f} s{cost.processor:8.2f} s of processors", flush=True)
    return cost


def peak_memory() -> float:
    """The most memory that this process has had (GB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


@contextmanager
def spilling_to(warehouse: Path) -> Iterator[list[int]]:
    """The bytes in the warehouse's temporary directory, once a second, in a list that grows while the context lasts."""
    sizes, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(1):
            sizes.append(sum(file.stat().st_size for file in Path(f"{warehouse}.tmp").glob("*") if file.exists()))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield sizes
    finally:
        over.set()
        watching.join()


def make_documents(folder: Path, bars: int) -> int:
    """Documents of invented companies that list, split and delist, with gaps; the number of bars."""
    draws = np.random.default_rng(1)
    sessions = sessions_frame(LAST, FIRST)["session"].to_numpy()
    symbols = round(SYMBOLS_AT_20_MILLION * bars / 20_000_000)
    made, split = 0, []
    for place in range(0, symbols, SYMBOLS_A_DOCUMENT):
        numbers = range(place, min(place + SYMBOLS_A_DOCUMENT, symbols))
        frames = []
        for number in numbers:
            frame = _company(number, sessions, draws)
            if number % SPLITS == 0:
                split.append(frame)
                frame = _before_a_split(frame, 2 + len(split) % 12)
            frames.append(frame)
        table = pl.concat(frames)
        made += table.height
        _write(folder, table, RETRIEVED + timedelta(seconds=place // SYMBOLS_A_DOCUMENT))
    _write(folder, pl.concat(split), RETRIEVED + timedelta(minutes=30))
    return made


def _before_a_split(bars: pl.DataFrame, ratio: int) -> pl.DataFrame:
    """The bars as the vendor gave them before it knew of the split."""
    return bars.with_columns(pl.col("open", "high", "low", "close") * ratio, volume=pl.col("volume") // ratio)


def _company(number: int, sessions: np.ndarray, draws: np.random.Generator) -> pl.DataFrame:
    length = int(draws.integers(300, sessions.size)) if draws.random() < 0.95 else sessions.size
    first = int(draws.integers(0, sessions.size - length + 1))
    kept = np.flatnonzero(draws.random(length) >= GAPS)
    # A random walk between two walls.
    walk = np.abs(np.cumsum(draws.normal(0, 0.02, length)) % 12 - 6) - 3
    close = np.round(20 * np.exp(walk), 2)[kept] + 0.01
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
    landing = landing_of(settings)
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


def settings_of(home: Path) -> Settings:
    """The settings of the bench's data directory."""
    return Settings(source=Source.landing, data_dir=home)


def landing_of(settings: Settings) -> Landing:
    """The documents, at the time of their retrieval."""
    return Landing(settings.own_landing_dir, [settings.own_landing_dir], RETRIEVED)


def make(home: Path, bars: int) -> None:
    """Make the documents and say how many bars they have."""
    folder = settings_of(home).own_landing_dir
    made = make_documents(folder, bars)
    print(f"{made:,} bars in {len(list(folder.rglob('*.parquet')))} documents", flush=True)


def by_hand(home: Path) -> tuple[Cost, Cost]:
    """The costs of reading the documents and of the query by hand."""
    settings = settings_of(home)
    files = documents_of(landing_of(settings))
    with duckdb.connect(str(home / "scratch.duckdb")) as connection:
        connection.execute("set enable_progress_bar = false")
        if settings.memory_limit:
            connection.execute(f"set memory_limit = '{settings.memory_limit}'")
        reading = timed("reading the documents", lambda: connection.execute(f"create or replace table bars as from {files}"))
        connection.execute(
            "create table members as select symbol, make_date(year, 12, 31) as as_of,"
            " 1 / count(*) over (partition by as_of) as weight"
            " from (select distinct symbol, year(session) as year from bars where month(session) = 12 and day(session) > 20)"
        )
        query = timed("the measures in one query by hand", lambda: connection.execute(BY_HAND.format(documents=files.strip("'"))))
    print(f"{'':<62}{peak_memory():8.2f} GB", flush=True)
    return reading, query


def ingest_documents(home: Path) -> Cost:
    """The cost of ingesting every document that is not yet in raw."""
    settings = settings_of(home)
    landing = prepare(settings) if not settings.warehouse_path.exists() else landing_of(settings)

    def work() -> None:
        with Warehouse(settings.warehouse_path).connect() as connection:
            if settings.memory_limit:
                connection.execute(f"set memory_limit = '{settings.memory_limit}'")
            ingest(connection, landing.documents(FEED), universe=load_universe(), clock=settings.clock)

    cost = timed("ingesting", work)
    print(f"{'':<62}{peak_memory():8.2f} GB", flush=True)
    return cost


def compute(home: Path, models: list[str]) -> Cost:
    """The cost of building the members' tables."""
    settings = settings_of(home)
    dbt = Dbt(Warehouse(settings.warehouse_path), settings.dbt_target_dir)
    dbt.target_dir.joinpath("parsed_from").unlink(missing_ok=True)
    dbt.manifest()  # parsed in this process, which is not part of the cost

    def work() -> None:
        for _ in dbt.build(models, clock=datetime(2024, 12, 31, 3, tzinfo=UTC)):
            pass

    label = "the same measures" if models == MEASURES else "every table of the members"
    with spilling_to(settings.warehouse_path) as spilled:
        cost = timed(f"computing {label}, with dbt and its tests", work)
    print(f"{'':<62}{peak_memory():8.2f} GB, {max(spilled) / 1e9:.2f} GB spilled", flush=True)
    return cost


def add_session(home: Path) -> None:
    """A document with one more session of every company."""
    folder = settings_of(home).own_landing_dir / FEED.vendor / FEED.kind / "US"
    last = pl.scan_parquet(folder / "*.parquet").group_by("symbol").agg(pl.col("close").sort_by("session").last()).collect()
    close = pl.col("close")
    one_more = last.sort("symbol").select(
        "symbol", session=pl.lit(date(2024, 12, 31)), open=close, high=close * 1.05, low=close * 0.95, close=close * 1.01,
        volume=pl.lit(1_000, pl.Int64),
    )  # fmt: skip
    _write(settings_of(home).own_landing_dir, one_more, datetime(2025, 1, 1, 2, tzinfo=UTC))


def compare(home: Path) -> None:
    """Stop unless the query by hand and ours give the same numbers on the same sessions."""
    differ = [f"coalesce(h.{name}, 0) <> coalesce(o.{name}, 0)" for name in COUNTS]
    differ += [
        f"abs(h.{name} - o.{name}) > {most} or (h.{name} is null) <> (o.{name} is null)" for name, most in MEASURED.items()
    ]
    ours = "(from ours.marts.constituent_breadth where priced > 0)"
    with duckdb.connect(str(home / "scratch.duckdb")) as connection:
        connection.execute(f"attach '{settings_of(home).warehouse_path}' as ours (read_only)")
        [(rows, alone, different)] = connection.execute(
            "select count(*), count(*) filter (h.priced is null or o.priced is null),"
            f" count(*) filter ({' or '.join(differ)}) from by_hand as h full join {ours} as o using (basis, session)"
        ).fetchall()
    if different or alone:
        raise SystemExit(f"of {rows} sessions, {alone} are in one result only, and {different} differ from the query by hand")


def main() -> None:
    """Measure and print every part, then the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=20_000_000)
    parser.add_argument("--folder", type=Path, default=Path("data/bench_breadth"))
    given = parser.parse_args()
    home = (given.folder / str(given.bars)).resolve()
    shutil.rmtree(home, ignore_errors=True)
    # One process for each part, so that each has its own peak of memory.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as alone:
        alone.submit(make, home, given.bars).result()
        reading, hand = alone.submit(by_hand, home).result()
        ingesting = alone.submit(ingest_documents, home).result()
        # Of a copy, so that every table is then built for the first time.
        measures = home / "measures"
        measures.mkdir()
        shutil.copy(settings_of(home).warehouse_path, settings_of(measures).warehouse_path)
        same_measures, computing = (
            alone.submit(compute, measures, MEASURES).result(),
            alone.submit(compute, home, MODELS).result(),
        )
        compare(home)
        add_session(home)
        print("one more session:", flush=True)
        again = alone.submit(ingest_documents, home).result() + alone.submit(compute, home, MODELS).result()
    first = ingesting + computing
    print(f"{'':<40}{'by the clock':>14}{'processors':>14}")
    for label, ours_, theirs in (
        ("the same measures / by hand", same_measures, hand), ("every table / by hand", computing, hand),
        ("ingesting / reading", ingesting, reading),
        ("one more session / first build", again, first),
    ):  # fmt: skip
        print(f"{label:<40}{ours_.wall / theirs.wall:>14.2f}{ours_.processor / theirs.processor:>14.2f}")


if __name__ == "__main__":
    main()

"""The cost of breadth on DuckDB and on Spark: `make bench-spark`. Seconds of this machine; the ratios are comparable.

The bars of `make bench-breadth`, ingested once for each size; then dbt builds the members' models without tests on each engine,
on two local cores, each in a process of its own. Both engines' tables are compared.
"""

import argparse
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb

from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.dbt_build import Dbt, variables
from orchestration.warehouse.engine import DuckDb, Engine, Spark
from tests.bench_breadth import MODELS, ingest_documents, make, peak_memory, settings_of
from tests.parity import as_markdown, compare_frames

CLOCK = datetime(2024, 12, 31, 3, tzinfo=UTC)


@dataclass(frozen=True)
class Cost:
    """Seconds of the session's start and of the models, and the most memory and scratch files (GB).

    Scratch files are what was spilled, and with Spark what was shuffled.
    """

    start: float
    models: float
    memory: float
    scratch: float

    def __str__(self) -> str:
        seconds = f"start {self.start:6.1f} s   models {self.models:7.1f} s"
        return f"{seconds}   memory {self.memory:5.2f} GB   scratch {self.scratch:5.2f} GB"


@contextmanager
def watching(scratch: Path) -> Iterator[list[int]]:
    """The size of a directory, once a second."""
    sizes, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(1):
            sizes.append(sum(file.stat().st_size for file in scratch.rglob("*") if file.exists()))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sizes
    finally:
        over.set()
        thread.join()


def build(home: Path, name: str) -> Cost:
    """Build the members' models on one engine."""
    warehouse = Warehouse(settings_of(home).warehouse_path)
    engine: Engine = DuckDb() if name == "duckdb" else Spark(home / "lake")
    dbt = Dbt(warehouse, home / f"dbt-{name}", engine=engine)
    dbt.manifest()  # parsed before the time is taken
    scratch = Path(f"{warehouse.path}.tmp") if name == "duckdb" else home / "lake/scratch"
    began = time.perf_counter()
    with watching(scratch) as sizes, engine.session(warehouse, everything=True):
        started = time.perf_counter()
        arguments = ["run", "--select", *MODELS, "--vars", str(variables(CLOCK, None))]
        seeds = dbt.invoke(["seed"])
        assert seeds.success, seeds.exception
        result = dbt.invoke(arguments)
        assert result.success, [(one.node.name, one.message) for one in result.result if one.status == "error"]
        ended = time.perf_counter()
        memory = peak_memory() if name == "duckdb" else _memory_of_java()
    return Cost(started - began, ended - started, memory, max(sizes) / 1e9)


def _memory_of_java() -> float:
    from pyspark import SparkContext

    gateway: Any = SparkContext._gateway
    status = Path(f"/proc/{gateway.proc.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1e6


def compare(home: Path) -> str:
    """Breadth of both engines, compared.

    Raises:
        SystemExit: it differs.
    """
    with duckdb.connect(str(settings_of(home).warehouse_path), read_only=True) as connection:
        ours = connection.sql("select * from marts.constituent_breadth").pl()
    files = home / "lake/warehouse/marts/constituent_breadth/*.parquet"
    theirs = duckdb.sql(f"select * from read_parquet('{files}')").pl()
    table = compare_frames("constituent_breadth", ours, theirs, key=["universe", "basis", "session"])
    if table.faults:
        raise SystemExit(as_markdown([table]))
    return as_markdown([table])


def main() -> None:
    """Measure and print every size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, action="append")
    parser.add_argument("--folder", type=Path, default=Path("data/bench_spark"))
    given = parser.parse_args()
    for bars in given.bars or [2_000_000, 20_000_000]:
        home = (given.folder / str(bars)).resolve()
        shutil.rmtree(home, ignore_errors=True)
        with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as alone:
            alone.submit(make, home, bars).result()
            alone.submit(ingest_documents, home).result()
            for name in ("duckdb", "spark"):
                print(f"{name:<8}{alone.submit(build, home, name).result()}", flush=True)
        print(compare(home), flush=True)
        shutil.rmtree(home)


if __name__ == "__main__":
    main()

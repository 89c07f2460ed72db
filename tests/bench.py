"""The cost of a run, part by part, on the sample market: `make bench`. Wall seconds of this machine; ratios are comparable."""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from graphlib import TopologicalSorter
from pathlib import Path

import bare_models
import bench_signals
import duckdb

from orchestration.settings import Settings

SMALLCAP = Path(sys.executable).parent / "smallcap"
WITHOUT_MEMBERS = """
import sys
from orchestration.cli.main import main
from orchestration.sample_market import documents
simulated = documents.sample_documents
documents.sample_documents = lambda vendor, kind, sessions: () if kind == "member_prices" else simulated(vendor, kind, sessions)
main()
"""


def timed(label: str, work: Callable[[], object]) -> float:
    """Run, print and return the wall time in seconds."""
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    print(f"{label:<58}{seconds:8.2f} s", flush=True)
    return seconds


def command(*arguments: str) -> Callable[[], object]:
    """A command to run to its end, without output."""
    return lambda: subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def bare_sql(settings: Settings) -> float:
    """Build every model in DuckDB without dbt, in the order of the graph."""
    nodes = json.loads((settings.dbt_target_dir / "manifest.json").read_text())["nodes"]
    models = {uid: node for uid, node in nodes.items() if node["resource_type"] == "model"}
    order = TopologicalSorter({uid: [d for d in node["depends_on"]["nodes"] if d in models] for uid, node in models.items()})
    compiled = settings.dbt_target_dir / "compiled" / "small_cap_signal"
    with duckdb.connect(str(settings.warehouse_path)) as connection:

        def run_models() -> None:
            for uid in order.static_order():
                bare_models.build(connection, models[uid], nodes, compiled)

        return timed(f"the same {len(models)} models in DuckDB alone", run_models)


def main() -> None:
    """Measure and print every part, then the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "sample"
        timed("imports of a run", command(sys.executable, "-c", "import orchestration.defs.runner"))
        first = timed("smallcap run, empty folder", command(str(SMALLCAP), "run", "--data-dir", str(home)))
        alone = [sys.executable, "-c", WITHOUT_MEMBERS, "run", "--data-dir", str(Path(folder) / "without")]
        without = timed("the same without members' prices", command(*alone))
        second = timed("smallcap run, nothing new", command(str(SMALLCAP), "run", "--data-dir", str(home)))
        timed("smallcap today", command(str(SMALLCAP), "today", "--data-dir", str(home)))
        work = parts(home)
        bench_signals.main(home)
        print(f"\nfirst run / work alone {first / work:.1f}   second run / first run {second / first:.2f}")
        print(f"first run / the same without members' prices {first / without:.2f}\n")
        long_history(Path(folder) / "long")


def parts(home: Path) -> float:
    """Measure each part in this process; return the sum."""
    from orchestration.defs.assets.landing import landing_of
    from orchestration.defs.assets.published import publish_release, published_marts
    from orchestration.defs.dbt_project import dbt_of
    from orchestration.landing.collect import collect_sessions, simulate
    from orchestration.raw.ingest import ingest
    from orchestration.universe import load_universe
    from orchestration.vendors.registry import CALENDAR, FEEDS
    from orchestration.warehouse.connection import Warehouse

    fresh = Settings(data_dir=home.parent / "parts")
    warehouse = Warehouse(fresh.warehouse_path)

    def generate() -> None:
        collect_sessions(landing_of(fresh))
        for feed in FEEDS:
            simulate(feed, landing_of(fresh))

    def ingest_all() -> None:
        warehouse.prepare()
        with warehouse.connect() as connection:
            for feed in (CALENDAR, *FEEDS):
                documents = landing_of(fresh).documents(feed)
                ingest(connection, documents, universe=load_universe(), progress=lambda _: None)

    total = timed("generating the documents", generate)
    total += timed("ingesting them", ingest_all)
    total += timed("dbt: parsing the project", lambda: dbt_of(fresh).manifest_path())
    dbt = timed("dbt: seeds, models and tests", lambda: list(dbt_of(fresh).build(clock=fresh.clock)))
    total += dbt + timed("publishing", lambda: publish_release(fresh, published_marts(fresh), run_id="bench"))
    # SQL compiled for an empty warehouse builds complete tables.
    straight = bare_sql(fresh)
    print(f"\ndbt build / bare SQL {dbt / straight:.1f}")
    return total


def long_history(folder: Path, months: int = 240) -> None:
    """Twenty years of monthly snapshots of IWM to the holdings marts, then one more month."""
    from orchestration.defs.dbt_project import dbt_of
    from orchestration.landing.documents import list_documents
    from orchestration.raw.ingest import ingest
    from orchestration.universe import load_universe
    from orchestration.warehouse.connection import Warehouse

    settings = Settings(data_dir=folder)
    warehouse = Warehouse(settings.warehouse_path)
    warehouse.prepare()
    dbt_of(settings).manifest_path()
    models = ["+holdings_changes", "+fund_overlap", "+sector_comparison", "security_master", "sector_conflicts"]

    def ingest_all() -> None:
        with warehouse.connect() as connection:
            documents = list_documents([folder / "landing"])
            ingest(connection, documents, universe=load_universe(), progress=lambda _: None)

    def model() -> None:
        list(dbt_of(settings).build(models, clock=settings.clock))

    write_months(folder / "landing", range(months))
    whole = timed(f"{months} monthly snapshots: ingesting", ingest_all) + timed(
        f"{months} monthly snapshots: holdings models", model
    )
    write_months(folder / "landing", range(months, months + 1))
    one = timed("one more snapshot: ingesting", ingest_all)
    grown = timed("one more snapshot: holdings models", model)
    timed("no new snapshot: holdings models", model)
    print(f"\n{months} snapshots ingested and modelled {whole:.1f} s   one more / all of them {(one + grown) / whole:.2f}")


def write_months(landing: Path, months: range) -> None:
    """Write IWM's sample files in turn, one per month from October 2006."""
    from orchestration.landing.documents import write_document
    from orchestration.sample_market import ishares_files, truths
    from orchestration.sample_market.streams import DEFAULT_SEED
    from orchestration.universe import load_universe

    iwm = load_universe()["IWM"]
    for month in months:
        snapshot = truths.IWM_SNAPSHOTS[month % len(truths.IWM_SNAPSHOTS)]
        as_of = date(2006 + (9 + month) // 12, (9 + month) % 12 + 1, 28)
        text = ishares_files.dated_file(iwm, snapshot, DEFAULT_SEED).decode()
        dated = re.sub(r'(?<=as of,")[^"]*', f"{as_of:%b %d, %Y}", text, count=1)
        retrieved_at = datetime.combine(as_of + timedelta(days=1), clock(1), UTC)
        write_document(
            landing, vendor="ishares", kind="holdings", symbol="IWM", retrieved_at=retrieved_at, extension="csv",
            content=dated.encode(),
        )  # fmt: skip


if __name__ == "__main__":
    main()

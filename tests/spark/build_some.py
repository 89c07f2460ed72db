"""Build a few models on Spark in a process of its own: `python -m tests.spark.build_some HOME [--kill] [--remote URL]`;
with --duckdb, on DuckDB."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.dbt_build import Dbt
from orchestration.warehouse.engine import DuckDb, Spark
from orchestration.warehouse.spark.java import SparkUnusable

SELECT = ["seeds.reconstitutions", "seeds.signal_parameters", "staging.stg_sessions", "marts.calendar.session_calendar"]


def main() -> int:
    """Print the master, or what the session is a client of, and each node with its status; with --kill, the Java process ends
    after the first."""
    home = Path(sys.argv[1])
    remote = sys.argv[sys.argv.index("--remote") + 1] if "--remote" in sys.argv else None
    is_spark = "--duckdb" not in sys.argv
    engine = Spark(home / "lake", settings={"spark.remote": remote} if remote else {}) if is_spark else DuckDb()
    dbt = Dbt(Warehouse(home / "warehouse.duckdb"), home / f"dbt-{engine.target}", engine=engine)
    select = [f"small_cap_signal.{name.removeprefix('seeds.')}" for name in SELECT]
    events = dbt.build(select, clock=datetime(2026, 10, 1, 15, tzinfo=UTC))
    try:
        for number, event in enumerate(events):
            if not number and remote:
                print("remote", _session().client.host)
            elif not number and is_spark:
                print("master", _session().sparkContext.master)
                print("listens", *sorted(_listening()))
            print(event["data"]["node_info"]["node_name"], event["data"]["status"], flush=True)
            if "--kill" in sys.argv:
                _kill_java()
    except SparkUnusable as error:
        print(error)
        return 1
    return 0


def _session() -> Any:
    from pyspark.sql import SparkSession

    return SparkSession.active()


def _listening() -> set[str]:
    """The addresses at which this process and those it started listen, from Linux's tables of sockets."""
    from pyspark import SparkContext

    gateway: Any = SparkContext._gateway
    java = gateway.proc.pid if gateway.proc else os.getppid()  # spark-submit is the parent
    sockets = {
        str(path.readlink()) for pid in (java, os.getpid()) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()
    }
    rows = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


def _kill_java() -> None:
    from pyspark import SparkContext

    gateway: Any = SparkContext._gateway
    gateway.proc.kill()
    gateway.proc.wait()
    sys.argv.remove("--kill")


if __name__ == "__main__":
    raise SystemExit(main())

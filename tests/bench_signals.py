"""The cost of signals and evidence as history grows: the sample market repeated 1, 4 and 16 times.

Part of `make bench`. The models without dbt, on one thread, in seconds of processor time; the ratio to 1x is comparable.
"""

import json
import shutil
import sys
import tempfile
import time
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import bare_models
import duckdb

FOLDERS = ("signals", "rates", "portfolio")
# Inputs that are replaced by longer histories; the models that depend on them are measured.
SESSIONS, BARS = "staging.stg_sessions", "intermediate.int_bars_on_current_basis"
DISTRIBUTIONS, RATES = "intermediate.int_distributions", "intermediate.int_policy_rate"


def lengthen(connection: duckdb.DuckDBPyConnection, times: int) -> None:
    """Replace the inputs of the signals by `times` copies of the history in sequence; prices continue from the end."""
    first = connection.execute(f"select min(session) from {BARS} where fund = 'IWM'").fetchall()[0][0]
    last = connection.execute(f"select max(session) from {BARS}").fetchall()[0][0]
    # Whole weeks, so that weekdays are preserved.
    step = ((last - first).days // 7 + 1) * 7
    copies = f"range({times}) as copies(copy)"
    shifted = f"+ cast(copy * {step} as integer)"
    within = f"between date '{first}' and date '{last}'"
    connection.execute(f"""
        create table lengthened_sessions as
        select sessions.* replace (session {shifted} as session, row_number() over (order by copy, session) as session_no,
            opens_at + to_days(cast(copy * {step} as integer)) as opens_at,
            closes_at + to_days(cast(copy * {step} as integer)) as closes_at)
        from {SESSIONS} as sessions, {copies} where session {within};
        create table lengthened_bars as
        with ends as (
            select fund, max_by(close, session) / min_by(close, session) as growth
            from {BARS} where session {within} group by fund
        )
        select bars.* replace (session {shifted} as session, open * growth ** copy as open, high * growth ** copy as high,
            low * growth ** copy as low, close * growth ** copy as close)
        from {BARS} as bars join ends using (fund), {copies} where session {within};
        create table lengthened_distributions as
        select fund, ex_date {shifted} as ex_date, amount from {DISTRIBUTIONS}, {copies} where ex_date {within};
        create table lengthened_rates as
        select * replace (date {shifted} as date) from {RATES}, {copies} where date {within};
        drop view {SESSIONS} cascade; drop table {BARS}; drop table {DISTRIBUTIONS}; drop table {RATES};
        create table {SESSIONS} as from lengthened_sessions;
        create table {BARS} as from lengthened_bars;
        create table {DISTRIBUTIONS} as from lengthened_distributions;
        create table {RATES} as from lengthened_rates;
    """)


def signal_models(nodes: dict[str, Any]) -> list[dict[str, Any]]:
    """Every signal model and its dependencies after the replaced inputs, in order."""
    models = {uid: node for uid, node in nodes.items() if node["resource_type"] == "model"}
    replaced = {f"model.small_cap_signal.{table.split('.')[1]}" for table in (SESSIONS, BARS, DISTRIBUTIONS, RATES)}
    wanted: set[str] = set()
    waiting = [uid for uid, node in models.items() if node["fqn"][1:3] in (["marts", folder] for folder in FOLDERS)]
    while waiting:
        uid = waiting.pop()
        if uid not in wanted and uid not in replaced:
            wanted.add(uid)
            waiting += [parent for parent in models[uid]["depends_on"]["nodes"] if parent in models]
    order = TopologicalSorter({uid: [d for d in models[uid]["depends_on"]["nodes"] if d in wanted] for uid in wanted})
    return [models[uid] for uid in order.static_order()]


def measure(home: Path, times: int) -> float:
    """Seconds for all signal models on `times` histories; prints the three slowest."""
    nodes = json.loads((home / "dbt" / "manifest.json").read_text())["nodes"]
    with tempfile.TemporaryDirectory() as folder:
        # The file keeps its name, because views contain it.
        copy = shutil.copy(home / "warehouse.duckdb", Path(folder) / "warehouse.duckdb")
        with duckdb.connect(str(copy), config={"threads": 1}) as connection:
            lengthen(connection, times)
            costs: dict[str, float] = {}
            for node in signal_models(nodes):
                began = time.process_time()
                bare_models.build(connection, node, nodes, home / "dbt" / "compiled" / "small_cap_signal")
                costs[node["name"]] = time.process_time() - began
            sessions = connection.execute(f"select count(*) from {SESSIONS}").fetchall()[0][0]
    dearest = sorted(costs.items(), key=lambda cost: -cost[1])[:3]
    named = ", ".join(f"{name} {seconds:.2f}" for name, seconds in dearest)
    print(f"signals, {len(costs)} models, {sessions:>7} sessions{sum(costs.values()):>24.2f} s   ({named})", flush=True)
    return sum(costs.values())


def main(home: Path) -> None:
    """Print the cost at 1x, 4x and 16x and the ratios to 1x."""
    once = measure(home, 1)
    print("".join(f"{times}x / 1x {measure(home, times) / once:.1f}   " for times in (4, 16)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

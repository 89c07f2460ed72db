"""Two releases of the same documents, one made by DuckDB and one by Spark, compared table by table:
`python -m tests.parity releases DUCKDB_RELEASE SPARK_RELEASE [--report FILE]`.

`python -m tests.parity models HOME` builds the models on Spark, without tests, from the raw tables of a directory that DuckDB
built, and compares the marts: the quicker half.

`python -m tests.parity rules HOME` runs dbt's unit tests on Spark, in a directory that Spark built.

Rows, keys, text, dates, booleans and integers must be the same; doubles within `RELATIVE` or `ABSOLUTE`. Ends with exit code 1
if a table differs.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from orchestration.settings import SAMPLE_CLOCK
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.dbt_build import Dbt, variables
from orchestration.warehouse.engine import Spark
from orchestration.warehouse.withholding import MARTS

RELATIVE = 1e-12
ABSOLUTE = 1.001e-12
"""Where differences of nearly equal numbers cancel, the last digits of the result have no relative meaning. Returns are rounded
to twelve decimal places: a last digit on the other side of a tie is one unit of the twelfth."""

ABSOLUTE_OF = {
    # A running sum over thousands of sessions of terms around a hundred.
    "constituent_breadth.mcclellan_summation": 1e-11,
    # A mean over its standard error: small differences of returns, divided by smaller numbers.
    "signal_forecasts.clark_west": 1e-11,
    "signal_forecasts.p_value": 1e-11,
}
MADE = "<!-- written by make parity -->"

# What a release says of itself: its id, its time, its run, and the releases before it.
OF_THE_RELEASE = {"release_history", "reading_changes", "signal_diary", "signal_diary_outcomes", "reconstitution_diary"}


@dataclass
class Table:
    """The comparison of one table.

    Attributes:
        relative: the largest relative difference of the doubles within `RELATIVE`, with its column.
        absolute: the largest difference of the others, with its column.
        faults: what is not equal, as sentences.
    """

    name: str
    rows: int = 0
    columns: int = 0
    relative: tuple[float, str] = (0.0, "")
    absolute: tuple[float, str] = (0.0, "")
    faults: list[str] = field(default_factory=list)


def compare(duckdb_release: Path, spark_release: Path) -> list[Table]:
    """Every published table of two releases, by name."""
    tables = [_tables(release) for release in (duckdb_release, spark_release)]
    found = []
    for name in sorted(tables[0].keys() | tables[1].keys()):
        if name in OF_THE_RELEASE:
            continue
        if name not in tables[0] or name not in tables[1]:
            found.append(Table(name, faults=[f"only {'DuckDB' if name in tables[0] else 'Spark'} has it"]))
            continue
        ours, theirs = (of[name] for of in tables)
        if ours["status"] != theirs["status"]:
            found.append(Table(name, faults=[f"{ours['status']} by DuckDB, {theirs['status']} by Spark: {theirs['reason']}"]))
            continue
        frames = [pl.read_parquet(release / f"{name}.parquet") for release in (duckdb_release, spark_release)]
        found.append(compare_frames(name, *frames, key=ours["key"]))
    return found


def compare_models(home: Path, lake: Path) -> list[Table]:
    """Every mart of a data directory built by DuckDB, beside the same models built on Spark from its raw tables."""
    warehouse = Warehouse(home / "warehouse.duckdb")
    dbt = Dbt(warehouse, lake.parent / "dbt-spark", engine=Spark(lake))
    nodes = dbt.manifest()["nodes"].values()
    with dbt.engine.session(warehouse, everything=True):
        arguments = ["build", "--exclude-resource-type", "test", "unit_test", "--vars", str(variables(SAMPLE_CLOCK, None))]
        result = dbt.invoke(arguments)
    assert result.success, [(one.node.name, one.message) for one in result.result if one.status == "error"]
    keys = {
        node["attached_node"]: node["test_metadata"]["kwargs"]["columns"]
        for node in nodes
        if (node.get("test_metadata") or {}).get("name") == "primary_key"
    }
    found = []
    with warehouse.connect(read_only=True) as connection:
        for node in sorted(nodes, key=lambda node: str(node["name"])):
            if node["resource_type"] == "model" and node["schema"] == MARTS:
                ours = connection.sql(f"select * from {MARTS}.{node['name']}").pl()
                files = lake / "warehouse" / MARTS / node["name"] / "*.parquet"
                theirs = connection.sql(f"select * from read_parquet('{files}')").pl()
                found.append(compare_frames(node["name"], ours, theirs, key=keys[node["unique_id"]]))
    return found


def run_unit_tests(home: Path) -> list[str]:
    """dbt's unit tests on Spark, in a data directory that Spark built: the ones that did not pass, with the reason."""
    warehouse = Warehouse(home / "warehouse.duckdb")
    dbt = Dbt(warehouse, home / "dbt-spark", engine=Spark(home / "lake"))
    with dbt.engine.session(warehouse, everything=False):
        given = ["--vars", str(variables(SAMPLE_CLOCK, None))]
        # dbt takes the columns of the inputs from the relations, and views are in the session only.
        dbt.invoke(["run", "--select", "config.materialized:view", *given])
        result = dbt.invoke(["test", "--select", "test_type:unit", *given])
    results = [one for one in getattr(result.result, "results", []) if one.node.resource_type == "unit_test"]
    print(f"{len(results)} unit tests ran on Spark.")
    if not results:
        return [f"no unit test ran: {result.exception}"]
    return [f"{one.node.name}: {one.message}" for one in results if one.status != "pass"]


def compare_frames(name: str, ours: pl.DataFrame, theirs: pl.DataFrame, *, key: list[str]) -> Table:
    """One table from both engines. Rows are matched by key."""
    table = Table(name, rows=ours.height, columns=ours.width)
    if ours.schema != theirs.schema:
        table.faults.append(f"columns differ: {set(ours.schema.items()) ^ set(theirs.schema.items()) or 'their order'}")
        return table
    if ours.height != theirs.height:
        table.faults.append(f"{ours.height} rows by DuckDB, {theirs.height} by Spark")
    both = ours.join(theirs, on=key, how="inner", suffix="__theirs", nulls_equal=True, validate="1:1")
    if both.height != ours.height:
        lacking = ours.join(theirs, on=key, how="anti", nulls_equal=True)
        table.faults.append(f"{ours.height - both.height} keys only by DuckDB, first {lacking.select(key).row(0)}")
    for column in (c for c in ours.columns if c not in key):
        _compare_column(table, both, column, key)
    return table


def _compare_column(table: Table, both: pl.DataFrame, column: str, key: list[str]) -> None:
    ours, theirs = pl.col(column), pl.col(f"{column}__theirs")
    if not both.schema[column].is_float():
        _fault(table, column, both.filter(ours.ne_missing(theirs)), key)
        return
    absolute = (ours - theirs).abs()
    relative = absolute / pl.max_horizontal(ours.abs(), theirs.abs())
    differing = both.filter(ours.ne_missing(theirs)).with_columns(absolute__=absolute, relative__=relative)
    within = pl.col("absolute__") <= ABSOLUTE_OF.get(f"{table.name}.{column}", ABSOLUTE)
    near = pl.col("relative__") <= RELATIVE
    _fault(table, column, differing.filter(~(near | within).fill_null(value=False)), key)
    largest = differing.filter(near)["relative__"].max()
    if isinstance(largest, float) and largest > table.relative[0]:
        table.relative = (largest, column)
    cancelled = differing.filter(~near)["absolute__"].max()
    if isinstance(cancelled, float) and cancelled > table.absolute[0]:
        table.absolute = (cancelled, column)


def _fault(table: Table, column: str, rows: pl.DataFrame, key: list[str]) -> None:
    if rows.is_empty():
        return
    first = rows.row(0, named=True)
    where = ", ".join(str(first[k]) for k in key)
    table.faults.append(f"{column}: {rows.height} rows differ, at {where}: {first[column]!r} and {first[f'{column}__theirs']!r}")


def _tables(release: Path) -> dict[str, dict[str, Any]]:
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    return {table["name"]: table for table in manifest["tables"]}


def as_markdown(tables: list[Table]) -> str:
    """The tables of the comparison, with totals."""
    lines = ["| table | rows | columns | largest difference |", "|---|---:|---:|---|"]
    for table in tables:
        said = [f"{table.relative[0]:.0e} relative ({table.relative[1]})"] if table.relative[0] else []
        said += [f"{table.absolute[0]:.0e} absolute ({table.absolute[1]})"] if table.absolute[0] else []
        lines.append(f"| {table.name} | {table.rows} | {table.columns} | {'; '.join(table.faults or said) or '0'} |")
    exact = sum(not table.faults and not table.relative[0] and not table.absolute[0] for table in tables)
    equal = sum(not table.faults for table in tables)
    lines += ["", f"{equal} of {len(tables)} tables are equal, {exact} of them to the last bit."]
    return "\n".join(lines)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    releases = commands.add_parser("releases", help="compare two releases")
    releases.add_argument("duckdb_release", type=Path)
    releases.add_argument("spark_release", type=Path)
    releases.add_argument("--report", type=Path, help=f"replace what follows {MADE} in this file")
    models = commands.add_parser("models", help="build the models on Spark and compare the marts")
    models.add_argument("home", type=Path, help="the data directory of a sample run on DuckDB")
    rules = commands.add_parser("rules", help="run dbt's unit tests on Spark")
    rules.add_argument("home", type=Path, help="the data directory of a sample run on Spark")
    given = parser.parse_args()
    if given.command == "rules":
        failed = run_unit_tests(given.home.resolve())
        print("\n".join(failed))
        return int(bool(failed))
    if given.command == "models":
        with tempfile.TemporaryDirectory(prefix="parity-") as scratch:
            tables = compare_models(given.home.resolve(), Path(scratch) / "lake")
    else:
        tables = compare(given.duckdb_release, given.spark_release)
    print(as_markdown(tables))
    if given.command == "releases" and given.report:
        explained = given.report.read_text(encoding="utf-8").partition(MADE)[0]
        given.report.write_text(f"{explained}{MADE}\n\n{as_markdown(tables)}\n", encoding="utf-8")
    return int(any(table.faults for table in tables))


if __name__ == "__main__":
    raise SystemExit(main())

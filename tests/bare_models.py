"""Models built without dbt: compiled SQL, and Python models called with relations of the same warehouse. For `make bench`."""

import runpy
from pathlib import Path
from typing import Any

import duckdb


class _Dbt:
    """What a Python model asks of dbt."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: dict[str, str]) -> None:
        self._connection = connection
        self._tables = tables

    def config(self, **_: Any) -> None:
        pass

    def ref(self, name: str) -> duckdb.DuckDBPyRelation:
        return self._connection.table(self._tables[name])


def build(connection: duckdb.DuckDBPyConnection, node: dict[str, Any], nodes: dict[str, Any], compiled: Path) -> None:
    """Build one model of the manifest.

    Args:
        node: the model in the manifest.
        nodes: all nodes of the manifest.
        compiled: the folder with the compiled SQL.
    """
    kind = "view" if node["config"]["materialized"] == "view" else "table"
    path = compiled / node["original_file_path"]
    if path.suffix == ".sql":
        connection.execute(f"create or replace {kind} {node['schema']}.{node['name']} as {path.read_text()}")
        return
    tables = {nodes[uid]["name"]: f"{nodes[uid]['schema']}.{nodes[uid]['name']}" for uid in node["depends_on"]["nodes"]}
    rows = runpy.run_path(str(path))["model"](_Dbt(connection, tables), None)
    connection.register("rows_of_model", rows)
    connection.execute(f"create or replace table {node['schema']}.{node['name']} as from rows_of_model")
    connection.unregister("rows_of_model")

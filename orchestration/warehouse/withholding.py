"""Withheld tables: those whose last build failed, and all tables that depend on them.

The result is stored in the warehouse, so that every job that publishes uses it, whichever job built. docs/RELIABILITY.md lists
the failures that withhold a table.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import duckdb

from orchestration.warehouse.connection import Warehouse

MARTS = "marts"
UNFINISHED = "its last build did not finish"
OUTDATED = "it was not built again after its inputs were"
NEVER_BUILT = "it was never built"
# Without these inputs, an empty table cannot be computed and is withheld.
_INPUTS = {
    "sessions": "no sessions are known", "price_bars": "no prices are known", "holdings": "no holdings are known",
    "fund_facts": "no fund data are known", "rates": "no interest rates are known",
    "factors": "no factors are known",
}  # fmt: skip
_STATE = """
create schema if not exists build;
create table if not exists build.withheld (
    table_name varchar primary key, cause_table varchar not null, cause varchar not null, is_passed_on boolean not null
);
"""
_PRESENT = "select table_name from duckdb_tables() where schema_name = ?"
Manifest = Mapping[str, Any]
Causes = dict[str, str]


def withheld_tables(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The reason by withheld table; empty if no build has recorded any."""
    known = connection.execute("select 1 from duckdb_tables() where schema_name = 'build' and table_name = 'withheld'")
    if not known.fetchall():
        return {}
    rows = connection.execute("select table_name, cause_table, cause from build.withheld order by table_name").fetchall()
    return {table: reason_of(table, cause_table, cause) for table, cause_table, cause in rows}


def reason_of(table: str, cause_table: str, cause: str) -> str:
    """The reason why a table is withheld, as a clause."""
    return cause if table == cause_table else f"it depends on {cause_table}: {cause}"


class Graph:
    """Models and seeds of the project by name, with what each one reads directly and indirectly."""

    def __init__(self, manifest: Manifest) -> None:
        nodes: dict[str, Any] = manifest["nodes"]
        self.nodes = {node["name"]: node for node in nodes.values() if node["resource_type"] in ("model", "seed")}
        self._reads = {
            name: [
                nodes[parent]["name"] if parent in nodes else f"raw.{manifest['sources'][parent]['name']}"
                for parent in node.get("depends_on", {}).get("nodes", [])
            ]
            for name, node in self.nodes.items()
        }
        self._ancestors: dict[str, frozenset[str]] = {}

    @property
    def marts(self) -> list[str]:
        """Names of the published models."""
        return sorted(name for name, node in self.nodes.items() if node["schema"] == MARTS)

    def reads(self, name: str) -> frozenset[str]:
        """The models and seeds that a table reads directly."""
        return frozenset(parent for parent in self._reads[name] if not parent.startswith("raw."))

    def depends_on(self, name: str) -> frozenset[str]:
        """All models and seeds that a table depends on."""
        return frozenset(parent for parent in self._all(name) if not parent.startswith("raw."))

    def inputs(self, name: str) -> frozenset[str]:
        """The raw tables that a table depends on, as `raw.price_bars`."""
        return self._all(name) - self.depends_on(name)

    def selected(self, fqns: Collection[str]) -> set[str]:
        """Names of the nodes that the dbt selectors select; empty means all."""
        return {name for name, node in self.nodes.items() if not fqns or ".".join(node["fqn"]) in fqns}

    def after(self, names: Collection[str]) -> set[str]:
        """All nodes that depend on one of these."""
        return {name for name in self.nodes if self.depends_on(name) & set(names)}

    def _all(self, name: str) -> frozenset[str]:
        if name not in self._ancestors:
            parents = self._reads.get(name, [])
            self._ancestors[name] = frozenset(parents).union(*(self._all(parent) for parent in parents))
        return self._ancestors[name]


class Withholding:
    """The withheld tables of one build, recorded before it begins and again after it ends.

    Attributes:
        built: names of the models and seeds that the build selects.
    """

    def __init__(
        self, warehouse: Warehouse, manifest: Manifest, select: Collection[str], known_at: datetime | None = None
    ) -> None:
        self._warehouse = warehouse
        self._known_at = known_at.replace(tzinfo=None) if known_at else None
        self._tests = {uid: node for uid, node in manifest["nodes"].items() if node["resource_type"] == "test"}
        self._names = {uid: node["name"] for uid, node in manifest["nodes"].items()}
        self._graph = Graph(manifest)
        self.built = self._graph.selected(select)

    def begin(self) -> None:
        """Withhold the tables to be built and all that depend on them, so that a killed build publishes no unfinished table."""
        with self._warehouse.connect() as connection:
            connection.execute(_STATE)
            own, without_input = self._known(connection, passed_on=True), self._known(connection, passed_on=False)
            present = {name for (name,) in connection.execute(_PRESENT, [MARTS]).fetchall()}
            for name in sorted(set(self._graph.marts) - present):
                make_empty(connection, self._graph.nodes[name])
                own[name] = NEVER_BUILT
            own |= dict.fromkeys(self._graph.after(self.built), OUTDATED) | dict.fromkeys(self.built, UNFINISHED)
            self._write(connection, own, without_input)

    def end(self, results: Iterable[Any], faults: Causes) -> dict[str, str]:
        """Record the withheld tables from dbt's results; marts that were not built become empty tables with their columns.

        Args:
            faults: why a table that dbt built does not fulfil its contract, by name.

        Returns:
            The reason by withheld table.
        """
        states = {one.node.unique_id: one for one in results}
        with self._warehouse.connect() as connection:
            before = self._known(connection, passed_on=True)
            own = {name: cause for name, cause in before.items() if name not in self.built}
            made = {self._names[uid] for uid, one in states.items() if one.status == "success" and uid not in self._tests}
            made -= faults.keys()
            for uid, one in states.items():
                own |= self._causes_of_test(uid, one) if uid in self._tests else self._causes_of_model(uid, one)
            own |= {name: _not_built(fault) for name, fault in faults.items()}
            skipped = self.built - made - own.keys()
            own |= {name: "dbt did not build it" for name in skipped if not self._graph.depends_on(name) & own.keys()}
            for name in sorted((self.built - made) & set(self._graph.marts)):
                make_empty(connection, self._graph.nodes[name])
            self._write(connection, own, self._without_input(connection))
            return withheld_tables(connection)

    def _causes_of_model(self, uid: str, one: Any) -> Causes:
        if one.status != "error":
            return {}
        return {self._names[uid]: _not_built(one.message)}

    def _causes_of_test(self, uid: str, one: Any) -> Causes:
        """A test of severity error withholds the table it is attached to; a singular test withholds every table it reads."""
        if one.status not in ("error", "fail"):
            return {}
        test = self._tests[uid]
        attached = [test["attached_node"]] if test.get("attached_node") else test["depends_on"]["nodes"]
        problem = f"fails: {one.failures} rows" if one.status == "fail" else f"could not be run: {_one_line(one.message)}"
        return {self._names[node]: f"its test {test['name']} {problem}" for node in attached if node in self._names}

    def _without_input(self, connection: duckdb.DuckDBPyConnection) -> Causes:
        """Empty marts that depend on an empty raw table. Tables that depend on them are judged by their own rows."""
        observed = "select 1 from raw.{} where observed_at <= coalesce(?, observed_at) limit 1"
        absent = [table for table in _INPUTS if not connection.execute(observed.format(table), [self._known_at]).fetchall()]
        found: Causes = {}
        for name in self._graph.marts if absent else []:
            lacks = [_INPUTS[table] for table in absent if f"raw.{table}" in self._graph.inputs(name)]
            if lacks and not connection.execute(f"select 1 from {MARTS}.{name} limit 1").fetchall():
                found[name] = " and ".join(lacks)
        return found

    def _known(self, connection: duckdb.DuckDBPyConnection, *, passed_on: bool) -> Causes:
        query = "select table_name, cause from build.withheld where table_name = cause_table and is_passed_on = ?"
        return {table: cause for table, cause in connection.execute(query, [passed_on]).fetchall() if table in self._graph.nodes}

    def _write(self, connection: duckdb.DuckDBPyConnection, own: Causes, without_input: Causes) -> None:
        rows = [(name, name, cause, True) for name, cause in own.items()]
        for name in self._graph.nodes.keys() - own.keys():
            causes = sorted(self._graph.depends_on(name) & own.keys())
            if causes:
                rows.append((name, causes[0], own[causes[0]], True))
            elif name in without_input:
                rows.append((name, name, without_input[name], False))
        connection.begin()
        connection.execute("delete from build.withheld")
        if rows:
            connection.executemany("insert into build.withheld values (?, ?, ?, ?)", rows)
        connection.commit()


def _not_built(message: str | None) -> str:
    return f"it could not be built: {_one_line(message)}"


def _one_line(message: str | None, longest: int = 200) -> str:
    return " ".join((message or "dbt gave no reason").split())[:longest]


def make_empty(connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any]) -> None:
    """Create the table of a mart with the columns of its contract and no rows."""
    table = f"{node['schema']}.{node['name']}"
    columns = [
        f'"{name}" {column["data_type"]}' + (" not null" if _is_not_null(column) else "")
        for name, column in node["columns"].items()
    ]
    connection.execute(f"create schema if not exists {node['schema']}")
    connection.execute(f"create or replace table {table} ({', '.join(columns)})")
    for name, column in node["columns"].items():
        description = column["description"].replace("'", "''")
        connection.execute(f"comment on column {table}.\"{name}\" is '{description}'")


def _is_not_null(column: Mapping[str, Any]) -> bool:
    return any(constraint["type"] == "not_null" for constraint in column.get("constraints") or [])

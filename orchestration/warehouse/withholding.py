"""Which tables no release may hold, and why: those whose last build failed, and all that rest on them.

The warehouse keeps the answer, so that every job that publishes knows it, whichever job built. docs/RELIABILITY.md says which
failures withhold a table.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import duckdb

from orchestration.warehouse.connection import Warehouse

MARTS = "marts"
UNFINISHED = "its last build did not end"
OUTDATED = "it was not built again after its inputs were"
NEVER_BUILT = "it was never built"
# Without these inputs a table without rows is no finding: it could not be made.
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
    """By table name, why it is withheld; a warehouse that no build has judged withholds nothing."""
    known = connection.execute("select 1 from duckdb_tables() where schema_name = 'build' and table_name = 'withheld'")
    if not known.fetchall():
        return {}
    rows = connection.execute("select table_name, cause_table, cause from build.withheld order by table_name").fetchall()
    return {table: in_words(table, cause_table, cause) for table, cause_table, cause in rows}


def in_words(table: str, cause_table: str, cause: str) -> str:
    """One clause that says why a table is withheld."""
    return cause if table == cause_table else f"it rests on {cause_table}: {cause}"


class Graph:
    """Models and seeds of the project by name: what each one reads, directly and by way of others."""

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

    def rests_on(self, name: str) -> frozenset[str]:
        """All models and seeds that a table is made from."""
        return frozenset(parent for parent in self._all(name) if not parent.startswith("raw."))

    def inputs(self, name: str) -> frozenset[str]:
        """The raw tables that a table is made from, as `raw.price_bars`."""
        return self._all(name) - self.rests_on(name)

    def selected(self, fqns: Collection[str]) -> set[str]:
        """Names of the nodes that dbt's selectors name; none means all."""
        return {name for name, node in self.nodes.items() if not fqns or ".".join(node["fqn"]) in fqns}

    def after(self, names: Collection[str]) -> set[str]:
        """Everything that rests on one of these."""
        return {name for name in self.nodes if self.rests_on(name) & set(names)}

    def _all(self, name: str) -> frozenset[str]:
        if name not in self._ancestors:
            parents = self._reads.get(name, [])
            self._ancestors[name] = frozenset(parents).union(*(self._all(parent) for parent in parents))
        return self._ancestors[name]


class Withholding:
    """The judgement on one build, written down before it begins and again when it has ended."""

    def __init__(
        self, warehouse: Warehouse, manifest: Manifest, select: Collection[str], known_at: datetime | None = None
    ) -> None:
        self._warehouse = warehouse
        self._known_at = known_at.replace(tzinfo=None) if known_at else None
        self._tests = {uid: node for uid, node in manifest["nodes"].items() if node["resource_type"] == "test"}
        self._names = {uid: node["name"] for uid, node in manifest["nodes"].items()}
        self._graph = Graph(manifest)
        self._built = self._graph.selected(select)

    def begin(self) -> None:
        """Withhold what is about to be built and what rests on it: a process that dies leaves no doubtful table behind."""
        with self._warehouse.connect() as connection:
            connection.execute(_STATE)
            own, without_input = self._known(connection, passed_on=True), self._known(connection, passed_on=False)
            present = {name for (name,) in connection.execute(_PRESENT, [MARTS]).fetchall()}
            for name in sorted(set(self._graph.marts) - present):
                _make_empty(connection, self._graph.nodes[name])
                own[name] = NEVER_BUILT
            own |= dict.fromkeys(self._graph.after(self._built), OUTDATED) | dict.fromkeys(self._built, UNFINISHED)
            self._write(connection, own, without_input)

    def end(self, results: Iterable[Any]) -> dict[str, str]:
        """Judge the build by dbt's results; marts that were not made become empty tables with the columns of their contract.

        Returns:
            Why each withheld table of the project is withheld, by name.
        """
        states = {one.node.unique_id: one for one in results}
        with self._warehouse.connect() as connection:
            before = self._known(connection, passed_on=True)
            own = {name: cause for name, cause in before.items() if name not in self._built}
            made = {self._names[uid] for uid, one in states.items() if one.status == "success" and uid not in self._tests}
            for uid, one in states.items():
                own |= self._causes_of_test(uid, one) if uid in self._tests else self._causes_of_model(uid, one)
            skipped = self._built - made - own.keys()
            own |= {name: "dbt did not build it" for name in skipped if not self._graph.rests_on(name) & own.keys()}
            for name in sorted((self._built - made) & set(self._graph.marts)):
                _make_empty(connection, self._graph.nodes[name])
            self._write(connection, own, self._without_input(connection))
            return withheld_tables(connection)

    def _causes_of_model(self, uid: str, one: Any) -> Causes:
        if one.status != "error":
            return {}
        return {self._names[uid]: f"it could not be built: {_one_line(one.message)}"}

    def _causes_of_test(self, uid: str, one: Any) -> Causes:
        """A test of severity error withholds the table it is attached to; one that is attached to none, all that it reads."""
        if one.status not in ("error", "fail"):
            return {}
        test = self._tests[uid]
        attached = [test["attached_node"]] if test.get("attached_node") else test["depends_on"]["nodes"]
        words = f"fails: {one.failures} rows" if one.status == "fail" else f"could not be run: {_one_line(one.message)}"
        return {self._names[node]: f"its test {test['name']} {words}" for node in attached if node in self._names}

    def _without_input(self, connection: duckdb.DuckDBPyConnection) -> Causes:
        """Marts without a row that rest on a raw table without a row. What rests on them is judged by its own rows."""
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
            causes = sorted(self._graph.rests_on(name) & own.keys())
            if causes:
                rows.append((name, causes[0], own[causes[0]], True))
            elif name in without_input:
                rows.append((name, name, without_input[name], False))
        connection.begin()
        connection.execute("delete from build.withheld")
        if rows:
            connection.executemany("insert into build.withheld values (?, ?, ?, ?)", rows)
        connection.commit()


def _one_line(message: str | None, longest: int = 200) -> str:
    return " ".join((message or "dbt gives no reason").split())[:longest]


def _make_empty(connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any]) -> None:
    """The table of a mart as its contract has it, without a row."""
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

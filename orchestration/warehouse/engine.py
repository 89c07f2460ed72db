"""The engine that runs dbt's models: DuckDB in the warehouse file, or Spark in a lake directory beside it."""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager

from orchestration.warehouse import catalog
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.made_of import built_by

WAREHOUSE_VARIABLE = "SMALLCAP_WAREHOUSE"


class Engine(Protocol):
    """What a build needs of an engine."""

    @property
    def target(self) -> str:
        """The name of dbt's target in profiles.yml."""

    def check(self) -> None:
        """Raise an error that says what to do if the engine cannot run on this machine."""

    def environment(self, warehouse: Warehouse) -> dict[str, str]:
        """The variables that dbt's profile and macros read."""

    @property
    def keeps_views(self) -> bool:
        """Whether a build can read the views of an earlier one."""

    def readable(self, warehouse: Warehouse) -> set[str]:
        """The names of what a build can read without building it."""

    def keep_raw(self, warehouse: Warehouse, tables: Collection[str]) -> None:
        """Keep what was ingested into the raw tables where the engine reads it."""

    def session(self, warehouse: Warehouse, *, everything: bool) -> AbstractContextManager[None]:
        """What a build needs around it; raw is complete. `everything`: no table of an earlier build is read."""

    def also_select(self, select: Collection[str]) -> list[str]:
        """The selectors with those that the engine needs in addition; empty means everything."""

    def read_built(self, warehouse: Warehouse, nodes: Collection[Mapping[str, Any]]) -> dict[str, str]:
        """Copy the nodes of the manifest that were built to the warehouse; why one does not fulfil its contract, by name."""

    def release(self) -> None:
        """Close what a dbt command left open."""


@dataclass(frozen=True)
class DuckDb:
    """DuckDB: dbt writes to the warehouse itself."""

    target: str = "duckdb"
    keeps_views: bool = True

    def check(self) -> None:
        """It is always there."""

    def environment(self, warehouse: Warehouse) -> dict[str, str]:
        """The path of the warehouse."""
        return {WAREHOUSE_VARIABLE: str(warehouse.path)}

    def readable(self, warehouse: Warehouse) -> set[str]:
        """Every table and view of the warehouse."""
        return {table for _, table in catalog.columns(warehouse)}

    def keep_raw(self, warehouse: Warehouse, tables: Collection[str]) -> None:
        """Nothing to do: the models read the warehouse."""

    def session(self, warehouse: Warehouse, *, everything: bool) -> AbstractContextManager[None]:
        """Nothing."""
        return nullcontext()

    def also_select(self, select: Collection[str]) -> list[str]:
        """The selectors."""
        return list(select)

    def read_built(self, warehouse: Warehouse, nodes: Collection[Mapping[str, Any]]) -> dict[str, str]:
        """Nothing to do: dbt reports a contract that is not fulfilled."""
        return {}

    def release(self) -> None:
        """Close the connection of dbt-duckdb, which would otherwise lock the file until the process ends."""
        environment = DuckDBConnectionManager._ENV
        if environment is not None:
            environment.close()
        DuckDBConnectionManager.close_all_connections()


@dataclass(frozen=True)
class Spark:
    """Spark: dbt reads and writes Parquet in the lake; each step of ingesting writes there, and the marts are read from there.

    One run at a time writes to the lake, as to the warehouse: it holds the lock of the data directory.
    """

    lake: Path
    memory: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    target: str = "spark"
    keeps_views: bool = False  # they are in the session's catalog only

    @contextmanager
    def _connect(self, warehouse: Warehouse) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection within the limit of memory."""
        with warehouse.connect() as connection:
            if self.memory:
                connection.execute(f"set memory_limit = '{self.memory}'")
            yield connection

    def check(self) -> None:
        """Check that Spark and a Java for it are installed.

        Raises:
            SparkUnusable: one is missing or too old.
        """
        from orchestration.warehouse.spark.session import check_spark

        check_spark()

    def environment(self, warehouse: Warehouse) -> dict[str, str]:
        """The directory of the lake."""
        from orchestration.warehouse.spark.lake import LAKE_VARIABLE

        return {LAKE_VARIABLE: str(self.lake)}

    def readable(self, warehouse: Warehouse) -> set[str]:
        """The tables of the lake that are those of the warehouse: DuckDB has not built them again."""
        from orchestration.warehouse.spark import lake

        with warehouse.connect() as connection:
            return built_by(connection, self.target) & {name for _, name in lake.built_tables(self.lake)}

    def keep_raw(self, warehouse: Warehouse, tables: Collection[str]) -> None:
        """Append what is new in these tables to the lake."""
        from orchestration.warehouse.spark import lake

        with self._connect(warehouse) as connection:
            lake.append_raw(connection, self.lake, tables)

    @contextmanager
    def session(self, warehouse: Warehouse, *, everything: bool) -> Iterator[None]:
        """Append what the lake still lacks of raw, start a session, and enter the tables of the lake in its catalog.

        The lake lacks something after a change of engine, or if a run was killed while it ingested.

        Raises:
            SparkUnusable: Spark cannot run on this machine.
        """
        from orchestration.warehouse.spark import adapter, lake, session

        self.check()
        if everything:
            lake.remove_built(self.lake)
        self.keep_raw(warehouse, lake.RAW)
        os.environ.update(self.environment(warehouse))
        adapter.extend_dbt_spark()
        settings = {**session.spark_settings(self.lake, self.memory), **self.settings}
        with session.spark_session(settings) as running:
            try:
                lake.enter_tables(running, self.lake)
            except Exception:  # the errors of a session that has ended have no common class
                session.check_session()
                raise
            yield

    def also_select(self, select: Collection[str]) -> list[str]:
        """The views that the selected models depend on are made again in every build."""
        return [*select, *(f"+{one.lstrip('+')},config.materialized:view" for one in select)]

    def read_built(self, warehouse: Warehouse, nodes: Collection[Mapping[str, Any]]) -> dict[str, str]:
        """Read the tables into the warehouse.

        Raises:
            SparkUnusable: the session has ended, for example for lack of memory.
        """
        from orchestration.warehouse.spark import lake, session

        session.check_session()
        with self._connect(warehouse) as connection:
            return lake.read_built(connection, self.lake, nodes)

    def release(self) -> None:
        """Nothing to do: the session is stopped after the build."""

"""Dagster's event log, with one SQLite connection per file instead of one per statement.

A run records about a thousand events over about four thousand connections; opening and closing them took a sixth of a run.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import QueuePool

# Each run has its own file; a server that shows many runs must not keep all of them open.
OPEN_FILES = 8


class RunHistory(SqliteEventLogStorage):
    """Uses Dagster's files and tables, so that Dagster's own storage can read them."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "RunHistory":
        """Called by Dagster with the configuration of `dagster.yaml`."""
        return cls(inst_data=inst_data, **config_value)

    def has_table(self, table_name: str) -> bool:
        """Cache the answer: Dagster asks before many writes, and tables are never dropped."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        """Close every file."""
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()
        super().dispose()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        # Only one thread at a time may use the connection.
        with self._db_lock:
            if shard not in self._engines:
                self._engines[shard] = self._new_engine(shard)
            self._engines.move_to_end(shard)
            while len(self._engines) > OPEN_FILES:
                self._engines.popitem(last=False)[1].dispose()
            with self._engines[shard].begin() as connection:
                yield connection

    def _new_engine(self, shard: str) -> Engine:
        engine = create_engine(
            self.conn_string_for_shard(shard),
            poolclass=QueuePool,
            pool_size=2,  # creating the tables needs two
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        event.listen(engine, "connect", _flush_at_checkpoints)
        self._initdb(engine)
        return engine


def _flush_at_checkpoints(connection: Any, _: Any) -> None:
    """Flush at checkpoints instead of after each write (WAL mode).

    A killed process loses nothing; a power failure may lose the newest events of a run, but no market data.
    """
    connection.execute("pragma synchronous = normal")

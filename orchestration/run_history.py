"""Dagster's event log, with one SQLite engine a file instead of one a statement.

A run books about a thousand events; Dagster's own storage builds an SQLAlchemy engine for each of some four thousand
connections, which took a tenth of a whole run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool


class RunHistory(SqliteEventLogStorage):
    """The files and tables are Dagster's: its own storage can read them at any time."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "RunHistory":
        """Built by Dagster from `dagster.yaml`."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engines.get(shard) or self._new_engine(shard)
            with engine.begin() as connection:
                yield connection

    def _new_engine(self, shard: str) -> Engine:
        engine = create_engine(
            self.conn_string_for_shard(shard), poolclass=NullPool, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
        )
        event.listen(engine, "connect", _flush_at_checkpoints)
        self._initdb(engine)
        self._engines[shard] = engine
        return engine


def _flush_at_checkpoints(connection: Any, _: Any) -> None:
    """Files in WAL mode need no flush after each small write.

    A killed process loses nothing; a power cut may lose the newest events of a run, never data: those have files of their own.
    """
    connection.execute("pragma synchronous = normal")

"""Dagster's own home: run history and schedules, in the data directory, the same for the command line and the UI."""

import sqlite3
from pathlib import Path
from typing import Any

from orchestration.settings import Settings

# Runs that write the warehouse queue up behind each other; nobody is counted, nobody is greeted.
_CONFIGURATION = """\
concurrency:
  pools:
    default_limit: 1
    granularity: run
telemetry:
  enabled: false
nux:
  enabled: false
"""


def prepare_dagster_home(settings: Settings) -> Path:
    """Create the folder and its `dagster.yaml` where they are missing."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    configuration = home / "dagster.yaml"
    if not configuration.exists() or configuration.read_text() != _CONFIGURATION:
        configuration.write_text(_CONFIGURATION)
    return home


def relax_run_history() -> None:
    """Let Dagster's SQLite files (in WAL mode) be flushed at checkpoints instead of after each of some thousand small writes.

    A killed process loses nothing; a power cut may lose the newest events of a run, never data: those have files of their own.
    """
    from sqlalchemy import Engine, event

    @event.listens_for(Engine, "connect")
    def flush_at_checkpoints(connection: Any, _: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("pragma synchronous = normal")

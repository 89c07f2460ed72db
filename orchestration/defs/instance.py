"""Dagster's home: run history and schedules in the data directory, shared by the command line and the UI."""

import json
import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from orchestration.settings import Settings

# Runs that write the warehouse are queued; dead runs are closed; telemetry and onboarding are off.
_CONFIGURATION = """\
concurrency:
  pools:
    default_limit: 1
    granularity: run
telemetry:
  enabled: false
nux:
  enabled: false
run_launcher:
  module: orchestration.defs.dead_runs
  class: WatchedLauncher
run_monitoring:
  enabled: true
  poll_interval_seconds: 15
  cancel_timeout_seconds: 60
  free_slots_after_run_end_seconds: 1
event_log_storage:
  module: orchestration.defs.run_history
  class: RunHistory
  config:
    base_dir: {base_dir}
"""


_log = logging.getLogger(__name__)


# Checking every page of a large history would take longer than a run.
_QUICK_BYTES = 50_000_000


def _databases(home: Path) -> list[Path]:
    """The SQLite files that every run needs; the files of single runs are not checked."""
    return [
        file
        for file in (home / "history/runs.db", home / "history/runs/index.db", home / "schedules/schedules.db")
        if file.exists()
    ]


def _is_sound(file: Path) -> bool:
    """Whether SQLite's quick check passes; a file that is in use counts as sound."""
    try:
        check = "pragma quick_check(1)" if file.stat().st_size < _QUICK_BYTES else "select 'ok' from sqlite_master limit 1"
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True)) as connection:
            return bool(connection.execute(check).fetchone() == ("ok",))
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except sqlite3.DatabaseError:
        return False


def prepare_dagster_home(settings: Settings) -> Path:
    """Create the folder and its `dagster.yaml` if they are missing.

    A damaged run history, which contains no market data, is moved aside and a new one is begun.
    """
    home = settings.dagster_home
    damaged = next((file for file in _databases(home) if not _is_sound(file)), None)
    if damaged:
        aside = home.with_name(f"dagster.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")
        home.replace(aside)
        _log.warning("%s is damaged. A new run history is started; the old one is in %s.", damaged, aside)
    home.mkdir(parents=True, exist_ok=True)
    configuration, text = home / "dagster.yaml", _CONFIGURATION.format(base_dir=json.dumps(str(home / "history" / "runs")))
    if not configuration.exists() or configuration.read_text() != text:
        configuration.write_text(text)
    return home

"""Dagster's own home: run history and schedules, in the data directory, the same for the command line and the UI."""

import json
from pathlib import Path

from orchestration.settings import Settings

# Runs that write the warehouse queue up behind each other, and one whose process died is closed; nobody is counted or greeted.
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
  module: orchestration.dead_runs
  class: WatchedLauncher
run_monitoring:
  enabled: true
  poll_interval_seconds: 15
  start_timeout_seconds: 120
  cancel_timeout_seconds: 60
  free_slots_after_run_end_seconds: 1
event_log_storage:
  module: orchestration.run_history
  class: RunHistory
  config:
    base_dir: {base_dir}
"""


def prepare_dagster_home(settings: Settings) -> Path:
    """Create the folder and its `dagster.yaml` where they are missing."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    configuration, text = home / "dagster.yaml", _CONFIGURATION.format(base_dir=json.dumps(str(home / "history" / "runs")))
    if not configuration.exists() or configuration.read_text() != text:
        configuration.write_text(text)
    return home

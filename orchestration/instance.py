"""Dagster's own home: run history and schedules, in the data directory, the same for the command line and the UI."""

from pathlib import Path

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

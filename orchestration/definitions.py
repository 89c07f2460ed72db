"""The Dagster code location, with settings from the environment; `defs/build.py` assembles it."""

import dagster as dg

from orchestration.defs.build import build_defs
from orchestration.settings import Settings


@dg.definitions
def defs() -> dg.Definitions:
    """The code location that `workspace.yaml` names."""
    return build_defs(Settings())

"""The Dagster code location, with settings from the environment. Everything in it is put together in `defs/build.py`."""

import dagster as dg

from orchestration.defs.build import build_defs
from orchestration.settings import Settings


@dg.definitions
def defs() -> dg.Definitions:
    """The code location that `workspace.yaml` names."""
    return build_defs(Settings())

"""The Dagster definitions: every asset, check, job, schedule and resource, on one screen."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import dagster as dg

from orchestration.defs.assets.history import ishares_holdings_history
from orchestration.defs.assets.landing import landing_assets
from orchestration.defs.assets.models import dbt_models
from orchestration.defs.assets.notifications import notifications
from orchestration.defs.assets.published import published_assets
from orchestration.defs.assets.raw import raw_assets
from orchestration.defs.checks import checks
from orchestration.defs.dead_runs import one_process
from orchestration.defs.jobs import jobs, schedules
from orchestration.defs.sensors import landing_sensor
from orchestration.files import clear_unfinished
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse, clear_unfinished_rebuild, writer_lock

# Dagster warns on every start that code references are beta.
warnings.filterwarnings("ignore", message=".*(CodeReference|with_source_code_references)", category=dg.BetaWarning)

# Tolerates a long weekend, but not two missed runs.
FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=6), warn_window=timedelta(days=4, hours=6))

UNFINISHED_REBUILD = (
    "a rebuild ended before its warehouse replaced the current one; its files are removed: for a rebuilt warehouse, run"
    " `smallcap rebuild` again"
)


class WriterOfWarehouse(dg.ConfigurableResource[Warehouse]):
    """The warehouse; only one run at a time may write to the data directory."""

    data_dir: str
    warehouse_path: str
    own_landing_dir: str
    unfinished_rebuild_dir: str | None
    wait_seconds: float

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Warehouse]:
        """Hold the writer lock for the run, and remove unfinished files of a killed run."""
        with writer_lock(Path(self.data_dir), self.wait_seconds):
            clear_unfinished(Path(self.own_landing_dir))
            unfinished = self.unfinished_rebuild_dir
            if unfinished and clear_unfinished_rebuild(Path(self.data_dir), Path(unfinished)) and context.log:
                context.log.warning(UNFINISHED_REBUILD)
            yield Warehouse(Path(self.warehouse_path))


def build_defs(settings: Settings, *, console: dg.LoggerDefinition | None = None) -> dg.Definitions:
    """The Dagster definitions for one set of settings; `console` replaces Dagster's log on the terminal.

    Raises:
        BuildFailed: the dbt project does not parse.
    """
    warehouse = WriterOfWarehouse(
        data_dir=str(settings.home),
        warehouse_path=str(settings.warehouse_path),
        own_landing_dir=str(settings.own_landing_dir),
        unfinished_rebuild_dir=None if settings.rebuilding else str(settings.rebuild_dir),
        wait_seconds=settings.writer_wait_seconds,
    )
    landing, published = [*landing_assets], published_assets(settings)
    fresh = dg.map_asset_specs(lambda spec: dg.apply_freshness_policy(spec, FRESH), [*landing, published])
    return dg.Definitions(
        assets=dg.with_source_code_references(
            [*fresh, ishares_holdings_history, *raw_assets, dbt_models(settings), notifications]
        ),
        asset_checks=checks,
        jobs=jobs,
        schedules=schedules,
        sensors=[landing_sensor(settings)],
        resources={"settings": settings, "warehouse": warehouse},
        loggers={"console": console} if console else {},
        executor=one_process,
    )

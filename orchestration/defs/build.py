"""What Dagster knows: every asset, check, job, schedule and resource, on one screen."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.defs.assets.history import ishares_holdings_history
from orchestration.defs.assets.landing import landing_assets
from orchestration.defs.assets.models import dbt_models
from orchestration.defs.assets.published import published_assets
from orchestration.defs.assets.raw import raw_assets
from orchestration.defs.checks import checks
from orchestration.defs.dead_runs import one_process
from orchestration.defs.jobs import jobs, schedules
from orchestration.files import clear_unfinished
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse, clear_unfinished_rebuild, writer_lock


def build_defs(settings: Settings, *, console: dg.LoggerDefinition | None = None) -> dg.Definitions:
    """Everything Dagster needs to know, for one set of settings; `console` replaces Dagster's own log on the terminal."""

    @dg.resource(description="The warehouse; one run at a time may write to it.")
    def warehouse(_: dg.InitResourceContext) -> Iterator[Warehouse]:
        with writer_lock(settings.home, settings.writer_wait_seconds):
            clear_unfinished(settings.own_landing_dir)
            if not settings.rebuilding:
                clear_unfinished_rebuild(settings.home, settings.rebuild_dir)
            yield Warehouse(settings.warehouse_path)

    resources: dict[str, Any] = {"settings": settings, "warehouse": warehouse}
    return dg.Definitions(
        assets=[*landing_assets, ishares_holdings_history, *raw_assets, dbt_models(settings), published_assets(settings)],
        asset_checks=checks,
        jobs=jobs,
        schedules=schedules,
        resources=resources,
        loggers={"console": console} if console else {},
        executor=one_process,
    )

"""Jobs and schedules: what runs together, and when."""

from datetime import timedelta
from typing import Any

import dagster as dg

from orchestration import market_calendar
from orchestration.defs.assets.groups import group
from orchestration.defs.assets.history import HISTORY
from orchestration.defs.assets.landing import landing_key
from orchestration.defs.assets.notifications import GROUP as NOTIFY
from orchestration.defs.assets.published import GROUP as PUBLISHED
from orchestration.defs.assets.raw import QUOTE_TABLES
from orchestration.defs.dead_runs import one_process
from orchestration.vendors.registry import FEEDS
from orchestration.vendors.yahoo.member_prices import FEED as MEMBER_PRICES
from orchestration.vendors.yahoo.quotes import FEED as QUOTES

DAILY_JOB, BACKFILL_JOB = "daily", "backfill"


# All tables of a release, and the notifications.
RELEASE = dg.AssetSelection.groups(group(PUBLISHED), group(NOTIFY))


def build_config(*, force: bool) -> dict[str, Any]:
    """Run configuration of the daily job; `force` makes a release even if nothing has changed."""
    return {"ops": {"dbt_models": {"config": {"skip_unchanged": not force}}}}


daily_job = dg.define_asset_job(
    DAILY_JOB,
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(HISTORY),
    description="Everything, from documents to a release; no new release if nothing has changed.",
    config=build_config(force=False),
    executor_def=one_process,
)


def _only(name: str, kind: str, description: str) -> Any:
    """A job for the feeds of one kind, from their documents to a release; all other data remain as last known. It requires the
    tables of one daily run."""
    documents = dg.AssetSelection.assets(*(landing_key(feed) for feed in FEEDS if feed.kind == kind))
    # The holdings determine who the members are; the prices of the members have a job of their own.
    members = dg.AssetSelection.assets(landing_key(MEMBER_PRICES))
    return dg.define_asset_job(
        name,
        # A release has every table, whichever of them this job computes.
        selection=(documents.downstream() - (members - documents)) | RELEASE,
        description=description,
        executor_def=one_process,
    )


prices_job = _only(
    "prices", "prices", "Prices, fund data, quotes and every dependent table, to a release; requires one daily run before."
)
holdings_job = _only(
    "holdings",
    "holdings",
    "Holdings and every dependent table, to a release; requires one daily run before.",
)
members_job = _only(
    "members",
    "member_prices",
    "Prices of the universes' members and the tables that depend on them, to a release; requires one daily run before.",
)
quotes_job = dg.define_asset_job(
    "quotes",
    selection=dg.AssetSelection.assets(landing_key(QUOTES), *(dg.AssetKey(["raw", table]) for table in QUOTE_TABLES)),
    description="Quotes of the funds and their options, while the exchange is open; the next daily run publishes them. Requires "
    "one daily run before.",
    executor_def=one_process,
)
publish_job = dg.define_asset_job(
    "publish",
    selection=RELEASE,
    description="A new release from the current warehouse; nothing is fetched or computed.",
    executor_def=one_process,
)
backfill_job = dg.define_asset_job(
    BACKFILL_JOB,
    selection=dg.AssetSelection.assets(HISTORY),
    description="Fetch iShares holdings of past months into landing; the next daily run reads them.",
    executor_def=one_process,
)


@dg.schedule(
    job=daily_job,
    cron_schedule="30 18 * * 1-5",
    execution_timezone="America/New_York",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="After the New York close, when closing bars are final; days without a session are skipped.",
)
def after_the_close(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Request one run per session."""
    day = context.scheduled_execution_time.date()
    if not market_calendar.is_session(day):
        return dg.SkipReason(f"XNYS does not trade on {day}.")
    return dg.RunRequest(run_key=day.isoformat(), tags={"session": day.isoformat()})


@dg.schedule(
    job=quotes_job,
    cron_schedule=["30 15 * * 1-5", "30 12 * * 1-5"],
    execution_timezone="America/New_York",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Half an hour before the close, at 12:30 on half days: a quote outside regular hours says nothing of the spread.",
)
def before_the_close(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Request one run per session, half an hour before it closes."""
    at = context.scheduled_execution_time
    closes_at = market_calendar.closing(at.date())
    if closes_at is None or not timedelta() < closes_at - at <= timedelta(hours=1):
        return dg.SkipReason(f"XNYS does not close within the hour after {at:%Y-%m-%d %H:%M}.")
    return dg.RunRequest(run_key=f"quotes {at:%Y-%m-%d}", tags={"session": at.date().isoformat()})


jobs = [daily_job, prices_job, holdings_job, members_job, quotes_job, publish_job, backfill_job]
schedules = [after_the_close, before_the_close]

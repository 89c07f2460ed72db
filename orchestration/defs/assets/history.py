"""The landing asset of past months: partitioned by month, fetched on demand, not part of the daily run."""

import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import date

import dagster as dg

from orchestration.defs.assets.groups import group
from orchestration.defs.assets.landing import GROUP, client_of, landing_of
from orchestration.landing.backfill import FIRST_MONTH, backfill_month
from orchestration.landing.collect import Collected
from orchestration.settings import Settings, Source
from orchestration.universe import load_universe
from orchestration.vendors import ishares

HISTORY = dg.AssetKey([GROUP, "ishares_holdings_history"])
MONTHS = dg.MonthlyPartitionsDefinition(start_date=FIRST_MONTH.isoformat(), timezone="America/New_York")

# Dagster warns on every start that this is beta.
warnings.filterwarnings("ignore", message=".*backfill_policy", category=dg.BetaWarning)


@dg.asset(
    key=HISTORY, group_name=group(GROUP), kinds={"ishares", "file"}, owners=["team:data"],
    partitions_def=MONTHS, pool="ishares_history",
    # One run for all requested months, so that one rate limit applies to all of them.
    backfill_policy=dg.BackfillPolicy.single_run(),
    description="Holdings of iShares funds at past month-ends, one partition per month, fetched once, with source live. The "
    "daily run reads them. A failed month can be requested again; documents that are present are kept.",
)  # fmt: skip
def ishares_holdings_history(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetMaterialization]:
    """Fetch each month that landing lacks; fail at the end and name the failed documents, if any."""
    if settings.source is not Source.live or settings.known_at is not None:
        raise dg.Failure(f"Past months can only be fetched with source live; the source is {settings.source.value}.")
    landing, client = landing_of(settings), client_of(settings, ishares.FEED)
    months: dict[str, list[Collected]] = {}
    for month in context.partition_keys:
        months[month] = backfill_month(ishares.FEED, landing, date.fromisoformat(month), load_universe(), client)
        context.log.info(f"{month[:7]}: " + ", ".join(f"{o.symbol} {o.status}" for o in months[month]))
    failed = {month: [o for o in outcomes if o.status == "failed"] for month, outcomes in months.items()}
    if any(failed.values()):
        for month in (month for month, failures in failed.items() if not failures):
            yield dg.AssetMaterialization(HISTORY, partition=month, metadata=_metadata([months[month]]))
        named = [f"{month[:7]} {o.symbol}: {o.detail}" for month, failures in failed.items() for o in failures]
        raise dg.Failure(f"{len(named)} documents failed; request these months again: {'; '.join(named[:10])}")
    yield dg.MaterializeResult(metadata=_metadata(list(months.values())))


def _metadata(months: list[list[Collected]]) -> dict[str, int]:
    """Documents by outcome."""
    counts = Counter(outcome.status for outcomes in months for outcome in outcomes)
    return {"new": counts["new"], "present": counts["present"], "no_data": counts["no data"]}

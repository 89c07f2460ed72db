"""Landing assets: one per feed."""

from collections import Counter
from functools import partial
from typing import Any

import dagster as dg

from orchestration.defs.assets.groups import group
from orchestration.landing.collect import (
    BY_HAND,
    Collected,
    Landing,
    collect_sessions,
    fetch_all,
    list_present,
    simulate,
)
from orchestration.raw.fetches import Fetch, record
from orchestration.raw.queries import known_bars
from orchestration.settings import Settings, Source
from orchestration.universe import load_universe
from orchestration.vendors.feed import Feed
from orchestration.vendors.http import Client
from orchestration.vendors.registry import CALENDAR as CALENDAR_FEED
from orchestration.vendors.registry import FEEDS, address
from orchestration.warehouse.connection import Warehouse

GROUP = "landing"
CALENDAR = dg.AssetKey([GROUP, "nyse_sessions"])


def landing_key(feed: Feed) -> dg.AssetKey:
    """The asset of a feed's documents."""
    return CALENDAR if feed is CALENDAR_FEED else dg.AssetKey([GROUP, feed.name])


def landing_of(settings: Settings) -> Landing:
    """The landing folders of a run."""
    return Landing(settings.own_landing_dir, settings.landing_dirs, settings.clock)


def client_of(settings: Settings, feed: Feed) -> Client:
    """The HTTP client of a feed's vendor, with its own rate limit."""
    return Client(address(feed.vendor, settings.vendor_urls), settings.fetch_limits, settings.home)


@dg.asset(
    key=CALENDAR, group_name=group(GROUP), kinds={"parquet"}, owners=["team:data"], description=CALENDAR_FEED.description
)  # fmt: skip
def nyse_sessions(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
    """Write the calendar document if it is missing or out of date."""
    landing = landing_of(settings)
    outcomes = collect_sessions(landing)
    return dg.MaterializeResult(metadata=_metadata(landing_of(settings), CALENDAR_FEED, outcomes))


def _landing_asset(feed: Feed) -> dg.AssetsDefinition:
    @dg.asset(
        key=landing_key(feed), group_name=group(GROUP), kinds={feed.vendor, "file"}, owners=["team:data"],
        description=feed.description, deps=[CALENDAR, *(dg.AssetKey([GROUP, name]) for name in feed.after)],
        op_tags={"vendor": feed.vendor},
    )  # fmt: skip
    def documents(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        outcomes = _collect(feed, settings, warehouse)
        for outcome in outcomes:
            if outcome.status == "failed":
                context.log.warning(f"{feed.vendor} {outcome.symbol}: {outcome.detail}; the known data remain current")
            elif outcome.status == BY_HAND:
                context.log.info(f"{feed.vendor} {outcome.symbol}: {outcome.detail}")
        return dg.MaterializeResult(metadata=_metadata(landing_of(settings), feed, outcomes))

    return documents


def _collect(feed: Feed, settings: Settings, warehouse: Warehouse) -> list[Collected]:
    landing = landing_of(settings)
    if settings.source is Source.sample:
        return simulate(feed, landing)
    if not settings.fetches:
        return list_present(feed, landing)
    outcomes = fetch_all(feed, landing, load_universe(), partial(client_of, settings, feed), partial(known_bars, warehouse))
    at = settings.clock.replace(tzinfo=None)
    warehouse.prepare()
    with warehouse.connect() as connection:
        asked = (one for one in outcomes if one.status != BY_HAND)
        record(connection, (Fetch(feed.vendor, feed.kind, one.symbol, at, one.status, one.detail or None) for one in asked))
    return outcomes


def _metadata(landing: Landing, feed: Feed, outcomes: list[Collected]) -> dict[str, Any]:
    documents = landing.documents(feed)
    counts = Counter(outcome.status for outcome in outcomes)
    table = ["symbol | outcome | detail", "--- | --- | ---"]
    table += [f"{o.symbol} | {o.status} | {o.detail.replace('|', '/')}" for o in outcomes]
    return {
        "documents": len(documents),
        "new": counts["new"],
        "failed": counts["failed"],
        "asked": len(outcomes) - counts[BY_HAND],
        "newest": documents[-1].path.name if documents else "none",
        "outcomes": dg.MetadataValue.md("\n".join(table)),
    }


landing_assets = [nyse_sessions, *(_landing_asset(feed) for feed in FEEDS)]

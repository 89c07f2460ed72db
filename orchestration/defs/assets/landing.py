"""Landing assets: one per feed."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

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
from orchestration.landing.members import Failures, Reporting, due_symbols, fetch_members
from orchestration.raw.fetches import Fetch, record
from orchestration.raw.queries import (
    incomplete_quotes,
    known_bars,
    known_member_bars,
    last_final_at,
    member_failures,
    member_symbols,
)
from orchestration.settings import SEEDS_DIR, Settings, Source
from orchestration.universe import load_universe
from orchestration.vendors.feed import Feed
from orchestration.vendors.http import Client
from orchestration.vendors.registry import CALENDAR as CALENDAR_FEED
from orchestration.vendors.registry import FEEDS, address
from orchestration.vendors.yahoo.member_prices import FEED as MEMBER_PRICES
from orchestration.vendors.yahoo.member_prices import OVERLAP_SESSIONS
from orchestration.vendors.yahoo.screener import FEED as MARKET_CAPS
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
    """The HTTP client of a feed's vendor."""
    return Client(address(feed.vendor, settings.vendor_urls), settings.fetch_limits, settings.home)


@dg.asset(
    key=CALENDAR, group_name=group(GROUP), kinds={"parquet"}, owners=["team:data"], description=CALENDAR_FEED.description
)  # fmt: skip
def nyse_sessions(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
    """Write the calendar document if it is missing or out of date."""
    landing = landing_of(settings)
    outcomes = collect_sessions(landing)
    return dg.MaterializeResult(metadata=_metadata(landing_of(settings), CALENDAR_FEED, outcomes))


def _read_first(feed: Feed) -> list[dg.AssetKey]:
    """The raw tables that say what to ask for: who the members are, and what is known of them."""
    return [dg.AssetKey(["raw", "sessions"]), dg.AssetKey(["raw", "holdings"])] if feed is MEMBER_PRICES else []


def _landing_asset(feed: Feed) -> dg.AssetsDefinition:
    @dg.asset(
        key=landing_key(feed), group_name=group(GROUP), kinds={feed.vendor, "file"}, owners=["team:data"],
        description=feed.description, deps=[CALENDAR, *(dg.AssetKey([GROUP, name]) for name in feed.after), *_read_first(feed)],
        op_tags={"vendor": feed.vendor},
    )  # fmt: skip
    def documents(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        outcomes = _collect(feed, settings, warehouse, context.log.info)
        for outcome in outcomes:
            if outcome.status == "failed":
                context.log.warning(f"{feed.vendor} {outcome.symbol}: {outcome.detail}; the known data remain current")
            elif outcome.status == BY_HAND:
                context.log.info(f"{feed.vendor} {outcome.symbol}: {outcome.detail}")
        return dg.MaterializeResult(metadata=_metadata(landing_of(settings), feed, outcomes))

    return documents


def _is_wanted(feed: Feed, settings: Settings) -> bool:
    """Whether to fetch: what needs many requests is fetched only if a person asks for it."""
    optional = {MEMBER_PRICES.name: settings.member_prices, MARKET_CAPS.name: settings.market_caps}
    return optional.get(feed.name, True)


def _collect(feed: Feed, settings: Settings, warehouse: Warehouse, say: Callable[[str], None]) -> list[Collected]:
    landing = landing_of(settings)
    if settings.source is Source.sample:
        return simulate(feed, landing)
    if not settings.fetches or not _is_wanted(feed, settings):
        return list_present(feed, landing)
    if feed is MEMBER_PRICES:
        return _collect_members(settings, warehouse, landing, say)
    outcomes = fetch_all(
        feed, landing, load_universe(), partial(client_of, settings, feed), partial(known_bars, warehouse),
        option_days=settings.option_days,
        incomplete=incomplete_quotes(warehouse, settings.option_days) if feed.once_a_session else frozenset(),
    )  # fmt: skip
    at = settings.clock.replace(tzinfo=None)
    warehouse.prepare()
    with warehouse.connect() as connection:
        asked = (one for one in outcomes if one.status != BY_HAND)
        record(connection, (Fetch(feed.vendor, feed.kind, one.symbol, at, one.status, one.detail or None) for one in asked))
    return outcomes


def _collect_members(settings: Settings, warehouse: Warehouse, landing: Landing, say: Callable[[str], None]) -> list[Collected]:
    """Ask for the members that are due; the outcomes are recorded document by document."""
    warehouse.prepare()
    universes = pl.read_csv(SEEDS_DIR / "universes.csv")["holdings_fund"].unique(maintain_order=True).to_list()
    classes = pl.read_csv(SEEDS_DIR / "holdings_classes.csv").filter(pl.col("holdings_class") == "equity")
    members = member_symbols(warehouse, universes, classes["asset_class_label"].to_list())
    failures = {symbol: Failures(days, last) for symbol, days, last in member_failures(warehouse)}
    final_at = last_final_at(warehouse, settings.clock)
    due = due_symbols(members, failures, landing, final_at) if final_at else []
    seconds = len(due) * settings.member_prices_pause_seconds
    say(f"{len(members):,} members, {len(due):,} of them to ask for, in {seconds:.0f} s at least")

    def keep(outcomes: Sequence[Collected]) -> None:
        at = datetime.now(UTC).replace(tzinfo=None)
        with warehouse.connect() as connection:
            record(
                connection,
                (Fetch(MEMBER_PRICES.vendor, MEMBER_PRICES.kind, o.symbol, at, o.status, o.detail or None) for o in outcomes),
            )

    client = Client(address(MEMBER_PRICES.vendor, settings.vendor_urls), settings.member_limits, settings.home)
    known = known_member_bars(warehouse, OVERLAP_SESSIONS)
    report = Reporting(say=say, record=keep, now=lambda: datetime.now(UTC))
    return fetch_members(due, known, landing, client, since=settings.member_prices_since, report=report)


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

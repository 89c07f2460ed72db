"""Fetches through a feed as in a run, against a local server."""

from datetime import date

import polars as pl

from orchestration.settings import Settings
from orchestration.vendors.feed import Feed, Fetched, Request
from orchestration.vendors.http import Client
from orchestration.vendors.registry import address
from tests.vendors import documents as invented


def client_of(feed: Feed, settings: Settings) -> Client:
    return Client(address(feed.vendor, settings.vendor_urls), settings.fetch_limits, settings.home)


def ask(
    feed: Feed, settings: Settings, symbol: str, *, known: pl.DataFrame | None = None, as_of: date | None = None,
    client: Client | None = None,
) -> Fetched:  # fmt: skip
    """Fetch one document of a feed."""
    assert feed.fetch is not None
    fund = invented.UNIVERSE.get(symbol)
    request = Request(symbol=symbol, fund=fund, today=settings.today, known_bars=known, as_of=as_of)
    return feed.fetch(request, client or client_of(feed, settings))

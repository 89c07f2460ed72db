"""Landing assets: one a vendor and kind of document."""

from collections import Counter
from functools import partial
from typing import Any

import dagster as dg

from orchestration import inspection, market_calendar
from orchestration.assets.groups import group
from orchestration.collect import BY_HAND, Collected, collect, collect_sessions, documents_of
from orchestration.fetches import Fetch, record
from orchestration.settings import Settings
from orchestration.universe import load_universe
from orchestration.vendors import fred, invesco, ishares, schwab, ssga, vanguard, yahoo, yahoo_funds
from orchestration.warehouse import Warehouse

GROUP = "landing"
CALENDAR = dg.AssetKey([GROUP, "nyse_sessions"])
_DESCRIPTIONS = {
    (yahoo.VENDOR, yahoo.KIND): "Daily bars, dividends, splits: one document a symbol and retrieval, as yfinance gave it.",
    (
        yahoo_funds.VENDOR,
        yahoo_funds.KIND,
    ): "What Yahoo tells of each fund: fees, assets, yield, quote, top holdings, sectors. One JSON a fund and retrieval.",
    (ishares.VENDOR, ishares.KIND): "Holdings of iShares funds: the issuer's CSV, one document a fund and retrieval.",
    (ssga.VENDOR, ssga.KIND): "Holdings of State Street funds: the issuer's Excel sheet, one document a fund and retrieval.",
    (invesco.VENDOR, invesco.KIND): "Holdings of Invesco funds: JSON or the older CSV, one document a fund and retrieval.",
    (vanguard.VENDOR, vanguard.KIND): "Holdings of Vanguard funds: the issuer's JSON, one document a fund and retrieval.",
    (schwab.VENDOR, schwab.KIND): "Holdings of Schwab funds: CSV files that a person downloads and drops here, since the issuer "
    "refuses programs.",
    (fred.VENDOR, fred.KIND): "Interest rates: one CSV a FRED series and retrieval.",
}


def landing_key(vendor: str, kind: str) -> dg.AssetKey:
    """The asset of a vendor's documents of one kind."""
    return dg.AssetKey([GROUP, f"{vendor}_{kind}"])


@dg.asset(
    key=CALENDAR, group_name=group(GROUP), kinds={"parquet"}, owners=["team:data"],
    description="Trading days of the New York Stock Exchange with their opening and closing times, from exchange_calendars.",
)  # fmt: skip
def nyse_sessions(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
    """Write the calendar's document where it is missing or out of date."""
    outcomes = collect_sessions(settings)
    return dg.MaterializeResult(metadata=_metadata(settings, market_calendar.VENDOR, market_calendar.KIND, outcomes))


def _asked_after(vendor: str, kind: str) -> list[dg.AssetKey]:
    """Fund data need what prices do without, and are refused more often: they come last, so that no refusal costs a price."""
    prices = [landing_key(yahoo.VENDOR, yahoo.KIND)] if (vendor, kind) == (yahoo_funds.VENDOR, yahoo_funds.KIND) else []
    return [CALENDAR, *prices]


def _landing_asset(vendor: str, kind: str, description: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=landing_key(vendor, kind), group_name=group(GROUP), kinds={vendor, "file"}, owners=["team:data"],
        description=description, deps=_asked_after(vendor, kind), op_tags={"vendor": vendor},
    )  # fmt: skip
    def documents(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        outcomes = collect(settings, vendor, kind, load_universe(), partial(inspection.known_bars, warehouse))
        _record(settings, warehouse, vendor, kind, outcomes)
        for failure in (outcome for outcome in outcomes if outcome.status == "failed"):
            context.log.warning(f"{vendor} {failure.symbol}: {failure.detail}; what was known before remains current")
        for task in (outcome for outcome in outcomes if outcome.status == BY_HAND):
            context.log.info(f"{vendor} {task.symbol}: {task.detail}")
        return dg.MaterializeResult(metadata=_metadata(settings, vendor, kind, outcomes))

    return documents


def _record(settings: Settings, warehouse: Warehouse, vendor: str, kind: str, outcomes: list[Collected]) -> None:
    """Only what was asked of somebody is a request."""
    if not settings.fetches:
        return
    at = settings.clock.replace(tzinfo=None)
    asked = [outcome for outcome in outcomes if outcome.status != BY_HAND]
    warehouse.prepare()
    with warehouse.connect() as connection:
        record(connection, (Fetch(vendor, kind, one.symbol, at, one.status, one.detail or None) for one in asked))


def _metadata(settings: Settings, vendor: str, kind: str, outcomes: list[Collected]) -> dict[str, Any]:
    documents = documents_of(settings, vendor, kind)
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


landing_assets = [nyse_sessions, *(_landing_asset(*place, text) for place, text in _DESCRIPTIONS.items())]

"""Raw assets: documents ingested into append-only observations, with one step per kind of document."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from orchestration.defs.assets.groups import group
from orchestration.defs.assets.landing import landing_key, landing_of
from orchestration.defs.dbt_project import engine_of
from orchestration.defs.previews import recent_rejects
from orchestration.landing.collect import Landing
from orchestration.raw.decisions import read_decisions
from orchestration.raw.ingest import ingest
from orchestration.raw.ledger import Outcome
from orchestration.raw.queries import documents_of_kind, extent
from orchestration.schemas import RAW_TABLES
from orchestration.settings import Settings
from orchestration.universe import load_universe
from orchestration.vendors.feed import Feed
from orchestration.vendors.registry import CALENDAR, FEEDS
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.raw_tables import LEDGER_TABLES

GROUP = "raw"
QUOTE_TABLES = ("fund_quotes", "option_expirations", "option_quotes")


def raw_key(table: str) -> dg.AssetKey:
    """The asset of a raw table."""
    return dg.AssetKey([GROUP, table])


def _spec(table: str, deps: list[dg.AssetKey]) -> dg.AssetSpec:
    contract = RAW_TABLES[table]
    columns = [dg.TableColumn(name, str(data_type)) for name, data_type in contract.columns.items()]
    return dg.AssetSpec(
        key=raw_key(table), group_name=group(GROUP), kinds={"duckdb", "polars"}, owners=["team:data"], deps=deps,
        description=(contract.contract.__doc__ or "").strip(),
        metadata={"dagster/column_schema": dg.TableSchema(columns), "dagster/table_name": f"raw.{table}"},
    )  # fmt: skip


def _raw_assets(name: str, tables: list[str], feeds: Sequence[Feed], upstream: list[dg.AssetKey]) -> dg.AssetsDefinition:
    deps = [landing_key(feed) for feed in feeds] + upstream

    # Documents give rows for several tables at once: whichever table is selected, all documents of the step are read.
    @dg.multi_asset(name=name, specs=[_spec(table, deps) for table in tables], pool="warehouse", can_subset=True)
    def read_documents(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[None]]:
        landing = landing_of(settings)
        documents = [document for feed in feeds for document in landing.documents(feed)]
        warehouse.prepare()
        if missing := _missing(context, warehouse, landing, feeds, upstream, has_documents=bool(documents)):
            raise dg.Failure(missing, allow_retries=False)
        with warehouse.connect() as connection:
            if settings.memory_limit:
                connection.execute(f"set memory_limit = '{settings.memory_limit}'")
            outcomes = ingest(
                connection, documents, universe=load_universe(), kinds=[(feed.vendor, feed.kind) for feed in feeds],
                clock=settings.clock, decisions=read_decisions(settings.decisions_path), progress=context.log.info,
            )  # fmt: skip
        engine_of(settings).keep_raw(warehouse, tables)
        for table in tables:
            if raw_key(table) in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=raw_key(table), metadata=_metadata(warehouse, table, outcomes))

    return read_documents


def _missing(
    context: dg.AssetExecutionContext, warehouse: Warehouse, landing: Landing, feeds: Sequence[Feed],
    upstream: list[dg.AssetKey], *, has_documents: bool,
) -> str | None:  # fmt: skip
    """What to materialise before this step, as a sentence; None if nothing is missing. A whole run has all steps in order."""
    chosen = ", ".join(sorted(key.to_user_string() for key in context.selected_asset_keys))
    if raw_key("sessions") in upstream and not extent(warehouse, "sessions")[0]:
        return f"{chosen}: no sessions are known. Materialise landing/nyse_sessions and raw/sessions first."
    unread = raw_key("price_bars") in upstream and not documents_of_kind(warehouse, "prices")
    if unread and any(landing.documents(feed) for feed in _of_kind("prices")):
        return f"{chosen}: the prices in landing, for comparison, were not read yet. Materialise raw/price_bars first."
    sources = [landing_key(feed) for feed in feeds]
    # A job on its way from other documents needs none of this kind: members, quotes and others are optional.
    expected = {*sources, *upstream} - {raw_key("sessions")}
    if not has_documents and not expected & context.job_def.asset_layer.selected_asset_keys:
        listed = " or ".join(key.to_user_string() for key in sources)
        return f"{chosen}: landing has no document for it. Materialise {listed} first."
    return None


def _metadata(warehouse: Warehouse, table: str, outcomes: list[Outcome]) -> dict[str, Any]:
    rows, newest = extent(warehouse, table)
    return {
        "dagster/row_count": rows,
        "newest": str(newest) if newest else "none",
        "documents_read": len(outcomes),
        "documents_rejected": sum(outcome.status == "rejected" for outcome in outcomes),
        "documents_quarantined": sum(outcome.status == "quarantined" for outcome in outcomes),
        "rows_quarantined": sum(outcome.rows_quarantined for outcome in outcomes),
        "rows_rejected": sum(outcome.rows_rejected for outcome in outcomes),
    }


_LEDGER_DESCRIPTIONS = {
    "documents": "One row per document: path, SHA-256, as-of date, row counts, and whether it was accepted, rejected or "
    "quarantined, with rule and reason.",
    "rejects": "One row per rejected or quarantined line or document, with rule, reason and content as received.",
    "fetches": "One row per request to a vendor: time, and whether the document was new, unchanged or failed, with the reason.",
}


@dg.multi_asset(
    name="raw_ledger",
    specs=[
        dg.AssetSpec(
            raw_key(table), group_name=group(GROUP), kinds={"duckdb"}, owners=["team:data"], description=text,
            deps=[raw_key(raw_table) for raw_table in RAW_TABLES], metadata={"dagster/table_name": f"raw.{table}"},
        )
        for table, text in _LEDGER_DESCRIPTIONS.items()
    ],
    can_subset=True,
)  # fmt: skip
def raw_ledger(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
) -> Iterator[dg.MaterializeResult[None]]:
    """Report the ledger tables, which the other steps write in the same transactions as their rows."""
    warehouse.prepare()
    engine_of(settings).keep_raw(warehouse, LEDGER_TABLES)
    preview = recent_rejects(warehouse)
    for table in (table for table in LEDGER_TABLES if raw_key(table) in context.selected_asset_keys):
        rows, newest = extent(warehouse, table)
        metadata: dict[str, Any] = {"dagster/row_count": rows, "newest": str(newest) if newest else "none"}
        if table == "rejects":
            metadata["preview"] = dg.MetadataValue.md(preview)
        yield dg.MaterializeResult(asset_key=raw_key(table), metadata=metadata)


def _of_kind(*kinds: str) -> list[Feed]:
    return [feed for feed in FEEDS if feed.kind in kinds]


raw_assets = [
    _raw_assets("raw_sessions", ["sessions"], [CALENDAR], []),
    _raw_assets("raw_prices", ["price_bars", "corporate_actions"], _of_kind("prices"), [raw_key("sessions")]),
    _raw_assets(
        "raw_holdings", ["holdings", "fund_facts"], _of_kind("holdings", "fund_data"),
        # Validation compares a snapshot's market values with the fund's close.
        [raw_key("sessions"), raw_key("price_bars")],
    ),
    _raw_assets("raw_rates", ["rates"], _of_kind("rates"), [raw_key("sessions")]),
    # The factors are compared with the funds and the rates, quotes and members with the funds' closes.
    _raw_assets(
        "raw_factors", ["factors"], _of_kind("factors"), [raw_key("sessions"), raw_key("price_bars"), raw_key("rates")]
    ),
    _raw_assets("raw_member_prices", ["member_bars"], _of_kind("member_prices"), [raw_key("sessions"), raw_key("price_bars")]),
    _raw_assets("raw_market_caps", ["market_caps"], _of_kind("market_caps"), [raw_key("sessions")]),
    _raw_assets("raw_quotes", list(QUOTE_TABLES), _of_kind("quotes"), [raw_key("sessions"), raw_key("price_bars")]),
    raw_ledger,
]  # fmt: skip

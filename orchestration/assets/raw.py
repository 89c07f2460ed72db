"""Raw assets: documents read into append-only observations. One step a kind of document."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration import inspection, market_calendar
from orchestration.assets.groups import group
from orchestration.assets.landing import CALENDAR, landing_key
from orchestration.collect import documents_of
from orchestration.contracts import RAW_TABLES
from orchestration.ingest import ingest
from orchestration.ledger import Outcome
from orchestration.raw.decisions import read_decisions
from orchestration.settings import Settings
from orchestration.universe import load_universe
from orchestration.vendors import fred, invesco, ishares, schwab, ssga, vanguard, yahoo, yahoo_funds
from orchestration.warehouse import LEDGER_TABLES, Warehouse

GROUP = "raw"
Places = list[tuple[str, str]]


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


def _raw_assets(name: str, tables: list[str], places: Places, upstream: list[dg.AssetKey]) -> dg.AssetsDefinition:
    deps = [CALENDAR if vendor == market_calendar.VENDOR else landing_key(vendor, kind) for vendor, kind in places] + upstream

    @dg.multi_asset(name=name, specs=[_spec(table, deps) for table in tables], pool="warehouse")
    def read_documents(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[None]]:
        documents = [document for place in places for document in documents_of(settings, *place)]
        warehouse.prepare()
        with warehouse.connect() as connection:
            outcomes = ingest(
                connection, documents, universe=load_universe(), clock=settings.clock,
                decisions=read_decisions(settings.decisions_path), progress=context.log.info,
            )  # fmt: skip
        for table in tables:
            yield dg.MaterializeResult(asset_key=raw_key(table), metadata=_metadata(warehouse, table, outcomes))

    return read_documents


def _metadata(warehouse: Warehouse, table: str, outcomes: list[Outcome]) -> dict[str, Any]:
    rows, newest = inspection.extent(warehouse, table)
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
    "documents": "One row per document: its place, its SHA-256, what it holds, and whether it was accepted, rejected or "
    "quarantined, with the rule and the reason.",
    "rejects": "One row per rejected or quarantined line or document, with the rule, the reason and the content as received.",
    "fetches": "One row per document that was asked of a vendor: when, and whether it came, was unchanged, or failed and why.",
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
)  # fmt: skip
def raw_ledger(warehouse: dg.ResourceParam[Warehouse]) -> Iterator[dg.MaterializeResult[None]]:
    """Report the ledger that the steps above wrote together with their rows, in the same transactions."""
    preview = inspection.recent_rejects(warehouse)
    for table in LEDGER_TABLES:
        rows, newest = inspection.extent(warehouse, table)
        metadata: dict[str, Any] = {"dagster/row_count": rows, "newest": str(newest) if newest else "none"}
        if table == "rejects":
            metadata["preview"] = dg.MetadataValue.md(preview)
        yield dg.MaterializeResult(asset_key=raw_key(table), metadata=metadata)


raw_assets = [
    _raw_assets("raw_sessions", ["sessions"], [(market_calendar.VENDOR, market_calendar.KIND)], []),
    _raw_assets("raw_prices", ["price_bars", "corporate_actions"], [(yahoo.VENDOR, yahoo.KIND)], [raw_key("sessions")]),
    _raw_assets(
        "raw_holdings", ["holdings", "fund_facts"],
        [(module.VENDOR, module.KIND) for module in (ishares, ssga, invesco, vanguard, schwab, yahoo_funds)],
        # A snapshot's market values are held against the fund's close.
        [raw_key("sessions"), raw_key("price_bars")],
    ),
    _raw_assets("raw_rates", ["rates"], [(fred.VENDOR, fred.KIND)], [raw_key("sessions")]),
    raw_ledger,
]  # fmt: skip

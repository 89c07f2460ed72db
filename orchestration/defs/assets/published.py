"""Published assets: one release with every mart as Parquet, the serving DuckDB, the report and the manifest."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.defs.assets.groups import group
from orchestration.defs.dbt_project import dbt_of
from orchestration.defs.previews import Published, published_tables
from orchestration.publish.made_tables import MADE_TABLES
from orchestration.publish.release import Origin, Release, publish
from orchestration.publish.release_files import Table
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.withholding import Graph

GROUP = "published"
# The chart of the report that belongs to each table.
_CHARTS = {
    "ratio_daily": "ratio", "breadth_daily": "breadth", "sector_comparison": "sectors", "core_satellite_daily": "core_satellite",
    "scorecard": "scorecards",
}  # fmt: skip


def published_marts(settings: Settings) -> list[Table]:
    """The marts of the dbt project with their keys, from their `primary_key` tests."""
    manifest = dbt_of(settings).manifest()
    nodes, graph = manifest["nodes"], Graph(manifest)
    keys = {
        node["attached_node"]: tuple(node["test_metadata"]["kwargs"]["columns"])
        for node in nodes.values()
        if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") == "primary_key"
    }
    return sorted(
        (
            Table(node["name"], node["description"], keys[unique_id], graph.depends_on(node["name"]))
            for unique_id, node in nodes.items()
            if node["resource_type"] == "model" and node["schema"] == "marts"
        ),
        key=lambda mart: mart.name,
    )


def origin_of(settings: Settings) -> Origin:
    """The origin of releases with these settings."""
    return Origin(
        source=settings.source.value, clock=settings.clock, known_at=settings.known_at, decisions=settings.decisions_path,
        diary=settings.diary_path, engine=settings.engine.value,
    )  # fmt: skip


def publish_release(settings: Settings, marts: list[Table], *, run_id: str) -> Release:
    """Publish the current warehouse of these settings.

    Raises:
        NotPublishable: no mart can be published, or one was never built.
    """
    return publish(
        Warehouse(settings.warehouse_path), marts, origin_of(settings), published_dir=settings.published_dir,
        scripts_dir=settings.report_scripts_dir, keep=settings.keep_releases, run_id=run_id,
    )  # fmt: skip


def published_assets(settings: Settings) -> dg.AssetsDefinition:
    """One asset per published table, and one each for the serving copy, the report and the manifest; one step makes all."""
    marts = published_marts(settings)
    mart_keys = [dg.AssetKey(["marts", mart.name]) for mart in marts]
    specs = [
        dg.AssetSpec(
            [GROUP, mart.name], group_name=group(GROUP), kinds={"parquet"}, owners=["team:data"], deps=[["marts", mart.name]],
            description=f"{mart.description} As Parquet, sorted by {', '.join(mart.key)}.",
        )
        for mart in marts
    ] + [
        dg.AssetSpec(
            [GROUP, table.name], group_name=group(GROUP), kinds={"parquet"}, owners=["team:data"], deps=mart_keys,
            description=f"{table.description} As Parquet, sorted by {', '.join(table.key)}.",
        )
        for table in MADE_TABLES
    ] + [
        dg.AssetSpec(
            [GROUP, "warehouse"], group_name=group(GROUP), kinds={"duckdb"}, owners=["team:data"], deps=mart_keys,
            description="Every mart in one read-only DuckDB file, with comments, and the tables `release` and `readme`.",
        ),
        dg.AssetSpec(
            [GROUP, "report"], group_name=group(GROUP), kinds={"html"}, owners=["team:data"], deps=mart_keys,
            description="The report of the release: report.html, self-contained, with charts, tables and their sources.",
        ),
        dg.AssetSpec(
            [GROUP, "manifest"], group_name=group(GROUP), kinds={"json"}, owners=["team:data"], deps=mart_keys,
            description="Contents of the release: rows, columns, keys, date ranges, bytes and SHA-256 per file. Written last.",
        ),
    ]  # fmt: skip

    # Whatever is selected, a whole release is made; the selected assets are reported.
    @dg.multi_asset(name="publish_release", specs=specs, pool="warehouse", can_subset=True)
    def release(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult[None]]:
        results = results_of_a_release(context, settings)
        yield from (result for result in results if result.asset_key in context.selected_asset_keys)

    def results_of_a_release(context: dg.AssetExecutionContext, settings: Settings) -> Iterator[dg.MaterializeResult[None]]:
        if not settings.warehouse_path.exists():
            raise dg.Failure("There is no warehouse to publish yet. Run the job `daily` first.", allow_retries=False)
        published = publish_release(settings, marts, run_id=context.run.run_id)
        tables = published.manifest["tables"]
        if published.manifest["diary_note"]:
            context.log.warning(published.manifest["diary_note"])
        # Tags show the outcome in the list of runs.
        tags = {"source": settings.source.value, "session": published.manifest["last_session"], "release": published.release_id}
        context.instance.add_run_tags(context.run.run_id, {name: value for name, value in tags.items() if value})
        served = published_tables(published.directory / "warehouse.duckdb")
        charts = _chart_images(published) if settings.ui_details else {}
        for table in tables:
            yield dg.MaterializeResult(
                asset_key=[GROUP, table["name"]],
                metadata={
                    **charts.get(table["name"], {}),
                    "dagster/row_count": table["rows"],
                    "dagster/column_schema": _column_schema(served[table["name"]]),
                    "file": dg.MetadataValue.path(published.directory / table["file"]),
                    "bytes": table["bytes"],
                    "newest": table["last_date"] or "undated",
                    "status": table["status"],
                    **({"reason": table["reason"]} if table["reason"] else {}),
                    "release": published.release_id,
                    "last_rows": dg.MetadataValue.md(served[table["name"]].last_rows),
                },
            )
        release_metadata: dict[str, Any] = {
            "release": published.release_id,
            "directory": dg.MetadataValue.path(published.directory),
        }
        yield dg.MaterializeResult(
            asset_key=[GROUP, "warehouse"], metadata={**release_metadata, "bytes": published.manifest["serving_copy"]["bytes"]}
        )
        page = published.manifest["report"]
        yield dg.MaterializeResult(
            asset_key=[GROUP, "report"],
            metadata={
                **release_metadata,
                "bytes": page["bytes"],
                "file": dg.MetadataValue.path(published.directory / page["file"]),
            },
        )
        yield dg.MaterializeResult(
            asset_key=[GROUP, "manifest"], metadata={**release_metadata, "tables": len(published.manifest["tables"])}
        )

    return release


def _column_schema(table: Published) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(n, c["data_type"], description=c["description"]) for n, c in table.columns.items()])


def _chart_images(published: Release) -> dict[str, dict[str, dg.MetadataValue[Any]]]:
    """The report's charts by table."""
    from orchestration.report.pictures import chart_pictures

    pictures = chart_pictures(published.directory, published.manifest, _CHARTS.values())
    return {table: {"chart": dg.MetadataValue.md(pictures[name])} for table, name in _CHARTS.items() if name in pictures}

"""The dbt project as assets: one build per run, with its tests as asset checks."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from pydantic import Field

from orchestration.defs.assets.check_descriptions import description_of
from orchestration.defs.assets.groups import group
from orchestration.defs.assets.lineage import COLUMN_LINEAGE, ColumnLineage
from orchestration.defs.assets.published import origin_of
from orchestration.defs.dbt_project import dbt_of
from orchestration.defs.previews import mart_previews
from orchestration.publish.release import inputs_of_a_build, unchanged_release
from orchestration.settings import Settings
from orchestration.warehouse import catalog
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.engine import Engine
from orchestration.warehouse.withholding import MARTS, Graph

_RESULT_OF_A_TEST = "LogTestResult"


class _Translator(DagsterDbtTranslator):
    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The numbered group name."""
        name = super().get_group_name(dbt_resource_props)
        return group(name) if name else None

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """Seeds also have the kind csv."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        return spec.replace_attributes(kinds={"csv", *spec.kinds}) if unique_id.startswith("seed.") else spec

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetCheckSpec | None:
        """No test stops the run: the release withholds the table that fails and all tables that depend on it."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec._replace(blocking=False, description=description_of(manifest["nodes"][unique_id])) if spec else None


class BuildConfig(dg.Config):
    """How the models are built."""

    skip_unchanged: bool = Field(
        False,
        description="build nothing if observations, decisions, code and the clock's session are those of the current release",
    )


_TRANSLATOR = _Translator(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=False, enable_code_references=True))


def dbt_models(settings: Settings) -> dg.AssetsDefinition:
    """Every seed and model of the project, from dbt's manifest.

    Raises:
        BuildFailed: the project does not parse.
    """
    dbt = dbt_of(settings)
    manifest = dbt.manifest()
    project = DbtProject(dbt.project_dir, target_path=settings.dbt_target_dir)

    @dbt_assets(
        manifest=manifest, project=project, dagster_dbt_translator=_TRANSLATOR, name="dbt_models", pool="warehouse",
        exclude="resource_type:unit_test",
    )  # fmt: skip
    def models(
        context: dg.AssetExecutionContext,
        config: BuildConfig,
        settings: dg.ResourceParam[Settings],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> Iterator[Any]:
        may_skip = config.skip_unchanged and not context.is_subset
        if may_skip and (release := unchanged_release(settings.published_dir, warehouse, origin_of(settings))):
            context.log.info(f"Nothing has changed since release {release.name}. It remains current; no new release is made.")
            return
        selected = _selection(context, manifest) if context.is_subset else []
        graph = Graph(manifest)
        if absent := _absent_inputs(graph, selected, dbt.engine, warehouse):
            raise dg.Failure(
                f"{', '.join(absent)} were never built, or were last built by another engine, and the selection reads them."
                " Materialise them first, or run the job `daily`.",
                allow_retries=False,
            )
        table_events: list[dict[str, Any]] = []

        def asset_events(event: dict[str, Any], history: dict[str, Any]) -> Iterator[Any]:
            message = DbtCoreCliEventMessage(raw_event=event, event_history_metadata=history)
            yield from message.to_default_asset_events(manifest, _TRANSLATOR, context, settings.dbt_target_dir, project)

        made_of = inputs_of_a_build(warehouse, origin_of(settings))
        for event in dbt.build(selected, clock=settings.clock, known_at=settings.known_at, made_of=made_of):
            # Check results are passed on at once; tables can be read only after dbt has closed the file.
            if event["info"]["name"] == _RESULT_OF_A_TEST:
                yield from asset_events(event, {})
            else:
                table_events.append(event)
        details = _TableDetails(settings, warehouse, manifest)
        built: set[str] = set()
        chosen = graph.selected(selected)
        for event in table_events:
            unique_id = event["data"]["node_info"]["unique_id"]
            if manifest["nodes"][unique_id]["name"] not in chosen:
                continue  # a view that the engine made again
            for output in asset_events(event, details.history(unique_id)):
                built.add(output.output_name)
                yield output.with_metadata(details.metadata(unique_id, output.metadata))
        yield from _withheld_outputs(context, graph, catalog.withheld(warehouse), built)

    return models


def _withheld_outputs(
    context: dg.AssetExecutionContext, graph: Graph, withheld: Mapping[str, str], built: set[str]
) -> Iterator[dg.Output[None]]:
    """Outputs for the marts that dbt did not build: they are empty tables, and the release withholds them."""
    marts = {key.path[-1]: key.to_python_identifier() for key in context.selected_asset_keys if key.path[0] == MARTS}
    for name in sorted(marts, key=lambda name: len(graph.depends_on(name))):  # Dagster requires inputs first
        if marts[name] not in built:
            metadata: dict[str, Any] = {"status": "withheld", "reason": withheld[name], "dagster/row_count": 0}
            yield dg.Output(None, output_name=marts[name], metadata=metadata)


class _TableDetails:
    """Metadata of the tables after a build, for the UI."""

    def __init__(self, settings: Settings, warehouse: Warehouse, manifest: dict[str, Any]) -> None:
        self._nodes = manifest["nodes"]
        self._draws_lineage = settings.ui_details
        self._lineage = ColumnLineage(manifest, settings.dbt_target_dir, catalog.columns(warehouse))
        self._rows = catalog.row_counts(warehouse)
        self._previews = mart_previews(warehouse)

    def history(self, unique_id: str) -> dict[str, Any]:
        """The input of dagster-dbt for column metadata, and for column lineage if it is not cached."""
        columns = {"columns": self._lineage.columns(unique_id)}
        needs_lineage = self._draws_lineage and unique_id.startswith("model.") and self._lineage.kept(unique_id) is None
        return {**columns, "parents": self._lineage.parents(unique_id)} if needs_lineage else columns

    def metadata(self, unique_id: str, found: Mapping[str, Any]) -> dict[str, Any]:
        """The metadata of dagster-dbt with row count, last rows and column lineage."""
        table = (self._nodes[unique_id]["schema"], self._nodes[unique_id]["name"])
        if COLUMN_LINEAGE in found:
            self._lineage.keep(unique_id, found[COLUMN_LINEAGE].value)
        return {
            **found,
            **((self._lineage.kept(unique_id) or {}) if self._draws_lineage else {}),
            **({"dagster/row_count": self._rows[table]} if table in self._rows else {}),
            **({"last_rows": dg.MetadataValue.md(self._previews[table])} if table in self._previews else {}),
        }


def _absent_inputs(graph: Graph, selected: Collection[str], engine: Engine, warehouse: Warehouse) -> list[str]:
    """The models and seeds that the selection reads, does not contain, and the engine does not have, as asset keys."""
    chosen = graph.selected(selected)
    inputs = {parent for name in chosen for parent in graph.reads(name)} - chosen
    if not engine.keeps_views:  # they are made again, from what they read
        views = {name for name, node in graph.nodes.items() if node["config"]["materialized"] == "view"}
        while found := inputs & views:
            inputs = inputs - views | ({parent for name in found for parent in graph.reads(name)} - chosen)
    absent = inputs - engine.readable(warehouse)
    return sorted(f"{graph.nodes[name]['schema']}/{name}" for name in absent)


def _selection(context: dg.AssetExecutionContext, manifest: dict[str, Any]) -> list[str]:
    """The dbt selectors of the selected assets."""
    wanted = set(context.selected_asset_keys)
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
    return [".".join(node["fqn"]) for node in nodes if _TRANSLATOR.get_asset_key(node) in wanted]

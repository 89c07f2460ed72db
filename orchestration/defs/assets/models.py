"""The dbt project as assets: one build a run, its tests as asset checks."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from pydantic import Field

from orchestration.defs.assets.groups import group
from orchestration.defs.assets.lineage import COLUMN_LINEAGE, ColumnLineage
from orchestration.defs.assets.published import origin_of
from orchestration.defs.dbt_project import dbt_of
from orchestration.defs.previews import mart_previews
from orchestration.publish.release import unchanged_release
from orchestration.settings import Settings
from orchestration.warehouse import catalog
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.withholding import MARTS, Graph

_RESULT_OF_A_TEST = "LogTestResult"


class _Translator(DagsterDbtTranslator):
    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """Numbered, as all groups are."""
        name = super().get_group_name(dbt_resource_props)
        return group(name) if name else None

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """A seed is written by hand."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        return spec.replace_attributes(kinds={"csv", *spec.kinds}) if unique_id.startswith("seed.") else spec

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetCheckSpec | None:
        """No test stops the run: the release withholds the table that fails it, and what rests on that."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec._replace(blocking=False) if spec else None


class BuildConfig(dg.Config):
    """How the models are built."""

    skip_unchanged: bool = Field(
        False, description="build nothing where observations, decisions, code and the clock's session are those of the release"
    )


_TRANSLATOR = _Translator(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=False, enable_code_references=True))


def dbt_models(settings: Settings) -> dg.AssetsDefinition:
    """Every seed and model of the project, drawn from its manifest.

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
        if config.skip_unchanged and (release := unchanged_release(settings.published_dir, warehouse, origin_of(settings))):
            context.log.info(f"Nothing has changed since release {release.name}: it remains current, and no new one is made.")
            return
        selected = _selection(context, manifest) if context.is_subset else []
        of_tables: list[dict[str, Any]] = []

        def told(event: dict[str, Any], history: dict[str, Any]) -> Iterator[Any]:
            message = DbtCoreCliEventMessage(raw_event=event, event_history_metadata=history)
            yield from message.to_default_asset_events(manifest, _TRANSLATOR, context, settings.dbt_target_dir, project)

        for event in dbt.build(selected, clock=settings.clock, known_at=settings.known_at):
            # Tables can be looked at once dbt has let go of the file: they wait, checks do not.
            if event["info"]["name"] == _RESULT_OF_A_TEST:
                yield from told(event, {})
            else:
                of_tables.append(event)
        described = _Described(settings, warehouse, manifest)
        made: set[str] = set()
        for event in of_tables:
            unique_id = event["data"]["node_info"]["unique_id"]
            for output in told(event, described.history(unique_id)):
                made.add(output.output_name)
                yield output.with_metadata(described.metadata(unique_id, output.metadata))
        yield from _made_empty(context, Graph(manifest), catalog.withheld(warehouse), made)

    return models


def _made_empty(
    context: dg.AssetExecutionContext, graph: Graph, withheld: Mapping[str, str], made: set[str]
) -> Iterator[dg.Output[None]]:
    """The marts that dbt did not build are tables without a row by now: a release is made of what is sound, and names them."""
    marts = {key.path[-1]: key.to_python_identifier() for key in context.selected_asset_keys if key.path[0] == MARTS}
    for name in sorted(marts, key=lambda name: len(graph.rests_on(name))):  # Dagster wants inputs first
        if marts[name] not in made:
            said: dict[str, Any] = {"status": "withheld", "reason": withheld[name], "dagster/row_count": 0}
            yield dg.Output(None, output_name=marts[name], metadata=said)


class _Described:
    """What the UI shows of the tables as they stand after a build."""

    def __init__(self, settings: Settings, warehouse: Warehouse, manifest: dict[str, Any]) -> None:
        self._nodes = manifest["nodes"]
        self._draws_lineage = settings.ui_details
        self._lineage = ColumnLineage(manifest, settings.dbt_target_dir, catalog.columns(warehouse))
        self._rows = catalog.row_counts(warehouse)
        self._previews = mart_previews(warehouse)

    def history(self, unique_id: str) -> dict[str, Any]:
        """What dagster-dbt needs to describe the columns, and to search for where they come from if nobody has yet."""
        columns = {"columns": self._lineage.columns(unique_id)}
        to_search = self._draws_lineage and unique_id.startswith("model.") and self._lineage.kept(unique_id) is None
        return {**columns, "parents": self._lineage.parents(unique_id)} if to_search else columns

    def metadata(self, unique_id: str, found: Mapping[str, Any]) -> dict[str, Any]:
        """The same with rows, the last of them, and lineage."""
        table = (self._nodes[unique_id]["schema"], self._nodes[unique_id]["name"])
        if COLUMN_LINEAGE in found:
            self._lineage.keep(unique_id, found[COLUMN_LINEAGE].value)
        return {
            **found,
            **((self._lineage.kept(unique_id) or {}) if self._draws_lineage else {}),
            **({"dagster/row_count": self._rows[table]} if table in self._rows else {}),
            **({"last_rows": dg.MetadataValue.md(self._previews[table])} if table in self._previews else {}),
        }


def _selection(context: dg.AssetExecutionContext, manifest: dict[str, Any]) -> list[str]:
    """dbt's names of the selected assets."""
    wanted = set(context.selected_asset_keys)
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
    return [".".join(node["fqn"]) for node in nodes if _TRANSLATOR.get_asset_key(node) in wanted]

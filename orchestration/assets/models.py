"""The dbt project as assets: one build a run, its tests as asset checks."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from orchestration import inspection
from orchestration.settings import DBT_PROJECT_DIR, Settings
from orchestration.transform import build, manifest_path
from orchestration.warehouse import Warehouse

_TRANSLATOR = DagsterDbtTranslator(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=False))


def dbt_models(settings: Settings) -> dg.AssetsDefinition:
    """Every seed and model of the project, drawn from its manifest.

    Raises:
        BuildFailed: the project does not parse.
    """
    manifest: dict[str, Any] = json.loads(Path(manifest_path(settings)).read_text())
    project = DbtProject(DBT_PROJECT_DIR, target_path=settings.dbt_target_dir)

    @dbt_assets(
        manifest=manifest, project=project, dagster_dbt_translator=_TRANSLATOR, name="dbt_models", pool="warehouse",
        exclude="resource_type:unit_test",
    )  # fmt: skip
    def models(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[Any]:
        selected = _selection(context, manifest) if context.is_subset else []
        held_back: list[dg.Output[Any]] = []
        for event in build(settings, selected):
            message = DbtCoreCliEventMessage(raw_event=event, event_history_metadata={})
            for result in message.to_default_asset_events(manifest, _TRANSLATOR, context, settings.dbt_target_dir, project):
                # Row counts can be read once dbt has let go of the file: outputs wait for them, checks do not.
                if isinstance(result, dg.Output):
                    held_back.append(result)
                else:
                    yield result
        counts = inspection.row_counts(warehouse)
        for output in held_back:
            schema, table = context.asset_key_for_output(output.output_name).path
            rows = {"dagster/row_count": counts[schema, table]} if (schema, table) in counts else {}
            yield output.with_metadata({**output.metadata, **rows})

    return models


def _selection(context: dg.AssetExecutionContext, manifest: dict[str, Any]) -> list[str]:
    """dbt's names of the selected assets."""
    wanted = set(context.selected_asset_keys)
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
    return [".".join(node["fqn"]) for node in nodes if _TRANSLATOR.get_asset_key(node) in wanted]

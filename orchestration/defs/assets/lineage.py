"""Column lineage of the models, for the UI: derived from the compiled SQL and cached until it changes."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.defs.previews import markdown_table
from orchestration.files import write_atomically

COLUMN_LINEAGE = "dagster/column_lineage"
Columns = Mapping[str, Mapping[str, str]]


class ColumnLineage:
    """Column lineage of the models of one build.

    Deriving lineage takes longer than running the SQL, so results are cached under a hash of the SQL and its columns.
    """

    def __init__(self, manifest: Mapping[str, Any], target_dir: Path, columns: Mapping[tuple[str, str], Columns]) -> None:
        self._relations = {**manifest["nodes"], **manifest["sources"]}
        self._target_dir = target_dir
        self._columns = columns

    def columns(self, unique_id: str) -> Columns:
        """Name, type and comment of each column of a node's table."""
        node = self._relations[unique_id]
        return self._columns.get((node["schema"], node.get("alias") or node["identifier"]), {})

    def parents(self, unique_id: str) -> dict[str, dict[str, Columns]]:
        """The columns of the tables a node reads, by relation, as dagster-dbt needs them to derive lineage."""
        reads = [
            parent for parent in self._relations[unique_id].get("depends_on", {}).get("nodes", []) if parent in self._relations
        ]
        return {self._relations[parent]["relation_name"]: {"columns": self.columns(parent)} for parent in reads}

    def kept(self, unique_id: str) -> dict[str, Any] | None:
        """The cached lineage for the same SQL and columns, as metadata, or None."""
        path = self._path(unique_id)
        if not path.exists():
            return None
        found: dict[str, list[tuple[list[str], str]]] = json.loads(path.read_text())
        # The open-source UI does not draw column lineage, but it shows a table.
        rows = [(column, _source_columns(found.get(column, []))) for column in self.columns(unique_id)]
        return {
            COLUMN_LINEAGE: dg.TableColumnLineage({column: _deps(deps) for column, deps in found.items()}),
            "columns_from": dg.MetadataValue.md(markdown_table(["column", "comes from"], rows, longest=1000)),
        }

    def keep(self, unique_id: str, lineage: dg.TableColumnLineage) -> None:
        """Cache the lineage of a model."""
        found = {
            column: [(dep.asset_key.path, dep.column_name) for dep in deps] for column, deps in lineage.deps_by_column.items()
        }
        write_atomically(self._path(unique_id), json.dumps(found).encode())

    def _path(self, unique_id: str) -> Path:
        node = self._relations[unique_id]
        sql = self._target_dir / "compiled" / node["package_name"] / node["original_file_path"]
        known = json.dumps(
            [sql.read_text() if sql.exists() else "", self.columns(unique_id), self.parents(unique_id)], sort_keys=True
        )
        return self._target_dir / "column_lineage" / f"{node['name']}-{hashlib.sha256(known.encode()).hexdigest()[:12]}.json"


def _source_columns(deps: list[tuple[list[str], str]]) -> str:
    return ", ".join(sorted(f"{path[-1]}.{column}" for path, column in deps)) or "the model itself"


def _deps(deps: list[tuple[list[str], str]]) -> list[dg.TableColumnDep]:
    return [dg.TableColumnDep(dg.AssetKey(path), column) for path, column in deps]

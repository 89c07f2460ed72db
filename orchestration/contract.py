"""The published schema as a contract: its version, its snapshot in docs/contract.json, and what a change of it asks for.

`python -m orchestration.contract` (`make contract`) writes the snapshot from the dbt project.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from orchestration.contract_version import CONTRACT_VERSION
from orchestration.release_files import RELEASE_COLUMNS
from orchestration.release_readme import README_COLUMNS
from orchestration.settings import PROJECT_ROOT

CONTRACT_FILE = PROJECT_ROOT / "docs" / "contract.json"
CHANGELOG = PROJECT_ROOT / "CHANGELOG.md"
Schema = dict[str, Any]
LEVELS = ("none", "patch", "minor", "major")


class ContractBroken(RuntimeError):
    """The published schema changed and the version did not, or nobody said why; the message names what to do."""


def schema_of(manifest: dict[str, Any]) -> Schema:
    """Tables with key and columns (type, and whether it can be NULL) from dbt's manifest, and those only the DuckDB file has."""
    nodes = manifest["nodes"].values()
    keys = {
        node["attached_node"]: node["test_metadata"]["kwargs"]["columns"]
        for node in nodes
        if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") == "primary_key"
    }
    marts = [node for node in nodes if node["resource_type"] == "model" and node["schema"] == "marts"]
    tables = {node["name"]: _table(node, keys[node["unique_id"]]) for node in marts}
    own = {"release": (["release_id"], RELEASE_COLUMNS), "readme": (["table_name"], README_COLUMNS)}
    for name, (key, columns) in own.items():
        types = {column: _column(kind.upper(), nullable=column not in key) for column, kind in columns.items()}
        tables[name] = {"only_in": "warehouse.duckdb", "key": key, "columns": types}
    return dict(sorted(tables.items()))


def _table(node: dict[str, Any], key: list[str]) -> Schema:
    columns = {}
    for name, column in node["columns"].items():
        required = any(constraint["type"] == "not_null" for constraint in column["constraints"])
        columns[name] = _column(column["data_type"].upper(), nullable=not required and name not in key)
    return {"key": key, "columns": columns}


def _column(kind: str, *, nullable: bool) -> str:
    return kind if nullable else f"{kind} NOT NULL"


def fingerprint(schema: Schema) -> str:
    """A short hash over the schema: a version stands for one."""
    return hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:16]


def changes(old: Schema, new: Schema) -> list[tuple[str, str]]:
    """Every difference with the least part of the version that it raises.

    Whatever can break a reader is major: gone, renamed, another type, another key, a NULL where there was none. What adds is
    minor, a promise more (no NULL any more) a patch.
    """
    found = [("major", f"table {name} is gone") for name in old.keys() - new.keys()]
    found += [("minor", f"table {name} is new") for name in new.keys() - old.keys()]
    for name in old.keys() & new.keys():
        if old[name]["key"] != new[name]["key"] or old[name].get("only_in") != new[name].get("only_in"):
            found.append(("major", f"{name} has another key or place"))
        before, after = old[name]["columns"], new[name]["columns"]
        found += [("major", f"{name}.{column} is gone") for column in before.keys() - after.keys()]
        found += [("minor", f"{name}.{column} is new") for column in after.keys() - before.keys()]
        for column in before.keys() & after.keys():
            if before[column] != after[column]:
                level = "patch" if after[column] == f"{before[column]} NOT NULL" else "major"
                found.append((level, f"{name}.{column} is {after[column]}, was {before[column]}"))
        common = [column for column in before if column in after]
        if common != [column for column in after if column in before]:
            found.append(("patch", f"{name} has its columns in another order"))
    return sorted(found, key=lambda change: (-LEVELS.index(change[0]), change[1]))


def raised(old: str, new: str) -> str:
    """Which part of a version was raised: none, patch, minor or major.

    Raises:
        ContractBroken: the new one is lower.
    """
    before, after = (tuple(int(part) for part in version.split(".")) for version in (old, new))
    if after < before:
        raise ContractBroken(f"contract version {new} is below {old}")
    return next((level for level, b, a in zip(("major", "minor", "patch"), before, after, strict=True) if a > b), "none")


def reason_for(version: str, changelog: str) -> str:
    """What the changelog says about a version, empty where it says nothing."""
    _, _, rest = changelog.partition(f"\n## {version}\n")
    return rest.partition("\n## ")[0].strip()


def check(schema: Schema, committed: Schema, version: str, changelog: str) -> None:
    """The schema may follow the committed one under this version.

    Raises:
        ContractBroken: the version is not raised as far as the changes ask, or the changelog has no reason for it.
    """
    found = changes(committed["tables"], schema)
    asked = found[0][0] if found else "none"
    if LEVELS.index(raised(committed["contract_version"], version)) < LEVELS.index(asked):
        listed = "; ".join(what for _, what in found[:5])
        raise ContractBroken(f"{listed}: raise the {asked} part of CONTRACT_VERSION ({committed['contract_version']})")
    if not reason_for(version, changelog):
        raise ContractBroken(f"CHANGELOG.md has no reason under the heading '## {version}'")


def snapshot(schema: Schema, history: dict[str, str]) -> Schema:
    """What docs/contract.json holds. A version keeps the schema it was given for."""
    return {
        "contract_version": CONTRACT_VERSION,
        "schema_by_version": {**history, CONTRACT_VERSION: fingerprint(schema)},
        "tables": schema,
    }


def main(manifest: Path) -> None:
    """Write the snapshot, unless the version has to be raised first."""
    schema = schema_of(json.loads(manifest.read_text()))
    history: dict[str, str] = {}
    if CONTRACT_FILE.exists():
        committed = json.loads(CONTRACT_FILE.read_text())
        check(schema, committed, CONTRACT_VERSION, CHANGELOG.read_text())
        history = committed["schema_by_version"]
    CONTRACT_FILE.write_text(json.dumps(snapshot(schema, history), indent=1) + "\n")


if __name__ == "__main__":
    from orchestration.settings import Settings
    from orchestration.transform import manifest_path

    try:
        main(Path(manifest_path(Settings())))
    except ContractBroken as broken:
        sys.exit(str(broken))

"""The promise to those who read a release: its version, the schema that goes with it, and what a change of it asks for.

`make contract` writes docs/contract.json from a release, and refuses where the version has to rise first.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from orchestration.settings import PROJECT_ROOT

# Raised with every change of the published schema: the first number for what breaks a reader (a table, column or key gone,
# renamed or of another type or meaning), the second for what is added. CHANGELOG.md says why.
CONTRACT_VERSION = "2.0.0"

CONTRACT_FILE = PROJECT_ROOT / "docs" / "contract.json"
CHANGELOG = PROJECT_ROOT / "CHANGELOG.md"
LEVELS = ("none", "patch", "minor", "major")
Tables = dict[str, dict[str, Any]]


class ContractBroken(RuntimeError):
    """The published schema changed and the version did not, or nobody said why; the message says what to do."""


def contract_of(manifest: dict[str, Any]) -> str:
    """The published schema of a release as JSON: of each table its key and its columns with their types, NOT NULL included."""
    return json.dumps({"contract_version": manifest["contract_version"], "tables": _tables(manifest)}, indent=1) + "\n"


def _tables(manifest: dict[str, Any]) -> Tables:
    return {
        table["name"]: {
            "key": table["key"],
            "columns": {
                name: f"{kind} NOT NULL" if name in table["never_null"] else kind for name, kind in table["columns"].items()
            },
        }
        for table in manifest["tables"]
    }


def fingerprint(tables: Tables) -> str:
    """A short hash over the schema: CHANGELOG.md gives it beside the version, so that a version stands for one schema."""
    return hashlib.sha256(json.dumps(tables).encode()).hexdigest()[:12]


def changes(old: Tables, new: Tables) -> list[tuple[str, str]]:
    """Every difference with the least part of the version that it raises, the gravest first.

    Whatever can break a reader is major: gone, renamed, another type, another key, a NULL where there was none. What adds is
    minor, a promise more (no NULL any more) or another order of columns a patch.
    """
    found = [("major", f"table {name} is gone") for name in old.keys() - new.keys()]
    found += [("minor", f"table {name} is new") for name in new.keys() - old.keys()]
    for name in old.keys() & new.keys():
        if old[name]["key"] != new[name]["key"]:
            found.append(("major", f"{name} has the key {new[name]['key']}, had {old[name]['key']}"))
        found += _column_changes(name, old[name]["columns"], new[name]["columns"])
    return sorted(found, key=lambda change: (-LEVELS.index(change[0]), change[1]))


def _column_changes(table: str, old: dict[str, str], new: dict[str, str]) -> list[tuple[str, str]]:
    found = [("major", f"{table}.{column} is gone") for column in old.keys() - new.keys()]
    found += [("minor", f"{table}.{column} is new") for column in new.keys() - old.keys()]
    kept = [column for column in old if column in new]
    for column in kept:
        if old[column] != new[column]:
            level = "patch" if new[column] == f"{old[column]} NOT NULL" else "major"
            found.append((level, f"{table}.{column} is {new[column]}, was {old[column]}"))
    if kept != [column for column in new if column in old]:
        found.append(("patch", f"{table} has its columns in another order"))
    return found


def raised(old: str, new: str) -> str:
    """Which part of a version was raised: none, patch, minor or major.

    Raises:
        ContractBroken: the new one is lower.
    """
    before, after = (tuple(int(part) for part in version.split(".")) for version in (old, new))
    if after < before:
        raise ContractBroken(f"contract version {new} is below {old}")
    return next((level for level, b, a in zip(("major", "minor", "patch"), before, after, strict=True) if a > b), "none")


def entry_of(version: str, changelog: str) -> str:
    """What the changelog says under a version's heading, empty where it says nothing."""
    _, _, rest = f"\n{changelog}".partition(f"\n## {version}\n")
    return rest.partition("\n## ")[0].strip()


def check(tables: Tables, committed: dict[str, Any], version: str, changelog: str) -> None:
    """The schema may follow the committed one under this version.

    Raises:
        ContractBroken: the version is not raised as far as the changes ask, or the changelog has no reason for it.
    """
    found = changes(committed["tables"], tables)
    asked = found[0][0] if found else "none"
    # What nobody has received yet may still change under its number.
    is_unreleased = committed["contract_version"] == version and entry_of(version, changelog).startswith("Unreleased")
    if not is_unreleased and LEVELS.index(raised(committed["contract_version"], version)) < LEVELS.index(asked):
        listed = "; ".join(what for _, what in found[:5])
        raise ContractBroken(f"{listed}: raise the {asked} part of CONTRACT_VERSION ({committed['contract_version']})")
    if not entry_of(version, changelog):
        raise ContractBroken(f"CHANGELOG.md has no reason under the heading '## {version}'")


def main(path: Path) -> None:
    """Write the schema of a release as the committed one, unless its version has to rise first."""
    manifest = json.loads(path.read_text())
    check(_tables(manifest), json.loads(CONTRACT_FILE.read_text()), manifest["contract_version"], CHANGELOG.read_text())
    CONTRACT_FILE.write_text(contract_of(manifest))
    sys.stdout.write(f"{CONTRACT_FILE}: {CONTRACT_VERSION}. CHANGELOG.md gives it as: Schema {fingerprint(_tables(manifest))}.\n")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except ContractBroken as broken:
        sys.exit(str(broken))

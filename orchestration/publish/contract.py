"""The published contract: its version, its schema, and the version change that a change of the schema requires.

`make contract` writes docs/contract.json from a release, and fails if the version must be raised first.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from packaging.version import Version

from orchestration.settings import PROJECT_ROOT

# Raised with every change of the published schema: the first number for breaking changes (a table, column or key removed, renamed
# or with another type or meaning), the second for additions. CHANGELOG.md gives the reasons.
CONTRACT_VERSION = "2.0.0"

CONTRACT_FILE = PROJECT_ROOT / "docs" / "contract.json"
CHANGELOG = PROJECT_ROOT / "CHANGELOG.md"
LEVELS = ("none", "patch", "minor", "major")
Tables = dict[str, dict[str, Any]]


class ContractBroken(RuntimeError):
    """The schema changed without a new version or without a changelog entry; the message says what to do."""


def contract_of(manifest: dict[str, Any]) -> str:
    """The published schema of a release as JSON: key and columns of each table, with types and NOT NULL."""
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
    """A short hash of the schema; CHANGELOG.md states it with the version, so that a version identifies one schema."""
    return hashlib.sha256(json.dumps(tables).encode()).hexdigest()[:12]


def changes(old: Tables, new: Tables) -> list[tuple[str, str]]:
    """Every difference with the part of the version that it raises, most severe first.

    Breaking changes are major: removed, renamed, another type, another key, a column that may now be NULL. Additions are minor. A
    column that is no longer NULL, or another order of columns, is a patch.
    """
    found = [("major", f"table {name} is removed") for name in old.keys() - new.keys()]
    found += [("minor", f"table {name} is new") for name in new.keys() - old.keys()]
    for name in old.keys() & new.keys():
        if old[name]["key"] != new[name]["key"]:
            found.append(("major", f"the key of {name} changes from {old[name]['key']} to {new[name]['key']}"))
        found += _column_changes(name, old[name]["columns"], new[name]["columns"])
    return sorted(found, key=lambda change: (-LEVELS.index(change[0]), change[1]))


def _column_changes(table: str, old: dict[str, str], new: dict[str, str]) -> list[tuple[str, str]]:
    found = [("major", f"{table}.{column} is removed") for column in old.keys() - new.keys()]
    found += [("minor", f"{table}.{column} is new") for column in new.keys() - old.keys()]
    kept = [column for column in old if column in new]
    for column in kept:
        if old[column] != new[column]:
            level = "patch" if new[column] == f"{old[column]} NOT NULL" else "major"
            found.append((level, f"{table}.{column} changes from {old[column]} to {new[column]}"))
    if kept != [column for column in new if column in old]:
        found.append(("patch", f"the columns of {table} are in another order"))
    return found


def raised(old: str, new: str) -> str:
    """Which part of a version was raised: none, patch, minor or major.

    Raises:
        ContractBroken: the new one is lower.
    """
    before, after = Version(old), Version(new)
    if after < before:
        raise ContractBroken(f"The contract version {new} is lower than {old}.")
    parts = {"major": "major", "minor": "minor", "micro": "patch"}  # packaging's name of a part, and ours
    return next((level for part, level in parts.items() if getattr(after, part) > getattr(before, part)), "none")


def entry_of(version: str, changelog: str) -> str:
    """The changelog entry of a version, empty if there is none."""
    _, _, rest = f"\n{changelog}".partition(f"\n## {version}\n")
    return rest.partition("\n## ")[0].strip()


def check(tables: Tables, committed: dict[str, Any], version: str, changelog: str) -> None:
    """Check that the version fits the changes of the schema.

    Raises:
        ContractBroken: the version is not raised far enough, or the changelog has no entry for it.
    """
    found = changes(committed["tables"], tables)
    required = found[0][0] if found else "none"
    # An unreleased version may still change.
    is_unreleased = committed["contract_version"] == version and entry_of(version, changelog).startswith("Unreleased")
    if not is_unreleased and LEVELS.index(raised(committed["contract_version"], version)) < LEVELS.index(required):
        listed = "; ".join(what for _, what in found[:5])
        raise ContractBroken(
            f"The schema changed ({listed}): raise the {required} part of CONTRACT_VERSION ({committed['contract_version']})."
        )
    if not entry_of(version, changelog):
        raise ContractBroken(f"CHANGELOG.md has no entry under the heading '## {version}': add the reason for the change.")


def main(path: Path) -> None:
    """Write the schema of a release to docs/contract.json, after checking the version."""
    manifest = json.loads(path.read_text())
    check(_tables(manifest), json.loads(CONTRACT_FILE.read_text()), manifest["contract_version"], CHANGELOG.read_text())
    CONTRACT_FILE.write_text(contract_of(manifest))
    sys.stdout.write(
        f"{CONTRACT_FILE}: {CONTRACT_VERSION}. State it in CHANGELOG.md as: Schema {fingerprint(_tables(manifest))}.\n"
    )


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except ContractBroken as broken:
        sys.exit(str(broken))

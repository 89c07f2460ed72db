"""The promise to those who read a release: its version, and the schema that goes with it, as text to compare."""

import json
from typing import Any

# Raised with every change of the published schema: the first number for what breaks a reader (a table, column or key gone,
# renamed or of another type or meaning), the second for what is added. CHANGELOG.md says why.
CONTRACT_VERSION = "1.0.0"


def contract_of(manifest: dict[str, Any]) -> str:
    """The published schema of a release as JSON: of each table its key and its columns with their types."""
    tables = {table["name"]: {"key": table["key"], "columns": table["columns"]} for table in manifest["tables"]}
    return json.dumps({"contract_version": manifest["contract_version"], "tables": tables}, indent=1) + "\n"

"""What the manifest of a release says to a person. Imports nothing slow: looking something up must not wait."""

from collections.abc import Mapping
from typing import Any


def withheld_by_reason(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """The withheld tables of a release by reason, the most frequent first; a release of an earlier version withholds none."""
    found: dict[str, list[str]] = {}
    for table in manifest["tables"]:
        if table.get("status") == "withheld":
            found.setdefault(table["reason"], []).append(table["name"])
    return dict(sorted(found.items(), key=lambda group: (-len(group[1]), group[0])))


def withheld_sentences(manifest: Mapping[str, Any]) -> list[str]:
    """One sentence a reason."""
    return [
        f"Withheld, because {reason}: {', '.join(tables)}."
        if len(tables) == 1
        else f"{len(tables)} tables withheld, because {reason}: {', '.join(tables)}."
        for reason, tables in withheld_by_reason(manifest).items()
    ]


def quarantine_sentences(manifest: Mapping[str, Any]) -> list[str]:
    """One sentence per document in quarantine, whole or in part; a release of an earlier version knows none."""
    return [f"{_waiting(one)}: {one['reason']}." for one in manifest.get("quarantine", [])]


def _waiting(one: Mapping[str, Any]) -> str:
    if one["rows"] is None:
        return f"{one['path']} is in quarantine"
    if one["rows"] == 1:
        return f"1 row of {one['path']} is in quarantine"
    return f"{one['rows']} rows of {one['path']} are in quarantine, such as"


def failed_fetches(manifest: Mapping[str, Any]) -> list[str]:
    """One clause a document that was asked for and did not come."""
    return [f"{one['vendor']} {one['kind']} {one['symbol']}: {one['reason']}" for one in manifest.get("failed_fetches", [])]

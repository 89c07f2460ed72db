"""Small releases made by hand: a few rows of each table that the commands read, in the published types."""

import json
from pathlib import Path
from typing import Any

import duckdb

from orchestration.publish.contract import CONTRACT_VERSION

BEFORE = "20261001T223000000000Z"
LATEST = "20261002T223000000000Z"
PARAMETERS = {
    "clock.final_bar_minutes": {"value": 30.0, "unit": "minutes", "meaning": "time after a close at which a bar is final"},
    "scorecard.horizon_year": {"value": 252.0, "unit": "sessions", "meaning": "horizon of a year"},
    "regime.threshold": {"value": 0.02, "unit": "log points", "meaning": "trend gap beyond which a regime begins"},
}
_TABLES = Path(__file__).with_suffix(".sql")


def manifest(**changes: Any) -> dict[str, Any]:
    """The manifest of the newer release."""
    return {
        "release_id": LATEST,
        "contract_version": CONTRACT_VERSION,
        "source": "sample",
        "published_at": "2026-10-02T22:30:00.000000+00:00",
        "clock": "2026-10-01T15:00:00+00:00",
        "known_at": None,
        "last_session": "2026-09-30",
        "git_revision": "abc123",
        "parameters": PARAMETERS,
        "failed_fetches": [],
        "quarantine": [],
        "holdings_as_of": {},
        "tables": [
            _table("price_daily", {"fund": "VARCHAR", "session": "DATE"}, "session"),
            _table("reading_changes", {"baseline": "VARCHAR", "topic": "VARCHAR"}, None),
            {**_table("holdings", {"fund": "VARCHAR"}, None), "status": "withheld", "reason": "a test failed"},
        ],
        **changes,
    }


def _table(name: str, key: dict[str, str], date_column: str | None) -> dict[str, Any]:
    return {
        "name": name, "status": "published", "reason": None, "key": list(key), "columns": key, "date_column": date_column,
    }  # fmt: skip


def write_release(published: Path, *, also: str = "", name: str = LATEST, **changes: Any) -> Path:
    """Write a release and make it the latest.

    Args:
        also: SQL to run after the tables are made.
        changes: entries of the manifest.
    """
    directory = published / "releases" / name
    directory.mkdir(parents=True)
    with duckdb.connect(str(directory / "warehouse.duckdb")) as connection:
        connection.execute(
            _TABLES.read_text().replace("<before>", BEFORE).replace("<latest>", name).replace("<contract>", CONTRACT_VERSION)
        )
        connection.execute("comment on column price_daily.close is 'Last price of the session; USD.'")
        connection.execute(also)
    (directory / "manifest.json").write_text(json.dumps(manifest(**{"release_id": name, **changes})))
    link = published / "latest"
    link.unlink(missing_ok=True)
    link.symlink_to(Path("releases") / name)
    return directory

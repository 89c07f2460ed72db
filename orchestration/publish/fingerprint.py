"""Fingerprint of the inputs of a release: if all are the same, a new release would have the same content."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from orchestration.files import content_hash, hash_of_files
from orchestration.market_calendar import FINAL_BAR_DELAY
from orchestration.raw.fetches import failing
from orchestration.schemas import RAW_TABLES
from orchestration.settings import DBT_PROJECT_DIR, PACKAGE_DIR
from orchestration.warehouse.raw_tables import LEDGER_TABLES

_PACKAGES = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "polars")
_PACKAGES_OF_ENGINE = {"duckdb": (), "spark": ("dbt-spark", "pyspark")}
_CODE = ((PACKAGE_DIR, ("*.py", "*.j2", "*.css", "*.js")), (DBT_PROJECT_DIR, ("*.sql", "*.yml", "*.csv")))
# The time of a request does not matter, only which requests fail.
_OBSERVED = (*RAW_TABLES, *(table for table in LEDGER_TABLES if table != "fetches"))


def fingerprint(
    connection: duckdb.DuckDBPyConnection, *, decisions: Path, clock: datetime, known_at: datetime | None, engine: str
) -> dict[str, str]:
    """Hashes of observations, decisions and code (with the parameters), the engine, and the last final session of the clock.

    Args:
        connection: to a prepared warehouse.
        decisions: the file of a person's decisions; it may not exist.
        clock: the run's clock (UTC).
        engine: the engine that runs dbt's models.
    """
    return {
        "observations": _observations(connection),
        "decisions": content_hash(decisions.read_bytes()) if decisions.exists() else "none",
        "code": _code(engine),
        "engine": engine,
        "session": _last_final_session(connection, clock),
        "known_at": known_at.isoformat() if known_at else "now",
    }


def is_current(manifest: Mapping[str, Any], made_of: Mapping[str, str]) -> bool:
    """Whether a new release would have the content of this manifest. A release with withheld tables is always made again, because
    the cause may be fixed."""
    return manifest.get("made_of") == made_of and all(table["status"] == "published" for table in manifest["tables"])


def _observations(connection: duckdb.DuckDBPyConnection) -> str:
    sums = " union all ".join(f"select '{table}', count(*), bit_xor(hash(t)) from raw.{table} as t" for table in _OBSERVED)
    failed = [(one.vendor, one.kind, one.symbol, one.reason) for one in failing(connection)]
    return _short(json.dumps([connection.execute(sums).fetchall(), failed]))


def _last_final_session(connection: duckdb.DuckDBPyConnection, clock: datetime) -> str:
    final = "select max(session)::varchar from raw.sessions where closes_at <= ?"
    [(session,)] = connection.execute(final, [(clock - FINAL_BAR_DELAY).replace(tzinfo=None)]).fetchall()
    return str(session)


def _code(engine: str) -> str:
    """The same for a checkout and for an installed package, which have the folders in different places."""
    own = [hash_of_files(_files(root, patterns), root) for root, patterns in _CODE]
    return _short("\n".join([*own, *(f"{name} {version(name)}" for name in (*_PACKAGES, *_PACKAGES_OF_ENGINE[engine]))]))


def _files(root: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    """The files of a folder, without those that dbt writes."""
    files = (file for pattern in patterns for file in root.rglob(pattern))
    return (file for file in files if not {"target", "logs"} & set(file.relative_to(root).parts))


def _short(text: str) -> str:
    return content_hash(text.encode())[:16]

"""Releases: every mart as Parquet, all of them as one DuckDB file, a manifest written last, and `latest` swapped in one step."""

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.landing import sync_directory, write_atomically
from orchestration.settings import PROJECT_ROOT, Settings

MARTS_SCHEMA = "marts"
LATEST = "latest"
# What every BI tool can read without a word of explanation.
BI_TYPES = {"BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "VARCHAR", "DATE", "TIMESTAMP"}
_UNFINISHED = ".unfinished-"


class NotPublishable(RuntimeError):
    """A mart cannot go out as it is; the message names it."""


@dataclass(frozen=True)
class Mart:
    """A table to publish: its key sorts it, its dates give the range it covers."""

    name: str
    description: str
    key: tuple[str, ...]


@dataclass(frozen=True)
class PublishedTable:
    """One table of a release, as the manifest lists it."""

    name: str
    rows: int
    columns: dict[str, str]
    key: list[str]
    date_column: str | None
    first_date: str | None
    last_date: str | None
    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Release:
    """What was published and where."""

    release_id: str
    directory: Path
    manifest: dict[str, Any]


def publish(settings: Settings, marts: list[Mart], *, run_id: str) -> Release:
    """Write one release and make it the latest.

    A release is written under a hidden name and renamed when whole; `latest` is a link that is replaced in one step: a reader
    sees the old release or the new one.

    Raises:
        NotPublishable: a mart has a type or a value that BI tools cannot read.
    """
    _clear_unfinished(settings.published_dir)
    release_id = _next_release_id(settings)
    directory = settings.published_dir / "releases" / release_id
    unfinished = settings.published_dir / "releases" / f"{_UNFINISHED}{release_id}"
    unfinished.mkdir(parents=True)
    identity = {"release_id": release_id, "source": settings.source.value}
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        tables = [_write_parquet(connection, mart, unfinished, identity) for mart in marts]
        manifest = _manifest(settings, connection, tables, release_id=release_id, run_id=run_id)
        _write_serving_copy(connection, marts, unfinished / "warehouse.duckdb", manifest)
    manifest["serving_copy"] = _file_facts(unfinished / "warehouse.duckdb")
    for file in unfinished.iterdir():
        _sync_file(file)
    write_atomically(unfinished / "manifest.json", (json.dumps(manifest, indent=2) + "\n").encode())
    unfinished.replace(directory)
    sync_directory(directory.parent)
    _point_latest(settings.published_dir, release_id)
    _drop_old(settings.published_dir, settings.keep_releases)
    return Release(release_id, directory, manifest)


def latest_release(settings: Settings) -> Path | None:
    """The directory `latest` points to, None before the first publication."""
    latest = settings.published_dir / LATEST
    return latest.resolve() if (latest / "manifest.json").exists() else None


def _next_release_id(settings: Settings) -> str:
    """The wall clock, since releases must sort by when they were made, whatever the market's own clock says."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")


def _write_parquet(
    connection: duckdb.DuckDBPyConnection, mart: Mart, directory: Path, identity: dict[str, str]
) -> PublishedTable:
    table = f"{MARTS_SCHEMA}.{mart.name}"
    columns = dict(
        connection.execute(
            "select column_name, data_type from duckdb_columns() where schema_name = ? and table_name = ? order by column_index",
            [MARTS_SCHEMA, mart.name],
        ).fetchall()
    )
    _check_types(mart, columns)
    _check_finite(connection, mart, columns)
    path = directory / f"{mart.name}.parquet"
    order = ", ".join(f'"{column}"' for column in mart.key)
    metadata = ", ".join(f"{key}: '{value}'" for key, value in identity.items())
    connection.execute(
        f"copy (select * from {table} order by {order}) to '{path}'"
        f" (format parquet, compression zstd, kv_metadata {{{metadata}}})"
    )
    date_column = next((c for c in ("session", "as_of", "first_session", "end_session") if columns.get(c) == "DATE"), None)
    bounds = f'min("{date_column}")::varchar, max("{date_column}")::varchar' if date_column else "null, null"
    rows, first, last = connection.execute(f"select count(*), {bounds} from {table}").fetchall()[0]
    return PublishedTable(
        name=mart.name, rows=rows, columns=columns, key=list(mart.key), date_column=date_column, first_date=first,
        last_date=last, **_file_facts(path),
    )  # fmt: skip


def _check_types(mart: Mart, columns: dict[str, str]) -> None:
    for column, data_type in columns.items():
        if data_type not in BI_TYPES:
            raise NotPublishable(f"{mart.name}.{column} is {data_type}; publish only {', '.join(sorted(BI_TYPES))}")


def _check_finite(connection: duckdb.DuckDBPyConnection, mart: Mart, columns: dict[str, str]) -> None:
    doubles = [column for column, data_type in columns.items() if data_type == "DOUBLE"]
    if not doubles:
        return
    counts = ", ".join(f'count(*) filter (not isfinite("{column}"))' for column in doubles)
    broken = connection.execute(f"select {counts} from {MARTS_SCHEMA}.{mart.name}").fetchall()[0]
    for column, count in zip(doubles, broken, strict=True):
        if count:
            raise NotPublishable(f"{mart.name}.{column} holds {count} values that are infinite or not a number")


def _manifest(
    settings: Settings, connection: duckdb.DuckDBPyConnection, tables: list[PublishedTable], *, release_id: str, run_id: str
) -> dict[str, Any]:
    newest = connection.execute("select max(session)::varchar from staging.stg_price_bars").fetchall()[0][0]
    snapshots = connection.execute(
        "select fund, max(as_of)::varchar from staging.stg_holdings group by fund order by fund"
    ).fetchall()
    return {
        "release_id": release_id,
        "source": settings.source.value,
        "published_at": datetime.now(UTC).isoformat(timespec="microseconds"),
        "clock": settings.clock.isoformat(),
        "known_at": settings.known_at.isoformat() if settings.known_at else None,
        "last_session": newest,
        "holdings_as_of": dict(snapshots),
        "run_id": run_id,
        "git_revision": _git_revision(),
        "tables": [asdict(table) for table in tables],
    }


def _git_revision() -> str | None:
    """The revision of the code that made the release, with + when the work tree differs; None outside a checkout."""
    command = ["git", "-C", str(PROJECT_ROOT), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _write_serving_copy(source: duckdb.DuckDBPyConnection, marts: list[Mart], path: Path, manifest: dict[str, Any]) -> None:
    """All marts with their comments, and a table `release`, in one file that DuckDB 1.0 and later can open."""
    comments = source.execute(
        "select table_name, column_name, comment from duckdb_columns() where schema_name = ? and comment is not null",
        [MARTS_SCHEMA],
    ).fetchall()
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as serving (storage_version 'v1.0.0')")
        connection.execute("use serving")
        for mart in marts:
            connection.execute(f"create table {mart.name} as from read_parquet('{path.parent / mart.name}.parquet')")
            connection.execute(f"comment on table {mart.name} is {_literal(mart.description)}")
        for table, column, comment in comments:
            if any(mart.name == table for mart in marts):
                connection.execute(f'comment on column {table}."{column}" is {_literal(comment)}')
        facts = {key: manifest[key] for key in _RELEASE_COLUMNS}
        connection.execute(
            "create table release as select " + ", ".join(f"${key}::{kind} as {key}" for key, kind in _RELEASE_COLUMNS.items()),
            facts,
        )
        connection.execute("comment on table release is 'One row: which release this is, from which source, for which session.'")
        connection.execute("use memory")
        connection.execute("detach serving")


_RELEASE_COLUMNS = {
    "release_id": "varchar", "source": "varchar", "published_at": "timestamp", "known_at": "timestamp",
    "last_session": "date", "run_id": "varchar", "git_revision": "varchar",
}  # fmt: skip


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _file_facts(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"file": path.name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _sync_file(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _point_latest(published: Path, release_id: str) -> None:
    link = published / f"{_UNFINISHED}{LATEST}"
    link.unlink(missing_ok=True)
    link.symlink_to(Path("releases") / release_id)
    link.replace(published / LATEST)
    sync_directory(published)


def _drop_old(published: Path, keep: int) -> None:
    """Remove the oldest releases beyond the set count; never the one `latest` points to."""
    current = (published / LATEST).resolve().name
    releases = sorted(path for path in (published / "releases").iterdir() if not path.name.startswith("."))
    for path in releases[:-keep]:
        if path.name != current:
            _remove_release(path)


def _remove_release(path: Path) -> None:
    """Out of sight first, so that nobody finds half a release."""
    hidden = path.with_name(f"{_UNFINISHED}{path.name}")
    path.replace(hidden)
    shutil.rmtree(hidden)


def _clear_unfinished(published: Path) -> None:
    """What a killed run left behind."""
    for path in (published / "releases").glob(f"{_UNFINISHED}*"):
        shutil.rmtree(path)

"""Releases: written under a hidden name, manifest last, then `latest` is switched atomically and old releases are deleted."""

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.files import sync_directory, write_atomically
from orchestration.publish.calendar_file import CALENDAR_FILE, calendar_ics
from orchestration.publish.changes import Side
from orchestration.publish.contract import CONTRACT_VERSION
from orchestration.publish.diary import Diary
from orchestration.publish.fingerprint import fingerprint, is_current
from orchestration.publish.history import LATEST, RELEASES, readable, releases_on_disk
from orchestration.publish.made_tables import MADE_TABLES, PRICES, Past, make_tables
from orchestration.publish.release_files import (
    NotPublishable,
    PublishedTable,
    Table,
    file_facts,
    withheld_marts,
    write_data_dictionary,
    write_parquet,
    write_serving_copy,
)
from orchestration.raw.fetches import failing
from orchestration.raw.review import documents_in_quarantine
from orchestration.settings import PROJECT_ROOT
from orchestration.universe import load_universe
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.made_of import made_of
from orchestration.warehouse.withholding import withheld_tables

_UNFINISHED = ".unfinished-"
_FRESHNESS = ("feed", "newest", "age_days", "sessions_behind", "is_stale", "limit_text")


@dataclass(frozen=True)
class Release:
    """A published release: id, directory and manifest."""

    release_id: str
    directory: Path
    manifest: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The origin of a release: source, clock (UTC), `known_at` (UTC), the files of decisions and of the signal diary, and the
    engine that ran dbt's models."""

    source: str
    clock: datetime
    known_at: datetime | None
    decisions: Path
    diary: Path
    engine: str


def publish(
    warehouse: Warehouse, marts: list[Table], origin: Origin, *, published_dir: Path, scripts_dir: Path, keep: int, run_id: str
) -> Release:
    """Write one release of all sound tables and make it the latest; the other tables are withheld: columns and no rows.

    A release is written under a hidden name and renamed when complete; `latest` is a link that is replaced atomically, so that a
    reader sees the old release or the new one.

    Args:
        published_dir: contains `releases/` and `latest`.
        scripts_dir: keeps the report's JavaScript bundle between releases.
        keep: number of releases kept on disk.

    Raises:
        NotPublishable: no mart can be published, or one was never built.
        WarehouseUnusable: the warehouse cannot be read.
    """
    _clear_unfinished(published_dir)
    latest = published_dir / LATEST
    past = Past(list(readable(releases_on_disk(published_dir))), latest.resolve() if latest.is_symlink() else None, keep)
    diary = Diary(origin.diary)
    release_id = _next_release_id()
    directory = published_dir / RELEASES / release_id
    unfinished = published_dir / RELEASES / f"{_UNFINISHED}{release_id}"
    identity = {"release_id": release_id, "source": origin.source}
    with warehouse.connect(read_only=True) as connection:
        withheld = withheld_marts(connection, marts)
        if len(withheld) == len(marts):
            raise NotPublishable(f"No table can be published: {_most_frequent(withheld.values())}")
        unfinished.mkdir(parents=True)
        written = [write_parquet(connection, mart, unfinished, identity, withheld=withheld.get(mart.name)) for mart in marts]
        manifest = _manifest(connection, written, origin, release_id=release_id, run_id=run_id)
        made = make_tables(connection, Side(unfinished, manifest), past, diary)
        manifest |= made.facts
        tables = sorted([*marts, *(one.table for one in MADE_TABLES)], key=lambda table: table.name)
        written += [
            write_parquet(connection, one.table, unfinished, identity, withheld=made.withheld.get(one.name))
            for one in MADE_TABLES
        ]
        written.sort(key=lambda facts: facts.name)
        manifest["tables"] = [asdict(facts) for facts in written]
        write_serving_copy(connection, tables, written, unfinished / "warehouse.duckdb", manifest)
        write_data_dictionary(connection, tables, written, unfinished / "data_dictionary.md")
    (unfinished / CALENDAR_FILE).write_bytes(calendar_ics(unfinished, origin.clock))
    manifest |= _report(unfinished, manifest, scripts=scripts_dir)
    manifest["serving_copy"] = file_facts(unfinished / "warehouse.duckdb")
    manifest["calendar"] = file_facts(unfinished / CALENDAR_FILE)
    manifest["data_dictionary"] = file_facts(unfinished / "data_dictionary.md")
    for file in unfinished.iterdir():
        _sync_file(file)
    write_atomically(unfinished / "manifest.json", (json.dumps(manifest, indent=2) + "\n").encode())
    unfinished.replace(directory)
    sync_directory(directory.parent)
    _point_latest(published_dir, release_id)
    if made.entry is not None:
        diary.append([made.entry])
    _drop_old(published_dir, keep)
    return Release(release_id, directory, manifest)


def _most_frequent(reasons: Iterable[str]) -> str:
    return Counter(reason for reason in reasons).most_common(1)[0][0]


def _report(release: Path, manifest: dict[str, Any], *, scripts: Path) -> dict[str, Any]:
    """Write the report; return missing data and the facts of the file for the manifest."""
    from orchestration.report.freshness import missing_from
    from orchestration.report.page import write_report
    from orchestration.report.release_tables import release_tables

    priced = {fund.fund for fund in load_universe().values() if fund.price_symbol}
    with release_tables(release) as tables:
        found = {"missing": missing_from(tables, priced=priced, failed_fetches=manifest["failed_fetches"])}
        page = write_report(tables, {**manifest, **found}, release, scripts=scripts)
    return {**found, "report": file_facts(page)}


def latest_release(published_dir: Path) -> Path | None:
    """The directory that `latest` points to, None before the first release."""
    latest = published_dir / LATEST
    return latest.resolve() if (latest / "manifest.json").exists() else None


def unchanged_release(published_dir: Path, warehouse: Warehouse, origin: Origin) -> Path | None:
    """The current release, if observations, decisions, code and the clock's session are unchanged; otherwise None."""
    release = latest_release(published_dir)
    if release is None:
        return None
    inputs = inputs_of_a_build(warehouse, origin)
    try:
        manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
        return release if is_current(manifest, inputs) else None
    except (OSError, ValueError, KeyError):  # a damaged release is replaced by a new one
        return None


def inputs_of_a_build(warehouse: Warehouse, origin: Origin) -> dict[str, str]:
    """The fingerprint of what a build would be made of now."""
    with warehouse.connect() as connection:
        return fingerprint(
            connection, decisions=origin.decisions, clock=origin.clock, known_at=origin.known_at, engine=origin.engine
        )


def _next_release_id() -> str:
    """An id from the actual time, not the run's clock, so that releases sort by when they were made."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")


def _manifest(
    connection: duckdb.DuckDBPyConnection, tables: list[PublishedTable], origin: Origin, *, release_id: str, run_id: str
) -> dict[str, Any]:
    withheld = withheld_tables(connection)

    def ask(table: str, query: str) -> list[tuple[Any, ...]]:
        return [] if table.partition(".")[2] in withheld else connection.execute(query.format(table=table)).fetchall()

    newest = ask("intermediate.int_bars_on_current_basis", "select max(session)::varchar from {table}")
    snapshots = ask(
        "intermediate.int_holdings_classified", "select fund, max(as_of)::varchar from {table} group by fund order by fund"
    )
    ages = ask("marts.freshness", f"select {', '.join(_FRESHNESS)} from {{table}} order by feed")
    fresh = [{**dict(zip(_FRESHNESS, row, strict=True)), "newest": row[1] and row[1].isoformat()} for row in ages]
    made = made_of(connection, [table.name for table in tables])
    parameters = ask(
        "seeds.signal_parameters",
        "select signal || '.' || parameter, value::double, unit, meaning from {table} order by signal, parameter",
    )
    return {
        "release_id": release_id,
        "contract_version": CONTRACT_VERSION,
        "source": origin.source,
        "engine": made["engine"],
        "published_at": datetime.now(UTC).isoformat(timespec="microseconds"),
        "clock": origin.clock.isoformat(),
        "known_at": origin.known_at.isoformat() if origin.known_at else None,
        "last_session": newest[0][0] if newest else None,
        "holdings_as_of": dict(snapshots),
        "run_id": run_id,
        "git_revision": _git_revision(),
        "made_of": made,
        "freshness": fresh,
        "sessions_behind": next((row["sessions_behind"] for row in fresh if row["feed"] == PRICES), None),
        "parameters": {name: {"value": value, "unit": unit, "meaning": meaning} for name, value, unit, meaning in parameters},
        "failed_fetches": [{**asdict(fetch), "attempted_at": fetch.attempted_at.isoformat()} for fetch in failing(connection)],
        "quarantine": [
            {"path": document.path, "rules": sorted(set(document.rules)), "reason": document.reasons[0], "rows": document.rows}
            for document in documents_in_quarantine(connection)
        ],
        "tables": [asdict(table) for table in tables],
    }


def _git_revision() -> str | None:
    """The revision of the code that made the release, with + when the work tree differs; None outside a checkout."""
    if not (PROJECT_ROOT / ".git").exists():  # an installed package may be in the folder of another repository
        return None
    command = ["git", "-C", str(PROJECT_ROOT), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _sync_file(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _point_latest(published: Path, release_id: str) -> None:
    link = published / f"{_UNFINISHED}{LATEST}"
    link.unlink(missing_ok=True)
    link.symlink_to(Path(RELEASES) / release_id)
    link.replace(published / LATEST)
    sync_directory(published)


def _drop_old(published: Path, keep: int) -> None:
    """Delete the oldest releases beyond `keep`, never the one that `latest` points to."""
    current = (published / LATEST).resolve().name
    releases = sorted(path for path in (published / RELEASES).iterdir() if not path.name.startswith("."))
    for path in releases[:-keep]:
        if path.name != current:
            _remove_release(path)


def _remove_release(path: Path) -> None:
    """Delete a release; it is renamed first, so that no reader finds an incomplete one."""
    hidden = path.with_name(f"{_UNFINISHED}{path.name}")
    path.replace(hidden)
    shutil.rmtree(hidden)


def _clear_unfinished(published: Path) -> None:
    """Remove unfinished releases of killed runs."""
    for path in (published / RELEASES).glob(f"{_UNFINISHED}*"):
        shutil.rmtree(path)

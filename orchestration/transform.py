"""dbt, in this process: the manifest the asset graph is drawn from, and the one build of a run.

A dbt command of its own would cost two more Python start-ups than the work it does; dagster-dbt still turns dbt's events into
Dagster's.
"""

import hashlib
import json
import os
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt_common.events.functions import msg_to_dict

from orchestration.landing import write_atomically
from orchestration.rules import rules_of
from orchestration.settings import DBT_PROJECT_DIR, Settings
from orchestration.warehouse import Warehouse, raise_if_unusable
from orchestration.withholding import Withholding

WAREHOUSE_VARIABLE = "SMALLCAP_WAREHOUSE"
_parsed: dict[Path, Any] = {}
_RESULTS = {"LogSeedResult", "LogModelResult", "LogTestResult"}
_SOURCES = ("*.sql", "*.yml", "*.csv")
_WRITTEN_BY_DBT = {"target", "logs"}


class BuildFailed(RuntimeError):
    """dbt could not parse the project or stopped while it built; the message says why."""


def manifest_path(settings: Settings) -> Path:
    """dbt's manifest, parsed anew when it is damaged or the project is not the one it was made from: dates of files do not tell,
    after a copy.

    Raises:
        BuildFailed: the project does not parse.
    """
    path, parsed_from = settings.dbt_target_dir / "manifest.json", settings.dbt_target_dir / "parsed_from"
    rules = rules_of(_project_files())
    if not (path.exists() and parsed_from.exists() and parsed_from.read_bytes() == _made_from(rules, path)):
        # dbt's own cache may be what is damaged.
        (settings.dbt_target_dir / "partial_parse.msgpack").unlink(missing_ok=True)
        _parsed[settings.dbt_target_dir] = _parse(settings)  # the build of this process need not parse again
        write_atomically(parsed_from, _made_from(rules, path))
    return path


def read_manifest(settings: Settings) -> dict[str, Any]:
    """The manifest as dbt wrote it.

    Raises:
        BuildFailed: the project does not parse.
    """
    manifest: dict[str, Any] = json.loads(manifest_path(settings).read_text(encoding="utf-8"))
    return manifest


def _made_from(rules: str, manifest: Path) -> bytes:
    """What the project was and what dbt made of it, so that a damaged manifest is found."""
    return f"{rules} {hashlib.sha256(manifest.read_bytes()).hexdigest()}".encode()


def build(settings: Settings, select: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Run models, seeds and data tests in the order of the graph and give dbt's events as they come.

    A model or test that fails stops nothing but what rests on it: `withholding` keeps which tables no release may hold, and why.
    Unit tests stay out: they test the rules, not the data, and run with the other tests.

    Args:
        select: dbt selectors; none means everything.

    Raises:
        BuildFailed: dbt itself stopped; the message says why.
        WarehouseUnusable: the warehouse is damaged or the disk is full.
    """
    events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    arguments = ["build", "--exclude-resource-type", "unit_test", "--no-write-json"]
    arguments += ["--select", *select] if select else []
    arguments += ["--vars", json.dumps(_variables(settings))]
    warehouse = Warehouse(settings.warehouse_path)
    warehouse.prepare()
    withholding = Withholding(warehouse, read_manifest(settings), select, settings.known_at)
    withholding.begin()
    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(_build, settings, arguments, lambda event: _pass_result(event, events.put))
        running.add_done_callback(lambda _: events.put(None))
        while (event := events.get()) is not None:
            yield event
        result = running.result()
    results = getattr(result.result, "results", None)
    if results is None:
        raise BuildFailed(f"dbt stopped: {_one_line(result.exception)}")
    for one in results:
        if one.status == "error":
            raise_if_unusable(settings.warehouse_path, str(one.message))
    withholding.end(results)


def _variables(settings: Settings) -> dict[str, str]:
    """The moments that the models know, as UTC timestamps: the clock of a rebuilt past does not run beyond what was known."""
    clock = min(settings.clock, settings.known_at) if settings.known_at else settings.clock
    moments = {"clock": clock, "known_at": settings.known_at}
    return {name: f"{moment:%Y-%m-%d %H:%M:%S.%f}" for name, moment in moments.items() if moment is not None}


def _parse(settings: Settings) -> Any:
    result = _invoke(settings, ["parse"], [])
    if not result.success:
        raise BuildFailed(f"the dbt project does not parse: {_one_line(result.exception)}")
    return result.result


def _build(settings: Settings, arguments: list[str], take: Callable[[Any], None]) -> dbtRunnerResult:
    """Parsed without variables first, which is quick when nothing changed: with another clock dbt would read every file again."""
    manifest = _parsed.get(settings.dbt_target_dir) or _parse(settings)
    return _invoke(settings, arguments, [take], manifest)


def _project_files() -> list[Path]:
    """Without what dbt writes beside them when it is called by hand."""
    files = (file for pattern in _SOURCES for file in DBT_PROJECT_DIR.rglob(pattern))
    return sorted(file for file in files if file.relative_to(DBT_PROJECT_DIR).parts[0] not in _WRITTEN_BY_DBT)


def _pass_result(event: Any, take: Callable[[dict[str, Any]], None]) -> None:
    """Thousands of events are for debugging; only the results of nodes are worth the conversion."""
    if event.info.name in _RESULTS:
        take(msg_to_dict(event))


def _invoke(settings: Settings, arguments: list[str], callbacks: list[Any], manifest: Any = None) -> dbtRunnerResult:
    os.environ[WAREHOUSE_VARIABLE] = str(settings.warehouse_path)
    settings.dbt_target_dir.mkdir(parents=True, exist_ok=True)
    places = [
        "--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR),
        "--target-path", str(settings.dbt_target_dir), "--log-path", str(settings.dbt_target_dir),
    ]  # fmt: skip
    quiet = ["--log-level", "none", "--log-level-file", "none", "--no-use-colors"]
    try:
        return dbtRunner(manifest=manifest, callbacks=callbacks).invoke([*quiet, *arguments, *places])
    finally:
        _release_warehouse()


def _release_warehouse() -> None:
    """dbt-duckdb keeps its connection, and with it the file's lock, until the process ends: close it now."""
    environment = DuckDBConnectionManager._ENV
    if environment is not None:
        environment.close()
    DuckDBConnectionManager.close_all_connections()


def _one_line(error: BaseException | None, longest: int = 300) -> str:
    return " ".join(str(error or "it gave no reason").split())[:longest]

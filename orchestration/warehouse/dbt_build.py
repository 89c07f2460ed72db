"""dbt in this process: the manifest for the asset graph, and the build of a run.

Separate dbt commands would cost two more Python start-ups; dagster-dbt still converts dbt's events to Dagster's.
"""

import json
import os
import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from orchestration.files import content_hash, hash_of_files, write_atomically
from orchestration.settings import DBT_PROJECT_DIR
from orchestration.warehouse.connection import Warehouse, raise_if_unusable
from orchestration.warehouse.engine import DuckDb, Engine
from orchestration.warehouse.made_of import record_made_of
from orchestration.warehouse.withholding import Withholding

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

_parsed: dict[Path, Any] = {}
_TABLES = ("model", "seed")
_RESULTS = {"LogSeedResult", "LogModelResult", "LogTestResult"}
_SOURCES = ("*.sql", "*.yml", "*.csv")
_WRITTEN_BY_DBT = {"target", "logs"}


class BuildFailed(RuntimeError):
    """dbt could not parse the project, or stopped during a build; the message says why."""


@dataclass(frozen=True)
class Dbt:
    """The dbt project, built into one warehouse; `target_dir` keeps the manifest and the compiled SQL."""

    warehouse: Warehouse
    target_dir: Path
    project_dir: Path = DBT_PROJECT_DIR
    engine: Engine = field(default_factory=DuckDb)

    def manifest_path(self) -> Path:
        """The path of dbt's manifest, made again if it is damaged, or the project's files or dbt's version have changed.

        Raises:
            BuildFailed: the project does not parse.
        """
        path, parsed_from = self.target_dir / "manifest.json", self.target_dir / "parsed_from"
        project = f"{hash_of_files(self._files(), self.project_dir)} {version('dbt-core')}"
        self.target_dir.mkdir(parents=True, exist_ok=True)
        # Runs that start at once parse before one of them waits for the other: dbt does not write its manifest atomically.
        with FileLock(self.target_dir / ".parsing.lock"):
            if not (path.exists() and parsed_from.exists() and parsed_from.read_bytes() == _made_from(project, path)):
                # dbt's own cache may be damaged.
                (self.target_dir / "partial_parse.msgpack").unlink(missing_ok=True)
                _parsed[self.target_dir] = self._parse()  # reused by the build of this process
                write_atomically(parsed_from, _made_from(project, path))
        return path

    def manifest(self) -> dict[str, Any]:
        """The manifest as dbt wrote it.

        Raises:
            BuildFailed: the project does not parse.
        """
        manifest: dict[str, Any] = json.loads(self.manifest_path().read_text(encoding="utf-8"))
        return manifest

    def build(
        self,
        select: Sequence[str] = (),
        *,
        clock: datetime,
        known_at: datetime | None = None,
        made_of: Mapping[str, str] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Run models, seeds and data tests in the order of the graph, and yield dbt's events.

        A failed model or test stops only what depends on it: `withholding` records which tables are withheld, and why. Unit tests
        do not run: they test the rules, not the data, and are part of the test suite.

        Args:
            select: dbt selectors; empty means everything.
            clock: the run's clock (UTC).
            known_at: build from what was observed by this time (UTC); None means everything known.
            made_of: what the tables are built from, to be recorded with them.

        Raises:
            BuildFailed: dbt stopped; the message says why.
            WarehouseUnusable: the warehouse is damaged or the disk is full.
            SparkUnusable: the engine is Spark, and it is not installed, does not start or ended during the build.
        """
        events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        arguments = ["build", "--exclude-resource-type", "unit_test", "--no-write-json"]
        arguments += ["--select", *selectors] if (selectors := self.engine.also_select(select)) else []
        arguments += ["--vars", json.dumps(variables(clock, known_at))]
        self.warehouse.prepare()
        manifest = self.manifest()
        withholding = Withholding(self.warehouse, manifest, select, known_at)
        withholding.begin()
        pool = ThreadPoolExecutor(max_workers=1)
        with self.engine.session(self.warehouse, everything=not select):
            running = pool.submit(self._build, arguments, lambda event: _pass_result(event, events.put))
            running.add_done_callback(lambda _: events.put(None))
            # Without waiting: a generator that a failed run abandons is closed by the thread that collects it, even one of dbt's.
            pool.shutdown(wait=False)
            while (event := events.get()) is not None:
                yield event
            result = running.result()
            results = getattr(result.result, "results", None)
            if results is None:
                raise BuildFailed(f"The dbt build stopped: {_one_line(result.exception)}")
            for one in results:
                if one.status == "error":
                    raise_if_unusable(self.warehouse.path, str(one.message))
            built = {one.node.unique_id for one in results if one.status == "success"}
            tables = [node for uid, node in manifest["nodes"].items() if uid in built and node["resource_type"] in _TABLES]
            faults = self.engine.read_built(self.warehouse, tables)
        withholding.end(results, faults)
        with self.warehouse.connect() as connection:
            record_made_of(connection, withholding.built, {**(made_of or {}), "engine": self.engine.target})

    def parsed(self) -> Any:
        """The project for `invoke`, parsed without variables: with another clock, dbt would parse every file again.

        Raises:
            BuildFailed: the project does not parse.
        """
        return _parsed.get(self.target_dir) or self._parse("--no-write-json")

    def invoke(self, arguments: list[str], callbacks: Sequence[Any] = (), manifest: Any = None) -> "dbtRunnerResult":
        """Run one dbt command in this process, without output, and release the warehouse afterwards."""
        from dbt.cli.main import dbtRunner  # slow to import, and not needed by a run without anything new

        os.environ.update(self.engine.environment(self.warehouse))
        self.target_dir.mkdir(parents=True, exist_ok=True)
        paths = [
            "--project-dir", str(self.project_dir), "--profiles-dir", str(self.project_dir),
            "--target-path", str(self.target_dir), "--log-path", str(self.target_dir), "--target", self.engine.target,
        ]  # fmt: skip
        quiet = ["--log-level", "none", "--log-level-file", "none", "--no-use-colors"]
        try:
            return dbtRunner(manifest=manifest, callbacks=list(callbacks)).invoke([*quiet, *arguments, *paths])
        finally:
            self.engine.release()

    def _parse(self, *options: str) -> Any:
        result = self.invoke(["parse", *options])
        if not result.success:
            raise BuildFailed(f"The dbt project does not parse: {_one_line(result.exception)}")
        return result.result

    def _build(self, arguments: list[str], take: Callable[[Any], None]) -> "dbtRunnerResult":
        return self.invoke(arguments, [take], self.parsed())

    def _files(self) -> Iterator[Path]:
        """The project's files, without those that dbt writes."""
        files = (file for pattern in _SOURCES for file in self.project_dir.rglob(pattern))
        return (file for file in files if file.relative_to(self.project_dir).parts[0] not in _WRITTEN_BY_DBT)


def variables(clock: datetime, known_at: datetime | None) -> dict[str, str]:
    """The dbt variables `clock` and `known_at` as UTC timestamps; the clock is at most `known_at`."""
    moments = {"clock": min(clock, known_at) if known_at else clock, "known_at": known_at}
    return {name: f"{moment:%Y-%m-%d %H:%M:%S.%f}" for name, moment in moments.items() if moment is not None}


def _made_from(project: str, manifest: Path) -> bytes:
    """What the manifest was made from and its hash, so that a change or a damaged manifest is detected."""
    return f"{project} {content_hash(manifest.read_bytes())}".encode()


def _pass_result(event: Any, take: Callable[[dict[str, Any]], None]) -> None:
    """Pass on results of nodes only; thousands of other events are for debugging."""
    if event.info.name in _RESULTS:
        from dbt_common.events.functions import msg_to_dict

        take(msg_to_dict(event))


def _one_line(error: BaseException | None, longest: int = 300) -> str:
    return " ".join(str(error or "no reason given").split())[:longest]

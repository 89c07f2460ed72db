"""Runs whose process has died, by a kill or a power cut: their records are closed, so that they hold nothing back.

Dagster cannot tell a run that works from one whose process is gone, and keeps the place of both. So every process that executes
a run holds a lock in the name of that run, which the operating system lets go of however the process ends. Dagster's run
monitoring asks for it while the UI is open, and every start of the command line or the UI does.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES
from filelock import FileLock, Timeout

# From the record of a start to the lock of its process it takes some seconds of imports, on a busy machine many.
START_SECONDS = 180
DIED = "The process of this run ended without a word: it was killed, or the machine went down. The next run does all over again."
_held: dict[str, FileLock] = {}


def lock_path(dagster_home: str | Path, run_id: str) -> Path:
    """The file that the process of a run holds locked."""
    return Path(dagster_home) / "running" / f"{run_id}.lock"


@contextmanager
def lock_of_run(dagster_home: str | Path, run_id: str) -> Iterator[None]:
    """Hold the lock of a run, from before its record exists until after its last event."""
    path = lock_path(dagster_home, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path):
        yield
    path.unlink(missing_ok=True)


def close_dead_runs(instance: dg.DagsterInstance, report: Callable[[str], None]) -> None:
    """Mark every run as failed whose process is gone, and give back what it held.

    A run that waits in the queue holds nothing: the next UI starts it.
    """
    home = instance.root_directory
    for record in instance.get_run_records(dg.RunsFilter(statuses=IN_PROGRESS_RUN_STATUSES)):
        run = record.dagster_run
        if not _is_alive(home, record):
            instance.report_run_failed(run, DIED)
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            report(f"closed the record of run {run.run_id[:8]} ({run.job_name}): its process had died")
    for path in lock_path(home, "").parent.glob("*.lock"):
        if not _is_held(path):
            path.unlink(missing_ok=True)


def close_dead_runs_at_home(report: Callable[[str], None]) -> None:
    """The same for the instance that DAGSTER_HOME names."""
    with dg.DagsterInstance.get() as instance:
        close_dead_runs(instance, report)


def _is_alive(dagster_home: str | Path, record: dg.RunRecord) -> bool:
    path = lock_path(dagster_home, record.dagster_run.run_id)
    return _is_held(path) if path.exists() else time.time() - record.update_timestamp.timestamp() < START_SECONDS


def _is_held(path: Path) -> bool:
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


class WatchedLauncher(DefaultRunLauncher):
    """Dagster's launcher, which can tell Dagster's run monitoring whether the process of a run is there."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes: runs hold locks."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """By the lock of the run, whoever started it."""
        record = self._instance.get_run_record_by_id(run.run_id)
        if record and _is_alive(self._instance.root_directory, record):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, DIED)


class _OneProcess(InProcessExecutor):
    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[dg.DagsterEvent]:
        """All steps in this process, which holds the run's lock until it ends."""
        path = lock_path(plan_context.instance.root_directory, plan_context.run_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        _held[plan_context.run_id] = FileLock(path)
        _held[plan_context.run_id].acquire()
        yield from super().execute(plan_context, execution_plan)


@dg.executor(name="one_process")
def one_process(_: dg.InitExecutorContext) -> InProcessExecutor:
    """Execute all steps in one process: starting one a step would cost more than the work."""
    return _OneProcess(retries=RetryMode.ENABLED)

"""Dead runs: runs whose process was killed or lost power. Their records are closed, so that they do not block other runs.

Dagster cannot distinguish an active run from one whose process died, and reserves the concurrency slots of both. Therefore every
process that executes a run holds a lock file for it, which the operating system releases when the process ends for any reason.
Dagster's run monitoring checks the lock while the UI is open, and every start of the command line or the UI checks it, too.
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

# Time from the record of a run to the lock of its process: imports, which are slow on a busy machine.
START_SECONDS = 180
DIED = (
    "The process of this run ended unexpectedly: it was killed, or the machine stopped. The next run starts from the beginning."
)
_held: dict[str, FileLock] = {}


def lock_path(dagster_home: str | Path, run_id: str) -> Path:
    """The lock file of a run."""
    return Path(dagster_home) / "running" / f"{run_id}.lock"


@contextmanager
def lock_of_run(dagster_home: str | Path, run_id: str) -> Iterator[None]:
    """Hold the lock of a run, from before its record is created until after its last event."""
    path = lock_path(dagster_home, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path):
        yield
    path.unlink(missing_ok=True)


def close_dead_runs(instance: dg.DagsterInstance, report: Callable[[str], None]) -> None:
    """Mark every run whose process died as failed, and free its concurrency slots.

    Queued runs hold no slot: the next start of the UI runs them.
    """
    home = instance.root_directory
    for record in instance.get_run_records(dg.RunsFilter(statuses=IN_PROGRESS_RUN_STATUSES)):
        run = record.dagster_run
        if not _is_alive(home, record):
            instance.report_run_failed(run, DIED)
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            report(f"Closed the record of run {run.run_id[:8]} ({run.job_name}), whose process died.")
    for path in lock_path(home, "").parent.glob("*.lock"):
        if not _is_held(path):
            path.unlink(missing_ok=True)


def close_dead_runs_at_home(report: Callable[[str], None]) -> None:
    """Close dead runs of the instance in DAGSTER_HOME."""
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
    """Dagster's launcher, extended so that run monitoring can check whether the process of a run is alive."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """True, because runs hold locks."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Check the lock of the run, whichever process started it."""
        record = self._instance.get_run_record_by_id(run.run_id)
        if record and _is_alive(self._instance.root_directory, record):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, DIED)


class _OneProcess(InProcessExecutor):
    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[dg.DagsterEvent]:
        """Execute all steps in this process, which holds the run's lock until it ends."""
        path = lock_path(plan_context.instance.root_directory, plan_context.run_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        _held[plan_context.run_id] = FileLock(path)
        _held[plan_context.run_id].acquire()
        yield from super().execute(plan_context, execution_plan)


@dg.executor(name="one_process")
def one_process(_: dg.InitExecutorContext) -> InProcessExecutor:
    """Execute all steps in one process: one process per step would cost more than the work."""
    return _OneProcess(retries=RetryMode.ENABLED)

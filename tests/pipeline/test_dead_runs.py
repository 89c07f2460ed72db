"""Killed runs do not block the next one, however it is started."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from filelock import FileLock

from orchestration.defs.dead_runs import DIED, START_SECONDS, close_dead_runs, lock_of_run, lock_path
from orchestration.defs.instance import prepare_dagster_home
from orchestration.settings import Settings
from tests.pipeline.dagster_ui import open_ui, until
from tests.pipeline.homes import EVERYTHING, SMALLCAP, Home, copied, environment, run

PATIENT = {"SMALLCAP_WRITER_WAIT_SECONDS": "600"}
SCHEDULED = {"dagster/schedule_name": "after_the_close"}


@contextmanager
def busy(home: Home) -> Iterator[None]:
    """Another process writes to the directory, so that runs start and wait."""
    with FileLock(home.path / ".writer.lock"):
        yield


def statuses(home: Home) -> dict[str, str]:
    """Every run of the directory with its status."""
    with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
        return {record.run_id: record.status.value for record in instance.get_runs()}


def failure_of(home: Home, run_id: str) -> list[str]:
    with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
        failures = instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
        return [str(entry.dagster_event.message) for entry in failures if entry.dagster_event]


def process_of(home: Home, run_id: str) -> int:
    """The process that executes a run, from the run history."""
    with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
        messages = [str(entry.dagster_event.message) for entry in instance.all_logs(run_id) if entry.dagster_event]
    return int(next(text.split("pid: ")[1].rstrip(").") for text in messages if text.startswith("Started process for run")))


def is_held(home: Home, run_id: str) -> bool:
    path = lock_path(home.path / "dagster", run_id)
    if not path.exists():
        return False
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except TimeoutError:
        return True
    lock.release()
    return False


@pytest.mark.more_runs
def test_a_killed_run_does_not_block_the_next_one(sample_home: Home, tmp_path: Path) -> None:
    home = copied(sample_home, tmp_path / "home", parts=EVERYTHING)
    known = set(statuses(home))

    # A run of the command line is killed.
    with busy(home):
        command = [str(SMALLCAP), "run", "--source", "sample", "--data-dir", str(home.path)]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment(**PATIENT), stdout=subprocess.DEVNULL, start_new_session=True
        )
        until("the start of a run", lambda: "STARTED" in statuses(home).values())
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
    (by_command,) = set(statuses(home)) - known
    assert statuses(home)[by_command] == "STARTED"

    # The UI closes it. A run of the UI and the queued runs are killed with the UI.
    with open_ui(home.path, tmp_path, **PATIENT) as ui, busy(home):
        assert statuses(home)[by_command] == "FAILURE"
        assert failure_of(home, by_command) == [DIED]
        by_hand = ui.launch("daily")
        until("the start of a run", lambda: ui.status(by_hand) == "STARTED" and is_held(home, by_hand))
        waiting = ui.launch("publish", **SCHEDULED)
        until("a run waiting", lambda: ui.status(waiting) == "QUEUED")
        ui.kill()
        until("the end of the run's process", lambda: not is_held(home, by_hand))
    assert statuses(home)[by_hand] == "STARTED"

    # The next UI closes it and starts the queued run. Only the process of a scheduled run dies.
    with open_ui(home.path, tmp_path, **PATIENT) as ui:
        until("the end of the run that waited", lambda: ui.status(waiting) == "SUCCESS")
        assert failure_of(home, by_hand) == [DIED]
        with busy(home):
            by_schedule = ui.launch("daily", **SCHEDULED)
            until("the start of a run", lambda: ui.status(by_schedule) == "STARTED" and is_held(home, by_schedule))
            os.kill(process_of(home, by_schedule), signal.SIGKILL)
            until("the end of the run in the history", lambda: ui.status(by_schedule) == "FAILURE")
            another = ui.launch("daily", **SCHEDULED)
            until("the start of a run", lambda: ui.status(another) == "STARTED" and is_held(home, another))
            ui.kill()
            until("the end of the run's process", lambda: not is_held(home, another))

    # The command line closes the last one and succeeds.
    done = run(home.path, "sample", cwd=tmp_path)
    assert done.code == 0, done.out + done.err
    assert f"Closed the record of run {another[:8]}" in done.out
    assert set(statuses(home).values()) == {"SUCCESS", "FAILURE"}
    assert list(lock_path(home.path / "dagster", "any").parent.glob("*.lock")) == []


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A separate run history."""
    home = prepare_dagster_home(Settings(data_dir=tmp_path))
    with dg.DagsterInstance.from_config(str(home)) as opened:
        yield opened


def started(instance: dg.DagsterInstance) -> dg.DagsterRun:
    """The record of a started run."""
    run = instance.create_run_for_job(dg.GraphDefinition("nothing", node_defs=[]).to_job())
    event = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, "nothing")
    instance.report_dagster_event(event, run_id=run.run_id)
    return run


def test_an_active_run_is_not_closed(instance: dg.DagsterInstance) -> None:
    run = started(instance)
    holding = (
        "import sys; from orchestration.defs.dead_runs import lock_of_run\n"
        "with lock_of_run(sys.argv[1], sys.argv[2]): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", holding, instance.root_directory, run.run_id]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        close_dead_runs(instance, lambda _: None)
        assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.STARTED  # type: ignore[union-attr]
        other.kill()
    messages: list[str] = []
    close_dead_runs(instance, messages.append)
    assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]
    assert messages == [f"Closed the record of run {run.run_id[:8]} (nothing), whose process died."]


def test_a_run_without_a_lock_is_dead_only_after_the_start_time(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started(instance)
    close_dead_runs(instance, lambda _: None)
    assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.STARTED  # type: ignore[union-attr]
    from orchestration.defs import dead_runs

    now = dead_runs.time.time()
    monkeypatch.setattr(dead_runs.time, "time", lambda: now + START_SECONDS + 1)
    close_dead_runs(instance, lambda _: None)
    assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]


def test_twenty_killed_runs_do_not_block_the_next(instance: dg.DagsterInstance) -> None:
    lock_path(instance.root_directory, "any").parent.mkdir()
    for dead in [started(instance) for _ in range(20)]:
        lock_path(instance.root_directory, dead.run_id).touch()
    close_dead_runs(instance, lambda _: None)
    assert instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])) == 0
    with lock_of_run(instance.root_directory, "next"):
        assert [path.name for path in lock_path(instance.root_directory, "next").parent.iterdir()] == ["next.lock"]

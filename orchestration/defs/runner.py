"""One run of the daily job in this process, for the command line."""

import logging
import os
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from orchestration.defs.assets.landing import CALENDAR
from orchestration.defs.build import build_defs
from orchestration.defs.checks import NO_TABLE_IS_WITHHELD
from orchestration.defs.dbt_project import engine_of
from orchestration.defs.dead_runs import close_dead_runs, lock_of_run
from orchestration.defs.instance import prepare_dagster_home
from orchestration.defs.jobs import DAILY_JOB, build_config
from orchestration.publish.release import latest_release
from orchestration.publish.release_files import NotPublishable
from orchestration.raw.decisions import DecisionsDamaged
from orchestration.settings import Settings
from orchestration.warehouse.connection import DiskFull, WarehouseDamaged, WarehouseLocked, WarehouseUnusable, raise_if_unusable
from orchestration.warehouse.dbt_build import BuildFailed
from orchestration.warehouse.spark.java import SparkUnusable

_LONGEST_LINE = 500
# Dagster's messages about skipped steps.
_DAGSTER_NOISE = re.compile("Not executing|^Skipping step|did not yield or return expected outputs")
_HISTORY_DAMAGED = ("malformed", "not a database", "disk I/O error", "unable to open")
# Dagster's errors after Ctrl-C or SIGTERM.
_INTERRUPTED = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")
Progress = Callable[[str], None]
_OUR_ERRORS = {
    error.__name__
    for error in (
        WarehouseUnusable, WarehouseLocked, WarehouseDamaged, DiskFull, BuildFailed, SparkUnusable, NotPublishable,
        DecisionsDamaged,
    )
}  # fmt: skip


class RunFailed(RuntimeError):
    """The run failed, or no vendor answered; the message says what happened, why, and what to do."""


def run_daily(settings: Settings, *, progress: Progress, force: bool = False) -> Path:
    """Run the daily job and return the directory of the current release: a new one, unless nothing has changed.

    Args:
        force: make a new release even if nothing has changed.

    Raises:
        RunFailed: a step failed, or no vendor answered.
    """
    progress(f"source {settings.source.value}, data directory {settings.home}")
    try:
        result = _execute(settings, progress, force=force)
    except Exception as error:
        raise RunFailed(f"{_sentence(f'{type(error).__name__}: {error}', settings)} {_current(settings)}") from error
    for check in result.get_asset_check_evaluations():
        if not check.passed and check.check_name != NO_TABLE_IS_WITHHELD:  # the output of the command begins with it
            line = f"{check.severity.value.lower()}: {check.asset_key.to_user_string()}: {_description(check)}"
            progress(textwrap.shorten(line, _LONGEST_LINE, placeholder=" …"))
    if settings.fetches and _no_vendor_answered(result):
        release_status = (
            f"A new release contains the data known before: {latest_release(settings.published_dir)}"
            if result.success
            else _current(settings)
        )
        raise RunFailed(f"No vendor answered: check the network with `smallcap doctor --source live`. {release_status}")
    if not result.success:
        raise RunFailed(f"{_sentence(_failure(result), settings)} {_current(settings)}")
    release = latest_release(settings.published_dir)
    if release is None:
        raise RunFailed(f"The run ended without a release in {settings.published_dir}.")
    return release


def _execute(settings: Settings, progress: Progress, *, force: bool) -> dg.ExecuteInProcessResult:
    engine_of(settings).check()
    os.environ["DAGSTER_HOME"] = str(prepare_dagster_home(settings))
    definitions = build_defs(settings, console=_step_log(progress))
    run_id = str(uuid4())
    with dg.DagsterInstance.get() as instance, lock_of_run(settings.dagster_home, run_id):
        close_dead_runs(instance, progress)
        return definitions.resolve_job_def(DAILY_JOB).execute_in_process(
            run_config={"loggers": {"console": {}}, **build_config(force=force)},
            instance=instance,
            raise_on_error=False,
            run_id=run_id,
        )


def _current(settings: Settings) -> str:
    release = latest_release(settings.published_dir)
    return f"The previous release remains current: {release}" if release else "No release has been published yet."


def _sentence(error: str, settings: Settings) -> str:
    """The error as one sentence that says what to do, if the cause is known; otherwise the error on one line."""
    try:
        raise_if_unusable(settings.warehouse_path, error)
    except WarehouseUnusable as known:
        return _with_full_stop(str(known))
    if "sqlite3" in error and any(words in error for words in _HISTORY_DAMAGED):
        return (
            f"The run history cannot be used: if the disk is not full, delete the folder {settings.dagster_home}, which contains"
            " no market data, and run again."
        )
    if any(interrupt in error for interrupt in _INTERRUPTED):
        return "The run was stopped; the next run continues from what is committed."
    name, _, text = error.partition(": ")
    return _with_full_stop(textwrap.shorten(text if name in _OUR_ERRORS else error, _LONGEST_LINE, placeholder=" …"))


def _with_full_stop(text: str) -> str:
    """The text as a sentence."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "…", "!", "?")) else ".")


def _step_log(progress: Progress) -> dg.LoggerDefinition:
    """A console log with one line per finished step and the steps' own messages, instead of every event."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            meta: dict[str, Any] = getattr(record, "dagster_meta", {})
            event = meta.get("dagster_event")
            text = meta.get("orig_message", record.getMessage())
            if event is None and record.levelno >= logging.INFO and not _DAGSTER_NOISE.search(text):
                progress(f"  {textwrap.shorten(text, _LONGEST_LINE, placeholder=' …')}")
            elif event is not None and event.is_step_success:
                progress(f"{event.step_key}: {event.step_success_data.duration_ms / 1000:.1f} s")

    def steps(_: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("smallcap", logging.DEBUG)
        logger.addHandler(Handler())
        return logger

    return dg.LoggerDefinition(steps, description="One line per step.")


def _failure(result: dg.ExecuteInProcessResult) -> str:
    """What stopped the run: failed blocking checks, or the cause of the first failed step."""
    errors = [
        getattr(e.event_specific_data, "error", None) for e in result.filter_events(lambda e: e.is_step_failure or e.is_failure)
    ]
    blocked = [_description(check) for check in result.get_asset_check_evaluations() if not check.passed and check.blocking]
    return "; ".join(blocked) or next(
        (_cause(error) for error in errors if error is not None), "the run failed for an unknown reason"
    )


def _description(check: dg.AssetCheckEvaluation) -> str:
    return check.description or f"{check.asset_key.to_user_string()} fails the test {check.check_name}"


def _cause(error: SerializableErrorInfo) -> str:
    """The message of our own error in the chain of causes, or else the innermost error."""
    name, _, text = error.message.strip().partition(": ")
    if name.split(".")[-1] in _OUR_ERRORS or error.cause is None:
        return text if name.split(".")[-1] in _OUR_ERRORS else error.message.strip()
    return _cause(error.cause)


def _no_vendor_answered(result: dg.ExecuteInProcessResult) -> bool:
    """Whether every request to a vendor failed."""
    requested = failed = 0
    for event in result.get_asset_materialization_events():
        metadata = event.materialization.metadata
        if "failed" in metadata and event.asset_key != CALENDAR:  # the calendar is generated and never fails
            requested += int(str(metadata["asked"].value))
            failed += int(str(metadata["failed"].value))
    return requested > 0 and failed == requested

"""Commands that make a release, and the one that starts the Dagster UI."""

import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.console import Refused, say
from orchestration.cli.options import (
    DataDirOption,
    KnownAtOption,
    LandingDirOption,
    SourceOption,
    check_folders,
    moment,
    settings_from,
)


def run(
    source: SourceOption = None,
    landing_dir: LandingDirOption = None,
    data_dir: DataDirOption = None,
    known_at: KnownAtOption = None,
    force: Annotated[bool, typer.Option("--force", help="Publish a new release even if nothing has changed.")] = False,
) -> None:
    """Collect documents, build the warehouse and publish a release; without changes, the previous release remains current."""
    settings = settings_from(source=source, landing_dir=landing_dir, data_dir=data_dir, known_at=moment(known_at))
    check_folders(settings)
    from orchestration.defs.runner import RunFailed, run_daily

    try:
        release = run_daily(settings, progress=_print_progress, force=force)
    except RunFailed as failure:
        raise Refused(str(failure)) from failure
    _print_release(release)


def rebuild(
    source: SourceOption = None,
    landing_dir: LandingDirOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Build a new warehouse from the documents in landing and publish a release; nothing is fetched, and only the sample market
    adds documents that are missing."""
    settings = settings_from(source=source, landing_dir=landing_dir, data_dir=data_dir)
    check_folders(settings)
    from orchestration.defs.rebuild import rebuild_warehouse
    from orchestration.defs.runner import RunFailed

    try:
        release = rebuild_warehouse(settings, progress=_print_progress)
    except RunFailed as failure:
        raise Refused(str(failure)) from failure
    _print_release(release)


def ui(
    source: SourceOption = None,
    landing_dir: LandingDirOption = None,
    data_dir: DataDirOption = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)] = 3000,
) -> None:
    """Start the Dagster UI on this machine, with schedules on."""
    settings = settings_from(source=source, landing_dir=landing_dir, data_dir=data_dir, ui_details=True)
    check_folders(settings)
    _check_port(port)
    from orchestration.defs.dead_runs import close_dead_runs_at_home
    from orchestration.defs.instance import prepare_dagster_home
    from orchestration.settings import PROJECT_ROOT

    os.environ.update(settings.as_environment(), DAGSTER_HOME=str(prepare_dagster_home(settings)))
    close_dead_runs_at_home(say)
    workspace = str(PROJECT_ROOT / "workspace.yaml")
    os.chdir(PROJECT_ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "dagster", "dev", "-w", workspace, "-h", "127.0.0.1", "-p", str(port)])


def _check_port(port: int) -> None:
    """Check that the port is free before anything starts: a second UI would also be a second scheduler.

    Raises:
        Refused: it is not.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: a port just closed is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Refused(
                f"Port {port} of 127.0.0.1 cannot be used ({error.strerror}): if `smallcap ui` is running already, use that one;"
                " otherwise choose another --port."
            ) from error


def _print_progress(text: str) -> None:
    say(text, "dim")


def _print_release(release: Path) -> None:
    from orchestration.cli.today import read_today
    from orchestration.cli.today_text import print_text

    print_text(read_today(release), every_warning=True)
    say(f"\nRelease: {release}")
    report = release / "report.html"
    if report.exists():
        say(f"Report:  {report}")

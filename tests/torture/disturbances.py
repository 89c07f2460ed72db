"""A full disk in each phase, two simultaneous runs, a clock that changes, and a warehouse of an earlier revision."""

import os
import resource
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from orchestration.landing.documents import list_documents
from orchestration.settings import PROJECT_ROOT
from tests.pipeline import homes
from tests.pipeline.homes import Home
from tests.torture.house import clock_after
from tests.torture.runs import DBT, INGEST, PHASES, PUBLISH, Run, Say, differing_tables, readable_release, twin_of, whole_run


def disk_full(root: Path, landing: Path, *, say: Say) -> dict[str, object]:
    """Fill the disk in each phase: the release stays readable, and a run with free space succeeds.

    The disk is a file system in memory that a file fills. Without permission to mount one, file sizes are limited instead.
    """
    (half := root / "half").mkdir(parents=True)
    documents = list(list_documents([landing]))
    bars = [d for d in documents if d.vendor == "yahoo"]
    for document in [d for d in documents if d.vendor != "yahoo"] + bars[::2]:
        target = half / document.path.relative_to(landing)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(document.path, target)
    findings = {}
    with _disk(root / "disk") as is_mounted:
        home = root / "disk" / "home"
        home.mkdir()
        whole_run(home, half)
        for phase in PHASES:
            before = readable_release(home)
            run = Run.started(home, landing)
            run.wait_for(phase)
            if is_mounted:
                _fill(root / "disk", _ROOM_LEFT[phase])
            else:
                resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (_ROOM_LEFT[phase], _ROOM_LEFT[phase]))
            code = run.wait()
            after = readable_release(home)
            (root / "disk" / "ballast").unlink(missing_ok=True)
            findings[phase] = {
                "exit code": code,
                "phase": run.phase,
                "lines printed": len(run.lines),
                "tracebacks printed": run.output.count("Traceback (most recent call last)"),
                "release readable": after is not None and (code == 0 or after == before),
                "last line": (run.lines or [""])[-1].strip()[:300],
            }
            say(f"disk full in {phase}: {findings[phase]}")
        whole_run(home, landing)
        twin = twin_of(home, landing, root / "twin")
        differing = differing_tables(Home(home, "landing"), twin)
    broken = [phase for phase, found in findings.items() if not found["release readable"] or found["tracebacks printed"]]
    return {"file system in memory": is_mounted, **findings, "broken": broken, "differing": differing}


# Free bytes at the start of a phase: fewer than the phase needs.
_ROOM_LEFT = {INGEST: 100_000, DBT: 1_000_000, PUBLISH: 3_000_000}
_DISK_MEGABYTES = 400


@contextmanager
def _disk(path: Path) -> Iterator[bool]:
    """A folder on a small separate file system, if permitted."""
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MEGABYTES}m", "tmpfs", str(path)]
    is_mounted = shutil.which("mount") is not None and subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(path)], check=True, capture_output=True)


def _fill(disk: Path, room: int) -> None:
    """Write a file that leaves the given number of free bytes."""
    with (disk / "ballast").open("wb") as ballast:
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        os.posix_fallocate(ballast.fileno(), 0, max(1, free - room))


def two_at_once(root: Path, landing: Path, *, say: Say) -> dict[str, object]:
    """Two runs in one data directory: one succeeds, the other waits or fails with a message; the tables are complete."""
    home = root / "home"
    home.mkdir(parents=True)
    runs = [Run.started(home, landing) for _ in range(2)]
    codes = [run.wait() for run in runs]
    refused = [run.output.strip().splitlines()[-1][:200] for run, code in zip(runs, codes, strict=True) if code]
    twin = twin_of(home, landing, root / "twin")
    differing = differing_tables(Home(home, "landing"), twin)
    say(f"two runs at once: exit codes {codes}; {refused}")
    return {"exit codes": codes, "refused with": refused, "differing": differing}


def clock_back_and_forth(root: Path, landing: Path, *, say: Say) -> dict[str, object]:
    """Runs with the clock 400 days back and 80 days ahead: the last run gives the result of a single run.

    80 days stay within the calendar's horizon: a later clock would make a longer calendar, which is kept.
    """
    now = clock_after(landing)
    home, twin = root / "home", root / "twin"
    moments = {"now": 0, "400 days ago": -400, "in 80 days": 80, "now again": 0}
    codes = {}
    for name, days in moments.items():
        codes[name] = _run_at(now + timedelta(days=days), home, landing)
    # The undisturbed run gets the calendar that was made last.
    shutil.copytree(home / "landing" / "exchange_calendars", twin / "landing" / "exchange_calendars")
    codes["twin"] = _run_at(now, twin, landing)
    differing = differing_tables(Home(home, "landing"), Home(twin, "landing"))
    say(f"clock back and forth: exit codes {codes}")
    return {"exit codes": codes, "differing": differing}


def _run_at(moment: datetime, home: Path, landing: Path) -> int:
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.torture.at_clock", moment.isoformat()]
    done = subprocess.run(
        [*command, str(landing), str(home)],
        cwd=PROJECT_ROOT,
        env=homes.environment(),
        capture_output=True,
        text=True,
        timeout=900,
    )
    if done.returncode:
        print(done.stdout[-1500:], done.stderr[-1500:], file=sys.stderr)
    return done.returncode


def earlier_warehouse(root: Path, landing: Path, *, revision: str, say: Say) -> dict[str, object]:
    """A data directory of an earlier revision of the project, updated by this one."""
    home, tree = root / "home", root / "earlier"
    home.mkdir(parents=True)
    git = ["git", "-C", str(PROJECT_ROOT), "worktree"]
    subprocess.run([*git, "add", "--detach", "--force", str(tree), revision], check=True, capture_output=True)
    half = root / "half"
    for document in list(list_documents([landing]))[::2]:
        (half / document.path.relative_to(landing)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(document.path, half / document.path.relative_to(landing))
    try:
        scripts = tomllib.loads((tree / "pyproject.toml").read_text())["project"]["scripts"]
        module, _, function = scripts["smallcap"].partition(":")
        command = [sys.executable, "-c", f"from {module} import {function}; {function}()", "run", "--source", "landing"]
        done = subprocess.run(
            [*command, "--landing-dir", str(half), "--data-dir", str(home)],
            cwd=tree, env=homes.environment(PYTHONPATH=str(tree)), capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    finally:
        subprocess.run([*git, "remove", "--force", str(tree)], check=True, capture_output=True)
    made_by = readable_release(home)
    whole_run(home, landing)
    twin = twin_of(home, landing, root / "twin")
    differing = differing_tables(Home(home, "landing"), twin)
    say(f"a warehouse of {revision}: updated; {len(differing)} tables differ from a new one")
    return {"revision": revision, "updated": readable_release(home) != made_by, "differing": differing}

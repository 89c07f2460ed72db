"""Runs that are killed at a chosen moment."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.pipeline import homes
from tests.pipeline.homes import SMALLCAP, Home

# The files of a process that dies between creating a temporary file and renaming it.
LEFTOVERS = (
    "landing/yahoo/prices/IWM/.incoming-abc123",
    "published/releases/.unfinished-20260101T000000000000Z/holdings.parquet",
)


@dataclass(frozen=True)
class KilledRuns:
    """The output of each killed run, and the directory after the complete run that followed."""

    output: dict[str, str]
    codes: dict[str, int]
    left: dict[str, list[str]]
    home: Home


def kill_three_times(path: Path, cwd: Path) -> KilledRuns:
    """Kill runs during ingestion, during the dbt build and during publication; then complete one run."""
    moments: dict[str, Callable[[str], bool]] = {
        "ingesting prices": lambda output: "yahoo/prices/IWM" in output and "raw_prices:" not in output,
        "building": lambda _: (path / "dbt/run/small_cap_signal/models/marts/signals").is_dir(),
        "publishing": lambda _: any((path / "published/releases").glob(".unfinished-*/*.parquet")),
    }
    output, codes, left = {}, {}, {}
    for name, is_now in moments.items():
        codes[name], output[name] = _kill_when(is_now, path, cwd)
        left[name] = sorted(str(file.relative_to(path)) for file in path.rglob(".unfinished-*"))
    for leftover in LEFTOVERS:
        (path / leftover).parent.mkdir(parents=True, exist_ok=True)
        (path / leftover).write_bytes(b"half")
    (path / "published/.unfinished-latest").symlink_to("releases/gone")
    return KilledRuns(output, codes, left, homes.run(path, "sample", cwd=cwd))


def _kill_when(is_now: Callable[[str], bool], path: Path, cwd: Path) -> tuple[int, str]:
    """Start a run in its own process group and kill the group at the given moment."""
    command = [str(SMALLCAP), "run", "--source", "sample", "--data-dir", str(path)]
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=homes.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines: list[str] = []
    news = threading.Event()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            news.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    while process.poll() is None:
        news.wait(0.002)
        news.clear()
        if is_now("".join(lines)):
            os.killpg(process.pid, signal.SIGKILL)
            break
    code = process.wait(timeout=60)
    listener.join(timeout=60)
    return code, "".join(lines)

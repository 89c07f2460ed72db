"""Runs of the real command on a small landing folder, and the comparison with an undisturbed run."""

import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from time import monotonic

import duckdb
import polars as pl

from tests.pipeline import homes
from tests.pipeline.homes import SMALLCAP, Home

Say = Callable[[str], None]
INGEST, DBT, PUBLISH = "ingest", "dbt", "publish"
PHASES = (INGEST, DBT, PUBLISH)
# The output line that ends a phase; a phase begins where the previous one ends.
_ENDS = {INGEST: "raw_ledger:", DBT: "dbt_models:", PUBLISH: "publish_release:"}
_BEGINS = "raw_sessions:"
# Longest duration of a run on a busy machine.
LONGEST_RUN = 900.0


@dataclass
class Run:
    """A running command, its output, and its phase."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    began: dict[str, float] = field(default_factory=dict)
    news: threading.Event = field(default_factory=threading.Event)
    listener: threading.Thread = field(default_factory=threading.Thread)

    @classmethod
    def started(cls, home: Path, landing: Path) -> "Run":
        """`smallcap run` on a landing folder, in its own process group."""
        process = subprocess.Popen(
            [str(SMALLCAP), "run", "--source", "landing", "--landing-dir", str(landing), "--data-dir", str(home)],
            cwd=home.parent, env=homes.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        run = cls(process)
        run.listener = threading.Thread(target=run._listen, daemon=True)
        run.listener.start()
        return run

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            step = line.strip()
            now = monotonic()
            if step.startswith(_BEGINS):
                self.began[INGEST] = now
            elif step.startswith(_ENDS[INGEST]):
                self.began[DBT] = now
            elif step.startswith(_ENDS[DBT]):
                self.began[PUBLISH] = now
            elif step.startswith(_ENDS[PUBLISH]):
                self.began["end"] = now
            self.news.set()

    @property
    def phase(self) -> str:
        """The phase of the run: `start`, one of PHASES, or `end`."""
        return next((phase for phase in ("end", PUBLISH, DBT, INGEST) if phase in self.began), "start")

    @property
    def output(self) -> str:
        """All output so far."""
        return "".join(self.lines)

    def wait_for(self, phase: str) -> bool:
        """Wait until the run reaches a phase; False if it ended before."""
        until = monotonic() + LONGEST_RUN
        while self.process.poll() is None and phase not in self.began:
            if monotonic() > until:
                raise TimeoutError(f"the run hangs in phase {self.phase}: {self.output[-2000:]}")
            self.news.wait(0.05)
            self.news.clear()
        return self.process.poll() is None

    def wait(self, timeout: float = LONGEST_RUN) -> int:
        """The exit code."""
        code = self.process.wait(timeout)
        self.listener.join(30)
        return code

    def durations(self) -> dict[str, float]:
        """Seconds of each phase of a complete run."""
        marks = [*PHASES, "end"]
        return {a: self.began[b] - self.began[a] for a, b in pairwise(marks)}


def whole_run(home: Path, landing: Path) -> Run:
    """An undisturbed run.

    Raises:
        AssertionError: the run failed; with its last lines.
    """
    run = Run.started(home, landing)
    code = run.wait()
    assert code == 0, f"an undisturbed run failed: {run.output[-3000:]}"
    return run


def twin_of(home: Path, landing: Path, path: Path) -> Home:
    """An undisturbed run of the same documents, including the calendar, in a new directory."""
    calendar = home / "landing" / "exchange_calendars"
    shutil.copytree(calendar, path / "landing" / "exchange_calendars")
    whole_run(path, landing)
    return Home(path, "landing")


# Columns about the time of processing, not about the data.
_MOMENTS = {"release_id", "published_at", "run_id"}


def differing_tables(one: Home, other: Home) -> list[str]:
    """The raw and published tables that differ between two data directories, in common columns; an empty list is a pass."""
    differing = []
    for tables, kind in ((homes.raw_tables, "raw"), (homes.served_tables, "marts")):
        found, expected = tables(one), tables(other)
        differing += [f"{kind}.{name} is missing" for name in sorted(set(found) ^ set(expected))]
        for name in sorted((set(found) & set(expected)) - {"signal_diary_outcomes"}):  # of the releases that each has made
            shared = [c for c in expected[name].columns if c in found[name].columns and c not in _MOMENTS]
            left, right = found[name].select(shared), expected[name].select(shared)
            if kind == "raw":
                left, right = left.sort(shared), right.sort(shared)
            if not left.equals(right):
                differing.append(f"{kind}.{name}: {_first_difference(left, right)}")
    return differing


def _first_difference(left: pl.DataFrame, right: pl.DataFrame) -> str:
    if left.height != right.height:
        return f"{left.height} rows, {right.height} in the twin"
    columns = [name for name in left.columns if not left[name].equals(right[name])]
    row = next(i for i in range(left.height) if left.row(i) != right.row(i))
    return f"columns {columns}, row {row}: {left.select(columns).row(row)}, in the twin {right.select(columns).row(row)}"


def readable_release(home: Path) -> str | None:
    """The id of the current release, opened like a reader; None before the first release."""
    latest = home / "published" / "latest"
    if not latest.exists():
        return None
    with duckdb.connect(str(latest / "warehouse.duckdb"), read_only=True) as connection:
        (found,) = connection.execute("select release_id from release").fetchall()
    return str(found[0])

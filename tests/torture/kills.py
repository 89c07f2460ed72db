"""Runs killed at random times in each phase; then one undisturbed run with the tables of an undisturbed twin."""

import os
import random
import shutil
import signal
from collections import Counter
from itertools import pairwise
from pathlib import Path
from time import monotonic

from tests.pipeline.homes import Home
from tests.torture.runs import (
    DBT,
    INGEST,
    LONGEST_RUN,
    PHASES,
    PUBLISH,
    Run,
    Say,
    differing_tables,
    readable_release,
    twin_of,
    whole_run,
)
from tests.torture.small_landing import write_small_landing


def kill_many(root: Path, kills: int, *, seed: int, minutes: float, say: Say) -> dict[str, object]:
    """Kill runs with SIGKILL, a third in each phase, while documents arrive.

    Args:
        minutes: time after which no further run is started.

    Returns:
        Figures by name; `differing` lists the tables that differ at the end, `broken` the times at which the current release
        could not be read.
    """
    choice, begun = random.Random(seed), monotonic()
    stock = _deliveries(write_small_landing(root / "stock", parts=max(6, kills // 3)), choice)
    landing, home = root / "landing", root / "home"
    home.mkdir(parents=True)
    per_kill = -(-len(stock) // max(1, kills // 3))
    _deliver(stock, root / "stock", landing, 6)
    typical = whole_run(home, landing).durations()  # so that a release exists
    say("kills: an undisturbed run takes " + ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in typical.items()))
    killed: Counter[str] = Counter()
    broken: list[str] = []
    while sum(killed.values()) < kills and monotonic() - begun < minutes * 60:
        wanted = min(PHASES, key=lambda phase: (killed[phase], choice.random()))
        if wanted == INGEST:
            _deliver(stock, root / "stock", landing, per_kill)
        where, took = _kill_in(home, landing, wanted, choice, typical)
        killed[where] += 1
        typical |= {phase: 0.5 * (typical[phase] + seconds) for phase, seconds in took.items()}
        try:
            assert readable_release(home)
        except Exception as error:  # noqa: BLE001
            broken.append(f"after a kill in {where}: {error}")
        if sum(killed.values()) % 10 == 0:
            say(f"kills: {dict(killed)} after {(monotonic() - begun) / 60:.0f} minutes")
    _deliver(stock, root / "stock", landing, len(stock))
    whole_run(home, landing)
    twin = twin_of(home, landing, root / "twin")
    left = [str(p.relative_to(home)) for pattern in (".unfinished-*", ".incoming-*", "*.wal") for p in home.rglob(pattern)]
    return {
        "kills": sum(killed.values()),
        "by phase": dict(killed),
        "broken": broken,
        "leftovers": left,
        "differing": differing_tables(Home(home, "landing"), twin),
        "minutes": round((monotonic() - begun) / 60, 1),
    }


def _kill_in(
    home: Path, landing: Path, wanted: str, choice: random.Random, typical: dict[str, float]
) -> tuple[str, dict[str, float]]:
    """Kill one run at a random time of a phase; return its phase then, and the durations of the phases before."""
    run = Run.started(home, landing)
    if run.wait_for(wanted):
        due = monotonic() + choice.random() * typical[wanted]
        while run.process.poll() is None and monotonic() < due:
            run.news.wait(max(0.0, min(0.05, due - monotonic())))
    where = run.phase
    if run.process.poll() is None:
        os.killpg(run.process.pid, signal.SIGKILL)
    elif wanted in (INGEST, DBT, PUBLISH) and "end" not in run.began:
        raise AssertionError(f"a run after a kill failed by itself: {run.output[-3000:]}")
    run.wait(LONGEST_RUN)
    marks = [phase for phase in (*PHASES, "end") if phase in run.began]
    return where, {a: run.began[b] - run.began[a] for a, b in pairwise(marks)}


def _deliveries(stock: Path, choice: random.Random) -> list[Path]:
    """The documents below a folder in random order, so that some arrive late."""
    found = sorted(path.relative_to(stock) for path in stock.rglob("*") if path.is_file())
    bars = [path for path in found if path.parts[0] == "yahoo"]
    others = [path for path in found if path.parts[0] != "yahoo"]
    bars.sort(key=lambda path: path.name)
    for place in range(0, len(bars) - 4, 5):  # some documents arrive after newer ones
        if choice.random() < 0.5:
            bars[place], bars[place + 4] = bars[place + 4], bars[place]
    return [*bars[:6], *others[:6], *bars[6:], *others[6:]][::-1]


def _deliver(waiting: list[Path], stock: Path, landing: Path, count: int) -> None:
    for _ in range(min(count, len(waiting))):
        path = waiting.pop()
        (landing / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(stock / path, landing / path)

"""False alarms: `python -m tests.torture.measure_truths --landing FOLDER [--only NAME]`.

For each true event, the honest documents and those of the event are ingested into a new warehouse. A false alarm is a document
that is not accepted, a line that is rejected or quarantined, or an honest document with a worse outcome than without the event.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import polars as pl

from tests.torture.folder import Folder
from tests.torture.house import Ingested, clock_after, ingest_folder, lines_lost, scratch
from tests.torture.measure_lies import honest_folder
from tests.torture.truths import NotHere, Truth, catalogue


@dataclass(frozen=True)
class Finding:
    """The outcome of one true event: its documents and accepted lines, and each false alarm."""

    truth: str
    documents: int
    rows: int
    alarms: tuple[str, ...]

    def line(self) -> str:
        """One line of the report."""
        alarms = "".join(f"\n         {alarm}" for alarm in self.alarms)
        return f"{'ALARM ' if self.alarms else 'ok    '} {self.truth:28} {self.documents} documents, {self.rows} rows{alarms}"


def judge(truth: Truth, landing: Path, honest: Ingested, root: Path) -> Finding | None:
    """Ingest the honest documents and the event into a new warehouse; None if the folder lacks the required documents."""
    with scratch(root, "truth") as place:
        folder = Folder.copied(landing, place / "landing")
        try:
            paths = truth.write(folder)
        except NotHere:
            return None
        taken = ingest_folder(folder.root, place / "warehouse.duckdb", clock_after(folder.root))
        own = {str(path.relative_to(place / "landing")) for path in paths}
        alarms = [*_closes_not_taken(folder, own, taken)]
    for key, outcome in taken.outcomes.items():
        before = honest.outcomes.get(key)
        if key in own or before is None:
            expected, may_lose = "accepted", int(truth.newest_may_wait)
        else:
            expected, may_lose = before.status, lines_lost(before)
        if outcome.status != expected or lines_lost(outcome) > may_lose:
            reasons = [str(row[1]) for row in taken.rejects.get(outcome.document_id, [])]
            reason = outcome.reason or "; ".join(dict.fromkeys(reasons))
            alarms.append(f"{key}: {outcome.status}, {lines_lost(outcome)} lines lost: {reason[:300]}")
    read = [taken.outcomes[key] for key in own] or list(taken.outcomes.values())
    return Finding(truth.name, len(read), sum(outcome.rows_accepted for outcome in read), tuple(alarms))


def _closes_not_taken(folder: Folder, own: set[str], taken: Ingested) -> Iterator[str]:
    """The last known closes must equal those of the newest document of the event's symbol."""
    for symbol in sorted({key.split("/")[2] for key in own if key.startswith("yahoo/prices/")}):
        bars, _ = folder.prices(symbol)
        known = taken.known["price_bars"].filter(pl.col("symbol") == symbol).select(Date="session", known="close")
        other = bars.join(known, on="Date", how="left").filter(
            pl.col("known").is_null() | ((pl.col("known") / pl.col("Close") - 1).abs() > 1e-6)
        )
        if other.height:
            yield f"{symbol}: {other.height} closes of its newest document are not the last known ones, to {other['Date'][-1]}"


def _judge_by_name(name: str, *, landing: Path, honest: Ingested, root: Path) -> Finding | None:
    return judge(next(truth for truth in catalogue() if truth.name == name), landing, honest, root)


def measure(landing: Path, chosen: list[Truth], root: Path, workers: int, say: Callable[[str], None]) -> list[Finding]:
    """Judge true events in parallel and report each, with the rates of false alarms."""
    clock: datetime = clock_after(landing)
    with scratch(root, "honest") as place:
        honest = ingest_folder(landing, place / "warehouse.duckdb", clock)
    quarantined = [o for o in honest.outcomes.values() if o.status == "quarantined" or getattr(o, "rows_quarantined", 0)]
    say(f"honest documents alone: {len(honest.outcomes)}, of which {len(quarantined)} quarantined in whole or in part")
    for outcome in honest.outcomes.values():
        if outcome.status != "accepted" or outcome in quarantined:
            reasons = dict.fromkeys(str(row[1]) for row in honest.rejects.get(outcome.document_id, []))
            say(f"  {outcome.path}: {outcome.status}: {outcome.reason or '; '.join(reasons)}")
    findings, absent = [], []
    judged = partial(_judge_by_name, landing=landing, honest=honest, root=root)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for truth, finding in zip(chosen, pool.map(judged, [truth.name for truth in chosen]), strict=True):
            if finding is None:
                absent.append(truth.name)
                continue
            findings.append(finding)
            say(finding.line())
    say(f"not here, for want of a document: {', '.join(absent) or 'none'}")
    documents, rows = sum(f.documents for f in findings), sum(f.rows for f in findings)
    alarms = sum(len(f.alarms) for f in findings)
    alarmed = sum(bool(finding.alarms) for finding in findings)
    say(f"{len(findings)} truths, {alarmed} with a false alarm: {alarms} documents beside {documents} read, of {rows} rows")
    return findings


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--landing", type=Path, required=True)
    parser.add_argument("--only", action="append", help="events whose name contains this; may be given several times")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    given = parser.parse_args()
    truths = [truth for truth in catalogue() if not given.only or any(part in truth.name for part in given.only)]
    lines: list[str] = []

    def say(line: str) -> None:
        print(line, flush=True)
        lines.append(line)
        if given.report:
            given.report.write_text("\n".join(lines) + "\n", encoding="utf-8")

    with tempfile.TemporaryDirectory(prefix="truths-") as root:
        measure(honest_folder(given.landing, Path(root)), truths, Path(root), given.workers, say)


if __name__ == "__main__":
    main()

"""Outcomes of faulty documents: `python -m tests.torture.measure_lies --landing FOLDER [--only NAME] [--fast]`.

For each fault, the honest documents and the faulty one are ingested into a new warehouse. One line per fault: the status of the
faulty document, its rejected lines, and by table the rows that are wrong or missing, compared with a warehouse of the honest
documents only. Without `--fast`, a few faults also go through complete runs, and the core marts are compared.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import duckdb
import polars as pl

from orchestration.market_calendar import EXCHANGE
from orchestration.vendors.registry import CALENDAR
from tests.torture.folder import Folder, a_day_later
from tests.torture.house import Difference, Ingested, clock_after, difference, ingest_folder, lines_lost, scratch
from tests.torture.lies import ONLY, Lie, NotHere, catalogue

CORE_MARTS = (
    "ratio_daily",
    "regime_daily",
    "breadth_daily",
    "performance",
    "sector_weights",
    "holdings",
    "policy_rate_daily",
    "rate_regime_daily",
    "reading",
)
HANDFUL = (
    "iwm_bar_100x.only",
    "spy_no_dividends.only",
    "qqq_split_not_rescaled.only",
    "iwm_events_zero.later",
    "spy_as_iwm.only",
    "fred_fractions.only",
    "iwm_values_1000x.later",
    "iwm_all_financials.later",
    "iwm_russell_3000_list.later",
    "iwm_prices_of_2099.later",
)


@dataclass(frozen=True)
class Verdict:
    """The outcome of one fault."""

    lie: str
    kind: str
    position: str
    detectable: bool
    statuses: tuple[str, ...]
    reason: str
    rows_rejected: int
    differences: dict[str, Difference]
    harmed: tuple[str, ...]

    @property
    def taken(self) -> bool:
        """Whether the last known rows are wrong; without honest documents, a missing row is a gap and not a wrong number."""
        return any(d.wrong or (d.missing and self.position != ONLY) for d in self.differences.values())

    @property
    def accepted_whole(self) -> bool:
        """Whether a faulty document was accepted without a rejected or quarantined line."""
        return "accepted" in self.statuses and not self.rows_rejected

    def line(self) -> str:
        """One line of the report."""
        moved = " ".join(
            f"{name}:{d.wrong}wrong/{d.missing}missing" + (f"(max {d.largest:.2g})" if d.largest else "")
            for name, d in self.differences.items()
            if d
        )
        harmed = f" HARMED {','.join(self.harmed)}" if self.harmed else ""
        mark = "TAKEN  " if self.taken else "accept " if self.accepted_whole else "caught "
        known = "" if self.detectable else " [not detectable]"
        status = "/".join(self.statuses)
        return f"{mark}{self.lie:48}{status:22} lines lost {self.rows_rejected:5} {moved}{harmed}{known} | {self.reason[:200]}"


@dataclass(frozen=True)
class Honest(Ingested):
    """The warehouse of the honest documents; `beside` has the lines of honest later lists, some of which a fault may keep."""

    beside: pl.DataFrame = field(default_factory=pl.DataFrame)


def read_honest(landing: Path, clock: datetime, root: Path, keep: Path | None = None) -> Honest:
    """Ingest the honest documents, and separately each fund's list of the next session; `keep` is a file for their warehouse."""
    with scratch(root, "honest") as place:
        taken = ingest_folder(landing, place / "warehouse.duckdb", clock)
        if keep:
            shutil.copyfile(place / "warehouse.duckdb", keep)
    with scratch(root, "beside") as place:
        folder = Folder.copied(landing, place / "landing")
        for fund in ("IWM", "SPY", "QQQ"):
            if folder.has_fund(fund):
                later = a_day_later(folder.snapshot(fund))
                folder.put_snapshot(later, later.retrieved_at, "csv" if fund == "QQQ" and later.lines[0].get("sector") else "")
        known = ingest_folder(folder.root, place / "warehouse.duckdb", clock).known["holdings"]
    return Honest(
        taken.outcomes, taken.known, taken.rejects, known.join(taken.known["holdings"], on=["fund", "as_of"], how="anti")
    )


def _without_honest(found: pl.DataFrame, beside: pl.DataFrame) -> pl.DataFrame:
    if beside.is_empty():
        return found
    return found.join(beside, on=[c for c in found.columns if c != "line_no"], how="anti", nulls_equal=True)


def judge(lie: Lie, landing: Path, honest: Honest, clock: datetime, root: Path, warehouse: Path | None = None) -> Verdict | None:
    """Ingest the honest documents and the fault together, or the fault into a copy of a warehouse of the honest documents; None
    if the folder lacks the required documents."""
    with scratch(root, "lie") as place:
        if warehouse:
            shutil.copyfile(warehouse, place / "warehouse.duckdb")
        folder = Folder.copied(landing, place / "landing")
        try:
            paths = lie.write(folder)
        except NotHere:
            return None
        taken = ingest_folder(folder.root, place / "warehouse.duckdb", clock)
    taken = replace(taken, known=taken.known | {"holdings": _without_honest(taken.known["holdings"], honest.beside)})
    keys = [str(path.relative_to(place / "landing")) for path in paths]
    lying = [taken.outcomes[key] for key in keys]
    differences = {name: difference(name, honest.known[name], taken.known[name]) for name in honest.known}
    harmed = [
        key
        for key, outcome in honest.outcomes.items()
        if key in taken.outcomes
        and key not in keys
        and (outcome.status, lines_lost(outcome)) != (taken.outcomes[key].status, lines_lost(taken.outcomes[key]))
    ]
    reason = next((outcome.reason for outcome in lying if outcome.reason), None)
    reason = reason or next((str(row[1]) for o in lying for row in taken.rejects.get(o.document_id, [])), "")
    lost = sum(map(lines_lost, lying))
    return Verdict(
        lie.name,
        lie.kind,
        lie.position,
        lie.detectable,
        tuple(outcome.status for outcome in lying),
        reason,
        lost,
        differences,
        tuple(harmed),
    )


def _judge_by_name(name: str, *, landing: Path, honest: Honest, clock: datetime, root: Path) -> tuple[str, Verdict | str | None]:
    """Run in a separate process; an uncaught error is part of the result."""
    lie = next(lie for lie in catalogue() if lie.name == name)
    try:
        return name, judge(lie, landing, honest, clock, root)
    except Exception as error:  # noqa: BLE001
        return name, f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"


def summary(verdicts: Iterable[Verdict], errors: dict[str, str]) -> list[str]:
    """The summary counts."""
    detectable = [v for v in verdicts if v.detectable]
    lines = []
    for name, group in [
        ("all that are detectable", detectable),
        *[(k, [v for v in detectable if v.kind == k]) for k in _kinds(detectable)],
    ]:
        quiet = sum(v.accepted_whole for v in group)
        moved, harmed = sum(v.taken for v in group), sum(bool(v.harmed) for v in group)
        lines.append(
            f"{name}: {len(group)} lies, {quiet} accepted without a word, {moved} that move a table,"
            f" {harmed} at the cost of an honest document"
        )
    families = {v.lie.rpartition(".")[0] for v in detectable}
    silent = {v.lie.rpartition(".")[0] for v in detectable if v.taken or v.accepted_whole}
    lines.append(f"kinds of lies (a name in any position): {len(families)}, {len(silent)} taken or accepted in some position")
    moved = Counter(name for v in detectable for name, d in v.differences.items() if d.wrong)
    lines.append("tables with wrong rows: " + (", ".join(f"{name} {n}" for name, n in moved.most_common()) or "none"))
    lines.append(f"errors that escaped: {len(errors)}")
    return lines


def _kinds(verdicts: list[Verdict]) -> list[str]:
    return sorted({v.kind for v in verdicts})


def measure(landing: Path, chosen: list[Lie], root: Path, workers: int, say: Callable[[str], None]) -> list[Verdict]:
    """Judge faults in parallel and report each."""
    clock = clock_after(landing)
    honest = read_honest(landing, clock, root)
    counted = Counter(outcome.status for outcome in honest.outcomes.values())
    say("honest documents alone: " + ", ".join(f"{n} {status}" for status, n in sorted(counted.items())))
    for outcome in honest.outcomes.values():
        if outcome.status != "accepted":
            say(f"  {outcome.path}: {outcome.status}: {outcome.reason}")
    verdicts, errors, absent = [], {}, []
    judged = partial(_judge_by_name, landing=landing, honest=honest, clock=clock, root=root)
    # Forked processes would inherit polars' locks without their threads.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for name, verdict in pool.map(judged, [lie.name for lie in chosen]):
            if verdict is None:
                absent.append(name)
            elif isinstance(verdict, str):
                errors[name] = verdict
                say(f"ERROR  {name}: {verdict}")
            else:
                verdicts.append(verdict)
                say(verdict.line())
    say(f"not here, for want of a document: {', '.join(absent) or 'none'}")
    for line in summary(verdicts, errors):
        say(line)
    return verdicts


# ---------------------------------------------------------------- complete runs


def compare_marts(landing: Path, lies: list[Lie], root: Path, say: Callable[[str], None]) -> None:
    """Run the whole pipeline with and without each fault, and report the core marts that differ."""
    with scratch(root, "marts") as place:
        honest = _marts(landing, place / "honest")
        for lie in lies:
            folder = Folder.copied(landing, place / lie.name)
            lie.write(folder)
            try:
                found = _marts(folder.root, place / f"home-{lie.name}")
            except subprocess.CalledProcessError as error:
                say(f"{lie.name}: the run failed: {(error.stderr or error.stdout).strip().splitlines()[-1][:300]}")
                continue
            moved = [name for name in CORE_MARTS if not found[name].equals(honest[name])]
            say(f"{lie.name}: {len(moved)} of {len(CORE_MARTS)} core marts differ: {', '.join(moved) or 'none'}")


def _marts(landing: Path, home: Path) -> dict[str, pl.DataFrame]:
    smallcap = Path(sys.executable).parent / "smallcap"
    command = [str(smallcap), "run", "--source", "landing", "--landing-dir", str(landing), "--data-dir", str(home)]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    with duckdb.connect(str(home / "published/latest/warehouse.duckdb"), read_only=True) as connection:
        tables = {name: connection.sql(f"select * from {name}").pl() for name in CORE_MARTS}
    shutil.rmtree(home)
    return tables


def honest_folder(landing: Path, root: Path) -> Path:
    """The landing folder without its calendar, which each warehouse generates."""
    folder = Folder.copied(landing, root / "honest-landing")
    shutil.rmtree(folder.root / CALENDAR.vendor / CALENDAR.kind / EXCHANGE, ignore_errors=True)
    return folder.root


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--landing", type=Path, required=True)
    parser.add_argument("--only", action="append", help="faults whose name contains this; may be given several times")
    parser.add_argument("--fast", action="store_true", help="without complete runs")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    given = parser.parse_args()
    lies = [lie for lie in catalogue() if not given.only or any(part in lie.name for part in given.only)]
    report = given.report.open("w", encoding="utf-8") if given.report else None

    def say(line: str) -> None:
        print(line, flush=True)
        if report:
            report.write(line + "\n")
            report.flush()

    with tempfile.TemporaryDirectory(prefix="lies-") as root:
        landing = honest_folder(given.landing, Path(root))
        measure(landing, lies, Path(root), given.workers, say)
        if not given.fast:
            compare_marts(landing, [lie for lie in lies if lie.name in HANDFUL or given.only], Path(root), say)


if __name__ == "__main__":
    main()

"""Disturbed runs and damaged documents: `python -m tests.torture [--kills N] [--mutations N] [--only PART] [--report FILE]`.

Ends with exit code 1 if a check fails.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

from tests.torture.disturbances import clock_back_and_forth, disk_full, earlier_warehouse, two_at_once
from tests.torture.kills import kill_many
from tests.torture.mutations import mutate_many
from tests.torture.readers import read_while_publishing
from tests.torture.runs import Say, whole_run
from tests.torture.small_landing import write_small_landing

# The revision of the previous release.
EARLIER = "de470b7"
_FAULTS = ("differing", "broken", "leftovers", "escaped", "hung", "faults", "error")


def main() -> int:
    """Run the parts in sequence."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=90, help="minutes after which no further run is killed")
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--readers", type=int, default=10)
    parser.add_argument("--releases", type=int, default=30)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--earlier", default=EARLIER, help="an earlier revision whose warehouse is updated")
    parser.add_argument("--only", action="append", help="run only this part; may be given several times")
    parser.add_argument("--report", type=Path, help="write the figures to this file, as Markdown")
    given = parser.parse_args()
    begun = monotonic()

    def say(line: str) -> None:
        print(f"[{(monotonic() - begun) / 60:5.1f}] {line}", flush=True)

    with tempfile.TemporaryDirectory(prefix="torture-") as name:
        root = Path(name)
        landing = write_small_landing(root / "small")
        parts = _parts(given, root, landing, say)
        figures: dict[str, dict[str, Any]] = {}
        for part, work in parts.items():
            if given.only and part not in given.only:
                continue
            say(f"{part} …")
            try:
                figures[part] = work()
            except Exception as error:  # noqa: BLE001
                figures[part] = {"error": f"{type(error).__name__}: {str(error)[-3000:]}"}
            say(f"{part}: {json.dumps(figures[part], default=str)[:1500]}")
            if given.report:
                given.report.write_text(as_markdown(figures), encoding="utf-8")
    print(as_markdown(figures))
    return int(any(found.get(fault) for found in figures.values() for fault in _FAULTS))


def _parts(given: argparse.Namespace, root: Path, landing: Path, say: Say) -> dict[str, Callable[[], dict[str, Any]]]:
    def reading() -> dict[str, Any]:
        (root / "read").mkdir()
        whole_run(root / "read" / "home", landing)
        return read_while_publishing(root / "read" / "home", root, readers=given.readers, releases=given.releases, say=say)

    return {
        "readers": reading,
        "disk full": lambda: disk_full(root / "disk", landing, say=say),
        "two runs at once": lambda: two_at_once(root / "two", landing, say=say),
        "clock back and forth": lambda: clock_back_and_forth(root / "clock", landing, say=say),
        "earlier warehouse": lambda: earlier_warehouse(root / "earlier", landing, revision=given.earlier, say=say),
        "mutations": lambda: mutate_many(
            root / "mutations", given.mutations, seed=given.seed, workers=min(2, os.cpu_count() or 1), say=say
        ),
        "kills": lambda: kill_many(root / "kills", given.kills, seed=given.seed, minutes=given.minutes, say=say),
    }


def as_markdown(figures: dict[str, dict[str, Any]]) -> str:
    """The figures as one Markdown table per part."""
    lines = []
    for part, found in figures.items():
        lines += [f"### {part}", "", "| figure | value |", "|---|---|"]
        for name, value in found.items():
            text = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
            lines.append(f"| {name} | {(text or 'none').replace('|', '/')} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())

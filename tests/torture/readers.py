"""Processes that read the current release continuously while others are published."""

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import monotonic, sleep

import duckdb
import polars as pl

from tests.pipeline import homes
from tests.torture.runs import Say

_TABLES = 5
PAUSE = 0.1
"""Seconds between two reads of one process, to leave time for the publisher."""


def read_while_publishing(home: Path, root: Path, *, readers: int, releases: int, say: Say) -> dict[str, object]:
    """Publish the warehouse of a data directory repeatedly in one process while others read.

    Returns:
        Figures by name; `faults` counts the reads of a damaged, mixed or missing release, by kind.
    """
    stop = root / "stop"
    stop.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.torture.readers"]
    folder = Path(__file__).resolve().parents[2]
    reading = [
        subprocess.Popen([*command, "read", str(home), str(stop), str(number)], cwd=folder, stdout=subprocess.PIPE, text=True)
        for number in range(readers)
    ]
    begun = monotonic()
    done = subprocess.run(
        [*command, "publish", str(home), str(releases)], cwd=folder, env=homes.environment(), capture_output=True, text=True
    )
    stop.touch()
    counts: Counter[str] = Counter()
    for process in reading:
        out, _ = process.communicate(timeout=120)
        counts.update(json.loads(out.splitlines()[-1]) if out.strip() else {"a reader died": 1})
    assert done.returncode == 0, done.stderr[-2000:]
    reads, seen = counts.pop("reads", 0), counts.pop("releases seen", 0)
    say(f"readers: {reads} reads by {readers} processes while {releases} releases were published: {dict(counts) or 'no fault'}")
    return {
        "readers": readers, "releases": releases, "reads": reads, "mean releases seen by one": round(seen / readers, 1),
        "faults": dict(counts), "minutes": round((monotonic() - begun) / 60, 1),
    }  # fmt: skip


def read_until(home: Path, stop: Path, number: int) -> dict[str, int]:
    """Open the current release repeatedly in different ways, and count the faults."""
    counts: Counter[str] = Counter()
    seen: set[str] = set()
    latest = home / "published" / "latest"
    turn = number
    while not stop.exists():
        turn += 1
        try:
            seen.add((_by_path, _by_link, _by_duckdb)[turn % 3](latest, turn))
        except Exception as error:  # noqa: BLE001
            counts[f"{type(error).__name__}: {str(error)[:160]}"] += 1
        counts["reads"] += 1
        sleep(PAUSE)
    counts["releases seen"] = len(seen)
    return dict(counts)


def _by_path(latest: Path, turn: int) -> str:
    """Resolve the link once and read some files by that path."""
    release = latest.resolve(strict=True)
    manifest = json.loads((release / "manifest.json").read_text())
    tables = manifest["tables"]
    for table in [tables[(turn + step) % len(tables)] for step in range(_TABLES)]:
        frame = pl.read_parquet(release / table["file"])
        found = pl.read_parquet_metadata(release / table["file"])["release_id"]
        _same(found, manifest["release_id"], "a mixed release")
        _same(frame.height, table["rows"], f"rows of {table['name']}")
    _same(manifest["release_id"], release.name, "the manifest's name")
    return str(manifest["release_id"])


def _by_link(latest: Path, turn: int) -> str:
    """Read one file through the link: it must be complete, from any release."""
    names = ("ratio_daily", "regime_daily", "performance", "holdings", "reading")
    path = latest / f"{names[turn % len(names)]}.parquet"
    content = path.read_bytes()
    release = pl.read_parquet_metadata(content)["release_id"]
    if pl.read_parquet(content).is_empty():
        raise ValueError(f"{path.name} is empty")
    return str(release)


def _by_duckdb(latest: Path, turn: int) -> str:
    """Read the serving copy through the link."""
    with duckdb.connect(str(latest / "warehouse.duckdb"), read_only=True) as connection:
        ((release,),) = connection.execute("select release_id from release").fetchall()
        for name, rows in connection.execute("select table_name, row_count from readme order by table_name").fetchall()[
            turn % 7 :: 7
        ]:
            ((found,),) = connection.execute(f'select count(*) from "{name}"').fetchall()
            _same(found, rows, f"rows of {name}")
    return str(release)


def _same(found: object, expected: object, what: str) -> None:
    if found != expected:
        raise ValueError(f"{what}: {found}, not {expected}")


def publish_many(home: Path, releases: int) -> None:
    """Publish a built warehouse a number of times, as the asset does."""
    from orchestration.defs.assets.published import publish_release, published_marts
    from orchestration.settings import Settings, Source

    settings = Settings(data_dir=home, source=Source.landing)
    marts = published_marts(settings)
    for number in range(releases):
        publish_release(settings, marts, run_id=f"torture-{number}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["read", "publish"])
    parser.add_argument("home", type=Path)
    parser.add_argument("rest", nargs="+")
    given = parser.parse_args()
    if given.what == "publish":
        publish_many(given.home, int(given.rest[0]))
    else:
        print(json.dumps(read_until(given.home, Path(given.rest[0]), int(given.rest[1]))))

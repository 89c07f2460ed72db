"""Damaged files, full disks and unusual paths: files that can be rebuilt are rebuilt, other errors give a clear message."""

import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from orchestration import market_calendar
from orchestration.defs.assets.landing import landing_of
from orchestration.defs.instance import prepare_dagster_home
from orchestration.defs.runner import _sentence
from orchestration.landing.collect import collect_sessions
from orchestration.landing.documents import document_name
from orchestration.report.vega import vega_script
from orchestration.settings import Settings
from orchestration.warehouse.connection import DiskFull, WarehouseDamaged, WarehouseLocked, raise_if_unusable
from tests.pipeline.dagster_ui import until
from tests.pipeline.homes import (
    EVERYTHING,
    ODD_NAME,
    SMALLCAP,
    Home,
    copied,
    environment,
    raw_tables,
    served_tables,
    smallcap,
    truncate,
)  # fmt: skip


def flip(path: Path, count: int = 200) -> None:
    """Change bytes throughout the file, the same at every call."""
    content, chance = bytearray(path.read_bytes()), random.Random(11)
    for _ in range(count):
        content[chance.randrange(len(content))] ^= 0xFF
    path.write_bytes(content)


def assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str, code: int = 1) -> None:
    assert done.returncode == code, done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


def assert_same_tables(found: Home, expected: Home) -> None:
    for tables in (raw_tables, served_tables):
        before, after = tables(expected), tables(found)
        assert set(after) == set(before)
        for name, rows in before.items():
            assert after[name].equals(rows), name


def test_a_run_in_an_unusual_path_repairs_damaged_caches(sample_home: Home, recovered_home: Home) -> None:
    assert_same_tables(recovered_home, sample_home)
    assert f"Release: {recovered_home.latest.resolve()}" in recovered_home.out
    assert recovered_home.path.parent.name == ODD_NAME
    assert {path.name for path in recovered_home.path.parent.parent.iterdir()} == {ODD_NAME}
    assert len(list(recovered_home.path.glob("dagster.damaged-*"))) == 1


@pytest.mark.parametrize("sign", ["#", "?", "\n", "\udcff"], ids=ascii)
def test_an_impossible_database_path_is_rejected_before_any_work(tmp_path: Path, sign: str) -> None:
    done = smallcap("run", "--data-dir", f"x/Data {sign}1/data", cwd=tmp_path)
    assert_one_sentence(done, "Choose another --data-dir", code=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.more_runs
def test_documents_are_read_from_a_folder_with_any_name(sample_home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "Data #1?[x]*"
    shutil.copytree(sample_home.path / "landing/fred", folder / "fred")
    settings = Settings(data_dir=tmp_path / "home", source="landing", landing_dir=folder)  # type: ignore[arg-type]
    from orchestration.vendors import fred

    assert len(landing_of(settings).documents(fred.FEED)) == len(list((folder / "fred").rglob("*.csv"))) > 3


@pytest.mark.more_runs
@pytest.mark.long
def test_a_damaged_warehouse_is_reported_and_rebuilt(sample_home: Home, tmp_path: Path) -> None:
    home = copied(sample_home, tmp_path / "home", parts=(*EVERYTHING, "report"))
    flip(home.path / "warehouse.duckdb")
    damaged = (home.path / "warehouse.duckdb").read_bytes()
    refused = smallcap("run", "--source", "sample", "--data-dir", home.path, cwd=tmp_path)
    assert_one_sentence(
        refused, str(home.path / "warehouse.duckdb"), "is damaged", "`smallcap rebuild`", "release remains current"
    )

    # A killed rebuild leaves the current warehouse unchanged.
    command = [str(SMALLCAP), "rebuild", "--source", "sample", "--data-dir", str(home.path)]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    until("a new warehouse", (home.path / "rebuild/warehouse.duckdb").exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)
    assert (home.path / "warehouse.duckdb").read_bytes() == damaged
    assert home.releases == sample_home.releases

    done = smallcap("rebuild", "--source", "sample", "--data-dir", home.path, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same_tables(home, sample_home)
    assert not (home.path / "rebuild").exists()
    assert len(home.releases) == 2


@pytest.mark.more_runs
def test_a_rebuild_with_a_changed_document_or_without_one_is_refused(sample_home: Home, tmp_path: Path) -> None:
    home = copied(sample_home, tmp_path / "home", parts=("warehouse.duckdb", "landing", "dbt"))
    lost = next((home.path / "landing/fred/rates/DFF").iterdir())
    content = lost.read_bytes()
    lost.write_bytes(content + b"2026-10-01,3.6\n")
    done = smallcap("rebuild", "--source", "landing", "--data-dir", home.path, cwd=tmp_path)
    assert_one_sentence(done, "1 documents changed", f"fred/rates/DFF/{lost.name}", "under a new name")
    lost.unlink()
    done = smallcap("rebuild", "--source", "landing", "--data-dir", home.path, cwd=tmp_path)
    assert_one_sentence(done, "1 documents", f"fred/rates/DFF/{lost.name}", "--landing-dir")
    assert not (home.path / "rebuild").exists()


@pytest.mark.more_runs
@pytest.mark.parametrize("kilobytes", [100, 8000])
def test_a_full_disk_gives_a_clear_message(sample_home: Home, tmp_path: Path, kilobytes: int) -> None:
    """Simulated by a limit on file sizes: before the run begins, and during ingestion."""
    home = copied(sample_home, tmp_path / "home", parts=("dbt",))
    done = subprocess.run(
        [str(SMALLCAP), "run", "--source", "sample", "--data-dir", str(home.path)],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=600, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, kilobytes * 1024)),
    )  # fmt: skip
    assert_one_sentence(done, str(home.path), "No release has been published yet")
    assert "disk is full" in done.stderr or "if the disk is not full" in done.stderr


@pytest.mark.parametrize("error", ["dagster._core.errors.DagsterExecutionInterruptedError", "KeyboardInterrupt: "])
def test_a_stopped_run_is_one_sentence(tmp_path: Path, error: str) -> None:
    assert _sentence(error, Settings(data_dir=tmp_path)).startswith("The run was stopped;")


@pytest.mark.parametrize(
    ("message", "error", "words"),
    [
        ('IO Error: Could not set lock on file "w": Conflicting lock is held', WarehouseLocked, "open in another program"),
        ("IO Error: Corrupt database file: computed checksum 1 does not match stored checksum 2 in block at location 8192",
         WarehouseDamaged, "is damaged"),
        ("IO Error: Trying to read a database file with version number 69, but we can only read versions between 64 and 68.",
         WarehouseDamaged, "another version of DuckDB"),
        ("OSError: [Errno 28] No space left on device", DiskFull, "free some space"),
        ("sqlite3.OperationalError: database or disk is full", DiskFull, "free some space"),
    ],
)  # fmt: skip
def test_known_errors_give_a_clear_message(message: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        raise_if_unusable(Path("data/warehouse.duckdb"), message)


def test_other_errors_are_not_translated() -> None:
    raise_if_unusable(Path("warehouse.duckdb"), "Binder Error: a block of columns was not found, the clock is blocked")


def damaged_database(path: Path) -> None:
    truncate(path)


def garbage(path: Path) -> None:
    path.write_bytes(b"garbage " * 5000)


@pytest.mark.parametrize("damage", [damaged_database, garbage])
@pytest.mark.parametrize("name", ["history/runs.db", "history/runs/index.db", "schedules/schedules.db"])
def test_a_damaged_history_is_moved_aside(tmp_path: Path, name: str, damage: Callable[[Path], None]) -> None:
    settings = Settings(data_dir=tmp_path)
    path = prepare_dagster_home(settings) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table runs as with recursive n(i) as (select 1 union all select i + 1 from n where i < 9999)"
                         " select i, hex(i * i) as text from n")  # fmt: skip
        database.commit()
    assert prepare_dagster_home(settings) == settings.dagster_home
    assert path.exists()
    damage(path)
    prepare_dagster_home(settings)
    assert not path.exists()
    assert (settings.dagster_home / "dagster.yaml").exists()
    (aside,) = tmp_path.glob("dagster.damaged-*")
    assert (aside / name).exists()


def test_a_damaged_script_bundle_is_rebuilt(tmp_path: Path) -> None:
    script = vega_script(tmp_path)
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    for damaged in (b"\xff\xfe", whole.replace(b"vega", b"vegA", 1)):
        kept.write_bytes(damaged)
        assert vega_script(tmp_path) == script
        assert kept.read_bytes() == whole


@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing", None], ids=["empty", "garbage", "flipped"])
def test_a_damaged_calendar_is_generated_again(tmp_path: Path, content: bytes | None) -> None:
    settings = Settings(data_dir=tmp_path)
    collect_sessions(landing_of(settings))
    (document,) = (settings.own_landing_dir / "exchange_calendars/sessions/XNYS").iterdir()
    whole = document.read_bytes()
    half = bytearray(whole)
    for place in range(4, len(half), 7):
        half[place] ^= 0x5A
    document.write_bytes(bytes(half) if content is None else content)
    assert [outcome.status for outcome in collect_sessions(landing_of(settings))] == ["new"]
    assert pl.read_parquet(document).equals(pl.read_parquet(whole))
    assert [outcome.status for outcome in collect_sessions(landing_of(settings))] == ["unchanged"]


def test_a_sound_calendar_of_another_version_is_kept(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    folder = settings.own_landing_dir / "exchange_calendars/sessions/XNYS"
    folder.mkdir(parents=True)
    old = folder / document_name(datetime(2020, 1, 1, tzinfo=UTC), "parquet")
    old.write_bytes(market_calendar.sessions_document(date(2021, 12, 31)))
    assert [outcome.status for outcome in collect_sessions(landing_of(settings))] == ["new"]
    assert old.exists()


def test_a_calendar_of_another_version_does_not_stop_the_sample_market(tmp_path: Path) -> None:
    """The clock of the sample market stands still, so the next calendar is of the same second."""
    settings = Settings(data_dir=tmp_path)
    folder = settings.own_landing_dir / "exchange_calendars/sessions/XNYS"
    folder.mkdir(parents=True)
    old = folder / document_name(settings.clock, "parquet")
    old.write_bytes(market_calendar.sessions_document(date(2021, 12, 31)))
    content = old.read_bytes()
    assert [outcome.status for outcome in collect_sessions(landing_of(settings))] == ["new"]
    assert [outcome.status for outcome in collect_sessions(landing_of(settings))] == ["unchanged"]
    assert old.read_bytes() == content


def test_today_reports_a_release_that_cannot_be_read(sample_home: Home, tmp_path: Path) -> None:
    home = copied(sample_home, tmp_path / "home", parts=("published",))
    manifest = (home.latest / "manifest.json").read_bytes()
    assert json.loads(manifest)
    truncate(home.latest / "manifest.json")
    assert_one_sentence(smallcap("today", "--data-dir", home.path, cwd=tmp_path), "manifest.json", "smallcap run")
    (home.latest / "manifest.json").write_bytes(manifest)
    (home.latest / "warehouse.duckdb").write_bytes(b"garbage")
    assert_one_sentence(smallcap("sql", "select 1", "--data-dir", home.path, cwd=tmp_path), "warehouse.duckdb", "smallcap run")


def test_commands_work_in_a_locale_without_umlauts(sample_home: Home, tmp_path: Path) -> None:
    bare = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = smallcap("sql", "select 'é·' as text", "--data-dir", sample_home.path, cwd=tmp_path, **bare)
    assert (done.returncode, "é·" in done.stdout) == (0, True), done.stderr
    done = smallcap("today", "--data-dir", sample_home.path, cwd=tmp_path, LC_ALL="POSIX", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout.startswith("2026-09-30 ? SAMPLE")) == (0, True), done.stderr

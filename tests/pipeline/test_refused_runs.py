"""Runs that cannot succeed end with a clear message, and the previous release remains current.

The runs share this process, to save imports; locks are held by another process.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestration.cli import main as cli
from tests.pipeline.homes import Home, copied

CLOSED = "http://127.0.0.1:9"
Refused = Callable[..., str]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Refused:
    """Run `smallcap run …`, expect a failure, and return stderr."""
    for name in ("DAGSTER_HOME", "SMALLCAP_WAREHOUSE"):
        monkeypatch.setenv(name, "")  # set by a run, restored afterwards
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments: str | Path, **variables: str) -> str:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["smallcap", "run", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        message = capfd.readouterr()
        assert end.value.code == 1
        assert "Traceback" not in message.out + message.err
        assert 0 < len(message.err.strip().splitlines()) <= 3, message.err
        return message.err

    return run_command


@contextmanager
def held(code: str, path: Path) -> Iterator[None]:
    """Another process that opens a file and keeps it open until the end of the context."""
    script = f"import sys; path = sys.argv[1]\n{code}\nprint('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "open\n"
        try:
            yield
        finally:
            other.stdin.close()


def test_a_warehouse_open_elsewhere_is_reported(sample_home: Home, tmp_path: Path, refused: Refused) -> None:
    home = copied(sample_home, tmp_path / "home", parts=("warehouse.duckdb", "dbt", "landing", "published"))
    before = home.latest.resolve()
    with held("import duckdb; connection = duckdb.connect(path)", home.path / "warehouse.duckdb"):
        message = refused("--data-dir", home.path)
    assert "open in another program" in message
    assert str(home.path / "warehouse.duckdb") in message
    assert home.latest.resolve() == before


def test_a_second_writer_waits_and_gives_up(sample_home: Home, tmp_path: Path, refused: Refused) -> None:
    home = copied(sample_home, tmp_path / "home", parts=("warehouse.duckdb", "dbt", "landing", "published"))
    with held("import filelock; lock = filelock.FileLock(path); lock.acquire()", home.path / ".writer.lock"):
        message = refused("--data-dir", home.path, SMALLCAP_WRITER_WAIT_SECONDS="0.2")
    assert "Another run is writing" in message
    assert str(home.path) in message


@pytest.mark.more_runs
def test_without_a_network_the_run_fails(sample_home: Home, tmp_path: Path, refused: Refused) -> None:
    home = copied(sample_home, tmp_path / "home", parts=("dbt",))
    addresses = {f"SMALLCAP_VENDOR_URLS__{name}": CLOSED for name in ("YAHOO", "ISHARES", "SSGA", "INVESCO", "FRED")}
    message = refused(
        "--source", "live", "--data-dir", home.path, **addresses, SMALLCAP_FETCH_ATTEMPTS="1", SMALLCAP_FETCH_PAUSE_SECONDS="0",
        HTTPS_PROXY=CLOSED, https_proxy=CLOSED, NO_PROXY="", no_proxy="",
    )  # fmt: skip
    assert "No vendor answered" in message
    assert not home.latest.exists()


@pytest.mark.more_runs
def test_an_empty_folder_gives_no_release(sample_home: Home, tmp_path: Path, refused: Refused) -> None:
    home = copied(sample_home, tmp_path / "home", parts=("dbt",))
    (tmp_path / "empty").mkdir()
    message = refused("--source", "landing", "--landing-dir", tmp_path / "empty", "--data-dir", home.path)
    assert "No document with prices, holdings, fund data or rates was accepted" in message
    assert not home.latest.exists()


@pytest.mark.more_runs
def test_a_corrupt_document_gives_no_release(sample_home: Home, tmp_path: Path, refused: Refused) -> None:
    home = copied(sample_home, tmp_path / "home", parts=("dbt",))
    document = tmp_path / "landing/yahoo/prices/IWM/2026-08-14T233000Z.parquet"
    document.parent.mkdir(parents=True)
    document.write_bytes(b"PAR1 and then nothing")
    message = refused("--source", "landing", "--landing-dir", tmp_path / "landing", "--data-dir", home.path)
    assert "No document with prices, holdings, fund data or rates was accepted" in message
    assert not home.latest.exists()
    assert document.read_bytes() == b"PAR1 and then nothing"

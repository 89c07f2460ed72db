"""Invalid input gives a short message and exit code 1; valid input gives a quick answer."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.cli.today import read_today
from orchestration.cli.today_text import lines
from orchestration.settings import PROJECT_ROOT
from tests.pipeline.homes import Home, environment, smallcap

README = PROJECT_ROOT / "README.md"
# DuckDB itself imports pandas, for a query with parameters.
SLOW_TO_IMPORT = ("dagster", "dbt", "polars", "dataframely", "exchange_calendars", "apprise", "mcp")


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """The command failed with a short message on stderr and without a traceback."""
    assert done.returncode not in (0, -9), done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    text = " ".join(done.stderr.replace("│", " ").split())
    assert text
    for word in words:
        assert word in text
    assert len(done.stderr.strip().splitlines()) <= 8, done.stderr


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder outside the project."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "a-file").write_text("no folder")
    return folder


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--source", "moon"], ["moon", "sample"]),
        (["--source", "landing", "--landing-dir", "nowhere"], ["nowhere", "is not a folder", "--landing-dir"]),
        (["--source", "landing", "--landing-dir", "a-file"], ["a-file", "is not a folder"]),
        (["--source", "landing"], ["--landing-dir"]),
        (["--data-dir", "a-file"], ["a-file", "--data-dir"]),
        (["--data-dir", "a-file/below"], ["a-file", "--data-dir"]),
        (["--known-at", "soon"], ["--known-at", "soon", "2026-06-30"]),
        (["--known-at", "2026-02-30"], ["--known-at", "2026-02-30"]),
    ],
    ids=" ".join,
)
def test_an_invalid_option_is_rejected(elsewhere: Path, arguments: list[str], words: list[str]) -> None:
    assert_refused(smallcap("run", *arguments, cwd=elsewhere), *words)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMALLCAP_KEEP_RELEASES", "0"),
        ("SMALLCAP_KEEP_RELEASES", "many"),
        ("SMALLCAP_VENDOR_URLS__YAHOO", "not an address"),
        ("SMALLCAP_VENDOR_URLS__FRED", "file:///etc"),
        ("SMALLCAP_SOURCE", "moon"),
        ("SMALLCAP_WRITER_WAIT_SECONDS", "-1"),
        ("SMALLCAP_KNOWN_AT", "soon"),
    ],
)
def test_an_invalid_variable_is_rejected_by_name(elsewhere: Path, name: str, value: str) -> None:
    done = smallcap("run", cwd=elsewhere, **{name: value})
    assert_refused(done, name, value)
    assert not (elsewhere / "data").exists()


@pytest.mark.parametrize("arguments", [["today"], ["sql", "select 1"]], ids=lambda value: value[0])
def test_before_the_first_run_the_message_names_the_command(elsewhere: Path, arguments: list[str]) -> None:
    assert_refused(smallcap(*arguments, "--data-dir", elsewhere / "home", cwd=elsewhere), "smallcap run")
    assert not (elsewhere / "home").exists()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("selec 1", ["syntax error"]),
        ("select * from nothing", ["nothing"]),
        ("create table mine as select 1", ["read-only"]),
        ("delete from reading", ["read-only"]),
        ("copy reading to 'out.csv'", ["disabled"]),
        ("select * from read_text('a-file')", ["disabled"]),
        ("select * from 'a-file'", ["a-file"]),
        ("attach 'other.duckdb' as other", ["disabled"]),
        ("set enable_external_access = true", ["Cannot enable external access"]),
        ("install httpfs", ["disabled"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "says",
)
def test_sql_neither_writes_nor_reads_other_files(sample_home: Home, elsewhere: Path, query: str, words: list[str]) -> None:
    before = (sample_home.latest / "warehouse.duckdb").read_bytes()
    assert_refused(smallcap("sql", query, "--data-dir", sample_home.path, cwd=elsewhere), *words)
    assert (sample_home.latest / "warehouse.duckdb").read_bytes() == before
    assert [path.name for path in elsewhere.iterdir()] == ["a-file"]


def test_sql_answers_a_query(sample_home: Home, elsewhere: Path) -> None:
    done = smallcap(
        "sql", "select count(*) as n from regime_spells where pair = 'IWM/SPY'", "--data-dir", sample_home.path, cwd=elsewhere
    )
    assert done.returncode == 0, done.stderr
    assert "14" in done.stdout


def test_today_answers_quickly(sample_home: Home, elsewhere: Path) -> None:
    """Processor time: on a busy machine the time on the clock says nothing."""

    def spent() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    seconds = []
    for _ in range(3):
        begun = spent()
        done = smallcap("today", "--data-dir", sample_home.path, cwd=elsewhere)
        seconds.append(spent() - begun)
        assert done.returncode == 0, done.stderr
    assert min(seconds) < 2
    for words in ("2026-09-30", "SAMPLE", "IWM/SPY", "risk_off", "hold_after_cuts", sample_home.latest.resolve().name):
        assert words in done.stdout


def test_today_imports_nothing_slow(sample_home: Home, elsewhere: Path) -> None:
    code = (
        "import sys; from orchestration.cli import main as cli\n"
        f"sys.argv = ['smallcap', 'today', '--data-dir', {str(sample_home.path)!r}]\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {SLOW_TO_IMPORT!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=elsewhere, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == "[]"


def test_a_run_prints_its_source_its_release_and_its_warnings(sample_home: Home) -> None:
    text = " ".join(sample_home.out.split())
    assert sample_home.err == ""
    assert "source sample" in sample_home.out
    assert f"Release: {sample_home.latest.resolve()}" in sample_home.out
    for words in (
        "1 missing: IWM 2026-08-12",
        "SPY 2026-05-13",
        "the file is a web page",
        "market_value '12,34x' is not a number",
    ):
        assert words in text
    assert "AssetObservation" not in sample_home.out


def test_the_readme_shows_what_a_run_prints(sample_home: Home) -> None:
    shown = README.read_text().partition("prints it again):\n\n")[2].partition("\n\n`make live`")[0]
    printed = read_today(sample_home.latest)
    found = ["" if not line.plain else f"    {line.plain}".rstrip() for line in lines(printed)]
    found[0] = found[0].partition("   release")[0].rstrip()
    assert shown.splitlines() == found

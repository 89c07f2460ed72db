"""Version, help and bounds; a reader that leaves; what `doctor` says."""

import os
import socket
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from orchestration.cli import console
from orchestration.cli.main import app, main
from orchestration.cli.running import _print_release
from orchestration.publish.contract import CONTRACT_VERSION
from tests.cli.conftest import Command, answer, refusal
from tests.cli.hand_made import BEFORE, LATEST, write_release

COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


def test_the_version_is_that_of_the_package_and_the_contract() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout == f"small-cap-signal {version('small-cap-signal')}, contract {CONTRACT_VERSION}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_text_has_an_example(command: str) -> None:
    text = CliRunner().invoke(app, [command, "--help"]).stdout
    _, _, examples = text.partition("Examples:")
    assert f"smallcap {command}" in examples or f"| smallcap {command}" in examples


def test_the_kept_releases_are_listed(home: Path, smallcap: Command) -> None:
    write_release(home / "published", name="20261003T000000000000Z", known_at="2026-09-30T00:00:00+00:00", tables=[])
    assert [line.split() for line in answer(smallcap("releases")).splitlines()] == [
        ["release", "prices", "to", "as", "known", "at", "withheld"],
        ["20261003T000000000000Z", "latest", "2026-09-30", "2026-09-30T00:00", "none"],
        [LATEST, "2026-09-30", "everything", "known", "holdings"],
        [BEFORE, "2026-09-30", "everything", "known", "holdings"],
    ]


def test_a_run_ends_with_the_path_of_the_report(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release = (home / "published" / "latest").resolve()
    (release / "report.html").touch()
    _print_release(release)
    assert capsys.readouterr().out.splitlines()[-2:] == [f"Release: {release}", f"Report:  {release / 'report.html'}"]


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_a_port_has_bounds(port: str) -> None:
    result = CliRunner().invoke(app, ["ui", "--port", port])
    assert result.exit_code == 2
    assert "--port" in result.output


def test_a_reader_that_leaves_does_not_end_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w") as nobody_reads:
        monkeypatch.setattr(console, "output", type(console.output)(file=nobody_reads))
        for _ in range(3):
            console.say("a line")


def test_doctor_names_a_rebuild_that_did_not_end(home: Path, smallcap: Command) -> None:
    (home / "rebuild").mkdir()
    said = " ".join(smallcap("doctor").stdout.split())
    assert "ended before its warehouse replaced the current one: then run `smallcap rebuild` again" in said
    assert "last session 2026-09-30, 1 day ago" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--known-at", "yesterday"], ["today", "--json", "--markdown"], ["today", "--since", "2026-13-01"],
        ["run", "--source", "landing", "--landing-dir", "nowhere"], ["export", "release.csv"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_option_exits_with_2(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["smallcap", *arguments, "--data-dir", str(home)])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_the_ui_does_not_start_on_a_used_port(home: Path, smallcap: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("the UI starts"))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"Port {port} of 127.0.0.1 cannot be used (Address already in use)" in refusal(smallcap("ui", "--port", str(port)))
    assert not (home / "dagster").exists()


@pytest.mark.parametrize(
    "arguments",
    [["today"], ["diff"], ["sql", "select 1"], ["export", "a.xlsx"], ["why", "price_daily"], ["notify", "--dry-run"]],
    ids=lambda given: given[0],
)  # fmt: skip
def test_without_a_release_the_advice_names_source_and_data_directory(tmp_path: Path, arguments: list[str]) -> None:
    empty = tmp_path / "a folder"
    result = CliRunner().invoke(app, [*arguments, "--source", "live", "--data-dir", str(empty)])
    assert refusal(result) == f"No release in {empty} yet: run `smallcap run --source live --data-dir '{empty}'` first."


def test_the_advice_is_short_where_everything_is_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal(CliRunner().invoke(app, ["today"])).endswith("yet: run `smallcap run` first.")

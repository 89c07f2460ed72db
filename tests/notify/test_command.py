"""`smallcap notify`, with a local receiver."""

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from orchestration.cli.console import Refused, WrongOption
from orchestration.cli.main import app
from orchestration.notify.services import ATTEMPTS, Service
from tests.notify.receiver import change, receiver, release


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data directory with one release that has one flip."""
    published = tmp_path / "home" / "published"
    directory = release(published, "r1", changed=[change("flip")])
    (directory / "warehouse.duckdb").touch()
    (published / "latest").symlink_to(Path("releases") / "r1")
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    send = Service.send
    monkeypatch.setattr(Service, "send", lambda *given, **named: send(*given, **{**named, "pause_seconds": 0}))


def smallcap(home: Path, *options: str, urls: str = "") -> Result:
    """The command on this directory."""
    typed = ["notify", "--source", "live", "--data-dir", str(home), *options]
    return CliRunner().invoke(app, typed, env={"SMALLCAP_NOTIFY_URLS": urls, "SMALLCAP_NOTIFY_DAILY": "false"})


def test_a_change_is_sent_once(home: Path) -> None:
    with receiver() as service:
        first, second = (smallcap(home, urls=service.address) for _ in range(2))
    assert (first.exit_code, first.stdout) == (0, "json: 1 sent\n")
    assert (second.exit_code, second.stdout) == (0, "There is nothing new to send.\n")
    assert len(service.received) == 1


def test_a_dry_run_sends_and_records_nothing(home: Path) -> None:
    shown = smallcap(home, "--dry-run")
    assert shown.exit_code == 0
    assert shown.stdout.startswith(
        "Small-Cap Signal 2026-09-30\n\nIWM/SPY changes from risk_on to risk_off (flip). What followed in the past: a year later"
    )
    assert not (home / "notified.jsonl").exists()


def test_a_dry_run_is_no_test(home: Path) -> None:
    with receiver() as service:
        both = smallcap(home, "--dry-run", "--test", urls=service.address)
    assert isinstance(both.exception, WrongOption)
    assert service.received == []


def test_a_service_that_cannot_be_reached_is_named_without_its_host(home: Path) -> None:
    with receiver() as gone:
        pass
    said = str(smallcap(home, "--test", urls=gone.address).exception)
    assert said.startswith("Not reached: json: ")
    assert said.endswith("to the service.")
    assert "127.0.0.1" not in said


def test_a_test_message_goes_to_every_service(home: Path) -> None:
    with receiver() as service, receiver() as other:
        assert smallcap(home, "--test", urls=f"{service.address} {other.address}").stdout == "json: 1 sent\njson 2: 1 sent\n"
    assert service.messages == other.messages == ["This service receives the notifications."]
    assert not (home / "notified.jsonl").exists()


def test_it_refuses_with_a_reason(home: Path) -> None:
    assert "No service is set" in str(smallcap(home).exception)
    unknown = smallcap(home, urls="nosuch://S3cretPassw0rd@host").exception
    assert isinstance(unknown, Refused)
    assert "address 1" in str(unknown)
    with receiver() as service:
        service.answers = [500] * ATTEMPTS
        failed = smallcap(home, urls=service.address)
    assert isinstance(failed.exception, Refused)
    assert str(failed.exception).startswith("Not sent, will be retried: json: ")
    assert "S3cret" not in str(failed.exception) + str(unknown)

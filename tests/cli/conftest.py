"""Data directories with releases made by hand, and the commands in this process."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestration.cli.main import app
from tests.cli.hand_made import BEFORE, write_release

Command = Callable[..., Result]


@pytest.fixture(scope="session")
def two_releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with two releases, to be copied."""
    made = tmp_path_factory.mktemp("two_releases")
    write_release(made / "published", name=BEFORE)
    write_release(made / "published")
    return made


@pytest.fixture
def home(two_releases: Path, tmp_path: Path) -> Path:
    """A data directory with two releases."""
    return shutil.copytree(two_releases, tmp_path / "home", symlinks=True)


@pytest.fixture
def smallcap(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command on that directory; a refusal stays an exception in `result.exception`."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, [arguments[0], "--data-dir", str(home), *arguments[1:]], input=stdin)

    return run


def answer(result: Result) -> str:
    """The output of a command that succeeded."""
    if result.exception is not None:
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def refusal(result: Result) -> str:
    """The sentence of a command that refused: a message, never a traceback."""
    from orchestration.cli.console import Refused

    assert isinstance(result.exception, Refused), result.output
    return str(result.exception)

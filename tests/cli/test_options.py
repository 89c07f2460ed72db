"""Version, help and bounds."""

from importlib.metadata import version

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from orchestration.cli.main import app
from orchestration.publish.contract import CONTRACT_VERSION

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


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_a_port_has_bounds(port: str) -> None:
    result = CliRunner().invoke(app, ["ui", "--port", port])
    assert result.exit_code == 2
    assert "--port" in result.output

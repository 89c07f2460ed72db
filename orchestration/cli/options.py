"""The options that several commands share, and the settings that follow from them."""

import os
import shlex
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from orchestration.cli.console import Refused, WrongOption
from orchestration.settings import Settings, Source

SourceOption = Annotated[
    Source | None, typer.Option(help="sample: simulated market; live: fetch from vendors; landing: read an existing folder.")
]
DataDirOption = Annotated[Path | None, typer.Option(help="Directory for everything a run writes. Default: data/<source>.")]
LandingDirOption = Annotated[Path | None, typer.Option(help="Additional folder of documents; it is read, never written to.")]
KnownAtOption = Annotated[
    str | None, typer.Option(help="Rebuild all tables as known at this time (UTC), for example 2026-06-30.")
]

_OPTIONS = ("source", "data_dir", "landing_dir", "known_at")
# They would end the path in a database URL.
_NOT_IN_PATHS = "#?"


def examples(*lines: str) -> str:
    """The end of a help text: one example a line."""
    return "\n\n".join(["Examples:", *lines])


def settings_from(**given: Any) -> Settings:
    """Settings from the command line, which override those from the environment.

    Raises:
        Refused: a value is invalid.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = "__".join(str(part) for part in first["loc"])
        option = f" (or --{name.replace('_', '-')})" if name in _OPTIONS else ""
        why = first["msg"].removeprefix("Value error, ")
        raise WrongOption(
            f"Invalid SMALLCAP_{name.upper()}{option} {str(first['input'])!r}: {why[:1].lower()}{why[1:]}."
        ) from error


def run_command(settings: Settings) -> str:
    """The command that makes a release in the data directory of these settings."""
    given = {
        "source": settings.source.value if settings.source is not Source.sample else None,
        "data-dir": settings.home if settings.data_dir else None,
        "landing-dir": settings.landing_dir,
        "known-at": settings.known_at.isoformat() if settings.known_at else None,
    }
    return " ".join(["smallcap run", *(f"--{name} {shlex.quote(str(value))}" for name, value in given.items() if value)])


def moment(text: str | None) -> datetime | None:
    """The time given as --known-at."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongOption(f"Invalid --known-at {text!r}: use YYYY-MM-DD, for example 2026-06-30, or 2026-06-30T23:59.") from error


def check_folders(settings: Settings) -> None:
    """Check that the folders of a run exist, can be read and can be written to; create the data directory.

    Raises:
        Refused: one cannot be used.
    """
    landing = settings.landing_dir
    if landing is not None and not landing.is_dir():
        raise WrongOption(
            f"Invalid --landing-dir: {landing} is not a folder. Use a folder with documents at vendor/kind/symbol/file."
        )
    if landing is not None and not os.access(landing, os.R_OK | os.X_OK):
        raise Refused(f"The landing folder {landing} cannot be read: check its permissions.")
    if settings.source is Source.landing and landing is None and not settings.own_landing_dir.is_dir():
        raise Refused("Option --source landing requires --landing-dir, or documents in the landing folder of the data directory.")
    invalid = next((char for char in str(settings.home) if char in _NOT_IN_PATHS or not char.isprintable()), None)
    if invalid:
        raise WrongOption(
            f"Invalid --data-dir {str(settings.home)!r}: a database path cannot contain {invalid!r}. Choose another --data-dir."
        )
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(
            f"The data directory {settings.home} cannot be created ({error.strerror}): choose another --data-dir."
        ) from error
    if not os.access(settings.home, os.W_OK | os.X_OK):
        raise Refused(f"The data directory {settings.home} is not writable: choose another --data-dir.")

"""Commands that hand out tables: sql, export, and the server for agents."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.answers import Format
from orchestration.cli.console import Refused, WrongOption, output, say, warn
from orchestration.cli.options import DataDirOption, LandingDirOption, SourceOption, run_command, settings_from
from orchestration.cli.releases import latest, made_by_another_version, manifest_of, opened

STDIN = "-"


def sql(
    query: Annotated[
        str | None,
        typer.Argument(help="One SQL statement, a file that ends in .sql, or - for standard input."),
    ] = None,
    source: SourceOption = None,
    data_dir: DataDirOption = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="Default: that of the file's suffix; without a file, a table.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--output", help="Write the whole answer to this file.")] = None,
) -> None:
    """Query the published DuckDB file, read-only. Without a terminal, the answer has every row and column."""
    from orchestration.cli.answers import ask, format_of, text_of, write

    statement = _statement(query)
    chosen = format_of(form, file)
    settings = settings_from(source=source, data_dir=data_dir)
    release = latest(settings.published_dir, run_command(settings))
    if found := made_by_another_version(manifest_of(release)):
        warn(found)
    with opened(release) as connection:
        answer = ask(connection, statement)
        if answer is None:
            return
        if file is not None:
            write(answer, chosen, file)
            return
        text = text_of(answer, chosen, width=output.width if sys.stdout.isatty() else None)
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def _statement(query: str | None) -> str:
    """The SQL itself: from the argument, from a file, or from standard input."""
    if query == STDIN or (query is None and not sys.stdin.isatty()):
        return sys.stdin.read()
    if query is None:
        raise Refused('No query: use smallcap sql "select …", a file that ends in .sql, or - for standard input.')
    if query.endswith(".sql") and not any(character.isspace() for character in query):
        if not Path(query).is_file():
            raise Refused(f"{query}: no such file.")
        return Path(query).read_text(encoding="utf-8")
    return query


def export(
    file: Annotated[Path, typer.Argument(help="The workbook to write; its name ends in .xlsx.")],
    source: SourceOption = None,
    data_dir: DataDirOption = None,
    table: Annotated[list[str] | None, typer.Option(help="Only this table; can be given several times. Default: all.")] = None,
) -> None:
    """Write the release as one Excel workbook: a cover, one typed sheet per table, and the meaning of each column."""
    if file.suffix.lower() != ".xlsx":
        raise WrongOption(f"{file}: use a name that ends in .xlsx. For other formats: smallcap sql … --output FILE.")
    if not file.absolute().parent.is_dir():
        raise Refused(f"{file.absolute().parent} is not a folder: choose another place.")
    from orchestration.cli.workbook import tables_in, write_workbook

    settings = settings_from(source=source, data_dir=data_dir)
    release = latest(settings.published_dir, run_command(settings))
    manifest = manifest_of(release)
    if found := made_by_another_version(manifest):
        warn(found)
    with opened(release) as connection:
        tables = tables_in(connection, table or [])
        write_workbook(connection, tables, file, manifest, progress=lambda text: say(text, "dim"))
    say(f"{file}: {len(tables)} tables of release {release.name}")


def mcp(source: SourceOption = None, data_dir: DataDirOption = None, landing_dir: LandingDirOption = None) -> None:
    """Serve the latest release to an agent over standard input and output (Model Context Protocol), read-only."""
    from importlib.util import find_spec

    if find_spec("mcp") is None:
        raise Refused(
            "The package mcp is not installed: the extra mcp installs it, with `make run` in a checkout,"
            " pip install 'small_cap_signal-….whl[mcp]' with a wheel."
        )
    from orchestration.cli.mcp_server import server

    server(settings_from(source=source, data_dir=data_dir, landing_dir=landing_dir)).run("stdio")

"""The command line. Each command imports only what it needs, so that look-ups do not wait for Dagster."""

import io
import locale
import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from orchestration.cli import importing, notify, querying, reading, reviewing, running
from orchestration.cli.console import Refused, errors, say
from orchestration.cli.options import examples

app = typer.Typer(
    help="Small-Cap Signal: IWM compared with SPY and QQQ. --source, --data-dir, --landing-dir and --known-at can also be set as"
    " SMALLCAP_SOURCE, SMALLCAP_DATA_DIR and so on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_DOCUMENT = "yahoo/prices/IWM/2026-05-06T010000Z.csv"
# In the order in which a person meets them: command, and examples for its help text.
_COMMANDS: dict[Callable[..., None], tuple[str, ...]] = {
    running.run: ("smallcap run", "smallcap run --source live", "smallcap run --source landing --landing-dir ~/documents"),
    reading.today: (
        "smallcap today", "smallcap today --since 2026-06-30", "smallcap today --markdown > today.md",
        "smallcap today --json | jq .signals",
    ),
    querying.sql: (
        'smallcap sql "select * from readme"',
        'smallcap sql "from ratio_daily" --output ratio.csv',
        "smallcap sql question.sql --format markdown",
        "echo 'select * from reading' | smallcap sql - --format json",
    ),
    querying.export: ("smallcap export release.xlsx", "smallcap export prices.xlsx --table price_daily --table performance"),
    reading.why: (
        "smallcap why regime_daily IWM/SPY 2026-06-30", "smallcap why price_daily IWM", "smallcap why sector_weights IWM --json",
    ),
    reading.diff: ("smallcap diff", "smallcap diff 20261125T223012 latest", "smallcap diff previous latest --values --json"),
    reading.releases: ("smallcap releases", "smallcap releases --source live"),
    reviewing.doctor: ("smallcap doctor", "smallcap doctor --source live"),
    reviewing.quarantine: ("smallcap quarantine",),
    reviewing.accept: (f'smallcap accept {_DOCUMENT} --reason "checked against the exchange"',),
    reviewing.reject: (f'smallcap reject {_DOCUMENT} --reason "prices of another fund"',),
    importing.import_prices: (
        "smallcap import-prices members.parquet --universe IWM --source live",
        "smallcap import-prices folder/ --universe IWM --source live",
    ),
    notify.notify: ("smallcap notify", "smallcap notify --dry-run", "smallcap notify --test"),
    running.rebuild: ("smallcap rebuild", "smallcap rebuild --source live"),
    running.ui: ("smallcap ui", "smallcap ui --source live --port 3001"),
    querying.mcp: ("smallcap mcp --source live",),
}  # fmt: skip
for _command, _lines in _COMMANDS.items():
    app.command(epilog=examples(*_lines))(_command)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        from importlib.metadata import version

        from orchestration.publish.contract import CONTRACT_VERSION

        say(f"small-cap-signal {version('small-cap-signal')}, contract {CONTRACT_VERSION}")
        raise typer.Exit


@app.callback(epilog=examples("smallcap run", "smallcap today", 'smallcap sql "select * from readme"'))
def smallcap(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and that of the contract.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Small-Cap Signal: IWM compared with SPY and QQQ."""


def main() -> None:
    """Entry point: errors print a short message and end with exit code 1, or 2 if an option is wrong."""
    _use_utf8()
    try:
        app()
    except Refused as refusal:
        errors.print(str(refusal), soft_wrap=True, markup=False)
        raise SystemExit(refusal.exit_code) from None
    except OSError as error:
        errors.print(f"{error.filename or 'File error'}: {error.strerror or error}", soft_wrap=True, markup=False)
        raise SystemExit(1) from None


def _use_utf8() -> None:
    """Use UTF-8 for files, paths and arguments in every locale; a terminal that lacks a character shows a question mark."""
    if locale.getpreferredencoding(False).lower().replace("-", "") != "utf8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")

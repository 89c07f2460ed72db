"""The command line. Each command imports only what it needs, so that look-ups do not wait for Dagster."""

import io
import json
import locale
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from orchestration.report.manifest import quarantine_sentences, withheld_sentences
from orchestration.settings import Settings, Source

app = typer.Typer(
    help="Small-Cap Signal: IWM compared with SPY and QQQ. Every option can also be set as SMALLCAP_…",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
output = Console(width=None if sys.stdout.isatty() else 120)
errors = Console(stderr=True, style="bold red", highlight=False)

SourceOption = Annotated[
    Source | None, typer.Option(help="sample: simulated market; live: fetch from vendors; landing: read an existing folder.")
]
DataDirOption = Annotated[Path | None, typer.Option(help="Directory for everything a run writes. Default: data/<source>.")]
LandingDirOption = Annotated[Path | None, typer.Option(help="Additional folder of documents; it is read, never written to.")]
KnownAtOption = Annotated[
    str | None, typer.Option(help="Rebuild all tables as known at this time (UTC), for example 2026-06-30.")
]


# They would end the path in a database URL.
_NOT_IN_PATHS = "#?"


class Refused(Exception):
    """The command cannot continue; the message says what happened, why, and what to do."""


@app.command()
def run(
    source: SourceOption = None,
    landing_dir: LandingDirOption = None,
    data_dir: DataDirOption = None,
    known_at: KnownAtOption = None,
    force: Annotated[bool, typer.Option("--force", help="Publish a new release even if nothing has changed.")] = False,
) -> None:
    """Collect documents, build the warehouse and publish a release; without changes, the previous release remains current."""
    settings = _settings(source=source, landing_dir=landing_dir, data_dir=data_dir, known_at=_moment(known_at))
    _check_folders(settings)
    from orchestration.defs.runner import RunFailed, run_daily

    try:
        release = run_daily(settings, progress=_print_progress, force=force)
    except RunFailed as failure:
        raise Refused(str(failure)) from failure
    _print_reading(release)
    output.print(f"\nRelease: {release}", soft_wrap=True, markup=False, highlight=False)


@app.command()
def rebuild(
    source: SourceOption = None,
    landing_dir: LandingDirOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Rebuild the warehouse from the documents in landing and publish a release; nothing is fetched."""
    settings = _settings(source=source, landing_dir=landing_dir, data_dir=data_dir)
    _check_folders(settings)
    from orchestration.defs.rebuild import rebuild_warehouse
    from orchestration.defs.runner import RunFailed

    try:
        release = rebuild_warehouse(settings, progress=_print_progress)
    except RunFailed as failure:
        raise Refused(str(failure)) from failure
    _print_reading(release)
    output.print(f"\nRelease: {release}", soft_wrap=True, markup=False, highlight=False)


@app.command()
def today(source: SourceOption = None, data_dir: DataDirOption = None) -> None:
    """Print the current reading: every signal at the last published session, with its track record."""
    _print_reading(_latest(_settings(source=source, data_dir=data_dir)))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SQL statement, for example: select * from reading")],
    source: SourceOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Query the published DuckDB file, read-only."""
    import duckdb

    with _open(_latest(_settings(source=source, data_dir=data_dir))) as connection:
        try:
            answer = connection.sql(query)
        except duckdb.Error as error:
            raise Refused(str(error)) from error
        if answer is not None:
            answer.show(max_rows=1000, max_width=output.width)


@app.command()
def doctor(source: SourceOption = None, landing_dir: LandingDirOption = None, data_dir: DataDirOption = None) -> None:
    """Check versions, paths, vendor availability, data freshness and data warnings; exit code 1 if a check fails."""
    from orchestration.cli.doctor import examine

    settings = _settings(source=source, landing_dir=landing_dir, data_dir=data_dir)
    table = Table("", "finding", "detail", box=None, header_style="bold")
    findings = list(examine(settings))
    for finding in findings:
        table.add_row("ok" if finding.ok else "!!", finding.subject, finding.detail, style=None if finding.ok else "red")
    output.print(table)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


DocumentArgument = Annotated[str, typer.Argument(help="Path below landing, for example yahoo/prices/IWM/2026-05-06T010000Z.csv.")]
ReasonOption = Annotated[str, typer.Option(help="Reason; it is recorded with the decision.")]


@app.command()
def quarantine(source: SourceOption = None, data_dir: DataDirOption = None) -> None:
    """List quarantined documents and rows: implausible data that are kept and not used."""
    from orchestration.raw.review import quarantine as quarantined_documents
    from orchestration.warehouse.connection import WarehouseUnusable

    try:
        found = quarantined_documents(_settings(source=source, data_dir=data_dir).warehouse_path)
    except WarehouseUnusable as error:
        raise Refused(str(error)) from error
    if not found:
        output.print("The quarantine is empty.")
        return
    for document in found:
        output.print(document.path, style="bold", highlight=False, markup=False, soft_wrap=True)
        rows = "1 row" if document.rows == 1 else f"{document.rows} rows"
        scope = "the whole document" if document.rows is None else f"{rows}; the rest of the document is used"
        output.print(f"  {scope}", highlight=False, markup=False)
        for rule, reason in list(zip(document.rules, document.reasons, strict=True))[:_REASONS_SHOWN]:
            output.print(f"  {rule}: {reason}", highlight=False, markup=False, soft_wrap=True)
        if len(document.rules) > _REASONS_SHOWN:
            output.print(f"  and {len(document.rules) - _REASONS_SHOWN} more: see raw.rejects")
    output.print(
        '\nTo decide: smallcap accept|reject DOCUMENT --reason "…". The decision applies from the next run.', markup=False
    )


_REASONS_SHOWN = 3
_QUARANTINED_SHOWN = 3


@app.command()
def accept(
    document: DocumentArgument,
    reason: ReasonOption,
    source: SourceOption = None,
    data_dir: DataDirOption = None,
    landing_dir: LandingDirOption = None,
) -> None:
    """Accept a quarantined document: all its rows are used from the next run."""
    _decide(document, "accept", reason, _settings(source=source, data_dir=data_dir, landing_dir=landing_dir))


@app.command()
def reject(
    document: DocumentArgument,
    reason: ReasonOption,
    source: SourceOption = None,
    data_dir: DataDirOption = None,
    landing_dir: LandingDirOption = None,
) -> None:
    """Reject a document: from the next run it is not used, and values taken from it are withdrawn."""
    _decide(document, "reject", reason, _settings(source=source, data_dir=data_dir, landing_dir=landing_dir))


def _decide(document: str, choice: str, reason: str, settings: Settings) -> None:
    from orchestration.landing.documents import UnreadableDocument
    from orchestration.raw.decisions import Choice
    from orchestration.raw.review import NoSuchDocument, decide

    try:
        found, decision = decide(
            document, Choice(choice), reason, landing=settings.landing_dirs, decisions=settings.decisions_path
        )
    except UnreadableDocument as error:
        raise Refused(f"{document}: {error}") from error
    except (NoSuchDocument, ValueError) as error:
        raise Refused(str(error)) from error
    output.print(
        f"{found.key}: {decision.choice.value}. Reason: {decision.reason}\nRecorded in {settings.decisions_path}; the decision"
        " applies from the next run.",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip


@app.command()
def ui(
    source: SourceOption = None,
    landing_dir: LandingDirOption = None,
    data_dir: DataDirOption = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Start the Dagster UI on this machine, with schedules on."""
    settings = _settings(source=source, landing_dir=landing_dir, data_dir=data_dir, ui_details=True)
    _check_folders(settings)
    from orchestration.defs.dead_runs import close_dead_runs_at_home
    from orchestration.defs.instance import prepare_dagster_home
    from orchestration.settings import PROJECT_ROOT

    os.environ.update(settings.as_environment(), DAGSTER_HOME=str(prepare_dagster_home(settings)))
    close_dead_runs_at_home(output.print)
    workspace = str(PROJECT_ROOT / "workspace.yaml")
    os.chdir(PROJECT_ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "dagster", "dev", "-w", workspace, "-h", "127.0.0.1", "-p", str(port)])


def _print_progress(text: str) -> None:
    output.print(text, style="dim", highlight=False, markup=False, soft_wrap=True)


_OPTIONS = ("source", "data_dir", "landing_dir", "known_at")


def _settings(**given: Any) -> Settings:
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
        raise Refused(f"Invalid SMALLCAP_{name.upper()}{option} {str(first['input'])!r}: {why[:1].lower()}{why[1:]}.") from error


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(f"Invalid --known-at {text!r}: use YYYY-MM-DD, for example 2026-06-30, or 2026-06-30T23:59.") from error


def _check_folders(settings: Settings) -> None:
    landing = settings.landing_dir
    if landing is not None and not landing.is_dir():
        raise Refused(
            f"Invalid --landing-dir: {landing} is not a folder. Use a folder with documents at vendor/kind/symbol/file."
        )
    if landing is not None and not os.access(landing, os.R_OK | os.X_OK):
        raise Refused(f"The landing folder {landing} cannot be read: check its permissions.")
    if settings.source is Source.landing and landing is None and not settings.own_landing_dir.is_dir():
        raise Refused("Option --source landing requires --landing-dir, or documents in the landing folder of the data directory.")
    invalid = next((char for char in str(settings.home) if char in _NOT_IN_PATHS or not char.isprintable()), None)
    if invalid:
        raise Refused(
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


def _latest(settings: Settings) -> Path:
    latest = settings.published_dir / "latest"
    if not (latest / "warehouse.duckdb").exists():
        raise Refused(f"No release in {settings.home} yet: run `smallcap run` first.")
    return latest.resolve()


def _open(release: Path) -> Any:
    import duckdb

    # The query can neither change the file nor read other files.
    try:
        return duckdb.connect(str(release / "warehouse.duckdb"), read_only=True, config={"enable_external_access": False})
    except duckdb.Error as error:
        raise Refused(f"{release / 'warehouse.duckdb'} cannot be opened: publish a new release with `smallcap run`.") from error


def _manifest(release: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(f"{release / 'manifest.json'} cannot be read: publish a new release with `smallcap run`.") from error
    return manifest


# Statements that come before the table: how old everything below is, and how much of it is proven.
_SENTENCES = {"freshness": "bold red", "evidence": "bold"}


def _print_reading(release: Path) -> None:
    manifest = _manifest(release)
    quarantined = quarantine_sentences(manifest)
    summary = [f"{len(quarantined)} documents are in quarantine, whole or in part: `smallcap quarantine` lists them."]
    for sentence in withheld_sentences(manifest) + (quarantined if len(quarantined) <= _QUARANTINED_SHOWN else summary):
        output.print(f"Warning: {sentence}", style="bold red", markup=False, highlight=False, soft_wrap=True)
    with _open(release) as connection:
        facts = connection.execute("select source, last_session, known_at, release_id from release").fetchall()[0]
        rows = connection.execute(
            "select topic, subject, reading, measure, value, unit, since, sessions, session, other_as_of, note, evidence"
            " from reading order by line"
        ).fetchall()
    source, last_session, known_at, release_id = facts
    title = f"Reading of {last_session}" if last_session else "Reading without prices"
    title += " · SAMPLE: simulated market" if source == "sample" else f" · source {source}"
    title += f" · as known at {known_at} UTC" if known_at else ""
    table = Table(title=title, caption=f"release {release_id}", title_justify="left", caption_justify="left", box=SIMPLE_HEAD)
    for heading in ("subject", "reading", "value", "measure", "since", "as of"):
        table.add_column(heading, justify="right" if heading == "value" else "left", overflow="fold")
    for topic, subject, reading, measure, value, unit, since, sessions, session, other_as_of, note, _ in rows:
        if topic in _SENTENCES:
            output.print(reading, style=_SENTENCES[topic], highlight=False, markup=False, soft_wrap=True)
            continue
        valid_since = f"{since} ({sessions} sessions)" if since else ""
        days = str(session) if other_as_of is None else f"{session} and {other_as_of}"
        table.add_row(subject, reading or note or "", "" if value is None else _figure(value, unit), measure, valid_since, days)
    if not rows:
        output.print(f"{title}: not available. The table `reading` is withheld or empty.", soft_wrap=True)
        return
    output.print(table)
    track_record = Table(title="What followed this signal", title_justify="left", box=SIMPLE_HEAD, show_header=False)
    for _, subject, *_, evidence in rows:
        if evidence:
            track_record.add_row(subject, evidence)
    output.print(track_record)


def _figure(value: float, unit: str) -> str:
    if unit == "fraction a year":  # policy rates move in eighths of a percent
        return f"{value:.3%}"
    if unit == "fraction":
        return f"{value:.2%}"
    if unit == "sessions":
        return f"{value:.0f}"
    return f"{value:+.4f}" if unit == "log points" else f"{value:.4f}"


def main() -> None:
    """Entry point: errors print a short message and end with exit code 1."""
    _use_utf8()
    try:
        app()
    except Refused as refusal:
        errors.print(str(refusal), soft_wrap=True, markup=False)
        raise SystemExit(1) from None
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

"""Commands of the person who looks after the data: doctor, and the quarantine with its decisions."""

from typing import Annotated

import typer
from rich.table import Table

from orchestration.cli.console import Refused, output, say
from orchestration.cli.options import DataDirOption, LandingDirOption, SourceOption, settings_from
from orchestration.settings import Settings

DocumentArgument = Annotated[str, typer.Argument(help="Path below landing, for example yahoo/prices/IWM/2026-05-06T010000Z.csv.")]
ReasonOption = Annotated[str, typer.Option(help="Reason; it is recorded with the decision.")]

_REASONS_SHOWN = 3


def doctor(source: SourceOption = None, landing_dir: LandingDirOption = None, data_dir: DataDirOption = None) -> None:
    """Check versions, paths, vendor availability, data freshness and data warnings; exit code 1 if a check fails."""
    from orchestration.cli.doctor import examine

    settings = settings_from(source=source, landing_dir=landing_dir, data_dir=data_dir)
    table = Table("", "finding", "detail", box=None, header_style="bold")
    findings = list(examine(settings))
    for finding in findings:
        table.add_row("ok" if finding.ok else "!!", finding.subject, finding.detail, style=None if finding.ok else "red")
    output.print(table)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


def quarantine(source: SourceOption = None, data_dir: DataDirOption = None) -> None:
    """List quarantined documents and rows: implausible data that are kept and not used."""
    from orchestration.raw.review import quarantine as quarantined_documents
    from orchestration.warehouse.connection import WarehouseUnusable

    try:
        found = quarantined_documents(settings_from(source=source, data_dir=data_dir).warehouse_path)
    except WarehouseUnusable as error:
        raise Refused(str(error)) from error
    if not found:
        say("The quarantine is empty.")
        return
    for document in found:
        say(document.path, "bold")
        rows = "1 row" if document.rows == 1 else f"{document.rows} rows"
        scope = "the whole document" if document.rows is None else f"{rows}; the rest of the document is used"
        say(f"  {scope}")
        for rule, reason in list(zip(document.rules, document.reasons, strict=True))[:_REASONS_SHOWN]:
            say(f"  {rule}: {reason}")
        if len(document.rules) > _REASONS_SHOWN:
            say(f"  and {len(document.rules) - _REASONS_SHOWN} more: see raw.rejects")
    say('\nTo decide: smallcap accept|reject DOCUMENT --reason "…". The decision applies from the next run.')


def accept(
    document: DocumentArgument,
    reason: ReasonOption,
    source: SourceOption = None,
    data_dir: DataDirOption = None,
    landing_dir: LandingDirOption = None,
) -> None:
    """Accept a quarantined document: all its rows are used from the next run."""
    _decide(document, "accept", reason, settings_from(source=source, data_dir=data_dir, landing_dir=landing_dir))


def reject(
    document: DocumentArgument,
    reason: ReasonOption,
    source: SourceOption = None,
    data_dir: DataDirOption = None,
    landing_dir: LandingDirOption = None,
) -> None:
    """Reject a document: from the next run it is not used, and values taken from it are withdrawn."""
    _decide(document, "reject", reason, settings_from(source=source, data_dir=data_dir, landing_dir=landing_dir))


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
    say(
        f"{found.key}: {decision.choice.value}. Reason: {decision.reason}\nRecorded in {settings.decisions_path}; the decision"
        " applies from the next run."
    )

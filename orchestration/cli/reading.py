"""Commands that read what a release says: today, diff, releases, why."""

import json
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from orchestration.cli.console import Refused, WrongOption, output, say
from orchestration.cli.options import DataDirOption, LandingDirOption, SourceOption, run_command, settings_from
from orchestration.cli.releases import LATEST, PREVIOUS, Row, kept, latest, manifest_of, named

JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
MarkdownOption = Annotated[bool, typer.Option("--markdown", help="Answer in Markdown.")]


def today(
    source: SourceOption = None,
    data_dir: DataDirOption = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="What changed since this session (YYYY-MM-DD) or release. Default: the release before, or the session before if"
            " that release shows no change."
        ),
    ] = None,
    as_json: JsonOption = False,
    as_markdown: MarkdownOption = False,
) -> None:
    """What changed, where each signal stands, how far it is from flipping, and what its history is worth."""
    if as_json and as_markdown:
        raise WrongOption("Use --json or --markdown, not both.")
    from orchestration.cli.today import read_today

    settings = settings_from(source=source, data_dir=data_dir)
    answer = read_today(latest(settings.published_dir, run_command(settings)), since, settings.published_dir)
    if as_json:
        _print_json(answer.as_json())
        return
    from orchestration.cli.today_text import markdown, print_text

    if as_markdown:
        say(markdown(answer))
        return
    print_text(answer)


def diff(
    before: Annotated[str, typer.Argument(help="A release: its id, the beginning of it, `latest` or `previous`.")] = PREVIOUS,
    after: Annotated[str, typer.Argument(help="Another release.")] = LATEST,
    source: SourceOption = None,
    data_dir: DataDirOption = None,
    values: Annotated[bool, typer.Option("--values", help="Also list values that moved without a label changing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Everything that differs between two releases that are kept, each change with its cause."""
    settings = settings_from(source=source, data_dir=data_dir)
    first, second = (named(settings.published_dir, name, run_command(settings)) for name in (before, after))
    if first == second:
        raise Refused(f"Both names mean release {first.name}: name two different ones.")
    from orchestration.cli.differences import between

    changes = between(first, second)
    if as_json:
        _print_json({"before": first.name, "after": second.name, "changes": changes})
        return
    say(f"From {first.name} to {second.name}", "bold")
    for cause, found in _by_cause(changes, values).items():
        say(f"\nCause: {cause}", "bold")
        for change in found:
            say(f"- {change['sentence']}")
    moved = sum(change["change"] == "value" for change in changes)
    if moved and not values:
        say(f"\n{moved} values moved without a label changing: add --values.", "dim")
    if not changes:
        say("Nothing is different.")


def _by_cause(changes: list[Row], values: bool) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for change in changes:
        if values or change["change"] != "value":
            found.setdefault(change["cause"] or "unknown", []).append(change)
    return found


def releases(source: SourceOption = None, data_dir: DataDirOption = None) -> None:
    """The releases that are kept, newest first: id, last session with prices, what was known, and the tables withheld."""
    settings = settings_from(source=source, data_dir=data_dir)
    current = latest(settings.published_dir, run_command(settings))
    table = Table(Column("release", no_wrap=True), "prices to", "as known at", "withheld", box=None, header_style="bold")
    for release in reversed(kept(settings.published_dir)):
        manifest = manifest_of(release)
        withheld = [one["name"] for one in manifest["tables"] if one["status"] == "withheld"]
        table.add_row(
            f"{release.name}{' latest' if release.name == current.name else ''}",
            manifest["last_session"] or "no prices",
            manifest["known_at"][:16] if manifest["known_at"] else "everything known",
            ", ".join(withheld) or "none",
        )
    output.print(table, highlight=False)


def why(
    table: Annotated[str, typer.Argument(help="A published table, for example regime_daily.")],
    key: Annotated[
        list[str] | None,
        typer.Argument(
            help="Values of its key, in order. If the last are left out: the newest row, or the first if no key column is a date."
        ),
    ] = None,
    source: SourceOption = None,
    data_dir: DataDirOption = None,
    landing_dir: LandingDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Where a published row comes from: model, parameters, observations, and the vendors' documents with their hashes."""
    from orchestration.cli.lineage import Places
    from orchestration.cli.lineage import why as ask_why
    from orchestration.cli.lineage_text import lines

    settings = settings_from(source=source, data_dir=data_dir, landing_dir=landing_dir)
    places = Places(
        warehouse=settings.warehouse_path, dbt_manifest=settings.dbt_target_dir / "manifest.json", landing=settings.landing_dirs
    )
    answer = ask_why(latest(settings.published_dir, run_command(settings)), table, key or [], places)
    if as_json:
        _print_json(answer.as_json())
        return
    for line, style in lines(answer):
        say(line, style)


def _print_json(answer: dict[str, Any]) -> None:
    output.print(json.dumps(answer, indent=2, ensure_ascii=False, default=str), soft_wrap=True, highlight=False, markup=False)

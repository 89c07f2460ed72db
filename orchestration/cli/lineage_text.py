"""The origin of a published row as text."""

import textwrap
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from orchestration.cli.lineage import Why

_WIDTH = 80
_MODELS_SHOWN = 8


def lines(answer: Why) -> Iterator[tuple[str, str | None]]:
    """Each line with its style."""
    key = ", ".join(f"{name} {value}" for name, value in answer.key.items())
    yield f"{answer.table}: {key}", "bold"
    yield f"release {answer.release_id}", "dim"
    for name, value in answer.row.items():
        if name not in answer.key:
            yield from _wrapped(f"{name} = {_value(value)}", answer.meanings.get(name, ""))
    if answer.model:
        yield "\nModel", "bold"
        yield f"  dbt_project/{answer.model} (code {answer.code or 'revision unknown'})", None
        near = answer.models[:_MODELS_SHOWN]
        more = len(answer.models) - len(near)
        yield from _wrapped(f"reads {', '.join(near) or 'no other model'}" + (f" and {more} more" if more else ""), "")
        sources = [*(f"raw.{name}" for name in answer.raw_tables), *(f"dbt_project/{file}" for file in answer.seeds)]
        yield from _wrapped(f"from {', '.join(sources) or 'no raw table and no seed'}", "")
    if answer.parameters:
        yield "\nParameters", "bold"
        for one in answer.parameters:
            yield from _wrapped(f"{one['parameter']} = {one['value']:g} {one['unit']}", one["meaning"])
    if answer.observations:
        yield "\nObservations", "bold"
        for seen in answer.observations:
            values = ", ".join(f"{name} {_value(value)}" for name, value in seen.values.items())
            again = "" if seen.versions == 1 else f"; observed {seen.versions} times, this is the last"
            yield f"  {seen.raw_table} {seen.subject} {seen.day}: {values}{again}", None
            yield (
                f"    observed {_value(seen.observed_at)} UTC in document {seen.document_id}; {seen.usable:,} observations up to"
                " this day",
                "dim",
            )
    if answer.documents:
        yield "\nDocuments", "bold"
        for document in answer.documents:
            yield f"  {document.document_id} {document.path} ({document.status})", None
            yield f"    sha256 {document.sha256}", "dim"
            yield f"    {document.hash_check}", "dim" if document.hash_check.islower() else "bold red"
    yield "\nHow far this goes", "bold"
    for limit in answer.limits:
        yield from _wrapped(limit, "")


def _wrapped(text: str, meaning: str) -> Iterator[tuple[str, str | None]]:
    for line in textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False):
        yield line, None
    for line in textwrap.wrap(meaning, _WIDTH, initial_indent="    ", subsequent_indent="    ", break_long_words=False):
        yield line, "dim"


def _value(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return str(value)

"""What a person decided about documents: an append-only file in the data directory, keyed by the content's SHA-256.

A decision is about that content as a document of one vendor, kind and symbol: a file of SPY that was put under IWM is wrong there
and right in its own place.

It is not in landing, which may be a folder that is only read, and not in the warehouse, which can be rebuilt: a rebuild reads
the same file and decides the same.
"""

import json
import os
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints, TypeAdapter, ValidationError


class Choice(StrEnum):
    """What is to become of a document. `judge` leaves it to the rules again."""

    accept = "accept"
    reject = "reject"
    judge = "judge"


class DecisionsDamaged(RuntimeError):
    """The decisions file cannot be read; the message names the line."""


@dataclass(frozen=True)
class Decision:
    """One decision: about which content, what, why and when (UTC). `path` says where the document was then."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    choice: Choice
    reason: str
    decided_at: str
    path: str


_LINE = TypeAdapter(Decision)


Decisions = dict[tuple[str, str], Decision]


def subject(document: str, sha256: str) -> tuple[str, str]:
    """What a decision is about: vendor/kind/symbol, and the content.

    Args:
        document: the document's place below landing.
    """
    return document.rpartition("/")[0], sha256


def read_decisions(path: Path) -> Decisions:
    """The last decision about each subject; empty where there is no file.

    Raises:
        DecisionsDamaged: a line is not a decision.
    """
    if not path.exists():
        return {}
    decisions: Decisions = {}
    # A reason may hold what else ends a line, such as U+2028.
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            decision = _LINE.validate_json(line)
        except ValidationError as error:
            why = error.errors()[0]
            where = "".join(f"{part}: " for part in why["loc"])
            raise DecisionsDamaged(
                f"line {number} of {path} is not a decision ({where}{why['msg']}): correct or delete that line"
            ) from error
        decisions[subject(decision.path, decision.sha256)] = decision
    return {about: decision for about, decision in decisions.items() if decision.choice is not Choice.judge}


def append_decision(path: Path, *, sha256: str, choice: Choice, reason: str, decided_at: datetime, document: str) -> Decision:
    """Add one decision; it is on disk when this returns.

    Args:
        document: the document's place below landing.
    """
    text = reason.encode(errors="replace").decode()  # an argument of the command line may hold bytes that are no text
    decision = Decision(sha256, choice, text, decided_at.isoformat(timespec="seconds"), document)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A line cut short by a power failure must not swallow this one.
    cut = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    line = ("\n" if cut else "") + json.dumps(vars(decision), ensure_ascii=False) + "\n"
    with path.open("a", encoding="utf-8") as stream:
        stream.write(line)
        stream.flush()
        os.fsync(stream.fileno())
    return decision

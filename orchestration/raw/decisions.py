"""A person's decisions about documents: an append-only file in the data directory, keyed by the content's SHA-256.

A decision applies to one content as a document of one vendor, kind and symbol: a file of SPY saved under IWM is wrong there and
right under SPY.

The file is not in landing, which may be read-only, and not in the warehouse, which can be rebuilt: a rebuild reads the same file
and makes the same decisions.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, StringConstraints, TypeAdapter, ValidationError

_PARTS_OF_A_KEY = 4
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Choice(StrEnum):
    """What to do with a document. `judge` returns it to the validation rules."""

    accept = "accept"
    reject = "reject"
    judge = "judge"


class DecisionsDamaged(RuntimeError):
    """The decisions file cannot be read; the message names the line."""


def _checked_time(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _key(path: str) -> str:
    """The path below landing, of a path as a person may write it."""
    parts = [part for part in path.replace("\\", "/").split("/") if part]
    if len(parts) < _PARTS_OF_A_KEY:
        raise ValueError("a path is vendor/kind/symbol/file")
    return "/".join(parts[-_PARTS_OF_A_KEY:])


@dataclass(frozen=True)
class Decision:
    """One decision: content, choice, reason and time (UTC). `path` is the document's key at that time."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    choice: Choice
    reason: str
    decided_at: Annotated[str, AfterValidator(_checked_time)]
    path: Annotated[str, AfterValidator(_key)]


_LINE = TypeAdapter(Decision)


Decisions = dict[tuple[str, str], Decision]


def subject(document: str, sha256: str) -> tuple[str, str]:
    """The key of a decision: vendor/kind/symbol, and the SHA-256 of the content.

    Args:
        document: the document's path below landing.
    """
    return document.rpartition("/")[0], sha256


def read_decisions(path: Path) -> Decisions:
    """The last decision per subject, by its time and then by its line; empty if there is no file.

    Raises:
        DecisionsDamaged: a line is not a valid decision, or the path is not a file.
    """
    if not path.exists():
        return {}
    if not path.is_file():
        raise DecisionsDamaged(f"{path} is not a file: move it away, or put the file of decisions in its place")
    decided: list[Decision] = []
    # A reason may contain other line separators, such as U+2028.
    for number, line in enumerate(path.read_bytes().removeprefix(_BYTE_ORDER_MARK).split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            decision = _LINE.validate_json(line)
        except ValidationError as error:
            why = error.errors()[0]
            where = "".join(f"{part}: " for part in why["loc"])
            raise DecisionsDamaged(
                f"Line {number} of {path} is not a valid decision ({where}{why['msg']}): correct or delete the line"
            ) from error
        decided.append(decision)
    last = {subject(one.path, one.sha256): one for one in sorted(decided, key=_time)}
    return {about: decision for about, decision in last.items() if decision.choice is not Choice.judge}


def _time(decision: Decision) -> datetime:
    moment = datetime.fromisoformat(decision.decided_at)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def append_decision(path: Path, *, sha256: str, choice: Choice, reason: str, decided_at: datetime, document: str) -> Decision:
    """Append one decision and flush it to disk.

    Args:
        document: the document's path below landing.
    """
    text = reason.encode(errors="replace").decode()  # command line arguments may contain bytes that are not text
    decision = Decision(sha256, choice, text, decided_at.isoformat(timespec="seconds"), document)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A line truncated by a power failure must not be joined with this one.
    truncated = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    line = ("\n" if truncated else "") + json.dumps(vars(decision), ensure_ascii=False) + "\n"
    with path.open("a", encoding="utf-8") as stream:
        stream.write(line)
        stream.flush()
        os.fsync(stream.fileno())
    return decision

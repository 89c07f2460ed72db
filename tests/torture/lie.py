"""A fault (`Lie`), and its position among the honest documents of its symbol."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.torture.folder import Folder

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
FIRST, LATER, ONLY = "first", "later", "only"
EVERYWHERE = (FIRST, LATER, ONLY)


class NotHere(Exception):
    """The folder lacks the documents from which this fault is made."""


@dataclass(frozen=True)
class Lie:
    """One or more faulty documents.

    `error`: the size of the wrong number; `detectable`: whether anything in the folder contradicts it.
    """

    name: str
    kind: str
    sentence: str
    position: str
    error: str
    detectable: bool
    write: Callable[[Folder], list[Path]]

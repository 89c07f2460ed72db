"""What the dbt project is: a hash of its files, by which a manifest made from other files is found."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def rules_of(files: Iterable[Path]) -> str:
    """A hash over paths and contents, the same for the same files in any order."""
    contents = sorted(f"{file} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files)
    return hashlib.sha256("\n".join(contents).encode()).hexdigest()

"""Atomic writes and content hashes of files."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

_TEMPORARY_PREFIX = ".incoming-"


def hash_of_files(files: Iterable[Path], root: Path) -> str:
    """SHA-256 over the relative paths and contents of files; the order of `files` does not matter."""
    lines = sorted(f"{file.relative_to(root)} {content_hash(file.read_bytes())}" for file in files)
    return content_hash("\n".join(lines).encode())


def content_hash(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a temporary file next to the target, flush and rename it: a reader sees the complete file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=_TEMPORARY_PREFIX, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def clear_unfinished(root: Path) -> None:
    """Remove temporary files of killed writes below `root`; no other process may be writing there."""
    for path in root.rglob(f"{_TEMPORARY_PREFIX}*"):
        path.unlink()


def sync_directory(directory: Path) -> None:
    """Flush the directory to disk, so that a rename in it survives a power failure."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

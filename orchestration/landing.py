"""Documents: what a vendor sent, byte for byte, in `<vendor>/<kind>/<symbol>/<retrieved_at>.<ext>`.

Writes and lists them. Knows nothing of their content.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

RETRIEVED_AT_FORMAT = "%Y-%m-%dT%H%M%SZ"
_RETRIEVED_AT = re.compile(r"^(\d{4}-\d{2}-\d{2}T\d{6}Z)(?=[._]|$)")
_DECLARED_AS_OF = re.compile(r"asof=(\d{4}-\d{2}-\d{2})")
_TEMPORARY_PREFIX = ".incoming-"


@dataclass(frozen=True)
class Document:
    """One file in landing, known by its place and name alone."""

    path: Path
    vendor: str
    kind: str
    symbol: str

    @property
    def key(self) -> str:
        """The place below the landing folder, the same wherever that folder lies."""
        return f"{self.vendor}/{self.kind}/{self.symbol}/{self.path.name}"

    @property
    def extension(self) -> str:
        """The last suffix in lower case, without its dot."""
        return self.path.suffix.lower().removeprefix(".")

    @property
    def retrieved_at(self) -> datetime | None:
        """When the vendor answered (UTC), from the file's name; None where the name does not begin with it."""
        match = _RETRIEVED_AT.match(self.path.name)
        if match is None:
            return None
        try:
            return datetime.strptime(match[1], RETRIEVED_AT_FORMAT).replace(tzinfo=UTC)
        except ValueError:
            return None

    @property
    def declared_as_of(self) -> date | None:
        """The date a person or a backfill wrote into the file's name as `asof=YYYY-MM-DD`."""
        match = _DECLARED_AS_OF.search(self.path.name)
        if match is None:
            return None
        try:
            return date.fromisoformat(match[1])
        except ValueError:
            return None

    def read(self) -> bytes:
        """The whole content."""
        return self.path.read_bytes()


def content_hash(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside the target, flush to disk, rename: a reader sees the whole file or none."""
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
    """Remove what a killed write left below a landing folder of our own; nobody else may be writing to it."""
    for path in root.rglob(f"{_TEMPORARY_PREFIX}*"):
        path.unlink()


def sync_directory(directory: Path) -> None:
    """Make a rename inside the directory survive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def document_name(retrieved_at: datetime, extension: str, declared_as_of: date | None = None) -> str:
    """The file name that tells when a document was retrieved and, where its content does not, for which date."""
    stamp = retrieved_at.astimezone(UTC).strftime(RETRIEVED_AT_FORMAT)
    declared = f".asof={declared_as_of.isoformat()}" if declared_as_of else ""
    return f"{stamp}{declared}.{extension}"


def write_document(
    root: Path,
    *,
    vendor: str,
    kind: str,
    symbol: str,
    retrieved_at: datetime,
    extension: str,
    content: bytes,
    declared_as_of: date | None = None,
) -> Document:
    """Put one document into landing. A document is never changed once written.

    Raises:
        FileExistsError: another content already lies under that name.
    """
    path = root / vendor / kind / symbol / document_name(retrieved_at, extension, declared_as_of)
    if path.exists():
        if path.read_bytes() != content:
            raise FileExistsError(f"{path} exists with another content; documents are never changed")
    else:
        write_atomically(path, content)
    return Document(path, vendor, kind, symbol)


def list_documents(
    roots: list[Path], *, vendor: str | None = None, kind: str | None = None, symbol: str | None = None
) -> Iterator[Document]:
    """Every document below the roots, oldest retrieval first, then by name.

    Files still being written, and hidden ones, are passed over. A file dropped at another depth belongs to no
    vendor: `stray_files` names those.
    """
    pattern = f"{vendor or '*'}/{kind or '*'}/{symbol or '*'}/*"
    found = [
        Document(path, *path.relative_to(root).parts[:3])
        for root in roots
        for path in root.glob(pattern)
        if path.is_file() and not path.name.startswith(".")
    ]
    yield from sorted(found, key=lambda document: (document.path.name, document.key))


def stray_files(roots: list[Path]) -> list[Path]:
    """Files that lie below landing, but not at `<vendor>/<kind>/<symbol>/<file>`: nobody reads them."""
    return sorted(
        path
        for root in roots
        for path in root.rglob("*")
        if path.is_file() and not path.name.startswith(".") and len(path.relative_to(root).parts) != 4
    )


def newest_document(roots: list[Path], *, vendor: str, kind: str, symbol: str) -> Document | None:
    """The document retrieved last, None where there is none."""
    documents = [d for d in list_documents(roots, vendor=vendor, kind=kind, symbol=symbol) if d.retrieved_at]
    return documents[-1] if documents else None

"""Documents: what a vendor sent, byte for byte, in `<vendor>/<kind>/<symbol>/<retrieved_at>.<ext>`.

This module writes and lists documents; it does not read their content.
"""

import errno
import logging
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from orchestration.files import write_atomically
from orchestration.vendors.feed import DocumentRejected

_log = logging.getLogger(__name__)

LARGEST_DOCUMENT_BYTES = 200_000_000
RETRIEVED_AT_FORMAT = "%Y-%m-%dT%H%M%SZ"
_RETRIEVED_AT = re.compile(r"^(\d{4}-\d{2}-\d{2}T\d{6}Z)(?=[._]|$)")
_DECLARED_AS_OF = re.compile(r"asof=(\d{4}-\d{2}-\d{2})")
# Files of file managers and spreadsheet programs; hidden files are ignored too.
_CLUTTER = {"desktop.ini", "thumbs.db", "ehthumbs.db"}
_LOCK_PREFIX = "~$"


class UnreadableDocument(DocumentRejected):
    """A document that cannot or must not be read; the message says why and what to do."""


@dataclass(frozen=True)
class Document:
    """One file in landing, identified by its path.

    `vendor`, `kind` and `symbol` are printable text; `path` is the file system's name, which may contain bytes that are not text.
    """

    path: Path
    vendor: str
    kind: str
    symbol: str

    @property
    def key(self) -> str:
        """The path below the landing folder, independent of that folder's location; unprintable characters are escaped."""
        return f"{self.vendor}/{self.kind}/{self.symbol}/{_printable(self.path.name)}"

    @property
    def extension(self) -> str:
        """The last suffix in lower case, without its dot."""
        return _printable(self.path.suffix).lower().removeprefix(".")

    @property
    def retrieved_at(self) -> datetime | None:
        """The retrieval time (UTC) from the file name; None if the name does not begin with it."""
        match = _RETRIEVED_AT.match(self.path.name)
        if match is None:
            return None
        try:
            return datetime.strptime(match[1], RETRIEVED_AT_FORMAT).replace(tzinfo=UTC)
        except ValueError:
            return None

    @property
    def declared_as_of(self) -> date | None:
        """The as-of date that a person or a backfill wrote into the file name as `asof=YYYY-MM-DD`, or None."""
        match = _DECLARED_AS_OF.search(self.path.name)
        if match is None:
            return None
        try:
            return date.fromisoformat(match[1])
        except ValueError:
            return None

    @property
    def declares_no_date(self) -> bool:
        """Whether the file name declares an as-of date that is none, such as `asof=2026-02-30`."""
        return "asof=" in self.path.name and self.declared_as_of is None

    def read(self) -> bytes:
        """The content.

        Raises:
            UnreadableDocument: it is not a regular file, links out of its landing folder, is too large, or cannot be read.
        """
        root = self.path.absolute().parents[3]
        try:
            if not self.path.resolve(strict=True).is_relative_to(root.resolve(strict=True)):
                raise UnreadableDocument(
                    "the file is a link to a place outside the landing folder: copy the file itself into the folder"
                )
            # Non-blocking: a pipe without a writer would block forever.
            handle = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
            try:
                return _content_of(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise UnreadableDocument(f"the file cannot be read ({error.strerror}): {_remedy(error)}") from error
        except RuntimeError as error:  # raised by pathlib for circular links
            raise UnreadableDocument("the file is a circular link: copy the file itself into the folder") from error


def _content_of(handle: int) -> bytes:
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        kind = "folder" if stat.S_ISDIR(status.st_mode) else "pipe or a device"
        raise UnreadableDocument(f"the path is a {kind}, not a file: move it out of the landing folder")
    # Reads beyond the limit once, so that a file that grows while it is read is detected.
    content = bytearray()
    while len(content) <= LARGEST_DOCUMENT_BYTES and status.st_size <= LARGEST_DOCUMENT_BYTES:
        if not (chunk := os.read(handle, 1 << 24)):
            return bytes(content)
        content += chunk
    raise UnreadableDocument(
        f"the file is larger than {LARGEST_DOCUMENT_BYTES:,} bytes ({max(status.st_size, len(content)):,}): move it out of the"
        " landing folder"
    )


def _remedy(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "give the account that runs the pipeline read permission"
    if error.errno == errno.ENOENT:
        return "it was removed, or is a broken link; copy the file itself into the folder"
    return "check the disk, then copy the file into the folder again"


def _printable(name: str) -> str:
    """The name with unprintable characters escaped: line ends, and bytes that are not UTF-8."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)


def document_name(retrieved_at: datetime, extension: str, declared_as_of: date | None = None) -> str:
    """The file name: retrieval time and, if the content has no as-of date, the declared one."""
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
    """Write one document into landing. A written document is never changed.

    Raises:
        FileExistsError: the file exists with other content.
    """
    path = root / vendor / kind / symbol / document_name(retrieved_at, extension, declared_as_of)
    if path.exists():
        if path.read_bytes() != content:
            raise FileExistsError(f"{path} exists with other content; documents are never changed")
    else:
        write_atomically(path, content)
    return Document(path, vendor, kind, symbol)


def list_documents(
    roots: list[Path], *, vendor: str | None = None, kind: str | None = None, symbol: str | None = None
) -> Iterator[Document]:
    """Every document below the roots, oldest retrieval first, then by name.

    Temporary files, hidden files and files of desktop programs are ignored. Files at another depth are not listed:
    `stray_files` returns them. An entry with a document's name that is not a file is listed; `read` raises the reason.
    """
    found = [
        Document(Path(entry.path), _printable(vendor_folder.name), _printable(kind_folder.name), _printable(symbol_folder.name))
        for root in roots
        for vendor_folder in _folders(root, vendor)
        for kind_folder in _folders(vendor_folder, kind)
        for symbol_folder in _folders(kind_folder, symbol)
        for entry in _entries(symbol_folder)
        if _RETRIEVED_AT.match(entry.name) or not _is_folder(entry)
    ]
    yield from sorted(found, key=lambda document: (document.path.name, document.key))


def _folders(folder: Path, name: str | None) -> Iterator[Path]:
    """The subfolders of a folder, or the one with the given name."""
    yield from (Path(entry.path) for entry in _entries(folder) if name in (None, entry.name) and _is_folder(entry))


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    """The entries of a folder, without hidden files and files of desktop programs."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not is_clutter(entry.name)]
    except FileNotFoundError:  # a landing folder that does not exist yet
        return []
    except OSError as error:
        _log.warning("The folder %s cannot be listed (%s): its documents are not read.", _printable(str(folder)), error.strerror)
        return []


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # circular links
        return False


def is_clutter(name: str) -> bool:
    return name.startswith((".", _LOCK_PREFIX)) or name.lower() in _CLUTTER


def stray_files(roots: list[Path]) -> list[Path]:
    """Files below landing that are not at `<vendor>/<kind>/<symbol>/<file>` and are not read, as printable paths."""
    strays: list[Path] = []
    for root in roots:
        for folder, below, names in os.walk(root):
            below[:] = [name for name in below if not is_clutter(name)]
            depth = len(Path(folder).relative_to(root).parts)
            strays += [Path(folder, name) for name in names if depth != 3 and not is_clutter(name)]
    return sorted(Path(_printable(str(path))) for path in strays)


def newest_document(roots: list[Path], *, vendor: str, kind: str, symbol: str) -> Document | None:
    """The document with the latest retrieval time, None if there is none."""
    documents = [d for d in list_documents(roots, vendor=vendor, kind=kind, symbol=symbol) if d.retrieved_at]
    return documents[-1] if documents else None

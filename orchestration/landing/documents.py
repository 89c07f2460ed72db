"""Documents: what a vendor sent, byte for byte, in `<vendor>/<kind>/<symbol>/<retrieved_at>.<ext>`.

Writes and lists them. Knows nothing of their content.
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
# What file managers and spreadsheet programs leave behind; hidden files are passed over as well.
_CLUTTER = {"desktop.ini", "thumbs.db", "ehthumbs.db"}
_LOCK_PREFIX = "~$"


class UnreadableDocument(DocumentRejected):
    """A document whose bytes cannot or must not be read; the message says why and what to do."""


@dataclass(frozen=True)
class Document:
    """One file in landing, known by its place and name alone.

    `vendor`, `kind` and `symbol` are printable text; `path` is what the file system calls it, which may be no text at all.
    """

    path: Path
    vendor: str
    kind: str
    symbol: str

    @property
    def key(self) -> str:
        """The place below the landing folder, the same wherever that folder lies; what cannot be printed is escaped."""
        return f"{self.vendor}/{self.kind}/{self.symbol}/{_printable(self.path.name)}"

    @property
    def extension(self) -> str:
        """The last suffix in lower case, without its dot."""
        return _printable(self.path.suffix).lower().removeprefix(".")

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
        """The whole content.

        Raises:
            UnreadableDocument: it is no regular file, leads out of its landing folder, is too large, or the system refuses it.
        """
        root = self.path.absolute().parents[3]
        try:
            if not self.path.resolve(strict=True).is_relative_to(root.resolve(strict=True)):
                raise UnreadableDocument("it is a link that leads out of the landing folder: copy the file itself there")
            # Without waiting: a pipe nobody writes to would block for ever.
            handle = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
            try:
                return _content_of(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise UnreadableDocument(f"it cannot be read ({error.strerror}): {_remedy(error)}") from error
        except RuntimeError as error:  # what pathlib raises on links that lead to each other
            raise UnreadableDocument("it is a link that leads to itself: copy the file itself there") from error


def _content_of(handle: int) -> bytes:
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        kind = "folder" if stat.S_ISDIR(status.st_mode) else "pipe or a device"
        raise UnreadableDocument(f"it is a {kind}, not a file: move it out of the landing folder")
    # One byte more than allowed: a file that grows while it is read is seen as well.
    content = bytearray()
    while len(content) <= LARGEST_DOCUMENT_BYTES and status.st_size <= LARGEST_DOCUMENT_BYTES:
        if not (chunk := os.read(handle, 1 << 24)):
            return bytes(content)
        content += chunk
    raise UnreadableDocument(
        f"it is larger than {LARGEST_DOCUMENT_BYTES:,} bytes ({max(status.st_size, len(content)):,}): no vendor sends such a"
        " file; move it out of the landing folder"
    )


def _remedy(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "give the account that runs the pipeline read permission"
    if error.errno == errno.ENOENT:
        return "it was removed, or is a link that leads nowhere: put the file itself there"
    return "check the disk, then put the file there again"


def _printable(name: str) -> str:
    """The name with everything escaped that cannot be printed: line ends, and bytes that are no UTF-8."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)


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

    Files still being written, hidden ones and what desktop programs leave behind are passed over. A file dropped at another
    depth belongs to no vendor: `stray_files` names those. What bears a document's name and is no file is listed too: reading it
    says what is wrong.
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
    """The folders in a folder, or the one of that name."""
    yield from (Path(entry.path) for entry in _entries(folder) if name in (None, entry.name) and _is_folder(entry))


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    """What lies in a folder and is anybody's document, or may lead to one."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not _is_clutter(entry.name)]
    except FileNotFoundError:  # a landing folder that is not made yet
        return []
    except OSError as error:
        _log.warning("%s cannot be listed (%s): what lies there is not read", _printable(str(folder)), error.strerror)
        return []


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links that lead to each other
        return False


def _is_clutter(name: str) -> bool:
    return name.startswith((".", _LOCK_PREFIX)) or name.lower() in _CLUTTER


def stray_files(roots: list[Path]) -> list[Path]:
    """Files that lie below landing, but not at `<vendor>/<kind>/<symbol>/<file>`: nobody reads them. As printable paths."""
    strays: list[Path] = []
    for root in roots:
        for folder, below, names in os.walk(root):
            below[:] = [name for name in below if not _is_clutter(name)]
            depth = len(Path(folder).relative_to(root).parts)
            strays += [Path(folder, name) for name in names if depth != 3 and not _is_clutter(name)]
    return sorted(Path(_printable(str(path))) for path in strays)


def newest_document(roots: list[Path], *, vendor: str, kind: str, symbol: str) -> Document | None:
    """The document retrieved last, None where there is none."""
    documents = [d for d in list_documents(roots, vendor=vendor, kind=kind, symbol=symbol) if d.retrieved_at]
    return documents[-1] if documents else None

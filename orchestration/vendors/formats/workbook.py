"""Excel workbooks from outside: whole, and of a size that a reader may open."""

import re
import zipfile
import zlib
from io import BytesIO

from orchestration.vendors.feed import DocumentRejected

_MOST_MEMBERS = 1_000
_LARGEST_UNPACKED_BYTES = 200_000_000
_MOST_CELLS = 5_000_000
_CHUNK = 1 << 20
_SHEET = "xl/worksheets/"
_REFERENCE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["']""")


def check_workbook(content: bytes) -> None:
    """Verify every checksum, and refuse what would grow beyond reason when it is read.

    Readers skip checksums, and take memory for every cell between the first and the last one named.

    Raises:
        DocumentRejected: it is damaged, or too large once unpacked.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            if len(members) > _MOST_MEMBERS or unpacked > _LARGEST_UNPACKED_BYTES:
                raise DocumentRejected(
                    f"the workbook unpacks to {unpacked:,} bytes in {len(members):,} parts: no issuer's file is that large"
                )
            for member in members:
                _check_member(archive, member)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise DocumentRejected(f"the workbook is damaged ({str(error)[:120]}): download it again") from error


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Read it to its end, where zipfile compares the checksum."""
    width = height = 1
    before = b""
    with archive.open(member) as stream:
        while chunk := stream.read(_CHUNK):
            if not member.filename.startswith(_SHEET):
                continue
            for column, row in _REFERENCE.findall(before + chunk):
                width, height = max(width, _number(column)), max(height, int(row))
            before = chunk[-40:]
    if width * height > _MOST_CELLS:
        raise DocumentRejected(
            f"the workbook has a sheet of {height:,} rows and {width:,} columns: no issuer's file is that large"
        )


def _number(column: bytes) -> int:
    """A is 1, Z 26, AA 27."""
    number = 0
    for letter in column.upper():
        number = number * 26 + letter - 64
    return number

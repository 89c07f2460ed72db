"""Checks of Excel workbooks before they are opened: integrity and size."""

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
    """Verify every checksum and the unpacked size.

    Excel readers skip checksums and allocate memory for every cell up to the last one referenced.

    Raises:
        DocumentRejected: the workbook is damaged or too large when unpacked.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            if len(members) > _MOST_MEMBERS or unpacked > _LARGEST_UNPACKED_BYTES:
                raise DocumentRejected(
                    f"the workbook unpacks to {unpacked:,} bytes in {len(members):,} parts, too large for an issuer's file"
                )
            for member in members:
                _check_member(archive, member)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise DocumentRejected(f"the workbook is damaged ({str(error)[:120]}): download the file again") from error


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Read a member to its end, so that zipfile verifies the checksum."""
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
            f"the workbook has a sheet of {height:,} rows and {width:,} columns, too large for an issuer's file"
        )


def _number(column: bytes) -> int:
    """Column letters as a number: A is 1, Z is 26, AA is 27."""
    number = 0
    for letter in column.upper():
        number = number * 26 + letter - 64
    return number

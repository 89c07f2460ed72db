"""SpreadsheetML, the XML format of Excel 2003 that some issuers still send as .xls: one sheet as CSV lines.

The files are not always well-formed: names contain bare ampersands. Entity definitions are rejected, so that a file cannot expand
while it is read.
"""

import csv
import io
import re
from xml.etree import ElementTree

from orchestration.vendors.feed import DocumentRejected, WrongLayout

_NAMESPACE = "urn:schemas-microsoft-com:office:spreadsheet"
_START_BYTES = 2_000
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)")
_DEFINITION = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
# The text is decoded already; another encoding in the declaration could hide a definition.
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_MOST_ROWS, _MOST_COLUMNS = 100_000, 200


def is_one(content: bytes) -> bool:
    """Whether the content is a SpreadsheetML workbook."""
    start = content[:_START_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"<?xml") and _NAMESPACE.encode() in start


def csv_lines(content: bytes, sheet: str) -> list[str]:
    """The rows of a sheet as CSV lines with every cell quoted; an empty row is an empty line.

    Raises:
        DocumentRejected: the XML is damaged, defines entities, lacks the sheet, or is too large.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WrongLayout(f"the file is not UTF-8 text (byte {error.start})") from error
    if _DEFINITION.search(text):
        raise DocumentRejected("the XML defines a document type or entities, which an issuer's file never does")
    lines: list[str] = []
    found = False
    whole = io.BytesIO(_BARE_AMPERSAND.sub("&amp;", _DECLARATION.sub("", text, count=1)).encode())
    try:
        # Row by row, without keeping rows: a tree of the whole file would take many times its size.
        for event, element in ElementTree.iterparse(whole, events=("start", "end")):  # noqa: S314 nothing is defined in it
            if event == "start" and element.tag == f"{{{_NAMESPACE}}}Worksheet":
                inside = element.get(f"{{{_NAMESPACE}}}Name") == sheet
                found = found or inside
            elif event == "end" and element.tag == f"{{{_NAMESPACE}}}Row":
                if found and inside:
                    place = _place(element, len(lines), _MOST_ROWS)
                    lines += [""] * (place - len(lines))
                    lines.append(_as_csv(_cells(element)))
                element.clear()
    except ElementTree.ParseError as error:
        raise DocumentRejected(f"the XML is damaged ({error}): download the file again") from error
    if not found:
        raise WrongLayout(f"the workbook has no sheet {sheet}")
    return [line + "\n" for line in lines]


def _cells(row: ElementTree.Element) -> list[str]:
    cells: list[str] = []
    for cell in row.iter(f"{{{_NAMESPACE}}}Cell"):
        place = _place(cell, len(cells), _MOST_COLUMNS)
        cells += [""] * (place - len(cells))
        data = cell.find(f"{{{_NAMESPACE}}}Data")
        cells.append(" ".join("".join(data.itertext()).split()) if data is not None else "")
    return cells


def _place(element: ElementTree.Element, following: int, most: int) -> int:
    """The position of a row or cell, counted from 0: after the previous one, unless it states an index."""
    stated = element.get(f"{{{_NAMESPACE}}}Index", str(following + 1))
    try:
        place = int(stated) - 1
    except ValueError as error:
        raise DocumentRejected(f"the XML has an index {stated[:20]!r} that is not a number") from error
    if not following <= place < most:
        raise DocumentRejected(f"the XML has a row or cell with index {place + 1}, outside {following + 1} to {most}")
    return place


def _as_csv(cells: list[str]) -> str:
    if not any(cells):
        return ""
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="").writerow(cells)
    return line.getvalue()

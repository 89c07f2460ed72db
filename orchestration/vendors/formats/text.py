"""Reading vendors' text files: encodings, web pages saved as data, broken lines, number formats."""

import csv
import io
import re
from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

import polars as pl

from orchestration.schemas import REJECT_COLUMNS
from orchestration.vendors.feed import WrongLayout

NOTHING = ("", "-", "--", "---", "\u2014")
_HTML = re.compile(r"^\s*(<!doctype|<html|<head|<body|<\?xml|<script)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffd]")
# A comma is only accepted as a thousands separator: "0,64" and "1.234,56" use another country's format.
_NUMBER = r"^-?(?:(?:\d+|[1-9]\d{0,2}(?:,\d{3})+)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?$"
_LONGEST_LINE = 20_000
# One letter more or less in a name of four letters.
_MISSPELT = 0.85
_PLACE = {"_line": pl.Int64, "_content": pl.String}


def decode(content: bytes) -> str:
    """UTF-8 with or without byte-order mark.

    Raises:
        DocumentRejected: the content is empty, not UTF-8, or a web page.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WrongLayout(f"the file is not UTF-8 text (byte {error.start})") from error
    if not text.strip():
        raise WrongLayout("the file is empty")
    if _HTML.match(text):
        raise WrongLayout("the file is a web page, not a data file")
    return text


def split_lines(text: str) -> list[str]:
    """Physical lines with their line ends, so that a truncated last line can be recognised."""
    return list(io.StringIO(text, newline=""))


def header_cells(line: str, separator: str = ",") -> list[str]:
    """The cells of a header line, without quotes and blanks."""
    return [cell.strip().strip('"').strip() for cell in line.split(separator)]


def fields_of(line: str, separator: str = ",") -> list[str] | str:
    """The fields of a single line, or the reason why it cannot be read. Lines are read one by one, so that a broken line does not
    affect the next."""
    text = line.rstrip("\r\n")
    if len(text) > _LONGEST_LINE:
        return f"the line has {len(text):,} characters"
    if _CONTROL.search(text):
        return "the line contains a control character"
    if text == line and not text.rstrip().endswith('"'):
        return "the last line has no line end and may be truncated"
    try:
        return next(csv.reader([text], delimiter=separator, strict=True), [])
    except csv.Error as error:
        return f"the quotation marks are not balanced ({error})"


def read_table(
    lines: list[tuple[int, str]],
    header: list[str],
    wanted: Mapping[str, tuple[str, ...]],
    optional: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    *,
    separator: str = ",",
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the required columns and the optional ones that are present. Columns are found by name, never by position.

    Args:
        lines: line number and text of each data line, with its line end.
        header: the column names as received.
        wanted: our name of each required column, with the vendors' names for it, the preferred one first.
        optional: the same for columns that may be missing, also from the result.
        separator: between two cells.

    Returns:
        Rows as trimmed text under our column names, NULL for the vendors' placeholders, with `_line` and `_content`; rejects
        (line, reason, content).

    Raises:
        DocumentRejected: a required column is missing or duplicated.
    """
    places = find_columns(header, wanted, optional)
    table = pl.DataFrame({"_line": [number for number, _ in lines], "_content": [line for _, line in lines]}, schema=_PLACE)
    cells = _plain_cells(table["_content"], len(header)) if separator == "," and _last_line_is_complete(lines) else None
    if cells is not None:
        wanted_cells = [cells.struct.field(f"field_{place}").alias(ours) for ours, place in places.items()]
        rows = table.select(*wanted_cells, "_line", pl.col("_content").str.strip_chars_end("\r\n"))
        return with_placeholders_as_null(rows, list(places)), pl.DataFrame(schema=REJECT_COLUMNS)
    schema = {**dict.fromkeys(places, pl.String), **_PLACE}
    valid: list[tuple[Any, ...]] = []
    rejected: list[tuple[int, str, str]] = []
    for number, line in lines:
        fields, content = fields_of(line, separator), line.rstrip("\r\n")
        if isinstance(fields, str):
            rejected.append((number, fields, content[:_LONGEST_LINE]))
        elif len(fields) != len(header):
            if len(fields) < len(header) and valid and valid[-1][-2] == number - 1:
                # A line broken in two: the first half may look complete, with a truncated number.
                *_, before, text = valid.pop()
                rejected.append((before, "the line may be incomplete: the next line is too short", text))
            rejected.append((number, f"the line has {len(fields)} fields, the header {len(header)}", content))
        else:
            valid.append((*[fields[place].strip() for place in places.values()], number, content))
    rows = pl.DataFrame(valid, schema=schema, orient="row")
    return with_placeholders_as_null(rows, list(places)), pl.DataFrame(rejected, schema=REJECT_COLUMNS, orient="row")


def _last_line_is_complete(lines: list[tuple[int, str]]) -> bool:
    return not lines or lines[-1][1].endswith(("\n", "\r", '"'))


def _plain_cells(lines: pl.Series, width: int) -> pl.Series | None:
    """The trimmed cells of all lines, as a struct, if no line needs a CSV reader: all cells are quoted or none is, and no cell
    contains a quotation mark or begins or ends with a blank. Otherwise None."""
    text = lines.str.strip_chars_end("\r\n")
    marks = text.str.count_matches('"', literal=True)
    if (marks == 0).all():
        separator, blanks = ",", r"^\s|,\s|\s,|\s$"
    elif (marks == 2 * width).all() and (text.str.starts_with('"') & text.str.ends_with('"')).all():
        text = text.str.strip_prefix('"').str.strip_suffix('"')
        separator, blanks = '","', r'^\s|"\s|\s"|\s$'
    else:
        return None
    separators = text.str.count_matches(separator, literal=True)
    odd = (separators != width - 1) | (text.str.len_bytes() > _LONGEST_LINE) | text.str.contains(f"{_CONTROL.pattern}|{blanks}")
    return None if odd.any() else text.str.split_exact(separator, width - 1)


def find_columns(
    header: list[str],
    wanted: Mapping[str, tuple[str, ...]],
    optional: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> dict[str, int]:
    """The position of each column in the header.

    Raises:
        WrongLayout: a required column is missing, a column is duplicated, or the name of an optional one is misspelt: a damaged
            header must not look like a layout without that column.
    """
    found: dict[str, int] = {}
    unknown = set(header) - {name for names in (*wanted.values(), *optional.values()) for name in names}
    for ours, theirs in {**wanted, **optional}.items():
        name = next((name for name in theirs if name in header), None)
        if name is None and ours in optional:
            if misspelt := [near for name in theirs for near in get_close_matches(name, unknown, 1, _MISSPELT)]:
                raise WrongLayout(f"the column {theirs[0]!r} is missing, and the header has {misspelt[0][:40]!r}")
            continue
        if name is None or header.count(name) > 1:
            problem = "is missing" if name is None else "occurs more than once"
            raise WrongLayout(f"the column {name or theirs[0]!r} {problem}; the header is {', '.join(header)[:200]!r}")
        found[ours] = header.index(name)
    return found


def with_placeholders_as_null(rows: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """The rows with NULL for the vendors' placeholders (empty, dashes) in these columns of trimmed text."""
    return rows.with_columns(pl.when(~pl.col(columns).is_in(NOTHING)).then(pl.col(columns)))


def read_numbers(rows: pl.DataFrame, columns: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read columns of trimmed text as DOUBLE, without thousands separators; NULL stays NULL.

    Returns:
        The rows with numbers in these columns; the rows with text that is not a number, as rejects (line, reason, content).
    """
    texts = rows.select(columns)
    numbers = texts.select(
        pl.when(pl.all().str.contains(_NUMBER)).then(
            pl.all().str.replace_all(",", "", literal=True).cast(pl.Float64, strict=False)
        )
    )
    read = rows.with_columns(numbers)
    if texts.null_count().equals(numbers.null_count()):
        return read, pl.DataFrame(schema=REJECT_COLUMNS)
    reasons = [
        pl.when(texts[column].is_not_null() & numbers[column].is_null()).then(
            pl.format("{} '{}' is not a number", pl.lit(column), pl.col(column))
        )
        for column in columns
    ]
    judged = rows.select(
        pl.col("_line").alias("line"),
        pl.concat_list(reasons).list.drop_nulls().list.join("; ").alias("reason"),
        pl.col("_content").alias("content"),
    )
    is_invalid = judged["reason"] != ""
    return read.filter(~is_invalid), judged.filter(is_invalid)

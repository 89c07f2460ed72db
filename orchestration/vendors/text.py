"""Reading vendors' text files: encodings, HTML in disguise, lines that broke, numbers as people write them."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from orchestration.contracts import REJECT_COLUMNS
from orchestration.vendors.base import DocumentRejected

NOTHING = ("", "-", "--", "\u2014", "\u00a0")
_HTML = re.compile(r"^\s*(<!doctype|<html|<head|<body|<\?xml|<script)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffd]")
# A comma is a thousands separator or nothing: "0,64" and "1.234,56" are another country's numbers, not ours.
_NUMBER = r"^-?(\d+|[1-9]\d{0,2}(,\d{3})+)?(\.\d*)?([eE][-+]?\d{1,3})?$"
_LONGEST_LINE = 20_000


def decode(content: bytes) -> str:
    """UTF-8 with or without byte-order mark.

    Raises:
        DocumentRejected: the content is empty, not UTF-8, or a web page.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentRejected(f"it is not UTF-8 text (byte {error.start})") from error
    if not text.strip():
        raise DocumentRejected("it is empty")
    if _HTML.match(text):
        raise DocumentRejected("it is a web page, not a data file")
    return text


def split_lines(text: str) -> list[str]:
    """Physical lines with their line ends, so that a last line without one can be told from a whole one."""
    return list(io.StringIO(text, newline=""))


def header_cells(line: str) -> list[str]:
    """The cells of a header line, without quotes and blanks."""
    return [cell.strip().strip('"').strip() for cell in line.split(",")]


def fields_of(line: str) -> list[str] | str:
    """The fields of one line on its own, so that a broken one cannot swallow its neighbours; or what is wrong with it."""
    text = line.rstrip("\r\n")
    if len(text) > _LONGEST_LINE:
        return f"it is {len(text):,} characters long"
    if _CONTROL.search(text):
        return "it holds a character that is no text"
    if text == line and not text.rstrip().endswith('"'):
        return "it is the last line and has no end: it may be cut"
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        return f"its quotation marks do not pair ({error})"


def _fields_of_all(lines: list[str]) -> list[list[str]] | list[list[str] | str]:
    """As `fields_of`, line by line; in one go where nothing is wrong with any."""
    texts = [line.rstrip("\r\n") for line in lines]
    whole = not lines or texts[-1] != lines[-1] or texts[-1].rstrip().endswith('"')
    if whole and max(map(len, texts), default=0) <= _LONGEST_LINE and not _CONTROL.search("".join(texts)):
        try:
            fields = list(csv.reader(texts, strict=True))
        except csv.Error:
            fields = []
        if len(fields) == len(lines):  # no line has swallowed the next one
            return fields
    return [fields_of(line) for line in lines]


def read_table(
    lines: list[tuple[int, str]], header: list[str], wanted: Mapping[str, tuple[str, ...]]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the wanted columns, found by name and never by place.

    Args:
        lines: line number and text of each data line, with its line end.
        header: the column names as received.
        wanted: our name of each column, with the names vendors give it.

    Returns:
        Rows as trimmed text under our names, with `_line` and `_content`; rejects (line, reason, content).

    Raises:
        DocumentRejected: a wanted column is missing or stands twice.
    """
    places = find_columns(header, wanted)
    schema = {**dict.fromkeys(wanted, pl.String), "_line": pl.Int64, "_content": pl.String}
    fields_of_lines = _fields_of_all([line for _, line in lines])
    if all(isinstance(fields, list) and len(fields) == len(header) for fields in fields_of_lines):
        return _whole_columns(lines, fields_of_lines, places, schema), pl.DataFrame(schema=REJECT_COLUMNS)
    good: list[tuple[Any, ...]] = []
    bad: list[tuple[int, str, str]] = []
    for (number, line), fields in zip(lines, fields_of_lines, strict=True):
        content = line.rstrip("\r\n")
        if isinstance(fields, str):
            bad.append((number, fields, content[:_LONGEST_LINE]))
        elif len(fields) != len(header):
            if len(fields) < len(header) and good and good[-1][-2] == number - 1:
                # A line broken in two: its first half may look whole, with a number cut short.
                *_, before, text = good.pop()
                bad.append((before, "the next line may be its other half", text))
            bad.append((number, f"it has {len(fields)} fields where the header has {len(header)}", content))
        else:
            good.append((*[fields[place].strip() for place in places.values()], number, content))
    return pl.DataFrame(good, schema=schema, orient="row"), pl.DataFrame(bad, schema=REJECT_COLUMNS, orient="row")


def _whole_columns(
    lines: list[tuple[int, str]], fields: Sequence[Sequence[str]], places: Mapping[str, int], schema: Mapping[str, Any]
) -> pl.DataFrame:
    """The same rows where nothing is wrong with any line: whole columns at once."""
    columns = list(zip(*fields, strict=True))
    table: dict[str, Sequence[Any]] = {name: columns[place] if columns else () for name, place in places.items()}
    table["_line"] = [number for number, _ in lines]
    table["_content"] = [line.rstrip("\r\n") for _, line in lines]
    return pl.DataFrame(table, schema=schema).with_columns(pl.col(*places).str.strip_chars())


def find_columns(header: list[str], wanted: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Which header cell holds what.

    Raises:
        DocumentRejected: a wanted column is missing or stands twice.
    """
    found: dict[str, int] = {}
    for ours, theirs in wanted.items():
        matches = [place for place, name in enumerate(header) if name in theirs]
        if len(matches) != 1:
            problem = "is missing" if not matches else "stands more than once"
            raise DocumentRejected(f"the column {theirs[0]!r} {problem}; the header is {', '.join(header)[:200]}")
        found[ours] = matches[0]
    return found


def text_or_null(column: str) -> pl.Expr:
    """The column as text, with the vendors' signs for nothing as NULL."""
    trimmed = pl.col(column).str.strip_chars()
    return pl.when(~trimmed.is_in(NOTHING)).then(trimmed)


def number(column: str) -> pl.Expr:
    """The column as DOUBLE: thousands commas dropped, NULL for nothing and for what is no number."""
    return pl.when(_is_number(column)).then(text_or_null(column).str.replace_all(",", "").cast(pl.Float64, strict=False))


def reject_broken_numbers(rows: pl.DataFrame, columns: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part the rows in which a numeric column holds text that is no number.

    Returns:
        The other rows; rejects (line, reason, content).
    """
    broken = [
        pl.when(text_or_null(column).is_not_null() & ~_is_number(column)).then(
            pl.format("{} '{}' is not a number", pl.lit(column), pl.col(column))
        )
        for column in columns
    ]
    judged = rows.with_columns(pl.concat_list(broken).list.drop_nulls().list.join("; ").alias("_reason"))
    bad = judged.filter(pl.col("_reason") != "").select(
        pl.col("_line").alias("line"), pl.col("_reason").alias("reason"), pl.col("_content").alias("content")
    )
    return judged.filter(pl.col("_reason") == "").drop("_reason"), bad


def _is_number(column: str) -> pl.Expr:
    return text_or_null(column).str.contains(_NUMBER) & text_or_null(column).str.contains(r"^-?\.?\d")

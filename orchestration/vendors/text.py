"""Reading vendors' text files: encodings, HTML in disguise, lines that broke, numbers as people write them."""

import csv
import re

import polars as pl

from orchestration.contracts import REJECT_COLUMNS
from orchestration.vendors.base import DocumentRejected

NOTHING = ("", "-", "--", "\u00a0")
_HTML = re.compile(r"^\s*(<!doctype|<html|<head|<body|<\?xml|<script)", re.IGNORECASE)
_NUMBER = r"^-?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$"


def decode(content: bytes) -> str:
    """UTF-8 with or without byte-order mark.

    Raises:
        DocumentRejected: the content is empty, not UTF-8, or a web page.
    """
    if not content.strip():
        raise DocumentRejected("it is empty")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentRejected(f"it is not UTF-8 text (byte {error.start})") from error
    if _HTML.match(text):
        raise DocumentRejected("it is a web page, not a data file")
    return text


def read_delimited(header: list[str], lines: list[tuple[int, str]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read physical lines one by one, so that a broken one cannot swallow its neighbours.

    Args:
        header: the column names.
        lines: line number and text of each data line.

    Returns:
        Rows as text with `_line` and `_content`, white space trimmed; rejects (line, reason, content).
    """
    whole = [(number, text) for number, text in lines if text.count('"') % 2 == 0]
    rejects = [(number, "a quotation mark is not closed", text) for number, text in lines if text.count('"') % 2]
    fields = list(csv.reader(text for _, text in whole))
    width = len(header)
    good = [(*row, number, text) for (number, text), row in zip(whole, fields, strict=True) if len(row) == width]
    rejects += [
        (number, f"it has {len(row)} fields where the header has {width}", text)
        for (number, text), row in zip(whole, fields, strict=True)
        if len(row) != width
    ]
    schema = {**dict.fromkeys(header, pl.String), "_line": pl.Int64, "_content": pl.String}
    rows = pl.DataFrame(good, schema=schema, orient="row").with_columns(pl.col(header).str.strip_chars())
    return rows, pl.DataFrame(rejects, schema=REJECT_COLUMNS, orient="row")


def find_columns(header: list[str], wanted: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Which header cell holds what, by name and never by place.

    Args:
        wanted: our name, with the names vendors give it.

    Raises:
        DocumentRejected: a wanted column is missing or stands twice.
    """
    found: dict[str, str] = {}
    for ours, theirs in wanted.items():
        matches = [name for name in header if name in theirs]
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
    return text_or_null(column).str.replace_all(",", "").cast(pl.Float64, strict=False)


def reject_broken_numbers(rows: pl.DataFrame, columns: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part the rows in which a numeric column holds text that is no number.

    Returns:
        The other rows; rejects (line, reason, content).
    """
    broken = [
        pl.when(
            text_or_null(column).is_not_null() & ~text_or_null(column).str.replace_all(",", "").str.contains(_NUMBER)
        ).then(pl.format("{} '{}' is not a number", pl.lit(column), pl.col(column)))
        for column in columns
    ]
    judged = rows.with_columns(pl.concat_list(broken).list.drop_nulls().list.join("; ").alias("_reason"))
    bad = judged.filter(pl.col("_reason") != "").select(
        pl.col("_line").alias("line"), pl.col("_reason").alias("reason"), pl.col("_content").alias("content")
    )
    return judged.filter(pl.col("_reason") == "").drop("_reason"), bad

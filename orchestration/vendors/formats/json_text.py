"""Reading vendors' JSON: numbers as written, objects as rows of text, one clear message if it is damaged."""

import html
import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from orchestration.vendors.feed import WrongLayout
from orchestration.vendors.formats.text import with_placeholders_as_null


def load_object(text: str) -> dict[str, Any]:
    """The document's JSON object; numbers stay text.

    Raises:
        WrongLayout: it is not JSON, not an object, or nested too deeply.
    """
    try:
        answer = json.loads(text, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        raise WrongLayout(f"the file is not valid JSON (truncated?): {error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise WrongLayout("the JSON is nested too deeply") from error
    if not isinstance(answer, dict):
        raise WrongLayout(f"the JSON is a {type(answer).__name__}, not an object")
    return answer


def check_lines(lines: Any, stated: int) -> list[dict[str, Any]]:
    """The list of holdings, with the length that the document states.

    Raises:
        WrongLayout: it is not a list of objects, or has another length.
    """
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise WrongLayout("the holdings are not a list of objects")
    if stated != len(lines):
        raise WrongLayout(f"the file states {stated} holdings but lists {len(lines)}")
    return lines


def objects_table(lines: list[tuple[int, dict[str, Any]]], columns: Mapping[str, str]) -> pl.DataFrame:
    """One row per object, as trimmed text under our column names, with `_line` and `_content`; NULL for missing fields and for
    the vendors' placeholders.

    Args:
        lines: position in the document, and object.
        columns: our name of each column, with the vendor's name.
    """
    rows = [(*[_as_text(line.get(theirs)) for theirs in columns.values()], place, json.dumps(line)) for place, line in lines]
    schema = {**dict.fromkeys(columns, pl.String), "_line": pl.Int64, "_content": pl.String}
    return with_placeholders_as_null(pl.DataFrame(rows, schema=schema, orient="row"), list(columns))


def _as_text(value: object) -> str | None:
    return None if value is None else html.unescape(str(value)).strip()

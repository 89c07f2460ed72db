"""Reading vendors' JSON: numbers as they are written, objects as rows of text, and one sentence where it is damaged."""

import html
import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from orchestration.vendors.feed import WrongLayout
from orchestration.vendors.formats.text import with_nothing_as_null


def load_object(text: str) -> dict[str, Any]:
    """The document's object; numbers stay the text they are written in.

    Raises:
        WrongLayout: it is no JSON, no object, or nested beyond reason.
    """
    try:
        answer = json.loads(text, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        raise WrongLayout(f"it is no whole JSON document: {error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise WrongLayout("its JSON is nested without end") from error
    if not isinstance(answer, dict):
        raise WrongLayout(f"its JSON holds a {type(answer).__name__}, not an object")
    return answer


def check_lines(lines: Any, promised: int) -> list[dict[str, Any]]:
    """The list of holdings, as long as the document promises.

    Raises:
        WrongLayout: it is no list of objects, or has another length.
    """
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise WrongLayout("its holdings are no list of objects")
    if promised != len(lines):
        raise WrongLayout(f"it promises {promised} holdings and lists {len(lines)}")
    return lines


def objects_table(lines: list[tuple[int, dict[str, Any]]], columns: Mapping[str, str]) -> pl.DataFrame:
    """One row an object, as trimmed text under our names, with `_line` and `_content`; NULL for what an object lacks
    and for the vendors' signs for nothing.

    Args:
        lines: place in the document and object.
        columns: our name of each column, with the vendor's.
    """
    rows = [(*[_as_text(line.get(theirs)) for theirs in columns.values()], place, json.dumps(line)) for place, line in lines]
    schema = {**dict.fromkeys(columns, pl.String), "_line": pl.Int64, "_content": pl.String}
    return with_nothing_as_null(pl.DataFrame(rows, schema=schema, orient="row"), list(columns))


def _as_text(value: object) -> str | None:
    return None if value is None else html.unescape(str(value)).strip()

"""Parse one document into rows by raw table, and separate valid rows from rejects."""

import logging
from dataclasses import dataclass
from datetime import date

import polars as pl

from orchestration.landing.documents import Document
from orchestration.schemas import RAW_TABLES, REJECT_COLUMNS, RawTable, check_rows
from orchestration.universe import Fund
from orchestration.vendors.feed import Context, DocumentRejected, Parsed
from orchestration.vendors.registry import BY_PLACE

_log = logging.getLogger(__name__)
# polars and fastexcel each have a class of this name, without a common base.
_PANIC = "PanicException"


@dataclass(frozen=True)
class ParsedDocument:
    """A document's valid rows by raw table, with the contract's columns, `_line` and `_content`, and its rejects (line, reason,
    content)."""

    main: str
    as_of: date | None
    rows: dict[str, pl.DataFrame]
    rejects: pl.DataFrame


def parse_document(document: Document, content: bytes, sessions: pl.DataFrame, universe: dict[str, Fund]) -> ParsedDocument:
    """Parse one document and check its rows.

    Raises:
        DocumentRejected: the document is unusable; the message is the reason.
    """
    feed = BY_PLACE.get((document.vendor, document.kind))
    if feed is None:
        known = ", ".join("/".join(place) for place in BY_PLACE)
        raise DocumentRejected(f"there is no parser for {document.vendor}/{document.kind}: use one of {known}")
    if document.retrieved_at is None:
        raise DocumentRejected("the file name does not begin with the retrieval time (YYYY-MM-DDTHHMMSSZ): rename the file")
    if document.declares_no_date:
        raise DocumentRejected("the file name has asof= without a date of the calendar (YYYY-MM-DD) after it: rename the file")
    context = Context(
        symbol=document.symbol,
        extension=document.extension,
        retrieved_at=document.retrieved_at,
        declared_as_of=document.declared_as_of,
        fund=universe.get(document.symbol),
        sessions=sessions,
    )
    try:
        parsed = feed.parse(content, context)
        return ParsedDocument(parsed.main, parsed.as_of, *_split_rows(parsed))
    except DocumentRejected:
        raise
    except BaseException as error:
        # One document must not stop the others. Panics of native libraries are not Exceptions; interrupts are passed on.
        if not (isinstance(error, Exception) or type(error).__name__ == _PANIC):
            raise
        _log.debug("The parser failed on %s.", document.key, exc_info=True)
        detail = " ".join(str(error).split())[:200]
        raise DocumentRejected(f"the parser failed ({type(error).__name__}: {detail}): please report it") from error


def _split_rows(parsed: Parsed) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Valid rows by table, and rejects. A line that one table rejects is used in no table and listed once.

    Exception: an action is kept if the bar of its line is invalid, because a dividend does not depend on the price.
    """
    valid, rejects, lost, duplicates = {}, list(parsed.rejects), {}, {}
    for name, frame in parsed.tables.items():
        unique, duplicated = _without_duplicates(frame, RAW_TABLES[name])
        valid[name], invalid = check_rows(RAW_TABLES[name], unique)
        duplicates[name] = duplicated
        rejects.append(invalid)
        lost[name] = set(invalid["line"].drop_nulls())
    # A line whose main row is used is not a duplicate: of two bars with the same dividend, the later one may be the final one.
    used = valid[parsed.main]["_line"].implode()
    rejects += [rows.filter(~pl.col("line").is_in(used).fill_null(False)) for rows in duplicates.values()]
    if not any(r.height for r in rejects):
        return valid, pl.DataFrame(schema=REJECT_COLUMNS)
    listed = (
        pl.concat([r.cast(REJECT_COLUMNS) for r in rejects])  # type: ignore[arg-type]
        .group_by("line", pl.when(pl.col("line").is_null()).then("content").alias("_unnumbered"), maintain_order=True)
        .agg(pl.col("reason").unique(maintain_order=True).str.join("; "), pl.col("content").first())
        .drop("_unnumbered")
    )
    return {name: _without_lost(frame, name, lost) for name, frame in valid.items()}, listed


def _without_lost(rows: pl.DataFrame, name: str, lost: dict[str, set[int]]) -> pl.DataFrame:
    elsewhere = pl.col("_line").is_in(set().union(*(lines for table, lines in lost.items() if table != name))).fill_null(False)
    unknown = RAW_TABLES[name].when_unknown
    is_empty = pl.all_horizontal(pl.col(column) == value for column, value in unknown.items()) if unknown else pl.lit(True)
    return rows.filter(~(elsewhere & is_empty))


def _without_duplicates(rows: pl.DataFrame, table: RawTable) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Unique rows, and duplicates as rejects. Of rows that differ only in a provisional value, the one with the largest value is
    used, because a volume increases until it is final."""
    if table.snapshot_key:
        natural = ["_content", *(column for column in table.snapshot_key)]
    else:
        natural = [column for column in table.columns if column not in table.provisional]
    if not rows.select(pl.struct(natural).is_duplicated().any()).item():
        return rows, pl.DataFrame(schema=REJECT_COLUMNS)
    ordered = rows.sort(table.provisional, descending=True, nulls_last=True, maintain_order=True) if table.provisional else rows
    first = ordered.filter(pl.struct(natural).is_first_distinct())["_line"].implode()
    duplicated = rows.filter(~pl.col("_line").is_in(first)).select(
        pl.col("_line").alias("line"), pl.lit("repeats another row").alias("reason"), pl.col("_content").alias("content")
    )
    return rows.filter(pl.col("_line").is_in(first)), duplicated

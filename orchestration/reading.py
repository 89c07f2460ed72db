"""One document into rows by raw table: whether it may be read, what its lines say, and which of them are unusable."""

import logging
from dataclasses import dataclass
from datetime import date

import polars as pl

from orchestration.contracts import RAW_TABLES, REJECT_COLUMNS, check_rows
from orchestration.landing import Document
from orchestration.universe import Fund
from orchestration.vendors.base import Context, DocumentRejected, Parsed
from orchestration.vendors.registry import PARSERS

_log = logging.getLogger(__name__)
# polars and fastexcel each have a class of that name, and export it from nowhere in common.
_PANIC = "PanicException"


@dataclass(frozen=True)
class Reading:
    """What a document says: rows by raw table, each with the contract's columns, and rejects (line, reason, content)."""

    main: str
    as_of: date | None
    rows: dict[str, pl.DataFrame]
    rejects: pl.DataFrame


def read_document(document: Document, content: bytes, sessions: pl.DataFrame, universe: dict[str, Fund]) -> Reading:
    """Parse one document and check its rows.

    Raises:
        DocumentRejected: with the reason in words.
    """
    parser = PARSERS.get((document.vendor, document.kind))
    if parser is None:
        known = ", ".join("/".join(place) for place in PARSERS)
        raise DocumentRejected(f"no reader for {document.vendor}/{document.kind}; known are {known}")
    if document.retrieved_at is None:
        raise DocumentRejected("its file name does not begin with the retrieval time as YYYY-MM-DDTHHMMSSZ: rename it")
    context = Context(
        symbol=document.symbol,
        extension=document.extension,
        retrieved_at=document.retrieved_at,
        declared_as_of=document.declared_as_of,
        fund=universe.get(document.symbol),
        sessions=sessions,
    )
    try:
        parsed = parser(content, context)
        return Reading(parsed.main, parsed.as_of, *_part(parsed))
    except DocumentRejected:
        raise
    except BaseException as error:
        # One odd document must not keep all others out. Native libraries panic outside of Exception; an interruption passes.
        if not (isinstance(error, Exception) or type(error).__name__ == _PANIC):
            raise
        _log.debug("the reader of %s failed", document.key, exc_info=True)
        what = " ".join(str(error).split())[:200]
        raise DocumentRejected(f"its reader failed ({type(error).__name__}: {what}): please report it") from error


def _part(parsed: Parsed) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Good rows by table, and rejects: a line that fails in one table is taken in none, and is listed once."""
    good, rejects = {}, list(parsed.rejects)
    for name, frame in parsed.tables.items():
        once, repeated = _drop_repeats(frame, RAW_TABLES[name].key)
        good[name], bad = check_rows(RAW_TABLES[name], once)
        rejects += [repeated, bad]
    if not any(r.height for r in rejects):
        return {name: frame.select(*RAW_TABLES[name].columns) for name, frame in good.items()}, pl.DataFrame(
            schema=REJECT_COLUMNS
        )
    listed = (
        pl.concat([r.cast(REJECT_COLUMNS) for r in rejects])  # type: ignore[arg-type]
        .group_by("line", pl.when(pl.col("line").is_null()).then("content").alias("_unnumbered"), maintain_order=True)
        .agg(pl.col("reason").unique(maintain_order=True).str.join("; "), pl.col("content").first())
        .drop("_unnumbered")
    )
    lost = listed["line"].drop_nulls().implode()
    return {
        name: frame.filter(~pl.col("_line").is_in(lost).fill_null(False)).select(*RAW_TABLES[name].columns)
        for name, frame in good.items()
    }, listed


def _drop_repeats(rows: pl.DataFrame, key: tuple[str, ...]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same content twice is one observation, and the second is listed as rejected."""
    if rows["_content"].n_unique() == rows.height:
        return rows, pl.DataFrame(schema=REJECT_COLUMNS)
    natural = [column for column in key if column != "line_no"]
    first = pl.struct("_content", *natural).is_first_distinct()
    repeated = rows.filter(~first).select(
        pl.col("_line").alias("line"), pl.lit("repeats an earlier row").alias("reason"), pl.col("_content").alias("content")
    )
    return rows.filter(first), repeated

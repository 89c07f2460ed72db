"""One document into rows by raw table: whether it may be read, what its lines say, and which of them are unusable."""

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
# polars and fastexcel each have a class of that name, and export it from nowhere in common.
_PANIC = "PanicException"


@dataclass(frozen=True)
class Reading:
    """What a document says: rows by raw table, each with the contract's columns, `_line` and `_content`; and rejects (line,
    reason, content)."""

    main: str
    as_of: date | None
    rows: dict[str, pl.DataFrame]
    rejects: pl.DataFrame


def read_document(document: Document, content: bytes, sessions: pl.DataFrame, universe: dict[str, Fund]) -> Reading:
    """Parse one document and check its rows.

    Raises:
        DocumentRejected: with the reason in words.
    """
    feed = BY_PLACE.get((document.vendor, document.kind))
    if feed is None:
        known = ", ".join("/".join(place) for place in BY_PLACE)
        raise DocumentRejected(f"no parser for {document.vendor}/{document.kind}; known are {known}")
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
        parsed = feed.parse(content, context)
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
    """Valid rows by table, and rejects: a line that one table rejects is used in none, and is listed once.

    An action outlives the bar of its line: a dividend is paid whether or not the vendor has the price of that day.
    """
    valid, rejects, lost, repeats = {}, list(parsed.rejects), {}, {}
    for name, frame in parsed.tables.items():
        once, repeated = _without_repeats(frame, RAW_TABLES[name])
        valid[name], bad = check_rows(RAW_TABLES[name], once)
        repeats[name] = repeated
        rejects.append(bad)
        lost[name] = set(bad["line"].drop_nulls())
    # A line whose main row is used repeats nothing: of two bars with the same dividend the later one may be the final one.
    used = valid[parsed.main]["_line"].implode()
    rejects += [rows.filter(~pl.col("line").is_in(used).fill_null(False)) for rows in repeats.values()]
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
    says_nothing = pl.all_horizontal(pl.col(column) == value for column, value in unknown.items()) if unknown else pl.lit(True)
    return rows.filter(~(elsewhere & says_nothing))


def _without_repeats(rows: pl.DataFrame, table: RawTable) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same observation twice is one, and the second is listed as rejected. Rows that agree on all but a provisional value
    are one observation too, the one with the larger value: a volume only grows until it is final."""
    if table.snapshot_key:
        natural = ["_content", *(column for column in table.snapshot_key)]
    else:
        natural = [column for column in table.columns if column not in table.provisional]
    if not rows.select(pl.struct(natural).is_duplicated().any()).item():
        return rows, pl.DataFrame(schema=REJECT_COLUMNS)
    ordered = rows.sort(table.provisional, descending=True, nulls_last=True, maintain_order=True) if table.provisional else rows
    first = ordered.filter(pl.struct(natural).is_first_distinct())["_line"].implode()
    repeated = rows.filter(~pl.col("_line").is_in(first)).select(
        pl.col("_line").alias("line"), pl.lit("repeats another row").alias("reason"), pl.col("_content").alias("content")
    )
    return rows.filter(pl.col("_line").is_in(first)), repeated

"""What every vendor module gives and gets. A vendor offers `fetch` (the network, to bytes) and `parse` (bytes, to rows)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import wraps

import polars as pl

from orchestration.universe import Fund


class DocumentRejected(Exception):
    """The whole document is unusable; the message says why, in words a person can act on."""


class WrongLayout(DocumentRejected):
    """The document is not in a layout we read: another file was saved, or the vendor has changed it."""


class FetchFailed(Exception):
    """The vendor gave no usable answer; the message says what it gave instead."""


@dataclass(frozen=True)
class Fetched:
    """An answer as received."""

    content: bytes
    extension: str


@dataclass(frozen=True)
class Context:
    """What a parser may know beside the bytes."""

    symbol: str
    extension: str
    retrieved_at: datetime
    declared_as_of: date | None
    fund: Fund | None
    sessions: pl.DataFrame


@dataclass
class Parsed:
    """Rows by raw table, each with the contract's columns plus `_line` and `_content`.

    `main` is the table whose rows the ledger counts. `rejects` holds rows (line, reason, content) that never became one.
    """

    main: str
    tables: dict[str, pl.DataFrame]
    as_of: date | None = None
    rejects: list[pl.DataFrame] = field(default_factory=list)


Parser = Callable[[bytes, Context], Parsed]


def brings(advice: str) -> Callable[[Parser], Parser]:
    """A parser whose rejections of a wrong layout end with what to bring instead, as a whole sentence."""

    def decorate(parser: Parser) -> Parser:
        @wraps(parser)
        def parse(content: bytes, context: Context) -> Parsed:
            try:
                return parser(content, context)
            except WrongLayout as rejection:
                raise WrongLayout(f"{rejection}. {advice}") from rejection

        return parse

    return decorate


def require_fund(context: Context) -> Fund:
    """The fund a document speaks of.

    Raises:
        DocumentRejected: the fund is not in the universe.
    """
    if context.fund is None:
        raise DocumentRejected(f"{context.symbol} is not in seeds/funds.csv: add it there, and the next run reads this document")
    return context.fund


def settle_as_of(stated: date | None, context: Context) -> date:
    """The snapshot's date: the document's own, or the one declared in the file's name where the document has none.

    Raises:
        DocumentRejected: there is no date, the two disagree, or it lies after the retrieval.
    """
    as_of = stated or context.declared_as_of
    if as_of is None:
        raise DocumentRejected("the document has no as-of date: if you know it, put asof=YYYY-MM-DD into the file's name")
    if context.declared_as_of and as_of != context.declared_as_of:
        raise DocumentRejected(f"the document speaks of {as_of}, its file name of {context.declared_as_of}")
    if as_of > context.retrieved_at.date():
        raise DocumentRejected(f"its as-of date {as_of} lies after its retrieval on {context.retrieved_at.date()}")
    return as_of

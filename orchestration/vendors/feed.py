"""A feed: one vendor's documents of one kind. Each vendor module declares its own; everything else is derived from the list.

A feed has `fetch` (the network, to bytes), unless a person downloads its documents, and `parse` (bytes, to rows).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from orchestration.universe import Fund

if TYPE_CHECKING:
    from orchestration.vendors.http import Client


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
Universe = Mapping[str, Fund]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a vendor is asked for. `known_bars` are the symbol's known bars (session, close, vendor_adj_close, volume), oldest
    first; `as_of` is a past date, for feeds that answer for one."""

    symbol: str
    today: date
    fund: Fund | None = None
    as_of: date | None = None
    known_bars: pl.DataFrame | None = None

    @property
    def product_id(self) -> str:
        """The issuer's own number or ticker of the fund."""
        if self.fund is None or self.fund.product_id is None:
            raise ValueError(f"seeds/funds.csv has no product_id for {self.symbol}")
        return self.fund.product_id


@dataclass(frozen=True, kw_only=True)
class Feed:
    """One vendor's documents of one kind, in `landing/<vendor>/<kind>/<symbol>/`.

    Attributes:
        symbols: what to ask for, with the fund of each symbol where there is one.
        parse: a document's bytes into rows.
        fetch: asks for one document; None where a person downloads it or it is made here.
        address: the vendor's base address, which `SMALLCAP_VENDOR_URLS__<VENDOR>` replaces.
        how_to_get: for a person, how to bring a fund's next file into the given folder.
        after: feeds asked before this one.
        stated_date: for feeds that answer for past dates: the date an answer bears, None where the vendor has nothing.
    """

    vendor: str
    kind: str
    description: str
    symbols: Callable[[Universe], dict[str, Fund | None]]
    parse: Parser
    fetch: "Callable[[Request, Client], Fetched] | None" = None
    address: str | None = None
    how_to_get: Callable[[Fund, Path], str] | None = None
    after: tuple[str, ...] = ()
    stated_date: Callable[[bytes], date | None] | None = None

    @property
    def name(self) -> str:
        """Vendor and kind, such as `ishares_holdings`."""
        return f"{self.vendor}_{self.kind}"


def funds_of(vendor: str) -> Callable[[Universe], dict[str, Fund | None]]:
    """The funds whose holdings the vendor publishes."""
    return lambda universe: {fund.fund: fund for fund in universe.values() if fund.holdings_vendor == vendor}


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
    """The document's fund.

    Raises:
        DocumentRejected: the fund is not in the universe.
    """
    if context.fund is None:
        raise DocumentRejected(f"{context.symbol} is not in seeds/funds.csv: add it there, and the next run reads this document")
    return context.fund


def settle_as_of(stated: date | None, context: Context) -> date:
    """The snapshot's date: the document's own, or the one declared in the file's name where the document has none.

    Raises:
        DocumentRejected: there is no date, or the two disagree.
    """
    as_of = stated or context.declared_as_of
    if as_of is None:
        raise DocumentRejected("the document has no as-of date: if you know it, put asof=YYYY-MM-DD into the file's name")
    if context.declared_as_of and as_of != context.declared_as_of:
        raise DocumentRejected(f"the document speaks of {as_of}, its file name of {context.declared_as_of}")
    return as_of

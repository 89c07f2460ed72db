"""A feed: one vendor's documents of one kind. Each vendor module declares its feed; everything else is derived from the list.

A feed has `parse` (bytes to rows), and `fetch` (network to bytes) unless a person downloads its documents.
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
    """The whole document is unusable; the message says why and, where possible, what to do.

    Messages are clauses without a capital and a full stop: they are shown as `path: reason` and within sentences.
    """


class WrongLayout(DocumentRejected):
    """The document has an unknown layout: a wrong file was saved, or the vendor changed the layout."""


class FetchFailed(Exception):
    """The vendor gave no usable answer; the message describes the answer."""


@dataclass(frozen=True)
class Fetched:
    """A vendor's answer as received."""

    content: bytes
    extension: str


@dataclass(frozen=True)
class Context:
    """What a parser may use in addition to the bytes."""

    symbol: str
    extension: str
    retrieved_at: datetime
    declared_as_of: date | None
    fund: Fund | None
    sessions: pl.DataFrame


@dataclass
class Parsed:
    """Rows by raw table, each with the contract's columns plus `_line` and `_content`.

    `main` is the table whose rows the ledger counts. `rejects` are the unusable lines (line, reason, content).
    """

    main: str
    tables: dict[str, pl.DataFrame]
    as_of: date | None = None
    rejects: list[pl.DataFrame] = field(default_factory=list)


Parser = Callable[[bytes, Context], Parsed]
Universe = Mapping[str, Fund]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to a vendor. `known_bars` are the symbol's known bars (session, close, vendor_adj_close, volume), oldest first;
    `as_of` is a past date, for feeds that answer for past dates; `option_days` says how far ahead the options asked for expire.
    """

    symbol: str
    today: date
    fund: Fund | None = None
    as_of: date | None = None
    known_bars: pl.DataFrame | None = None
    option_days: int = 0

    @property
    def product_id(self) -> str:
        """The issuer's number or ticker of the fund.

        Raises:
            ValueError: the fund has none in seeds/funds.csv.
        """
        if self.fund is None or self.fund.product_id is None:
            raise ValueError(f"seeds/funds.csv has no product_id for {self.symbol}")
        return self.fund.product_id


@dataclass(frozen=True, kw_only=True)
class Feed:
    """One vendor's documents of one kind, in `landing/<vendor>/<kind>/<symbol>/`.

    Attributes:
        symbols: the symbols to request, each with its fund, or None for a series.
        parse: converts a document's bytes to rows.
        fetch: requests one document; None if a person downloads it or it is generated.
        address: the vendor's base address, which `SMALLCAP_VENDOR_URLS__<VENDOR>` replaces.
        how_to_get: instructions for a person to download a fund's next file into the given folder.
        after: feeds that are fetched before this one.
        once_a_session: one document a symbol and session is enough: a second request would say something else.
        stated_date: for feeds that answer for past dates: the as-of date of an answer, None if the vendor has no data.
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
    once_a_session: bool = False
    stated_date: Callable[[bytes], date | None] | None = None

    @property
    def name(self) -> str:
        """Vendor and kind, such as `ishares_holdings`."""
        return f"{self.vendor}_{self.kind}"


def funds_of(vendor: str) -> Callable[[Universe], dict[str, Fund | None]]:
    """The funds whose holdings the vendor publishes."""
    return lambda universe: {fund.fund: fund for fund in universe.values() if fund.holdings_vendor == vendor}


def with_advice(advice: str) -> Callable[[Parser], Parser]:
    """Append advice to a parser's `WrongLayout` rejections.

    Args:
        advice: how to get the right file, a clause in lower case.
    """

    def decorate(parser: Parser) -> Parser:
        @wraps(parser)
        def parse(content: bytes, context: Context) -> Parsed:
            try:
                return parser(content, context)
            except WrongLayout as rejection:
                raise WrongLayout(f"{rejection}; {advice}") from rejection

        return parse

    return decorate


def require_fund(context: Context) -> Fund:
    """The document's fund.

    Raises:
        DocumentRejected: the fund is not in the universe.
    """
    if context.fund is None:
        raise DocumentRejected(f"{context.symbol} is not in seeds/funds.csv: add it, and the next run reads this file")
    return context.fund


def require_symbol(found: object, fund: Fund, what: str = "the file contains") -> None:
    """Check that a document names the symbol under which the fund trades.

    Raises:
        DocumentRejected: it names another one or none, or the fund has none in seeds/funds.csv.
    """
    if fund.price_symbol is None:
        raise DocumentRejected(
            f"{fund.fund} has no price_symbol in seeds/funds.csv, so that no such file belongs to it: remove the file, or add the"
            " symbol"
        )
    if found is None:
        raise DocumentRejected(f"{what} no symbol, where {fund.price_symbol} is expected")
    if found != fund.price_symbol:
        raise DocumentRejected(f"{what} the symbol {str(found)[:40]!r}, not {fund.price_symbol}")


def settle_as_of(stated: date | None, context: Context) -> date:
    """The snapshot's date: the date in the document, or the date in the file name if the document has none.

    Raises:
        DocumentRejected: there is no date, or the two dates differ.
    """
    as_of = stated or context.declared_as_of
    if as_of is None:
        raise DocumentRejected("the file has no as-of date: if you know it, add asof=YYYY-MM-DD to the file name")
    if context.declared_as_of and as_of != context.declared_as_of:
        raise DocumentRejected(f"the as-of date is {as_of} in the file and {context.declared_as_of} in the file name")
    return as_of

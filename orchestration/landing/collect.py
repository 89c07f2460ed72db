"""Collect the documents of one feed: simulate them, fetch them, or list those in a folder."""

import logging
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import polars as pl

from orchestration import market_calendar
from orchestration.files import content_hash
from orchestration.landing.documents import (
    Document,
    UnreadableDocument,
    document_name,
    list_documents,
    newest_document,
    write_document,
)
from orchestration.vendors.feed import Feed, Fetched, FetchFailed, Request, Universe
from orchestration.vendors.http import Client
from orchestration.vendors.registry import CALENDAR

_log = logging.getLogger(__name__)
BY_HAND = "by hand"
KnownBars = Callable[[str], pl.DataFrame]


@dataclass(frozen=True)
class Landing:
    """The landing folders of a run: `own` is written, all `folders` are read; `clock` (UTC) dates new documents."""

    own: Path
    folders: Sequence[Path]
    clock: datetime

    def documents(self, feed: Feed) -> list[Document]:
        """Every document of a feed, oldest retrieval first."""
        return list(list_documents(list(self.folders), vendor=feed.vendor, kind=feed.kind))


@dataclass(frozen=True)
class Collected:
    """The outcome for one symbol: new, unchanged, present, failed, or by hand (a person downloads it); with details."""

    symbol: str
    status: str
    detail: str = ""


def collect_sessions(landing: Landing) -> list[Collected]:
    """Write the exchange's calendar if the one in landing is too short, damaged or from another library version."""
    last_day = market_calendar.horizon(landing.clock.date())
    newest = _calendar(landing)
    is_current = _is_current(newest, last_day) if newest else False
    if is_current:
        return [Collected(market_calendar.EXCHANGE, "unchanged")]
    if newest and is_current is None:
        newest.path.unlink()  # generated, not received from a vendor: it can be generated again
        newest = None
    generated = Fetched(market_calendar.sessions_document(last_day), "parquet")
    # With the sample market's clock, the calendar of another library version would have the same name.
    made_at = max(landing.clock, newest.retrieved_at + timedelta(seconds=1)) if newest and newest.retrieved_at else landing.clock
    return [_write_if_new(landing, CALENDAR, market_calendar.EXCHANGE, generated, made_at)]


def _calendar(landing: Landing) -> Document | None:
    return newest_document([landing.own], vendor=CALENDAR.vendor, kind=CALENDAR.kind, symbol=market_calendar.EXCHANGE)


def _is_current(calendar: Document, last_day: date) -> bool | None:
    """Whether a calendar reaches far enough and is as written; None if it cannot be read, so that it was never used."""
    try:
        return market_calendar.is_current(calendar.read(), last_day)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, KeyError, ValueError):
        return None


def list_present(feed: Feed, landing: Landing) -> list[Collected]:
    """The documents that are present, for a run that does not fetch."""
    return [Collected(symbol, "present") for symbol in sorted({document.symbol for document in landing.documents(feed)})]


def simulate(feed: Feed, landing: Landing) -> list[Collected]:
    """Write the sample market's documents of a feed that are missing.

    Raises:
        FileNotFoundError: landing has no calendar.
    """
    from orchestration.sample_market.documents import sample_documents

    calendar = _calendar(landing)
    if calendar is None:
        raise FileNotFoundError("Landing has no calendar: materialise landing/nyse_sessions first.")
    sessions = pl.read_parquet(BytesIO(calendar.read()))
    present = {document.key for document in landing.documents(feed)}
    outcomes = []
    for simulated in sample_documents(feed.vendor, feed.kind, sessions):
        name = document_name(simulated.retrieved_at, simulated.extension, simulated.declared_as_of)
        if f"{feed.vendor}/{feed.kind}/{simulated.symbol}/{name}" in present:
            outcomes.append(Collected(simulated.symbol, "unchanged"))
            continue
        write_document(
            landing.own, vendor=feed.vendor, kind=feed.kind, symbol=simulated.symbol, retrieved_at=simulated.retrieved_at,
            extension=simulated.extension, content=simulated.build(), declared_as_of=simulated.declared_as_of,
        )  # fmt: skip
        outcomes.append(Collected(simulated.symbol, "new"))
    return outcomes


def fetch_all(
    feed: Feed,
    landing: Landing,
    universe: Universe,
    client: Callable[[], Client],
    known_bars: KnownBars,
    *,
    option_days: int = 0,
    incomplete: Set[str] = frozenset(),
) -> list[Collected]:
    """Request every symbol of the feed from its vendor. A failed fetch is an outcome, not an exception.

    Args:
        client: creates the vendor's client; not called for a feed that a person downloads.
        known_bars: the known bars of a symbol (session, close, vendor_adj_close, volume), oldest first.
        option_days: how far ahead the options are that are asked for.
        incomplete: the keys of documents that cannot be used or miss something, so that their session is asked for again.
    """
    symbols = feed.symbols(universe)
    if feed.fetch is None:
        return [_manual_download(feed, landing, symbol, universe) for symbol in symbols]
    vendor_client, outcomes = client(), []
    present = _symbols_of_session(feed, landing, incomplete) if feed.once_a_session else set()
    for symbol, fund in symbols.items():
        if symbol in present:
            outcomes.append(Collected(symbol, "unchanged", "the session has a document"))
            continue
        # Outside the try block: an unusable warehouse must stop the run.
        bars = known_bars(symbol)
        request = Request(symbol=symbol, fund=fund, today=landing.clock.date(), known_bars=bars, option_days=option_days)
        try:
            fetched = feed.fetch(request, vendor_client)
        except FetchFailed as failure:
            outcomes.append(Collected(symbol, "failed", _one_line(str(failure))))
        except Exception as error:  # noqa: BLE001 an unexpected error of one vendor's client must not stop the others
            _log.debug("asking %s for %s failed", feed.vendor, symbol, exc_info=True)
            reason = f"the answer is not usable ({type(error).__name__}: {error})"
            outcomes.append(Collected(symbol, "failed", _one_line(reason)))
        else:
            outcomes.append(_write_if_new(landing, feed, symbol, fetched, landing.clock))
    return outcomes


def _symbols_of_session(feed: Feed, landing: Landing, incomplete: Set[str]) -> set[str]:
    """The symbols with a complete document of the last session, retrieved when the vendor's quotes were those of that session."""
    late = market_calendar.QUOTES_LATE
    since = market_calendar.last_opening(landing.clock - late) + late
    return {
        document.symbol
        for document in landing.documents(feed)
        if document.retrieved_at and document.retrieved_at >= since and document.key not in incomplete
    }


def _one_line(text: str, longest: int = 300) -> str:
    return " ".join(text.split())[:longest]


def _manual_download(feed: Feed, landing: Landing, symbol: str, universe: Universe) -> Collected:
    """The outcome for a fund whose issuer blocks programs: the newest file in landing, and how to download the next."""
    newest = newest_document(list(landing.folders), vendor=feed.vendor, kind=feed.kind, symbol=symbol)
    present = f"the newest file in landing is {newest.path.name}" if newest else "landing has no file yet"
    how = feed.how_to_get(universe[symbol], landing.own / feed.vendor / feed.kind / symbol) if feed.how_to_get else ""
    return Collected(symbol, BY_HAND, f"{how}; {present}")


def _write_if_new(landing: Landing, feed: Feed, symbol: str, fetched: Fetched, retrieved_at: datetime) -> Collected:
    """Write an answer into landing unless it equals the last one that can be read. Answers for past dates are not compared."""
    before = list_documents([landing.own], vendor=feed.vendor, kind=feed.kind, symbol=symbol)
    for document in reversed([document for document in before if document.retrieved_at and not document.declared_as_of]):
        with suppress(UnreadableDocument):
            if content_hash(document.read()) == content_hash(fetched.content):
                return Collected(symbol, "unchanged")
            break
    try:
        write_document(
            landing.own, vendor=feed.vendor, kind=feed.kind, symbol=symbol, retrieved_at=retrieved_at,
            extension=fetched.extension, content=fetched.content,
        )  # fmt: skip
    except FileExistsError as error:
        return Collected(symbol, "failed", _one_line(f"landing has another answer of the same second ({error})"))
    return Collected(symbol, "new")

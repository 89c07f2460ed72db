"""Fill landing: invent the sample market's documents, fetch the vendors', or take what a folder holds."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from io import BytesIO

import polars as pl

from orchestration import market_calendar
from orchestration.landing import Document, content_hash, document_name, list_documents, newest_document, write_document
from orchestration.settings import Settings, Source
from orchestration.universe import Fund
from orchestration.vendors import fred, invesco, ishares, schwab, ssga, vanguard, yahoo, yahoo_funds
from orchestration.vendors.base import Fetched, FetchFailed
from orchestration.vendors.http import Pace
from orchestration.warehouse import WarehouseUnusable

_log = logging.getLogger(__name__)
BY_HAND = "by hand"
KnownBars = Callable[[str], pl.DataFrame]


@dataclass(frozen=True)
class Collected:
    """What became of one symbol: new, unchanged, present, failed or left to a person (`by hand`), and why."""

    symbol: str
    status: str
    detail: str = ""


def documents_of(settings: Settings, vendor: str, kind: str) -> list[Document]:
    """Everything that lies in landing for a vendor and kind."""
    return list(list_documents(settings.landing_dirs, vendor=vendor, kind=kind))


def collect_sessions(settings: Settings) -> list[Collected]:
    """Write the exchange's calendar when the one in landing is too short or from another library version."""
    vendor, kind, symbol = market_calendar.VENDOR, market_calendar.KIND, market_calendar.EXCHANGE
    last_day = market_calendar.horizon(settings.today)
    newest = newest_document([settings.own_landing_dir], vendor=vendor, kind=kind, symbol=symbol)
    is_current = _is_current(newest, last_day) if newest else False
    if is_current:
        return [Collected(symbol, "unchanged")]
    if newest and is_current is None:
        newest.path.unlink()  # made here, not sent by a vendor: it is made again
    fetched = Fetched(market_calendar.sessions_document(last_day), "parquet")
    return [_keep(settings, vendor, kind, symbol, fetched)]


def _is_current(calendar: Document, last_day: date) -> bool | None:
    """Whether a calendar reaches far enough; None where the file is damaged."""
    try:
        return market_calendar.is_current(calendar.read(), last_day)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, KeyError, ValueError):
        return None


def collect(settings: Settings, vendor: str, kind: str, universe: dict[str, Fund], known_bars: KnownBars) -> list[Collected]:
    """Bring landing up to date for one vendor and kind. A failed fetch is an outcome, not an exception.

    Args:
        known_bars: the last known bars of a symbol (session, close, vendor_adj_close, volume).
    """
    if settings.source is Source.sample:
        return _invent(settings, vendor, kind)
    if settings.fetches:
        return _fetch_all(settings, vendor, kind, universe, known_bars)
    symbols = {document.symbol for document in documents_of(settings, vendor, kind)}
    return [Collected(symbol, "present") for symbol in sorted(symbols)]


def _invent(settings: Settings, vendor: str, kind: str) -> list[Collected]:
    from orchestration.sample_market.documents import sample_documents

    calendar = newest_document(
        [settings.own_landing_dir], vendor=market_calendar.VENDOR, kind=market_calendar.KIND, symbol=market_calendar.EXCHANGE
    )
    if calendar is None:
        raise FileNotFoundError("landing holds no calendar: materialise landing/nyse_sessions first")
    sessions = pl.read_parquet(BytesIO(calendar.read()))
    present = {document.key for document in documents_of(settings, vendor, kind)}
    outcomes = []
    for invented in sample_documents(vendor, kind, sessions):
        name = document_name(invented.retrieved_at, invented.extension, invented.declared_as_of)
        if f"{vendor}/{kind}/{invented.symbol}/{name}" in present:
            outcomes.append(Collected(invented.symbol, "unchanged"))
            continue
        write_document(
            settings.own_landing_dir, vendor=vendor, kind=kind, symbol=invented.symbol, retrieved_at=invented.retrieved_at,
            extension=invented.extension, content=invented.build(), declared_as_of=invented.declared_as_of,
        )  # fmt: skip
        outcomes.append(Collected(invented.symbol, "new"))
    return outcomes


def _fetch_all(settings: Settings, vendor: str, kind: str, universe: dict[str, Fund], known_bars: KnownBars) -> list[Collected]:
    if vendor == schwab.VENDOR:
        return [_left_to_a_person(settings, fund) for fund in universe.values() if fund.holdings_vendor == vendor]
    pace = Pace(settings.fetch_pause_seconds)
    outcomes = []
    for symbol, fetch in _fetches(settings, vendor, kind, universe, known_bars, pace).items():
        try:
            fetched = fetch()
        except FetchFailed as failure:
            outcomes.append(Collected(symbol, "failed", _one_line(str(failure))))
        except WarehouseUnusable:
            raise
        except Exception as error:  # noqa: BLE001 what a vendor's client does not expect must not keep the other vendors out
            _log.debug("asking %s for %s failed", vendor, symbol, exc_info=True)
            reason = f"the answer could not be used ({type(error).__name__}: {error})"
            outcomes.append(Collected(symbol, "failed", _one_line(reason)))
        else:
            outcomes.append(_keep(settings, vendor, kind, symbol, fetched))
    return outcomes


def _one_line(text: str, longest: int = 300) -> str:
    return " ".join(text.split())[:longest]


def _fetches(
    settings: Settings, vendor: str, kind: str, universe: dict[str, Fund], known_bars: KnownBars, pace: Pace
) -> dict[str, Callable[[], Fetched]]:
    """What to ask a vendor for, by symbol."""
    if (vendor, kind) == (yahoo_funds.VENDOR, yahoo_funds.KIND):
        priced = [fund for fund in universe.values() if fund.price_symbol]
        return {f.fund: lambda f=f: yahoo_funds.fetch(f, settings, pace) for f in priced}  # type: ignore[misc]
    if vendor == yahoo.VENDOR:
        symbols = [fund.price_symbol for fund in universe.values() if fund.price_symbol]
        return {s: lambda s=s: yahoo.fetch(s, settings, pace, known_bars(s)) for s in symbols}  # type: ignore[misc]
    if vendor == fred.VENDOR:
        return {s: lambda s=s: fred.fetch(s, settings, pace) for s in fred.SERIES}  # type: ignore[misc]
    modules = {module.VENDOR: module for module in (ishares, ssga, invesco, vanguard)}
    funds = [fund for fund in universe.values() if fund.holdings_vendor == vendor]
    return {f.fund: lambda f=f: modules[vendor].fetch(f, settings, pace) for f in funds}  # type: ignore[misc]


def _left_to_a_person(settings: Settings, fund: Fund) -> Collected:
    """A fund whose issuer refuses programs: what lies in landing, and how to bring the next file."""
    newest = newest_document(settings.landing_dirs, vendor=schwab.VENDOR, kind=schwab.KIND, symbol=fund.fund)
    lies_there = f"the newest file lies there as {newest.path.name}" if newest else "no file lies there yet"
    folder = settings.own_landing_dir / schwab.VENDOR / schwab.KIND / fund.fund
    return Collected(fund.fund, BY_HAND, f"{schwab.how_to_get(fund, str(folder))}; {lies_there}")


def _keep(settings: Settings, vendor: str, kind: str, symbol: str, fetched: Fetched) -> Collected:
    """Write an answer into landing, unless it is byte for byte the last one; answers for a date asked for by name aside."""
    before = list_documents([settings.own_landing_dir], vendor=vendor, kind=kind, symbol=symbol)
    newest = [document for document in before if document.retrieved_at and not document.declared_as_of][-1:]
    if newest and content_hash(newest[0].read()) == content_hash(fetched.content):
        return Collected(symbol, "unchanged")
    write_document(
        settings.own_landing_dir, vendor=vendor, kind=kind, symbol=symbol, retrieved_at=settings.clock,
        extension=fetched.extension, content=fetched.content,
    )  # fmt: skip
    return Collected(symbol, "new")

"""Fetch the prices of the universes' members: thousands of requests, which can be interrupted and go on where they stopped."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import BytesIO

import polars as pl

from orchestration.landing.collect import Collected, Landing
from orchestration.landing.documents import write_document
from orchestration.vendors.feed import DocumentRejected, FetchFailed
from orchestration.vendors.http import Client, WorthRetrying
from orchestration.vendors.yahoo import member_prices

_log = logging.getLogger(__name__)
SYMBOLS_A_DOCUMENT = 300
# A symbol that failed on so many days is believed dead, and asked for at growing intervals.
DEAD_AFTER_DAYS, LONGEST_PAUSE_DAYS = 3, 32
# The vendor refuses, whatever the symbol is.
REFUSALS_IN_A_ROW = 3
# So many failures say more about the vendor than about the symbols.
OUTAGE_SHARE, FEWEST_FOR_OUTAGE = 0.5, 20
_SAY_EVERY = 100
_NOTHING_KNOWN = pl.DataFrame(schema={"session": pl.Date, "close": pl.Float64})


@dataclass(frozen=True)
class Failures:
    """The failures of a symbol since its last success: on how many days, and on which day last."""

    days: int
    last: date

    @property
    def next_day(self) -> date:
        """The first day on which to ask again."""
        pause = 1 if self.days < DEAD_AFTER_DAYS else min(2 ** (self.days - DEAD_AFTER_DAYS + 1), LONGEST_PAUSE_DAYS)
        return self.last + timedelta(days=pause)


def due_symbols(members: Iterable[str], failures: Mapping[str, Failures], landing: Landing, final_at: datetime) -> list[str]:
    """The members to ask for: without those that a document has already brought, or that failed too recently.

    Args:
        members: in the vendor's spelling.
        failures: by symbol, of those whose last request failed.
        final_at: when the bar of the last session became final (UTC): what was retrieved since then is complete.
    """
    present = _fetched_since(landing, final_at)
    today = landing.clock.date()
    return sorted(symbol for symbol in set(members) - present if symbol not in failures or failures[symbol].next_day <= today)


def _fetched_since(landing: Landing, moment: datetime) -> set[str]:
    """The symbols in documents retrieved since a time. A document that cannot be read has none: ingesting rejects it."""
    found: set[str] = set()
    for document in landing.documents(member_prices.FEED):
        if document.retrieved_at and document.retrieved_at >= moment and document.extension == "parquet":
            with suppress(DocumentRejected, pl.exceptions.PanicException):
                found |= set(member_prices.read_table(document.read(), document.extension)["symbol"].drop_nulls().unique())
    return found


@dataclass(frozen=True)
class Reporting:
    """Where a fetch reports: `say` takes a line for a person, `record` the outcomes of each batch of symbols."""

    say: Callable[[str], None]
    record: Callable[[Sequence[Collected]], None]
    now: Callable[[], datetime]


def fetch_members(
    symbols: Sequence[str],
    known: Mapping[str, pl.DataFrame],
    landing: Landing,
    client: Client,
    *,
    since: date,
    report: Reporting,
) -> list[Collected]:
    """Ask for each symbol once and write a document for every some hundred of them, so that a killed run keeps what it has.

    A vendor that refuses, or fails for most symbols, ends the fetch: the other symbols stay due.

    Args:
        known: the last known bars by symbol (session, close), oldest first.
        since: first day of a history.
    """
    outcomes: list[Collected] = []
    began = time.monotonic()
    for place in range(0, len(symbols), SYMBOLS_A_DOCUMENT):
        # Of the first request: a bar that was still open then is not final, whenever the last answer came.
        asked_at = report.now()
        batch = _Batch(client, landing.clock.date(), since)
        for symbol in symbols[place : place + SYMBOLS_A_DOCUMENT]:
            batch.ask(symbol, known.get(symbol, _NOTHING_KNOWN))
            asked = place + batch.asked
            if asked % _SAY_EVERY == 0:
                report.say(_progress(asked, len(symbols), time.monotonic() - began))
            if batch.is_refused:
                break
        batch.write(landing, asked_at)
        reported = batch.outcomes if not batch.is_refused else [one for one in batch.outcomes if one.status != "failed"]
        report.record(reported)
        outcomes += reported
        if batch.is_refused:
            rest = len(symbols) - len(outcomes)
            report.say(f"{batch.refusal}: {rest:,} of {len(symbols):,} members are left for the next run")
            whole = Collected(member_prices.MARKET, "failed", f"{batch.refusal}; {rest:,} members are left")
            report.record([whole])
            return [*outcomes, whole]
    report.record([Collected(member_prices.MARKET, "new" if outcomes else "unchanged")])
    return outcomes


class _Batch:
    """The symbols of one document."""

    def __init__(self, client: Client, today: date, since: date) -> None:
        self._client, self._today, self._since = client, today, since
        self._bars: list[pl.DataFrame] = []
        self._refusals = 0
        self.outcomes: list[Collected] = []
        self.refusal = ""

    @property
    def asked(self) -> int:
        return len(self.outcomes)

    @property
    def is_refused(self) -> bool:
        """Whether the failures are the vendor's and not the symbols'."""
        failed = sum(one.status == "failed" for one in self.outcomes)
        if self._refusals >= REFUSALS_IN_A_ROW:
            self.refusal = self.outcomes[-1].detail
        elif self.asked >= FEWEST_FOR_OUTAGE and failed > OUTAGE_SHARE * self.asked:
            self.refusal = f"{failed} of {self.asked} requests failed, the last with: {self.outcomes[-1].detail}"
        return bool(self.refusal)

    def ask(self, symbol: str, known: pl.DataFrame) -> None:
        try:
            self._bars.append(member_prices.fetch_bars(symbol, known, self._since, self._today, self._client))
        except FetchFailed as failure:
            self._refusals = self._refusals + 1 if isinstance(failure, WorthRetrying) else 0
            self._failed(symbol, str(failure))
        except Exception as error:  # noqa: BLE001 one unexpected answer must not stop the others
            _log.debug("asking for %s failed", symbol, exc_info=True)
            self._refusals = 0
            self._failed(symbol, f"the answer is not usable ({type(error).__name__}: {error})")
        else:
            self._refusals = 0
            self.outcomes.append(Collected(symbol, "new"))

    def _failed(self, symbol: str, reason: str) -> None:
        self.outcomes.append(Collected(symbol, "failed", " ".join(reason.split())[:300]))

    def write(self, landing: Landing, retrieved_at: datetime) -> None:
        if self._bars:
            buffer = BytesIO()
            pl.concat(self._bars).write_parquet(buffer)
            write_document(
                landing.own, vendor=member_prices.VENDOR, kind=member_prices.KIND, symbol=member_prices.MARKET,
                retrieved_at=retrieved_at, extension="parquet", content=buffer.getvalue(),
            )  # fmt: skip


def _progress(asked: int, of: int, seconds: float) -> str:
    """How far the fetch is, with a bar and an estimate of what is left."""
    left = seconds / asked * (of - asked)
    filled = round(20 * asked / of)
    return f"members {'#' * filled}{'.' * (20 - filled)} {asked:,} of {of:,}, about {left / 60:.0f} min {left % 60:.0f} s left"

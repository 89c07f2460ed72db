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
from orchestration.market_calendar import FINAL_BAR_DELAY
from orchestration.universe import load_universe
from orchestration.vendors.feed import DocumentRejected, FetchFailed
from orchestration.vendors.http import Client, WorthRetrying
from orchestration.vendors.yahoo import member_prices

_log = logging.getLogger(__name__)
SYMBOLS_A_DOCUMENT = 300
# A symbol that failed on so many days is believed dead, and asked for at growing intervals.
DEAD_AFTER_DAYS, LONGEST_PAUSE_DAYS = 3, 32
# After this many refusals in a row, or failures among so many requests, the vendor may be down: a fund that certainly trades is
# asked for, and its answer decides whether the failures are the symbols' own.
REFUSALS_IN_A_ROW = 3
OUTAGE_SHARE, FEWEST_FOR_OUTAGE = 0.5, 20
# Yahoo gives some bars, above all of foreign companies, hours after the close, and until then none or one without prices.
BARS_ARE_LATE = timedelta(hours=6)
_DAYS_OF_A_FUND = timedelta(days=14)
# Progress is reported after this many symbols, or after each tenth of a smaller fetch.
_SAY_EVERY = 100
# In the metadata of a document that a fetch wrote, and not an import.
_FETCHED = "smallcap.fetched"
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
    """The members to ask for: without those that a document has already brought, or that failed too recently. Those that failed
    before come last.

    Args:
        members: in the vendor's spelling.
        failures: by symbol, of those whose last request failed.
        final_at: when the bar of the last session became final (UTC). A member whose bar was late is asked for once more.
    """
    present = _fetched_since(landing, final_at)
    today = landing.clock.date()
    due = (symbol for symbol in set(members) - present if symbol not in failures or failures[symbol].next_day <= today)
    return sorted(due, key=lambda symbol: (symbol in failures, symbol))


def _fetched_since(landing: Landing, final_at: datetime) -> set[str]:
    """The symbols of the documents that a fetch wrote since the last session was final, and of imports that have this session.

    Documents say so before the requests are recorded, so that a killed fetch goes on where it stopped. A document that cannot be
    read has no symbol: ingesting rejects it.
    """
    session = (final_at - FINAL_BAR_DELAY).date()  # the exchange closes on the same day in UTC
    all_there = final_at + BARS_ARE_LATE
    found: set[str] = set()
    for document in landing.documents(member_prices.FEED):
        if document.retrieved_at and document.retrieved_at >= final_at and document.extension == "parquet":
            with suppress(DocumentRejected, pl.exceptions.PanicException):
                content = document.read()
                bars = member_prices.read_table(content, document.extension)
                # Without a bar of the session it may be late, or the stock halted, which is not asked for by every run.
                is_fetched = _FETCHED in pl.read_parquet_metadata(BytesIO(content)) and (
                    document.retrieved_at >= all_there or landing.clock < all_there
                )
                has_session = (pl.col("session") >= session) & pl.col("close").is_not_null()
                found |= set(bars.filter(is_fetched | has_session)["symbol"].drop_nulls().unique())
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

    If many requests fail, a fund is asked for. If it has no answer either, the vendor is down: the fetch ends, and the failures
    since the last answer for a fund are not recorded. Otherwise the failures are the symbols' own, and the fetch goes on.

    Args:
        known: the last known bars by symbol (session, close), oldest first.
        since: first day of a history.
    """
    outcomes: list[Collected] = []
    began = time.monotonic()
    say_every = min(_SAY_EVERY, -(-len(symbols) // 10))
    for place in range(0, len(symbols), SYMBOLS_A_DOCUMENT):
        # Of the first request: a bar that was still open then is not final, whenever the last answer came.
        asked_at = report.now()
        batch = _Batch(client, landing.clock.date(), since)
        try:
            for symbol in symbols[place : place + SYMBOLS_A_DOCUMENT]:
                batch.ask(symbol, known.get(symbol, _NOTHING_KNOWN))
                asked = place + batch.asked
                if asked % say_every == 0:
                    report.say(_progress(asked, len(symbols), time.monotonic() - began))
                if batch.is_down():
                    break
            else:
                batch.is_down(at_end=True)
        except BaseException:  # a run that is stopped keeps what it has received
            batch.write(landing, asked_at)
            raise
        batch.write(landing, asked_at)
        report.record(batch.outcomes)
        outcomes += batch.outcomes
        if batch.refusal:
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
        # How many of the outcomes are older than the last answer for a fund: their failures are the symbols' own.
        self._judged = 0
        self.outcomes: list[Collected] = []
        self.asked = 0
        self.refusal = ""

    def is_down(self, *, at_end: bool = False) -> bool:
        """Whether the vendor is down; `refusal` then says why, and the newest failures are dropped.

        Args:
            at_end: the batch is complete; fewer failures are then enough to check, because few members may be due.
        """
        newest = self.outcomes[self._judged :]
        failed = sum(one.status == "failed" for one in newest)
        many = (at_end or len(newest) >= FEWEST_FOR_OUTAGE) and failed > OUTAGE_SHARE * len(newest)
        if self._refusals < (1 if at_end else REFUSALS_IN_A_ROW) and not many:
            return False
        alive = next(fund.price_symbol for fund in load_universe().values() if fund.price_symbol)
        try:
            member_prices.fetch_bars(alive, _NOTHING_KNOWN, self._today - _DAYS_OF_A_FUND, self._today, self._client)
        except Exception as error:  # noqa: BLE001 whatever it is, it is no answer
            _log.debug("asking for %s failed", alive, exc_info=True)
            said = " ".join(str(error).split())[:300]
            self.refusal = f"{failed} of the last {len(newest)} requests failed, and the one for {alive} too: {said}"
            self.outcomes = self.outcomes[: self._judged] + [one for one in newest if one.status != "failed"]
            return True
        self._judged, self._refusals = len(self.outcomes), 0
        return False

    def ask(self, symbol: str, known: pl.DataFrame) -> None:
        self.asked += 1
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
            pl.concat(self._bars).write_parquet(buffer, metadata={_FETCHED: "yes"})
            write_document(
                landing.own, vendor=member_prices.VENDOR, kind=member_prices.KIND, symbol=member_prices.MARKET,
                retrieved_at=retrieved_at, extension="parquet", content=buffer.getvalue(),
            )  # fmt: skip


def _progress(asked: int, of: int, seconds: float) -> str:
    """How far the fetch is, with a bar and an estimate of what is left."""
    minutes, rest = divmod(round(seconds / asked * (of - asked)), 60)
    filled = round(20 * asked / of)
    return f"members {'#' * filled}{'.' * (20 - filled)} {asked:,} of {of:,}, about {minutes} min {rest} s left"

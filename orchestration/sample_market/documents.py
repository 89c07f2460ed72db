"""Every document of the sample market, by vendor and retrieval time. Bytes are generated on request."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, partial

import polars as pl

from orchestration.sample_market import (
    french_files,
    invesco_files,
    ishares_files,
    member_bars,
    schwab_files,
    ssga_files,
    truths,
    vanguard_files,
    yahoo_fund_data,
    yahoo_quotes,
)
from orchestration.sample_market.holdings import screener_table
from orchestration.sample_market.market_paths import Days, Paths, market_paths, position
from orchestration.sample_market.membership import index_style
from orchestration.sample_market.price_history import History, history
from orchestration.sample_market.rates import MACRO, series_file
from orchestration.sample_market.streams import DEFAULT_SEED
from orchestration.sample_market.yahoo_tables import price_document
from orchestration.universe import Fund, load_universe

__all__ = ["DEFAULT_SEED", "SampleDocument", "sample_documents"]

_RATE_SERIES = ("DFEDTAR", "DFEDTARL", "DFEDTARU", "DFF", *MACRO, "USREC")
_RUSSELL_2000_FUND = "IWM"

# fund, as-of date, seed -> bytes
_Snapshot = Callable[[Fund, date, int], bytes]


@dataclass(frozen=True)
class SampleDocument:
    """One document for landing; `build` generates its bytes, always the same."""

    vendor: str
    kind: str
    symbol: str
    retrieved_at: datetime
    extension: str
    declared_as_of: date | None
    build: Callable[[], bytes]


def sample_documents(vendor: str, kind: str, sessions: pl.DataFrame, seed: int = DEFAULT_SEED) -> list[SampleDocument]:
    """The documents of one vendor up to the sample market's clock, symbol by symbol, oldest first.

    Args:
        sessions: the calendar, with a column `session` that reaches at least to `truths.PARTIAL_SESSION`.

    Raises:
        KeyError: the sample market has no such vendor or kind.
    """
    makers: dict[tuple[str, str], Callable[[], Iterator[SampleDocument]]] = {
        ("yahoo", "prices"): lambda: _prices(sessions, seed),
        ("yahoo", "member_prices"): lambda: _member_prices(sessions, seed),
        ("yahoo", "market_caps"): lambda: _market_caps(seed),
        ("yahoo", "fund_data"): lambda: _fund_data(sessions, seed),
        ("yahoo", "quotes"): lambda: _quotes(sessions, seed),
        ("ishares", "holdings"): lambda: _ishares(sessions, seed),
        ("ssga", "holdings"): lambda: _ssga(seed),
        ("invesco", "holdings"): lambda: _invesco(seed),
        ("vanguard", "holdings"): lambda: _vanguard(seed),
        ("schwab", "holdings"): lambda: _schwab(seed),
        ("fred", "rates"): lambda: _rates(seed),
        ("french", "factors"): lambda: _factors(sessions, seed),
    }
    return list(makers[vendor, kind]())


def _prices(sessions: pl.DataFrame, seed: int) -> Iterator[SampleDocument]:
    paths = _paths(sessions, seed)
    for symbol, fund in _priced_funds().items():
        bars = lru_cache(partial(_bars, fund, paths, seed))
        for retrieved_at in truths.PRICE_RETRIEVALS:
            if date.fromisoformat(fund.inception) >= retrieved_at.date():
                continue
            build = partial(_price_document, bars, retrieved_at)
            yield SampleDocument("yahoo", "prices", symbol, retrieved_at, "parquet", None, build)


def _member_prices(sessions: pl.DataFrame, seed: int) -> Iterator[SampleDocument]:
    """Each retrieval as documents of some hundred members, one a minute."""
    market = lru_cache(lambda: member_bars.market(_paths(sessions, seed)(), load_universe(), seed))
    for retrieved_at in truths.MEMBER_RETRIEVALS:
        for batch in range(member_bars.batches(retrieved_at)):
            build = partial(_member_document, market, retrieved_at, batch)
            yield SampleDocument("yahoo", "member_prices", "US", retrieved_at + timedelta(minutes=batch), "parquet", None, build)


def _market_caps(seed: int) -> Iterator[SampleDocument]:
    build = partial(screener_table, seed)
    yield SampleDocument("yahoo", "market_caps", "US", truths.MARKET_CAPS_RETRIEVED, "parquet", None, build)


def _member_document(market: Callable[[], member_bars.Market], retrieved_at: datetime, batch: int) -> bytes:
    return member_bars.document(market(), retrieved_at, batch)


def _priced_funds() -> dict[str, Fund]:
    return {fund.price_symbol: fund for fund in load_universe().values() if fund.price_symbol}


def _paths(sessions: pl.DataFrame, seed: int) -> Callable[[], Paths]:
    shown = sessions["session"].filter(sessions["session"].is_between(truths.FIRST_SESSION, truths.PARTIAL_SESSION)).sort()
    return lru_cache(lambda: market_paths(shown.to_numpy().astype("datetime64[D]"), seed))


def _fund_data(sessions: pl.DataFrame, seed: int) -> Iterator[SampleDocument]:
    paths = _paths(sessions, seed)
    for fund in _priced_funds().values():
        bars = lru_cache(partial(_bars, fund, paths, seed))
        for as_of in truths.OTHER_SNAPSHOTS:
            if date.fromisoformat(fund.inception) >= as_of:
                continue
            retrieved_at = datetime.combine(as_of + timedelta(days=1), time(1, 5), UTC)
            build = partial(_fund_data_document, fund, bars, as_of, seed)
            yield SampleDocument("yahoo", "fund_data", fund.fund, retrieved_at, "json", None, build)


def _fund_data_document(fund: Fund, bars: Callable[[], History], as_of: date, seed: int) -> bytes:
    return yahoo_fund_data.json_document(fund, bars(), as_of, seed)


def _quotes(sessions: pl.DataFrame, seed: int) -> Iterator[SampleDocument]:
    paths, days = _paths(sessions, seed), sessions["session"].sort().to_numpy().astype("datetime64[D]")
    for fund in _priced_funds().values():
        bars = lru_cache(partial(_bars, fund, paths, seed))
        for retrieved_at in truths.QUOTE_RETRIEVALS:
            is_asked = retrieved_at not in truths.QUOTES_BEFORE_OPEN or fund.fund == _RUSSELL_2000_FUND
            if is_asked and date.fromisoformat(fund.inception) < retrieved_at.date():
                build = partial(_quotes_document, fund, bars, days, retrieved_at, seed)
                yield SampleDocument("yahoo", "quotes", fund.fund, retrieved_at, "parquet", None, build)


def _quotes_document(fund: Fund, bars: Callable[[], History], days: Days, retrieved_at: datetime, seed: int) -> bytes:
    return yahoo_quotes.document(fund, bars(), days, retrieved_at, seed)


def _bars(fund: Fund, paths: Callable[[], Paths], seed: int) -> History:
    return history(fund, paths(), seed)


def _price_document(bars: Callable[[], History], retrieved_at: datetime) -> bytes:
    return price_document(bars(), retrieved_at)


def _ishares(sessions: pl.DataFrame, seed: int) -> Iterator[SampleDocument]:
    paths = _paths(sessions, seed)
    for fund in _funds_of("ishares"):
        bars = lru_cache(partial(_bars, fund, paths, seed)) if fund.price_symbol else None
        is_russell_2000 = fund.fund == _RUSSELL_2000_FUND
        for as_of in truths.IWM_SNAPSHOTS if is_russell_2000 else _other_snapshots(fund):
            repeats = is_russell_2000 and as_of == truths.REPEATED_SNAPSHOT
            make = ishares_files.repeated_file if repeats else ishares_files.dated_file
            yield _snapshot("ishares", fund, as_of, "csv", partial(_valued_file, make, bars), seed)
            if is_russell_2000 and as_of == truths.UNDATED_COPY_OF:
                yield from _ishares_failures(fund, seed)


def _other_snapshots(fund: Fund) -> tuple[date, ...]:
    """The fund of the whole market is also known on the rank day of the reconstitution."""
    return (truths.RANK_DAY, *truths.OTHER_SNAPSHOTS) if index_style(fund) == "all" else truths.OTHER_SNAPSHOTS


def _valued_file(make: Callable[..., bytes], bars: Callable[[], History] | None, fund: Fund, as_of: date, seed: int) -> bytes:
    """A file with shares outstanding that match the fund's close on the snapshot's date, if the fund has prices."""
    if bars is None:
        return make(fund, as_of, seed)
    history = bars()
    return make(fund, as_of, seed, float(history.close[position(history.sessions, as_of)]))


def _ishares_failures(fund: Fund, seed: int) -> Iterator[SampleDocument]:
    undated = partial(ishares_files.undated_file, fund, truths.UNDATED_COPY_OF, seed)
    yield SampleDocument("ishares", "holdings", fund.fund, truths.UNDATED_COPY_RETRIEVED, "csv", None, undated)
    page = partial(ishares_files.web_page, fund)
    yield SampleDocument("ishares", "holdings", fund.fund, truths.WEB_PAGE_RETRIEVED, "csv", None, page)


def _ssga(seed: int) -> Iterator[SampleDocument]:
    for fund in _funds_of("ssga"):
        for as_of in truths.OTHER_SNAPSHOTS:
            yield _snapshot("ssga", fund, as_of, "xlsx", ssga_files.workbook, seed)


def _invesco(seed: int) -> Iterator[SampleDocument]:
    for fund in _funds_of("invesco"):
        older, newer = truths.OTHER_SNAPSHOTS
        yield _snapshot("invesco", fund, older, "csv", invesco_files.csv_file, seed)
        yield _snapshot("invesco", fund, newer, "json", invesco_files.json_file, seed)


def _vanguard(seed: int) -> Iterator[SampleDocument]:
    for fund in _funds_of("vanguard"):
        for as_of in truths.VANGUARD_SNAPSHOTS:
            yield _snapshot("vanguard", fund, as_of, "json", vanguard_files.json_file, seed, truths.VANGUARD_LAG_DAYS)


def _schwab(seed: int) -> Iterator[SampleDocument]:
    for fund in _funds_of("schwab"):
        yield _snapshot("schwab", fund, truths.HAND_DROPPED_SNAPSHOT, "csv", schwab_files.csv_file, seed)


def _snapshot(
    vendor: str, fund: Fund, as_of: date, extension: str, make: _Snapshot, seed: int, lag_days: int = 1
) -> SampleDocument:
    """A holdings file as published a number of nights later."""
    retrieved_at = datetime.combine(as_of + timedelta(days=lag_days), time(1), UTC)
    return SampleDocument(vendor, "holdings", fund.fund, retrieved_at, extension, None, partial(make, fund, as_of, seed))


def _funds_of(vendor: str) -> list[Fund]:
    return [fund for fund in load_universe().values() if fund.holdings_vendor == vendor]


def _rates(seed: int) -> Iterator[SampleDocument]:
    for series in _RATE_SERIES:
        retrievals = [(truths.RATES_RETRIEVED, "observation_date")]
        if series == "DFF":
            retrievals.insert(0, (truths.OLD_HEADER_RETRIEVED, "DATE"))
        if series == "NFCI":
            retrievals.insert(0, (truths.EARLIER_EDITION_RETRIEVED, "observation_date"))
        for retrieved_at, first_column in retrievals:
            last_day = retrieved_at.date() - timedelta(days=1)
            build = partial(series_file, series, last_day, first_column, seed)
            yield SampleDocument("fred", "rates", series, retrieved_at, "csv", None, build)


def _factors(sessions: pl.DataFrame, seed: int) -> Iterator[SampleDocument]:
    """An older edition as people keep it, and the newer one as the library sends it."""
    paths, days = _paths(sessions, seed), sessions["session"].sort().to_numpy().astype("datetime64[D]")
    makers = (("csv", french_files.kept_csv), ("zip", french_files.archive))
    for (retrieved_at, last_day), (extension, make) in zip(truths.FACTOR_EDITIONS, makers, strict=True):
        build = partial(_edition, make, days, paths, last_day, seed)
        yield SampleDocument("french", "factors", "daily", retrieved_at, extension, None, build)


def _edition(make: Callable[..., bytes], days: Days, paths: Callable[[], Paths], last_day: date, seed: int) -> bytes:
    return make(days, paths(), last_day, seed)

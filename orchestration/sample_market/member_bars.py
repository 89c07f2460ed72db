"""The bars of the members of the small, the large and the technology index, with the planted events.

Each company follows its index with noise of its own. Prices are on the split basis of the retrieval, as a vendor sends them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO

import numpy as np
import polars as pl

from orchestration.sample_market import truths
from orchestration.sample_market.companies import LARGE_CLASS, LISTED, SMALL_CLASS, TICKER_CHANGES, companies
from orchestration.sample_market.market_paths import Days, Floats, Paths, position
from orchestration.sample_market.membership import members
from orchestration.sample_market.streams import stream
from orchestration.universe import Fund

_UNIVERSES = ("IWM", "SPY", "QQQ")
_OWN_VOLATILITY = 0.012
_OPENING, _WICK = 0.004, 0.006
_MEAN_VOLUME = 4e5
# Positions of the companies with planted events: members of the small index after the reconstitution, or only before it.
STOPPED, SPLIT, WITHOUT_PRICES, CROSSED = 1100, 1200, 1400, 1500
LATE = (1600, 1610, 1620)
DELISTED = LISTED - 3


@dataclass(frozen=True)
class Market:
    """Bars by company (rows) and session (columns) on the newest split basis; `close` is NaN where there is no bar.

    `places`: the companies' positions (n,); `symbols`: in the vendor's spelling, before and after the ticker change.
    """

    sessions: Days
    places: np.ndarray
    symbols: dict[int, str]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


def ipo_place(seed: int) -> int:
    """The company with the planted first session: one that joins the small index at the reconstitution."""
    listed = companies(seed)
    newcomers = np.flatnonzero(listed.small_after & ~listed.small_before & (np.arange(listed.cap.size) > SPLIT))
    return int(newcomers[0])


def batches(retrieved_at: datetime) -> int:
    """The number of documents of a retrieval: the later ones have few sessions of each member."""
    return truths.MEMBER_DOCUMENTS if retrieved_at == truths.MEMBER_RETRIEVALS[0] else 1


def market(paths: Paths, universe: Mapping[str, Fund], seed: int) -> Market:
    """Every company that was a member of one of the universes."""
    listed = companies(seed)
    days = (truths.RECONSTITUTION, truths.OTHER_SNAPSHOTS[0], truths.OTHER_SNAPSHOTS[-1])
    places = np.unique(np.concatenate([members(universe[name], day, listed) for name in _UNIVERSES for day in days]))
    first = position(paths.sessions, truths.FIRST_MEMBER_SESSION)
    last = position(paths.sessions, truths.PARTIAL_SESSION)
    sessions = paths.sessions[first:last]
    draws = stream(seed, "member bars")
    shape = (places.size, sessions.size)
    is_large = listed.large_after[places] | (places >= LISTED)
    moves = draws.standard_normal(shape, dtype=np.float32).astype(np.float64) * _OWN_VOLATILITY
    for factor, follows in (("large", is_large), ("small", ~is_large)):
        log_close = paths.log_close[factor][first:last]
        moves[follows] += np.diff(log_close, prepend=log_close[0])
    shock = _planted_thrust(sessions)
    small = np.diff(paths.log_close["small"][first:last], prepend=0.0)
    moves[~is_large] += np.where(shock != 0, shock - small, 0.0)  # the members leave their index alone for these sessions
    begin, end = (position(sessions, day) for day in truths.DIVERGENCE)
    moves[is_large, begin : end + 1] += truths.DIVERGENCE_DRIFT
    log_price = np.cumsum(moves, axis=1)
    at_reconstitution = log_price[:, [position(sessions, truths.RECONSTITUTION)]]
    price = (listed.cap / listed.shares)[places, None] * np.exp(log_price - at_reconstitution)
    # Whole cents on the newest and on the old split basis.
    close = np.maximum(np.round(price, 2), 0.05)
    previous = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    noise = draws.standard_normal((3, *shape), dtype=np.float32)
    opening = np.maximum(np.round(previous * (1 + _OPENING * noise[0]), 2), 0.05)
    high = np.round(np.maximum(opening, close) * (1 + _WICK * np.abs(noise[1])), 2)
    low = np.maximum(np.round(np.minimum(opening, close) * (1 - _WICK * np.abs(noise[2])), 2), 0.01)
    volume = np.round(_MEAN_VOLUME / 200 * np.exp(noise[1] * 0.5 + np.abs(moves) * 10)) * 200
    close[_has_no_bar(places, sessions, seed)] = np.nan
    return Market(sessions, places, _symbols(seed), opening, high, low, close, volume)


def _planted_thrust(sessions: Days) -> Floats:
    shock = np.zeros(sessions.size)
    for (first, last), move in ((truths.THRUST_FALL, -truths.THRUST_MOVE), (truths.THRUST_RISE, truths.THRUST_MOVE)):
        shock[position(sessions, first) : position(sessions, last) + 1] = move
    return shock


def _has_no_bar(places: np.ndarray, sessions: Days, seed: int) -> np.ndarray:
    missing = np.zeros((places.size, sessions.size), dtype=bool)
    missing[:, sessions == np.datetime64(truths.MEMBERS_MISSING_SESSION)] = True
    for place, last in ((DELISTED, truths.DELISTED_LAST_SESSION), (STOPPED, truths.STOPPED_LAST_SESSION)):
        missing[np.ix_(places == place, sessions > np.datetime64(last))] = True
    missing[np.ix_(places == ipo_place(seed), sessions < np.datetime64(truths.IPO_FIRST_SESSION))] = True
    return missing


def _symbols(seed: int) -> dict[int, str]:
    """By position, in Yahoo's spelling: a share class has a hyphen."""
    listed = companies(seed).table["ticker"].to_list()
    classes = {LARGE_CLASS: truths.LARGE_CLASS_TICKER["ssga"], SMALL_CLASS: truths.SMALL_CLASS_TICKER["ssga"]}
    return {place: classes.get(place, ticker).replace(".", "-") for place, ticker in enumerate(listed)}


def document(market: Market, retrieved_at: datetime, batch: int) -> bytes:
    """One document of a retrieval as Parquet."""
    rows = slice(None)
    if batches(retrieved_at) > 1:
        rows = slice(batch * truths.MEMBERS_A_DOCUMENT, (batch + 1) * truths.MEMBERS_A_DOCUMENT)
    buffer = BytesIO()
    _table(market, retrieved_at, rows).write_parquet(buffer, compression_level=1)
    return buffer.getvalue()


def _table(market: Market, retrieved_at: datetime, rows: slice) -> pl.DataFrame:
    today = retrieved_at.date()
    is_shown = (market.sessions <= np.datetime64(today)) & (market.sessions < np.datetime64(truths.PARTIAL_SESSION))
    places = market.places[rows]
    wanted = np.tile(is_shown & (market.sessions >= _first_wanted(market.sessions, retrieved_at)), (places.size, 1))
    # After a split and under a new ticker, the whole history is asked for once.
    if retrieved_at == truths.MEMBER_RETRIEVALS[1]:
        wanted[np.isin(places, (SPLIT, TICKER_CHANGES))] = is_shown
    if retrieved_at == truths.MEMBER_RETRIEVALS[1]:
        wanted[np.ix_(np.isin(places, LATE), market.sessions == np.datetime64(truths.LATE_MEMBER_SESSION))] = False
    wanted &= ~np.isnan(market.close[rows])
    of_company, of_session = np.nonzero(wanted)
    symbols = pl.Series([_symbol(market, int(place), today) for place in places])
    later_split = truths.MEMBER_SPLIT_RATIO if today < truths.MEMBER_SPLIT else 1.0
    basis = np.where(places == SPLIT, later_split, 1.0)[of_company]
    columns = {name: getattr(market, name)[rows][of_company, of_session] for name in ("open", "high", "low", "close")}
    table = pl.DataFrame(
        {
            "symbol": symbols.gather(of_company),
            "session": market.sessions[of_session],
            **{name: values * basis for name, values in columns.items()},
            "volume": market.volume[rows][of_company, of_session] / basis,
        }
    ).with_columns(pl.col("session").cast(pl.Date))
    return _with_faults(table, market)


def _first_wanted(sessions: Days, retrieved_at: datetime) -> np.datetime64:
    """The first session that a retrieval asks for."""
    turn = truths.MEMBER_RETRIEVALS.index(retrieved_at)
    if turn == 0:
        return np.datetime64(truths.FIRST_MEMBER_SESSION)
    known = position(sessions, truths.MEMBER_RETRIEVALS[turn - 1].date())
    first: np.datetime64 = sessions[max(known - truths.MEMBER_OVERLAP_SESSIONS, 0)]
    return first


def _symbol(market: Market, place: int, today: date) -> str:
    changed = place == TICKER_CHANGES and today >= truths.TICKER_CHANGED_ON
    return truths.TICKER_AFTER if changed else market.symbols[place]


def _with_faults(table: pl.DataFrame, market: Market) -> pl.DataFrame:
    """A volume without prices, and a high below its low."""

    def is_fault(place: int, session: date) -> pl.Expr:
        return (pl.col("symbol") == market.symbols[place]) & (pl.col("session") == session)

    without, crossed = (
        is_fault(WITHOUT_PRICES, truths.MEMBER_WITHOUT_PRICES_SESSION),
        is_fault(CROSSED, truths.MEMBER_CROSSED_SESSION),
    )
    return table.with_columns(
        pl.when(without).then(float("nan")).otherwise(pl.col(name)).alias(name) for name in ("open", "high", "low", "close")
    ).with_columns(pl.when(crossed).then(pl.col("low") * 0.9).otherwise(pl.col("high")).alias("high"))

"""The simulated history of one symbol: bars, dividends and splits, on the newest split basis."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from orchestration.sample_market import truths
from orchestration.sample_market.market_paths import SESSIONS_A_YEAR, Days, Floats, Paths, hovering, position
from orchestration.sample_market.streams import stream
from orchestration.universe import Fund

_FACTOR_OF = {"SPY": "large", "IWM": "small", "QQQ": "technology"}
_SYMBOL_OF = {factor: symbol for symbol, factor in _FACTOR_OF.items()}
_INDEX_OF = {"large": "s&p 500", "small": "russell 2000", "technology": "nasdaq 100"}
_MEAN_VOLUME = {"SPY": 78e6, "IWM": 31e6, "QQQ": 46e6}
_OTHER_VOLUME = 3e6
_TRACKING_NOISE = 0.0003
_OTHER_INDEX_NOISE, _OTHER_INDEX_MEMORY = 0.0012, 0.97
_DIVIDEND_MONTHS = (3, 6, 9, 12)
_SMALL_INDEX_WORDS = ("2000", "small", "600")


@dataclass(frozen=True)
class History:
    """Arrays with one value per session (n,): dollars per share on the newest split basis, volume in shares.

    `dividend`, and `split` (new shares per old share), are zero except on ex-dates.
    """

    symbol: str
    sessions: Days
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    dividend: Floats
    split: Floats


def factor_of(fund: Fund) -> str:
    """The factor that a fund follows: its own, or that of its index."""
    if fund.price_symbol in _FACTOR_OF:
        return _FACTOR_OF[fund.price_symbol]
    index = fund.index_name.lower()
    if any(word in index for word in _SMALL_INDEX_WORDS):
        return "small"
    return "technology" if "nasdaq" in index else "large"


def history(fund: Fund, paths: Paths, seed: int) -> History:
    """One symbol's bars from its inception, or from the first session of the market."""
    symbol = str(fund.price_symbol)
    draws = stream(seed, f"bars of {symbol}")
    first = position(paths.sessions, date.fromisoformat(fund.inception))
    sessions = paths.sessions[first:]
    log_close = paths.log_close[factor_of(fund)][first:]
    if symbol not in _FACTOR_OF:
        log_close = log_close + hovering(draws.standard_normal(sessions.size) * _TRACKING_NOISE, 0.9) + draws.uniform(-0.5, 0.5)
        log_close = log_close + _cheaper(fund) * np.arange(sessions.size) + _index_difference(fund, paths, seed)[first:]
    ex_dates = _ex_dates(symbol, sessions, draws)
    quarterly = truths.DIVIDEND_YIELD_A_YEAR.get(symbol, 0.013) / 4
    log_close = log_close + np.cumsum(ex_dates * np.log1p(-quarterly))
    close = np.round(np.exp(log_close), 2)
    dividend = np.where(ex_dates, np.round(np.roll(close, 1) * quarterly, 3), 0.0)
    opening, high, low = _around(close, draws)
    volume = _volume(symbol, close, draws)
    return History(symbol, sessions, opening, high, low, close, volume, dividend, _splits(symbol, sessions))


def expense_ratio(symbol: str) -> float:
    """Annual costs as a fraction of the fund's assets."""
    return truths.EXPENSE_RATIO.get(symbol, truths.OTHER_EXPENSE_RATIO)


def _cheaper(fund: Fund) -> float:
    """The gain per session over the factor's main fund, from lower costs."""
    leader = _SYMBOL_OF[factor_of(fund)]
    return (expense_ratio(leader) - expense_ratio(str(fund.price_symbol))) / SESSIONS_A_YEAR


def _index_difference(fund: Fund, paths: Paths, seed: int) -> Floats:
    """The deviation of an index from its factor (n,), the same for all funds that follow it."""
    index = fund.index_name.lower()
    if index == _INDEX_OF[factor_of(fund)]:
        return np.zeros(paths.sessions.size)
    noise = stream(seed, f"index {index}").standard_normal(paths.sessions.size) * _OTHER_INDEX_NOISE
    return hovering(noise, _OTHER_INDEX_MEMORY)


def _around(close: Floats, draws: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Open, high and low consistent with the closes (n,)."""
    previous = np.concatenate([close[:1], close[:-1]])
    opening = np.round(previous * np.exp(draws.normal(0.0, 0.0035, close.size)), 2)
    high = np.round(np.maximum(opening, close) * np.exp(np.abs(draws.normal(0.0, 0.004, close.size))), 2)
    low = np.round(np.minimum(opening, close) * np.exp(-np.abs(draws.normal(0.0, 0.004, close.size))), 2)
    return opening, high, low


def _volume(symbol: str, close: Floats, draws: np.random.Generator) -> Floats:
    """Shares per session (n,), more on days with large moves, in whole hundreds also on the old split basis."""
    move = np.abs(np.diff(np.log(close), prepend=np.log(close[0])))
    mean = _MEAN_VOLUME.get(symbol, _OTHER_VOLUME)
    shares = mean * np.exp(draws.normal(-0.1, 0.25, close.size) + 15 * (move - move.mean()))
    return np.asarray(np.round(shares / 200) * 200, dtype=np.float64)


def _ex_dates(symbol: str, sessions: Days, draws: np.random.Generator) -> Floats:
    """1 on ex-dividend sessions, otherwise 0 (n,); never on the first session, which has no previous close."""
    day = truths.DIVIDEND_DAY.get(symbol, int(draws.integers(12, 25)))
    last = sessions[-1].astype(date)
    flags = np.zeros(sessions.size)
    for year in range(sessions[0].astype(date).year, last.year + 1):
        for month in _DIVIDEND_MONTHS:
            if sessions[0].astype(date) < date(year, month, day) <= last:
                flags[position(sessions, date(year, month, day))] = 1.0
    flags[0] = 0.0
    return flags


def _splits(symbol: str, sessions: Days) -> Floats:
    splits = np.zeros(sessions.size)
    for (whose, ex_date), ratio in truths.SPLITS.items():
        if whose == symbol:
            splits[sessions == np.datetime64(ex_date)] = ratio
    return splits

"""A hundred simulated years of daily factors, as Kenneth French's library writes them: the archive, and the CSV that people keep.

Before the funds begin the factors have paths of their own; from then on the market is SPY's and small minus large IWM's less
SPY's, with some noise. The size phases are planted: while one lasts, small companies gain or lose by a steady drift.
"""

import io
import zipfile
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from orchestration.sample_market import truths
from orchestration.sample_market.market_paths import SESSIONS_A_YEAR, Days, Floats, Paths, position
from orchestration.sample_market.rates import funds_rate
from orchestration.sample_market.streams import stream

_MARKET_DRIFT, _MARKET_VOLATILITY = 0.0003, 0.006
_SIZE_VOLATILITY, _VALUE_VOLATILITY = 0.0035, 0.004
_FUND_NOISE = 0.0008
_EARLY_CASH = 1.0  # percent a year, before FRED has a rate
_REVISED_SHARE, _LARGEST_REVISION = 0.3, 3  # of the days, and in hundredths of a percent
_HOLIDAYS = ("01-01", "07-04", "12-25")
_MEMBER = "F-F_Research_Data_Factors_daily.CSV"
_ZIP_TIME = (2026, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Factors:
    """Arrays of one value a day (n,): percent a session, as the file gives them."""

    days: Days
    market_excess: Floats
    small_minus_large: Floats
    high_minus_low: Floats
    risk_free: Floats


def kept_csv(sessions: Days, paths: Paths, last_day: date, seed: int) -> bytes:
    """An older edition as people keep it: the table alone, and no line end behind it."""
    rows = _rows(factors(sessions, paths, last_day, seed, is_revised=False))
    return "\n".join(["Date,Mkt-RF,SMB,HML,RF", *rows]).encode()


def archive(sessions: Days, paths: Paths, last_day: date, seed: int) -> bytes:
    """The newer edition as the library sends it; it revises the whole history."""
    preamble = [
        f"This file was created by using the {last_day:%Y%m} simulated database.",
        "The Tbill return is the simple daily rate that, over the number of trading days",
        "in the month, compounds to 1-month TBill rate.",
        "",
        ",Mkt-RF,SMB,HML,RF",
    ]
    rows = _rows(factors(sessions, paths, last_day, seed, is_revised=True))
    text = "\r\n".join([*preamble, *rows, "", "Simulated, not Kenneth R. French's data", ""])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(zipfile.ZipInfo(_MEMBER, _ZIP_TIME), text.encode("latin-1"), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def factors(sessions: Days, paths: Paths, last_day: date, seed: int, *, is_revised: bool) -> Factors:
    """The factors to a day.

    Args:
        sessions: the exchange's calendar; the days before it are the file's own.
        paths: the prices of the companies, from `truths.FIRST_SESSION` on.
    """
    every_day = factor_days(sessions)
    count = every_day.size
    market = _MARKET_DRIFT + _MARKET_VOLATILITY * stream(seed, "factors: market").standard_t(7, count) * np.sqrt(5 / 7)
    drift = truths.SIZE_DRIFT * size_phases(every_day, seed)
    size = drift + _SIZE_VOLATILITY * stream(seed, "factors: size").standard_normal(count)
    value = _VALUE_VOLATILITY * stream(seed, "factors: value").standard_normal(count)
    first = position(every_day, truths.FIRST_SESSION) + 1
    overlap = slice(first, first + paths.sessions.size - 1)
    noise = _FUND_NOISE * stream(seed, "factors: funds").standard_normal((2, paths.sessions.size - 1))
    large, small = (np.expm1(np.diff(paths.log_close[factor])) for factor in ("large", "small"))
    market[overlap] = large + noise[0]
    size[overlap] = small - large + noise[1]
    cash = np.round(_cash(every_day, seed) / SESSIONS_A_YEAR, 3)
    columns = [np.round(100 * market - cash, 2), np.round(100 * size, 2), np.round(100 * value, 2)]
    if is_revised:
        draws = stream(seed, "factors: revision")
        revisions = draws.integers(-_LARGEST_REVISION, _LARGEST_REVISION + 1, (len(columns), count)) / 100
        is_changed = draws.random((len(columns), count)) < _REVISED_SHARE
        columns = [column + change for column, change in zip(columns, np.where(is_changed, revisions, 0.0), strict=True)]
    shown = every_day <= np.datetime64(last_day)
    return Factors(every_day[shown], *(column[shown] for column in (*columns, cash)))


def factor_days(sessions: Days) -> Days:
    """The days of the file: Mondays to Saturdays until May 1952, then to Fridays; from its first session on the calendar."""
    days = np.arange(np.datetime64(truths.FIRST_FACTOR_DAY), sessions[0])
    weekday = (days.astype("datetime64[D]").view("int64") - 4) % 7  # 1970-01-01 was a Thursday: 0 is a Monday
    is_open = (weekday < 5) | ((weekday == 5) & (days < np.datetime64(truths.LAST_SATURDAY + timedelta(days=1))))
    return np.concatenate([days[is_open & ~_is_holiday(days)], sessions])


def _is_holiday(days: Days) -> NDArray[np.bool_]:
    month_and_day = np.array([text[5:] for text in days.astype(str).tolist()])
    return np.isin(month_and_day, _HOLIDAYS)


def size_phases(days: Days, seed: int) -> Floats:
    """Plus one while small companies gain on large ones, minus one while they lose (n,), before the funds begin."""
    shortest, longest = truths.SIZE_PHASE_SESSIONS
    lengths = stream(seed, "factors: phases").integers(shortest, longest + 1, days.size // shortest + 1)
    signs = np.where(np.arange(lengths.size) % 2 == 0, 1.0, -1.0)
    return np.repeat(signs, lengths)[: days.size]


def _cash(days: Days, seed: int) -> Floats:
    """What money cost, in percent a year (n,)."""
    return np.where(days < np.datetime64(truths.FIRST_FUNDS_DAY), _EARLY_CASH, funds_rate(days))


def _rows(edition: Factors) -> list[str]:
    days = [text.replace("-", "") for text in edition.days.astype(str).tolist()]
    columns = (edition.market_excess, edition.small_minus_large, edition.high_minus_low, edition.risk_free)
    return [
        f"{day},{m:8.2f},{s:8.2f},{h:8.2f},{r:8.3f}"
        for day, m, s, h, r in zip(days, *[column.tolist() for column in columns], strict=True)
    ]

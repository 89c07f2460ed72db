"""The policy rate with planted cycles, the effective rate, and the recession months, as FRED's CSV files."""

from datetime import date, timedelta

import numpy as np

from orchestration.sample_market import truths
from orchestration.sample_market.market_paths import Days, Floats
from orchestration.sample_market.streams import stream

_HALF_RANGE = 0.125
# The fixing of a day is published on the next day, so the newest one is missing.
_FIXING_DELAY = timedelta(days=2)


def series_file(series: str, last_day: date, first_column: str, seed: int) -> bytes:
    """One series up to a day, in percent per year, with FRED's header."""
    days, values = recession_months(last_day) if series == "USREC" else series_values(series, last_day, seed)
    texts = [f"{day},{_text(day, value, series)}" for day, value in zip(days.astype(str).tolist(), values.tolist(), strict=True)]
    return "\n".join([f"{first_column},{series}", *texts, ""]).encode()


def series_values(series: str, last_day: date, seed: int) -> tuple[Days, Floats]:
    """Calendar days (n,) and percent per year (n,) of DFEDTAR, DFEDTARL, DFEDTARU or DFF."""
    days = np.arange(np.datetime64(truths.FIRST_RATE_DAY), np.datetime64(last_day + timedelta(days=1)))
    level = upper_bound(days)
    in_range = days >= np.datetime64(truths.RANGE_BEGINS)
    if series == "DFEDTAR":
        return days[~in_range], level[~in_range]
    if series == "DFEDTARU":
        return days[in_range], level[in_range]
    if series == "DFEDTARL":
        return days[in_range], level[in_range] - 2 * _HALF_RANGE
    early = np.arange(np.datetime64(truths.FIRST_FUNDS_DAY), days[0])
    published = days <= np.datetime64(last_day + timedelta(days=1) - _FIXING_DELAY)
    middle = level - np.where(in_range, _HALF_RANGE, 0.0)
    # Drawn for the whole history, so that earlier and later files agree.
    noise = stream(seed, "overnight rate").normal(0.0, 0.02, 20_000)[: days.size]
    fixings = np.asarray(np.round(np.maximum(middle + noise, 0.01), 2), dtype=np.float64)
    early_noise = stream(seed, "early overnight rate").normal(0.0, 0.02, early.size)
    early_fixings = np.round(funds_rate(early) + early_noise, 2)
    return np.concatenate([early, days[published]]), np.concatenate([early_fixings, fixings[published]])


def recession_months(last_day: date) -> tuple[Days, Floats]:
    """First days of months (n,) to the last whole one, and 1 in a recession, else 0 (n,)."""
    months = np.arange(np.datetime64(truths.FIRST_RECESSION_MONTH, "M"), np.datetime64(last_day + timedelta(days=1), "M"))
    days = months.astype("datetime64[D]")
    flags = np.zeros(days.size)
    for first, last in truths.RECESSIONS:
        flags[(days >= np.datetime64(first)) & (days <= np.datetime64(last))] = 1.0
    return days, flags


def upper_bound(days: Days) -> Floats:
    """The target, and from `RANGE_BEGINS` on its upper bound, in percent (n,)."""
    return _level(days, truths.FIRST_TARGET, truths.RATE_CYCLES)


def funds_rate(days: Days) -> Floats:
    """What money costs overnight but for its noise, since `FIRST_FUNDS_DAY`, in percent (n,)."""
    return _level(days, truths.EARLY_RATE, (*truths.EARLY_RATE_CYCLES, *truths.RATE_CYCLES))


def _level(days: Days, begin: float, cycles: tuple[truths.RateCycle, ...]) -> Floats:
    level = np.full(days.size, begin)
    for cycle in cycles:
        for move in range(cycle.moves):
            level += np.where(days >= np.datetime64(cycle.first + timedelta(days=cycle.days * move)), cycle.step, 0.0)
    return level


def _text(day: str, value: float, series: str) -> str:
    if series == "DFF" and day == truths.MISSING_RATE_DAY.isoformat():
        return "."
    return str(value)

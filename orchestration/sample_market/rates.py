"""The policy rate with planted cycles, other rates and indices that follow it, and the recession months, as FRED's CSV files."""

from datetime import date, timedelta

import numpy as np

from orchestration.sample_market import truths
from orchestration.sample_market.market_paths import Days, Floats
from orchestration.sample_market.streams import stream

_HALF_RANGE = 0.125
MACRO = ("T10Y2Y", "BAA10Y", "NFCI", "DGS10", "DGS3MO", "VIXCLS")
# The fixing of a day is published on the next day, so the newest one is missing.
_FIXING_DELAY = timedelta(days=2)


def series_file(series: str, last_day: date, first_column: str, seed: int) -> bytes:
    """One series up to a day, in percent per year, with FRED's header."""
    if series == "USREC":
        days, values = recession_months(last_day)
    else:
        days, values = (macro_values if series in MACRO else series_values)(series, last_day, seed)
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


def macro_values(series: str, last_day: date, seed: int) -> tuple[Days, Floats]:
    """Days (n,) and values (n,) of a series of `MACRO`: weekdays, NFCI on Fridays. Missing values are NaN."""
    # Drawn for the whole history, so that earlier and later files agree.
    every = np.arange(np.datetime64(truths.FIRST_RATE_DAY), np.datetime64(truths.FIRST_RATE_DAY) + 20_000)
    weekday = (every.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    years = np.arange(every.size) / 365.25

    def noise(name: str, size: float) -> Floats:
        return stream(seed, name).normal(0.0, size, every.size)

    bill = np.maximum(upper_bound(every) - 0.1 + noise("bill", 0.01), 0.01)
    slope = 0.9 + 0.7 * np.sin(2 * np.pi * years / 7.3) + noise("slope", 0.03)
    stress = 8.0 * np.sin(2 * np.pi * years / 4.1) ** 6
    values = {
        "DGS3MO": bill,
        "T10Y2Y": slope,
        "DGS10": np.maximum(bill + 1.2 * slope, 0.3),
        "BAA10Y": 1.8 + 0.15 * stress + noise("spread", 0.02),
        "VIXCLS": (13.0 + 2.5 * stress) * np.exp(noise("volatility", 0.05)),
        # Each edition has an estimate of its own of every week.
        "NFCI": -0.5 + 0.06 * stress + 0.002 * np.sin(years + last_day.toordinal()),
    }[series]
    shown = (weekday == 4 if series == "NFCI" else weekday < 5) & (every <= np.datetime64(last_day - timedelta(days=1)))
    days, found = every[shown], np.round(values[shown], 5 if series == "NFCI" else 2)
    is_holiday = np.isin([str(day)[5:] for day in days], truths.MACRO_HOLIDAYS) & (series != "NFCI")
    return days, np.where(is_holiday, np.nan, found)


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
    if (series == "DFF" and day == truths.MISSING_RATE_DAY.isoformat()) or np.isnan(value):
        return "."
    return str(value)

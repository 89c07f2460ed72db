"""An independent implementation of breadth, corrections, phases, seasonality and market events, with Python loops."""

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise
from statistics import mean, median

import duckdb
import numpy as np

from orchestration.settings import SEEDS_DIR
from tests.pipeline.recomputation import Path, calendar, fund_path, max_drawdown, rate_regimes, signals

# Tolerance between two ways of multiplying thousands of returns.
ROUNDING = 1e-12
Labels = dict[date, str | None]
Row = dict[str, object]


def seed(name: str) -> list[dict[str, str]]:
    """A seed's rows as text."""
    with (SEEDS_DIR / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Readings:
    """All labels of one data directory by session."""

    sessions: list[date]
    paths: dict[str, Path]
    regime: Labels
    rate_regime: Labels
    policy_rate: dict[date, float]
    breadth: dict[date, tuple[float | None, float | None, float | None, str | None]]


def readings(connection: duckdb.DuckDBPyConnection) -> Readings:
    """All labels, from raw tables only."""
    symbols = connection.execute("select distinct symbol from raw.price_bars order by symbol").fetchall()
    paths = {fund: fund_path(connection, fund) for (fund,) in symbols}
    sessions = list(calendar(connection))
    closes = {fund: dict(zip(path.sessions, path.closes, strict=True)) for fund, path in paths.items()}
    shared = sorted(closes["IWM"].keys() & closes["SPY"].keys())
    regimes = signals(np.array([closes["IWM"][s] / closes["SPY"][s] for s in shared]))["regime"]
    known = rate_regimes(connection)
    labels: Labels = {session: label for session, (label, _) in known.items()}
    rates = {session: rate for session, (_, rate) in known.items()}
    return Readings(sessions, paths, dict(zip(shared, regimes, strict=True)), labels, rates, breadth_of(paths, sessions))


def breadth_of(
    paths: dict[str, Path], sessions: list[date]
) -> dict[date, tuple[float | None, float | None, float | None, str | None]]:
    """Returns of IWM, SPY and QQQ over 63 sessions and the label, on each session with at least one of them."""
    indices = {fund: dict(zip(path.sessions, path.index, strict=True)) for fund, path in paths.items()}
    found = {}
    for before, session in zip(sessions, sessions[63:], strict=False):
        iwm, spy, qqq = (
            index[session] / index[before] - 1 if session in index and before in index else None
            for index in (indices[fund] for fund in ("IWM", "SPY", "QQQ"))
        )
        if (iwm, spy, qqq) != (None, None, None):
            found[session] = (iwm, spy, qqq, breadth_label(iwm, spy, qqq))
    return found


def breadth_label(iwm: float | None, spy: float | None, qqq: float | None) -> str | None:
    """The breadth label of three returns."""
    if iwm is None or spy is None or qqq is None:
        return None
    up = [value > 0.02 + ROUNDING for value in (iwm, spy, qqq)]
    if all(up):
        return "broad_advance"
    if up[1] and up[2] and iwm <= ROUNDING:
        return "narrow_advance"
    if up == [True, False, False]:
        return "small_cap_led"
    return "broad_decline" if max(iwm, spy, qqq) < -0.02 - ROUNDING else "mixed"


def episodes(labels: Labels) -> list[Row]:
    """Runs of at least five sessions with one label other than mixed; a session without a label does not end a run."""
    known = [(session, label) for session, label in sorted(labels.items()) if label is not None]
    runs = [(label, [session for session, _ in run]) for label, run in groupby(known, key=lambda pair: pair[1])]
    return [
        {"breadth": label, "first_session": days[0], "confirmed_on": days[4], "last_session": days[-1], "sessions": len(days),
         "is_open": days[-1] == known[-1][0]}
        for label, days in runs if label != "mixed" and len(days) >= 5
    ]  # fmt: skip


def at_a_high(spy: Path) -> list[date]:
    """The sessions whose close is the highest of 252 sessions."""
    return [spy.sessions[i] for i in range(spy.closes.size) if spy.closes[i] >= spy.closes[max(0, i - 251) : i + 1].max()]


def corrections(spy: Path) -> list[Row]:
    """Falls of at least 10 % below the highest close of 252 sessions, until the next highest close."""
    closes, days = spy.closes, spy.sessions
    highs = [i for i in range(closes.size) if closes[i] >= closes[max(0, i - 251) : i + 1].max()]
    found: list[Row] = []
    for peak, end in pairwise([*highs, closes.size]):
        below = [i for i in range(peak, end) if closes[i] <= closes[peak] * 0.9]
        if below:
            trough = min(range(peak, end), key=lambda i: closes[i])
            again = next((i for i in range(peak + 1, closes.size) if closes[i] >= closes[peak]), None)
            found.append(
                {"peak": days[peak], "confirmed_on": days[below[0]], "trough": days[trough],
                 "ended_on": days[end] if end < closes.size else None, "recovery": None if again is None else days[again],
                 "depth": closes[trough] / closes[peak] - 1}
            )  # fmt: skip
    return found


def common_days(paths: Iterable[Path]) -> set[date]:
    """Sessions on which all funds have a return over the same period."""
    spans = [
        {day: span for day, value, span in zip(path.sessions, path.returns, path.spans, strict=True) if not np.isnan(value)}
        for path in paths
    ]
    return {day for day in set.intersection(*map(set, spans)) if len({span[day] for span in spans}) == 1}


def rate_regime_returns(labels: Labels, path: Path, within: set[date] | None = None) -> dict[str, dict[str, float]]:
    """A fund's return under each label, on the session after it; only on the sessions `within`, if given."""
    days = sorted(labels)
    spells = np.cumsum([0, *(labels[a] != labels[b] for a, b in pairwise(days))])
    returns = {
        day: value
        for day, value in zip(path.sessions, path.returns, strict=True)
        if not np.isnan(value) and (within is None or day in within)
    }
    earned: dict[str, dict[int, list[float]]] = {}
    for (before, day), spell in zip(pairwise(days), spells, strict=False):
        if day in returns:
            earned.setdefault(str(labels[before]), {}).setdefault(int(spell), []).append(returns[day])
    result = {}
    for label, by_spell in earned.items():
        totals = [float(np.prod(1 + np.array(values))) - 1 for values in by_spell.values()]
        together = np.array([value for values in by_spell.values() for value in values])
        result[label] = {
            "annual_return": float(np.prod(1 + together)) ** (252 / together.size) - 1,
            "mean_spell_return": mean(totals), "median_spell_return": median(totals),
            "hit_rate": sum(total > 0 for total in totals) / len(totals), "spells": len(totals), "sessions": together.size,
        }  # fmt: skip
    return result


def months(path: Path) -> dict[int, dict[str, float]]:
    """Complete calendar months: those with a close in the previous and in the next month."""
    ends = {(day.year, day.month): value for day, value in zip(path.sessions, path.index, strict=True)}
    by_month: dict[int, list[float]] = {}
    for before, this in list(pairwise(ends))[:-1]:
        if 12 * (this[0] - before[0]) + this[1] - before[1] == 1:
            by_month.setdefault(this[1], []).append(ends[this] / ends[before] - 1)
    gains = {month: sum(value > ROUNDING for value in values) for month, values in by_month.items()}
    likely = sum(gains.values()) / sum(map(len, by_month.values()))
    found: dict[int, dict[str, float]] = {}
    for month, values in by_month.items():
        low, high = chance_band(len(values), likely)
        odds = [math.comb(len(values), n) * likely**n * (1 - likely) ** (len(values) - n) for n in range(len(values) + 1)]
        found[month] = {
            "mean_return": mean(values), "median_return": median(values), "months": len(values),
            "hit_rate": gains[month] / len(values), "chance_low": low / len(values), "chance_high": high / len(values),
            "is_beyond_chance": not low <= gains[month] <= high, "chance_beyond": 1 - sum(odds[low : high + 1]),
        }  # fmt: skip
    return found


def chance_band(count: int, likely: float) -> tuple[int, int]:
    """The numbers of wins in `count` tosses after removing at most 2.5 % of the probability at each end."""
    odds = {wins: math.comb(count, wins) * likely**wins * (1 - likely) ** (count - wins) for wins in range(count + 1)}
    low, off = 0, odds[0]
    while off <= 0.025:
        low += 1
        off += odds[low]
    high, off = count, odds[count]
    while off <= 0.025:
        high -= 1
        off += odds[high]
    return low, high


def stress(path: Path, first_day: date, last_day: date) -> Row | None:
    """Return, max drawdown and recovery of one window; empty if the history does not cover it."""
    if path.sessions[0] > first_day or path.sessions[-1] < last_day:
        return None
    start = max(i for i, day in enumerate(path.sessions) if day <= first_day)
    end = max(i for i, day in enumerate(path.sessions) if day <= last_day)
    index = path.index
    lost = index[end] < index[start]
    again = next((path.sessions[i] for i in range(end + 1, index.size) if index[i] >= index[start]), None)
    return {
        "start_session": path.sessions[start], "end_session": path.sessions[end],
        "total_return": index[end] / index[start] - 1, "recovery": again if lost else None,
        "max_drawdown": max_drawdown(index[start : end + 1], path.sessions[start : end + 1])[0],
    }  # fmt: skip

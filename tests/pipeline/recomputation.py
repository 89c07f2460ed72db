"""An independent implementation of the project's definitions with numpy and Python loops over raw rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import duckdb
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NAN = float("nan")


@dataclass(frozen=True)
class Path:
    """One fund by session: closes on the newest split basis, and the total return since the previous close."""

    sessions: list[date]
    closes: Floats
    returns: Floats
    spans: NDArray[np.int64]

    @property
    def index(self) -> Floats:
        """Total return index, one on the first session."""
        return np.cumprod(1 + np.nan_to_num(self.returns))


def newest(rows: Sequence[tuple]) -> dict:  # type: ignore[type-arg]
    """Key to value of the last observation: rows are (key, value, observed_at, document_id)."""
    found: dict = {}  # type: ignore[type-arg]
    for key, value, *when in rows:
        if key not in found or tuple(when) > found[key][1]:
            found[key] = (value, tuple(when))
    return found


def calendar(connection: duckdb.DuckDBPyConnection) -> dict[date, datetime]:
    """Opening time of each session."""
    return dict(connection.execute("select session, opens_at from raw.sessions order by session, observed_at").fetchall())


def fund_path(connection: duckdb.DuckDBPyConnection, symbol: str) -> Path:
    """A fund's history from its raw bars and actions."""
    opens = calendar(connection)
    places = {session: place for place, session in enumerate(opens)}

    def rows(statement: str) -> list[tuple]:  # type: ignore[type-arg]
        return [((row[0] if len(row) == 4 else row[:2]), *row[-3:]) for row in connection.execute(statement, [symbol]).fetchall()]

    bars = newest(rows("select session, close, observed_at, document_id from raw.price_bars where symbol = ?"))
    actions = newest(rows("select ex_date, kind, value, observed_at, document_id from raw.corporate_actions where symbol = ?"))
    splits = [(day, ratio) for (day, kind), (ratio, _) in actions.items() if kind == "split" and ratio]

    def factor(day: date, observed_at: datetime) -> float:
        return float(np.prod([ratio for ex_date, ratio in splits if day < ex_date and observed_at < opens[ex_date]]))

    sessions = sorted(bars)
    closes = np.array([bars[s][0] / factor(s, bars[s][1][0]) for s in sessions])
    paid: dict[date, float] = {}
    for (day, kind), (value, (observed_at, _)) in actions.items():
        if kind != "split" and value:
            paid[day] = paid.get(day, 0.0) + value / factor(day, observed_at)
    returns = np.full(len(sessions), NAN)
    for i in range(1, len(sessions)):
        between = sum(value for day, value in paid.items() if sessions[i - 1] < day <= sessions[i])
        returns[i] = (closes[i] + between) / closes[i - 1] - 1
    spans = np.diff([places[s] for s in sessions], prepend=-1)
    return Path(sessions, closes, returns, spans)


def _rolling(values: Floats, length: int) -> Floats:
    """Windows that end at each value (n, length); incomplete ones are NaN."""
    windows = sliding_window_view(values, length)
    return np.vstack([np.full((length - 1, length), NAN), windows])


def signals(ratio: Floats) -> dict[str, list]:  # type: ignore[type-arg]
    """Every signal column of the ratio, by session with a ratio."""
    log_ratio = np.log(ratio)
    year = _rolling(log_ratio, 252)
    steps = np.arange(63) - 31.0
    before = np.vstack([np.full((1, 126), NAN), _rolling(ratio, 126)[:-1]])
    gap = log_ratio - _rolling(log_ratio, 200).mean(axis=1)
    high, low = before.max(axis=1), before.min(axis=1)
    at_or_below = np.where(np.isnan(year[:, 0]), NAN, (_rolling(ratio, 252) <= ratio[:, None]).mean(axis=1))
    return {
        "trend_gap": list(gap),
        "slope": list(_rolling(log_ratio, 63) @ steps / (steps @ steps) * 252),
        "zscore": list((log_ratio - year.mean(axis=1)) / year.std(axis=1, ddof=1)),
        "percentile": list(at_or_below),
        "channel_high": list(high),
        "channel_low": list(low),
        "trend_break": _breaks(ratio, high, low),
        "regime": _regimes(gap),
    }


def _breaks(ratio: Floats, high: Floats, low: Floats) -> list[str | None]:
    breaks: list[str | None] = []
    side = None
    for value, top, bottom in zip(ratio, high, low, strict=True):
        now = "break_up" if value > top else "break_down" if value < bottom else None
        breaks.append(now if now and now != side else None)
        side = now or side
    return breaks


def _regimes(gap: Floats) -> list[str | None]:
    labels: list[str | None] = []
    label = None
    for value in gap:
        label = "risk_on" if value > 0.02 else "risk_off" if value < -0.02 else label
        labels.append(label)
    return labels


def max_drawdown(index: Floats, sessions: list[date]) -> tuple[float, date | None, date | None, date | None]:
    """Depth, peak, trough and recovery of the worst drawdown; of equal highs the last, of equal lows the first."""
    index = np.round(index, 10)  # equal closes give indices that may differ in the last digits
    worst, best = (0.0, None, None), 0
    for i in range(index.size):
        if index[i] >= index[best]:
            best = i
        depth = index[i] / index[best] - 1
        if depth < worst[0]:
            worst = (depth, best, i)
    depth, peak, trough = worst
    if peak is None or trough is None:
        return 0.0, None, None, None
    again = next((i for i in range(trough + 1, index.size) if index[i] >= index[peak]), None)
    return depth, sessions[peak], sessions[trough], None if again is None else sessions[again]


def rate_regimes(connection: duckdb.DuckDBPyConnection) -> dict[date, tuple[str, float]]:
    """Label and policy rate of each session, from the first move on."""
    series: dict[str, dict[date, float]] = {}
    rows = connection.execute("select series, date, value, observed_at, document_id from raw.rates").fetchall()
    for (name, day), (value, _) in newest([((n, d), v, *when) for n, d, v, *when in rows]).items():
        if value is not None:
            series.setdefault(name, {})[day] = value
    cut = date(2008, 12, 15)
    rates = {day: value / 100 for day, value in series["DFEDTAR"].items() if day <= cut}
    for day in series["DFEDTARL"].keys() & series["DFEDTARU"].keys():
        if day > cut:
            rates[day] = (series["DFEDTARL"][day] + series["DFEDTARU"][day]) / 200
    sessions = set(calendar(connection))
    labels: dict[date, tuple[str, float]] = {}
    last: tuple[date, float] | None = None
    previous = None
    for day in sorted(rates):
        if previous is not None and abs(rates[day] - previous) > 1e-6:
            last = (day, rates[day] - previous)
        previous = rates[day]
        if last is not None and day in sessions:
            is_hold = (day - last[0]).days >= 182
            label = (
                ("hold_after_hikes" if is_hold else "hiking") if last[1] > 0 else ("hold_after_cuts" if is_hold else "cutting")
            )
            labels[day] = (label, rates[day])
    return labels

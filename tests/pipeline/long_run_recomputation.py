"""The long-run labels and returns a second time, from raw rows in plain numpy."""

from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import numpy as np
from numpy.typing import NDArray

from tests.pipeline.homes import ask
from tests.pipeline.scorecard_recomputation import Market, Signal

Floats = NDArray[np.float64]
# The eras in which a difference must have one sign.
ERAS = ((date.min, date(1963, 12, 31)), (date(1964, 1, 1), date(2000, 12, 31)), (date(2001, 1, 1), date.max))
TREND, THRESHOLD, HOLD, RECOVERY, RATE_STEP = 200, 0.02, 182, 365, 0.10
HORIZONS = (21, 63, 126, 252)


@dataclass(frozen=True)
class LongRun:
    """What the raw tables say: days, their labels by signal (None where unknown), and the log indexes by target."""

    days: list[date]
    labels: dict[str, list[str | None]]
    gaps: Floats
    logs: dict[str, Floats]

    def forward(self, target: str, horizon: int) -> Floats:
        """From the next close on; nan where the history ends before."""
        logs = self.logs[target]
        returns = np.full(logs.size, np.nan)
        returns[: -1 - horizon] = np.expm1(logs[1 + horizon :] - logs[1:-horizon])
        return returns

    def market(self) -> Market:
        """In the shape of the recomputed scorecard."""
        forward = {(horizon, target): np.round(self.forward(target, horizon), 12) for horizon in HORIZONS for target in self.logs}
        return Market(self.days, np.ones(len(self.days), dtype=bool), forward)

    def signal(self, name: str) -> Signal:
        """A signal in the same shape; a rate cycle begins with the first hike after cuts."""
        labels = self.labels[name]
        names = sorted({label for label in labels if label is not None})
        codes = np.array([-1 if label is None else names.index(label) + 1 for label in labels])
        cycles, cycle, before = np.zeros(len(labels), dtype=np.int64), 1, None
        for place, label in enumerate(labels):
            if label is None or name != "rate_regime":
                continue
            cycle += label == "hiking" and before in ("cutting", "hold_after_cuts")
            cycles[place], before = cycle, label
        return Signal(names, codes, cycles)


def long_run(connection: duckdb.DuckDBPyConnection) -> LongRun:
    """Recompute everything."""
    newest = "select document_id from raw.factors order by observed_at desc, document_id desc limit 1"
    rows = ask(connection, f"select * from raw.factors where document_id = ({newest}) order by date")
    days = rows["date"].to_list()
    market = np.log1p((rows["market_excess"].to_numpy() + rows["risk_free"].to_numpy()) / 100)
    size = np.log1p(rows["small_minus_large"].to_numpy() / 100)
    logs = {"market": np.cumsum(market), "small_minus_large": np.cumsum(size)}
    gaps, regimes = _regimes(logs["small_minus_large"])
    rates = _rates(connection)
    labels = {
        "regime": regimes,
        "rate_regime": _rate_regimes(days, rates, connection),
        "business_cycle": _cycles(days, connection),
    }
    return LongRun(days, labels, gaps, logs)


def _regimes(log_index: Floats) -> tuple[Floats, list[str | None]]:
    gaps = np.full(log_index.size, np.nan)
    for i in range(TREND - 1, log_index.size):
        gaps[i] = log_index[i] - log_index[i - TREND + 1 : i + 1].mean()
    label: str | None = None
    labels: list[str | None] = []
    for gap in gaps.tolist():
        if gap > THRESHOLD:
            label = "risk_on"
        elif gap < -THRESHOLD:
            label = "risk_off"
        labels.append(label)
    return gaps, labels


def _rates(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[date, float]]:
    rows = ask(
        connection,
        "select series, date, value from raw.rates qualify row_number() over"
        " (partition by series, date order by observed_at desc, document_id desc) = 1 order by date",
    ).drop_nulls("value")
    series: dict[str, dict[date, float]] = {}
    for name, day, value in rows.rows():
        series.setdefault(name, {})[day] = value
    return series


def _moves(rates: dict[str, dict[date, float]], connection: duckdb.DuckDBPyConnection) -> dict[date, float]:
    """By the day from which a move counts."""
    [(first_target,)] = connection.execute(
        "select min(session) from raw.sessions where session in (select date from raw.rates where series like 'DFEDTAR%')"
    ).fetchall()
    moves: dict[date, float] = {}
    months: dict[tuple[int, int], list[float]] = {}
    for day, value in rates.get("DFF", {}).items():
        months.setdefault((day.year, day.month), []).append(value)
    newest = max(rates["DFF"])
    before: tuple[int, float] | None = None
    for (year, month), values in sorted(months.items()):
        number, mean = 12 * year + month, float(np.mean(values))
        following = date(year + month // 12, month % 12 + 1, 1)
        if newest < following - timedelta(days=1):
            break
        if before and before[0] == number - 1 and abs(mean - before[1]) >= RATE_STEP and following < first_target:
            moves[following] = mean - before[1]
        before = number, mean
    target = {day: value for day, value in rates["DFEDTAR"].items() if day <= date(2008, 12, 15)}
    target |= {d: (v + rates["DFEDTARL"][d]) / 2 for d, v in rates["DFEDTARU"].items() if d > date(2008, 12, 15)}
    last: float | None = None
    for day in sorted(target):
        if last is not None and abs(target[day] - last) > 0.0025 and day > first_target:
            moves[day] = target[day] - last
        last = target[day]
    return moves


def _rate_regimes(
    days: list[date], rates: dict[str, dict[date, float]], connection: duckdb.DuckDBPyConnection
) -> list[str | None]:
    moves = sorted(_moves(rates, connection).items())
    known = {day for name in ("DFF", "DFEDTAR", "DFEDTARU") for day in rates.get(name, {})}
    labels: list[str | None] = []
    place, last = 0, None
    for day in days:
        while place < len(moves) and moves[place][0] <= day:
            last = moves[place]
            place += 1
        if last is None or day not in known:
            labels.append(None)
            continue
        is_hold = (day - last[0]).days >= HOLD
        labels.append(
            ("hold_after_hikes" if is_hold else "hiking") if last[1] > 0 else ("hold_after_cuts" if is_hold else "cutting")
        )
    return labels


# Announced turning points since 1980: the day, and whether a recession began.
ANNOUNCED = [
    (date(1980, 6, 3), True), (date(1981, 7, 8), False), (date(1982, 1, 6), True), (date(1983, 7, 8), False),
    (date(1991, 4, 25), True), (date(1992, 12, 22), False), (date(2001, 11, 26), True), (date(2003, 7, 17), False),
    (date(2008, 12, 1), True), (date(2010, 9, 20), False), (date(2020, 6, 8), True), (date(2021, 7, 19), False),
]  # fmt: skip


def _cycles(days: list[date], connection: duckdb.DuckDBPyConnection) -> list[str | None]:
    [(last_month,)] = connection.execute("select max(date) from raw.rates where series = 'USREC'").fetchall()
    month = last_month.month + 2
    end = date(last_month.year + (month - 1) // 12, (month - 1) % 12 + 1, 1)
    labels: list[str | None] = []
    for day in days:
        past = [one for one in ANNOUNCED if one[0] <= day]
        if not past or day >= end:
            labels.append(None)
        elif past[-1][1]:
            labels.append("recession")
        else:
            labels.append("recovery" if (day - past[-1][0]).days < RECOVERY else "expansion")
    return labels

"""Faulty bars: complete answers of Yahoo, and answers of 45 sessions as in a daily fetch."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from tests.torture.folder import Folder, next_session
from tests.torture.lie import DAY, EVERYWHERE, FIRST, LATER, MINUTE, ONLY, Lie

PRICES = ["Open", "High", "Low", "Close", "Adj Close"]
Bars = pl.DataFrame


def price_lies() -> Iterator[Lie]:
    """Faults of complete answers."""

    def add(
        name: str,
        symbol: str,
        change: Callable[[Bars], Bars],
        sentence: str,
        error: str,
        positions: tuple[str, ...] = EVERYWHERE,
        uncontradicted: tuple[str, ...] = (),
        extension: str = "csv",
    ) -> Iterator[Lie]:
        """`uncontradicted`: the positions in which nothing contradicts the fault."""
        for position in positions:
            write = partial(_write_prices, symbol=symbol, change=change, position=position, extension=extension)
            label = f"{symbol}: {sentence}"
            yield Lie(
                f"{symbol.lower()}_{name}.{position}", "prices", label, position, error, position not in uncontradicted, write
            )

    yield from add("bar_100x", "IWM", _bar(60, 100), "one bar at 100 times its prices", "9 900 % of one close")
    yield from add("bar_100x_parquet", "QQQ", _bar(700, 100), "one bar at 100 times", "9 900 % of one close", extension="parquet")
    yield from add("bar_a_tenth", "SPY", _bar(400, 0.1), "one bar at a tenth of its prices", "90 % of one close")
    yield from add("newest_bar_half", "IWM", _bar(1, 0.5), "the newest bar at half its prices", "50 % of the newest close")
    yield from add("newest_bar_100x", "QQQ", _bar(1, 100), "the newest bar at 100 times", "9 900 % of the newest close")
    yield from add("high_10x", "IWM", _cell("High", 200, 10), "one high at 10 times", "900 % of one high")
    yield from add("low_tenth", "IWM", _cell("Low", 200, 0.1), "one low at a tenth", "90 % of one low")
    for percent in (10, -10, 3, -3):
        size, factor = f"{abs(percent)} % of one close", 1 + percent / 100
        word = f"{'plus' if percent > 0 else 'minus'}{abs(percent)}"
        alone = (FIRST, ONLY) if abs(percent) < 10 else ()
        yield from add(f"close_{word}", "IWM", _close(300, factor, adjusted=False), f"one close {percent:+} %", size)
        yield from add(
            f"close_{word}_adjusted_too",
            "IWM",
            _close(300, factor, adjusted=True),
            f"one close {percent:+} % together with its adjusted close",
            size,
            uncontradicted=alone,
        )
    yield from add(
        "close_half_percent",
        "SPY",
        _close(300, 1.005, adjusted=True),
        "one close +0.5 % with its adjusted close",
        "0.5 % of one close",
        uncontradicted=(FIRST, ONLY),
    )
    yield from add(
        "no_dividends",
        "SPY",
        _column("Dividends", 0.0),
        "no dividend, though the adjusted closes show them",
        "10 years 255 % for 317 %",
    )
    yield from add("dividends_100x", "IWM", _times("Dividends", 100), "every dividend in cents", "9 900 % of each dividend")
    yield from add("dividend_100x", "SPY", _dividend(-3, 100), "one dividend in cents", "one day's return +30 %")
    yield from add("dividend_missing", "IWM", _dividend(-5, 0), "one dividend is missing", "0.2 to 0.4 % of one day")
    yield from add("dividend_doubled", "QQQ", _dividend(-4, 2), "one dividend is doubled", "0.1 to 0.2 % of one day")
    yield from add(
        "dividend_invented", "SPY", _dividend_at(330, 0.02), "a dividend of 2 % that the adjusted closes lack", "2 % of one day"
    )
    yield from add(
        "dividend_invented_tiny",
        "SPY",
        _dividend_at(330, 0.0001),
        "a dividend of 0.01 % that was never paid",
        "0.01 % of one day",
        uncontradicted=EVERYWHERE,
    )
    yield from add("dividend_ten_sessions_late", "SPY", _dividend_moved, "one ex-date ten sessions late", "0.3 % of two days")
    yield from add(
        "dividends_in_splits",
        "IWM",
        _swapped("Dividends", "Stock Splits"),
        "dividends and splits swapped",
        "every dividend becomes a split",
    )
    yield from add("gains_invented", "IWM", _gains, "a capital gain of 5 % that the adjusted closes lack", "5 % of one day")
    yield from add(
        "events_zero",
        "IWM",
        lambda b: _column("Stock Splits", 0.0)(_column("Dividends", 0.0)(b)),
        "an answer whose events are all zero withdraws those known",
        "10 years 149.7 % for 183.1 %",
        (LATER,),
    )
    yield from add(
        "events_zero",
        "QQQ",
        lambda b: _column("Stock Splits", 0.0)(_column("Dividends", 0.0)(b)),
        "an answer whose events are all zero withdraws a known split",
        "10 years' dividends",
        (LATER,),
    )
    yield from add(
        "split_not_rescaled",
        "QQQ",
        _split_unscaled(250),
        "a 2:1 split whose older closes were not rescaled",
        "1 year -37 % for +27 %",
    )
    yield from add(
        "split_invented",
        "SPY",
        _cell("Stock Splits", 250, None, 2.0),
        "a 2:1 split event without any trace in the bars",
        "the split basis of what was known",
        uncontradicted=(FIRST, ONLY),
    )
    yield from add(
        "split_reversed",
        "QQQ",
        _split_unscaled(250, written=0.5),
        "a 2:1 split written as 1:2, closes not rescaled",
        "75 % of the older closes",
    )
    yield from add("open_close_swapped", "IWM", _swapped("Open", "Close"), "Open and Close swapped", "≤ 13 % of a close")
    yield from add("high_volume_swapped", "SPY", _swapped("High", "Volume"), "High and Volume swapped", "any")
    yield from add("high_low_swapped", "IWM", _swapped("High", "Low"), "High and Low swapped", "the day's range")
    yield from add(
        "close_adjusted_swapped",
        "SPY",
        _swapped("Close", "Adj Close"),
        "Close and Adj Close swapped",
        "40 % of the oldest closes",
    )
    yield from add("open_volume_swapped", "QQQ", _swapped("Open", "Volume"), "Open and Volume swapped", "any")
    yield from add(
        "auto_adjusted",
        "IWM",
        _auto_adjusted,
        "all prices dividend-adjusted, with the dividends beside them",
        "dividends counted twice",
    )
    yield from add(
        "auto_adjusted_silently",
        "QQQ",
        lambda b: _column("Dividends", 0.0)(_auto_adjusted(b)),
        "all prices dividend-adjusted, dividends zero",
        "the older closes, 1 to 16 %",
        uncontradicted=(FIRST, ONLY),
    )
    yield from add("sessions_gone", "SPY", _without(900, 400), "500 sessions are gone", "2 years of sessions")
    yield from add(
        "dates_day_month_swapped",
        "IWM",
        _day_month_swapped,
        "day and month swapped: most lines are no session, the rest bear other dates",
        "every close",
    )
    yield from add(
        "dates_a_year_back",
        "SPY",
        _dates(lambda d: d.replace(year=d.year - 1, day=min(d.day, 28))),
        "all dates a year too early",
        "every close",
    )
    yield from add("shifted_one_session", "IWM", _shifted(1), "the table is one session late", "every close, ≤ 13 %")
    yield from add("shifted_back_one_session", "QQQ", _shifted(-1), "the table is one session early", "every close")
    yield from add("tail_shifted", "SPY", _tail_shifted(120), "the last 120 bars are one session late", "120 closes, ≤ 3 %")
    yield from add("upside_down", "SPY", _upside_down, "dates ascend and values descend", "every close")
    yield from add(
        "stretch_repeated",
        "IWM",
        _stretch_repeated(180, 60),
        "60 bars stand again in place of the next 60",
        "60 closes, some 10 %",
    )
    yield from add("flat_end", "QQQ", _flat_end(20), "the last 20 bars repeat one close without volume", "20 closes, ≤ 10 %")
    yield from add(
        "newest_bar_repeated",
        "SPY",
        _newest_repeated,
        "the newest bar stands again under the next session",
        "one close",
        (LATER,),
    )
    yield from add("before_inception", "IWM", _before_inception, "60 bars of before the fund's first session", "60 closes")
    yield from add("all_10x", "IWM", scaled(10), "all prices at 10 times", "900 % of every close")
    yield from add("all_in_cents", "SPY", scaled(100), "all prices in cents", "9 900 % of every close")
    yield from add("all_in_euros", "IWM", scaled(0.86), "all prices in euros", "14 % of every close")
    yield from add("older_half_10x", "QQQ", scaled(10, until=3000), "prices to some year at 10 times", "900 % of older closes")
    yield from add("volume_1000x", "SPY", _times("Volume", 1000), "all volumes times 1000", "99 900 % of each volume")
    yield from add(
        "volume_in_hundreds",
        "IWM",
        _times("Volume", 0.01),
        "all volumes in hundreds",
        "99 % of each volume",
        uncontradicted=(FIRST, ONLY),
    )
    yield from add("volume_zero", "QQQ", _column("Volume", 0.0), "all volumes zero", "100 % of each volume")
    yield from add("one_volume_1000x", "IWM", _cell("Volume", 250, 1000), "one volume times 1000", "99 900 % of one volume")
    yield from add("rounded_to_dollars", "SPY", _rounded, "all prices rounded to whole dollars", "≤ 1 % of a close")
    yield from add("doubled_moves", "IWM", _leveraged, "the bars of a fund that moves twice as much", "every close")
    yield from add(
        "jitter",
        "SPY",
        _jitter(0.004),
        "every close moved by some 0.4 % at random, adjusted closes with them",
        "0.4 % of every close",
        uncontradicted=(FIRST, ONLY),
    )
    yield from add("adjusted_close_wrong", "IWM", _cell("Adj Close", 400, 1.1), "one adjusted close +10 %", "no mart uses it")
    yield from add("most_lines_unusable", "IWM", _unusable, "72 % of the lines hold no number", "two of three sessions gone")
    for symbol, other in (("IWM", "SPY"), ("QQQ", "IWM"), ("SPY", "QQQ")):
        for position in EVERYWHERE:
            write = partial(_write_as, symbol=symbol, other=other, position=position)
            sentence = f"{other}'s prices as {symbol}'s"
            yield Lie(f"{other.lower()}_as_{symbol.lower()}.{position}", "prices", sentence, position, "every close", True, write)
    yield Lie("iwm_spy_exchanged.only", "prices", "IWM's and SPY's documents exchanged", ONLY, "every close", True, _exchanged)


def _write_prices(folder: Folder, *, symbol: str, change: Callable[[Bars], Bars], position: str, extension: str) -> list[Path]:
    if position == FIRST:
        bars, at = folder.prices(symbol, 0)
        return [folder.put_prices(symbol, at - MINUTE, change(bars), extension)]
    bars, at = folder.prices(symbol)
    changed, at = change(bars), at + MINUTE
    newest = changed["Date"].max()
    if isinstance(newest, date) and newest > _last(bars):
        at = datetime(newest.year, newest.month, newest.day, 23, 31, tzinfo=at.tzinfo)
    if position == ONLY:
        folder.remove("yahoo", "prices", symbol)
    return [folder.put_prices(symbol, at, changed, extension)]


def _last(bars: Bars) -> date:
    last = bars["Date"].max()
    assert isinstance(last, date)
    return last


def _write_as(folder: Folder, *, symbol: str, other: str, position: str) -> list[Path]:
    bars, at = folder.prices(other, 0 if position == FIRST else -1)
    if position == ONLY:
        folder.remove("yahoo", "prices", symbol)
    return [folder.put_prices(symbol, at - MINUTE if position == FIRST else at + MINUTE, bars)]


def _exchanged(folder: Folder) -> list[Path]:
    (iwm, at), (spy, _) = folder.prices("IWM"), folder.prices("SPY")
    for symbol in ("IWM", "SPY"):
        folder.remove("yahoo", "prices", symbol)
    return [folder.put_prices("IWM", at, spy), folder.put_prices("SPY", at, iwm)]


def _at(bars: Bars, back: int) -> pl.Expr:
    """The index of a row counted from the end; 1 is the newest."""
    return pl.int_range(pl.len()) == bars.height - back


def _bar(back: int, factor: float) -> Callable[[Bars], Bars]:
    return lambda bars: bars.with_columns(
        pl.when(_at(bars, back)).then(pl.col(name) * factor).otherwise(name).alias(name) for name in PRICES
    )


def _cell(column: str, back: int, factor: float | None, value: float | None = None) -> Callable[[Bars], Bars]:
    wrong = pl.lit(value) if factor is None else pl.col(column) * factor
    return lambda bars: bars.with_columns(pl.when(_at(bars, back)).then(wrong).otherwise(column).alias(column))


def _close(back: int, factor: float, *, adjusted: bool) -> Callable[[Bars], Bars]:
    """Adjust high and low, so that the bar is valid."""

    def change(bars: Bars) -> Bars:
        columns = ["Close", "Adj Close"] if adjusted else ["Close"]
        wrong = bars.with_columns(
            pl.when(_at(bars, back)).then(pl.col(name) * factor).otherwise(name).alias(name) for name in columns
        )
        return wrong.with_columns(
            pl.max_horizontal("High", "Close").alias("High"), pl.min_horizontal("Low", "Close").alias("Low")
        )

    return change


def _column(column: str, value: float) -> Callable[[Bars], Bars]:
    return lambda bars: bars.with_columns(pl.lit(value).alias(column))


def _times(column: str, factor: float) -> Callable[[Bars], Bars]:
    return lambda bars: bars.with_columns(pl.col(column) * factor)


def _dividend_rows(bars: Bars) -> list[int]:
    return bars.with_row_index("_row").filter(pl.col("Dividends") > 0)["_row"].to_list()


def _dividend(which: int, factor: float) -> Callable[[Bars], Bars]:
    def change(bars: Bars) -> Bars:
        row = _dividend_rows(bars)[which]
        return _cell("Dividends", bars.height - row, factor)(bars)

    return change


def _dividend_at(back: int, share: float) -> Callable[[Bars], Bars]:
    """A dividend as a fraction of the close, on a session without one."""

    def change(bars: Bars) -> Bars:
        row = bars.height - back
        while bars["Dividends"][row]:
            row -= 1
        return _cell("Dividends", bars.height - row, None, round(bars["Close"][row] * share, 4))(bars)

    return change


def _dividend_moved(bars: Bars) -> Bars:
    row = _dividend_rows(bars)[-3]
    value = bars["Dividends"][row]
    gone = _cell("Dividends", bars.height - row, 0)(bars)
    return _cell("Dividends", bars.height - row - 10, None, value)(gone)


def _gains(bars: Bars) -> Bars:
    gain = pl.when(_at(bars, 120)).then(pl.col("Close") * 0.05).otherwise(0.0)
    return bars.with_columns(gain.round(3).alias("Capital Gains"))


def _split_unscaled(back: int, written: float = 2.0) -> Callable[[Bars], Bars]:
    """Prices from the split on are halved, but earlier prices are not rescaled."""

    def change(bars: Bars) -> Bars:
        after = pl.int_range(pl.len()) >= bars.height - back
        return bars.with_columns(
            *[pl.when(after).then(pl.col(name) / 2).otherwise(name).alias(name) for name in PRICES],
            pl.when(after).then(pl.col("Volume") * 2).otherwise("Volume").alias("Volume"),
            pl.when(_at(bars, back)).then(written).otherwise("Stock Splits").alias("Stock Splits"),
        )

    return change


def _swapped(one: str, other: str) -> Callable[[Bars], Bars]:
    def change(bars: Bars) -> Bars:
        return bars.with_columns(pl.col(other).alias(one), pl.col(one).alias(other))

    return change


def _auto_adjusted(bars: Bars) -> Bars:
    factor = pl.col("Adj Close") / pl.col("Close")
    return bars.with_columns(*[(pl.col(name) * factor).alias(name) for name in PRICES[:3]], pl.col("Adj Close").alias("Close"))


def _without(begin: int, end: int) -> Callable[[Bars], Bars]:
    """Remove rows between two positions counted from the end."""
    return lambda bars: pl.concat([bars.head(-begin), bars.tail(end)])


def _day_month_swapped(bars: Bars) -> Bars:
    return bars.with_columns(pl.col("Date").dt.strftime("%Y-%d-%m"))


def _dates(move: Callable[[date], date]) -> Callable[[Bars], Bars]:
    return lambda bars: bars.with_columns(pl.Series("Date", [move(day) for day in bars["Date"]])).unique(
        "Date", maintain_order=True
    )


def _shifted(by: int) -> Callable[[Bars], Bars]:
    """Every value under the date of another session."""
    return lambda bars: bars.with_columns(pl.exclude("Date").shift(by)).drop_nulls("Close")


def _tail_shifted(count: int) -> Callable[[Bars], Bars]:
    def change(bars: Bars) -> Bars:
        late = pl.int_range(pl.len()) >= bars.height - count
        return bars.with_columns(
            pl.when(late).then(pl.col(name).shift(1)).otherwise(name).alias(name) for name in bars.columns if name != "Date"
        )

    return change


def _upside_down(bars: Bars) -> Bars:
    return bars.with_columns(pl.exclude("Date").reverse())


def _stretch_repeated(back: int, count: int) -> Callable[[Bars], Bars]:
    def change(bars: Bars) -> Bars:
        row = pl.int_range(pl.len())
        again = (row >= bars.height - back) & (row < bars.height - back + count)
        return bars.with_columns(
            pl.when(again).then(pl.col(name).shift(count)).otherwise(name).alias(name) for name in bars.columns if name != "Date"
        )

    return change


def _flat_end(count: int) -> Callable[[Bars], Bars]:
    def change(bars: Bars) -> Bars:
        flat = pl.int_range(pl.len()) >= bars.height - count
        value = bars["Close"][-count - 1]
        return bars.with_columns(
            *[pl.when(flat).then(value).otherwise(name).alias(name) for name in PRICES],
            pl.when(flat).then(0.0).otherwise("Volume").alias("Volume"),
        )

    return change


def _newest_repeated(bars: Bars) -> Bars:
    again = bars.tail(1).with_columns(pl.lit(next_session(_last(bars))).alias("Date"))
    return pl.concat([bars, again])


def _before_inception(bars: Bars) -> Bars:
    from orchestration.market_calendar import sessions_frame

    first = bars["Date"].min()
    assert isinstance(first, date)
    days = sessions_frame(first - DAY, first - 150 * DAY)["session"].tail(60)
    early = bars.head(60).with_columns(days.alias("Date"))
    return pl.concat([early, bars])


def scaled(factor: float, until: int | None = None) -> Callable[[Bars], Bars]:
    def change(bars: Bars) -> Bars:
        which = pl.lit(True) if until is None else pl.int_range(pl.len()) < bars.height - until
        return bars.with_columns(
            pl.when(which).then(pl.col(name) * factor).otherwise(name).alias(name) for name in [*PRICES, "Dividends"]
        )

    return change


def _rounded(bars: Bars) -> Bars:
    return bars.with_columns(pl.col(name).round(0) for name in PRICES[:4])


def _leveraged(bars: Bars) -> Bars:
    moves = 2 * (pl.col("Close") / pl.col("Close").shift(1) - 1).fill_null(0.0)
    close = (1 + moves).cum_prod() * pl.col("Close").first()
    return bars.with_columns((pl.col(name) * close / pl.col("Close")).alias(name) for name in PRICES).with_columns(
        pl.lit(0.0).alias("Dividends"), pl.col("Close").alias("Adj Close")
    )


def _jitter(size: float) -> Callable[[Bars], Bars]:
    def change(bars: Bars) -> Bars:
        noise = pl.Series("_noise", 1 + np.random.default_rng(3).normal(0, size, bars.height))
        wrong = bars.with_columns(noise).with_columns(pl.col(name) * pl.col("_noise") for name in ("Close", "Adj Close"))
        return wrong.with_columns(
            pl.max_horizontal("High", "Close").alias("High"), pl.min_horizontal("Low", "Close").alias("Low")
        ).drop("_noise")

    return change


def _unusable(bars: Bars) -> Bars:
    spoilt = pl.int_range(pl.len()) % 18 < 13
    return bars.with_columns(pl.when(spoilt).then(pl.lit("n/a")).otherwise(pl.col("Open").cast(pl.String)).alias("Open"))


def overlap_lies() -> Iterator[Lie]:
    """Faults of answers of 45 sessions, as in a daily fetch."""

    def add(
        name: str, symbol: str, change: Callable[[Bars], Bars], sentence: str, error: str, *, contradicted: bool = True
    ) -> Lie:
        def write(folder: Folder) -> list[Path]:
            bars, at = folder.prices(symbol)
            return [folder.put_prices(symbol, at + MINUTE, change(bars.tail(45)), "parquet")]

        return Lie(
            f"{symbol.lower()}_overlap_{name}.later",
            "prices",
            f"{symbol}, 45 sessions: {sentence}",
            LATER,
            error,
            contradicted,
            write,
        )

    yield add("bar_100x", "IWM", _bar(20, 100), "one bar at 100 times", "9 900 % of one close")
    yield add("newest_bar_plus10", "SPY", _close(1, 1.1, adjusted=True), "the newest close +10 %", "10 % of the newest close")
    yield add("all_10x", "QQQ", scaled(10), "all prices at 10 times", "900 % of 45 closes")
    yield add("shifted", "IWM", _shifted(1), "one session late", "44 closes")
    yield add("all_plus1", "SPY", scaled(1.01), "all prices +1 %", "1 % of 45 closes")
    yield add("events_zero", "IWM", _column("Dividends", 0.0), "dividends zero", "one dividend")
    yield add("close_plus3", "QQQ", _close(15, 1.03, adjusted=True), "one close +3 %", "3 % of one close")
    yield add(
        "close_last_digit",
        "QQQ",
        _close(15, 1.00005, adjusted=True),
        "one close +0.005 %",
        "0.005 % of one close",
        contradicted=False,
    )
    yield add("volume_1000x", "IWM", _times("Volume", 1000), "volumes times 1000", "99 900 % of 45 volumes")

    def other(folder: Folder) -> list[Path]:
        bars, at = folder.prices("SPY")
        return [folder.put_prices("IWM", at + MINUTE, bars.tail(45), "parquet")]

    yield Lie("iwm_overlap_of_spy.later", "prices", "IWM, 45 sessions: SPY's prices", LATER, "45 closes", True, other)

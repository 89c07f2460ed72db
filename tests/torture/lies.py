"""Documents that can be read and do not tell the truth: each kind once as the first document of its symbol, as a later one, and
as the only one, wherever that makes sense.

A lie is written into a copy of a landing folder with honest documents:
- `first`: retrieved before the honest documents of its symbol, which follow it;
- `later`: retrieved after them;
- `only`: in place of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from tests.torture.folder import Folder, Line, Snapshot, a_day_later, next_session, reweighted

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
FIRST, LATER, ONLY = "first", "later", "only"
EVERYWHERE = (FIRST, LATER, ONLY)
PRICES = ["Open", "High", "Low", "Close", "Adj Close"]
Bars = pl.DataFrame
Write = Callable[[Folder], list[Path]]


class NotHere(Exception):
    """The folder lacks the documents that this lie is made of."""


@dataclass(frozen=True)
class Lie:
    """One or more lying documents.

    `error` says how large the wrong number is; `detectable` whether anything in the folder contradicts it.
    """

    name: str
    kind: str
    sentence: str
    position: str
    error: str
    detectable: bool
    write: Write


def catalogue() -> list[Lie]:
    """Every lie, in the order prices, rates, holdings."""
    lies = [*_price_lies(), *_overlap_lies(), *_rate_lies(), *_holdings_lies(), *_future_lies()]
    assert len({lie.name for lie in lies}) == len(lies)
    return lies


# ---------------------------------------------------------------- prices


def _price_lies() -> Iterator[Lie]:
    def tell(
        name: str,
        symbol: str,
        change: Callable[[Bars], Bars],
        sentence: str,
        error: str,
        positions: tuple[str, ...] = EVERYWHERE,
        untold: tuple[str, ...] = (),
        extension: str = "csv",
    ) -> Iterator[Lie]:
        """`untold`: the positions in which nothing contradicts the lie."""
        for position in positions:
            write = partial(_write_prices, symbol=symbol, change=change, position=position, extension=extension)
            said = f"{symbol}: {sentence}"
            yield Lie(f"{symbol.lower()}_{name}.{position}", "prices", said, position, error, position not in untold, write)

    yield from tell("bar_100x", "IWM", _bar(60, 100), "one bar at 100 times its prices", "9 900 % of one close")
    yield from tell(
        "bar_100x_parquet", "QQQ", _bar(700, 100), "one bar at 100 times", "9 900 % of one close", extension="parquet"
    )
    yield from tell("bar_a_tenth", "SPY", _bar(400, 0.1), "one bar at a tenth of its prices", "90 % of one close")
    yield from tell("newest_bar_half", "IWM", _bar(1, 0.5), "the newest bar at half its prices", "50 % of the newest close")
    yield from tell("newest_bar_100x", "QQQ", _bar(1, 100), "the newest bar at 100 times", "9 900 % of the newest close")
    yield from tell("high_10x", "IWM", _cell("High", 200, 10), "one high at 10 times", "900 % of one high")
    yield from tell("low_tenth", "IWM", _cell("Low", 200, 0.1), "one low at a tenth", "90 % of one low")
    for percent in (10, -10, 3, -3):
        size, factor = f"{abs(percent)} % of one close", 1 + percent / 100
        word = f"{'plus' if percent > 0 else 'minus'}{abs(percent)}"
        alone = (FIRST, ONLY) if abs(percent) < 10 else ()
        yield from tell(f"close_{word}", "IWM", _close(300, factor, adjusted=False), f"one close {percent:+} %", size)
        yield from tell(
            f"close_{word}_adjusted_too", "IWM", _close(300, factor, adjusted=True),
            f"one close {percent:+} % together with its adjusted close", size, untold=alone,
        )  # fmt: skip
    yield from tell(
        "close_half_percent", "SPY", _close(300, 1.005, adjusted=True), "one close +0.5 % with its adjusted close",
        "0.5 % of one close", untold=(FIRST, ONLY),
    )  # fmt: skip
    yield from tell("no_dividends", "SPY", _column("Dividends", 0.0), "no dividend, though the adjusted closes show them",
                    "10 years 255 % for 317 %")  # fmt: skip
    yield from tell("dividends_100x", "IWM", _times("Dividends", 100), "every dividend in cents", "9 900 % of each dividend")
    yield from tell("dividend_100x", "SPY", _dividend(-3, 100), "one dividend in cents", "one day's return +30 %")
    yield from tell("dividend_missing", "IWM", _dividend(-5, 0), "one dividend is missing", "0.2 to 0.4 % of one day")
    yield from tell("dividend_doubled", "QQQ", _dividend(-4, 2), "one dividend is doubled", "0.1 to 0.2 % of one day")
    yield from tell("dividend_invented", "SPY", _dividend_at(330, 0.02), "a dividend of 2 % that the adjusted closes lack",
                    "2 % of one day")  # fmt: skip
    yield from tell("dividend_invented_tiny", "SPY", _dividend_at(330, 0.0001), "a dividend of 0.01 % that was never paid",
                    "0.01 % of one day", untold=EVERYWHERE)  # fmt: skip
    yield from tell("dividend_ten_sessions_late", "SPY", _dividend_moved, "one ex-date ten sessions late", "0.3 % of two days")
    yield from tell("dividends_in_splits", "IWM", _swapped("Dividends", "Stock Splits"), "dividends and splits swapped",
                    "every dividend becomes a split")  # fmt: skip
    yield from tell("gains_invented", "IWM", _gains, "a capital gain of 5 % that the adjusted closes lack", "5 % of one day")
    yield from tell("events_zero", "IWM", lambda b: _column("Stock Splits", 0.0)(_column("Dividends", 0.0)(b)),
                    "an answer whose events are all zero withdraws those known", "10 years 149.7 % for 183.1 %", (LATER,))  # fmt: skip
    yield from tell("events_zero", "QQQ", lambda b: _column("Stock Splits", 0.0)(_column("Dividends", 0.0)(b)),
                    "an answer whose events are all zero withdraws a known split", "10 years' dividends", (LATER,))  # fmt: skip
    yield from tell("split_not_rescaled", "QQQ", _split_unscaled(250), "a 2:1 split whose older closes were not rescaled",
                    "1 year -37 % for +27 %")  # fmt: skip
    yield from tell("split_invented", "SPY", _cell("Stock Splits", 250, None, 2.0), "a 2:1 split event without any trace in the bars",
                    "the split basis of what was known", untold=(FIRST, ONLY))  # fmt: skip
    yield from tell("split_reversed", "QQQ", _split_unscaled(250, written=0.5), "a 2:1 split written as 1:2, closes not rescaled",
                    "75 % of the older closes")  # fmt: skip
    yield from tell("open_close_swapped", "IWM", _swapped("Open", "Close"), "Open and Close swapped", "≤ 13 % of a close")
    yield from tell("high_volume_swapped", "SPY", _swapped("High", "Volume"), "High and Volume swapped", "any")
    yield from tell("high_low_swapped", "IWM", _swapped("High", "Low"), "High and Low swapped", "the day's range")
    yield from tell("close_adjusted_swapped", "SPY", _swapped("Close", "Adj Close"), "Close and Adj Close swapped",
                    "40 % of the oldest closes")  # fmt: skip
    yield from tell("open_volume_swapped", "QQQ", _swapped("Open", "Volume"), "Open and Volume swapped", "any")
    yield from tell("auto_adjusted", "IWM", _auto_adjusted, "all prices dividend-adjusted, with the dividends beside them",
                    "dividends counted twice")  # fmt: skip
    yield from tell("auto_adjusted_silently", "QQQ", lambda b: _column("Dividends", 0.0)(_auto_adjusted(b)),
                    "all prices dividend-adjusted, dividends zero", "the older closes, 1 to 16 %", untold=(FIRST, ONLY))  # fmt: skip
    yield from tell("sessions_gone", "SPY", _without(900, 400), "500 sessions are gone", "2 years of sessions")
    yield from tell("dates_day_month_swapped", "IWM", _day_month_swapped,
                    "day and month swapped: most lines are no session, the rest bear other dates", "every close")  # fmt: skip
    yield from tell("dates_a_year_back", "SPY", _dates(lambda d: d.replace(year=d.year - 1, day=min(d.day, 28))),
                    "all dates a year too early", "every close")  # fmt: skip
    yield from tell("shifted_one_session", "IWM", _shifted(1), "the table is one session late", "every close, ≤ 13 %")
    yield from tell("shifted_back_one_session", "QQQ", _shifted(-1), "the table is one session early", "every close")
    yield from tell("tail_shifted", "SPY", _tail_shifted(120), "the last 120 bars are one session late", "120 closes, ≤ 3 %")
    yield from tell("upside_down", "SPY", _upside_down, "dates ascend and values descend", "every close")
    yield from tell("stretch_repeated", "IWM", _stretch_repeated(180, 60), "60 bars stand again in place of the next 60",
                    "60 closes, some 10 %")  # fmt: skip
    yield from tell("flat_end", "QQQ", _flat_end(20), "the last 20 bars repeat one close without volume", "20 closes, ≤ 10 %")
    yield from tell("newest_bar_repeated", "SPY", _newest_repeated, "the newest bar stands again under the next session",
                    "one close", (LATER,))  # fmt: skip
    yield from tell("before_inception", "IWM", _before_inception, "60 bars of before the fund's first session", "60 closes")
    yield from tell("all_10x", "IWM", _scaled(10), "all prices at 10 times", "900 % of every close")
    yield from tell("all_in_cents", "SPY", _scaled(100), "all prices in cents", "9 900 % of every close")
    yield from tell("all_in_euros", "IWM", _scaled(0.86), "all prices in euros", "14 % of every close")
    yield from tell("older_half_10x", "QQQ", _scaled(10, until=3000), "prices to some year at 10 times", "900 % of older closes")
    yield from tell("volume_1000x", "SPY", _times("Volume", 1000), "all volumes times 1000", "99 900 % of each volume")
    yield from tell("volume_in_hundreds", "IWM", _times("Volume", 0.01), "all volumes in hundreds", "99 % of each volume")
    yield from tell("volume_zero", "QQQ", _column("Volume", 0.0), "all volumes zero", "100 % of each volume")
    yield from tell("one_volume_1000x", "IWM", _cell("Volume", 250, 1000), "one volume times 1000", "99 900 % of one volume")
    yield from tell("rounded_to_dollars", "SPY", _rounded, "all prices rounded to whole dollars", "≤ 1 % of a close")
    yield from tell("doubled_moves", "IWM", _leveraged, "the bars of a fund that moves twice as much", "every close")
    yield from tell("jitter", "SPY", _jitter(0.004), "every close moved by some 0.4 % at random, adjusted closes with them",
                    "0.4 % of every close", untold=(FIRST, ONLY))  # fmt: skip
    yield from tell("adjusted_close_wrong", "IWM", _cell("Adj Close", 400, 1.1), "one adjusted close +10 %", "no mart uses it")
    yield from tell("most_lines_unusable", "IWM", _unusable, "72 % of the lines hold no number", "two of three sessions gone")
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
    """The row so many from the end, 1 the newest."""
    return pl.int_range(pl.len()) == bars.height - back


def _bar(back: int, factor: float) -> Callable[[Bars], Bars]:
    return lambda bars: bars.with_columns(
        pl.when(_at(bars, back)).then(pl.col(name) * factor).otherwise(name).alias(name) for name in PRICES
    )


def _cell(column: str, back: int, factor: float | None, value: float | None = None) -> Callable[[Bars], Bars]:
    wrong = pl.lit(value) if factor is None else pl.col(column) * factor
    return lambda bars: bars.with_columns(pl.when(_at(bars, back)).then(wrong).otherwise(column).alias(column))


def _close(back: int, factor: float, *, adjusted: bool) -> Callable[[Bars], Bars]:
    """High and low give way, so that the bar stays possible."""

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
    """A dividend of a share of the close, on a session that has none."""

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
    """From the split on, prices are halved as they must be, but those before it were left as they were."""

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
    """Without the rows from so many to so many before the end."""
    return lambda bars: pl.concat([bars.head(-begin), bars.tail(end)])


def _day_month_swapped(bars: Bars) -> Bars:
    return bars.with_columns(pl.col("Date").dt.strftime("%Y-%d-%m"))


def _dates(move: Callable[[date], date]) -> Callable[[Bars], Bars]:
    return lambda bars: bars.with_columns(pl.Series("Date", [move(day) for day in bars["Date"]])).unique(
        "Date", maintain_order=True
    )


def _shifted(by: int) -> Callable[[Bars], Bars]:
    """Every value under another session's date."""
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


def _scaled(factor: float, until: int | None = None) -> Callable[[Bars], Bars]:
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


def _overlap_lies() -> Iterator[Lie]:
    """Answers of 45 sessions, as a daily fetch brings them."""

    def tell(name: str, symbol: str, change: Callable[[Bars], Bars], sentence: str, error: str, *, told: bool = True) -> Lie:
        def write(folder: Folder) -> list[Path]:
            bars, at = folder.prices(symbol)
            return [folder.put_prices(symbol, at + MINUTE, change(bars.tail(45)), "parquet")]

        return Lie(
            f"{symbol.lower()}_overlap_{name}.later", "prices", f"{symbol}, 45 sessions: {sentence}", LATER, error, told, write
        )

    yield tell("bar_100x", "IWM", _bar(20, 100), "one bar at 100 times", "9 900 % of one close")
    yield tell("newest_bar_plus10", "SPY", _close(1, 1.1, adjusted=True), "the newest close +10 %", "10 % of the newest close")
    yield tell("all_10x", "QQQ", _scaled(10), "all prices at 10 times", "900 % of 45 closes")
    yield tell("shifted", "IWM", _shifted(1), "one session late", "44 closes")
    yield tell("all_plus1", "SPY", _scaled(1.01), "all prices +1 %", "1 % of 45 closes")
    yield tell("events_zero", "IWM", _column("Dividends", 0.0), "dividends zero", "one dividend")
    yield tell("close_plus3", "QQQ", _close(15, 1.03, adjusted=True), "one close +3 %", "3 % of one close")
    yield tell(
        "close_last_digit", "QQQ", _close(15, 1.00005, adjusted=True), "one close +0.005 %", "0.005 % of one close", told=False
    )
    yield tell("volume_1000x", "IWM", _times("Volume", 1000), "volumes times 1000", "99 900 % of 45 volumes")

    def other(folder: Folder) -> list[Path]:
        bars, at = folder.prices("SPY")
        return [folder.put_prices("IWM", at + MINUTE, bars.tail(45), "parquet")]

    yield Lie("iwm_overlap_of_spy.later", "prices", "IWM, 45 sessions: SPY's prices", LATER, "45 closes", True, other)


# ---------------------------------------------------------------- rates


def _rate_lies() -> Iterator[Lie]:
    def tell(
        name: str,
        series: tuple[str, ...],
        change: Callable[[Bars], Bars],
        sentence: str,
        error: str,
        positions: tuple[str, ...] = EVERYWHERE,
        untold: tuple[str, ...] = (),
    ) -> Iterator[Lie]:
        for position in positions:
            write = partial(_write_rates, series=series, change=change, position=position)
            said = f"{', '.join(series)}: {sentence}"
            yield Lie(f"{name}.{position}", "rates", said, position, error, position not in untold, write)

    both = ("DFEDTARU", "DFEDTARL")
    yield from tell("fred_fractions", ("DFEDTARU",), _value(lambda v: v / 100), "fractions for percent", "99 % of each value")
    yield from tell("fred_fractions_both", both, _value(lambda v: v / 100), "fractions for percent", "99 % of each value")
    yield from tell("fred_fractions_all", (*both, "DFEDTAR", "DFF"), _value(lambda v: v / 100), "fractions for percent",
                    "99 % of each value")  # fmt: skip
    yield from tell("fred_10x", ("DFEDTARU",), _value(lambda v: v * 10), "values times 10", "900 % of each value")
    yield from tell("fred_lower_10x", ("DFEDTARL",), _value(lambda v: v * 10), "values times 10", "900 % of each value")
    yield from tell("fred_dff_10x", ("DFF",), _value(lambda v: v * 10), "values times 10", "900 % of each value")
    yield from tell("fred_dff_in_basis_points", ("DFF",), _value(lambda v: v * 100), "basis points", "9 900 % of each value")
    yield from tell("fred_dff_fractions", ("DFF",), _value(lambda v: v / 100), "fractions for percent", "99 % of each value")
    yield from tell("fred_date_2099", ("DFEDTARU",), _row("2099-01-01", 1.0), "a value of 2099", "one value of the future")
    yield from tell("fred_date_0001", ("DFEDTARU",), _row("0001-01-01", 1.0, first=True), "a value of the year 1", "one value")
    yield from tell("fred_target_2099", ("DFEDTAR",), _row("2099-01-01", 9.0), "a value of 2099", "one value of the future")
    yield from tell("fred_upper_below_lower", ("DFEDTARU",), _tail(200, -0.5), "200 days below the lower end", "0.5 points")
    yield from tell("fred_ends_swapped", both, lambda v: v, "the upper end's file under the lower end's name", "0.25 points")
    yield from tell("fred_off_a_step", ("DFEDTARU",), _tail(300, 0.25), "the last 300 days a step too high", "0.25 points")
    yield from tell("fred_both_off_a_step", both, _between("2019-01-01", "2021-06-30", 0.25), "both ends a step too high for 30 months",
                    "0.25 points")  # fmt: skip
    yield from tell("fred_both_off_beyond_dff", both, _between("2024-06-01", "2025-06-30", 0.25),
                    "both ends a step too high where no other rate is known", "0.25 points", untold=(FIRST, ONLY))  # fmt: skip
    yield from tell(
        "fred_dff_off", ("DFF",), _between("2019-01-01", "2021-06-30", 1.0), "a point too high for 30 months", "1 point"
    )
    yield from tell(
        "fred_dff_one_value_10x", ("DFF",), _between("2022-05-04", "2022-05-04", None), "one value times 10", "one value"
    )
    yield from tell(
        "fred_target_one_day", both, _between("2018-03-05", "2018-03-05", 1.0), "both ends a point up for one day", "1 point"
    )
    yield from tell(
        "fred_shifted_a_month", ("DFEDTARU",), _moved(30), "every value a month late", "0.25 to 0.75 points at each step"
    )
    yield from tell("fred_both_shifted_a_month", both, _moved(30), "every value a month late", "0.25 to 0.75 points at each step")
    yield from tell("fred_upside_down", ("DFF",), lambda f: f.with_columns(pl.col("value").reverse()), "values in reverse", "any")
    yield from tell("fred_zeros", both, _value(lambda v: v * 0), "zero throughout", "5 points")
    yield from tell("fred_all_missing", both, lambda f: f.with_columns(
        pl.when(pl.int_range(pl.len()) > 5).then(pl.lit(".")).otherwise("value").alias("value")),
        "a dot for nearly every value withdraws those known", "every value", (LATER, ONLY))  # fmt: skip
    yield from tell("fred_target_after_2008", ("DFEDTAR",), _going_on, "the single target goes on after it ended", "1 point")
    yield from tell("fred_day_month_swapped", ("DFF",), lambda f: f.with_columns(pl.col("date").dt.strftime("%Y-%d-%m")),
                    "day and month swapped", "every value")  # fmt: skip
    yield from tell("fred_flat_to_next_year", both, _flat_ahead, "the newest value stands for 300 days to come", "values of the future",
                    (LATER, ONLY))  # fmt: skip
    yield from tell("fred_last_digit", ("DFF",), _value(lambda v: round(v + 0.01, 2)), "0.01 too high", "0.01 points",
                    (FIRST, ONLY), untold=(FIRST, ONLY))  # fmt: skip


def _write_rates(folder: Folder, *, series: tuple[str, ...], change: Callable[[Bars], Bars], position: str) -> list[Path]:
    honest = {one: folder.rates(one, 0 if position == FIRST else -1) for one in series}
    contents = {one: change(frame) for one, (frame, _) in honest.items()}
    if all(contents[one].equals(frame) for one, (frame, _) in honest.items()):  # nothing changed but the name
        first, second = series
        contents = {first: contents[second], second: contents[first]}
    if position == ONLY:
        for one in series:
            folder.remove("fred", "rates", one)
    by = -MINUTE if position == FIRST else MINUTE
    return [folder.put_rates(one, honest[one][1] + by, contents[one]) for one in series]


def _value(change: Callable[[float], float]) -> Callable[[Bars], Bars]:
    def apply(text: str) -> str:
        return text if text in (".", "") else f"{change(float(text)):.6g}"

    return lambda frame: frame.with_columns(pl.col("value").map_elements(apply, return_dtype=pl.String))


def _row(day: str, value: float, *, first: bool = False) -> Callable[[Bars], Bars]:
    def change(frame: Bars) -> Bars:
        rows = frame.with_columns(pl.col("date").cast(pl.String))
        extra = pl.DataFrame({"date": [day], "value": [str(value)]})
        return pl.concat([extra, rows] if first else [rows, extra])

    return change


def _moved_values(frame: Bars, which: pl.Expr, by: float | None) -> Bars:
    number = pl.col("value").cast(pl.Float64, strict=False)
    wrong = number * 10 if by is None else number + by
    return frame.with_columns(
        pl.when(which & number.is_not_null()).then(wrong.round(4).cast(pl.String)).otherwise("value").alias("value")
    )


def _tail(count: int, by: float) -> Callable[[Bars], Bars]:
    return lambda frame: _moved_values(frame, pl.int_range(pl.len()) >= frame.height - count, by)


def _between(begin: str, end: str, by: float | None) -> Callable[[Bars], Bars]:
    """Values of those days higher by so much, or times 10."""
    which = pl.col("date").is_between(pl.lit(begin).str.to_date(), pl.lit(end).str.to_date())
    return lambda frame: _moved_values(frame, which, by)


def _moved(days: int) -> Callable[[Bars], Bars]:
    """The file still ends on its last day."""
    return lambda frame: frame.with_columns(pl.col("date") + timedelta(days=days)).filter(pl.col("date") <= frame["date"].max())


def _going_on(frame: Bars) -> Bars:
    last = frame["date"].max()
    assert isinstance(last, date)
    days = [last + timedelta(days=n) for n in range(1, 400)]
    return pl.concat([frame, pl.DataFrame({"date": days, "value": ["1.0"] * len(days)})])


def _flat_ahead(frame: Bars) -> Bars:
    last = frame["date"].max()
    assert isinstance(last, date)
    days = [last + timedelta(days=n) for n in range(1, 301)]
    return pl.concat([frame, pl.DataFrame({"date": days, "value": [frame["value"][-1]] * len(days)})])


# ---------------------------------------------------------------- holdings

Change = Callable[[Snapshot, Folder], Snapshot]


def _holdings_lies() -> Iterator[Lie]:
    def tell(
        name: str,
        funds: tuple[str, ...],
        change: Change,
        sentence: str,
        error: str,
        positions: tuple[str, ...] = EVERYWHERE,
        untold: tuple[str, ...] = (),
    ) -> Iterator[Lie]:
        for fund in funds:
            for position in positions:
                write = partial(_write_holdings, fund=fund, change=change, position=position)
                full = f"{fund.lower()}_{name}.{position}"
                yield Lie(full, "holdings", f"{fund}: {sentence}", position, error, position not in untold, write)

    everyone, valued = ("IWM", "SPY", "QQQ"), ("IWM", "QQQ")
    yield from tell("values_1000x", valued, _each(market_value=1000, notional=1000), "all market values times 1000", "99 900 %")
    yield from tell(
        "values_in_thousands", valued, _each(market_value=0.001, notional=0.001), "all market values in thousands", "99.9 %"
    )
    yield from tell("values_and_quantities_10x", valued, _each(market_value=10, notional=10, quantity=10),
                    "ten times the fund: values and quantities", "900 % of the fund's assets", untold=())  # fmt: skip
    yield from tell("quantities_10x", everyone, _each(quantity=10), "all quantities times 10", "900 % of each quantity")
    yield from tell("prices_10x", ("IWM",), _each(price=10), "all prices times 10", "900 % of each price")
    yield from tell("shares_outstanding_10x", ("IWM",), lambda s, _: replace(s, shares=(s.shares or 0) * 10),
                    "shares outstanding times 10", "900 % of one fact")  # fmt: skip
    yield from tell(
        "weights_permuted", everyone, _permuted("weight"), "weights permuted among the lines", "up to 8 points a line"
    )
    yield from tell("sizes_permuted", everyone, _permuted("weight", "market_value", "notional", "quantity", "price"),
                    "weights, values, quantities and prices permuted among the names", "up to 8 points a line")  # fmt: skip
    yield from tell("weights_equal", everyone, _equal, "every line with the same weight and value", "8 points for the largest")
    yield from tell("weights_as_fractions", everyone, _each(weight=0.01), "weights as fractions", "99 % of each weight")
    yield from tell("all_financials", ("IWM", "QQQ"), _sector("Financials"), "every sector Financials", "99 % Financials")
    yield from tell("sectors_shuffled", ("IWM", "QQQ"), _permuted("sector"), "sectors shuffled", "10 points a sector")
    yield from tell("one_sector_renamed", ("IWM",), _sector_moved, "every Health Care line as Energy", "15 points of two sectors")
    yield from tell("sectors_blank", ("IWM",), _sector("-"), "no sector on any line", "coverage 0 %")
    yield from tell("half_cut", everyone, _cut(0.5), "half of the list cut, weights rescaled", "weights doubled")
    yield from tell("a_fifth_cut", ("IWM",), _cut(0.8), "a fifth of the list cut, weights rescaled", "25 % of each weight")
    yield from tell(
        "largest_cut", ("SPY", "QQQ"), _largest_cut, "the eight largest lines cut, weights rescaled", "35 % of the fund"
    )
    yield from tell("one_line_cut", ("IWM",), _line_cut, "one line of some 0.1 % cut, weights rescaled", "0.1 % of the fund",
                    untold=EVERYWHERE)  # fmt: skip
    yield from tell("yesterdays_list", everyone, _under_next_date, "the list known under one date, with the next session's date",
                    "one session", (LATER,))  # fmt: skip
    yield from tell(
        "old_list_new_date", ("IWM", "SPY"), _oldest_list, "the oldest known list under a new date", "a year", (LATER,)
    )
    yield from tell(
        "tickers_shifted", everyone, _shifted_column("ticker"), "each ticker stands against the next line's name", "any"
    )
    yield from tell("names_shifted", everyone, _shifted_column("name"), "each name stands against the next line's ticker", "any")
    yield from tell("one_at_30", everyone, _one_position(0.30), "one position at 30 %", "22 to 29 points")
    yield from tell("cash_at_40", everyone, _cash(0.40), "cash at 40 %", "40 points")
    yield from tell("every_line_twice", everyone, _twice, "every line twice, each with half its weight", "twice the lines")
    yield from tell("another_funds_list", everyone, _other_list, "another fund's list under this fund's title", "up to 90 points")
    yield from tell("russell_3000_list", ("IWM",), _list_of("IWV"), "IWV's list under IWM's title", "60 % of the fund")
    yield from tell("sibling_list", ("SPY",), _list_of("IVV"), "IVV's list in SPY's layout: the same index", "quantities alone",
                    untold=EVERYWHERE)  # fmt: skip
    yield from tell("on_a_sunday", ("IWM", "SPY"), lambda s, _: _dated(s, _sunday(s.as_of)), "the as-of date is a Sunday", "one or two days",
                    (LATER, ONLY))  # fmt: skip
    yield from tell("other_issuers_quantities", ("SPY",), _permuted("quantity"), "quantities permuted among the lines",
                    "any quantity")  # fmt: skip


def _write_holdings(folder: Folder, *, fund: str, change: Change, position: str) -> list[Path]:
    """A later lie comes with the next session's date, and beside the lie its prices have drifted as they would."""
    if not folder.has_fund(fund):
        raise NotHere(f"no holdings of {fund}")
    honest = folder.snapshot(fund, 0 if position == FIRST else -1)
    wrong = change(a_day_later(honest) if position == LATER else honest, folder)
    at = {FIRST: honest.retrieved_at - MINUTE, LATER: a_day_later(honest).retrieved_at, ONLY: honest.retrieved_at}[position]
    if wrong.as_of >= at.date():
        at = at.replace(year=wrong.as_of.year, month=wrong.as_of.month, day=wrong.as_of.day) + DAY
    if position == ONLY:
        folder.remove("ishares" if fund == "IWM" else {"SPY": "ssga", "QQQ": "invesco"}[fund], "holdings", fund)
    # Sectors stand in the issuer's CSV alone.
    extension = "csv" if fund == "QQQ" and wrong.lines[0].get("sector") else ""
    return [folder.put_snapshot(wrong, at, extension)]


def _each(**factors: float) -> Change:
    def change(snapshot: Snapshot, _: Folder) -> Snapshot:
        lines = [
            line | {name: line[name] * factor for name, factor in factors.items() if line.get(name) is not None}
            for line in snapshot.lines
        ]
        return replace(snapshot, lines=lines)

    return change


def _permuted(*names: str) -> Change:
    def change(snapshot: Snapshot, _: Folder) -> Snapshot:
        if "sector" in names and not snapshot.lines[0].get("sector"):
            raise NotHere(f"{snapshot.fund}'s file has no sector")
        order = np.random.default_rng(11).permutation(len(snapshot.lines)).tolist()
        lines = [
            line | {name: snapshot.lines[j].get(name) for name in names} for line, j in zip(snapshot.lines, order, strict=True)
        ]
        return replace(snapshot, lines=lines)

    return change


def _equal(snapshot: Snapshot, _: Folder) -> Snapshot:
    share = 1 / len(snapshot.lines)
    total = sum(line.get("market_value") or 0 for line in snapshot.lines)
    values = {"weight": round(100 * share, 6)} | ({"market_value": total * share, "notional": total * share} if total else {})
    return replace(snapshot, lines=[line | values for line in snapshot.lines])


def _sector(name: str) -> Change:
    def change(snapshot: Snapshot, _: Folder) -> Snapshot:
        if not snapshot.lines[0].get("sector"):
            raise NotHere(f"{snapshot.fund}'s file has no sector")
        held = {id(line) for line in snapshot.equities}
        return replace(snapshot, lines=[line | {"sector": name} if id(line) in held else line for line in snapshot.lines])

    return change


def _sector_moved(snapshot: Snapshot, _: Folder) -> Snapshot:
    lines = [line | {"sector": "Energy"} if line["sector"] == "Health Care" else line for line in snapshot.lines]
    return replace(snapshot, lines=lines)


def _cut(kept: float) -> Change:
    def change(snapshot: Snapshot, _: Folder) -> Snapshot:
        keep = np.random.default_rng(5).random(len(snapshot.lines)) < kept
        lines = [line for line, stays in zip(snapshot.lines, keep.tolist(), strict=True) if stays]
        return replace(snapshot, lines=reweighted(lines))

    return change


def _largest_cut(snapshot: Snapshot, _: Folder) -> Snapshot:
    return replace(snapshot, lines=reweighted(snapshot.lines[8:]))


def _line_cut(snapshot: Snapshot, _: Folder) -> Snapshot:
    place = next(i for i, line in enumerate(snapshot.lines) if (line["weight"] or 0) < 0.1)
    return replace(snapshot, lines=reweighted([*snapshot.lines[:place], *snapshot.lines[place + 1 :]]))


def _dated(snapshot: Snapshot, day: date) -> Snapshot:
    return replace(snapshot, as_of=day)


def _sunday(day: date) -> date:
    return day + timedelta(days=6 - day.weekday())


def _under_next_date(snapshot: Snapshot, folder: Folder) -> Snapshot:
    known = folder.snapshot(snapshot.fund)
    return replace(snapshot, lines=known.lines, shares=known.shares)


def _oldest_list(snapshot: Snapshot, folder: Folder) -> Snapshot:
    oldest = folder.snapshot(snapshot.fund, 0)
    if oldest.as_of >= folder.snapshot(snapshot.fund).as_of:
        raise NotHere(f"only one snapshot of {snapshot.fund}")
    return replace(snapshot, lines=oldest.lines, shares=oldest.shares)


def _shifted_column(name: str) -> Change:
    def change(snapshot: Snapshot, _: Folder) -> Snapshot:
        values = [line.get(name) for line in snapshot.lines]
        shifted = [*values[1:], values[0]]
        return replace(snapshot, lines=[line | {name: value} for line, value in zip(snapshot.lines, shifted, strict=True)])

    return change


def _one_position(share: float) -> Change:
    def change(snapshot: Snapshot, _: Folder) -> Snapshot:
        return replace(snapshot, lines=_with_share(snapshot.lines, 3, share))

    return change


def _with_share(lines: list[Line], place: int, share: float) -> list[Line]:
    """One line takes a share of the whole, and the others give way in proportion; quantities follow."""
    by = "market_value" if any(line.get("market_value") for line in lines) else "weight"
    whole = sum(line.get(by) or 0.0 for line in lines)
    own = lines[place].get(by) or 0.0
    result = []
    for number, line in enumerate(lines):
        if number == place:
            factor = share * whole / own if own else 0.0
            fresh = line | {by: share * whole} | ({"notional": share * whole} if line.get("notional") is not None else {})
        else:
            factor = (1 - share) * whole / (whole - own)
            fresh = line | {name: line[name] * factor for name in (by, "notional") if line.get(name) is not None}
        if line.get("quantity") is not None and factor:
            fresh["quantity"] = round(line["quantity"] * factor)
        result.append(fresh)
    return reweighted(result)


def _cash(share: float) -> Change:
    def change(snapshot: Snapshot, _: Folder) -> Snapshot:
        cash = {
            "IWM": {
                "ticker": "USD",
                "name": "USD CASH",
                "sector": "Cash and/or Derivatives",
                "asset_class": "Cash",
                "price": 100.0,
            },
            "SPY": {"ticker": "-", "name": "US DOLLAR", "cusip": "CASH_USD", "sedol": "-", "sector": "-", "currency": "USD"},
            "QQQ": {"ticker": "USD", "name": "US Dollar", "asset_class": "Currency", "cusip": "CASHUSD00", "sector": "-"},
        }[snapshot.fund]
        if not any(line.get("sector") for line in snapshot.lines):
            cash["asset_class"] = "CURR"
        money = 1.0 if any(line.get("market_value") for line in snapshot.lines) else None
        line: Line = {"weight": 1.0, "market_value": money, "notional": money, "quantity": 1.0, "price": None, **cash}
        lines = _with_share([*snapshot.lines, line], len(snapshot.lines), share)
        return replace(snapshot, lines=lines)

    return change


def _twice(snapshot: Snapshot, _: Folder) -> Snapshot:
    names = ("weight", "market_value", "notional", "quantity")
    halves = [line | {name: line[name] / 2 for name in names if line.get(name) is not None} for line in snapshot.lines]
    # A blank behind the name keeps the second from being the same line again.
    return replace(snapshot, lines=[*halves, *(line | {"name": f"{line['name']} A"} for line in halves)])


def _other_list(snapshot: Snapshot, folder: Folder) -> Snapshot:
    """Lines of another fund, as many as this fund has."""
    other = {"IWM": "IWV", "SPY": "IWM", "QQQ": "SPY"}[snapshot.fund]
    if not folder.has_fund(other):
        raise NotHere(f"no holdings of {other}")
    taken = folder.snapshot(other).equities
    lines = taken[-len(snapshot.lines) :] if snapshot.fund == "QQQ" else taken[: len(snapshot.lines)]
    return replace(snapshot, lines=_in_layout(lines, snapshot))


def _list_of(other: str) -> Change:
    def change(snapshot: Snapshot, folder: Folder) -> Snapshot:
        if not folder.has_fund(other):
            raise NotHere(f"no holdings of {other}")
        return replace(snapshot, lines=_in_layout(folder.snapshot(other).lines, snapshot))

    return change


def _in_layout(lines: list[Line], snapshot: Snapshot) -> list[Line]:
    """Another fund's lines with the fields of this fund's file."""
    whole = sum(line.get("market_value") or 0.0 for line in snapshot.lines)
    part = sum(line.get("market_value") or line.get("weight") or 0.0 for line in lines)
    fields = set(snapshot.lines[0])
    result = []
    for number, line in enumerate(lines):
        fresh: Line = {
            "cusip": f"9{number:08}",
            "sedol": f"X{number:06}",
            "asset_class": snapshot.lines[0].get("asset_class"),
            **line,
        }
        if whole:
            value = (line.get("market_value") or line.get("weight") or 0.0) / part * whole
            fresh |= {"market_value": value, "notional": value}
            fresh["price"] = line.get("price") or 100.0
            fresh["quantity"] = value / fresh["price"] if fresh["price"] else line.get("quantity")
        result.append({name: fresh.get(name) for name in fields | {"market_value", "weight"} if whole or name != "market_value"})
    if not whole:
        stated = sum(line.get("weight") or 0.0 for line in lines)
        return [line | {"weight": round((line["weight"] or 0.0) / stated * 100, 6)} for line in result]
    return reweighted(result)


# ---------------------------------------------------------------- dates of the future

FUTURE = datetime.fromisoformat("2099-01-02T01:00:00+00:00")


def _future_lies() -> Iterator[Lie]:
    def prices(folder: Folder) -> list[Path]:
        bars, _ = folder.prices("IWM")
        return [folder.put_prices("IWM", FUTURE, _scaled(1.02)(bars))]

    def rates(folder: Folder) -> list[Path]:
        return [folder.put_rates("DFEDTARU", FUTURE, _value(lambda v: v + 0.25)(folder.rates("DFEDTARU")[0]))]

    def holdings(folder: Folder, fund: str, days: int) -> list[Path]:
        known = a_day_later(folder.snapshot(fund))
        as_of = FUTURE.date() - timedelta(days=3) if days else known.as_of
        extension = "csv" if fund == "QQQ" and known.lines[0].get("sector") else ""
        return [folder.put_snapshot(replace(known, as_of=as_of), FUTURE, extension)]

    says = "a file name of 2099 wins over every later document"
    yield Lie("iwm_prices_of_2099.later", "future", says, LATER, "for ever", True, prices)
    yield Lie("fred_of_2099.later", "future", says, LATER, "for ever", True, rates)
    for fund in ("IWM", "SPY", "QQQ"):
        yield Lie(
            f"{fund.lower()}_holdings_of_2099.later",
            "future",
            says,
            LATER,
            "for ever",
            True,
            partial(holdings, fund=fund, days=0),
        )
        name = f"{fund.lower()}_as_of_2098.later"
        yield Lie(name, "future", f"{fund}: as-of date and file name of 2098 and 2099", LATER, "for ever", True,
                  partial(holdings, fund=fund, days=1))  # fmt: skip

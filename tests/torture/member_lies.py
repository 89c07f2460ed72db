"""Faulty bars of members, and faulty market capitalisations."""

import io
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import polars as pl

from orchestration.vendors.yahoo.member_prices import PRICES, read_table
from tests.torture.folder import Folder
from tests.torture.lie import DAY, LATER, MINUTE, ONLY, Lie, NotHere

MEMBERS, CAPS = "yahoo/member_prices/US", "yahoo/market_caps/US"
Change = Callable[[pl.DataFrame], pl.DataFrame]
_RECENT = 10


def member_lies() -> Iterator[Lie]:
    """As later documents of the last sessions, and as the only document of its symbols."""
    bars: dict[str, tuple[Change, str, str, tuple[str, ...]]] = {
        "times_3": (times(3), "every price times 3", "200 % of every close", (LATER,)),
        "symbols_shifted": (symbols_shifted, "every symbol has the bars of the next one", "any", (LATER,)),
        "dates_shifted": (dates_shifted, "every bar is dated a session early", "2 % of every close", (LATER, ONLY)),
        "flat": (flat, "open, high and low are the close", "every range", (LATER, ONLY)),
        "no_volume": (no_volume, "no bar has volume", "every volume", (LATER, ONLY)),
        "highs": (highs, "every tenth high twice as high", "100 % of a tenth of the highs", (LATER, ONLY)),
        "newest_times_3": (newest_times_3, "the newest session times 3", "200 % of every newest close", (LATER, ONLY)),
    }
    for name, (change, sentence, error, positions) in bars.items():
        for position in positions:
            write = partial(_write_bars, change=change, position=position)
            yield Lie(f"members_{name}.{position}", "members", f"members: {sentence}", position, error, True, write)
    for position in (ONLY,):
        for name, change in (("times_3", times(3)), ("symbols_shifted", symbols_shifted)):
            sentence = f"members: {bars[name][1]}, and nothing else is known"
            write = partial(_write_bars, change=change, position=position)
            yield Lie(f"members_{name}.{position}", "members", sentence, position, "any", False, write)


def cap_lies() -> Iterator[Lie]:
    """As a later document of the same session, and as the only one."""
    caps: dict[str, tuple[Change, str, str, str]] = {
        "two_fifths_50x": (_large_part("marketCap", "sharesOutstanding"), "two fifths of the stocks times 50", "4 900 %", LATER),
        "two_fifths_50x_by_price": (_large_part("marketCap", "regularMarketPrice"), "the same by their prices", "4 900 %", LATER),
        "reversed": (_reversed, "every stock has the numbers of another", "every rank", LATER),
        "no_shares_1000x": (_without_shares, "the smaller half times 1 000, without shares", "99 900 % of half", ONLY),
    }
    for name, (change, sentence, error, position) in caps.items():
        write = partial(_write_caps, change=change, position=position)
        yield Lie(f"caps_{name}.{position}", "market_caps", f"capitalisations: {sentence}", position, error, True, write)


def _newest(folder: Folder, place: str) -> tuple[bytes, datetime]:
    """The newest Parquet document."""
    documents = [one for one in folder.documents(*place.split("/")) if one.extension == "parquet"]
    if not documents:
        raise NotHere(place)
    assert documents[-1].retrieved_at is not None
    return documents[-1].read(), documents[-1].retrieved_at


def _put(folder: Folder, place: str, at: datetime, table: pl.DataFrame) -> list[Path]:
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    return [folder.put(place, at, buffer.getvalue(), "parquet")]


def _write_bars(folder: Folder, change: Change, position: str) -> list[Path]:
    content, at = _newest(folder, MEMBERS)
    bars = read_table(content, "parquet").sort("symbol", "session")
    sessions = bars["session"].unique().sort()
    if position == ONLY:
        folder.remove(*MEMBERS.split("/"))
    else:
        bars = bars.filter(pl.col("session") >= sessions[-_RECENT])
    return _put(folder, MEMBERS, at + DAY, change(bars))


def _write_caps(folder: Folder, change: Change, position: str) -> list[Path]:
    content, at = _newest(folder, CAPS)
    if position == ONLY:
        folder.remove(*CAPS.split("/"))
    return _put(folder, CAPS, at + MINUTE, change(pl.read_parquet(io.BytesIO(content))))


def times(factor: float) -> Change:
    """Every price times a factor."""
    return lambda bars: bars.with_columns(pl.col(PRICES) * factor)


def newest_times_3(bars: pl.DataFrame) -> pl.DataFrame:
    """Only the prices of the newest session."""
    is_newest = pl.col("session") == bars["session"].max()
    return bars.with_columns(pl.when(is_newest).then(pl.col(name) * 3).otherwise(name).alias(name) for name in PRICES)


def symbols_shifted(bars: pl.DataFrame) -> pl.DataFrame:
    """Each symbol with the bars of the one before it."""
    symbols = bars["symbol"].unique().sort().to_list()
    return bars.with_columns(pl.col("symbol").replace_strict(symbols, [*symbols[1:], symbols[0]])).sort("symbol", "session")


def dates_shifted(bars: pl.DataFrame) -> pl.DataFrame:
    """Each bar with the date of the session before."""
    sessions = bars["session"].unique().sort().to_list()
    early = pl.col("session").replace_strict(sessions[1:], sessions[:-1], default=None)
    return bars.with_columns(early).drop_nulls("session")


def flat(bars: pl.DataFrame) -> pl.DataFrame:
    """Bars without a range."""
    return bars.with_columns(pl.col("close").alias(name) for name in PRICES)


def highs(bars: pl.DataFrame) -> pl.DataFrame:
    """Every tenth bar has twice its high."""
    is_tenth = pl.int_range(pl.len()) % 10 == 0
    return bars.with_columns(high=pl.when(is_tenth).then(pl.col("high") * 2).otherwise("high"))


def no_volume(bars: pl.DataFrame) -> pl.DataFrame:
    """Bars without volume."""
    return bars.with_columns(pl.lit(0.0).alias("volume"))


def _large_part(*columns: str) -> Change:
    chosen = pl.int_range(pl.len()) % 5 < 2
    # So that no stock is above what a company can be worth.
    small = pl.col("marketCap") < 1e11
    return lambda caps: caps.with_columns(
        pl.when(chosen & small).then(pl.col(name) * 50).otherwise(name).alias(name) for name in columns
    )


def _reversed(caps: pl.DataFrame) -> pl.DataFrame:
    ordered = caps.sort("marketCap")
    return ordered.with_columns(pl.col("marketCap", "regularMarketPrice", "sharesOutstanding").reverse())


def _without_shares(caps: pl.DataFrame) -> pl.DataFrame:
    smaller = pl.col("marketCap") < pl.col("marketCap").median()
    grown = pl.when(smaller).then(pl.col("marketCap") * 1000).otherwise("marketCap")
    return caps.with_columns(marketCap=grown, sharesOutstanding=pl.lit(None, pl.Float64))

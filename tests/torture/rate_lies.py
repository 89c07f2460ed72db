"""Faulty rates."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import polars as pl

from tests.torture.folder import Folder
from tests.torture.lie import EVERYWHERE, FIRST, LATER, MINUTE, ONLY, Lie

Rates = pl.DataFrame


def rate_lies() -> Iterator[Lie]:
    """Faults of one series or of several at once."""

    def add(
        name: str,
        series: tuple[str, ...],
        change: Callable[[Rates], Rates],
        sentence: str,
        error: str,
        positions: tuple[str, ...] = EVERYWHERE,
        uncontradicted: tuple[str, ...] = (),
    ) -> Iterator[Lie]:
        for position in positions:
            write = partial(_write_rates, series=series, change=change, position=position)
            label = f"{', '.join(series)}: {sentence}"
            yield Lie(f"{name}.{position}", "rates", label, position, error, position not in uncontradicted, write)

    both = ("DFEDTARU", "DFEDTARL")
    yield from add("fred_fractions", ("DFEDTARU",), each_value(lambda v: v / 100), "fractions for percent", "99 % of each value")
    yield from add("fred_fractions_both", both, each_value(lambda v: v / 100), "fractions for percent", "99 % of each value")
    yield from add(
        "fred_fractions_all",
        (*both, "DFEDTAR", "DFF"),
        each_value(lambda v: v / 100),
        "fractions for percent",
        "99 % of each value",
    )
    yield from add("fred_10x", ("DFEDTARU",), each_value(lambda v: v * 10), "values times 10", "900 % of each value")
    yield from add("fred_lower_10x", ("DFEDTARL",), each_value(lambda v: v * 10), "values times 10", "900 % of each value")
    yield from add("fred_dff_10x", ("DFF",), each_value(lambda v: v * 10), "values times 10", "900 % of each value")
    yield from add("fred_dff_in_basis_points", ("DFF",), each_value(lambda v: v * 100), "basis points", "9 900 % of each value")
    yield from add("fred_dff_fractions", ("DFF",), each_value(lambda v: v / 100), "fractions for percent", "99 % of each value")
    yield from add("fred_date_2099", ("DFEDTARU",), _row("2099-01-01", 1.0), "a value of 2099", "one value of the future")
    yield from add("fred_date_0001", ("DFEDTARU",), _row("0001-01-01", 1.0, first=True), "a value of the year 1", "one value")
    yield from add("fred_target_2099", ("DFEDTAR",), _row("2099-01-01", 9.0), "a value of 2099", "one value of the future")
    yield from add("fred_upper_below_lower", ("DFEDTARU",), _tail(200, -0.5), "200 days below the lower end", "0.5 points")
    yield from add("fred_ends_swapped", both, lambda v: v, "the upper end's file under the lower end's name", "0.25 points")
    yield from add("fred_off_a_step", ("DFEDTARU",), _tail(300, 0.25), "the last 300 days a step too high", "0.25 points")
    yield from add(
        "fred_both_off_a_step",
        both,
        _between("2019-01-01", "2021-06-30", 0.25),
        "both ends a step too high for 30 months",
        "0.25 points",
    )
    yield from add(
        "fred_both_off_beyond_dff",
        both,
        _between("2024-06-01", "2025-06-30", 0.25),
        "both ends a step too high where no other rate is known",
        "0.25 points",
        uncontradicted=(FIRST, ONLY),
    )
    yield from add(
        "fred_dff_off", ("DFF",), _between("2019-01-01", "2021-06-30", 1.0), "a point too high for 30 months", "1 point"
    )
    yield from add(
        "fred_dff_one_value_10x", ("DFF",), _between("2022-05-04", "2022-05-04", None), "one value times 10", "one value"
    )
    yield from add(
        "fred_target_one_day", both, _between("2018-03-05", "2018-03-05", 1.0), "both ends a point up for one day", "1 point"
    )
    yield from add(
        "fred_shifted_a_month", ("DFEDTARU",), _moved(30), "every value a month late", "0.25 to 0.75 points at each step"
    )
    yield from add("fred_both_shifted_a_month", both, _moved(30), "every value a month late", "0.25 to 0.75 points at each step")
    yield from add("fred_upside_down", ("DFF",), lambda f: f.with_columns(pl.col("value").reverse()), "values in reverse", "any")
    yield from add("fred_zeros", both, each_value(lambda v: v * 0), "zero throughout", "5 points")
    yield from add(
        "fred_all_missing",
        both,
        lambda f: f.with_columns(pl.when(pl.int_range(pl.len()) > 5).then(pl.lit(".")).otherwise("value").alias("value")),
        "a dot for nearly every value withdraws those known",
        "every value",
        (LATER, ONLY),
    )
    yield from add("fred_target_after_2008", ("DFEDTAR",), _going_on, "the single target goes on after it ended", "1 point")
    yield from add(
        "fred_day_month_swapped",
        ("DFF",),
        lambda f: f.with_columns(pl.col("date").dt.strftime("%Y-%d-%m")),
        "day and month swapped",
        "every value",
    )
    yield from add(
        "fred_flat_to_next_year",
        both,
        _flat_ahead,
        "the newest value stands for 300 days to come",
        "values of the future",
        (LATER, ONLY),
    )
    yield from add(
        "fred_last_digit",
        ("DFF",),
        each_value(lambda v: round(v + 0.01, 2)),
        "0.01 too high",
        "0.01 points",
        (FIRST, ONLY),
        uncontradicted=(FIRST, ONLY),
    )


def _write_rates(folder: Folder, *, series: tuple[str, ...], change: Callable[[Rates], Rates], position: str) -> list[Path]:
    honest = {one: folder.rates(one, 0 if position == FIRST else -1) for one in series}
    contents = {one: change(frame) for one, (frame, _) in honest.items()}
    if all(contents[one].equals(frame) for one, (frame, _) in honest.items()):  # only the name changed
        first, second = series
        contents = {first: contents[second], second: contents[first]}
    if position == ONLY:
        for one in series:
            folder.remove("fred", "rates", one)
    by = -MINUTE if position == FIRST else MINUTE
    return [folder.put_rates(one, honest[one][1] + by, contents[one]) for one in series]


def each_value(change: Callable[[float], float]) -> Callable[[Rates], Rates]:
    def apply(text: str) -> str:
        return text if text in (".", "") else f"{change(float(text)):.6g}"

    return lambda frame: frame.with_columns(pl.col("value").map_elements(apply, return_dtype=pl.String))


def _row(day: str, value: float, *, first: bool = False) -> Callable[[Rates], Rates]:
    def change(frame: Rates) -> Rates:
        rows = frame.with_columns(pl.col("date").cast(pl.String))
        extra = pl.DataFrame({"date": [day], "value": [str(value)]})
        return pl.concat([extra, rows] if first else [rows, extra])

    return change


def _moved_values(frame: Rates, which: pl.Expr, by: float | None) -> Rates:
    number = pl.col("value").cast(pl.Float64, strict=False)
    wrong = number * 10 if by is None else number + by
    return frame.with_columns(
        pl.when(which & number.is_not_null()).then(wrong.round(4).cast(pl.String)).otherwise("value").alias("value")
    )


def _tail(count: int, by: float) -> Callable[[Rates], Rates]:
    return lambda frame: _moved_values(frame, pl.int_range(pl.len()) >= frame.height - count, by)


def _between(begin: str, end: str, by: float | None) -> Callable[[Rates], Rates]:
    """Increase the values of some days, or multiply them by 10."""
    which = pl.col("date").is_between(pl.lit(begin).str.to_date(), pl.lit(end).str.to_date())
    return lambda frame: _moved_values(frame, which, by)


def _moved(days: int) -> Callable[[Rates], Rates]:
    """Shift the values; the file still ends on its last day."""
    return lambda frame: frame.with_columns(pl.col("date") + timedelta(days=days)).filter(pl.col("date") <= frame["date"].max())


def _going_on(frame: Rates) -> Rates:
    last = frame["date"].max()
    assert isinstance(last, date)
    days = [last + timedelta(days=n) for n in range(1, 400)]
    return pl.concat([frame, pl.DataFrame({"date": days, "value": ["1.0"] * len(days)})])


def _flat_ahead(frame: Rates) -> Rates:
    last = frame["date"].max()
    assert isinstance(last, date)
    days = [last + timedelta(days=n) for n in range(1, 301)]
    return pl.concat([frame, pl.DataFrame({"date": days, "value": [frame["value"][-1]] * len(days)})])

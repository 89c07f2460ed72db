"""The comparison of two engines' tables finds every kind of difference."""

from datetime import date

import polars as pl
import pytest

from tests.parity import Table, as_markdown, compare_frames

ROWS = pl.DataFrame(
    {
        "pair": ["IWM/SPY", "IWM/SPY", "IWM/QQQ"],
        "session": [date(2026, 1, 2), date(2026, 1, 5), date(2026, 1, 5)],
        "ratio": [0.5, 0.25, None],
        "regime": ["risk_on", None, "risk_off"],
        "spells": [1, 2, 3],
    }
)


def compared(theirs: pl.DataFrame) -> Table:
    return compare_frames("t", ROWS, theirs, key=["pair", "session"])


def changed(column: str, value: object) -> pl.DataFrame:
    values = ROWS[column].to_list()
    return ROWS.with_columns(pl.Series(column, [value, *values[1:]], dtype=ROWS.schema[column]))


def test_the_same_rows_in_another_order_are_equal() -> None:
    table = compared(ROWS.reverse())
    assert (table.faults, table.relative[0], table.absolute[0]) == ([], 0.0, 0.0)


@pytest.mark.parametrize(
    ("theirs", "fault"),
    [
        (changed("regime", "risk_off"), "regime: 1 rows differ, at IWM/SPY, 2026-01-02: 'risk_on' and 'risk_off'"),
        (changed("regime", None), "regime: 1 rows differ"),
        (changed("spells", 2), "spells: 1 rows differ"),
        (changed("ratio", None), "ratio: 1 rows differ"),
        (changed("ratio", 0.5 + 1e-11), "ratio: 1 rows differ"),
        (ROWS[1:], "3 rows by DuckDB, 2 by Spark; 1 keys only by DuckDB"),
        (changed("session", date(2026, 1, 3)), "1 keys only by DuckDB"),
        (ROWS.with_columns(pl.col("spells").cast(pl.Int32)), "columns differ"),
        (ROWS.drop("ratio"), "columns differ"),
    ],
)
def test_a_difference_is_named(theirs: pl.DataFrame, fault: str) -> None:
    assert fault in "; ".join(compared(theirs).faults)


def test_the_last_digits_of_a_double_are_reported_and_no_fault() -> None:
    # Also those that are small in both ways.
    small = compared(ROWS.with_columns(pl.col("ratio") * (1 + 4e-13)))
    assert small.faults == []
    assert small.relative == (pytest.approx(4e-13, rel=1e-2), "ratio")
    assert "0 of them to the last bit" in as_markdown([small])
    one, other = (ROWS.with_columns(ratio=pl.lit(value)) for value in (1e-13, 2e-13))
    cancelled = compare_frames("t", one, other, key=["pair", "session"])
    assert cancelled.faults == []
    assert (cancelled.relative, cancelled.absolute) == ((0.0, ""), (pytest.approx(1e-13), "ratio"))
    large = compare_frames(
        "t",
        ROWS.with_columns(pl.col("ratio") * 1e6),
        ROWS.with_columns(pl.col("ratio") * 1e6 * (1 + 4e-13)),
        key=["pair", "session"],
    )
    assert large.faults == []
    assert large.relative == (pytest.approx(4e-13, rel=1e-3), "ratio")
    assert "1 of 1 tables are equal, 0 of them to the last bit" in as_markdown([large])


def test_a_key_that_is_not_unique_is_an_error() -> None:
    with pytest.raises(pl.exceptions.ComputeError):
        compare_frames("t", pl.concat([ROWS, ROWS]), ROWS, key=["pair", "session"])

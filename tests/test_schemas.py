"""Row contracts: valid rows are separated from invalid ones, with reasons."""

from datetime import date

import polars as pl

from orchestration.schemas import RAW_TABLES, check_rows


def rates(*rows: tuple[str | None, date | None, float | None]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema={"series": pl.String, "date": pl.Date, "value": pl.Float64}, orient="row")
    return frame.with_row_index("_line", offset=2).with_columns(
        pl.col("_line").cast(pl.Int64), pl.format("row {}", pl.col("_line")).alias("_content")
    )


DAY = date(2026, 5, 5)


def test_valid_rows_pass_with_their_line_numbers() -> None:
    good, bad = check_rows(RAW_TABLES["rates"], rates(("DFF", DAY, 3.5), ("DFF", date(2026, 5, 6), None)))
    assert good["_line"].to_list() == [2, 3]
    assert bad.is_empty()


def test_each_failing_row_is_listed_once_with_all_its_reasons() -> None:
    _, bad = check_rows(RAW_TABLES["rates"], rates((None, None, 500.0), ("DFF", DAY, 3.5)))
    assert bad["line"].to_list() == [2]
    assert "series is missing" in bad["reason"][0]
    assert "value is too large" in bad["reason"][0]
    assert bad["content"].to_list() == ["row 2"]


def test_rows_with_the_same_key_all_fail() -> None:
    good, bad = check_rows(
        RAW_TABLES["rates"], rates(("DFF", DAY, 1.0), ("DFF", DAY, 1.0), ("DFF", DAY, 2.0), ("DFF", date(2026, 5, 4), None))
    )
    assert bad["line"].to_list() == [2, 3, 4]
    assert set(bad["reason"]) == {"another row has the same key"}
    assert good["_line"].to_list() == [5]


def test_equal_rows_with_nulls_are_both_listed() -> None:
    _, bad = check_rows(RAW_TABLES["rates"], rates((None, DAY, None), (None, DAY, None)))
    assert bad["line"].to_list() == [2, 3]


def test_nan_and_infinity_never_pass() -> None:
    good, bad = check_rows(RAW_TABLES["rates"], rates(("DFF", DAY, float("nan")), ("DFF", date(2026, 5, 4), float("inf"))))
    assert (good.height, bad.height) == (0, 2)


def test_an_infinite_market_value_never_passes() -> None:
    columns = RAW_TABLES["holdings"].columns
    row = dict.fromkeys(columns) | {
        "fund": "IWM",
        "as_of": DAY,
        "line_no": 1,
        "name": "x",
        "market_value": float("inf"),
    }
    frame = pl.DataFrame([row], schema=columns).with_columns(pl.lit(1, pl.Int64).alias("_line"), pl.lit("x").alias("_content"))
    good, bad = check_rows(RAW_TABLES["holdings"], frame)
    assert (good.height, bad.height) == (0, 1)

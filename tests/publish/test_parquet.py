"""The Parquet files of a release: descriptions of tables and columns, dates in pandas, and the same bytes for the same rows."""

from datetime import date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.publish.release_files import BI_TYPES, Table, write_parquet

TABLE = Table("every_type", "One row per session: it's a test.", ("session",))
IDENTITY = {"release_id": "r1", "source": "sample"}
MEANINGS = {
    "session": "Trading day.", "ended": "Last day; NULL while it lasts.", "made_at": "Time (UTC).", "is_open": "If it's open.",
    "sessions": "Number of sessions.", "volume": "Shares.", "ratio": "IWM ÷ SPY.", "label": "risk_on, or risk_off.",
}  # fmt: skip
ROWS = """
    select date '2020-03-23' as session, null::date as ended, timestamp '2020-03-23 20:00:00.000001' as made_at, true as is_open,
        1::integer as sessions, 5000000000::bigint as volume, 0.5e0 as ratio, 'risk_off' as label
    union all select date '2020-02-28', date '1900-01-01', null, null, null, null, null, null
"""
ARROW = {
    "session": pa.date32(), "ended": pa.date32(), "made_at": pa.timestamp("us"), "is_open": pa.bool_(), "sessions": pa.int32(),
    "volume": pa.int64(), "ratio": pa.float64(), "label": pa.string(),
}  # fmt: skip
DATES = {"session", "ended"}


@pytest.fixture(params=[None, "a test failed"], ids=["published", "withheld"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return written(tmp_path, request.param)


def written(folder: Path, withheld: str | None = None) -> Path:
    with duckdb.connect() as connection:
        connection.execute(f"create schema marts; create table marts.every_type as {ROWS}")
        for column, meaning in MEANINGS.items():
            connection.execute("comment on column marts.every_type.{} is '{}'".format(column, meaning.replace("'", "''")))
        table = write_parquet(connection, TABLE, folder, IDENTITY, withheld=withheld)
    assert set(table.columns.values()) == BI_TYPES
    return folder / table.file


def test_arrow_readers_see_what_tables_and_columns_mean(path: Path) -> None:
    schema = pq.read_schema(path)
    assert {field.name: field.metadata[b"description"].decode() for field in schema} == MEANINGS
    assert schema.metadata[b"description"].decode() == TABLE.description
    assert {key: schema.metadata[key.encode()].decode() for key in IDENTITY} == IDENTITY
    assert pq.read_table(path, columns=["ratio"]).schema.field("ratio").metadata == {b"description": "IWM ÷ SPY.".encode()}


def test_the_types_are_those_of_the_columns(path: Path) -> None:
    """A wrong Arrow schema changes what pyarrow and polars read."""
    assert {field.name: field.type for field in pq.read_schema(path)} == ARROW
    assert pl.read_parquet_schema(path) == {
        "session": pl.Date(), "ended": pl.Date(), "made_at": pl.Datetime("us"), "is_open": pl.Boolean(), "sessions": pl.Int32(),
        "volume": pl.Int64(), "ratio": pl.Float64(), "label": pl.String(),
    }  # fmt: skip
    described = dict(duckdb.sql(f"select column_name, column_type from (describe from '{path}')").fetchall())
    assert described == {
        "session": "DATE", "ended": "DATE", "made_at": "TIMESTAMP", "is_open": "BOOLEAN", "sessions": "INTEGER",
        "volume": "BIGINT", "ratio": "DOUBLE", "label": "VARCHAR",
    }  # fmt: skip


def test_pandas_reads_dates_as_timestamps(path: Path) -> None:
    frame = pd.read_parquet(path)
    assert {column for column in frame if str(frame[column].dtype) == "timestamp[us][pyarrow]"} == DATES
    assert all(pd.api.types.is_datetime64_any_dtype(frame[column]) for column in [*DATES, "made_at"])
    arrow = pd.read_parquet(path, dtype_backend="pyarrow")
    assert {column for column in arrow if str(arrow[column].dtype) == "date32[day][pyarrow]"} == DATES


def test_pandas_computes_with_the_dates(tmp_path: Path) -> None:
    frame = pd.read_parquet(written(tmp_path))
    assert list(frame["session"].dt.month) == [2, 3]
    assert list(frame["session"] >= pd.Timestamp("2020-03-01")) == [False, True]
    assert list(frame["ended"].isna()) == [False, True]
    assert frame["ended"][0] == pd.Timestamp(1900, 1, 1)
    assert frame.set_index("session")["ratio"].resample("MS").count().to_dict() == {
        pd.Timestamp(2020, 2, 1): 0, pd.Timestamp(2020, 3, 1): 1,
    }  # fmt: skip
    assert pd.to_datetime(frame["session"]).dtype == "datetime64[us]"


def test_the_values_and_the_footer_are_as_before(tmp_path: Path) -> None:
    path = written(tmp_path)
    expected = [
        (date(2020, 2, 28), date(1900, 1, 1), None, None, None, None, None, None),
        (date(2020, 3, 23), None, datetime(2020, 3, 23, 20, 0, 0, 1), True, 1, 5_000_000_000, 0.5, "risk_off"),
    ]
    assert duckdb.sql(f"from '{path}'").fetchall() == pl.read_parquet(path).rows() == expected
    footer = pq.read_metadata(path).metadata
    assert {key: footer[key.encode()].decode() for key in IDENTITY} == IDENTITY
    assert b"pandas" not in footer  # fastparquet cannot read the type


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    assert written(first).read_bytes() == written(second).read_bytes()

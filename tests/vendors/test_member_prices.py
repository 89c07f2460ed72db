"""Members' prices: many symbols in one table, checked in bulk; and tables that are something else."""

from datetime import UTC, date, datetime
from io import BytesIO

import polars as pl
import pytest

from orchestration.raw.parse import _split_rows
from orchestration.schemas import RAW_TABLES
from orchestration.vendors.feed import DocumentRejected, Parsed
from orchestration.vendors.yahoo import member_prices
from tests.vendors import documents as invented

DAYS = invented.session_days(3)
ROW = {"open": 10.0, "high": 11.0, "low": 9.5, "close": 10.5, "volume": 1000.0}


def table(*changes: dict[str, object]) -> pl.DataFrame:
    """Two symbols with three bars each; each change replaces cells of one row, by its number."""
    rows: list[dict[str, object]] = [{"symbol": symbol, "session": day, **ROW} for symbol in ("AAA", "BRK-B") for day in DAYS]
    for place, change in enumerate(changes):
        rows[place] |= change
    return pl.DataFrame(rows, schema_overrides={"session": pl.Date, "volume": pl.Float64})


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def parse(content: bytes, extension: str = "parquet", **changes: object) -> Parsed:
    return member_prices.parse(content, invented.context("US", extension, **changes))


def rejected(parsed: Parsed) -> dict[int, str]:
    return dict(pl.concat(parsed.rejects).select("line", "reason").iter_rows())


def test_every_bar_of_every_symbol() -> None:
    parsed = parse(parquet(table()))
    bars = parsed.tables["member_bars"]
    assert bars.select(list(RAW_TABLES["member_bars"].columns)).rows()[:1] == [("AAA", DAYS[0], 10.0, 11.0, 9.5, 10.5, 1000)]
    assert bars.height == 6
    assert rejected(parsed) == {}
    valid, rejects = _split_rows(parsed)
    assert (valid["member_bars"].height, rejects.height) == (6, 0)


def test_a_csv_with_other_names_and_tickers_that_look_like_values() -> None:
    lines = ["Date,Ticker,Open,High,Low,Close,Adj Close,Volume"]
    lines += [f"{day} 00:00:00-04:00,{ticker},10,11,9.5,10.5,10.4,1000" for ticker in ("NA", "true", "NAN") for day in DAYS]
    bars = parse("\n".join(lines).encode(), "csv").tables["member_bars"]
    assert bars["symbol"].unique().sort().to_list() == ["NA", "NAN", "TRUE"]
    assert bars.height == 9
    assert bars["close"].unique().to_list() == [10.5]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"close": float("nan")}, "a price is missing"),
        ({"open": None}, "a price is missing"),
        ({"high": float("inf")}, "a price is missing"),
        ({"volume": None}, "the volume is missing"),
        ({"volume": -1.0}, "the volume is too small"),
        ({"low": 0.0}, "a price is not above zero"),
        ({"high": 1.1e7}, "a price is above ten million dollars"),
        ({"high": 260.0}, "the high is more than 25 times the low"),
        ({"high": 10.4}, "the high is not the highest price"),
        ({"low": 10.2}, "the low is not the lowest price"),
        ({"symbol": " "}, "the symbol is missing"),
        ({"session": None}, "the session is missing or not a date"),
        ({"session": date(2026, 5, 3)}, "XNYS does not trade on this day"),
        ({"session": date(2026, 5, 6)}, "the session was still open at the retrieval"),
        ({"session": date(2019, 11, 1)}, "the session is before the calendar, which begins on 2019-12-02"),
    ],
)
def test_an_impossible_row_is_rejected_alone(change: dict[str, object], reason: str) -> None:
    parsed = parse(parquet(table(change)))
    assert rejected(parsed) == {1: reason}
    assert parsed.tables["member_bars"].height == 5


@pytest.mark.parametrize(("price", "reason"), [(106.0, "more than 10 times"), (1.0, "less than a 10th of")])
def test_a_spike_is_rejected(price: float, reason: str) -> None:
    spike: dict[str, object] = dict.fromkeys(("open", "high", "low", "close"), price)
    assert rejected(parse(parquet(table({}, spike)))) == {2: f"the close is {reason} those before and after it"}


def test_a_jump_that_lasts_is_used() -> None:
    """A level that stays is what a company did, or another split basis; a spike is a damaged number."""
    higher: dict[str, object] = {name: 12 * ROW[name] for name in ("open", "high", "low", "close")}
    assert rejected(parse(parquet(table({}, higher, higher)))) == {}
    assert rejected(parse(parquet(table({}, {}, higher)))) == {}


def test_a_reject_begins_with_symbol_and_session() -> None:
    content = parse(parquet(table({"close": float("nan")}))).rejects[0]["content"][0]
    assert content == f"AAA,{DAYS[0]},10.0,11.0,9.5,,1000.0"


def test_of_equal_rows_one_is_used_and_of_different_ones_none() -> None:
    copy, rival = table()[:1], table({"close": 10.6}, {}, {})[:1]
    assert rejected(parse(parquet(pl.concat([table(), copy])))) == {7: "repeats another row"}
    found = parse(parquet(pl.concat([table(), copy, rival])))
    assert rejected(found) == dict.fromkeys((1, 7, 8), "another row has the same key")
    assert found.tables["member_bars"].height == 5


def test_prices_that_cross_by_rounding_are_used() -> None:
    assert rejected(parse(parquet(table({"high": 10.4999, "close": 10.5})))) == {}


def test_the_session_of_a_time_is_the_exchanges_date() -> None:
    times = table().with_columns(pl.col("session").cast(pl.Datetime("us")).dt.replace_time_zone("America/New_York"))
    assert parse(parquet(times)).tables["member_bars"]["session"].unique().sort().to_list() == DAYS


@pytest.mark.parametrize(
    ("content", "extension", "reason"),
    [
        (b"not a table", "parquet", "not a Parquet table"),
        (b"<html><body>Too many requests</body></html>", "csv", "web page"),
        (parquet(table().drop("low")), "parquet", "no column low"),
        (parquet(table().drop("symbol")), "parquet", "no column symbol"),
        (parquet(table().clear()), "parquet", "no bar is usable"),
        (
            b"symbol,session,open,high,low,close,volume\nA,x,1,1,1,1,1\n",
            "csv",
            "no bar is usable: line 1, the session is missing",
        ),
    ],
)
def test_another_file_is_rejected_with_a_reason(content: bytes, extension: str, reason: str) -> None:
    with pytest.raises(DocumentRejected, match=reason):
        parse(content, extension)


def test_the_bar_of_an_open_session_waits_for_its_close() -> None:
    at = datetime(2026, 5, 5, 20, 29, tzinfo=UTC)  # 29 minutes after the close
    assert rejected(parse(parquet(table()), retrieved_at=at)) == dict.fromkeys(
        (3, 6), "the session was still open at the retrieval"
    )

"""Collecting beside documents that cannot be read: ingesting rejects them, and nothing stops here."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from orchestration.landing.collect import Landing, fetch_all
from orchestration.landing.documents import write_document
from orchestration.landing.members import due_symbols
from orchestration.settings import FetchLimits
from orchestration.vendors import fred
from orchestration.vendors.feed import Fetched
from orchestration.vendors.http import Client
from orchestration.vendors.yahoo import member_prices

AT = datetime(2026, 5, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def put(landing: Landing, content: bytes, at: datetime, symbol: str = "DFF") -> Path:
    feed = fred.FEED if symbol == "DFF" else member_prices.FEED
    extension = "csv" if symbol == "DFF" else "parquet"
    return write_document(
        landing.own, vendor=feed.vendor, kind=feed.kind, symbol=symbol, retrieved_at=at, extension=extension, content=content
    ).path


def as_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("gone")


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    """An empty landing folder."""
    return Landing(tmp_path, [tmp_path], AT)


def status_of(landing: Landing, answer: bytes) -> str:
    """The outcome of a fetch that brings this answer."""
    client = partial(Client, "https://example.invalid", FetchLimits(1, 1, 0, 1), landing.own)
    feed = replace(fred.FEED, symbols=lambda _: {"DFF": None}, fetch=lambda *_: Fetched(answer, "csv"))
    [outcome] = fetch_all(feed, landing, {}, client, lambda _: pl.DataFrame())
    return outcome.status


@pytest.mark.parametrize("damage", [as_link, as_folder])
def test_an_answer_is_compared_with_the_newest_document_that_can_be_read(
    damage: Callable[[Path], None], landing: Landing
) -> None:
    put(landing, b"known", AT - 2 * DAY)
    damage(put(landing, b"x", AT - DAY))
    assert status_of(landing, b"known") == "unchanged"
    assert status_of(landing, b"new") == "new"


def test_another_answer_of_the_same_second_is_a_failure_not_an_error(landing: Landing) -> None:
    put(landing, b"known", AT)
    assert status_of(landing, b"other") == "failed"


def test_members_documents_that_cannot_be_read_bring_no_symbol(landing: Landing) -> None:
    columns = {"date": [AT.date()], "open": [1.0], "high": [1.0], "low": [1.0], "close": [1.0], "volume": [1]}
    for number, name in enumerate(("Ticker", "symbol")):
        table = BytesIO()
        pl.DataFrame({name: [f"BY{number}"], **columns}).write_parquet(table)
        put(landing, table.getvalue(), AT + number * DAY, "US")
    put(landing, b"PAR1 half a table", AT + 2 * DAY, "US")
    as_link(put(landing, b"x", AT + 3 * DAY, "US"))
    assert due_symbols(["BY0", "BY1", "OTHER"], {}, landing, AT) == ["OTHER"]

"""Parsing: any error of a parser rejects the document; an interrupt is passed on."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from orchestration.landing.documents import Document
from orchestration.raw.parse import ParsedDocument, parse_document
from orchestration.vendors import fred
from orchestration.vendors.feed import DocumentRejected
from orchestration.vendors.registry import BY_PLACE
from tests.vendors import documents as invented

AT = "2026-05-06T010000Z"


class PanicException(BaseException):
    """Raised by native libraries on a panic; not an Exception."""


def read(content: bytes, place: str = "fred/rates/DFF", extension: str = "csv", declared: str = "") -> ParsedDocument:
    vendor, kind, symbol = place.split("/")
    document = Document(Path(place, f"{AT}{declared}.{extension}"), vendor, kind, symbol)
    return parse_document(document, content, invented.sessions(), invented.UNIVERSE)


@pytest.mark.parametrize("error", [PanicException("index out of bounds\n at 7"), ZeroDivisionError("of ours"), MemoryError()])
def test_an_error_of_the_parser_rejects_the_document(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setitem(BY_PLACE, ("fred", "rates"), replace(fred.FEED, parse=fail))  # type: ignore[arg-type]
    with pytest.raises(DocumentRejected, match=f"the parser failed \\({type(error).__name__}: [^\n]*\\): please report it"):
        read(b"x")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
def test_an_interrupt_is_passed_on(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setitem(BY_PLACE, ("fred", "rates"), replace(fred.FEED, parse=fail))  # type: ignore[arg-type]
    with pytest.raises(type(error)):
        read(b"x")


def test_rows_of_the_wrong_type_reject_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = fred.parse(invented.Fred().encode(), invented.context("DFF", "csv"))
    parsed.tables["rates"] = parsed.tables["rates"].with_columns(pl.lit("x").alias("value"))
    monkeypatch.setitem(BY_PLACE, ("fred", "rates"), replace(fred.FEED, parse=lambda *_: parsed))
    with pytest.raises(DocumentRejected, match="the parser failed"):
        read(invented.Fred().encode())


@pytest.mark.parametrize("declared", [".asof=2026-02-30", ".asof=2026-2-3", ".asof=", ".asof=yesterday"])
def test_a_declared_date_that_is_none_rejects_the_document(declared: str) -> None:
    with pytest.raises(DocumentRejected, match=r"asof= without a date of the calendar \(YYYY-MM-DD\) after it: rename the file"):
        read(invented.Fred().encode(), declared=declared)
    assert read(invented.Fred().encode(), declared=".asof=2026-02-03").rows["rates"].height


@pytest.mark.slow
def test_a_parquet_file_with_any_changed_byte_stops_nothing() -> None:
    """Some of these make polars panic, some contain impossible dates."""
    content = invented.Prices.invented(invented.session_days(30)).parquet()
    accepted = 0
    for place in range(4, len(content) - 4, 7):
        for flip in (0x80, 0xFF):
            damaged = bytearray(content)
            damaged[place] ^= flip
            try:
                accepted += read(bytes(damaged), "yahoo/prices/IWM", "parquet").rows["price_bars"].height > 0
            except DocumentRejected:
                continue
    assert accepted > 0

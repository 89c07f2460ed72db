"""Real files in other layouts, if present, with the expected result of each."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from orchestration import market_calendar
from orchestration.landing.documents import Document, list_documents
from orchestration.raw.parse import ParsedDocument, parse_document
from orchestration.universe import load_universe
from orchestration.vendors.feed import DocumentRejected
from orchestration.vendors.registry import BY_PLACE

IJR = replace(load_universe()["IWM"], fund="IJR", name="iShares Core S&P Small-Cap ETF", min_holdings=600)
ITOT = replace(load_universe()["IWM"], fund="ITOT", name="iShares Core S&P Total U.S. Stock Market ETF", min_holdings=30)
UNIVERSE = {**load_universe(), "IJR": IJR, "ITOT": ITOT}


@pytest.fixture(scope="module")
def sessions() -> pl.DataFrame:
    """The calendar as in the pipeline."""
    return market_calendar.sessions_frame(date(2027, 12, 31))


def read(path: Path, place: str, sessions: pl.DataFrame) -> ParsedDocument:
    return parse_document(Document(path, *place.split("/")), path.read_bytes(), sessions, UNIVERSE)


def case(cases: Path, number: str) -> Path:
    (folder,) = cases.glob(f"{number}-*")
    (path,) = folder.iterdir()
    return path


def test_classic_yahoo_download(real_cases: Path, sessions: pl.DataFrame) -> None:
    reading = read(case(real_cases, "01"), "yahoo/prices/IWM", sessions)
    assert (reading.rows["price_bars"].height, reading.rows["corporate_actions"].height) == (20, 0)
    assert reading.rejects["line"].to_list() == [None]
    assert "no column Dividends and no column Stock Splits" in reading.rejects["reason"][0]


def test_ishares_overlay(real_cases: Path, sessions: pl.DataFrame) -> None:
    reading = read(case(real_cases, "05"), "ishares/holdings/IJR", sessions)
    rows = reading.rows["holdings"]
    assert (reading.as_of, rows.height, reading.rejects.height) == (date(2026, 5, 5), 694, 0)
    assert rows.filter(pl.col("ticker") == "GME")["stated_weight"].to_list() == pytest.approx([0.0138])
    assert rows.filter(pl.col("asset_class_label") == "Futures")["stated_weight"].to_list() == [None]


def test_vanguard_website(real_cases: Path, sessions: pl.DataFrame) -> None:
    reading = read(case(real_cases, "06"), "vanguard/holdings/VOO", sessions)
    rows = reading.rows["holdings"]
    assert (reading.as_of, rows.height, reading.rejects.height) == (date(2025, 9, 30), 504, 0)
    first = rows.row(0, named=True)
    assert (first["ticker"], first["sedol"], first["quantity"]) == ("NVDA", "2379504", 601_277_005)
    assert first["stated_weight"] == pytest.approx(0.0794)


def test_state_street_without_preamble(real_cases: Path, sessions: pl.DataFrame) -> None:
    reading = read(case(real_cases, "07"), "ssga/holdings/SPY", sessions)
    assert (reading.as_of, reading.rows["holdings"].height, reading.rejects.height) == (date(2024, 3, 15), 504, 0)


def test_ishares_of_2020(real_cases: Path, sessions: pl.DataFrame) -> None:
    """Forty lines of a complete file: the layout is read, and the list is rejected as too short."""
    path = case(real_cases, "09")
    with pytest.raises(DocumentRejected, match="weights sum to 0.3629"):
        read(path, "ishares/holdings/ITOT", sessions)
    # Weights of these lines as if they were the whole fund.
    lines = path.read_text("utf-8-sig").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Ticker,"))
    cells = [line.strip('"').split('","') for line in lines[start + 1 :] if line.startswith('"')]
    whole = sum(float(row[6].replace(",", "")) for row in cells)
    scaled = [[*row[:3], f"{float(row[6].replace(',', '')) / whole * 100:.2f}", *row[4:]] for row in cells]
    content = "\n".join([*lines[: start + 1], *['"' + '","'.join(row) + '"' for row in scaled], ""]).encode()
    document = Document(path, "ishares", "holdings", "ITOT")
    first = parse_document(document, content, sessions, UNIVERSE).rows["holdings"].row(0, named=True)
    assert (first["ticker"], first["sedol"], first["isin"], first["currency"]) == ("MSFT", "2588173", "US5949181045", None)


def test_fred_saved_by_a_spreadsheet(real_cases: Path, sessions: pl.DataFrame) -> None:
    rows = read(case(real_cases, "18"), "fred/rates/DFF", sessions).rows["rates"]
    assert rows.select("date", "value").rows()[0] == (date(1954, 7, 1), 1.13)
    assert rows["date"].to_list() == pl.date_range(date(1954, 7, 1), date(1954, 7, 29), eager=True).to_list()


@pytest.mark.slow
def test_every_other_real_document_is_parsed(real_cases: Path, sessions: pl.DataFrame) -> None:
    refused = {}
    for document in list_documents([real_cases.parent / "landing", real_cases.parent / "longrun"]):
        if (document.vendor, document.kind) in BY_PLACE:
            try:
                reading = parse_document(document, document.read(), sessions, UNIVERSE)
            except DocumentRejected as rejection:
                refused[document.key] = str(rejection)
            else:
                assert reading.rows[reading.main].height > 0
    assert list(refused) == ["ishares/holdings/IWM/2025-11-12T010000Z.csv"]  # it has no date
    (undated,) = refused.values()
    assert "asof=YYYY-MM-DD" in undated

"""A landing folder of the sample market that is small enough for a run every few seconds."""

import io
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from orchestration.landing.documents import write_document
from orchestration.market_calendar import horizon, sessions_frame
from orchestration.sample_market.documents import SampleDocument, sample_documents
from orchestration.settings import SAMPLE_CLOCK
from orchestration.settings import SAMPLE_LAST_SESSION as LAST_SESSION

FUNDS = ("IWM", "SPY", "QQQ")
SESSIONS, MEMBER_SESSIONS = 700, 60


def write_small_landing(root: Path, *, parts: int = 6, members: bool = False, with_facts: bool = False) -> Path:
    """Bars of three funds for about three years, two holdings files per fund, and rates of those years.

    Args:
        parts: the number of documents for each fund's bars, so that a run can be interrupted.
        members: also some months of the members' bars, and the market capitalisations.
        with_facts: with fund data and quotes of the funds, and factors of those years.
    """
    sessions = sessions_frame(horizon(SAMPLE_CLOCK.date()))
    first = sessions.filter(pl.col("session") <= LAST_SESSION)["session"][-SESSIONS]
    for vendor, kind in (
        ("yahoo", "prices"),
        ("ishares", "holdings"),
        ("ssga", "holdings"),
        ("invesco", "holdings"),
        ("fred", "rates"),
    ):
        for symbol in (*FUNDS, "DFEDTARU", "DFEDTARL", "DFEDTAR", "DFF"):
            found = [d for d in sample_documents(vendor, kind, sessions) if d.symbol == symbol]
            if vendor == "yahoo" and found:
                _write_bars(root, symbol, found[-1], first, parts)
            for document in found[-2:] if vendor != "yahoo" else []:
                content = document.build()
                _write(root, document, _recent_rates(content, first) if vendor == "fred" else content)
    if members:
        document = sample_documents("yahoo", "member_prices", sessions)[0]
        _write(root, document, _recent_bars(document.build()))
        document = sample_documents("yahoo", "market_caps", sessions)[-1]
        _write(root, document, document.build())
    if with_facts:
        _write_facts(root, sessions, first)
    return root


def _recent_bars(content: bytes) -> bytes:
    """The last sessions only."""
    bars = pl.read_parquet(io.BytesIO(content))
    buffer = io.BytesIO()
    bars.filter(pl.col("session") >= bars["session"].unique().sort()[-MEMBER_SESSIONS]).write_parquet(buffer)
    return buffer.getvalue()


def _write_facts(root: Path, sessions: pl.DataFrame, first: date) -> None:
    for kind in ("fund_data", "quotes"):
        for document in sample_documents("yahoo", kind, sessions):
            if document.symbol in FUNDS:
                _write(root, document, document.build())
    for document in sample_documents("french", "factors", sessions):
        content = document.build()
        if document.extension == "zip":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content = archive.read(archive.namelist()[0])
        lines = content.decode("latin-1").splitlines()
        kept = [line for line in lines if not line[:8].isdigit() or line[:8] >= f"{first:%Y%m%d}"]
        _write(root, replace(document, extension="csv"), "\r\n".join([*kept, ""]).encode("latin-1"))


def _write(root: Path, document: SampleDocument, content: bytes) -> None:
    write_document(
        root,
        vendor=document.vendor,
        kind=document.kind,
        symbol=document.symbol,
        retrieved_at=document.retrieved_at,
        extension=document.extension,
        content=content,
        declared_as_of=document.declared_as_of,
    )


def _recent_rates(content: bytes, first: date) -> bytes:
    """Only recent days, unless the series ended earlier."""
    head, *rows = content.decode().splitlines()
    recent = [row for row in rows if row[:10] >= str(first)]
    return ("\n".join([head, *(recent or rows[-30:])]) + "\n").encode()


def _as_shown_then(shown: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """The bars on the split basis of their retrieval, without later splits."""
    later = bars.filter((pl.col("Date") > shown["Date"].max()) & (pl.col("Stock Splits") > 0))
    factor = float(later["Stock Splits"].product()) if later.height else 1.0
    prices = ("Open", "High", "Low", "Close", "Adj Close", "Dividends")
    return shown.with_columns(*(pl.col(name) * factor for name in prices), pl.col("Volume") / factor)


def _write_bars(root: Path, symbol: str, document: SampleDocument, first: date, parts: int) -> None:
    """Write the bars in parts, each with 45 sessions of the previous one, as in a daily fetch."""
    bars = pl.read_parquet(io.BytesIO(document.build())).filter(pl.col("Date").is_between(first, LAST_SESSION))
    size = bars.height // parts
    for part in range(parts):
        end = bars.height if part == parts - 1 else (part + 1) * size
        shown = bars.slice(max(0, part * size - 45), end - max(0, part * size - 45))
        last = shown["Date"].max()
        assert isinstance(last, date)
        at = document.retrieved_at.replace(year=last.year, month=last.month, day=last.day, hour=23, minute=30)
        buffer = io.BytesIO()
        _as_shown_then(shown, bars).write_parquet(buffer)
        write_document(
            root,
            vendor="yahoo",
            kind="prices",
            symbol=symbol,
            retrieved_at=at + timedelta(seconds=part),
            extension="parquet",
            content=buffer.getvalue(),
        )

"""Members' prices that a person has, written into landing as documents of some hundred symbols."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import polars as pl

from orchestration.files import content_hash
from orchestration.landing.collect import Landing
from orchestration.landing.documents import is_clutter, write_document
from orchestration.vendors.feed import DocumentRejected
from orchestration.vendors.yahoo import member_prices

SYMBOLS_A_DOCUMENT = 300
_EXTENSIONS = ("csv", "parquet")
# An import of hundreds of documents ends some minutes after the clock; a later name is a mistake.
_JUST_BEFORE = timedelta(minutes=5)


class NothingToImport(ValueError):
    """The path holds no table of bars; the message says why."""


@dataclass(frozen=True)
class Imported:
    """What an import wrote: documents, those of them that are the newest of their symbols already, rows, and the symbols."""

    documents: int
    present: int
    bars: int
    symbols: list[str]


def import_prices(path: Path, landing: Landing) -> Imported:
    """Write the bars of a Parquet or CSV file with a symbol column, or of a folder with one CSV or Parquet file a symbol.

    Rows are written as they are; the next run checks them and lists those it rejects.

    Raises:
        NothingToImport: there is no such file or folder, or one of the files is no table of bars.
    """
    bars = pl.concat(_tables(path)).sort("symbol", "session", nulls_last=True, maintain_order=True)
    symbols = bars["symbol"].drop_nulls().unique().sort().to_list()
    if not symbols:
        raise NothingToImport(f"{path} has no row with a symbol.")
    batches = [symbols[place : place + SYMBOLS_A_DOCUMENT] for place in range(0, len(symbols), SYMBOLS_A_DOCUMENT)]
    newest = _newest_by_symbol(landing)
    first_at = _first_second(landing, len(batches))
    present = 0
    for place, batch in enumerate(batches):
        # Rows without a symbol are in the last document.
        is_last = place == len(batches) - 1
        in_batch = pl.col("symbol").is_between(pl.lit(batch[0]), pl.lit(batch[-1])).fill_null(is_last)
        content = _document(bars.filter(in_batch))
        if {newest.get(symbol) for symbol in batch} == {content_hash(content)}:
            present += 1
            continue
        write_document(
            landing.own, vendor=member_prices.VENDOR, kind=member_prices.KIND, symbol=member_prices.MARKET,
            retrieved_at=first_at + timedelta(seconds=place), extension="parquet", content=content,
        )  # fmt: skip
    return Imported(len(batches), present, bars.height, symbols)


def _newest_by_symbol(landing: Landing) -> dict[str, str]:
    """The hash of the newest document of each symbol. The next run rejects a document that cannot be read, with the reason."""
    newest: dict[str, str] = {}
    for document in landing.documents(member_prices.FEED):
        try:
            content = document.read()
            symbols = member_prices.read_table(content, document.extension)["symbol"].drop_nulls().unique()
        except DocumentRejected:
            continue
        newest |= dict.fromkeys(symbols, content_hash(content))
    return newest


def _first_second(landing: Landing, documents: int) -> datetime:
    """The retrieval time of the first of some documents: one a second, the last one now, and all after those of an import just
    before."""
    first_at = landing.clock.replace(microsecond=0) - timedelta(seconds=documents - 1)
    soon = landing.clock + _JUST_BEFORE
    present = [at for document in landing.documents(member_prices.FEED) if (at := document.retrieved_at) and at <= soon]
    return max([first_at, *(at + timedelta(seconds=1) for at in present)])


def _tables(path: Path) -> Iterator[pl.DataFrame]:
    if path.is_file():
        yield _table(path)
        return
    files = sorted(
        file for file in path.glob("*") if _extension(file) in _EXTENSIONS and file.is_file() and not is_clutter(file.name)
    )
    if not files:
        raise NothingToImport(f"{path} is neither a file nor a folder with CSV or Parquet files.")
    for file in files:
        yield _table(file, symbol=file.stem)


def _table(file: Path, symbol: str | None = None) -> pl.DataFrame:
    try:
        bars = member_prices.read_table(file.read_bytes(), _extension(file), symbol)
    except DocumentRejected as rejection:
        raise NothingToImport(f"{file}: {rejection}.") from rejection
    if bars.height and bars["session"].null_count() == bars.height:
        raise NothingToImport(f"{file}: no date can be read: write dates as YYYY-MM-DD.")
    return bars


def _extension(file: Path) -> str:
    return file.suffix.lower().removeprefix(".")


def _document(bars: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    bars.write_parquet(buffer)
    return buffer.getvalue()

"""Kenneth French's data library: the daily factors since 1926 as a zipped CSV, in percent a session."""

import codecs
import io
import lzma
import re
import zipfile
import zlib
from datetime import date

import polars as pl

from orchestration.vendors.feed import Context, DocumentRejected, Feed, Fetched, Parsed, Request, WrongLayout, with_advice
from orchestration.vendors.formats.text import decode, header_cells, read_numbers, read_table, split_lines
from orchestration.vendors.http import Client

VENDOR, KIND = "french", "factors"
DATASET = "daily"
PATH = "/pages/faculty/ken.french/ftp/F-F_Research_Data_Factors_daily_CSV.zip"
# The file has 1.2 MB; what a small archive unpacks to must not fill the memory.
LARGEST_TABLE_BYTES = 20_000_000
_ARCHIVE = b"PK\x03\x04"
_COLUMNS = {
    "market_excess": "Mkt-RF",
    "small_minus_large": "SMB",
    "high_minus_low": "HML",
    "risk_free": "RF",
}
_PREAMBLE_LINES = 30
_DAY = r"^\d{8}$"
_ROW = re.compile(r"^\s*\d{4,8}\s*,")
# What the library writes where it has no value.
_MISSING = (-99.99, -999.0)
_HOW_TO_GET = (
    "Download F-F_Research_Data_Factors_daily_CSV.zip (Fama/French 3 Factors, daily) from Kenneth French's data library and put"
    " it, or the CSV inside it, there unchanged"
)


def fetch(request: Request, client: Client) -> Fetched:
    """The whole history as the library's archive; the parser checks it.

    Raises:
        FetchFailed: the library gave no usable answer.
    """
    return Fetched(client.get(PATH), "zip")


@with_advice(_HOW_TO_GET)
def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `factors`. An edition is used as a whole or not at all: a missing session would change every mean after it.

    Raises:
        DocumentRejected: not the daily three-factor file, or a line of its table is unusable.
    """
    if context.symbol != DATASET:
        raise DocumentRejected(f"its folder is {context.symbol}: put the daily factors into {VENDOR}/{KIND}/{DATASET}")
    text = _text(_unpacked(content) if content.startswith(_ARCHIVE) else content)
    header, lines = _table(text)
    rows, ragged = read_table(lines, header, {"date": (header[0],), **{ours: (theirs,) for ours, theirs in _COLUMNS.items()}})
    rows, broken = read_numbers(rows, list(_COLUMNS))
    rows = rows.with_columns(_date=pl.col("date").str.to_date("%Y%m%d", strict=False), _is_day=pl.col("date").str.contains(_DAY))
    undated = rows.filter(pl.col("_date").is_null() | ~pl.col("_is_day")).select(
        line="_line", reason=pl.format("'{}' is not a day such as 19260701", pl.col("date").fill_null("")), content="_content"
    )
    unusable = [row for frame in (ragged, broken, undated) for row in frame.rows()]
    if unusable:
        line, reason, content_ = min(unusable)
        raise WrongLayout(f"line {line} is {content_[:80]!r}: {reason}; an edition is used as a whole or not at all")
    factors = rows.select(
        pl.lit(DATASET).alias("dataset"),
        pl.col("_date").alias("date"),
        *[pl.when(~pl.col(name).is_in(_MISSING)).then(name).alias(name) for name in _COLUMNS],
        "_line",
        "_content",
    )
    repeated = factors.filter(pl.col("date").is_duplicated())
    if repeated.height or not factors["date"].is_sorted():
        place = repeated if repeated.height else factors.filter(pl.col("date").diff().dt.total_days() <= 0)
        raise DocumentRejected(f"its days do not follow each other: line {place['_line'][0]} is {place['_content'][0][:80]!r}")
    last = factors["date"].max()
    return Parsed("factors", {"factors": factors}, last if isinstance(last, date) else None)


def _unpacked(content: bytes) -> bytes:
    """The one table of an archive.

    Raises:
        DocumentRejected: it is not an archive, is damaged, holds more than one file, or unpacks to more than a table can have.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1:
                raise WrongLayout(f"the archive holds {len(members)} files, not one")
            with archive.open(members[0]) as member:
                # The size that the archive states may be wrong: no more is read than allowed. Reading to the end checks the CRC.
                table = member.read(LARGEST_TABLE_BYTES + 1)
    # A compression that is not supported is a RuntimeError, too.
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise DocumentRejected(f"the archive cannot be unpacked: {error}") from error
    if len(table) > LARGEST_TABLE_BYTES:
        raise DocumentRejected(f"the archive unpacks to more than {LARGEST_TABLE_BYTES:,} bytes: no edition is so large")
    return table


def _text(table: bytes) -> str:
    """The library writes latin-1, which every sequence of bytes is: what is not a text shows in its lines."""
    return decode(table.removeprefix(codecs.BOM_UTF8).decode("latin-1").encode())


def _table(text: str) -> tuple[list[str], list[tuple[int, str]]]:
    """The column names, and the lines of the table: up to a blank line or the end.

    Raises:
        WrongLayout: there is no header of the daily three factors, or a second table follows.
    """
    lines = list(enumerate(split_lines(text), start=1))
    expected = [name.lower() for name in _COLUMNS.values()]
    place = next((i for i, (_, line) in enumerate(lines[:_PREAMBLE_LINES]) if "Mkt-RF" in line), None)
    if place is None:
        raise WrongLayout(f"none of its first lines names the columns: the first is {lines[0][1].strip()[:80]!r}")
    header = header_cells(lines[place][1])
    if [name.lower() for name in header[1:]] != expected:
        raise WrongLayout(f"its columns are {', '.join(header[1:])[:80]}, not {', '.join(_COLUMNS.values())}")
    if header[0] not in ("", "Date", "date"):
        raise WrongLayout(f"its first column is {header[0][:40]!r}, not the date")
    behind = lines[place + 1 :]
    end = next((i for i, (_, line) in enumerate(behind) if not line.strip()), len(behind))
    if second := next((line for _, line in behind[end:] if _ROW.match(line)), None):
        raise WrongLayout(f"a second table follows the first: {second.strip()[:80]!r}; the daily file has one")
    table = behind[:end]
    if not table:
        raise WrongLayout("no row follows its column names")
    return ["date", *_COLUMNS.values()], _with_its_end(table)


def _with_its_end(table: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines have a fixed width: a last one as long as the line before it is whole, even where the line end is missing."""
    number, last = table[-1]
    if len(table) > 1 and not last.endswith(("\n", "\r")) and len(last) == len(table[-2][1].rstrip("\r\n")):
        return [*table[:-1], (number, last + "\n")]
    return table


FEED = Feed(
    vendor=VENDOR,
    kind=KIND,
    description="Daily factors since 1926 (market, size, value, T-bill): one document per edition and retrieval.",
    symbols=lambda _: {DATASET: None},
    address="https://mba.tuck.dartmouth.edu",
    fetch=fetch,
    parse=parse,
)

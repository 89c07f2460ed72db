"""FRED: interest rates and other daily, weekly and monthly series, as two-column CSV.

Rates are in percent per year; USREC is 1 in a recession and else 0, NFCI an index, VIXCLS in points.
"""

from datetime import date

import polars as pl

from orchestration.vendors.feed import Context, DocumentRejected, Feed, Fetched, Parsed, Request, WrongLayout, with_advice
from orchestration.vendors.formats.text import decode, header_cells, read_numbers, read_table, split_lines
from orchestration.vendors.http import Client

VENDOR, KIND = "fred", "rates"
POLICY = ("DFEDTAR", "DFEDTARL", "DFEDTARU", "DFF")
MACRO = ("T10Y2Y", "BAA10Y", "NFCI", "DGS10", "DGS3MO", "VIXCLS", "USREC")
SERIES = (*POLICY, *MACRO)
_DATE_NAMES = ("observation_date", "DATE", "date")
# A series exported by a program often has no name.
_VALUE_NAMES = ("value", "VALUE")
_MISSING = "."
_DAY, _SPREADSHEET_DAY = r"^\d{4}-\d{2}-\d{2}$", r"^(\d{1,2})/(\d{1,2})/\d{4}$"
_MONTHS = 12
_SAVE_AS = "save them as YYYY-MM-DD, or use the file from FRED"
_HOW_TO_GET = "download https://fred.stlouisfed.org/graph/fredgraph.csv?id=SERIES and add the file unchanged"


def fetch(request: Request, client: Client) -> Fetched:
    """The whole history of a series.

    Raises:
        FetchFailed: FRED gave no usable answer.
    """
    return Fetched(client.get(f"/graph/fredgraph.csv?id={request.symbol}"), "csv")


@with_advice(_HOW_TO_GET)
def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `rates`. A dot or an empty cell is a missing value, not zero.

    Raises:
        DocumentRejected: not a FRED file of this series.
    """
    lines = [(i, line) for i, line in enumerate(split_lines(decode(content)), start=1) if line.strip()]
    header = header_cells(lines[0][1])
    # FRED named the first column DATE until December 2024.
    if len(header) != 2 or header[0] not in _DATE_NAMES:
        raise WrongLayout(f"the header is {lines[0][1].strip()[:80]!r}, expected observation_date and a series")
    if header[1] not in (context.symbol, *_VALUE_NAMES):
        raise DocumentRejected(f"the file contains the series {header[1]}, not {context.symbol}")
    rows, ragged = read_table(lines[1:], header, {"date": _DATE_NAMES, "value": (header[1],)})
    rows = rows.with_columns(pl.col("value").replace(_MISSING, None))
    rows, invalid = read_numbers(rows, ["value"])
    rows = rows.with_columns(_dates(rows).alias("_date"))
    undated = rows.filter(pl.col("_date").is_null()).select(
        line="_line",
        reason=pl.format("'{}' is not a date (expected format: 2026-05-01)", pl.col("date").fill_null("")),
        content="_content",
    )
    rates = rows.filter(pl.col("_date").is_not_null()).select(
        pl.lit(context.symbol).alias("series"), pl.col("_date").alias("date"), "value", "_line", "_content"
    )
    if rates["value"].drop_nulls().is_empty():
        rejected = [row for frame in (ragged, invalid, undated) for row in frame.rows()]
        raise WrongLayout("the file has no value" + (": line {} is {!r}, {}".format(*_quoted(min(rejected))) if rejected else ""))
    last = rates["date"].max()
    return Parsed("rates", {"rates": rates}, last if isinstance(last, date) else None, [ragged, invalid, undated])


def _quoted(reject: tuple[int, str, str]) -> tuple[int, str, str]:
    line, reason, content = reject
    return line, content[:80], reason


def _dates(rows: pl.DataFrame) -> pl.Expr:
    """Dates in FRED's format, or MM/DD/YYYY from a spreadsheet if no other reading is possible.

    Raises:
        DocumentRejected: the dates contain slashes and are not certainly MM/DD/YYYY.
    """
    day = pl.col("date")
    as_sent = pl.when(day.str.contains(_DAY)).then(day.str.to_date("%Y-%m-%d", strict=False))
    slashed = rows.filter(day.str.contains(_SPREADSHEET_DAY)).with_columns(
        day.str.extract(_SPREADSHEET_DAY, part).cast(pl.Int32).alias(name) for part, name in ((1, "first"), (2, "second"))
    )
    if slashed.is_empty() or rows.filter(day.str.contains(_DAY)).height:
        return as_sent
    example = slashed.filter(pl.col("first") > _MONTHS).head(1)
    if example.height:
        raise DocumentRejected(f"the dates begin with the day ({_place(example)}): {_SAVE_AS}")
    if slashed.filter(pl.col("second") > _MONTHS).is_empty():
        raise DocumentRejected(f"the dates do not show which number is the month ({_place(slashed.head(1))}): {_SAVE_AS}")
    return pl.when(day.str.contains(_SPREADSHEET_DAY)).then(day.str.to_date("%m/%d/%Y", strict=False))


def _place(row: pl.DataFrame) -> str:
    return f"line {row['_line'].item()} is {row['_content'].item()[:80]!r}"


FEED = Feed(
    vendor=VENDOR,
    kind=KIND,
    description="Interest rates, spreads, financial conditions, volatility, and the recession months of the NBER: one CSV per "
    "FRED series and retrieval.",
    symbols=lambda _: dict.fromkeys(SERIES),
    address="https://fred.stlouisfed.org",
    fetch=fetch,
    parse=parse,
)

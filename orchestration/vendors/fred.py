"""FRED: interest-rate series and the recession months as two-column CSV, in percent a year; USREC is 1 in a recession, else 0."""

from datetime import date

import polars as pl

from orchestration.vendors.feed import Context, DocumentRejected, Feed, Fetched, Parsed, Request, WrongLayout, brings
from orchestration.vendors.formats.text import decode, header_cells, read_numbers, read_table, split_lines
from orchestration.vendors.http import Client

VENDOR, KIND = "fred", "rates"
SERIES = ("DFEDTAR", "DFEDTARL", "DFEDTARU", "DFF", "USREC")
_DATE_NAMES = ("observation_date", "DATE", "date")
# A series saved from a program often has no name.
_VALUE_NAMES = ("value", "VALUE")
_MISSING = "."
_DAY, _SPREADSHEET_DAY = r"^\d{4}-\d{2}-\d{2}$", r"^(\d{1,2})/(\d{1,2})/\d{4}$"
_MONTHS = 12
_SAVE_AS = "Save them as YYYY-MM-DD, or bring FRED's own file"
_HOW_TO_GET = "Download https://fred.stlouisfed.org/graph/fredgraph.csv?id=SERIES and put the file there unchanged"


def fetch(request: Request, client: Client) -> Fetched:
    """The whole history of a series.

    Raises:
        FetchFailed: FRED gave no usable answer.
    """
    return Fetched(client.get(f"/graph/fredgraph.csv?id={request.symbol}"), "csv")


@brings(_HOW_TO_GET)
def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `rates`. A dot or nothing is a missing value, which is not zero.

    Raises:
        DocumentRejected: not a FRED file of this series.
    """
    lines = [(i, line) for i, line in enumerate(split_lines(decode(content)), start=1) if line.strip()]
    header = header_cells(lines[0][1])
    # FRED named the first column DATE until December 2024.
    if len(header) != 2 or header[0] not in _DATE_NAMES:
        raise WrongLayout(f"its header is {lines[0][1].strip()[:80]!r}, not observation_date and a series")
    if header[1] not in (context.symbol, *_VALUE_NAMES):
        raise DocumentRejected(f"it holds the series {header[1]}, not {context.symbol}")
    rows, ragged = read_table(lines[1:], header, {"date": _DATE_NAMES, "value": (header[1],)})
    rows = rows.with_columns(pl.col("value").replace(_MISSING, None))
    rows, broken = read_numbers(rows, ["value"])
    rows = rows.with_columns(_dates(rows).alias("_date"))
    undated = rows.filter(pl.col("_date").is_null()).select(
        line="_line",
        reason=pl.format("'{}' is not a date: it should look like 2026-05-01", pl.col("date").fill_null("")),
        content="_content",
    )
    rates = rows.filter(pl.col("_date").is_not_null()).select(
        pl.lit(context.symbol).alias("series"), pl.col("_date").alias("date"), "value", "_line", "_content"
    )
    if rates["value"].drop_nulls().is_empty():
        refused = [row for frame in (ragged, broken, undated) for row in frame.rows()]
        raise WrongLayout("it holds no value" + (": line {} is {!r}, {}".format(*_quoted(min(refused))) if refused else ""))
    last = rates["date"].max()
    return Parsed("rates", {"rates": rates}, last if isinstance(last, date) else None, [ragged, broken, undated])


def _quoted(reject: tuple[int, str, str]) -> tuple[int, str, str]:
    line, reason, content = reject
    return line, content[:80], reason


def _dates(rows: pl.DataFrame) -> pl.Expr:
    """Days as FRED writes them; or the American ones of a file that a spreadsheet has saved, where nothing but them makes sense.

    Raises:
        DocumentRejected: the dates are slashed, and not surely American.
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
        raise DocumentRejected(f"its dates begin with the day: {_place(example)}. {_SAVE_AS}")
    if slashed.filter(pl.col("second") > _MONTHS).is_empty():
        raise DocumentRejected(f"nothing tells the month from the day in its dates: {_place(slashed.head(1))}. {_SAVE_AS}")
    return pl.when(day.str.contains(_SPREADSHEET_DAY)).then(day.str.to_date("%m/%d/%Y", strict=False))


def _place(row: pl.DataFrame) -> str:
    return f"line {row['_line'].item()} is {row['_content'].item()[:80]!r}"


FEED = Feed(
    vendor=VENDOR,
    kind=KIND,
    description="Interest rates, and the recession months of the NBER: one CSV per FRED series and retrieval.",
    symbols=lambda _: dict.fromkeys(SERIES),
    address="https://fred.stlouisfed.org",
    fetch=fetch,
    parse=parse,
)

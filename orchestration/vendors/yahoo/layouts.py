"""The layouts of Yahoo's daily bars: all are converted to one table with Yahoo's column names.

Our fetch writes Parquet with one header row; `Ticker.history` and the former download button give a CSV; `yf.download` writes two
header levels, prices and tickers, in either order; the copied web page has tabs, dates such as "Aug 14, 2026" and actions between
the bars. Action columns may be missing, which does not mean that there were no actions.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO

import polars as pl

from orchestration.schemas import REJECT_COLUMNS
from orchestration.vendors.feed import DocumentRejected, WrongLayout
from orchestration.vendors.formats.text import decode, find_columns, header_cells, read_numbers, read_table, split_lines

BARS = ("Open", "High", "Low", "Close", "Adj Close", "Volume")
ACTIONS = ("Dividends", "Stock Splits", "Capital Gains")
_OPTIONAL = {name: (name,) for name in ACTIONS}
ACTION_ROWS: dict[str, type[pl.DataType]] = {
    "Date": pl.String,
    "session": pl.Date,
    "column": pl.String,
    "value": pl.Float64,
    "_line": pl.Int64,
    "_content": pl.String,
}
# Two names for the same index.
_SAME = {"^SPX": "^GSPC"}
_NEW_YORK = "America/New_York"
_MIDNIGHT = r"^\d{4}-\d{2}-\d{2}([ T]00:00:00\S*( \S+)?)?$"
_IN_UTC = r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.0+)?(Z|\+00:?00)$"
_OF_THE_PAGE = r"^[A-Z][a-z]{2} \d{1,2}, \d{4}$"
_PAGE_ROW = re.compile(r'^\s*"?[A-Z][a-z]{2} \d{1,2}, \d{4}\b')
_PAGE_ACTION = re.compile(
    r'^\s*"?(?P<day>[A-Z][a-z]{2} \d{1,2}, \d{4})"?[\t,]\s*"?(?P<value>\d[\d,]*\.?\d*|\.\d+)(?P<per>:[1-9]\d*)?\s+'
    r"(?P<kind>Dividend|Stock Split|Capital Gain)s?\b",
    re.IGNORECASE,
)
_PAGE_HEADER_LINES = 20
_TWO_LEVELS = re.compile(r"^\('(?P<first>[^']*)', '(?P<second>[^']*)'\)$")
_FIRST_DAY, _LAST_DAY = date(1800, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True)
class Table:
    """A document's table.

    `rows`: Date as written, session (NULL if Date is invalid), Yahoo's columns as DOUBLE, `_line` and `_content`; `actions`:
    those in separate rows; `rejects`: lines that could not be read.
    """

    rows: pl.DataFrame
    rejects: list[pl.DataFrame]
    actions: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ACTION_ROWS))


def read(content: bytes, extension: str, symbol: str) -> Table:
    """The table of a document in any known layout.

    Raises:
        DocumentRejected: the layout is unknown, or the file contains other symbols.
    """
    table = _read_parquet(content, symbol) if extension == "parquet" else _read_text(decode(content), symbol)
    return Table(table.rows.with_columns(_session().alias("session")), table.rejects, table.actions)


def _session() -> pl.Expr:
    """The session: a date or midnight as written, or New York midnight in UTC."""
    text = pl.col("Date")
    utc = text.str.slice(0, 19).str.replace("T", " ").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)
    local = utc.dt.replace_time_zone("UTC").dt.convert_time_zone(_NEW_YORK)
    return (
        pl.when(text.str.contains(_MIDNIGHT))
        .then(text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False))
        .when(text.str.contains(_IN_UTC) & (local.dt.time() == pl.time(0)))
        .then(local.dt.date())
        .when(text.str.contains(_OF_THE_PAGE))
        .then(text.str.to_date("%b %d, %Y", strict=False))
    )


def _wanted(header: list[str]) -> dict[str, tuple[str, ...]]:
    """The columns to read.

    Raises:
        WrongLayout: a column that every layout has is missing.
    """
    if "Close" in header and "Adj Close" not in header:
        raise WrongLayout("the column 'Adj Close' is missing, so Close may be adjusted for dividends")
    return {name: (name,) for name in ("Date", *BARS)}


def _without_actions(header: list[str]) -> list[pl.DataFrame]:
    """One reject per document, so that missing columns are not taken for years without dividends."""
    missing = [name for name in ACTIONS[:2] if name not in header]
    if not missing:
        return []
    reason = f"the file has no column {' and no column '.join(missing)}; known actions are kept"
    return [pl.DataFrame([(None, reason, ", ".join(header))], schema=REJECT_COLUMNS, orient="row")]


def _read_text(text: str, symbol: str) -> Table:
    lines = [(i, line) for i, line in enumerate(split_lines(text), start=1) if line.strip()]
    first_row = next((i for i, (_, line) in enumerate(lines[:_PAGE_HEADER_LINES]) if _PAGE_ROW.match(line)), None)
    if first_row is not None:
        return _read_page(lines[:first_row], lines[first_row:])
    header, lines = _header(lines, symbol)
    rows, ragged = read_table(lines, header, _wanted(header), _OPTIONAL)
    rows, invalid = _numbers(rows)
    return Table(rows, [ragged, invalid, *_without_actions(header)])


def _header(lines: list[tuple[int, str]], symbol: str) -> tuple[list[str], list[tuple[int, str]]]:
    """The column names, and the lines after them."""
    levels = [header_cells(line) for _, line in lines[:3]]
    if not levels[0][0]:
        levels[0][0] = "Date"  # an index without a name
    if "Close" in levels[0][1:] and (len(levels) == 1 or ("Date" in levels[0] and levels[1][0])):
        return levels[0], lines[1:]
    if len(levels) < 3 or not {"Close", "Adj Close"} & {*levels[0], *levels[1]}:
        return levels[0], lines[1:]
    prices, tickers = (levels[0], levels[1]) if "Close" in levels[0] else (levels[1], levels[0])
    pairs = list(zip(prices[1:], tickers[1:], strict=False))
    behind = 3 if levels[2][0] == "Date" and not any(levels[2][1:]) else 2
    return ["Date", *_of_symbol(pairs, symbol)], lines[behind:]


def _of_symbol(pairs: list[tuple[str, str]], symbol: str) -> list[str]:
    """Column names of a table with two header levels: Yahoo's names for the columns of `symbol`, others for other symbols."""
    tickers = list(dict.fromkeys(ticker for _, ticker in pairs if ticker))
    if symbol not in [_SAME.get(ticker, ticker) for ticker in tickers]:
        raise DocumentRejected(f"the file contains {', '.join(tickers)[:80] or 'no symbol'}, not {symbol}")
    return [price if _SAME.get(ticker, ticker) == symbol else f"{price} of {ticker}" for price, ticker in pairs]


def _read_page(above: list[tuple[int, str]], lines: list[tuple[int, str]]) -> Table:
    separator = "\t" if "\t" in lines[0][1] else ","
    # The header of the page contains explanations: "Close Close price adjusted for splits."
    header = " ".join(line.strip("\r\n") for _, line in above)
    cells = [" ".join(cell.replace("*", "").split()) for cell in header_cells(header[max(header.find("Date"), 0) :], separator)]
    names = [next((name for name in ("Adj Close", "Close", "Volume") if cell.startswith(name)), cell) for cell in cells]
    actions, bars = [], []
    for number, line in lines:
        match = _PAGE_ACTION.match(line)
        if match is None:
            bars.append((number, line))
            continue
        column = next(name for name in ACTIONS if name.startswith(match["kind"].title()))
        value = float(match["value"].replace(",", "")) / float((match["per"] or ":1")[1:])
        actions.append((match["day"], column, value, number, line.rstrip("\r\n")))
    rows, ragged = read_table(bars, names, _wanted(names), _OPTIONAL, separator=separator)
    rows, invalid = _numbers(rows)
    found = pl.DataFrame(actions, schema={name: kind for name, kind in ACTION_ROWS.items() if name != "session"}, orient="row")
    return Table(rows, [ragged, invalid], found.with_columns(_session().alias("session")).select(*ACTION_ROWS))


def _numbers(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the number columns. pandas writes a missing number as an empty cell; other exports write nan."""
    numbers = [name for name in rows.columns if name in (*BARS, *ACTIONS)]
    rows = rows.with_columns(pl.when(pl.col(name).str.to_lowercase() != "nan").then(name).alias(name) for name in numbers)
    return read_numbers(rows, numbers)


def _read_parquet(content: bytes, symbol: str) -> Table:
    try:
        frame = pl.read_parquet(BytesIO(content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DocumentRejected(
            f"the file is not valid Parquet (truncated?): {(str(error).splitlines() or [''])[0][:120]}"
        ) from error
    frame.columns = header = _one_level(frame.columns, symbol)
    present = list(find_columns(header, _wanted(header), _OPTIONAL))
    # A column without values has the type Null.
    invalid = [name for name in present if not _fits(name, frame.schema[name])]
    if invalid:
        raise DocumentRejected(f"the column {invalid[0]!r} has the type {frame.schema[invalid[0]]}")
    rows = (
        frame.select(_day_as_text(frame.schema["Date"]), *[pl.col(name).cast(pl.Float64) for name in present if name != "Date"])
        .with_columns(pl.concat_str(pl.col(present).cast(pl.String).fill_null(""), separator=",").alias("_content"))
        .with_row_index("_line", offset=2)
        .with_columns(pl.col("_line").cast(pl.Int64))
    )
    return Table(rows, _without_actions(header))


def _one_level(columns: list[str], symbol: str) -> list[str]:
    """Column names on one level. pandas writes two levels as "('Close', 'IWM')" and an unnamed index as its position."""
    levels = [_TWO_LEVELS.match(name) for name in columns]
    if not any(levels):
        return ["Date" if name == "__index_level_0__" else name for name in columns]
    pairs = [(match["first"], match["second"]) if match else (name, "") for name, match in zip(columns, levels, strict=True)]
    if "Close" in [second for _, second in pairs]:
        pairs = [(second, first) if second else (first, "") for first, second in pairs]
    named = _of_symbol(pairs, symbol)
    return ["Date" if first in ("Date", "__index_level_0__") else name for (first, _), name in zip(pairs, named, strict=True)]


def _fits(name: str, kind: pl.DataType) -> bool:
    if name == "Date":
        return kind in (pl.Date, pl.String) or isinstance(kind, pl.Datetime)
    return kind.is_numeric() or kind == pl.Null


def _day_as_text(kind: pl.DataType) -> pl.Expr:
    """Date as text; NULL outside the years 1800 to 2200, because polars panics on impossible dates from damaged numbers."""
    day = pl.col("Date")
    if kind == pl.String:
        return day
    is_a_day = day.is_between(pl.lit(_FIRST_DAY).cast(kind), pl.lit(_LAST_DAY).cast(kind))
    if not isinstance(kind, pl.Datetime):
        return pl.when(is_a_day).then(day).cast(pl.String)
    if kind.time_zone is None:
        return pl.when(is_a_day).then(day).dt.strftime("%Y-%m-%d %H:%M:%S")
    return pl.when(is_a_day).then(day).dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%d %H:%M:%S+00:00")

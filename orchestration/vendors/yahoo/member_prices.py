"""Daily bars of index members: many symbols in one document, split-adjusted, not adjusted for dividends.

A document is a Parquet or CSV table with a symbol column. Rows are checked in bulk: an index has some thousand members.
"""

from datetime import date, timedelta
from io import BytesIO

import polars as pl

from orchestration.market_calendar import FINAL_BAR_DELAY
from orchestration.schemas import REJECT_COLUMNS, ROUNDING
from orchestration.vendors.feed import Context, DocumentRejected, Feed, FetchFailed, Parsed, WrongLayout, with_advice
from orchestration.vendors.formats.text import decode
from orchestration.vendors.http import Client
from orchestration.vendors.yahoo import yfinance_client

VENDOR, KIND = "yahoo", "member_prices"
# The folder of the documents: where the members are listed.
MARKET = "US"
PRICES = ("open", "high", "low", "close")
COLUMNS = ("symbol", "session", *PRICES, "volume")
# Sessions that are asked for again on every run, to notice a split.
OVERLAP_SESSIONS = 10
# After a split every known bar is asked for again, those before a history's first day too: they can have been imported.
FIRST_DAY = date(1990, 1, 1)
PRICE_TOLERANCE = 1e-4
# Beyond any share count; a larger number would not fit into the column.
_LARGEST_VOLUME = 1e15
# BRK-A is near a million dollars.
_HIGHEST_PRICE = 1e7
# A damaged number in a bar: no stock goes to ten times the closes on both sides of a session, or to a tenth of them.
_SPIKE, _WIDEST_RANGE = 10, 25
# Names that people's files give to the columns, in lower case.
_NAMES = {"symbol": ("symbol", "ticker"), "session": ("session", "date")}


@with_advice("use a Parquet or CSV table with the columns symbol, session, open, high, low, close and volume")
def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `member_bars`.

    Raises:
        DocumentRejected: not a table of members' bars, or no bar is usable.
    """
    rows = read_table(content, context.extension).with_row_index("_line", offset=1).cast({"_line": pl.Int64})
    judged = _judged(rows, context)
    unusable = judged.filter(pl.col("_reason").is_not_null())
    bars = judged.filter(pl.col("_reason").is_null()).select(
        *COLUMNS[:-1], pl.col("volume").cast(pl.Int64), "_line", pl.lit(None, pl.String).alias("_content")
    )
    rejects = unusable.select(
        pl.col("_line").alias("line"),
        pl.col("_reason").alias("reason"),
        pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in COLUMNS], separator=",").alias("content"),
    ).cast(REJECT_COLUMNS)  # type: ignore[arg-type]
    if bars.is_empty():
        first = "" if rejects.is_empty() else f": line {rejects['line'][0]}, {rejects['reason'][0]}"
        raise DocumentRejected(f"no bar is usable{first}")
    return Parsed("member_bars", {"member_bars": bars}, None, [rejects])


def read_table(content: bytes, extension: str, symbol: str | None = None) -> pl.DataFrame:
    """The table with our column names and types: symbol in capitals, session as a date, numbers as DOUBLE; NULL if unreadable.

    Args:
        symbol: whose bars these are if the table has no symbol column.

    Raises:
        WrongLayout: not a table, or a column is missing.
    """
    if extension == "parquet":
        try:
            found = pl.read_parquet(BytesIO(content))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise WrongLayout("the file is not a Parquet table, or is damaged") from error
    else:
        try:
            # As text: NA, NAN and TRUE are tickers.
            found = pl.read_csv(BytesIO(decode(content).encode()), infer_schema=False, truncate_ragged_lines=True)
        except pl.exceptions.PolarsError as error:
            raise WrongLayout("the file is not a CSV table") from error
    by_name = {name.strip().lower(): name for name in found.columns}
    if symbol is not None and not any(name in by_name for name in _NAMES["symbol"]):
        found, by_name = found.with_columns(pl.lit(symbol).alias("symbol")), by_name | {"symbol": "symbol"}
    places = {ours: next((by_name[n] for n in _NAMES.get(ours, (ours,)) if n in by_name), None) for ours in COLUMNS}
    if missing := [ours for ours, theirs in places.items() if theirs is None]:
        raise WrongLayout(f"the table has no column {' and no column '.join(missing)}")
    return found.select(
        pl.col(str(places["symbol"])).cast(pl.String).str.strip_chars().str.to_uppercase().replace("", None).alias("symbol"),
        _session(found, str(places["session"])).alias("session"),
        *[_number(found, str(places[name])).alias(name) for name in (*PRICES, "volume")],
    )


def _session(table: pl.DataFrame, name: str) -> pl.Expr:
    """The date of a column of dates, of times (the exchange's own date), or of texts that begin with YYYY-MM-DD."""
    data_type = table.schema[name]
    if data_type == pl.String:
        return pl.col(name).str.strip_chars().str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    if isinstance(data_type, pl.Datetime):
        return pl.col(name).dt.date()
    return pl.col(name).cast(pl.Date, strict=False)


def _number(table: pl.DataFrame, name: str) -> pl.Expr:
    column = pl.col(name).str.strip_chars() if table.schema[name] == pl.String else pl.col(name)
    number = column.cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def _judged(rows: pl.DataFrame, context: Context) -> pl.DataFrame:
    """The rows with the reason why each cannot be used (`_reason`), NULL if it can."""
    at = context.retrieved_at.replace(tzinfo=None)
    calendar = context.sessions.select("session", is_final=pl.col("closes_at") + FINAL_BAR_DELAY <= at)
    first = context.sessions["session"].min()
    assert isinstance(first, date)  # the calendar is ingested before
    known = rows.join(calendar, on="session", how="left", maintain_order="left")
    # Of equal rows the first is used; of different rows with one key, none.
    is_copy = has_rival = pl.lit(False)
    if rows.select(pl.struct("symbol", "session").is_duplicated().any()).item():
        whole = pl.struct(COLUMNS)
        is_copy, has_rival = ~whole.is_first_distinct(), whole.n_unique().over("symbol", "session") > 1
    close = pl.col("close")
    before, after = (close.shift(places).over("symbol", order_by="session") for places in (1, -1))
    reasons = {
        "the symbol is missing": pl.col("symbol").is_null(),
        "the session is missing or not a date": pl.col("session").is_null(),
        f"the session is before the calendar, which begins on {first}": pl.col("session") < first,
        "XNYS does not trade on this day": pl.col("is_final").is_null(),
        "the session was still open at the retrieval": ~pl.col("is_final"),
        "a price is missing": pl.any_horizontal(pl.col(PRICES).is_null()),
        "the volume is missing": pl.col("volume").is_null(),
        "a price is not above zero": pl.min_horizontal(PRICES) <= 0,
        "the volume is too small": pl.col("volume") < 0,
        "the volume is too large": pl.col("volume") > _LARGEST_VOLUME,
        "a price is above ten million dollars": pl.max_horizontal(PRICES) > _HIGHEST_PRICE,
        "the high is not the highest price": pl.col("high") * ROUNDING < pl.max_horizontal(PRICES),
        "the low is not the lowest price": pl.col("low") > pl.min_horizontal(PRICES) * ROUNDING,
        f"the high is more than {_WIDEST_RANGE} times the low": pl.col("high") > _WIDEST_RANGE * pl.col("low"),
        f"the close is more than {_SPIKE} times those before and after it": (close > _SPIKE * before) & (close > _SPIKE * after),
        f"the close is less than a {_SPIKE}th of those before and after it": (_SPIKE * close < before) & (_SPIKE * close < after),
        "another row has the same key": has_rival,
        "repeats another row": is_copy,
    }
    reason = pl.coalesce(pl.when(broken).then(pl.lit(text)) for text, broken in reasons.items())
    return known.with_columns(reason.alias("_reason"))


def fetch_bars(symbol: str, known: pl.DataFrame, since: date, today: date, client: Client) -> pl.DataFrame:
    """A symbol's bars as received (`COLUMNS`): the last sessions, or the whole history if the vendor restated them.

    Args:
        known: the last known bars (session, close), oldest first; the history is asked for if there are fewer than
            `OVERLAP_SESSIONS`.
        since: first day of the history.

    Raises:
        FetchFailed: Yahoo gave an error or no bar; `WorthRetrying` if it refuses to answer at all.
    """
    recent = known.tail(OVERLAP_SESSIONS)
    start = recent["session"].min() if recent.height == OVERLAP_SESSIONS else since
    assert isinstance(start, date)
    bars = _ask(symbol, start, today, client)
    # A session without a close is NaN in the answer, which is greater than any tolerance: it says nothing about the others.
    both = recent.join(bars.select("session", now=pl.col("close").fill_nan(None)), on="session")
    restated = both.filter(((pl.col("now") - pl.col("close")).abs() > PRICE_TOLERANCE * pl.col("close")).fill_null(False))
    return bars if restated.is_empty() else _ask(symbol, FIRST_DAY, today, client)


def _ask(symbol: str, start: date, today: date, client: Client) -> pl.DataFrame:
    until = today + timedelta(days=1)  # Yahoo's end is exclusive
    frame = client.ask(lambda: yfinance_client.ask(symbol, start, until, client))
    if frame.empty:
        raise FetchFailed(f"Yahoo's answer has no bar for {symbol} since {start}")
    columns = {name: frame[name.capitalize()].to_numpy(dtype="float64") for name in (*PRICES, "volume")}
    return pl.DataFrame(
        {"symbol": symbol, "session": [moment.date() for moment in frame.index], **columns}, schema_overrides={"session": pl.Date}
    )


FEED = Feed(
    vendor=VENDOR,
    kind=KIND,
    description="Daily bars of the members of the universes, up to 300 symbols a document: split-adjusted, not adjusted for "
    "dividends. A person's own Parquet or CSV file with a symbol column is accepted in the same folder.",
    # The members are rows of the holdings: landing/members.py asks for them.
    symbols=lambda universe: {},
    parse=parse,
)

"""Yahoo prices and actions, through yfinance: one symbol per request, unadjusted, possibly incomplete."""

from datetime import date, datetime, timedelta
from io import BytesIO

import polars as pl

from orchestration.market_calendar import FINAL_BAR_DELAY
from orchestration.schemas import REJECT_COLUMNS
from orchestration.universe import Fund
from orchestration.vendors.feed import (
    Context,
    DocumentRejected,
    Feed,
    Fetched,
    FetchFailed,
    Parsed,
    Request,
    Universe,
    with_advice,
)
from orchestration.vendors.http import Client
from orchestration.vendors.yahoo import layouts, yfinance_client

VENDOR, KIND = "yahoo", "prices"
FIRST_DAY = date(1990, 1, 1)
# Sessions requested again on every run, to detect restatements.
OVERLAP_SESSIONS = 45
PRICE_TOLERANCE, VOLUME_TOLERANCE = 1e-4, 5e-3
_COLUMNS = {
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Adj Close": "vendor_adj_close",
    "Volume": "volume",
}
_ACTIONS = {"Dividends": "dividend", "Stock Splits": "split", "Capital Gains": "capital_gain"}


def fetch(request: Request, client: Client) -> Fetched:
    """Recent sessions, or the whole history if nothing is known or the vendor restated known bars.

    Raises:
        FetchFailed: Yahoo gave an error, an empty answer, or no answer.
    """
    known = request.known_bars if request.known_bars is not None else pl.DataFrame(schema={"session": pl.Date})
    recent = known.tail(OVERLAP_SESSIONS)
    until = request.today + timedelta(days=1)  # Yahoo's end is exclusive
    start = recent["session"].min() if recent.height == OVERLAP_SESSIONS else FIRST_DAY
    answer = _history(request.symbol, start if isinstance(start, date) else FIRST_DAY, until, client)
    if start != FIRST_DAY and is_restated(recent, answer):
        answer = _history(request.symbol, FIRST_DAY, until, client)
    buffer = BytesIO()
    answer.write_parquet(buffer)
    return Fetched(buffer.getvalue(), "parquet")


def is_restated(known: pl.DataFrame, answer: pl.DataFrame) -> bool:
    """Whether a settled bar of the overlap differs from the known one, for example because a dividend rescaled the history.

    The two newest known sessions are ignored, because their volume is still provisional. So are bars without a price.
    """
    both = known.head(-2).join(answer.fill_nan(None), left_on="session", right_on="Date", how="inner")

    def differs(ours: str, theirs: str, tolerance: float) -> pl.Expr:
        return ((pl.col(theirs) - pl.col(ours)).abs() > tolerance * pl.col(ours).abs()).any()

    return bool(
        both.filter(pl.col("Close").is_not_null())
        .select(
            differs("close", "Close", PRICE_TOLERANCE)
            | differs("vendor_adj_close", "Adj Close", PRICE_TOLERANCE)
            | differs("volume", "Volume", VOLUME_TOLERANCE)
        )
        .item()
    )


def _history(symbol: str, start: date, end: date, client: Client) -> pl.DataFrame:
    """One answer as a frame: Date and Yahoo's own columns, oldest session first."""
    frame = client.ask(lambda: yfinance_client.ask(symbol, start, end, client))
    if frame.empty:
        raise FetchFailed(f"Yahoo's answer has no bar for {symbol} since {start}")
    # The index is New York midnight, the exchange's date.
    columns = {str(column): frame[column].to_numpy(dtype="float64") for column in frame.columns}
    return pl.DataFrame({"Date": [moment.date() for moment in frame.index], **columns}, schema_overrides={"Date": pl.Date})


@with_advice(
    "export yf.Ticker(symbol).history(period='max', auto_adjust=False, actions=True).to_csv(), or"
    " yf.download(symbol, auto_adjust=False, actions=True).to_csv()"
)
def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `price_bars` and `corporate_actions`.

    Raises:
        DocumentRejected: not a price table, or no bar is usable.
    """
    table = layouts.read(content, context.extension, context.symbol)
    usable, unusable = _check_sessions(table.rows, context)
    actions, others = _check_sessions(table.actions, context)
    rejects = [*table.rejects, unusable, others]
    bars = usable.select(
        pl.lit(context.symbol).alias("symbol"),
        "session",
        *[_double(theirs).alias(ours) for theirs, ours in _COLUMNS.items() if ours not in ("volume", "vendor_adj_close")],
        _double("Volume").cast(pl.Int64, strict=False).alias("volume"),
        _double("Adj Close").alias("vendor_adj_close"),
        "_line",
        "_content",
    )
    if bars.drop_nulls(["open", "high", "low", "close", "volume"]).is_empty():
        raise DocumentRejected(f"no bar is usable{_first_reason(rejects)}")
    last = bars["session"].max()
    return Parsed(
        "price_bars",
        {"price_bars": bars, "corporate_actions": _actions(usable, actions, context.symbol)},
        last if isinstance(last, date) else None,
        rejects,
    )


def _first_reason(rejects: list[pl.DataFrame]) -> str:
    """The first rejected row and its reason."""
    lines = [row for frame in rejects for row in frame.drop_nulls("line").rows()]
    if not lines:
        return ""
    line, reason, content = min(lines)
    return f": line {line} is {content[:120]!r}, {reason}"


def _double(column: str) -> pl.Expr:
    """Yahoo's number; NULL if it is missing, not a number, or infinite."""
    return pl.when(pl.col(column).is_finite()).then(column)


def _check_sessions(rows: pl.DataFrame, context: Context) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Separate rows of sessions with a final closing bar at the retrieval from all others, which become rejects."""
    at: datetime = context.retrieved_at.replace(tzinfo=None)
    closes = context.sessions.select("session", "closes_at")
    checked = rows.join(closes, on="session", how="left", maintain_order="left").with_columns(
        pl.when(pl.col("session").is_null())
        .then(pl.format("'{}' is not a date", pl.col("Date").fill_null("")))
        .when(pl.col("session") < closes["session"].min())
        .then(
            pl.format("the session is before the calendar, which begins on {}", pl.lit(closes["session"].min()).cast(pl.String))
        )
        .when(pl.col("closes_at").is_null())
        .then(pl.lit("XNYS does not trade on this day"))
        .when(pl.col("closes_at") + FINAL_BAR_DELAY > at)
        .then(pl.lit("the session was still open at the retrieval"))
        .alias("_reason")
    )
    rejected = checked.filter(pl.col("_reason").is_not_null()).select(
        pl.col("_line").alias("line"), pl.col("_reason").alias("reason"), pl.col("_content").alias("content")
    )
    return checked.filter(pl.col("_reason").is_null()), rejected.cast(REJECT_COLUMNS)  # type: ignore[arg-type]


def _actions(rows: pl.DataFrame, own_rows: pl.DataFrame, symbol: str) -> pl.DataFrame:
    """The actions of every session, zeros included: a zero withdraws a known action.

    A missing column or an empty cell changes nothing.
    """
    origin = ["_line", "_content"]
    from_columns = [
        rows.select("session", pl.lit(name).alias("column"), pl.col(name).alias("value"), *origin)
        for name in layouts.ACTIONS
        if name in rows.columns
    ]
    return (
        pl.concat([own_rows.select("session", "column", "value", *origin), *from_columns])
        .select(
            pl.lit(symbol).alias("symbol"),
            pl.col("session").alias("ex_date"),
            pl.col("column").replace_strict(_ACTIONS, return_dtype=pl.String).alias("kind"),
            _double("value").alias("value"),
            "_line",
            "_content",
        )
        .filter(pl.col("value").is_not_null())
    )


def _priced(universe: Universe) -> dict[str, Fund | None]:
    return {fund.price_symbol: fund for fund in universe.values() if fund.price_symbol}


FEED = Feed(
    vendor=VENDOR,
    kind=KIND,
    description="Daily bars, dividends and splits: one document per symbol and retrieval, as received from yfinance.",
    symbols=_priced,
    address=yfinance_client.ADDRESS,
    fetch=fetch,
    parse=parse,
)

"""Yahoo prices and actions, through yfinance: one symbol at a time, unadjusted, never trusted to be complete."""

import warnings
from datetime import date, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from orchestration.contracts import REJECT_COLUMNS
from orchestration.market_calendar import FINAL_BAR_DELAY
from orchestration.settings import Settings
from orchestration.vendors.base import Context, DocumentRejected, Fetched, FetchFailed, Parsed
from orchestration.vendors.http import Pace, WorthRetrying, with_retries
from orchestration.vendors.text import decode

if TYPE_CHECKING:
    import pandas

VENDOR, KIND = "yahoo", "prices"
FIRST_DAY = date(1990, 1, 1)
# Sessions asked for again on every run: enough to see a restatement before it matters.
OVERLAP_SESSIONS = 45
PRICE_TOLERANCE, VOLUME_TOLERANCE = 1e-4, 5e-3
_COLUMNS = {
    "Open": "open", "High": "high", "Low": "low", "Close": "close", "Adj Close": "vendor_adj_close", "Volume": "volume",
}
_ACTIONS = {"Dividends": "dividend", "Stock Splits": "split", "Capital Gains": "capital_gain"}


def fetch(symbol: str, settings: Settings, pace: Pace, known: pl.DataFrame) -> Fetched:
    """Recent sessions, or the whole history where nothing is known or the vendor has restated what is.

    Args:
        known: the last known bars of the symbol (session, close, vendor_adj_close, volume), oldest first; may be empty.

    Raises:
        FetchFailed: Yahoo answered with an error, with nothing, or not at all.
    """
    recent = known.tail(OVERLAP_SESSIONS)
    until = settings.today + timedelta(days=1)  # Yahoo's end is exclusive
    start = recent["session"].min() if recent.height == OVERLAP_SESSIONS else FIRST_DAY
    answer = _history(symbol, start if isinstance(start, date) else FIRST_DAY, until, settings, pace)
    if start != FIRST_DAY and is_restated(recent, answer):
        answer = _history(symbol, FIRST_DAY, until, settings, pace)
    buffer = BytesIO()
    answer.write_parquet(buffer)
    return Fetched(buffer.getvalue(), "parquet")


def is_restated(known: pl.DataFrame, answer: pl.DataFrame) -> bool:
    """Whether a settled bar of the overlap differs from what is known: a dividend or split has rescaled the past, or worse.

    The two newest known sessions are left out: their volume still drifts.
    """
    settled = known.head(-2)
    both = settled.join(answer, left_on="session", right_on="Date", how="inner")

    def differs(ours: str, theirs: str, tolerance: float) -> pl.Expr:
        return ((pl.col(theirs) / pl.col(ours) - 1).abs() > tolerance).any()

    return bool(
        both.select(
            differs("close", "Close", PRICE_TOLERANCE)
            | differs("vendor_adj_close", "Adj Close", PRICE_TOLERANCE)
            | differs("volume", "Volume", VOLUME_TOLERANCE)
        ).item()
    )


def _history(symbol: str, start: date, end: date, settings: Settings, pace: Pace) -> pl.DataFrame:
    """One answer as a frame: Date and Yahoo's own columns, oldest session first."""

    def attempt() -> "pandas.DataFrame":
        pace.wait()
        return _ask_yfinance(symbol, start, end, settings)

    frame = with_retries(attempt, settings)
    if frame.empty:
        raise FetchFailed(f"Yahoo answered without a bar for {symbol} since {start}")
    sessions = frame.index.tz_localize(None)  # New York midnight: the exchange's own date
    return pl.DataFrame(
        {"Date": sessions.to_numpy(), **{str(c): frame[c].to_numpy(dtype="float64") for c in frame.columns}}
    ).with_columns(pl.col("Date").cast(pl.Date))


def _ask_yfinance(symbol: str, start: date, end: date, settings: Settings) -> "pandas.DataFrame":
    import yfinance
    from yfinance.exceptions import YFException, YFRateLimitError

    _configure(settings)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="yfinance", category=DeprecationWarning)
        warnings.filterwarnings("ignore", module="yfinance", category=FutureWarning)
        try:
            return yfinance.Ticker(symbol).history(
                start=start.isoformat(), end=end.isoformat(), auto_adjust=False, actions=True, repair=False, keepna=True,
                timeout=settings.fetch_timeout_seconds,
            )
        except YFRateLimitError as error:
            raise WorthRetrying("Yahoo limits the rate of requests (429)") from error
        except YFException as error:
            # "Possibly delisted" is also what an outage prints: it is never believed on one answer.
            raise FetchFailed(f"Yahoo: {error}") from error
        except Exception as error:  # yfinance lets network and decoding errors of several libraries through
            raise WorthRetrying(f"no usable answer from Yahoo: {type(error).__name__}: {str(error)[:200]}") from error


def _configure(settings: Settings) -> None:
    """yfinance has no setting for its address: the modules below import it by name, so it is set in each."""
    import yfinance
    from yfinance import base, const
    from yfinance.scrapers import funds, history, quote

    for module in (const, base, history, quote, funds):
        module._BASE_URL_ = settings.yahoo_base_url
    yfinance.config.debug.hide_exceptions = False
    yfinance.config.network.retries = 0  # our own retries are paced and bounded
    # The time-zone cache is a SQLite file that locks: keep it in our own directory.
    cache: Path = settings.home / "yfinance"
    cache.mkdir(parents=True, exist_ok=True)
    yfinance.set_tz_cache_location(str(cache))


def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `price_bars` and `corporate_actions`.

    Raises:
        DocumentRejected: not a price table, or none of its bars is usable.
    """
    frame = _read(content, context.extension)
    missing = [column for column in ("Date", *_COLUMNS) if column not in frame.columns]
    if missing:
        raise DocumentRejected(f"the column {missing[0]!r} is missing; it has {', '.join(frame.columns)[:200]}")
    rows = frame.with_row_index("_line", offset=2).with_columns(
        pl.col("_line").cast(pl.Int64),
        # Dates may carry the exchange's midnight and zone: the day is what counts.
        pl.col("Date").cast(pl.String).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).alias("session"),
        pl.concat_str(pl.all().cast(pl.String).fill_null(""), separator=",").alias("_content"),
    )
    usable, rejects = _judge_sessions(rows, context)
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
        raise DocumentRejected("none of its bars is usable")
    last = bars["session"].max()
    return Parsed(
        "price_bars",
        {"price_bars": bars, "corporate_actions": _actions(usable, context.symbol)},
        last if isinstance(last, date) else None,
        [rejects],
    )


def _read(content: bytes, extension: str) -> pl.DataFrame:
    try:
        if extension == "parquet":
            return pl.read_parquet(BytesIO(content))
        return pl.read_csv(StringIO(decode(content)), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise DocumentRejected(f"it cannot be read as {extension}: {str(error).splitlines()[0][:120]}") from error


def _double(column: str) -> pl.Expr:
    """Yahoo's number as DOUBLE; what is missing, not a number or infinite is NULL."""
    value = pl.col(column).cast(pl.Float64, strict=False)
    return pl.when(value.is_finite()).then(value)


def _judge_sessions(rows: pl.DataFrame, context: Context) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part the rows of sessions whose closing bar was final at the retrieval from all others."""
    at: datetime = context.retrieved_at.replace(tzinfo=None)
    judged = rows.join(context.sessions.select("session", "closes_at"), on="session", how="left", maintain_order="left").with_columns(
        pl.when(pl.col("session").is_null())
        .then(pl.format("'{}' is not a date", pl.col("Date").cast(pl.String)))
        .when(pl.col("closes_at").is_null())
        .then(pl.lit("XNYS does not trade on that day"))
        .when(pl.col("closes_at") + FINAL_BAR_DELAY > at)
        .then(pl.lit("the session was still running when the vendor answered"))
        .alias("_reason")
    )
    bad = judged.filter(pl.col("_reason").is_not_null()).select(
        pl.col("_line").alias("line"), pl.col("_reason").alias("reason"), pl.col("_content").alias("content")
    )
    return judged.filter(pl.col("_reason").is_null()), bad.cast(REJECT_COLUMNS)  # type: ignore[arg-type]


def _actions(rows: pl.DataFrame, symbol: str) -> pl.DataFrame:
    """Every action of every session, zero included: a zero where an action was known takes it back."""
    present = [column for column in _ACTIONS if column in rows.columns]
    return (
        rows.unpivot(present, index=["session", "_line", "_content"], variable_name="column", value_name="value")
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

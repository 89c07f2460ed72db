"""Total market capitalisation of US-listed stocks of 20 million dollars or more, from Yahoo's screener: one table a retrieval.

The screener sends pages of at most 250 stocks. A page that is missing or repeated would shift every rank after it, so an answer
counts only if it has as many different symbols as it says, or at most three fewer.
"""

from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from orchestration.market_calendar import FINAL_BAR_DELAY
from orchestration.schemas import REJECT_COLUMNS
from orchestration.vendors.feed import (
    Context,
    DocumentRejected,
    Feed,
    Fetched,
    FetchFailed,
    Parsed,
    Request,
    WrongLayout,
    with_advice,
)
from orchestration.vendors.http import Client
from orchestration.vendors.yahoo import yfinance_client

VENDOR, KIND = "yahoo", "market_caps"
MARKET = "US"
# NASDAQ's three tiers, NYSE, NYSE American and Cboe: the exchanges whose stocks the Russell indices may hold.
EXCHANGES = ("NMS", "NGM", "NCM", "NYQ", "ASE", "BTS")
LEAST_MARKET_CAP = 20e6
PAGE = 250
# Yahoo repeats rows beyond this offset.
LAST_OFFSET = 10_000
# Symbols that a listing or delisting during the fetch may add or take.
TOLERATED = 3
_NEW_YORK = ZoneInfo("America/New_York")
# A stock without a trade on the day has an older price; beyond this it is halted.
_OLDEST_PRICE = timedelta(days=7)
# BRK-A is near a million dollars, the largest company worth some five trillion: beyond these a number is damaged.
_HIGHEST_PRICE, _LARGEST_CAP = 1e7, 2e13
# A company is worth at least its listed class, whose count of shares may be some weeks old; the listed class may be a small part.
_SHARES_LOWEST, _SHARES_HIGHEST = 2, 1000
# Yahoo's fields, under its own names, that a document has.
FIELDS: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "longName": pl.String(),
    "shortName": pl.String(),
    "exchange": pl.String(),
    "quoteType": pl.String(),
    "currency": pl.String(),
    "regularMarketPrice": pl.Float64(),
    "regularMarketTime": pl.Int64(),
    "marketCap": pl.Float64(),
    "sharesOutstanding": pl.Float64(),
    "firstTradeDateMilliseconds": pl.Int64(),
}


def fetch(request: Request, client: Client) -> Fetched:
    """The stocks with a capitalisation of 20 million dollars and more, as a table with Yahoo's field names.

    Raises:
        FetchFailed: Yahoo gave an error, or fewer stocks than it says.
    """
    stocks: dict[str, dict[str, Any]] = {}
    total = PAGE
    offset = 0
    while offset < min(total, LAST_OFFSET):
        page = client.ask(lambda at=offset: yfinance_client.ask_screen(EXCHANGES, LEAST_MARKET_CAP, at, PAGE, client))  # type: ignore[misc]
        quotes = page.get("quotes")
        if not isinstance(quotes, list) or not isinstance(page.get("total"), int):
            raise FetchFailed("the screener's answer has no quotes and total")
        total = page["total"]
        if not quotes:
            break
        for quote in quotes:
            stocks.setdefault(str(quote.get("symbol")), quote)
        offset += PAGE
    if not stocks or len(stocks) < total - TOLERATED:
        raise FetchFailed(f"the screener's pages have {len(stocks):,} different stocks of {total:,}")
    rows = [{name: stock.get(name) for name in FIELDS} for _, stock in sorted(stocks.items())]
    buffer = BytesIO()
    pl.DataFrame(rows, schema=FIELDS, strict=False).write_parquet(buffer)
    return Fetched(buffer.getvalue(), "parquet")


@with_advice("the table has the fields of Yahoo's stock screener as columns")
def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `market_caps`. The session is the newest one in which stocks were traded, and it must be over.

    Raises:
        DocumentRejected: not such a table, or its session was still open.
    """
    try:
        found = pl.read_parquet(BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise WrongLayout("the file is not a Parquet table") from error
    if missing := [name for name in FIELDS if name not in found.columns]:
        raise WrongLayout(f"the table has no column {' and no column '.join(missing)}")
    stocks = found.select(pl.col(name).cast(kind, strict=False) for name, kind in FIELDS.items())
    stocks = stocks.with_row_index("_line", offset=1).with_columns(
        pl.col("_line").cast(pl.Int64),
        traded=pl.from_epoch("regularMarketTime").dt.replace_time_zone("UTC").dt.convert_time_zone(str(_NEW_YORK)).dt.date(),
        first_traded=pl.from_epoch("firstTradeDateMilliseconds", time_unit="ms").dt.date(),
    )
    as_of = _session_of(stocks, context)
    cap_ratio = pl.col("marketCap") / (pl.col("regularMarketPrice") * pl.col("sharesOutstanding"))
    reasons = {
        "the symbol is missing": pl.col("symbol").fill_null("") == "",
        "it is no stock": pl.col("quoteType") != "EQUITY",
        "the currency is not USD": pl.col("currency").fill_null("") != "USD",
        "the price is missing or not above zero": ~(pl.col("regularMarketPrice") > 0).fill_null(False),
        "the capitalisation is missing or not above zero": ~(pl.col("marketCap") > 0).fill_null(False),
        "the price is above ten million dollars": pl.col("regularMarketPrice") > _HIGHEST_PRICE,
        "the capitalisation is above twenty trillion dollars": pl.col("marketCap") > _LARGEST_CAP,
        "it has not traded for a week": (pl.col("traded") < as_of - _OLDEST_PRICE).fill_null(True),
        # Retrieved in the first minutes of the next session: this price and capitalisation are not of `as_of`.
        "it has traded after the session": (pl.col("traded") > as_of).fill_null(False),
        "another row has the same symbol": pl.col("symbol").is_duplicated(),
        "the capitalisation is less than half of price times shares": cap_ratio < 1 / _SHARES_LOWEST,
        "the capitalisation is more than a thousand times price times shares": cap_ratio > _SHARES_HIGHEST,
    }
    reason = pl.coalesce(*(pl.when(broken).then(pl.lit(text)) for text, broken in reasons.items()))
    judged = stocks.with_columns(
        _reason=reason,
        _content=pl.concat_str(
            [pl.col(name).cast(pl.String).fill_null("") for name in ("symbol", "regularMarketPrice", "marketCap")], separator=","
        ),
    )
    usable = judged.filter(pl.col("_reason").is_null()).select(
        pl.lit(as_of).alias("as_of"),
        "symbol",
        pl.coalesce("longName", "shortName").alias("name"),
        "exchange",
        pl.col("regularMarketPrice").alias("price"),
        pl.col("marketCap").alias("market_cap"),
        pl.when(pl.col("sharesOutstanding") > 0).then("sharesOutstanding").alias("shares_outstanding"),
        "first_traded",
        "_line",
        "_content",
    )
    rejects = (
        judged.filter(pl.col("_reason").is_not_null())
        .select(pl.col("_line").alias("line"), pl.col("_reason").alias("reason"), pl.col("_content").alias("content"))
        .cast(REJECT_COLUMNS)  # type: ignore[arg-type]
    )
    return Parsed("market_caps", {"market_caps": usable}, as_of, [rejects])


def _session_of(stocks: pl.DataFrame, context: Context) -> date:
    """The session on which most stocks last traded."""
    days = stocks["traded"].drop_nulls().mode().sort()
    if days.is_empty():
        raise DocumentRejected("no stock has the time of its price")
    as_of: date = days[-1]
    closes = dict(context.sessions.select("session", "closes_at").iter_rows())
    if as_of not in closes:
        raise DocumentRejected(f"most prices are of {as_of}, on which XNYS does not trade")
    final_at: datetime = closes[as_of].replace(tzinfo=UTC) + FINAL_BAR_DELAY
    if context.retrieved_at.astimezone(UTC) < final_at:
        raise DocumentRejected(f"the session {as_of} was still open at the retrieval: its capitalisations are not final")
    return as_of


FEED = Feed(
    vendor=VENDOR,
    kind=KIND,
    description="Price and total market capitalisation of every US-listed stock of 20 million dollars or more, from Yahoo's"
    " stock screener: one table a retrieval. Fetched only if SMALLCAP_MARKET_CAPS is on.",
    symbols=lambda universe: {MARKET: None},
    address=yfinance_client.ADDRESS,
    fetch=fetch,
    parse=parse,
)

"""Yahoo's quote of a fund and the quotes of its options, through yfinance: one document per fund and session.

Known traps: before the open all bids, asks and open interests are zero, and implied volatilities are placeholders; a quote
outside regular hours can be some percent off; expirations go missing; the answer for an expiration that vanished is that of
another one; the volume of a contract that did not trade is left out, or is that of the session in which it traded last.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from orchestration.market_calendar import QUOTES_LATE
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
    require_fund,
    require_symbol,
)
from orchestration.vendors.formats.json_text import load_object
from orchestration.vendors.http import Client, WorthRetrying
from orchestration.vendors.yahoo import implied_volatility, yfinance_client

VENDOR, KIND = "yahoo", "quotes"
_NEW_YORK = ZoneInfo("America/New_York")
_QUOTE, _LISTED, _SYMBOL = "quote", "expirations", "symbol"
MOST_AGE = timedelta(minutes=30)
# The widest spread of a fund that people trade is some tenths of a percent; a quote outside regular hours was 4 % off.
WIDEST_SPREAD, FARTHEST_FROM_PRICE = 0.05, 0.02
# An option is worth at most the fund (call) or the strike (put), but for a quote that is minutes older than the price.
ABOVE_MOST = 1.05
# Root, expiration, type, and strike in thousandths of a dollar. An adjusted contract has a digit after its root.
_CONTRACT = r"^([A-Z]+)\d?(\d{6})([CP])(\d{8})$"
_STRIKE_ERROR = 0.0011
_ROOT, _EXPIRATION, _TYPE, _STRIKE = 1, 2, 3, 4
_CLOSING_HOUR = 16
# What Yahoo writes without quotes: powers of a half, a trace above them, and nearly nothing.
_PLACEHOLDERS, _TRACE = (0.0, *(0.5**n for n in range(1, 8))), 3e-5
_COLUMNS: dict[str, pl.DataType] = {
    "contractSymbol": pl.String(),
    "lastTradeDate": pl.Datetime("us"),
    **dict.fromkeys(yfinance_client.NUMBERS, pl.Float64()),
}
_OWN: dict[str, pl.DataType] = {
    "quoted_at": pl.Datetime("us"),
    "price": pl.Float64(),
    "bid": pl.Float64(),
    "ask": pl.Float64(),
    "expirations": pl.Int32(),
    "_line": pl.Int64(),
    "_content": pl.String(),
}


def fetch(request: Request, client: Client) -> Fetched:
    """The quote, the list of expirations, and the contracts of those within `request.option_days`, one request each.

    An expiration that Yahoo does not answer for stays in the list without contracts; after a refusal no other is asked for.

    Raises:
        FetchFailed: Yahoo gave an error or no usable answer to the first request.
    """
    symbol = str(request.fund.price_symbol) if request.fund else request.symbol
    options = yfinance_client.Options(symbol, client)
    chains = [client.ask(options.first)]
    if not options.quote:
        raise FetchFailed(f"Yahoo's answer has no quote of {symbol}")
    last = request.today + timedelta(days=request.option_days)
    for expiration in options.expirations[1:] if request.option_days else []:
        if date.fromisoformat(expiration) > last:
            continue
        try:
            chains.append(client.ask(lambda expiration=expiration: options.chain(expiration)))  # type: ignore[misc]
        except WorthRetrying:
            break
        except FetchFailed:
            continue
    return Fetched(document(symbol, options.quote, options.expirations, chains), "parquet")


def document(symbol: str, quote: Mapping[str, Any], expirations: list[str], chains: list[pl.DataFrame]) -> bytes:
    """The contracts as a Parquet table, with the quote and the listed expirations in its metadata."""
    rows = pl.concat([pl.DataFrame(schema=_COLUMNS), *(chain.select(list(_COLUMNS)) for chain in chains)])
    buffer = BytesIO()
    listed = json.dumps(expirations)
    rows.write_parquet(buffer, metadata={_SYMBOL: symbol, _QUOTE: json.dumps(dict(quote), sort_keys=True), _LISTED: listed})
    return buffer.getvalue()


def parse(content: bytes, context: Context) -> Parsed:
    """Rows for `fund_quotes`, `option_expirations` and `option_quotes`.

    Raises:
        DocumentRejected: not such a document, another symbol, no time or price, a stale quote, or one that is too early.
    """
    fund = require_fund(context)
    contracts, named = _read(content)
    require_symbol(named.get(_SYMBOL), fund)
    quote = load_object(named.get(_QUOTE, ""))
    if "symbol" in quote:
        require_symbol(quote["symbol"], fund, "its quote has")
    if quote.get("currency", "USD") != "USD":
        raise DocumentRejected(f"the currency of its quote is {str(quote['currency'])[:40]!r}, not USD")
    price, quoted_at = _number(quote.get("regularMarketPrice")), _moment(quote.get("regularMarketTime"))
    if quoted_at is None or not price or price < 0:
        raise DocumentRejected("the quote has no time or no price")
    session, phase = _session_and_phase(quoted_at, quote.get("marketState"), context)
    key = {"fund": fund.fund, "session": session, "phase": phase}
    quotes, unusable = _contracts(contracts, str(fund.price_symbol), session, price)
    listed = _expirations(named, quotes, context)
    until = listed.join(context.sessions.select(expiration="session", until="closes_at"), on="expiration", how="left")
    expirations, solved = _solved(quotes, until, price, quoted_at if phase == "regular" else None)
    own, refused = _own_quote(quote, quoted_at, price, listed.height, is_regular=phase == "regular")
    keyed = [pl.lit(value).alias(name) for name, value in key.items()]
    tables = {"fund_quotes": own, "option_expirations": expirations, "option_quotes": solved}
    return Parsed(
        "fund_quotes", {name: frame.with_columns(keyed) for name, frame in tables.items()}, session, [refused, unusable]
    )


def _own_quote(
    quote: Mapping[str, Any], quoted_at: datetime, price: float, expirations: int, *, is_regular: bool
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The fund's quote as a row of `fund_quotes`, without its key; or none and the reason why it cannot be used."""
    bid, ask = (_number(quote.get(name)) if is_regular else None for name in ("bid", "ask"))
    reason = _fault(bid or 0.0, ask or 0.0, price) if is_regular else None
    content = json.dumps({name: quote.get(name) for name in ("bid", "ask", "regularMarketPrice")})
    row = (quoted_at, price, bid, ask, expirations, None, content)
    own = pl.DataFrame([row] if reason is None else [], schema=_OWN, orient="row")
    return own, pl.DataFrame([(None, reason, content)] if reason else [], schema=REJECT_COLUMNS, orient="row")


def _fault(bid: float, ask: float, price: float) -> str | None:
    """Why a quote of regular hours cannot be used; None if it can."""
    if bid <= 0 or ask <= 0:
        return f"the quote has one side only or none: bid {bid:g}, ask {ask:g}"
    if bid >= ask:
        return f"the quote is locked or crossed: bid {bid:g}, ask {ask:g}"
    middle = (bid + ask) / 2
    if ask - bid > WIDEST_SPREAD * middle or abs(middle / price - 1) > FARTHEST_FROM_PRICE:
        return f"the quote is too wide, or far from the price {price:g}: bid {bid:g}, ask {ask:g}"
    return None


def _read(content: bytes) -> tuple[pl.DataFrame, dict[str, str]]:
    """The contracts with `_line`, and the document's metadata."""
    try:
        found = pl.read_parquet(BytesIO(content))
        named = pl.read_parquet_metadata(BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise WrongLayout("the file is not a Parquet table") from error
    if missing := [name for name in _COLUMNS if name not in found.columns]:
        raise WrongLayout(f"the table has no column {' and no column '.join(missing)}")
    if not isinstance(found.schema["lastTradeDate"], pl.Datetime | pl.Null):
        raise WrongLayout("the column lastTradeDate has no times")
    typed = [pl.col(name).cast(data_type, strict=False) for name, data_type in _COLUMNS.items()]
    return found.select(typed).with_row_index("_line", offset=1).cast({"_line": pl.Int64}), named


def _session_and_phase(quoted_at: datetime, state: object, context: Context) -> tuple[date, str]:
    """The session that the quote is of, and whether it was retrieved within its regular hours.

    Args:
        state: Yahoo's state of the market; without one, the age of the quote decides alone.

    Raises:
        DocumentRejected: the quote is of no session; or it is stale (the market is open, and the quote is older than that); or it
            is of a session that had just opened, when the options are still those of the session before.
    """
    at = context.retrieved_at.replace(tzinfo=None)
    day = quoted_at.replace(tzinfo=UTC).astimezone(_NEW_YORK).date()
    hours = context.sessions.filter(pl.col("session") == day)
    if hours.is_empty() or quoted_at > at + MOST_AGE:
        raise DocumentRejected(f"the quote is of {quoted_at:%Y-%m-%d %H:%M} UTC, which is in no session before the retrieval")
    if not hours.filter(pl.col("opens_at") + QUOTES_LATE > at).is_empty():
        raise DocumentRejected(
            f"the document was retrieved in the first {QUOTES_LATE / timedelta(minutes=1):.0f} minutes of its session, when"
            " Yahoo's option quotes are still those of the session before"
        )
    is_open = not context.sessions.filter((pl.col("opens_at") + QUOTES_LATE <= at) & (pl.col("closes_at") > at)).is_empty()
    if is_open and (state not in (None, "REGULAR") or at - quoted_at > MOST_AGE):
        raise DocumentRejected(
            f"the quote is stale: XNYS was open at the retrieval, but the quote is of {quoted_at:%Y-%m-%d %H:%M} UTC ({state})"
        )
    return day, "regular" if is_open else "closed"


def _expirations(named: Mapping[str, str], quotes: pl.DataFrame, context: Context) -> pl.DataFrame:
    """expiration, cycle: those in the list and those of the usable contracts."""
    try:
        texts = json.loads(named.get(_LISTED, "[]"))
        listed = {date.fromisoformat(text) for text in texts}
    except (ValueError, TypeError) as error:
        raise WrongLayout("the list of expirations is not a list of dates") from error
    listed |= set(quotes["expiration"])
    sessions = set(context.sessions["session"])
    days = sorted(listed)
    cycles = [_cycle(day, sessions) for day in days]
    return pl.DataFrame({"expiration": days, "cycle": cycles}, schema={"expiration": pl.Date, "cycle": pl.String})


def _cycle(day: date, sessions: set[date]) -> str:
    """monthly, weekly or daily. Beyond the calendar every weekday is taken for a session."""
    friday = day + timedelta(days=4 - day.weekday())
    last_known = max(sessions)
    later = (day + timedelta(days=n) for n in range(1, (friday - day).days + 1))
    if any(other in sessions or other > last_known for other in later):
        return "daily"
    return "monthly" if 15 <= friday.day <= 21 else "weekly"


def _named(part: int) -> pl.Expr:
    return pl.col("contractSymbol").str.extract(_CONTRACT, part)


def _contracts(contracts: pl.DataFrame, symbol: str, session: date, price: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The contracts as rows of `option_quotes`, without key and volatility, and the lines with a fault.

    A contract with an impossible quote keeps its volume and its open interest: only what depends on the quote is NULL.
    """
    # Before the open Yahoo has no open interest: a chain in which every one is zero says nothing.
    has_interest = bool(contracts["openInterest"].fill_null(0).max() or 0)
    vendor = pl.col("impliedVolatility")
    is_placeholder = pl.any_horizontal(vendor.is_between(value, value + _TRACE) for value in _PLACEHOLDERS)
    shares = [pl.when(pl.col(name).is_finite()).then(name).alias(name) for name in ("bid", "ask")]
    rows = contracts.with_columns(shares).select(
        contract="contractSymbol",
        expiration=_named(_EXPIRATION).str.to_date("%y%m%d", strict=False),
        option_type=_named(_TYPE).replace_strict({"C": "call", "P": "put"}, default=None),
        strike="strike",
        bid="bid",
        ask="ask",
        last_price=pl.when(pl.col("lastPrice").is_finite()).then("lastPrice"),
        volume=_volume(session),
        open_interest=_whole("openInterest") if has_interest else pl.lit(None, pl.Int64),
        last_traded_at="lastTradeDate",
        vendor_implied_volatility=pl.when(vendor.is_finite() & ~is_placeholder).then(vendor),
        _line="_line",
        _root=_named(_ROOT),
        _named_strike=_named(_STRIKE).cast(pl.Float64) / 1000,
        _content=pl.concat_str(
            ["contractSymbol", *(pl.col(name).cast(pl.String).fill_null("") for name in ("bid", "ask", "volume"))], separator=","
        ),
    )
    unusable = (
        pl.when(pl.col("expiration").is_null() | pl.col("option_type").is_null())
        .then(pl.lit("the contract's symbol has no expiration and type"))
        .when(pl.col("_root") != re.sub("[^A-Z]", "", symbol.upper()))
        .then(pl.format("the contract is one of {}, not of {}", "_root", pl.lit(symbol)))
        .when((pl.col("strike") - pl.col("_named_strike")).abs() > _STRIKE_ERROR)
        .then(pl.format("the strike {} is not that of the contract's symbol, {}", "strike", "_named_strike"))
        .when(pl.col("expiration") < session)
        .then(pl.lit("the contract has expired"))
    )
    unquoted = (
        pl.when((pl.col("bid") > pl.col("ask")) & (pl.col("ask") > 0))
        .then(pl.format("the quote is crossed: bid {}, ask {}", "bid", "ask"))
        .when(
            pl.max_horizontal("bid", "ask")
            > ABOVE_MOST * pl.when(pl.col("option_type") == "call").then(price).otherwise("strike")
        )
        .then(pl.format("the quote is above the most that the contract can be worth: bid {}, ask {}", "bid", "ask"))
    )
    judged = rows.with_columns(_unusable=unusable, _unquoted=unquoted).with_columns(
        reason=pl.coalesce("_unusable", pl.format("{}; bid and ask are not used", "_unquoted"))
    )
    faults = judged.drop_nulls("reason").select(line="_line", reason="reason", content="_content")
    usable = judged.filter(pl.col("_unusable").is_null()).with_columns(
        pl.when(pl.col("_unquoted").is_null()).then(name).alias(name) for name in ("bid", "ask", "vendor_implied_volatility")
    )
    return usable.drop("_root", "_named_strike", "_unusable", "_unquoted", "reason"), faults.cast(REJECT_COLUMNS)  # type: ignore[arg-type]


def _volume(session: date) -> pl.Expr:
    """The contract's volume in the session: Yahoo's if it traded last on that day, zero if before; else unknown."""
    traded_on = pl.col("lastTradeDate").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York").dt.date()
    return pl.when(traded_on < session).then(pl.lit(0, pl.Int64)).when(traded_on == session).then(_whole("volume"))


def _solved(
    quotes: pl.DataFrame, listed: pl.DataFrame, price: float, quoted_at: datetime | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The expirations with forward and discount factor, and the contracts with implied volatility and delta.

    Args:
        listed: expiration, cycle, and when the exchange closes on it (`until`, UTC), NULL if the calendar does not reach so far.
        quoted_at: the time of the quotes (UTC), None if they were not retrieved in regular hours: then nothing is computed.
    """
    is_two_sided = (pl.col("bid") > 0) & (pl.col("ask") >= pl.col("bid"))
    mids = quotes.with_columns(
        mid=pl.when(is_two_sided).then((pl.col("bid") + pl.col("ask")) / 2),
        implied_volatility=pl.lit(None, pl.Float64),
        delta=pl.lit(None, pl.Float64),
    )
    solved, found = [mids.clear()], {}
    closes: dict[date, datetime | None] = dict(listed.select("expiration", "until").iter_rows())
    for (expiration,), chain in mids.group_by("expiration", maintain_order=True):
        assert isinstance(expiration, date)
        at = implied_volatility.parity(chain, price) if quoted_at else None
        if at is not None and quoted_at is not None:
            found[expiration] = at
            solved.append(
                implied_volatility.volatilities(chain, at, _years(quoted_at, expiration, closes[expiration])).select(mids.columns)
            )
        else:
            solved.append(chain)
    read = set(quotes["expiration"])
    days = listed["expiration"].to_list()
    expirations = listed.drop("until").with_columns(
        pl.Series("is_read", [day in read for day in days], dtype=pl.Boolean),
        pl.Series("forward", [found[day].forward if day in found else None for day in days], dtype=pl.Float64),
        pl.Series("discount", [found[day].discount if day in found else None for day in days], dtype=pl.Float64),
        pl.lit(None, pl.Int64).alias("_line"),
        pl.col("expiration").cast(pl.String).alias("_content"),
    )
    return expirations, pl.concat(solved).drop("mid")


def _years(quoted_at: datetime, expiration: date, closes_at: datetime | None) -> float:
    """Years of 365 days to the close of the exchange on the expiration, 16:00 in New York beyond the calendar."""
    usual = datetime(expiration.year, expiration.month, expiration.day, _CLOSING_HOUR, tzinfo=_NEW_YORK)
    until = usual if closes_at is None else closes_at.replace(tzinfo=UTC)
    return (until - quoted_at.replace(tzinfo=UTC)) / timedelta(days=365)


def _whole(column: str) -> pl.Expr:
    return pl.when(pl.col(column).is_finite()).then(pl.col(column).cast(pl.Int64, strict=False))


def _number(value: Any) -> float | None:
    try:
        return float(value) if value is not None and not isinstance(value, bool) else None
    except (TypeError, ValueError):
        return None


def _moment(value: Any) -> datetime | None:
    """UTC without zone, from seconds since 1970."""
    seconds = _number(value)
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None) if seconds else None
    except (OverflowError, OSError, ValueError):
        return None


FEED = Feed(
    vendor=VENDOR,
    kind=KIND,
    description="Yahoo's quote of each fund and the quotes of its options: one Parquet table per fund and session.",
    symbols=lambda universe: {fund.fund: fund for fund in universe.values() if fund.price_symbol},
    address=yfinance_client.ADDRESS,
    fetch=fetch,
    parse=parse,
    # Options are many requests: a refusal must not affect prices and fund data.
    after=("yahoo_prices", "yahoo_fund_data"),
    once_a_session=True,
)

"""The row contracts of the raw tables: what a parser must return, and how each table keeps its history.

A contract names columns, types, units and the rules a row must pass. `check_rows` separates valid rows from invalid ones and
gives a reason for each invalid row. The warehouse derives its tables from the same contracts.
"""

from dataclasses import dataclass, field
from functools import cache, cached_property

import dataframely as dy
import polars as pl


class Sessions(dy.Schema):
    """One row per trading day of XNYS. Times are UTC."""

    session = dy.Date(primary_key=True)
    opens_at = dy.Datetime(nullable=False, time_unit="us")
    closes_at = dy.Datetime(nullable=False, time_unit="us")
    is_half_day = dy.Bool(nullable=False)

    @dy.rule()
    def closes_after_it_opens(cls) -> pl.Expr:
        return pl.col.closes_at > pl.col.opens_at


class PriceBars(dy.Schema):
    """One row per symbol and session. Prices in US dollars on the split basis of the retrieval, volume in shares."""

    symbol = dy.String(primary_key=True)
    session = dy.Date(primary_key=True)
    open = dy.Float64(nullable=False, min_exclusive=0)
    high = dy.Float64(nullable=False, min_exclusive=0)
    low = dy.Float64(nullable=False, min_exclusive=0)
    close = dy.Float64(nullable=False, min_exclusive=0)
    volume = dy.Int64(nullable=False, min=0)
    vendor_adj_close = dy.Float64(nullable=True, min_exclusive=0)

    @dy.rule()
    def high_is_the_highest(cls) -> pl.Expr:
        return pl.col.high * ROUNDING >= pl.max_horizontal("open", "low", "close")

    @dy.rule()
    def low_is_the_lowest(cls) -> pl.Expr:
        return pl.col.low <= pl.min_horizontal("open", "high", "close") * ROUNDING


# Vendors round the four prices of a bar separately, so they can cross by a few parts per 100,000.
ROUNDING = 1 + 5e-5


class MemberBars(dy.Schema):
    """One row per member's symbol and session. Prices in US dollars on the split basis of the retrieval, volume in shares.

    The parser of the feed rejects impossible rows, in bulk; these rules are what it ensures.
    """

    symbol = dy.String(primary_key=True)
    session = dy.Date(primary_key=True)
    open = dy.Float64(nullable=False, min_exclusive=0)
    high = dy.Float64(nullable=False, min_exclusive=0)
    low = dy.Float64(nullable=False, min_exclusive=0)
    close = dy.Float64(nullable=False, min_exclusive=0)
    volume = dy.Int64(nullable=False, min=0)


class MarketCaps(dy.Schema):
    """One row per session and stock: price in US dollars a share, total market capitalisation in US dollars, shares outstanding.

    `first_traded` is the first day of the vendor's price history.
    """

    as_of = dy.Date(primary_key=True)
    symbol = dy.String(primary_key=True)
    name = dy.String(nullable=True)
    exchange = dy.String(nullable=True)
    price = dy.Float64(nullable=False, min_exclusive=0)
    market_cap = dy.Float64(nullable=False, min_exclusive=0)
    shares_outstanding = dy.Float64(nullable=True, min_exclusive=0)
    first_traded = dy.Date(nullable=True)


class CorporateActions(dy.Schema):
    """One row per symbol, date and kind: dollars per share for dividends and capital gains, new shares per old share for splits.

    Zero withdraws an action that the vendor reported before.
    """

    symbol = dy.String(primary_key=True)
    ex_date = dy.Date(primary_key=True)
    kind = dy.String(primary_key=True, regex="^(dividend|split|capital_gain)$")
    value = dy.Float64(nullable=False, min=0)


class Holdings(dy.Schema):
    """One row per line of a holdings file. Money in US dollars, `stated_weight` a fraction, `quantity` in shares or units."""

    fund = dy.String(primary_key=True)
    as_of = dy.Date(primary_key=True)
    line_no = dy.Int32(primary_key=True, min=1)
    ticker = dy.String(nullable=True)
    name = dy.String(nullable=False, min_length=1)
    cusip = dy.String(nullable=True)
    isin = dy.String(nullable=True)
    sedol = dy.String(nullable=True)
    sector_label = dy.String(nullable=True)
    asset_class_label = dy.String(nullable=True)
    market_value = dy.Float64(nullable=True)
    stated_weight = dy.Float64(nullable=True, min=-1, max=1)
    notional_value = dy.Float64(nullable=True)
    quantity = dy.Float64(nullable=True)
    price = dy.Float64(nullable=True, min=0)
    currency = dy.String(nullable=True)
    exchange = dy.String(nullable=True)
    location = dy.String(nullable=True)

    @dy.rule()
    def has_a_market_value_or_a_weight(cls) -> pl.Expr:
        return pl.col.market_value.is_not_null() | pl.col.stated_weight.is_not_null()


class FundFacts(dy.Schema):
    """One row per fund, fact, date and vendor: a number with its unit, or a text."""

    fund = dy.String(primary_key=True)
    fact = dy.String(primary_key=True)
    as_of = dy.Date(primary_key=True)
    vendor = dy.String(primary_key=True)
    value_number = dy.Float64(nullable=True)
    value_text = dy.String(nullable=True)
    unit = dy.String(nullable=False)

    @dy.rule()
    def has_a_value(cls) -> pl.Expr:
        return pl.col.value_number.is_not_null() | pl.col.value_text.is_not_null()


class Rates(dy.Schema):
    """One row per FRED series and date, as FRED prints it; NULL where FRED prints a dot.

    Rates and spreads are in percent per year. USREC has one row per month, dated on its first day: 1 in a recession of the NBER,
    else 0. NFCI is an index with one row per week, dated on its Friday. VIXCLS is in points.
    """

    series = dy.String(primary_key=True)
    date = dy.Date(primary_key=True)
    value = dy.Float64(nullable=True, min=-10, max=200)


class FundQuotes(dy.Schema):
    """One row per fund, session and phase: the vendor's quote of the fund, in US dollars; times are UTC.

    The phase is `regular` if the quote was retrieved from a quarter of an hour after XNYS opens until it closes, else `closed`: a
    quote outside the session says nothing about the spread, so that bid and ask are then NULL. `expirations` counts the listed
    expirations of the fund's options.
    """

    fund = dy.String(primary_key=True)
    session = dy.Date(primary_key=True)
    phase = dy.String(primary_key=True, regex="^(regular|closed)$")
    quoted_at = dy.Datetime(nullable=False, time_unit="us")
    price = dy.Float64(nullable=False, min_exclusive=0)
    bid = dy.Float64(nullable=True, min=0)
    ask = dy.Float64(nullable=True, min=0)
    expirations = dy.Int32(nullable=True, min=0)


class OptionExpirations(dy.Schema):
    """One row per fund, session, phase and expiration of its options: the listed ones, and those that are missing from the list.

    `cycle` is monthly (the week of the third Friday), weekly (the last session of another week) or daily (any other session).
    `is_read` says whether its contracts were received and used: not those of an expiration that left the list before its day has
    passed. `forward` is the fund's forward price in dollars and `discount` the discount factor, both implied by put-call parity;
    NULL where too few contracts are quoted.
    """

    fund = dy.String(primary_key=True)
    session = dy.Date(primary_key=True)
    phase = dy.String(primary_key=True, regex="^(regular|closed)$")
    expiration = dy.Date(primary_key=True)
    cycle = dy.String(nullable=False, regex="^(monthly|weekly|daily)$")
    is_read = dy.Bool(nullable=False)
    forward = dy.Float64(nullable=True, min_exclusive=0)
    discount = dy.Float64(nullable=True, min_exclusive=0)


class OptionQuotes(dy.Schema):
    """One row per fund, session, phase and contract: US dollars a share; volume and open interest in contracts; times in UTC.

    `volume` is that of the session: 0 if the last trade was before it, NULL if it is unknown. An impossible bid and ask are NULL.
    `vendor_implied_volatility` is the vendor's, NULL if it is a placeholder. `implied_volatility` (fraction a year) and `delta`
    are computed from the mid price for contracts out of the money and at the strike nearest the forward; NULL where unknown.
    """

    fund = dy.String(primary_key=True)
    session = dy.Date(primary_key=True)
    phase = dy.String(primary_key=True, regex="^(regular|closed)$")
    contract = dy.String(primary_key=True, min_length=1)
    expiration = dy.Date(nullable=False)
    option_type = dy.String(nullable=False, regex="^(call|put)$")
    strike = dy.Float64(nullable=False, min_exclusive=0)
    bid = dy.Float64(nullable=True, min=0)
    ask = dy.Float64(nullable=True, min=0)
    last_price = dy.Float64(nullable=True, min=0)
    volume = dy.Int64(nullable=True, min=0)
    open_interest = dy.Int64(nullable=True, min=0)
    last_traded_at = dy.Datetime(nullable=True, time_unit="us")
    vendor_implied_volatility = dy.Float64(nullable=True, min=0)
    implied_volatility = dy.Float64(nullable=True, min_exclusive=0)
    delta = dy.Float64(nullable=True, min=-1, max=1)


class Factors(dy.Schema):
    """One row a day of Kenneth French's daily factors, in percent a session (0.09 is 0.09 %); NULL where the library has -99.99.

    The days are the file's own: until May 1952 they include Saturdays.
    """

    dataset = dy.String(primary_key=True)
    date = dy.Date(primary_key=True)
    market_excess = dy.Float64(nullable=True, min=-100, max=100)
    small_minus_large = dy.Float64(nullable=True, min=-100, max=100)
    high_minus_low = dy.Float64(nullable=True, min=-100, max=100)
    risk_free = dy.Float64(nullable=True, min=-100, max=100)


@dataclass(frozen=True)
class RawTable:
    """How a raw table keeps its history.

    `key` identifies an observation. A table with a `snapshot_key` is stored by snapshot: if one line of a snapshot differs from
    the known one, the whole snapshot is appended, because otherwise a removed line could not be detected.
    `when_unknown` gives the values that need no row as long as no other value was observed for a key. `provisional` columns
    increase until they are final. If `is_bulk`, documents have many keys and are sorted by them: rows are stored as they come,
    and two documents are taken to overlap if they have the first key column in common.
    """

    name: str
    contract: type[dy.Schema]
    key: tuple[str, ...]
    snapshot_key: tuple[str, ...] = ()
    when_unknown: dict[str, float] = field(default_factory=dict)
    provisional: tuple[str, ...] = ()
    is_bulk: bool = False

    @cached_property
    def columns(self) -> dict[str, pl.DataType]:
        """Column names and polars types, in order."""
        return dict(pl.Schema(self.contract))

    @property
    def values(self) -> list[str]:
        """The value columns: all columns that are not part of the key."""
        return [column for column in self.columns if column not in self.key]


_CHAIN = ("fund", "session", "phase")
RAW_TABLES: dict[str, RawTable] = {
    table.name: table
    for table in (
        RawTable("sessions", Sessions, ("session",)),
        RawTable("price_bars", PriceBars, ("symbol", "session"), provisional=("volume",)),
        RawTable("member_bars", MemberBars, ("symbol", "session"), provisional=("volume",), is_bulk=True),
        # A missing stock shifts the ranks of all smaller ones: a session is one snapshot.
        RawTable("market_caps", MarketCaps, ("as_of", "symbol"), snapshot_key=("as_of",)),
        RawTable("corporate_actions", CorporateActions, ("symbol", "ex_date", "kind"), when_unknown={"value": 0.0}),
        RawTable("holdings", Holdings, ("fund", "as_of", "line_no"), snapshot_key=("fund", "as_of")),
        RawTable("fund_facts", FundFacts, ("fund", "fact", "as_of", "vendor")),
        RawTable("rates", Rates, ("series", "date")),
        RawTable("fund_quotes", FundQuotes, ("fund", "session", "phase")),
        # A contract or an expiration that is no longer listed must disappear.
        RawTable("option_expirations", OptionExpirations, (*_CHAIN, "expiration"), snapshot_key=_CHAIN),
        RawTable("option_quotes", OptionQuotes, (*_CHAIN, "contract"), snapshot_key=_CHAIN),
        # Each edition revises the whole history: an edition is one snapshot, and no table mixes two of them.
        RawTable("factors", Factors, ("dataset", "date"), snapshot_key=("dataset",)),
    )
}

_RULE_MESSAGES = {
    "nullability": "is missing",
    "min": "is too small",
    "min_exclusive": "is not above zero",
    "max": "is too large",
    "min_length": "is empty",
    "nan": "is not a number",
    "inf": "is infinite",
    "regex": "is not a known value",
}


def check_rows(table: RawTable, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Separate the rows that satisfy the contract from those that do not.

    Args:
        table: the raw table the rows are meant for.
        rows: the contract's columns, and `_line` (line number) and `_content` (the row as received).

    Returns:
        Valid rows; invalid rows as (line, reason, content).
    """
    valid, failure = _with_origin(table.contract).filter(rows.select(*table.columns, *_ORIGIN))
    if not len(failure):
        return valid, pl.DataFrame(schema=REJECT_COLUMNS)
    details = failure.details()
    rules = [column for column in details.columns if column not in (*table.columns, *_ORIGIN)]
    messages = [pl.when(pl.col(rule) == "invalid").then(pl.lit(_message(rule))) for rule in rules]
    invalid = details.select(
        pl.col("_line").alias("line"),
        pl.concat_list(messages).list.drop_nulls().list.join("; ").alias("reason"),
        pl.col("_content").alias("content"),
    )
    return valid, invalid


_ORIGIN = ("_line", "_content")


@cache
def _with_origin(contract: type[dy.Schema]) -> type[dy.Schema]:
    """The contract with `_line` and `_content`, so that the origin of an invalid row is kept."""
    origin = {"line_": dy.Int64(nullable=True, alias="_line"), "content_": dy.String(nullable=True, alias="_content")}
    return type(f"{contract.__name__}WithOrigin", (contract,), origin)


def _message(rule: str) -> str:
    column, _, kind = rule.rpartition("|")
    if rule == "primary_key":
        return "another row has the same key"
    if not column:
        return f"breaks the rule '{rule.replace('_', ' ')}'"
    return f"{column} {_RULE_MESSAGES.get(kind, f'breaks the rule {kind!r}')}"


REJECT_COLUMNS: dict[str, type[pl.DataType]] = {"line": pl.Int64, "reason": pl.String, "content": pl.String}

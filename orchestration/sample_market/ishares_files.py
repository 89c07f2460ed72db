"""Holdings in iShares' format: a preamble of varying length, quoted fields, unusual lines, a long disclaimer."""

from datetime import date

import numpy as np
import polars as pl

from orchestration.sample_market import truths
from orchestration.sample_market.holdings import equities, rounded_weights
from orchestration.sample_market.membership import index_style
from orchestration.universe import Fund

_BYTE_ORDER_MARK = "\ufeff"
_NO_BREAK_SPACE = "\u00a0"
_HEADER = (
    "Ticker,Name,Sector,Asset Class,Market Value,Weight (%),Notional Value,Quantity,Price,Location,Exchange,Currency,FX Rate,"
    "Market Currency,Accrual Date"
)
_CASH_SECTOR = "Cash and/or Derivatives"
_UNLISTED, _UNQUOTED = "NO MARKET (E.G. UNLISTED)", "Non-Nms Quotation Service (Nnqs)"
_DISCLAIMER = (
    '"This file belongs to an invented market. None of the companies in it exists; no price or weight in it was ever quoted.',
    "It is written in the shape of a fund company's file so that a reader of such files can be tried without one.",
    "Values called “price” are drawn by a random number generator, and values called “weight” follow from them.",
    "Nobody should buy, sell or hold anything because of it.",
    'It may be copied, changed and passed on freely."',
)
_NET_ASSET_VALUE = {"russell_2000": 360.0, "small": 130.0, "nasdaq": 560.0, "all": 380.0, "large": 770.0}
# The futures contract from the end of a quarter's last month on.
_FUTURES_MONTHS = {3: "M", 6: "U", 9: "Z"}
_CONTRACT_SIZE = 50
_MONTH_NAMES = {"M": "JUN", "U": "SEP", "Z": "DEC"}

# ticker, name, sector, asset class, market value, notional value, quantity, price, location, exchange
Row = tuple[str, str, str, str, float, float, float, float, str, str]


def dated_file(fund: Fund, as_of: date, seed: int, net_asset_value: float | None = None) -> bytes:
    """One snapshot with its preamble."""
    return _encode(_preamble(fund, as_of, seed, net_asset_value) + _body(fund, as_of, seed, net_asset_value))


def undated_file(fund: Fund, as_of: date, seed: int) -> bytes:
    """A copy that begins at the header and therefore has no date."""
    return _encode(_body(fund, as_of, seed))


def repeated_file(fund: Fund, as_of: date, seed: int, net_asset_value: float | None = None) -> bytes:
    """The same file twice in one answer."""
    return _encode((_preamble(fund, as_of, seed, net_asset_value) + _body(fund, as_of, seed, net_asset_value)) * 2)


def web_page(fund: Fund) -> bytes:
    """A web page received instead of a file."""
    return (
        "<!DOCTYPE html>\n<html><head><title>One moment, please</title></head>\n"
        f"<body><p>The page about {fund.name} cannot be shown.</p></body></html>\n"
    ).encode()


def _encode(lines: list[str]) -> bytes:
    return (_BYTE_ORDER_MARK + "\n".join(lines) + "\n").encode()


def _preamble(fund: Fund, as_of: date, seed: int, net_asset_value: float | None) -> list[str]:
    """A preamble of nine, five or three lines, depending on the month. Shares outstanding match the fund's net assets."""
    value = float(_held(fund, as_of, seed, net_asset_value)["market_value"].sum())
    shares = value / (net_asset_value or _NET_ASSET_VALUE[index_style(fund)])
    inception = date.fromisoformat(fund.inception)
    lines = [
        fund.name,
        f'Fund Holdings as of,"{as_of:%b %d, %Y}"',
        f'Inception Date,"{inception:%b %d, %Y}"',
        f'Shares Outstanding,"{round(shares / 50_000) * 50_000:,.2f}"',
        *(f'{kind},"-"' for kind in ("Stock", "Bond", "Cash", "Other")),
    ]
    kept = {4: 2, 7: 4}.get(as_of.month, len(lines))
    return [*lines[:kept], _NO_BREAK_SPACE]


def _held(fund: Fund, as_of: date, seed: int, net_asset_value: float | None) -> pl.DataFrame:
    """The fund's companies; if its shares outstanding are planted, in the quantities that they are worth."""
    held = equities(fund, as_of, "ishares", seed)
    shares = truths.SHARES_OUTSTANDING.get((fund.fund, as_of))
    if shares is None or net_asset_value is None:
        return held
    factor = shares * net_asset_value / float(held["market_value"].sum())
    quantity = (pl.col("quantity") * factor).round().clip(lower_bound=1.0)
    return held.with_columns(quantity).with_columns((pl.col("quantity") * pl.col("price")).round(2).alias("market_value"))


def _body(fund: Fund, as_of: date, seed: int, net_asset_value: float | None = None) -> list[str]:
    held = _held(fund, as_of, seed, net_asset_value)
    lines = _equity_rows(held) + _odd_rows(fund, as_of, float(held["market_value"].sum()))
    weights = rounded_weights(np.array([line[4] for line in lines]), 2)
    written = [_line(*row, weight=weight) for row, weight in zip(lines, weights.tolist(), strict=True)]
    if as_of == truths.BROKEN_LINE_SNAPSHOT:
        escrow = next(i for i, row in enumerate(lines) if row[0] == truths.ESCROW_TICKER)
        written[escrow] = _line(*lines[escrow], weight=0.0, market_value=truths.BROKEN_MARKET_VALUE)
    return [_HEADER, *written, _NO_BREAK_SPACE, *_DISCLAIMER]


def _equity_rows(held: pl.DataFrame) -> list[Row]:
    return held.select(
        "ticker",
        pl.col("name").str.to_uppercase(),
        pl.col("sector").replace("Communication Services", "Communication"),
        pl.lit("Equity").alias("asset_class"),
        pl.col("market_value").alias("value"),
        pl.col("market_value").alias("notional"),
        "quantity",
        "price",
        pl.lit("United States").alias("location"),
        "exchange",
    ).rows()


def _odd_rows(fund: Fund, as_of: date, equity: float) -> list[Row]:
    """Money market, cash, margin, unlisted claims and a future, in proportion to the fund's size."""
    money, cash, margin = (round(equity * part, 2) for part in (0.0024, 0.0006, -0.0002))
    return [
        _odd("XTSLA", "CASH FUND FOR AN INVENTED MARKET", _CASH_SECTOR, "Money Market", money, money, 1.0),
        _odd("USD", "USD CASH", _CASH_SECTOR, "Cash", cash, cash, 100.0),
        _odd("ETD_USD", "ETD USD BALANCE", _CASH_SECTOR, "Cash Collateral and Margins", margin, margin, 100.0),
        _odd("-", "FENDATHORPE THERAPEUTICS INC CVR", "Health Care", "Equity", 61250.0, 175000.0, 0.35, exchange=_UNLISTED),
        _odd("-", "ORLOWICK PHARMA CORP WARRANTS", "Health Care", "Equity", 18720.0, 9000.0, 2.08, exchange=_UNLISTED),
        _odd("-", "TALMIGATE MINING CO RIGHTS", "Materials", "Equity", 940.5, 31350.0, 0.03, exchange=_UNLISTED),
        _odd(truths.ESCROW_TICKER, "HOLBRISTOW ENERGY INC ESCROW", "Energy", "Equity", 0.31, 31000.0, 0.0, exchange=_UNQUOTED),
        _odd("CAD", "CAD CASH", _CASH_SECTOR, "Cash", 0.01, 0.0, 72.9, location="Canada"),
        _future(fund, as_of, equity),
    ]


def _odd(
    ticker: str,
    name: str,
    sector: str,
    asset_class: str,
    value: float,
    quantity: float,
    price: float,
    *,
    exchange: str = "-",
    location: str = "United States",
) -> Row:
    return ticker, name, sector, asset_class, value, value, quantity, price, location, exchange


def _future(fund: Fund, as_of: date, equity: float) -> Row:
    """A future with a market value of zero and a notional value of 0.33 % of the fund."""
    month = _FUTURES_MONTHS[as_of.month // 3 * 3]
    small = index_style(fund) in ("russell_2000", "small")
    root, index, level = ("RTY", "RUSSELL 2000", 3600.0) if small else ("ES", "S&P500", 7700.0)
    contracts = round(equity * 0.0035 / (level * _CONTRACT_SIZE))
    name = f"{index} EMINI CME {_MONTH_NAMES[month]} {as_of:%y}"
    notional = contracts * level * _CONTRACT_SIZE
    ticker = f"{root}{month}{as_of.year % 10}"
    return ticker, name, _CASH_SECTOR, "Futures", 0.0, notional, float(contracts), level, "-", "Chicago Mercantile Exchange"


def _line(
    ticker: str,
    name: str,
    sector: str,
    asset_class: str,
    value: float,
    notional: float,
    quantity: float,
    price: float,
    location: str,
    exchange: str,
    *,
    weight: float,
    market_value: str | None = None,
) -> str:
    rate, currency = ("1.37", "CAD") if ticker == "CAD" else ("1.00", "USD")
    return (
        f'"{ticker}","{name}","{sector}","{asset_class}","{market_value or format(value, ",.2f")}","{weight:.2f}",'
        f'"{notional:,.2f}","{quantity:,.2f}","{price:,.2f}","{location}","{exchange}","USD","{rate}","{currency}","-"'
    )

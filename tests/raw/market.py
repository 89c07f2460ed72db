"""A small simulated market without faults: three funds that move together, their holdings, and interest rates.

Tests add faults. Frames have the vendors' own columns, so that any cell can be changed.
"""

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from orchestration.landing.documents import Document, list_documents
from orchestration.raw.decisions import read_decisions
from orchestration.raw.ingest import ingest
from orchestration.raw.ledger import Outcome
from orchestration.sample_market.yahoo_tables import adjustment
from orchestration.universe import Fund
from orchestration.warehouse.connection import Warehouse
from tests.raw.test_ingest import House
from tests.vendors.documents import French, IShares, Prices, session_days

DAY = timedelta(days=1)
CLOCK = datetime(2026, 5, 20, tzinfo=UTC)
SESSIONS = session_days(600)
FIRST_OF_IWM = SESSIONS[20]
_QUARTERLY = {"IWM": 0.003, "SPY": 0.003, "QQQ": 0.0015}
_FIRST_CLOSE = {"IWM": 190.0, "SPY": 480.0, "QQQ": 410.0}
_OWN_NOISE = {"IWM": 0.0045, "SPY": 0.001, "QQQ": 0.004}
_VOLUME = {"IWM": 30e6, "SPY": 75e6, "QQQ": 45e6}
MOST_LINES = 400


def fund(ticker: str, *, prices: str | None, inception: date, most: int | None = None) -> Fund:
    """A fund with a synthetic name and at least 100 lines."""
    return Fund(
        ticker, f"{ticker} Invented ETF", "nobody", "Invented", "subject", inception.isoformat(), "ishares", f"id{ticker}",
        prices, 100, 35, most,
    )  # fmt: skip


UNIVERSE = {
    "IWM": fund("IWM", prices="IWM", inception=FIRST_OF_IWM, most=MOST_LINES),
    "SPY": fund("SPY", prices="SPY", inception=date(1993, 1, 22)),
    "QQQ": fund("QQQ", prices="QQQ", inception=date(1999, 3, 10)),
    "IWV": fund("IWV", prices=None, inception=date(2000, 5, 22)),
}


def answered(after: date) -> datetime:
    """The retrieval time on the evening of a session."""
    return datetime.combine(after, datetime.min.time(), UTC) + timedelta(hours=25)


AT = answered(SESSIONS[-1])


# Prices


@cache
def since_ever(symbol: str) -> pl.DataFrame:
    """A fund's history as received on the last evening, with a few days before its inception.

    Closes are rounded to cents; dividends are quarterly.
    """
    shared = np.random.default_rng(20260505)
    count = len(SESSIONS)
    overnight, daytime = shared.normal(0.0002, 0.005, count), shared.normal(0.0002, 0.009, count)
    own = np.random.default_rng(sum(symbol.encode()))
    noise = _OWN_NOISE[symbol]
    to_open = overnight + own.normal(0, noise / 3, count)
    to_close = to_open + daytime + own.normal(0, noise, count)
    months = np.array([day.month for day in SESSIONS])
    ex_dates = np.concatenate([[False], (months[1:] != months[:-1]) & np.isin(months[1:], (3, 6, 9, 12))])
    close = _FIRST_CLOSE[symbol] * np.exp(np.cumsum(to_close + np.log1p(-_QUARTERLY[symbol] * ex_dates)))
    close = np.round(close, 2)
    previous = np.concatenate([close[:1], close[:-1]])
    opening = np.round(previous * np.exp(to_open), 2)
    dividend = np.where(ex_dates, np.round(previous * _QUARTERLY[symbol], 3), 0.0)
    high = np.round(np.maximum(opening, close) * np.exp(np.abs(own.normal(0, 0.003, count))), 2)
    low = np.round(np.minimum(opening, close) * np.exp(-np.abs(own.normal(0, 0.003, count))), 2)
    frame = pl.DataFrame(
        {
            "Date": SESSIONS, "Open": opening, "High": high, "Low": low, "Close": close, "Adj Close": close,
            "Volume": np.round(_VOLUME[symbol] * np.exp(own.normal(0, 0.25, count)) / 100) * 100,
            "Dividends": dividend, "Stock Splits": np.zeros(count),
        }
    )  # fmt: skip
    return adjusted(frame)


@cache
def bars(symbol: str) -> pl.DataFrame:
    """The fund's history from its inception."""
    return since_ever(symbol).filter(pl.col("Date") >= date.fromisoformat(UNIVERSE[symbol].inception))


def adjusted(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with adjusted closes computed from closes and dividends."""
    close, dividend = frame["Close"].to_numpy(), frame["Dividends"].to_numpy()
    return frame.with_columns(pl.Series("Adj Close", close * adjustment(close, dividend)))


def at(frame: pl.DataFrame, back: int) -> pl.Expr:
    """The index of a row counted from the end; 0 is the newest."""
    return pl.col("Date") == frame["Date"][-1 - back]


def changed(frame: pl.DataFrame, back: int, **factors: float) -> pl.DataFrame:
    """Multiply cells of one row by factors; blanks in column names are written as underscores."""
    return frame.with_columns(
        pl.when(at(frame, back)).then(pl.col(column) * factor).otherwise(column).alias(column)
        for column, factor in ((name.replace("_", " "), factor) for name, factor in factors.items())
    )


BAR = ("Open", "High", "Low", "Close", "Adj_Close")


def scaled(frame: pl.DataFrame, back: int, factor: float) -> pl.DataFrame:
    """Multiply the bar of one row by a factor."""
    return changed(frame, back, **dict.fromkeys(BAR, factor))


# Holdings

SECTORS = (
    "Communication", "Consumer Discretionary", "Consumer Staples", "Energy", "Financials", "Health Care", "Industrials",
    "Information Technology", "Materials", "Real Estate", "Utilities",
)  # fmt: skip
_NAMES = 300


@dataclass(frozen=True)
class Snapshot:
    """A fund's holdings on one day, in lines of ticker, name, sector, price, quantity and value; dollars and shares.

    `shares` is the shares outstanding in the preamble, None for a preamble without them.
    """

    fund: str
    as_of: date
    lines: pl.DataFrame
    shares: float | None

    def encode(self) -> bytes:
        """The iShares CSV."""
        document = IShares()
        outstanding = [] if self.shares is None else [f'Shares Outstanding,"{self.shares:,.2f}"']
        document.preamble = [f"{self.fund} Invented ETF", f'Fund Holdings as of,"{self.as_of:%b %d, %Y}"', *outstanding, "\u00a0"]
        total = float(self.lines["value"].sum())
        document.rows = [
            [
                line["ticker"], line["name"], line["sector"], "Equity",
                f"{line['value']:,.2f}", f"{line['value'] / total * 100:.4f}", f"{line['value']:,.2f}",
                f"{line['quantity']:,.2f}", f"{line['price']:.4f}", "United States", "NYSE", "USD", "1.00", "USD", "-",
            ]
            for line in self.lines.iter_rows(named=True)
        ]  # fmt: skip
        return document.encode()

    def times(self, where: pl.Expr | None = None, **factors: float | pl.Expr) -> "Snapshot":
        """The snapshot with columns multiplied by a factor, on some lines or on all."""
        columns = [
            pl.when(pl.lit(True) if where is None else where).then(pl.col(name) * factor).otherwise(name).alias(name)
            for name, factor in factors.items()
        ]
        return replace(self, lines=self.lines.with_columns(columns))

    def with_lines(self, *columns: pl.Expr | pl.Series) -> "Snapshot":
        """The snapshot with other columns."""
        return replace(self, lines=self.lines.with_columns(*columns))

    def undeclared(self) -> "Snapshot":
        """Without shares outstanding, like the preamble of some months."""
        return replace(self, shares=None)


@cache
def holdings(fund: str = "IWM", sessions_back: int = 0, names: int = _NAMES) -> Snapshot:
    """A snapshot: prices follow the fund with individual noise, quantities grow slowly.

    The larger fund holds the same names, after as many larger ones.
    """
    day = SESSIONS[-1 - sessions_back]
    draws = np.random.default_rng(7)
    sizes = np.sort(draws.lognormal(0, 0.8, names))[::-1]
    price_then = np.round(draws.uniform(10, 200, names), 4)
    closes = bars("IWM").filter(pl.col("Date") <= day)["Close"]
    own = np.random.default_rng([7, len(closes)]).normal(0, 0.01, names)
    price = np.round(price_then * float(closes[-1]) / _FIRST_CLOSE["IWM"] * np.exp(own), 4)
    quantity = np.round(sizes * 1e8 / price_then * (1 + len(closes) / 1e4))
    lines = pl.DataFrame(
        {
            "ticker": [f"N{n:03}" for n in range(names)],
            "name": [f"{_word(n)} NUMBER {n}" for n in range(names)],
            "sector": [SECTORS[n % len(SECTORS)] for n in range(names)],
            "price": price,
            "quantity": quantity,
            "value": np.round(price * quantity, 2),
        }
    )
    if fund == "IWV":
        larger = lines.with_columns(
            ticker=pl.format("L{}", pl.col("ticker")), name=pl.format("LARGE {}", "name"), quantity=pl.col("quantity") * 30,
            value=pl.col("value") * 30,
        )  # fmt: skip
        return Snapshot(fund, day, pl.concat([larger, lines.with_columns(pl.col("quantity", "value") * 0.1)]), None)
    return Snapshot(fund, day, lines, float(lines["value"].sum()) / float(closes[-1]))


def _word(number: int) -> str:
    """Four letters, different for each number."""
    return "".join(chr(ord("A") + number // 26**place % 26) for place in range(4))


# Rates

CALENDAR_DAYS = [SESSIONS[0] + n * DAY for n in range((SESSIONS[-1] - SESSIONS[0]).days + 1)]
CUTS = (CALENDAR_DAYS[200], CALENDAR_DAYS[500], CALENDAR_DAYS[700])


@cache
def rates(series: str) -> pl.DataFrame:
    """date and value, percent per year: a target range of 0.25 points with three cuts, and the effective rate within it."""
    upper = np.array([5.5 - 0.25 * sum(day >= cut for cut in CUTS) for day in CALENDAR_DAYS])
    noise = np.round(np.random.default_rng(3).uniform(-0.02, 0.02, len(CALENDAR_DAYS)), 2)
    values = {"DFEDTARU": upper, "DFEDTARL": upper - 0.25, "DFF": upper - 0.12 + noise}[series]
    return pl.DataFrame({"date": CALENDAR_DAYS, "value": np.round(values, 2)})


def fred(series: str, frame: pl.DataFrame) -> bytes:
    """FRED's CSV; a missing value is a dot."""
    lines = [f"{day},{'.' if value is None else f'{value:g}'}" for day, value in frame.iter_rows()]
    return ("\n".join([f"observation_date,{series}", *lines]) + "\n").encode()


# Factors


@cache
def factors() -> pl.DataFrame:
    """date and the four factors, percent a session: the market is SPY's, small minus large IWM's less SPY's, each with noise."""
    moves = pl.col("Close").pct_change().fill_null(0.0) * 100
    spy, iwm = (since_ever(symbol).select(moves)["Close"] for symbol in ("SPY", "IWM"))
    noise = np.random.default_rng(7).normal(0, 0.15, (3, len(SESSIONS)))
    values = {"market_excess": spy - 0.016 + noise[0], "small_minus_large": 0.8 * (iwm - spy) + noise[1]}
    frame = pl.DataFrame({"date": SESSIONS, **values, "high_minus_low": 3 * noise[2]})
    return frame.with_columns(pl.exclude("date").round(2), risk_free=pl.lit(0.016))


def french(frame: pl.DataFrame) -> bytes:
    """The library's table; a missing value is -99.99."""
    rows = [(f"{day:%Y%m%d}", *[-99.99 if value is None else value for value in values]) for day, *values in frame.iter_rows()]
    return French(rows=rows).encode()


# Landing and warehouse


class Desk(House):
    """A landing folder, a warehouse and a decisions file, with documents of the simulated market and a fixed clock.

    `like` is the folder of a prepared desk to copy.
    """

    def __init__(self, folder: Path, like: Path | None = None) -> None:
        self.decisions = folder / "decisions.jsonl"
        if like is None:
            super().__init__(folder)
            return
        self.landing, self.warehouse = folder / "landing", Warehouse(folder / "warehouse.duckdb")
        shutil.copy(like / "warehouse.duckdb", folder)
        shutil.copytree(like / "landing", self.landing)
        self.connection = duckdb.connect(str(self.warehouse.path), config={"threads": 1})
        self.connection.execute("pragma disable_checkpoint_on_shutdown")  # nobody opens it again

    def prices(self, symbol: str, frame: pl.DataFrame, when: datetime = AT) -> Document:
        """Write a price document."""
        return self.put(f"yahoo/prices/{symbol}", Prices(frame).parquet(), when, "parquet")

    def holdings(self, snapshot: Snapshot, when: datetime | None = None, *, as_of: date | None = None) -> Document:
        """Write a holdings document, by default retrieved on the evening of its date."""
        when = when or answered(snapshot.as_of)
        return self.put(f"ishares/holdings/{snapshot.fund}", snapshot.encode(), when, as_of=as_of)

    def rates(self, series: str, frame: pl.DataFrame, when: datetime = AT) -> Document:
        """Write a rates document."""
        return self.put(f"fred/rates/{series}", fred(series, frame), when)

    def factors(self, frame: pl.DataFrame, when: datetime = AT) -> Document:
        """Put an edition of the factors."""
        return self.put("french/factors/daily", french(frame), when)

    def run(self, universe: dict[str, Fund] = UNIVERSE) -> list[Outcome]:
        """Ingest new documents, prices before holdings, with the recorded decisions."""
        documents = sorted(list_documents([self.landing]), key=lambda one: one.kind == "holdings")
        read = read_decisions(self.decisions)
        kinds = [[d for d in documents if d.kind != "holdings"], [d for d in documents if d.kind == "holdings"]]
        outcomes: list[Outcome] = []
        for group in filter(None, kinds):
            outcomes += ingest(self.connection, group, universe=universe, clock=CLOCK, decisions=read, progress=lambda _: None)
        return outcomes

    def status(self, document: Document) -> str:
        """The document's status in the ledger."""
        (found,) = self.sql(f"select status from raw.documents where path = '{document.key}'")
        return str(found[0])

    def broken(self, document: Document) -> set[str]:
        """The rules that the document or its rows break."""
        found = self.sql(
            "select distinct rejects.rule from raw.rejects as rejects join raw.documents as documents using (document_id)"
            f" where path = '{document.key}' and rejects.rule is not null"
        )
        return {str(rule) for (rule,) in found}

    def in_quarantine(self) -> list[tuple[str, str, str]]:
        """The quarantine: path, rule, reason."""
        return self.sql(
            "select path, rejects.rule, rejects.reason from raw.rejects as rejects join raw.documents as documents"
            " using (document_id) where outcome = 'quarantined' order by all"
        )

    def last_known(self) -> dict[str, set[tuple[object, ...]]]:
        """The last known row per key, as in the models, including rates."""
        state = self.known(datetime(2099, 1, 1))
        newest = "qualify row_number() over (partition by series, date order by observed_at desc, document_id desc) = 1"
        state["rates"] = set(self.sql(f"select series, date, value from raw.rates {newest}"))
        newest = "qualify dense_rank() over (partition by dataset order by observed_at desc, document_id desc) = 1"
        state["factors"] = set(self.sql(f"select * exclude (observed_at, document_id) from raw.factors {newest}"))
        return state

"""Invented documents in the vendors' formats, valid as built; a test changes what it wants to see refused."""

import csv
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import polars as pl
import xlsxwriter

from orchestration.market_calendar import sessions_frame
from orchestration.universe import Fund
from orchestration.vendors.base import Context

AS_OF = date(2026, 5, 5)
RETRIEVED = datetime(2026, 5, 6, 1, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
NBSP = "\u00a0"


def fund(ticker: str, vendor: str, least: int = 10) -> Fund:
    """A fund with an invented name."""
    return Fund(
        ticker, f"{ticker} Invented ETF", "nobody", "Invented", "subject", "2000-01-01", vendor, f"id{ticker}", ticker, least, 35
    )


UNIVERSE = {"IWM": fund("IWM", "ishares"), "SPY": fund("SPY", "ssga"), "QQQ": fund("QQQ", "invesco")}
UNIVERSE |= {"VTWO": fund("VTWO", "vanguard"), "SCHA": fund("SCHA", "schwab")}


@cache
def sessions() -> pl.DataFrame:
    """The calendar of the invented documents' time."""
    return sessions_frame(date(2027, 12, 31), date(2019, 12, 1))


def context(symbol: str, extension: str, **changes: object) -> Context:
    """What a parser knows of an invented document."""
    known: dict[str, object] = {
        "symbol": symbol,
        "extension": extension,
        "retrieved_at": RETRIEVED,
        "declared_as_of": None,
        "fund": UNIVERSE.get(symbol),
        "sessions": sessions(),
    }
    return Context(**{**known, **changes})  # type: ignore[arg-type]


def _money(value: float) -> str:
    return f"{value:,.2f}"


# Names and tickers that trip readers; with their market values in thousands.
_HOLDINGS = [("TRUE", "TRUTH & SONS", 900), ("NA", "NORTH ATLANTIC INVENTIONS", 850), ("NAN", 'NANNY "N" CO', 800)] + [
    (f"T{i:02}", f"INVENTED NAME NUMBER {i}", 700 - 20 * i) for i in range(25)
]


def _weights() -> list[str]:
    total = sum(value for *_, value in _HOLDINGS)
    return [f"{value / total * 100:.2f}" for *_, value in _HOLDINGS]


@dataclass
class IShares:
    """An iShares CSV, piece by piece."""

    preamble: list[str] = field(
        default_factory=lambda: [
            "IWM Invented ETF",
            'Fund Holdings as of,"May 05, 2026"',
            'Inception Date,"Jan 01, 2000"',
            'Shares Outstanding,"117,800.00"',
            'Stock,"-"',
            'Bond,"-"',
            'Cash,"-"',
            'Other,"-"',
            NBSP,
        ]
    )
    header: list[str] = field(
        default_factory=lambda: (
            "Ticker,Name,Sector,Asset Class,Market Value,Weight (%),Notional Value,Quantity,Price,Location,"
            "Exchange,Currency,FX Rate,Market Currency,Accrual Date"
        ).split(",")
    )
    rows: list[list[str]] = field(
        default_factory=lambda: (
            [
                [
                    ticker,
                    name,
                    "Industrials",
                    "Equity",
                    _money(value * 1e3),
                    weight,
                    _money(value * 1e3),
                    _money(value * 10),
                    "100.00",
                    "United States",
                    "NYSE",
                    "USD",
                    "1.00",
                    "USD",
                    "-",
                ]
                for (ticker, name, value), weight in zip(_HOLDINGS, _weights(), strict=True)
            ]
            + [
                [
                    "USD",
                    "USD CASH",
                    "Cash and/or Derivatives",
                    "Cash",
                    "-12.50",
                    "0.00",
                    "-12.50",
                    "-12.50",
                    "100.00",
                    "United States",
                    "-",
                    "USD",
                    "1.00",
                    "USD",
                    "-",
                ],
                [
                    "-",
                    "OLD CO INC CVR",
                    "Health Care",
                    "Equity",
                    "0.00",
                    "0.00",
                    "0.00",
                    "1,000.00",
                    "0.00",
                    "United States",
                    "NO MARKET (E.G. UNLISTED)",
                    "USD",
                    "1.00",
                    "USD",
                    "-",
                ],
                [
                    "RTYZ6",
                    "INVENTED FUTURE DEC 26",
                    "Cash and/or Derivatives",
                    "Futures",
                    "0.00",
                    "0.00",
                    "287,000,000.00",
                    "1,869.00",
                    "2,466.20",
                    "-",
                    "Chicago Mercantile Exchange",
                    "USD",
                    "1.00",
                    "USD",
                    "-",
                ],
            ]
        )
    )
    tail: list[str] = field(default_factory=lambda: [NBSP, '"Nothing here is real, and none of it is advice, whatever it says."'])

    def lines(self) -> list[str]:
        """The document's lines without line ends."""
        table = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in self.rows]
        return [*self.preamble, ",".join(self.header), *table, *self.tail]

    def rescale(self, factor: float) -> None:
        """Every price and value of the equities at another day's level."""
        for row in self.rows:
            if row[3] == "Equity":
                for cell in (4, 6, 8):
                    row[cell] = _money(float(row[cell].replace(",", "")) * factor)

    def encode(self) -> bytes:
        """The document, with its byte-order mark."""
        return ("\ufeff" + "\n".join(self.lines())).encode()


@dataclass
class StateStreet:
    """A State Street workbook, cell by cell."""

    preamble: list[list[object]] = field(
        default_factory=lambda: [
            ["Fund Name:", "SPY Invented ETF"],
            ["Ticker Symbol:", "SPY"],
            ["Holdings:", "As of 05-May-2026"],
            [],
        ]
    )
    header: list[object] = field(
        default_factory=lambda: ("Name,Ticker,Identifier,SEDOL,Weight,Sector,Shares Held,Local Currency").split(",")
    )
    rows: list[list[object]] = field(
        default_factory=lambda: (
            [
                [name, ticker, f"0000000{i:02}", f"S{i:06}", float(weight), "-", 1000.0 + i, "USD"]
                for i, ((ticker, name, _), weight) in enumerate(zip(_HOLDINGS, _weights(), strict=True))
            ]
            + [["US DOLLAR", "-", "CASH_USD", "-", 0.01, "-", 4321.5, "USD"]]
        )
    )
    tail: list[list[object]] = field(default_factory=lambda: [[], [], ["Nothing here is real."], [], ["Nor here."]])

    def encode(self) -> bytes:
        """The workbook."""
        buffer = io.BytesIO()
        with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
            sheet = book.add_worksheet("holdings")
            for number, row in enumerate([*self.preamble, self.header, *self.rows, *self.tail]):
                for place, cell in enumerate(row):
                    sheet.write(number, place, cell)
        return buffer.getvalue()


@dataclass
class InvescoJson:
    """Invesco's JSON, key by key."""

    holdings: list[dict[str, object]] = field(
        default_factory=lambda: [
            {
                "ticker": ticker,
                "issuerName": name.replace("&", "&amp;"),
                "units": 1000 + i,
                "cusip": f"0000000{i:02}",
                "currency": "USD",
                "percentageOfTotalNetAssets": float(weight),
                "marketValueBase": value * 1e3,
                "securityTypeCode": "COM",
            }
            for i, ((ticker, name, value), weight) in enumerate(zip(_HOLDINGS, _weights(), strict=True))
        ]
    )
    fields: dict[str, object] = field(
        default_factory=lambda: {"effectiveDate": "2026-06-30", "effectiveBusinessDate": "2026-05-05", "ticker": "QQQ"}
    )

    def encode(self) -> bytes:
        """The answer; the promised count is the truth unless `fields` says otherwise."""
        return json.dumps({"totalNumberOfHoldings": len(self.holdings), **self.fields, "holdings": self.holdings}).encode()


@dataclass
class InvescoCsv:
    """Invesco's older CSV."""

    header: list[str] = field(
        default_factory=lambda: (
            "Fund Ticker,Security Identifier,Holding Ticker,Shares/Par Value,MarketValue,Weight,Name,Class of Shares,Sector,Date"
        ).split(",")
    )
    rows: list[list[str]] = field(
        default_factory=lambda: [
            [
                "QQQ",
                f"0000000{i:02}",
                ticker + " ",
                f"{1000 + i:,}",
                _money(value * 1e3),
                weight,
                name,
                "Common Stock",
                "Industrials",
                "05/05/2026",
            ]
            for i, ((ticker, name, value), weight) in enumerate(zip(_HOLDINGS, _weights(), strict=True))
        ]
    )

    def encode(self) -> bytes:
        """The document."""
        buffer = io.StringIO()
        csv.writer(buffer).writerows([self.header, *self.rows])
        return buffer.getvalue().encode()


@dataclass
class Vanguard:
    """Vanguard's JSON, key by key: stocks alone, of a fund with a little cash."""

    entity: list[dict[str, object]] = field(
        default_factory=lambda: [
            {
                "type": "portfolioHolding",
                "asOfDate": "2026-04-30T00:00:00-04:00",
                "longName": name.replace("&", "&amp;"),
                "shortName": name[:12],
                "sharesHeld": str(1000 + i),
                "marketValue": value * 1e3,
                "ticker": ticker,
                "isin": f"US0000000{i:02}7",
                "percentWeight": f"{float(weight) * 0.995:.2f}",
                "notionalValue": "0",
                "secMainType": "",
                "cusip": f"0000000{i:02}",
                "sedol": f"S{i:06}",
            }
            for i, ((ticker, name, value), weight) in enumerate(zip(_HOLDINGS, _weights(), strict=True))
        ]
    )
    fields: dict[str, object] = field(default_factory=lambda: {"asOfDate": "2026-04-30T00:00:00-04:00"})

    def encode(self) -> bytes:
        """The answer; the promised size is the truth unless `fields` says otherwise."""
        return json.dumps({"size": len(self.entity), **self.fields, "fund": {"entity": self.entity}}).encode()


@dataclass
class Schwab:
    """Schwab's CSV, as a person downloads it."""

    header: list[str] = field(
        default_factory=lambda: (
            "As-Of-Date,Symbol,Quantity,Percent of Assets,Name,BBG FIGI,Country,Currency,Exchange,Exchange (fx) Rate,"
            "Market Currency,Sector"
        ).split(",")
    )
    rows: list[list[str]] = field(
        default_factory=lambda: (
            [
                [
                    "2026-05-05",
                    ticker,
                    f"{1000 + i}.0000000000",
                    f"{float(weight):.10f}",
                    name,
                    f"BBG00000{i:04}",
                    "US",
                    "USD",
                    "XNYS",
                    "1.0000000000",
                    "USD",
                    "Industrials",
                ]
                for i, ((ticker, name, _), weight) in enumerate(zip(_HOLDINGS, _weights(), strict=True))
            ]
            + [
                ["2026-05-05", "USD", "2832.9200000000", "0.0123721038", "US DOLLAR", "", "US", "USD", "OTC", "1", "USD", ""],
                ["2026-05-05", "", "1.0000000000", "0.0000000000", "EMINI JUN 26", "", "US", "USD", "OTC", "1", "USD", ""],
            ]
        )
    )
    tail: list[str] = field(
        default_factory=lambda: ['"Nothing here is real, and it may change."', '"None of it is advice, whatever it says."']
    )

    def encode(self) -> bytes:
        """The document, with its Windows line ends."""
        buffer = io.StringIO()
        csv.writer(buffer).writerows([self.header, *self.rows])
        return (buffer.getvalue() + "".join(line + "\r\n" for line in self.tail)).encode()


@dataclass
class Fred:
    """A FRED CSV."""

    header: str = "observation_date,DFF"
    rows: list[tuple[str, str]] = field(
        default_factory=lambda: (
            [(f"2026-04-{day:02}", f"3.{day:02}") for day in range(1, 29)] + [("2026-04-29", "."), ("2026-04-30", "")]
        )
    )

    def encode(self) -> bytes:
        """The document."""
        return ("\n".join([self.header, *[f"{day},{value}" for day, value in self.rows]]) + "\n").encode()


def session_days(count: int, last: date = AS_OF) -> list[date]:
    """The last sessions up to a day."""
    return sessions().filter(pl.col("session") <= last)["session"].to_list()[-count:]


@dataclass
class Prices:
    """Yahoo's bars: as CSV, as the Parquet that our fetch writes, and as the JSON Yahoo sends. Columns in Yahoo's names."""

    frame: pl.DataFrame

    @classmethod
    def invented(cls, days: list[date], *, scale: float = 1.0) -> "Prices":
        """A gentle slope with a dividend on the twentieth day; `scale` rescales the adjusted closes as a new dividend does."""
        close = [100 + 0.5 * i for i in range(len(days))]
        before_dividend = 1 - 0.5 / close[18] if len(close) > 19 else 1.0
        return cls(
            pl.DataFrame(
                {
                    "Date": days,
                    "Open": [c - 0.25 for c in close],
                    "High": [c + 1.0 for c in close],
                    "Low": [c - 1.0 for c in close],
                    "Close": close,
                    "Adj Close": [c * 0.9 * scale * (before_dividend if i < 19 else 1.0) for i, c in enumerate(close)],
                    "Volume": [1_000_000.0 + i for i in range(len(days))],
                    "Dividends": [0.5 if i == 19 else 0.0 for i in range(len(days))],
                    "Stock Splits": [0.0] * len(days),
                }
            )
        )

    def csv(self) -> bytes:
        """As `DataFrame.to_csv` writes it."""
        return self.frame.write_csv().encode()

    def parquet(self) -> bytes:
        """As `yahoo.fetch` keeps it."""
        buffer = io.BytesIO()
        self.frame.write_parquet(buffer)
        return buffer.getvalue()

    def chart(self, symbol: str, first: int = 0, end: int = 2**40) -> bytes:
        """As Yahoo answers, with the bars that open from `first` to before `end`, in seconds."""
        opens = [int(datetime.combine(day, time(9, 30), NEW_YORK).timestamp()) for day in self.frame["Date"]]
        wanted = [first <= at < end for at in opens]
        bars = self.frame.filter(pl.Series(wanted, dtype=pl.Boolean))
        at = [moment for moment, keep in zip(opens, wanted, strict=True) if keep]
        events: dict[str, object] = {}
        paid = [(t, d) for t, d in zip(at, bars["Dividends"], strict=True) if d]
        split = [(t, s) for t, s in zip(at, bars["Stock Splits"], strict=True) if s]
        if paid:
            events["dividends"] = {str(t): {"amount": d, "date": t} for t, d in paid}
        if split:
            events["splits"] = {
                str(t): {"date": t, "numerator": s, "denominator": 1.0, "splitRatio": f"{s:g}:1"} for t, s in split
            }
        quote = {name: _nulls(bars[name.capitalize()]) for name in ("open", "high", "low", "close", "volume")}
        result = {
            "meta": {
                "currency": "USD",
                "symbol": symbol,
                "exchangeName": "PCX",
                "instrumentType": "ETF",
                "gmtoffset": -14400,
                "exchangeTimezoneName": "America/New_York",
                "timezone": "EDT",
                "priceHint": 2,
                "dataGranularity": "1d",
                "range": "",
                "validRanges": ["1d", "max"],
                "firstTradeDate": at[0] if at else 0,
                "regularMarketTime": at[-1] if at else 0,
                "currentTradingPeriod": {
                    name: {"timezone": "EDT", "start": 0, "end": 1, "gmtoffset": -14400} for name in ("pre", "regular", "post")
                },
            },
            "timestamp": at,
            "events": events,
            "indicators": {"quote": [quote], "adjclose": [{"adjclose": _nulls(bars["Adj Close"])}]},
        }
        return json.dumps({"chart": {"result": [result], "error": None}}).encode()


def _nulls(values: pl.Series) -> list[float | None]:
    return values.fill_nan(None).to_list()


def recent_days(count: int, last: date) -> list[date]:
    """Weekdays that are sessions, up to a day of the machine's own time."""
    frame = sessions_frame(last, last - timedelta(days=2 * count + 30))
    return frame["session"].to_list()[-count:]

"""Synthetic documents in the vendors' formats, valid by default; tests change what must be rejected."""

import csv
import io
import json
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import polars as pl
import xlsxwriter

from orchestration.market_calendar import sessions_frame
from orchestration.universe import Fund
from orchestration.vendors.feed import Context

AS_OF = date(2026, 5, 5)
RETRIEVED = datetime(2026, 5, 6, 1, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
NBSP = "\u00a0"


def fund(ticker: str, vendor: str, least: int = 10) -> Fund:
    """A fund with a synthetic name."""
    return Fund(
        ticker, f"{ticker} Invented ETF", "nobody", "Invented", "subject", "2000-01-01", vendor, f"id{ticker}", ticker, least, 35
    )


UNIVERSE = {"IWM": fund("IWM", "ishares"), "SPY": fund("SPY", "ssga"), "QQQ": fund("QQQ", "invesco")}
UNIVERSE |= {"VTWO": fund("VTWO", "vanguard"), "SCHA": fund("SCHA", "schwab")}


@cache
def sessions() -> pl.DataFrame:
    """The calendar for the synthetic documents."""
    return sessions_frame(date(2027, 12, 31), date(2019, 12, 1))


def context(symbol: str, extension: str, **changes: object) -> Context:
    """The parser context of a synthetic document."""
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


# Names and tickers that are hard to parse; with market values in thousands.
_HOLDINGS = [("TRUE", "TRUTH & SONS", 900), ("NA", "NORTH ATLANTIC INVENTIONS", 850), ("NAN", 'NANNY "N" CO', 800)] + [
    (f"T{i:02}", f"INVENTED NAME NUMBER {i}", 700 - 20 * i) for i in range(25)
]


def _weights() -> list[str]:
    total = sum(value for *_, value in _HOLDINGS)
    return [f"{value / total * 100:.2f}" for *_, value in _HOLDINGS]


@dataclass
class IShares:
    """An iShares CSV, editable part by part."""

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
        """Scale every price and value of the equities."""
        for row in self.rows:
            if row[3] == "Equity":
                for cell in (4, 6, 8):
                    row[cell] = _money(float(row[cell].replace(",", "")) * factor)

    def encode(self) -> bytes:
        """The document with a byte-order mark."""
        return ("\ufeff" + "\n".join(self.lines())).encode()

    def with_columns(self, columns: dict[str, str | None]) -> "IShares":
        """The same holdings in another layout: new column names, each with its source column or None."""
        places = {name: place for place, name in enumerate(self.header)}
        rows = [["-" if old is None else row[places[old]] for old in columns.values()] for row in self.rows]
        return IShares(list(self.preamble), list(columns), rows, list(self.tail))

    def overlay(self) -> "IShares":
        """The layout of some funds since late 2025: two weights; the market weight of a future is empty."""
        plain = ("Ticker", "Name", "Sector", "Asset Class", "Market Value", "Notional Value", "Quantity", "Price", "Currency")
        names = {name: name for name in plain} | {"Type": "Asset Class", "Market Weight": "Weight (%)"}
        document = self.with_columns({**names, "Notional Weight": "Weight (%)"})
        document.rows[-1][document.header.index("Market Weight")] = "-"
        return document

    def of_2020(self) -> "IShares":
        """The layout of 2019 to 2021: identifiers, neither currency nor location."""
        plain = ("Ticker", "Name", "Asset Class", "Weight (%)", "Price", "Market Value", "Notional Value", "Sector", "Exchange")
        document = self.with_columns(
            {name: name for name in plain} | {"Shares": "Quantity", "SEDOL": None, "ISIN": None, "CUSIP": None}
        )
        for i, row in enumerate(document.rows[: len(_HOLDINGS)]):
            row[-3:] = [f"S{i:06}", f"US0000000{i:02}7", f"0000000{i:02}"]
        return document

    def xml(self, *, bare_ampersands: bool = True) -> bytes:
        """The Excel download of the product page: XML with bare ampersands."""

        def cells(row: list[str]) -> str:
            texts = [cell.replace("&", "&" if bare_ampersands else "&amp;").replace("<", "&lt;") for cell in row]
            return "".join(f'<ss:Cell><ss:Data ss:Type="String">{text}</ss:Data></ss:Cell>\n' for text in texts)

        preamble = [next(csv.reader([line])) for line in self.preamble if line.strip()]
        table = [["05-May-2026"], *preamble, self.header, *self.rows, [], ["Nothing here is real."]]
        sheets = {"Holdings": table, "Historical": [["As Of", "NAV per Share"], ["May 05, 2026", "100.00"]]}
        body = "".join(
            f'<ss:Worksheet ss:Name="{name}">\n<ss:Table>\n'
            + "".join(f"<ss:Row>\n{cells(row)}</ss:Row>\n" for row in rows)
            + "</ss:Table>\n</ss:Worksheet>\n"
            for name, rows in sheets.items()
        )
        namespace = "urn:schemas-microsoft-com:office:spreadsheet"
        return f'\ufeff<?xml version="1.0"?>\n<ss:Workbook xmlns:ss="{namespace}">\n{body}</ss:Workbook>\n'.encode()


@dataclass
class StateStreet:
    """A State Street workbook, editable cell by cell."""

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
            book.set_properties({"created": RETRIEVED})  # always the same bytes
            sheet = book.add_worksheet("holdings")
            for number, row in enumerate([*self.preamble, self.header, *self.rows, *self.tail]):
                for place, cell in enumerate(row):
                    sheet.write(number, place, cell)
        return buffer.getvalue()


@dataclass
class InvescoJson:
    """Invesco's JSON, editable key by key."""

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
        """The answer; the stated count is correct unless `fields` overrides it."""
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
    """Vanguard's JSON, editable key by key: only the stocks of a fund with some cash."""

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
        """The answer; the stated size is correct unless `fields` overrides it."""
        return json.dumps({"size": len(self.entity), **self.fields, "fund": {"entity": self.entity}}).encode()


@dataclass
class VanguardCsv:
    """The CSV of Vanguard's website: lists of stocks, bonds and cash, one after another."""

    title: str = "Invented 500 ETF (VTWO)"
    as_of: str = "04/30/2026"
    header: list[str] = field(
        default_factory=lambda: (
            ",SEDOL,HOLDINGS,TICKER,% OF FUNDS*,SUB-INDUSTRY,COUNTRY,SECURITYDEPOSITORYRECEIPTTYPE,MARKET VALUE*,SHARES"
        ).split(",")
    )
    rows: list[list[str]] = field(
        default_factory=lambda: [
            ["", f"S{i:06}", name, ticker, f"{float(weight) * 0.995:.2f}%", "Invented Machinery", "US", "---",
             f"${value * 1e3:,.2f}", f"{1000 + i:,}"]
            for i, ((ticker, name, value), weight) in enumerate(zip(_HOLDINGS, _weights(), strict=True))
        ]
    )  # fmt: skip

    def encode(self) -> bytes:
        """The document."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerows([["Holdings details"], [], [self.title], [], [], ["Equity", f"as of {self.as_of}"], []])
        writer.writerows([self.header, *self.rows, [], [], ["Fixed income", f"as of {self.as_of}"], []])
        writer.writerows([["", "SEDOL", "HOLDINGS", "TICKER", "% OF FUNDS*", "MARKET VALUE*", "FACEAMOUNT"], [], []])
        writer.writerows([["Short-term reserves", f"as of {self.as_of}"], []])
        writer.writerows([["", "SEDOL", "HOLDINGS", "TICKER", "% OF FUNDS*", "MARKET VALUE*"]])
        writer.writerows([["", "---", "US Dollar", "USD", "<0.01%", "$1,234.00"], [], ["Nothing here is real."]])
        return buffer.getvalue().encode()


@dataclass
class Schwab:
    """Schwab's CSV as downloaded."""

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
        """The document with Windows line ends."""
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


@dataclass
class French:
    """Kenneth French's daily factors, as the CSV inside the archive or as the archive."""

    header: str = ",Mkt-RF,SMB,HML,RF"
    rows: list[tuple[str, float, float, float, float]] = field(
        default_factory=lambda: [
            (f"{day:%Y%m%d}", 0.09 + 0.01 * place, -0.25 - 0.01 * place, -0.27, 0.009)
            for place, day in enumerate(session_days(28))
        ]
    )
    preamble: tuple[str, ...] = (
        "This file was created by using the 202503 CRSP database.",
        "The Tbill return is the simple daily rate that, over the number of trading days",
        "compounds to 1-month TBill rate.",
        "",
    )
    footer: tuple[str, ...] = ("", "Copyright 2025 Eugene F. Fama and Kenneth R. French")

    def encode(self) -> bytes:
        """The table."""
        rows = [f"{day},{m:8.2f},{s:8.2f},{h:8.2f},{r:8.3f}" for day, m, s, h, r in self.rows]
        return "\r\n".join([*self.preamble, self.header, *rows, *self.footer, ""]).encode("latin-1")

    def archive(self, name: str = "F-F_Research_Data_Factors_daily.CSV", **others: bytes) -> bytes:
        """The table, and other files, as an archive."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in {name: self.encode(), **others}.items():
                archive.writestr(zipfile.ZipInfo(member, (2025, 5, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
        return buffer.getvalue()


def session_days(count: int, last: date = AS_OF) -> list[date]:
    """The last sessions up to a date."""
    return sessions().filter(pl.col("session") <= last)["session"].to_list()[-count:]


@dataclass
class Prices:
    """Yahoo's bars as CSV, as the Parquet of our fetch, and as Yahoo's JSON, with Yahoo's column names."""

    frame: pl.DataFrame

    @classmethod
    def invented(cls, days: list[date], *, scale: float = 1.0) -> "Prices":
        """Slowly rising prices with a dividend on day 20; `scale` rescales the adjusted closes, as a new dividend does."""
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
        """The output of `DataFrame.to_csv`."""
        return self.frame.write_csv().encode()

    def parquet(self) -> bytes:
        """The output of our fetch."""
        buffer = io.BytesIO()
        self.frame.write_parquet(buffer)
        return buffer.getvalue()

    def stamped(self, stamp: str = "%Y-%m-%d 04:00:00+00:00") -> bytes:
        """CSV with dates as timestamps."""
        return self.frame.with_columns(pl.col("Date").dt.strftime(stamp)).write_csv().encode()

    def page(self, *, separator: str = "\t", explained: bool = True) -> bytes:
        """A copy of the web page: newest first, dividends between the bars."""
        names = ["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume"]
        explanations = {"Close": "Close price adjusted for splits.", "Adj Close": "Adjusted close price adjusted for both."}
        header = [f"{name}\n{explanations[name]}\n" if explained and name in explanations else name for name in names]
        lines = [separator.join(header)]
        for row in reversed(self.frame.to_dicts()):
            day = f"{row['Date']:%b} {row['Date'].day}, {row['Date'].year}"
            day = f'"{day}"' if separator == "," else day
            if row["Dividends"]:
                lines.append(f"{day}{separator}{row['Dividends']} Dividend")
            if row["Stock Splits"]:
                lines.append(f"{day}{separator}{row['Stock Splits']:g}:1 Stock Splits")
            volume = f"{row['Volume']:,.0f}"
            cells = [day, *[f"{row[name]:.2f}" for name in names[1:-1]], f'"{volume}"' if separator == "," else volume]
            lines.append(separator.join(cells))
        return ("\n".join(lines) + "\n").encode()

    def two_levels(self, symbols: list[str], *, tickers_first: bool = False) -> bytes:
        """The output of `yf.download(...).to_csv()`; the values of the n-th symbol are n times those of the first."""
        names = [name for name in self.frame.columns if name != "Date"]
        pairs = [(name, symbol) for name in names for symbol in symbols]
        prices, tickers = ["Price", *[name for name, _ in pairs]], ["Ticker", *[symbol for _, symbol in pairs]]
        head = [tickers, prices] if tickers_first else [prices, tickers]
        lines = [",".join(cells) for cells in [*head, ["Date", *[""] * len(pairs)]]]
        for row in self.frame.to_dicts():
            lines.append(",".join([str(row["Date"]), *[str(row[name] * (symbols.index(s) + 1)) for name, s in pairs]]))
        return ("\n".join(lines) + "\n").encode()

    def chart(self, symbol: str, first: int = 0, end: int = 2**40) -> bytes:
        """Yahoo's answer with the bars that open from `first` to before `end`, in epoch seconds."""
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
    """Weekdays that are sessions, up to a date by the machine's clock."""
    frame = sessions_frame(last, last - timedelta(days=2 * count + 30))
    return frame["session"].to_list()[-count:]

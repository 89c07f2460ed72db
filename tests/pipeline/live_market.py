"""Local vendors with answers large enough for the real universe, and two live runs against them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from orchestration.market_calendar import closing, last_opening
from orchestration.universe import load_universe
from tests.pipeline import homes
from tests.pipeline.homes import Home, copied
from tests.vendors import documents as invented
from tests.vendors.conftest import NOWHERE
from tests.vendors.server import Answer, Request, VendorServer
from tests.vendors.yahoo_funds import YahooFund
from tests.vendors.yahoo_options import YahooOptions, epoch

VENDORS = ("yahoo", "ishares", "ssga", "invesco", "vanguard", "fred", "french")
LINES = {"239710": 1600, "239714": 2100, "239726": 460, "spy": 460, "QQQ": 95, "VTWO": 1600, "VOO": 460}
PRICED = [fund.fund for fund in load_universe().values() if fund.price_symbol]
DOWN = "ssga"
SECTORS = ("Industrials", "Health Care", "Financials")


@dataclass(frozen=True)
class LiveRuns:
    """The directory after a run with every vendor, and a copy of it after a run without one."""

    all_answer: Home
    one_is_down: Home


def of_symbol(prices: invented.Prices, symbol: str) -> invented.Prices:
    """Bars that vary around the given ones, differently for each symbol."""
    wave = 1 + 0.05 * (pl.int_range(pl.len()) / (10 + 7 * PRICED.index(symbol))).sin()
    return invented.Prices(prices.frame.with_columns(pl.col("Open", "High", "Low", "Close", "Adj Close") * wave))


@dataclass
class LocalVendors:
    """Answers like each vendor, by the path of the request; vendors in `down` answer 500."""

    prices: invented.Prices
    down: set[str] = field(default_factory=set)

    def answer(self, request: Request) -> Answer:
        """The answer of the requested vendor."""
        for mark, vendor in (("finance/chart", "yahoo"), ("quoteSummary", "yahoo_fund"), ("finance/quote", "yahoo_fund"),
                             ("finance/options", "yahoo_options"),
                             ("portfolio-holding", "vanguard"), ("get-fund-document", "ishares"), ("holdings-daily", "ssga"),
                             ("shareclasses", "invesco"), ("fredgraph", "fred"), ("ken.french", "french")):  # fmt: skip
            if mark in request.path:
                return Answer(status=500) if vendor in self.down else getattr(self, f"_{vendor}")(request)
        return Answer(status=404)

    def _yahoo(self, request: Request) -> Answer:
        symbol = request.path.rpartition("/")[2]
        chart = of_symbol(self.prices, symbol).chart(symbol, int(request.query["period1"]), int(request.query["period2"]))
        return Answer(chart, content_type="application/json")

    def _ishares(self, request: Request) -> Answer:
        fund = next(fund for fund in load_universe().values() if fund.product_id == request.query["portfolioId"])
        file = invented.IShares()
        file.preamble = [fund.name, file.preamble[1]]
        example, odd_lines = file.rows[3], file.rows[-3:]
        count = LINES[request.query["portfolioId"]]
        file.rows = [
            [
                f"{fund.fund}{i:04}",
                f"INVENTED COMPANY {i}",
                SECTORS[i % len(SECTORS)],
                "Equity",
                "1,000.00",
                f"{100 / count:.5f}",
                "1,000.00",
                "10.00",
                "100.00",
                *example[9:],
            ]
            for i in range(count)
        ] + odd_lines
        return Answer(file.encode())

    def _ssga(self, _: Request) -> Answer:
        file = invented.StateStreet()
        file.rows = [[f"COMPANY {i}", f"SPY{i:04}", f"000{i:06}", f"S{i:06}", 100 / LINES["spy"], "-", 10.0, "USD"]
                     for i in range(LINES["spy"])]  # fmt: skip
        return Answer(file.encode(), content_type="application/octet-stream")

    def _invesco(self, _: Request) -> Answer:
        file = invented.InvescoJson()
        share = 100 / LINES["QQQ"]
        file.holdings = [
            {**file.holdings[3], "ticker": f"QQQ{i:04}", "cusip": f"111{i:06}", "percentageOfTotalNetAssets": share,
             "marketValueBase": 1e6} for i in range(LINES["QQQ"])
        ]  # fmt: skip
        return Answer(file.encode(), content_type="text/plain")

    def _yahoo_fund(self, request: Request) -> Answer:
        return YahooFund().answer(request)

    def _yahoo_options(self, request: Request) -> Answer:
        """A chain with two expirations; the quote is of the last session that has begun."""
        now = datetime.now(UTC)
        opened = last_opening(now - timedelta(minutes=20))
        closes_at = closing(opened.date())
        assert closes_at is not None
        is_open = now < closes_at
        days = (now.date() + timedelta(days=8), now.date() + timedelta(days=36))
        vendor = YahooOptions(request.path.rpartition("/")[2], expirations=days)
        at = now - timedelta(minutes=1) if is_open else closes_at
        vendor.quote |= {"regularMarketTime": epoch(at), "marketState": "REGULAR" if is_open else "CLOSED"}
        return vendor.answer(request)

    def _vanguard(self, request: Request) -> Answer:
        file = invented.Vanguard()
        fund = request.path.split("/")[3]
        count = LINES[fund]
        file.entity = [
            {**file.entity[3], "ticker": f"{fund}{i:04}", "cusip": f"111{i:06}", "percentWeight": f"{99.5 / count:.5f}",
             "marketValue": 1e6, "isin": f"US111{i:06}7", "sedol": f"S{i:06}"} for i in range(count)
        ]  # fmt: skip
        return Answer(file.encode(), content_type="application/json")

    def _fred(self, request: Request) -> Answer:
        series = request.query["id"]
        if series == "USREC":
            months = [(f"{year}-{month:02}-01", "0") for year in range(2000, 2026) for month in range(1, 13)]
            return Answer(invented.Fred(header=f"observation_date,{series}", rows=months).encode())
        first = date(2008, 1, 1) if series == "DFEDTAR" else date(2026, 1, 1)  # the single target ended in 2008
        below = {"DFEDTARL": 0.25, "DFF": 0.12, "VIXCLS": -15.0}.get(series, 0.0)
        days = [first + timedelta(days=i) for i in range(120)]
        rows = [(str(day), f"{(3.75 if day >= date(2026, 2, 2) else 3.50) - below:.2f}") for day in days]
        return Answer(invented.Fred(header=f"observation_date,{series}", rows=rows).encode())

    def _french(self, _: Request) -> Answer:
        days = self.prices.frame["Date"].to_list()[:200]
        rows = [(f"{day:%Y%m%d}", (-1) ** i * 0.7, (-1) ** (i // 2) * 0.4, 0.1, 0.016) for i, day in enumerate(days)]
        return Answer(invented.French(rows=rows).archive(), content_type="application/zip")


@contextmanager
def listening(vendors: LocalVendors) -> Iterator[dict[str, str]]:
    """The variables that direct a run to these vendors only."""
    server = VendorServer(replies=[vendors.answer])
    server.start()
    variables = {f"SMALLCAP_VENDOR_URLS__{name.upper()}": server.url for name in VENDORS}
    variables |= {
        "SMALLCAP_FETCH_ATTEMPTS": "1",
        "SMALLCAP_FETCH_PAUSE_SECONDS": "0",
        "HTTPS_PROXY": NOWHERE,
        "NO_PROXY": "127.0.0.1",
    }
    try:
        yield variables | {"https_proxy": NOWHERE, "no_proxy": "127.0.0.1"}
    finally:
        server.stop()


def run_live_twice(path: Path, second_path: Path, cwd: Path) -> LiveRuns:
    """The daily job with source live, then again in a copy with one more session and one vendor down."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    days = invented.recent_days(400, yesterday)
    vendors = LocalVendors(invented.Prices.invented(days[:-1]))
    with listening(vendors) as variables:
        first = homes.run(path, "live", cwd=cwd, **variables)
        if first.code:
            return LiveRuns(first, first)
        copy = copied(first, second_path, parts=homes.EVERYTHING)
        vendors.prices = invented.Prices.invented(days)
        vendors.down = {DOWN}
        second = homes.run(copy.path, "live", cwd=cwd, **variables)
    return LiveRuns(first, second)


def run_live_without_yahoo(path: Path, cwd: Path) -> Home:
    """The first run with source live, while Yahoo answers nothing."""
    vendors = LocalVendors(
        invented.Prices.invented(invented.recent_days(5, datetime.now(UTC).date())), down={"yahoo", "yahoo_fund", "yahoo_options"}
    )
    with listening(vendors) as variables:
        return homes.run(path, "live", cwd=cwd, **variables)

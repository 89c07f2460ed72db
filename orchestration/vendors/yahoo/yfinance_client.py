"""yfinance: address, caches, warnings and exceptions. Only the feeds of this package use this module."""

import json
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from orchestration.vendors.feed import FetchFailed
from orchestration.vendors.http import Client, WorthRetrying

if TYPE_CHECKING:
    import pandas

_log = logging.getLogger(__name__)
ADDRESS = "https://query2.finance.yahoo.com"
_TIME_ZONE = "America/New_York"
_SHARE_CLASS = re.compile(r"\.([ABC])$")  # BRK.B is BRK-B at Yahoo
NUMBERS = ("strike", "lastPrice", "bid", "ask", "volume", "openInterest", "impliedVolatility")


def ask(symbol: str, start: date, end: date, client: Client) -> "pandas.DataFrame":
    """Unadjusted daily bars with actions, from `start` to the day before `end`.

    Raises:
        FetchFailed: Yahoo gave an error or no usable answer; `WorthRetrying` if a retry may help.
    """
    ticker = _ticker(symbol, client)
    with _translated_errors():
        return ticker.history(
            start=start.isoformat(),
            end=end.isoformat(),
            auto_adjust=False,
            actions=True,
            repair=False,
            keepna=True,
            timeout=client.limits.timeout_seconds,
        )


def ask_fund_data(symbol: str, client: Client) -> dict[str, Any]:
    """Yahoo's data about a fund: `info` as received, and `funds_data` as plain values.

    Raises:
        FetchFailed: Yahoo gave an error or no usable answer; `WorthRetrying` if a retry may help.
    """
    ticker = _ticker(symbol, client)
    # Prevents one more request, for the price-earnings-growth ratio of stocks.
    ticker._quote._already_fetched_complementary = True
    with _translated_errors():
        info: dict[str, Any] = ticker.info
        data = ticker.funds_data
        operations = data.fund_operations.iloc[:, 0].astype(object)
        return {
            "symbol": symbol,
            "info": info,
            "funds_data": {
                "quote_type": data.quote_type(),
                "fund_overview": data.fund_overview,
                "fund_operations": operations.where(operations.notna(), None).to_dict(),
                "asset_classes": data.asset_classes,
                "top_holdings": data.top_holdings.reset_index().to_dict("records"),
                "sector_weightings": data.sector_weightings,
            },
        }


def ask_screen(exchanges: tuple[str, ...], least_market_cap: float, offset: int, size: int, client: Client) -> dict[str, Any]:
    """One page of Yahoo's stock screener, by symbol: `total`, and `quotes` as received.

    Raises:
        FetchFailed: Yahoo gave an error or no usable answer; `WorthRetrying` if a retry may help.
    """
    import yfinance

    session = _session(client)
    listed = yfinance.EquityQuery("is-in", ["exchange", *exchanges])
    large = yfinance.EquityQuery("gte", ["intradaymarketcap", least_market_cap])
    american = yfinance.EquityQuery("eq", ["region", "us"])
    with _translated_errors():
        page: dict[str, Any] = yfinance.screen(
            yfinance.EquityQuery("and", [american, listed, large]),
            offset=offset, size=size, count=size, sortField="ticker", sortAsc=True, session=session,
        )  # fmt: skip
    return page


class Options:
    """A fund's quote, the expirations of its options, and their contracts; one request each for `first` and `chain`."""

    def __init__(self, symbol: str, client: Client) -> None:
        self._symbol, self._client = symbol, client
        self.quote: dict[str, Any] = {}
        self.expirations: list[str] = []

    def first(self) -> pl.DataFrame:
        """The contracts of the nearest expiration; sets `quote` and `expirations` (YYYY-MM-DD, nearest first).

        Raises:
            FetchFailed: Yahoo gave an error or no usable answer; `WorthRetrying` if a retry may help.
        """
        self._ticker = _ticker(self._symbol, self._client)
        with _translated_errors():
            answer = self._ticker.option_chain()
            # A fund without options has a quote all the same.
            self.quote = dict(self._ticker._underlying)
            self.expirations = sorted(self._ticker._expirations)
        return _contracts(answer)

    def chain(self, expiration: str) -> pl.DataFrame:
        """The contracts of one expiration: none if Yahoo answers with those of another one.

        Raises:
            FetchFailed: Yahoo gave an error or no usable answer; `WorthRetrying` if a retry may help.
        """
        with _translated_errors():
            answer = self._ticker.option_chain(expiration)
        contracts = _contracts(answer)
        return contracts.filter(pl.col("contractSymbol").str.contains(date.fromisoformat(expiration).strftime("%y%m%d")))


def _contracts(answer: Any) -> pl.DataFrame:
    """Calls and puts as one table under Yahoo's names; times in UTC without a zone."""
    frames = [
        pl.DataFrame(
            {
                "contractSymbol": [str(name) for name in frame["contractSymbol"]],
                "lastTradeDate": frame["lastTradeDate"].dt.tz_convert(None).to_numpy(),
                **{name: frame[name].to_numpy(dtype="float64") for name in NUMBERS},
            },
            schema_overrides={"contractSymbol": pl.String},
        ).cast({"lastTradeDate": pl.Datetime("us")})
        for frame in (answer.calls, answer.puts)
        if frame is not None and len(frame)
    ]
    empty = pl.DataFrame(
        schema={"contractSymbol": pl.String, "lastTradeDate": pl.Datetime("us"), **dict.fromkeys(NUMBERS, pl.Float64)}
    )
    return pl.concat([empty, *frames])


def _session(client: Client) -> Any:
    """The session of all requests, with a cookie and a crumb preset where the address issues none."""
    from yfinance.data import YfData

    from orchestration.vendors.yahoo.session import session_for

    _configure(client)
    session = session_for(client.base_url, client.limits.timeout_seconds)
    shared = YfData(session=session)
    if not session.has_cookies:
        shared._cookie, shared._crumb = True, ""
    elif shared._crumb == "":
        shared._cookie, shared._crumb = None, None
    return session


def _ticker(symbol: str, client: Client) -> Any:
    import yfinance

    ticker = yfinance.Ticker(_SHARE_CLASS.sub(r"-\1", symbol), session=_session(client))
    # All symbols trade in New York: otherwise yfinance requests the time zone first, and caches a wrong answer.
    ticker._tz = _TIME_ZONE
    return ticker


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Suppress yfinance's deprecation warnings and convert its exceptions to `FetchFailed`."""
    from yfinance.exceptions import YFException, YFRateLimitError

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="yfinance", category=DeprecationWarning)
        warnings.filterwarnings("ignore", module="yfinance", category=FutureWarning)
        try:
            yield
        except FetchFailed:
            raise
        except YFRateLimitError as error:
            raise WorthRetrying("Yahoo's rate limit is reached (429)") from error
        except YFException as error:
            # "Possibly delisted" also appears during outages, so one answer proves nothing.
            raise FetchFailed(f"Yahoo: {error}") from error
        except json.JSONDecodeError as error:
            raise WorthRetrying("Yahoo's answer is not valid JSON (truncated, or a web page)") from error
        except Exception as error:  # yfinance passes on network and decoding errors of several libraries
            raise WorthRetrying(f"no usable answer from Yahoo: {type(error).__name__}: {str(error)[:200]}") from error


def _configure(client: Client) -> None:
    import yfinance
    from yfinance import data

    yfinance.config.debug.hide_exceptions = False
    yfinance.config.network.retries = 0  # `Client` retries, with rate limit and time budget
    data.YfData.cache_get.cache_clear()  # otherwise a retry would get the cached answer
    _keep_caches_in(client.cache_dir / "yfinance")
    logger = logging.getLogger("yfinance")
    if not any(isinstance(known, _Noise) for known in logger.filters):
        logger.addFilter(_Noise())
        # Without a handler, Python would print warnings to the console.
        logger.addHandler(logging.NullHandler())


def _keep_caches_in(directory: Path) -> None:
    """Put the cookie and time-zone caches, which are locking SQLite files, in our directory instead of the user's."""
    import yfinance
    from yfinance import cache

    if cache._CookieDBManager.get_location() == str(directory):
        return
    directory.mkdir(parents=True, exist_ok=True)
    yfinance.set_tz_cache_location(str(directory))
    # Both keep the file that they opened first.
    cache._TzCacheManager._tz_cache = None
    cache._CookieCacheManager._Cookie_cache = None


class _Noise(logging.Filter):
    """Log missing cookies and crumbs at debug level: prices need neither."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if "continuing without" in text and ("ookie" in text or "rumb" in text):
            _log.debug("yfinance: %s", text)
            return False
        return True

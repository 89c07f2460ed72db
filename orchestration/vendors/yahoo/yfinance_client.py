"""yfinance: its address, caches, warnings and exceptions. Only `prices` and `fund_data` call it."""

import json
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.vendors.feed import FetchFailed
from orchestration.vendors.http import Client, WorthRetrying

if TYPE_CHECKING:
    import pandas

_log = logging.getLogger(__name__)
ADDRESS = "https://query2.finance.yahoo.com"
_TIME_ZONE = "America/New_York"
_SHARE_CLASS = re.compile(r"\.([ABC])$")  # BRK.B is BRK-B at Yahoo


def ask(symbol: str, start: date, end: date, client: Client) -> "pandas.DataFrame":
    """Unadjusted daily bars with actions, from start to the day before end.

    Raises:
        FetchFailed: Yahoo answered with an error or with nothing usable; `WorthRetrying` where another try may help.
    """
    ticker = _ticker(symbol, client)
    with _in_our_words():
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
    """What Yahoo tells of a fund: `info` as it is, and the parts of `funds_data` as plain values.

    Raises:
        FetchFailed: Yahoo answered with an error or with nothing usable; `WorthRetrying` where another try may help.
    """
    ticker = _ticker(symbol, client)
    # It would ask one more address, for a stock's price-earnings-growth ratio.
    ticker._quote._already_fetched_complementary = True
    with _in_our_words():
        info: dict[str, Any] = ticker.info
        told = ticker.funds_data
        operations = told.fund_operations.iloc[:, 0].astype(object)
        return {
            "symbol": symbol,
            "info": info,
            "funds_data": {
                "quote_type": told.quote_type(),
                "fund_overview": told.fund_overview,
                "fund_operations": operations.where(operations.notna(), None).to_dict(),
                "asset_classes": told.asset_classes,
                "top_holdings": told.top_holdings.reset_index().to_dict("records"),
                "sector_weightings": told.sector_weightings,
            },
        }


def _ticker(symbol: str, client: Client) -> Any:
    import yfinance
    from yfinance.data import YfData

    from orchestration.vendors.yahoo.session import session_for

    _configure(client)
    session = session_for(client.base_url, client.limits.timeout_seconds)
    ticker = yfinance.Ticker(_SHARE_CLASS.sub(r"-\1", symbol), session=session)
    shared = YfData()
    if not session.has_cookies:
        shared._cookie, shared._crumb = True, ""
    elif shared._crumb == "":
        shared._cookie, shared._crumb = None, None
    # All our symbols trade in New York: without this yfinance asks for the zone first, and would keep a bad answer to that.
    ticker._tz = _TIME_ZONE
    return ticker


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Its own deprecation warnings silenced, its many exceptions as one of ours."""
    from yfinance.exceptions import YFException, YFRateLimitError

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="yfinance", category=DeprecationWarning)
        warnings.filterwarnings("ignore", module="yfinance", category=FutureWarning)
        try:
            yield
        except FetchFailed:
            raise
        except YFRateLimitError as error:
            raise WorthRetrying("Yahoo limits the rate of requests (429)") from error
        except YFException as error:
            # "Possibly delisted" is also what an outage prints: it is never believed on one answer.
            raise FetchFailed(f"Yahoo: {error}") from error
        except json.JSONDecodeError as error:
            raise WorthRetrying("Yahoo's answer is not whole JSON: a page of its own, an error, or half an answer") from error
        except Exception as error:  # yfinance lets network and decoding errors of several libraries through
            raise WorthRetrying(f"no usable answer from Yahoo: {type(error).__name__}: {str(error)[:200]}") from error


def _configure(client: Client) -> None:
    import yfinance
    from yfinance import data

    yfinance.config.debug.hide_exceptions = False
    yfinance.config.network.retries = 0  # our own retries are paced and bounded
    data.YfData.cache_get.cache_clear()  # it would answer a second try with the first one's bad answer
    _keep_caches_in(client.cache_dir / "yfinance")
    logger = logging.getLogger("yfinance")
    if not any(isinstance(known, _Noise) for known in logger.filters):
        logger.addFilter(_Noise())
        # Without a handler of the application's, Python would print warnings to the console.
        logger.addHandler(logging.NullHandler())


def _keep_caches_in(directory: Path) -> None:
    """The cookie and time-zone caches are SQLite files that lock: they lie in our own directory, never in the user's."""
    import yfinance
    from yfinance import cache

    if cache._CookieDBManager.get_location() == str(directory):
        return
    directory.mkdir(parents=True, exist_ok=True)
    yfinance.set_tz_cache_location(str(directory))
    # Both hold on to the file they opened first.
    cache._TzCacheManager._tz_cache = None
    cache._CookieCacheManager._Cookie_cache = None


class _Noise(logging.Filter):
    """Prices need neither cookie nor crumb: that yfinance got none is worth a debug line of ours, not a warning."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if "continuing without" in text and ("ookie" in text or "rumb" in text):
            _log.debug("yfinance: %s", text)
            return False
        return True

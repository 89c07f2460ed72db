"""The HTTP session that yfinance uses: our address, limits and errors."""

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from curl_cffi import requests

from orchestration.vendors.feed import FetchFailed
from orchestration.vendors.http import WorthRetrying, bounded, check_status, retry_after

if TYPE_CHECKING:
    from curl_cffi.requests import Response

_YAHOO = "yahoo.com"
_DATA_HOSTS = ("query1.finance.yahoo.com", "query2.finance.yahoo.com")
_OTHER_COOKIE = (401, 403)
_CRUMB = "/v1/test/getcrumb"
_LONGEST_EXPLANATION = 300


class YahooSession(requests.Session):  # type: ignore[type-arg]
    """All requests of yfinance go through `request`."""

    def __init__(self, base_url: str, timeout: float) -> None:
        super().__init__(impersonate="chrome")
        self._base, self._limit = urlsplit(base_url), timeout

    def request(self, method: Any, url: str, **kwargs: Any) -> "Response":  # type: ignore[override]
        """Send a request to the configured address, with limits on time and size.

        Raises:
            FetchFailed: Yahoo refused, or the answer is too large; `WorthRetrying` if a retry may help.
        """
        kwargs["timeout"] = min(kwargs.get("timeout") or self._limit, self._limit)
        if not (kwargs.get("params") or {}).get("crumb", True):
            kwargs["params"] = {name: value for name, value in kwargs["params"].items() if name != "crumb"}
        asked = urlsplit(url)
        send = super().request
        response = bounded(lambda collect: send(method, self._address(url), **kwargs, content_callback=collect))
        if asked.path == _CRUMB:
            _check_crumb(response)
        elif asked.hostname in _DATA_HOSTS and not (response.status_code in _OTHER_COOKIE and self.has_cookies):
            _check_data(response)
        return response  # yfinance reads the cookie of a missing page, and tries another if one is refused

    @property
    def has_cookies(self) -> bool:
        """Whether the address issues cookies and crumbs: only Yahoo itself does."""
        return _is_yahoo(self._base.hostname or "")

    def _address(self, url: str) -> str:
        """The URL with the configured address for data, and for cookies and consent if the address is not Yahoo's."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host in _DATA_HOSTS or (_is_yahoo(host) and not self.has_cookies):
            parts = parts._replace(scheme=self._base.scheme, netloc=self._base.netloc, path=self._base.path + parts.path)
        return urlunsplit(parts)


def _is_yahoo(host: str) -> bool:
    return host == _YAHOO or host.endswith(f".{_YAHOO}")


@lru_cache(maxsize=8)
def session_for(base_url: str, timeout: float) -> YahooSession:
    """One session per address, so that connections and cookies are reused."""
    return YahooSession(base_url, timeout)


def _check_crumb(response: "Response") -> None:
    """Raise if the crumb was refused: yfinance would otherwise send the error text as the crumb of later requests."""
    from yfinance.exceptions import YFRateLimitError

    if response.status_code == 429:
        raise YFRateLimitError
    if response.status_code != 200:
        raise requests.exceptions.ConnectionError(f"no crumb: {response.status_code}")


def _check_data(response: "Response") -> None:
    """Raise on an error status: yfinance would read the body of any status and retry with another cookie."""
    if response.status_code == 429:
        raise WorthRetrying("Yahoo's rate limit is reached (429)", retry_after(response.headers.get("Retry-After")))
    if explanation := _explanation(response.content) if response.status_code in (400, 404, 422) else None:
        # "Possibly delisted" also appears during outages, so one answer proves nothing.
        raise FetchFailed(f"Yahoo answered {response.status_code}: {explanation}")
    check_status(response, "Yahoo")


def _explanation(body: bytes) -> str | None:
    """The error description in Yahoo's JSON, or None."""
    try:
        (answer,) = json.loads(body).values()
        return str(answer["error"]["description"])[:_LONGEST_EXPLANATION]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None

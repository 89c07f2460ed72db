"""The one seam that yfinance offers for its requests: a session of our own, with our address, our limits and our failures."""

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
    """Every request of yfinance goes through `request`."""

    def __init__(self, base_url: str, timeout: float) -> None:
        super().__init__(impersonate="chrome")
        self._base, self._limit = urlsplit(base_url), timeout

    def request(self, method: Any, url: str, **kwargs: Any) -> "Response":  # type: ignore[override]
        """Send it to our address, within our time and size.

        Raises:
            FetchFailed: Yahoo refused, or answered without end; `WorthRetrying` where another try may help.
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
        return response  # yfinance reads the cookie of a page that does not exist, and tries another where one is refused

    @property
    def has_cookies(self) -> bool:
        """Whether the address hands out cookies and crumbs: only Yahoo itself does."""
        return _is_yahoo(self._base.hostname or "")

    def _address(self, url: str) -> str:
        """Data always come from our address; cookies and consent, too, where it is not one of Yahoo's."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host in _DATA_HOSTS or (_is_yahoo(host) and not self.has_cookies):
            parts = parts._replace(scheme=self._base.scheme, netloc=self._base.netloc, path=self._base.path + parts.path)
        return urlunsplit(parts)


def _is_yahoo(host: str) -> bool:
    return host == _YAHOO or host.endswith(f".{_YAHOO}")


@lru_cache(maxsize=8)
def session_for(base_url: str, timeout: float) -> YahooSession:
    """One session an address, so that its connections and cookies are kept."""
    return YahooSession(base_url, timeout)


def _check_crumb(response: "Response") -> None:
    """yfinance would send the text of a refusal as the crumb of every later request: what it cannot get, it does without."""
    from yfinance.exceptions import YFRateLimitError

    if response.status_code == 429:
        raise YFRateLimitError
    if response.status_code != 200:
        raise requests.exceptions.ConnectionError(f"no crumb: {response.status_code}")


def _check_data(response: "Response") -> None:
    """yfinance would read the body of any status, and ask again with another cookie."""
    if response.status_code == 429:
        raise WorthRetrying("Yahoo limits the rate of requests (429)", retry_after(response.headers.get("Retry-After")))
    if explanation := _explanation(response.content) if response.status_code in (400, 404, 422) else None:
        # "Possibly delisted" is also what an outage prints: it is never believed on one answer.
        raise FetchFailed(f"Yahoo answered {response.status_code}: {explanation}")
    check_status(response, "Yahoo")


def _explanation(body: bytes) -> str | None:
    """Why Yahoo refuses, from the error in its JSON."""
    try:
        (part,) = json.loads(body).values()
        return str(part["error"]["description"])[:_LONGEST_EXPLANATION]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None

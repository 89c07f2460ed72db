"""HTTP requests to a vendor: rate-limited, bounded in time and size, retried with increasing pauses."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import tenacity

from orchestration.settings import FetchLimits
from orchestration.vendors.feed import FetchFailed

if TYPE_CHECKING:
    from curl_cffi.requests import Response

LARGEST_ANSWER_BYTES = 50_000_000
_RETRY_STATUS = {408, 425, 429, 500, 502, 503, 504}

# When a request was last sent to a vendor's address: its feeds have a client each, and one pace.
_last_sent: dict[str, float] = {}

T = TypeVar("T")


class WorthRetrying(FetchFailed):
    """A failure that may be temporary: a time-out, a rate limit, a server error.

    `after` is the pause in seconds that the vendor requested, or None.
    """

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message if after is None else f"{message} and requested a pause of {after:.0f} seconds")
        self.after = after


class Client:
    """Requests to one vendor: rate-limited, bounded in time and size, retried."""

    def __init__(self, base_url: str, limits: FetchLimits, cache_dir: Path) -> None:
        """The rate limit counts the requests of every client of this process to the same address.

        Args:
            base_url: the vendor's address, without a trailing slash.
            cache_dir: directory for the cookies of a vendor's library.
        """
        self.base_url, self.limits, self.cache_dir = base_url, limits, cache_dir

    def get(self, path: str, *, headers: dict[str, str] | None = None) -> bytes:
        """The body of a 200 answer.

        Args:
            path: appended to the base address.

        Raises:
            FetchFailed: no answer within the limits, another status, an empty body, or one that is too large.
        """
        return self.ask(lambda: _body(_request(self.base_url + path, self.limits.timeout_seconds, headers or {})))

    def ask(self, call: Callable[[], T]) -> T:
        """Make a rate-limited request; on `WorthRetrying`, retry within the limits, with exponential pauses and jitter.

        The first of these pauses can be longer than the pace: a vendor that refuses would not notice a fraction of a second.

        A pause that the vendor requests is respected; if it would exceed the time budget, there is no retry.

        Raises:
            FetchFailed: the last failure.
        """
        pause, backoff = self.limits.pause_seconds, self.limits.backoff_seconds
        first = pause if backoff is None else backoff
        increasing = tenacity.wait_exponential(multiplier=first, max=30) + tenacity.wait_random(0, pause)

        def wait(state: tenacity.RetryCallState) -> float:
            failure = state.outcome.exception() if state.outcome else None
            requested = failure.after if isinstance(failure, WorthRetrying) else None
            return max(increasing(state), requested or 0.0)

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(WorthRetrying),
            wait=wait,
            stop=tenacity.stop_after_attempt(self.limits.attempts) | tenacity.stop_before_delay(self.limits.budget_seconds),
            reraise=True,
        )
        return retrying(lambda: self._rate_limited(call))

    def _rate_limited(self, call: Callable[[], T]) -> T:
        """Wait until the last request to the vendor is as long ago as the pause."""
        pause = _last_sent.get(self.base_url, -inf) + self.limits.pause_seconds - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        _last_sent[self.base_url] = time.monotonic()
        return call()


def bounded(send: "Callable[[Callable[[bytes], int]], Response]") -> "Response":
    """An answer with a limit on its body size, measured after decompression.

    Args:
        send: makes the request with the function given as its `content_callback`.

    Raises:
        FetchFailed: the body exceeds the limit.
    """
    from curl_cffi.curl import CURL_WRITEFUNC_ERROR
    from curl_cffi.requests.exceptions import RequestException

    chunks: list[bytes] = []
    size = 0

    def collect(chunk: bytes) -> int:
        nonlocal size
        size += len(chunk)
        if size > LARGEST_ANSWER_BYTES:
            return CURL_WRITEFUNC_ERROR
        chunks.append(chunk)
        return len(chunk)

    try:
        response = send(collect)
    except RequestException as error:
        if size > LARGEST_ANSWER_BYTES:
            raise FetchFailed(f"the answer is larger than {LARGEST_ANSWER_BYTES:,} bytes") from error
        raise
    response.content = b"".join(chunks)
    return response


def check_status(response: "Response", vendor: str = "the vendor") -> None:
    """Raise an error for any status other than 200.

    Raises:
        FetchFailed: `WorthRetrying` if a retry may help.
    """
    if response.status_code in _RETRY_STATUS:
        raise WorthRetrying(f"{vendor} answered {response.status_code}", retry_after(response.headers.get("Retry-After")))
    if response.status_code != 200:
        raise FetchFailed(f"{vendor} answered {response.status_code}")


def retry_after(text: str | None) -> float | None:
    """The pause in seconds of a Retry-After header, from a number or a date; None if it is missing or unreadable."""
    if not text:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (zoned - datetime.now(UTC)).total_seconds())


def _request(url: str, timeout: float, headers: dict[str, str]) -> "Response":
    # curl_cffi imitates a browser's TLS handshake, which the issuers' sites require; yfinance depends on it anyway.
    from curl_cffi import requests

    def send(collect: Callable[[bytes], int]) -> "Response":
        return requests.get(url, headers=headers, timeout=timeout, impersonate="chrome", content_callback=collect)

    try:
        return bounded(send)
    except requests.exceptions.RequestException as error:
        raise WorthRetrying(f"no answer: {error}") from error


def _body(response: "Response") -> bytes:
    check_status(response)
    if not response.content:
        raise WorthRetrying("the vendor's answer is empty")
    return response.content

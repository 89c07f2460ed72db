"""One polite HTTP GET: paced, bounded in time and size, retried with growing pauses, and honest about failure."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

import tenacity

from orchestration.settings import Settings
from orchestration.vendors.base import FetchFailed

if TYPE_CHECKING:
    from curl_cffi.requests import Response

LARGEST_ANSWER_BYTES = 50_000_000
_RETRY_STATUS = {408, 425, 429, 500, 502, 503, 504}

T = TypeVar("T")


class WorthRetrying(FetchFailed):
    """A failure that another try may cure: a time-out, a rate limit, a server's bad moment.

    `after` is the pause in seconds that the vendor asked for, None where it asked for none.
    """

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message if after is None else f"{message}, and asks to wait {after:.0f} seconds")
        self.after = after


@dataclass
class Pace:
    """The least pause between two requests to one vendor."""

    seconds: float
    _next: float = 0.0

    def wait(self) -> None:
        """Sleep until the next request is due."""
        pause = self._next - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        self._next = time.monotonic() + self.seconds


def with_retries(call: Callable[[], T], settings: Settings) -> T:
    """Call again on `WorthRetrying`, with exponential pauses and jitter, within the attempts and the time of the settings.

    A pause that the vendor asks for is kept; where it would end after the time of the settings, there is no other try.

    Raises:
        FetchFailed: the last failure.
    """
    pause = settings.fetch_pause_seconds
    growing = tenacity.wait_exponential(multiplier=pause, max=30) + tenacity.wait_random(0, pause)

    def wait(state: tenacity.RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        asked = failure.after if isinstance(failure, WorthRetrying) else None
        return max(growing(state), asked or 0.0)

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(WorthRetrying),
        wait=wait,
        stop=tenacity.stop_after_attempt(settings.fetch_attempts) | tenacity.stop_before_delay(settings.fetch_budget_seconds),
        reraise=True,
    )
    return retrying(call)


def get(url: str, settings: Settings, *, pace: Pace, headers: dict[str, str] | None = None) -> bytes:
    """The body of a 200 answer.

    Args:
        url: the whole address.
        pace: shared by all requests to one vendor.

    Raises:
        FetchFailed: no answer within the limits, another status, an empty or an oversized body.
    """

    def attempt() -> bytes:
        pace.wait()
        return _body(_request(url, settings, headers or {}))

    return with_retries(attempt, settings)


def bounded(send: "Callable[[Callable[[bytes], int]], Response]") -> "Response":
    """An answer whose body is cut off, and refused, beyond the largest size; compressed bodies count unpacked.

    Args:
        send: makes the request with the function given as its `content_callback`.

    Raises:
        FetchFailed: the body is larger.
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
    """Raise what another status than 200 means.

    Raises:
        FetchFailed: `WorthRetrying` where another try may help.
    """
    if response.status_code in _RETRY_STATUS:
        raise WorthRetrying(f"{vendor} answered {response.status_code}", retry_after(response.headers.get("Retry-After")))
    if response.status_code != 200:
        raise FetchFailed(f"{vendor} answered {response.status_code}")


def retry_after(text: str | None) -> float | None:
    """The seconds that a Retry-After header asks to wait, from a number or a date; None where it asks nothing we understand."""
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


def _request(url: str, settings: Settings, headers: dict[str, str]) -> "Response":
    # curl_cffi shows a browser's handshake, which the issuers' sites ask for; yfinance brings it along anyway.
    from curl_cffi import requests

    def send(collect: Callable[[bytes], int]) -> "Response":
        return requests.get(
            url, headers=headers, timeout=settings.fetch_timeout_seconds, impersonate="chrome", content_callback=collect
        )

    try:
        return bounded(send)
    except requests.exceptions.RequestException as error:
        raise WorthRetrying(f"no answer: {error}") from error


def _body(response: "Response") -> bytes:
    check_status(response)
    if not response.content:
        raise WorthRetrying("the vendor answered with nothing")
    return response.content

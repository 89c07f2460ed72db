"""One polite HTTP GET: paced, bounded in time and size, retried with growing pauses, and honest about failure."""

import time
from collections.abc import Callable
from dataclasses import dataclass
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
    """A failure that another try may cure: a time-out, a rate limit, a server's bad moment."""


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

    Raises:
        FetchFailed: the last failure.
    """
    pause = settings.fetch_pause_seconds
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(WorthRetrying),
        wait=tenacity.wait_exponential(multiplier=pause, max=30) + tenacity.wait_random(0, pause),
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


def _request(url: str, settings: Settings, headers: dict[str, str]) -> "Response":
    # curl_cffi shows a browser's handshake, which the issuers' sites ask for; yfinance brings it along anyway.
    from curl_cffi import requests
    from curl_cffi.curl import CURL_WRITEFUNC_ERROR

    chunks: list[bytes] = []
    size = 0

    def collect(chunk: bytes) -> int:
        nonlocal size
        size += len(chunk)
        chunks.append(chunk)
        return CURL_WRITEFUNC_ERROR if size > LARGEST_ANSWER_BYTES else len(chunk)

    try:
        response = requests.get(
            url, headers=headers, timeout=settings.fetch_timeout_seconds, impersonate="chrome", content_callback=collect
        )
    except requests.exceptions.RequestException as error:
        if size > LARGEST_ANSWER_BYTES:
            raise FetchFailed(f"the answer is larger than {LARGEST_ANSWER_BYTES:,} bytes") from error
        raise WorthRetrying(f"no answer: {error}") from error
    response.content = b"".join(chunks)
    return response


def _body(response: "Response") -> bytes:
    if response.status_code in _RETRY_STATUS:
        raise WorthRetrying(f"the vendor answered {response.status_code}")
    if response.status_code != 200:
        raise FetchFailed(f"the vendor answered {response.status_code}")
    if not response.content:
        raise WorthRetrying("the vendor answered with nothing")
    return response.content

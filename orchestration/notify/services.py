"""Notification services, through Apprise. Their addresses contain passwords and tokens: no log and no message shows them."""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

ATTEMPTS = 3
_NETWORK_LOGGERS = ("apprise", "urllib3", "requests")


class NotDelivered(RuntimeError):
    """A service did not confirm a message; the message says why, without its address."""


class UnknownService(ValueError):
    """SMALLCAP_NOTIFY_URLS contains an address that Apprise does not know; the message gives its position."""


class Service:
    """One service. `name` is its kind, with a number if there are several of one kind: `json`, `json 2`."""

    def __init__(self, name: str, plugin: Any, secrets: list[str]) -> None:
        self.name = name
        self._plugin, self._secrets = plugin, secrets

    def send(self, title: str, body: str, *, is_warning: bool, pause_seconds: float = 1.0) -> None:
        """Send one message, with retries.

        Raises:
            NotDelivered: no attempt was confirmed.
        """
        attempts = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(multiplier=pause_seconds, max=8 * pause_seconds),
            retry=retry_if_exception_type(NotDelivered),
            reraise=True,
        )
        attempts(self._send, title, body, is_warning)

    def _send(self, title: str, body: str, is_warning: bool) -> None:
        import apprise

        sender = apprise.Apprise()
        sender.add(self._plugin)
        kind = apprise.NotifyType.WARNING if is_warning else apprise.NotifyType.INFO
        with _captured_log() as log:
            is_confirmed = sender.notify(body=body, title=title, notify_type=kind, body_format=apprise.NotifyFormat.TEXT)
        if not is_confirmed:
            reason = " ".join(log) or "the service did not confirm the message"
            raise NotDelivered(f"{self.name}: {self._without_secrets(reason)}")

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "the service" if secret == getattr(self._plugin, "host", None) else "…")
        return " ".join(text.split())[:300]


def services_of(addresses: str) -> list[Service]:
    """The services at these addresses, separated by spaces or commas in the notation of Apprise.

    Raises:
        UnknownService: Apprise does not know an address.
    """
    if not addresses.strip():
        return []
    import apprise
    from apprise.utils.parse import parse_urls

    services, counts = [], Counter[str]()
    with _captured_log():
        for position, address in enumerate(parse_urls(addresses), start=1):
            plugin = apprise.Apprise.instantiate(address)
            if plugin is None:
                raise UnknownService(
                    f"Apprise does not know address {position} in SMALLCAP_NOTIFY_URLS: its manual lists services and addresses."
                )
            kind = address.partition(":")[0].lower()
            counts[kind] += 1
            name = kind if counts[kind] == 1 else f"{kind} {counts[kind]}"
            services.append(Service(name, plugin, _secrets_in(address)))
    if not services:
        raise UnknownService("SMALLCAP_NOTIFY_URLS contains no address: use for example json://host or mailto://….")
    return services


def _secrets_in(address: str) -> list[str]:
    """Every part of an address that may identify an account, the longest first."""
    _, _, rest = address.partition("://")
    parts = {rest, *(part for part in re.split(r"[/:@?&=,]+", rest) if len(part) > 3)}
    return sorted(parts - {""}, key=len, reverse=True)


@contextmanager
def _captured_log() -> Iterator[list[str]]:
    """Collect the warnings of Apprise; nothing that it or its network libraries log reaches another handler."""
    warnings: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            warnings.append(record.getMessage())

    loggers = [logging.getLogger(name) for name in _NETWORK_LOGGERS]
    before = [(logger, logger.level, logger.propagate, logger.handlers) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [], False
        logger.setLevel(logging.WARNING)
    loggers[0].handlers = [Collect()]
    try:
        yield warnings
    finally:
        for logger, level, propagate, handlers in before:
            logger.setLevel(level)
            logger.propagate, logger.handlers = propagate, handlers

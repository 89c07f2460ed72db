"""Send the news of the latest release to the services: each piece of news once, again only if no confirmation came."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from orchestration.notify.ledger import Due, Ledger
from orchestration.notify.news import News, ReleaseFiles, news_of, summary_of
from orchestration.notify.services import NotDelivered, Service, services_of

# The longest message: a service may refuse more.
MOST_PARAGRAPHS = 20
_LOCK_SECONDS = 120


@dataclass(frozen=True)
class Sent:
    """The outcome: news confirmed by service, and the reason by service that did not confirm."""

    confirmed: dict[str, int]
    failures: list[str]


def send_news(release: Path, *, addresses: str, ledger: Path, daily: bool = False, pause_seconds: float = 1.0) -> Sent:
    """Send the news of the release, and what was not confirmed before. Without services nothing is sent or recorded.

    A service that does not answer is an outcome, not an exception: its news are sent next time.

    Args:
        release: the directory of the release.
        addresses: the services, see `services_of`.
        ledger: the file of what was sent.
        daily: also a summary of the session's reading.
        pause_seconds: pause after the first failed attempt; it doubles.

    Raises:
        UnknownService: an address is none that Apprise knows.
        NotifiedDamaged: the ledger is damaged.
    """
    services = services_of(addresses)
    if not services:
        return Sent({}, [])
    with _locked(ledger):
        record = Ledger(ledger)
        files, names = ReleaseFiles(release), [service.name for service in services]
        record.add(_found(files, record, daily), release_id=files.release_id, title=files.title, services=names, at=_now())
        confirmed, failures = {}, []
        for service in services:
            due = record.pending([service.name])
            if not due:
                continue
            try:
                send(service, due, pause_seconds=pause_seconds)
            except NotDelivered as failure:
                failures.append(str(failure))
            else:
                record.confirm(due, at=_now())
                confirmed[service.name] = len(due)
        return Sent(confirmed, failures)


def unsent(release: Path, *, ledger: Path, daily: bool = False) -> tuple[str, list[News]]:
    """The title of the message, and the news of the release that the ledger has not recorded; nothing is sent or recorded."""
    record, files = Ledger(ledger), ReleaseFiles(release)
    found = record.new(_found(files, record, daily))
    return _title(files.title, len(found)), found


def send_test(addresses: str) -> Sent:
    """Send one test message to every service; nothing is recorded.

    Raises:
        UnknownService: see `send_news`.
    """
    confirmed, failures = {}, []
    for service in services_of(addresses):
        try:
            service.send("Small-Cap Signal: test", "This service receives the notifications.", is_warning=False)
        except NotDelivered as failure:
            failures.append(str(failure))
        else:
            confirmed[service.name] = 1
    return Sent(confirmed, failures)


def send(service: Service, due: Sequence[Due], *, pause_seconds: float = 1.0) -> None:
    """Send several pieces of news as one message.

    Raises:
        NotDelivered: the service did not confirm it.
    """
    title = _title(due[-1].title, len(due))
    # What could not be sent earlier belongs to an earlier session, which its title names.
    texts = [one.news.text if one.title == due[-1].title else f"{one.title}: {one.news.text}" for one in due]
    more = len(texts) - MOST_PARAGRAPHS
    if more > 0:
        texts = [*texts[:MOST_PARAGRAPHS], f"And {more} more: `smallcap today`."]
    service.send(title, "\n\n".join(texts), is_warning=any(one.news.is_warning for one in due), pause_seconds=pause_seconds)


def _title(title: str, count: int) -> str:
    return title if count == 1 else f"{title}: {count} messages"


def _found(files: ReleaseFiles, record: Ledger, daily: bool) -> list[News]:
    """The news of the release since the last one whose news were sent."""
    seen = files.directory.parent / record.last_seen if record.last_seen else None
    news = news_of(files, seen if seen and (seen / "manifest.json").exists() else None)
    summary = summary_of(files) if daily else None
    return [*news, *([summary] if summary else [])]


@contextmanager
def _locked(ledger: Path) -> Iterator[None]:
    """Only one process sends at a time."""
    ledger.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(ledger.with_name(".notify.lock"), timeout=_LOCK_SECONDS):
        yield


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

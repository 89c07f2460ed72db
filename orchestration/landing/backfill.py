"""Holdings of past months, from feeds that answer for a past date: iShares has month-ends since 2006.

A month with a document in landing is not asked for again, nor one for which the issuer has answered that it has nothing.
"""

from datetime import date, timedelta

from orchestration import market_calendar
from orchestration.landing.collect import Collected, Landing
from orchestration.landing.documents import list_documents, write_document
from orchestration.universe import Fund
from orchestration.vendors.feed import DocumentRejected, Feed, FetchFailed, Request, Universe
from orchestration.vendors.http import Client

FIRST_MONTH = date(2006, 1, 1)
# Answers without data are kept beside the holdings, under a kind that no parser reads.
NO_HOLDINGS = "no_holdings"
# The issuer may be late with a month: "no data" within so many days of its end is asked for again.
_FINAL_AFTER_DAYS = 15


def backfill_month(feed: Feed, landing: Landing, month: date, universe: Universe, client: Client) -> list[Collected]:
    """Bring one month's last session into landing for each fund of the feed. A failed fetch is an outcome, not an exception.

    Args:
        month: any day of it.

    Returns:
        One outcome per fund: new, present, failed, or no data (also before the fund's inception).
    """
    day = last_session(month)
    return [_backfill(feed, landing, fund, day, client) for fund in feed.symbols(universe).values() if fund is not None]


def last_session(month: date) -> date:
    """The last session of the month."""
    first = month.replace(day=1)
    end = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    sessions: list[date] = market_calendar.sessions_frame(end, first_day=first)["session"].to_list()
    return max(sessions)


def _backfill(feed: Feed, landing: Landing, fund: Fund, day: date, client: Client) -> Collected:
    if feed.fetch is None or feed.stated_date is None:
        raise ValueError(f"{feed.name} does not answer for past dates")
    if day < date.fromisoformat(fund.inception):
        return Collected(fund.fund, "no data", f"the fund began on {fund.inception}")
    if known := _known(feed, landing, fund, day):
        return known
    try:
        fetched = feed.fetch(Request(symbol=fund.fund, fund=fund, today=landing.clock.date(), as_of=day), client)
        stated = feed.stated_date(fetched.content)
    except (FetchFailed, DocumentRejected) as failure:
        return Collected(fund.fund, "failed", str(failure))
    if stated is not None and (stated.year, stated.month) != (day.year, day.month):
        return Collected(fund.fund, "failed", f"asked for {day}, the issuer answered with {stated}")
    write_document(
        landing.own, vendor=feed.vendor, kind=feed.kind if stated else NO_HOLDINGS, symbol=fund.fund,
        retrieved_at=landing.clock, extension=fetched.extension, content=fetched.content, declared_as_of=stated or day,
    )  # fmt: skip
    return Collected(fund.fund, "new", f"as of {stated}") if stated else Collected(fund.fund, "no data", f"nothing for {day}")


def _known(feed: Feed, landing: Landing, fund: Fund, day: date) -> Collected | None:
    """What earlier runs brought of that month."""

    def of_the_month(kind: str) -> list[tuple[date, date | None]]:
        documents = list_documents(list(landing.folders), vendor=feed.vendor, kind=kind, symbol=fund.fund)
        return [
            (d.declared_as_of, d.retrieved_at.date() if d.retrieved_at else None)
            for d in documents
            if d.declared_as_of and (d.declared_as_of.year, d.declared_as_of.month) == (day.year, day.month)
        ]

    if held := of_the_month(feed.kind):
        return Collected(fund.fund, "present", f"as of {held[-1][0]}")
    final = day + timedelta(days=_FINAL_AFTER_DAYS)
    if any(asked and asked > final for _, asked in of_the_month(NO_HOLDINGS)):
        return Collected(fund.fund, "no data", f"the issuer has nothing for {day}")
    return None

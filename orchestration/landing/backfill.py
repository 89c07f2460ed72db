"""Holdings of past months, from feeds that answer for past dates: iShares has month-ends since 2006.

A month is not requested again if landing has its document or the issuer answered that it has no data.
"""

from datetime import date, timedelta

from orchestration import market_calendar
from orchestration.landing.collect import Collected, Landing
from orchestration.landing.documents import list_documents, write_document
from orchestration.universe import Fund
from orchestration.vendors.feed import DocumentRejected, Feed, FetchFailed, Request, Universe
from orchestration.vendors.http import Client

FIRST_MONTH = date(2006, 1, 1)
# Answers without data are kept under a separate kind, which no parser reads.
NO_HOLDINGS = "no_holdings"
# The issuer may be late: a "no data" answer within this many days of month-end is requested again.
_FINAL_AFTER_DAYS = 15


def backfill_month(feed: Feed, landing: Landing, month: date, universe: Universe, client: Client) -> list[Collected]:
    """Fetch the holdings of one month's last session for each fund of the feed. A failed fetch is an outcome, not an exception.

    Args:
        month: any day of the month.

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
        return Collected(fund.fund, "no data", f"the fund's inception is {fund.inception}")
    if known := _known(feed, landing, fund, day):
        return known
    try:
        fetched = feed.fetch(Request(symbol=fund.fund, fund=fund, today=landing.clock.date(), as_of=day), client)
        stated = feed.stated_date(fetched.content)
    except (FetchFailed, DocumentRejected) as failure:
        return Collected(fund.fund, "failed", str(failure))
    if stated is not None and (stated.year, stated.month) != (day.year, day.month):
        return Collected(fund.fund, "failed", f"the issuer answered for {stated} instead of {day}")
    write_document(
        landing.own, vendor=feed.vendor, kind=feed.kind if stated else NO_HOLDINGS, symbol=fund.fund,
        retrieved_at=landing.clock, extension=fetched.extension, content=fetched.content, declared_as_of=stated or day,
    )  # fmt: skip
    return (
        Collected(fund.fund, "new", f"as of {stated}")
        if stated
        else Collected(fund.fund, "no data", f"the issuer has no data for {day}")
    )


def _known(feed: Feed, landing: Landing, fund: Fund, day: date) -> Collected | None:
    """The outcome of earlier runs for the month, None if it must be requested."""

    def of_the_month(kind: str) -> list[tuple[date, date | None]]:
        documents = list_documents(list(landing.folders), vendor=feed.vendor, kind=kind, symbol=fund.fund)
        return [
            (d.declared_as_of, d.retrieved_at.date() if d.retrieved_at else None)
            for d in documents
            if d.declared_as_of and (d.declared_as_of.year, d.declared_as_of.month) == (day.year, day.month)
        ]

    if present := of_the_month(feed.kind):
        return Collected(fund.fund, "present", f"as of {present[-1][0]}")
    final = day + timedelta(days=_FINAL_AFTER_DAYS)
    if any(requested and requested > final for _, requested in of_the_month(NO_HOLDINGS)):
        return Collected(fund.fund, "no data", f"the issuer has no data for {day}")
    return None

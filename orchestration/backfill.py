"""Holdings of past months: iShares answers for any date, so its funds' month-ends since 2006 can be brought into landing.

A month whose document lies in landing is not asked for again, nor one for which the issuer has said that it has nothing.
"""

from collections.abc import Callable
from datetime import date, timedelta

from orchestration import market_calendar
from orchestration.collect import Collected
from orchestration.landing import list_documents, write_document
from orchestration.settings import Settings
from orchestration.universe import Fund
from orchestration.vendors import ishares
from orchestration.vendors.base import DocumentRejected, Fetched, FetchFailed

FIRST_MONTH = date(2006, 1, 1)
# Answers without data lie beside the holdings, under a kind that no reader asks for.
NO_HOLDINGS = "no_holdings"
# The issuer may be late with a month: a "no" within so many days of its end is not its last word.
_LAST_WORD_DAYS = 15

Ask = Callable[[Fund, date], Fetched]


def backfill_month(settings: Settings, month: date, funds: list[Fund], ask: Ask) -> list[Collected]:
    """Bring one month's last session into landing for each fund. A failed fetch is an outcome, not an exception.

    Args:
        month: any day of it.
        ask: fetches a fund's holdings of a day, at a polite pace.

    Returns:
        One outcome a fund: new, present, no data or failed, and before its inception.
    """
    day = last_session(month)
    return [_backfill(settings, fund, day, ask) for fund in funds]


def last_session(month: date) -> date:
    """The last trading day of the month."""
    first = month.replace(day=1)
    end = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    sessions: list[date] = market_calendar.sessions_frame(end, first_day=first)["session"].to_list()
    return max(sessions)


def _backfill(settings: Settings, fund: Fund, day: date, ask: Ask) -> Collected:
    if day < date.fromisoformat(fund.inception):
        return Collected(fund.fund, "no data", f"the fund began on {fund.inception}")
    if known := _known(settings, fund, day):
        return known
    try:
        fetched = ask(fund, day)
        stated = ishares.stated_date(fetched.content)
    except (FetchFailed, DocumentRejected) as failure:
        return Collected(fund.fund, "failed", str(failure))
    if stated is not None and (stated.year, stated.month) != (day.year, day.month):
        return Collected(fund.fund, "failed", f"asked for {day}, the issuer answered with {stated}")
    write_document(
        settings.own_landing_dir, vendor=ishares.VENDOR, kind=ishares.KIND if stated else NO_HOLDINGS, symbol=fund.fund,
        retrieved_at=settings.clock, extension=fetched.extension, content=fetched.content, declared_as_of=stated or day,
    )  # fmt: skip
    return Collected(fund.fund, "new", f"as of {stated}") if stated else Collected(fund.fund, "no data", f"nothing for {day}")


def _known(settings: Settings, fund: Fund, day: date) -> Collected | None:
    """What earlier runs have brought of that month."""

    def of_the_month(kind: str) -> list[tuple[date, date | None]]:
        documents = list_documents(settings.landing_dirs, vendor=ishares.VENDOR, kind=kind, symbol=fund.fund)
        return [
            (d.declared_as_of, d.retrieved_at.date() if d.retrieved_at else None)
            for d in documents
            if d.declared_as_of and (d.declared_as_of.year, d.declared_as_of.month) == (day.year, day.month)
        ]

    if held := of_the_month(ishares.KIND):
        return Collected(fund.fund, "present", f"as of {held[-1][0]}")
    last_word = day + timedelta(days=_LAST_WORD_DAYS)
    if any(asked and asked > last_word for _, asked in of_the_month(NO_HOLDINGS)):
        return Collected(fund.fund, "no data", f"the issuer has nothing for {day}")
    return None

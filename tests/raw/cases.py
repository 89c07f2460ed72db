"""Test cases for rules: one document that breaks the rule, and an honest one just within the limit."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from orchestration.landing.documents import Document
from orchestration.raw.validation.rules import RULES, Scope
from tests.raw.market import Desk

Put = Callable[[Desk], Document]


def nothing_more(_: Desk) -> None:
    """No further preparation."""


@dataclass(frozen=True)
class Case:
    """One test case for a rule.

    `begin` names the known data, and `prepare` adds further documents. For a row rule, `days` are the days of the implausible
    rows and `table` is their table. `honest_quarantined` is the number of quarantined rows of the honest document, for rules with
    a maximum number of rows.
    """

    rule: str
    lie: Put
    honest: Put
    begin: str = "neighbours"
    days: tuple[date, ...] = ()
    table: str = "price_bars"
    honest_quarantined: int = 0
    note: str = ""
    prepare: Callable[[Desk], None] = nothing_more

    def __str__(self) -> str:
        return f"{self.rule}{'-' if self.note else ''}{self.note}"

    @property
    def day_column(self) -> str:
        """The date column of the table."""
        return {"price_bars": "session", "corporate_actions": "ex_date", "rates": "date"}[self.table]


def _prepare(case: Case, desk: Desk) -> None:
    if case.prepare is nothing_more:
        return
    case.prepare(desk)
    desk.run()
    assert desk.in_quarantine() == []


def check_faulty(case: Case, desk: Desk) -> None:
    """The document or row is quarantined by the rule, and no quarantined value is used."""
    _prepare(case, desk)
    is_of_document = RULES[case.rule].scope is Scope.document
    before = desk.last_known() if is_of_document else {}
    document = case.lie(desk)
    outcome = next(o for o in desk.run() if o.path == document.key)
    assert case.rule in desk.broken(document), (outcome, desk.broken(document))
    if is_of_document:
        assert outcome.status == ("rejected" if case.rule in IMPOSSIBLE else "quarantined")
        assert outcome.rule in desk.broken(document)
        assert outcome.rows_accepted == 0
        assert desk.last_known() == before
        return
    assert (outcome.status, outcome.rows_quarantined) == ("accepted", len(case.days))
    days = ", ".join(f"'{day}'" for day in case.days)
    of_document = f"from raw.{case.table} where document_id = '{outcome.document_id}' and {case.day_column} in ({days})"
    assert desk.sql(f"select * {of_document}") == []
    if case.begin == "neighbours" and case.prepare is nothing_more:  # nothing else is known of the symbol
        used = f"select count(*) from raw.{case.table} where document_id = '{outcome.document_id}'"
        assert desk.sql(used) == [(outcome.rows_accepted,)]
        assert outcome.rows_accepted > 500


# Rules that a decision cannot override.
IMPOSSIBLE = {"retrieval_is_past", "as_of_is_past", "lines_are_usable"}


def check_honest(case: Case, desk: Desk) -> None:
    """The document is used, and none of its rows is quarantined."""
    _prepare(case, desk)
    document = case.honest(desk)
    outcome = next(o for o in desk.run() if o.path == document.key)
    assert (outcome.status, outcome.rows_quarantined) == ("accepted", case.honest_quarantined), desk.in_quarantine()
    assert desk.sql(f"select count(*) from raw.documents where path = '{document.key}' and status = 'accepted'") == [(1,)]

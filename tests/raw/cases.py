"""How a rule is tried: one document that breaks it, and an honest one just inside the limit."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from orchestration.landing.documents import Document
from orchestration.raw.validation.rules import RULES, Scope
from tests.raw.market import Desk

Put = Callable[[Desk], Document]


def nothing_more(_: Desk) -> None:
    """What the desk knows is enough."""


@dataclass(frozen=True)
class Case:
    """One trial of a rule.

    `begin` says what the desk knows before, and `prepare` puts what else it must know. Of a row rule, `days` are those of the
    implausible rows and `table` where they would be. `honest_quarantined` is how many rows of the honest document are quarantined
    where the limit is a count of rows.
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
        """The column that holds the day of a row."""
        return {"price_bars": "session", "corporate_actions": "ex_date", "rates": "date"}[self.table]


def _prepare(case: Case, desk: Desk) -> None:
    case.prepare(desk)
    desk.run()
    assert desk.waiting() == []


def try_lie(case: Case, desk: Desk) -> None:
    """The document, or its row, is quarantined by that rule and nothing quarantined is used."""
    _prepare(case, desk)
    before = desk.last_known()
    document = case.lie(desk)
    outcome = next(o for o in desk.run() if o.path == document.key)
    assert case.rule in desk.broken(document), (outcome, desk.broken(document))
    if RULES[case.rule].scope is Scope.document:
        assert outcome.status == ("rejected" if case.rule in IMPOSSIBLE else "quarantined")
        assert outcome.rule in desk.broken(document)
        assert outcome.rows_accepted == 0
        assert desk.last_known() == before
        return
    assert (outcome.status, outcome.rows_quarantined) == ("accepted", len(case.days))
    days = ", ".join(f"'{day}'" for day in case.days)
    of_document = f"from raw.{case.table} where document_id = '{outcome.document_id}' and {case.day_column} in ({days})"
    assert desk.sql(f"select * {of_document}") == []
    if case.begin == "neighbours":  # nothing was known of the symbol: the rest of the document is all there is
        used = f"select count(*) from raw.{case.table} where document_id = '{outcome.document_id}'"
        assert desk.sql(used) == [(outcome.rows_accepted,)]
        assert outcome.rows_accepted > 500


# Documents that no decision can make right.
IMPOSSIBLE = {"retrieval_is_past", "as_of_is_past", "lines_are_usable"}


def try_honest(case: Case, desk: Desk) -> None:
    """The document is used, and nothing of it is quarantined."""
    _prepare(case, desk)
    document = case.honest(desk)
    outcome = next(o for o in desk.run() if o.path == document.key)
    assert (outcome.status, outcome.rows_quarantined) == ("accepted", case.honest_quarantined), desk.waiting()
    assert desk.sql(f"select count(*) from raw.documents where path = '{document.key}' and status = 'accepted'") == [(1,)]

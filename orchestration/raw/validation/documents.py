"""Rules for documents of every kind: no date is in the future, and most lines are usable."""

from datetime import datetime, timedelta

import polars as pl

from orchestration.landing.documents import Document
from orchestration.raw.parse import ParsedDocument
from orchestration.raw.validation.rules import Finding

# Clocks differ by minutes. A name in local time, ahead of UTC, would make the bar of an open session final.
CLOCK_GRACE = timedelta(minutes=10)
UNUSABLE_SHARE, FEW_LINES = 0.10, 10
# The bar of an open session, a duplicate row and days before the calendar do not discredit the other rows.
_EXPECTED = ("session was still open", "repeats another row", "before the calendar")


def check_document(parsed: ParsedDocument, document: Document, clock: datetime, *, accepted_by_person: bool) -> Finding | None:
    """The rule that the document breaks, or None. A person's acceptance covers unusable lines, not future dates."""
    assert document.retrieved_at is not None  # the parser requires it
    if document.retrieved_at > clock + CLOCK_GRACE:
        return Finding(
            "retrieval_is_past",
            f"the retrieval time in the file name, {document.retrieved_at:%Y-%m-%d %H:%M}, is after now ({clock:%Y-%m-%d %H:%M}"
            " UTC): rename the file to the time in UTC",
        )
    # A document of many days has no as-of date: its rows are validated one by one.
    if parsed.main in ("holdings", "fund_facts") and parsed.as_of and parsed.as_of > document.retrieved_at.date():
        return Finding(
            "as_of_is_past", f"the as-of date {parsed.as_of} is after the retrieval on {document.retrieved_at:%Y-%m-%d}"
        )
    is_expected = pl.col("reason").str.contains_any(list(_EXPECTED))
    unusable = parsed.rejects.filter(pl.col("line").is_not_null() & ~is_expected)
    # The one line of a fund's quote has no number; the numbered ones are the contracts.
    usable = parsed.rows["option_quotes" if parsed.main == "fund_quotes" else parsed.main].height
    lines = unusable.height + usable
    too_many = unusable.height > max(FEW_LINES, UNUSABLE_SHARE * lines)
    if unusable.height and (usable == 0 or (too_many and not accepted_by_person)):
        first = unusable.sort("line").row(0, named=True)
        return Finding(
            "lines_are_usable",
            f"{unusable.height} of {lines} lines are unusable; the first is line {first['line']}: {first['reason']}",
        )
    return None

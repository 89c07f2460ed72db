"""What holds of every document, whatever its kind: nothing in it is from the future, and most of it is usable."""

from datetime import datetime, timedelta

import polars as pl

from orchestration.landing.documents import Document
from orchestration.raw.parse import Reading
from orchestration.raw.validation.rules import Finding

# Clocks differ, and vendors in other time zones are a day ahead.
CLOCK_GRACE = timedelta(hours=26)
UNUSABLE_SHARE, FEW_LINES = 0.10, 10
# The bar of a running session, a row that is there twice, and days before our calendar say nothing against the others.
_EXPECTED = ("still running", "repeats another row", "our calendar begins on")


def check_document(reading: Reading, document: Document, clock: datetime, *, accepted_by_person: bool) -> Finding | None:
    """What makes a document impossible, None where nothing does. A person's acceptance covers unusable lines, not the clock."""
    assert document.retrieved_at is not None  # the reader requires it
    if document.retrieved_at > clock + CLOCK_GRACE:
        return Finding(
            "retrieval_is_past",
            f"its file name says {document.retrieved_at:%Y-%m-%d %H:%M}, after now ({clock:%Y-%m-%d %H:%M} UTC): rename it",
        )
    # A document of many days has no date of its own: its rows are judged, each by itself.
    if reading.main in ("holdings", "fund_facts") and reading.as_of and reading.as_of > document.retrieved_at.date():
        return Finding(
            "as_of_is_past", f"its as-of date {reading.as_of} is after its retrieval on {document.retrieved_at:%Y-%m-%d}"
        )
    is_expected = pl.col("reason").str.contains_any(list(_EXPECTED))
    unusable = reading.rejects.filter(pl.col("line").is_not_null() & ~is_expected)
    usable = reading.rows[reading.main].height
    lines = unusable.height + usable
    too_many = unusable.height > max(FEW_LINES, UNUSABLE_SHARE * lines)
    if unusable.height and (usable == 0 or (too_many and not accepted_by_person)):
        first = unusable.sort("line").row(0, named=True)
        return Finding(
            "lines_are_usable",
            f"{unusable.height} of its {lines} lines are unusable; the first is line {first['line']}: {first['reason']}",
        )
    return None

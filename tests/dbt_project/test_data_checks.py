"""Every finding that a document can cause has a severity and a meaning."""

import csv

from orchestration.raw.validation.rules import RULES, Scope
from orchestration.settings import SEEDS_DIR
from orchestration.vendors.registry import CALENDAR, FEEDS


def test_every_outcome_of_a_document_is_a_check() -> None:
    with (SEEDS_DIR / "data_checks.csv").open(encoding="utf-8") as file:
        stated = {(row["check_name"], row["kind"]) for row in csv.DictReader(file) if row["meaning"]}
    kinds = {feed.kind for feed in FEEDS}
    of_rows = {rule.kind for rule in RULES.values() if rule.scope is Scope.row}
    expected = {(f"{outcome}_document_{kind}", kind) for kind in kinds for outcome in ("rejected", "quarantined")}
    expected |= {(f"rejected_row_{kind}", kind) for kind in kinds} | {(f"quarantined_row_{kind}", kind) for kind in of_rows}
    expected.add((f"rejected_document_{CALENDAR.kind}", CALENDAR.kind))
    assert len(expected) > 25
    assert expected <= stated

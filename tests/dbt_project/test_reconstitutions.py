"""The seed of Russell reconstitutions against the rule of each era and the exchange's calendar."""

import csv
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from orchestration.market_calendar import sessions_frame
from orchestration.settings import SEEDS_DIR

SESSIONS = set(sessions_frame(date(2027, 12, 31))["session"].to_list())
ROWS = list(csv.DictReader((SEEDS_DIR / "reconstitutions.csv").open()))
FRIDAY = 4
UPDATES = [f"list_update_{number}" for number in range(1, 5)]


def day_of(row: dict[str, str], stage: str) -> date | None:
    return date.fromisoformat(row[stage]) if row[stage] else None


def last(year: int, month: int, wanted: Callable[[date], bool]) -> date:
    day = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    while not wanted(day):
        day -= timedelta(days=1)
    return day


def by_rule(event: date) -> date:
    """The effective close by the rule of the event's era."""
    if event.month == 12:
        return next(date(event.year, 12, day) for day in range(8, 15) if date(event.year, 12, day).weekday() == FRIDAY)
    if event.year <= 2003:
        return last(event.year, 6, SESSIONS.__contains__)
    friday = last(event.year, 6, lambda day: day.weekday() == FRIDAY)
    return friday - timedelta(weeks=1) if event.year >= 2007 and friday.day >= 29 else friday


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["event"])
def test_the_effective_date_follows_the_rule_of_its_era(row: dict[str, str]) -> None:
    effective = day_of(row, "effective")
    assert effective is not None
    assert effective == by_rule(effective)
    assert row["event"] == f"{effective:%Y-%m}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["event"])
def test_stages_are_sessions_in_their_order(row: dict[str, str]) -> None:
    for between in (["lock_down"], UPDATES):
        known = [day for stage in ("rank_day", "preliminary_list", *between, "effective") if (day := day_of(row, stage))]
        assert known == sorted(set(known))
        assert set(known) <= SESSIONS


@pytest.mark.parametrize("row", [row for row in ROWS if row["updates_basis"]], ids=lambda row: row["event"])
def test_the_lists_are_updated_each_friday_before_the_effective_week(row: dict[str, str]) -> None:
    """Announced or by rule; Juneteenth is a holiday on the Friday of 2026 and 2027."""
    published, effective = day_of(row, "preliminary_list"), day_of(row, "effective")
    assert published is not None
    assert effective is not None
    weeks = (effective - published).days // 7
    fridays = [published + timedelta(weeks=week) for week in range(1, weeks)]
    expected = [max(session for session in SESSIONS if session <= friday) for friday in fridays]
    assert [day for update in UPDATES if (day := day_of(row, update))] == expected


def test_updates_that_were_not_announced_are_marked() -> None:
    assert {row["event"]: row["updates_basis"] for row in ROWS if row["updates_basis"]} == {
        **dict.fromkeys(("2022-06", "2023-06", "2024-06", "2025-06"), "published"),
        **dict.fromkeys(("2026-06", "2026-12", "2027-06", "2027-12"), "by rule"),
    }


def test_rank_days_follow_their_rule() -> None:
    for row in ROWS:
        effective, rank_day = day_of(row, "effective"), day_of(row, "rank_day")
        assert effective is not None
        if rank_day is None or 2016 <= effective.year <= 2022:
            continue  # set individually in those years
        month = 10 if effective.month == 12 else 5 if effective.year <= 2015 else 4
        assert rank_day == last(effective.year, month, SESSIONS.__contains__)


def test_there_is_one_per_year_and_two_from_2026() -> None:
    years = [int(row["event"][:4]) for row in ROWS]
    assert {year: years.count(year) for year in years} == {year: 1 + (year >= 2026) for year in range(2000, 2028)}


def test_unverified_dates_are_marked() -> None:
    assert [row["event"] for row in ROWS if row["basis"] == "from memory"] == ["2006-06"]

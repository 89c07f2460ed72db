"""Every rule for rates: a document that breaks it, and an honest one just within the limit."""

from collections.abc import Callable
from datetime import date

import polars as pl
import pytest

from orchestration.landing.documents import Document
from tests.raw.cases import Case, Put, check_faulty, check_honest
from tests.raw.conftest import MakeDesk
from tests.raw.market import AT, CALENDAR_DAYS, CUTS, DAY, Desk, rates

Frame = pl.DataFrame
UPPER, EFFECTIVE = rates("DFEDTARU"), rates("DFF")
DAYS = [CALENDAR_DAYS[n] for n in (300, 350, 600, 750, 800, 810, 820, 830, 840, 850)]
_LONG = 3100
MONTHS = [date(year, month, 1) for year in range(1954, 2026) for month in range(1, 13)]
RECESSIONS = pl.DataFrame({"date": MONTHS, "value": [0.0] * len(MONTHS)})


def _put(series: str, frame: Frame, *, later: bool = True) -> Put:
    def put(desk: Desk) -> Document:
        return desk.rates(series, frame, AT + DAY if later else AT)

    return put


def _on(frame: Frame, value: Callable[[pl.Expr], pl.Expr | float | None], *days: date) -> Frame:
    """Change the value on some days."""
    new = value(pl.col("value"))
    return frame.with_columns(
        pl.when(pl.col("date").is_in(days))
        .then(new if isinstance(new, pl.Expr) else pl.lit(new))
        .otherwise("value")
        .alias("value")
    )


def _row(rule: str, series: str, lie: Frame, honest: Frame, *days: date, begin: str = "known", note: str = "") -> Case:
    return Case(rule, _put(series, lie), _put(series, honest), begin, days, "rates", note=note)


def _document(rule: str, series: str, lie: Frame, honest: Frame, *, begin: str = "known", kept: int = 0, note: str = "") -> Case:
    return Case(rule, _put(series, lie), _put(series, honest), begin, table="rates", honest_quarantined=kept, note=note)


def _with_row(frame: Frame, day: date, value: float) -> Frame:
    return pl.concat([frame, pl.DataFrame({"date": [day], "value": [value]})]).sort("date")


def _for_years(value: float) -> Frame:
    return pl.DataFrame({"date": [CALENDAR_DAYS[-1] - n * DAY for n in reversed(range(_LONG))], "value": [value] * _LONG})


def _constant(value: float) -> Frame:
    return pl.DataFrame({"date": CALENDAR_DAYS, "value": [value] * len(CALENDAR_DAYS)})


CASES = [
    _row(
        "rate_is_possible",
        "DFF",
        _on(EFFECTIVE, lambda _: 25.5, DAYS[0]),
        _on(EFFECTIVE, lambda _: 24.5, DAYS[0]),
        DAYS[0],
        begin="empty",
    ),
    _row(
        "rate_is_possible",
        "DFF",
        _on(EFFECTIVE, lambda _: -1.1, DAYS[0]),
        _on(EFFECTIVE, lambda _: -0.9, DAYS[0]),
        DAYS[0],
        begin="empty",
        note="negative",
    ),
    _row(
        "date_is_possible",
        "DFF",
        _with_row(EFFECTIVE, date(2099, 1, 1), 4.0),
        _with_row(EFFECTIVE, CALENDAR_DAYS[-1] + DAY, EFFECTIVE["value"][-1]),
        date(2099, 1, 1),
        note="2099",
    ),
    _row(
        "date_is_possible",
        "DFF",
        _with_row(EFFECTIVE, date(1, 1, 1), 4.0),
        _with_row(_with_row(EFFECTIVE, date(1954, 7, 1), 1.13), date(1954, 7, 2), 1.25),
        date(1, 1, 1),
        note="the year 1",
    ),
    _row(
        "date_is_possible",
        "DFEDTARU",
        _with_row(UPPER, date(2008, 12, 15), 1.0),
        _with_row(_with_row(UPPER, date(2008, 12, 16), 0.25), date(2008, 12, 17), 0.25),
        date(2008, 12, 15),
        begin="empty",
        note="before the range",
    ),
    _row(
        "date_is_possible",
        "DFEDTARU",
        _with_row(UPPER, date(2013, 12, 14), 5.5),
        _with_row(_with_row(UPPER, date(2013, 12, 14), 5.5), date(2013, 12, 15), 5.5),
        date(2013, 12, 14),
        begin="empty",
        note="alone",
    ),
    _row(
        "step_is_possible",
        "DFEDTARU",
        _on(UPPER, lambda value: value + 0.25, DAYS[0]),
        _on(UPPER, lambda value: value + 0.25, *CALENDAR_DAYS[300 : CALENDAR_DAYS.index(CUTS[1])]),
        DAYS[0],
        begin="empty",
    ),
    _row(
        "step_is_possible",
        "DFEDTARU",
        _on(UPPER, lambda value: value + 2.25, CALENDAR_DAYS[0]),
        _on(UPPER, lambda value: value + 1.75, CALENDAR_DAYS[0]),
        CALENDAR_DAYS[0],
        begin="empty",
        note="the first day",
    ),
    _row(
        "series_agree", "DFF", _on(EFFECTIVE, lambda _: 6.0, DAYS[0]), _on(EFFECTIVE, lambda value: value + 0.2, DAYS[0]), DAYS[0]
    ),
    _row(
        "series_agree",
        "DFF",
        _on(EFFECTIVE, lambda value: value / 100, DAYS[0]),
        _on(EFFECTIVE, lambda value: value - 0.25, DAYS[0]),
        DAYS[0],
        note="a fraction",
    ),
    Case(
        "recession_is_a_flag",
        _put("USREC", _on(RECESSIONS, lambda _: 0.5, MONTHS[5])),
        _put("USREC", RECESSIONS),
        "neighbours",
        (MONTHS[5],),
        "rates",
    ),
    Case(
        "rates_are_not_restated",
        _put("USREC", _on(RECESSIONS, lambda _: 1.0, *MONTHS[3:12])),
        # An announcement changes the months since the turning point.
        _put("USREC", _on(RECESSIONS, lambda _: 1.0, *MONTHS[-21:])),
        "empty",
        table="rates",
        note="recessions",
        prepare=lambda desk: (desk.rates("USREC", RECESSIONS, AT - DAY), desk.run())[0] and None,
    ),
    _row(
        "series_agree",
        "DFEDTARU",
        _on(UPPER, lambda value: value + 0.5, CALENDAR_DAYS[-1]),
        UPPER,
        CALENDAR_DAYS[-1],
        note="the newest",
    ),
    _row(
        "known_rate_is_kept",
        "DFF",
        _on(EFFECTIVE, lambda _: None, DAYS[0]),
        _with_row(_on(EFFECTIVE, lambda value: value, DAYS[0]), CALENDAR_DAYS[-1] + DAY, EFFECTIVE["value"][-1]),
        DAYS[0],
    ),
    *(
        _row(
            "rate_is_possible",
            series,
            _on(_constant(usual), lambda _, value=lie: value, DAYS[0]),
            _constant(honest),  # a single day so far away is no possible step
            DAYS[0],
            begin="empty",
            note=f"{series}-{lie:g}",
        )
        for series, usual, lie, honest in (
            ("DGS10", 4.0, 42.0, 15.84),
            ("DGS10", 4.0, -0.1, 0.52),
            ("DGS3MO", 4.0, 42.0, 17.01),
            ("T10Y2Y", 0.5, 50.0, 2.91),
            ("T10Y2Y", 0.5, -4.5, -2.41),
            ("BAA10Y", 1.8, 18.0, 6.16),
            ("BAA10Y", 1.8, 0.018, 1.16),
            ("NFCI", -0.5, 50.0, 5.3),
            ("VIXCLS", 17.0, 170.0, 82.69),
            ("VIXCLS", 17.0, 0.17, 9.14),
        )
    ),
    *(
        _row(
            "step_is_possible",
            series,
            _on(frame, lambda _, value=lie: value, frame["date"][-1]),
            _on(frame, lambda _, value=honest: value, frame["date"][-1]),
            frame["date"][-1],
            begin="empty",
            note=series,
        )
        for series, frame, lie, honest in (
            ("DGS10", _constant(4.1), 14.1, 3.1),
            ("DGS3MO", _constant(3.7), 13.7, 2.2),
            ("T10Y2Y", _constant(0.5), -3.5, 1.5),
            ("BAA10Y", _constant(1.7), 7.1, 2.7),
            ("NFCI", _constant(-0.5)[::7], 5.5, 1.0),
            # As on 2020-03-16 from the day before.
            ("VIXCLS", _constant(18.0), 118.0, 42.9),
        )
    ),
    _row(
        "date_is_possible",
        "VIXCLS",
        _with_row(_constant(17.0), date(1989, 12, 29), 17.0),
        _with_row(_constant(17.0), date(1990, 1, 2), 17.24),
        date(1989, 12, 29),
        begin="empty",
        note="before VIXCLS",
    ),
    Case(
        "rates_are_not_restated",
        _put("NFCI", _constant(-0.5).with_columns(pl.col("value") + 0.6)),
        # Each edition estimates every week anew.
        _put("NFCI", _constant(-0.5).with_columns(pl.col("value") + 0.1)),
        "empty",
        table="rates",
        note="conditions",
        prepare=lambda desk: (desk.rates("NFCI", _constant(-0.5), AT - DAY), desk.run())[0] and None,
    ),
    Case(
        "rates_are_not_restated",
        _put("DGS10", _constant(4.1)),
        _put("DGS10", _on(_constant(4.0), lambda _: 4.1, *DAYS[:8])),
        "empty",
        table="rates",
        note="yields",
        prepare=lambda desk: (desk.rates("DGS10", _constant(4.0), AT - DAY), desk.run())[0] and None,
    ),
    _document(
        "few_rates_are_implausible",
        "DFF",
        _on(EFFECTIVE, lambda _: 9.0, *DAYS[:9]),
        _on(EFFECTIVE, lambda _: 9.0, *DAYS[:8]),
        kept=8,
    ),
    _document("few_rates_are_implausible", "DFF", EFFECTIVE.with_columns(pl.col("value") / 100), EFFECTIVE, note="fractions"),
    _document("rates_are_percent", "DFF", _for_years(0.19), _for_years(0.21), begin="empty"),
    _document(
        "rates_are_not_restated",
        "DFF",
        _on(EFFECTIVE, lambda value: value + 0.05, *DAYS[:9]),
        _on(EFFECTIVE, lambda value: value + 0.05, *DAYS[:8]),
    ),
    _document(
        "rates_are_not_restated",
        "DFF",
        EFFECTIVE.with_columns(pl.col("value") + 0.02),
        EFFECTIVE.with_columns((pl.col("value") + 0.01).round(2)),
        note="by little",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_document_that_breaks_the_rule_is_quarantined(case: Case, make_desk: MakeDesk) -> None:
    check_faulty(case, make_desk(case.begin))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_honest_document_within_the_limit_is_used(case: Case, make_desk: MakeDesk) -> None:
    check_honest(case, make_desk(case.begin))

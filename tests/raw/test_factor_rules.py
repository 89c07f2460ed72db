"""Every rule for factors: an edition that breaks it, and an honest one just inside."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from orchestration.landing.documents import Document
from orchestration.raw.validation.factors import _of_values
from tests.raw.cases import Case, Put, check_faulty, check_honest
from tests.raw.conftest import MakeDesk
from tests.raw.market import AT, DAY, SESSIONS, Desk, factors

FACTORS = factors()
NAMES = ("market_excess", "small_minus_large", "high_minus_low", "risk_free")
SOME = SESSIONS[300]


def _put(frame: pl.DataFrame) -> Put:
    def put(desk: Desk) -> Document:
        return desk.factors(frame, AT + DAY)

    return put


def _know(desk: Desk) -> None:
    desk.factors(FACTORS)


def _case(rule: str, lie: pl.DataFrame, honest: pl.DataFrame, *, note: str = "", knows: bool = False) -> Case:
    prepare = {"prepare": _know} if knows else {}
    return Case(rule, _put(lie), _put(honest), "known", table="factors", note=note, **prepare)  # type: ignore[arg-type]


def _on(name: str, value: float | None, day: date = SOME) -> pl.DataFrame:
    return FACTORS.with_columns(pl.when(pl.col("date") == day).then(pl.lit(value)).otherwise(name).alias(name))


def _plus(name: str, change: float, day: date = SOME) -> pl.DataFrame:
    return FACTORS.with_columns(pl.when(pl.col("date") == day).then(pl.col(name) + change).otherwise(name).alias(name))


def _revised(deviation: float) -> pl.DataFrame:
    """Every value of the history a little different, as in a new edition."""
    noise = np.random.default_rng(11).normal(0, deviation, (3, FACTORS.height))
    return FACTORS.with_columns((pl.col(name) + noise[i]).round(2).alias(name) for i, name in enumerate(NAMES[:3]))


def _all(name: str, factor: float = 1.0, plus: float = 0.0) -> pl.DataFrame:
    """A factor of another scale or level on each day, with three decimals."""
    return FACTORS.with_columns((pl.col(name) * factor + plus).round(3))


def _of_year(name: str, plus: float) -> pl.DataFrame:
    """Another level in the one whole year."""
    in_year = pl.col("date").dt.year() == 2025
    return FACTORS.with_columns(pl.when(in_year).then((pl.col(name) + plus).round(3)).otherwise(name).alias(name))


_SUNDAY = SOME + timedelta(days=7 - SOME.isoweekday())
_EXTRA = FACTORS.row(300)[1:]


def _with_day(day: date) -> pl.DataFrame:
    extra = pl.DataFrame([(day, *_EXTRA)], schema=FACTORS.schema, orient="row")
    return pl.concat([FACTORS, extra]).sort("date")


CASES = [
    _case("factors_are_percent", FACTORS.with_columns(pl.col(NAMES) / 100), FACTORS),
    _case("factors_are_percent", FACTORS.with_columns(pl.col(NAMES[:3]) * 10), FACTORS, note="too large"),
    _case("factors_are_complete", _on("small_minus_large", None), _on("high_minus_low", None)),
    _case("factor_is_possible", _on("market_excess", -27.0), _on("high_minus_low", 15.0)),
    _case("factor_is_possible", _on("risk_free", 1.6), _on("risk_free", 0.061), note="T-bill a year"),
    _case("factor_days_are_sessions", _with_day(_SUNDAY), FACTORS),
    _case(
        "factor_days_are_sessions",
        FACTORS.filter(~pl.col("date").is_in(SESSIONS[100:104])),
        FACTORS.filter(~pl.col("date").is_in(SESSIONS[100:103])),
        note="calendar",
    ),
    _case(
        "factor_days_are_complete",
        FACTORS.filter(~pl.col("date").is_in(SESSIONS[100:115])),
        FACTORS.filter(~pl.col("date").is_in(SESSIONS[100:103])),
    ),
    _case("edition_is_not_shorter", FACTORS.head(590), FACTORS, knows=True),
    _case("edition_is_not_shorter", FACTORS.tail(590), FACTORS, knows=True, note="later begin"),
    _case("edition_is_as_before", _plus("market_excess", 3.5), _plus("market_excess", 2.5), knows=True),
    _case("edition_is_as_before", _revised(0.5), _revised(0.03), knows=True, note="all days"),
    # In 2026 the T-bill came with two decimals in place of three.
    _case(
        "edition_is_as_before",
        FACTORS.with_columns(risk_free=pl.lit(0.036)),
        FACTORS.with_columns(risk_free=pl.lit(0.02)),
        knows=True,
        note="T-bill",
    ),
    _case(
        "factors_move_with_funds",
        FACTORS.with_columns(market_excess="high_minus_low", high_minus_low="market_excess"),
        FACTORS,
    ),
    _case(
        "factors_move_with_funds",
        FACTORS.with_columns(pl.col(NAMES[1]).shift(1).fill_null(0.0)),
        FACTORS,
        note="a day late",
    ),
    # A correlation says nothing of level and scale. In 600 days one day that changes by 3 points moves the mean by 0.005.
    _case("edition_has_the_same_level", _all("market_excess", plus=0.05), _all("market_excess", plus=0.003), knows=True),
    _case("edition_has_the_same_level", _all("market_excess", plus=0.5), FACTORS, knows=True, note="much"),
    _case("edition_has_the_same_level", _all("market_excess", 1.5), _all("market_excess", 1.04), knows=True, note="scale"),
    _case("edition_has_the_same_level", _all("small_minus_large", 2), _all("small_minus_large", 1.04), knows=True, note="size 2"),
    _case("edition_has_the_same_level", _all("small_minus_large", plus=0.05), FACTORS, knows=True, note="size"),
    _case("edition_has_the_same_level", _all("high_minus_low", 2), _all("high_minus_low", 0.96), knows=True, note="value x2"),
    _case("edition_has_the_same_level", _all("risk_free", 1.8), _all("risk_free", 1.05), knows=True, note="bill x1.8"),
    _case("edition_has_the_same_level", _all("risk_free", plus=0.014), FACTORS, knows=True, note="bill"),
    _case(
        "edition_has_the_same_level",
        _of_year("high_minus_low", 0.06),
        _of_year("high_minus_low", 0.009),
        knows=True,
        note="a year",
    ),
    _case("factors_are_as_large_as_funds", _all("market_excess", 0.4), _all("market_excess", 0.8)),
    _case("factors_are_as_large_as_funds", _all("market_excess", 2.5), _all("market_excess", 1.2), note="too large"),
    _case("factors_are_as_large_as_funds", _all("small_minus_large", 0.2), _all("small_minus_large", 0.6), note="size"),
    _case("factors_are_as_large_as_funds", _all("small_minus_large", 3), _all("small_minus_large", 1.4), note="large size"),
    _case("factors_are_as_large_as_funds", _all("market_excess", plus=0.2), _all("market_excess", plus=0.05), note="level"),
    _case("factors_are_as_large_as_funds", _all("small_minus_large", plus=0.2), _all("market_excess", plus=0.05), note="size +"),
    _case("factors_are_percent", _all("high_minus_low", 8), _all("high_minus_low", 3), note="value"),
    _case(
        "factors_are_complete",
        FACTORS.with_columns(high_minus_low=pl.lit(None, pl.Float64)),
        FACTORS.with_columns(high_minus_low=pl.when(pl.int_range(pl.len()) > 5).then("high_minus_low")),
        note="value",
    ),
    _case("bill_agrees_with_rates", _all("risk_free", 0), _all("risk_free", 1.2)),
    _case("bill_agrees_with_rates", _all("risk_free", 5), _all("risk_free", 1.2), note="times 5"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_edition_that_breaks_the_rule_is_quarantined(case: Case, make_desk: MakeDesk) -> None:
    check_faulty(case, make_desk(case.begin))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_honest_edition_inside_the_limit_is_used(case: Case, make_desk: MakeDesk) -> None:
    check_honest(case, make_desk(case.begin))


def test_the_level_of_a_long_first_edition_is_bounded_without_anything_known() -> None:
    days = 40 * 252
    noise = np.random.default_rng(5).normal(0, 1, (3, days))
    edition = pl.DataFrame({"date": [date(1950, 1, 1) + timedelta(days=n) for n in range(days)]}).with_columns(
        *(pl.Series(name, noise[i]) for i, name in enumerate(NAMES[:3])), risk_free=pl.lit(0.01), _line=pl.lit(1)
    )
    assert list(_of_values(edition)) == []
    for name in NAMES[:3]:
        assert [found.rule for found in _of_values(edition.with_columns(pl.col(name) + 0.12))] == ["factors_are_percent"]


def test_a_new_edition_replaces_the_whole_history(make_desk: MakeDesk) -> None:
    desk = make_desk("known")
    for edition, when in ((FACTORS.head(590), AT), (_revised(0.03), AT + DAY)):
        desk.factors(edition, when)
    desk.run()
    assert desk.sql("select count(*) from raw.factors") == [(590 + 600,)]
    assert desk.in_quarantine() == []
    desk.factors(_revised(0.03), AT + 2 * DAY)
    desk.run()
    assert desk.sql("select count(*) from raw.factors") == [(590 + 600,)], "the same edition again adds nothing"


def test_two_editions_that_agree_overrule_a_wrong_first_one(make_desk: MakeDesk) -> None:
    desk = make_desk("empty")
    wrong = desk.factors(FACTORS.with_columns(pl.col(NAMES[1]).reverse()), AT)
    right = [desk.factors(FACTORS, AT + DAY), desk.factors(_revised(0.02), AT + 2 * DAY)]
    desk.run()
    assert desk.status(wrong) == "quarantined"
    assert [desk.status(edition) for edition in right] == ["accepted", "accepted"]

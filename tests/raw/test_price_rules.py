"""Every rule for prices: a document that breaks it, and an honest one just within the limit."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from orchestration.landing.documents import Document
from tests.raw.cases import Case, Put, check_faulty, check_honest
from tests.raw.conftest import MakeDesk
from tests.raw.market import AT, DAY, FIRST_OF_IWM, SESSIONS, Desk, adjusted, answered, at, bars, changed, scaled, since_ever

Frame = pl.DataFrame
IWM = bars("IWM")
LATER = AT + DAY


def _put(frame: Frame, symbol: str = "IWM", *, later: bool = False) -> Put:
    def put(desk: Desk) -> Document:
        return desk.prices(symbol, frame, LATER if later else AT)

    return put


def _day(back: int) -> date:
    return SESSIONS[-1 - back]


def _row(rule: str, lie: Frame, honest: Frame, *back: int, note: str = "", honest_quarantined: int = 0) -> Case:
    days = tuple(_day(n) for n in back)
    return Case(rule, _put(lie), _put(honest), days=days, note=note, honest_quarantined=honest_quarantined)


def _document(rule: str, lie: Frame, honest: Frame, note: str = "", *, honest_quarantined: int = 0) -> Case:
    return Case(rule, _put(lie), _put(honest), note=note, honest_quarantined=honest_quarantined)


def _restating(rule: str, lie: Frame, honest: Frame, *back: int, note: str = "", table: str = "price_bars") -> Case:
    """With known bars of the symbol."""
    days = tuple(_day(n) for n in back)
    return Case(rule, _put(lie, later=True), _put(honest, later=True), "known", days, table, note=note)


def _next(rule: str, lie: Frame, honest: Frame, *back: int, note: str, night: bool = False) -> Case:
    """After the history until the session before the newest, retrieved on that evening or in that night, after midnight UTC."""
    when = answered(_day(1)) - timedelta(hours=0 if night else 2)

    def prepare(desk: Desk) -> None:
        desk.prices("IWM", IWM.head(-1), when)

    return Case(rule, _put(lie), _put(honest), days=tuple(_day(n) for n in back), note=note, prepare=prepare)


def _closing(back: int, factor: float) -> Frame:
    """Another close, with high and low adjusted to it."""
    high, low = max(factor, 1), min(factor, 1)
    return changed(IWM, back, Close=factor, Adj_Close=factor, High=high, Low=low)


def _many(change: Callable[[Frame, int], Frame], *back: int) -> Frame:
    frame = IWM
    for n in back:
        frame = change(frame, n)
    return frame


def _before(back: int, factor: float, split: float = 0.0) -> Frame:
    """Multiply all bars before a row by a factor, with a split on that row."""
    older = pl.col("Date") < IWM["Date"][-1 - back]
    prices = [pl.when(older).then(pl.col(c) * factor).otherwise(c).alias(c) for c in ("Open", "High", "Low", "Close")]
    with_split = pl.when(at(IWM, back)).then(split).otherwise("Stock Splits").alias("Stock Splits")
    return adjusted(IWM.with_columns(prices).with_columns(with_split))


def _splits_last(ratio: float) -> Frame:
    """The history with a split on the newest session."""
    prices = [pl.col(c) / ratio for c in ("Open", "High", "Low", "Close", "Dividends")]
    split = pl.when(at(IWM, 0)).then(ratio).otherwise("Stock Splits").alias("Stock Splits")
    return adjusted(IWM.with_columns(*prices, pl.col("Volume") * ratio, split))


def _invents_split(ratio: float) -> Frame:
    """A split on the newest session that is not in the closes."""
    return _before(0, 1.0, split=ratio)


def _flat_end(count: int) -> Frame:
    """The last bars repeat the previous close, without volume."""
    end = pl.int_range(pl.len()) >= pl.len() - count
    close = IWM["Close"][-count - 1]
    flat = [pl.when(end).then(close).otherwise(c).alias(c) for c in ("Open", "High", "Low", "Close")]
    return adjusted(IWM.with_columns(*flat, pl.when(end).then(0.0).otherwise("Volume").alias("Volume")))


def _copied(volume: float) -> Frame:
    """The bar of one session repeated in the next."""
    source = IWM.row(-1 - 51, named=True)
    cells = {c: source[c] for c in ("Open", "High", "Low", "Close")} | {"Volume": source["Volume"] * volume}
    return adjusted(IWM.with_columns(pl.when(at(IWM, 50)).then(value).otherwise(c).alias(c) for c, value in cells.items()))


def _without_rows(count: int) -> Frame:
    return pl.concat([IWM.head(200), IWM.slice(200 + count)])


def _volumes(count: int, factor: float) -> Frame:
    return _many(lambda frame, n: changed(frame, n, Volume=factor), *range(100, 100 + count))


def _without_dividend(*, adjusted_closes_agree: bool) -> Frame:
    """The newest dividend is zero."""
    frame = IWM.with_columns(pl.when(pl.col("Date") == _EX_DATE).then(0.0).otherwise("Dividends").alias("Dividends"))
    return adjusted(frame) if adjusted_closes_agree else frame


def _pays_last(*, withdrawn: bool = False, adjusted_closes_agree: bool = False) -> Frame:
    """A dividend in one of the newest sessions."""
    dividend = pl.when(at(IWM, 2)).then(0.8).otherwise("Dividends").alias("Dividends")
    frame = IWM if adjusted_closes_agree else adjusted(IWM.with_columns(dividend))
    return frame.with_columns(IWM["Dividends"]) if withdrawn else frame


def _pays_newest(share: float) -> Frame:
    """A dividend of the newest session, a fraction of the price, that is not in the adjusted closes yet."""
    return IWM.with_columns(pl.when(at(IWM, 0)).then(share * IWM["Close"][-2]).otherwise("Dividends").alias("Dividends"))


def _ignore(_: Document) -> None:
    """No preparation."""


_EX_DATE = IWM.filter(pl.col("Dividends") > 0)["Date"][-1]
_EX_BACK = len(SESSIONS) - 1 - SESSIONS.index(_EX_DATE)


def _shifted() -> Frame:
    """Every value under the date of the next session."""
    return IWM.with_columns(pl.exclude("Date").shift(1)).drop_nulls()


def _on_its_own() -> Frame:
    """A fund with a low correlation with the others."""
    noise = np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.015, IWM.height)))
    return adjusted(IWM.with_columns(pl.col(c) * pl.Series(noise) for c in ("Open", "High", "Low", "Close")))


_SPY = bars("SPY").filter(pl.col("Date") >= FIRST_OF_IWM)
_TWIN = adjusted(_SPY.with_columns(pl.col("Open", "High", "Low", "Close") + 0.01))

CASES = [
    _row("adjusted_close_agrees", changed(IWM, 50, Adj_Close=1.001), changed(IWM, 50, Adj_Close=1.0004), 50),
    _row("adjusted_close_agrees", _pays_newest(0.017), _pays_newest(0.0095), 0, note="the newest dividend"),
    _row("close_moves_with_others", _closing(50, 1.05), _closing(50, 1.015), 50),
    _row("close_moves_with_others", _closing(50, 0.01), _closing(50, 0.985), 50, note="a hundredth"),
    _row("open_moves_with_others", scaled(IWM, 50, 1.05), scaled(IWM, 50, 1.015), 50),
    _row("newest_close_is_confirmed", _closing(0, 1.07), _closing(0, 1.03), 0),
    _row("newest_close_is_confirmed", scaled(IWM, 0, 100), scaled(IWM, 0, 1.03), 0, note="a hundred times"),
    _next("newest_close_is_confirmed", _closing(0, 1.07).tail(1), _closing(0, 1.03).tail(1), 0, note="one session"),
    _next(
        "newest_close_is_confirmed",
        _closing(0, 1.07).tail(45).filter(~at(IWM, 1)),
        _closing(0, 1.03).tail(45).filter(~at(IWM, 1)),
        0,
        note="the session before is missing",
    ),
    _row("range_is_possible", changed(IWM, 50, High=1.35), changed(IWM, 50, High=1.12), 50),
    _row("range_is_possible", changed(IWM, 50, Low=0.7), changed(IWM, 50, Low=0.9), 50, note="the low"),
    _row("volume_is_possible", changed(IWM, 50, Volume=100), changed(IWM, 50, Volume=30), 50),
    _row("volume_is_possible", changed(IWM, 50, Volume=0), changed(IWM, 50, Volume=0.01), 50, note="nothing"),
    _row("bar_is_not_a_copy", _copied(1.0), _copied(1.1), 50),
    _restating("restated_bar_is_better", _closing(50, 1.012), _closing(50, 1.0015), 50),
    _restating("restated_bar_is_better", changed(IWM, 50, High=1.03), changed(IWM, 50, High=1.015), 50, note="the high"),
    _restating(
        "known_action_is_kept",
        _without_dividend(adjusted_closes_agree=False),
        _without_dividend(adjusted_closes_agree=True),
        _EX_BACK,
        table="corporate_actions",
    ),
    Case(
        "known_action_is_kept",
        _put(_pays_last(withdrawn=True)),
        _put(_pays_last(withdrawn=True, adjusted_closes_agree=True)),
        days=(_day(2),),
        table="corporate_actions",
        note="of the newest days",
        prepare=lambda desk: _ignore(desk.prices("IWM", _pays_last().head(-1), answered(_day(1)))),
    ),
    _document(
        "few_rows_are_implausible",
        _many(lambda frame, n: scaled(frame, n, 1.2), 50, 100, 150, 200),
        _many(lambda frame, n: scaled(frame, n, 1.2), 50, 100, 150),
        honest_quarantined=3,
    ),
    _document("few_rows_are_implausible", _flat_end(20), _flat_end(0), note="an end without volume"),
    _document("level_is_continuous", _before(100, 1.25), _before(100, 1.12)),
    _document("level_is_continuous", _before(100, 10), _before(100, 1.0), note="ten times"),
    _document("split_is_rescaled", _before(100, 2.0, split=2.0), _before(100, 1.0, split=2.0)),
    _next("split_is_rescaled", _invents_split(2.0).tail(1), _splits_last(2.0).tail(1), note="one session"),
    _next("split_is_rescaled", _invents_split(2.0).tail(4), _splits_last(2.0).tail(4), note="four sessions"),
    _next("split_is_rescaled", _invents_split(1.1).tail(4), _splits_last(1.1).tail(4), note="a small split"),
    _document(
        "begins_with_the_fund",
        since_ever("IWM").filter(pl.col("Date") >= SESSIONS[10]),
        since_ever("IWM").filter(pl.col("Date") >= FIRST_OF_IWM - timedelta(days=5)),
    ),
    Case(
        "begins_with_the_fund",
        _put(_SPY.filter(pl.col("Date") >= FIRST_OF_IWM), "SPY"),
        _put(bars("SPY").filter(pl.col("Date") > FIRST_OF_IWM + timedelta(days=8)), "SPY"),
        "empty",
        note="another fund's first day",
    ),
    _document("sessions_are_complete", _without_rows(21), _without_rows(20)),
    _next("history_is_not_restated", _invents_split(2.0).tail(45), _splits_last(2.0), note="a split after a night", night=True),
    _restating("history_is_not_restated", _volumes(7, 1.03), _volumes(5, 1.03)),
    _restating("history_is_not_restated", _volumes(300, 1.021), _volumes(300, 1.019), note="by little"),
    _document("is_not_another_fund", _SPY, _TWIN),
    _document("is_not_another_fund", _SPY.tail(45), _TWIN.tail(45), note="a short answer"),
    _document("dates_are_aligned", _shifted(), _on_its_own()),
    _document(
        "dollar_volume_is_possible",
        IWM.with_columns(pl.col("Volume") * 70),
        IWM.with_columns(pl.col("Volume") * 35),
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_document_that_breaks_the_rule_is_quarantined(case: Case, make_desk: MakeDesk) -> None:
    check_faulty(case, make_desk(case.begin))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_honest_document_within_the_limit_is_used(case: Case, make_desk: MakeDesk) -> None:
    check_honest(case, make_desk(case.begin))

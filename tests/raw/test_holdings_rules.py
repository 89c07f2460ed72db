"""Every rule for holdings: a document that breaks it, and an honest one just within the limit."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from orchestration.landing.documents import Document
from tests.raw.cases import Case, Put, check_faulty, check_honest
from tests.raw.conftest import MakeDesk
from tests.raw.market import AT, MOST_LINES, SECTORS, Snapshot, answered, bars, holdings

IWM = holdings("IWM")
FREE = IWM.undeclared()  # without shares outstanding, so that only one rule applies
COUNT = IWM.lines.height
_NUMBER = pl.int_range(pl.len())


def _put(snapshot: Snapshot) -> Put:
    return lambda desk: desk.holdings(snapshot, answered(IWM.as_of))


def _by_itself(rule: str, lie: Snapshot, honest: Snapshot, note: str = "") -> Case:
    return Case(rule, _put(lie), _put(honest), "empty", note=note)


def _with_closes(rule: str, lie: Snapshot, honest: Snapshot, note: str = "") -> Case:
    """With known closes of the fund."""
    return Case(rule, _put(lie), _put(honest), "empty", note=note, prepare=lambda desk: _ignore(desk.prices("IWM", bars("IWM"))))


def _elsewhere(rule: str, lie: Snapshot, honest: Snapshot, note: str = "") -> Case:
    """With a known snapshot of the larger fund of 25 sessions before."""
    return Case(
        rule, _put(lie), _put(honest), "empty", note=note, prepare=lambda desk: _ignore(desk.holdings(holdings("IWV", 25)))
    )


def _after(rule: str, lie: Snapshot, honest: Snapshot, note: str = "") -> Case:
    """With a known snapshot of the fund of 25 sessions before."""
    return Case(
        rule, _put(lie), _put(honest), "empty", note=note, prepare=lambda desk: _ignore(desk.holdings(holdings("IWM", 25)))
    )


def _ignore(_: Document) -> None:
    """No preparation."""


def _lines(count: int) -> Snapshot:
    """The same names, and more without weight."""
    more = holdings("IWM", 0, count).lines.tail(count - COUNT).with_columns(pl.col("quantity", "value") / 1e4)
    return replace(FREE, lines=pl.concat([IWM.lines, more]))


def _some(share: float) -> pl.Expr:
    """Evenly spread lines."""
    return (_NUMBER * share).floor() != ((_NUMBER + 1) * share).floor()


def _smaller(count: int) -> pl.Expr:
    return COUNT - count <= _NUMBER


def _renamed(where: pl.Expr) -> Snapshot:
    """Replace some companies by others."""
    return FREE.with_lines(
        pl.when(where).then(pl.format("Z{}", "ticker")).otherwise("ticker").alias("ticker"),
        pl.when(where).then(pl.format("QQ {}", "name")).otherwise("name").alias("name"),
    )


def _rotated(column: str, share: float) -> Snapshot:
    """Rotate a column among some lines by the length of a sector plus one."""
    lines = FREE.lines.with_row_index("_n")
    some = lines.filter(_some(share))
    shifted = some.with_columns(pl.concat([some[column].tail(1), some[column].head(some.height - 1)]).alias(column))
    kept = lines.filter(~pl.col("_n").is_in(some["_n"].implode()))
    return replace(FREE, lines=pl.concat([kept, shifted]).sort("_n").drop("_n"))


def _relabelled(share: float) -> Snapshot:
    after = dict(zip(SECTORS, SECTORS[1:] + SECTORS[:1], strict=True))
    return FREE.with_lines(pl.when(_some(share)).then(pl.col("sector").replace(after)).otherwise("sector").alias("sector"))


def _one_sector(share: float) -> Snapshot:
    return FREE.with_lines(pl.when(_some(share)).then(pl.lit("Financials")).otherwise("sector").alias("sector"))


def _dominated(share: float) -> Snapshot:
    """Give the first line a share of the fund."""
    rest = float(FREE.lines["value"].sum()) - FREE.lines["value"][0]
    factor = share / (1 - share) * rest / FREE.lines["value"][0]
    return FREE.times(_NUMBER == 0, value=factor, quantity=factor)


def _sector_heavier(points: float) -> Snapshot:
    """Increase the weight of one sector."""
    weight = FREE.lines.filter(pl.col("sector") == "Energy")["value"].sum() / FREE.lines["value"].sum()
    now = weight + points
    factor = now / (1 - now) * (1 - weight) / weight
    return FREE.times(pl.col("sector") == "Energy", value=factor, quantity=factor)


def _reweighted(factor: float) -> Snapshot:
    """Multiply half of the quantities by a factor and divide the others, alternating within each sector."""
    heavy = (_NUMBER // len(SECTORS)) % 2 == 0
    times = pl.when(heavy).then(factor).otherwise(1 / factor)
    return FREE.times(value=times, quantity=times)


def _split(share: float, factor: float) -> Snapshot:
    """More shares at lower prices on some lines, with consistent values."""
    return FREE.times(_some(share), quantity=factor, price=1 / factor)


def _reordered(noise: float) -> Snapshot:
    """Other values at the same prices."""
    sizes = np.exp(np.random.default_rng(1).normal(0, noise, COUNT))
    lines = FREE.lines.with_columns(pl.Series("value", sizes * FREE.lines["value"].to_numpy()))
    return replace(FREE, lines=lines.with_columns(quantity=pl.col("value") / pl.col("price")))


def _permuted() -> Snapshot:
    order = np.random.default_rng(1).permutation(COUNT)
    lines = FREE.lines.with_columns(pl.Series("value", FREE.lines["value"].to_numpy()[order]))
    return replace(FREE, lines=lines.with_columns(quantity=pl.col("value") / pl.col("price")))


def _copied(share: float) -> Snapshot:
    """The lines of 25 sessions before under the current date."""
    then = holdings("IWM", 25).lines
    lines = [then.filter(_some(share)), FREE.lines.filter(~_some(share))]
    return replace(FREE, lines=pl.concat(lines).sort("ticker"))


CASES = [
    _by_itself(
        "as_of_is_a_weekday",
        replace(FREE, as_of=date(2026, 5, 3)),
        replace(FREE, as_of=date(2026, 2, 28)),
        note="a Sunday, and the last of a month on a Saturday",
    ),
    _by_itself("lines_are_not_too_many", _lines(MOST_LINES + 1), _lines(MOST_LINES)),
    _by_itself("value_is_price_times_quantity", FREE.times(_some(0.06), quantity=1.03), FREE.times(_some(0.04), quantity=1.03)),
    _by_itself("value_is_price_times_quantity", FREE.times(price=1.021), FREE.times(price=1.019), note="all by little"),
    _by_itself(
        "value_is_price_times_quantity",
        _dominated(0.03).times(_NUMBER == 0, quantity=1.3),
        _dominated(0.03).times(_NUMBER == 0, quantity=1.2),
        note="one large line",
    ),
    _by_itself("sectors_are_many", _one_sector(0.75), _one_sector(0.6)),
    _by_itself("no_line_dominates", _dominated(0.26), _dominated(0.24)),
    _with_closes("net_assets_agree", IWM.times(value=1.06, quantity=1.06), IWM.times(value=1.04, quantity=1.04)),
    _with_closes("net_assets_agree", IWM.times(value=1000, price=1000), IWM, note="a thousand times"),
    _elsewhere("prices_agree_elsewhere", FREE.times(value=2.5, price=2.5), FREE.times(value=1.7, price=1.7)),
    _elsewhere("prices_agree_elsewhere", _split(0.3, 3.0), _split(0.2, 3.0), note="some lines"),
    _elsewhere("weights_agree_elsewhere", _permuted(), _reordered(0.8)),
    _elsewhere("sectors_agree_elsewhere", _relabelled(0.25), _relabelled(0.18)),
    _elsewhere("tickers_bear_their_names", _rotated("name", 0.25), _rotated("name", 0.18)),
    _after("lines_are_as_before", _lines(366), _lines(364)),
    _after(
        "lines_are_as_before", replace(FREE, lines=FREE.lines.head(234)), replace(FREE, lines=FREE.lines.head(236)), note="fewer"
    ),
    _after("net_assets_are_as_before", FREE.times(value=3.4, quantity=3.4), FREE.times(value=2.6, quantity=2.6)),
    _after("names_are_as_before", _renamed(_smaller(120)), _renamed(_smaller(90))),
    _after("names_are_as_before", _renamed(_some(0.3)), _renamed(_some(0.2)), note="by weight"),
    _after("weights_are_as_before", _reweighted(5), _reweighted(2.5)),
    _after("implied_prices_are_as_before", _split(0.12, 3.0), _split(0.08, 3.0)),
    _after(
        "implied_prices_are_as_before",
        FREE.times(quantity=0.4, price=1 / 0.4),
        FREE.times(quantity=0.6, price=1 / 0.6),
        note="all lines",
    ),
    _after("sectors_are_as_before", _sector_heavier(0.09), _sector_heavier(0.07)),
    _after("sectors_agree_elsewhere", _relabelled(0.25), _relabelled(0.18), note="than before"),
    _after("tickers_bear_their_names", _rotated("name", 0.25), _rotated("name", 0.18), note="than before"),
    _after("snapshot_is_not_a_copy", _copied(0.55), _copied(0.45)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_document_that_breaks_the_rule_is_quarantined(case: Case, make_desk: MakeDesk) -> None:
    check_faulty(case, make_desk(case.begin))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_honest_document_within_the_limit_is_used(case: Case, make_desk: MakeDesk) -> None:
    check_honest(case, make_desk(case.begin))


@pytest.mark.parametrize("restated", [False, True])
def test_a_restated_neighbour_is_still_compared_with(restated: bool, make_desk: MakeDesk) -> None:
    desk = make_desk("empty")
    neighbour = holdings("IWV", 25)
    desk.holdings(neighbour)
    if restated:
        changed = neighbour.times(pl.col("ticker") == "N003", quantity=1.001, value=1.001)
        desk.holdings(changed, answered(neighbour.as_of) + timedelta(hours=12))
    desk.run()
    document = desk.holdings(IWM.undeclared().with_lines(pl.col("name").reverse()))
    desk.run()
    assert desk.status(document) == "quarantined"


def test_an_older_snapshot_that_arrives_later_is_not_the_newest(make_desk: MakeDesk) -> None:
    desk = make_desk("empty")
    desk.holdings(holdings("IWM", 5).undeclared())
    desk.run()
    backfilled = holdings("IWM", 560).undeclared()
    desk.holdings(backfilled, AT, as_of=backfilled.as_of)
    document = desk.holdings(holdings("IWV").times(value=5.0, quantity=1.0, price=5.0), AT)
    desk.run()
    assert desk.status(document) == "quarantined"

"""Prepared desks: made once, copied for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.raw import market
from tests.raw.market import Desk

MakeDesk = Callable[[str], Desk]


def _begin(kind: str, folder: Path) -> Path:
    """`empty` has only the calendar; `neighbours` also the other funds; `with_rates` the target range; `known` all of these, IWM,
    the larger fund and the effective rate."""
    desk = Desk(folder)
    if kind in ("neighbours", "known"):
        for symbol in ("SPY", "QQQ"):
            desk.prices(symbol, market.bars(symbol))
    if kind == "known":
        desk.prices("IWM", market.bars("IWM"))
        desk.holdings(market.holdings("IWV", 25))
        desk.holdings(market.holdings("IWM", 25))
        desk.rates("DFF", market.rates("DFF"))
    if kind in ("with_rates", "known"):
        for series in ("DFEDTARU", "DFEDTARL"):
            desk.rates(series, market.rates(series))
    desk.run()
    assert desk.in_quarantine() == []
    desk.connection.close()
    return folder


@pytest.fixture(scope="session")
def beginnings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of prepared desks by name."""
    return {kind: _begin(kind, tmp_path_factory.mktemp(kind)) for kind in ("empty", "neighbours", "with_rates", "known")}


@pytest.fixture
def make_desk(beginnings: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeDesk]:
    """A new desk with the named data."""
    made: list[Desk] = []

    def make(kind: str) -> Desk:
        made.append(Desk(tmp_path_factory.mktemp("desk"), beginnings[kind]))
        return made[-1]

    yield make
    for desk in made:
        desk.connection.close()

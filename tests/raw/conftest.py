"""Desks to begin from: made once, copied for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.raw import market
from tests.raw.market import Desk

MakeDesk = Callable[[str], Desk]


def _begin(kind: str, folder: Path) -> Path:
    """`empty` knows the calendar; `neighbours` the other funds, too; `with_rates` the target range; `known` all of it, and IWM,
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
    assert desk.waiting() == []
    desk.connection.close()
    return folder


@pytest.fixture(scope="session")
def beginnings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of closed desks by what they know."""
    return {kind: _begin(kind, tmp_path_factory.mktemp(kind)) for kind in ("empty", "neighbours", "with_rates", "known")}


@pytest.fixture
def make_desk(beginnings: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeDesk]:
    """A new desk that knows as much as said."""
    made: list[Desk] = []

    def make(kind: str) -> Desk:
        made.append(Desk(tmp_path_factory.mktemp("desk"), beginnings[kind]))
        return made[-1]

    yield make
    for desk in made:
        desk.connection.close()

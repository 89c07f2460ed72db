"""Readable documents with wrong content: each fault as the first document of its symbol, as a later one, and as the only one,
where applicable.

A fault is written into a copy of a landing folder with honest documents:
- `first`: retrieved before the honest documents of its symbol, which follow it;
- `later`: retrieved after them;
- `only`: instead of them.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from tests.torture.fact_lies import fact_lies
from tests.torture.folder import Folder, a_day_later
from tests.torture.holdings_lies import holdings_lies
from tests.torture.lie import LATER, ONLY, Lie, NotHere
from tests.torture.member_lies import cap_lies, member_lies
from tests.torture.price_lies import overlap_lies, price_lies, scaled
from tests.torture.rate_lies import each_value, rate_lies

__all__ = ["ONLY", "Lie", "NotHere", "catalogue"]


def catalogue() -> list[Lie]:
    """Every fault, in the order prices, rates, holdings, members, capitalisations, facts."""
    lies = [
        *price_lies(), *overlap_lies(), *rate_lies(), *holdings_lies(), *member_lies(), *cap_lies(), *fact_lies(),
        *_future_lies(),
    ]  # fmt: skip
    assert len({lie.name for lie in lies}) == len(lies)
    return lies


FUTURE = datetime.fromisoformat("2099-01-02T01:00:00+00:00")


def _future_lies() -> Iterator[Lie]:
    def prices(folder: Folder) -> list[Path]:
        bars, _ = folder.prices("IWM")
        return [folder.put_prices("IWM", FUTURE, scaled(1.02)(bars))]

    def rates(folder: Folder) -> list[Path]:
        return [folder.put_rates("DFEDTARU", FUTURE, each_value(lambda v: v + 0.25)(folder.rates("DFEDTARU")[0]))]

    def holdings(folder: Folder, fund: str, days: int) -> list[Path]:
        known = a_day_later(folder.snapshot(fund))
        as_of = FUTURE.date() - timedelta(days=3) if days else known.as_of
        extension = "csv" if fund == "QQQ" and known.lines[0].get("sector") else ""
        return [folder.put_snapshot(replace(known, as_of=as_of), FUTURE, extension)]

    says = "a file name of 2099 wins over every later document"
    yield Lie("iwm_prices_of_2099.later", "future", says, LATER, "for ever", True, prices)
    yield Lie("fred_of_2099.later", "future", says, LATER, "for ever", True, rates)
    for fund in ("IWM", "SPY", "QQQ"):
        yield Lie(
            f"{fund.lower()}_holdings_of_2099.later",
            "future",
            says,
            LATER,
            "for ever",
            True,
            partial(holdings, fund=fund, days=0),
        )
        name = f"{fund.lower()}_as_of_2098.later"
        yield Lie(
            name,
            "future",
            f"{fund}: as-of date and file name of 2098 and 2099",
            LATER,
            "for ever",
            True,
            partial(holdings, fund=fund, days=1),
        )

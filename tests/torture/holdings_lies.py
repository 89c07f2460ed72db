"""Faulty holdings files."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from tests.torture.folder import Folder, Line, Snapshot, a_day_later, reweighted
from tests.torture.lie import DAY, EVERYWHERE, FIRST, LATER, MINUTE, ONLY, Lie, NotHere

Change = Callable[[Snapshot, Folder], Snapshot]


def holdings_lies() -> Iterator[Lie]:
    """Faults of an issuer's CSV, workbook or JSON."""

    def add(
        name: str,
        funds: tuple[str, ...],
        change: Change,
        sentence: str,
        error: str,
        positions: tuple[str, ...] = EVERYWHERE,
        uncontradicted: tuple[str, ...] = (),
    ) -> Iterator[Lie]:
        for fund in funds:
            for position in positions:
                write = partial(_write_holdings, fund=fund, change=change, position=position)
                full = f"{fund.lower()}_{name}.{position}"
                yield Lie(full, "holdings", f"{fund}: {sentence}", position, error, position not in uncontradicted, write)

    everyone, valued = ("IWM", "SPY", "QQQ"), ("IWM", "QQQ")
    yield from add("values_1000x", valued, _each(market_value=1000, notional=1000), "all market values times 1000", "99 900 %")
    yield from add(
        "values_in_thousands", valued, _each(market_value=0.001, notional=0.001), "all market values in thousands", "99.9 %"
    )
    yield from add(
        "values_and_quantities_10x",
        valued,
        _each(market_value=10, notional=10, quantity=10),
        "ten times the fund: values and quantities",
        "900 % of the fund's assets",
        uncontradicted=(),
    )
    yield from add("quantities_10x", everyone, _each(quantity=10), "all quantities times 10", "900 % of each quantity")
    yield from add("prices_10x", ("IWM",), _each(price=10), "all prices times 10", "900 % of each price")
    yield from add(
        "shares_outstanding_10x",
        ("IWM",),
        lambda s, _: replace(s, shares=(s.shares or 0) * 10),
        "shares outstanding times 10",
        "900 % of one fact",
    )
    yield from add("weights_permuted", everyone, _permuted("weight"), "weights permuted among the lines", "up to 8 points a line")
    yield from add(
        "sizes_permuted",
        everyone,
        _permuted("weight", "market_value", "notional", "quantity", "price"),
        "weights, values, quantities and prices permuted among the names",
        "up to 8 points a line",
    )
    yield from add("weights_equal", everyone, _equal, "every line with the same weight and value", "8 points for the largest")
    yield from add("weights_as_fractions", everyone, _each(weight=0.01), "weights as fractions", "99 % of each weight")
    yield from add("all_financials", ("IWM", "QQQ"), _sector("Financials"), "every sector Financials", "99 % Financials")
    yield from add("sectors_shuffled", ("IWM", "QQQ"), _permuted("sector"), "sectors shuffled", "10 points a sector")
    yield from add("one_sector_renamed", ("IWM",), _sector_moved, "every Health Care line as Energy", "15 points of two sectors")
    yield from add("sectors_blank", ("IWM",), _sector("-"), "no sector on any line", "coverage 0 %")
    yield from add("half_cut", everyone, _cut(0.5), "half of the list cut, weights rescaled", "weights doubled")
    yield from add("a_fifth_cut", ("IWM",), _cut(0.8), "a fifth of the list cut, weights rescaled", "25 % of each weight")
    yield from add(
        "largest_cut", ("SPY", "QQQ"), _largest_cut, "the eight largest lines cut, weights rescaled", "35 % of the fund"
    )
    yield from add(
        "one_line_cut",
        ("IWM",),
        _line_cut,
        "one line of some 0.1 % cut, weights rescaled",
        "0.1 % of the fund",
        uncontradicted=EVERYWHERE,
    )
    yield from add(
        "yesterdays_list",
        everyone,
        _under_next_date,
        "the list known under one date, with the next session's date",
        "one session",
        (LATER,),
    )
    yield from add(
        "old_list_new_date", ("IWM", "SPY"), _oldest_list, "the oldest known list under a new date", "a year", (LATER,)
    )
    yield from add(
        "tickers_shifted", everyone, _shifted_column("ticker"), "each ticker stands against the next line's name", "any"
    )
    yield from add("names_shifted", everyone, _shifted_column("name"), "each name stands against the next line's ticker", "any")
    yield from add("one_at_30", everyone, _one_position(0.30), "one position at 30 %", "22 to 29 points")
    yield from add("cash_at_40", everyone, _cash(0.40), "cash at 40 %", "40 points")
    yield from add("every_line_twice", everyone, _twice, "every line twice, each with half its weight", "twice the lines")
    yield from add("another_funds_list", everyone, _other_list, "another fund's list under this fund's title", "up to 90 points")
    yield from add("russell_3000_list", ("IWM",), _list_of("IWV"), "IWV's list under IWM's title", "60 % of the fund")
    yield from add(
        "sibling_list",
        ("SPY",),
        _list_of("IVV"),
        "IVV's list in SPY's layout: the same index",
        "quantities alone",
        uncontradicted=EVERYWHERE,
    )
    yield from add(
        "on_a_sunday",
        ("IWM", "SPY"),
        lambda s, _: _dated(s, _sunday(s.as_of)),
        "the as-of date is a Sunday",
        "one or two days",
        (LATER, ONLY),
    )
    yield from add(
        "other_issuers_quantities", ("SPY",), _permuted("quantity"), "quantities permuted among the lines", "any quantity"
    )


def _write_holdings(folder: Folder, *, fund: str, change: Change, position: str) -> list[Path]:
    """A later faulty file has the date of the next session, and its prices have drifted in addition to the fault."""
    if not folder.has_fund(fund):
        raise NotHere(f"no holdings of {fund}")
    honest = folder.snapshot(fund, 0 if position == FIRST else -1)
    wrong = change(a_day_later(honest) if position == LATER else honest, folder)
    at = {FIRST: honest.retrieved_at - MINUTE, LATER: a_day_later(honest).retrieved_at, ONLY: honest.retrieved_at}[position]
    if wrong.as_of >= at.date():
        at = at.replace(year=wrong.as_of.year, month=wrong.as_of.month, day=wrong.as_of.day) + DAY
    if position == ONLY:
        folder.remove("ishares" if fund == "IWM" else {"SPY": "ssga", "QQQ": "invesco"}[fund], "holdings", fund)
    # Only the issuer's CSV has sectors.
    extension = "csv" if fund == "QQQ" and wrong.lines[0].get("sector") else ""
    return [folder.put_snapshot(wrong, at, extension)]


def _each(**factors: float) -> Change:
    def change(snapshot: Snapshot, _: Folder) -> Snapshot:
        lines = [
            line | {name: line[name] * factor for name, factor in factors.items() if line.get(name) is not None}
            for line in snapshot.lines
        ]
        return replace(snapshot, lines=lines)

    return change


def _permuted(*names: str) -> Change:
    def change(snapshot: Snapshot, _: Folder) -> Snapshot:
        if "sector" in names and not snapshot.lines[0].get("sector"):
            raise NotHere(f"{snapshot.fund}'s file has no sector")
        order = np.random.default_rng(11).permutation(len(snapshot.lines)).tolist()
        lines = [
            line | {name: snapshot.lines[j].get(name) for name in names} for line, j in zip(snapshot.lines, order, strict=True)
        ]
        return replace(snapshot, lines=lines)

    return change


def _equal(snapshot: Snapshot, _: Folder) -> Snapshot:
    share = 1 / len(snapshot.lines)
    total = sum(line.get("market_value") or 0 for line in snapshot.lines)
    values = {"weight": round(100 * share, 6)} | ({"market_value": total * share, "notional": total * share} if total else {})
    return replace(snapshot, lines=[line | values for line in snapshot.lines])


def _sector(name: str) -> Change:
    def change(snapshot: Snapshot, _: Folder) -> Snapshot:
        if not snapshot.lines[0].get("sector"):
            raise NotHere(f"{snapshot.fund}'s file has no sector")
        held = {id(line) for line in snapshot.equities}
        return replace(snapshot, lines=[line | {"sector": name} if id(line) in held else line for line in snapshot.lines])

    return change


def _sector_moved(snapshot: Snapshot, _: Folder) -> Snapshot:
    lines = [line | {"sector": "Energy"} if line["sector"] == "Health Care" else line for line in snapshot.lines]
    return replace(snapshot, lines=lines)


def _cut(kept: float) -> Change:
    def change(snapshot: Snapshot, _: Folder) -> Snapshot:
        keep = np.random.default_rng(5).random(len(snapshot.lines)) < kept
        lines = [line for line, stays in zip(snapshot.lines, keep.tolist(), strict=True) if stays]
        return replace(snapshot, lines=reweighted(lines))

    return change


def _largest_cut(snapshot: Snapshot, _: Folder) -> Snapshot:
    return replace(snapshot, lines=reweighted(snapshot.lines[8:]))


def _line_cut(snapshot: Snapshot, _: Folder) -> Snapshot:
    place = next(i for i, line in enumerate(snapshot.lines) if (line["weight"] or 0) < 0.1)
    return replace(snapshot, lines=reweighted([*snapshot.lines[:place], *snapshot.lines[place + 1 :]]))


def _dated(snapshot: Snapshot, day: date) -> Snapshot:
    return replace(snapshot, as_of=day)


def _sunday(day: date) -> date:
    return day + timedelta(days=6 - day.weekday())


def _under_next_date(snapshot: Snapshot, folder: Folder) -> Snapshot:
    known = folder.snapshot(snapshot.fund)
    return replace(snapshot, lines=known.lines, shares=known.shares)


def _oldest_list(snapshot: Snapshot, folder: Folder) -> Snapshot:
    oldest = folder.snapshot(snapshot.fund, 0)
    if oldest.as_of >= folder.snapshot(snapshot.fund).as_of:
        raise NotHere(f"only one snapshot of {snapshot.fund}")
    return replace(snapshot, lines=oldest.lines, shares=oldest.shares)


def _shifted_column(name: str) -> Change:
    def change(snapshot: Snapshot, _: Folder) -> Snapshot:
        values = [line.get(name) for line in snapshot.lines]
        shifted = [*values[1:], values[0]]
        return replace(snapshot, lines=[line | {name: value} for line, value in zip(snapshot.lines, shifted, strict=True)])

    return change


def _one_position(share: float) -> Change:
    def change(snapshot: Snapshot, _: Folder) -> Snapshot:
        return replace(snapshot, lines=_with_share(snapshot.lines, 3, share))

    return change


def _with_share(lines: list[Line], place: int, share: float) -> list[Line]:
    """Give one line a share of the fund and reduce the others in proportion, with quantities."""
    by = "market_value" if any(line.get("market_value") for line in lines) else "weight"
    whole = sum(line.get(by) or 0.0 for line in lines)
    own = lines[place].get(by) or 0.0
    result = []
    for number, line in enumerate(lines):
        if number == place:
            factor = share * whole / own if own else 0.0
            fresh = line | {by: share * whole} | ({"notional": share * whole} if line.get("notional") is not None else {})
        else:
            factor = (1 - share) * whole / (whole - own)
            fresh = line | {name: line[name] * factor for name in (by, "notional") if line.get(name) is not None}
        if line.get("quantity") is not None and factor:
            fresh["quantity"] = round(line["quantity"] * factor)
        result.append(fresh)
    return reweighted(result)


def _cash(share: float) -> Change:
    def change(snapshot: Snapshot, _: Folder) -> Snapshot:
        cash = {
            "IWM": {
                "ticker": "USD",
                "name": "USD CASH",
                "sector": "Cash and/or Derivatives",
                "asset_class": "Cash",
                "price": 100.0,
            },
            "SPY": {"ticker": "-", "name": "US DOLLAR", "cusip": "CASH_USD", "sedol": "-", "sector": "-", "currency": "USD"},
            "QQQ": {"ticker": "USD", "name": "US Dollar", "asset_class": "Currency", "cusip": "CASHUSD00", "sector": "-"},
        }[snapshot.fund]
        if not any(line.get("sector") for line in snapshot.lines):
            cash["asset_class"] = "CURR"
        money = 1.0 if any(line.get("market_value") for line in snapshot.lines) else None
        line: Line = {"weight": 1.0, "market_value": money, "notional": money, "quantity": 1.0, "price": None, **cash}
        lines = _with_share([*snapshot.lines, line], len(snapshot.lines), share)
        return replace(snapshot, lines=lines)

    return change


def _twice(snapshot: Snapshot, _: Folder) -> Snapshot:
    names = ("weight", "market_value", "notional", "quantity")
    halves = [line | {name: line[name] / 2 for name in names if line.get(name) is not None} for line in snapshot.lines]
    # Another name, so that the second line is not a duplicate.
    return replace(snapshot, lines=[*halves, *(line | {"name": f"{line['name']} A"} for line in halves)])


def _other_list(snapshot: Snapshot, folder: Folder) -> Snapshot:
    """The lines of another fund, as many as this fund has."""
    other = {"IWM": "IWV", "SPY": "IWM", "QQQ": "SPY"}[snapshot.fund]
    if not folder.has_fund(other):
        raise NotHere(f"no holdings of {other}")
    taken = folder.snapshot(other).equities
    lines = taken[-len(snapshot.lines) :] if snapshot.fund == "QQQ" else taken[: len(snapshot.lines)]
    return replace(snapshot, lines=_in_layout(lines, snapshot))


def _list_of(other: str) -> Change:
    def change(snapshot: Snapshot, folder: Folder) -> Snapshot:
        if not folder.has_fund(other):
            raise NotHere(f"no holdings of {other}")
        return replace(snapshot, lines=_in_layout(folder.snapshot(other).lines, snapshot))

    return change


def _in_layout(lines: list[Line], snapshot: Snapshot) -> list[Line]:
    """Another fund's lines with the fields of this fund's file."""
    whole = sum(line.get("market_value") or 0.0 for line in snapshot.lines)
    part = sum(line.get("market_value") or line.get("weight") or 0.0 for line in lines)
    fields = set(snapshot.lines[0])
    result = []
    for number, line in enumerate(lines):
        fresh: Line = {
            "cusip": f"9{number:08}",
            "sedol": f"X{number:06}",
            "asset_class": snapshot.lines[0].get("asset_class"),
            **line,
        }
        if whole:
            value = (line.get("market_value") or line.get("weight") or 0.0) / part * whole
            fresh |= {"market_value": value, "notional": value}
            fresh["price"] = line.get("price") or 100.0
            fresh["quantity"] = value / fresh["price"] if fresh["price"] else line.get("quantity")
        result.append({name: fresh.get(name) for name in fields | {"market_value", "weight"} if whole or name != "market_value"})
    if not whole:
        stated = sum(line.get("weight") or 0.0 for line in lines)
        return [line | {"weight": round((line["weight"] or 0.0) / stated * 100, 6)} for line in result]
    return reweighted(result)

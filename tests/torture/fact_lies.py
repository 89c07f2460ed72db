"""Faulty quotes and option chains, fund data, and editions of the factors."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from tests.torture.folder import Folder
from tests.torture.lie import EVERYWHERE, FIRST, LATER, MINUTE, ONLY, Lie, NotHere

Answer = dict[str, Any]


def fact_lies() -> Iterator[Lie]:
    """Faults of the three kinds."""
    yield from _quote_lies()
    yield from _fund_data_lies()
    yield from _factor_lies()


def _taken(
    folder: Folder, place: str, position: str, is_fit: Callable[[bytes], bool] = lambda _: True
) -> tuple[bytes, datetime, str]:
    """The honest content next to the position, the retrieval time of the faulty document, and its extension."""
    found = [document for document in folder.documents(*place.split("/")) if is_fit(document.read())]
    if not found:
        raise NotHere
    document = found[0 if position == FIRST else -1]
    assert document.retrieved_at is not None
    content = document.read()
    if position == ONLY:
        folder.remove(*place.split("/"))
    return content, document.retrieved_at + (-MINUTE if position == FIRST else MINUTE), document.extension


# quotes


@dataclass
class Chain:
    """A document of quotes: the contracts and the quote; `listed` and `symbol` are texts of its metadata."""

    contracts: pl.DataFrame
    quote: Answer
    symbol: str
    listed: str

    @classmethod
    def read(cls, content: bytes) -> "Chain":
        """From the document."""
        named = pl.read_parquet_metadata(io.BytesIO(content))
        return cls(pl.read_parquet(io.BytesIO(content)), json.loads(named["quote"]), named["symbol"], named["expirations"])

    def encode(self) -> bytes:
        """The document."""
        buffer = io.BytesIO()
        named = {"symbol": self.symbol, "quote": json.dumps(self.quote, sort_keys=True), "expirations": self.listed}
        self.contracts.write_parquet(buffer, metadata=named)
        return buffer.getvalue()


def _is_of_regular_hours(content: bytes) -> bool:
    """Before the open there is no open interest that a fault could change."""
    return bool(Chain.read(content).quote["marketState"] == "REGULAR")


ChainChange = Callable[[Chain], None]


def _columns(**factors: float) -> ChainChange:
    def change(chain: Chain) -> None:
        chain.contracts = chain.contracts.with_columns(pl.col(name) * factor for name, factor in factors.items())

    return change


def _price(factor: float) -> ChainChange:
    def change(chain: Chain) -> None:
        chain.quote |= {name: round(chain.quote[name] * factor, 2) for name in ("regularMarketPrice", "bid", "ask")}

    return change


def _currency(chain: Chain) -> None:
    chain.quote["currency"] = "GBP"


def _chain_10x(chain: Chain) -> None:
    """Prices and strikes, and the strikes in the names."""
    _price(10)(chain)
    _columns(strike=10, bid=10, ask=10, lastPrice=10)(chain)
    name = pl.col("contractSymbol")
    strike = (pl.col("strike") * 1000).round(0).cast(pl.Int64).cast(pl.String).str.zfill(8)
    chain.contracts = chain.contracts.with_columns(name.str.head(-8) + strike)


def _most_volume(chain: Chain) -> None:
    first = pl.int_range(pl.len()) == 0
    traded = pl.when(first).then(pl.col("lastTradeDate").max()).otherwise("lastTradeDate")
    chain.contracts = chain.contracts.with_columns(volume=pl.when(first).then(1e18).otherwise("volume"), lastTradeDate=traded)


def _quote_lies() -> Iterator[Lie]:
    def add(
        name: str, change: ChainChange, sentence: str, error: str, positions: tuple[str, ...] = EVERYWHERE, fund: str = "IWM"
    ) -> Iterator[Lie]:
        for position in positions:
            write = partial(_write_quotes, fund=fund, change=change, position=position)
            yield Lie(f"{fund.lower()}_{name}.{position}", "quotes", f"{fund}: {sentence}", position, error, True, write)

    yield from add("quote_2x", _price(2), "price, bid and ask are doubled", "100 %")
    yield from add("quote_half", _price(0.5), "price, bid and ask are halved", "50 %")
    yield from add("quote_12_percent", _price(1.12), "price, bid and ask are 12 % too high", "12 %")
    yield from add("quote_in_pounds", _currency, "the currency is GBP", "25 %")
    yield from add("strikes_10x", _columns(strike=10), "strikes are ten times those of the names", "900 % of each strike")
    yield from add("chain_10x", _chain_10x, "prices, strikes and names at ten times", "900 %")
    # A later one of the same session replaces the one before, and its expiration is not read: that is a gap.
    yield from add("volume_1e18", _most_volume, "one contract traded 1e18 times", "any", (FIRST, ONLY))
    yield from add("volume_100x", _columns(volume=100), "all volumes times 100", "9 900 % of the volume")
    yield from add("interest_100x", _columns(openInterest=100), "all open interest times 100", "9 900 % of the open interest")
    yield from add(
        "interest_and_volume_100x", _columns(openInterest=100, volume=100), "open interest and volumes times 100", "9 900 %"
    )
    for symbols in (False, True):
        for position in EVERYWHERE:
            yield Lie(
                f"{'renamed_' if symbols else ''}spy_chain_as_qqq.{position}", "quotes",
                "QQQ: quote and chain of SPY" + (", under QQQ's names" if symbols else ""), position, "15 %", True,
                partial(_write_spy_as_qqq, renamed=symbols, position=position),
            )  # fmt: skip


def _write_quotes(folder: Folder, *, fund: str, change: ChainChange, position: str) -> list[Path]:
    content, at, extension = _taken(folder, f"yahoo/quotes/{fund}", position, _is_of_regular_hours)
    chain = Chain.read(content)
    change(chain)
    return [folder.put(f"yahoo/quotes/{fund}", at, chain.encode(), extension)]


def _write_spy_as_qqq(folder: Folder, *, renamed: bool, position: str) -> list[Path]:
    honest, _, extension = _taken(folder, "yahoo/quotes/QQQ", position)
    at = folder.documents("yahoo", "quotes", "SPY")[0 if position == FIRST else -1].retrieved_at
    assert at is not None
    chain = Chain.read(folder.documents("yahoo", "quotes", "SPY")[0 if position == FIRST else -1].read())
    chain.symbol = "QQQ"
    if renamed:
        chain.quote["symbol"] = "QQQ"
        chain.contracts = chain.contracts.with_columns(pl.col("contractSymbol").str.replace("SPY", "QQQ"))
    assert honest
    return [folder.put("yahoo/quotes/QQQ", at + (-MINUTE if position == FIRST else MINUTE), chain.encode(), extension)]


# fund data


def _info(**factors: float) -> Callable[[Answer], None]:
    def change(answer: Answer) -> None:
        for name, factor in factors.items():
            answer["info"][name] = answer["info"][name] * factor

    return change


def _fee_10x(answer: Answer) -> None:
    _info(netExpenseRatio=10)(answer)
    operations = answer["funds_data"]["fund_operations"]
    operations["Annual Report Expense Ratio"] = 10 * operations["Annual Report Expense Ratio"]


def _one_holding(answer: Answer) -> None:
    answer["funds_data"]["top_holdings"] = [{"Symbol": "ONE", "Holding Percent": 0.9999}]


def _one_sector(answer: Answer) -> None:
    answer["funds_data"]["sector_weightings"] = {"technology": 0.99, "energy": 0.01}


def _long_category(answer: Answer) -> None:
    answer["info"]["category"] = "\x1b[31mx" * 20_000


def _fund_data_lies() -> Iterator[Lie]:
    def add(
        name: str, change: Callable[[Answer], None], sentence: str, error: str, uncontradicted: tuple[str, ...] = ()
    ) -> Iterator[Lie]:
        for position in EVERYWHERE:
            write = partial(_write_fund_data, change=change, position=position)
            yield Lie(
                f"qqq_{name}.{position}", "fund_data", f"QQQ: {sentence}", position, error, position not in uncontradicted, write
            )

    assets, alone = _info(totalAssets=1000, netAssets=1000), (FIRST, ONLY)
    yield from add("assets_1000x", assets, "net assets in both forms times 1000", "99 900 %")
    yield from add("assets_5x", _info(totalAssets=5, netAssets=5), "net assets in both forms times 5", "400 %", alone)
    yield from add("mean_volume_1e300", _info(averageVolume=1e292), "a mean volume of 1e300", "any")
    yield from add("mean_volume_5x", _info(averageVolume=5), "the mean volume times 5", "400 %")
    yield from add("fee_10x", _fee_10x, "the fee in both forms times 10", "900 %")
    yield from add("yield_25x", _info(**{"yield": 25, "dividendYield": 25}), "the yield in both forms times 25", "2 400 %")
    yield from add("one_top_holding", _one_holding, "one holding has 99.99 %", "90 points")
    yield from add("one_yahoo_sector", _one_sector, "one sector has 99 %", "50 points")
    yield from add("long_category", _long_category, "a category of 120 000 characters", "a text")
    for position in EVERYWHERE:
        for renamed in (False, True):
            yield Lie(
                f"{'renamed_' if renamed else ''}spy_data_as_qqq.{position}", "fund_data",
                "QQQ: the data of SPY" + (", with both symbols changed" if renamed else ""), position, "any",
                not renamed or position == LATER, partial(_write_other_fund, renamed=renamed, position=position),
            )  # fmt: skip


def _write_fund_data(folder: Folder, *, change: Callable[[Answer], None], position: str) -> list[Path]:
    content, at, extension = _taken(folder, "yahoo/fund_data/QQQ", position)
    answer = json.loads(content)
    change(answer)
    return [folder.put("yahoo/fund_data/QQQ", at, json.dumps(answer).encode(), extension)]


def _write_other_fund(folder: Folder, *, renamed: bool, position: str) -> list[Path]:
    _, at, extension = _taken(folder, "yahoo/fund_data/QQQ", position)
    found = folder.documents("yahoo", "fund_data", "SPY")
    answer = json.loads(found[0 if position == FIRST else -1].read()) | {"symbol": "QQQ"}
    if renamed:
        answer["info"]["symbol"] = "QQQ"
    return [folder.put("yahoo/fund_data/QQQ", at, json.dumps(answer).encode(), extension)]


# factors

_FACTORS = ("Mkt-RF", "SMB", "HML", "RF")


def _factor_lies() -> Iterator[Lie]:
    def add(
        name: str, factor: str, times: float, plus: float, sentence: str, error: str, uncontradicted: tuple[str, ...] = ()
    ) -> Iterator[Lie]:
        for position in EVERYWHERE:
            write = partial(_write_factors, factor=factor, times=times, plus=plus, position=position)
            label = f"{factor}: {sentence}"
            yield Lie(f"{name}.{position}", "factors", label, position, error, position not in uncontradicted, write)

    alone = (FIRST, ONLY)
    # In a folder of three years the limits beside the funds are wide, and a mean has no limit.
    short = (ONLY,)
    yield from add("market_half_a_point", "Mkt-RF", 1, 0.5, "half a point more on each day", "0.5 points a day")
    yield from add("market_a_twentieth", "Mkt-RF", 1, 0.05, "0.05 points more on each day", "0.05 points a day", short)
    yield from add("market_1.5x", "Mkt-RF", 1.5, 0, "each day times 1.5", "50 %")
    yield from add("market_0.4x", "Mkt-RF", 0.4, 0, "each day times 0.4", "60 %")
    yield from add("size_2x", "SMB", 2, 0, "each day times 2", "100 %")
    yield from add("size_0.2x", "SMB", 0.2, 0, "each day times 0.2", "80 %")
    yield from add("size_a_twentieth", "SMB", 1, 0.05, "0.05 points more on each day", "0.05 points a day", short)
    yield from add("value_2x", "HML", 2, 0, "each day times 2", "100 %", alone)
    yield from add("value_5x", "HML", 5, 0, "each day times 5", "400 %", short)
    yield from add("bill_zero", "RF", 0, 0, "zero on each day", "the T-bill")
    yield from add("bill_5x", "RF", 5, 0, "each day times 5", "400 %")
    yield from add("bill_3.5_points", "RF", 1, 0.014, "0.014 points more on each day", "3.5 points a year")


def _write_factors(folder: Folder, *, factor: str, times: float, plus: float, position: str) -> list[Path]:
    content, at, extension = _taken(folder, "french/factors/daily", position)
    place, lines = 1 + _FACTORS.index(factor), []
    for line in content.decode("latin-1").splitlines():
        cells = line.split(",")
        if len(cells) == 1 + len(_FACTORS) and cells[0].strip().isdigit():
            cells[place] = f"{float(cells[place]) * times + plus:9.3f}"
        lines.append(",".join(cells))
    return [folder.put("french/factors/daily", at, "\r\n".join([*lines, ""]).encode("latin-1"), extension)]

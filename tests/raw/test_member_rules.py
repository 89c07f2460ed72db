"""Every rule for members' prices: a document that breaks it, and an honest one just inside."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from orchestration.landing.collect import Landing
from orchestration.landing.documents import Document
from orchestration.landing.import_prices import import_prices
from orchestration.raw.validation.members import MOST_SYMBOLS, sample_of
from orchestration.universe import load_universe
from orchestration.vendors.yahoo.member_prices import FEED
from tests.conftest import SHARED
from tests.raw.cases import Case, Put, check_faulty, check_honest, nothing_more
from tests.raw.conftest import MakeDesk
from tests.raw.market import AT, CLOCK, DAY, SESSIONS, Desk, bars

DAYS = SESSIONS[-60:]
SYMBOLS = 150
PRICES = ("open", "high", "low", "close")
SINCE = DAYS[-5]
place = pl.col("symbol").str.slice(1).cast(pl.Int64)
is_late = pl.col("session") >= SINCE


@cache
def members(symbols: int = SYMBOLS) -> pl.DataFrame:
    """Bars of invented companies that move with SPY, each with a level and noise of its own."""
    draws = np.random.default_rng(11)
    fund = bars("SPY").tail(len(DAYS))["Close"].to_numpy()
    frames = []
    for number in range(symbols):
        close = np.round(draws.uniform(5, 300) * fund / fund[0] * np.exp(np.cumsum(draws.normal(0, 0.012, len(DAYS)))), 2)
        wicks = np.abs(draws.normal(0, 0.008, (2, len(DAYS)))) + 0.002
        volume = draws.integers(10_000, 1_000_000, len(DAYS))
        prices = {"open": close, "high": close * (1 + wicks[0]), "low": close * (1 - wicks[1]), "close": close}
        frames.append(pl.DataFrame({"symbol": f"M{number:03}", "session": DAYS, **prices, "volume": volume}))
    return pl.concat(frames)


def put(frame: pl.DataFrame, when: datetime = AT) -> Put:
    def write(desk: Desk) -> Document:
        buffer = BytesIO()
        frame.write_parquet(buffer)
        return desk.put("yahoo/member_prices/US", buffer.getvalue(), when, "parquet")

    return write


def know(desk: Desk) -> None:
    """The bars up to some sessions before the last one."""
    put(members().filter(pl.col("session") < DAYS[-2]), AT - 2 * DAY)(desk)


def recent(frame: pl.DataFrame, sessions: int = 10) -> pl.DataFrame:
    """As in a daily fetch."""
    return frame.filter(pl.col("session") >= DAYS[-sessions])


def times(factor: float | pl.Expr, where: pl.Expr, frame: pl.DataFrame | None = None) -> pl.DataFrame:
    frame = members() if frame is None else frame
    return frame.with_columns(pl.when(where).then(pl.col(name) * factor).otherwise(name).alias(name) for name in PRICES)


def with_the_symbols_of_others(where: pl.Expr, frame: pl.DataFrame | None = None) -> pl.DataFrame:
    """Symbols one line off."""
    frame = members() if frame is None else frame
    other = pl.format("M{}", ((place + 1) % SYMBOLS).cast(pl.String).str.zfill(3))
    return frame.with_columns(symbol=pl.when(where).then(other).otherwise("symbol")).sort("symbol", "session")


def a_session_early(frame: pl.DataFrame, where: pl.Expr | None = None) -> pl.DataFrame:
    """Bars under the date of the session before."""
    before = pl.col("session").replace_strict(DAYS[1:], DAYS[:-1], default=None)
    moved = frame.with_columns(session=pl.when(pl.lit(True) if where is None else where).then(before).otherwise("session"))
    return moved.drop_nulls("session")


def idle(name: str, where: pl.Expr) -> pl.DataFrame:
    """Bars without a range, or without volume."""
    columns = [pl.when(where).then("close").otherwise(price).alias(price) for price in PRICES]
    return members().with_columns(columns if name == "flat" else [pl.when(where).then(0).otherwise("volume").alias("volume")])


def widened(where: pl.Expr) -> pl.DataFrame:
    """Bars whose high is twice as high."""
    return members().with_columns(high=pl.when(where).then(pl.col("high") * 2).otherwise("high"))


def of_share(share: float) -> pl.Expr:
    """The first symbols, as a share of all."""
    return place < share * SYMBOLS


def case(rule: str, lie: pl.DataFrame, honest: pl.DataFrame, note: str, prepare: Callable[[Desk], None] = nothing_more) -> Case:
    return Case(rule, put(lie), put(honest), table="member_bars", note=note, prepare=prepare)


few = members(60)
newest = pl.col("session") == DAYS[-1]
ratios = pl.lit(2.0) + place  # each symbol its own
CASES = [
    case("members_move_with_funds", times(1.19, is_late), times(1.14, is_late), "many"),
    case("members_move_with_funds", times(1.39, is_late, few), times(1.31, is_late, few), "few"),
    case("members_move_with_funds", times(3, newest), times(3, newest & of_share(0.24)), "newest session"),
    case(
        "members_move_with_funds", times(3, newest).filter(pl.col("session") >= DAYS[-2]),
        members().filter(pl.col("session") >= DAYS[-2]), "after the known close", know,
    ),
    case("members_move_together", times(5, is_late & of_share(0.3)), times(5, is_late & of_share(0.2)), "some"),
    case("members_move_together", with_the_symbols_of_others(is_late), with_the_symbols_of_others(pl.lit(True)), "symbols"),
    case("member_dates_are_aligned", a_session_early(members()), a_session_early(members(), of_share(0.4)), "whole"),
    case(
        "member_dates_are_aligned", a_session_early(members(), pl.col("session") > DAYS[10]),
        recent(a_session_early(members()), 19), "part",
    ),
    *[
        case("member_bars_are_traded", idle(name, of_share(0.52)), idle(name, of_share(0.48)), name)
        for name in ("flat", "volume")
    ],
    *[
        case("member_bars_are_traded", idle(name, newest & of_share(0.8)), idle(name, newest & of_share(0.7)), f"{name}-session")
        for name in ("flat", "volume")
    ],
    case("member_ranges_are_possible", widened(of_share(0.02)), widened(of_share(0.01)), "highs"),
    case("member_ranges_are_possible", recent(widened(of_share(0.05)), 4), recent(widened(of_share(0.02)), 4), "few sessions"),
    case("member_closes_are_as_before", recent(times(3, of_share(0.15))), recent(times(3, of_share(0.09))), "one ratio", know),
    case("member_closes_are_as_before", recent(times(3, pl.lit(True))), times(ratios, of_share(0.4)), "splits", know),
    case(
        "member_closes_are_as_before", recent(a_session_early(members(), of_share(0.25))),
        recent(a_session_early(members(), of_share(0.15))), "dates", know,
    ),
    case(
        "member_closes_are_as_before", recent(with_the_symbols_of_others(pl.lit(True))),
        recent(times(1.02, pl.col("session") == DAYS[-5])), "symbols", know,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_document_that_breaks_the_rule_is_quarantined(case: Case, make_desk: MakeDesk) -> None:
    check_faulty(case, make_desk(case.begin))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_honest_document_within_the_limit_is_used(case: Case, make_desk: MakeDesk) -> None:
    check_honest(case, make_desk(case.begin))


def test_nothing_is_compared_where_there_are_few_symbols_or_no_fund(make_desk: MakeDesk) -> None:
    """A person's file of one company may have any bars, and without a fund's prices a level has no measure."""
    desk = make_desk("neighbours")
    wild = times(3, is_late).filter(place < 19)
    one = put(wild.with_columns(pl.lit(0).alias("volume")))(desk)
    desk.run()
    assert desk.status(one) == "accepted"
    alone = make_desk("empty")
    other = put(times(3, is_late))(alone)
    alone.run()
    assert alone.status(other) == "accepted"


def test_a_person_decides_and_later_documents_are_compared_with_that(make_desk: MakeDesk) -> None:
    desk = make_desk("neighbours")
    know(desk)
    wrong = put(recent(times(3, pl.lit(True))), AT)(desk)
    desk.run()
    assert desk.status(wrong) == "quarantined"
    assert desk.sql("select count(*), count(line) from raw.rejects") == [(2, 0)]  # its rules, without its lines
    right = put(recent(members()), AT + DAY)(desk)
    desk.run()
    assert desk.status(right) == "accepted"
    decide(desk, wrong, "accept")
    desk.run()
    assert (desk.status(wrong), desk.status(right)) == ("accepted", "quarantined")
    newest_close = (
        "select close from raw.member_bars where symbol = 'M007' and session = (select max(session) from raw.member_bars)"
    )
    expected = members().filter((pl.col("symbol") == "M007") & newest)["close"].item()
    assert [one for (one,) in desk.sql(newest_close)] == pytest.approx([3 * expected])
    decide(desk, wrong, "reject")
    desk.run()
    assert (desk.status(wrong), desk.status(right)) == ("rejected", "accepted")
    assert desk.sql(newest_close) == [(expected,)]


def decide(desk: Desk, document: Document, choice: str) -> None:
    """Add a decision."""
    [(sha256,)] = desk.sql(f"select sha256 from raw.documents where path = '{document.key}'")
    line = {"sha256": sha256, "choice": choice, "reason": "seen", "decided_at": "2026-05-06T00:00:00", "path": document.key}
    with desk.decisions.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")


@pytest.mark.slow
def test_the_order_of_arrival_does_not_matter(make_desk: MakeDesk) -> None:
    states = []
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        desk = make_desk("neighbours")
        documents = [
            put(members().filter(pl.col("session") < DAYS[-2]), AT - 2 * DAY),
            put(recent(with_the_symbols_of_others(pl.lit(True))), AT),
            put(recent(members()), AT + DAY),
        ]
        for number in order:
            documents[number](desk)
            desk.run()
        states.append(desk.sql("select path, status, rule from raw.documents where kind = 'member_prices' order by path"))
    assert states[0] == states[1] == states[2]
    assert [status for _, status, _ in states[0]] == ["accepted", "quarantined", "accepted"]


def test_the_sample_is_bounded_and_even() -> None:
    for count in (0, 1, MOST_SYMBOLS, MOST_SYMBOLS + 1, 5 * MOST_SYMBOLS):
        names = pl.Series("symbol", [f"{number:05}" for number in range(count)], pl.String)
        sample = sample_of({"member_bars": pl.DataFrame({"symbol": names})})
        assert len(sample) <= MOST_SYMBOLS
        assert len(sample) >= min(count, MOST_SYMBOLS // 2)


@pytest.mark.slow
def test_real_members_are_used(make_desk: MakeDesk, real_landing: Path, tmp_path: Path) -> None:
    """1 933 members from 2019 to 2024, with March 2020, beside the real fund; then their last sessions again."""
    table = SHARED / "constituents" / "iwm_2024-09_daily_2019-01_2024-03.parquet"
    if not table.is_file():
        pytest.skip(f"needs real bars in {table.parent}, which are licensed and not part of the project")
    desk = make_desk("empty")
    source = sorted((real_landing / "yahoo/prices/IWM").iterdir())[0]
    desk.put("yahoo/prices/IWM", source.read_bytes(), CLOCK - 30 * DAY)
    landing = Landing(desk.landing, [desk.landing], CLOCK - DAY)
    import_prices(table, landing)
    desk.run(load_universe())
    assert {desk.status(document) for document in landing.documents(FEED)} == {"accepted"}
    assert desk.in_quarantine() == []
    found = pl.read_parquet(table).rename({"ticker": "symbol", "date": "session"})
    again = found.filter(pl.col("session") >= pl.lit(found["session"].max()) - timedelta(days=14))
    later, wrong = put(again, CLOCK - DAY / 2)(desk), put(times(3, pl.lit(True), again), CLOCK - DAY / 4)(desk)
    desk.run(load_universe())
    assert (desk.status(later), desk.status(wrong)) == ("accepted", "quarantined")

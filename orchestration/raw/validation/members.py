"""Validation of members' prices: a document with many symbols, held against itself, the funds, and the known closes.

One wrong bar changes little, and the parser rejects impossible ones. These rules find what is wrong with many symbols at once, so
that a sample of the symbols is enough where closes are compared.
"""

from collections.abc import Iterator
from math import exp

import polars as pl

from orchestration.raw.validation.rules import Finding
from orchestration.raw.validation.verdict import Verdict

# Beside each limit: the largest value of 1 933 members of IWM from 2019 to 2024, in documents of 300 symbols in the order of the
# alphabet, and in the worst samples that were tried.
FEW, MANY = 20, 100
# Moves are log returns. 0.064 (300 symbols), 0.102 (50), 0.137 (20), all on 2020-03-18.
FARTHEST_FROM_FUND, FARTHEST_OF_FEW = 0.15, 0.30
WIDEST_SPREAD = 0.50  # between the quartiles: 0.16; 0.22 of the 100 that vary most
# By how much a correlation at one session's distance exceeds that on the same session: -0.56, 20 symbols; -0.17 in 20 sessions.
APART, SESSIONS_TO_ALIGN, BLOCK_SESSIONS = 0.5, 20, 60
# 1.3 % of the bars, 40 % of the 20 stocks that are traded least; 5 % in a session, 69 % of the 100 stocks that are traded least.
IDLE_SHARE, IDLE_SHARE_OF_SESSION = 0.50, 0.75
# A high 50 % above open and close, or a low 50 % below: 0.7 % of the bars of five sessions, 1.2 % in one (2020-03-18).
RANGE, RANGE_SHARE, RANGE_SHARE_OF_FEW, FEW_SESSIONS = 1.5, 0.015, 0.03, 5
# A close differs by more than rounding; a symbol by more than single corrections.
CLOSE_DIFFERENCE, CLOSES_SHARE, SYMBOLS_SHARE = 0.005, 0.20, 0.20
# In years of splits, some have the same ratio.
SAME_RATIO_SHARE, FEWEST_OF_ONE_RATIO = 0.10, 20
LARGEST_FUND_MOVE = 0.25  # more is a split
MOST_SYMBOLS = 200


def sample_of(rows: dict[str, pl.DataFrame]) -> pl.Series:
    """Symbols of a document, evenly from the alphabet, at most `MOST_SYMBOLS`: what is compared stays small."""
    symbols = rows["member_bars"]["symbol"].unique().sort()
    return symbols.gather_every(-(-len(symbols) // MOST_SYMBOLS) or 1)


def judge_members(
    rows: dict[str, pl.DataFrame], *, sample: pl.Series, known: pl.DataFrame, funds: pl.DataFrame, calendar: pl.DataFrame
) -> Verdict:
    """Judge one document.

    Args:
        rows: `member_bars`.
        sample: the symbols whose closes are compared.
        known: their last known closes from the session before the document on (symbol, session, close).
        funds: closes of the funds (symbol, session, close).
        calendar: session, session_no.
    """
    bars = rows["member_bars"]
    findings = [*_of_idle_bars(bars), *_of_ranges(bars)]
    closes = bars.select("symbol", "session", "close")
    if closes["symbol"].n_unique() != len(sample):
        closes = closes.filter(pl.col("symbol").is_in(sample.implode()))
    by_session = _moves_by_session(closes, known, calendar)
    fund_moves = _fund_moves(funds, calendar)
    findings += [*_of_moves(by_session, fund_moves), *_of_dates(by_session, fund_moves), *_beside_known(closes, known)]
    return Verdict(rows, findings=findings)


def _of_idle_bars(bars: pl.DataFrame) -> Iterator[Finding]:
    is_flat = (pl.col("high") == pl.col("low")) & (pl.col("open") == pl.col("close")) & (pl.col("high") == pl.col("close"))
    for is_idle, what in ((is_flat, "have the same open, high, low and close"), (pl.col("volume") == 0, "have no volume")):
        idle = bars.filter(is_idle)
        # Most documents have hardly any such bar.
        if idle.height <= IDLE_SHARE * FEW or bars["symbol"].n_unique() < FEW:
            continue
        if idle.height > IDLE_SHARE * bars.height:
            yield Finding("member_bars_are_traded", f"{idle.height:,} of {bars.height:,} bars {what}")
            continue
        counted = idle.group_by("session").len("idle").filter(pl.col("idle") > IDLE_SHARE_OF_SESSION * MANY)
        whole = bars.join(counted, on="session", how="semi").group_by("session").len("bars").join(counted, on="session")
        odd = whole.filter((pl.col("bars") >= MANY) & (pl.col("idle") > IDLE_SHARE_OF_SESSION * pl.col("bars"))).sort("session")
        if odd.height:
            first = odd.row(0, named=True)
            reason = f"on {first['session']} {first['idle']:,} of {first['bars']:,} bars {what}; {odd.height} such sessions"
            yield Finding("member_bars_are_traded", reason)


def _of_ranges(bars: pl.DataFrame) -> Iterator[Finding]:
    top, bottom = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    odd = bars.filter((pl.col("high") > RANGE * top) | (RANGE * pl.col("low") < bottom))
    share = RANGE_SHARE if bars["session"].n_unique() >= FEW_SESSIONS else RANGE_SHARE_OF_FEW
    if odd.height >= FEW and odd.height > share * bars.height:
        first = odd.sort("session", "symbol").row(0, named=True)
        yield Finding(
            "member_ranges_are_possible",
            f"{odd.height:,} of {bars.height:,} bars have a high 50 % above open and close, or a low 50 % below:"
            f" {first['symbol']} on {first['session']} from {first['low']:g} to {first['high']:g},"
            f" with a close of {first['close']:g}",
        )


def _moves_by_session(closes: pl.DataFrame, known: pl.DataFrame, calendar: pl.DataFrame) -> pl.DataFrame:
    """session_no, session, members (their number), and the quartiles and median of their moves from the session before.

    The first bar of a symbol is compared with the known one of the session before.
    """
    bars = closes.lazy().with_columns(is_of_document=pl.lit(True))
    if known.height:
        first = closes.group_by("symbol").agg(first=pl.col("session").min())
        before = known.lazy().join(first.lazy(), on="symbol").filter(pl.col("session") < pl.col("first")).drop("first")
        bars = pl.concat([bars, before.with_columns(is_of_document=pl.lit(False))])
    # One number in place of symbol and session, because it is sorted faster than texts.
    numbered = bars.join(calendar.lazy(), on="session").select(
        "session_no",
        "is_of_document",
        place=pl.col("symbol").cast(pl.Categorical).to_physical().cast(pl.Int64) * 100_000 + pl.col("session_no"),
        close=pl.col("close").log(),
    )
    moves = (
        numbered.sort("place")
        .with_columns(move=pl.col("close").diff(), step=pl.col("place").diff())
        .filter((pl.col("step") == 1) & pl.col("is_of_document"))
    )
    quartiles = {"lower": 0.25, "middle": 0.5, "upper": 0.75}
    grouped = moves.group_by("session_no").agg(
        members=pl.len(), **{name: pl.col("move").quantile(share) for name, share in quartiles.items()}
    )
    return grouped.filter(pl.col("members") >= FEW).join(calendar.lazy(), on="session_no").sort("session_no").collect()


def _fund_moves(funds: pl.DataFrame, calendar: pl.DataFrame) -> pl.DataFrame:
    """symbol, session_no and move (log return from the session before), without splits."""
    close = pl.col("close").log()
    return (
        funds.join(calendar, on="session")
        .sort("symbol", "session_no")
        .select("symbol", "session_no", move=close.diff().over("symbol"), step=pl.col("session_no").diff().over("symbol"))
        .filter((pl.col("step") == 1) & (pl.col("move").abs() < LARGEST_FUND_MOVE))
        .drop("step")
    )


def _of_moves(by_session: pl.DataFrame, fund_moves: pl.DataFrame) -> Iterator[Finding]:
    beside = by_session.join(fund_moves, on="session_no").with_columns(
        apart=(pl.col("middle") - pl.col("move")).abs(),
        limit=pl.when(pl.col("members") >= MANY).then(FARTHEST_FROM_FUND).otherwise(FARTHEST_OF_FEW),
    )
    nearest = beside.sort("apart", "symbol").unique("session_no", keep="first", maintain_order=True)
    far = nearest.filter(pl.col("apart") > pl.col("limit")).sort("session_no")
    if far.height:
        first = far.row(0, named=True)
        yield Finding(
            "members_move_with_funds",
            f"on {first['session']} the median of {first['members']:,} members moves by {_percent(first['middle'])} and"
            f" {first['symbol']}, the nearest fund, by {_percent(first['move'])}; {far.height} such sessions",
        )
    wide = by_session.filter(pl.col("upper") - pl.col("lower") > WIDEST_SPREAD)
    if wide.height:
        first = wide.row(0, named=True)
        yield Finding(
            "members_move_together",
            f"on {first['session']} a quarter of {first['members']:,} members moves by {_percent(first['lower'])} or less and a"
            f" quarter by {_percent(first['upper'])} or more: are these other companies? {wide.height} such sessions",
        )


def _percent(move: float) -> str:
    return f"{100 * (exp(move) - 1):+.1f} %"


def _of_dates(by_session: pl.DataFrame, fund_moves: pl.DataFrame) -> Iterator[Finding]:
    """In blocks, because dates may be shifted in a part of the document only."""
    neighbours = fund_moves.with_columns(
        earlier=pl.col("move").shift(1).over("symbol"), later=pl.col("move").shift(-1).over("symbol")
    ).drop_nulls()
    blocks = (
        by_session.with_columns(block=pl.int_range(pl.len()).reverse() // BLOCK_SESSIONS)
        .join(neighbours, on="session_no")
        .group_by("block", "symbol")
        .agg(
            pl.len().alias("sessions"),
            pl.col("session").min().alias("first"),
            same=pl.corr("middle", "move"),
            apart=pl.max_horizontal(pl.corr("middle", "earlier"), pl.corr("middle", "later")),
        )
        .filter((pl.col("sessions") >= SESSIONS_TO_ALIGN) & pl.col("same").is_not_nan() & pl.col("apart").is_not_nan())
        # A fund may be the shifted one, or little like the members.
        .group_by("block")
        .agg(pl.col("first").min(), pl.col("same").max(), pl.col("apart").max())
        .filter(pl.col("apart") - pl.col("same") > APART)
        .sort("first")
    )
    if blocks.height:
        first = blocks.row(0, named=True)
        yield Finding(
            "member_dates_are_aligned",
            f"from {first['first']} on, the median moves correlate at most {first['same']:.2f} with those of the funds on the"
            f" same session and {first['apart']:.2f} at one session's distance",
        )


def _beside_known(closes: pl.DataFrame, known: pl.DataFrame) -> Iterator[Finding]:
    both = closes.join(known, on=["symbol", "session"], suffix="_known").select(
        "symbol", "session", "close", "close_known", ratio=(pl.col("close") / pl.col("close_known")).log()
    )
    if both["symbol"].n_unique() < FEW:
        return
    off = (pl.col("ratio") - pl.col("middle")).abs() > CLOSE_DIFFERENCE
    middles = both.group_by("symbol").agg(middle=pl.col("ratio").median())
    differing = both.join(middles, on="symbol").group_by("symbol").agg(share=off.mean()).filter(pl.col("share") > CLOSES_SHARE)
    if differing.height > SYMBOLS_SHARE * middles.height:
        example = both.join(differing, on="symbol", how="semi").sort("symbol", "session").row(0, named=True)
        yield Finding(
            "member_closes_are_as_before",
            f"{differing.height:,} of {middles.height:,} known symbols have other closes than before, not by one ratio as after a"
            f" split; for example {example['symbol']} on {example['session']} {example['close']:g} in place of"
            f" {example['close_known']:g}",
        )
    rescaled = middles.filter(pl.col("middle").abs() > CLOSE_DIFFERENCE).with_columns(
        step=(pl.col("middle") / (2 * CLOSE_DIFFERENCE)).round()
    )
    alike = rescaled.group_by("step").agg(symbols=pl.len(), middle=pl.col("middle").median()).sort("symbols", "step")
    most = alike.row(-1, named=True) if alike.height else {"symbols": 0}
    if most["symbols"] >= FEWEST_OF_ONE_RATIO and most["symbols"] > SAME_RATIO_SHARE * middles.height:
        yield Finding(
            "member_closes_are_as_before",
            f"the closes of {most['symbols']:,} of {middles.height:,} known symbols are {exp(most['middle']):.4g}"
            " times those known before: splits differ from company to company",
        )

"""Is an edition of the factors plausible? Held against itself, the calendar, the edition before it, and the funds.

Each edition revises the whole history, so that a change is no finding by itself: what counts is its size. An edition is used as a
whole or not at all, because a session that is missing would change every mean after it.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import polars as pl

from orchestration.raw.validation.rules import Finding
from orchestration.raw.validation.verdict import Verdict

# Beside each limit: what the editions of 2025 show for 1926-2025.
BOUNDS = {
    "market_excess": (-25.0, 25.0),  # -17.44 (1987-10-19), 15.67 (1933-03-15)
    "small_minus_large": (-20.0, 16.0),  # -11.60 (1987-10-20), 8.19
    "high_minus_low": (-14.0, 16.0),  # -6.02, 8.82
    "risk_free": (-0.03, 0.15),  # -0.003, 0.061
}
NEEDED = ("market_excess", "small_minus_large", "risk_free")
LEAST_DEVIATION, MOST_DEVIATION = 0.2, 5.0  # 1.08
FEWEST_DAYS = 250
LONGEST_GAP = timedelta(days=15)  # 12: the bank holiday of March 1933
FEWEST_A_YEAR = 200  # 226: 1968, with closed Wednesdays
LAST_SATURDAY = date(1952, 12, 31)  # 1952-05-24
FEW_DAYS = 3
LEAST_CORRELATION = 0.98  # 0.9989 (high_minus_low) between two editions
# The largest change of one day between two editions: 0.96, 1.14, 1.70, 0.001; two decimals in place of three change 0.005.
LARGEST_CHANGE = {"market_excess": 3.0, "small_minus_large": 3.0, "high_minus_low": 4.0, "risk_free": 0.015}
LEAST_WITH_MARKET, LEAST_WITH_SIZE = 0.90, 0.50  # 0.985 with SPY, 0.868 with IWM - SPY; 0.92 and 0.69 in the worst year
_SATURDAY, _SUNDAY = 6, 7


def judge_factors(
    rows: dict[str, pl.DataFrame],
    *,
    retrieved_at: datetime,
    known: pl.DataFrame,
    funds: pl.DataFrame,
    calendar: pl.DataFrame,
) -> Verdict:
    """Judge one edition.

    Args:
        rows: `factors` with `_line` and `_content`; percent a session.
        known: the last known edition: date and the factors; empty where none is known.
        funds: what is known of the funds: session, spy, iwm (percent from close to close).
        calendar: every session of XNYS since our calendar begins (session).
    """
    factors = rows["factors"].sort("date")
    findings = [
        *_of_values(factors),
        *_of_days(factors, retrieved_at, calendar),
        *_beside_known(factors, known),
        *_beside_funds(factors, funds),
    ]
    return Verdict({"factors": factors.select(rows["factors"].columns)}, findings=findings)


def _of_values(factors: pl.DataFrame) -> Iterator[Finding]:
    deviation = factors["market_excess"].std()
    if isinstance(deviation, float) and factors.height >= FEWEST_DAYS and not LEAST_DEVIATION < deviation < MOST_DEVIATION:
        yield Finding(
            "factors_are_percent",
            f"the market moves by {deviation:.3g} a session (standard deviation), where some 1 % is usual: are these percent?",
        )
    for name in NEEDED:
        missing = factors.filter(pl.col(name).is_null())
        if missing.height:
            yield Finding(
                "factors_are_complete", f"{name} is missing on {missing.height} days, the first is {missing['date'][0]}"
            )
    for name, (low, high) in BOUNDS.items():
        beyond = factors.filter(~pl.col(name).is_between(low, high))
        if beyond.height:
            row = beyond.row(0, named=True)
            yield Finding(
                "factor_is_possible",
                f"{name} is {row[name]:g} % on {row['date']} (line {row['_line']}), not between {low:g} and {high:g} %;"
                f" {beyond.height} such days",
            )


def _of_days(factors: pl.DataFrame, retrieved_at: datetime, calendar: pl.DataFrame) -> Iterator[Finding]:
    days = factors["date"]
    last = days.max()
    assert isinstance(last, date)
    if last > retrieved_at.date():
        yield Finding("factor_days_are_sessions", f"its last day {last} is after its retrieval on {retrieved_at.date()}")
    weekday = pl.col("date").dt.weekday()
    closed = factors.filter((weekday == _SUNDAY) | ((weekday == _SATURDAY) & (pl.col("date") > LAST_SATURDAY)))
    if closed.height:
        yield Finding("factor_days_are_sessions", f"{closed.height} of its days are weekends, the first is {closed['date'][0]}")
    gaps = factors.select("date", gap=pl.col("date").diff()).filter(pl.col("gap") > LONGEST_GAP)
    if gaps.height:
        yield Finding("factor_days_are_complete", f"the {gaps['gap'][0].days} days before {gaps['date'][0]} have no row")
    years = factors.group_by(year=pl.col("date").dt.year()).len().sort("year")
    thin = years[1:-1].filter(pl.col("len") < FEWEST_A_YEAR)
    if thin.height:
        yield Finding("factor_days_are_complete", f"{thin['year'][0]} has {thin['len'][0]} days: is this the daily file?")
    since = factors.filter(pl.col("date") >= calendar["session"].min()).select(session="date")
    expected = calendar.filter(pl.col("session").is_between(since["session"].min(), last))
    odd = pl.concat(
        [since.join(expected, on="session", how="anti"), expected.select("session").join(since, on="session", how="anti")]
    ).sort("session")
    if odd.height > FEW_DAYS:
        yield Finding(
            "factor_days_are_sessions",
            f"it differs from the exchange's calendar on {odd.height} days, the first is {odd['session'][0]}",
        )


def _beside_known(factors: pl.DataFrame, known: pl.DataFrame) -> Iterator[Finding]:
    if known.is_empty():
        return
    (first, last), (known_first, known_last) = _span(factors), _span(known)
    if last < known_last or first > known_first:
        yield Finding(
            "edition_is_not_shorter",
            f"it covers {first} to {last}, and the edition before it {known_first} to {known_last}: is it an older one?",
        )
    both = factors.join(known, on="date", suffix="_known")
    if both.height < FEWEST_DAYS:
        yield Finding("edition_is_as_before", f"it has {both.height} days in common with the edition before it")
        return
    within = pl.col("date").is_between(max(first, known_first), min(last, known_last))
    odd = factors.filter(within).height + known.filter(within).height - 2 * both.height
    if odd > FEW_DAYS:
        yield Finding("edition_is_as_before", f"{odd} days are in one of it and the edition before it, and not in the other")
    for name, limit in LARGEST_CHANGE.items():
        change = (pl.col(name) - pl.col(f"{name}_known")).abs()
        largest = both.sort(change, nulls_last=False).row(-1, named=True)
        if largest[name] is not None and abs(largest[name] - largest[f"{name}_known"]) > limit:
            yield Finding(
                "edition_is_as_before",
                f"{name} of {largest['date']} was {largest[f'{name}_known']:g} % and is {largest[name]:g} %: editions differ by"
                f" less than {limit:g} points",
            )
        correlation = both.select(pl.corr(name, f"{name}_known")).item()
        if name != "risk_free" and (correlation is None or not correlation >= LEAST_CORRELATION):
            yield Finding(
                "edition_is_as_before",
                f"{name} correlates {correlation or 0:.2f} with the edition before it on {both.height} days",
            )


def _span(factors: pl.DataFrame) -> tuple[date, date]:
    first, last = factors["date"].min(), factors["date"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    return first, last


def _beside_funds(factors: pl.DataFrame, funds: pl.DataFrame) -> Iterator[Finding]:
    both = factors.join(funds, left_on="date", right_on="session").with_columns(
        market=pl.col("market_excess") + pl.col("risk_free"), size=pl.col("iwm") - pl.col("spy")
    )
    for name, theirs, least, what in (
        ("market", "spy", LEAST_WITH_MARKET, "SPY"),
        ("small_minus_large", "size", LEAST_WITH_SIZE, "IWM - SPY"),
    ):
        pairs = both.select(name, theirs).drop_nulls()
        if pairs.height < FEWEST_DAYS:
            continue
        correlation = pairs.select(pl.corr(name, theirs)).item()
        if not correlation >= least:
            yield Finding(
                "factors_move_with_funds", f"its {name} correlates {correlation:.2f} with {what} on {pairs.height} sessions"
            )

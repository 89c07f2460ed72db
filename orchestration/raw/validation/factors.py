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
# A correlation says nothing of level and scale. Between the two editions, in the whole history and in the worst year since 1993:
# mean 0.0003 and 0.010 points a day, ratio of the standard deviations 0.9985 and 0.984.
LEVEL_CHANGE, LEVEL_CHANGE_A_YEAR = 0.003, 0.03
SCALE_CHANGE, SCALE_CHANGE_A_YEAR = 0.05, 0.10
# The T-bill changes by 0.0002 points a day in the worst year, and by up to 0.005 where one edition has two decimals.
BILL_CHANGE, BILL_ROUNDING = 0.001, 0.0055
FEWEST_A_COMPARED_YEAR = 200
# Standard deviation beside the market's: 0.55 and 0.58; 0.23 to 1.50 in any 250 days.
LEAST_BESIDE_MARKET, MOST_BESIDE_MARKET = 0.12, 2.2
# Of 10 000 days or more, in points a day: up to 0.049, 0.015 and 0.026.
LONG_HISTORY, LARGEST_MEAN = 10_000, {"market_excess": 0.07, "small_minus_large": 0.04, "high_minus_low": 0.05}
VALUE_DAYS = 0.99  # 100 % of the days have a value factor
# Beside the funds' total returns: slope 0.977 of the market, 0.763 of size; mean gap 0.0005 and 0.0015 points a day. In any 250
# sessions 0.72 to 1.06, 0.49 to 0.99, 0.050 and 0.058; in any 2 000 sessions 0.90 to 1.03, 0.65 to 0.94, 0.005 and 0.012.
MARKET_SLOPE, MARKET_SLOPE_LONG = (0.60, 1.30), (0.85, 1.15)
SIZE_SLOPE, SIZE_SLOPE_LONG = (0.35, 1.30), (0.55, 1.20)
MARKET_GAP, MARKET_GAP_LONG = 0.10, 0.01
SIZE_GAP, SIZE_GAP_LONG = 0.12, 0.025
LONG_OVERLAP = 2000
# Of a year, from the T-bill of FRED or else the effective rate: 0.54 points; 1.22 with two decimals; 27 % in 1974.
BILL_OFF, BILL_OFF_SHARE = 1.5, 0.35
DAYS_A_YEAR, FEWEST_BILL_DAYS = 252, 60
LEAST_WITH_MARKET, LEAST_WITH_SIZE = 0.90, 0.50  # 0.985 with SPY, 0.868 with IWM - SPY; 0.92 and 0.69 in the worst year
_SATURDAY, _SUNDAY = 6, 7


def judge_factors(
    rows: dict[str, pl.DataFrame],
    *,
    retrieved_at: datetime,
    known: pl.DataFrame,
    funds: pl.DataFrame,
    bills: pl.DataFrame,
    calendar: pl.DataFrame,
) -> Verdict:
    """Judge one edition.

    Args:
        rows: `factors` with `_line` and `_content`; percent a session.
        known: the last known edition: date and the factors; empty where none is known.
        funds: what is known of the funds: session, spy, iwm (percent from close to close with distributions).
        bills: known rates, the 3-month T-bill where there is one and else the effective rate: date, rate (percent a year).
        calendar: every session of XNYS since our calendar begins (session).
    """
    factors = rows["factors"].sort("date")
    findings = [
        *_of_values(factors),
        *_of_days(factors, retrieved_at, calendar),
        *_beside_known(factors, known),
        *_beside_funds(factors, funds),
        *_beside_bills(factors, bills),
    ]
    return Verdict({"factors": factors.select(rows["factors"].columns)}, findings=findings)


def _of_values(factors: pl.DataFrame) -> Iterator[Finding]:
    deviation = factors["market_excess"].std()
    if isinstance(deviation, float) and factors.height >= FEWEST_DAYS:
        if not LEAST_DEVIATION < deviation < MOST_DEVIATION:
            yield Finding(
                "factors_are_percent",
                f"the market moves by {deviation:.3g} a session (standard deviation), where some 1 % is usual: are these"
                " percent?",
            )
        for name in ("small_minus_large", "high_minus_low"):
            beside = float(factors[name].std() or 0.0) / deviation  # type: ignore[arg-type]
            if not LEAST_BESIDE_MARKET < beside < MOST_BESIDE_MARKET:
                yield Finding(
                    "factors_are_percent", f"{name} moves {beside:.3g} times as much as the market, where some 0.6 is usual"
                )
    for name, most in LARGEST_MEAN.items():
        mean = factors[name].mean()
        if isinstance(mean, float) and factors.height >= LONG_HISTORY and abs(mean) > most:
            yield Finding(
                "factors_are_percent",
                f"the mean of {name} is {mean:.3f} points a day on {factors.height} days, where {most:g} is the most possible",
            )
    values = factors["high_minus_low"].count()
    if values < VALUE_DAYS * factors.height:
        yield Finding("factors_are_complete", f"high_minus_low has a value on {values} of {factors.height} days")
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
        yield Finding("edition_is_as_before", f"{odd} days are in only one of this edition and the one before it")
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

    for name in LARGEST_CHANGE:
        yield from _level(both, name)


def _level(both: pl.DataFrame, name: str) -> Iterator[Finding]:
    """Compare mean and standard deviation of a factor with those of the edition before, as a whole and year by year."""
    now, then = pl.col(name), pl.col(f"{name}_known")
    figures = (pl.len(), (now - then).mean().alias("shift"), (now.std() / then.std()).alias("scale"))
    pairs = both.select("date", now, then).drop_nulls()
    years = (
        pairs.group_by(when=pl.col("date").dt.year().cast(pl.String))
        .agg(figures)
        .filter(pl.col("len") >= FEWEST_A_COMPARED_YEAR)
        .sort("when")
    )
    whole = pairs.select(pl.lit("the whole history").alias("when"), *figures)
    is_bill = name == "risk_free"
    coarse = is_bill and any(_has_two_decimals(pairs[column]) for column in pairs.columns[1:])
    bill = BILL_ROUNDING if coarse else BILL_CHANGE
    for frame, shift, scale in (
        (whole, LEVEL_CHANGE, SCALE_CHANGE),
        (years, LEVEL_CHANGE_A_YEAR, SCALE_CHANGE_A_YEAR),
    ):
        limit = bill if is_bill else shift
        # One day may change by more, which in a short history is seen in the mean.
        is_off = pl.col("shift").abs() > limit + LARGEST_CHANGE[name] / pl.col("len")
        is_scaled = pl.lit(not is_bill) & ~pl.col("scale").is_between(1 / (1 + scale), 1 + scale)
        for row in frame.filter(is_off | is_scaled).head(1).iter_rows(named=True):
            yield Finding(
                "edition_has_the_same_level",
                f"in {row['when']} {name} is {row['shift']:+.4f} points a day from the edition before it and moves"
                f" {row['scale']:.3f} times as much: editions differ by less than {limit:g} points and {scale:.0%}",
            )


def _has_two_decimals(values: pl.Series) -> bool:
    return bool(((values * 100).round(0) - values * 100).abs().max() < 1e-6)  # type: ignore[operator]


def _span(factors: pl.DataFrame) -> tuple[date, date]:
    first, last = factors["date"].min(), factors["date"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    return first, last


def _beside_funds(factors: pl.DataFrame, funds: pl.DataFrame) -> Iterator[Finding]:
    both = factors.join(funds, left_on="date", right_on="session").with_columns(
        market=pl.col("market_excess") + pl.col("risk_free"), size=pl.col("iwm") - pl.col("spy")
    )
    of_market = ((MARKET_SLOPE, MARKET_GAP), (MARKET_SLOPE_LONG, MARKET_GAP_LONG))
    of_size = ((SIZE_SLOPE, SIZE_GAP), (SIZE_SLOPE_LONG, SIZE_GAP_LONG))
    for name, theirs, least, what, limits in (
        ("market", "spy", LEAST_WITH_MARKET, "SPY", of_market),
        ("small_minus_large", "size", LEAST_WITH_SIZE, "IWM - SPY", of_size),
    ):
        pairs = both.select(name, theirs).drop_nulls()
        if pairs.height < FEWEST_DAYS:
            continue
        correlation = pairs.select(pl.corr(name, theirs)).item()
        if not correlation >= least:
            yield Finding(
                "factors_move_with_funds", f"its {name} correlates {correlation:.2f} with {what} on {pairs.height} sessions"
            )
        slope, gap = pairs.select(
            slope=pl.cov(name, theirs) / pl.col(theirs).var(), gap=(pl.col(name) - pl.col(theirs)).mean()
        ).row(0)
        (low, high), most = limits[pairs.height >= LONG_OVERLAP]
        if not low <= slope <= high or abs(gap) > most:
            yield Finding(
                "factors_are_as_large_as_funds",
                f"its {name} moves {slope:.2f} times as much as {what} and is {gap:+.3f} points a day from it on"
                f" {pairs.height} sessions: {low:g} to {high:g} times and {most:g} points are possible",
            )


def _beside_bills(factors: pl.DataFrame, bills: pl.DataFrame) -> Iterator[Finding]:
    years = (
        factors.select("date", bill=DAYS_A_YEAR * pl.col("risk_free"))
        .join(bills, on="date")
        .drop_nulls()
        .group_by(year=pl.col("date").dt.year())
        .agg(pl.len(), pl.col("bill", "rate").mean())
        .filter(pl.col("len") >= FEWEST_BILL_DAYS)
        .sort("year")
    )
    off = (pl.col("bill") - pl.col("rate")).abs()
    far = years.filter(off > pl.max_horizontal(pl.lit(BILL_OFF), BILL_OFF_SHARE * pl.col("rate")))
    if far.height:
        row = far.row(0, named=True)
        yield Finding(
            "bill_agrees_with_rates",
            f"in {row['year']} its T-bill is {row['bill']:.2f} % a year, and the rate of FRED {row['rate']:.2f} %; {far.height}"
            " such years",
        )

"""Validation of Yahoo's data about a fund: each fact against what is possible, the fund's own prices and its issuer, and the
document before.

An impossible fact is quarantined alone. A document that differs from the one before is quarantined whole: either may be wrong,
and two later ones that agree show which.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from orchestration.raw.validation.rules import Finding
from orchestration.raw.validation.verdict import Verdict, quarantine_rows

# Beside each limit: the recorded QQQ of February 2025; and what funds of US stocks have had.
POSSIBLE = {
    "net_assets": (1e6, 5e12),  # 328 billion; 2 trillion dollars in all share classes of one fund
    "average_volume": (100, 2e9),  # 29.8 million; 430 million shares (SPY, 2008)
    "expense_ratio": (0.0, 0.015),  # 0.20 %
    "dividend_yield": (0.0, 0.08),  # 0.54 %; 3.5 % (SPY, 2009)
}
# Of a broad fund: 9 % and 52 % (QQQ).
LARGEST_PART = {"top_holding": 0.30, "sector_weight": 0.80}
BROAD_FUND = 50  # holdings: a fund of one sector has fewer
# From the document before, if it is at most so old. Yahoo's mean volume of three months grew 7.5-fold in a year (IWM).
COMPARED_DAYS = timedelta(days=400)
FACTORS = {"net_assets": 3.0, "average_volume": 10.0, "expense_ratio": 2.0, "dividend_yield": 3.0}
PART_CHANGE = {"top_holding": 0.08, "sector_weight": 0.20}
# The issuer's net assets near the date; the mean volume is 0.93 to 1.91 times the median of the same 63 sessions.
ELSEWHERE_FACTOR, ISSUER_DAYS = 3.0, timedelta(days=45)
VOLUME_SESSIONS, FEWEST_SESSIONS, BARS_DAYS = 63, 20, timedelta(days=10)
FACTS: dict[str, type[pl.DataType]] = {"fact": pl.String, "value_number": pl.Float64, "as_of": pl.Date}


@dataclass(frozen=True)
class KnownFund:
    """What is known of the fund beside the document.

    `facts`: the last known facts of earlier documents (fact, value_number, as_of). `decided`: the same of documents that a person
    accepted (fact, value_number). `issuer`: the issuer's net assets (as_of, value_number; dollars). `bars`: session and volume
    (shares, on the split basis of the session).
    """

    facts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FACTS))
    decided: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FACTS))
    issuer: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"as_of": pl.Date, "value_number": pl.Float64}))
    bars: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"session": pl.Date, "volume": pl.Float64}))


_KIND = pl.col("fact").str.split(":").list.first()


def judge_fund_data(rows: dict[str, pl.DataFrame], *, as_of: date, fewest_lines: int | None, known: KnownFund) -> Verdict:
    """Validate one document.

    Args:
        rows: `fund_facts` with `_line` and `_content`.
        fewest_lines: the least number of lines in the fund's holdings file (funds.csv).
    """
    facts = rows["fund_facts"].with_columns(kind=_KIND)
    parts = LARGEST_PART if (fewest_lines or 0) >= BROAD_FUND else {}
    evidence = _with_elsewhere(facts, as_of, known).with_columns(
        low=_limit({fact: low for fact, (low, _) in POSSIBLE.items()}),
        high=_limit({fact: high for fact, (_, high) in POSSIBLE.items()}),
        largest=pl.col("value_number").max().over("kind"),
        largest_part=_limit(parts),
    )
    is_decided = (~_differs("value_number", "decided")).fill_null(False)
    conditions = {
        "fact_is_possible": (~pl.col("value_number").is_between("low", "high") | (pl.col("largest") > pl.col("largest_part"))),
        "fact_agrees_elsewhere": ~(pl.col("value_number") / pl.col("elsewhere")).is_between(
            1 / ELSEWHERE_FACTOR, ELSEWHERE_FACTOR
        ),
    }
    reasons = {
        "fact_is_possible": pl.when(pl.col("largest_part").is_null())
        .then(pl.format("{} is {}, not between {} and {}", "fact", "value_number", "low", "high"))
        .otherwise(pl.format("the largest {} is {}, above {}", "kind", "largest", "largest_part")),
        "fact_agrees_elsewhere": pl.format("{} is {}, but {} is {}", "fact", "value_number", "where", "elsewhere"),
    }
    undecided = evidence.join(known.decided.select("fact", decided="value_number"), on="fact", how="left", maintain_order="left")
    quarantined = quarantine_rows(undecided.filter(~is_decided), reasons, conditions)
    plausible = facts.filter(~pl.col("_content").is_in(quarantined["content"].implode()))
    return Verdict(
        {"fund_facts": plausible.select(rows["fund_facts"].columns)}, quarantined, list(_beside_known(plausible, as_of, known))
    )


def _differs(now: str, before: str) -> pl.Expr:
    """Whether a fact is farther from another value of the same fact than from one document to the next; NULL without one."""
    factor, ratio = _limit(FACTORS), pl.col(now) / pl.col(before)
    points = (pl.col(now) - pl.col(before)).abs() > _limit(PART_CHANGE)
    return pl.coalesce(points, ~ratio.is_between(1 / factor, factor))


def _limit(limits: Mapping[str, float]) -> pl.Expr:
    """The limit of the row's kind of fact, NULL without one."""
    return pl.col("kind").replace_strict(dict(limits), default=None, return_dtype=pl.Float64)


def _with_elsewhere(facts: pl.DataFrame, as_of: date, known: KnownFund) -> pl.DataFrame:
    """Add what another source says of a fact, and where: `elsewhere`, `where`."""
    apart = (pl.col("as_of") - pl.lit(as_of)).abs()
    issuer = known.issuer.filter(apart <= ISSUER_DAYS).sort(apart).head(1)
    bars = known.bars.filter(pl.col("session") <= as_of).sort("session").tail(VOLUME_SESSIONS)
    last = bars["session"].max()
    has_bars = bars.height >= FEWEST_SESSIONS and isinstance(last, date) and as_of - last <= BARS_DAYS
    found = [
        *(("net_assets", value, f"the issuer's of {day}") for day, value in issuer.select("as_of", "value_number").iter_rows()),
        *((("average_volume", bars["volume"].median(), f"the median of {bars.height} sessions"),) if has_bars else ()),
    ]
    elsewhere = pl.DataFrame(found, schema={"fact": pl.String, "elsewhere": pl.Float64, "where": pl.String}, orient="row")
    return facts.join(elsewhere, on="fact", how="left", maintain_order="left")


def _beside_known(facts: pl.DataFrame, as_of: date, known: KnownFund) -> Iterator[Finding]:
    recent = known.facts.filter((pl.col("as_of") - pl.lit(as_of)).abs() <= COMPARED_DAYS)
    both = facts.join(recent.select("fact", before="value_number", before_of="as_of"), on="fact", maintain_order="left")
    for row in both.filter(_differs("value_number", "before")).head(3).iter_rows(named=True):
        yield Finding(
            "fund_data_are_as_before",
            f"{row['fact']} is {row['value_number']:g}, and was {row['before']:g} on {row['before_of']}",
        )

"""Validation of quotes: the fund's price against its closes, the chain against the price, and against the document before.

The parser checks the names: the symbol of the quote, and the root and the strike of each contract.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from orchestration.raw.validation.rules import Finding
from orchestration.raw.validation.verdict import Verdict, quarantine_rows

# Strikes are added as the price moves; they do not leave before the expiration.
LEAST_CONTRACTS, FEWEST_TO_COMPARE = 0.5, 10
# From the last close, by its age: 19.9 % in three sessions and 24.6 % in five, in 26 years of IWM, SPY and QQQ.
PRICE_CHANGE, RECENT = 0.25, timedelta(days=4)
PRICE_CHANGE_LATER, LATEST = 0.40, timedelta(days=10)
BEYOND_RANGE = 0.03  # a quote of a session is one of its prices
# No history of option quotes is available: these limits are set wide, from what is published of markets.
OFF_PRICE, FEWEST_STRIKES = 0.10, 4
INTEREST_FACTOR, INTEREST_DAYS = 5.0, timedelta(days=15)
VOLUME_TO_INTEREST, LATER_EXPIRATIONS = 5.0, timedelta(days=7)
FEW_CONTRACTS = 2000  # in a thin fund one trade is more than all that was open
# Of the fund's usual volume, in shares: some 30 and 10 times in the most traded funds.
MOST_INTEREST, MOST_VOLUME, SHARES = 200.0, 80.0, 100
MOST_CONTRACTS = 10_000_000  # of one contract: half of all that are open in the options of SPY
# A thin fund may not have traded yet; where so many contracts traded in a session before, at least one does in the next.
MANY_TRADED = 100


@dataclass(frozen=True)
class KnownChain:
    """What the documents before say: the cycle of each expiration of the last one, the last number of its contracts, and the open
    interest by contract of the last one that has any, and its session."""

    cycles: Mapping[date, str] = field(default_factory=dict)
    contracts: Mapping[date, int] = field(default_factory=dict)
    interest: Mapping[str, int] = field(default_factory=dict)
    interest_of: date | None = None

    def with_rows(self, rows: dict[str, pl.DataFrame]) -> "KnownChain":
        """What is known with the rows of the next document."""
        cycles = dict(rows["option_expirations"].select("expiration", "cycle").iter_rows())
        contracts = dict(rows["option_quotes"].group_by("expiration").len().iter_rows())
        # A document without a chain and without a quote says nothing about the list.
        says_list = not (rows["option_expirations"].is_empty() and rows["fund_quotes"].is_empty())
        held = rows["option_quotes"].drop_nulls("open_interest")
        interest = dict(held.select("contract", "open_interest").iter_rows())
        return KnownChain(
            cycles if says_list else self.cycles,
            {**self.contracts, **contracts},
            interest or self.interest,
            held["session"][0] if interest else self.interest_of,
        )


@dataclass(frozen=True)
class KnownClose:
    """The fund's last known bar on or before the document's session, in dollars and shares on the split basis of that session.

    `volume` is the median of its last 21 sessions.
    """

    session: date
    low: float
    high: float
    close: float
    volume: float


def judge_quotes(rows: dict[str, pl.DataFrame], *, known: KnownChain, close: KnownClose | None = None) -> Verdict:
    """Validate one document. An expiration whose contracts are quarantined, or that is no longer listed, counts as not read.

    Args:
        rows: `fund_quotes`, `option_expirations` and `option_quotes` with `_line` and `_content`.
        known: from the documents before.
    """
    options = rows["option_quotes"]
    short = _short_chains(options, known.contracts)
    old = _session_before(options)
    most = pl.max_horizontal("volume", "open_interest")
    broken = options.join(short, on="expiration", how="left", maintain_order="left").with_columns(
        most_of_expiration=most.max().over("expiration")
    )
    conditions = {
        "chain_is_of_its_session": pl.lit(old is not None),
        "chain_is_whole": pl.col("before").is_not_null(),
        "contracts_are_possible": pl.col("most_of_expiration") > MOST_CONTRACTS,
    }
    quarantined = quarantine_rows(
        broken,
        {
            "chain_is_of_its_session": pl.lit(old),
            "chain_is_whole": pl.format("{} has {} contracts, {} in the document before", "expiration", "contracts", "before"),
            "contracts_are_possible": pl.format(
                "a contract of {} has a volume or an open interest of {}", "expiration", "most_of_expiration"
            ),
        },
        conditions,
    )
    is_broken = broken.filter(pl.any_horizontal(conditions.values()))["expiration"].unique()
    is_short = pl.col("expiration").is_in(is_broken.implode())
    expirations = rows["option_expirations"].with_columns(
        is_read=pl.col("is_read") & ~is_short,
        forward=pl.when(~is_short).then("forward"),
        discount=pl.when(~is_short).then("discount"),
    )
    listed = pl.concat([expirations, _missing(rows, known.cycles)])
    used = options.filter(~is_short)
    findings = [
        *_price(rows["fund_quotes"], close),
        *_beside_price(used, rows["fund_quotes"]),
        *_volume(used),
        *_beside_shares(used, close),
        *_open_interest(used, known),
    ]
    return Verdict(rows | {"option_expirations": listed, "option_quotes": used}, quarantined, findings)


def _price(quotes: pl.DataFrame, close: KnownClose | None) -> Iterator[Finding]:
    """Compare the fund's price with its bar of the session, or else with its last close."""
    if quotes.is_empty() or close is None:
        return
    session, price = quotes.select("session", "price").row(0)
    if close.session == session:
        if not close.low * (1 - BEYOND_RANGE) <= price <= close.high * (1 + BEYOND_RANGE):
            yield Finding(
                "price_agrees_with_closes",
                f"the price {price:g} is outside the range of its session {session}: {close.low:.2f} to {close.high:.2f}",
            )
        return
    age, change = session - close.session, price / close.close - 1
    if age <= LATEST and abs(change) > (PRICE_CHANGE if age <= RECENT else PRICE_CHANGE_LATER):
        yield Finding(
            "price_agrees_with_closes",
            f"the price {price:g} is {change:+.0%} from the close of {close.session}, {close.close:.2f}",
        )


def _beside_price(options: pl.DataFrame, quotes: pl.DataFrame) -> Iterator[Finding]:
    """A call and a put are worth the same where the strike is near the price, whatever the volatility."""
    if quotes.is_empty():
        return
    price = quotes["price"][0]
    mids = options.filter((pl.col("bid") > 0) & (pl.col("ask") >= pl.col("bid"))).with_columns(
        mid=(pl.col("bid") + pl.col("ask")) / 2
    )
    pairs = mids.filter(pl.col("option_type") == "call").join(
        mids.filter(pl.col("option_type") == "put"), on=["expiration", "strike"], suffix="_put"
    )
    even = (
        pairs.sort((pl.col("mid") - pl.col("mid_put")).abs())
        .group_by("expiration", maintain_order=True)
        .agg(pl.col("strike").first(), pairs=pl.len())
        .filter(pl.col("pairs") >= FEWEST_STRIKES)
    )
    strike = even["strike"].median()
    if isinstance(strike, float) and abs(strike / price - 1) > OFF_PRICE:
        yield Finding(
            "chain_agrees_with_price",
            f"calls and puts of {even.height} expirations are worth the same at a strike of {strike:g}, but the price is"
            f" {price:g}",
        )


def _volume(options: pl.DataFrame) -> Iterator[Finding]:
    """Compare the total volume with the open interest; near expirations are traded many times a day."""
    later = options.filter(pl.col("expiration") > pl.col("session") + LATER_EXPIRATIONS).drop_nulls(["volume", "open_interest"])
    volume, interest = int(later["volume"].sum()), int(later["open_interest"].sum())
    if later.height >= FEWEST_TO_COMPARE and interest and volume > VOLUME_TO_INTEREST * interest + FEW_CONTRACTS:
        yield Finding(
            "volume_agrees_with_open_interest",
            f"the volume of {later.height} contracts is {volume:,}, and their open interest {interest:,}",
        )


def _beside_shares(options: pl.DataFrame, close: KnownClose | None) -> Iterator[Finding]:
    """Compare the shares behind all contracts with those of the fund that are traded on a usual day."""
    if close is None or not close.volume or options.is_empty() or options["session"][0] - close.session > LATEST:
        return
    for name, most in (("open_interest", MOST_INTEREST), ("volume", MOST_VOLUME)):
        contracts = int(options[name].sum())
        if contracts * SHARES > most * close.volume:
            yield Finding(
                "options_agree_with_shares",
                f"the {name} is {contracts:,} contracts of {SHARES} shares, {contracts * SHARES / close.volume:,.0f} times the"
                f" fund's volume of a session, {close.volume:,.0f}",
            )


def _open_interest(options: pl.DataFrame, known: KnownChain) -> Iterator[Finding]:
    """Compare the open interest of the contracts that are in both documents."""
    before = pl.DataFrame(
        {"contract": list(known.interest), "before": list(known.interest.values())},
        schema={"contract": pl.String, "before": pl.Int64},
    )
    both = options.drop_nulls("open_interest").join(before, on="contract")
    now, then = int(both["open_interest"].sum()), int(both["before"].sum())
    if both.height < FEWEST_TO_COMPARE or known.interest_of is None or both["session"][0] - known.interest_of > INTEREST_DAYS:
        return
    if max(now, then) > INTEREST_FACTOR * min(now, then) + FEW_CONTRACTS:
        yield Finding(
            "open_interest_is_as_before",
            f"the open interest of {both.height} contracts is {now:,}, and was {then:,} on {known.interest_of}",
        )


def _session_before(options: pl.DataFrame) -> str | None:
    """What shows that the contracts are those of a session before the document's; None if nothing does."""
    if options.is_empty():
        return None
    session = options["session"][0]
    traded_on = pl.col("last_traded_at").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York").dt.date()
    days = options.select(day=traded_on).drop_nulls()["day"]
    newest = days.max()
    if not isinstance(newest, date) or newest >= session or (traded := int((days == newest).sum())) < MANY_TRADED:
        return None
    return f"no contract has traded in the session {session}; {traded} traded last on {newest}"


def _missing(rows: dict[str, pl.DataFrame], cycles: Mapping[date, str]) -> pl.DataFrame:
    """The expirations of the document before that are not listed and have not passed, as rows of `option_expirations`.

    One that is the document's session has not passed: its contracts are part of the session's totals.
    """
    expirations, quotes = rows["option_expirations"], rows["fund_quotes"]
    chain = next((frame.row(0, named=True) for frame in (expirations, quotes) if frame.height), None)
    listed = set(expirations["expiration"])
    missing = [day for day in sorted(cycles) if chain and day >= chain["session"] and day not in listed]
    added = [
        {
            **{name: chain[name] for name in ("fund", "session", "phase")},
            "expiration": day, "cycle": cycles[day], "is_read": False, "_content": str(day),
        }
        for day in missing if chain
    ]  # fmt: skip
    return pl.DataFrame(added, schema=expirations.schema)


def _short_chains(options: pl.DataFrame, known: Mapping[date, int]) -> pl.DataFrame:
    """expiration, contracts, before: where less than half of the contracts of the document before are left."""
    before = pl.DataFrame(
        {"expiration": list(known), "before": list(known.values())}, schema={"expiration": pl.Date, "before": pl.Int64}
    )
    counted = options.group_by("expiration", maintain_order=True).agg(contracts=pl.len().cast(pl.Int64))
    both = counted.join(before, on="expiration")
    return both.filter((pl.col("before") >= FEWEST_TO_COMPARE) & (pl.col("contracts") < LEAST_CONTRACTS * pl.col("before")))

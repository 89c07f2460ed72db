"""Validation of a holdings document: against itself, the fund's other snapshots, the fund's close, and other funds' files.

Omitting a line of a snapshot changes every weight, so these rules judge the document as a whole.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from orchestration.raw.validation.rules import Finding
from orchestration.raw.validation.verdict import Verdict

# The comment at each limit: the largest true value in real documents (IWM, SPY, QQQ, 2025 and 2026).
VALUE_ERROR, VALUE_ERROR_SHARE, VALUE_ERROR_LARGEST = 0.02, 0.05, 0.25  # 99 % of lines within 0.5 %; 4.8 %
NET_ASSETS_ERROR = 0.05  # 1 %
NET_ASSETS_FACTOR, NEAR_DAYS = 3.0, 120  # 1.3
LINES_CHANGE = 0.20  # 2 %
NAMES_IN_COMMON = 0.50  # 0.77 of the union, across a reconstitution
WEIGHT_IN_COMMON, WEIGHT_IN_COMMON_FAR = 0.60, 0.40
IMPLIED_PRICE_FACTOR, IMPLIED_PRICE_SHARE = 2.0, 0.10
LARGE_LINE = 0.02
SECTOR_CHANGE, SECTOR_DAYS = 0.08, 200  # 2.8 points, across a reconstitution and half a year
ONE_SECTOR_SHARE = 0.70
SECTOR_DISAGREEMENT, NAME_DISAGREEMENT = 0.20, 0.20
PRICE_FACTOR_ELSEWHERE, ODD_PRICE_SHARE = 2.0, 0.25
ORDER_DAYS, LEAST_ORDER = 400, 0.5
LOST_WEIGHT, LOST_LINE = 0.25, 0.03
SAME_DATE_LINES, SAME_DATE_WEIGHT = 0.02, 0.005
LABELLED_BEFORE, LABELLED_NOW = 0.9, 0.5
LARGEST_LINE, BROAD_FUND = 0.25, 100
COPIED_SHARE = 0.50
FEWEST_TO_COMPARE = 20
FEWEST_ELSEWHERE = 50
SATURDAY = 6


@dataclass(frozen=True)
class KnownHoldings:
    """What a snapshot is compared with.

    `previous`: the nearest known snapshot of the fund (raw columns), empty if there is none; `previous_as_of` its date,
    `previous_shares` its shares outstanding.
    `net_asset_values`: the fund's closes (session, close), dollars per share.
    `elsewhere`: the newest snapshots of all funds (fund, as_of, ticker_key, name_key, sector, price in dollars per share).
    `sessions`: trading days, to decide whether two dates are the same market day. `sectors`: GICS sector by the issuers' labels.
    `same_era`: no change of the sector standard is between the two snapshots.
    """

    previous: pl.DataFrame
    previous_as_of: date | None
    net_asset_values: pl.DataFrame
    elsewhere: pl.DataFrame
    sessions: pl.Series
    sectors: dict[str, str]
    same_era: bool = True
    previous_shares: float | None = None


def judge_holdings(
    rows: dict[str, pl.DataFrame], *, fund: str, as_of: date, most_lines: int | None, known: KnownHoldings
) -> Verdict:
    """Validate one snapshot.

    Args:
        rows: `holdings` and, if the issuer states them, `fund_facts`.
        most_lines: the maximum number of lines in the fund's file (funds.csv).
    """
    snapshot = prepared(rows["holdings"], known.sectors)
    shares = shares_outstanding(rows.get("fund_facts"))
    findings = list(_own_findings(snapshot, fund, as_of, most_lines, shares, known))
    contradicts = None
    if known.previous_as_of is not None:
        previous = prepared(known.previous, known.sectors)
        against = list(_against_previous(snapshot, previous, as_of, known.previous_as_of, known))
        of_previous = _own_findings(previous, fund, known.previous_as_of, most_lines, known.previous_shares, known)
        blamed = against and not findings and list(of_previous)
        if blamed:
            contradicts = Finding(
                "is_not_contradicted", f"a later snapshot contradicts it ({against[0].reason}): {blamed[0].reason}"
            )
        else:
            findings += against
    return Verdict(rows, findings=findings, contradicts=contradicts)


def prepared(holdings: pl.DataFrame, sectors: dict[str, str]) -> pl.DataFrame:
    """Add the columns for comparisons: ticker_key, name_key, sector, weight (fraction), value."""
    has_values = holdings["market_value"].null_count() == 0 and holdings["market_value"].sum() > 0
    value = pl.col("market_value") if has_values else pl.col("stated_weight").fill_null(0)
    return holdings.with_columns(
        ticker_key=pl.col("ticker").str.to_uppercase().str.replace_all(r"[ ./-]", ""),
        name_key=name_key("name"),
        sector=pl.col("sector_label").replace_strict(sectors, default=None, return_dtype=pl.String),
        weight=value / value.sum(),
    ).with_columns(key=pl.coalesce("ticker_key", "name_key"))


def name_key(column: str) -> pl.Expr:
    """The first letters of a company's name: issuers abbreviate names, and legal forms and articles vary."""
    return pl.col(column).str.to_uppercase().str.replace(r"^THE\s+", "").str.replace_all(r"[^A-Z0-9]", "").str.slice(0, 4)


def shares_outstanding(facts: pl.DataFrame | None) -> float | None:
    """The shares outstanding that the document states, or None."""
    if facts is None:
        return None
    found = facts.filter(pl.col("fact") == "shares_outstanding")["value_number"].drop_nulls()
    return float(found[0]) if len(found) else None


def _own_findings(
    snapshot: pl.DataFrame, fund: str, as_of: date, most_lines: int | None, shares: float | None, known: KnownHoldings
) -> Iterator[Finding]:
    # Some issuers state holdings for the last day of each month, whatever day of the week it is.
    if as_of.isoweekday() >= SATURDAY and (as_of + timedelta(days=1)).day != 1:
        yield Finding("as_of_is_a_weekday", f"the as-of date {as_of} is a {as_of:%A}, and no fund is valued on that day")
    if most_lines is not None and snapshot.height > most_lines:
        yield Finding("lines_are_not_too_many", f"the file has {snapshot.height} lines, but {fund} has at most {most_lines}")
    yield from _values(snapshot)
    yield from _net_assets(snapshot, as_of, shares, known.net_asset_values)
    yield from _one_sector(snapshot)
    of_others = known.elsewhere.filter(pl.col("fund") != fund)
    yield from _prices_elsewhere(snapshot, as_of, of_others)
    yield from _elsewhere(snapshot, of_others)
    largest = snapshot.sort("weight", nulls_last=False).row(-1, named=True)
    if snapshot.height >= BROAD_FUND and largest["weight"] > LARGEST_LINE:
        yield Finding(
            "no_line_dominates", f"{largest['name']} has a weight of {largest['weight']:.1%} in a fund of {snapshot.height} lines"
        )


def _values(snapshot: pl.DataFrame) -> Iterator[Finding]:
    in_dollars = (pl.col("currency").fill_null("USD") == "USD") & (pl.col("market_value") != 0) & (pl.col("weight") > 1e-5)
    errors = (
        snapshot.filter(in_dollars)
        .with_columns(error=(pl.col("price") * pl.col("quantity") / pl.col("market_value") - 1).abs())
        .filter(pl.col("error").is_not_null() & pl.col("ticker").is_not_null())
    )
    if errors.height < FEWEST_TO_COMPARE:
        return
    # Cash is quoted per 100 and a future per contract, so a few lines may differ.
    wrong = errors.filter(pl.col("error") > VALUE_ERROR).sort("error")
    large = wrong.filter((pl.col("error") > VALUE_ERROR_LARGEST) & (pl.col("weight") > LARGE_LINE))
    if wrong.height > VALUE_ERROR_SHARE * errors.height or large.height:
        worst = (large if large.height else wrong).row(-1, named=True)
        yield Finding(
            "value_is_price_times_quantity",
            f"on {wrong.height} of {errors.height} lines, price times quantity is not the market value, for example"
            f" {worst['name']}: {worst['price']:g} x {worst['quantity']:g} is not {worst['market_value']:g}",
        )


def _net_assets(snapshot: pl.DataFrame, as_of: date, shares: float | None, values: pl.DataFrame) -> Iterator[Finding]:
    close = values.filter(pl.col("session") <= as_of).sort("session").tail(1)
    if not shares or close.is_empty() or snapshot["market_value"].null_count() > 0:
        return
    session, nav = close.row(0)
    if (as_of - session).days > 4:
        return
    total = float(snapshot["market_value"].sum())
    error = total / (shares * nav) - 1
    if abs(error) > NET_ASSETS_ERROR:
        yield Finding(
            "net_assets_agree",
            f"market values sum to {total:,.0f}, but {shares:,.0f} shares at the close of {session} are worth {shares * nav:,.0f}"
            f" ({error:+.1%})",
        )


def _one_sector(snapshot: pl.DataFrame) -> Iterator[Finding]:
    labelled = snapshot.filter(pl.col("sector").is_not_null())
    if labelled.height < BROAD_FUND:
        return
    sector, lines = labelled["sector"].value_counts(sort=True).row(0)
    if lines > ONE_SECTOR_SHARE * labelled.height:
        yield Finding("sectors_are_many", f"{lines} of {labelled.height} lines have the sector {sector}")


def _prices_elsewhere(snapshot: pl.DataFrame, as_of: date, elsewhere: pl.DataFrame) -> Iterator[Finding]:
    """Compare the value (or weight) per share and the order of the weights with other funds' files of about the same time."""
    apart = (pl.col("as_of") - as_of).dt.total_days().abs().alias("apart")
    near = elsewhere.with_columns(apart).filter(pl.col("apart") <= ORDER_DAYS)
    has_values = snapshot["market_value"].null_count() == 0
    lines = snapshot.filter((pl.col("quantity") > 0) & (pl.col("weight") > 0)).unique("ticker_key", keep="none")
    both = lines.join(
        near.select("ticker_key", "price", "apart", file="fund", theirs="weight"),
        on="ticker_key",
        how="inner",
        suffix="_elsewhere",
    )
    compared = both.filter(pl.col("price_elsewhere").is_not_null() & (pl.col("apart") <= SECTOR_DAYS)).sort("apart")
    priced = compared.unique("ticker_key", keep="first", maintain_order=True).with_columns(
        factor=pl.when(has_values).then("market_value").otherwise("weight") / pl.col("quantity") / pl.col("price_elsewhere")
    )
    if priced.height >= FEWEST_ELSEWHERE:
        median = float(priced["factor"].median())  # type: ignore[arg-type]
        odd = priced.filter(~(pl.col("factor") / median).is_between(1 / PRICE_FACTOR_ELSEWHERE, PRICE_FACTOR_ELSEWHERE)).height
        if has_values and not 1 / PRICE_FACTOR_ELSEWHERE < median < PRICE_FACTOR_ELSEWHERE:
            yield Finding(
                "prices_agree_elsewhere",
                f"the value per share is {median:.3g} times that in other files of about the same date, in the median of"
                f" {priced.height} lines",
            )
        elif odd > ODD_PRICE_SHARE * priced.height:
            yield Finding(
                "prices_agree_elsewhere",
                f"on {odd} of {priced.height} lines, weight and quantity imply another price than other files of about that date",
            )
    ordered = (
        both.group_by("file")
        .agg(pl.len().alias("lines"), pl.corr("weight", "theirs", method="spearman").fill_nan(0).alias("correlation"))
        .filter(pl.col("lines") >= FEWEST_ELSEWHERE)
        .sort("correlation")
    )
    if ordered.height and (best := ordered.row(-1, named=True))["correlation"] < LEAST_ORDER:
        yield Finding(
            "weights_agree_elsewhere",
            f"the order of the weights differs from that in the file of {best['file']} ({best['lines']} common names,"
            f" rank correlation {best['correlation']:.2f})",
        )


def _elsewhere(snapshot: pl.DataFrame, elsewhere: pl.DataFrame) -> Iterator[Finding]:
    """Compare names and sectors with all other funds that hold the ticker; a line disagrees if it differs from all of them."""
    lines = snapshot.filter(pl.col("ticker_key").is_not_null()).unique("ticker_key", keep="none")
    known = elsewhere.group_by("ticker_key").agg(
        pl.col("name_key").alias("names"), pl.col("sector").drop_nulls().alias("sectors")
    )
    both = lines.join(known, on="ticker_key", how="inner")
    if both.height >= FEWEST_ELSEWHERE:
        other = both.filter(~pl.col("name_key").is_in(pl.col("names")))
        if other.height > NAME_DISAGREEMENT * both.height:
            first = other.sort("weight", descending=True).row(0, named=True)
            yield Finding(
                "tickers_bear_their_names",
                f"{other.height} of {both.height} tickers have another name than in other files, for example"
                f" {first['ticker']}: {first['name']}",
            )
            return
    sectors = both.filter(pl.col("sector").is_not_null() & (pl.col("sectors").list.len() > 0))
    if sectors.height >= FEWEST_ELSEWHERE:
        other = sectors.filter(~pl.col("sector").is_in(pl.col("sectors")))
        if other.height > SECTOR_DISAGREEMENT * sectors.height:
            first = other.sort("weight", descending=True).row(0, named=True)
            yield Finding(
                "sectors_agree_elsewhere",
                f"{other.height} of {sectors.height} lines have another sector than in other files, for example {first['name']}: "
                f"{first['sector']} instead of {', '.join(sorted(set(first['sectors'])))}",
            )


def _against_previous(
    snapshot: pl.DataFrame, previous: pl.DataFrame, as_of: date, previous_as_of: date, known: KnownHoldings
) -> Iterator[Finding]:
    days = abs((as_of - previous_as_of).days)
    if abs(snapshot.height - previous.height) > LINES_CHANGE * previous.height + 5:
        yield Finding(
            "lines_are_as_before",
            f"the file has {snapshot.height} lines, but the snapshot of {previous_as_of} has {previous.height}",
        )
    names, before = set(snapshot["key"].drop_nulls()), set(previous["key"].drop_nulls())
    if names | before and len(names & before) < NAMES_IN_COMMON * len(names | before):
        yield Finding(
            "names_are_as_before",
            f"only {len(names & before)} of {len(names | before)} names are in both the file and the snapshot of"
            f" {previous_as_of}",
        )
        return
    yield from _lost(snapshot, previous, as_of, previous_as_of)
    both = snapshot.unique("key", keep="none").join(previous.unique("key", keep="none"), on="key", suffix="_before")
    if both.height < FEWEST_TO_COMPARE:
        return
    yield from _assets_as_before(snapshot, previous, days, previous_as_of)
    yield from _weights_as_before(both, days, previous_as_of)
    yield from _names_as_before(both, previous_as_of)
    if known.same_era:
        yield from _sectors_as_before(snapshot, previous, both, days, previous_as_of)
    sessions = known.sessions
    apart = sessions.filter(sessions.is_between(min(as_of, previous_as_of), max(as_of, previous_as_of), closed="right")).len()
    same = both.filter((pl.col("quantity") == pl.col("quantity_before")) & _same_value()).height
    if as_of != previous_as_of and apart and same > COPIED_SHARE * both.height:
        yield Finding("snapshot_is_not_a_copy", f"{same} of {both.height} lines equal those of {previous_as_of} in every digit")


def _lost(snapshot: pl.DataFrame, previous: pl.DataFrame, as_of: date, previous_as_of: date) -> Iterator[Finding]:
    """Names of the previous snapshot that are missing: only a few, and none of the largest, may be."""
    if abs((as_of - previous_as_of).days) > NEAR_DAYS or as_of < previous_as_of:
        return
    keys = snapshot["key"].drop_nulls().implode()
    lost = previous.filter(pl.col("key").is_not_null() & ~pl.col("key").is_in(keys)).sort("weight")
    weight = float(lost["weight"].sum())
    same_date = as_of == previous_as_of
    too_much = weight > (SAME_DATE_WEIGHT if same_date else LOST_WEIGHT) or (
        same_date and lost.height > SAME_DATE_LINES * previous.height
    )
    if lost.height and (too_much or lost["weight"][-1] > LOST_LINE):
        yield Finding(
            "names_are_as_before",
            f"{lost.height} names with {weight:.1%} of the snapshot of {previous_as_of} are missing, for example"
            f" {lost['name'][-1]}",
        )


def _same_value() -> pl.Expr:
    """Whether the value is unchanged. Weights with two decimals repeat by chance, so only dollars and long fractions count."""
    by_value = pl.col("market_value").eq_missing(pl.col("market_value_before")) & pl.col("market_value").is_not_null()
    precise = (pl.col("stated_weight") * 10_000 - (pl.col("stated_weight") * 10_000).round()).abs() > 1e-6
    by_weight = pl.col("market_value").is_null() & precise & (pl.col("stated_weight") == pl.col("stated_weight_before"))
    return (by_value | by_weight).fill_null(False)


def _assets_as_before(snapshot: pl.DataFrame, previous: pl.DataFrame, days: int, previous_as_of: date) -> Iterator[Finding]:
    now, then = float(snapshot["market_value"].sum() or 0), float(previous["market_value"].sum() or 0)
    if days <= NEAR_DAYS and now > 0 and then > 0 and not 1 / NET_ASSETS_FACTOR < now / then < NET_ASSETS_FACTOR:
        yield Finding("net_assets_are_as_before", f"market values sum to {now:,.0f}, but on {previous_as_of} to {then:,.0f}")


def _weights_as_before(both: pl.DataFrame, days: int, previous_as_of: date) -> Iterator[Finding]:
    common = both.select(pl.min_horizontal("weight", "weight_before").sum()).item()
    least = WEIGHT_IN_COMMON if days <= NEAR_DAYS else WEIGHT_IN_COMMON_FAR
    if common < least:
        yield Finding("weights_are_as_before", f"the weights overlap those of {previous_as_of} by only {common:.0%}")
    if days > NEAR_DAYS:
        return
    implied = both.filter(
        (pl.col("quantity") > 0) & (pl.col("quantity_before") > 0) & (pl.col("weight") > 0) & (pl.col("weight_before") > 0)
    )
    implied = implied.with_columns(
        factor=(pl.col("weight") / pl.col("quantity") / (pl.col("weight_before") / pl.col("quantity_before"))).log(),
        price_factor=(
            pl.col("market_value") / pl.col("quantity") / (pl.col("market_value_before") / pl.col("quantity_before"))
        ).log(),
    )
    if implied.height < FEWEST_TO_COMPARE:
        return
    limit = math.log(IMPLIED_PRICE_FACTOR)
    median = float(implied["factor"].median())  # type: ignore[arg-type]
    odd = implied.filter((pl.col("factor") - median).abs() > limit).sort("weight")
    large = odd.filter((pl.col("weight") > LARGE_LINE) & ((pl.col("factor") - median).abs() > 2 * limit))
    if odd.height > IMPLIED_PRICE_SHARE * implied.height or large.height:
        worst = odd.row(-1, named=True)
        yield Finding(
            "implied_prices_are_as_before",
            f"weight per share changes by more than a factor of {IMPLIED_PRICE_FACTOR:g} since {previous_as_of} on"
            f" {odd.height} of {implied.height} lines, for example {worst['name']}",
        )
        return
    # All quantities can be wrong by the same factor.
    shared = median if both["market_value"].null_count() else float(implied["price_factor"].median() or 0.0)  # type: ignore[arg-type]
    if abs(shared) > limit:
        yield Finding(
            "implied_prices_are_as_before",
            f"value per share changes by a factor of {math.exp(shared):.3g} since {previous_as_of}",
        )


def _names_as_before(both: pl.DataFrame, previous_as_of: date) -> Iterator[Finding]:
    other = both.filter(pl.col("ticker_key").is_not_null() & (pl.col("name_key") != pl.col("name_key_before")))
    if other.height > NAME_DISAGREEMENT * both.height:
        first = other.sort("weight", descending=True).row(0, named=True)
        yield Finding(
            "tickers_bear_their_names",
            f"{other.height} of {both.height} tickers have another name than on {previous_as_of}, for example"
            f" {first['ticker']}: {first['name']}",
        )


def _sectors_as_before(
    snapshot: pl.DataFrame, previous: pl.DataFrame, both: pl.DataFrame, days: int, previous_as_of: date
) -> Iterator[Finding]:
    # An issuer's other layout may have no sectors; a layout with sectors has nearly all of them.
    had, has = (float((~frame["sector"].is_null()).mean() or 0.0) for frame in (previous, snapshot))  # type: ignore[arg-type]
    if had > LABELLED_BEFORE and 0 < has < LABELLED_NOW:
        yield Finding("sectors_are_as_before", f"{has:.0%} of the lines have a sector, but on {previous_as_of} {had:.0%}")
        return
    relabelled = both.filter(pl.col("sector") != pl.col("sector_before"))
    labelled = both.drop_nulls(["sector", "sector_before"]).height
    if labelled >= FEWEST_TO_COMPARE and relabelled.height > SECTOR_DISAGREEMENT * labelled:
        yield Finding(
            "sectors_agree_elsewhere", f"{relabelled.height} of {labelled} lines have another sector than on {previous_as_of}"
        )
        return
    if days > SECTOR_DAYS:
        return
    sums = [frame.drop_nulls("sector").group_by("sector").agg(pl.col("weight").sum()) for frame in (snapshot, previous)]
    if any(frame.is_empty() for frame in sums):
        return
    moved = (
        sums[0]
        .join(sums[1], on="sector", how="full", coalesce=True, suffix="_before")
        .fill_null(0)
        .with_columns(change=(pl.col("weight") - pl.col("weight_before")).abs())
        .sort("change")
    )
    worst = moved.row(-1, named=True)
    if worst["change"] > SECTOR_CHANGE:
        yield Finding(
            "sectors_are_as_before",
            f"{worst['sector']} has {worst['weight']:.1%}, but on {previous_as_of} {worst['weight_before']:.1%}",
        )

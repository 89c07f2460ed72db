"""Validation of a price document: against itself, the known values of its symbol, and the other funds.

All funds of the universe hold US stocks: a move that no other fund shares is rare, and one that the next session reverses is
rarer. The adjusted close is an independent check of every close, dividend and split.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from orchestration.raw.validation.rules import Finding
from orchestration.raw.validation.verdict import QUARANTINE_COLUMNS, Verdict, quarantine_rows

# The comment at each limit: the largest true value in 26 years of IWM, SPY and QQQ.
ADJUSTED_TOLERANCE = 5e-4  # 2.6e-4
LARGEST_UNADJUSTED = 0.015  # 0.95 %
CLOSE_RETURN, CLOSE_RETURN_MADS = 0.02, 10.0  # 5.9 median absolute gaps
# Where a fund's own index is among the others, its gaps are tiny, and what counts is the size beside the moves of the time: IWM
# closed 2.8 % from the Russell 2000 on 2020-03-18.
CLOSE_RETURN_MOVES = 2.0  # 1.1 median absolute moves
OPEN_RETURN, OPEN_RETURN_MADS = 0.025, 25.0  # 1.8 %, and 15 median absolute gaps
NEWEST_JUMP, NEWEST_JUMP_MADS, NEWEST_JUMP_ALWAYS = 0.04, 14.0, 0.20  # 11.5 median absolute gaps; 10.9 %
LEVEL_JUMP = 0.16  # 10.9 %
# Limits without another fund to compare with; largest true values: 9.1 %, 5.9 %, 15.6 %.
ALONE_CLOSE_RETURN, ALONE_OPEN_RETURN, ALONE_NEWEST_JUMP, ALONE_LEVEL_JUMP = 0.12, 0.08, 0.25, 0.40
LARGEST_RANGE = 0.60  # 25 %
LARGEST_WICK, WICK_RANGES = 0.05, 16.0  # beyond open and close: 8.2 usual ranges
WIDENED = 0.02
LARGEST_VOLUME_RATIO = 60.0  # 13.8
LARGEST_DOLLAR_VOLUME = 3e11  # SPY trades about 4e10 dollars per session
CLOSE_RESTATED, VOLUME_RESTATED = 1e-3, 0.02
SMALL_RESTATEMENT, RESTATEMENT_BETTER_BY = 0.002, 0.004
ACTION_CHANGED = 0.10
MANY_RESTATED, CLEARLY_WORSE, WORSE_ON_MANY = 100, 2.0, 1.2
FEW_ROWS, FEW_SHARE = 3, 0.002
FEW_RESTATED_SHARE = 0.01
FEWEST_TO_COMPARE = 20
MISSING_SESSIONS, MISSING_SHARE = 20, 0.01
INCEPTION_GRACE = timedelta(days=7)
FIRST_BAR_GRACE = timedelta(days=30)
SETTLING = timedelta(days=5)
KNOWN_BEFORE = timedelta(days=95)  # the sessions of a window
LAG_SESSIONS, LAG_CORRELATION, LAG_MARGIN = 60, 0.6, 0.3
_USUAL_GAP, _USUAL_OPEN_GAP = 0.003, 0.0015
_WINDOW, _YEAR = 63, 252
_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class KnownPrices:
    """The known values of the symbol before the document: bars (session, prices, volume, observed_at, document_id) and actions
    (ex_date, kind, value). `by_person`: the documents that a person accepted."""

    bars: pl.DataFrame
    actions: pl.DataFrame
    by_person: frozenset[str] = frozenset()


@dataclass(frozen=True)
class OtherFunds:
    """Bars of all funds: `moves` (symbol, session, move, overnight; log changes) and `closes` (version, symbol, session, close).

    `disputed`: symbols whose documents have different prices. `inceptions`: the funds' first days.
    """

    moves: pl.DataFrame
    closes: pl.DataFrame
    disputed: frozenset[str] = frozenset()
    inceptions: dict[str, date] = field(default_factory=dict)


def log_moves(bars: pl.DataFrame, calendar: pl.DataFrame) -> pl.DataFrame:
    """Log changes from close to close and from close to open: session, move, overnight. NULL if the previous session is missing.

    Args:
        bars: session, open, close; any order.
        calendar: session, session_no.
    """
    numbered = bars.join(calendar, on="session", how="inner").sort("session")
    follows = pl.col("session_no").diff() == 1
    return numbered.select(
        "session",
        move=pl.when(follows).then((pl.col("close") / pl.col("close").shift(1)).log()),
        overnight=pl.when(follows).then((pl.col("open") / pl.col("close").shift(1)).log()),
    )


def judge_prices(
    rows: dict[str, pl.DataFrame],
    *,
    symbol: str,
    known: KnownPrices,
    others: OtherFunds,
    calendar: pl.DataFrame,
) -> Verdict:
    """Validate the bars and actions of one document.

    Args:
        rows: `price_bars` and `corporate_actions` with `_line` and `_content`; rows that satisfy the row contracts.
        calendar: every session of XNYS with its number and open in UTC (session, session_no, opens_at).

    Returns:
        The plausible rows, the quarantined rows, and the findings about the document.
    """
    bars, actions = rows["price_bars"].sort("session"), rows["corporate_actions"]
    of_others = others.moves.filter(pl.col("symbol") != symbol)
    # In one chunk, because polars panics if it formats filtered columns whose chunks differ.
    evidence = _with_row_flags(_evidence(bars, actions, known, of_others, calendar), is_index=_is_index(symbol)).rechunk()
    of_bars, of_actions = _implausible_rows(evidence), _implausible_actions(evidence, actions, known)
    quarantined = pl.concat([of_bars, of_actions.select(QUARANTINE_COLUMNS.keys())])
    findings = list(_document_findings(evidence, of_bars, symbol, known, others, calendar))
    contradicts = None
    restated = evidence.filter("is_restated")
    if _history_is_restated(evidence):
        reason = _restatement(restated, evidence)
        if not findings and _agrees_better(bars, evidence, known, others, symbol, calendar):
            contradicts = Finding("is_not_contradicted", f"a later document contradicts it: {reason}")
        else:
            findings.append(Finding("history_is_not_restated", reason))
    lost = of_bars["line"].implode()
    plausible = {
        "price_bars": bars.filter(~pl.col("_line").is_in(lost).fill_null(False)),
        "corporate_actions": actions.filter(~pl.col("_line").is_in(lost).fill_null(False)).join(
            of_actions, on=["ex_date", "kind"], how="anti"
        ),
    }
    return Verdict(plausible, quarantined, findings, contradicts)


def _are_many(count: int, of: int, share: float) -> bool:
    return count > max(FEW_ROWS, share * of)


def _history_is_restated(evidence: pl.DataFrame) -> bool:
    return _are_many(int(evidence["is_restated"].sum()), evidence["known_close"].count(), FEW_RESTATED_SHARE)


# Evidence: one row per bar with the figures for the rules


def _evidence(
    bars: pl.DataFrame, actions: pl.DataFrame, known: KnownPrices, others: pl.DataFrame, calendar: pl.DataFrame
) -> pl.DataFrame:
    volume_before = pl.col("volume").shift(1).rolling_median(21, min_samples=10)
    known_bars = _on_basis_of(actions, known, calendar)
    with_known = _with_restatements(_with_actions(bars, actions, known), known_bars)
    # A document that restates the known history is compared with itself.
    beside = known_bars.clear() if _history_is_restated(with_known) else known_bars
    follows = log_moves(bars, calendar).select("session", follows=pl.col("move").is_not_null())
    compared = with_known.join(follows, on="session", how="left", maintain_order="left").join(
        _compared_moves(bars, beside, others, calendar), on="session", how="left", maintain_order="left"
    )
    return _with_adjustment_errors(compared).with_columns(
        is_newest=pl.col("session") == pl.col("session").max(),
        # The usual volume around the session or in the year before it.
        usual_volume=pl.max_horizontal(
            pl.col("volume").rolling_median(_WINDOW, center=True, min_samples=10),
            pl.col("volume").shift(1).rolling_median(_YEAR, min_samples=10),
        ),
        # A mutual fund has no volume at all.
        volume_ratio=pl.when(volume_before > 0).then(pl.col("volume") / volume_before),
        wick=pl.max_horizontal(
            pl.col("high") / pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close") / pl.col("low")
        )
        - 1,
        usual_range=(pl.col("high") / pl.col("low") - 1).rolling_median(_WINDOW, center=True, min_samples=10),
        is_copy=(pl.col("volume") > 0)
        & pl.struct("open", "high", "low", "close", "volume").is_duplicated()
        & ~pl.struct("open", "high", "low", "close", "volume").is_first_distinct(),
    )


def _with_actions(bars: pl.DataFrame, actions: pl.DataFrame, known: KnownPrices) -> pl.DataFrame:
    """Add a column per kind of action, NULL where the document has none, and the known distributions."""
    for kind in ("dividend", "capital_gain", "split"):
        of_kind = actions.filter(pl.col("kind") == kind).select(pl.col("ex_date").alias("session"), pl.col("value").alias(kind))
        bars = bars.join(of_kind, on="session", how="left", maintain_order="left")
    paid = known.actions.filter(pl.col("kind").is_in(["dividend", "capital_gain"]) & (pl.col("value") > 0))
    by_date = paid.group_by(pl.col("ex_date").alias("session")).agg(
        known_distribution=pl.col("value").sum(), known_dividend=pl.col("value").filter(pl.col("kind") == "dividend").sum()
    )
    return bars.join(by_date, on="session", how="left", maintain_order="left")


def _compared_moves(bars: pl.DataFrame, known: pl.DataFrame, others: pl.DataFrame, calendar: pl.DataFrame) -> pl.DataFrame:
    """The moves of the document's bars, their gaps to the other funds, and the usual gaps: one row per session.

    A session that the document lacks has its known bar, so that the first bar of a short document has a move, too.
    """
    first, last = bars["session"].min(), bars["session"].max()
    near = known.filter(pl.col("session").is_between(pl.lit(first) - KNOWN_BEFORE, last)).join(bars, on="session", how="anti")
    together = pl.concat(
        [bars.select("session", "open", "close"), near.select("session", open="known_open", close="known_close")]
    )
    moves = log_moves(together, calendar)
    return _with_usual_gaps(moves.join(_gaps(moves, others), on="session", how="left", maintain_order="left"))


def _gaps(bars: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """The distance of each move to the nearest move of another fund: session, gap, gap_back (the smaller of the gap and its
    reversal in the next session), the same from close to open, and `compared`, the number of other funds. Log changes."""
    pairs = (
        bars.select("session", own_move="move", own_overnight="overnight")
        .join(others, on="session", how="inner")
        .sort("symbol", "session")
        .with_columns(of_move=pl.col("own_move") - pl.col("move"), of_overnight=pl.col("own_overnight") - pl.col("overnight"))
    )

    def returned(gap: str) -> pl.Expr:
        following = pl.col(gap).shift(-1).over("symbol")
        opposite = (pl.col(gap) * following) < 0
        return (
            pl.when(opposite).then(pl.min_horizontal(pl.col(gap).abs(), following.abs())).when(opposite.is_not_null()).then(0.0)
        )

    return (
        pairs.with_columns(move_back=returned("of_move"), overnight_back=returned("of_overnight"))
        .group_by("session")
        .agg(
            gap=pl.col("of_move").abs().min(),
            gap_back=pl.col("move_back").min(),
            open_gap=pl.col("of_overnight").abs().min(),
            open_gap_back=pl.col("overnight_back").min(),
            compared=pl.col("of_move").count(),
        )
    )


def _with_usual_gaps(evidence: pl.DataFrame) -> pl.DataFrame:
    """Without another fund, the gaps from the fund's own moves; and the usual gaps around each session."""
    alone = pl.col("compared").fill_null(0) == 0

    def back(move: str) -> pl.Expr:
        opposite = (pl.col(move) * pl.col(move).shift(-1)) < 0
        return pl.when(opposite).then(pl.min_horizontal(pl.col(move).abs(), pl.col(move).shift(-1).abs()))

    filled = evidence.with_columns(
        alone.alias("is_alone"),
        gap=pl.when(alone).then(pl.col("move").abs()).otherwise("gap"),
        gap_back=pl.when(alone).then(back("move")).otherwise("gap_back"),
        open_gap_back=pl.when(alone).then(back("overnight")).otherwise("open_gap_back"),
        open_gap=pl.when(alone).then(pl.col("overnight").abs()).otherwise("open_gap"),
    )

    def usual(gap: str, otherwise: float) -> pl.Expr:
        return pl.col(gap).rolling_median(_WINDOW, center=True, min_samples=FEWEST_TO_COMPARE).fill_null(otherwise)

    return filled.with_columns(
        usual_gap=usual("gap", _USUAL_GAP),
        usual_open_gap=usual("open_gap", _USUAL_OPEN_GAP),
        usual_move=pl.col("move").abs().rolling_median(_WINDOW, center=True, min_samples=FEWEST_TO_COMPARE).fill_null(0.0),
        next_gap=pl.col("gap").shift(-1),
    )


def _with_adjustment_errors(evidence: pl.DataFrame) -> pl.DataFrame:
    """The difference (fraction) between the change of the adjusted close and that expected from close and distribution: with the
    document's distribution, with the known one, and with none.

    CRSP's total return is (close + distribution) / previous close; Yahoo multiplies by previous close / (previous close -
    distribution): the nearer of the two counts. Yahoo's dividends include capital gains if they are at least as large.
    """
    before, ratio = pl.col("close").shift(1), pl.col("vendor_adj_close") / pl.col("vendor_adj_close").shift(1)

    def error(paid: pl.Expr) -> pl.Expr:
        crsp = (ratio * before / (pl.col("close") + paid) - 1).abs()
        yahoo = (ratio * (before - paid) / pl.col("close") - 1).abs()
        return pl.when("follows").then(pl.min_horizontal(crsp, yahoo))

    dividend, gain = pl.col("dividend"), pl.col("capital_gain").fill_null(0)
    prints_cents = ((pl.col("vendor_adj_close") * 100).round(0) - pl.col("vendor_adj_close") * 100).abs().max() < 1e-6
    cents = pl.when(prints_cents).then(0.011 / pl.col("vendor_adj_close")).otherwise(0.0)
    paid = pl.when(dividend >= gain).then(dividend).otherwise(dividend + gain)
    # The newest distribution may not be in the adjusted closes yet: then the earlier ones equal the closes.
    not_adjusted_yet = (
        (pl.col("vendor_adj_close") == pl.col("close")).shift(1)
        & (paid > 0)
        & (paid.shift(-1).fill_null(0).reverse().cum_sum().reverse() == 0)
        & (paid / before < LARGEST_UNADJUSTED)
    )
    # If the vendor's dividends include the gain, its adjusted closes may include it twice.
    errors = pl.min_horizontal(error(paid), pl.when(dividend >= gain).then(error(dividend + gain)))
    return evidence.with_columns(
        adjusted_error=pl.when(not_adjusted_yet).then(pl.min_horizontal(errors, error(pl.lit(0.0)))).otherwise(errors),
        error_if_known=pl.min_horizontal(error(pl.col("known_distribution")), error(pl.col("known_dividend"))),
        error_if_none=error(pl.lit(0.0)),
        adjusted_tolerance=ADJUSTED_TOLERANCE + cents,
    )


def _on_basis_of(actions: pl.DataFrame, known: KnownPrices, calendar: pl.DataFrame) -> pl.DataFrame:
    """The known prices and volumes on the document's split basis: a split takes effect at the open of its ex-date."""
    splits = pl.concat([actions, known.actions], how="diagonal").filter((pl.col("kind") == "split") & (pl.col("value") > 0))
    splits = splits.select(pl.col("ex_date").alias("split_on"), pl.col("value").alias("ratio")).unique("split_on")
    effective = splits.join(calendar.select("opens_at", split_on="session"), on="split_on")
    rescaled = (
        known.bars.join(effective, how="cross")
        .filter((pl.col("session") < pl.col("split_on")) & (pl.col("observed_at") < pl.col("opens_at")))
        .group_by("session")
        .agg(basis=pl.col("ratio").product())
    )
    return known.bars.join(rescaled, on="session", how="left").select(
        "session",
        *[(pl.col(name) / pl.col("basis").fill_null(1.0)).alias(f"known_{name}") for name in _PRICES],
        by_person=pl.col("document_id").is_in(list(known.by_person)),
        known_volume=pl.col("volume") * pl.col("basis").fill_null(1.0),
        settled=pl.col("session") < pl.col("observed_at").dt.date() - timedelta(days=3),
    )


def _with_restatements(bars: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Add the known prices and volume on the document's split basis, and whether the document changes them."""
    return bars.join(known, on="session", how="left", maintain_order="left").with_columns(
        # A person accepted these values: a document that repeats them is not judged on them.
        is_decided=pl.col("by_person") & pl.all_horizontal((pl.col(p) / pl.col(f"known_{p}") - 1).abs() < 1e-6 for p in _PRICES),
        close_change=pl.col("close") / pl.col("known_close") - 1,
        volume_change=pl.col("volume") / pl.col("known_volume") - 1,
    ).with_columns(
        is_close_restated=(pl.col("close_change").abs() > CLOSE_RESTATED).fill_null(False),
        is_restated=(
            (pl.col("close_change").abs() > CLOSE_RESTATED)
            | ((pl.col("volume_change").abs() > VOLUME_RESTATED) & pl.col("settled") & (pl.col("known_volume") > 0))
        ).fill_null(False),
    )  # fmt: skip


# Rows


def _implausible_rows(evidence: pl.DataFrame) -> pl.DataFrame:
    reasons = {
        "adjusted_close_agrees": pl.format(
            "the adjusted close moves {} % differently from close and distribution", _percent("adjusted_error")
        ),
        "close_moves_with_others": pl.format(
            "the close {} departs from every other fund by {} % and returns in the next session", "close", _percent("gap_back")
        ),
        "open_moves_with_others": pl.format(
            "the bar with close {} opens {} % from the previous close, unlike every other fund, and the next session returns",
            "close",
            _percent("open_gap_back"),
        ),
        "newest_close_is_confirmed": pl.format(
            "the newest close {} moves {} % differently from every other fund; the next session decides", "close", _percent("gap")
        ),
        "range_is_possible": pl.format(
            "high {} and low {} are too far from open {} and close {}", "high", "low", "open", "close"
        ),
        "volume_is_possible": pl.format(
            "the volume {} is implausible; the usual volume is {}", "volume", pl.col("usual_volume").round(0)
        ),
        "bar_is_not_a_copy": pl.format("the bar of {} repeats the bar of another session", "session"),
        "restated_bar_is_better": pl.when(pl.col("close_change").abs() > SMALL_RESTATEMENT)
        .then(
            pl.format(
                "the close changes from {} to {}, but the other funds agree with the known one",
                pl.col("known_close").round(4),
                "close",
            )
        )
        .otherwise(
            pl.format(
                "high and low change from {} and {} to {} and {}, with the same close",
                pl.col("known_high").round(4),
                pl.col("known_low").round(4),
                "high",
                "low",
            )
        ),
    }
    decided = pl.col("is_decided").fill_null(False)
    return quarantine_rows(evidence, reasons, {rule: pl.col(f"breaks_{rule}") & ~decided for rule in reasons})


def _percent(column: str) -> pl.Expr:
    return (pl.col(column) * 100).round(2).cast(pl.String)


def _is_index(symbol: str) -> bool:
    """An index: the vendor gives the volume of its members, on most sessions."""
    return symbol.startswith("^")


def _with_row_flags(evidence: pl.DataFrame, *, is_index: bool) -> pl.DataFrame:
    wrong_adjustment = (pl.col("adjusted_error") > pl.col("adjusted_tolerance")).fill_null(False) & ~_known_explains()
    # A wrong close affects its own move and the next one; a wrong dividend affects only its own.
    is_return = wrong_adjustment.shift(1).fill_null(False) & ~wrong_adjustment.shift(-1).fill_null(False)
    alone = pl.col("is_alone")
    close_back = pl.when(alone).then(ALONE_CLOSE_RETURN).otherwise(CLOSE_RETURN)
    open_back = pl.when(alone).then(ALONE_OPEN_RETURN).otherwise(OPEN_RETURN)
    newest = pl.when(alone).then(ALONE_NEWEST_JUMP).otherwise(NEWEST_JUMP)
    # With the known close instead of the document's, its move and the next one change by the same amount in opposite directions.
    change = (pl.col("known_close") / pl.col("close")).log().abs()
    with_new = pl.col("gap").fill_null(0) + pl.col("next_gap").fill_null(0)
    with_known = (pl.col("gap").fill_null(0) - change).abs() + (pl.col("next_gap").fill_null(0) - change).abs()
    is_wider = pl.max_horizontal(pl.col("high") / pl.col("known_high"), pl.col("known_low") / pl.col("low")) > 1 + WIDENED
    return evidence.with_columns(
        breaks_adjusted_close_agrees=wrong_adjustment & ~is_return,
        breaks_close_moves_with_others=(pl.col("gap_back") > close_back)
        & (pl.col("gap_back") > CLOSE_RETURN_MADS * pl.col("usual_gap"))
        & (pl.col("gap_back") > CLOSE_RETURN_MOVES * pl.col("usual_move")),
        breaks_open_moves_with_others=(pl.col("open_gap_back") > open_back)
        & (pl.col("open_gap_back") > OPEN_RETURN_MADS * pl.col("usual_open_gap")),
        breaks_newest_close_is_confirmed=pl.col("is_newest")
        & (
            ((pl.col("gap") > newest) & (pl.col("gap") > NEWEST_JUMP_MADS * pl.col("usual_gap")))
            | (~alone & (pl.col("gap") > NEWEST_JUMP_ALWAYS))
        ),
        breaks_range_is_possible=(pl.col("high") / pl.col("low") - 1 > LARGEST_RANGE)
        | (
            (pl.col("wick") > LARGEST_WICK) & (pl.col("usual_range") > 0) & (pl.col("wick") > WICK_RANGES * pl.col("usual_range"))
        ).fill_null(False),
        breaks_volume_is_possible=(pl.col("volume_ratio") > LARGEST_VOLUME_RATIO)
        | (pl.lit(not is_index) & (pl.col("volume") == 0) & (pl.col("usual_volume") > 0)),
        breaks_bar_is_not_a_copy=pl.col("is_copy"),
        # A single bar is compared with its known neighbours; a restated history is judged as a whole.
        breaks_restated_bar_is_better=pl.lit(not _history_is_restated(evidence))
        & pl.when(pl.col("close_change").abs() > SMALL_RESTATEMENT)
        .then(with_new > with_known - RESTATEMENT_BETTER_BY)
        .otherwise(pl.col("settled") & is_wider),
    )  # fmt: skip


def _known_explains() -> pl.Expr:
    """Whether the document has no distribution and its adjusted close agrees with the known one."""
    nothing = pl.col("dividend").fill_null(0) + pl.col("capital_gain").fill_null(0) == 0
    return (nothing & (pl.col("error_if_known") <= pl.col("adjusted_tolerance"))).fill_null(False)


def _implausible_actions(evidence: pl.DataFrame, actions: pl.DataFrame, known: KnownPrices) -> pl.DataFrame:
    """Actions of known sessions that are withdrawn, changed or added, while the adjusted close does not agree. In the newest days
    actions may still change, but a distribution that the adjusted closes show is not withdrawn.

    Returns:
        ex_date, kind, and the columns of a quarantined row.
    """
    last_known = known.bars["session"].max() if known.bars.height else None
    if not isinstance(last_known, date):
        return pl.DataFrame(schema={"ex_date": pl.Date, "kind": pl.String, **QUARANTINE_COLUMNS})
    settled = known.bars["session"].min(), last_known - SETTLING
    tolerance = pl.col("adjusted_tolerance")
    # If the bar itself is implausible, its adjusted close is no evidence.
    supported = (pl.col("adjusted_error") <= tolerance) & ~(pl.min_horizontal("error_if_known", "error_if_none") <= tolerance)
    judged = (
        actions.filter(pl.col("ex_date") >= settled[0])
        .join(known.actions.rename({"value": "known"}), on=["ex_date", "kind"], how="left")
        .with_columns(pl.col("known").fill_null(0.0))
        .filter((pl.col("value") - pl.col("known")).abs() > ACTION_CHANGED * pl.max_horizontal("value", "known"))
        .join(
            evidence.select(
                pl.col("session").alias("ex_date"),
                supported.fill_null(False).alias("supported"),
                # A dividend so small that the adjusted close agrees with and without it is kept.
                ((pl.col("error_if_none") <= tolerance) & (pl.col("error_if_known") > tolerance))
                .fill_null(False)
                .alias("denied"),
                (_known_explains() & (pl.col("error_if_none") > tolerance)).fill_null(False).alias("shown"),
            ),
            on="ex_date",
            how="left",
        )
    )
    is_split = pl.col("kind") == "split"
    splits = pl.concat([known.actions, actions.select("ex_date", "kind", "value")]).filter(is_split & (pl.col("value") > 0))
    # After a split, the vendor also rescales dividends.
    splits_rescaled = splits.filter(pl.col("ex_date") > settled[1]).height > 0
    breaks = (
        pl.when(pl.col("ex_date") > settled[1])
        .then(~is_split & (pl.col("value") == 0) & pl.col("shown"))
        .when(is_split)
        .then(True)
        .when(pl.col("value") == 0)
        .then(~pl.col("denied"))
        .otherwise(~pl.col("supported"))
    )
    kept = judged.filter(breaks.fill_null(True) & ~(pl.lit(splits_rescaled) & ~is_split))
    reason = pl.format(
        "the known {} of {} per share is kept instead of {}: the adjusted close does not agree with the change",
        "kind",
        "known",
        "value",
    )
    return kept.select(
        "ex_date", "kind", pl.col("_line").alias("line"), pl.lit("known_action_is_kept").alias("rule"), reason.alias("reason"),
        pl.col("_content").alias("content"),
    ).cast(QUARANTINE_COLUMNS)  # type: ignore[arg-type]  # fmt: skip


# Documents


def _document_findings(
    evidence: pl.DataFrame,
    quarantined: pl.DataFrame,
    symbol: str,
    known: KnownPrices,
    others: OtherFunds,
    calendar: pl.DataFrame,
) -> Iterator[Finding]:
    implausible = quarantined["line"].n_unique()
    if _are_many(implausible, evidence.height, FEW_SHARE):
        rule, count = quarantined["rule"].value_counts(sort=True).row(0)
        example = quarantined.filter(pl.col("rule") == rule).row(0, named=True)
        yield Finding(
            "few_rows_are_implausible",
            f"{implausible} of {evidence.height} rows are implausible, {count} by {rule}; the first is line {example['line']}:"
            f" {example['reason']}",
        )
    yield from _jumps(evidence)
    yield from _splits(evidence)
    first, last = evidence["session"].min(), evidence["session"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    older = known.bars.filter(pl.col("session") < first)
    yield from _beginning(first, symbol, others.inceptions, is_excerpt=older.height > 0)
    expected = calendar.filter(pl.col("session").is_between(first, last)).height
    missing = expected - evidence.height
    if missing > max(MISSING_SESSIONS, MISSING_SHARE * expected):
        yield Finding("sessions_are_complete", f"{missing} of the {expected} sessions from {first} to {last} are missing")
    dollars = evidence.tail(250).select((pl.col("close") * pl.col("volume")).median()).item()
    if dollars is not None and dollars > LARGEST_DOLLAR_VOLUME and not _is_index(symbol):
        yield Finding("dollar_volume_is_possible", f"the median traded value is {dollars:,.0f} dollars per session")
    yield from _identity(evidence, symbol, others)
    yield from _alignment(evidence, symbol, others)


def _beginning(first: date, symbol: str, inceptions: dict[str, date], *, is_excerpt: bool = False) -> Iterator[Finding]:
    """A first bar before the fund, or on another fund's first day, unless the document is an excerpt of a known history."""
    own = inceptions.get(symbol)
    if own is None:
        return
    if first < own - INCEPTION_GRACE:
        yield Finding("begins_with_the_fund", f"the first bar is dated {first}, before the inception of {symbol} on {own}")
    same = [name for name, day in inceptions.items() if name != symbol and day <= first < day + INCEPTION_GRACE]
    if same and not is_excerpt and first > own + timedelta(days=365):
        yield Finding(
            "begins_with_the_fund", f"the first bar is dated {first}, the inception of {same[0]}; {symbol} began on {own}"
        )


def _jumps(evidence: pl.DataFrame) -> Iterator[Finding]:
    """A lasting jump: not a spike, not its reversal, not the newest bar."""
    spike = (
        pl.col("breaks_close_moves_with_others")
        | pl.col("breaks_open_moves_with_others")
        | pl.col("breaks_adjusted_close_agrees")
    ).fill_null(False)
    limit = pl.when("is_alone").then(ALONE_LEVEL_JUMP).otherwise(LEVEL_JUMP)
    jumps = evidence.filter(
        (pl.col("gap") > limit)
        & (pl.col("gap") > NEWEST_JUMP_MADS * pl.col("usual_gap"))
        & ~spike
        & ~spike.shift(1).fill_null(False)
        & ~pl.col("is_newest")
    )
    if jumps.height:
        worst = jumps.sort("gap").row(-1, named=True)
        yield Finding(
            "level_is_continuous",
            f"the close moves {worst['move']:+.1%} (log) to {worst['close']:g} on {worst['session']}, {worst['gap']:.1%} from"
            " every other fund, and does not return",
        )


def _splits(evidence: pl.DataFrame) -> Iterator[Finding]:
    is_split = (pl.col("split") > 0) & (pl.col("split") != 1)
    half = 0.5 * pl.col("split").log().abs()
    unscaled = evidence.filter(is_split & ((pl.col("move") + pl.col("split").log()).abs() < half) & (pl.col("gap") > LEVEL_JUMP))
    if unscaled.height:
        worst = unscaled.row(0, named=True)
        yield Finding(
            "split_is_rescaled",
            f"closes before the split of {worst['split']:g} on {worst['session']} are on the old basis",
        )
    # The known close before a split must agree with the document's, or if that is missing, with the close on the ex-date.
    before = pl.when("follows").then((pl.col("close") / pl.col("known_close")).shift(1).log().abs()).otherwise("gap")
    invented = evidence.filter(is_split & (before > pl.max_horizontal(half, NEWEST_JUMP)))
    if invented.height and not _history_is_restated(evidence):
        worst = invented.row(0, named=True)
        yield Finding(
            "split_is_rescaled",
            f"the known close before the split of {worst['split']:g} on {worst['session']} does not agree with it",
        )


def _identity(evidence: pl.DataFrame, symbol: str, others: OtherFunds) -> Iterator[Finding]:
    of_others = others.closes.filter(pl.col("symbol") != symbol)
    compared = evidence.select("session", own="close").join(of_others, on="session", how="inner")
    same = (
        compared.group_by("version", "symbol")
        .agg(common=pl.len(), equal=(pl.col("own") == pl.col("close")).sum())
        .filter((pl.col("common") >= FEWEST_TO_COMPARE) & (pl.col("equal") > 0.9 * pl.col("common")))
        .join(of_others.group_by("version", "symbol").agg(first=pl.col("session").min()), on=["version", "symbol"])
        .sort("symbol")
    )
    first = evidence["session"].min()
    for row in same.iter_rows(named=True):
        # Of two documents with the same prices, the wrong one is that whose symbol has another document with other prices,
        # or that which begins at the inception of the other fund.
        if symbol not in others.disputed and row["symbol"] in others.disputed:
            continue
        own, theirs = others.inceptions.get(symbol), others.inceptions.get(row["symbol"])
        if _begins_with(first, own) and _begins_with(row["first"], own) and not _begins_with(row["first"], theirs):
            continue
        yield Finding("is_not_another_fund", f"{row['equal']} of {row['common']} closes equal those of {row['symbol']}")
        return


def _begins_with(first: object, inception: date | None) -> bool:
    return isinstance(first, date) and inception is not None and abs(first - inception) < FIRST_BAR_GRACE


def _alignment(evidence: pl.DataFrame, symbol: str, others: OtherFunds) -> Iterator[Finding]:
    """Check each block of sessions separately, because dates may be shifted in only part of the table."""
    of_others = others.moves.filter(pl.col("symbol") != symbol).select("symbol", "session", theirs="move")
    both = evidence.select("session", "move").join(of_others, on="session", how="inner").drop_nulls().sort("symbol", "session")
    neighbour = pl.col("theirs")
    blocks = (
        both.with_columns(
            earlier=neighbour.shift(1).over("symbol"),
            later=neighbour.shift(-1).over("symbol"),
            block=pl.int_range(pl.len()).reverse().over("symbol") // LAG_SESSIONS,
        )
        .group_by("symbol", "block")
        .agg(
            pl.col("session").min().alias("first"),
            pl.len().alias("sessions"),
            same=pl.corr("move", "theirs"),
            apart=pl.max_horizontal(pl.corr("move", "earlier"), pl.corr("move", "later")),
        )
        .filter(pl.col("sessions") >= LAG_SESSIONS // 2)
        # Another fund may be the shifted one: at least two others, and all of them, must show the shift.
        .group_by("block")
        .agg(
            pl.col("first").min(),
            pl.col("same").max(),
            pl.col("apart").min(),
            (
                ((pl.col("apart") > LAG_CORRELATION) & (pl.col("apart") > pl.col("same") + LAG_MARGIN)).all() & (pl.len() > 1)
            ).alias("is_shifted"),
        )
        .filter("is_shifted")
        .sort("first")
    )
    if blocks.height:
        worst = blocks.row(0, named=True)
        yield Finding(
            "dates_are_aligned",
            f"from {worst['first']} on, moves correlate {worst['same']:.2f} with those of the other funds on the same session and"
            f" {worst['apart']:.2f} at one session's distance",
        )


def _restatement(restated: pl.DataFrame, evidence: pl.DataFrame) -> str:
    worst = restated.sort(pl.col("close_change").abs().fill_null(0)).row(-1, named=True)
    closes = restated.filter("is_close_restated").height
    of = evidence["known_close"].count()
    return (
        f"without a split, {closes} of {of} known closes change, and {restated.height - closes} volumes alone; for example the"
        f" close of {worst['session']} from {worst['known_close']:g} to {worst['close']:g}"
    )


def _agrees_better(
    bars: pl.DataFrame, evidence: pl.DataFrame, known: KnownPrices, others: OtherFunds, symbol: str, calendar: pl.DataFrame
) -> bool:
    """Whether the known prices are the wrong ones: those of another fund, from before the inception, adjusted closes instead of
    closes, or moves further from the other funds than the document's."""
    restated = evidence.filter("is_close_restated")
    if restated.is_empty():
        return False
    first = known.bars["session"].min()
    assert isinstance(first, date)
    if list(_beginning(first, symbol, others.inceptions)) or (
        list(_identity(known.bars, symbol, others)) and symbol in others.disputed
    ):
        return True
    adjusted = evidence.select(
        ratio=pl.col("known_close") / pl.col("vendor_adj_close"), of_closes=pl.col("known_close") / pl.col("close")
    )
    if _is_constant(adjusted["ratio"]) and not _is_constant(adjusted["of_closes"]):
        return True
    of_others = others.moves.filter(pl.col("symbol") != symbol)
    days = restated.select("session")

    def departure(frame: pl.DataFrame) -> float:
        gaps = _gaps(log_moves(frame, calendar), of_others).join(days, on="session", how="semi")
        return float(gaps.select((pl.col("gap").fill_null(0) + pl.col("open_gap").fill_null(0)).sum()).item() or 0.0)

    of_document, of_known = departure(bars), departure(known.bars)
    times = CLEARLY_WORSE if days.height < MANY_RESTATED else WORSE_ON_MANY
    return of_known > times * of_document and of_known - of_document > 2 * RESTATEMENT_BETTER_BY


def _is_constant(ratio: pl.Series) -> bool:
    """Whether the ratio is within 0.05 % of its median on 95 % of the sessions."""
    known = ratio.drop_nulls()
    if len(known) < FEWEST_TO_COMPARE:
        return False
    off = (known / float(known.median()) - 1).abs() > 5e-4  # type: ignore[arg-type]
    return float(off.mean() or 0) < 0.05

"""How often the scorecard is wrong, and what it can see: `make calibrate`.

Markets of 26 years without effect give the size of p-values, intervals and verdicts; markets with a planted effect give the
power, and some of the others the power at each row's own `min_detectable`. Returns have fat tails and clustered volatility.
Regimes, trend breaks and breadth follow from the simulated prices by the rules of the product; rate regimes are drawn
independently, and the cycle phase follows from both.
"""

import argparse
import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

import numpy as np
import polars as pl
from numpy.typing import NDArray

from orchestration.evidence.contrasts import contrast, shift_fractions, steps
from orchestration.evidence.families import p_value
from orchestration.evidence.histories import all_returns, histories
from orchestration.evidence.scorecard import Method, statistics
from orchestration.settings import DBT_PROJECT_DIR

Floats = NDArray[np.float64]
Labels = dict[tuple[str, str], list[str | None]]
SESSIONS, WARM_UP, HORIZONS = 6550, 252, (21, 63, 126, 252)
METHOD = Method(
    shifts=1999, coverage=0.95, least_clusters=5, entry=1, sessions_a_year=252, least_training=2520, least_history=2520
)
SIGNIFICANCE, ERA = 0.05, 3300
BREADTH, RATES, PHASES = (
    ("breadth", "IWM, SPY, QQQ"),
    ("rate_regime", "Fed funds target"),
    ("cycle_phase", "rate cycle and IWM/SPY"),
)
CLAIMS = (
    pl.read_csv(DBT_PROJECT_DIR / "seeds" / "guide_expectations.csv")
    .select("signal", "subject", "label", "target", family=pl.lit("claims"))
    .unique()
)
PHASE_OF = {
    (rates, regime): phase
    for rates, regime, phase in pl.read_csv(DBT_PROJECT_DIR / "seeds" / "cycle_phases.csv")
    .select("rate_regime", "regime", "cycle_phase")
    .rows()
}
# Where an effect is planted: the label, and the target it shows in.
PLANTED = (("regime", "risk_on", "SPY"), ("rate_regime", "cutting", "IWM - SPY"))


def daily_returns(rng: np.random.Generator) -> dict[str, Floats]:
    """Log returns of three funds: a common factor with clustered volatility, and one of its own each."""
    volatility = np.empty(SESSIONS)
    level = 0.0
    for t, shock in enumerate(rng.normal(0, 0.12, SESSIONS)):
        level = 0.985 * level + shock
        volatility[t] = np.exp(level)
    market = 0.0003 + 0.0095 * volatility * rng.standard_t(5, SESSIONS) / np.sqrt(5 / 3)
    own = {"SPY": 0.001, "IWM": 0.006, "QQQ": 0.006}
    return {
        fund: market + deviation * volatility * rng.standard_t(5, SESSIONS) / np.sqrt(5 / 3) for fund, deviation in own.items()
    }


def regimes(gap: Floats) -> list[str | None]:
    """Hysteresis of 2 % around the trend mean."""
    found: list[str | None] = []
    label = None
    for value in gap:
        label = "risk_on" if value > 0.02 else "risk_off" if value < -0.02 else label
        found.append(label)
    return found


def breaks(ratio: Floats) -> list[str | None]:
    """The first close beyond the channel of the 126 closes before it, after one on its other side."""
    windows = np.lib.stride_tricks.sliding_window_view(ratio, 126)[:-1]
    beyond = np.where(ratio[126:] > windows.max(axis=1), 1, np.where(ratio[126:] < windows.min(axis=1), -1, 0))
    places = np.flatnonzero(beyond)
    first = places[np.diff(beyond[places], prepend=0) != 0]
    found: list[str | None] = [None] * ratio.size
    for place in first.tolist():
        found[126 + place] = "break_up" if beyond[place] > 0 else "break_down"
    return found


def labels_of(returns: dict[str, Floats], rng: np.random.Generator) -> Labels:
    """Each signal's label on every session."""
    level = {fund: own.cumsum() for fund, own in returns.items()}
    none: list[str | None] = [None]
    found: Labels = {}
    for one, other in (("IWM", "SPY"), ("IWM", "QQQ"), ("QQQ", "SPY")):
        ratio = level[one] - level[other]
        sums = np.concatenate([[0.0], ratio.cumsum()])
        mean = (sums[200:] - sums[:-200]) / 200
        found["regime", f"{one}/{other}"] = none * 199 + regimes(ratio[199:] - mean)
        found["trend_break", f"{one}/{other}"] = breaks(ratio)
    quarter = {fund: np.expm1(own[63:] - own[:-63]) for fund, own in level.items()}
    up = {fund: own > 0.02 for fund, own in quarter.items()}
    narrow = up["SPY"] & up["QQQ"] & ~up["IWM"]
    broad = up["SPY"] & up["QQQ"] & up["IWM"]
    led = up["IWM"] & ~up["SPY"] & ~up["QQQ"]
    named = np.select([broad, narrow, led], ["broad_advance", "narrow_advance", "small_cap_led"], "mixed")
    found[BREADTH] = none * 63 + [str(name) for name in named]
    rates: list[str | None] = []
    while len(rates) < SESSIONS:
        for name, shortest, longest in (
            ("hiking", 250, 600),
            ("hold_after_hikes", 60, 300),
            ("cutting", 150, 500),
            ("hold_after_cuts", 100, 800),
        ):
            rates += [name] * int(rng.integers(shortest, longest))
    found[RATES] = rates[:SESSIONS]
    found[PHASES] = [
        PHASE_OF[rate, regime] if rate and regime else None
        for rate, regime in zip(found[RATES], found["regime", "IWM/SPY"], strict=True)
    ]
    return found


def plant(returns: dict[str, Floats], labels: Labels, effect: float) -> None:
    """A drift of so much a year after the label: on all funds where it comes from prices, so that no ratio moves; on IWM for
    rates."""
    daily = effect / 252
    for (signal, subject), names in labels.items():
        for planted, label, _ in PLANTED:
            if signal == planted and subject in ("IWM/SPY", RATES[1]):
                after = np.concatenate([[False], np.array([name == label for name in names])[:-1]])
                for fund in returns if signal == "regime" else ("IWM",):
                    returns[fund] += np.where(after, daily, 0.0)


def frames(returns: dict[str, Floats], labels: Labels) -> tuple[pl.DataFrame, pl.DataFrame]:
    """In the shape of int_signal_labels and int_forward_returns."""
    number = pl.int_range(SESSIONS, eager=True)
    cycles = np.cumsum(np.array([a == "hiking" and b != "hiking" for a, b in _pairs(labels[RATES])]))
    rows = [
        pl.DataFrame({"session_no": number, "label": names}, schema_overrides={"label": pl.String})
        .slice(WARM_UP)
        .with_columns(
            signal=pl.lit(signal), subject=pl.lit(subject),
            spell_no=pl.col("label").ne_missing(pl.col("label").shift(1)).cum_sum(),
            cycle_no=pl.Series(cycles[WARM_UP:]) if signal in ("rate_regime", "cycle_phase") else pl.lit(None, pl.Int64),
        )
        for (signal, subject), names in labels.items()
    ]  # fmt: skip
    forward = []
    for horizon in HORIZONS:
        by_fund = {}
        for fund, own in returns.items():
            level = np.concatenate([[0.0], own]).cumsum()[1:]
            by_fund[fund] = np.expm1(level[1 + horizon :] - level[1:-horizon])
        by_fund["IWM - SPY"] = by_fund["IWM"] - by_fund["SPY"]
        forward += [
            pl.DataFrame({"session_no": number[: values.size], "forward_return": values}).with_columns(
                target=pl.lit(target), horizon=pl.lit(horizon)
            )
            for target, values in by_fund.items()
        ]
    return pl.concat(rows, how="vertical_relaxed"), pl.concat(forward)


def _pairs(names: list[str | None]) -> Iterator[tuple[str | None, str | None]]:
    return zip(names, [None, *names[:-1]], strict=True)


def one_market(seed: int, effect: float, is_probed: bool) -> pl.DataFrame:
    """The statistics of one market, with whether a row survives: its family, its clusters and its sign in both eras.

    `is_probed`: with whether each row's own `min_detectable` is found, planted on its label; else NULL.
    """
    rng = np.random.default_rng(seed)
    returns = daily_returns(rng)
    labels = labels_of(returns, rng)
    if effect:
        plant(returns, labels, effect)
    labelled, forward = frames(returns, labels)
    rows = statistics(labelled, forward, CLAIMS, METHOD)
    return rows.with_columns(
        same_sign=pl.Series(_same_signs(rows, labelled, forward)),
        is_seen=pl.Series(_seen(rows, labelled, forward, rng) if is_probed else [None] * rows.height, dtype=pl.Boolean),
    ).with_columns(
        survives=(pl.col("p_family") <= SIGNIFICANCE) & (pl.col("clusters") >= METHOD.least_clusters) & pl.col("same_sign"),
        seed=pl.lit(seed),
        effect=pl.lit(effect),
    )


def _same_signs(rows: pl.DataFrame, labelled: pl.DataFrame, forward: pl.DataFrame) -> list[bool]:
    by_signal = {(one.signal, one.subject): one for one in histories(labelled)}
    by_return = {(one.target, one.horizon): one for one in all_returns(forward)}
    found = []
    for signal, subject, label, horizon, target in rows.select("signal", "subject", "label", "horizon", "target").rows():
        history = by_signal[signal, subject]
        values = by_return[target, horizon].over(history)
        has = next(one for one in history.labels if one.name == label).indicator(history.length)
        signs = []
        for era in (slice(None, ERA), slice(ERA, None)):
            known = np.isfinite(values[era])
            inside, outside = values[era][known & has[era]], values[era][known & ~has[era]]
            signs.append(np.sign(inside.mean() - outside.mean()) if inside.size and outside.size else 0.0)
        found.append(signs[0] == signs[1] != 0)
    return found


def _seen(rows: pl.DataFrame, labelled: pl.DataFrame, forward: pl.DataFrame, rng: np.random.Generator) -> list[bool | None]:
    by_signal = {(one.signal, one.subject): one for one in histories(labelled)}
    by_return = {(one.target, one.horizon): one for one in all_returns(forward)}
    fractions = shift_fractions(METHOD.shifts, [one.length for one in by_signal.values()], max(HORIZONS))
    found: list[bool | None] = []
    for row in rows.iter_rows(named=True):
        if row["min_detectable"] is None:
            found.append(None)
            continue
        history = by_signal[row["signal"], row["subject"]]
        label = next(one for one in history.labels if one.name == row["label"])
        planted = by_return[row["target"], row["horizon"]].over(history)
        planted += rng.choice([-1.0, 1.0]) * row["min_detectable"] * label.indicator(history.length)
        again = contrast(history, label, planted, row["horizon"], steps(fractions, history.length))
        found.append(again is not None and p_value(again.statistic, again.shifted_statistics) <= SIGNIFICANCE)
    return found


def size_report(rows: pl.DataFrame) -> str:
    """False positives by signal and horizon, and by family."""
    judged = rows.with_columns(
        miss=(pl.col("interval_low") > 0) | (pl.col("interval_high") < 0), small=pl.col("p_value") <= SIGNIFICANCE
    )
    table = judged.group_by("signal", "horizon").agg(
        rows=pl.col("small").count(),
        p=pl.col("small").mean(),
        coverage=1 - pl.col("miss").drop_nulls().mean(),
        intervals=pl.col("miss").count(),
        seen=pl.col("is_seen").mean(),
    )
    families = judged.group_by("seed", "family").agg(
        any_p=(pl.col("p_family") <= SIGNIFICANCE).any(), any_verdict=pl.col("survives").any()
    ).group_by("family").agg(pl.len(), pl.col("any_p").mean(), pl.col("any_verdict").mean())  # fmt: skip
    lines = [
        "| signal | horizon | rows | p ≤ 5 % | interval covers | rows with an interval | `min_detectable` found |",
        "|---|---|---|---|---|---|---|",
    ]
    for signal, horizon, count, p, coverage, intervals, seen in table.sort("signal", "horizon").rows():
        lines.append(f"| {signal} | {horizon} | {count} | {p:.1%} | {_share(coverage)} | {intervals} | {_share(seen)} |")
    lines += ["", "| family | markets | any p_family ≤ 5 % | any false verdict |", "|---|---|---|---|"]
    lines += [f"| {family} | {count} | {p:.1%} | {verdict:.1%} |" for family, count, p, verdict in families.sort("family").rows()]
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.1%}"


def power_report(rows: pl.DataFrame) -> str:
    """How often each planted effect is found."""
    lines = ["| effect a year | planted on | horizon | p ≤ 5 % | survives | median difference |", "|---|---|---|---|---|---|"]
    for effect in sorted(rows["effect"].unique()):
        for signal, label, target in PLANTED:
            own = rows.filter(
                pl.col("effect") == effect, pl.col("signal") == signal, pl.col("label") == label, pl.col("target") == target,
                pl.col("subject").is_in(["IWM/SPY", RATES[1]]),
            )  # fmt: skip
            for horizon in HORIZONS:
                of = own.filter(pl.col("horizon") == horizon)
                lines.append(
                    f"| {effect:.1%} | {signal} {label}, {target} | {horizon} | {(of['p_value'] <= SIGNIFICANCE).mean():.0%} |"
                    f" {of['survives'].mean():.0%} | {of['difference'].median():.2%} |"
                )
    return "\n".join(lines)


def main() -> None:
    """Simulate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=1000, help="without effect")
    parser.add_argument(
        "--with-effect", type=int, default=200, help="at each size of the effect; as many are probed at their min_detectable"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    begun = monotonic()
    jobs = [(seed, 0.0, seed < given.with_effect) for seed in range(given.markets)]
    jobs += [(10_000 + seed, effect, False) for effect in (0.025, 0.05, 0.10) for seed in range(given.with_effect)]
    # A forked process could not use polars.
    with ProcessPoolExecutor(given.workers, mp_context=get_context("spawn")) as pool:
        found = []
        for done, rows in enumerate(pool.map(one_market, *zip(*jobs, strict=True), chunksize=4), start=1):
            found.append(rows)
            if done % 50 == 0:
                print(f"{done} of {len(jobs)} markets after {(monotonic() - begun) / 60:.1f} minutes", flush=True)
    rows = pl.concat(found)
    text = "\n\n".join([
        f"{given.markets} markets without effect", size_report(rows.filter(pl.col("effect") == 0)),
        f"{given.with_effect} markets with each effect", power_report(rows.filter(pl.col("effect") > 0)),
    ])  # fmt: skip
    print(text)
    if given.report:
        given.report.write_text(text + "\n", encoding="utf-8")
    print(json.dumps({"minutes": round((monotonic() - begun) / 60, 1)}))


if __name__ == "__main__":
    main()

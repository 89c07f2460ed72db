"""Candidates of a reconstitution: plants are found, later data change no statement, and what the real documents reach."""

from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from orchestration.sample_market import reconstitution, truths
from orchestration.sample_market.companies import Companies, companies
from orchestration.sample_market.documents import DEFAULT_SEED
from tests.pipeline.homes import Home, ask, build_models, copied, published, warehouse

WEIGHTS, CAPS = "fund weights", "total capitalisations"
# Each stage of the event and the time by which an observation counts.
KNOWN_BY = {
    "rank day": datetime(2026, 5, 1, 12),
    "preliminary list": datetime(2026, 5, 23, 12),
    "list update 1": datetime(2026, 5, 30, 12),
    "list update 2": datetime(2026, 6, 6, 12),
    "lock-down": datetime(2026, 6, 9, 12),
    "list update 3": datetime(2026, 6, 13, 12),
    "list update 4": datetime(2026, 6, 19, 12),
}
STAGES = tuple(KNOWN_BY)
REBUILT = ("rank day", "preliminary list", "list update 2", "lock-down")
STATEMENT = "select * from {table} where event = '2026-06' order by event, stage, quality, symbol"


@pytest.fixture(scope="module")
def listed() -> Companies:
    """The simulated companies."""
    return companies(DEFAULT_SEED)


@pytest.fixture(scope="module")
def candidates(sample_home: Home) -> pl.DataFrame:
    """The published candidates of both events."""
    with published(sample_home) as release:
        return ask(release, "select * from reconstitution_candidates")


def statuses(candidates: pl.DataFrame, quality: str, stage: str, symbols: set[str]) -> dict[str, set[str]]:
    """The symbols by status at one stage."""
    chosen = candidates.filter(
        (pl.col("event") == "2026-06") & (pl.col("quality") == quality) & (pl.col("stage") == stage)
        & pl.col("symbol").is_in(list(symbols))
    )  # fmt: skip
    return {str(status): set(frame["symbol"]) for (status,), frame in chosen.group_by("status")}


def symbols(listed: Companies, places: np.ndarray) -> set[str]:
    """Normalised tickers."""
    return {ticker.replace(" ", "") for ticker in listed.table["ticker"].gather(places.tolist())}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("quality", [WEIGHTS, CAPS])
def test_planted_candidates_are_found_at_each_stage(
    listed: Companies, candidates: pl.DataFrame, quality: str, stage: str
) -> None:
    up, down = symbols(listed, reconstitution.rising(listed)), symbols(listed, reconstitution.falling(listed))
    cheap = symbols(listed, reconstitution.cheap(listed))
    assert len(up) == len(down) == truths.PLANTED_MIGRATIONS
    assert statuses(candidates, quality, stage, up) == {"leaves above": up}
    assert statuses(candidates, quality, stage, down) == {"enters from above": down}
    assert statuses(candidates, quality, stage, cheap) == {"leaves below": cheap}
    of_cheap = candidates.filter(pl.col("symbol").is_in(list(cheap)) & (pl.col("event") == "2026-06"))
    assert set(of_cheap["why"]) == {"price below 1 dollar"}


def test_only_capitalisations_see_shares_that_do_not_float_and_who_comes_from_below(
    listed: Companies, candidates: pl.DataFrame
) -> None:
    held = symbols(listed, reconstitution.closely_held(listed))
    assert statuses(candidates, WEIGHTS, "rank day", held) == {"enters from above": held}
    assert statuses(candidates, CAPS, "rank day", held) == {"stays": held}
    joining = symbols(listed, reconstitution.joining(listed))
    assert statuses(candidates, WEIGHTS, "rank day", joining) == {}
    found = candidates.filter(pl.col("status") == "enters from below")
    assert found["quality"].unique().to_list() == [CAPS]
    by_stage = {str(stage): set(frame["symbol"]) for (stage,), frame in found.group_by("stage")}
    assert by_stage == dict.fromkeys(STAGES, joining)
    assert not set(found["symbol"]) & set(truths.NOT_ELIGIBLE)
    # No fund says which security the symbol of a stock in neither index is.
    assert candidates["security_id"].is_null().equals(candidates["index_before"] == "neither")


def test_borders_and_ranks_agree_with_a_recomputation(sample_home: Home, candidates: pl.DataFrame) -> None:
    """By total capitalisation, from the raw tables alone."""
    with warehouse(sample_home) as connection:
        caps = ask(connection, "select replace(symbol, '-', '') as symbol, market_cap, first_traded from raw.market_caps")
        held = {
            fund: set(
                ask(
                    connection,
                    "select replace(ticker, ' ', '') as ticker from raw.holdings"
                    " where fund = ? and as_of = ? and asset_class_label = 'Equity' and ticker <> '-'",
                    fund, truths.RANK_DAY,
                )["ticker"]
            )
            for fund in ("IWM", "IWV")
        }  # fmt: skip
    small = pl.col("symbol").is_in(list(held["IWM"]))
    median = caps.filter(small).sort("market_cap", descending=True)["market_cap"][999]
    is_old = (pl.col("first_traded") < pl.date(2025, 4, 30)) & (pl.col("market_cap") > median)
    is_member = pl.col("symbol").is_in(list(held["IWM"] | held["IWV"]))
    cheap = candidates.filter(pl.col("why") == "price below 1 dollar")["symbol"].unique().to_list()
    is_no_stock = pl.col("symbol").is_in([*truths.NOT_ELIGIBLE, *cheap]) | (pl.col("market_cap") < 30e6)
    ranked = caps.filter(is_member | ~is_old).filter(~is_no_stock).sort("market_cap", "symbol", descending=[True, False])
    value = ranked["market_cap"].to_numpy()
    reached = np.cumsum(value) / value.sum()
    lower = value[np.argmax(reached >= reached[999] + 0.025)]
    upper = value[np.argmax(reached >= reached[999] - 0.025)]
    stated = candidates.filter((pl.col("quality") == CAPS) & (pl.col("stage") == "rank day") & pl.col("size_rank").is_not_null())
    places = {symbol: rank for rank, symbol in enumerate(ranked["symbol"], start=1)}
    assert stated.height > 2500
    assert all(places[symbol] == rank for symbol, rank in stated.select("symbol", "size_rank").rows())
    assert stated["distance_to_breakpoint"].to_numpy() == pytest.approx(
        stated["market_cap"].to_numpy() / value[999] - 1, abs=1e-8
    )
    for row in stated.iter_rows(named=True):
        expected = "stays"
        if row["index_before"] == "Russell 2000":
            expected = (
                "leaves above" if row["market_cap"] > upper else "leaves below" if row["market_cap"] < value[2999] else "stays"
            )
        elif row["index_before"] == "Russell 1000":
            expected = "enters from above" if row["market_cap"] < lower else "stays"
        elif row["index_before"] == "neither":
            expected = "enters from below"
        assert row["status"] == expected, row


def test_the_scores_are_those_of_the_candidates(sample_home: Home, listed: Companies, candidates: pl.DataFrame) -> None:
    with published(sample_home) as release:
        scores = ask(release, "select * from reconstitution_forecast_scores where reach = 'all'")
    leaving = {
        "leaves above": listed.small_before & listed.large_after,
        "leaves below": listed.small_before & ~listed.small_after & ~listed.large_after,
        "enters from above": listed.large_before & listed.small_after,
        "enters from below": listed.small_after & ~listed.small_before & ~listed.large_before,
    }
    true = {status: symbols(listed, np.flatnonzero(flags)) for status, flags in leaving.items()}
    assert scores.height == len(STAGES) * (3 + 4)
    assert set(scores.filter("is_latest")["stage"]) == {STAGES[-1]}
    # The holdings of IWV, two months after those of IWM, decide where who left went.
    assert scores["judged_by"].unique().to_list() == [truths.IWM_SNAPSHOTS[-1]]
    for row in scores.iter_rows(named=True):
        said = candidates.filter(
            (pl.col("event") == row["event"]) & (pl.col("quality") == row["quality"]) & (pl.col("stage") == row["stage"])
            & (pl.col("status") == row["status"])
        )  # fmt: skip
        hits = len(set(said["symbol"]) & true[row["status"]])
        assert (row["predicted"], row["happened"], row["correct"]) == (said.height, len(true[row["status"]]), hits)
        assert row["precision_share"] == pytest.approx(hits / said.height)
        assert row["recall_share"] == pytest.approx(hits / len(true[row["status"]]))
        if row["quality"] == CAPS:
            assert row["precision_share"] > 0.9


def test_statements_count_what_was_known_by_noon_after_the_day(candidates: pl.DataFrame) -> None:
    stated = candidates.filter(pl.col("event") == "2026-06").select("stage", "known_by", "is_latest").unique().sort("known_by")
    assert stated.rows() == [(stage, known_by, stage == STAGES[-1]) for stage, known_by in KNOWN_BY.items()]


def test_a_preview_of_the_next_event_moves_with_the_clock(candidates: pl.DataFrame) -> None:
    preview = candidates.filter(pl.col("is_preview"))
    assert preview.select("event", "stage", "said_on", "quality").unique().rows() == [
        ("2026-12", "preview", truths.IWM_SNAPSHOTS[-1], WEIGHTS)
    ]


@pytest.fixture(scope="module")
def rebuilt(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    """The candidates by stage as they were made from what was known then, with data that arrived later withdrawn or changed."""
    copy = copied(sample_home, Path(tmp_path_factory.mktemp("candidates")) / "home")
    found = {}
    for stage in reversed(REBUILT):
        with duckdb.connect(str(copy.path / "warehouse.duckdb")) as connection:
            for table in ("holdings", "market_caps"):
                connection.execute(f"delete from raw.{table} where observed_at > ?", [KNOWN_BY[stage]])
        build_models(copy.settings(), ["+reconstitution_candidates", "--exclude-resource-type", "test", "unit_test"])
        with warehouse(copy) as connection:
            found[stage] = ask(connection, STATEMENT.format(table="marts.reconstitution_candidates"))
    return found


@pytest.mark.more_runs
@pytest.mark.parametrize("stage", REBUILT)
def test_a_statement_does_not_depend_on_later_data(
    rebuilt: dict[str, pl.DataFrame], candidates: pl.DataFrame, stage: str
) -> None:
    keys = ["quality", "symbol"]
    is_stage = (pl.col("event") == "2026-06") & (pl.col("stage") == stage)
    now, then = (frame.filter(is_stage).sort(keys) for frame in (candidates, rebuilt[stage]))
    assert now.height == then.height > 5000
    # Which security a symbol is can be learned later: a new ticker, another fund's CUSIP.
    for column in set(now.columns) - {"security_id", "params_id"}:
        if now.schema[column] == pl.Float64:
            assert now[column].is_null().equals(then[column].is_null()), column
            assert ((now[column] - then[column]).abs().max() or 0.0) <= 1e-12, column
        else:
            assert now[column].equals(then[column], null_equal=True), column


@pytest.mark.more_runs
def test_a_snapshot_that_is_changed_later_changes_no_statement_made_in_time(
    sample_home: Home, candidates: pl.DataFrame, tmp_path: Path
) -> None:
    copy = copied(sample_home, tmp_path / "home")
    with duckdb.connect(str(copy.path / "warehouse.duckdb")) as connection:
        connection.execute(
            "insert into raw.holdings select * replace (market_value * 3 as market_value, quantity * 3 as quantity,"
            " timestamp '2026-09-01' as observed_at, 'changed' as document_id)"
            " from raw.holdings where fund = 'IWV' and as_of = ? and line_no % 2 = 0",
            [truths.RANK_DAY],
        )
    build_models(copy.settings(), ["+reconstitution_candidates", "--exclude-resource-type", "test", "unit_test"])
    with warehouse(copy) as connection:
        again = ask(connection, STATEMENT.format(table="marts.reconstitution_candidates"))
    columns = ["stage", "quality", "symbol", "status", "size_rank", "distance_to_border"]
    before = candidates.filter(pl.col("event") == "2026-06").sort("stage", "quality", "symbol")
    assert again.select(columns).equals(before.select(columns))


@pytest.mark.more_runs
def test_holdings_that_arrive_late_give_a_statement_in_hindsight(sample_home: Home, tmp_path: Path) -> None:
    copy = copied(sample_home, tmp_path / "home")
    with duckdb.connect(str(copy.path / "warehouse.duckdb")) as connection:
        connection.execute("update raw.holdings set observed_at = timestamp '2026-08-01' where observed_at < '2026-08-01'")
    build_models(copy.settings(), ["+reconstitution_candidates", "--exclude-resource-type", "test", "unit_test"])
    with warehouse(copy) as connection:
        again = ask(connection, STATEMENT.format(table="marts.reconstitution_candidates"))
    assert again["is_hindsight"].all()
    assert set(again["stage"]) == set(STAGES)


# Every member with its places: in the rankings of companies and of lines, each from the smallest.
JUDGED = """
select judged.index_before, judged.outcome, coalesce(candidates.price < 1, false) as is_cheap, judged.from_smallest,
    row_number() over (partition by judged.index_before order by lines.size, symbol) as line_from_smallest,
    row_number() over (partition by judged.index_before order by lines.size desc, symbol) as line_from_largest
from marts.reconstitution_candidates as candidates
inner join intermediate.int_reconstitution_judged as judged using (event, stage, quality, symbol)
inner join intermediate.int_reconstitution_companies as lines using (event, stage, symbol)
where stage = 'preliminary list' and event = '2025-06' and quality = 'fund weights'
"""


def first(judged: pl.DataFrame, status: str, count: int, *order: str) -> int:
    """How many of the first members of a ranking went where a status says."""
    index = "Russell 1000" if status == "enters from above" else "Russell 2000"
    ranked = judged.filter(pl.col("index_before") == index).sort(order)
    return ranked.head(count).filter(pl.col("outcome") == status).height


def test_what_the_real_documents_reach(real_home: Home) -> None:
    """June 2025 from IWV of 2025-05-02 and IWM of 2025-05-13, by IWM of 2025-11-05; the table of docs/VENDORS.md."""
    with published(real_home) as release:
        candidates = ask(
            release, "select * from reconstitution_candidates where stage = 'preliminary list' and event = '2025-06'"
        )
        scores = ask(
            release, "select * from reconstitution_forecast_scores where stage = 'preliminary list' and event = '2025-06'"
        )
    assert not candidates["is_hindsight"].any()
    assert candidates.group_by("index_before").len().sort("index_before").rows() == [
        ("Russell 1000", 1008),
        ("Russell 2000", 1926),
    ]
    found = {(row["status"], row["reach"]): row for row in scores.iter_rows(named=True)}
    up, down, below = (found[status, "all"] for status in ("leaves above", "enters from above", "leaves below"))
    assert (up["correct"], up["predicted"]) == (8, 9)
    assert (down["correct"], down["predicted"], down["happened"]) == (23, 59, 24)
    assert (below["correct"], below["predicted"], below["happened"]) == (121, 168, 212)
    assert (found["leaves below", "by rule"]["correct"], found["leaves below", "by rule"]["predicted"]) == (53, 55)
    # As many of the largest or the smallest companies are right as often; only the price is not in a weight.
    for row in (up, down):
        assert (row["precision_share"], row["recall_share"]) == (row["naive_precision"], row["naive_recall"])
    assert (below["naive_precision"], below["naive_recall"]) == (113 / 168, 113 / 212)
    with warehouse(real_home) as connection:
        judged = ask(connection, JUDGED)
    dear_first, cheap_first = judged.with_columns(turn=pl.col("is_cheap")), judged.with_columns(turn=~pl.col("is_cheap"))
    assert first(judged, "leaves below", 55, "from_smallest") == 41
    assert first(cheap_first, "leaves below", 168, "turn", "from_smallest") == 121
    assert first(dear_first, "leaves below", 113, "turn", "from_smallest") == 68
    assert first(cheap_first, "leaves below", 50, "turn", "from_smallest") == 49
    assert first(judged, "enters from above", 50, "from_smallest") == 22
    # Lines, with each share class alone.
    assert first(judged, "leaves above", 20, "line_from_largest") == 12
    assert first(judged, "leaves below", 50, "line_from_smallest") == 37
    assert first(judged, "enters from above", 50, "line_from_smallest") == 18
    # No holdings of IWV after the event show where a company that left went.
    assert not scores["is_broad_known"].any()
    # The band: 1.61 and 0.44 times the breakpoint. The index provider's were from about 2.0 to 7.4 billion dollars around 4.6.
    borders = candidates.select(ratio=(pl.col("distance_to_breakpoint") + 1) / (pl.col("distance_to_border") + 1)).drop_nulls()
    assert sorted({round(ratio, 2) for ratio in borders["ratio"]})[1:] == [0.44, 1.61]


def test_without_the_broad_fund_only_the_price_decides(real_home: Home) -> None:
    """No holdings of IWV were known in June 2026."""
    with published(real_home) as release:
        found = ask(
            release, "select *, price < 1 as is_cheap from reconstitution_candidates where event = '2026-06' and is_latest"
        )
        scored = ask(release, "select * from reconstitution_forecast_scores where event = '2026-06'")
    cheap = found.filter("is_cheap")
    assert cheap.height > 5
    assert set(cheap["status"]) == {"leaves below"}
    assert found.filter(~pl.col("is_cheap").fill_null(value=False))["status"].is_null().all()
    assert found.height > 1900
    assert (
        found.select("weight", "size_rank", "distance_to_border", "distance_to_breakpoint").null_count().row(0)
        == (found.height,) * 4
    )
    assert scored.is_empty()

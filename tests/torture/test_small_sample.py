"""A small sample of `make torture`, and tests of its measuring tools."""

import random
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from tests.torture import lies, mutations, truths
from tests.torture.folder import Folder
from tests.torture.house import clock_after, difference
from tests.torture.lie import Lie
from tests.torture.measure_lies import Honest, judge, read_honest
from tests.torture.measure_truths import judge as judge_truth
from tests.torture.small_landing import write_small_landing

LIES = (
    "iwm_bar_100x.later", "spy_no_dividends.only", "iwm_events_zero.later", "spy_as_iwm.later", "qqq_split_not_rescaled.later",
    "fred_fractions.later", "fred_date_2099.later", "iwm_values_1000x.later", "iwm_all_financials.later",
    "members_times_3.later", "members_dates_shifted.only", "members_highs.later", "caps_two_fifths_50x.later",
    "iwm_quote_2x.first", "spy_chain_as_qqq.later", "qqq_assets_1000x.only", "market_a_twentieth.later", "bill_zero.first",
)  # fmt: skip
MORE_LIES = (
    "iwm_bar_100x.only", "spy_one_at_30.later", "iwm_prices_of_2099.later", "members_symbols_shifted.later",
    "members_dates_shifted.later", "members_flat.later", "members_no_volume.later", "members_newest_times_3.only",
    "caps_two_fifths_50x_by_price.later", "caps_reversed.later", "caps_no_shares_1000x.only", "iwm_chain_10x.later",
    "renamed_spy_chain_as_qqq.only", "iwm_interest_and_volume_100x.only", "qqq_fee_10x.later", "renamed_spy_data_as_qqq.later",
    "size_0.2x.only",
)  # fmt: skip
TRUTHS = (
    "as_they_are",
    "crash_and_rebound",
    "ordinary_dividend",
    "split_2_for_1",
    "last_ten_volumes",
    "cut_of_0.25",
    "iwm_next_session",
)
ALL_LIES = {lie.name: lie for lie in lies.catalogue()}
ALL_TRUTHS = {truth.name: truth for truth in truths.catalogue()}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A temporary folder for these tests."""
    return tmp_path_factory.mktemp("torture")


@pytest.fixture(scope="module")
def landing(root: Path) -> Path:
    """The small landing folder."""
    return write_small_landing(root / "landing", parts=1, members=True, with_facts=True)


@pytest.fixture(scope="module")
def clock(landing: Path) -> datetime:
    """A clock after all documents."""
    return clock_after(landing)


@pytest.fixture(scope="module")
def warehouse(root: Path) -> Path:
    """The file for a warehouse of the honest documents."""
    return root / "honest.duckdb"


@pytest.fixture(scope="module")
def honest(landing: Path, clock: datetime, root: Path, warehouse: Path) -> Honest:
    """The data of the honest documents only."""
    return read_honest(landing, clock, root, keep=warehouse)


@pytest.mark.parametrize("name", [*LIES, *(pytest.param(name, marks=pytest.mark.more_runs) for name in MORE_LIES)])
def test_a_fault_changes_no_table(name: str, landing: Path, honest: Honest, clock: datetime, root: Path, warehouse: Path) -> None:
    """A later document arrives on another day: what is known is in the warehouse."""
    lie = ALL_LIES[name]
    verdict = judge(lie, landing, honest, clock, root, warehouse if lie.position == "later" else None)
    assert verdict is not None
    assert not verdict.taken, verdict.line()
    assert not verdict.harmed, verdict.line()


@pytest.mark.parametrize("name", TRUTHS)
def test_a_true_event_raises_no_alarm(name: str, landing: Path, honest: Honest, root: Path) -> None:
    finding = judge_truth(ALL_TRUTHS[name], landing, honest, root)
    assert finding is not None
    assert finding.alarms == ()


def test_damaged_documents_raise_no_uncaught_error(root: Path) -> None:
    base = mutations.base_landing(root / "mutations" / "landing")
    tally = mutations.judge_chunk(base, seed=5, begin=0, count=40)
    assert tally.escaped == []
    assert tally.hung == []
    assert tally.failed_parsers == []
    assert sum(tally.outcomes.values()) == 40
    assert tally.outcomes["rejected"] > 5


# ---------------------------------------------------------------- the instruments


def test_every_kind_of_fault_is_in_the_catalogue() -> None:
    kinds = {name.rpartition(".")[0] for name in ALL_LIES}
    assert len(kinds) > 150
    assert {lie.kind for lie in ALL_LIES.values()} == {
        "prices", "rates", "holdings", "members", "market_caps", "quotes", "fund_data", "factors", "future",
    }  # fmt: skip
    assert {lie.position for lie in ALL_LIES.values()} == {"first", "later", "only"}


@pytest.fixture
def folder(landing: Path, tmp_path: Path) -> Folder:
    """A copy of the folder for faults."""
    return Folder.copied(landing, tmp_path / "landing")


def _faulty_document(lie: Lie, folder: Folder) -> bytes:
    return b"".join(path.read_bytes() for path in lie.write(folder))


@pytest.mark.parametrize("name", [*LIES, *MORE_LIES])
def test_a_fault_is_deterministic_and_differs_from_honest_documents(name: str, folder: Folder, tmp_path: Path) -> None:
    again = Folder.copied(folder.root, tmp_path / "again")
    documents = {path.read_bytes() for path in folder.root.rglob("*") if path.is_file()}
    faulty = _faulty_document(ALL_LIES[name], folder)
    assert faulty == _faulty_document(ALL_LIES[name], again)
    assert faulty not in documents


def test_a_snapshot_is_unchanged_by_writing_and_reading(folder: Folder) -> None:
    for fund in ("IWM", "SPY", "QQQ"):
        known = folder.snapshot(fund)
        folder.put_snapshot(known, known.retrieved_at.replace(minute=30))
        again = folder.snapshot(fund)
        assert again.as_of == known.as_of
        assert [line["name"] for line in again.lines] == [line["name"] for line in known.lines]
        assert [line["weight"] for line in again.lines] == [line["weight"] for line in known.lines]
        assert [line["quantity"] for line in again.lines] == [line["quantity"] for line in known.lines]


def _bars_of_truths(folder: Folder) -> Iterator[tuple[str, pl.DataFrame]]:
    for name in (
        "crash_and_rebound",
        "special_dividend",
        "split_3_for_1",
        "capital_gain_inside",
        "one_more_session",
        "two_years_still",
    ):
        copy = Folder.copied(folder.root, folder.root.parent / name)
        for path in ALL_TRUTHS[name].write(copy):
            yield name, pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path)
        shutil.rmtree(copy.root)


def test_true_events_are_consistent(folder: Folder) -> None:
    """Adjusted closes follow from closes and distributions, and every bar is valid."""
    for name, bars in _bars_of_truths(folder):
        before = pl.col("Close").shift(1)
        found = bars.select(
            ((pl.col("Adj Close") / pl.col("Adj Close").shift(1)) - pl.col("Close") / (before - pl.col("Dividends"))).abs().max(),
            (pl.col("High") * 1.00005 >= pl.max_horizontal("Open", "Low", "Close")).all().alias("high"),
            (pl.col("Low") <= pl.min_horizontal("Open", "High", "Close") * 1.00005).all().alias("low"),
        ).row(0)
        assert found[0] < 3e-6, name
        assert found[1:] == (True, True), name


def test_a_difference_is_counted_and_measured() -> None:
    rates = pl.DataFrame({"series": ["DFF"] * 3, "date": ["2026-01-01", "2026-01-02", "2026-01-03"], "value": [4.0, None, 4.25]})
    rates = rates.with_columns(pl.col("date").str.to_date())
    assert not difference("rates", rates, rates)
    moved = rates.with_columns(pl.when(pl.col("value") == 4.25).then(4.75).otherwise("value").alias("value"))
    found = difference("rates", rates, moved.tail(2))
    assert (found.wrong, found.missing, found.largest) == (1, 1, 4.0)
    assert difference("rates", rates.head(2), rates).wrong == 1


def test_lines_of_a_list_are_identified_by_name(honest: Honest) -> None:
    known = honest.known["holdings"]
    moved = known.with_columns(pl.col("line_no") + 1)
    assert not difference("holdings", known, moved)
    other = known.with_columns(pl.col("stated_weight") + pl.when(pl.int_range(pl.len()) == 7).then(0.25).otherwise(0.0))
    found = difference("holdings", known, other)
    assert (found.wrong, found.missing) == (1, 0)
    assert found.largest == pytest.approx(0.25)


def test_damage_is_the_same_for_the_same_seed() -> None:
    content = b"date,value\n2026-01-01,4.25\n2026-01-02,4.50\n" * 20
    one, other = (mutations.mutated(content, random.Random("11 4")) for _ in range(2))
    assert one == other
    damaged = {mutations.mutated(content, random.Random(f"11 {n}"))[1] for n in range(200)}
    assert len(damaged) > 150

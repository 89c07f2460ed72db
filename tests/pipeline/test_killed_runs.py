"""After a killed process, the next run gives the tables of an undisturbed one."""

import signal

import pytest

from tests.pipeline.homes import Home, raw_tables, served_tables
from tests.pipeline.killing import LEFTOVERS, KilledRuns

MOMENTS = ("ingesting prices", "building", "publishing")


@pytest.mark.parametrize("moment", MOMENTS)
def test_each_run_was_killed_at_its_moment(killed_home: KilledRuns, moment: str) -> None:
    assert killed_home.codes[moment] == -signal.SIGKILL
    output = killed_home.output[moment]
    assert "Release:" not in output
    assert ("raw_prices:" in output) == (moment != "ingesting prices")
    assert ("dbt_models:" in output) == (moment == "publishing")


def test_the_last_kill_left_an_unfinished_release_that_is_hidden(killed_home: KilledRuns) -> None:
    assert killed_home.left["publishing"]
    assert all(".unfinished-" in name for name in killed_home.left["publishing"])


def test_the_complete_run_succeeds(killed_home: KilledRuns) -> None:
    home = killed_home.home
    assert home.code == 0, home.out + home.err
    assert home.latest.resolve().name == home.releases[-1]
    assert (home.latest / "manifest.json").is_file()


def test_the_tables_equal_those_of_an_undisturbed_run(killed_home: KilledRuns, sample_home: Home) -> None:
    for tables in (raw_tables, served_tables):
        expected, found = tables(sample_home), tables(killed_home.home)
        assert set(found) == set(expected)
        for name, rows in expected.items():
            assert found[name].equals(rows), name


@pytest.mark.parametrize("pattern", [".unfinished-*", ".incoming-*", "*.wal"])
def test_nothing_unfinished_is_left(killed_home: KilledRuns, pattern: str) -> None:
    assert LEFTOVERS  # added before the complete run
    assert [str(path.relative_to(killed_home.home.path)) for path in killed_home.home.path.rglob(pattern)] == []

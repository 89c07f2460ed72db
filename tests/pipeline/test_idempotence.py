"""A second run on the same documents adds nothing and publishes the same content."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from orchestration.report.page import write_report
from orchestration.report.release_tables import release_tables
from tests.pipeline.homes import RAW_TABLES, Home, raw_tables, served_tables

# Fields that identify a release, not its content; the code revision is not part of the data.
NAMES_OF_A_RELEASE = {"release_id", "published_at", "run_id", "git_revision"}
# What a release says of the one before it; the diary stays as it is.
ABOUT_THE_PAST = {"release_history", "reading_changes"}


def manifest(home: Home) -> dict[str, Any]:
    """The current manifest."""
    found: dict[str, Any] = json.loads((home.latest / "manifest.json").read_text())
    return found


def test_a_second_run_adds_no_row_to_raw(sample_home: Home, second_run: Home) -> None:
    first, second = raw_tables(sample_home), raw_tables(second_run)
    assert set(first) == set(RAW_TABLES)
    for table, rows in first.items():
        assert second[table].equals(rows), table


def test_a_second_run_publishes_a_new_release(sample_home: Home, second_run: Home) -> None:
    assert len(second_run.releases) == 2
    assert second_run.releases[0] == sample_home.latest.resolve().name
    assert second_run.latest.resolve().name == second_run.releases[1]


def test_a_second_run_reads_no_document_again(second_run: Home) -> None:
    assert ": accepted," not in second_run.out


def test_a_second_run_keeps_the_parsed_project(sample_home: Home, second_run: Home) -> None:
    one, other = ((home.path / "dbt" / "manifest.json").read_bytes() for home in (sample_home, second_run))
    assert one == other


def test_a_second_run_writes_no_document(sample_home: Home, second_run: Home) -> None:
    def files(home: Home) -> dict[str, bytes]:
        landing = home.path / "landing"
        return {str(path.relative_to(landing)): path.read_bytes() for path in landing.rglob("*") if path.is_file()}

    assert files(second_run) == files(sample_home)


def pages(file: Path) -> bytes:
    """A Parquet file without its footer, which names the release."""
    content = file.read_bytes()
    return content[: -8 - int.from_bytes(content[-8:-4], "little")]


def test_every_parquet_file_is_the_same_except_for_the_release_id(sample_home: Home, second_run: Home) -> None:
    names = {path.name for path in sample_home.latest.glob("*.parquet")}
    assert names == {path.name for path in second_run.latest.glob("*.parquet")}
    for name in sorted(names - {f"{table}.parquet" for table in ABOUT_THE_PAST}):
        first, second = (home.latest / name for home in (sample_home, second_run))
        assert pl.read_parquet(second).equals(pl.read_parquet(first)), name
        assert pages(second) == pages(first), name


def test_every_served_table_is_the_same(sample_home: Home, second_run: Home) -> None:
    first, second = served_tables(sample_home), served_tables(second_run)
    assert set(first) == set(second)
    for name, rows in first.items():
        assert second[name].equals(rows), name


def test_a_second_run_changes_nothing_and_says_so(second_run: Home) -> None:
    changes = pl.read_parquet(second_run.latest / "reading_changes.parquet")
    assert changes.filter(pl.col("baseline") == "previous_release").is_empty()
    history = pl.read_parquet(second_run.latest / "release_history.parquet").sort("release_id")
    assert history["release_id"].to_list() == second_run.releases
    assert history["observations"].n_unique() == 1


def test_the_dictionary_and_the_calendar_are_the_same(sample_home: Home, second_run: Home) -> None:
    def sections(home: Home) -> dict[str, str]:
        found = (home.latest / "data_dictionary.md").read_text().split("\n## ")
        return {section.partition("\n")[0]: section for section in found if section.partition("\n")[0] not in ABOUT_THE_PAST}

    assert sections(second_run) == sections(sample_home)
    assert (second_run.latest / "calendar.ics").read_bytes() == (sample_home.latest / "calendar.ics").read_bytes()


def test_a_release_gives_the_same_page_again(second_run: Home, tmp_path: Path) -> None:
    with release_tables(second_run.latest) as tables:
        page = write_report(tables, manifest(second_run), tmp_path, scripts=second_run.path / "report")
    assert page.read_bytes() == (second_run.latest / "report.html").read_bytes()


def test_the_manifest_differs_only_in_ids_and_times(sample_home: Home, second_run: Home) -> None:
    def content(value: Any) -> Any:
        """The manifest without release ids, and without sizes and hashes of files that contain them."""
        if isinstance(value, list):
            return [content(part) for part in value]
        if isinstance(value, dict):
            of_a_file = {"sha256"} | ({"bytes"} if not str(value.get("file")).endswith(".parquet") else set())
            left_out = NAMES_OF_A_RELEASE | (of_a_file if "file" in value else set())
            return {name: content(part) for name, part in value.items() if name not in left_out}
        return value

    first, second = manifest(sample_home), manifest(second_run)
    assert set(first) == set(second)
    assert first["baseline"]["release_id"] is None
    assert second["baseline"]["release_id"] == first["release_id"]
    assert first["diary"]
    assert second["diary"] is None
    for found in (first, second):
        found["tables"] = [table for table in found["tables"] if table["name"] not in ABOUT_THE_PAST]
        del found["baseline"], found["diary"]
    assert content(second) == content(first)


@pytest.mark.parametrize("name", ["release_id", "published_at", "run_id"])
def test_each_release_has_its_own_ids(sample_home: Home, second_run: Home, name: str) -> None:
    assert manifest(second_run)[name] != manifest(sample_home)[name]


def test_nothing_unfinished_is_left(sample_home: Home, second_run: Home) -> None:
    for home in (sample_home, second_run):
        assert [path for pattern in (".incoming-*", ".unfinished-*") for path in Path(home.path).rglob(pattern)] == []

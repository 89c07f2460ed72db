"""A release is complete, readable by every tool, and published atomically."""

import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from orchestration.defs.assets.published import publish_release, published_marts
from orchestration.publish.made_tables import MADE_TABLES
from tests.pipeline.homes import Home, ask, copied, published

BI_TYPES = {"BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "VARCHAR", "DATE", "TIMESTAMP"}
SMALL_MARTS = {"regime_spells", "rate_regime_spells", "sector_comparison"}


@pytest.fixture(scope="module")
def manifest(sample_home: Home) -> dict[str, Any]:
    """The manifest of the sample's release."""
    found: dict[str, Any] = json.loads((sample_home.latest / "manifest.json").read_text())
    return found


def described_files(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Every entry of the manifest with a file."""
    return [*manifest["tables"], *(part for part in manifest.values() if isinstance(part, dict) and "sha256" in part)]


def test_latest_is_a_relative_link_to_the_newest_release(sample_home: Home, manifest: dict[str, Any]) -> None:
    assert sample_home.latest.is_symlink()
    assert sample_home.latest.readlink() == Path("releases") / manifest["release_id"]
    assert sample_home.releases == [manifest["release_id"]]


def test_every_file_is_in_the_manifest_with_size_and_hash(sample_home: Home, manifest: dict[str, Any]) -> None:
    files = described_files(manifest)
    for facts in files:
        content = (sample_home.latest / facts["file"]).read_bytes()
        assert (facts["bytes"], facts["sha256"]) == (len(content), hashlib.sha256(content).hexdigest()), facts["file"]
    listed = {facts["file"] for facts in files} | {"manifest.json"}
    assert listed == {path.name for path in sample_home.latest.iterdir()}


def test_every_mart_is_published(sample_home: Home, manifest: dict[str, Any]) -> None:
    with duckdb.connect(str(sample_home.path / "warehouse.duckdb"), read_only=True) as connection:
        marts = {
            name
            for (name,) in connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        }
    assert {table["name"] for table in manifest["tables"]} == marts | {one.name for one in MADE_TABLES}
    assert manifest["source"] == "sample"
    assert manifest["last_session"] == "2026-09-30"


def test_parquet_files_name_their_release_and_source(sample_home: Home, manifest: dict[str, Any]) -> None:
    for table in manifest["tables"]:
        metadata = pq.read_metadata(sample_home.latest / table["file"]).metadata
        assert metadata[b"release_id"].decode() == manifest["release_id"]
        assert metadata[b"source"] == b"sample"


def test_parquet_files_describe_their_columns(sample_home: Home, manifest: dict[str, Any]) -> None:
    with published(sample_home) as release:
        comments = ask(release, "select table_name, column_name, comment from duckdb_columns() where not internal").rows()
    described = {
        (table["name"], field.name, field.metadata[b"description"].decode())
        for table in manifest["tables"]
        for field in pq.read_schema(sample_home.latest / table["file"])
    }
    assert described == {row for row in comments if row[0] not in {"release", "readme"}}


def test_columns_rows_keys_and_dates_match_the_manifest(sample_home: Home, manifest: dict[str, Any]) -> None:
    for table in manifest["tables"]:
        frame = pl.read_parquet(sample_home.latest / table["file"])
        assert frame.height == table["rows"], table["name"]
        # No event of the sample market is between its rank day and its reconstitution.
        assert frame.height > 0 or table["name"] == "reconstitution_diary"
        assert frame.columns == list(table["columns"])
        assert set(table["columns"].values()) <= BI_TYPES
        assert all(name == name.lower() and name.replace("_", "").isalnum() for name in table["columns"])
        key = frame.select(table["key"])
        assert key.is_unique().all(), table["name"]
        assert sum(key.null_count().row(0)) == 0
        assert key.equals(key.sort(table["key"])), table["name"]
        for column in frame.select(pl.col(pl.Float64)).iter_columns():
            assert bool(column.is_finite().fill_null(True).all()), (table["name"], column.name)
        if table["date_column"]:
            dates = frame[table["date_column"]]
            ends = {"first_session": "last_session", "from_session": "to_session"}.get(table["date_column"])
            last = max(dates.max(), *frame[ends].drop_nulls()) if ends in frame.columns else dates.max()
            assert (str(dates.min()), str(last)) == (table["first_date"], table["last_date"]), table["name"]
    dated = {table["name"]: table["date_column"] for table in manifest["tables"]}
    assert (dated["macro_daily"], dated["index_membership"], dated["corrections"]) == ("date", "from_session", "peak")


def test_every_tool_reads_the_same(sample_home: Home, manifest: dict[str, Any]) -> None:
    for table in manifest["tables"]:
        path = sample_home.latest / table["file"]
        with_polars, with_pandas, with_arrow = pl.read_parquet(path), pd.read_parquet(path), pq.read_table(path)
        with_duckdb = duckdb.sql(f"select * from read_parquet('{path}')").pl()
        assert with_duckdb.equals(with_polars), table["name"]
        assert pl.from_arrow(with_arrow).equals(with_polars), table["name"]  # type: ignore[union-attr]
        assert list(with_pandas.columns) == with_polars.columns
        for name in with_polars.select(pl.col(pl.Float64)).columns:
            np.testing.assert_array_equal(with_pandas[name].to_numpy(), with_polars[name].to_numpy())


def test_the_serving_copy_has_comments(sample_home: Home, manifest: dict[str, Any]) -> None:
    with published(sample_home) as release:
        tables = ask(release, "select table_name, comment from duckdb_tables()")
        columns = ask(release, "select table_name, column_name, comment from duckdb_columns() where not internal")
        facts = ask(release, "select * from release").row(0, named=True)
    assert set(tables["table_name"]) == {table["name"] for table in manifest["tables"]} | {"release", "readme"}
    assert tables.filter(pl.col("comment").fill_null("") == "").rows() == []
    assert columns.filter(pl.col("comment").fill_null("") == "").rows() == []
    assert (facts["release_id"], facts["source"], str(facts["last_session"])) == (manifest["release_id"], "sample", "2026-09-30")


@pytest.mark.more_runs
def test_a_reader_sees_complete_releases_while_thirty_are_made(sample_home: Home, tmp_path: Path) -> None:
    home = copied(sample_home, tmp_path / "busy")
    settings = home.settings(keep_releases=5)
    marts = [mart for mart in published_marts(settings) if mart.name in SMALL_MARTS]
    publish_release(settings, marts, run_id="first")
    seen: list[str] = []
    wrong: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                directory = home.latest.resolve(strict=True)
                found = json.loads((directory / "manifest.json").read_text())
                ids = {pq.read_metadata(directory / f"{mart.name}.parquet").metadata[b"release_id"].decode() for mart in marts}
                if ids != {found["release_id"]} or found["release_id"] != directory.name:
                    wrong.append(f"{directory.name} mixes {ids} and {found['release_id']}")
                seen.append(directory.name)
            except Exception as error:  # noqa: BLE001 any error of a reader is a failure
                wrong.append(repr(error))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        made = [publish_release(settings, marts, run_id=str(i)).release_id for i in range(30)]
    finally:
        done.set()
        reader.join()
    assert wrong == []
    assert len(set(seen)) > 8
    assert seen == sorted(seen)
    assert home.releases == made[-5:]
    assert home.latest.resolve().name == made[-1]

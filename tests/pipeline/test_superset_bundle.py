"""The dashboard for Apache Superset fits the release; `make test-superset` imports and draws it."""

import json
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import yaml

from orchestration.settings import PROJECT_ROOT
from tests.pipeline.homes import Home, ask, published

FOLDER = PROJECT_ROOT / "docs" / "superset"


def parts(kind: str) -> list[dict[str, Any]]:
    """The files of one kind: databases, datasets, charts or dashboards."""
    return [yaml.safe_load(file.read_text()) for file in sorted((FOLDER / kind).rglob("*.yaml"))]


DATASETS = {dataset["uuid"]: dataset for dataset in parts("datasets")}
CHARTS = {chart["uuid"]: chart for chart in parts("charts")}


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda dataset: str(dataset["table_name"]))
def test_a_dataset_has_rows_and_the_columns_that_it_names(sample_home: Home, dataset: dict[str, Any]) -> None:
    with duckdb.connect(str(sample_home.latest / "warehouse.duckdb"), read_only=True) as connection:
        found = connection.sql(dataset["sql"])
        assert dict(zip(found.columns, map(str, found.types), strict=True)) == {
            column["column_name"]: column["type"] for column in dataset["columns"]
        }
        assert found.fetchone() is not None
    assert all(column["description"].endswith(".") for column in dataset["columns"])
    assert {column["column_name"] for column in dataset["columns"] if column["is_dttm"]} == {
        column["column_name"] for column in dataset["columns"] if column["type"] == "DATE"
    }


@pytest.mark.parametrize("chart", CHARTS.values(), ids=lambda chart: str(chart["slice_name"]))
def test_a_chart_asks_for_columns_of_its_dataset(chart: dict[str, Any]) -> None:
    params = chart["params"]
    known = {column["column_name"] for column in DATASETS[chart["dataset_uuid"]]["columns"]}
    asked = {*params.get("all_columns", []), *params.get("groupby", []), *params.get("column_config", {})}
    asked |= {json.loads(order)[0] for order in params.get("order_by_cols", [])}
    asked |= {rule["column"] for rule in params.get("conditional_formatting", [])}
    asked |= {params["x_axis"]} if "x_axis" in params else set()
    assert asked <= known
    assert params["viz_type"] == chart["viz_type"]
    assert chart["description"].endswith(".")


def test_the_dashboard_shows_every_chart_once_and_filters_what_exists() -> None:
    [dashboard] = parts("dashboards")
    places = {key: place for key, place in dashboard["position"].items() if key.startswith("CHART-")}
    assert sorted(place["meta"]["uuid"] for place in places.values()) == sorted(CHARTS)
    rows = [place for key, place in dashboard["position"].items() if key.startswith("ROW-")]
    assert sorted(child for row in rows for child in row["children"]) == sorted(places)
    assert {sum(places[child]["meta"]["width"] for child in row["children"]) for row in rows} == {12}
    assert all(CHARTS[place["meta"]["uuid"]]["slice_name"] == place["meta"]["sliceName"] for place in places.values())
    for native in dashboard["metadata"]["native_filter_configuration"]:
        [target] = native["targets"]
        assert target["column"]["name"] in {column["column_name"] for column in DATASETS[target["datasetUuid"]]["columns"]}
        shown = [place["meta"] for place in places.values() if place["meta"]["chartId"] not in native["scope"]["excluded"]]
        assert [CHARTS[meta["uuid"]]["dataset_uuid"] for meta in shown] == [target["datasetUuid"]]


def test_the_dashboard_says_what_the_release_says(sample_home: Home) -> None:
    sql = {dataset["table_name"]: dataset["sql"] for dataset in DATASETS.values()}
    with published(sample_home) as release:
        [headline] = ask(release, sql["morning_headline"]).to_dicts()
        signals = ask(release, sql["morning_signals"])
        returns = ask(release, sql["morning_returns"])
        ratio = ask(release, sql["morning_ratio"])
    with duckdb.connect(str(sample_home.latest / "warehouse.duckdb"), read_only=True) as connection:
        closes = dict(
            connection.execute(
                "select fund, close from price_daily where session = '2026-09-30' and fund in ('IWM', 'SPY', 'QQQ')"
            ).fetchall()
        )
        spells = connection.execute("select pair, regime, first_session, sessions from regime_spells where is_open").fetchall()
        days = connection.execute(
            "select count(*) from ratio_daily where ratio is not null and pair = 'IWM/SPY' and session > '2021-09-30'"
        ).fetchall()
    assert headline["headline"].startswith("IWM/SPY is risk_")
    assert headline["age"] == "Prices to 2026-09-30, the last completed session."
    assert dict(zip(returns["fund"], returns["close"], strict=True)) == closes
    regimes = signals.filter(pl.col("signal") == "regime").select("subject", "label", "since", "sessions").sort("subject").rows()
    assert regimes == sorted(spells)
    lines = ratio.filter(pl.col("pair") == "IWM/SPY", pl.col("line").str.contains("risk_"))
    assert lines.height == lines["session"].n_unique() == days[0][0]


def test_the_headline_counts_the_sessions_since_a_release_was_made(sample_home: Home, tmp_path: Path) -> None:
    """A release that nobody renews gets old, whatever it said when it was made."""
    copy = tmp_path / "warehouse.duckdb"
    shutil.copy(sample_home.latest / "warehouse.duckdb", copy)
    [sql] = (dataset["sql"] for dataset in DATASETS.values() if dataset["table_name"] == "morning_headline")
    with duckdb.connect(str(copy)) as connection:
        ended = connection.sql("select closes_at from session_calendar where session > '2026-09-30'").pl()["closes_at"]
        connection.execute("update release set source = 'live'")
        [(age, behind)] = connection.execute(f"select age, sessions_behind from ({sql})").fetchall()
    now = datetime.now(UTC).replace(tzinfo=None)
    assert behind == (ended + timedelta(minutes=30) <= now).sum()
    assert age.startswith("STALE") == (behind > 0)


def test_the_bundle_names_the_release_and_is_the_same_every_time(sample_home: Home, tmp_path: Path) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "below" / "second.zip"
    for bundle in (first, second):
        subprocess.run([sys.executable, FOLDER / "bundle.py", sample_home.latest, bundle], check=True, cwd=tmp_path)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert len(archive.namelist()) == len(DATASETS) + len(CHARTS) + 3
        database = yaml.safe_load(archive.read("small_caps/databases/small_cap_signal.yaml"))
    assert database["sqlalchemy_uri"] == f"duckdb:///{sample_home.latest}/warehouse.duckdb?access_mode=read_only"
    assert {dataset["database_uuid"] for dataset in DATASETS.values()} == {database["uuid"]}


def test_a_bundle_needs_a_release(tmp_path: Path) -> None:
    command = [sys.executable, FOLDER / "bundle.py", tmp_path / "nothing", tmp_path / "bundle.zip"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"There is no release in {tmp_path / 'nothing'}: run smallcap run first.\n")
    assert list(tmp_path.iterdir()) == []

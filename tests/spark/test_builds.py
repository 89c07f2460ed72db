"""Builds on Spark, each in its own process: what is built is in the warehouse, and a killed session leaves nothing behind."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.market_calendar import sessions_frame
from orchestration.settings import PROJECT_ROOT, SAMPLE_LAST_SESSION
from orchestration.warehouse.connection import Warehouse, registered
from orchestration.warehouse.withholding import UNFINISHED, withheld_tables
from tests.pipeline.dagster_ui import until

pytest.importorskip("pyspark", reason="Spark is not installed: make parity installs it")
pytestmark = pytest.mark.slow
# As Linux writes 127.0.0.1, also as an address of IPv6.
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}
BUILT = ("reconstitutions", "signal_parameters", "stg_sessions", "session_calendar")
ALONE = """
import sys
from orchestration.defs.build import build_defs
from orchestration.settings import EngineName, Settings, Source
from tests.pipeline.test_assets_alone import made, materialised, reason
definitions = build_defs(Settings(source=Source.landing, data_dir=sys.argv[1], engine=EngineName.spark))
result = materialised(definitions, sys.argv[2])
print(sorted(made(result)) if result.success else " ".join(reason(result).split()))
"""
START = """
import json, sys
from pathlib import Path
from orchestration.warehouse.spark.java import SparkUnusable
from orchestration.warehouse.spark.session import spark_session, spark_settings
try:
    with spark_session(spark_settings(Path(sys.argv[1]), "1GB") | json.loads(sys.argv[2])):
        print("started")
except SparkUnusable as error:
    print(error)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data directory whose warehouse has the trading days."""
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.prepare()
    with warehouse.connect() as connection, registered(connection, "days", sessions_frame(SAMPLE_LAST_SESSION)):
        connection.execute(
            "insert into raw.sessions by name select *, timestamp '2026-10-01' as observed_at, 'd' as document_id from days"
        )
    return tmp_path


def build(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.spark.build_some", str(home), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def days_in_mart(home: Path) -> list[tuple[object, ...]]:
    return Warehouse(home / "warehouse.duckdb").ask("select session from marts.session_calendar order by session")


def test_a_mart_built_on_spark_is_in_the_warehouse(home: Path) -> None:
    done = build(home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert days_in_mart(home) == [(day,) for day in sessions_frame(SAMPLE_LAST_SESSION)["session"]]
    assert "session_calendar" not in withheld(home)
    (listens,) = (line.split()[1:] for line in done.stdout.splitlines() if line.startswith("listens"))
    assert set(listens) <= LOOPBACK
    assert listens


def test_the_other_engine_goes_on_in_the_same_warehouse(home: Path) -> None:
    for engine in ([], ["--duckdb"], []):
        done = build(home, *engine)
        assert done.returncode == 0, done.stdout + done.stderr
        words = [line.split() for line in done.stdout.splitlines()]
        states = {word[0]: word[-1].lower() for word in words if word and word[0] in BUILT}
        assert states.keys() == set(BUILT)
        assert set(states.values()) <= {"ok", "success"}
        assert days_in_mart(home) == [(day,) for day in sessions_frame(SAMPLE_LAST_SESSION)["session"]]
        assert "session_calendar" not in withheld(home)
        shutil.rmtree(home / "lake", ignore_errors=True)


def test_an_asset_alone_is_made_from_what_spark_built(home: Path) -> None:
    """Its upstream views are made again, and are no part of the run; what DuckDB built last is not in the lake."""
    assert build(home).returncode == 0
    with Warehouse(home / "warehouse.duckdb").connect() as connection:
        connection.execute("update build.made_of set engine = 'duckdb' where table_name = 'reconstitutions'")
    for asset, said in (
        ("marts/session_calendar", "['marts/session_calendar']"),
        ("marts/reconstitution_calendar", "seeds/reconstitutions were never built, or were last built by another engine"),
    ):
        command = [sys.executable, "-c", ALONE, str(home), asset]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert said in done.stdout, done.stdout + done.stderr


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = {"spark.driver.port": str(port), "spark.port.maxRetries": "0"}
        command = [sys.executable, "-c", START, str(tmp_path), json.dumps(settings)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    sentence = done.stdout.splitlines()[-1]
    assert sentence.startswith("Spark did not start: a port that it was told to use is taken (BindException")
    assert str(port) in sentence


def test_a_killed_session_is_one_sentence_and_the_next_build_heals(home: Path) -> None:
    killed = build(home, "--kill")
    assert killed.returncode == 1, killed.stdout + killed.stderr
    assert killed.stdout.splitlines()[-1].startswith("Spark ended during the build")
    assert withheld(home)["session_calendar"] == UNFINISHED
    half = home / "lake/warehouse/marts/session_calendar"
    half.mkdir(parents=True, exist_ok=True)
    (half / "_SUCCESS").unlink(missing_ok=True)
    (half / "part-0.parquet").write_bytes(b"PAR1 half a file")
    test_a_mart_built_on_spark_is_in_the_warehouse(home)


def submitted(*arguments: str | Path) -> tuple[list[str], dict[str, str]]:
    """The command and environment of spark-submit on one core, reachable from this machine only."""
    settings = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.enabled": "false"}
    options = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    submit = Path(sys.executable).parent / "spark-submit"
    environment = {**os.environ, "PATH": f"{submit.parent}:{os.environ['PATH']}", "PYTHONPATH": str(PROJECT_ROOT)}
    return [str(submit), "--master", "local[1]", *options, *map(str, arguments)], environment


def test_what_spark_submit_was_given_is_kept(home: Path) -> None:
    """The master above all: on a cluster the build would otherwise run on this machine."""
    command, environment = submitted(Path(__file__).parent / "build_some.py", home)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "master local[1]" in done.stdout.splitlines()
    assert days_in_mart(home) == [(day,) for day in sessions_frame(SAMPLE_LAST_SESSION)["session"]]


@pytest.fixture
def connect_server(tmp_path: Path) -> Iterator[str]:
    """The address of a Spark Connect server, which listens on this machine only."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    binding = {"spark.connect.grpc.binding.address": "127.0.0.1", "spark.connect.grpc.binding.port": str(port)}
    options = [word for name, value in binding.items() for word in ("--conf", f"{name}={value}")]
    main = ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"]
    command, environment = submitted(*options, *main)
    log = tmp_path / "server.log"
    with log.open("w") as said, subprocess.Popen(command, env=environment, stdout=said, stderr=said) as server:
        try:
            until("a Spark Connect server", lambda: f"started at: 127.0.0.1:{port}" in log.read_text())
            yield f"sc://127.0.0.1:{port}"
        finally:
            server.terminate()


def test_a_spark_connect_server_builds(home: Path, connect_server: str) -> None:
    """The whole build: dbt-spark would otherwise start a server of its own on this machine."""
    done = build(home, "--remote", connect_server)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "remote 127.0.0.1" in done.stdout.splitlines()
    assert "Failed to set" not in done.stderr
    assert days_in_mart(home) == [(day,) for day in sessions_frame(SAMPLE_LAST_SESSION)["session"]]


def withheld(home: Path) -> dict[str, str]:
    with Warehouse(home / "warehouse.duckdb").connect() as connection:
        return withheld_tables(connection)

"""The parameters in the compiled SQL: which models may use one, and params_id covers everything upstream."""

import csv
import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from orchestration.settings import DBT_PROJECT_DIR, SEEDS_DIR
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.dbt_build import Dbt
from orchestration.warehouse.engine import WAREHOUSE_VARIABLE
from orchestration.warehouse.withholding import Graph
from tests.conftest import WITHOUT_BUILT

pytestmark = pytest.mark.slow

ID = re.compile(r"'([0-9a-f]{12})'(?: as params_id\b|\s+from\b)")


@pytest.fixture(scope="module")
def compiled(parsed_dbt: Dbt) -> tuple[Graph, dict[str, str]]:
    """The project's graph, and the compiled SQL of each model by name."""
    graph = Graph(parsed_dbt.manifest())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(WAREHOUSE_VARIABLE, "")  # restored afterwards
        result = parsed_dbt.invoke(["compile", "--no-write-json"], manifest=parsed_dbt.parsed())
    assert result.success, result.exception
    folder = parsed_dbt.target_dir / "compiled" / "small_cap_signal" / "models"
    return graph, {file.stem: file.read_text() for file in folder.rglob("*.sql")}


def signals(graph: Graph, name: str) -> set[str]:
    """The signals that a model and everything upstream declare."""
    return {
        signal for node in (name, *graph.depends_on(name)) for signal in graph.nodes[node]["config"]["meta"].get("signals", [])
    }


def expected_id(of: set[str]) -> str:
    """The hash over all parameters of these signals."""
    rows = sorted((row["signal"], row["parameter"], float(row["value"])) for row in parameters() if row["signal"] in of)
    return hashlib.md5(";".join(f"{s}:{p}={v}" for s, p, v in rows).encode()).hexdigest()[:12]


def parameters() -> list[dict[str, str]]:
    with (SEEDS_DIR / "signal_parameters.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_params_id_covers_every_parameter_of_a_mart(compiled: tuple[Graph, dict[str, str]]) -> None:
    graph, sql = compiled
    dependent = {name for name in graph.marts if signals(graph, name)}
    assert len(dependent) >= 30
    assert {name for name in graph.marts if "params_id" in graph.nodes[name]["columns"]} == dependent
    for name in dependent:
        assert set(ID.findall(sql[name])) == {expected_id(signals(graph, name))}, name


def test_every_parameter_is_declared_and_in_an_id(compiled: tuple[Graph, dict[str, str]]) -> None:
    graph, _ = compiled
    published = set().union(*(signals(graph, name) for name in graph.marts))
    assert published == {row["signal"] for row in parameters()}


def test_a_model_may_use_only_declared_signals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(DBT_PROJECT_DIR, project, ignore=WITHOUT_BUILT)
    model = next(project.rglob("regime_daily.sql"))
    text = model.read_text()
    assert text.count("'signals': ['regime']") == 1
    model.write_text(text.replace("'signals': ['regime']", "'signals': ['ratio']"))
    monkeypatch.setenv(WAREHOUSE_VARIABLE, "")  # restored afterwards
    result: Any = Dbt(Warehouse(tmp_path / "w.duckdb"), tmp_path / "dbt", project).invoke(["compile", "--select", "regime_daily"])
    assert not result.success
    assert "declare it in its config" in str(result.exception or [one.message for one in result.result])

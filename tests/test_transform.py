"""When the dbt project is parsed anew, without parsing it."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestration import transform
from orchestration.settings import Settings


@pytest.fixture
def parses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A project of two models, and what dbt is asked to do with it."""
    asked: list[list[str]] = []

    def invoke(settings: Settings, arguments: list[str], callbacks: list[Any]) -> Any:
        asked.append(arguments)
        settings.dbt_target_dir.mkdir(parents=True, exist_ok=True)
        (settings.dbt_target_dir / "manifest.json").write_text("{}")
        return SimpleNamespace(success=True, result=None)

    project = tmp_path / "project"
    project.mkdir()
    for name in ("one", "other"):
        (project / f"{name}.sql").write_text("select 1")
    monkeypatch.setattr(transform, "DBT_PROJECT_DIR", project)
    monkeypatch.setattr(transform, "_invoke", invoke)
    return asked


def change(project: Path) -> None:
    (project / "one.sql").write_text("select 2")
    os.utime(project / "one.sql", (0, 0))  # as a backup that is put back: older than the manifest


@pytest.mark.parametrize("changes", [change, lambda project: (project / "other.sql").unlink()], ids=["changed", "removed"])
def test_another_project_is_parsed_once(parses: list[list[str]], tmp_path: Path, changes: Any) -> None:
    settings = Settings(data_dir=tmp_path / "home")
    for _ in range(2):
        assert transform.manifest_path(settings).exists()
    assert parses == [["parse"]]
    changes(tmp_path / "project")
    for _ in range(2):
        transform.manifest_path(settings)
    assert parses == [["parse"], ["parse"]]

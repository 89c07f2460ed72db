"""The real documents give equal releases on both engines."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SHARED
from tests.parity import as_markdown, compare

pytest.importorskip("pyspark", reason="Spark is not installed: make parity installs it")
pytestmark = pytest.mark.slow
LANDING = SHARED / "landing"


@pytest.mark.skipif(not LANDING.is_dir(), reason=f"there is no folder {LANDING} with real documents")
def test_the_real_documents_give_equal_releases(tmp_path: Path) -> None:
    releases = []
    for engine in ("duckdb", "spark"):
        command = [
            str(Path(sys.executable).parent / "smallcap"), "run", "--source", "landing", "--landing-dir", str(LANDING),
            "--data-dir", str(tmp_path / engine),
        ]  # fmt: skip
        environment = {**os.environ, "SMALLCAP_ENGINE": engine}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=1200)
        assert done.returncode == 0, done.stderr[-2000:]
        releases.append(tmp_path / engine / "published/latest")
    tables = compare(releases[0], releases[1])
    assert len(tables) > 50
    assert [table.name for table in tables if table.faults] == [], as_markdown(tables)

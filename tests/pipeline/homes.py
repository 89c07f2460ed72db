"""Data directories made by the real command, run from another folder."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from orchestration.settings import DBT_PROJECT_DIR, PROJECT_ROOT, Settings
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.dbt_build import Dbt

SMALLCAP = Path(sys.executable).parent / "smallcap"
RAW_TABLES = (
    "sessions", "price_bars", "member_bars", "corporate_actions", "holdings", "fund_facts", "rates", "factors",
    "fund_quotes", "option_expirations", "option_quotes", "documents", "rejects",
)  # fmt: skip
ABOUT_RELEASES = {"release", "readme", "release_history", "reading_changes", "signal_diary"}
PAIRS = ("IWM/SPY", "IWM/QQQ", "QQQ/SPY")
FUNDS = ("IWM", "SPY", "QQQ")


@dataclass(frozen=True)
class Home:
    """A data directory and the output of the last command."""

    path: Path
    source: str
    code: int = 0
    out: str = ""
    err: str = ""

    @property
    def latest(self) -> Path:
        """The link to the current release."""
        return self.path / "published" / "latest"

    @property
    def releases(self) -> list[str]:
        """Names of all entries below `releases`."""
        return sorted(path.name for path in (self.path / "published" / "releases").iterdir())

    def settings(self, **changes: Any) -> Settings:
        """The settings of a run in this directory."""
        return Settings(**{"data_dir": self.path, "source": self.source, **changes})


def environment(**changes: str) -> dict[str, str]:
    """This process's variables without those of the project, plus the given ones."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SMALLCAP_", "DAGSTER_"))}
    return {**kept, "COLUMNS": "400", **changes}


def smallcap(*arguments: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one command in a folder."""
    command = [str(SMALLCAP), *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=environment(**variables), capture_output=True, text=True, timeout=600, check=False
    )


def build_models(settings: Settings, select: Sequence[str], project: Path = DBT_PROJECT_DIR) -> None:
    """Build the models of a data directory, from the project or a changed copy."""
    dbt = Dbt(Warehouse(settings.warehouse_path), settings.dbt_target_dir, project)
    for _ in dbt.build(select, clock=settings.clock, known_at=settings.known_at):
        pass


def run(home: Path, source: str, *arguments: str | Path, cwd: Path, **variables: str) -> Home:
    """`smallcap run` in a data directory."""
    done = smallcap("run", "--source", source, "--data-dir", home, *arguments, cwd=cwd, **variables)
    return Home(home, source, done.returncode, done.stdout, done.stderr)


def run_with_another_fund(root: Path, line: str) -> Home:
    """The sample market of a copy of the project with one more line in `seeds/funds.csv`."""
    project = root / "project"
    for part in ("orchestration", "dbt_project"):
        shutil.copytree(PROJECT_ROOT / part, project / part, ignore=shutil.ignore_patterns("__pycache__", "target", "logs"))
    seed = project / "dbt_project" / "seeds" / "funds.csv"
    seed.write_text(f"{seed.read_text().rstrip()}\n{line}\n")
    typed = [sys.executable, "-c", "from orchestration.cli.main import main; main()", "run", "--source", "sample", "--data-dir"]
    done = subprocess.run(
        [*typed, str(root / "home")], cwd=project, env=environment(), capture_output=True, text=True, timeout=600, check=False
    )
    return Home(root / "home", "sample", done.returncode, done.stdout, done.stderr)


def copied(home: Home, target: Path, *, parts: tuple[str, ...] = ("warehouse.duckdb", "dbt")) -> Home:
    """Copy parts of a data directory; the part `dbt` includes the parsed project, which saves a parse."""
    target.mkdir(parents=True, exist_ok=True)
    for part in parts:
        place = home.path / part
        if place.is_dir():
            shutil.copytree(place, target / part, symlinks=True)
        else:
            shutil.copy2(place, target / part)
    return Home(target, home.source)


EVERYTHING = ("landing", "dbt", "dagster", "published", "warehouse.duckdb")


@contextmanager
def opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB file, read-only."""
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def warehouse(home: Home) -> Any:
    """The writer's file, read-only."""
    return opened(home.path / "warehouse.duckdb")


def published(home: Home) -> Any:
    """The serving copy of the current release, read-only."""
    return opened(home.latest / "warehouse.duckdb")


def ask(connection: duckdb.DuckDBPyConnection, query: str, *parameters: object) -> pl.DataFrame:
    """A query's result as a frame."""
    return connection.execute(query, list(parameters)).pl()


def raw_tables(home: Home) -> dict[str, pl.DataFrame]:
    """Every raw table, with sorted rows."""
    with warehouse(home) as connection:
        return {table: ask(connection, f"select * from raw.{table} order by all") for table in RAW_TABLES}


def served_tables(home: Home) -> dict[str, pl.DataFrame]:
    """Every mart of the serving copy, rows in stored order, without what differs between releases of the same data."""
    with published(home) as connection:
        names = [name for (name,) in connection.execute("show tables").fetchall() if name not in ABOUT_RELEASES]
        return {name: ask(connection, f"select * from {name}") for name in names}

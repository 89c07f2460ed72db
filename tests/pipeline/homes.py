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
from tests.conftest import WITHOUT_BUILT

SMALLCAP = Path(sys.executable).parent / "smallcap"
RAW_TABLES = (
    "sessions", "price_bars", "member_bars", "corporate_actions", "holdings", "fund_facts", "rates", "factors",
    "fund_quotes", "option_expirations", "option_quotes", "documents", "rejects",
)  # fmt: skip
ABOUT_RELEASES = {"release", "readme", "release_history", "reading_changes", "signal_diary", "reconstitution_diary"}
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


def run_with_more_lines(home: Path, project: Path, **lines: str) -> Home:
    """The sample market of a copy of the project with one more line in the seeds of these names."""
    project_copy(project)
    for name, line in lines.items():
        seed = project / "dbt_project" / "seeds" / f"{name}.csv"
        seed.write_text(f"{seed.read_text().rstrip()}\n{line}\n")
    return run_in(project, home)


def project_copy(target: Path) -> Path:
    """A copy of the project's code, to be changed and run with `run_in`."""
    for part in ("orchestration", "dbt_project"):
        shutil.copytree(PROJECT_ROOT / part, target / part, ignore=WITHOUT_BUILT)
    return target


def run_in(project: Path, home: Path) -> Home:
    """`smallcap run` on the sample market with the code of a copy of the project."""
    typed = [sys.executable, "-c", "from orchestration.cli.main import main; main()", "run", "--source", "sample", "--data-dir"]
    done = subprocess.run(
        [*typed, str(home)], cwd=project, env=environment(), capture_output=True, text=True, timeout=600, check=False
    )
    return Home(home, "sample", done.returncode, done.stdout, done.stderr)


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


def run_with_faults(root: Path, sample: Home) -> Home:
    """A run with a failed test of severity error, one of severity warn, and a model that cannot be built."""
    home = copied(sample, root / "home", parts=(*EVERYTHING, "report"))
    project = project_copy(root / "project")
    dbt_project = project / "dbt_project"
    tested = "{{ config(meta={'dagster': {'ref': {'name': 'regime_daily'}}}) }}\n"
    (dbt_project / "tests/planted_failure.sql").write_text(tested + "select * from {{ ref('regime_daily') }} limit 3\n")
    (dbt_project / "tests/planted_warning.sql").write_text(
        "{{ config(severity='warn') }}\nselect * from {{ ref('holdings') }} limit 1\n"
    )
    next(dbt_project.rglob("concentration.sql")).write_text("select 1 as nothing from {{ ref('holdings') }}\n")
    return run_in(project, home.path)


def run_with_damaged_caches(root: Path, faulty: Home, *, cwd: Path) -> Home:
    """A run without the faults in a copy of their directory: in an unusual path, and with every cache damaged."""
    home = copied(faulty, root / ODD_NAME / "home", parts=(*EVERYTHING, "report"))
    truncate(home.path / "dbt/manifest.json")
    (home.path / "dbt/partial_parse.msgpack").write_bytes(b"no message pack")
    truncate(next((home.path / "report").glob("vega-*.js")))
    (home.path / "dagster/history/runs.db").write_bytes(b"no database at all" * 1000)
    truncate(next((home.path / "landing/exchange_calendars/sessions/XNYS").iterdir()))
    return run(home.path, "sample", cwd=cwd)


def truncate(path: Path) -> None:
    """Keep the first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


ODD_NAME = "pä th %41 'q' \"d\" [a]{b}*"
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

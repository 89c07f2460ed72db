"""The tables that grow by snapshot are what they would be if they were made anew, and only what changed is written."""

import random
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pytest

from orchestration.landing.documents import Document, list_documents
from orchestration.raw.ingest import ingest
from orchestration.raw.observations import withdraw_documents
from orchestration.settings import DBT_PROJECT_DIR, Settings
from orchestration.universe import load_universe
from orchestration.warehouse import dbt_build as transform
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.dbt_build import build
from tests.pipeline.homes import Home, ask, copied, environment, warehouse

GROWING = {
    "intermediate.int_holdings_classified": ["fund", "as_of", "line_no"],
    "intermediate.int_security_lines": ["fund", "as_of", "line_no"],
    "marts.holdings": ["fund", "as_of", "line"],
    "marts.holdings_changes": ["fund", "as_of", "security_id"],
}
RESTING_ON_THEM = {
    "intermediate.int_sector_evidence": ["security_id", "resolved_by", "first_day"],
    "intermediate.int_equity_positions": ["fund", "as_of", "security_id"],
    "marts.security_master": ["security_id"],
    "marts.sector_conflicts": ["security_id", "as_of", "fund", "gics_sector"],
    "marts.sector_weights": ["fund", "as_of", "sector"],
    "marts.concentration": ["fund", "as_of"],
    "marts.fund_overlap": ["fund_a", "fund_b", "as_of"],
}
MODELS = ["+holdings_changes", "+fund_overlap", "+concentration", "+sector_weights", "sector_conflicts", "security_master"]
Tables = dict[str, pl.DataFrame]


class Funds:
    """A warehouse of holdings alone, which takes in documents and builds the tables of holdings."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.warehouse = Warehouse(home.settings().warehouse_path)
        self.warehouse.prepare()

    def take_in(self, documents: Iterable[Document]) -> None:
        """Documents into raw."""
        with self.warehouse.connect() as connection:
            ingest(connection, list(documents), universe=load_universe(), progress=lambda _: None)

    def tables(self, settings: Settings | None = None) -> Tables:
        """Every table after a build, in the order of its key."""
        list(build(settings or self.home.settings(), [*MODELS, "--exclude-resource-type", "test"]))
        with warehouse(self.home) as connection:
            keys = {**GROWING, **RESTING_ON_THEM}
            return {table: ask(connection, f"select * from {table} order by {', '.join(key)}") for table, key in keys.items()}

    def change(self, statement: str) -> None:
        """Something that no document says, in every growing table."""
        with self.warehouse.connect() as connection:
            for table, column in MARKED.items():
                connection.execute(statement.format(table=table, column=column))

    def marked(self) -> dict[str, int]:
        """In how many snapshots of each growing table it still stands."""
        with warehouse(self.home) as connection:
            return {
                table: ask(connection, f"select distinct fund, as_of from {table} where {column} = 'marked'").height
                for table, column in MARKED.items()
            }


MARKED = dict(zip(GROWING, ["name", "name", "name", "params_id"], strict=True))


def holdings_documents(landing: Path) -> list[Document]:
    """The documents of holdings, as if they came in any order."""
    documents = [document for document in list_documents([landing]) if document.kind == "holdings"]
    random.Random(20261124).shuffle(documents)
    return documents


def assert_same(grown: Tables, anew: Tables) -> None:
    """To the last digit."""
    for table, rows in anew.items():
        assert rows.height or table not in GROWING, table
        assert grown[table].equals(rows, null_equal=True), table


def grow(documents: list[Document], funds: Funds, builds: int) -> Tables:
    """What the tables are after documents came in so many parts, with a build after each."""
    for part in range(builds):
        funds.take_in(documents[part::builds])
        tables = funds.tables()
    return tables


@pytest.fixture(scope="module")
def documents(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    """Of the sample market, and one snapshot that the issuer told again with a line less."""
    landing = tmp_path_factory.mktemp("retold") / "landing"
    shutil.copytree(sample_home.path / "landing", landing)
    told = next(one for one in list_documents([landing]) if (one.kind, one.symbol) == ("holdings", "IWM"))
    lines = told.path.read_bytes().splitlines(keepends=True)
    again = told.path.with_name(told.path.name.replace("T01", "T02"))
    again.write_bytes(b"".join(lines[:40] + lines[41:]))
    return holdings_documents(landing)


@pytest.fixture(scope="module")
def anew(sample_home: Home, documents: list[Document], tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """The tables of all documents, made in one build."""
    return grow(documents, Funds(copied(sample_home, tmp_path_factory.mktemp("anew") / "home", parts=("dbt",))), builds=1)


@pytest.fixture(scope="module")
def grown(sample_home: Home, documents: list[Document], tmp_path_factory: pytest.TempPathFactory) -> tuple[Funds, Tables]:
    """The tables of documents that came in three parts: restated snapshots and late ones among them."""
    funds = Funds(copied(sample_home, tmp_path_factory.mktemp("grown") / "home", parts=("dbt",)))
    return funds, grow(documents, funds, builds=3)


def test_what_grew_is_what_would_be_made_anew(grown: tuple[Funds, Tables], anew: Tables) -> None:
    funds, tables = grown
    assert_same(tables, anew)
    with warehouse(funds.home) as connection:
        retold = ask(connection, "from raw.holdings select fund, as_of group by all having count(distinct document_id) > 1")
    assert retold.height >= 1


def test_only_the_snapshots_that_changed_are_written(grown: tuple[Funds, Tables], anew: Tables, tmp_path: Path) -> None:
    """A mark that no document made stays in a snapshot that is left alone; another moment of knowledge is another rule."""
    funds = Funds(copied(grown[0].home, tmp_path / "home"))
    oldest = "select fund, min(as_of) from {} group by fund"
    funds.change(f"update {{table}} set {{column}} = 'marked' where (fund, as_of) in ({oldest.format('{table}')})")
    marked = funds.marked()
    assert min(marked.values()) >= 7
    funds.tables()
    # A mart that the last build withheld, as a warehouse without prices does, is made anew.
    with warehouse(funds.home) as connection:
        kept = {name for (name,) in connection.execute("select table_name from build.made_by").fetchall()}
    assert {"int_holdings_classified", "int_security_lines"} <= kept
    still_marked = funds.marked()
    assert {t: still_marked[t] for t in marked if t.split(".")[1] in kept} == {
        t: n for t, n in marked.items() if t.split(".")[1] in kept
    }
    known_at = funds.home.settings().clock  # everything is known by then
    assert_same(funds.tables(funds.home.settings(known_at=known_at)), anew)
    assert set(funds.marked().values()) == {0}


def test_a_document_that_is_taken_back_takes_its_rows_along(
    grown: tuple[Funds, Tables], documents: list[Document], sample_home: Home, tmp_path: Path
) -> None:
    funds = Funds(copied(grown[0].home, tmp_path / "home"))
    one = next(document for document in documents if document.symbol == "SPY")
    with funds.warehouse.connect() as connection:
        [(document_id,)] = connection.execute(
            "select document_id from raw.documents where path like ?", [f"%{one.path.parent.name}/{one.path.name}"]
        ).fetchall()
        withdraw_documents(connection, [document_id])
    without = Funds(copied(sample_home, tmp_path / "without", parts=("dbt",)))
    assert_same(funds.tables(), grow([document for document in documents if document != one], without, builds=1))


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first of the growing tables in a copy of the project."""
    shutil.copytree(DBT_PROJECT_DIR, tmp_path / "project", ignore=shutil.ignore_patterns("target", "logs"))
    monkeypatch.setattr(transform, "DBT_PROJECT_DIR", tmp_path / "project")
    return tmp_path / "project" / "models" / "intermediate" / "int_holdings_classified.sql"


def changed(text: str) -> str:
    """The model with another name in every line."""
    assert text.count(" classified.name,") == 1
    return text.replace(" classified.name,", " 'changed' as name,")


def test_what_dbt_made_by_hand_is_made_anew(grown: tuple[Funds, Tables], anew: Tables, model: Path, tmp_path: Path) -> None:
    funds, text = Funds(copied(grown[0].home, tmp_path / "home")), model.read_text()
    assert_same(funds.tables(), anew)
    model.write_text(changed(text))
    project, warehouse_path = str(transform.DBT_PROJECT_DIR), str(funds.warehouse.path)
    subprocess.run(
        [
            str(Path(sys.executable).parent / "dbt"), "run", "--select", model.stem, "--project-dir", project,
            "--profiles-dir", project, "--target-path", str(tmp_path / "dbt"), "--log-path", str(tmp_path / "dbt"),
        ],
        env=environment(SMALLCAP_WAREHOUSE=warehouse_path), check=True, capture_output=True,
    )  # fmt: skip
    model.write_text(text)
    assert_same(funds.tables(), anew)


def test_real_documents_grow_alike(real_landing: Path, sample_home: Home, tmp_path: Path) -> None:
    documents = holdings_documents(real_landing)
    homes = [Funds(copied(sample_home, tmp_path / name, parts=("dbt",))) for name in ("grown", "anew")]
    grown, anew = (grow(documents, funds, builds) for funds, builds in zip(homes, (2, 1), strict=True))
    assert_same(grown, anew)

"""The documented access paths work: the Python examples, the workbook, and SQLAlchemy for Superset."""

import re
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from orchestration.settings import PROJECT_ROOT, Settings
from tests.pipeline.homes import Home, smallcap

DOCS = PROJECT_ROOT / "docs"
QUESTIONS = re.findall(r"^## (\d+\. [^\n]+)\n\n(.*?)```sql", (DOCS / "QUERIES.md").read_text(), re.DOTALL | re.MULTILINE)
SNIPPETS = re.findall(r"```python\n(.*?)```", (DOCS / "BI.md").read_text(), re.DOTALL)


def test_the_command_line_lists_the_tables(sample_home: Home, tmp_path: Path) -> None:
    done = smallcap("sql", "select table_name, grain from readme", "--data-dir", sample_home.path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "regime_daily" in done.stdout


def test_every_query_explains_its_result() -> None:
    assert len(QUESTIONS) == 35
    assert [title for title, words in QUESTIONS if len(words.split()) < 8] == []


def test_every_table_has_a_relation_or_is_independent(sample_home: Home) -> None:
    models = (PROJECT_ROOT / "dbt_project" / "models" / "marts").rglob("*.sql")
    tables = {path.stem for path in models if not path.stem.startswith("int_")}  # steps stand beside their mart
    listed = pl.read_parquet(sample_home.latest / "relationships.parquet", columns=["child", "parent"])
    related = {*listed["child"], *listed["parent"]}
    # Statements, evidence, claims, lists about the tables and series with dates of their own: independent tables.
    alone = {
        "reading", "scorecard", "scorecard_eras", "signal_forecasts", "evidence_summary", "guide_claims", "replications",
        "long_run_labels", "long_run_scorecard", "long_run_proxy", "parameters", "relationships", "freshness",
        "macro_daily",
    }  # fmt: skip
    assert tables - related == alone
    assert related <= tables


@pytest.mark.parametrize("snippet", SNIPPETS, ids=["frames", "sheet"])
def test_the_documented_python_runs(sample_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snippet: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sample").symlink_to(sample_home.path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(snippet, names)
    if "regimes" in names:
        assert len(names["regimes"]) > len(names["ratios"]) > 5000
        assert set(names["tables"].columns) == {"table_name", "grain", "what_a_row_is"}
        return
    workbook = openpyxl.load_workbook(tmp_path / "small_caps.xlsx", read_only=True)
    for table in ("reading", "sector_comparison", "scorecard"):
        frame = pl.read_parquet(sample_home.latest / f"{table}.parquet")
        rows = list(workbook[table].iter_rows(values_only=True))
        assert list(rows[0]) == frame.columns
        assert len(rows) == frame.height + 1
        for name, kind in frame.schema.items():
            if kind == pl.Float64:
                place = frame.columns.index(name)
                sheet = pl.Series(name, [row[place] for row in rows[1:]], dtype=pl.Float64, strict=False)
                assert sheet.is_null().equals(frame[name].is_null()), name
                assert bool(((sheet - frame[name]).abs() <= 1e-14 * frame[name].abs()).all()), name  # a sheet stores 16 digits


def test_sqlalchemy_reflects_and_reads_every_table(sample_home: Home) -> None:
    """Superset's way, duckdb-engine; it cannot reflect columns under SQLAlchemy 2.1, so the files name them."""
    engine = sa.create_engine(f"duckdb:///{sample_home.latest.resolve() / 'warehouse.duckdb'}?access_mode=read_only")
    try:
        with engine.connect() as connection:
            readme = connection.execute(sa.text("select table_name, row_count from readme")).fetchall()
            assert len(readme) > 30
            inspector = sa.inspect(engine)
            assert set(inspector.get_table_names()) == {*(name for name, _ in readme), "readme", "release"}
            reflected = {name: columns for (_, name), columns in inspector.get_multi_columns().items()}
            comments = {name: comment["text"] for (_, name), comment in inspector.get_multi_table_comment().items()}
            for name, row_count in readme:
                assert [column["name"] for column in reflected[name]] == pq.read_schema(
                    sample_home.latest / f"{name}.parquet"
                ).names
                assert comments[name]
                assert all(column["comment"] for column in reflected[name]), name
                table = sa.table(name, *(sa.column(column["name"], column["type"]) for column in reflected[name]))
                assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == row_count
                assert len(connection.execute(sa.select(table).limit(3)).fetchall()) == min(row_count, 3)
            regimes = sa.table("regime_daily", sa.column("pair"), sa.column("regime"))
            query = sa.select(sa.func.count()).where(regimes.c.pair == "IWM/SPY", regimes.c.regime == "risk_on")
            assert connection.execute(query).scalar_one() > 1000
            with pytest.raises(sa.exc.DBAPIError, match="read-only"):
                connection.execute(sa.text("delete from reading"))
    finally:
        engine.dispose()


def test_the_documentation_lists_every_table_once() -> None:
    models = (PROJECT_ROOT / "dbt_project" / "models" / "marts").rglob("*.sql")
    tables = {path.stem for path in models if not path.stem.startswith("int_")}  # steps stand beside their mart
    rows = re.findall(r"^\| (?!subject)\w+ \| (.+) \|$", (DOCS / "BI.md").read_text(), re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)) == sorted(tables)


def test_the_documentation_lists_every_setting() -> None:
    named = re.findall(r"^\| `SMALLCAP_([A-Z_]+)`", (DOCS / "OPERATIONS.md").read_text(), re.MULTILINE)
    settings = [name.upper() for name in Settings.model_fields]
    assert sorted(named) == sorted(settings)


def test_the_links_of_the_documents_exist() -> None:
    documents = [*PROJECT_ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    links = [
        (document, link) for document in documents for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
    ]
    assert len(links) > 30
    assert [link for document, link in links if not (document.parent / link).exists()] == []

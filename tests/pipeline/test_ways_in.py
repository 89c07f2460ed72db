"""What the documents show works: each query, each relation, each piece of Python, and the ways that BI tools take."""

import re
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
import sqlalchemy as sa

from orchestration.settings import PROJECT_ROOT
from tests.pipeline.homes import Home, ask, published, smallcap

DOCS = PROJECT_ROOT / "docs"
QUESTION = re.compile(r"^## (\d+\. [^\n]+)\n\n```sql\n(.*?)```\n\n(.+?)(?=\n## |\Z)", re.DOTALL | re.MULTILINE)
QUESTIONS = QUESTION.findall((DOCS / "QUERIES.md").read_text())
RELATION = re.compile(r"^\| `(\w+)` \(([\w, ]+)\) \| `(\w+)` \(([\w, ]+)\) \| (.*?) ?\|$", re.MULTILINE)
RELATIONS = RELATION.findall((DOCS / "BI.md").read_text())
SNIPPETS = re.findall(r"```python\n(.*?)```", (DOCS / "BI.md").read_text(), re.DOTALL)


def test_there_are_fifteen_questions_each_with_a_sentence() -> None:
    assert [title.split(".")[0] for title, _, _ in QUESTIONS] == [str(number) for number in range(1, 16)]
    assert all(len(reading.split()) > 8 for _, _, reading in QUESTIONS)


@pytest.mark.parametrize("title", [title for title, _, _ in QUESTIONS])
def test_a_question_has_an_answer(sample_home: Home, title: str) -> None:
    query = next(query for name, query, _ in QUESTIONS if name == title)
    with published(sample_home) as release:
        answer = ask(release, query)
    assert answer.height > 0
    filled = [column.name for column in answer.iter_columns() if column.null_count() < answer.height]
    assert len(filled) == answer.width, set(answer.columns) - set(filled)


def test_the_command_line_answers_a_question(sample_home: Home, tmp_path: Path) -> None:
    done = smallcap("sql", QUESTIONS[1][1], "--data-dir", sample_home.path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "IWM/SPY" in done.stdout
    done = smallcap("sql", "from readme", "--data-dir", sample_home.path, cwd=tmp_path)
    assert "regime_daily" in done.stdout


@pytest.mark.parametrize(("many", "columns", "one", "keys", "optional"), RELATIONS, ids=lambda value: value.replace(", ", "+"))
def test_a_relation_holds(sample_home: Home, many: str, columns: str, one: str, keys: str, optional: str) -> None:
    pairs = list(zip(columns.split(", "), keys.split(", "), strict=True))
    on = " and ".join(f'l."{column}" = r."{key}"' for column, key in pairs)
    quoted = ", ".join(f'"{key}"' for _, key in pairs)
    with published(sample_home) as release:
        repeated = ask(release, f"select {quoted} from {one} group by {quoted} having count(*) > 1")
        orphans = ask(release, f'select l.* from {many} as l left join {one} as r on {on} where r."{pairs[0][1]}" is null')
        found = ask(release, f"select count(*) from {many} as l inner join {one} as r on {on}").item()
    assert repeated.is_empty(), "not one on the right side"
    assert found > 0
    assert bool(optional) or orphans.is_empty()


def test_every_table_is_reached_by_a_relation_or_stands_alone() -> None:
    tables = {path.stem for path in (PROJECT_ROOT / "dbt_project" / "models" / "marts").rglob("*.sql")}
    related = {name for many, _, one, _, _ in RELATIONS for name in (many, one)}
    alone = {"reading", "scorecard", "guide_claims"}  # statements, evidence and claims: read by themselves
    assert len(RELATIONS) > 40
    assert tables - related == alone
    assert related <= tables


@pytest.mark.parametrize("snippet", SNIPPETS, ids=["frames", "sheet"])
def test_the_python_of_the_page_runs(sample_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snippet: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sample").symlink_to(sample_home.path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(snippet, names)
    if "regimes" in names:
        assert len(names["regimes"]) > len(names["ratios"]) > 5000
        assert set(names["tables"].columns) == {"table_name", "key_columns", "what_a_row_is"}
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
                assert bool(((sheet - frame[name]).abs() <= 1e-14 * frame[name].abs()).all()), name  # a sheet holds 16 digits


def test_sqlalchemy_reflects_and_reads_every_table(sample_home: Home) -> None:
    """Superset's way: duckdb-engine, the URI that docs/BI.md gives, tables reflected."""
    engine = sa.create_engine(f"duckdb:///{sample_home.latest.resolve() / 'warehouse.duckdb'}?access_mode=read_only")
    try:
        with engine.connect() as connection:
            readme = connection.execute(sa.text("select table_name, row_count, column_count from readme")).fetchall()
            assert len(readme) > 30
            assert set(sa.inspect(engine).get_table_names()) == {*(name for name, _, _ in readme), "readme", "release"}
            for name, row_count, column_count in readme:
                table = sa.Table(name, sa.MetaData(), autoload_with=engine)
                assert len(table.columns) == column_count
                assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == row_count
                assert connection.execute(sa.select(table).limit(3)).fetchall()
            regimes = sa.Table("regime_daily", sa.MetaData(), autoload_with=engine)
            query = sa.select(sa.func.count()).where(regimes.c.pair == "IWM/SPY", regimes.c.regime == "risk_on")
            assert connection.execute(query).scalar_one() > 1000
            with pytest.raises(sa.exc.DBAPIError, match="read-only"):
                connection.execute(sa.text("delete from reading"))
    finally:
        engine.dispose()

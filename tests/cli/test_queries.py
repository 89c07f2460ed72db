"""`smallcap sql` and `smallcap export`: one statement, whole answers, types that survive."""

import json
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import duckdb
import openpyxl
import pytest

from orchestration.settings import PROJECT_ROOT
from tests.cli.conftest import Command, answer, refusal

WIDE = (
    "select i, repeat('wide ', 60) || i as words, "
    + ", ".join(f"i as column_{n}" for n in range(30))
    + " from range(2500) as t (i)"
)
TYPES = (
    "select 1::hugeint as h, 1.5::double as d, null::double as n, '2026-09-30'::date as day,"
    " timestamp '2026-09-30 20:00' as at, 'ü,\"' as s"
)


def test_a_piped_table_has_every_row_and_column(smallcap: Command) -> None:
    text = answer(smallcap("sql", WIDE))
    assert "column_29" in text
    assert all(f" {'wide ' * 60}{number} " in text for number in (0, 1250, 2499))


def test_a_whole_table_says_how_many_rows_it_has(smallcap: Command) -> None:
    assert answer(smallcap("sql", "from range(20000)")).splitlines()[-1].strip() == "20000 rows"
    assert answer(smallcap("sql", "from range(3)")).splitlines()[-1].startswith("└")


def test_csv_json_and_markdown_on_standard_output(smallcap: Command) -> None:
    assert answer(smallcap("sql", TYPES, "--format", "csv")).splitlines() == [
        "h,d,n,day,at,s",
        '1,1.5,,2026-09-30,2026-09-30 20:00:00,"ü,"""',
    ]
    [row] = json.loads(answer(smallcap("sql", TYPES, "--format", "json")))
    assert row == {"h": 1, "d": 1.5, "n": None, "day": "2026-09-30", "at": "2026-09-30 20:00:00", "s": 'ü,"'}
    query = "select 'a|b' as x, 1 as y, null::varchar as t, null::double as d, 1.5::decimal(9, 2) as m, true as b"
    assert answer(smallcap("sql", query, "--format", "markdown")).splitlines() == [
        "| x | y | t | d | m | b |",
        "|---|---:|---|---:|---:|---|",
        "| a\\|b | 1 |  |  | 1.50 | True |",
    ]


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
def test_a_file_has_the_format_of_its_suffix(smallcap: Command, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"it's an answer.{suffix}"
    assert answer(smallcap("sql", WIDE, "--output", str(file))) == ""
    quoted = str(file).replace("'", "''")
    assert duckdb.sql(f"select count(*), max(i), count(distinct words) from '{quoted}'").fetchall() == [(2500, 2499, 2500)]
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [file.name]


WITHOUT_PYARROW = """
import sys
from importlib.abc import MetaPathFinder
class Absent(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "pyarrow":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from orchestration.cli.main import main
main()
"""


def test_an_answer_needs_no_pyarrow(home: Path, tmp_path: Path) -> None:
    arguments = ["sql", TYPES, "--data-dir", str(home), "--output", str(tmp_path / "a.parquet")]
    subprocess.run([sys.executable, "-c", WITHOUT_PYARROW, *arguments], cwd=PROJECT_ROOT, check=True)
    [(day, at)] = duckdb.sql(f"select day, \"at\" from '{tmp_path / 'a.parquet'}'").fetchall()
    assert (day, at) == (date(2026, 9, 30), datetime(2026, 9, 30, 20))


def test_the_query_comes_from_a_file_or_standard_input(smallcap: Command, tmp_path: Path) -> None:
    (tmp_path / "question.sql").write_text("select 'from a file' as a")
    assert "from a file" in answer(smallcap("sql", "question.sql", "--format", "csv"))
    assert "from a pipe" in answer(smallcap("sql", "-", "--format", "csv", stdin="select 'from a pipe' as a"))
    assert "from a pipe" in answer(smallcap("sql", "--format", "csv", stdin="select 'from a pipe' as a"))
    assert refusal(smallcap("sql", "answer.sql")) == "answer.sql: no such file."


def test_an_unknown_table_lists_ours(smallcap: Command) -> None:
    said = refusal(smallcap("sql", "select * from radio_daily"))
    assert said.startswith(
        "There is no table radio_daily. Did you mean ratio_daily? The tables are core_satellite_summary, evidence_summary, "
    )
    assert "Did you mean" not in refusal(smallcap("sql", "select * from zzz"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("select 1; select 2",), "2 statements: give exactly one."),
        (("",), "No statements: give exactly one."),
        (("select 1; drop table reading",), "2 statements: give exactly one."),
        (("select 1", "--format", "parquet"), "Parquet is binary: name a file with --output."),
        (("select 1", "--output", "a.xls"), "a.xls: the suffix '.xls' names no format"),
        (("select 1", "--output", "nowhere/a.csv"), "nowhere is not a folder"),
    ],
)
def test_a_refusal_is_one_sentence(smallcap: Command, arguments: tuple[str, ...], said: str) -> None:
    assert refusal(smallcap("sql", *arguments)).startswith(said)


def test_the_workbook_has_a_typed_sheet_per_table(smallcap: Command, tmp_path: Path) -> None:
    file = tmp_path / "release.xlsx"
    answer(smallcap("export", str(file), "--table", "price_daily", "--table", "session_calendar", "--table", "signal_levels"))
    book = openpyxl.load_workbook(file)
    assert book.sheetnames == ["cover", "columns", "price_daily", "session_calendar", "signal_levels"]
    cover = {row[0]: row[1] for row in book["cover"].iter_rows(values_only=True)}
    assert cover["source"] == "SAMPLE: simulated market"
    assert (cover["price_daily"], cover["signal_levels"]) == (5, 4)
    assert ("price_daily", "close", "DOUBLE", "Last price of the session; USD.") in list(
        book["columns"].iter_rows(values_only=True)
    )
    prices = book["price_daily"]
    assert prices.freeze_panes == "A2"
    assert [cell.value for cell in prices[1]] == ["fund", "session", "close", "volume"]
    assert [cell.value for cell in prices[3]] == ["IWM", datetime(2026, 9, 30), 286.64, 31000000]
    assert prices["B3"].number_format == "yyyy-mm-dd"
    calendar = book["session_calendar"]
    assert (calendar["B2"].value, calendar["C2"].value) == (False, datetime(2026, 9, 24, 20))
    levels = {column[0]: column[2] for column in book["signal_levels"].iter_cols(values_only=True)}
    assert levels["flip_close"] is None


def test_a_formula_in_a_vendors_text_stays_text(home: Path, smallcap: Command, tmp_path: Path) -> None:
    from tests.cli.hand_made import write_release

    write_release(
        home / "published", name="20261003T000000000000Z", also="create table names as select '=1+1' as name, '12' as number"
    )
    answer(smallcap("export", str(tmp_path / "a.xlsx"), "--table", "names"))
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["names"]
    assert [(cell.value, cell.data_type) for cell in sheet[2]] == [("=1+1", "s"), ("12", "s")]


def test_export_refuses_what_it_cannot_write(smallcap: Command, tmp_path: Path) -> None:
    assert "ends in .xlsx" in refusal(smallcap("export", "a.csv"))
    assert "is not a folder" in refusal(smallcap("export", "nowhere/a.xlsx"))
    assert "There is no table nothing" in refusal(smallcap("export", "a.xlsx", "--table", "nothing"))
    assert not list(tmp_path.glob("*.xlsx"))


@pytest.mark.parametrize("file", ["answer.csv", "answer.md", "release.xlsx"])
def test_a_file_that_cannot_be_written_is_named(smallcap: Command, tmp_path: Path, file: str) -> None:
    (tmp_path / file).mkdir()
    arguments = ("export", file, "--table", "price_daily") if file.endswith("x") else ("sql", "select 1", "--output", file)
    assert refusal(smallcap(*arguments)) == f"{file} cannot be written: Is a directory."
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("home", file)] == []


def test_a_workbook_that_cannot_be_made_is_named(smallcap: Command) -> None:
    file = f"{'a' * 250}.xlsx"
    assert refusal(smallcap("export", file, "--table", "price_daily")) == f"{file} cannot be written: File name too long."

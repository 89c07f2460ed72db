"""What the engines spell differently gives the same on each: every case is asked of DuckDB, and of Spark where it is installed."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from orchestration.report.wording import p_value
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.dbt_build import Dbt, variables
from orchestration.warehouse.engine import WAREHOUSE_VARIABLE, DuckDb, Spark

CASES = [
    ("{{ rounded('0.125e0', 2) }}", 0.13),
    ("{{ rounded('-0.126e0', 2) }}", -0.13),
    ("{{ rounded('cast(null as double)', 2) }}", None),
    ("{{ number_text('22514881e0', 6) }}", "22514881"),
    ("{{ number_text('0.00001e0', 6) }}", "0.00001"),
    ("{{ number_text('100e0', 0) }}", "100"),
    ("{{ number_text('-0.5e0', 4) }}", "-0.5"),
    ("{{ percent('0.0255e0') }}", "2.6 %"),
    ("{{ signed_percent('0.0255e0') }}", "+2.6 %"),
    ("{{ signed_percent('0e0') }}", "0.0 %"),
    # A p-value is the same text in a sentence of a mart and in a table of the report.
    *((f"{{{{ p_value_text('{p}e0', equals='') }}}}", p_value(p)) for p in (0.0365, 0.1175, 0.0015, 0.0005, 0.00951, 1.0)),
    ("{{ p_value_text('0.0365e0') }}", "= 0.037"),
    ("{{ p_value_text('cast(null as double)') }}", None),
    ("{{ text('cast(3 as bigint)') }}", "3"),
    ("{{ text(\"date '2026-01-02'\") }}", "2026-01-02"),
    ("{{ days_between(\"date '2026-01-30'\", \"date '2026-02-02'\") }}", 3),
    ("{{ days_between(\"date '2026-01-30'\", 'cast(null as date)') }}", None),
    ("{{ text('cast(' ~ dbt.dateadd('month', 1, \"date '2026-01-31'\") ~ ' as date)') }}", "2026-02-28"),
    ("{{ text('cast(' ~ dbt.dateadd('day', -1, \"date '2026-03-01'\") ~ ' as date)') }}", "2026-02-28"),
    ("{{ text('cast(' ~ dbt.dateadd('month', 1, 'cast(null as date)') ~ ' as date)') }}", None),
    ("{{ text('cast(' ~ dbt.date_trunc('month', \"date '2026-01-31'\") ~ ' as date)') }}", "2026-01-01"),
    ("{{ text(dbt.dateadd('minute', 30, \"cast('2026-01-02 20:45:00' as timestamp)\") ~ \" = cast('2026-01-02 21:15:00' as timestamp)\") }}", "true"),
    ("split_part('one two', ' ', 2)", "two"),
    ("split_part('one', ' ', 2)", ""),
    ("{{ dbt.position(\"'b'\", \"'abc'\") }}", 2),
    ("{{ matches(\"'037833100'\", '^[0-9A-Z]{8}[0-9]$') }}", True),
    ("{{ matches(\"'x037833100'\", '^[0-9A-Z]{8}[0-9]$') }}", False),
    ("{{ replace_all(\"'a  b   c'\", ' +', ' ') }}", "a b c"),
    ("{{ normalised_ticker(\"'brk.b '\") }}", "BRKB"),
    ("{{ pseudo_random(7, 11) }} between 0 and 1", True),
    ("(select {{ joined_text('name', ', ', 'place') }} from (select 'b' as name, 1 as place union all select 'a', 2) as t)", "b, a"),
    (
        "(select max(last) from (select {{ ignoring_nulls('last_value', 'value') }} over (order by place) as last"
        " from (select 1 as place, 'a' as value union all select 2, null) as t) as u)",
        "a",
    ),
    (
        "(select percentile_cont(0.5e0) within group (order by value)"
        " from (select 1e0 as value union all select 2e0 union all select 4e0 union all select 5e0) as t)",
        3.0,
    ),
    ("'an issuer''s price'", "an issuer's price"),
]


# ANSI's rules: an error, and neither NULL nor a number that wrapped around.
WRONG = ["cast('x' as integer)", "cast(2147483647 as integer) + cast(1 as integer)"]


def is_refused(dbt: Dbt, expression: str) -> bool:
    return not dbt.invoke(["show", "--no-write-json", "--inline", f"select {expression} as n"], manifest=dbt.parsed()).success


def answers(dbt: Dbt) -> list[Any]:
    """The value of each case."""
    columns = ", ".join(f"{expression} as case_{n}" for n, (expression, _) in enumerate(CASES))
    clock = variables(datetime(2026, 10, 1, 15, tzinfo=UTC), None)
    question = ["show", "--no-write-json", "--inline", f"select {columns}", "--limit", "1", "--vars", str(clock)]
    result = dbt.invoke(question, manifest=dbt.parsed())
    assert result.success, result.exception or result.result
    table: Any = result.result.results[0].agate_table
    return [table.rows[0][f"case_{n}"] for n in range(len(CASES))]


@pytest.fixture
def dbt_on_spark(tmp_path: Path) -> Dbt:
    """The project with an empty lake."""
    return Dbt(Warehouse(tmp_path / "warehouse.duckdb"), tmp_path / "dbt", engine=Spark(tmp_path / "lake"))


@pytest.fixture
def clean_environment() -> Iterator[None]:
    """The variables that a build sets are removed afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (WAREHOUSE_VARIABLE, "SMALLCAP_LAKE", "JAVA_HOME"):
            patch.setenv(name, os.environ.get(name, ""))
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("clean_environment")
@pytest.mark.parametrize(
    "engine",
    [
        "parsed_dbt",
        pytest.param("dbt_on_spark", marks=pytest.mark.skipif(find_spec("pyspark") is None, reason="Spark is not installed")),
    ],
)
def test_each_engine_gives_the_same(engine: str, request: pytest.FixtureRequest) -> None:
    dbt: Dbt = request.getfixturevalue(engine)
    dbt.warehouse.prepare()
    with dbt.engine.session(dbt.warehouse, everything=True):
        found = answers(dbt)
        assert [expression for expression in WRONG if not is_refused(dbt, expression)] == []
    differing = {
        expression: (value, expected)
        for (expression, expected), value in zip(CASES, found, strict=True)
        if (float(value) if isinstance(expected, float) else str(value).lower()) != (
            expected if isinstance(expected, float) else str(expected).lower()
        )
    }
    assert differing == {}


def test_the_default_engine_is_duckdb(tmp_path: Path) -> None:
    assert Dbt(Warehouse(tmp_path / "warehouse.duckdb"), tmp_path).engine == DuckDb()

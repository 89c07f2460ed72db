"""The server for agents: what it offers, what it refuses, and that it says what the command line says."""

import asyncio
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.server.mcpserver import MCPServer

from orchestration.cli.mcp_server import MOST_ROWS, server
from orchestration.settings import PROJECT_ROOT, Settings, Source
from tests.cli.conftest import Command, answer
from tests.cli.hand_made import BEFORE, LATEST

TOOLS = {"today", "describe_tables", "query", "evidence", "what_changed", "why_a_number"}
SLOW = "select count(*) from range(1000000000) a, range(1000) b where a.range * b.range % 7 = 3"
Ask = Callable[..., Any]


@pytest.fixture
def offered(home: Path) -> MCPServer:
    return server(Settings(source=Source.sample, data_dir=home))


@pytest.fixture
def ask(offered: MCPServer) -> Ask:
    """Call a tool; a refusal is returned as its sentence."""
    return lambda tool, **arguments: _asked(offered, tool, arguments)


def _asked(served: MCPServer | StdioServerParameters, tool: str, arguments: dict[str, Any]) -> Any:
    async def asked() -> Any:
        async with Client(served) as client:
            found = await client.call_tool(tool, arguments)
            text = found.content[0].text  # type: ignore[union-attr]
            return text if found.is_error else json.loads(text)

    return asyncio.run(asked())


def test_at_most_six_tools_that_only_read(offered: MCPServer) -> None:
    async def listed() -> Any:
        async with Client(offered) as client:
            return (await client.list_tools()).tools

    tools = asyncio.run(listed())
    assert {tool.name for tool in tools} == TOOLS
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)


def test_every_answer_has_release_dates_freshness_and_units(ask: Ask) -> None:
    for tool, arguments in (
        ("today", {}),
        ("describe_tables", {}),
        ("query", {"sql": "select 1"}),
        ("evidence", {"signal": "regime"}),
    ):
        found = ask(tool, **arguments)
        assert found["release"]["release_id"] == LATEST, tool
        assert (found["session"], found["is_stale"], found["sessions_behind"]) == ("2026-09-30", False, 0)
        assert found["freshness"]
        assert "fractions" in found["units"]
        assert found["answer"]


def test_the_numbers_are_those_of_the_command_line(ask: Ask, smallcap: Command) -> None:
    printed = json.loads(answer(smallcap("today", "--json")))
    told = ask("today")["answer"]
    for part in ("headline", "evidence", "changes", "closes", "signals", "upcoming", "warnings"):
        assert told[part] == printed[part], part
    sql = "select fund, session, close from price_daily order by fund, session"
    rows = json.loads(answer(smallcap("sql", sql, "--format", "json")))
    assert ask("query", sql=sql)["answer"]["rows"] == [list(row.values()) for row in rows]


def test_a_row_more_than_the_limit_is_not_told(ask: Ask) -> None:
    found = ask("query", sql="from range(5000)", limit=3)["answer"]
    assert (found["rows"], found["has_more_rows"]) == ([[0], [1], [2]], True)
    assert len(ask("query", sql="from range(5000)", limit=9999)["answer"]["rows"]) == MOST_ROWS
    assert not ask("query", sql="from range(3)", limit=3)["answer"]["has_more_rows"]


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('/etc/hostname')",
        "select * from 'manifest.json'",
        "copy (select 1) to 'stolen.csv'",
        "attach 'other.duckdb'",
        "create table t as select 1",
        "delete from price_daily",
        "set enable_external_access = true",
        "install httpfs",
        "select * from read_csv('http://127.0.0.1:1/x.csv')",
        "select 1; select 2",
        "call pragma_version()",
        "select * from no_such_table",
        "",
    ],
)
def test_no_write_no_file_no_network(ask: Ask, home: Path, sql: str) -> None:
    before = sorted(home.rglob("*"))
    found = ask("query", sql=sql)
    assert isinstance(found, str), found
    assert "Traceback" not in found
    assert sorted(home.rglob("*")) == before
    assert not Path("stolen.csv").exists()


def test_a_slow_query_is_interrupted(home: Path) -> None:
    hurried = server(Settings(source=Source.sample, data_dir=home), query_seconds=0.05)
    assert "took longer than 0.05 seconds" in _asked(hurried, "query", {"sql": SLOW})


def test_a_long_text_is_cut_and_a_number_that_json_lacks_is_a_word(ask: Ask) -> None:
    [[text, infinite]] = ask("query", sql="select repeat('a', 5000), 'inf'::double")["answer"]["rows"]
    assert text.endswith("… (5000 characters)")
    assert infinite == "inf"


def test_what_changed_and_what_is_unknown(ask: Ask) -> None:
    found = ask("what_changed")["answer"]
    assert (found["before"], found["after"]) == (BEFORE, LATEST)
    assert "no_such" in ask("what_changed", before="no_such")
    assert "There is no table nothing" in ask("describe_tables", table="nothing")
    columns = ask("describe_tables", table="price_daily")["answer"]["columns"]
    assert {"close"} <= {column["column_name"] for column in columns if column["meaning_and_unit"]}


def test_evidence_is_short_and_says_what_it_leaves_out(ask: Ask) -> None:
    found = ask("evidence", signal="regime")["answer"]
    assert [(row["label"], row["horizon"], row["target"]) for row in found["scorecard"]] == [
        ("risk_off", 252, "IWM"),
        ("risk_off", 252, "SPY"),
    ]
    query = found["left_out"].partition(": ")[2]
    assert len(ask("query", sql=query)["answer"]["rows"]) == 3
    assert ask("evidence", signal="moon").endswith(
        "The scorecard has no row for moon. It has rate_regime of Fed funds target; regime of IWM/SPY; trend_break of IWM/SPY."
    )


def test_the_description_of_evidence_names_every_signal(offered: MCPServer) -> None:
    labels = PROJECT_ROOT / "dbt_project" / "models" / "marts" / "signals" / "int_signal_labels.sql"
    signals = re.findall(r"^    select '(\w+)'", labels.read_text(), re.MULTILINE)
    [said] = [tool.description for tool in asyncio.run(offered.list_tools()) if tool.name == "evidence"]
    assert len(signals) == 8
    assert [signal for signal in signals if not re.search(rf"\b{signal}\b", said or "")] == []


def test_an_argument_that_a_tool_does_not_have_is_refused(ask: Ask) -> None:
    assert ask("describe_tables", tables="price_daily").endswith("describe_tables has no argument tables: it has table.")


@pytest.mark.slow
def test_the_command_serves_over_standard_input_and_output(home: Path) -> None:
    run = "from orchestration.cli.main import main; main()"
    process = StdioServerParameters(
        command=sys.executable, args=["-c", run, "mcp", "--data-dir", str(home)], cwd=str(PROJECT_ROOT)
    )
    assert _asked(process, "today", {})["release"]["release_id"] == LATEST

"""A server for agents (Model Context Protocol): six questions to the latest release.

An agent can neither write, nor name a file, nor reach a network. Each answer carries the release, its dates and how fresh it is.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, InputRequiredResult, ToolAnnotations

from orchestration.cli.console import Refused
from orchestration.cli.lineage import Places, why
from orchestration.cli.options import run_command
from orchestration.cli.releases import latest, named, opened, tables_of
from orchestration.cli.today import Today, read_today
from orchestration.publish.contract import CONTRACT_VERSION
from orchestration.settings import Settings

MOST_ROWS = 1000
MOST_CHARACTERS = 2000
QUERY_SECONDS = 10.0
_MEMORY = "1GB"
_UNITS = (
    "Percentages, returns and weights are fractions (0.05 is 5 %), money is US dollars, rates are fractions a year, times are"
    " UTC. describe_tables gives the unit of each column. NULL means unknown or not applicable: the column says which."
)
_INSTRUCTIONS = (
    "Small-Cap Signal: IWM compared with SPY and QQQ. Start with `today`. Say how old the data are when `is_stale` is true, and"
    " give the verdict of the evidence with every label: for most labels the data cannot decide. Not investment advice."
)
_READ_ONLY = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)


# One row per label and target at the longest horizon: the whole table of one signal is more than an agent can read.
_EVIDENCE = """
    select subject, label, horizon, target, sessions, spells, clusters, mean_return, rest_return, difference, interval_low,
        interval_high, p_family, min_detectable, expected, verdict_in_words, last_session
    from scorecard
    where signal = $1 and ($2 is null or subject = $2)
    qualify horizon = max(horizon) over ()
    order by subject, label, target
"""


@dataclass(frozen=True)
class _Desk:
    """Answers from one data directory; each call reads the release that is the latest then."""

    settings: Settings
    query_seconds: float

    @property
    def release(self) -> Path:
        return latest(self.settings.published_dir, run_command(self.settings))

    def answer(self, found: dict[str, Any]) -> dict[str, Any]:
        """An answer with the facts that every answer has."""
        today = read_today(self.release)
        return {**_identity(today), "answer": _plain(found)}

    def today(self, since: str | None) -> dict[str, Any]:
        today = read_today(self.release, since, self.settings.published_dir)
        facts = _identity(today)
        repeated = {*facts, *facts["release"]}
        return {**facts, "answer": {name: value for name, value in today.as_json().items() if name not in repeated}}

    def describe_tables(self, table: str | None) -> dict[str, Any]:
        with tables_of(self.release) as tables:
            if table is None:
                return {"tables": tables.rows("select * from readme order by table_name")}
            columns = tables.rows(
                "select column_name, data_type, comment as meaning_and_unit from duckdb_columns() where table_name = $1"
                " order by column_index",
                table,
            )
            if not columns:
                raise Refused(f"There is no table {table}: call describe_tables without a name.")
            return {"table": tables.rows("select * from readme where table_name = $1", table), "columns": columns}

    def query(self, sql: str, limit: int) -> dict[str, Any]:
        from orchestration.cli.answers import one_statement

        limits = {"lock_configuration": True, "memory_limit": _MEMORY, "temp_directory": ""}
        with opened(self.release, limits) as connection:
            statement = one_statement(connection, sql)
            if statement.type not in {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}:
                raise Refused("Only read-only queries are allowed: use select or explain.")
            clock = threading.Timer(self.query_seconds, connection.interrupt)
            clock.start()
            try:
                cursor = connection.execute(statement)
                rows = cursor.fetchmany(limit + 1)
            except duckdb.InterruptException as error:
                raise Refused(f"The query took longer than {self.query_seconds:g} seconds: ask for less.") from error
            except duckdb.Error as error:
                raise Refused(str(error)) from error
            finally:
                clock.cancel()
            columns = [column[0] for column in cursor.description or []]
            return {"columns": columns, "rows": [list(row) for row in rows[:limit]], "has_more_rows": len(rows) > limit}

    def evidence(self, signal: str, subject: str | None) -> dict[str, Any]:
        with tables_of(self.release) as tables:
            found = tables.rows(_EVIDENCE, signal, subject)
            if not found:
                known = tables.rows("select distinct signal, subject from scorecard order by signal, subject")
                names = "; ".join(f"{one['signal']} of {one['subject']}" for one in known)
                raise Refused(f"The scorecard has no row for {signal}{f' of {subject}' if subject else ''}. It has {names}.")
            said = tables.rows(
                "select subject, reading as label, evidence from reading where topic = $1 and ($2 is null or subject = $2)",
                signal,
                subject,
            )
            return {
                "now": said,
                "scorecard": found,
                "left_out": f"Horizons other than {found[0]['horizon']} sessions, and some columns. All of it:"
                f" select * from scorecard where signal = '{signal}'",
                "claims": tables.rows("select * from evidence_summary order by family"),
            }

    def what_changed(self, before: str) -> dict[str, Any]:
        from orchestration.cli.differences import between

        after = self.release
        earlier = named(self.settings.published_dir, before)
        return {"before": earlier.name, "after": after.name, "changes": between(earlier, after)}

    def why(self, table: str, key: list[str]) -> dict[str, Any]:
        settings = self.settings
        places = Places(
            warehouse=settings.warehouse_path,
            dbt_manifest=settings.dbt_target_dir / "manifest.json",
            landing=settings.landing_dirs,
        )
        return why(self.release, table, key, places).as_json()


class _Server(MCPServer):
    """A server that refuses an argument that a tool does not have: the library ignores it."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        for tool in await self.list_tools():
            known = tool.input_schema["properties"]
            if tool.name == name and (unknown := arguments.keys() - known.keys()):
                raise ToolError(f"{name} has no argument {', '.join(sorted(unknown))}: it has {', '.join(known)}.")
        return await super().call_tool(name, arguments, context)


def server(settings: Settings, *, query_seconds: float = QUERY_SECONDS) -> MCPServer:
    """The server for the data directory of these settings.

    Args:
        query_seconds: time limit of one query.
    """
    desk = _Desk(settings, query_seconds)
    offered = _Server("small-cap-signal", instructions=_INSTRUCTIONS, version=CONTRACT_VERSION)

    @offered.tool(annotations=_READ_ONLY)
    def today(since: str | None = None) -> dict[str, Any]:
        """Headline, what changed, closes and returns, each signal with its label, distance to the flip and verdict, warnings.

        since: a session (YYYY-MM-DD) or a release id; default: the release before, or the session before if that shows no change.
        """
        return _answered(lambda: desk.today(since))

    @offered.tool(annotations=_READ_ONLY)
    def describe_tables(table: str | None = None) -> dict[str, Any]:
        """What a row of each table is; with a table's name, the meaning, type and unit of each of its columns."""
        return _answered(lambda: desk.answer(desk.describe_tables(table)))

    @offered.tool(annotations=_READ_ONLY)
    def query(sql: str, limit: int = 200) -> dict[str, Any]:
        """The answer to one SQL query (DuckDB) on the release. At most 1000 rows and 10 seconds."""
        return _answered(lambda: desk.answer(desk.query(sql, max(1, min(limit, MOST_ROWS)))))

    @offered.tool(annotations=_READ_ONLY)
    def evidence(signal: str, subject: str | None = None) -> dict[str, Any]:
        """What followed each label of a signal at the longest horizon, against the rest of its history.

        signal: regime, trend_break, breadth, member_breadth, member_divergence, member_thrust, rate_regime or cycle_phase.
        subject: for example IWM/SPY; default: all.
        """
        return _answered(lambda: desk.answer(desk.evidence(signal, subject)))

    @offered.tool(annotations=_READ_ONLY)
    def what_changed(before: str = "previous") -> dict[str, Any]:
        """Every difference between an earlier release (its id, or `previous`) and the latest, with its cause."""
        return _answered(lambda: desk.answer(desk.what_changed(before)))

    @offered.tool(annotations=_READ_ONLY)
    def why_a_number(table: str, key: list[str]) -> dict[str, Any]:
        """Where a published row comes from: model, parameters, observations, the vendors' documents and their hashes.

        key: values of the table's key columns in order. If the last are left out: the newest row, or the
            first if no key column is a date.
        """
        return _answered(lambda: desk.answer(desk.why(table, key)))

    return offered


def _answered(answer: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The answer, or the sentence why there is none."""
    try:
        return answer()
    except Refused as refusal:
        raise ToolError(str(refusal)) from refusal


def _identity(today: Today) -> dict[str, Any]:
    named_in_full = today.as_json()
    about = ("release_id", "contract_version", "source", "published_at", "known_at")
    return {
        "release": {name: named_in_full[name] for name in about},
        "session": named_in_full["session"],
        "asked_at": named_in_full["asked_at"],
        "is_stale": today.is_stale,
        "sessions_behind": today.sessions_behind,
        "freshness": named_in_full["freshness"],
        "units": _UNITS,
    }


def _plain(value: Any) -> Any:
    """The value in types that JSON knows; a long text is cut."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Decimal):
        return float(value)
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    text = value.isoformat() if isinstance(value, date) else str(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}… ({len(text)} characters)"

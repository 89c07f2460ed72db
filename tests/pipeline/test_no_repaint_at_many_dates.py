"""No repaint: the signals rebuilt at fifty dates.

A dbt build for each date would take minutes. Instead, the compiled SQL of the sample runs in memory on raw tables that end at the
date; test_no_repaint.py runs complete builds for a few dates.
"""

import json
import random
from datetime import date
from graphlib import TopologicalSorter
from typing import Any

import duckdb
import polars as pl
import pytest

from tests.pipeline.homes import Home, ask

pytestmark = pytest.mark.more_runs

CUTS = 50
RAW_CUT_BY = {"price_bars": "session", "corporate_actions": "ex_date", "rates": "date", "factors": "date", "sessions": None}
# Every column of these, by session.
DAILY = {
    "ratio_daily": ["pair", "session"],
    "regime_daily": ["pair", "session"],
    "breadth_daily": ["session"],
    "rate_regime_daily": ["session"],
    "cycle_phase_daily": ["session"],
    "satellite_target": ["session"],
    "signal_state_daily": ["session"],
    "relative_risk_daily": ["pair", "session"],
    "long_run_labels": ["signal", "series", "session"],
}
# Columns of an episode that are known from its date on: beginning, peak, labels at the peak.
BEGUN = {
    "regime_spells": ("first_session", ["pair", "spell_no", "regime", "first_session"]),
    "rate_regime_spells": ("first_session", ["spell_no", "rate_regime", "first_session", "first_policy_rate"]),
    "breadth_episodes": ("confirmed_on", ["first_session", "confirmed_on", "breadth"]),
    "corrections": (
        "confirmed_on",
        ["peak", "confirmed_on", "regime_at_peak", "breadth_at_peak", "rate_regime_at_peak"],
    ),
}


class Rebuilder:
    """The sample's models on raw tables that end at a date."""

    def __init__(self, home: Home) -> None:
        manifest = json.loads((home.path / "dbt" / "manifest.json").read_text())
        self._nodes: dict[str, Any] = {**manifest["nodes"], **manifest["sources"]}
        models = {node["name"]: name for name, node in self._nodes.items() if node["resource_type"] == "model"}
        # Tables that this version of the project does not have are skipped, except those above.
        self.tables = [name for name in (*DAILY, *BEGUN) if name in models or name != "satellite_target"]
        self._connection = duckdb.connect(config={"threads": 1})
        self._connection.execute(f"attach '{home.path / 'warehouse.duckdb'}' as built (read_only)")
        self._connection.execute("attach ':memory:' as warehouse")
        self.whole = {name: ask(self._connection, f"select * from built.marts.{name}") for name in self.tables}
        self._statements = self._prepare(home, [models[name] for name in self.tables])

    def _prepare(self, home: Home, wanted: list[str]) -> list[str]:
        """Create views of the constant tables, and collect the other statements in the order of the graph."""
        graph: dict[str, list[str]] = {}
        while wanted:
            name = wanted.pop()
            if name not in graph:
                graph[name] = self._nodes[name].get("depends_on", {}).get("nodes", [])
                wanted += graph[name]
        for schema in {self._nodes[name]["schema"] for name in graph}:
            self._connection.execute(f"create schema warehouse.{schema}")
        statements = []
        for node in (self._nodes[name] for name in TopologicalSorter(graph).static_order()):
            place = f"{node['schema']}.{node['name']}"
            if node["resource_type"] == "model":
                code = (home.path / "dbt/compiled/small_cap_signal" / node["original_file_path"]).read_text()
                kind = node["config"]["materialized"]
                statements.append(f"create or replace {kind} warehouse.{place} as {code}")
                continue
            column = RAW_CUT_BY[node["name"]] if node["resource_type"] == "source" else None
            end = f"where {column} <= getvariable('cut')" if column else ""
            self._connection.execute(f"create view warehouse.{place} as select * from built.{place} {end}")
        return statements

    def at(self, cut: date) -> dict[str, pl.DataFrame]:
        """The tables without data after the date."""
        self._connection.execute("set variable cut = cast(? as date)", [cut])
        for statement in self._statements:
            self._connection.execute(statement)
        return {name: ask(self._connection, f"select * from warehouse.marts.{name}") for name in self.tables}


@pytest.fixture(scope="module")
def rebuilder(sample_home: Home) -> Rebuilder:
    """A rebuilder for any date."""
    return Rebuilder(sample_home)


@pytest.fixture(scope="module")
def rebuilt(rebuilder: Rebuilder) -> dict[date, dict[str, pl.DataFrame]]:
    """The tables at each date."""
    sessions = rebuilder.whole["regime_daily"]["session"].unique().sort().to_list()
    cuts = random.Random(20261001).sample(sessions[300:], CUTS)
    return {cut: rebuilder.at(cut) for cut in sorted(cuts)}


def same(short: pl.DataFrame, before: pl.DataFrame) -> None:
    """Compare after rounding returns to twelve digits, except for differences in the last digit."""
    assert short.columns == before.columns
    for column, data_type in before.schema.items():
        if data_type == pl.Float64:
            assert short[column].is_null().equals(before[column].is_null()), column
            assert ((short[column] - before[column]).abs().max() or 0.0) <= 2e-12, column
        else:
            assert short[column].equals(before[column], null_equal=True), column


def test_without_a_cut_the_tables_equal_those_of_the_build(rebuilder: Rebuilder) -> None:
    for name, table in rebuilder.at(date(9999, 1, 1)).items():
        by = table.columns[:3]
        same(table.sort(by), rebuilder.whole[name].sort(by))


@pytest.mark.parametrize("name", DAILY)
def test_the_rows_of_a_session_do_not_change(
    rebuilder: Rebuilder, rebuilt: dict[date, dict[str, pl.DataFrame]], name: str
) -> None:
    if name not in rebuilder.tables:
        pytest.skip(f"this version of the project has no {name}")
    for cut, tables in rebuilt.items():
        before = rebuilder.whole[name].filter(pl.col("session") <= cut)
        # The factors end some weeks before the prices.
        assert tables[name]["session"].max() == (before["session"].max() if name == "long_run_labels" else cut)
        same(tables[name].sort(DAILY[name]), before.sort(DAILY[name]))


@pytest.mark.parametrize("name", BEGUN)
def test_the_beginning_of_an_episode_does_not_change(
    rebuilder: Rebuilder, rebuilt: dict[date, dict[str, pl.DataFrame]], name: str
) -> None:
    known_on, columns = BEGUN[name]
    begun = 0
    for cut, tables in rebuilt.items():
        before = rebuilder.whole[name].filter(pl.col(known_on) <= cut).select(columns)
        same(tables[name].select(columns).sort(columns), before.sort(columns))
        begun += before.height
    assert begun > CUTS

"""Which tables may grow: made by the same rules, and in one build with all that they are made of."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.rules import growing_tables, keep_rules, rules_of


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A warehouse without a table."""
    return Warehouse(tmp_path / "warehouse.duckdb")


def node(unique_id: str, *parents: str, materialized: str = "table") -> Any:
    """What is read of a node of dbt's."""
    kind, name = unique_id.split(".")
    return SimpleNamespace(
        unique_id=unique_id,
        name=name,
        resource_type=kind,
        depends_on_nodes=list(parents),
        config=SimpleNamespace(materialized=materialized),
    )


CHAIN = [
    node("seed.labels", materialized="seed"),
    node("model.lines", "source.raw", "seed.labels", materialized="incremental"),
    node("model.sectors", "model.lines"),
    node("model.holdings", "model.sectors", "model.lines", materialized="incremental"),
    node("test.key", "model.holdings", materialized="test"),
]


def test_a_whole_build_lets_its_incremental_tables_grow(warehouse: Warehouse) -> None:
    assert growing_tables(warehouse, "today") == []
    keep_rules(warehouse, "today", CHAIN)
    keep_rules(warehouse, "today", CHAIN)
    assert growing_tables(warehouse, "today") == ["holdings", "lines"]


@pytest.mark.parametrize(
    ("left_out", "growing"), [("seed.labels", []), ("model.sectors", ["lines"]), ("model.holdings", ["lines"])]
)
def test_a_table_made_of_what_was_not_built_with_it_may_not(warehouse: Warehouse, left_out: str, growing: list[str]) -> None:
    assert growing_tables(warehouse, "today") == []
    keep_rules(warehouse, "today", [one for one in CHAIN if one.unique_id != left_out])
    assert growing_tables(warehouse, "today") == growing


def test_other_rules_forget_what_the_first_made_even_if_they_come_back(warehouse: Warehouse) -> None:
    growing_tables(warehouse, "first")
    keep_rules(warehouse, "first", CHAIN)
    assert growing_tables(warehouse, "other") == []
    assert growing_tables(warehouse, "first") == []


def test_rules_are_contents_names_and_the_moment_of_knowledge(tmp_path: Path) -> None:
    from datetime import datetime

    one, other = tmp_path / "one.sql", tmp_path / "other.sql"
    one.write_text("select 1")
    other.write_text("select 2")
    rules = rules_of([one, other], None)
    assert rules_of([other, one], None) == rules
    assert rules_of([one], None) != rules
    assert rules_of([one, other], datetime(2026, 6, 30)) != rules
    other.write_text("select 3")
    assert rules_of([one, other], None) != rules
    other.write_text("select 2")
    assert rules_of([one, other], None) == rules
    assert rules_of([one, other.rename(tmp_path / "another.sql")], None) != rules

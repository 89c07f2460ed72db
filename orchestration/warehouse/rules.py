"""Which tables may grow by snapshot: those that today's rules made, together with all that they are made of.

The rules are the files of the dbt project, the engine, and the moment of what is known. What other rules made is made anew:
nothing in its rows would tell that they are stale.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from orchestration.warehouse.connection import Warehouse

_MADE_BY = """
create schema if not exists build;
create table if not exists build.made_by (table_name varchar primary key, rules varchar not null);
"""


def rules_of(files: Iterable[Path], known_at: datetime | None) -> str:
    """The rules as a hash, the same for the same contents of the same files in any order."""
    contents = sorted(f"{file} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files)
    return hashlib.sha256("\n".join([duckdb.__version__, str(known_at), *contents]).encode()).hexdigest()


def growing_tables(warehouse: Warehouse, rules: str) -> list[str]:
    """The tables that these rules made; what others made is forgotten, for this build may change what it is made of."""
    with warehouse.connect() as connection:
        connection.execute(_MADE_BY)
        connection.execute("delete from build.made_by where rules <> ?", [rules])
        return [name for (name,) in connection.execute("select table_name from build.made_by order by table_name").fetchall()]


def keep_rules(warehouse: Warehouse, rules: str, nodes: Iterable[Any]) -> None:
    """Write down which incremental tables these rules made in one build with everything that they are made of.

    Args:
        nodes: dbt's nodes of a build that succeeded.
    """
    built = {node.unique_id: node for node in nodes if node.resource_type in ("model", "seed")}

    @cache
    def is_whole(unique_id: str) -> bool:
        return unique_id.startswith("source.") or (unique_id in built and all(map(is_whole, built[unique_id].depends_on_nodes)))

    made = [node.name for node in built.values() if node.config.materialized == "incremental" and is_whole(node.unique_id)]
    if made:
        with warehouse.connect() as connection:
            connection.executemany("insert or replace into build.made_by values (?, ?)", [(name, rules) for name in made])

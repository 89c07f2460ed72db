"""The version change that a change of the published schema requires."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from orchestration.publish.contract import ContractBroken, changes, check, entry_of, raised

OLD: dict[str, Any] = {
    "spells": {"key": ["pair"], "columns": {"pair": "VARCHAR NOT NULL", "sessions": "INTEGER", "days": "INTEGER NOT NULL"}},
    "reading": {"key": ["line"], "columns": {"line": "INTEGER NOT NULL"}},
}
LOG = "# Changelog\n\n## 1.1.0\n\nmore\n\n## 1.0.1\n\n## 2.0.0\n\nless\n"


def changed(change: Callable[[Any], object]) -> dict[str, Any]:
    schema = copy.deepcopy(OLD)
    change(schema)
    return schema


CHANGES: dict[str, tuple[str, Callable[[Any], object]]] = {
    "table gone": ("major", lambda s: s.pop("reading")),
    "column gone": ("major", lambda s: s["spells"]["columns"].pop("days")),
    "column retyped": ("major", lambda s: s["spells"]["columns"].update(sessions="BIGINT")),
    "column may be null": ("major", lambda s: s["spells"]["columns"].update(days="INTEGER")),
    "another key": ("major", lambda s: s["spells"].update(key=["pair", "sessions"])),
    "column renamed": ("major", lambda s: s["spells"]["columns"].update(length=s["spells"]["columns"].pop("days"))),
    "table new": ("minor", lambda s: s.update(news={"key": ["a"], "columns": {"a": "DATE NOT NULL"}})),
    "column new": ("minor", lambda s: s["spells"]["columns"].update(depth="DOUBLE")),
    "column never null": ("patch", lambda s: s["spells"]["columns"].update(sessions="INTEGER NOT NULL")),
    "another order": ("patch", lambda s: s["spells"]["columns"].update(pair=s["spells"]["columns"].pop("pair"))),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_raises_its_part_of_the_version(name: str) -> None:
    level, change = CHANGES[name]
    assert changes(OLD, changed(change))[0][0] == level


def test_no_change_requires_no_new_version() -> None:
    assert changes(OLD, copy.deepcopy(OLD)) == []


@pytest.mark.parametrize(
    ("old", "new", "level"),
    [("1.0.0", "1.0.0", "none"), ("1.0.9", "1.0.10", "patch"), ("1.2.3", "1.3.0", "minor"), ("1.2.3", "2.0.0", "major")],
)
def test_the_raised_part_of_a_version(old: str, new: str, level: str) -> None:
    assert raised(old, new) == level


def test_a_version_never_decreases() -> None:
    with pytest.raises(ContractBroken, match=r"lower than 1\.10\.0"):
        raised("1.10.0", "1.9.0")


@pytest.mark.parametrize(
    ("name", "version", "refused"),
    [
        ("column new", "1.0.0", "raise the minor part"),
        ("column new", "1.0.1", "raise the minor part"),
        ("column new", "1.1.0", ""),
        ("column gone", "1.1.0", "raise the major part"),
        ("column gone", "2.0.0", ""),
        ("column never null", "1.0.1", "no entry"),
    ],
)
def test_a_changed_schema_needs_a_raised_version_and_an_entry(name: str, version: str, refused: str) -> None:
    committed = {"contract_version": "1.0.0", "tables": OLD}
    schema = changed(CHANGES[name][1])
    if refused:
        with pytest.raises(ContractBroken, match=refused):
            check(schema, committed, version, LOG)
    else:
        check(schema, committed, version, LOG)


def test_an_entry_ends_at_the_next_version() -> None:
    assert (entry_of("1.1.0", LOG), entry_of("1.0.1", LOG), entry_of("3.0.0", LOG)) == ("more", "", "")

"""The published schema is the one under contract, and the contract's version has a reason."""

import json
from typing import Any

import pytest

from orchestration.contract import CHANGELOG, CONTRACT_FILE, changes, fingerprint, reason_for, schema_of
from orchestration.contract_version import CONTRACT_VERSION
from tests.pipeline.homes import Home, ask, published, warehouse

ADVICE = "raise CONTRACT_VERSION in orchestration/contract_version.py, say why in CHANGELOG.md, then `make contract`"


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    """The committed snapshot."""
    found: dict[str, Any] = json.loads(CONTRACT_FILE.read_text())
    return found


def test_the_schema_is_the_committed_one(sample_home: Home, contract: dict[str, Any]) -> None:
    schema = schema_of(json.loads((sample_home.path / "dbt" / "manifest.json").read_text()))
    assert changes(contract["tables"], schema) == [], ADVICE


def test_the_version_stands_for_this_schema_and_has_a_reason(contract: dict[str, Any]) -> None:
    assert contract["contract_version"] == CONTRACT_VERSION, ADVICE
    assert contract["schema_by_version"][CONTRACT_VERSION] == fingerprint(contract["tables"]), ADVICE
    assert all(reason_for(version, CHANGELOG.read_text()) for version in contract["schema_by_version"])


def test_the_release_is_as_promised(sample_home: Home, contract: dict[str, Any]) -> None:
    manifest = json.loads((sample_home.latest / "manifest.json").read_text())
    assert manifest["contract_version"] == CONTRACT_VERSION
    promised = {
        name: (table["key"], {column: kind.removesuffix(" NOT NULL") for column, kind in table["columns"].items()})
        for name, table in contract["tables"].items()
    }
    listed = {table["name"]: (table["key"], table["columns"]) for table in manifest["tables"]}
    only_in_duckdb = {name for name, table in contract["tables"].items() if "only_in" in table}
    assert {name: table for name, table in promised.items() if name not in only_in_duckdb} == listed
    with published(sample_home) as release:
        served = ask(release, "select table_name, column_name, data_type from duckdb_columns() where not internal")
    for name, (_, columns) in promised.items():
        assert dict(served.filter(table_name=name).select("column_name", "data_type").rows()) == columns, name
    assert set(served["table_name"]) == set(promised)


def test_what_is_never_null_is_enforced_in_the_warehouse(sample_home: Home, contract: dict[str, Any]) -> None:
    with warehouse(sample_home) as connection:
        query = "select table_name, column_name from duckdb_columns() where schema_name = 'marts' and not is_nullable"
        enforced = set(ask(connection, query).rows())
    keys = {(name, column) for name, table in contract["tables"].items() for column in table["key"]}
    promised = {
        (name, column)
        for name, table in contract["tables"].items()
        for column, kind in table["columns"].items()
        if kind.endswith(" NOT NULL") and "only_in" not in table
    }
    assert enforced <= promised
    assert promised - enforced <= keys  # a key is held by its primary_key test

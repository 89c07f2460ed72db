"""A version of the contract identifies one schema, and NOT NULL columns contain no NULL."""

import json
import re
from typing import Any

import polars as pl
import pytest

from orchestration.publish.contract import CHANGELOG, CONTRACT_FILE, CONTRACT_VERSION, check, entry_of, fingerprint
from tests.pipeline.homes import Home


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    """The committed schema."""
    found: dict[str, Any] = json.loads(CONTRACT_FILE.read_text())
    return found


def test_the_version_identifies_this_schema(contract: dict[str, Any]) -> None:
    """A schema that was changed under an old version does not have the hash in the changelog."""
    stated = re.search(r"Schema ([0-9a-f]{12})\.", entry_of(CONTRACT_VERSION, CHANGELOG.read_text()))
    assert stated is not None
    assert fingerprint(contract["tables"]) == stated[1]
    check(contract["tables"], contract, CONTRACT_VERSION, CHANGELOG.read_text())


def test_not_null_columns_contain_no_null(sample_home: Home, contract: dict[str, Any]) -> None:
    promised = 0
    for name, table in contract["tables"].items():
        never = [column for column, kind in table["columns"].items() if kind.endswith(" NOT NULL")]
        assert set(table["key"]) <= set(never), name
        frame = pl.read_parquet(sample_home.latest / f"{name}.parquet", columns=never)
        assert {column: count for column, count in frame.null_count().row(0, named=True).items() if count} == {}, name
        promised += len(never)
    assert promised > 200

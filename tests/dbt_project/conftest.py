"""The parsed dbt project, which is shared by the tests of this folder and kept until a file of the project changes."""

import os
from pathlib import Path

import pytest

from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.dbt_build import Dbt


@pytest.fixture(scope="session")
def parsed_dbt(pytestconfig: pytest.Config) -> Dbt:
    """The project beside an empty warehouse, parsed; each worker has its own, because dbt writes there what it compiles."""
    kept: Path = pytestconfig.cache.mkdir(f"parsed_dbt_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}")
    dbt = Dbt(Warehouse(kept / "warehouse.duckdb"), kept / "dbt")
    dbt.manifest()
    return dbt

"""The parsed dbt project, which is shared by the tests of this folder and kept until a file of the project changes."""

import pytest

from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.dbt_build import Dbt


@pytest.fixture(scope="session")
def parsed_dbt(pytestconfig: pytest.Config) -> Dbt:
    """The project beside an empty warehouse, parsed."""
    home = pytestconfig.cache.mkdir("parsed_dbt")
    dbt = Dbt(Warehouse(home / "warehouse.duckdb"), home / "dbt")
    dbt.manifest()
    return dbt

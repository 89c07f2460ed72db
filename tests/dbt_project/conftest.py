"""The parsed dbt project, which takes some seconds and is shared by the tests of this folder."""

import pytest

from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.dbt_build import Dbt


@pytest.fixture(scope="session")
def parsed_dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """The project beside an empty warehouse, parsed."""
    home = tmp_path_factory.mktemp("parsed")
    dbt = Dbt(Warehouse(home / "warehouse.duckdb"), home / "dbt")
    dbt.manifest()
    return dbt

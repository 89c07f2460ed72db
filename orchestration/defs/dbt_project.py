"""The dbt project for the assets."""

from orchestration.settings import DBT_PROJECT_DIR, Settings
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.dbt_build import Dbt


def dbt_of(settings: Settings) -> Dbt:
    """The dbt project with the warehouse of these settings."""
    return Dbt(Warehouse(settings.warehouse_path), settings.dbt_target_dir, DBT_PROJECT_DIR)

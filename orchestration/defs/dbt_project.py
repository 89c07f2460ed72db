"""The dbt project for the assets."""

from orchestration.settings import DBT_PROJECT_DIR, EngineName, Settings
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.dbt_build import Dbt
from orchestration.warehouse.engine import DuckDb, Engine, Spark


def dbt_of(settings: Settings) -> Dbt:
    """The dbt project with the warehouse and the engine of these settings."""
    return Dbt(Warehouse(settings.warehouse_path), settings.dbt_target_dir, DBT_PROJECT_DIR, engine_of(settings))


def engine_of(settings: Settings) -> Engine:
    """The engine that runs dbt's models."""
    if settings.engine is EngineName.duckdb:
        return DuckDb()
    return Spark(settings.lake_dir, settings.memory_limit, settings.spark_settings)

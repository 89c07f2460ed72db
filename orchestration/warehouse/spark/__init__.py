"""The second engine: dbt's models on Spark, between raw and marts in a lake directory of Parquet files."""

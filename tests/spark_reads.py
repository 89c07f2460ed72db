"""Read every Parquet file of a release with PySpark and check rows and types: `make test-spark`."""

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession

TYPES = {
    "BOOLEAN": "boolean", "INTEGER": "int", "BIGINT": "bigint", "DOUBLE": "double", "VARCHAR": "string", "DATE": "date",
    "TIMESTAMP": "timestamp_ntz",
}  # fmt: skip


def main(release: Path) -> None:
    """Fail at the first table that differs from the manifest in Spark."""
    local = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    spark = SparkSession.builder.master("local[1]").config(map=local).getOrCreate()
    tables = json.loads((release / "manifest.json").read_text())["tables"]
    for table in tables:
        frame = spark.read.parquet(str(release / table["file"]))
        assert frame.count() == table["rows"] > 0, table["name"]
        assert dict(frame.dtypes) == {column: TYPES[kind] for column, kind in table["columns"].items()}, table["name"]
    print(f"Spark {spark.version} reads {len(tables)} tables")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Read every Parquet file of a release with PySpark and check rows and types: `make test-spark`."""

import json
import sys
import tempfile
from pathlib import Path

from orchestration.warehouse.spark.session import spark_session, spark_settings

TYPES = {
    "BOOLEAN": "boolean", "INTEGER": "int", "BIGINT": "bigint", "DOUBLE": "double", "VARCHAR": "string", "DATE": "date",
    "TIMESTAMP": "timestamp_ntz",
}  # fmt: skip


def main(release: Path) -> None:
    """Fail at the first table that differs from the manifest in Spark."""
    tables = json.loads((release / "manifest.json").read_text())["tables"]
    with tempfile.TemporaryDirectory() as scratch, spark_session(spark_settings(Path(scratch))) as spark:
        for table in tables:
            frame = spark.read.parquet(str(release / table["file"]))
            assert frame.count() == table["rows"], table["name"]
            assert dict(frame.dtypes) == {column: TYPES[kind] for column, kind in table["columns"].items()}, table["name"]
        print(f"Spark {spark.version} reads {len(tables)} tables")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

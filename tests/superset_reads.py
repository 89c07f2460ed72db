"""Read every table of a release in Apache Superset, from the serving copy and from Parquet: `make test-superset`."""

import json
import os
import secrets
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

URI = "duckdb:///{}/warehouse.duckdb?access_mode=read_only"  # as in docs/BI.md; an absolute path makes the fourth slash
NUMERIC, STRING, TEMPORAL, BOOLEAN = range(4)  # superset.utils.core.GenericDataType
TYPES = {
    "BOOLEAN": BOOLEAN, "INTEGER": NUMERIC, "BIGINT": NUMERIC, "DOUBLE": NUMERIC, "VARCHAR": STRING, "DATE": TEMPORAL,
    "TIMESTAMP": TEMPORAL,
}  # fmt: skip
MOST_ROWS = 100_000  # Superset's limit of rows per query


class Superset:
    """Superset's application with an empty metadata database, used through its REST API without a server."""

    def __init__(self) -> None:
        from superset.app import create_app
        from superset.cli.main import superset

        application, password = create_app(), secrets.token_urlsafe()
        admin = "fab create-admin --username reader --firstname A --lastname Reader --email reader@example.com --password"
        for command in (["db", "upgrade"], [*admin.split(), password], ["init"]):
            done = application.test_cli_runner().invoke(superset, command)
            assert done.exit_code == 0, done.output
        self.version = application.config["VERSION_STRING"]
        self.client, self.headers = application.test_client(), {}
        login = self.ask("security/login", username="reader", password=password, provider="db")
        self.headers["Authorization"] = f"Bearer {login['access_token']}"
        self.headers["X-CSRFToken"] = self.ask("security/csrf_token/")["result"]

    def ask(self, path: str, **question: Any) -> dict[str, Any]:
        method = "POST" if question else "GET"
        answer = self.client.open(f"/api/v1/{path}", method=method, json=question or None, headers=self.headers)
        assert answer.status_code in {200, 201}, f"{path}: {answer.status_code} {answer.text}"
        return answer.json

    def chart(self, dataset: int, **query: Any) -> dict[str, Any]:
        of = {"id": dataset, "type": "table"}
        return self.ask("chart/data", datasource=of, queries=[{"row_limit": MOST_ROWS, **query}])["result"][0]


def check(superset: Superset, table: dict[str, Any], **source: Any) -> None:
    """Check columns, types and rows; and the rows per month between the first and the last date, as in a time chart."""
    dataset = superset.ask("dataset/", **source)["id"]
    rows = superset.chart(dataset, columns=list(table["columns"]))
    assert (rows["colnames"], rows["rowcount"]) == (list(table["columns"]), table["rows"]), source
    kinds = {column: TYPES[kind] for column, kind in table["columns"].items()}
    columns = superset.ask(f"dataset/{dataset}")["result"]["columns"]
    if "sql" in source:  # Superset infers the types of a query from its first row
        kinds = {column: kind if rows["data"][0][column] is not None else None for column, kind in kinds.items()}
    else:
        assert all(column["description"] for column in columns), source
    assert {column["column_name"]: column["type_generic"] for column in columns} == kinds, source
    assert {column["column_name"] for column in columns if column["is_dttm"]} == {
        column for column, kind in kinds.items() if kind == TEMPORAL
    }, source
    if day := table["date_column"]:
        dates = [datetime.fromtimestamp(row[day] / 1000, UTC).date() for row in rows["data"] if row[day] is not None]
        first, last = date.fromisoformat(table["first_date"]), date.fromisoformat(table["last_date"])
        assert (min(dates), max(dates)) == (first, last), source
        month = {"expressionType": "SQL", "sqlExpression": day, "label": day, "columnType": "BASE_AXIS", "timeGrain": "P1M"}
        span = {"col": day, "op": "TEMPORAL_RANGE", "val": f"{first} : {last + timedelta(days=1)}"}
        count = {"expressionType": "SQL", "sqlExpression": "count(*)", "label": "rows"}
        months = superset.chart(dataset, columns=[month], metrics=[count], filters=[span])
        assert sum(row["rows"] for row in months["data"]) == len(dates), source
        assert months["rowcount"] == len({one.replace(day=1) for one in dates}), source


def main(release: Path) -> None:
    """Fail at the first table that differs from the manifest in Superset."""
    superset = Superset()
    uri = URI.format(release.absolute())
    superset.ask("database/test_connection/", sqlalchemy_uri=uri)
    database = superset.ask("database/", database_name="Small-Cap Signal", sqlalchemy_uri=uri)["id"]
    schemas = superset.ask(f"database/{database}/schemas/")["result"]
    assert "warehouse.main" in schemas, schemas
    tables = json.loads((release / "manifest.json").read_text())["tables"]
    listed = superset.ask(f"database/{database}/tables/?q=(schema_name:warehouse.main)")["result"]
    assert {table["value"] for table in listed} == {*(table["name"] for table in tables), "readme", "release"}
    for table in tables:
        name, place = table["name"], {"database": database, "schema": "warehouse.main"}
        parquet = f"select * from read_parquet('{release.absolute() / table['file']}')"
        check(superset, table, table_name=name, **place)
        check(superset, table, table_name=f"{name}.parquet", sql=parquet, **place)
    readme = superset.ask("sqllab/execute/", database_id=database, sql="select table_name, row_count from readme")["data"]
    assert {row["table_name"]: row["row_count"] for row in readme} == {table["name"]: table["rows"] for table in tables}
    print(f"Superset {superset.version} reads {len(tables)} tables, from the serving copy and from Parquet")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"SUPERSET_HOME": home, "SUPERSET_SECRET_KEY": secrets.token_urlsafe(42)}
        main(Path(sys.argv[1]))

"""Read a release in Apache Superset and draw its dashboard: `make test-superset`.

The bundle of docs/superset is imported; every chart gives rows; a browser, where there is one, draws the dashboard. Then every
table is read, from the serving copy and from Parquet.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
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
BUNDLE = Path(__file__).parents[1] / "docs" / "superset" / "bundle.py"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Superset:
    """Superset's application with an empty metadata database, used through its REST API without a server."""

    def __init__(self) -> None:
        from superset.app import create_app
        from superset.cli.main import superset

        self.application, password = create_app(), secrets.token_urlsafe()
        admin = "fab create-admin --username reader --firstname A --lastname Reader --email reader@example.com --password"
        for command in (["db", "upgrade"], [*admin.split(), password], ["init"]):
            done = self.application.test_cli_runner().invoke(superset, command)
            assert done.exit_code == 0, done.output
        self.version = self.application.config["VERSION_STRING"]
        self.client, self.headers = self.application.test_client(), {}
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

    def session(self) -> str:
        """The cookie of the reader's session: the form of the login page is Superset's business."""
        signer = self.application.session_interface.get_signing_serializer(self.application)
        return signer.dumps({"_user_id": str(self.ask("me/")["result"]["id"]), "_fresh": True})

    def take(self, bundle: Path) -> None:
        with bundle.open("rb") as stream:
            form = {"formData": (stream, bundle.name), "passwords": "{}"}
            answer = self.client.post("/api/v1/dashboard/import/", data=form, headers=self.headers)
        assert answer.status_code == 200, answer.text

    def all(self, kind: str) -> list[dict[str, Any]]:
        return self.ask(f"{kind}/?q=(page_size:100)")["result"]


def check(superset: Superset, table: dict[str, Any], **source: Any) -> None:
    """Check columns, types and rows; and the rows per month between the first and the last date, as in a time chart."""
    dataset = superset.ask("dataset/", **source)["id"]
    rows = superset.chart(dataset, columns=list(table["columns"]))
    assert (rows["colnames"], rows["rowcount"]) == (list(table["columns"]), table["rows"]), source
    if not rows["data"]:
        return  # an empty table shows neither types nor dates
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
        assert min(dates) == first, source
        assert max(dates) <= last, source  # of spells, the last date is that of their end
        month = {"expressionType": "SQL", "sqlExpression": day, "label": day, "columnType": "BASE_AXIS", "timeGrain": "P1M"}
        span = {"col": day, "op": "TEMPORAL_RANGE", "val": f"{first} : {last + timedelta(days=1)}"}
        count = {"expressionType": "SQL", "sqlExpression": "count(*)", "label": "rows"}
        months = superset.chart(dataset, columns=[month], metrics=[count], filters=[span])
        assert sum(row["rows"] for row in months["data"]) == len(dates), source
        assert months["rowcount"] == len({one.replace(day=1) for one in dates}), source


def charts_with_rows(superset: Superset) -> dict[str, str]:
    """Run the query of every chart; its kind by name. A table asks for columns, the others for a metric along an axis."""
    kinds = {}
    for listed in superset.all("chart"):
        chart = superset.ask(f"chart/{listed['id']}")["result"]
        params = json.loads(chart["params"])
        query = {"columns": params.get("all_columns") or [params["x_axis"], *params["groupby"]]}
        query |= {"metrics": params["metrics"]} if "metrics" in params else {}
        query |= {"orderby": [json.loads(order) for order in params.get("order_by_cols", [])]}
        dataset = int(params["datasource"].partition("__")[0])
        answer = superset.chart(dataset, **query)
        assert answer["rowcount"] > 0, chart["slice_name"]
        assert set(query["columns"]) <= set(answer["colnames"]), chart["slice_name"]
        kinds[chart["slice_name"]] = chart["viz_type"]
    return kinds


def draw(superset: Superset, charts: dict[str, str], picture: Path) -> None:
    """Open the dashboard in a browser, check what it shows, and take its picture."""
    from playwright.sync_api import Response, sync_playwright
    from werkzeug.serving import make_server

    [dashboard] = superset.all("dashboard")
    server = make_server("127.0.0.1", 0, superset.application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{server.server_port}"
    refused: list[str] = []

    def look(response: Response) -> None:
        if "/api/v1/chart/data" in response.url and response.status != 200:
            refused.append(f"{response.status} {response.text()}")

    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1400, "height": 2080})  # what is below the window is not drawn
            page.set_default_timeout(120_000)
            page.on("response", look)
            page.context.add_cookies([{"name": "session", "value": superset.session(), "url": here}])
            page.goto(f"{here}{dashboard['url']}")
            for name, kind in charts.items():
                place = page.locator(f'[data-test-chart-name="{name}"]')
                place.locator("tbody tr" if kind == "table" else "canvas").first.wait_for()
                assert place.get_by_role("alert").count() == 0, f"{name}: {place.inner_text()}"
            page.wait_for_function("document.querySelectorAll('[data-test=\"loading-indicator\"]').length === 0")
            page.wait_for_timeout(2_000)  # lines grow into their place
            page.screenshot(path=picture, full_page=True)
            browser.close()
    finally:
        server.shutdown()
    assert refused == []


def main(release: Path, picture: Path) -> None:
    """Fail at the first chart or table that differs from the manifest in Superset."""
    superset = Superset()
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle.zip"
        subprocess.run([sys.executable, BUNDLE, release, bundle], check=True)
        superset.take(bundle)
    charts = charts_with_rows(superset)
    assert len(charts) == len(list((BUNDLE.parent / "charts").iterdir()))
    if CHROMIUM:
        draw(superset, charts, picture)
        print(f"Superset {superset.version} draws {len(charts)} charts: {picture}")
    else:
        print(f"Superset {superset.version} has rows for {len(charts)} charts; there is no Chromium here to draw them")
    uri = URI.format(release.absolute())
    superset.ask("database/test_connection/", sqlalchemy_uri=uri)
    [database] = (found["id"] for found in superset.all("database"))
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
        os.environ |= {"SUPERSET_HOME": home, "SUPERSET_SECRET_KEY": secrets.token_urlsafe(42), "SCARF_ANALYTICS": "false"}
        main(Path(sys.argv[1]), Path(sys.argv[2]))

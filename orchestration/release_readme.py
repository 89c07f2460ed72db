"""The table `readme` of the serving copy: what each table holds, for somebody who meets the file with nothing but SQL."""

from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from orchestration.release_files import Mart

README_COLUMNS = {
    "subject": "varchar", "table_name": "varchar", "what_a_row_is": "varchar", "key_columns": "varchar", "row_count": "bigint",
    "column_count": "integer", "date_column": "varchar", "first_date": "date", "last_date": "date",
}  # fmt: skip

_COMMENTS = {
    "subject": "What the table is about.",
    "table_name": "Name of the table.",
    "what_a_row_is": "What one row says; the comments on the columns say more (duckdb_columns()).",
    "key_columns": "Columns that together are unique and never NULL: the grain.",
    "row_count": "Rows in this release.",
    "column_count": "Columns.",
    "date_column": "The column that dates the rows; NULL where none does.",
    "first_date": "Its oldest value.",
    "last_date": "Its newest value.",
}


def write_readme(connection: duckdb.DuckDBPyConnection, marts: list["Mart"], tables: list[dict[str, Any]]) -> None:
    """One row a table of the release, by subject; `tables` is the manifest's list of the marts.

    Raises:
        duckdb.Error: the table exists already.
    """
    columns = ", ".join(f"{name} {kind}" for name, kind in README_COLUMNS.items())
    connection.execute(f"create table readme ({columns})")
    listed = {table["name"]: table for table in tables}
    rows = []
    for mart in sorted(marts, key=lambda mart: (mart.subject, mart.name)):
        facts = listed[mart.name]
        dates = (facts["date_column"], facts["first_date"], facts["last_date"])
        rows.append(
            [mart.subject, mart.name, mart.description, ", ".join(mart.key), facts["rows"], len(facts["columns"]), *dates]
        )
    if rows:
        connection.executemany(f"insert into readme values ({', '.join('?' * len(README_COLUMNS))})", rows)
    connection.execute("comment on table readme is 'One row a table of this release: what it holds. Begin here.'")
    for column, meaning in _COMMENTS.items():
        connection.execute(f"comment on column readme.{column} is '{meaning}'")

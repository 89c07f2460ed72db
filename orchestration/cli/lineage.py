"""From a published row back to its model, its parameters, the observations and the vendors' documents.

How far it goes: the dbt graph says which raw tables a model reads, and the row says which funds and which day it is about.
Together they select the newest observations that the row can depend on. Which single
cells it was computed from is recorded nowhere.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.cli.console import Refused
from orchestration.cli.releases import Row, Tables, tables_of
from orchestration.files import content_hash

# Of each raw table: the column that says whose value it is, the one that says of which day, and the columns worth showing.
_RAW: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "price_bars": ("symbol", "session", ("close", "volume")),
    "member_bars": ("symbol", "session", ("close", "volume")),
    "market_caps": ("symbol", "as_of", ("price", "market_cap")),
    "corporate_actions": ("symbol", "ex_date", ("kind", "value")),
    "holdings": ("fund", "as_of", ()),
    "fund_facts": ("fund", "as_of", ()),
    "rates": ("series", "date", ("value",)),
    "fund_quotes": ("fund", "session", ("bid", "ask", "price")),
    "option_expirations": ("fund", "session", ()),
    "option_quotes": ("fund", "session", ()),
    "factors": ("dataset", "date", ("market_excess", "small_minus_large", "risk_free")),
}
_FUND_COLUMNS = ("fund", "fund_a", "fund_b", "cheaper_fund", "pair", "subject")
_MOST_SUBJECTS = 10


@dataclass(frozen=True, kw_only=True)
class Observation:
    """The newest value of a subject that the row can depend on.

    `values` holds what was observed, or the number of lines of a snapshot; `versions` says how often its key was observed;
    `usable` counts all observations of the subject up to the day.
    """

    raw_table: str
    subject: str
    day: date
    values: Row
    observed_at: datetime
    versions: int
    usable: int
    document_id: str


@dataclass(frozen=True, kw_only=True)
class SourceDocument:
    """A vendor's document. `hash_check` says whether the file in landing still has the recorded SHA-256."""

    document_id: str
    path: str
    sha256: str
    vendor: str
    retrieved_at: datetime
    status: str
    hash_check: str


@dataclass(frozen=True, kw_only=True)
class Why:
    """Where a row comes from. `limits` says what this answer cannot say."""

    release_id: str
    table: str
    key: Row
    row: Row
    meanings: dict[str, str]
    model: str | None
    code: str | None
    models: list[str]
    raw_tables: list[str]
    seeds: list[str]
    parameters: list[Row]
    observations: list[Observation]
    documents: list[SourceDocument]
    limits: list[str]

    def as_json(self) -> dict[str, Any]:
        """The answer in types that JSON knows."""
        return json.loads(json.dumps(asdict(self), default=str))  # type: ignore[no-any-return]


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a data directory keeps what the answer needs: the warehouse, dbt's manifest, and the folders of documents."""

    warehouse: Path
    dbt_manifest: Path
    landing: Sequence[Path]


def why(release: Path, table: str, key: Sequence[str], places: Places) -> Why:
    """Where one published row comes from.

    Args:
        key: values of the table's key columns, in their order. If the last ones are left out, the newest row is taken.

    Raises:
        Refused: the table, or a row with this key, does not exist; or another version made the release.
    """
    with tables_of(release) as tables:
        facts = _facts_of(tables.manifest, table)
        row = _row(tables, facts, key)
        comments = tables.rows("select column_name, comment from duckdb_columns() where table_name = $1", table)
        manifest = tables.manifest
    graph = _Graph(places.dbt_manifest)
    upstream, raw_tables, seeds, signals = graph.upstream(table)
    limits = list(_limits(manifest, graph, table))
    observations: list[Observation] = []
    documents: list[SourceDocument] = []
    if places.warehouse.exists():
        observations, documents = _evidence(places, manifest, facts, row, raw_tables)
    else:
        limits.append(f"The data directory has no warehouse ({places.warehouse.name}): observations cannot be looked up.")
    if observations:
        limits.append(
            "The newest observations up to the row's day are shown; the model can also use all earlier ones. Lineage of single"
            " cells is not recorded."
        )
    return Why(
        release_id=manifest["release_id"],
        table=table,
        key={name: row[name] for name in facts["key"]},
        row=row,
        meanings={one["column_name"]: one["comment"] or "" for one in comments},
        model=graph.file_of(table),
        code=manifest.get("git_revision"),
        models=upstream,
        raw_tables=raw_tables,
        seeds=seeds,
        parameters=[
            {"parameter": name, **of} for name, of in manifest["parameters"].items() if name.partition(".")[0] in signals
        ],
        observations=observations,
        documents=documents,
        limits=limits,
    )


def _facts_of(manifest: Row, table: str) -> Row:
    found = next((one for one in manifest["tables"] if one["name"] == table), None)
    if found is None:
        names = ", ".join(sorted(one["name"] for one in manifest["tables"]))
        raise Refused(f"There is no table {table} with a key. Tables with a key are {names}.")
    if found["status"] == "withheld":
        raise Refused(f"{table} is withheld from this release: {found['reason']}.")
    return dict(found)


def _row(tables: Tables, facts: Row, key: Sequence[str]) -> Row:
    names = facts["key"]
    if len(key) > len(names):
        raise Refused(f"The key of {facts['name']} is {', '.join(names)}: {len(key)} values are too many.")
    where = " and ".join([f'"{name}"::varchar = ${place}' for place, name in enumerate(names[: len(key)], start=1)] or ["true"])
    order = ", ".join(f'"{name}"{" desc" if facts["columns"][name] == "DATE" else ""}' for name in names)
    found = tables.rows(f"select * from {facts['name']} where {where} order by {order} limit 1", *key)
    if found:
        return found[0]
    examples = tables.rows(f"select * from {facts['name']} order by {order} limit 1")
    example = f", for example {' '.join(str(examples[0][name]) for name in names)}" if examples else "; the table is empty"
    raise Refused(f"{facts['name']} has no row with the key {' '.join(key)}. Its key is {', '.join(names)}{example}.")


class _Graph:
    """dbt's graph of the last build, as its manifest describes it."""

    def __init__(self, path: Path) -> None:
        try:
            parsed = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            parsed = {}
        self.is_known = bool(parsed)
        self.generated_at: str | None = parsed.get("metadata", {}).get("generated_at")
        self._nodes: dict[str, Row] = {**parsed.get("nodes", {}), **parsed.get("sources", {})}
        self._ids = {node["name"]: name for name, node in parsed.get("nodes", {}).items() if node["resource_type"] == "model"}

    def has(self, table: str) -> bool:
        return table in self._ids

    def file_of(self, table: str) -> str | None:
        """The model's file below the dbt project."""
        return str(self._nodes[self._ids[table]]["original_file_path"]) if self.has(table) else None

    def upstream(self, table: str) -> tuple[list[str], list[str], list[str], set[str]]:
        """Models, raw tables, seed files and the names of the parameters' signals that a table is made of, nearest first."""
        waiting, seen = [self._ids[table]] if self.has(table) else [], list[str]()
        while waiting:
            name = waiting.pop(0)
            if name not in seen and name in self._nodes:
                seen.append(name)
                waiting += self._nodes[name].get("depends_on", {}).get("nodes", [])
        nodes = [self._nodes[name] for name in seen]
        signals = {one for node in nodes for one in (node.get("config", {}).get("meta") or {}).get("signals") or []}
        models = [node["name"] for node in nodes if node["resource_type"] == "model" and node["name"] != table]
        raw_tables = [node["name"] for node in nodes if node["resource_type"] == "source"]
        seeds = [node["original_file_path"] for node in nodes if node["resource_type"] == "seed"]
        return models, raw_tables, seeds, signals


def _limits(manifest: Row, graph: _Graph, table: str) -> Iterator[str]:
    if not graph.is_known:
        yield "The data directory has no dbt manifest: the model and what it reads are unknown."
    elif not graph.has(table):
        yield f"{table} is written while publishing, from the release and those before it; it has no dbt model."
    elif graph.generated_at and datetime.fromisoformat(graph.generated_at) > datetime.fromisoformat(manifest["published_at"]):
        yield "dbt's manifest is newer than the release: the model may have changed since."


def _evidence(
    places: Places, manifest: Row, facts: Row, row: Row, raw_tables: Sequence[str]
) -> tuple[list[Observation], list[SourceDocument]]:
    from orchestration.warehouse.connection import Warehouse, WarehouseUnusable

    until = datetime.fromisoformat(manifest["known_at"] or manifest["clock"]).astimezone(UTC).replace(tzinfo=None)
    named = {value for name, value in row.items() if name.endswith("document_id") and value}
    try:
        with Warehouse(places.warehouse).connect(read_only=True) as connection:
            found = _line_of_document(connection, row) + [
                observation
                for table in raw_tables
                if table in _RAW
                for fund, day in _subjects(row, facts)
                for observation in _observations(connection, table, fund, day, until)
            ]
            found = list({(one.raw_table, one.subject, one.day): one for one in found}.values())
            wanted = list({one.document_id: None for one in found} | dict.fromkeys(named))
            return found, [_checked(document, places.landing) for document in _documents(connection, wanted)]
    except WarehouseUnusable as error:
        raise Refused(str(error)) from error


def _subjects(row: Row, facts: Row) -> list[tuple[str | None, date | None]]:
    """The funds that a row is about, each with its day; a fund of None means whatever the table holds."""
    keys = [name for name in facts["key"] if isinstance(row[name], date)]
    day_column = keys[0] if keys else facts["date_column"]
    day = row[day_column] if day_column else next((row[name] for name in ("end_session", "as_of") if row.get(name)), None)
    found: dict[str, date | None] = {}
    for column in _FUND_COLUMNS:
        value = row.get(column)
        if isinstance(value, str):
            own = row.get(f"as_of{column.removeprefix('fund')}") if column.startswith("fund_") else None
            found |= dict.fromkeys(value.replace(" - ", "/").replace(", ", "/").split("/"), own or day)
    return list(found.items()) or [(None, day)]


def _observations(
    connection: duckdb.DuckDBPyConnection, table: str, fund: str | None, day: date | None, until: datetime
) -> list[Observation]:
    subject, of_day, shown = _RAW[table]
    # Rates, factors, members' prices and capitalisations belong to no fund.
    wanted = None if table in {"rates", "factors", "member_bars", "market_caps"} else _symbol(fund)
    values = (
        "{" + ", ".join(f"'{name}': arg_max({name}, observed_at)" for name in shown) + "}" if shown else "{'lines': count(*)}"
    )
    query = f"""
        with usable as (
            select * from raw.{table}
            where ($1 is null or {subject} = $1) and ($2 is null or {of_day} <= $2) and observed_at <= $3
        ), newest as (
            select {subject}, max({of_day}) as {of_day}, count(*) as usable from usable group by {subject}
        ), last_known as (
            select usable.* from usable inner join newest using ({subject}, {of_day})
        ), current as (
            select * from last_known {"" if shown else f"qualify observed_at = max(observed_at) over (partition by {subject})"}
        )
        select current.{subject}, current.{of_day}, {values}, max(current.observed_at), max(newest.usable),
            arg_max(current.document_id, current.observed_at),
            (select count(distinct last_known.observed_at) from last_known where last_known.{subject} = current.{subject})
        from current inner join newest using ({subject}, {of_day})
        group by all order by 1 limit {_MOST_SUBJECTS}
    """
    return [
        Observation(
            raw_table=f"raw.{table}", subject=name, day=on, values=what, observed_at=at, versions=versions, usable=usable,
            document_id=document,
        )
        for name, on, what, at, usable, document, versions in connection.execute(query, [wanted, day, until]).fetchall()
    ]  # fmt: skip


def _line_of_document(connection: duckdb.DuckDBPyConnection, row: Row) -> list[Observation]:
    """The very line of the vendor's file, for a row that names it."""
    if not {"fund", "as_of", "line", "document_id"} <= row.keys():
        return []
    shown = ("name", "ticker", "market_value", "stated_weight", "quantity", "sector_label")
    query = (
        f"select observed_at, {', '.join(shown)} from raw.holdings"
        " where fund = $1 and as_of = $2 and line_no = $3 and document_id = $4"
    )
    return [
        Observation(
            raw_table="raw.holdings", subject=f"{row['fund']} line {row['line']}", day=row["as_of"],
            values=dict(zip(shown, values, strict=True)), observed_at=at, versions=1, usable=1, document_id=row["document_id"],
        )
        for at, *values in connection.execute(query, [row["fund"], row["as_of"], row["line"], row["document_id"]]).fetchall()
    ]  # fmt: skip


def _symbol(fund: str | None) -> str | None:
    """The symbol under which a vendor knows a fund."""
    if fund is None:
        return None
    from orchestration.universe import load_universe

    known = load_universe().get(fund)
    return known.price_symbol or fund if known else fund


def _documents(connection: duckdb.DuckDBPyConnection, wanted: Sequence[str]) -> list[Row]:
    names = ("document_id", "path", "sha256", "vendor", "retrieved_at", "status")
    query = f"select {', '.join(names)} from raw.documents where list_contains($1, document_id) order by path"
    return [dict(zip(names, row, strict=True)) for row in connection.execute(query, [list(wanted)]).fetchall()]


def _checked(document: Row, landing: Sequence[Path]) -> SourceDocument:
    file = next((path for folder in landing if (path := folder / document["path"]).is_file()), None)
    if file is None:
        check = "the file is not in landing: it cannot be checked"
    else:
        same = content_hash(file.read_bytes()) == document["sha256"]
        check = "the file has this hash" if same else "THE FILE HAS ANOTHER HASH: it was changed after it was read"
    return SourceDocument(**document, hash_check=check)

"""The published contract: the schema under its version, the documented queries, and the relations."""

import json
import re
from datetime import date
from typing import Any

import duckdb
import pytest

from orchestration.publish.contract import CONTRACT_VERSION, contract_of
from orchestration.settings import PROJECT_ROOT
from tests.pipeline.homes import Home, published

DOCS = PROJECT_ROOT / "docs"
QUERIES = re.findall(r"^## (\d+\. .*?)$.*?```sql\n(.*?)```", (DOCS / "QUERIES.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def manifest(sample_home: Home) -> dict[str, Any]:
    """The manifest of the sample's release."""
    found: dict[str, Any] = json.loads((sample_home.latest / "manifest.json").read_text())
    return found


def test_the_schema_changes_only_with_its_version(manifest: dict[str, Any]) -> None:
    """After an intended change: raise CONTRACT_VERSION, add an entry to CHANGELOG.md, and run `make contract`."""
    assert contract_of(manifest) == (DOCS / "contract.json").read_text()


def test_the_version_is_everywhere(manifest: dict[str, Any], sample_home: Home) -> None:
    with published(sample_home) as release:
        assert release.execute("select contract_version from release").fetchall() == [(CONTRACT_VERSION,)]
    assert manifest["contract_version"] == CONTRACT_VERSION
    newest = re.search(r"^## (\S+)$", (PROJECT_ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == CONTRACT_VERSION


def test_the_questions_are_numbered() -> None:
    assert [int(title.split(".")[0]) for title, _ in QUERIES] == list(range(1, 36))


@pytest.mark.parametrize(("title", "query"), QUERIES, ids=[title.split(".")[0] for title, _ in QUERIES])
def test_a_question_has_an_answer(sample_home: Home, title: str, query: str) -> None:
    with published(sample_home) as release:
        rows = release.execute(query).fetchall()
    assert rows, title
    assert any(value is not None for value in rows[0])


def query_of(number: int) -> str:
    """The SQL of a question."""
    return next(query for title, query in QUERIES if title.startswith(f"{number}. "))


def test_additions_and_removals_of_the_last_reconstitution_are_ranked_apart() -> None:
    """Additions come at the effective date, removals a snapshot later."""
    with duckdb.connect() as connection:
        connection.execute("create table security_master as select 'A1' as security_id, 'A' as name")
        connection.execute(
            "create table holdings_changes as select 'IWM' as fund, true as is_reconstitution, reconstitution, change,"
            " upper(change[1]) || number as security_id, date '2026-06-26' as previous_as_of,"
            " case change when 'added' then date '2026-06-30' else date '2026-07-31' end as as_of,"
            " case change when 'added' then number / 1e4 end as weight,"
            " case change when 'removed' then number / 1e4 end as weight_before"
            " from (values ('2025-06'), ('2026-06')) as e(reconstitution), (values ('added'), ('removed')) as c(change),"
            " range(1, 31) as r(number)"
        )
        found = connection.execute(query_of(8)).fetchall()
    assert [row[2] for row in found] == [f"{kind}{number}" for kind in "AR" for number in range(30, 20, -1)]
    assert {row[-1] for row in found} == {30}


def test_a_candidate_without_a_status_is_listed_beside_each_of_the_others() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create table reconstitution_candidates as select '2026-12' as event, 'preview' as stage, date '2026-09-30' as"
            " said_on, quality, status, status[1] || number as symbol, 'N' as name, 1 as size_rank, number / 1e2 as"
            " distance_to_border, 'why' as why, true as is_latest from (values ('fund weights'), ('total capitalisations'))"
            " as q(quality), (values ('stays'), ('leaves above'), (null)) as s(status), range(1, 60) as r(number)"
        )
        connection.execute("create table reconstitution_calendar as select '2026-12' as event, date '2026-12-11' as effective")
        found = connection.execute(query_of(30)).fetchall()
    kinds = [(quality, status) for quality in ("fund weights", "total capitalisations") for status in ("leaves above", None)]
    assert [row[4:6] for row in found] == [kind for kind in kinds for _ in range(10)]
    assert found[0][6] == "l59"
    assert found[0][1] == date(2026, 12, 11)


def test_every_relation_joins_many_to_one(sample_home: Home) -> None:
    def quoted(names: str) -> str:
        return ", ".join(f'"{name.strip()}"' for name in names.split(","))

    with published(sample_home) as release:
        relations = release.execute("select child, columns, parent, parent_columns, holds from relationships").fetchall()
        assert len(relations) > 50
        assert {holds for *_, holds in relations} == {"always", "optional"}
        for child, columns, parent, parent_columns, holds in relations:
            named = f"{child}.({columns}) -> {parent}.({parent_columns})"
            copies = f"select {quoted(parent_columns)} from {parent} group by all having count(*) > 1"
            assert count(release, copies) == 0, named
            given = " is not null and ".join(quoted(columns).split(", "))
            known = f"select {quoted(columns)} from {child} where {given} is not null"
            assert count(release, known) > 0, named
            missing = count(release, f"({known}) except (select {quoted(parent_columns)} from {parent})")
            assert holds == "optional" or missing == 0, named


def count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """Rows of a query."""
    return int(connection.execute(f"select count(*) from ({query})").fetchall()[0][0])

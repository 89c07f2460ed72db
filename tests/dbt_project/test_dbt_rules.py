"""The rules of dbt-project-evaluator, on dbt's manifest; every exception is listed here with its reason."""

import re
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from orchestration.settings import DBT_PROJECT_DIR
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.dbt_build import Dbt

Node = dict[str, Any]
MOST_JOINS = 7
MOST_READERS = 8
LONGEST_LINE = 140
LONG_MODEL = 80
PREFIXES = {"staging": "stg_", "intermediate": "int_"}

WITHOUT_KEY = {
    "stg_rejects": "a document may contain a rejected line twice: each occurrence is a row",
    "stg_member_observations": "ingesting adds a key once a document, and counting millions costs a second",
    "int_member_bars": "a view on stg_member_observations with one answer for each session; its unit test covers it",
    "int_data_findings": "a check may find a day more than once: data_quality counts the findings",
}
STAGING_ON_STAGING = {
    ("stg_price_bars", "stg_price_observations"): "it builds on the observations: one place decides which bars are final",
    ("stg_holdings", "stg_holdings_observations"): "it builds on the observations: the newest of each snapshot",
    ("stg_rejects", "stg_documents"): "a rejected line counts only while its document does",
}
WITHOUT_READER: dict[str, str] = {}
WITHOUT_PARENT = {"relationships": "it describes the project's own graph"}
MANY_READERS = {
    "stg_sessions": "the calendar that every count of sessions needs",
    "int_security_lines": "the one place that says which security a line stands for",
    "int_daily_returns": "the one place where a total return is computed",
    "regime_daily": "the label that phases, spells, levels, track records and corrections start from",
    "rate_regime_daily": "the label that phases, spells, track records and corrections start from",
}
MANY_JOINS = {
    "reading": "a union of statements, most of which join a table or two",
    "corrections": "the labels of three signals at the peak, and the trough, the end and the recovery of each fall",
    "market_events": "the closes at both ends of a stress, the fall within and the recovery after",
}


@pytest.fixture(scope="module")
def manifest(parsed_dbt: Dbt) -> dict[str, Any]:
    """The project as dbt parses it."""
    return parsed_dbt.manifest()


@pytest.fixture(scope="module")
def models(manifest: dict[str, Any]) -> dict[str, Node]:
    """Every model by its unique id."""
    return {uid: node for uid, node in manifest["nodes"].items() if node["resource_type"] == "model"}


def layer(node: Node) -> str:
    return str(node["schema"]) if node["resource_type"] == "model" else str(node["resource_type"])


def readers(manifest: dict[str, Any], uid: str) -> list[str]:
    return [child for child in manifest["child_map"][uid] if child.startswith("model.")]


def without_comments(node: Node) -> str:
    return re.sub(r"--[^\n]*|\{#.*?#\}", "", node["raw_code"], flags=re.DOTALL)


def test_every_model_and_seed_has_a_primary_key_test(manifest: dict[str, Any]) -> None:
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    tested = {node["attached_node"] for node in tests if (node.get("test_metadata") or {}).get("name") == "primary_key"}
    tables = {uid: node for uid, node in manifest["nodes"].items() if node["resource_type"] in ("model", "seed")}
    assert {tables[uid]["name"] for uid in tables.keys() - tested} == set(WITHOUT_KEY)


def test_everything_is_documented(manifest: dict[str, Any], models: dict[str, Node]) -> None:
    described = [*manifest["nodes"].values(), *manifest["sources"].values(), *manifest["macros"].values()]
    tables = [node for node in described if node["resource_type"] in ("model", "seed", "source")]
    assert [node["name"] for node in tables if not node["description"].strip()] == []
    marts = [node for node in models.values() if layer(node) == "marts"]
    columns = [(node["name"], name, column) for node in marts for name, column in node["columns"].items()]
    assert len(columns) > 300
    assert [(table, name) for table, name, column in columns if not column["description"].strip()] == []
    assert [node["name"] for node in marts if not node["columns"] or not node["config"]["contract"]["enforced"]] == []


def test_names_and_folders_match_the_layer(models: dict[str, Node]) -> None:
    for node in models.values():
        prefix = PREFIXES.get(layer(node))
        assert layer(node) in ("staging", "intermediate", "marts"), node["name"]
        assert node["name"].startswith(prefix or node["name"]), node["name"]
        if prefix is None:
            assert not node["name"].startswith(tuple(PREFIXES.values())), node["name"]
        file = DBT_PROJECT_DIR / node["original_file_path"]
        assert file.stem == node["name"]
        assert node["patch_path"] == f"small_cap_signal://{Path(node['original_file_path']).with_suffix('.yml').as_posix()}"
        assert len(node["fqn"]) == (3 if layer(node) == "staging" else 4), f"{node['name']} is in no folder of its layer"
        assert node["fqn"][1] == layer(node) or (node["fqn"][1], layer(node)) == ("marts", "intermediate"), node["name"]


def test_a_private_step_is_in_the_folder_of_its_mart(manifest: dict[str, Any], models: dict[str, Node]) -> None:
    """intermediate/ contains models that several marts share and that read no mart.

    A step in the folder of a mart is private, unless it reads a mart and another folder reads it.
    """
    for uid, node in models.items():
        if layer(node) != "intermediate":
            continue
        parents = [models[parent] for parent in node["depends_on"]["nodes"] if parent in models]
        reads_marts = any(layer(parent) == "marts" for parent in parents)
        folders = {tuple(models[reader]["fqn"][1:3]) for reader in readers(manifest, uid)}
        if node["fqn"][1] == "intermediate":
            assert not any(parent["fqn"][1] == "marts" for parent in parents), f"{node['name']} reads a mart or its step"
            assert len(marts_made_from(manifest, models, uid)) > 1, (
                f"only one mart uses {node['name']}: move it to the folder of that mart"
            )
        elif folders == {tuple(node["fqn"][1:3])}:
            assert node["config"]["access"] == "private", f"{node['name']} is read only in its own folder"
        else:
            assert reads_marts, f"{node['name']} reads no mart and is read from another folder: it belongs to intermediate/"


def marts_made_from(manifest: dict[str, Any], models: dict[str, Node], uid: str) -> set[str]:
    """The marts that depend on a step, directly or through other steps."""
    found: set[str] = set()
    for reader in readers(manifest, uid):
        found |= {reader} if layer(models[reader]) == "marts" else marts_made_from(manifest, models, reader)
    return found


_CALL = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*"
DECIMAL = r"(?<![\w.])(?:\d+\.\d*|\.\d+)(?![\de])"
NOT_PORTABLE = {
    r"\bvarchar\b": "write text(…) or dbt.type_string()",
    DECIMAL: "a decimal literal: write 1.0e0 or cast(… as double)",
    rf"\b(?:sum|avg|stddev_samp|median){_CALL}\border by\b": "the order is not kept on other engines",
    r"\bquantile_cont\b": "write percentile_cont(…) within group (order by …)",
    r"\b(?:regexp_\w+|string_split|string_agg|date_?diff|ignore nulls)\b": "use the macro in macros/cross_db",
    r"\b(?:lgamma|not materialized|recursive)\b": "not on other engines",
    r"(?i)\bround\(": "engines decide ties in different ways: write rounded(…) or number_text(…)",
}


def test_the_sql_is_portable() -> None:
    """SQL that differs between engines is a dispatched macro in macros/cross_db; all other SQL is portable."""
    files = [
        *DBT_PROJECT_DIR.glob("models/**/*.sql"),
        *DBT_PROJECT_DIR.glob("macros/*.sql"),
        *DBT_PROJECT_DIR.glob("tests/**/*.sql"),
    ]
    assert len(files) > 100
    found = []
    for file in files:
        text = file.read_text()
        in_sql = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", " ", text, flags=re.DOTALL)
        assert "\\" not in in_sql, f"{file.name}: a backslash is an escape on other engines: write a character class"
        for pattern in (r"\{#.*?#\}", r"--[^\n]*", r"\{%.*?%\}", r"\{\{.*?\}\}", r"'[^'\n]*'"):
            text = re.sub(pattern, " ", text, flags=re.DOTALL)
        found += [(file.name, match, why) for pattern, why in NOT_PORTABLE.items() for match in re.findall(pattern, text)]
        assert not re.search(r"dbt\.(?:datediff|listagg|split_part)", file.read_text()), file.name
    assert found == []


def test_a_relation_that_does_not_hold_is_a_warning(manifest: dict[str, Any], models: dict[str, Node]) -> None:
    """The mart `relationships` lists these tests, and what models declare as `relates_to`."""
    published = {uid: node for uid, node in models.items() if layer(node) == "marts"}
    tested, declared = set(), set()
    for node in manifest["nodes"].values():
        if (node.get("test_metadata") or {}).get("name") in ("relationships", "composite_relationships"):
            given = node["test_metadata"]["kwargs"]
            parent = next(uid for uid in node["depends_on"]["nodes"] if uid != node["attached_node"])
            columns, fields = given.get("columns") or [given["column_name"]], given.get("fields") or [given["field"]]
            tested.add((node["attached_node"], parent, tuple(columns), tuple(fields)))
            assert node["config"]["severity"].lower() == "warn", node["name"]
    by_name = {node["name"]: uid for uid, node in published.items()}
    for uid, node in published.items():
        for one in node["config"]["meta"].get("relates_to", []):
            declared.add((uid, by_name[one["to"]], tuple(one["columns"]), tuple(one["fields"])))
    assert not tested & declared
    for child, parent, columns, fields in tested | declared:
        assert len(columns) == len(fields)
        assert set(columns) <= published[child]["columns"].keys(), (child, columns)
        assert set(fields) <= published[parent]["columns"].keys(), (parent, fields)
    assert len(tested) > 40
    assert len(declared) > 10


def test_only_staging_reads_sources_and_each_in_one_place(manifest: dict[str, Any], models: dict[str, Node]) -> None:
    read = Counter(parent for node in models.values() for parent in node["depends_on"]["nodes"] if parent.startswith("source."))
    assert set(read) == set(manifest["sources"])
    assert [source for source, places in read.items() if places > 1] == []
    direct = {node["name"] for node in models.values() if any(p.startswith("source.") for p in node["depends_on"]["nodes"])}
    assert {name for name in direct if not name.startswith("stg_")} == set()


def test_staging_reads_only_sources(manifest: dict[str, Any], models: dict[str, Node]) -> None:
    others = {
        (node["name"], manifest["nodes"][parent]["name"])
        for node in models.values()
        if layer(node) == "staging"
        for parent in node["depends_on"]["nodes"]
        if not parent.startswith("source.")
    }
    assert others == set(STAGING_ON_STAGING)


def test_every_model_has_a_parent_and_no_model_or_seed_is_unused(manifest: dict[str, Any], models: dict[str, Node]) -> None:
    assert {node["name"] for node in models.values() if not node["depends_on"]["nodes"]} == set(WITHOUT_PARENT)
    asked = {uid: node for uid, node in manifest["nodes"].items() if node["resource_type"] == "seed"}
    asked |= {uid: node for uid, node in models.items() if layer(node) != "marts"}
    assert {node["name"] for uid, node in asked.items() if not readers(manifest, uid)} == set(WITHOUT_READER)


def test_a_model_joins_few_tables(models: dict[str, Node]) -> None:
    joins = {node["name"]: len(re.findall(r"\bjoin\b", without_comments(node))) for node in models.values()}
    assert {name for name, count in joins.items() if count > MOST_JOINS} == set(MANY_JOINS)


def test_few_models_have_many_readers(manifest: dict[str, Any], models: dict[str, Node]) -> None:
    crowded = {models[uid]["name"] for uid in models if len(readers(manifest, uid)) > MOST_READERS}
    assert crowded == set(MANY_READERS)


def test_no_reference_is_hard_coded(manifest: dict[str, Any], models: dict[str, Node]) -> None:
    """`from` and `join` are followed by a ref, a source, a macro or a CTE."""
    schemas = {node["schema"] for node in manifest["nodes"].values()} | {
        source["schema"] for source in manifest["sources"].values()
    }
    tables = {node["name"] for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")}
    for node in models.values():
        text = re.sub(r"\{\{.*?\}\}", "drawn", without_comments(node), flags=re.DOTALL)
        own = set(re.findall(r'"?(\w+)"? as (?:not materialized )?\(', text))
        for name in re.findall(r'(?<!distinct )\b(?:from|join)\s+([\w."]+)', text):
            schema, _, table = name.replace('"', "").rpartition(".")
            assert schema not in schemas, f"{node['name']} names {name} instead of a ref"
            assert schema or table in own or table not in tables, f"{node['name']} names {name} instead of a ref"


def test_sql_lines_are_not_too_long() -> None:
    files = [
        *DBT_PROJECT_DIR.glob("models/**/*.sql"),
        *DBT_PROJECT_DIR.glob("macros/**/*.sql"),
        *DBT_PROJECT_DIR.glob("tests/**/*.sql"),
    ]
    assert len(files) > 90
    lines = [(file.name, number, len(line)) for file in files for number, line in enumerate(file.read_text().splitlines(), 1)]
    assert [line for line in lines if line[2] > LONGEST_LINE] == []


def test_long_models_give_a_warning(models: dict[str, Node]) -> None:
    """A warning, not a failure: a model longer than a screen should be split."""
    lengths = {node["name"]: len(node["raw_code"].splitlines()) for node in models.values()}
    long = sorted(((count, name) for name, count in lengths.items() if count > LONG_MODEL), reverse=True)
    assert min(lengths.values()) > 0
    if long:
        listed = ", ".join(f"{name} {count}" for count, name in long)
        warnings.warn(f"models of more than {LONG_MODEL} lines: {listed}", stacklevel=1)

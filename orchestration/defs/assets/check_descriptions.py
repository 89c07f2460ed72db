"""What each dbt test requires, in one sentence, for the asset check that shows it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

Arguments = Mapping[str, Any]


def description_of(test: Mapping[str, Any]) -> str:
    """The sentence for a test node of dbt's manifest: its own description, or what its kind and arguments say.

    A test that is a query of its own has a sentence as its name.
    """
    if test.get("description"):
        return str(test["description"])
    kind = test.get("test_metadata") or {}
    say = _SENTENCES.get(kind.get("name", ""))
    sentence = say(kind["kwargs"]) if say else str(test["name"]).replace("_", " ")
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _primary_key(given: Arguments) -> str:
    columns = given["columns"]
    return f"no two rows have the same {_all(columns)}, and {columns[0] if len(columns) == 1 else 'each of them'} is never NULL"


def _between(given: Arguments) -> str:
    return "every value that is known is within its bounds: " + "; ".join(
        f"{column} {_range(*bounds)}" for column, bounds in given["bounds"].items()
    )


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return f"{low} or more"
    return f"{high} or less" if low is None else f"between {low} and {high}"


def _relationships(given: Arguments) -> str:
    return f"every {given['column_name']} is a {given['field']} in {_model(given['to'])}"


def _composite_relationships(given: Arguments) -> str:
    return f"every combination of {_all(given['columns'])} is a row of {_model(given['to'])} ({', '.join(given['fields'])})"


def _accepted_values(given: Arguments) -> str:
    return f"every {given['column_name']} is one of {', '.join(map(str, given['values']))}, or NULL"


def _model(reference: str) -> str:
    """The table in `ref('fund_comparison')`."""
    return re.sub(r"^ref\(['\"](\w+)['\"]\)$", r"\1", reference)


def _all(columns: list[str]) -> str:
    return " and ".join([", ".join(columns[:-1]), columns[-1]]) if len(columns) > 1 else columns[0]


_SENTENCES: dict[str, Callable[[Arguments], str]] = {
    "primary_key": _primary_key,
    "between": _between,
    "relationships": _relationships,
    "composite_relationships": _composite_relationships,
    "accepted_values": _accepted_values,
    "not_null": lambda given: f"no {given['column_name']} is NULL",
    "unique": lambda given: f"no two rows have the same {given['column_name']}",
}

"""The hash of the project's files, which tells whether a manifest was made from them."""

from pathlib import Path

from orchestration.rules import rules_of


def test_the_hash_is_of_names_and_contents(tmp_path: Path) -> None:
    one, other = tmp_path / "one.sql", tmp_path / "other.sql"
    one.write_text("select 1")
    other.write_text("select 2")
    rules = rules_of([one, other])
    assert rules_of([other, one]) == rules
    assert rules_of([one]) != rules
    other.write_text("select 3")
    assert rules_of([one, other]) != rules
    other.write_text("select 2")
    assert rules_of([one, other]) == rules
    assert rules_of([one, other.rename(tmp_path / "another.sql")]) != rules

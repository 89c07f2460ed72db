"""Content hashes of files."""

from pathlib import Path

from orchestration.files import hash_of_files


def test_the_hash_covers_paths_and_contents(tmp_path: Path) -> None:
    one, other = tmp_path / "one.sql", tmp_path / "other.sql"
    one.write_text("select 1")
    other.write_text("select 2")
    found = hash_of_files([one, other], tmp_path)
    assert hash_of_files([other, one], tmp_path) == found
    assert hash_of_files([one], tmp_path) != found
    other.write_text("select 3")
    assert hash_of_files([one, other], tmp_path) != found
    other.rename(tmp_path / "renamed.sql")
    assert hash_of_files([one, tmp_path / "renamed.sql"], tmp_path) != found

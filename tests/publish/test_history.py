"""The list of releases outlives their directories, and a release is found by id, beginning or date."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orchestration.publish.changes import NotComparable, side_of
from orchestration.publish.history import RELEASE_HISTORY, find_release, readable, release_history, releases_on_disk
from tests.publish.small_releases import tables, with_wednesday, write_release


def published(root: Path, release_id: str, *, keep: int = 2, **changes: Any) -> Path:
    """Write a release with the history that publishing would give it, and delete the oldest."""
    release = write_release(root, release_id, tables(), **changes)
    past = [side for side in readable(releases_on_disk(root)) if side.directory != release]
    release_history(past, side_of(release).manifest, keep=keep).write_parquet(release / "release_history.parquet")
    for old in releases_on_disk(root)[:-keep]:
        shutil.rmtree(old)
    (root / "latest").unlink(missing_ok=True)
    (root / "latest").symlink_to(Path("releases") / release_id)
    return release


def test_deleted_releases_stay_listed(tmp_path: Path) -> None:
    for release_id in ("1", "2", "3", "4"):
        published(tmp_path, release_id)
    assert [path.name for path in releases_on_disk(tmp_path)] == ["3", "4"]
    past = list(readable(releases_on_disk(tmp_path)))
    rows = release_history(past[:-1], past[-1].manifest, keep=2)
    assert set(rows.columns) == set(RELEASE_HISTORY.columns)
    assert dict(rows.select("release_id", "is_kept").iter_rows()) == {"1": False, "2": False, "3": True, "4": True}
    assert rows["parameters_id"].n_unique() == 1
    assert set(rows["observations"]) == {"o1"}


def test_parameters_have_an_id(tmp_path: Path) -> None:
    published(tmp_path, "1")
    release = published(tmp_path, "2", parameters={"regime.threshold": {"value": 0.02}})
    rows = release_history(list(readable(releases_on_disk(tmp_path)))[:-1], side_of(release).manifest, keep=2)
    assert rows["parameters_id"].n_unique() == 2


def test_a_damaged_release_does_not_stop_the_list(tmp_path: Path) -> None:
    for release_id in ("1", "2", "3"):
        published(tmp_path, release_id, keep=5)
    (tmp_path / "releases" / "3" / "release_history.parquet").write_bytes(b"broken")
    (tmp_path / "releases" / "2" / "manifest.json").write_text("{")
    release = write_release(tmp_path, "4", tables())
    past = [side for side in readable(releases_on_disk(tmp_path)) if side.directory != release]
    # Release 2 cannot be read any more, but the history of release 1 and 3 say what they knew.
    assert release_history(past, side_of(release).manifest, keep=5)["release_id"].to_list() == ["1", "3", "4"]


def test_a_release_is_found_by_name_and_by_date(tmp_path: Path) -> None:
    published(tmp_path, "20260811T1", keep=3)
    published(tmp_path, "20260811T2", keep=3)
    newest = write_release(tmp_path, "20260812T1", with_wednesday(tables()))
    (tmp_path / "latest").unlink()
    (tmp_path / "latest").symlink_to(newest)
    found = {name: find_release(tmp_path, name).name for name in ("latest", "20260811T2", "20260812", "2026-08-11", "2027-01-01")}
    assert found == {
        "latest": "20260812T1", "20260811T2": "20260811T2", "20260812": "20260812T1", "2026-08-11": "20260811T2",
        "2027-01-01": "20260812T1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("1", "The release 1 is no longer on disk: only the newest releases are kept"),
        ("9", "There is no release '9'. Releases on disk: 3, 4."),
        ("", "There is no release ''."),
        ("2020-01-01", "No release on disk has its last session on 2020-01-01 or before."),
    ],
)
def test_what_is_not_there_is_said(tmp_path: Path, name: str, words: str) -> None:
    for release_id in ("1", "2", "3", "4"):
        published(tmp_path, release_id)
    with pytest.raises(NotComparable) as refused:
        find_release(tmp_path, name)
    assert str(refused.value).startswith(words)


def test_an_ambiguous_beginning_is_refused(tmp_path: Path) -> None:
    published(tmp_path, "20260811T1")
    published(tmp_path, "20260811T2")
    with pytest.raises(NotComparable, match="2 releases begin with"):
        find_release(tmp_path, "20260811")


def test_a_manifest_of_an_earlier_version_is_listed(tmp_path: Path) -> None:
    release = published(tmp_path, "1")
    manifest = json.loads((release / "manifest.json").read_text())
    for name in ("made_of", "parameters", "git_revision"):
        del manifest[name]
    (release / "manifest.json").write_text(json.dumps(manifest))
    [row] = release_history([], side_of(release).manifest, keep=2).to_dicts()
    assert (row["code"], row["git_revision"], row["last_session"]) == (None, None, date(2026, 8, 11))

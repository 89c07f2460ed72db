"""The releases made so far: the table `release_history`, carried over from release to release, and finding one by its name."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from orchestration.files import content_hash
from orchestration.publish.changes import NotComparable, Side, side_of
from orchestration.publish.made import Column, MadeTable, schema_of

RELEASES = "releases"
_IF_NOT_ONE = "several if tables differ, unknown or NULL if not recorded"
RELEASE_HISTORY = MadeTable(
    "release_history",
    "One row per release of this data directory up to this one, those no longer on disk included: what it was made of.",
    ("release_id",),
    {
        "release_id": Column("varchar", "Release id: the time of publication (UTC) as sortable text."),
        "published_at": Column("timestamp", "Time of publication (UTC)."),
        "source": Column("varchar", "sample, live or landing."),
        "last_session": Column("date", "Last session with a final bar; NULL without prices.", True),
        "known_at": Column("timestamp", "The release is as known at this time (UTC); NULL: everything known.", True),
        "contract_version": Column("varchar", "Version of the published schema."),
        "code": Column("varchar", f"Hash of the code, seeds and libraries that built the tables; {_IF_NOT_ONE}.", True),
        "parameters_id": Column("varchar", "Hash of all parameters and their values."),
        "observations": Column("varchar", f"Hash of observations and documents at their build; {_IF_NOT_ONE}.", True),
        "git_revision": Column("varchar", "Git revision of the code; NULL outside a checkout.", True),
        "is_kept": Column("boolean", "Whether its directory was still on disk when this release was made."),
    },
)  # fmt: skip


LATEST = "latest"


def releases_on_disk(published_dir: Path) -> list[Path]:
    """The directories of complete releases, oldest first."""
    return sorted(
        path
        for path in (published_dir / RELEASES).glob("*")
        if not path.name.startswith(".") and (path / "manifest.json").exists()
    )


def readable(releases: list[Path]) -> Iterator[Side]:
    """Those whose manifest can be read."""
    for release in releases:
        try:
            yield side_of(release)
        except NotComparable:
            continue


def release_history(past: list[Side], manifest: Mapping[str, Any], *, keep: int) -> pl.DataFrame:
    """One row per release: those on disk from their manifests, earlier ones from the newest history that can be read, and this.

    Args:
        past: the releases on disk, oldest first.
        manifest: of the release that is being made.
        keep: number of releases that stay on disk.
    """
    kept = {side.manifest["release_id"] for side in past[len(past) - keep + 1 :]} | {manifest["release_id"]}
    rows = {row["release_id"]: row for row in [*_carried_over(past), *(_row(one.manifest) for one in past), _row(manifest)]}
    frame = pl.DataFrame(list(rows.values()), schema=schema_of(RELEASE_HISTORY))
    return frame.with_columns(pl.col("release_id").is_in(kept).alias("is_kept")).sort("release_id")


def _carried_over(past: list[Side]) -> list[dict[str, Any]]:
    """The rows of the newest release whose history can be read."""
    for side in reversed(past):
        try:
            frame = pl.read_parquet(side.directory / f"{RELEASE_HISTORY.name}.parquet", glob=False)
        except (OSError, pl.exceptions.PolarsError):
            continue
        if set(frame.columns) == set(RELEASE_HISTORY.columns):
            return frame.to_dicts()
    return []


def _row(manifest: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {name: one["value"] for name, one in manifest.get("parameters", {}).items()}
    made_of = manifest.get("made_of", {})
    last = manifest["last_session"]
    return {
        "release_id": manifest["release_id"], "published_at": _utc(manifest["published_at"]), "source": manifest["source"],
        "last_session": date.fromisoformat(last) if last else None,
        "known_at": _utc(manifest["known_at"]) if manifest.get("known_at") else None,
        "contract_version": manifest["contract_version"], "code": made_of.get("code"),
        "parameters_id": content_hash(json.dumps(parameters, sort_keys=True).encode())[:12],
        "observations": made_of.get("observations"), "git_revision": manifest.get("git_revision"), "is_kept": True,
    }  # fmt: skip


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def find_release(published_dir: Path, name: str) -> Path:
    """The directory of a release.

    Args:
        name: `latest`, a release id or its beginning, or a date: the newest release whose last session is not after it.

    Raises:
        NotComparable: there is none on disk; the message says whether it was deleted or never existed.
    """
    on_disk = releases_on_disk(published_dir)
    if name == LATEST and (published_dir / LATEST).exists():
        return (published_dir / LATEST).resolve()
    found = [path for path in on_disk if path.name.startswith(name)] if name else []
    if len(found) == 1:
        return found[0]
    known = f"Releases on disk: {', '.join(path.name for path in on_disk) or 'none'}."
    if len(found) > 1:
        raise NotComparable(f"{len(found)} releases begin with {name!r}: use a full release id. {known}")
    try:
        day = date.fromisoformat(name)
    except ValueError:
        pruned = [row for row in _carried_over(list(readable(on_disk))) if str(row["release_id"]).startswith(name)]
        if name and pruned:
            raise NotComparable(
                f"The release {pruned[-1]['release_id']} is no longer on disk: only the newest releases are kept"
                f" (SMALLCAP_KEEP_RELEASES); release_history lists it. {known}"
            ) from None
        raise NotComparable(f"There is no release {name!r}. {known}") from None
    sides = [side for side in readable(on_disk) if side.last_session and side.last_session <= day.isoformat()]
    if not sides:
        raise NotComparable(f"No release on disk has its last session on {day} or before. {known}")
    return sides[-1].directory

"""Releases on disk as the reading commands see them: which one, its manifest, its tables."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.cli.console import Refused
from orchestration.publish.contract import CONTRACT_VERSION

LATEST = "latest"
PREVIOUS = "previous"
Row = dict[str, Any]


@dataclass(frozen=True)
class Tables:
    """Read-only queries of our own on one release. They name columns of this version's contract."""

    connection: duckdb.DuckDBPyConnection
    manifest: dict[str, Any]

    def rows(self, query: str, *parameters: object) -> list[Row]:
        """The result as dictionaries.

        Raises:
            Refused: the release lacks a table or column, because another version made it.
        """
        try:
            answer = self.connection.execute(query, list(parameters))
        except (duckdb.BinderException, duckdb.CatalogException) as error:
            raise Refused(_made_elsewhere(self.manifest, "its tables differ from those of this version")) from error
        names = [column[0] for column in answer.description or []]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def latest(published: Path, run: str = "smallcap run") -> Path:
    """The directory of the current release.

    Args:
        run: the command that makes one, for the message that there is none.

    Raises:
        Refused: there is none yet.
    """
    link = published / LATEST
    if not (link / "warehouse.duckdb").exists():
        raise Refused(f"No release in {published.parent} yet: run `{run}` first.")
    return link.resolve()


def kept(published: Path) -> list[Path]:
    """The directories of all releases on disk, oldest first."""
    folder = published / "releases"
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []


def named(published: Path, name: str, run: str = "smallcap run") -> Path:
    """The directory of a release: `latest`, `previous`, an id, or the beginning of one id.

    Args:
        run: see `latest`.

    Raises:
        Refused: it is not on disk, or the name fits several.
    """
    current = latest(published, run)
    if name == LATEST:
        return current
    releases = kept(published)
    if name == PREVIOUS:
        earlier = [path for path in releases if path.name < current.name]
        if not earlier:
            raise Refused(f"There is no release before {current.name} on disk.")
        return earlier[-1]
    found = [path for path in releases if path.name.startswith(name)] if name else []
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused(f"{len(found)} releases begin with {name!r}: use the full id, for example {found[-1].name}.")
    on_disk = f"On disk: {', '.join(path.name for path in releases)}."
    if published_before(current, name):
        raise Refused(f"Release {name} was published and has been deleted since (SMALLCAP_KEEP_RELEASES). {on_disk}")
    raise Refused(f"There is no release {name!r}. {on_disk}")


def published_before(release: Path, name: str) -> bool:
    """Whether the history in a release lists another one of this id."""
    with opened(release) as connection:
        try:
            return bool(connection.execute("select 1 from release_history where release_id = ?", [name]).fetchall())
        except duckdb.CatalogException:  # made before there was a history
            return False


def manifest_of(release: Path) -> dict[str, Any]:
    """The manifest of a release."""
    try:
        manifest: dict[str, Any] = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(f"{release / 'manifest.json'} cannot be read: publish a new release with `smallcap run`.") from error
    return manifest


@contextmanager
def opened(release: Path, limits: dict[str, Any] | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """The serving copy of a release; a query can neither change it nor read other files.

    Args:
        limits: settings of DuckDB, such as a limit of memory.

    Raises:
        Refused: it cannot be opened.
    """
    try:
        connection = duckdb.connect(
            str(release / "warehouse.duckdb"), read_only=True, config={"enable_external_access": False, **(limits or {})}
        )
    except duckdb.Error as error:
        raise Refused(f"{release / 'warehouse.duckdb'} cannot be opened: publish a new release with `smallcap run`.") from error
    with connection:
        yield connection


@contextmanager
def tables_of(release: Path) -> Iterator[Tables]:
    """The tables of a release that this version of the contract made.

    Raises:
        Refused: another version made it, or it cannot be opened.
    """
    manifest = manifest_of(release)
    if found := made_by_another_version(manifest):
        raise Refused(found)
    with opened(release) as connection:
        yield Tables(connection, manifest)


def made_by_another_version(manifest: dict[str, Any]) -> str | None:
    """One sentence if another version of the contract made this release, else None."""
    version = manifest.get("contract_version")
    if version == CONTRACT_VERSION:
        return None
    return _made_elsewhere(manifest, f"contract {version}; this is {CONTRACT_VERSION}")


def _made_elsewhere(manifest: dict[str, Any], why: str) -> str:
    return (
        f"Release {manifest.get('release_id')} was made by another version of this program ({why}): `smallcap run` makes a"
        " new one."
    )

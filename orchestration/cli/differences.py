"""What is different between two releases, or two sessions of one, in sentences."""

from datetime import date
from pathlib import Path

import duckdb

from orchestration.cli.console import Refused
from orchestration.cli.releases import Row, manifest_of


def between(before: Path, after: Path) -> list[Row]:
    """The changes from one release to another, as `reading_changes` has them.

    Raises:
        Refused: the two cannot be compared.
    """
    from orchestration.publish.changes import NotComparable, changes

    try:
        found: list[Row] = changes(before, after).to_dicts()
    except NotComparable as error:
        raise Refused(str(error)) from error
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        versions = " and ".join(str(manifest_of(one).get("contract_version")) for one in (before, after))
        raise Refused(
            f"{before.name} and {after.name} cannot be compared: other versions of this program made them (contracts"
            f" {versions}). `smallcap run` makes a new release."
        ) from error
    return found


def since(release: Path, day: date) -> list[Row]:
    """What changed within a release after a session: flips, events, members and figures, as `reading_changes` has them.

    Raises:
        Refused: the release is damaged.
    """
    from orchestration.publish.changes import NotComparable, side_of, since_session

    try:
        return since_session(side_of(release), day)
    except (NotComparable, duckdb.Error) as error:
        raise Refused(f"Release {release.name} cannot be read: publish a new release with `smallcap run`.") from error

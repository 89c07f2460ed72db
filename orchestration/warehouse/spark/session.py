"""The Spark session of a build: one per process, on this machine unless the settings name another master.

Spark is optional: the extra `spark`, installed by `make spark` or as `small_cap_signal-….whl[spark]`. It needs Java 17 or 21.
"""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.warehouse.spark.java import SparkUnusable, find_java, set_java_home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOGGING = "log4j2.properties"
_REMOTE = "spark.remote"
# Settings of SQL that only the process of the server takes.
_STATIC = ("spark.sql.warehouse.dir", "spark.sql.catalogImplementation")


def spark_settings(lake: Path, memory: str | None = None) -> dict[str, str]:
    """Spark's settings for a build in a lake directory.

    Everything that Spark writes is below the lake. Nothing listens beyond this machine. The catalog is in memory: the lake's
    directories say which tables there are.
    """
    scratch = lake / "scratch"
    return {
        "spark.app.name": "small-cap-signal",
        "spark.master": "local[2]",
        # Java's sizes end in one letter: 1GB is 1g.
        "spark.driver.memory": memory.rstrip("iB").lower() if memory else "4g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(lake / "warehouse"),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.driver.extraJavaOptions": (
            f'-Djava.io.tmpdir="{scratch}" -Duser.timezone=UTC -Dlog4j2.configurationFile="{scratch / _LOGGING}"'
        ),
        "spark.sql.session.timeZone": "UTC",
        # Times have no zone, as in DuckDB.
        "spark.sql.timestampType": "TIMESTAMP_NTZ",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.ansi.doubleQuotedIdentifiers": "true",
        # A table that is built again replaces the files of the last one.
        "spark.sql.legacy.allowNonEmptyLocationInCTAS": "true",
        "spark.sql.shuffle.partitions": "2",
        # Long windows: three times faster.
        "spark.sql.window.segmentTree.enabled": "true",
    }


def check_spark() -> None:
    """Check that Spark and its Java are there.

    Raises:
        SparkUnusable: one is missing, or Java has another version than 17 or 21.
    """
    missing = [name for name in ("pyspark", "dbt.adapters.spark", "pyarrow") if find_spec(name) is None]
    if missing:
        raise SparkUnusable(
            f"SMALLCAP_ENGINE=spark needs {missing[0]}, which the extra spark installs: make spark in a checkout,"
            " pip install 'small_cap_signal-….whl[spark]' with a wheel."
        )
    find_java()


@contextmanager
def spark_session(settings: Mapping[str, str]) -> Iterator["SparkSession"]:
    """A session, stopped at the end; one that runs in this process already (of spark-submit) is used and left running.

    Raises:
        SparkUnusable: the session does not start.
    """
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is None:
        scratch = Path(settings["spark.local.dir"])
        scratch.mkdir(parents=True, exist_ok=True)
        _silence(scratch / _LOGGING)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        set_java_home(scratch)
    if _REMOTE in settings:
        os.environ["SPARK_REMOTE"] = settings[_REMOTE]  # dbt-spark asks for a session of its own, which must be this one
    builder = SparkSession.builder
    for name, value in _not_given_elsewhere(settings).items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:  # the JVM's reasons have no common class
        if "BindException" in str(error):
            raise SparkUnusable(
                f"Spark did not start: a port that it was told to use is taken ({_first_line_with('BindException', error)})."
                " Without settings of ports, Spark takes free ones."
            ) from error
        raise SparkUnusable(f"Spark did not start: {_one_line(error)}") from error
    try:
        yield session
    finally:
        if running is None:
            with suppress(Exception):  # the JVM may have ended
                session.stop()


def _not_given_elsewhere(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings without those that spark-submit was given; of those of a Spark Connect server's process, none."""
    if _REMOTE in settings:
        return {
            name: value
            for name, value in settings.items()
            if name == _REMOTE or (name.startswith("spark.sql.") and name not in _STATIC)
        }
    given: set[str] = set()
    if "PYSPARK_GATEWAY_PORT" in os.environ:  # spark-submit started the JVM
        from pyspark import SparkConf, SparkContext

        SparkContext._ensure_initialized()  # connects to the JVM, whose settings SparkConf then has
        given = {name for name, _ in SparkConf().getAll()}
    return {name: value for name, value in settings.items() if name not in given}


def check_session() -> None:
    """Check that the session still answers.

    Raises:
        SparkUnusable: it has ended.
    """
    from pyspark.sql import SparkSession

    try:
        SparkSession.active().sql("select 1").collect()
    except Exception as error:  # a lost connection to the JVM has many classes
        raise SparkUnusable(
            f"Spark ended during the build, for example for lack of memory ({_one_line(error, 100)}): run again. The previous"
            " release remains current."
        ) from error


def _silence(log4j: Path) -> None:
    """Leave errors to dbt, which reports each with its model: Spark would print every one again, with a stack trace."""
    log4j.write_text(
        "rootLogger.level = fatal\n"
        "rootLogger.appenderRef.stderr.ref = stderr\n"
        "appender.stderr.type = Console\nappender.stderr.name = stderr\nappender.stderr.target = SYSTEM_ERR\n"
        "appender.stderr.layout.type = PatternLayout\nappender.stderr.layout.pattern = %m%n\n"
    )
    logging.getLogger("SQLQueryContextLogger").disabled = True
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
    # dbt-spark asks each time for Hive, which a Spark Connect server cannot change.
    warnings.filterwarnings("ignore", message="Failed to set spark.sql.catalogImplementation", category=UserWarning)


def _first_line_with(word: str, error: object) -> str:
    """The first line with a word, from this word up to the first sentence's end."""
    line = next(line for line in str(error).splitlines() if word in line)
    return line[line.index(word) :].split("!")[0]


def _one_line(error: object, longest: int = 300) -> str:
    return " ".join(str(error).split())[:longest]

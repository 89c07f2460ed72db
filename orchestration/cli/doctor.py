"""Checks of an installation and its data: versions, paths, vendor availability, freshness, data warnings."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from urllib.parse import urlsplit

from orchestration.cli.options import run_command
from orchestration.landing.documents import newest_document, stray_files
from orchestration.raw.decisions import DecisionsDamaged, read_decisions
from orchestration.raw.review import decisions_without_document
from orchestration.report.manifest import failed_fetches, quarantine_sentences, withheld_sentences
from orchestration.settings import EngineName, Settings, Source
from orchestration.universe import load_universe
from orchestration.vendors.registry import ADDRESSES, address

_PACKAGES = ("dagster", "dagster-dbt", "dbt-core", "dbt-duckdb", "duckdb", "polars", "yfinance", "exchange-calendars")
STALE_PRICES_DAYS = 5


@dataclass(frozen=True)
class Finding:
    """One line of the output."""

    ok: bool
    subject: str
    detail: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding, cheap ones first. Requests each vendor's address only with source live."""
    yield Finding(True, "python", sys.version.split()[0])
    yield Finding(True, "packages", ", ".join(f"{name} {version(name)}" for name in _PACKAGES))
    if settings.engine is EngineName.spark:
        yield _spark()
    yield from _paths(settings)
    yield from _decisions(settings)
    if settings.source is Source.live:
        yield from _vendors(settings)
    yield from _release(settings)


def _spark() -> Finding:
    """Whether dbt's models can run on Spark here."""
    from orchestration.warehouse.spark.java import SparkUnusable, find_java
    from orchestration.warehouse.spark.session import check_spark

    try:
        check_spark()
        return Finding(True, "spark", f"pyspark {version('pyspark')}, dbt-spark {version('dbt-spark')}, {find_java()}")
    except SparkUnusable as error:
        return Finding(False, "spark", str(error))


def _paths(settings: Settings) -> Iterator[Finding]:
    home = settings.home
    writable = os.access(home if home.exists() else home.parent, os.W_OK)
    yield Finding(writable, "data directory", f"{home}" + ("" if writable else ": not writable"))
    if settings.rebuild_dir.exists():
        advice = "is running, or ended before its warehouse replaced the current one: then run `smallcap rebuild` again"
        yield Finding(False, "rebuild", f"a rebuild {advice}")
    for folder in settings.landing_dirs:
        yield Finding(True, "landing", str(folder))
    if settings.landing_dir is not None and not settings.landing_dir.is_dir():
        yield Finding(False, "landing", f"{settings.landing_dir}: folder not found")
    for stray in stray_files(settings.landing_dirs):
        yield Finding(False, "stray file", f"{stray}: not read. Move it to vendor/kind/symbol/file.")


def _decisions(settings: Settings) -> Iterator[Finding]:
    try:
        decisions = read_decisions(settings.decisions_path)
    except DecisionsDamaged as error:
        yield Finding(False, "decisions", str(error))
        return
    for decision in decisions_without_document(decisions, settings.landing_dirs):
        yield Finding(False, "decision", f"{decision.choice.value} {decision.path}: landing has no such document")


def _vendors(settings: Settings) -> Iterator[Finding]:
    from curl_cffi import requests

    for name in ADDRESSES:
        url = address(name, settings.vendor_urls)
        host = urlsplit(url).netloc
        try:
            status = requests.get(url, timeout=min(10.0, settings.fetch_timeout_seconds), impersonate="chrome").status_code
            yield Finding(status < 500, name, f"{host} answers {status}")
        except requests.exceptions.RequestException as error:
            yield Finding(False, name, f"{host} does not answer: {str(error).splitlines()[0][:120]}")


def _release(settings: Settings) -> Iterator[Finding]:
    manifest_path = settings.published_dir / "latest" / "manifest.json"
    if not manifest_path.exists():
        yield Finding(False, "release", f"no release yet: run `{run_command(settings)}`")
        return
    manifest = json.loads(manifest_path.read_text())
    yield Finding(True, "release", f"{manifest['release_id']}, {len(manifest['tables'])} tables, source {manifest['source']}")
    for sentence in withheld_sentences(manifest):
        yield Finding(False, "withheld", sentence)
    for sentence in quarantine_sentences(manifest):
        yield Finding(False, "quarantine", sentence)
    for fetch in failed_fetches(manifest):
        yield Finding(False, "failed fetch", fetch)
    last_session = manifest["last_session"]
    if last_session is None:
        yield Finding(False, "prices", "none")
    else:
        age = (settings.today - date.fromisoformat(last_session)).days
        yield Finding(age <= STALE_PRICES_DAYS, "prices", f"last session {last_session}, {_ago(age)}")
    universe = load_universe()
    for fund, as_of in manifest["holdings_as_of"].items():
        age = (settings.today - date.fromisoformat(as_of)).days
        if fund not in universe:
            yield Finding(False, f"holdings {fund}", "the fund is not in seeds/funds.csv: `smallcap rebuild` drops its rows")
        else:
            yield Finding(age <= universe[fund].stale_after_days, f"holdings {fund}", f"as of {as_of}, {_ago(age)}")
    for fund in (f for f in universe.values() if f.holdings_vendor and f.fund not in manifest["holdings_as_of"]):
        newest = newest_document(settings.landing_dirs, vendor=str(fund.holdings_vendor), kind="holdings", symbol=fund.fund)
        why = f"{newest.key} was rejected: see raw.documents" if newest else "landing has no document"
        yield Finding(False, f"holdings {fund.fund}", f"none: {why}")


def _ago(days: int) -> str:
    return f"{days} day{'' if days == 1 else 's'} ago"

"""Asset checks beyond dbt's tests: received documents, freshness, and missing data.

Keys, ranges and identities are dbt tests, which Dagster shows as checks of the same assets.
"""

import json
from datetime import date

import dagster as dg

from orchestration.defs.assets.published import GROUP as PUBLISHED
from orchestration.defs.assets.raw import raw_key
from orchestration.publish.history import LATEST
from orchestration.raw import queries
from orchestration.report.manifest import withheld_sentences
from orchestration.settings import Settings
from orchestration.universe import load_universe
from orchestration.warehouse.catalog import withheld as withheld_reasons
from orchestration.warehouse.connection import Warehouse

_WARN, _ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
LEAST_COVERAGE = 0.99
NO_TABLE_IS_WITHHELD = "no_table_is_withheld"


@dg.asset_check(
    asset=raw_key("documents"),
    blocking=True,
    description="At least one document with prices, holdings, fund data or rates was accepted.",
)
def something_is_known(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Stops the run if nothing could be published."""
    rows = {table: queries.extent(warehouse, table)[0] for table in ("price_bars", "holdings", "fund_facts", "rates")}
    text = ", ".join(f"{count} rows in raw.{table}" for table, count in rows.items() if count)
    no_data = "no document with prices, holdings, fund data or rates was accepted: see raw.documents for the reasons"
    return dg.AssetCheckResult(passed=bool(text), severity=_ERROR, description=text or no_data)


@dg.asset_check(asset=raw_key("price_bars"), description="At least one price bar is known.")
def price_bars_are_there(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Without bars, tables that need prices are withheld and the others are published."""
    rows, newest = queries.extent(warehouse, "price_bars")
    text = f"{rows} bars to {newest}" if rows else "no document with prices was accepted: see raw.documents and raw.fetches"
    return dg.AssetCheckResult(passed=rows > 0, severity=_ERROR, description=text)


@dg.asset_check(asset=raw_key("fetches"), description="No request to a vendor failed.")
def fetches_are_answered(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Names each document whose last request failed, with the reason."""
    failed = queries.failed_fetches(warehouse)
    text = "; ".join(f"{fetch.vendor} {fetch.kind} {fetch.symbol}: {fetch.reason}" for fetch in failed)
    return dg.AssetCheckResult(passed=not failed, severity=_WARN, description=text or "no request failed")


@dg.asset_check(
    asset=dg.AssetKey([PUBLISHED, "manifest"]), name=NO_TABLE_IS_WITHHELD, description="The release withholds no table."
)
def no_table_is_withheld(settings: dg.ResourceParam[Settings]) -> dg.AssetCheckResult:
    """Names the withheld tables of the release with the reasons."""
    manifest = json.loads((settings.published_dir / LATEST / "manifest.json").read_text(encoding="utf-8"))
    sentences = withheld_sentences(manifest)
    return dg.AssetCheckResult(
        passed=not sentences, severity=_ERROR, description=" ".join(sentences) or "all tables are published"
    )


@dg.asset_check(asset=raw_key("price_bars"), description="Every followed symbol has a bar of the last final session.")
def price_bars_are_fresh(settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Measured against the XNYS calendar and the run's clock."""
    expected = queries.last_final_session(warehouse, settings.clock)
    stale = [f"{symbol} ends on {last}" for symbol, last in queries.newest_bars(warehouse) if expected and last < expected]
    text = f"{', '.join(stale)}; the last final session is {expected}" if stale else f"all symbols have the bar of {expected}"
    return dg.AssetCheckResult(passed=not stale, severity=_WARN, description=text)


@dg.asset_check(asset=raw_key("holdings"), description="No fund's newest snapshot is older than the fund's limit.")
def holdings_are_fresh(settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """The limit is `stale_after_days` in seeds/funds.csv: 35 days, or 50 for issuers that publish half a month late."""
    ages = {fund: (settings.today - as_of).days for fund, as_of in queries.newest_snapshots(warehouse)}
    universe = load_universe()
    stale = {fund: age for fund, age in ages.items() if fund in universe and age > universe[fund].stale_after_days}
    text = ", ".join(f"{fund} is {age} days old" for fund, age in (stale or ages).items()) or "no snapshot was accepted"
    return dg.AssetCheckResult(passed=bool(ages) and not stale, severity=_WARN, description=text)


@dg.asset_check(asset=raw_key("documents"), description="No document was rejected.")
def documents_are_accepted(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Names each rejected document with its reason."""
    rejected = queries.rejected_documents(warehouse)
    text = "; ".join(f"{path}: {reason}" for path, reason in rejected) or "all documents were accepted"
    return dg.AssetCheckResult(passed=not rejected, severity=_WARN, description=text)


@dg.asset_check(asset=raw_key("documents"), description="No document is in quarantine, whole or in part.")
def nothing_is_in_quarantine(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Names each document with the first rule that it breaks; `smallcap accept` and `smallcap reject` decide."""
    found = queries.quarantined_documents(warehouse)
    text = "; ".join(
        f"{document.path} ({_scope(document.rows)}): {document.rules[0]}: {document.reasons[0]}" for document in found
    )
    return dg.AssetCheckResult(passed=not found, severity=_WARN, description=text or "the quarantine is empty")


def _scope(rows: int | None) -> str:
    return "whole document" if rows is None else _rows(rows)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


@dg.asset_check(asset=raw_key("rejects"), description="No row of an accepted document was rejected.")
def rows_are_accepted(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Counts the rejected rows by reason."""
    reasons = queries.reject_reasons(warehouse)
    text = "; ".join(f"{_rows(count)}: {reason}" for reason, count in reasons) or "no row was rejected"
    return dg.AssetCheckResult(passed=not reasons, severity=_WARN, description=text)


@dg.asset_check(
    asset=dg.AssetKey(["intermediate", "int_missing_sessions"]), description="No fund lacks a session between its first and last."
)
def no_session_is_missing(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Names the missing sessions by the XNYS calendar; they are never filled."""
    gaps: list[tuple[str, date]] = _missing_sessions(warehouse)
    text = (
        f"{len(gaps)} missing: " + ", ".join(f"{fund} {session}" for fund, session in gaps[:20])
        if gaps
        else "no session is missing"
    )
    return dg.AssetCheckResult(passed=not gaps, severity=_WARN, description=text)


@dg.asset_check(
    asset=dg.AssetKey(["intermediate", "int_price_restatements"]),
    description="Every restatement of a settled bar is explained by a dividend or a split.",
)
def restatements_are_explained(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Names unexplained restatements. Both values are kept; the newest is used."""
    changed = _unexplained_restatements(warehouse)
    named = ", ".join(
        f"{symbol} {session} {field} from {_figure(field, before)} to {_figure(field, after)}"
        for symbol, session, field, before, after in changed[:10]
    )
    text = f"{len(changed)} unexplained restatements: {named}" if changed else "every restatement is explained"
    return dg.AssetCheckResult(passed=not changed, severity=_WARN, description=text)


def _figure(field: str, value: float) -> str:
    """A volume in shares, or a price with enough digits to show a difference above the tolerance."""
    return f"{value:.0f}" if field == "volume" else f"{value:.7g}"


@dg.asset_check(
    asset=dg.AssetKey(["marts", "sector_coverage"]),
    description="The newest snapshot of each fund has known sectors for 99 % of its equity weight.",
)
def sectors_are_covered(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Share of the equity weight with a GICS sector."""
    coverage = _sector_coverage(warehouse)
    if withheld := withheld_reasons(warehouse).get("sector_coverage"):
        return dg.AssetCheckResult(passed=False, severity=_WARN, description=f"sector_coverage is withheld: {withheld}")
    low = [(fund, share) for fund, share in coverage if share < LEAST_COVERAGE]
    text = ", ".join(f"{fund} {share:.2%}" for fund, share in (low or coverage))
    return dg.AssetCheckResult(passed=not low, severity=_WARN, description=text or "no snapshot")


@dg.asset_check(asset=dg.AssetKey(["marts", "data_quality"]), description="No data check has a finding of severity warning.")
def nothing_needs_a_look(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Names every finding of severity warning; findings of severity note pass."""
    findings = _data_warnings(warehouse)
    if withheld := withheld_reasons(warehouse).get("data_quality"):
        return dg.AssetCheckResult(passed=False, severity=_WARN, description=f"data_quality is withheld: {withheld}")
    text = "; ".join(f"{symbol}: {check} ({count}, last {last})" for symbol, check, count, last in findings)
    return dg.AssetCheckResult(passed=not findings, severity=_WARN, description=text or "no finding")


def _missing_sessions(warehouse: Warehouse) -> list[tuple[str, date]]:
    """Fund and session of each missing bar."""
    return warehouse.ask("select fund, session from intermediate.int_missing_sessions order by session, fund")


def _unexplained_restatements(warehouse: Warehouse) -> list[tuple[str, date, str, float, float]]:
    """Symbol, session, field, and the values before and after, of each unexplained restatement."""
    query = (
        "select symbol, session, field, value_before, value_after from intermediate.int_price_restatements"
        " where cause = 'unexplained' order by session desc, symbol"
    )
    return warehouse.ask(query)


def _sector_coverage(warehouse: Warehouse) -> list[tuple[str, float]]:
    """Share of the equity weight with a known sector in each fund's newest snapshot."""
    return warehouse.ask(
        "select fund, max_by(coalesce(coverage, 0), as_of) from marts.sector_coverage group by fund order by fund",
    )


def _data_warnings(warehouse: Warehouse) -> list[tuple[str, str, int, date]]:
    """Symbol, check, count and last day of each finding of severity warning."""
    query = (
        "select symbol, check_name, findings, last_found_on from marts.data_quality"
        " where severity = 'warning' order by table_name, check_name, symbol"
    )
    return warehouse.ask(query)


checks = [
    something_is_known, price_bars_are_there, price_bars_are_fresh, holdings_are_fresh, fetches_are_answered,
    documents_are_accepted, nothing_is_in_quarantine, rows_are_accepted, no_session_is_missing, restatements_are_explained,
    sectors_are_covered,
    nothing_needs_a_look, no_table_is_withheld,
]  # fmt: skip

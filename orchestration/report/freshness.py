"""How old the data of a release are, and its data warnings; shared by its manifest and its report."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import MAIN_FUNDS, day, label, plural

Missing = dict[str, Any]


def missing_from(tables: ReleaseTables, *, priced: Collection[str], failed_fetches: Iterable[Missing] = ()) -> list[Missing]:
    """What is missing, stale or rejected: one entry per finding with check, symbol, count, last date and a sentence.

    Args:
        priced: the funds whose prices are requested; for the other funds only holdings are.
        failed_fetches: the requests that failed, as the manifest lists them.
    """
    found = [
        _entry("fetch_failed", one["symbol"], f"{one['symbol']}: {one['vendor']} {one['kind']} request failed: {one['reason']}.")
        for one in failed_fetches
    ]
    if tables.has("fund_comparison"):
        for row in tables.rows("select fund, holdings_count, dollar_volume_quarter from fund_comparison order by fund"):
            if row["holdings_count"] is None:
                found.append(_entry("no_holdings", row["fund"], f"{row['fund']}: no holdings available."))
            if row["dollar_volume_quarter"] is None and row["fund"] in priced:
                found.append(_entry("no_prices", row["fund"], f"{row['fund']}: no full quarter of prices available."))
    if tables.has("data_quality"):
        warnings = tables.rows(
            "select check_name, symbol, findings, last_found_on, meaning from data_quality"
            " where severity = 'warning' order by check_name, symbol"
        )
        found += [
            {
                "check": row["check_name"],
                "symbol": row["symbol"],
                "findings": row["findings"],
                "last_found_on": row["last_found_on"].isoformat() if row["last_found_on"] else None,
                "words": f"{row['symbol']}: {label(row['check_name'])}: {row['meaning']}.",
            }
            for row in warnings
        ]
    return found


def feeds(tables: ReleaseTables) -> list[Row]:
    """The rows of `freshness` that the page is about, without holdings of other funds than the three; [] without it."""
    if not tables.has("freshness"):
        return []
    rows = tables.rows("select feed, newest, age_days, sessions_behind, is_stale, limit_text from freshness order by feed")
    order = ["prices", "rates", *(f"holdings {fund}" for fund in MAIN_FUNDS), "factors", "member prices", "quotes"]
    return sorted((row for row in rows if row["feed"] in order), key=lambda row: order.index(row["feed"]))


def stale_feeds(tables: ReleaseTables, beginnings: Sequence[str]) -> list[Row]:
    """The late ones among the feeds whose names begin so."""
    return [row for row in feeds(tables) if row["is_stale"] and str(row["feed"]).startswith(tuple(beginnings))]


def stale_words(tables: ReleaseTables, beginnings: Sequence[str]) -> str:
    """The late data behind a section with their newest dates; empty if none are late."""
    late = stale_feeds(tables, beginnings)
    return ", ".join(f"{row['feed']} to {day(row['newest'])}" if row["newest"] else f"no {row['feed']}" for row in late)


def ends(row: Row) -> str:
    """Where a feed ends, and how far that is behind the clock of the run."""
    behind = row["sessions_behind"]
    late = (
        f", {plural(behind, 'session')} behind"
        if behind
        else f", {plural(row['age_days'], 'day')} old"
        if row["is_stale"]
        else ""
    )
    if row["newest"] is None:
        return f"no {row['feed']}"
    return f"{row['feed']} end on {day(row['newest'])}{late}"


def days_before(day: str | None, last: str | None) -> int | None:
    """Calendar days from `day` to `last`, both ISO dates; None if either is unknown."""
    return (date.fromisoformat(last) - date.fromisoformat(day)).days if day and last else None


def _entry(check: str, symbol: str, words: str) -> Missing:
    return {"check": check, "symbol": symbol, "findings": None, "last_found_on": None, "words": words}

"""Ingestion of a landing folder as in a run, without Dagster, dbt and a release.

Only this module of the measurements calls `ingest`.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from orchestration import market_calendar
from orchestration.frames import frame_of
from orchestration.landing.documents import list_documents, write_document
from orchestration.raw.ingest import ingest
from orchestration.raw.ledger import Outcome
from orchestration.schemas import RAW_TABLES
from orchestration.universe import load_universe
from orchestration.vendors.registry import CALENDAR, FEEDS
from orchestration.warehouse.connection import Warehouse

KINDS = (("prices",), ("holdings", "fund_data"), ("rates",), ("factors",), ("member_prices",), ("market_caps",), ("quotes",))
"""The kinds of documents that a run ingests together, in its order."""
STEPS = tuple(tuple(feed for feed in FEEDS if feed.kind in kinds) for kinds in KINDS)
WATCHED = (
    "price_bars", "corporate_actions", "rates", "holdings", "factors", "member_bars", "market_caps", "fund_quotes",
    "option_quotes", "fund_facts",
)  # fmt: skip
"""The raw tables whose last known state is compared."""


@dataclass(frozen=True)
class Ingested:
    """The result of ingesting a landing folder."""

    outcomes: dict[str, Outcome]
    known: dict[str, pl.DataFrame]
    rejects: dict[str, list[tuple[Any, ...]]]


def ingest_folder(folder: Path, warehouse_path: Path, clock: datetime) -> Ingested:
    """Ingest every document of a folder into a warehouse, which may have data already.

    Args:
        clock: the run's clock; later documents are in the future.

    Returns:
        Outcomes by the document's key; the last known rows of each watched table; rejected lines by document.
    """
    warehouse = Warehouse(warehouse_path)
    warehouse.prepare()
    calendar = _calendar_folder(warehouse_path.parent, clock)
    read: list[Outcome] = []
    with warehouse.connect() as connection:
        more = _arguments(clock, warehouse_path.parent)
        read += ingest(connection, list_documents([calendar]), universe=load_universe(), progress=_quiet, **more)
        for step in STEPS:
            documents = [d for feed in step for d in list_documents([folder], vendor=feed.vendor, kind=feed.kind)]
            read += ingest(connection, documents, universe=load_universe(), progress=_quiet, **more)
        ledger = frame_of(connection.sql("select * from raw.documents")).to_dicts()
        known = {name: _last_known(connection, name) for name in WATCHED}
        # An issuer's facts are those of its holdings files.
        known["fund_facts"] = known["fund_facts"].filter(pl.col("vendor") == "yahoo")
        rejects: dict[str, list[tuple[Any, ...]]] = {}
        for document_id, *row in connection.execute("select * from raw.rejects order by document_id, line").fetchall():
            rejects.setdefault(document_id, []).append(tuple(row))
    # A later step may validate a document again: the ledger has the final outcome.
    fields = list(Outcome.__dataclass_fields__)
    outcomes = {row["path"]: Outcome(**{name: row[name] for name in fields if name in row}) for row in ledger}
    return Ingested(outcomes, known, rejects)


def _arguments(clock: datetime, home: Path) -> dict[str, Any]:
    """The arguments of `ingest`, with the run's clock."""
    return {"clock": clock} if "clock" in inspect.signature(ingest).parameters else {}


def _quiet(_: str) -> None:
    return None


@cache
def _calendar(last_day: Any) -> bytes:
    return market_calendar.sessions_document(last_day)


def _calendar_folder(home: Path, clock: datetime) -> Path:
    root = home / "calendar"
    write_document(
        root,
        vendor=CALENDAR.vendor,
        kind=CALENDAR.kind,
        symbol=market_calendar.EXCHANGE,
        retrieved_at=datetime(2000, 1, 1, tzinfo=UTC),
        extension="parquet",
        content=_calendar(market_calendar.horizon(clock.date())),
    )
    return root


def _last_known(connection: Any, name: str) -> pl.DataFrame:
    """The newest observation per key, as in the staging models; an action of zero is ignored."""
    table = RAW_TABLES[name]
    by = ", ".join(table.snapshot_key or table.key)
    real = "value <> 0" if table.when_unknown else "true"
    return frame_of(
        connection.sql(
            f"select {', '.join(table.columns)} from raw.{name} qualify dense_rank() over (partition by {by}"
            f" order by observed_at desc, document_id desc) = 1 and {real} order by {', '.join(table.key)}"
        )
    )


@dataclass(frozen=True)
class Difference:
    """The difference of a table from the honest one: `wrong` rows (another value, or an unknown key) and `missing` rows.

    `largest` is the largest error in the table's MEASURE; zero if only volumes and texts differ.
    """

    wrong: int
    missing: int
    largest: float

    def __bool__(self) -> bool:
        return bool(self.wrong or self.missing)


def lines_lost(outcome: Outcome) -> int:
    """The number of rejected or quarantined lines of a document."""
    return outcome.rows_rejected + int(getattr(outcome, "rows_quarantined", 0) or 0)


MEASURE = {
    "price_bars": "of a price",
    "corporate_actions": "dollars a share",
    "rates": "points",
    "holdings": "of the fund",
    "factors": "points",
    "member_bars": "of a price",
    "market_caps": "of a capitalisation",
    "fund_quotes": "of a quote",
    "option_quotes": "dollars a share",
    "fund_facts": "of a fact",
}
_RELATIVE = {"price_bars", "member_bars", "market_caps", "fund_quotes", "fund_facts"}


def difference(name: str, honest: pl.DataFrame, found: pl.DataFrame) -> Difference:
    """Compare two last known states of a raw table. Lines of holdings are identified by ticker and name, not by number."""
    key, measured = list(_KEYS.get(name, RAW_TABLES[name].key)), _SIZES[name]
    # Adjusted closes depend on the retrieval, and no mart uses them.
    values = [v for v in RAW_TABLES[name].columns if v not in (*key, "vendor_adj_close", "line_no")]
    left, right = (_sized(name, frame).select(*key, *values, *measured) for frame in (honest, found))
    both = left.join(right, on=key, how="full", suffix="_found", nulls_equal=True)
    absent, extra = pl.col(f"{key[0]}_found").is_null(), pl.col(key[0]).is_null()
    same = pl.all_horizontal([pl.col(v).eq_missing(pl.col(f"{v}_found")) for v in values])
    changed = ~absent & ~extra & ~same
    counts = both.select(absent.sum().alias("missing"), extra.sum().alias("extra"), changed.sum().alias("changed")).row(0)
    errors = [(pl.col(f"{m}_found").fill_null(0.0) - pl.col(m).fill_null(0.0)).abs().alias(m) for m in measured]
    if name in _RELATIVE:  # a missing row is a gap
        errors = [((pl.col(f"{m}_found") - pl.col(m)).abs() / pl.col(m)).alias(m) for m in measured]
    sizes = both.filter(absent | extra | changed).select(errors).max().row(0) if any(counts) else ()
    return Difference(counts[1] + counts[2], counts[0], max((size for size in sizes if size is not None), default=0.0))


_KEYS = {"holdings": ["fund", "as_of", "ticker", "name", "_occurrence"]}
_SIZES = {
    "price_bars": ["_open", "_high", "_low", "_close"],
    "corporate_actions": ["_value"],
    "rates": ["_value"],
    "holdings": ["_weight", "_share"],
    "factors": ["_market_excess", "_small_minus_large", "_risk_free"],
    "member_bars": ["_open", "_high", "_low", "_close"],
    "market_caps": ["_market_cap"],
    "fund_quotes": ["_bid", "_ask"],
    "option_quotes": ["_bid", "_ask"],
    "fund_facts": ["_value_number"],
}


def _sized(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Add the columns whose errors are measured."""
    if name != "holdings":
        return rows.with_columns(pl.col(size.removeprefix("_")).alias(size) for size in _SIZES[name])
    snapshot = ["fund", "as_of"]
    return rows.sort("line_no").with_columns(
        pl.int_range(pl.len()).over(*snapshot, "ticker", "name").alias("_occurrence"),
        pl.col("stated_weight").alias("_weight"),
        (pl.col("market_value") / pl.col("market_value").sum().over(snapshot)).fill_nan(None).alias("_share"),
    )


@contextmanager
def scratch(root: Path, name: str) -> Iterator[Path]:
    """A temporary folder."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clock_after(landing: Path) -> datetime:
    """A clock after every document of the folder: the day after the newest retrieval."""
    moments = [d.retrieved_at for d in list_documents([landing]) if d.retrieved_at and d.retrieved_at.year < 2090]
    return max(moments) + timedelta(days=4)

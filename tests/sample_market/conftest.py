"""The sample market's documents, written into landing and ingested once for all tests."""

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import duckdb
import polars as pl
import pytest
from filelock import FileLock

from orchestration import market_calendar
from orchestration.landing.documents import list_documents, write_document
from orchestration.raw.ingest import ingest
from orchestration.raw.ledger import Outcome
from orchestration.sample_market.documents import SampleDocument, sample_documents
from orchestration.settings import SAMPLE_CLOCK
from orchestration.universe import load_universe
from orchestration.vendors.registry import CALENDAR
from orchestration.warehouse.connection import Warehouse

KINDS = (("yahoo", "prices"), ("yahoo", "fund_data"), ("ishares", "holdings"), ("ssga", "holdings"), ("invesco", "holdings"),
         ("vanguard", "holdings"), ("schwab", "holdings"), ("fred", "rates"),
         ("french", "factors"), ("yahoo", "member_prices"), ("yahoo", "market_caps"), ("yahoo", "quotes"))  # fmt: skip

Query = Callable[..., pl.DataFrame]


@dataclass(frozen=True)
class Ingested:
    """The raw tables after ingesting every sample document, and the outcomes."""

    outcomes: dict[str, Outcome]
    query: Query

    def bars(self, symbol: str, observed_by: datetime = SAMPLE_CLOCK) -> pl.DataFrame:
        """The last known bar of each session, as of a time (UTC)."""
        return self.query(
            "select * from raw.price_bars where symbol = ? and observed_at <= ?"
            " qualify row_number() over (partition by session order by observed_at desc) = 1 order by session",
            symbol,
            observed_by.astimezone(UTC).replace(tzinfo=None),
        )

    def lines(self, fund: str, as_of: date) -> pl.DataFrame:
        """The lines of a snapshot."""
        return self.query("select * from raw.holdings where fund = ? and as_of = ? order by line_no", fund, as_of)


@pytest.fixture(scope="session")
def sessions() -> pl.DataFrame:
    """Every session that the sample market needs."""
    return market_calendar.sessions_frame(date(2026, 12, 31), first_day=date(2001, 1, 1))


@pytest.fixture(scope="session")
def documents(sessions: pl.DataFrame) -> list[tuple[SampleDocument, bytes]]:
    """Every document with its bytes."""
    return [(document, document.build()) for vendor, kind in KINDS for document in sample_documents(vendor, kind, sessions)]


@pytest.fixture(scope="session")
def market(request: pytest.FixtureRequest, of_all_workers: Path) -> Iterator[Ingested]:
    """All documents ingested into one warehouse, which the workers share."""
    home = of_all_workers / "sample_market"
    home.mkdir(exist_ok=True)
    with FileLock(home / "lock"):
        if not (home / "outcomes.pickle").exists():
            outcomes = _ingested(home, request.getfixturevalue("sessions"), request.getfixturevalue("documents"))
            (home / "outcomes.pickle").write_bytes(pickle.dumps(outcomes))
    outcomes = pickle.loads((home / "outcomes.pickle").read_bytes())
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        yield Ingested(
            {outcome.path: outcome for outcome in outcomes},
            lambda statement, *parameters: connection.execute(statement, list(parameters)).pl(),
        )


def _ingested(home: Path, sessions: pl.DataFrame, documents: list[tuple[SampleDocument, bytes]]) -> list[Outcome]:
    """Write the documents into landing and ingest them, the calendar first."""
    warehouse = Warehouse(home / "warehouse.duckdb")
    warehouse.prepare()
    calendar = BytesIO()
    sessions.write_parquet(calendar)
    write_document(
        home / "landing",
        vendor=CALENDAR.vendor,
        kind=CALENDAR.kind,
        symbol=market_calendar.EXCHANGE,
        retrieved_at=SAMPLE_CLOCK,
        extension="parquet",
        content=calendar.getvalue(),
    )
    for document, content in documents:
        write_document(
            home / "landing",
            vendor=document.vendor,
            kind=document.kind,
            symbol=document.symbol,
            retrieved_at=document.retrieved_at,
            extension=document.extension,
            content=content,
            declared_as_of=document.declared_as_of,
        )
    outcomes: list[Outcome] = []
    with warehouse.connect() as connection:
        for vendor in (CALENDAR.vendor, None):
            outcomes += ingest(connection, list_documents([home / "landing"], vendor=vendor), universe=load_universe())
    return outcomes

"""Past months of iShares holdings: the partitioned asset against a local issuer, and the ingestion of its documents.

Dagster is imported where it is used: make test-fast collects this file and runs none of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestration import market_calendar
from orchestration.landing import backfill
from orchestration.landing.documents import list_documents, write_document
from orchestration.raw.ingest import ingest
from orchestration.raw.ledger import Outcome
from orchestration.settings import Settings, Source
from orchestration.vendors.registry import CALENDAR
from orchestration.warehouse.connection import Warehouse
from tests.vendors import documents as invented
from tests.vendors.server import Answer, Request, VendorServer

if TYPE_CHECKING:
    import dagster as dg

pytestmark = pytest.mark.slow

SettingsFor = Callable[..., Settings]
FUND = invented.UNIVERSE["IWM"]


@dataclass
class Issuer:
    """Answers with a file of the requested date; no data before the first day, errors on some days."""

    first: date = date(2006, 2, 1)
    trouble: dict[date, Answer] = field(default_factory=dict)

    def answer(self, request: Request) -> Answer:
        """The holdings of the requested date."""
        day = datetime.strptime(request.query["asOfDate"], "%Y%m%d").date()
        return self.trouble.get(day) or holdings_of(day if day >= self.first else None)


def holdings_of(day: date | None) -> Answer:
    file = invented.IShares()
    file.preamble[1] = f'Fund Holdings as of,"{day:%b %d, %Y}"' if day else 'Fund Holdings as of,"-"'
    file.rows = file.rows if day else []
    if day:
        file.rescale(0.9 + day.month / 100)  # each month has other values
    return Answer(file.encode())


@pytest.fixture
def settings(server: VendorServer, settings_for: SettingsFor, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """One fund in the universe, and a local issuer."""
    monkeypatch.setattr("orchestration.defs.assets.history.load_universe", lambda: {"IWM": FUND})
    server.replies = [Issuer().answer]
    return settings_for(server, fetch_attempts=1, fetch_pause_seconds=0.0)


def materialise(settings: Settings, first: str, last: str) -> "dg.ExecuteInProcessResult":
    """The months from first to last in one run, as requested in the UI."""
    import dagster as dg

    from orchestration.defs.assets import history

    span = {"dagster/asset_partition_range_start": f"{first}-01", "dagster/asset_partition_range_end": f"{last}-01"}
    return dg.materialize(
        [history.ishares_holdings_history], resources={"settings": settings}, tags=span, instance=dg.DagsterInstance.ephemeral(),
        raise_on_error=False,
    )  # fmt: skip


def requested_days(server: VendorServer) -> list[str]:
    return [request.query["asOfDate"] for request in server.requests]


def counts(result: "dg.ExecuteInProcessResult") -> dict[str, object]:
    event = result.get_asset_materialization_events()[0]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def files_in(settings: Settings, kind: str = "holdings") -> list[str]:
    return [document.path.name.partition(".")[2] for document in list_documents(settings.landing_dirs, kind=kind)]


def ingest_landing(settings: Settings, home: Path) -> tuple[list[Outcome], list[tuple[object, ...]]]:
    """Ingest landing, the calendar first; return outcomes and snapshots."""
    calendar = BytesIO()
    invented.sessions().write_parquet(calendar)
    write_document(
        settings.own_landing_dir, vendor=CALENDAR.vendor, kind=CALENDAR.kind, symbol=market_calendar.EXCHANGE,
        retrieved_at=invented.RETRIEVED, extension="parquet", content=calendar.getvalue(),
    )  # fmt: skip
    warehouse = Warehouse(home / "warehouse.duckdb")
    warehouse.prepare()
    with warehouse.connect() as connection:
        outcomes = []
        for vendor, kind in ((CALENDAR.vendor, CALENDAR.kind), ("ishares", "holdings")):
            documents = list_documents(settings.landing_dirs, vendor=vendor, kind=kind)
            outcomes += ingest(connection, documents, universe={"IWM": FUND})
        rows = connection.execute("select as_of, count(*) from raw.holdings group by as_of order by as_of").fetchall()
    return outcomes, rows


def test_each_month_is_requested_once_by_its_last_session(settings: Settings, server: VendorServer) -> None:
    first = materialise(settings, "2006-03", "2006-06")
    assert first.success
    # The last of April 2006 was a Sunday.
    assert requested_days(server) == ["20060331", "20060428", "20060531", "20060630"]
    assert counts(first) == {"new": 4, "present": 0, "no_data": 0}
    assert files_in(settings) == [f"asof={day}.csv" for day in ("2006-03-31", "2006-04-28", "2006-05-31", "2006-06-30")]
    second = materialise(settings, "2006-02", "2006-06")
    assert second.success
    assert requested_days(server)[4:] == ["20060228"]
    assert counts(second) == {"new": 1, "present": 4, "no_data": 0}


def test_a_month_without_data_is_recorded_and_not_requested_again(settings: Settings, server: VendorServer) -> None:
    for _ in range(2):
        result = materialise(settings, "2006-01", "2006-02")
        assert result.success
    assert requested_days(server) == ["20060131", "20060228"]
    assert counts(result) == {"new": 0, "present": 1, "no_data": 1}
    assert files_in(settings, backfill.NO_HOLDINGS) == ["asof=2006-01-31.csv"]
    assert files_in(settings) == ["asof=2006-02-28.csv"]


def test_no_data_soon_after_month_end_is_requested_again(settings: Settings, server: VendorServer) -> None:
    marker = {"vendor": "ishares", "kind": backfill.NO_HOLDINGS, "symbol": "IWM", "extension": "csv", "content": b"-"}
    for day, declared in (((2006, 3, 10), date(2006, 2, 28)), ((2006, 4, 20), date(2006, 3, 31))):
        write_document(settings.own_landing_dir, retrieved_at=datetime(*day, tzinfo=UTC), declared_as_of=declared, **marker)  # type: ignore[arg-type]
    materialise(settings, "2006-02", "2006-03")
    assert requested_days(server) == ["20060228"]


def test_the_date_comes_from_the_document_not_the_request(settings: Settings, server: VendorServer) -> None:
    server.replies = [Issuer(trouble={date(2006, 5, 31): holdings_of(date(2006, 5, 30))}).answer]
    assert materialise(settings, "2006-05", "2006-05").success
    assert files_in(settings) == ["asof=2006-05-30.csv"]


TROUBLE = {
    "web page": (Answer(b"<!DOCTYPE html><html>Consent</html>"), "the file is a web page"),
    "refused": (Answer(status=403), "answered 403"),
    "another month": (holdings_of(date(2026, 5, 5)), "the issuer answered for 2026-05-05 instead of 2006-05-31"),
    "not a holdings file": (Answer(b"Ticker,Name\nA,B\n"), "'Fund Holdings as of' is missing"),
    "unreadable date": (Answer(b'Fund Holdings as of,"May"\n'), "'May' is invalid"),
}


@pytest.mark.parametrize(("answer", "sentence"), TROUBLE.values(), ids=TROUBLE.keys())
def test_a_failed_month_does_not_affect_others_and_is_requested_again(
    answer: Answer, sentence: str, settings: Settings, server: VendorServer
) -> None:
    server.replies = [Issuer(trouble={date(2006, 5, 31): answer}).answer]
    result = materialise(settings, "2006-04", "2006-06")
    assert not result.success
    failure = result.filter_events(lambda event: event.is_step_failure)[0].event_specific_data
    assert sentence in str(failure)
    done = [event.materialization.partition for event in result.get_asset_materialization_events()]
    assert done == ["2006-04-01", "2006-06-01"]
    assert files_in(settings) == ["asof=2006-04-28.csv", "asof=2006-06-30.csv"]
    server.replies = [Issuer().answer]
    assert materialise(settings, "2006-04", "2006-06").success
    assert requested_days(server)[3:] == ["20060531"]


def test_months_older_than_the_known_ones_are_ingested(settings: Settings, tmp_path: Path) -> None:
    write_document(
        settings.own_landing_dir, vendor="ishares", kind="holdings", symbol="IWM", retrieved_at=invented.RETRIEVED,
        extension="csv", content=invented.IShares().encode(),
    )  # fmt: skip
    ingest_landing(settings, tmp_path)
    assert materialise(settings, "2006-01", "2006-03").success
    outcomes, rows = ingest_landing(settings, tmp_path)
    assert sorted((o.status, o.reason, o.as_of) for o in outcomes) == [
        ("accepted", None, date(2006, 2, 28)), ("accepted", None, date(2006, 3, 31)),
    ]  # fmt: skip
    lines = len(invented.IShares().rows)
    assert rows == [(date(2006, 2, 28), lines), (date(2006, 3, 31), lines), (invented.AS_OF, lines)]
    assert ingest_landing(settings, tmp_path) == ([], rows)


def test_no_request_before_the_inception_of_a_fund(
    settings: Settings, server: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    monkeypatch.setattr("orchestration.defs.assets.history.load_universe", lambda: {"IWM": replace(FUND, inception="2006-04-10")})
    result = materialise(settings, "2006-03", "2006-04")
    assert counts(result) == {"new": 1, "present": 0, "no_data": 1}
    assert requested_days(server) == ["20060428"]


@pytest.mark.parametrize("source", [Source.sample, Source.landing])
def test_other_sources_fetch_nothing_and_fail_with_a_message(
    source: Source, settings: Settings, server: VendorServer, settings_for: SettingsFor
) -> None:
    result = materialise(settings_for(server, source=source), "2006-03", "2006-03")
    assert not result.success
    assert "only be fetched with source live" in str(
        result.filter_events(lambda event: event.is_step_failure)[0].event_specific_data
    )
    assert server.requests == []


def test_the_daily_job_does_not_backfill_and_the_backfill_job_only_backfills(settings: Settings) -> None:
    from orchestration.defs.assets.history import HISTORY
    from orchestration.defs.build import build_defs
    from orchestration.defs.jobs import BACKFILL_JOB, DAILY_JOB

    definitions = build_defs(settings)
    daily = definitions.resolve_job_def(DAILY_JOB).asset_layer.selected_asset_keys
    assert HISTORY not in daily
    assert definitions.resolve_job_def(BACKFILL_JOB).asset_layer.selected_asset_keys == {HISTORY}

"""Real long histories beside the real documents of the funds: nothing of either is quarantined."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from orchestration.landing.documents import list_documents, write_document
from orchestration.market_calendar import EXCHANGE, sessions_document
from orchestration.raw.ingest import ingest
from orchestration.universe import load_universe
from orchestration.vendors.registry import CALENDAR
from orchestration.warehouse.connection import Warehouse

pytestmark = pytest.mark.slow

CLOCK = datetime(2026, 9, 1, tzinfo=UTC)


def test_long_histories_are_used_and_put_nothing_in_doubt(real_landing: Path, real_longrun: Path, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    warehouse.prepare()
    write_document(
        tmp_path / "landing",
        vendor=CALENDAR.vendor,
        kind=CALENDAR.kind,
        symbol=EXCHANGE,
        retrieved_at=CLOCK,
        extension="parquet",
        content=sessions_document(date(2027, 12, 31)),
    )
    roots = [tmp_path / "landing", real_landing, real_longrun]
    with warehouse.connect() as connection:
        outcomes = [
            outcome
            for kind in ("sessions", "prices", "rates", "factors")
            for outcome in ingest(connection, list_documents(roots, kind=kind), universe=load_universe(), clock=CLOCK)
        ]
        assert {(o.path, o.status, o.rows_quarantined) for o in outcomes} == {(o.path, "accepted", 0) for o in outcomes}
        rows = {o.path.split("/")[2]: o.rows_accepted for o in outcomes}
        assert {name: rows[name] for name in ("daily", "USREC", "^RUT")} == {"daily": 25_961, "USREC": 552, "^RUT": 7_953}
        # Each edition is a whole history; no row of the older one is mixed into the newer.
        editions = "select count(*) from raw.factors group by document_id order by all"
        assert connection.execute(editions).fetchall() == [(25_901,), (25_961,)]
        recession = "select date from raw.rates where series = 'USREC' and value = 1 and date >= '2020-01-01' order by date"
        assert connection.execute(recession).fetchall() == [(date(2020, 3, 1),), (date(2020, 4, 1),)]

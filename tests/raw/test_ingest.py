"""Ingestion: complete counts, idempotent runs, independence of the order of arrival, and rollback after failures."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.landing.documents import Document, list_documents, write_document
from orchestration.raw import ingest as ingest_module
from orchestration.raw.ingest import ingest
from orchestration.raw.ledger import Outcome
from orchestration.raw.queries import last_final_session
from orchestration.schemas import RAW_TABLES
from orchestration.universe import Fund
from orchestration.vendors import ssga
from orchestration.vendors.registry import BY_PLACE
from orchestration.warehouse.connection import Warehouse
from tests.vendors import documents as invented
from tests.vendors.documents import Fred, InvescoJson, IShares, Prices, StateStreet

AT = datetime(2026, 5, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class House:
    """A landing folder and a warehouse with the calendar."""

    def __init__(self, folder: Path) -> None:
        self.landing = folder / "landing"
        self.warehouse = Warehouse(folder / "warehouse.duckdb")
        self.warehouse.prepare()
        self.connection = duckdb.connect(str(self.warehouse.path))
        buffer = BytesIO()
        invented.sessions().write_parquet(buffer)
        self.put("exchange_calendars/sessions/XNYS", buffer.getvalue(), AT - 1000 * DAY, "parquet")
        self.run()

    def put(self, place: str, content: bytes, at: datetime = AT, extension: str = "csv", as_of: date | None = None) -> Document:
        vendor, kind, symbol = place.split("/")
        return write_document(
            self.landing,
            vendor=vendor,
            kind=kind,
            symbol=symbol,
            retrieved_at=at,
            extension=extension,
            content=content,
            declared_as_of=as_of,
        )

    def run(self, universe: dict[str, Fund] = invented.UNIVERSE) -> list[Outcome]:
        return ingest(self.connection, list_documents([self.landing]), universe=universe, progress=lambda _: None)

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.sql(query).fetchall()

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every raw table."""
        return {name: self.sql(f"select * from raw.{name} order by all") for name in (*RAW_TABLES, "documents", "rejects")}

    def known(self, at: datetime) -> dict[str, set[tuple[Any, ...]]]:
        """The last known row per key at a time, as in the models."""
        state = {}
        for name in ("price_bars", "corporate_actions", "holdings", "fund_facts"):
            table = RAW_TABLES[name]
            newest = "order by observed_at desc, document_id desc"
            by = ", ".join(table.snapshot_key or table.key)
            rank = f"dense_rank() over (partition by {by} {newest})"
            real = "value <> 0" if table.when_unknown else "true"
            rows = self.sql(
                f"select {', '.join(table.columns)} from (select * from raw.{name} where observed_at <= '{at:%Y-%m-%d %H:%M:%S}'"
                f" qualify {rank} = 1) where {real}"
            )
            assert len(rows) == len(set(rows))
            state[name] = set(rows)
        return state


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path)
    yield built
    built.connection.close()


def put_one_of_each(house: House) -> None:
    house.put("ishares/holdings/IWM", IShares().encode())
    house.put("ssga/holdings/SPY", StateStreet().encode(), extension="xlsx")
    house.put("invesco/holdings/QQQ", InvescoJson().encode(), extension="json")
    house.put("fred/rates/DFF", Fred().encode())
    house.put("yahoo/prices/IWM", Prices.invented(invented.session_days(40)).csv())


def test_documents_of_every_vendor_are_ingested(house: House) -> None:
    put_one_of_each(house)
    assert {outcome.path.split("/")[0]: outcome.status for outcome in house.run()} == dict.fromkeys(
        ["ishares", "ssga", "invesco", "fred", "yahoo"], "accepted"
    )
    assert house.sql("select count(*) from raw.rejects") == [(0,)]


def test_a_session_that_a_newer_calendar_drops_is_withdrawn_until_one_has_it_again(house: House) -> None:
    whole = invented.sessions()
    mourning = date(2026, 4, 22)

    def put(calendar: pl.DataFrame, at: datetime) -> None:
        buffer = BytesIO()
        calendar.write_parquet(buffer)
        house.put("exchange_calendars/sessions/XNYS", buffer.getvalue(), at, "parquet")
        assert [outcome.status for outcome in house.run()] == ["accepted"]

    def known() -> list[date]:
        return ingest_module._known_sessions(house.connection)["session"].to_list()

    def final_after_it() -> date | None:
        house.connection.close()
        answer = last_final_session(house.warehouse, datetime(2026, 4, 23, tzinfo=UTC))
        house.connection = duckdb.connect(str(house.warehouse.path))
        return answer

    assert final_after_it() == mourning
    # A shorter calendar does not drop what is beyond it.
    put(whole.filter(pl.col("session") != mourning).head(-100), AT)
    assert known() == whole.filter(pl.col("session") != mourning)["session"].to_list()
    assert final_after_it() == date(2026, 4, 21)
    put(whole, AT + DAY)
    assert known() == whole["session"].to_list()
    assert house.sql(f"select count(*) from raw.sessions where session = '{mourning}'") == [(3,)]


def test_a_second_run_adds_no_row_and_reads_nothing(house: House) -> None:
    put_one_of_each(house)
    house.run()
    before = house.contents()
    assert house.run() == []
    assert house.contents() == before


def test_accepted_and_rejected_lines_are_complete(house: House) -> None:
    days = invented.session_days(40)
    prices = Prices.invented([*days, date(2026, 5, 2)])  # and a Saturday
    lines = prices.csv().decode().splitlines(keepends=True)
    lines[3] = lines[3].replace(",", ",x", 1)  # open is not a number
    lines[4] = lines[4].replace(",", ",,", 1)  # ragged
    lines[5] = lines[5].replace("0.0,0.0", "-1.0,0.0")  # a negative dividend rejects the whole line
    lines.insert(10, lines[9])  # a duplicate
    lines.append(lines[20].replace("1000018.0", "5.0"))  # the same session with a provisional volume
    house.put("yahoo/prices/IWM", "".join(lines).encode())
    ishares = IShares()
    ishares.rows[20][8] = "n.a."
    ishares.rows.insert(22, list(ishares.rows[21]))
    house.put("ishares/holdings/IWM", ishares.encode())
    by_vendor = {outcome.vendor: outcome for outcome in house.run()}
    yahoo, holdings = by_vendor["yahoo"], by_vendor["ishares"]
    assert (yahoo.rows_accepted, yahoo.rows_rejected) == (37, 6)
    assert yahoo.rows_accepted + yahoo.rows_rejected == len(lines) - 1
    assert (holdings.rows_accepted, holdings.rows_rejected) == (len(ishares.rows) - 2, 2)
    listed = house.sql(f"select line, reason from raw.rejects where document_id = '{yahoo.document_id}' order by line")
    assert [line for line, _ in listed] == [4, 5, 6, 11, 43, 44]
    assert house.sql("select count(*) from raw.price_bars") == [(37,)]
    assert house.sql("select value from raw.corporate_actions") == [(0.5,)]


def test_a_repeated_row_counts_once(house: House) -> None:
    content = Prices.invented(invented.session_days(5)).csv()
    house.put("yahoo/prices/IWM", content + content.partition(b"\n")[2])
    (outcome,) = house.run()
    assert (outcome.rows_accepted, outcome.rows_rejected) == (5, 5)
    assert {reason for (reason,) in house.sql("select reason from raw.rejects")} == {"repeats another row"}


def test_a_changed_file_is_rejected_and_the_old_rows_are_kept(house: House) -> None:
    document = house.put("fred/rates/DFF", Fred().encode())
    house.run()
    before = house.sql("select * from raw.rates order by all")
    document.path.write_bytes(Fred(rows=[("2026-04-01", "9.99")]).encode())
    (outcome,) = house.run()
    assert outcome.status == "rejected"
    assert "changed after it was accepted" in (outcome.reason or "")
    assert house.sql("select * from raw.rates order by all") == before


def test_unknown_vendor_and_bad_name_are_in_the_ledger(house: House) -> None:
    house.put("acme/prices/IWM", b"x")
    badly_named = house.landing / "fred" / "rates" / "DFF" / "download (3).csv"
    badly_named.parent.mkdir(parents=True)
    badly_named.write_bytes(Fred().encode())
    house.run()
    ledger = dict(house.sql("select path, reason from raw.documents where status = 'rejected'"))
    assert "there is no parser for acme/prices" in ledger["acme/prices/IWM/2026-05-06T010000Z.csv"]
    assert "rename the file" in ledger["fred/rates/DFF/download (3).csv"]
    assert house.sql("select count(*) from raw.rejects") == [(2,)]


def test_a_failing_parser_does_not_affect_other_documents(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(content: bytes, context: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setitem(BY_PLACE, ("ssga", "holdings"), replace(ssga.FEED, parse=crash))  # type: ignore[arg-type]
    put_one_of_each(house)
    statuses = {outcome.vendor: (outcome.status, outcome.reason) for outcome in house.run()}
    assert statuses["ssga"] == ("rejected", "the parser failed (ZeroDivisionError: a mistake of ours): please report it")
    assert statuses["yahoo"] == ("accepted", None)


def test_a_rejected_document_is_tried_again_and_its_rejects_are_removed(house: House) -> None:
    house.put("ishares/holdings/IWM", IShares().encode())
    (first,) = house.run(universe={})
    assert first.status == "rejected"
    assert "seeds/funds.csv" in house.sql("select reason from raw.rejects")[0][0]
    (second,) = house.run()
    assert (second.status, second.document_id) == ("accepted", first.document_id)
    assert house.sql("select count(*) from raw.rejects") == [(0,)]
    assert house.sql("select status, reason from raw.documents where vendor = 'ishares'") == [("accepted", None)]


def test_a_document_that_remains_rejected_does_not_reread_later_ones(house: House) -> None:
    house.put("fred/rates/DFF", b"<html>", AT)
    house.put("fred/rates/DFF", Fred().encode(), AT + DAY)
    house.run()
    before = house.contents()
    assert [(outcome.retrieved_at, outcome.status) for outcome in house.run()] == [(AT.replace(tzinfo=None), "rejected")]
    assert house.contents() == before


def test_a_document_accepted_late_rereads_later_ones(house: House) -> None:
    def rate(value: str) -> bytes:
        return Fred(rows=[("2026-04-01", value)]).encode()

    house.put("fred/rates/DFF", rate("3.5"), AT)
    house.put("fred/rates/DFF", rate("3.5"), AT + 2 * DAY)
    house.run()
    house.put("fred/rates/DFF", rate("3.75"), AT + DAY)
    assert [outcome.retrieved_at for outcome in house.run()] == [(AT + n * DAY).replace(tzinfo=None) for n in (1, 2)]
    assert house.sql("select value from raw.rates order by observed_at") == [(3.5,), (3.75,), (3.5,)]


def test_a_snapshot_older_than_the_known_one_is_rejected(house: House) -> None:
    old = IShares()
    old.preamble[1] = 'Fund Holdings as of,"May 01, 2026"'
    house.put("ishares/holdings/IWM", IShares().encode(), AT)
    house.put("ishares/holdings/IWM", old.encode(), AT + DAY)
    outcomes = house.run()
    assert [outcome.status for outcome in outcomes] == ["accepted", "rejected"]
    assert outcomes[1].reason == "the as-of date 2026-05-01 is older than that of an accepted snapshot, 2026-05-05"


def test_an_older_snapshot_with_a_declared_date_is_accepted(house: House) -> None:
    old = IShares()
    old.preamble[1] = 'Fund Holdings as of,"May 01, 2026"'
    old.rescale(0.99)
    house.put("ishares/holdings/IWM", IShares().encode(), AT)
    house.put("ishares/holdings/IWM", old.encode(), AT + DAY, as_of=date(2026, 5, 1))
    assert [outcome.status for outcome in house.run()] == ["accepted", "accepted"]


def test_a_snapshot_disproved_by_an_older_document_is_withdrawn(house: House) -> None:
    old = IShares()
    old.preamble[1] = 'Fund Holdings as of,"May 01, 2026"'
    house.put("ishares/holdings/IWM", old.encode(), AT + DAY)
    house.run()
    house.put("ishares/holdings/IWM", IShares().encode(), AT)
    assert [outcome.status for outcome in house.run()] == ["accepted", "rejected"]
    assert house.sql("select distinct as_of from raw.holdings") == [(date(2026, 5, 5),)]


def test_a_dividend_later_reported_as_zero_is_withdrawn_if_the_adjusted_close_agrees(house: House) -> None:
    prices = Prices.invented(invented.session_days(40))
    without = prices.frame.with_columns(pl.lit(0.0).alias("Dividends"), (pl.col("Close") * 0.9).alias("Adj Close"))
    house.put("yahoo/prices/IWM", prices.csv(), AT)
    house.put("yahoo/prices/IWM", Prices(without).csv(), AT + DAY)
    house.run()
    assert house.sql("select value from raw.corporate_actions order by observed_at") == [(0.5,), (0.0,)]
    assert len(house.known(AT)["corporate_actions"]) == 1
    assert house.known(AT + DAY)["corporate_actions"] == set()


@pytest.mark.parametrize("point", ["append_observations", "ledger"])
def test_a_run_killed_while_writing_leaves_the_warehouse_unchanged(
    house: House, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    prices = Prices.invented(invented.session_days(40))
    house.put("yahoo/prices/IWM", Prices(prices.frame.head(10)).csv(), AT)
    house.run()
    before = house.contents()
    house.put("yahoo/prices/IWM", prices.csv(), AT + DAY)
    calls: list[str] = []

    def killed_at_the_second(*arguments: object, **named: object) -> int:
        calls.append("x")
        if len(calls) == 2:
            raise KeyboardInterrupt
        return append(*arguments, **named)  # type: ignore[arg-type]

    append = ingest_module.append_observations
    with monkeypatch.context() as patch:
        if point == "append_observations":
            patch.setattr(ingest_module, "append_observations", killed_at_the_second)
            with pytest.raises(KeyboardInterrupt):
                house.run()
        else:
            patch.setattr(ingest_module, "_outcome", lambda *a, **k: replace(outcome_of(*a, **k), status=None))  # breaks NOT NULL
            with pytest.raises(duckdb.ConstraintException):
                house.run()
    assert house.contents() == before
    assert [outcome.status for outcome in house.run()] == ["accepted"]
    assert house.sql("select count(distinct session) from raw.price_bars") == [(40,)]


outcome_of = ingest_module._outcome


# The order of arrival


def price_pool() -> list[tuple[str, bytes, datetime, str]]:
    """Documents that restate, retract, are short, are rejected, contradict each other, or share a retrieval time."""
    days = invented.session_days(12)
    flat = Prices.invented(days).frame
    paid = pl.col("Date") == days[3]
    factor = 1 - 0.5 / flat["Close"][2]
    first = flat.with_columns(
        pl.when(paid).then(0.5).otherwise(0.0).alias("Dividends"),
        pl.col("Adj Close") * pl.when(pl.col("Date") < days[3]).then(factor).otherwise(1.0),
    )
    variants = [
        first.head(8),
        first,
        first.with_columns(pl.col("Adj Close") * 0.99),
        first.with_columns(pl.lit(0.0).alias("Dividends"), (pl.col("Close") * 0.9).alias("Adj Close")),
        first.with_columns(Dividends=pl.lit(0.0)),
        first.tail(5),
        first.with_columns(pl.col("Close") + 0.25),
        first.with_columns(pl.lit(date(2026, 5, 2)).alias("Date")),
        first.with_columns(
            pl.when(pl.col("Date").is_in(days[5:7])).then(pl.col("Close") + 0.2).otherwise("Close").alias("Close")
        ),
    ]
    pool = [("yahoo/prices/IWM", Prices(frame).csv(), AT + n * DAY, "csv") for n, frame in enumerate(variants)]
    return [*pool, ("yahoo/prices/IWM", Prices(variants[5]).parquet(), AT + DAY, "parquet")]


def holdings_pool() -> list[tuple[str, bytes, datetime, str]]:
    """Snapshots that repeat, change, lose a line, or are older than the last one."""
    pool = []
    for n, (as_of, change) in enumerate(
        [("04", "none"), ("05", "none"), ("05", "lost"), ("01", "none"), ("05", "price"), ("05", "none")]
    ):
        document = IShares()
        document.preamble[1] = f'Fund Holdings as of,"May {as_of}, 2026"'
        if change == "lost":
            document.rows.pop()
        if change == "price":
            document.rows[10][8] = "101.00"
        pool.append(("ishares/holdings/IWM", document.encode(), AT + n * DAY, "csv"))
    return pool


@pytest.mark.slow
@pytest.mark.parametrize("pool", [price_pool, holdings_pool])
def test_the_number_of_documents_per_commit_does_not_matter(
    house: House, pool: Callable[[], list[tuple[str, bytes, datetime, str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_by_one = House(tmp_path / "one_by_one")
    for document in pool():
        house.put(*document)
        one_by_one.put(*document)
    house.run()
    monkeypatch.setattr(ingest_module, "DOCUMENTS_A_COMMIT", 1)
    one_by_one.run()
    assert one_by_one.contents() == house.contents()
    one_by_one.connection.close()


MOMENTS = [AT + n * DAY for n in range(10)]


@pytest.mark.slow
@pytest.mark.parametrize("pool", [price_pool, holdings_pool])
@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_order_of_arrival_does_not_matter(
    pool: Callable[[], list[tuple[str, bytes, datetime, str]]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    documents = pool()
    places = data.draw(st.lists(st.integers(0, len(documents) - 1), min_size=2, max_size=5, unique=True))
    in_order, as_they_come = House(tmp_path_factory.mktemp("a")), House(tmp_path_factory.mktemp("b"))
    for place in places:
        in_order.put(*documents[place])
        as_they_come.put(*documents[place])
        as_they_come.run()
    in_order.run()
    for moment in MOMENTS:
        assert as_they_come.known(moment) == in_order.known(moment)
    ledger = "select document_id, status, rows_accepted, rows_rejected from raw.documents order by all"
    assert as_they_come.sql(ledger) == in_order.sql(ledger)
    settled = as_they_come.contents()
    as_they_come.run()
    assert as_they_come.contents() == settled
    in_order.connection.close()
    as_they_come.connection.close()

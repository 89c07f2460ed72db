"""Prices that a person has: one file with a symbol column, or a folder of one file a symbol."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from orchestration.cli.console import Refused
from orchestration.cli.main import app
from orchestration.landing import import_prices as module
from orchestration.landing.collect import Landing
from orchestration.landing.import_prices import NothingToImport, import_prices
from orchestration.vendors.yahoo.member_prices import COLUMNS, FEED, parse
from tests.vendors import documents as invented

NOW = datetime(2026, 5, 6, 1, tzinfo=UTC)
DAYS = invented.session_days(2)
HEADER = "Date,Open,High,Low,Close,Adj Close,Volume"
LINES = [f"{day},10,11,9.5,10.5,10.4,1000" for day in DAYS]


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing", [tmp_path / "landing"], NOW)


def landed(landing: Landing) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(BytesIO(document.read())) for document in landing.documents(FEED)])


def one_file(path: Path, symbols: list[str]) -> Path:
    rows = [f"{symbol},{line}" for symbol in symbols for line in LINES]
    path.write_text("\n".join([f"Ticker,{HEADER}", *rows]) + "\n")
    return path


def test_one_file_becomes_documents_of_some_symbols(landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SYMBOLS_A_DOCUMENT", 2)
    done = import_prices(one_file(tmp_path / "all.csv", ["NA", "BRK-B", "AAA"]), landing)
    assert (done.documents, done.present, done.bars, done.symbols) == (2, 0, 6, ["AAA", "BRK-B", "NA"])
    documents = landing.documents(FEED)
    assert [document.path.name for document in documents] == ["2026-05-06T005959Z.parquet", "2026-05-06T010000Z.parquet"]
    found = landed(landing)
    assert found.columns == list(COLUMNS)
    assert found["symbol"].unique().sort().to_list() == ["AAA", "BRK-B", "NA"]
    parsed = parse(documents[0].read(), invented.context("US", "parquet"))
    assert parsed.tables["member_bars"].height == 4


def test_a_folder_has_one_file_a_symbol(landing: Landing, tmp_path: Path) -> None:
    folder = tmp_path / "bars"
    folder.mkdir()
    for symbol in ("aaa", "TRUE"):
        (folder / f"{symbol}.csv").write_text("\n".join([HEADER, *LINES]) + "\n")
    (folder / "notes.txt").write_text("not a table")
    (folder / "~$aaa.csv").write_text("a spreadsheet's lock")
    (folder / "older.csv").mkdir()
    (folder / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    done = import_prices(folder, landing)
    assert (done.bars, done.symbols) == (4, ["AAA", "TRUE"])


def test_what_is_there_is_not_written_again(landing: Landing, tmp_path: Path) -> None:
    path = one_file(tmp_path / "all.csv", ["AAA"])
    import_prices(path, landing)
    later = Landing(landing.own, landing.folders, datetime(2026, 5, 7, 1, tzinfo=UTC))
    assert import_prices(path, later).present == 1
    assert len(landing.documents(FEED)) == 1


def at(landing: Landing, seconds: float) -> Landing:
    return Landing(landing.own, landing.folders, NOW + timedelta(seconds=seconds))


def test_a_row_without_a_symbol_is_written_and_rejected_by_the_next_run(landing: Landing, tmp_path: Path) -> None:
    done = import_prices(one_file(tmp_path / "all.csv", ["", "AAA"]), landing)
    (document,) = landing.documents(FEED)
    assert done.bars == landed(landing).height == 4
    (rejects,) = parse(document.read(), invented.context("US", "parquet")).rejects
    assert rejects["reason"].to_list() == ["the symbol is missing"] * 2


def test_the_file_imported_last_counts(landing: Landing, tmp_path: Path) -> None:
    one, other = (one_file(tmp_path / f"{name}.csv", ["AAA"]) for name in "ab")
    other.write_text(other.read_text().replace("10.5", "10.6"))
    for days, path in enumerate((one, other, one)):
        assert import_prices(path, at(landing, days * 86_400)).present == 0
    assert landed(landing)["close"].to_list() == [10.5, 10.5, 10.6, 10.6, 10.5, 10.5]


def test_an_import_is_after_the_one_of_seconds_before(landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SYMBOLS_A_DOCUMENT", 1)
    one, other = one_file(tmp_path / "a.csv", ["AAA"]), one_file(tmp_path / "b.csv", ["AAA", "BBB", "CCC"])
    other.write_text(other.read_text().replace("10.5", "10.6"))
    for seconds, path in enumerate((one, other, one)):
        import_prices(path, at(landing, seconds))
    assert [document.path.name[13:17] for document in landing.documents(FEED)] == ["0000", "0001", "0002", "0003", "0004"]
    assert landed(landing).filter(pl.col("symbol") == "AAA")["close"].to_list() == [10.5, 10.5, 10.6, 10.6, 10.5, 10.5]


def panicking_at(place: int, read: Callable[..., pl.DataFrame]) -> Callable[..., pl.DataFrame]:
    """A reader whose native library panics, which is no Exception, once."""
    calls = count(1)

    def reader(content: BytesIO) -> pl.DataFrame:
        if next(calls) == place:
            raise pl.exceptions.PanicException("index out of bounds")
        return read(content)

    return reader


def test_a_damaged_document_does_not_stop_an_import(landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = one_file(tmp_path / "all.csv", ["AAA"])
    import_prices(path, landing)
    (document,) = landing.documents(FEED)
    document.path.with_name("2026-05-06T005900Z.parquet").symlink_to(tmp_path / "nowhere.parquet")
    document.path.with_name("2026-05-06T005901Z.parquet").write_bytes(b"no table")
    monkeypatch.setattr(module.member_prices.pl, "read_parquet", panicking_at(1, pl.read_parquet))
    assert import_prices(path, at(landing, 60)).present == 1


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", "symbol,session,close\nAAA,2026-05-04,1\n", "no column open"),
        ("a.csv", f"Ticker,{HEADER}\n", "no row with a symbol"),
        ("a.parquet", "no parquet", "not a Parquet table"),
        ("a.csv", f"Ticker,{HEADER}\nAAA,05/04/2026,10,11,9.5,10.5,10.4,1000\n", "write dates as YYYY-MM-DD"),
        ("empty", None, "neither a file nor a folder"),
    ],
)
def test_anything_else_is_refused(landing: Landing, tmp_path: Path, name: str, content: str | None, reason: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(NothingToImport, match=reason):
        import_prices(path, landing)
    assert landing.documents(FEED) == []


def test_the_command_says_what_it_did_and_refuses_the_sample_market(tmp_path: Path) -> None:
    path = one_file(tmp_path / "all.csv", ["AAA", "BBB"])
    where = ["--data-dir", str(tmp_path / "home")]
    done = CliRunner().invoke(app, ["import-prices", str(path), "--universe", "IWM", "--source", "landing", *where])
    assert done.exit_code == 0, done.output
    assert "4 bars of 2 symbols" in done.output.replace("\n", " ")
    for arguments, reason in (
        (["--universe", "DIA", "--source", "live"], "use one of IWM, SPY, QQQ"),
        (["--universe", "IWM"], "own prices"),
    ):
        refused = CliRunner().invoke(app, ["import-prices", str(path), *arguments, *where])
        assert isinstance(refused.exception, Refused)
        assert reason in str(refused.exception)

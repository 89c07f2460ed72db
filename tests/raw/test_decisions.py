"""A person's decisions: their effect, their use in a rebuild, and the commands."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from orchestration.cli.main import Refused, app
from orchestration.files import content_hash
from orchestration.landing.documents import Document
from orchestration.raw.decisions import Choice, DecisionsDamaged, append_decision, read_decisions
from orchestration.raw.ingest import ingest
from orchestration.raw.review import NoSuchDocument, decide, decisions_without_document, quarantine
from orchestration.warehouse.connection import Warehouse, WarehouseLocked
from tests.raw.conftest import MakeDesk
from tests.raw.market import AT, DAY, SESSIONS, UNIVERSE, Desk, adjusted, answered, bars, fred, holdings, rates, scaled

IWM = bars("IWM")
SPIKED = scaled(IWM, 50, 1.2)
BEFORE_LAST = IWM.head(IWM.height - 5)


def _decide(desk: Desk, document: Document, choice: Choice) -> None:
    decide(document.key, choice, "looked at it", landing=[desk.landing], decisions=desk.decisions)


def _rebuilt(desk: Desk, folder: Path) -> Desk:
    """A new warehouse from the same documents and decisions."""
    fresh = Desk(folder)
    shutil.copytree(desk.landing, fresh.landing, dirs_exist_ok=True)
    if desk.decisions.exists():
        shutil.copy(desk.decisions, fresh.decisions)
    fresh.run()
    return fresh


def _state(desk: Desk) -> dict[str, list[tuple[object, ...]]]:
    """Every observation and outcome, except those of the calendar."""
    contents = desk.contents()
    return {name: rows for name, rows in contents.items() if name != "sessions"}


@pytest.mark.slow
def test_an_accepted_document_is_used_with_all_its_rows(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk("neighbours")
    document = desk.prices("IWM", SPIKED)
    (outcome,) = desk.run()
    assert outcome.rows_quarantined == 1
    _decide(desk, document, Choice.accept)
    (outcome,) = desk.run()
    assert (outcome.status, outcome.decided_by, outcome.rows_accepted) == ("accepted", "person", IWM.height)
    assert desk.in_quarantine() == []
    close = SPIKED["Close"][-51]
    assert desk.sql(f"select close from raw.price_bars where symbol = 'IWM' and session = '{SESSIONS[-51]}'") == [(close,)]
    rebuilt = _rebuilt(desk, tmp_path)
    assert _state(rebuilt) == _state(desk)
    rebuilt.connection.close()


@pytest.mark.parametrize("kind", ["prices", "rates"])
def test_accepted_rows_are_not_quarantined_again(kind: str, make_desk: MakeDesk) -> None:
    desk = make_desk("neighbours" if kind == "prices" else "known")
    odd_day = rates("DFF")["date"][300]
    odd = rates("DFF").with_columns(pl.when(pl.col("date") == odd_day).then(9.0).otherwise("value").alias("value"))

    def put(when: datetime) -> Document:
        return desk.prices("IWM", SPIKED, when) if kind == "prices" else desk.rates("DFF", odd, when)

    first = put(AT + DAY)
    desk.run()
    assert {path for path, *_ in desk.in_quarantine()} == {first.key}
    _decide(desk, first, Choice.accept)
    put(AT + 2 * DAY)
    desk.run()
    assert desk.in_quarantine() == []


def test_a_quarantined_document_is_used_after_acceptance(make_desk: MakeDesk) -> None:
    desk = make_desk("known")
    document = desk.prices("SPY", IWM, AT + DAY)
    before = desk.last_known()
    desk.run()
    assert desk.status(document) == "quarantined"
    assert desk.last_known() == before
    _decide(desk, document, Choice.accept)
    desk.run()
    assert desk.status(document) == "accepted"
    assert desk.last_known() != before


def test_a_document_that_contradicts_an_accepted_one_waits_for_a_person(make_desk: MakeDesk) -> None:
    """Without the decision, the rules would say which of the two is wrong."""
    desk = make_desk("known")
    saturday = replace(holdings("IWM", 25).undeclared(), as_of=date(2026, 4, 4))
    first = desk.holdings(saturday, answered(saturday.as_of) + DAY)
    desk.run()
    _decide(desk, first, Choice.accept)
    desk.run()
    half = replace(holdings("IWM").undeclared(), lines=holdings("IWM").lines.tail(150))
    second = desk.holdings(half)
    desk.run()
    assert (desk.status(first), desk.status(second)) == ("accepted", "quarantined")


def test_prices_that_contradict_accepted_ones_wait_for_a_person(make_desk: MakeDesk) -> None:
    """A person accepts prices whose moves are twice those of the fund; the true ones follow."""
    desk = make_desk("neighbours")
    factor = IWM["Close"] / IWM["Close"][0]
    names = ("Open", "High", "Low", "Close", "Dividends")
    accepted = desk.prices("IWM", adjusted(IWM.with_columns([pl.col(name) * factor for name in names])), AT)
    _decide(desk, accepted, Choice.accept)
    desk.run()
    before = desk.last_known()
    later = desk.prices("IWM", IWM, AT + DAY)
    desk.run()
    assert (desk.status(accepted), desk.status(later)) == ("accepted", "quarantined")
    assert desk.last_known() == before


@pytest.mark.slow
def test_a_rejected_document_is_withdrawn_and_restated_values_return(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk, without = make_desk("neighbours"), make_desk("neighbours")
    restating = scaled(IWM, 50, 1.0015)
    for one in (desk, without):
        one.prices("IWM", BEFORE_LAST, answered(SESSIONS[-6]))
        one.prices("IWM", IWM, AT + DAY)
    document = desk.prices("IWM", restating, AT)
    for one in (desk, without):
        one.run()
    assert len(desk.sql(f"select * from raw.price_bars where symbol = 'IWM' and session = '{SESSIONS[-51]}'")) == 3
    _decide(desk, document, Choice.reject)
    outcomes = {outcome.path: outcome for outcome in desk.run()}
    assert (outcomes[document.key].status, outcomes[document.key].decided_by) == ("rejected", "person")
    assert "rejected by decision of" in (outcomes[document.key].reason or "")
    assert "looked at it" in (outcomes[document.key].reason or "")
    assert desk.sql(f"select count(*) from raw.price_bars where document_id = '{outcomes[document.key].document_id}'") == [(0,)]
    assert desk.contents()["price_bars"] == without.contents()["price_bars"]
    assert desk.contents()["corporate_actions"] == without.contents()["corporate_actions"]
    rebuilt = _rebuilt(desk, tmp_path)
    assert _state(rebuilt) == _state(desk)
    rebuilt.connection.close()


def test_later_documents_are_validated_again_after_a_decision(make_desk: MakeDesk, tmp_path: Path) -> None:
    """A wrong first document keeps the right one in quarantine until a person rejects it."""
    desk = make_desk("empty")
    wrong = desk.holdings(holdings("IWM", 5).undeclared().times(value=1000, price=1000))
    right = desk.holdings(holdings("IWM"))
    desk.run()
    assert (desk.status(wrong), desk.status(right)) == ("accepted", "quarantined")
    _decide(desk, wrong, Choice.reject)
    desk.run()
    assert (desk.status(wrong), desk.status(right)) == ("rejected", "accepted")
    assert desk.in_quarantine() == []
    rebuilt = _rebuilt(desk, tmp_path)
    assert _state(rebuilt) == _state(desk)
    rebuilt.connection.close()


def test_a_later_document_overrules_after_a_person_accepts_one_that_agrees(make_desk: MakeDesk) -> None:
    """A wrong first file of one fund makes the first file of another look wrong; a decision about either resolves both."""
    desk = make_desk("empty")
    wrong = desk.holdings(holdings("IWM", 5).undeclared().times(value=1000, price=1000))
    desk.run()
    other = desk.holdings(holdings("IWV", 5))
    desk.run()
    assert desk.status(other) == "quarantined"
    _decide(desk, other, Choice.accept)
    desk.run()
    right = desk.holdings(holdings("IWM"))
    desk.run()
    assert desk.status(right) == "accepted"
    assert desk.status(wrong) == "quarantined"


@pytest.mark.slow
def test_judge_returns_a_document_to_the_rules(make_desk: MakeDesk) -> None:
    desk = make_desk("neighbours")
    document = desk.prices("IWM", SPIKED)
    desk.run()
    by_rules = _state(desk)
    for choice in (Choice.accept, Choice.reject):
        _decide(desk, document, choice)
        desk.run()
        assert _state(desk) != by_rules
        _decide(desk, document, Choice.judge)
        desk.run()
        assert _state(desk) == by_rules


def test_a_rejected_copy_is_no_evidence_against_the_original(make_desk: MakeDesk) -> None:
    """SPY's file is saved under QQQ; after its rejection there, it only counts for SPY."""
    desk = make_desk("empty")
    wrong = desk.prices("QQQ", bars("SPY").filter(pl.col("Date") >= SESSIONS[100]))
    _decide(desk, wrong, Choice.reject)
    right = desk.prices("SPY", bars("SPY").filter(pl.col("Date") >= SESSIONS[100]))
    desk.run()
    assert (desk.status(wrong), desk.status(right)) == ("rejected", "accepted")


def test_the_last_decision_counts(make_desk: MakeDesk) -> None:
    desk = make_desk("neighbours")
    document = desk.prices("IWM", SPIKED)
    for choice in (Choice.accept, Choice.judge, Choice.reject):
        _decide(desk, document, choice)
    desk.run()
    assert desk.status(document) == "rejected"


def test_a_decision_applies_to_the_content_under_any_name(make_desk: MakeDesk) -> None:
    desk = make_desk("neighbours")
    document = desk.prices("IWM", SPIKED)
    _decide(desk, document, Choice.reject)
    copy = desk.prices("IWM", SPIKED, AT + DAY)
    other = desk.prices("IWM", scaled(IWM, 51, 1.2), AT + 2 * DAY)
    desk.run()
    assert [desk.status(one) for one in (document, copy, other)] == ["rejected", "rejected", "accepted"]


def test_a_corrected_file_replaces_a_quarantined_one(make_desk: MakeDesk) -> None:
    desk = make_desk("neighbours")
    document = desk.prices("IWM", bars("SPY"))
    desk.run()
    assert [path for path, *_ in desk.in_quarantine()] == [document.key, document.key]
    document.path.unlink()
    desk.prices("IWM", IWM)
    desk.run()
    assert desk.in_quarantine() == []
    assert desk.status(document) == "accepted"


def test_a_removed_file_leaves_the_quarantine(make_desk: MakeDesk) -> None:
    desk = make_desk("known")
    document = desk.prices("IWM", bars("SPY"), AT + DAY)
    desk.run()
    assert desk.in_quarantine()
    document.path.unlink()
    desk.run()
    assert desk.in_quarantine() == []
    assert desk.sql("select count(*) from raw.documents where status <> 'accepted'") == [(0,)]


def test_the_only_document_of_its_kind_leaves_the_quarantine(make_desk: MakeDesk) -> None:
    """No other document shows that the kind was read: the caller says so."""
    desk = make_desk("known")
    document = desk.put("yahoo/quotes/IWM", b"no table")
    desk.run()
    assert desk.status(document) == "rejected"
    document.path.unlink()
    desk.run()
    assert desk.sql("select count(*) from raw.documents where kind = 'quotes'") == [(1,)]
    ingest(desk.connection, [], universe=UNIVERSE, kinds=[("yahoo", "quotes")])
    assert desk.sql("select count(*) from raw.documents where kind = 'quotes'") == [(0,)]


# The file

KEY = "v/k/s/x"
DECISION = {"sha256": "a" * 64, "choice": "accept", "reason": "r", "decided_at": "2026-05-06", "path": KEY}


@pytest.mark.parametrize(
    "path", ["landing/v/k/s/x", "/data/landing/v/k/s/x", "./v/k/s/x", r"C:\data\landing\v\k\s\x"], ids=lambda path: path
)
def test_a_path_may_be_written_as_a_person_sees_it(path: str, tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    file.write_text("\ufeff" + json.dumps(DECISION | {"path": path}) + "\r\n", encoding="utf-8")
    assert list(read_decisions(file)) == [("v/k/s", "a" * 64)]


def test_of_merged_files_the_later_decision_counts(tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    lines = [
        DECISION | {"decided_at": "2026-05-10T12:00:00+00:00"},
        DECISION | {"decided_at": "2026-05-10T13:00:00+02:00", "choice": "reject"},
        DECISION | {"decided_at": "2026-05-07", "choice": "reject"},
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    assert [decision.choice for decision in read_decisions(file).values()] == [Choice.accept]


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DecisionsDamaged, match="is not a file"):
        read_decisions(tmp_path)


def test_a_decision_without_its_document_is_found(make_desk: MakeDesk) -> None:
    desk = make_desk("neighbours")
    document = desk.prices("IWM", SPIKED)
    _decide(desk, document, Choice.accept)
    assert decisions_without_document(read_decisions(desk.decisions), [desk.landing]) == []
    document.path.write_bytes(b"other content")
    (found,) = decisions_without_document(read_decisions(desk.decisions), [desk.landing])
    assert found.path == document.key


def test_a_reason_with_any_characters_is_preserved(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    reason = 'a "quoted" reason,\nof two\u2028or three\x85lines, with \udcff and 億'
    written = append_decision(
        path,
        sha256="a" * 64,
        choice=Choice.accept,
        reason=reason,
        decided_at=datetime(2026, 5, 6, tzinfo=UTC),
        document=KEY,
    )
    assert written.reason == reason.replace("\udcff", "?")
    assert list(read_decisions(path).values()) == [written]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"sha256": "', "Invalid JSON"),
        ("[]", "should be an object"),
        ('{"choice": "accept"}', "sha256"),
        (json.dumps(DECISION | {"sha256": "ab"}), "sha256"),
        (json.dumps(DECISION | {"choice": "perhaps"}), "choice"),
        (json.dumps(DECISION | {"decided_at": 5}), "decided_at"),
        (json.dumps(DECISION | {"decided_at": "yesterday"}), "decided_at"),
        (json.dumps(DECISION | {"path": "x"}), "path: .*vendor/kind/symbol/file"),
        (b"\xff\xfe", "Invalid JSON"),
    ],
)  # fmt: skip
def test_a_damaged_line_is_named(line: str | bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    append_decision(
        path, sha256="a" * 64, choice=Choice.accept, reason="r", decided_at=datetime(2026, 5, 6, tzinfo=UTC), document=KEY
    )
    path.write_bytes(path.read_bytes() + (line if isinstance(line, bytes) else line.encode()) + b"\n")
    with pytest.raises(DecisionsDamaged, match=rf"^Line 2 of .*decisions.jsonl is not a valid decision.*{why}"):
        read_decisions(path)


def test_a_decision_after_a_truncated_line_is_a_separate_line(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    path.write_text('{"sha256": "')
    append_decision(
        path, sha256="a" * 64, choice=Choice.accept, reason="r", decided_at=datetime(2026, 5, 6, tzinfo=UTC), document=KEY
    )
    with pytest.raises(DecisionsDamaged, match="^Line 1 of"):
        read_decisions(path)
    path.write_text(path.read_text().partition("\n")[2])
    assert [decision.sha256 for decision in read_decisions(path).values()] == ["a" * 64]


# The commands


@pytest.fixture
def home(make_desk: MakeDesk, tmp_path: Path) -> Path:
    """A data directory with one document with a quarantined row, and one quarantined document."""
    desk = make_desk("neighbours")
    desk.prices("IWM", SPIKED)
    desk.put("fred/rates/DFF", fred("DFF", rates("DFF").with_columns(pl.col("value") * 0.01 + 30)))
    desk.run()
    desk.connection.execute("checkpoint")
    desk.connection.close()
    shutil.copytree(desk.landing, tmp_path / "landing")
    shutil.copy(desk.warehouse.path, tmp_path / "warehouse.duckdb")
    return tmp_path


def _smallcap(home: Path, *arguments: str) -> str:
    result = CliRunner().invoke(app, [*arguments, "--source", "landing", "--data-dir", str(home)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_quarantine_lists_whole_documents_first(home: Path) -> None:
    listed = _smallcap(home, "quarantine")
    whole, rows = (
        listed.index("fred/rates/DFF/2026-05-06T010000Z.csv"),
        listed.index("yahoo/prices/IWM/2026-05-06T010000Z.parquet"),
    )
    assert whole < rows
    assert "few_rates_are_implausible: 876 of 876 rows" in listed
    assert "1 rows; the rest" not in listed
    assert "1 row; the rest of the document is used" in listed
    assert "close_moves_with_others: the close" in listed
    assert "smallcap accept|reject DOCUMENT" in listed


def test_an_acceptance_is_recorded_by_content(home: Path) -> None:
    place = "yahoo/prices/IWM/2026-05-06T010000Z.parquet"
    output = _smallcap(home, "accept", place, "--reason", "the exchange says so")
    assert place in output
    assert str(home / "decisions.jsonl") in output
    (((folder, sha256), decision),) = read_decisions(home / "decisions.jsonl").items()
    assert (folder, sha256) == ("yahoo/prices/IWM", content_hash((home / "landing" / place).read_bytes()))
    assert (decision.choice, decision.reason) == (Choice.accept, "the exchange says so")
    _smallcap(home, "reject", str(home / "landing" / place), "--reason", "it does not")
    assert read_decisions(home / "decisions.jsonl")[folder, sha256].choice is Choice.reject


@pytest.mark.parametrize(
    ("document", "reason", "says"),
    [
        ("yahoo/prices/IWM/no.csv", "r", "No document 'yahoo/prices/IWM/no.csv' below .*/landing: `smallcap quarantine` lists"),
        ("2026-05-06T010000Z.parquet", "r", "3 documents match '2026-05-06T010000Z.parquet': use the full path"),
        ("yahoo/prices/IWM/2026-05-06T010000Z.parquet", "  ", "A decision requires a reason"),
    ],
)  # fmt: skip
def test_a_wrong_name_gives_a_clear_message(home: Path, document: str, reason: str, says: str) -> None:
    with pytest.raises(Refused, match=says.replace("|", r"\|")) as refusal:
        _smallcap(home, "reject", document, "--reason", reason)
    assert "\n" not in str(refusal.value)
    assert not (home / "decisions.jsonl").exists()


def test_an_ambiguous_name_is_not_guessed(home: Path) -> None:
    place = home / "landing" / "yahoo" / "prices"
    for symbol in ("SPY", "QQQ"):
        (place / symbol / "same.csv").write_text("the same")
    with pytest.raises(Refused, match=r"2 documents match 'same.csv'"):
        _smallcap(home, "reject", "same.csv", "--reason", "r")


def test_an_unreadable_document_gives_a_clear_message(home: Path) -> None:
    place = home / "landing" / "yahoo" / "prices" / "IWM" / "2026-05-08T010000Z.parquet"
    place.symlink_to("/etc/hostname")
    with pytest.raises(Refused, match="link to a place outside the landing folder"):
        _smallcap(home, "reject", "yahoo/prices/IWM/2026-05-08T010000Z.parquet", "--reason", "r")


def test_quarantine_of_a_locked_or_damaged_warehouse_gives_a_clear_message(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "warehouse.duckdb").write_bytes(b"nothing" * 5000)
    with pytest.raises(Refused, match="is damaged: rebuild it"):
        _smallcap(home, "quarantine")

    def locked(*_: object, **__: object) -> None:
        raise WarehouseLocked("it is open in another program")

    monkeypatch.setattr(Warehouse, "connect", locked)
    with pytest.raises(Refused, match="open in another program"):
        _smallcap(home, "quarantine")


def test_an_empty_quarantine_is_reported(tmp_path: Path) -> None:
    assert _smallcap(tmp_path, "quarantine").strip() == "The quarantine is empty."
    assert quarantine(tmp_path / "warehouse.duckdb") == []


def test_decide_names_what_it_cannot_find(tmp_path: Path) -> None:
    with pytest.raises(NoSuchDocument, match="smallcap quarantine"):
        decide("x", Choice.accept, "r", landing=[tmp_path], decisions=tmp_path / "decisions.jsonl")


def test_what_a_decision_can_and_cannot_override(make_desk: MakeDesk) -> None:
    """A person can accept a document with unusable lines, but not a date after the clock."""
    desk = make_desk("empty")
    lines = fred("DFF", rates("DFF")).decode().splitlines(keepends=True)
    lines[1:101] = [line.replace(",", ",x") for line in lines[1:101]]
    half_read = desk.put("fred/rates/DFF", "".join(lines).encode(), AT)
    future = desk.prices("IWM", IWM, AT + 1000 * DAY)
    for document in (half_read, future):
        _decide(desk, document, Choice.accept)
    desk.run()
    assert (desk.status(half_read), desk.status(future)) == ("accepted", "rejected")

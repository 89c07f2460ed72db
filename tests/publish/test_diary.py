"""The diary: frozen once per session, whole after any crash, and followed by what the prices did."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.publish.diary import (
    HORIZONS,
    SIGNAL_DIARY,
    Diary,
    DiaryDamaged,
    Entry,
    Forecast,
    Reading,
    diary_rows,
    forecast_rows,
    forecasts,
    outcomes,
    said_by,
)

FIRST = date(2026, 1, 5)
RISK_ON = Reading("regime", "IWM/SPY", "risk_on", 0.03, FIRST, FIRST, "undecided")


def entry(day: int, *, label: str = "risk_on", source: str = "live") -> Entry:
    session = FIRST + timedelta(days=day)
    said = replace(RISK_ON, label=label, as_of=session)
    return Entry(session, source, f"2026{day:04}T223000Z", datetime(2026, 1, 5, 22, 30) + timedelta(days=day), [said])


def test_what_was_said_first_is_kept(tmp_path: Path) -> None:
    diary = Diary(tmp_path / "home" / "diary.jsonl")
    assert diary.entries() == []
    assert diary.append([entry(0)]) is None
    before = diary.path.read_bytes()
    diary.append([entry(0, label="risk_off")])
    assert diary.path.read_bytes() == before
    diary.append([entry(0), entry(1)])
    assert diary.path.read_bytes().startswith(before)
    assert diary.entries() == [entry(0), entry(1)]


def test_a_diary_has_one_source(tmp_path: Path) -> None:
    diary = Diary(tmp_path / "diary.jsonl")
    diary.append([entry(0, source="sample"), entry(1), entry(2, source="sample")])
    assert [one.source for one in diary.entries()] == ["sample", "sample"]


@pytest.mark.slow
@settings(deadline=None, max_examples=50, derandomize=True)
@given(kept=st.integers(0, 4), data=st.data())
def test_an_append_that_was_cut_off_anywhere_is_repeated(
    tmp_path_factory: pytest.TempPathFactory, kept: int, data: st.DataObject
) -> None:
    diary = Diary(tmp_path_factory.mktemp("diary") / "diary.jsonl")
    everything = [entry(day) for day in range(kept + 1)]
    diary.append(everything)
    whole = diary.path.read_bytes()
    start = len(b"".join(line + b"\n" for line in whole.splitlines()[:kept]))
    diary.path.write_bytes(whole[: data.draw(st.integers(start, len(whole)))])
    diary.append(everything)
    # A last line that lacks its end only is whole.
    assert diary.path.read_bytes().rstrip(b"\n") == whole.rstrip(b"\n")
    assert diary.entries() == everything


def test_an_incomplete_line_is_said(tmp_path: Path) -> None:
    diary = Diary(tmp_path / "diary.jsonl")
    diary.append([entry(0)])
    with diary.path.open("ab") as stream:
        stream.write(b'{"session": "2026-01-')
    note = diary.append([])
    assert note is not None
    assert note.startswith("The last line of diary.jsonl was incomplete and is removed (21 bytes")
    assert diary.entries() == [entry(0)]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["no json", json.dumps(entry(1).as_json())], "line 1 of diary.jsonl is not valid"),
        ([json.dumps({**entry(0).as_json(), "session": "yesterday"})] * 2, "line 1 of diary.jsonl is not valid"),
        ([json.dumps(entry(0).as_json())] * 2, "line 2 of diary.jsonl repeats the session 2026-01-05: delete the line"),
    ],
)
def test_a_damaged_diary_is_refused_and_left_as_it_is(tmp_path: Path, lines: list[str], words: str) -> None:
    diary = Diary(tmp_path / "diary.jsonl")
    diary.path.write_text("".join(f"{line}\n" for line in lines))
    before = diary.path.read_bytes()
    with pytest.raises(DiaryDamaged) as refused:
        diary.append([entry(9)])
    assert str(refused.value).startswith(words)
    assert diary.path.read_bytes() == before


def test_the_manifest_has_what_the_file_has(tmp_path: Path) -> None:
    manifests: list[dict[str, Any]] = [
        {"diary": entry(0).as_json()},
        {"diary": None},
        {},
        {"diary": json.loads(json.dumps(entry(2).as_json()))},
    ]
    assert said_by(manifests) == [entry(0), entry(2)]


RANKED = Forecast("2026-06", "rank day", "fund weights", date(2026, 4, 30), {"leaves above": ["A", "B"], "leaves below": ["C"]})


def test_forecasts_are_kept_as_they_were_first_said(tmp_path: Path) -> None:
    diary = Diary(tmp_path / "diary.jsonl")
    old = {name: value for name, value in entry(0).as_json().items() if name != "forecasts"}
    diary.path.write_text(json.dumps(old) + "\n")
    diary.append([replace(entry(1), forecasts=[RANKED])])
    assert diary.entries() == [entry(0), replace(entry(1), forecasts=[RANKED])]
    rows = forecast_rows(diary.entries())
    assert rows.select("symbol", "status").rows() == [("A", "leaves above"), ("B", "leaves above"), ("C", "leaves below")]
    assert set(rows["release_id"]) == {entry(1).release_id}


def test_a_statement_is_recorded_once_in_time_and_before_the_event() -> None:
    said = "('2026-06', 'rank day', 'fund weights', date '2026-04-30', {}, false, false)"
    with duckdb.connect() as connection:
        connection.execute(f"""
            create schema marts;
            create table marts.reconstitution_calendar as from (values
                ('2025-06', date '2025-06-27'), ('2026-06', date '2026-06-26'), ('2026-12', date '2026-12-11')
            ) as t (event, effective);
            create table marts.reconstitution_candidates as
            select *, 'S' || row_number() over () as symbol from (values
                {said.format("'leaves above'")}, {said.format("'leaves above'")}, {said.format("'leaves below'")},
                {said.format("'stays'")}, {said.format("null")},
                ('2026-06', 'rank day', 'total capitalisations', date '2026-04-30', 'leaves above', true, false),
                ('2026-12', 'preview', 'fund weights', date '2026-05-04', 'leaves above', false, true),
                ('2025-06', 'rank day', 'fund weights', date '2025-04-30', 'leaves above', false, false)
            ) as t (event, stage, quality, said_on, status, is_hindsight, is_preview)
        """)
        found = forecasts(connection, date(2026, 5, 4), [])
        assert [(one.event, one.stage, one.quality, one.said_on) for one in found] == [
            ("2026-06", "rank day", "fund weights", date(2026, 4, 30))
        ]
        assert {status: len(symbols) for status, symbols in found[0].symbols.items()} == {"leaves above": 2, "leaves below": 1}
        assert forecasts(connection, date(2026, 5, 5), [replace(entry(0), forecasts=found)]) == []
        assert forecasts(connection, date(2026, 6, 25), []) == found
        assert forecasts(connection, date(2026, 6, 26), []) == []


@pytest.fixture
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    """80 weekdays of prices, of which the last is not there yet, and a regime that flips on the 30th."""
    with duckdb.connect() as connection:
        connection.execute("""
            create schema marts;
            create table marts.session_calendar as
            select row_number() over (order by day) as session_no, day::date as session
            from generate_series(date '2026-01-05', date '2026-04-24', interval 1 day) as days (day)
            where isodow(day) < 6;
            create table marts.price_daily as
            select fund, session, exp(drift * session_no + 0.01 * sin(session_no)) as total_return_index
            from marts.session_calendar, (values ('IWM', 0.002), ('SPY', 0.001), ('QQQ', 0.003)) as funds (fund, drift)
            where session_no < 80;
            create table marts.regime_daily as
            select 'IWM/SPY' as pair, session, case when session_no < 30 then 'risk_on' else 'risk_off' end as regime
            from marts.session_calendar where session_no < 80;
            create table marts.ratio_daily as select pair, session, null::varchar as trend_break from marts.regime_daily;
            create table marts.breadth_daily as select session, 'mixed' as breadth from marts.regime_daily where false;
            create table marts.rate_regime_daily as select session, 'hold' as rate_regime from marts.regime_daily where false;
            create table marts.cycle_phase_daily as select session, 'mid' as cycle_phase from marts.regime_daily where false;
        """)
        yield connection


def test_what_followed_is_what_the_prices_say(marts: duckdb.DuckDBPyConnection) -> None:
    sessions = [row[0] for row in marts.execute("select session from marts.session_calendar order by 1").fetchall()]
    index = {
        (fund, session): level
        for fund, session, level in marts.execute("select fund, session, total_return_index from marts.price_daily").fetchall()
    }
    spoken = [0, 10, 22, 28, 60, 73, 78]
    SIGNAL_DIARY.create(marts, diary_rows([entry((sessions[at] - FIRST).days) for at in spoken]))
    found = {
        (row["session"], row["horizon"], row["target"]): row
        for row in outcomes(marts).cast({"entry_session": pl.Date}).iter_rows(named=True)
    }
    expected = 0
    for at in spoken:
        for horizon in HORIZONS:
            begin, end = at + 1, at + 1 + horizon
            if end >= len(sessions):
                assert (sessions[at], horizon, "IWM") not in found
                continue
            expected += 1
            returns = {
                fund: index[fund, sessions[end]] / index[fund, sessions[begin]] - 1 if (fund, sessions[end]) in index else None
                for fund in ("IWM", "SPY")
            }
            for target in ("IWM", "SPY", "IWM - SPY"):
                row = found[sessions[at], horizon, target]
                assert (row["entry_session"], row["end_session"]) == (sessions[begin], sessions[end])
                if returns["IWM"] is None or returns["SPY"] is None:
                    assert (row["forward_return"], row["label_now"], row["is_flipped"]) == (None, None, None)
                    continue
                value = returns["IWM"] - returns["SPY"] if target == "IWM - SPY" else returns[target]
                assert row["forward_return"] == pytest.approx(value, rel=1e-12)
                # sessions[29] is the first risk_off; the diary says risk_on throughout.
                assert row["label_now"] == ("risk_off" if end >= 29 else "risk_on")
                assert row["is_flipped"] == (end >= 29)
    assert len(found) == 3 * expected
    assert any(row["forward_return"] is None for row in found.values())

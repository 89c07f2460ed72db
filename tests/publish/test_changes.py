"""Each planted difference between two releases is found, with its cause, and nothing else."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from orchestration.publish.changes import CHANGES, READING_CHANGES, NotComparable, changes, frame, side_of, since_session
from tests.publish.small_releases import MONDAY, TUESDAY, WEDNESDAY, Tables, made_of, tables, with_wednesday, write_release

Found = dict[tuple[str, str, str], dict[str, Any]]
NEW_OBSERVATIONS = made_of(observations="o2", session="2026-08-12")


def compared(tmp_path: Path, before: Tables, after: Tables, old: dict[str, Any] | None = None, **new: Any) -> Found:
    """The changes between two releases by topic, subject and field."""
    a = write_release(tmp_path, "A", before, **(old or {}))
    b = write_release(tmp_path, "B", after, **new)
    found = changes(a, b)
    assert found.columns == list(READING_CHANGES.columns)
    assert found["line"].to_list() == list(range(1, found.height + 1))
    assert found["change"].map_elements(CHANGES.index, return_dtype=pl.Int64).is_sorted()
    assert all(text[0].isupper() or text.startswith("yahoo") for text in found["sentence"])
    assert found["sentence"].str.ends_with(".").all()
    for never in (name for name, column in READING_CHANGES.columns.items() if not column.may_be_null):
        assert found[never].null_count() == 0, never
    rows = {(row["topic"], row["subject"], row["field"]): row for row in found.iter_rows(named=True)}
    assert len(rows) == found.height
    return rows


def replaced(found: Tables, table: str, *where: pl.Expr, **columns: Any) -> Tables:
    """The tables with other values in the rows of one table that meet a condition."""
    condition = pl.all_horizontal(where) if where else pl.lit(True)
    new = [pl.when(condition).then(pl.lit(value)).otherwise(pl.col(name)).alias(name) for name, value in columns.items()]
    return {**found, table: found[table].with_columns(new)}


def test_the_same_release_again_has_no_changes(tmp_path: Path) -> None:
    assert compared(tmp_path, tables(), tables()) == {}


def test_a_flip_on_a_new_session_is_new_data(tmp_path: Path) -> None:
    found = compared(tmp_path, tables(), with_wednesday(tables(), regime="risk_on"), made_of=NEW_OBSERVATIONS)
    flip = found.pop(("regime", "IWM/SPY", "regime"))
    assert flip["sentence"] == "Regime (IWM/SPY) changed from risk_off to risk_on."
    assert (flip["change"], flip["cause"], flip["session"], flip["line"]) == ("flip", "new data", WEDNESDAY, 1)
    assert (flip["baseline_release_id"], flip["baseline_session"]) == ("A", TUESDAY)
    assert {(key[2], row["change"], row["cause"]) for key, row in found.items()} == {
        ("trend_gap", "value", "new data"),
        ("ratio", "value", "new data"),
    }
    assert float(found["ratio", "IWM/SPY", "ratio"]["value_after"]) == 0.41


def test_new_code_that_changes_no_old_value_is_not_the_cause(tmp_path: Path) -> None:
    changed = made_of(observations="o2", session="2026-08-12", code="c2")
    found = compared(tmp_path, tables(), with_wednesday(tables(), regime="risk_on"), made_of=changed)
    assert found["regime", "IWM/SPY", "regime"]["cause"] == "new data"
    assert found["code", "code", "hash"]["cause"] == "rule"


@pytest.mark.parametrize(
    ("made_of_after", "params", "cause"),
    [
        (made_of(observations="o2"), "p1", "restatement"),
        (made_of(code="c2"), "p1", "rule"),
        (made_of(code="c2"), "p2", "parameter"),
        (made_of(code="c2", observations="o2"), "p2", "parameter"),
        (made_of(), "p1", "time"),
    ],
)
def test_the_cause_of_another_value_of_the_same_session(
    tmp_path: Path, made_of_after: dict[str, str], params: str, cause: str
) -> None:
    after = replaced(tables(), "regime_daily", pl.col("session") == TUESDAY, regime="risk_on")
    after = replaced(after, "regime_daily", params_id=params)
    found = compared(tmp_path, tables(), after, made_of=made_of_after)
    assert found["regime", "IWM/SPY", "regime"]["change"] == "flip"
    assert found["regime", "IWM/SPY", "regime"]["cause"] == cause
    assert found.keys() - {("code", "code", "hash")} == {("regime", "IWM/SPY", "regime")}


def test_a_rule_that_changes_the_old_session_too_is_the_cause_on_a_new_session(tmp_path: Path) -> None:
    after = with_wednesday(replaced(tables(), "regime_daily", regime="risk_on"), regime="risk_on")
    found = compared(tmp_path, tables(), after, made_of=made_of(observations="o2", session="2026-08-12", code="c2"))
    assert found["regime", "IWM/SPY", "regime"]["cause"] == "rule"
    past = found["regime", "IWM/SPY", "regime, past sessions changed"]
    assert (past["change"], past["cause"], past["session"]) == ("restated", "rule", TUESDAY)


def test_a_restated_past_session_is_found(tmp_path: Path) -> None:
    after = replaced(tables(), "ratio_daily", pl.col("session") == MONDAY, ratio=0.38)
    found = compared(tmp_path, tables(), after, made_of=made_of(observations="o2"))
    assert list(found) == [("ratio", "IWM/SPY", "ratio, past sessions changed")]
    [row] = found.values()
    assert (row["change"], row["cause"], row["session"]) == ("restated", "restatement", MONDAY)
    assert row["sentence"] == "Price ratio (IWM/SPY): 2026-08-10 changed; on 2026-08-10 from 0.39 to 0.38."


def test_digits_beyond_the_ninth_are_not_a_change(tmp_path: Path) -> None:
    after = replaced(tables(), "ratio_daily", pl.col("session") == TUESDAY, ratio=0.4 * (1 + 1e-12))
    assert compared(tmp_path, tables(), after, made_of=made_of(observations="o2")) == {}


def test_sessions_added_to_the_past_are_new_data(tmp_path: Path) -> None:
    before = {**tables(), "ratio_daily": tables()["ratio_daily"].filter(pl.col("session") != MONDAY)}
    found = compared(tmp_path, before, tables(), made_of=made_of(observations="o2"))
    row = found["ratio", "IWM/SPY", "ratio, past sessions added"]
    assert (row["change"], row["cause"], row["value_before"]) == ("new", "new data", None)


def test_events(tmp_path: Path) -> None:
    after = with_wednesday(tables())
    after = replaced(after, "ratio_daily", pl.col("session") == WEDNESDAY, trend_break="break_up")
    after = replaced(after, "ratio_daily", pl.col("session") == MONDAY, trend_break=None)
    after = replaced(after, "breadth_episodes", is_open=False)
    new = after["breadth_episodes"].with_columns(
        pl.lit(date(2026, 8, 5)).alias("first_session"), pl.lit(WEDNESDAY).alias("confirmed_on"),
        pl.lit("small_cap_led").alias("breadth"), pl.lit(True).alias("is_open"),
    )  # fmt: skip
    after["breadth_episodes"] = after["breadth_episodes"].vstack(new)
    found = compared(tmp_path, tables(), after, made_of=NEW_OBSERVATIONS)
    found = {key: row for key, row in found.items() if key[0] not in ("regime", "ratio")}
    assert {key: (row["change"], row["cause"], row["value_after"]) for key, row in found.items()} == {
        ("trend_break", "IWM/SPY", "2026-08-12"): ("trend_break", "new data", "break_up"),
        ("trend_break", "IWM/SPY", "2026-08-10"): ("gone", "restatement", None),
        ("breadth_episode", "IWM, SPY, QQQ", "2026-08-05"): ("episode", "new data", "small_cap_led"),
    }


def test_members(tmp_path: Path) -> None:
    names = [f"N{number}" for number in range(7)]
    new = pl.DataFrame(
        {
            "fund": ["IWM"] * 8, "as_of": [date(2026, 8, 31)] * 8, "security_id": [*names, "GONE"],
            "previous_as_of": [date(2026, 7, 31)] * 8, "change": ["added"] * 7 + ["removed"],
            "weight_change": [0.001 * number for number in range(1, 8)] + [-0.002], "params_id": ["p1"] * 8,
        }
    )  # fmt: skip
    after = {**tables(), "holdings_changes": tables()["holdings_changes"].vstack(new)}
    found = compared(tmp_path, tables(), after, made_of=made_of(observations="o2"))
    assert {key: (row["change"], row["value_after"], row["cause"]) for key, row in found.items()} == {
        ("members", "IWM", "added 2026-08-31"): ("member_added", "7", "new data"),
        ("members", "IWM", "removed 2026-08-31"): ("member_removed", "1", "new data"),
    }
    assert found["members", "IWM", "added 2026-08-31"]["sentence"] == (
        "IWM: 7 members added between 2026-07-31 and 2026-08-31: N6, N5, N4, N3, N2 and 2 more."
    )


def test_a_statement_without_history_of_a_newer_snapshot_is_new_data(tmp_path: Path) -> None:
    after = replaced(tables(), "sector_comparison", iwm_minus_spy=0.05, iwm_as_of=date(2026, 8, 11))
    found = compared(tmp_path, tables(), after, made_of=made_of(observations="o2"))
    row = found["sector_gap", "Energy", "iwm_minus_spy"]
    assert (row["change"], row["cause"], row["session"]) == ("value", "new data", date(2026, 8, 11))
    assert row["sentence"] == "Weight in IWM minus weight in SPY (Energy) moved from 3.00 % to 5.00 %."


def test_quarantine(tmp_path: Path) -> None:
    waiting = [{"path": "yahoo/prices/IWM/a.csv", "rules": ["jump"], "reason": "IWM doubles", "rows": None}]
    decided = [{"path": "yahoo/prices/SPY/b.csv", "rules": ["jump"], "reason": "SPY halves", "rows": 2}]
    found = compared(
        tmp_path,
        tables(),
        tables(),
        {"quarantine": decided},
        quarantine=waiting,
        made_of=made_of(decisions="d", observations="o2"),
    )
    assert {key[1]: (row["change"], row["cause"]) for key, row in found.items()} == {
        "yahoo/prices/IWM/a.csv": ("quarantined", "new data"),
        "yahoo/prices/SPY/b.csv": ("gone", "decision"),
    }
    assert found["quarantine", "yahoo/prices/IWM/a.csv", "document"]["sentence"] == (
        "yahoo/prices/IWM/a.csv went into quarantine: IWM doubles."
    )


def test_parameters_and_code(tmp_path: Path) -> None:
    after = {"regime.threshold": {"value": 0.02}, "regime.sessions": {"value": 200.0}}
    found = compared(tmp_path, tables(), tables(), parameters=after, made_of=made_of(code="c2"), git_revision="def")
    assert {key: (row["change"], row["cause"]) for key, row in found.items()} == {
        ("parameter", "regime.threshold", "value"): ("parameter", "parameter"),
        ("parameter", "regime.sessions", "value"): ("parameter", "parameter"),
        ("code", "code", "hash"): ("code", "rule"),
    }
    assert found["parameter", "regime.threshold", "value"]["sentence"] == (
        "The parameter regime.threshold changed from 0.01 to 0.02."
    )
    assert "git abc to def" in found["code", "code", "hash"]["sentence"]


def test_a_feed_that_became_stale(tmp_path: Path) -> None:
    feed = {"feed": "prices", "newest": "2026-08-11", "age_days": 0, "sessions_behind": 0, "is_stale": False, "limit_text": "l"}
    found = compared(tmp_path, tables(), tables(), {"freshness": [feed]}, freshness=[{**feed, "is_stale": True}])
    assert [(row["change"], row["cause"], row["value_after"]) for row in found.values()] == [("flip", "time", "stale")]


def test_a_withheld_table_is_said_and_not_compared(tmp_path: Path) -> None:
    after = tables()
    release = write_release(tmp_path, "unused", after)
    listed = side_of(release).manifest["tables"]
    withheld = [
        {**one, "status": "withheld", "reason": "a test fails"} if one["name"] == "regime_daily" else one for one in listed
    ]
    found = compared(tmp_path, tables(), {**after, "regime_daily": after["regime_daily"].clear()}, tables=withheld)
    assert list(found) == [("table", "regime_daily", "status")]
    assert found["table", "regime_daily", "status"]["sentence"] == "The table regime_daily is withheld: a test fails."


def test_releases_that_cannot_be_compared(tmp_path: Path) -> None:
    a = write_release(tmp_path, "A", tables())
    other = write_release(tmp_path, "other", tables(), source="sample")
    with pytest.raises(NotComparable, match="source"):
        changes(a, other)
    with pytest.raises(NotComparable, match="cannot be read"):
        changes(tmp_path / "releases" / "none", a)
    damaged = write_release(tmp_path, "damaged", tables())
    (damaged / "ratio_daily.parquet").write_bytes(b"PAR1 broken")
    with pytest.raises(NotComparable, match="missing or damaged"):
        changes(damaged, a)
    (damaged / "manifest.json").write_text("{")
    with pytest.raises(NotComparable, match="missing or damaged"):
        changes(damaged, a)


def test_the_last_session_against_the_one_before(tmp_path: Path) -> None:
    found = with_wednesday(tables(), regime="risk_on")
    found = replaced(found, "ratio_daily", pl.col("session") == WEDNESDAY, trend_break="break_up")
    release = write_release(tmp_path, "A", found)
    rows = frame(since_session(side_of(release)))
    assert set(rows["baseline"]) == {"previous_session"}
    assert set(rows["baseline_session"]) == {TUESDAY}
    assert set(rows["cause"]) == {"new data"}
    assert rows["baseline_release_id"].null_count() == rows.height
    assert [tuple(row) for row in rows.select("topic", "field", "change").rows()] == [
        ("regime", "regime", "flip"),
        ("trend_break", "2026-08-12", "trend_break"),
        ("regime", "trend_gap", "value"),
        ("ratio", "ratio", "value"),
    ]


def test_since_an_earlier_session_a_label_says_when_it_changed_and_that_it_changed_back(tmp_path: Path) -> None:
    found = with_wednesday(tables(), regime="risk_on")
    [flip] = [row for row in since_session(side_of(write_release(tmp_path, "A", found)), MONDAY) if row["change"] == "flip"]
    assert flip["sentence"] == "Regime (IWM/SPY) changed from risk_off to risk_on on 2026-08-12."
    assert flip["baseline_session"] == MONDAY

    and_back = replaced(with_wednesday(tables()), "regime_daily", pl.col("session") == TUESDAY, regime="risk_on")
    [flip] = [row for row in since_session(side_of(write_release(tmp_path, "B", and_back)), MONDAY) if row["change"] == "flip"]
    assert flip["sentence"] == "Regime (IWM/SPY) changed 2 times, the last time on 2026-08-12, to risk_off."

    unknown = replaced(with_wednesday(tables()), "regime_daily", pl.col("session") == TUESDAY, regime=None)
    rows = since_session(side_of(write_release(tmp_path, "C", unknown)), MONDAY)
    assert [row for row in rows if row["change"] in ("flip", "gone")] == []
    assert since_session(side_of(write_release(tmp_path, "D", found)), WEDNESDAY) == []


def test_a_release_without_prices_has_no_last_session(tmp_path: Path) -> None:
    release = write_release(tmp_path, "A", tables(), last_session=None)
    assert since_session(side_of(release)) == []

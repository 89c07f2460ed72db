"""The reading at 80 columns: what it says, that it fits, and that it never says more than the tables."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.cli.today import read_today
from orchestration.cli.today_text import LINES, WIDTH, lines, markdown
from tests.cli.conftest import Command, answer, refusal
from tests.cli.hand_made import BEFORE, LATEST, write_release

STALE = {"clock": "2026-10-20T15:00:00+00:00", "source": "live"}


def _lines(release: Path) -> list[str]:
    return [line.plain for line in lines(read_today(release))]


def _line(text: str, start: str) -> list[str]:
    return next(line for line in text.splitlines() if line.startswith(start)).split()


def test_each_line_says_what_the_tables_say(smallcap: Command) -> None:
    text = answer(smallcap("today"))
    assert _line(text, "IWM  ") == ["IWM", "286.64", "+0.54%", "-1.21%", "+3.10%", "-8.01%"]
    assert _line(text, "QQQ  ") == ["QQQ", "724.57", "+0.00%", "+1.22%", "+2.22%", "-"]
    assert "VTWO" not in text
    assert _line(text, "IWM/SPY  ") == ["IWM/SPY", "risk_off", "2025-08-27", "-0.0423", "IWM", "305.12", "+6.5%", "undecided"]
    assert _line(text, "QQQ/SPY  ") == ["QQQ/SPY", "risk_on", "2026-09-29", "+0.0211", "ratio", "-4.0%"]
    # No verdict: the claim about breaks is on IWM - SPY, and `reading` has no sentence for it. The page shows none, either.
    assert _line(text, "last break")[2:] == ["break_up", "2025-09-03", "IWM", "268.40", "-6.0%"]
    assert _line(text, "policy rate")[2:] == ["hold_after_cuts", "2025-11-20", "3.875%", "contradicted"]
    assert _line(text, "satellite") == ["satellite", "mid", "cycle", "10.0%", "better"]
    assert "SAMPLE" in text.splitlines()[0]
    assert "Of 52 tests of the guide's claims, 3 survive." in text


def test_the_headline_names_the_flip_and_the_distance_to_the_next(home: Path) -> None:
    today = read_today(home / "published" / "latest")
    assert today.headline == (
        "QQQ/SPY turned risk_on on 2026-09-29. IWM/SPY has been risk_off since 2025-08-27 (274 sessions); risk_on above 0.4976"
        " (+6.5%), an IWM close above 305.12 with SPY unchanged."
    )


def test_news_come_before_members_and_values_are_no_news(home: Path) -> None:
    today = read_today(home / "published" / "latest")
    assert [change["change"] for change in today.changes] == ["flip", "member_added"]
    assert today.values_changed == 1


def test_moved_values_alone_are_not_called_nothing(home: Path) -> None:
    today = read_today(home / "published" / "latest")
    for moved, expected in ((1, "No label, episode, break or member changed since "), (0, "Nothing changed since ")):
        quiet = replace(today, changes=[], values_changed=moved)
        assert expected in markdown(quiet)
        assert expected in " ".join(line.plain for line in lines(quiet))


def test_without_an_earlier_release_the_session_before_is_compared(home: Path) -> None:
    also = "delete from reading_changes where baseline = 'previous_release'; delete from release_history where is_kept is false"
    release = write_release(home / "published", name="20260930T000000000000Z", also=also)
    today = read_today(release)
    assert today.changed_since == "the session before (2026-09-29)"
    assert [change["sentence"] for change in today.changes] == ["Breadth turned mixed."]


def test_a_label_that_cannot_be_given_has_no_figure_and_a_warning(smallcap: Command) -> None:
    text = answer(smallcap("today"))
    assert _line(text, "cycle phase") == ["cycle", "phase", "not", "given"]
    assert "WARNING: Without a label: cycle_phase; rates end on 2026-09-01." in text


def test_a_level_of_another_label_is_not_shown(home: Path) -> None:
    release = write_release(
        home / "published",
        name="20261003T000000000000Z",
        also="update signal_levels set label = 'risk_on' where subject = 'IWM/SPY'",
    )
    regime = next(signal for signal in read_today(release).signals if signal.subject == "IWM/SPY")
    assert regime.label == "risk_off"
    assert regime.flip is None


def test_warnings_are_last(smallcap: Command) -> None:
    shown = answer(smallcap("today")).splitlines()
    loud = [place for place, line in enumerate(shown) if line.startswith("WARNING")]
    assert loud == list(range(len(shown) - 3, len(shown)))


def test_everything_fits_a_small_terminal_without_folding_a_word(home: Path) -> None:
    many = {
        "failed_fetches": [
            {"vendor": "yahoo", "kind": "prices", "symbol": f"S{number}", "reason": "no answer"} for number in range(20)
        ],
        "quarantine": [
            {"path": f"yahoo/prices/IWM/{number}", "rows": None, "reason": "implausible " * 20} for number in range(20)
        ],
        "source": "live",
    }
    also = (
        "insert into reading_changes select baseline, baseline_release_id, baseline_session, topic, subject || n, field,"
        " value_before, value_after, change, cause, sentence || repeat(' and on it goes', 12)"
        " from reading_changes, range(40) as t (n)"
    )
    release = write_release(home / "published", name="20261003T000000000000Z", also=also, **many)
    shown = _lines(release)
    assert len(shown) <= LINES
    assert max(map(len, shown)) <= WIDTH
    assert sum("more: smallcap" in line for line in shown) == 2
    words = " ".join(" ".join(shown).split())
    assert read_today(release).headline in words


def test_stale_prices_are_the_first_and_the_last_thing_said(home: Path) -> None:
    release = write_release(home / "published", name="20261003T000000000000Z", known_at="2026-10-02T15:00:00+00:00")
    today = read_today(release)
    assert (today.sessions_behind, today.days_behind, today.is_stale) == (1, 2, True)
    assert today.headline.startswith("STALE: prices ended 1 session ago, on 2026-09-30.")
    assert today.warnings[0].startswith("Prices end on 2026-09-30, 1 session ago")


def test_beyond_the_calendar_the_age_is_unknown_and_never_zero(home: Path) -> None:
    also = "delete from session_calendar where session > '2026-09-30'"
    today = read_today(write_release(home / "published", name="20261003T000000000000Z", also=also))
    assert today.sessions_behind is None
    assert "an unknown number of sessions" in today.warnings[0]


def test_without_prices_nothing_is_made_up(home: Path) -> None:
    also = "delete from reading; delete from price_daily; delete from signal_levels; delete from ratio_daily"
    today = read_today(write_release(home / "published", name="20261003T000000000000Z", also=also, last_session=None))
    assert today.headline == "No prices: nothing can be read."
    assert today.is_stale
    assert (today.closes, today.signals) == ([], [])
    assert lines(today)


def test_no_colour_and_no_folding_without_a_terminal(smallcap: Command) -> None:
    assert "\x1b" not in answer(smallcap("today"))
    assert "\x1b" not in answer(smallcap("today", "--markdown"))


def test_json_has_the_figures_in_full(smallcap: Command) -> None:
    said = json.loads(answer(smallcap("today", "--json")))
    regime = next(signal for signal in said["signals"] if signal["subject"] == "IWM/SPY")
    assert (regime["value"], regime["unit"], regime["since"]) == (-0.0423, "log points", "2025-08-27")
    assert regime["flip"]["iwm_close"] == 305.12
    assert regime["evidence"].endswith("10.4 % would often be missed")
    assert (said["release_id"], said["is_stale"]) == (LATEST, False)


def test_markdown_is_a_table_for_a_note(smallcap: Command) -> None:
    text = answer(smallcap("today", "--markdown"))
    assert text.startswith(f"2026-09-30 · SAMPLE: simulated market, release {LATEST}\n\n**QQQ/SPY turned risk_on")
    assert "| IWM/SPY | risk_off | 2025-08-27 | -0.0423 | IWM 305.12 +6.5% | undecided |" in text
    assert "not both" in refusal(smallcap("today", "--markdown", "--json"))


def _with_history(home: Path) -> None:
    """A release with a history of labels and of members."""
    columns = {"regime_daily": ["pair", "session", "regime"], "holdings_changes": ["fund", "as_of", "change"]}
    listed: list[dict[str, Any]] = [
        {"name": name, "status": "published", "reason": None, "key": [], "columns": dict.fromkeys(names), "date_column": None}
        for name, names in columns.items()
    ]
    release = write_release(home / "published", name="20261003T000000000000Z", tables=listed)
    duckdb.sql(
        "select 'IWM/SPY' as pair, session::date as session, regime from (values ('2026-06-30', 'risk_on'),"
        " ('2026-09-29', 'risk_on'), ('2026-09-30', 'risk_off')) as t (session, regime)"
    ).write_parquet(str(release / "regime_daily.parquet"))
    duckdb.sql(
        "select 'QQQ' as fund, as_of::date as as_of, '2026-03-31'::date as previous_as_of, 'added' as change, 'QARN' as"
        " security_id, 0.1e0 as weight_change from (values ('2026-06-30'), ('2026-07-31')) as t (as_of)"
    ).write_parquet(str(release / "holdings_changes.parquet"))


def test_since_a_session_finds_flips_and_members_as_between_releases(home: Path, smallcap: Command) -> None:
    _with_history(home)
    text = " ".join(answer(smallcap("today", "--since", "2026-07-04")).split())
    assert (
        "Changed since session 2026-06-30: - Regime (IWM/SPY) changed from risk_on to risk_off on 2026-09-30."
        " - QQQ: 1 member added between 2026-03-31 and 2026-07-31: QARN. close"
    ) in text


def test_since_a_day_that_cannot_be_compared_with(smallcap: Command) -> None:
    assert "the first session with a label is 2026-06-29" in refusal(smallcap("today", "--since", "2020-01-01"))
    assert "the last session of the release is 2026-09-30" in refusal(smallcap("today", "--since", "2030-06-30"))
    assert refusal(smallcap("today", "--since", "2026-13-01")).startswith(
        "Invalid --since '2026-13-01': there is no such day. Use YYYY-MM-DD"
    )


def test_one_more_flip_is_singular(home: Path) -> None:
    also = "update reading_changes set change = 'flip' where change = 'member_added'"
    today = read_today(write_release(home / "published", name="20261003T000000000000Z", also=also))
    assert " And 1 more flip. " in today.headline


def test_since_a_release_that_was_deleted_or_never_was(smallcap: Command) -> None:
    assert "has been deleted since" in refusal(smallcap("today", "--since", "20260930T223000000000Z"))
    assert f"On disk: {BEFORE}, {LATEST}" in refusal(smallcap("today", "--since", "yesterday"))
    assert "it is the current release itself" in refusal(smallcap("today", "--since", LATEST))


@pytest.mark.parametrize("also", ["alter table reading drop column evidence", "drop table signal_levels"])
def test_a_release_of_another_version_is_one_sentence(home: Path, smallcap: Command, also: str) -> None:
    write_release(home / "published", name="20261003T000000000000Z", also=also)
    said = refusal(smallcap("today"))
    assert said.startswith("Release 20261003T000000000000Z was made by another version of this program")
    assert said.endswith("`smallcap run` makes a new one.")
    assert "\n" not in said


@pytest.mark.parametrize("arguments", [("today",), ("why", "price_daily"), ("sql", "select 1"), ("export", "a.xlsx")])
def test_every_reading_command_says_that_another_contract_made_the_release(
    home: Path, smallcap: Command, arguments: tuple[str, ...]
) -> None:
    write_release(home / "published", name="20261003T000000000000Z", contract_version="1.3.0")
    result = smallcap(*arguments)
    said = str(result.exception or "") + result.stderr
    assert "(contract 1.3.0; this is " in said
    assert "`smallcap run` makes a new one." in said


def test_the_release_is_not_changed_by_reading_it(home: Path, smallcap: Command) -> None:
    file = home / "published" / "latest" / "warehouse.duckdb"
    before = file.read_bytes()
    answer(smallcap("today"))
    assert file.read_bytes() == before
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute("select release_id from release").fetchall() == [(LATEST,)]

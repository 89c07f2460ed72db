"""The report without market data: formats, missing marts, colours and scripts."""

import html
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.report import wording
from orchestration.report.blocks import Cell, Chart, Table
from orchestration.report.freshness import missing_from
from orchestration.report.manifest import quarantine_sentences
from orchestration.report.page import CHAPTERS, payload, render
from orchestration.report.release_tables import ReleaseTables
from orchestration.report.sections import rates, reconstitution, trading
from orchestration.report.terms import TERMS
from orchestration.settings import PROJECT_ROOT

STYLE = Path(wording.__file__).parent / "templates" / "style.css"
GLOSSARY = PROJECT_ROOT / "docs" / "GLOSSARY.md"
TONES = ("ink", "faint", "blue", "orange", "green", "purple", "grey")


def manifest(**changes: Any) -> dict[str, Any]:
    """The parts of a manifest that the page reads."""
    return {
        "release_id": "20260930T000000000000Z", "source": "landing", "published_at": "2026-10-01T00:00:00.000000+00:00",
        "known_at": None, "last_session": "2026-09-30", "holdings_as_of": {"IWM": "2026-08-31"}, "run_id": "run",
        "git_revision": "abc", "parameters": {}, "missing": [], "tables": [],
        "baseline": {"release_id": "20260929T000000000000Z", "reason": None}, **changes,
    }  # fmt: skip


def tables_with(*statements: str) -> ReleaseTables:
    """A release with only these tables."""
    connection = duckdb.connect()
    for statement in statements:
        connection.execute(statement)
    return ReleaseTables(connection)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (wording.percent(0.0193), "1.9\xa0%"),
        (wording.percent(-0.0193, 2, signed=True), "\u22121.93\xa0%"),
        (wording.percent(0.00004, signed=True), "0.0\xa0%"),
        (wording.percent(None), "\u2013"),
        (wording.fee(0.0019), "0.19\xa0%"),
        (wording.fee(0.000945), "0.0945\xa0%"),
        (wording.share(0.4123), "41.2\xa0%"),
        (wording.share(-0.00823), "\u22120.82\xa0%"),
        (wording.share(0.000193), "0.0193\xa0%"),
        (wording.share(0.0), "0.00\xa0%"),
        (wording.measure(0.000945, "fraction a year"), "0.0945\xa0% a year"),
        (wording.measure(0.11, "fraction"), "11.0\xa0%"),
        (wording.measure(11_328_960_000.0, "USD a session"), "$11.3\xa0bn a session"),
        (wording.measure(1970.0, "equities"), "1,970"),
        (wording.measure(2.0, "events a year"), "2 a year"),
        (wording.measure(8.86, "ratio"), "8.9\xa0\u00d7"),
        (wording.measure(-0.0423, "log points"), "\u22120.0423\xa0log points"),
        (wording.measure(3_574_068.0, "contracts"), "3,574,068\xa0contracts"),
        (wording.measure(798_945.0, "contracts by the time of the quote"), "798,945\xa0contracts by the time of the quote"),
        (wording.measure(5.0, "expirations"), "5\xa0expirations"),
        (wording.measure(0.2781, "basis points"), "0.28\xa0basis points"),
        (wording.grouped("IWM 3574068 contracts, 46788 dollars"), "IWM 3,574,068 contracts, 46,788 dollars"),
        (wording.grouped("11329 million dollars a session since 2026"), "11,329 million dollars a session since 2026"),
        (
            wording.grouped("since 2026-05, 9210.50 dollars, XB037833100 and 3000 contracts"),
            "since 2026-05, 9210.50 dollars, XB037833100 and 3,000 contracts",
        ),
        (wording.measure(None, "fraction"), "\u2013"),
        (wording.measure(None, None), "\u2013"),
        (wording.points(0.08), "+8.0\xa0pp"),
        (wording.interval(-0.01, 0.02), "\u22121.0 to +2.0\xa0%"),
        (wording.interval(None, 0.02), "\u2013"),
        (wording.dollars(75_652_756_178.54), "$75.7\xa0bn"),
        (wording.dollars(24_195.92), "$24,196"),
        (wording.number(1234.5, 1), "1,234.5"),
        (wording.number(-0.0), "0"),
        (wording.p_value(0.0004), "< 0.001"),
        (wording.p_value(0.0005), "< 0.001"),
        (wording.p_value(0.0365), "0.037"),
        (wording.p_value(0.1175), "0.118"),
        (wording.label("risk_on"), "risk-on"),
        (wording.label("hand_kept"), "entered by hand"),
        (wording.label(None), "\u2013"),
        (wording.day(date(2026, 9, 30)), "2026-09-30"),
        (wording.plural(1, "spell"), "1\xa0spell"),
        (wording.listed(["a", "b", "c"]), "a, b and c"),
        (wording.listed([]), "none"),
        (wording.survive(1), "1 survives"),
        (wording.survive(0), "0 survive"),
        (wording.typeset("SPY -4.0 % (-1 %)"), "SPY \u22124.0\xa0% (\u22121\xa0%)"),
        (wording.typeset("risk-off since 2026-09-30, risk-2"), "risk-off since 2026-09-30, risk-2"),
    ],
)
def test_numbers_are_formatted_for_people(text: str, expected: str) -> None:
    assert text == expected


def test_a_release_without_marts_still_has_a_page_with_every_section() -> None:
    page = render(tables_with("create table release as select 1"), manifest(), "")
    for chapter in CHAPTERS:
        assert f'<section id="{chapter.name}"' in page
        for mart in chapter.needs:
            assert re.search(rf"Not available in this release: [^<]*\b{mart}\b", page), mart
    assert "<figure" not in page
    assert "2026-08-31" in page


def test_an_empty_mart_is_reported() -> None:
    tables = tables_with("create table reading (line integer)")
    assert tables.unavailable("reading") == "Not available in this release: reading is empty."
    assert tables.unavailable("reading", "scorecard") == (
        "Not available in this release: scorecard is missing and reading is empty."
    )
    assert "reading is empty." in render(tables, manifest(), "")


def test_missing_and_stale_data_are_listed() -> None:
    tables = tables_with(
        "create table fund_comparison as from (values ('AAA', 100.0, null), ('BBB', null, 5.0), ('CCC', 1.0, null))"
        " t(fund, holdings_count, dollar_volume_quarter)",
        "create table data_quality as from (values ('stale_snapshot', 'IWM', 'warning', 1, date '2026-05-05', 'is old'),"
        " ('provisional_bar', 'IWM', 'note', 2, date '2026-05-05', 'may change')) t(check_name, symbol, severity,"
        " findings, last_found_on, meaning)",
    )
    assert [(entry["check"], entry["symbol"], entry["last_found_on"]) for entry in missing_from(tables, priced={"AAA"})] == [
        ("no_prices", "AAA", None),
        ("no_holdings", "BBB", None),
        ("stale_snapshot", "IWM", "2026-05-05"),
    ]


def test_only_the_simulated_market_has_a_banner() -> None:
    tables = tables_with("create table release as select 1")
    assert "Simulated market." in render(tables, manifest(source="sample"), "")
    assert "Simulated market." not in render(tables, manifest(source="live"), "")


def test_chart_data_cannot_close_its_script_element() -> None:
    hostile = "</script><script>alert(1)</script><!--\u2028&"
    chart = Chart("x", "t", "u", "s", 1, {"description": hostile}, {"d": {"name": [hostile], "day": [date(1970, 1, 3)]}})
    text = payload(chart)
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text)["data"]["d"] == {"name": [hostile], "day": [2]}
    assert json.loads(text)["days"] == {"d": ["day"]}


def test_a_script_cannot_close_its_own_element() -> None:
    page = render(tables_with("create table release as select 1"), manifest(), 'const a = "</script><!--";')
    assert page.count("</script>") == page.count("<script")


LABELS = (
    "create table reading as from (values (1, 'regime', 'IWM/SPY', 'risk_off', 0.1, date '2026-06-01', date '2026-06-17'),"
    " (2, 'rate_regime', 'Fed funds target', 'cutting', 0.03, date '2026-05-01', date '2026-09-30'))"
    " t(line, topic, subject, reading, value, since, session)",
    "alter table reading add column evidence varchar",
    "alter table reading add column note varchar",
)
FEEDS = (
    "create table freshness as from (values ('prices', date '2026-06-17', 105, 72, {}, 'the last completed session'),"
    " ('rates', date '2026-09-30', 0, 0, false, '10 days')) t(feed, newest, age_days, sessions_behind, is_stale, limit_text)"
)


def test_late_prices_are_said_first_and_grey_only_what_depends_on_them() -> None:
    page = render(tables_with(*LABELS, FEEDS.format("true")), manifest(), "")
    banner = page.index("Prices end on <time>2026-06-17</time>, 72\xa0sessions behind (limit: the last completed session).")
    assert page.index("<h1") < banner < page.index("<table")
    assert "IWM/SPY is risk-off; the Fed is cutting; as of <time>2026-06-17</time>." in page
    greyed = re.findall(r'<tr class="faded"><th scope="row">\s*<span>(.*?)</span>', page)
    assert greyed == ["IWM/SPY"]
    ratio = page[page.index('<section id="ratio"') :]
    assert "stale: prices to <time>2026-06-17</time>" in ratio[: ratio.index("</h2>")]
    assert "stale:" not in page[page.index('<section id="funds"') : page.index('<section id="overlap"')]


def test_a_signal_without_a_label_is_named_with_its_reason() -> None:
    unknown = (
        "update reading set reading = null, value = null, since = null, note = 'rates end on 2026-06-05; the last label, cutting,"
        " is 120 sessions behind' where topic = 'rate_regime'"
    )
    page = render(tables_with(*LABELS, unknown), manifest(), "")
    assert "Not available: Fed funds; rates end on <time>2026-06-05</time>." in page
    assert "IWM/SPY is risk-off." in page


def cells(page: str, section: str) -> list[list[str]]:
    """The rows of all tables of a section, as text."""
    body = page[page.index(f'<section id="{section}"') :].partition("</section>")[0]
    rows = [re.findall(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in re.findall(r"<tr\b.*?</tr>", body, re.DOTALL)]
    return [[" ".join(re.sub(r"<[^>]*>", " ", html.unescape(cell)).split()) for cell in row] for row in rows]


def test_a_verdict_on_the_first_screen_has_its_return_and_its_horizon() -> None:
    told = (
        "update reading set evidence = 'a year later ' || case topic when 'regime' then 'SPY' else 'IWM minus SPY' end"
        " || ' +8.9 % on average, against +11.9 % after the rest (7 clusters); undecided: only a difference above 10.4 %'"
    )
    parameters = {"scorecard.horizon_year": {"value": 252.0, "unit": "sessions", "meaning": "a year"}}
    rows = cells(render(tables_with(*LABELS, told), manifest(parameters=parameters), ""), "today")
    assert rows[0][-1] == "Verdict over 252 sessions"
    assert [row[-1] for row in rows[1:3]] == ["undecided SPY", "undecided IWM \N{MINUS SIGN} SPY"]


SCORES = (
    "create table scorecard as from (values ('regime', 'IWM/SPY', 'risk_off', 21, 'SPY', 'lower', 'supported', 0.05e0),"
    " ('regime', 'IWM/SPY', 'risk_off', 252, 'SPY', 'lower', 'undecided', 0.58e0),"
    " ('regime', 'IWM/SPY', 'risk_off', 63, 'IWM - SPY', null, 'significant', 0.0365e0))"
    " t(signal, subject, label, horizon, target, expected, verdict, p_family)",
    *(
        f"alter table scorecard add column {name} double default {value}"
        for name, value in {
            "difference": -0.0105, "interval_low": -0.0137, "interval_high": -0.0073, "mean_return": 0.01, "rest_return": 0.02,
            "p_value": 0.0005, "min_detectable": 0.02, "clusters": 7, "sessions": 1000,
        }.items()
    ),
    "alter table scorecard add column verdict_in_words varchar default 'undecided: too little'",
    "create table evidence_summary as from (values ('claims', 2, 0.1, 2, 1, 0, 1))"
    " t(family, tested, by_chance, found, surviving, bounded, undecided)",
)  # fmt: skip


def test_a_macro_series_is_compared_with_its_value_a_year_before() -> None:
    """The last one known by then, and none where the history is shorter; a flag is yes or no."""
    tables = tables_with(
        "create table macro_daily as select * from (values"
        " ('DGS10', date '2025-09-26', 'yield', 'fraction a year', 0.0412, null),"
        " ('DGS10', date '2025-09-30', 'yield', 'fraction a year', 0.05, null),"
        " ('DGS10', date '2026-09-29', 'yield', 'fraction a year', 0.0483, null),"
        " ('USREC', date '2026-08-01', 'recession', 'flag', 1.0, 'known later'),"
        " ('USREC', date '2026-09-01', 'recession', 'flag', 0.0, 'known later')) t(series, date, name, unit, value, hindsight)"
    )
    shown = rates._macro(tables.rows(rates._MACRO)).rows
    assert shown == [
        [
            Cell("Yield"), "4.83\xa0%", "2026-09-29",
            "4.12\xa0%", "4.12\xa0%", "5.00\xa0%", "2025-09-26",
        ],
        [Cell("Recession", note="known later"), "no", "2026-09-01", wording.DASH, wording.DASH, wording.DASH, "2026-08-01"],
    ]  # fmt: skip


def test_what_survives_at_any_horizon_and_target_is_listed() -> None:
    page = render(tables_with(*SCORES), manifest(), "")
    kept = [row for row in cells(page, "scorecards") if len(row) == 8 and row[0].startswith("IWM/SPY")]
    assert [(row[1], row[2], row[6], row[7]) for row in kept] == [
        ("SPY", "21", "0.050", "supported"),
        ("IWM \N{MINUS SIGN} SPY", "63", "0.037", "significant"),
    ]
    assert kept[0][0] == "IWM/SPY risk-off regime"
    assert kept[0][3:6] == ["\N{MINUS SIGN}1.1 pp", "\N{MINUS SIGN}1.4 to \N{MINUS SIGN}0.7 pp", "7"]
    assert "Nothing survives" not in page
    none = render(tables_with(*SCORES, "update scorecard set verdict = 'undecided'"), manifest(), "")
    assert "What survives" not in none and "Nothing survives: no claim and no other comparison" in none


def test_the_cost_of_fees_is_that_of_current_fees() -> None:
    costs = (
        "create table fee_drag as select 'IWM' as fund, 'SCHA' as cheaper_fund, fees_from, 30 as horizon_years, 0.08e0 as growth,"
        " 0.0015e0 as fee_gap, cost as cost_compounded, cost as cost_subtracted, false as is_same_index,"
        " date '2026-05-12' as as_of from (values ('guide', 46788e0), ('today', 43799e0)) t(fees_from, cost)"
    )
    page = render(tables_with(costs), manifest(), "")
    assert "IWM costs up to $43,799 more than SCHA on the set amount over 30 years, with current fees." in page
    old = render(tables_with(costs, "delete from fee_drag where fees_from = 'today'"), manifest(), "")
    assert "costs up to $46,788 more than SCHA on the set amount over 30 years, with the guide&#39;s fees." in old


def test_the_mean_of_a_month_has_a_mark_of_its_own_and_only_shares_are_marked_by_the_band() -> None:
    months = (
        "create table seasonality as select 'IWM' as fund, month, 20 as months, month / 1e3 as mean_return, 0.01e0 as"
        " median_return, 0.6e0 as hit_rate, 0.4e0 as chance_low, 0.8e0 as chance_high, month = 9 as is_beyond_chance,"
        " 0.05e0 as chance_beyond from range(1, 13) t(month)"
    )
    chance = {"seasonality.chance": {"value": 0.95, "unit": "fraction", "meaning": "band"}}
    page = render(tables_with(months), manifest(parameters=chance), "")
    legend = re.findall(
        r'<span class="mark (\w+) \w+" aria-hidden="true"></span>(.*?)</li>', page[page.index('id="seasonality"') :]
    )
    assert dict(reversed(words) for words in legend[:4]) == {
        "mean": "circle", "median": "line", "share inside the chance band": "ring", "share outside the chance band": "diamond",
    }  # fmt: skip
    found = re.search(r'id="data-seasonality">(.*?)</script>', page)
    assert found
    means, shares = json.loads(found[1])["spec"]["vconcat"]
    assert "outside" not in json.dumps(means["layer"]) and "outside" in json.dumps(shares["layer"])


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (None, "x.csv is in quarantine: a jump."),
        (1, "1 row of x.csv is in quarantine: a jump."),
        (2, "2 rows of x.csv are in quarantine, such as: a jump."),
    ],
)
def test_a_document_in_quarantine_is_one_sentence(rows: int | None, sentence: str) -> None:
    assert quarantine_sentences({"quarantine": [{"path": "x.csv", "rows": rows, "reason": "a jump"}]}) == [sentence]


def test_current_prices_have_no_banner() -> None:
    page = render(tables_with(*LABELS, FEEDS.format("false")), manifest(), "")
    assert "Stale data." not in page and 'class="faded"' not in page and "as of <time>" not in page
    assert "Current: prices to <time>2026-06-17</time>; rates to <time>2026-09-30</time>." in page


CHANGES = (
    "create table reading_changes (baseline varchar, baseline_session date, topic varchar, subject varchar, field varchar,"
    " change varchar, cause varchar, sentence varchar)"
)


def test_no_change_and_no_comparison_are_different_things() -> None:
    same = render(tables_with(CHANGES, "insert into reading_changes values ('previous_session', date '2026-09-29', 't', 's', 'f',"
                              " 'value', 'new data', 'A moved.')"), manifest(), "")  # fmt: skip
    assert re.search(r"Since the previous release</h2>\s*<p>Nothing changed\.</p>", same)
    first = render(
        tables_with(CHANGES, "insert into reading_changes values ('previous_session', date '2026-09-29', 't', 's', 'f',"
                    " 'flip', 'rule', 'A flipped.')"),
        manifest(baseline={"release_id": None, "reason": "this is the first release"}), "",
    )  # fmt: skip
    assert re.search(r"Since the previous release</h2>\s*<p>Not compared: this is the first release\.</p>", first)
    assert "<li>A flipped (rule).</li>" in first


def test_the_terms_are_those_of_the_glossary() -> None:
    entries = dict(re.findall(r"^- \*\*(.+?)\*\*: (.+)$", GLOSSARY.read_text(), re.MULTILINE))
    assert len(TERMS) >= 40
    assert {term: entries.get(term) for term in TERMS} == TERMS


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2)."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_tone_has_enough_contrast_in_light_and_dark() -> None:
    palettes = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r"\{[^{}]*--paper[^{}]*\}", STYLE.read_text())
    ]
    complete = [palette for palette in palettes if {"paper", "ground", *TONES} <= set(palette)]
    assert len(complete) == 3
    assert complete[1] == complete[2]  # dark by system setting and by the button
    for palette in complete:
        for tone in TONES:
            for ground in ("paper", "ground"):
                light, dark = sorted((luminance(palette[tone]), luminance(palette[ground])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (tone, ground, palette[ground])


@pytest.mark.parametrize(("today", "is_over"), [(date(2025, 6, 26), False), (date(2025, 6, 27), True)])
def test_a_statement_on_an_event_that_took_effect_is_not_one_on_the_next(today: date, *, is_over: bool) -> None:
    following = "2025-12" if is_over else "2025-06"
    tables = tables_with(
        f"create table reconstitution_calendar as select *, date '{today}' as counted_from, event = '{following}' as is_next,"
        " date '2025-04-30' as rank_day, null::date as preliminary_list, null::date as list_update_1, null::date"
        " as list_update_2, null::date as list_update_3, null::date as list_update_4, null::date as lock_down, 'rule' as basis,"
        " null as updates_basis, 1 as sessions_to_effective, 'ranked' as stage"
        " from (values ('2025-06', date '2025-06-27'), ('2025-12', date '2025-12-12')) t(event, effective)",
        "create table reconstitution_candidates as from (values ('2025-06', 'lock-down', date '2025-06-09', 'fund weights',"
        " 'leaves above', 'BIG', 0.1, true), ('2025-06', 'lock-down', date '2025-06-09',"
        " 'fund weights', null, 'NEW', null, true)) t(event, stage, said_on, quality, status, symbol, distance_to_border,"
        " is_latest)",
        "create table concentration as from (values ('IWM', date '2025-11-05'), ('IWM', date '2025-05-13')) t(fund, as_of)",
    )
    section = reconstitution.CHAPTER.write(tables, manifest())
    captions = [block.caption for block in section.blocks if isinstance(block, Table)]
    words = "Who was expected to move" if is_over else "Who may move"
    assert f"{words} at the 2025-06 reconstitution, effective 2025-06-27" in captions
    assert any("1\xa0member without a status by fund weights." in block.source for block in section.blocks)
    note = (
        "There is no statement on the 2025-12 reconstitution yet. It needs holdings of IWM of the weeks before it, and of IWV for"
        " the sizes; the newest of IWM are of 2025-11-05 and none of IWV are known."
    )
    assert (note in section.notes) == is_over


QUOTES = (
    "create table quoted_spreads as from (values ('IWM', 0.5, 0.4), ('IWM', 0.7, 0.4), ('IWM', 0.6, 0.4), ('SCHA', 0.9, 0.3),"
    " ('SCHA', 1.0, 0.3)) t(fund, spread_bp, tick_bp)"
)
FLOWS = (
    "create table fund_flows as from (values ('IWM', date '2026-05-05', date '2026-05-06', 100.0, 10.0, 2000.0, 0.1))"
    " t(fund, from_as_of, as_of, shares, shares_change, flow, flow_share)"
)
LEAST_QUOTES = {"fund_facts.least_quotes": {"value": 3}}


def test_a_spread_of_too_few_quotes_is_not_shown() -> None:
    section = trading.CHAPTER.write(tables_with(QUOTES, FLOWS), manifest(parameters=LEAST_QUOTES))
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert {row[0]: row[1] for row in table.rows} == {
        "IWM": Cell("0.60", note="tick 0.40; 3\xa0quotes"),
        "SCHA": Cell("\u2013", note="2\xa0quotes, too few"),
    }
    assert "IWM 0.60." in section.lead
    assert "SCHA" not in section.lead


@pytest.mark.parametrize(
    ("created", "captions", "missing"),
    [
        ((QUOTES,), ["Quotes and options"], "option_depth, fund_flows are missing"),
        ((QUOTES + " limit 0", FLOWS), ["Flows of IWM"], "option_depth is missing and quoted_spreads is empty"),
    ],
    ids=["quotes", "flows"],
)
def test_spreads_and_flows_stand_alone(created: tuple[str, ...], captions: list[str], missing: str) -> None:
    section = trading.CHAPTER.section(tables_with(*created), manifest(parameters=LEAST_QUOTES))
    assert section.unavailable is None
    assert [block.caption for block in section.blocks if isinstance(block, Table)] == captions
    assert any(missing in note for note in section.notes), section.notes


def test_without_quotes_options_and_flows_the_chapter_says_so() -> None:
    section = trading.CHAPTER.section(tables_with("create table release as select 1"), manifest())
    assert section.unavailable == "Not available in this release: quoted_spreads, option_depth, fund_flows are missing."

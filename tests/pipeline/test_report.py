"""The report of the sample release as a file: complete, self-contained, small, and safe whatever names it contains."""

import hashlib
import html
import itertools
import json
import math
import re
import shutil
import statistics
import subprocess
import sys
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.report.page import CHAPTERS, write_report
from orchestration.report.release_tables import release_tables
from orchestration.report.wording import DASH, grouped, label, measure, percent, points
from tests.pipeline.homes import FUNDS, PAIRS, Home

HOSTILE = "</script><script>window.ran=1</script><img src=x onerror=window.ran=1>\"'&{{7*7}}"


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, *tags: str) -> list[dict[str, str | None]]:
        """Attributes of all elements with one of these names."""
        return [attributes for tag, attributes in self.found if tag in tags]


@pytest.fixture(scope="module")
def manifest(sample_home: Home) -> dict[str, Any]:
    """The manifest of the sample release."""
    found: dict[str, Any] = json.loads((sample_home.latest / "manifest.json").read_text())
    return found


@pytest.fixture(scope="module")
def page(sample_home: Home) -> str:
    """The report of the sample release."""
    return (sample_home.latest / "report.html").read_text()


@pytest.fixture(scope="module")
def elements(page: str) -> Elements:
    """The elements of the page."""
    return Elements(page)


def hostile_report(sample_home: Home, directory: Path) -> Path:
    """The report of a release in which names and labels contain hostile markup."""
    shutil.copy(sample_home.latest / "warehouse.duckdb", directory / "warehouse.duckdb")
    with duckdb.connect(str(directory / "warehouse.duckdb")) as connection:
        connection.execute("update fund_comparison set largest_holding = ?, name = ?, issuer = ?", [HOSTILE] * 3)
        connection.execute("update sector_comparison set sector = sector || ?", [HOSTILE])
        connection.execute("update reading set subject = ?, evidence = ?", [HOSTILE] * 2)
        connection.execute("update guide_claims set reason = ?", [HOSTILE])
        connection.execute("update security_master set name = ?, ticker = security_id || ?", [HOSTILE] * 2)
        connection.execute("update investor_profiles set reason = ?, guide_says = ?", [HOSTILE] * 2)
        connection.execute("update market_events set description = ?", [HOSTILE])
    manifest = json.loads((sample_home.latest / "manifest.json").read_text())
    with release_tables(directory) as tables:
        return write_report(tables, manifest, directory, scripts=sample_home.path / "report")


def test_the_page_is_in_the_release_and_in_its_manifest(sample_home: Home, manifest: dict[str, Any], page: str) -> None:
    content = (sample_home.latest / "report.html").read_bytes()
    assert manifest["report"] == {"file": "report.html", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert len(content) <= 1_200_000
    assert {"release_id", "git_revision", "run_id"} <= {key for key, value in manifest.items() if str(value) in page}


def test_the_manifest_lists_warnings_and_dates(manifest: dict[str, Any]) -> None:
    assert manifest["last_session"] == "2026-09-30"
    assert manifest["holdings_as_of"]["VOO"] == "2026-08-31"
    assert {("missing_session", "IWM"), ("rejected_document_holdings", "IWM")} <= {
        (entry["check"], entry["symbol"]) for entry in manifest["missing"]
    }
    assert manifest["parameters"]["regime.threshold"]["value"] == 0.02


def test_every_section_is_there_and_complete(page: str, elements: Elements) -> None:
    assert [section["id"] for section in elements.named("section")] == [
        "today", *(chapter.name for chapter in CHAPTERS), "release", "glossary",
    ]  # fmt: skip
    linked = [attributes["href"] for attributes in elements.named("a")]
    assert [f"#{section['id']}" for section in elements.named("section")] == linked[1 : len(CHAPTERS) + 4]
    assert "Not available in this release" not in page
    assert "Simulated market." in page


def test_every_chart_has_a_summary_a_height_and_data(page: str, elements: Elements) -> None:
    charts = [attributes for attributes in elements.named("div") if attributes.get("role") == "img"]
    assert len(charts) >= 13
    assert len(charts) == len(elements.named("figure")) == len(elements.named("figcaption"))
    for chart in charts:
        assert len(chart["aria-label"] or "") > 60
        assert re.fullmatch(r"chart h\d{3}", chart["class"] or "")
        payload = re.search(rf'id="{chart["data-payload"]}">(.*?)</script>', page)
        assert payload
        assert all(len(unpacked(next(iter(columns.values())))) > 0 for columns in json.loads(payload[1])["data"].values())


def test_every_figure_has_a_link_to_itself_its_files_its_source_and_a_sentence(page: str) -> None:
    figures = re.findall(r'<figure class="drawing" id="([^"]+)">(.*?)</figure>', page, re.DOTALL)
    assert len(figures) >= 10
    for name, body in figures:
        assert f'<a href="#{name}"' in body
        assert 'data-save="csv"' in body and 'data-save="png"' in body
        caption = plain(body.partition("<figcaption>")[2].partition('<span class="source">')[0])
        source = plain(body.partition('<span class="source">')[2])
        assert caption.endswith(".") and re.search(r"\d", caption), caption
        assert re.match(r"Marts? [a-z_]+", source), source
        assert re.search(r"percent|ratio|share|point|dollars|Percent", source), source


def unpacked(column: Any) -> list[Any]:
    """The values of a column of a chart's data, whatever form they are stored in."""
    if isinstance(column, list):
        return column
    if "codes" in column:
        return [column["words"][code] for code in column["codes"]]
    return [None if value is None else value / column["by"] for value in column["divided"]]


def chart_data(page: str, name: str) -> dict[str, dict[str, list[Any]]]:
    """The data of a chart, by name and column."""
    found = re.search(rf'id="data-{name}">(.*?)</script>', page)
    assert found, name
    data = json.loads(found[1])["data"]
    return {part: {column: unpacked(values) for column, values in columns.items()} for part, columns in data.items()}


def plain(text: str) -> str:
    """The text of HTML with single spaces and hyphens for minus signs."""
    text = re.sub(r"</?(time|a)\b[^>]*>", "", text)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split()).replace("\N{MINUS SIGN}", "-")


def epoch_days(day: date) -> int:
    """A date as the page stores it."""
    return (day - date(1970, 1, 1)).days


def section_of(page: str, name: str) -> str:
    """The text of a section with single spaces."""
    found = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
    assert found, name
    return plain(found[0])


def answers(sample_home: Home, query: str) -> list[tuple[Any, ...]]:
    """Query the Parquet files of the release; each file is a table."""
    with duckdb.connect() as connection:
        for table in re.findall(r"(?:from|join) ([a-z_]+)", query):
            file = sample_home.latest / f"{table}.parquet"
            if file.exists():
                connection.execute(f"create or replace view {table} as select * from read_parquet('{file}')")
        return connection.execute(query).fetchall()


def test_the_main_chart_has_one_close_a_week_the_last_year_and_every_break_of_each_pair(sample_home: Home, page: str) -> None:
    points = chart_data(page, "ratio")["points"]
    for pair in PAIRS:
        places = [place for place, name in enumerate(points["pair"]) if name == pair]
        rows = answers(
            sample_home, f"select session, ratio, trend_break from ratio_daily where pair = '{pair}' and ratio is not null"
        )
        ratios = {epoch_days(session): ratio for session, ratio, _ in rows}
        last_of_week = {session.isocalendar()[:2]: epoch_days(session) for session, _, _ in sorted(rows)}
        last_year = {day for day in ratios if day > max(ratios) - 365}
        breaks = {epoch_days(session): kind for session, _, kind in rows if kind}
        assert {points["session"][place] for place in places} == set(last_of_week.values()) | last_year | set(breaks)
        assert {points["session"][place] for place in places if points["weekly"][place]} == set(last_of_week.values())
        assert {points["session"][p]: points["trend_break"][p] for p in places if points["trend_break"][p]} == breaks
        for place in places:
            assert points["ratio"][place] == pytest.approx(ratios[points["session"][place]], abs=6e-5)


def test_drawdown_volatility_correlation_and_beta_are_those_of_the_session_returns(sample_home: Home, page: str) -> None:
    points = chart_data(page, "ratio")["points"]
    rows = answers(sample_home, "select fund, session, total_return, total_return_index from price_daily")
    returns = {(fund, epoch_days(session)): value for fund, session, value, _ in rows}
    sessions = sorted({epoch_days(session) for _, session, _, _ in rows if session >= date(2001, 1, 1)})
    checked = 0
    for place in range(0, len(points["pair"]), 97):
        one, other = points["pair"][place].split("/")
        until = [day for day in sessions if day <= points["session"][place]]
        for fund, name in ((one, "volatility"), (other, "other_volatility")):
            own = [returns.get((fund, day)) for day in until if (fund, day) in returns][-63:]
            known = [value for value in own if value is not None]
            expected = statistics.stdev(known) * math.sqrt(252) if len(known) == 63 else None
            assert points[name][place] == (None if expected is None else pytest.approx(expected, abs=6e-4)), (one, name, place)
        if points["beta"][place] is None:
            continue
        both = [(returns.get((one, day)), returns.get((other, day))) for day in until[-252:]]
        pairs = [pair for pair in both if None not in pair]
        slope, _ = statistics.linear_regression([b for _, b in pairs], [a for a, _ in pairs])
        assert points["beta"][place] == pytest.approx(slope, abs=6e-4)
        linked = statistics.correlation([a for a, _ in pairs], [b for _, b in pairs])
        assert points["correlation"][place] == pytest.approx(linked, abs=6e-4)
        checked += 1
    assert checked > 30
    index = {(fund, epoch_days(session)): level for fund, session, _, level in rows}
    for place in [place for place, pair in enumerate(points["pair"]) if pair == "IWM/SPY"][::50]:
        until = [day for day in sessions if day <= points["session"][place]]
        levels = [index["IWM", day] for day in until if index.get(("IWM", day)) is not None]
        if index.get(("IWM", points["session"][place])) is not None:
            assert points["fund_drawdown"][place] == pytest.approx(levels[-1] / max(levels) - 1, abs=6e-5)


def test_the_members_are_those_of_the_day_and_hindsight_is_the_difference_to_todays(sample_home: Home, page: str) -> None:
    points = chart_data(page, "members")["points"]
    counts = {
        (universe, basis, epoch_days(session)): row
        for universe, basis, session, *row in answers(
            sample_home,
            "select universe, basis, session, above_200, new_highs_close, new_lows_close, eligible_252, advance_decline_line"
            " from constituent_breadth",
        )
    }
    closes = {
        (fund, epoch_days(day)): close
        for fund, day, close in answers(sample_home, "select fund, session, close from price_daily")
    }
    assert set(points["universe"]) == set(FUNDS)
    differences = 0
    for place, key in enumerate(zip(points["universe"], points["session"], strict=True)):
        above, highs, lows, eligible, line = counts[key[0], "point_in_time", key[1]]
        of_today = counts[key[0], "survivors", key[1]][0]
        assert points["above_200"][place] == (None if above is None else pytest.approx(above, abs=6e-5))
        assert points["net_new_highs"][place] == (highs - lows if eligible else None)
        assert points["advance_decline_line"][place] == line
        assert points["close"][place] == (pytest.approx(closes[key], abs=6e-3) if key in closes else None)
        if above is not None:
            assert points["hindsight"][place] == pytest.approx(of_today - above, abs=6e-5)
            differences += points["hindsight"][place] != 0
    assert differences > 100
    weekly = {points["session"][place] for place, one in enumerate(points["weekly"]) if one}
    assert len(weekly) == len({(date(1970, 1, 1) + timedelta(days=day)).isocalendar()[:2] for day in points["session"]})


def test_hindsight_counts_the_sessions_that_the_mart_has(sample_home: Home, page: str) -> None:
    words = section_of(page, "members").partition("Survivorship bias: the members")[2]
    rows = answers(
        sample_home,
        "select universe, count(*), count(*) - count(above_200), min(session) from constituent_breadth"
        " where basis = 'point_in_time' and not is_inferred group by universe",
    )
    assert {row[0] for row in rows} == set(FUNDS)
    for universe, sessions, without, first in rows:
        assert f"{universe} {sessions} {f'{without} without a value ' if without else ''}{first} " in words


def test_no_two_lines_of_a_chart_coincide(page: str) -> None:
    drawn = {
        ("ratio", "points"): [("drawdown", "fund_drawdown"), ("volatility", "other_volatility"), ("correlation", "beta"),
                              ("ratio", "trend")],
        ("breadth", "points"): [("IWM", "SPY"), ("SPY", "QQQ"), ("IWM", "QQQ")],
    }  # fmt: skip
    for (chart, part), lines in drawn.items():
        data = chart_data(page, chart)[part]
        for one, other in lines:
            both = [(a, b) for a, b in zip(data[one], data[other], strict=True) if a is not None and b is not None]
            height = max(map(max, both)) - min(map(min, both))
            apart = sum(abs(a - b) > height / 100 for a, b in both) / len(both)
            assert apart > 0.5, (chart, one, other)
    portfolios = chart_data(page, "core_satellite")
    series: dict[str, dict[int, float]] = {}
    for data in portfolios.values():
        if "strategy" in data:
            for name, session, value in zip(data["strategy"], data["session"], data["relative"], strict=True):
                series.setdefault(name, {})[session] = value
    for one, other in itertools.combinations(series.values(), 2):
        common = one.keys() & other.keys()
        assert sum(abs(one[day] - other[day]) > 0.0005 for day in common) > len(common) / 2


def test_returns_by_month_are_the_session_returns_compounded(sample_home: Home, page: str) -> None:
    data = chart_data(page, "months")["months"]
    shown = {key[:3]: key[3] for key in zip(data["series"], data["year"], data["month"], data["total_return"], strict=True)}
    rows = answers(
        sample_home, "select fund, session, total_return from price_daily where fund in ('IWM', 'SPY', 'QQQ') order by session"
    )
    months: dict[tuple[str, str, str], list[float | None]] = {}
    for fund, session, value in rows:
        for step in (session.strftime("%b"), "Year"):
            months.setdefault((fund, str(session.year), step), []).append(value)
    for key, value in shown.items():
        if key[0] in FUNDS and None not in months[key]:
            assert value == pytest.approx(math.prod(1 + one for one in months[key] if one is not None) - 1, abs=6e-5), key
        elif key[0] not in FUNDS:
            assert value == pytest.approx(shown["IWM", *key[1:]] - shown["SPY", *key[1:]], abs=1.6e-4), key
    whole = {key for key, values in months.items() if None not in values}
    assert len(whole & set(shown)) > 800
    assert {key for key in whole if key[2] != "Year"} <= set(shown)


def test_the_first_screen_says_the_newest_labels(sample_home: Home, page: str) -> None:
    words = section_of(page, "today")
    [(regime,)] = answers(sample_home, "select max_by(regime, session) from regime_daily where pair = 'IWM/SPY'")
    [(breadth,)] = answers(sample_home, "select max_by(breadth, session) from breadth_daily")
    [(phase,)] = answers(sample_home, "select max_by(cycle_phase, session) from cycle_phase_daily")
    assert f"IWM/SPY is {label(regime)}; breadth is {label(breadth)}; the Fed is on hold after cuts;" in words
    assert f"the cycle phase is {label(phase)}." in words
    newest = answers(sample_home, "select max(session) from price_daily")[0][0]
    assert f"close of {newest}" in words
    [(tested, surviving)] = answers(
        sample_home,
        "select count(p_value), count(*) filter (verdict in ('supported', 'contradicted')) from scorecard"
        " where family = 'claims'",
    )
    assert f"Of {tested} tests of the guide's claims, {surviving} survive." in words


def test_the_first_screen_has_each_signal_with_its_distance_to_the_flip(sample_home: Home, page: str) -> None:
    words = section_of(page, "today")
    for pair in PAIRS:
        query = f"select ratio from ratio_daily where pair = '{pair}' and ratio is not null order by session"
        ratios = [ratio for (ratio,) in answers(sample_home, query)]
        level = statistics.fmean(map(math.log, ratios[-200:]))
        [(regime,)] = answers(sample_home, f"select max_by(regime, session) from regime_daily where pair = '{pair}'")
        # The next close x is one of the 200 whose mean it is compared with: x - (sum of the others + x) / 200 = 0.02 or -0.02.
        gap = 0.02 if regime == "risk_off" else -0.02
        flip = math.exp((gap + sum(map(math.log, ratios[-199:])) / 200) * 200 / 199)
        way = "above" if regime == "risk_off" else "below"
        value = plain(percent(ratios[-1] / math.exp(level) - 1, signed=True))
        move = plain(percent(flip / ratios[-1] - 1, signed=True))
        said = rf"{pair} {label(regime)} \S+ {re.escape(value)} {re.escape(move)} \S+ {way} {flip:.4f}"
        assert re.search(said, words), said
    for signal, subject, n, share in answers(sample_home, "select signal, subject, analogues_n, flips_21 from signal_levels"):
        name = subject if signal == "regime" else f"Trend break {subject}"
        assert re.search(rf"{name} [^%]*(%[^%]*)? % [^%]* {round(share * 100)} % of {n:,}", words), name


def test_the_returns_of_the_first_screen_are_ratios_of_the_index(sample_home: Home, page: str) -> None:
    words = section_of(page, "today")
    ends = answers(sample_home, "select fund, window_name, start_session, end_session from performance")
    windows = {row[:2]: row[2:] for row in ends}
    rows = answers(sample_home, "select fund, session, close, total_return_index from price_daily")
    index = {(fund, session): level for fund, session, _, level in rows}
    sessions = sorted({session for fund, session, _, level in rows if fund == "SPY"})
    found: dict[tuple[str, str], float] = {}
    for fund in FUNDS:
        for window in ("1d", "1w", "1m", "ytd", "1y"):
            start, end = windows[fund, window]
            assert end == sessions[-1]
            found[fund, window] = index[fund, end] / index[fund, start] - 1
        assert windows[fund, "1d"][0] == sessions[-2]
        assert windows[fund, "ytd"][0] == max(session for session in sessions if session.year < sessions[-1].year)
        close = next(close for name, session, close, _ in rows if (name, session) == (fund, sessions[-1]))
        line = " ".join(percent(found[fund, window], signed=True) for window in ("1d", "1w", "1m", "ytd", "1y"))
        assert f"{fund} {close:,.2f} {plain(line)}" in words
    gaps = [found["IWM", window] - found["SPY", window] for window in ("1d", "1w", "1m", "ytd", "1y")]
    assert f"IWM - SPY {plain(' '.join(points(gap) for gap in gaps))}" in words


def test_the_first_screen_lists_every_change_and_says_that_there_is_no_earlier_release(sample_home: Home, page: str) -> None:
    words = section_of(page, "today")
    assert "Since the previous release Not compared: this is the first release." in words
    rows = answers(sample_home, "select baseline, sentence from reading_changes")
    assert rows and {baseline for baseline, _ in rows} == {"previous_session"}
    for _, sentence in rows:
        assert sentence.rstrip(".") in words


def test_holdings_changes_match_an_independent_count(sample_home: Home, page: str) -> None:
    rows = answers(sample_home, "select fund, as_of, security_id, change, weight_change, previous_as_of from holdings_changes")
    newest = {fund: max(row[1] for row in rows if row[0] == fund) for fund in {row[0] for row in rows}}
    words = section_of(page, "changes")
    data = chart_data(page, "changes")["changes"]
    for fund, as_of in newest.items():
        own = [row for row in rows if row[0] == fund and row[1] == as_of]
        counts = [sum(row[3] == change for row in own) for change in ("added", "removed", "kept")]
        found = re.search(rf"{fund} {as_of} {own[0][5]} \S+ days earlier (\S+)(?: \S+ %)? (\S+)(?: \S+ %)? (\S+)", words)
        assert found and [int(count.replace(",", "")) for count in found.groups()] == counts
        moved = [change for name, change in zip(data["fund"], data["moved"], strict=True) if name == fund]
        largest = sorted((abs(row[4]) for row in own), reverse=True)[:10]
        assert [abs(change) for change in moved] == pytest.approx(largest, abs=1e-6)


def test_overlap_shows_the_newest_row_of_every_pair(sample_home: Home, page: str) -> None:
    rows = answers(sample_home, "select fund_a, fund_b, arg_max(overlap, as_of) from fund_overlap group by fund_a, fund_b")
    data = chart_data(page, "overlap")["pairs"]
    shown = {frozenset(pair[:2]): pair[2] for pair in zip(data["left"], data["below"], data["overlap"], strict=True)}
    assert shown == {frozenset((a, b)): pytest.approx(overlap, abs=6e-6) for a, b, overlap in rows}


def test_exactly_the_months_outside_the_chance_band_are_marked(sample_home: Home, page: str) -> None:
    rows = {
        row[:2]: row[2:] for row in answers(sample_home, "select fund, month, mean_return, hit_rate, months from seasonality")
    }
    data = chart_data(page, "seasonality")["months"]
    names = list(dict.fromkeys(data["month"]))
    columns = zip(*(data[name] for name in ("fund", "month", "mean_return", "hit_rate", "months", "outside")), strict=True)
    seen = 0
    for fund, month, mean, hits, months, is_outside in columns:
        own = {key: value for key, value in rows.items() if key[0] == fund}
        likely = sum(value[1] * value[2] for value in own.values()) / sum(value[2] for value in own.values())
        expected = own[fund, names.index(month) + 1]
        assert (mean, hits, months) == (pytest.approx(expected[0], abs=6e-5), pytest.approx(expected[1], abs=6e-5), expected[2])
        gains = round(expected[1] * months)
        odds = [math.comb(months, wins) * likely**wins * (1 - likely) ** (months - wins) for wins in range(months + 1)]
        assert is_outside == (min(sum(odds[: gains + 1]), sum(odds[gains:])) <= 0.025)
        seen += 1
    assert seen == len(rows)


def test_stress_events_and_investor_profiles_match_their_marts(sample_home: Home, page: str) -> None:
    events, investors = section_of(page, "events"), section_of(page, "profiles")
    falls = answers(
        sample_home, "select total_return, max_drawdown, recovery from market_events where fund in ('IWM', 'SPY', 'QQQ')"
    )
    for total, fall, recovery in falls:
        after = f"recovered {recovery}" if recovery else "ended higher" if total >= 0 else "not recovered"
        shown = plain(f"{percent(total, signed=True)} max drawdown {percent(fall)} {after}")
        assert shown in events
    rows = answers(
        sample_home, "select criterion, reason, pick, figure, unit, guide_pick, is_the_guides_pick from investor_profiles"
    )
    for criterion, reason, pick, figure, unit, guide_pick, is_same in rows:
        shown = plain(f"{criterion.replace('_', ' ')} {grouped(reason)} {pick} {measure(figure, unit)}")
        after = investors.partition(shown)[2]
        assert after and f"{guide_pick} " in after
        assert {True: " yes ", False: " no ", None: f" {DASH} "}[is_same] in f" {after} "
    assert sum(row[-1] is True for row in rows) == investors.count(" yes")
    # SCHA has two quotes: the narrowest one could be its.
    assert {row[0] for row in rows if row[-1] is None} == {"narrowest_quote"}


def test_reconstitution_shows_the_candidates_and_their_scores(sample_home: Home, page: str) -> None:
    words = section_of(page, "reconstitution")
    counts = answers(
        sample_home,
        "select status, quality, count(*) from reconstitution_candidates where is_latest and status <> 'stays'"
        " and event = (select max(event) from reconstitution_candidates) group by status, quality",
    )
    assert len(counts) >= 2
    for status, quality, count in counts:
        assert f"{status} {quality} {count} " in words
    scores = answers(
        sample_home,
        "select status, quality, predicted, happened, precision_share from reconstitution_forecast_scores"
        " where is_latest and reach = 'all'",
    )
    assert len(scores) == 7
    for status, quality, predicted, happened, precision in scores:
        assert plain(f"{status} {quality} {predicted} {happened} {percent(precision, 0)}") in words


def test_claims_show_the_units_of_the_mart(sample_home: Home, page: str) -> None:
    words = section_of(page, "claims")
    rows = answers(sample_home, "select statement, guide_says, measured_value, unit from guide_claims")
    for statement, says, value, unit in rows:
        assert plain(f"{statement} {says} {measure(value, unit)}") in words


def test_tables_have_captions_and_headers(page: str, elements: Elements) -> None:
    assert len(elements.named("table")) == len(elements.named("caption")) >= 18
    assert all(head.get("scope") for head in elements.named("th"))
    assert elements.named("html") == [{"lang": "en"}]


def test_the_page_loads_nothing(elements: Elements) -> None:
    for _, attributes in elements.found:
        for name in ("src", "href", "srcset", "action", "poster", "data"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), attributes
    assert not {"iframe", "object", "embed", "form", "base"} & {tag for tag, _ in elements.found}
    [policy] = [meta["content"] for meta in elements.named("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy and policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy and "unsafe-inline" not in policy.partition("style-src-attr")[0]


def test_hostile_names_add_no_script(sample_home: Home, tmp_path: Path, elements: Elements) -> None:
    page = hostile_report(sample_home, tmp_path).read_text()
    found = Elements(page)
    assert page.count("&lt;script&gt;window.ran=1&lt;/script&gt;") > 5
    assert "&lt;img src=x onerror" in page
    assert "<script>window.ran" not in page and found.named("img") == []
    assert "{{7*7}}" in page
    assert len(found.named("script")) == len(elements.named("script"))
    assert not any(name.startswith("on") for _, attributes in found.found for name in attributes)


def test_the_libraries_are_bundled_once(sample_home: Home) -> None:
    [kept] = (sample_home.path / "report").iterdir()
    assert kept.name.startswith("vega-") and kept.suffix == ".js"


def test_the_report_is_not_imported_at_startup() -> None:
    code = (
        "import sys, orchestration.defs.runner; "
        "print([m for m in sys.modules if m.startswith(('vl_convert', 'orchestration.report.'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("['orchestration.report.manifest']")

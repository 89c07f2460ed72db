"""The report of the sample release as a file: complete, self-contained, small, and safe whatever names it contains."""

import hashlib
import html
import json
import math
import re
import shutil
import subprocess
import sys
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.report.page import CHAPTERS, write_report
from orchestration.report.release_tables import release_tables
from orchestration.report.wording import measure, percent
from tests.pipeline.homes import Home

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
    assert len(content) < 3_000_000
    assert {"release_id", "git_revision", "run_id"} <= {key for key, value in manifest.items() if str(value) in page}


def test_the_manifest_lists_warnings_and_dates(manifest: dict[str, Any]) -> None:
    assert manifest["last_session"] == "2026-09-30"
    assert manifest["holdings_as_of"]["VOO"] == "2026-08-31"
    assert {("missing_session", "IWM"), ("rejected_document_holdings", "IWM")} <= {
        (entry["check"], entry["symbol"]) for entry in manifest["missing"]
    }
    assert manifest["parameters"]["regime.threshold"]["value"] == 0.02


def test_every_section_is_there_and_complete(page: str, elements: Elements) -> None:
    assert [section["id"] for section in elements.named("section")] == [chapter.name for chapter in CHAPTERS]
    assert "Not available in this release" not in page
    assert "Simulated market." in page


def test_every_chart_has_a_summary_a_height_and_data(page: str, elements: Elements) -> None:
    charts = [attributes for attributes in elements.named("div") if attributes.get("role") == "img"]
    assert len(charts) >= 14
    assert len(charts) == len(elements.named("figure")) == len(elements.named("figcaption"))
    for chart in charts:
        assert len(chart["aria-label"] or "") > 60
        assert re.fullmatch(r"chart h\d{3}", chart["class"] or "")
        payload = re.search(rf'id="{chart["data-payload"]}">(.*?)</script>', page)
        assert payload
        assert all(len(next(iter(columns.values()))) > 0 for columns in json.loads(payload[1])["data"].values())


def chart_data(page: str, name: str) -> dict[str, dict[str, list[Any]]]:
    """The data of a chart, by name and column."""
    found = re.search(rf'id="data-{name}">(.*?)</script>', page)
    assert found, name
    data: dict[str, dict[str, list[Any]]] = json.loads(found[1])["data"]
    return data


def section_of(page: str, name: str) -> str:
    """The text of a section with single spaces."""
    found = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
    assert found, name
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", found[0])).split())


def answers(sample_home: Home, query: str) -> list[tuple[Any, ...]]:
    """Query the Parquet files of the release; each file is a table."""
    with duckdb.connect() as connection:
        for table in re.findall(r"(?:from|join) ([a-z_]+)", query):
            file = sample_home.latest / f"{table}.parquet"
            if file.exists():
                connection.execute(f"create or replace view {table} as select * from read_parquet('{file}')")
        return connection.execute(query).fetchall()


def test_the_other_ratios_use_one_close_per_week(sample_home: Home, page: str) -> None:
    for pair in ("IWM/QQQ", "QQQ/SPY"):
        points = chart_data(page, "other_ratios")[f"{pair} points"]
        rows = answers(sample_home, f"select session, ratio from ratio_daily where pair = '{pair}' and ratio is not null")
        ratios = {(session - date(1970, 1, 1)).days: ratio for session, ratio in rows}
        weeks = {session.isocalendar()[:2] for session, _ in rows}
        breaks = [place for place in points["trend_break"] if place]
        assert len(weeks) <= len(points["session"]) <= len(weeks) + len(breaks)
        assert points["session"][-1] == max(ratios)
        for session, ratio in zip(points["session"], points["ratio"], strict=True):
            assert ratio == pytest.approx(ratios[session], abs=6e-5)


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
        shown = f"{percent(total, signed=True)} max drawdown {percent(fall)} {after}".replace("\xa0", " ")
        assert shown in events
    rows = answers(
        sample_home, "select criterion, reason, pick, figure, unit, guide_pick, is_the_guides_pick from investor_profiles"
    )
    for criterion, reason, pick, figure, unit, guide_pick, is_same in rows:
        shown = f"{criterion.replace('_', ' ')} {reason} {pick} {measure(figure, unit)}".replace("\xa0", " ")
        after = investors.partition(shown)[2]
        assert after and f"{guide_pick} " in after
        assert {True: " yes ", False: " no "}[is_same] in f" {after} "
    assert sum(row[-1] for row in rows) == investors.count(" yes")


def test_claims_show_the_units_of_the_mart(sample_home: Home, page: str) -> None:
    words = section_of(page, "claims")
    rows = answers(sample_home, "select statement, guide_says, measured_value, unit from guide_claims")
    for statement, says, value, unit in rows:
        assert f"{statement} {says} {measure(value, unit)}".replace("\xa0", " ") in words


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

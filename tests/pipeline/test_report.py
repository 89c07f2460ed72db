"""The page of the sample's release, as a file: whole, self-contained, small, and harmless whatever names it holds."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.report.page import CHAPTERS, write_report
from orchestration.report.release_tables import release_tables
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
    """The sample's manifest."""
    found: dict[str, Any] = json.loads((sample_home.latest / "manifest.json").read_text())
    return found


@pytest.fixture(scope="module")
def page(sample_home: Home) -> str:
    """The sample's page."""
    return (sample_home.latest / "report.html").read_text()


@pytest.fixture(scope="module")
def elements(page: str) -> Elements:
    """Its elements."""
    return Elements(page)


def hostile_report(sample_home: Home, directory: Path) -> Path:
    """The page of a release whose vendors wrote mischief into names and labels."""
    shutil.copy(sample_home.latest / "warehouse.duckdb", directory / "warehouse.duckdb")
    with duckdb.connect(str(directory / "warehouse.duckdb")) as connection:
        connection.execute("update fund_comparison set largest_holding = ?, name = ?, issuer = ?", [HOSTILE] * 3)
        connection.execute("update sector_comparison set sector = sector || ?", [HOSTILE])
        connection.execute("update reading set subject = ?, evidence = ?", [HOSTILE] * 2)
        connection.execute("update guide_claims set reason = ?", [HOSTILE])
    manifest = json.loads((sample_home.latest / "manifest.json").read_text())
    with release_tables(directory) as tables:
        return write_report(tables, manifest, directory, scripts=sample_home.path / "report")


def test_the_page_is_in_the_release_and_in_its_manifest(sample_home: Home, manifest: dict[str, Any], page: str) -> None:
    content = (sample_home.latest / "report.html").read_bytes()
    assert manifest["report"] == {"file": "report.html", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert len(content) < 3_000_000
    assert {"release_id", "git_revision", "run_id"} <= {key for key, value in manifest.items() if str(value) in page}


def test_the_manifest_says_what_is_missing_and_how_old_things_are(manifest: dict[str, Any]) -> None:
    assert manifest["last_session"] == "2026-09-30"
    assert manifest["holdings_as_of"]["VOO"] == "2026-08-31"
    assert {("missing_session", "IWM"), ("rejected_document_holdings", "IWM")} <= {
        (entry["check"], entry["symbol"]) for entry in manifest["missing"]
    }
    assert manifest["parameters"]["regime.threshold"]["value"] == 0.02


def test_every_section_is_there_and_lacks_nothing(page: str, elements: Elements) -> None:
    assert [section["id"] for section in elements.named("section")] == [chapter.name for chapter in CHAPTERS]
    assert "Nothing to show" not in page
    assert "Invented market." in page


def test_every_chart_has_words_a_height_and_data(page: str, elements: Elements) -> None:
    charts = [attributes for attributes in elements.named("div") if attributes.get("role") == "img"]
    assert len(charts) >= 10
    assert len(charts) == len(elements.named("figure")) == len(elements.named("figcaption"))
    for chart in charts:
        assert len(chart["aria-label"] or "") > 60
        assert re.fullmatch(r"chart h\d{3}", chart["class"] or "")
        payload = re.search(rf'id="{chart["data-payload"]}">(.*?)</script>', page)
        assert payload
        assert all(len(next(iter(columns.values()))) > 0 for columns in json.loads(payload[1])["data"].values())


def test_tables_have_captions_and_heads(page: str, elements: Elements) -> None:
    assert len(elements.named("table")) == len(elements.named("caption")) >= 10
    assert all(head.get("scope") for head in elements.named("th"))
    assert elements.named("html") == [{"lang": "en"}]


def test_nothing_is_loaded_from_anywhere(elements: Elements) -> None:
    for _, attributes in elements.found:
        for name in ("src", "href", "srcset", "action", "poster", "data"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), attributes
    assert not {"iframe", "object", "embed", "form", "base"} & {tag for tag, _ in elements.found}
    [policy] = [meta["content"] for meta in elements.named("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy and policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy and "unsafe-inline" not in policy.partition("style-src-attr")[0]


def test_no_script_but_our_own_stands_in_the_page_whatever_the_names(
    sample_home: Home, tmp_path: Path, elements: Elements
) -> None:
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


def test_starting_up_does_not_pay_for_the_report() -> None:
    code = (
        "import sys, orchestration.runner; print([m for m in sys.modules if m.startswith(('vl_convert', 'orchestration.rep'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")

"""The report in a real browser: headless Chromium, if installed."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.homes import Home
from tests.pipeline.test_report import hostile_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium browser, such as Debian's package chromium")
SIZES = {1400: 900, 390: 844}
LOOKS = [(width, scheme) for width in SIZES for scheme in ("light", "dark")]
DRAWN = "[...document.querySelectorAll('.chart')].every(chart => chart.closest('figure').classList.contains('is-drawn'))"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


class Visit:
    """An open page with its console messages and requests."""

    def __init__(self, browser: Any, file: Path, width: int, scheme: str) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": SIZES[width]}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())
        self.until(DRAWN)

    def until(self, condition: str) -> None:
        """Wait until the condition is true. The page's security policy does not allow waiting inside the page."""
        for _ in range(200):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"timed out waiting for {condition}; console: {self.said}")

    def hover(self, chart: str, mark: str) -> str:
        """Point at the first mark of a chart and return the text of the tooltip."""
        self.page.locator(f"#chart-{chart}").scroll_into_view_if_needed()
        box = self.page.locator(f"#chart-{chart} {mark}").first.bounding_box()
        self.page.mouse.move(box["x"] + box["width"] / 2 - 3, box["y"] + box["height"] / 2)
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.until("document.querySelector('#vg-tooltip-element.visible') !== null")
        return str(self.page.locator("#vg-tooltip-element").inner_text())


@pytest.fixture(scope="module", params=LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def visit(request: pytest.FixtureRequest, browser: Any, sample_home: Home) -> Iterator[Visit]:
    """The sample report at one width, light or dark."""
    opened = Visit(browser, sample_home.latest / "report.html", *request.param)
    yield opened
    opened.context.close()


@pytest.fixture
def desk(browser: Any, sample_home: Home) -> Iterator[Visit]:
    """The sample report at 1400 pixels, for a test that changes it."""
    opened = Visit(browser, sample_home.latest / "report.html", 1400, "light")
    yield opened
    opened.context.close()


def test_the_console_is_empty_and_nothing_is_requested(visit: Visit) -> None:
    assert visit.said == []
    assert [url for url in visit.asked if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in visit.asked if url.startswith("file:")]) == 1


def test_every_chart_fits_its_reserved_space(visit: Visit) -> None:
    charts = visit.page.evaluate(
        "[...document.querySelectorAll('.chart')].map(chart => ({name: chart.id, marks: chart.querySelectorAll("
        "'.role-mark path, .role-mark line').length, svg: chart.querySelector('svg').getBoundingClientRect().toJSON(),"
        " kept: parseFloat(getComputedStyle(chart).minHeight), width: chart.clientWidth}))"
    )
    assert len(charts) >= 14
    for chart in charts:
        assert chart["marks"] > 2, chart
        assert chart["kept"] - 12 <= chart["svg"]["height"] <= chart["kept"], chart
        assert chart["width"] * 0.9 <= chart["svg"]["width"] <= chart["width"], chart


def test_there_is_no_horizontal_scrolling(visit: Visit) -> None:
    width, shown = visit.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width == shown


def test_the_first_paint_comes_within_two_seconds(visit: Visit) -> None:
    visit.until("performance.getEntriesByName('first-contentful-paint').length === 1")
    assert visit.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") < 2000


def test_it_follows_the_system_colour_scheme(visit: Visit) -> None:
    is_dark = visit.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    colour = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    line = visit.page.evaluate("getComputedStyle(document.querySelector('#chart-ratio .mark-line path')).stroke")
    assert colour == ("rgb(14, 18, 23)" if is_dark else "rgb(246, 247, 248)")
    assert line != colour


def test_the_theme_button_also_changes_the_charts(desk: Visit) -> None:
    axis = "getComputedStyle(document.querySelector('#chart-ratio .role-axis-label text')).fill"
    before = desk.page.evaluate(axis)
    desk.page.click("#theme")
    assert desk.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 18, 23)"
    assert desk.page.evaluate(axis) != before


def test_tooltips_work(desk: Visit) -> None:
    assert "IWM" in desk.hover("sectors", ".mark-symbol path")
    assert "Companies in common" in desk.hover("overlap", ".mark-rect path")
    assert "Chance band from" in desk.hover("seasonality", ".mark-symbol path")
    assert "Trend mean" in desk.hover("other_ratios", ".mark-line path")
    assert "p-value" in desk.hover("scorecards", ".mark-symbol path")
    text = desk.hover("ratio", ".mark-line path")
    assert "Session" in text and "Ratio" in text


def test_zooming_shows_the_selected_years(desk: Visit) -> None:
    texts = "[...document.querySelectorAll('#chart-ratio .concat_0_group .role-axis-label text')]"
    labels = f"{texts}.map(label => label.textContent).join()"
    assert "2010" in desk.page.evaluate(labels)
    desk.page.click("#figure-ratio button[data-years='5']")
    desk.until(f"!{labels}.includes('2010') && {labels}.includes('2024')")
    assert desk.page.get_attribute("#figure-ratio button[data-years='5']", "aria-pressed") == "true"
    desk.page.click("#figure-ratio button[data-years='0']")
    desk.until(f"{labels}.includes('2010')")


def test_the_scorecard_changes_with_target_and_horizon(desk: Visit) -> None:
    ends = "[...document.querySelectorAll('#chart-scorecards .mark-rule line')].map(line => line.getAttribute('x2')).join()"
    before = desk.page.evaluate(ends)
    desk.page.select_option("#figure-scorecards select[data-parameter='horizon']", "21")
    desk.until(f"{ends} !== '{before}'")
    once = desk.page.evaluate(ends)
    desk.page.select_option("#figure-scorecards select[data-parameter='target']", "IWM - SPY")
    desk.until(f"{ends} !== '{once}'")


def test_holdings_and_seasonality_change_with_the_fund(desk: Visit) -> None:
    for chart, fund in (("changes", "QQQ"), ("seasonality", "VTWO")):
        marks = f"[...document.querySelectorAll('#chart-{chart} .mark-symbol path')].map(p => p.getAttribute('transform')).join()"
        before = desk.page.evaluate(marks)
        desk.page.select_option(f"#figure-{chart} select[data-parameter='fund']", fund)
        desk.until(f"{marks} !== '{before}'")
    assert desk.said == []


def test_resizing_redraws_the_charts(desk: Visit) -> None:
    desk.page.set_viewport_size({"width": 390, "height": 844})
    desk.until("document.querySelector('#chart-ratio svg').getBoundingClientRect().width < 390")
    assert desk.page.evaluate("document.documentElement.scrollWidth") == 390


def test_print_has_dark_text_and_no_buttons(desk: Visit) -> None:
    desk.page.click("#theme")
    desk.page.emulate_media(media="print")
    assert desk.page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert not desk.page.is_visible("nav") and not desk.page.is_visible("#theme")
    assert len(desk.page.pdf(format="A4")) > 50_000


def test_the_policy_blocks_every_other_script(desk: Visit) -> None:
    desk.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}));"
        "document.body.insertAdjacentHTML('beforeend', '<img src=data:, onerror=\"window.ran = 1\">')"
    )
    desk.until("document.images.length === 1 && document.images[0].complete")
    assert desk.page.evaluate("window.ran") is None
    assert any("Content Security Policy" in text for text in desk.said)


def test_names_from_vendors_are_never_executed(browser: Any, sample_home: Home, tmp_path: Path) -> None:
    opened = Visit(browser, hostile_report(sample_home, tmp_path), 1400, "light")
    assert "<img src=x onerror" in opened.hover("sectors", ".mark-symbol path")
    assert "<img src=x onerror" in opened.hover("changes", ".mark-symbol path")
    assert opened.page.evaluate("window.ran") is None
    assert opened.page.evaluate("document.images.length") == 0
    assert opened.said == []
    opened.context.close()

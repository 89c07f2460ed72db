"""The report in a real browser: headless Chromium, if installed."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.pipeline.homes import Home
from tests.pipeline.test_report import hostile_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium browser, such as Debian's package chromium")
SIZES = {1400: 900, 390: 844}
# Each width and each scheme once; the other pairs belong to make test-runs.
LOOKS = [
    (1400, "light"), (390, "dark"),
    pytest.param((1400, "dark"), marks=pytest.mark.more_runs), pytest.param((390, "light"), marks=pytest.mark.more_runs),
]  # fmt: skip
OPENED = "document.querySelectorAll('details').forEach(one => { one.open = true; })"
CLOSED = "document.querySelectorAll('details').forEach(one => { one.open = false; })"
LABELS = "[...document.querySelectorAll('#chart-{} .role-axis-label text')].map(label => label.textContent)"
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
        self.page.evaluate(f"location.hash = 'figure-{chart}'")
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
    visit.page.evaluate(OPENED)
    charts = visit.page.evaluate(
        "[...document.querySelectorAll('.chart')].map(chart => ({name: chart.id, marks: chart.querySelectorAll("
        "'.role-mark path, .role-mark line').length, svg: chart.querySelector('svg').getBoundingClientRect().toJSON(),"
        " kept: parseFloat(getComputedStyle(chart).minHeight), width: chart.clientWidth}))"
    )
    visit.page.evaluate(CLOSED)
    assert len(charts) >= 13
    for chart in charts:
        assert chart["marks"] > 2, chart
        assert chart["kept"] - 12 <= chart["svg"]["height"] <= chart["kept"], chart
        assert chart["width"] * 0.9 <= chart["svg"]["width"] <= chart["width"], chart


def test_there_is_no_horizontal_scrolling(visit: Visit) -> None:
    for state in (CLOSED, OPENED, CLOSED):
        visit.page.evaluate(state)
        width, shown = visit.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width == shown


def test_on_a_phone_no_verdict_is_off_the_screen_and_a_shade_shows_what_scrolls(visit: Visit) -> None:
    visit.page.evaluate(OPENED)
    tables = visit.page.evaluate(
        "[...document.querySelectorAll('.wide')].map(box => ({name: box.getAttribute('aria-label'), scrolls: box.scrollWidth >"
        " box.clientWidth + 1, heads: [...box.querySelectorAll('thead th')].map(head => head.textContent.trim()),"
        " shades: getComputedStyle(box).backgroundAttachment}))"
    )
    visit.page.evaluate(CLOSED)
    judged = [table for table in tables if any(head.startswith("Verdict") for head in table["heads"])]
    assert len(judged) >= 6
    assert [table["name"] for table in judged if table["scrolls"]] == []
    assert {table["shades"] for table in tables} == {"local, local, scroll, scroll, scroll"}


def test_axe_finds_no_violation(visit: Visit) -> None:
    visit.page.evaluate(OPENED)
    answer = Axe().run(visit.page, options={"resultTypes": ["violations"]}).response
    found = [(one["id"], node["html"], node["failureSummary"]) for one in answer["violations"] for node in one["nodes"]]
    assert found == []
    assert len(answer["passes"]) > 30
    visit.page.evaluate(CLOSED)


def test_the_collapsed_page_is_short_and_its_first_screen_is_whole(desk: Visit) -> None:
    assert desk.page.evaluate("document.documentElement.scrollHeight") <= 12_000
    for shown in ("h1", ".fresh", "#today table >> nth=0", "#today table >> nth=1", "#today .sentences >> nth=0"):
        box = desk.page.locator(shown).bounding_box()
        assert box["y"] + box["height"] <= SIZES[1400], shown


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
    assert "Securities in common" in desk.hover("overlap", ".mark-rect path")
    assert "Chance band from" in desk.hover("seasonality", ".mark-symbol path")
    assert "p-value" in desk.hover("scorecards", ".mark-symbol path")
    text = desk.hover("ratio", ".mark-line path")
    assert "Session" in text and "Ratio" in text


def test_the_period_buttons_show_the_selected_years(desk: Visit) -> None:
    for chart in ("ratio", "breadth"):
        panel = "_1_group" if chart == "breadth" else "_3_group"
        texts = f"[...document.querySelectorAll('#chart-{chart} .concat{panel} .role-axis-label text')]"
        labels = f"{texts}.map(label => label.textContent).join()"
        assert "2024" in desk.page.evaluate(labels) and "2010" not in desk.page.evaluate(labels)
        desk.page.click(f"#figure-{chart} button[data-years='0']")
        desk.until(f"{labels}.includes('2010')")
        assert desk.page.get_attribute(f"#figure-{chart} button[data-years='0']", "aria-pressed") == "true"
        desk.page.click(f"#figure-{chart} button[data-years='1']")
        desk.until(f"!{labels}.includes('2010') && !{labels}.includes('2024')")


def test_dragging_across_the_lowest_panel_zooms(desk: Visit) -> None:
    line = "document.querySelector('#chart-ratio .concat_0_group .mark-line path').getAttribute('d')"
    box = desk.page.locator("#chart-ratio svg").bounding_box()
    desk.page.locator("#chart-ratio").scroll_into_view_if_needed()
    box = desk.page.locator("#chart-ratio .concat_4_group .background >> nth=0").bounding_box()
    before, height = desk.page.evaluate(line), box["y"] + box["height"] / 2
    desk.page.mouse.move(box["x"] + box["width"] * 0.2, height)
    desk.page.mouse.down()
    desk.page.mouse.move(box["x"] + box["width"] * 0.4, height, steps=4)
    desk.page.mouse.up()
    desk.until(f"{line} !== {before!r}")


def test_the_main_chart_shows_the_chosen_pair(desk: Visit) -> None:
    titles = "[...document.querySelectorAll('#chart-ratio .role-title text')].map(title => title.textContent).join()"
    assert "Volatility, 63 sessions: IWM, SPY (dashed)" in desk.page.evaluate(titles)
    desk.page.select_option("#figure-ratio select[data-parameter='pair']", "QQQ/SPY")
    desk.until(f"{titles}.includes('Volatility, 63 sessions: QQQ, SPY (dashed)')")
    assert any(1.0 < float(text) < 2.5 for text in desk.page.evaluate(LABELS.format("ratio")) if re.fullmatch(r"\d\.\d+", text))


def test_the_files_of_a_figure(desk: Visit, tmp_path: Path) -> None:
    for end in ("csv", "png"):
        with desk.page.expect_download() as waiting:
            desk.page.click(f"#figure-ratio [data-save={end}]")
        saved = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(saved)
        assert re.fullmatch(rf"ratio-\d{{4}}-\d\d-\d\d\.{end}", saved.name)
    [table] = tmp_path.glob("*.csv")
    lines = table.read_text().splitlines()
    assert lines[0].startswith("pair,session,ratio,trend,")
    assert lines[1].startswith("IWM/SPY,2001-10-") and len(lines) > 3000
    [picture] = tmp_path.glob("*.png")
    assert picture.read_bytes().startswith(b"\x89PNG") and len(picture.read_bytes()) > 30_000
    assert desk.said == []


def test_a_link_to_a_figure_opens_its_section(desk: Visit) -> None:
    assert not desk.page.is_visible("#chart-overlap")
    desk.page.click("nav a[href='#overlap']")
    desk.until("document.querySelector('#overlap details').open")
    assert desk.page.is_visible("#chart-overlap")
    desk.page.evaluate("location.hash = '#figure-seasonality'")
    desk.until("document.querySelector('#seasonality details').open")


def test_the_keyboard_reaches_everything(desk: Visit) -> None:
    desk.page.keyboard.press("Tab")
    assert desk.page.evaluate("document.activeElement.className") == "skip"
    desk.page.focus("#scorecards summary")
    desk.page.keyboard.press("Enter")
    assert desk.page.is_visible("#chart-scorecards")
    desk.page.focus("#figure-ratio button[data-years='10']")
    desk.page.keyboard.press("Space")
    assert desk.page.get_attribute("#figure-ratio button[data-years='10']", "aria-pressed") == "true"
    reached = desk.page.evaluate(
        "[...document.querySelectorAll('a, button, select, summary')].filter(one => one.tabIndex < 0).length"
    )
    assert reached == 0
    desk.page.focus("#today a.term >> nth=0")
    explained = desk.page.locator("#term-tip.visible").inner_text()
    described = desk.page.locator("#today a.term >> nth=0").get_attribute("aria-describedby")
    assert explained and explained == desk.page.evaluate(f"document.getElementById('{described}').textContent")
    desk.page.keyboard.press("Escape")
    assert not desk.page.is_visible("#term-tip")


def test_the_page_says_how_many_days_ago_it_was_made(desk: Visit) -> None:
    assert desk.page.inner_text("#made-ago") == ", today"
    made = desk.page.evaluate("Date.parse(document.getElementById('made').dateTime)")
    desk.page.clock.install(time=(made + 12 * 86_400_000) / 1000)
    desk.page.reload()
    desk.until("document.getElementById('made-ago').textContent === ', 12 days ago'")
    assert "old" in (desk.page.get_attribute("#made-ago", "class") or "")


def test_the_scorecard_changes_with_target_and_horizon(desk: Visit) -> None:
    ends = "[...document.querySelectorAll('#chart-scorecards .mark-rule line')].map(line => line.getAttribute('x2')).join()"
    desk.page.evaluate(OPENED)
    before = desk.page.evaluate(ends)
    desk.page.select_option("#figure-scorecards select[data-parameter='horizon']", "21")
    desk.until(f"{ends} !== '{before}'")
    once = desk.page.evaluate(ends)
    desk.page.select_option("#figure-scorecards select[data-parameter='target']", "IWM - SPY")
    desk.until(f"{ends} !== '{once}'")


def test_holdings_and_seasonality_change_with_the_fund(desk: Visit) -> None:
    desk.page.evaluate(OPENED)
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


class Paper:
    """The pages of a PDF: their characters without spaces, each with the corners of its box in points."""

    def __init__(self, content: bytes) -> None:
        self.pages: list[tuple[str, list[tuple[float, float, float, float]]]] = []
        self.sizes: list[tuple[float, float]] = []
        with pdfium.PdfDocument(content) as document:
            for page in document:
                text = page.get_textpage()
                letters = [(text.get_text_range(place, 1), text.get_charbox(place)) for place in range(text.count_chars())]
                letters = [(letter, box) for letter, box in letters if letter.strip()]
                self.pages.append(("".join(letter for letter, _ in letters), [box for _, box in letters]))
                self.sizes.append(page.get_size())

    def between(self, heading: str, following: str) -> tuple[int, int, int]:
        """The one page that has both texts, and where the first ends and the second begins."""
        pattern = re.compile(f"{re.escape(heading)}(?P<between>.*?){re.escape(following)}")
        [found] = [(n, one) for n, (text, _) in enumerate(self.pages) if (one := pattern.search(text))]
        return found[0], *found[1].span("between")


@pytest.fixture(scope="module", params=["A4", "Letter"])
def print_out(request: pytest.FixtureRequest, browser: Any, sample_home: Home) -> Iterator[tuple[Visit, Paper]]:
    """The sample report at 1400 pixels, and what it prints."""
    opened = Visit(browser, sample_home.latest / "report.html", 1400, "light")
    yield opened, Paper(opened.page.pdf(format=request.param))
    opened.context.close()


def test_every_chart_is_whole_on_paper(print_out: tuple[Visit, Paper]) -> None:
    opened, printed = print_out
    charts = opened.page.evaluate(
        "[...document.querySelectorAll('figure')].map(figure => ({title: figure.querySelector('h3').textContent,"
        " summary: figure.querySelector('figcaption').firstChild.textContent, labels:"
        " [...figure.querySelectorAll('.role-axis-label text')].map(label => label.textContent).filter(Boolean)}))"
    )
    assert len(charts) >= 13
    for chart in charts:
        title, labels = squeezed(chart["title"]), [squeezed(label) for label in chart["labels"]]
        page, start, end = printed.between(title, squeezed(chart["summary"])[:24])
        text, boxes = printed.pages[page]
        width, height = printed.sizes[page]
        # A chart that is too wide makes the browser shrink the whole page: the heading is then smaller than its ten points.
        assert max(top - bottom for _, bottom, _, top in boxes[start - len(title) : start]) > 6.5, chart["title"]
        assert labels
        for shown in set(labels):
            assert text[start:end].count(shown) >= labels.count(shown), (chart["title"], shown)
        for left, bottom, right, top in boxes[start:end]:
            assert left > 30 and right < width - 30 and bottom > 30 and top < height - 30, (chart["title"], page)


def squeezed(text: str) -> str:
    """The text without white space."""
    return "".join(text.split())


def test_the_first_printed_page_is_the_summary(print_out: tuple[Visit, Paper]) -> None:
    opened, printed = print_out
    assert squeezed(opened.page.inner_text("h1")) in printed.pages[0][0]
    assert "Signals" in printed.pages[0][0] and "nothinghereisinvestmentadvice" in printed.pages[0][0]
    assert printed.pages[1][0].startswith("Smallagainstlargecaps")
    assert not opened.page.evaluate("document.querySelector('#overlap details').open")


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_button_prints_one_page(desk: Visit, paper: str) -> None:
    desk.page.evaluate("window.print = () => { window.asked = document.documentElement.dataset.print; }")
    desk.page.click("#print")
    desk.until("window.asked === 'summary'")
    late = "<p class='warning'>" + "Holdings IWM end 2026-05-05, 142 sessions behind (limit: 35 days). " * 4 + "</p>"
    desk.page.evaluate(f"document.querySelector('h1').insertAdjacentHTML('afterend', {late * 2!r})")
    desk.page.evaluate(
        "document.querySelector('.sentences ul').innerHTML += '<li>IWM/SPY turned risk-off on 2026-08-27.</li>'.repeat(3)"
    )
    printed = Paper(desk.page.pdf(format=paper))
    assert len(printed.pages) == 1
    assert "Signals" in printed.pages[0][0] and "Returnstotheclose" in printed.pages[0][0]


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

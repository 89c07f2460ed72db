"""Builds the page: sections, style and scripts in one HTML file that loads nothing from a network."""

import base64
import gzip
import hashlib
import json
import re
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from orchestration.files import write_atomically
from orchestration.report.blocks import Cell, Chart, Manifest
from orchestration.report.manifest import quarantine_sentences, withheld_sentences
from orchestration.report.release_tables import ReleaseTables
from orchestration.report.sections import (
    breadth,
    changes,
    claims,
    core_satellite,
    events,
    fees,
    funds,
    long_run,
    members,
    months,
    overlap,
    profiles,
    quality,
    rates,
    ratio,
    reconstitution,
    scorecards,
    seasonality,
    sectors,
    trading,
)  # fmt: skip
from orchestration.report.sections.today import today
from orchestration.report.terms import TERMS, Explainer, anchor
from orchestration.report.vega import vega_script
from orchestration.report.wording import days_since_epoch, typeset

FILE = "report.html"
_MOST_DIGITS = 4
_DATE = re.compile(r"\b\d{4}-\d{2}(-\d{2})?\b")
CHAPTERS = [
    module.CHAPTER
    for module in (
        ratio, months, breadth, members, scorecards, long_run, claims, rates, sectors, funds, overlap, changes, reconstitution,
        events, seasonality, core_satellite, fees, trading, profiles, quality,
    )
]  # fmt: skip


def write_report(tables: ReleaseTables, manifest: Manifest, directory: Path, *, scripts: Path) -> Path:
    """Write the report into the directory of its release. `scripts` is the directory that caches the bundled libraries."""
    page = render(tables, manifest, vega_script(scripts))
    write_atomically(directory / FILE, page.encode())
    return directory / FILE


def render(tables: ReleaseTables, manifest: Manifest, vega: str) -> str:
    """The HTML text of the page.

    Args:
        manifest: identity, dates, parameters and withheld tables of the release.
        vega: the chart libraries as an ES module.
    """
    sections = [(chapter.section(tables, manifest), Explainer()) for chapter in CHAPTERS]
    charts = [chart for section, _ in sections for chart in section.charts]
    style, theme, drawing = (template(name) for name in ("style.css", "theme.js", "charts.js"))
    style += "".join(f".h{height} {{ min-height: {height}px; }}\n" for height in sorted({chart.height for chart in charts}))
    return _page_template().render(
        today=today(tables, manifest),
        explainer=Explainer(),
        sections=sections,
        manifest=manifest,
        withheld=withheld_sentences(manifest),
        quarantined=quarantine_sentences(manifest),
        terms=[(term, anchor(term), words) for term, words in TERMS.items()],
        style=_trusted(style),
        theme=_trusted(theme),
        charts=_trusted(drawing),
        library=base64.b64encode(gzip.compress(vega.encode(), mtime=0)).decode(),
        policy=_policy(style, [theme, vega, drawing]),
        payloads=[(chart.name, _trusted(payload(chart))) for chart in charts],
    )


@cache
def _page_template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(cell=_cell, dated=_dated)
    return environment.from_string(template("page.html.j2"))


def _cell(value: Cell | str) -> Cell:
    return value if isinstance(value, Cell) else Cell(value)


def _trusted(text: str) -> Markup:
    """Mark text as safe to insert unescaped: our own style and scripts, and text that is already escaped."""
    return Markup(text)  # noqa: S704


def _dated(text: str) -> Markup:
    """Escape the text and mark its dates, so that no date is broken over two lines."""
    return _trusted(_DATE.sub(r"<time>\g<0></time>", str(escape(typeset(text)))))


def template(name: str) -> str:
    """Read a file of templates/: the style sheet, a script or the HTML template."""
    return (resources.files("orchestration.report") / "templates" / name).read_text(encoding="utf-8")


def _policy(style: str, scripts: list[str]) -> str:
    """The content security policy: nothing is loaded, no text is evaluated, only the scripts and style of this page run.

    Style attributes are allowed because Vega's SVG output uses them; other style elements are not.
    """
    allowed = " ".join(_sum(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src-elem {_sum(style)}; style-src-attr 'unsafe-inline';"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )


def _sum(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def payload(chart: Chart) -> str:
    """A chart as JSON that cannot close its script element. Data are stored by column, dates as days since 1970-01-01."""
    days = {
        name: [column for column, values in columns.items() if any(isinstance(value, date) for value in values)]
        for name, columns in chart.data.items()
    }
    data = {name: {column: _packed(values) for column, values in columns.items()} for name, columns in chart.data.items()}
    content: dict[str, Any] = {"spec": chart.spec, "data": data, "days": days}
    text = json.dumps(content, default=_plain, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _packed(values: list[Any]) -> list[Any] | dict[str, Any]:
    """A column in its shortest form: repeated words as codes, short decimals as whole numbers with their divisor."""
    words = list(dict.fromkeys(values))
    if any(isinstance(word, str) for word in words) and len(words) * 2 <= len(values):
        places = {word: place for place, word in enumerate(words)}
        return {"codes": [places[value] for value in values], "words": words}
    if any(isinstance(value, float) for value in values):
        for digits in range(1, _MOST_DIGITS + 1):
            if all(value is None or (isinstance(value, float) and round(value, digits) == value) for value in values):
                return {"divided": [None if value is None else round(value * 10**digits) for value in values], "by": 10**digits}
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return days_since_epoch(value)
    raise TypeError(f"a chart cannot hold {type(value).__name__}")

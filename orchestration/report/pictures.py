"""Charts of the report as PNG images, for viewers that run no scripts, such as the Dagster UI."""

import base64
import json
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.report.blocks import Chart, Manifest
from orchestration.report.page import CHAPTERS, template
from orchestration.report.release_tables import release_tables
from orchestration.report.wording import days_since_epoch

WIDTH = 760
_DAY = 86_400_000  # Vega counts dates in milliseconds
_VARIABLE = re.compile(r"var\(--([\w-]+)\)")


def chart_pictures(release: Path, manifest: Manifest, names: Iterable[str]) -> dict[str, str]:
    """The named charts as Markdown: the image as a data URL, its sentence and its legend.

    Charts whose tables are not in the release are left out.
    """
    wanted = set(names)
    with release_tables(release) as tables:
        charts = [chart for chapter in CHAPTERS for chart in chapter.section(tables, manifest).charts if chart.name in wanted]
    return {chart.name: _as_markdown(chart) for chart in charts}


def _as_markdown(chart: Chart) -> str:
    picture = base64.b64encode(png(chart)).decode()
    legend = "; ".join(f"{item.tone} {item.mark}: {item.text}" for item in chart.legend)
    return f"![{chart.title}](data:image/png;base64,{picture})\n\n{chart.summary}\n\n{legend}"


def png(chart: Chart) -> bytes:
    """The chart in the light colours of the page, `WIDTH` pixels wide."""
    import vl_convert  # slow to import, and only images need it

    datasets = {name: _rows(columns) for name, columns in chart.data.items()}
    spec = {**_sized(chart.spec), "datasets": datasets, "background": "white"}
    colours = _light_colours()
    return vl_convert.vegalite_to_png(_VARIABLE.sub(lambda found: colours[found[1]], json.dumps(spec)))


def _sized(spec: dict[str, Any]) -> dict[str, Any]:
    panels = spec.get("vconcat")
    return {**spec, "vconcat": [{**panel, "width": WIDTH} for panel in panels]} if panels else {**spec, "width": WIDTH}


def _rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """The rows of a data set, dates in milliseconds."""
    return [
        {name: _moment(value) if isinstance(value, date) else value for name, value in zip(columns, row, strict=True)}
        for row in zip(*columns.values(), strict=True)
    ]


def _moment(value: date) -> int:
    return (days_since_epoch(value) or 0) * _DAY


def _light_colours() -> dict[str, str]:
    """The colours from the first block of variables in the style sheet."""
    return dict(re.findall(r"--([\w-]+): (#\w+)", template("style.css").split("}")[0]))

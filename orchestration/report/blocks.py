"""The building blocks of a report section. The template renders these and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from orchestration.report.release_tables import ReleaseTables

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Key:
    """One entry of a chart's legend. The style sheet defines the shapes (`mark`) and the colours (`tone`)."""

    mark: str
    tone: str
    text: str


@dataclass(frozen=True)
class Control:
    """A drop-down list that sets a parameter of the chart."""

    parameter: str
    text: str
    options: list[tuple[str | int, str]]
    chosen: str | int


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite specification and its data by column. `summary` states what the chart shows, for readers who cannot see it."""

    name: str
    title: str
    summary: str
    source: str
    height: int
    spec: dict[str, Any]
    data: dict[str, dict[str, list[Any]]]
    legend: list[Key] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    zoom: bool = False


@dataclass(frozen=True)
class Cell:
    """A table cell: text, an optional small line below it, and an optional mark and tone for a verdict."""

    text: str
    note: str = ""
    tone: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Column:
    """A table column. Numbers are right-aligned."""

    text: str
    is_number: bool = True


@dataclass(frozen=True)
class Table:
    """A table. The first cell of each row is its header. `groups` maps a row number to the heading above that row."""

    caption: str
    columns: list[Column]
    rows: list[list[Cell | str]]
    source: str = ""
    stacks: bool = False
    folded: bool = False
    groups: dict[int, str] = field(default_factory=dict)


def headings(words: list[str]) -> dict[int, str]:
    """The `groups` of a table from the heading of each row: a heading is shown where it changes."""
    return {place: word for place, word in enumerate(words) if place == 0 or words[place - 1] != word}


@dataclass(frozen=True)
class Statement:
    """One statement of the reading: subject, label, figure, dates and track record."""

    subject: str
    reading: str
    figure: str
    since: str
    evidence: str
    tone: str = ""


@dataclass(frozen=True)
class Section:
    """A section of the page. If `unavailable` is set, it explains why there is no content."""

    name: str
    title: str
    lead: str = ""
    statements: list[Statement] = field(default_factory=list)
    blocks: list[Chart | Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unavailable: str | None = None

    @property
    def charts(self) -> list[Chart]:
        """The charts among the blocks."""
        return [block for block in self.blocks if isinstance(block, Chart)]


@dataclass(frozen=True)
class Chapter:
    """How a section is built: the marts it requires, and the function that builds it from the tables and the manifest."""

    name: str
    title: str
    needs: tuple[str, ...]
    write: Callable[[ReleaseTables, Manifest], Section]

    def section(self, tables: ReleaseTables, manifest: Manifest) -> Section:
        """The section, or one sentence that says which tables are not available."""
        unavailable = tables.unavailable(*self.needs)
        return Section(self.name, self.title, unavailable=unavailable) if unavailable else self.write(tables, manifest)

"""The building blocks of a report section. The template renders these and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from orchestration.report.freshness import stale_words
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
    """A Vega-Lite specification and its data by column. `summary` states what the chart shows, for readers who cannot see it.

    The CSV file of the page holds the first data set. `years` turns on the period buttons and is the period shown first (0: all);
    the last panel of such a chart is the overview, whose parameter is `zoom`.
    """

    name: str
    title: str
    summary: str
    source: str
    height: int
    spec: dict[str, Any]
    data: dict[str, dict[str, list[Any]]]
    legend: list[Key] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    years: int | None = None


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
    """A table. The first cell of each row is its header. `groups` maps a row number to the heading above that row.

    `faded` has the numbers of the rows whose data are stale.
    """

    caption: str
    columns: list[Column]
    rows: list[list[Cell | str]]
    source: str = ""
    stacks: bool = False
    folded: bool = False
    groups: dict[int, str] = field(default_factory=dict)
    faded: set[int] = field(default_factory=set)


def headings(words: list[str]) -> dict[int, str]:
    """The `groups` of a table from the heading of each row: a heading is shown where it changes."""
    return {place: word for place, word in enumerate(words) if place == 0 or words[place - 1] != word}


@dataclass(frozen=True)
class Sentences:
    """A list of sentences under a heading: `first` is shown, `rest` is folded. `nothing` stands where there is none."""

    caption: str
    first: list[str]
    rest: list[str] = field(default_factory=list)
    nothing: str = ""


@dataclass(frozen=True)
class Section:
    """A section of the page. If `unavailable` is set, it explains why there is no content.

    `lead` says what was found; a collapsed section shows it beside its title. `stale` names the late data behind the section.
    """

    name: str
    title: str
    lead: str = ""
    blocks: list[Chart | Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unavailable: str | None = None
    is_open: bool = False
    stale: str = ""

    @property
    def charts(self) -> list[Chart]:
        """The charts among the blocks."""
        return [block for block in self.blocks if isinstance(block, Chart)]


@dataclass(frozen=True)
class Chapter:
    """How a section is built: the marts it requires, the function that builds it, and the feeds whose age matters to it.

    `feeds` are beginnings of the feed names in the table `freshness`: prices, rates, holdings.
    """

    name: str
    title: str
    needs: tuple[str, ...]
    write: Callable[[ReleaseTables, Manifest], Section]
    feeds: tuple[str, ...] = ()
    is_open: bool = False

    def section(self, tables: ReleaseTables, manifest: Manifest) -> Section:
        """The section, or one sentence that says which tables are not available."""
        unavailable = tables.unavailable(*self.needs)
        written = Section(self.name, self.title, unavailable=unavailable) if unavailable else self.write(tables, manifest)
        return replace(written, is_open=self.is_open, stale=stale_words(tables, self.feeds))

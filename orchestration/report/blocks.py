"""What a section of the page is made of. The template draws these and knows nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from orchestration.report.release_tables import ReleaseTables

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Key:
    """One entry of a chart's legend: `mark` names its shape, `tone` its colour, both known to the style sheet."""

    mark: str
    tone: str
    text: str


@dataclass(frozen=True)
class Control:
    """A choice that sets a parameter of the chart's specification."""

    parameter: str
    text: str
    options: list[tuple[str | int, str]]
    chosen: str | int


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite specification with its data by column; `says` is its sentence for those who do not see it."""

    name: str
    title: str
    says: str
    source: str
    height: int
    spec: dict[str, Any]
    data: dict[str, dict[str, list[Any]]]
    keys: list[Key] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    zoom: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell of a table: text, a smaller line below it, and a mark and tone where it bears a verdict."""

    text: str
    note: str = ""
    tone: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a table; numbers stand to the right."""

    text: str
    is_number: bool = True


@dataclass(frozen=True)
class Table:
    """A table: the first cell of each row is its head. `groups` names the row before which a heading stands."""

    caption: str
    columns: list[Column]
    rows: list[list[Cell | str]]
    source: str = ""
    stacks: bool = False
    folded: bool = False
    groups: dict[int, str] = field(default_factory=dict)


def headings(words: list[str]) -> dict[int, str]:
    """The `groups` of a table from each row's heading: it stands where it changes."""
    return {place: word for place, word in enumerate(words) if place == 0 or words[place - 1] != word}


@dataclass(frozen=True)
class Statement:
    """One statement of the reading: what, in which words, by what figure, and what it was worth."""

    subject: str
    says: str
    figure: str
    since: str
    evidence: str
    tone: str = ""


@dataclass(frozen=True)
class Section:
    """A heading with what belongs to it, in the order of the page."""

    name: str
    title: str
    lead: str = ""
    statements: list[Statement] = field(default_factory=list)
    blocks: list[Chart | Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lacking: str | None = None

    @property
    def charts(self) -> list[Chart]:
        """Its charts."""
        return [block for block in self.blocks if isinstance(block, Chart)]


@dataclass(frozen=True)
class Chapter:
    """How a section is made: which marts it cannot do without, and the function that writes it from them and the manifest."""

    name: str
    title: str
    needs: tuple[str, ...]
    write: Callable[[ReleaseTables, Manifest], Section]

    def section(self, tables: ReleaseTables, manifest: Manifest) -> Section:
        """The section, or the one sentence that says what it lacks."""
        lacking = tables.lacking(*self.needs)
        return Section(self.name, self.title, lacking=lacking) if lacking else self.write(tables, manifest)

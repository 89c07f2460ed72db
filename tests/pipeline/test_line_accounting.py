"""Every line of every holdings document is in `holdings` or in the rejects, with the weight of its file.

The files are read here with csv, json and the workbook's XML, without the project's parsers.
"""

import csv
import json
import zipfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.pipeline.homes import Home, ask, warehouse

# One line of a document: its market value or stated weight as written, or None.
Values = list[Fraction | None]


def number(text: object) -> Fraction | None:
    """The exact number as written."""
    try:
        return Fraction(str(text).replace(",", "").strip())
    except ValueError:
        return None


def ishares_lines(path: Path) -> Values:
    """The lines from the header to the first blank line."""
    rows = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    start = next(i for i, row in enumerate(rows) if row[:2] == ["Ticker", "Name"])
    end = next((i for i in range(start + 1, len(rows)) if not "".join(rows[i]).strip()), len(rows))
    place = rows[start].index("Market Value")
    return [number(row[place]) for row in rows[start + 1 : end]]


def invesco_lines(path: Path) -> Values:
    """All lines of the CSV except its header, or the holdings of the JSON."""
    if path.suffix == ".json":
        return [number(line["marketValueBase"]) for line in json.loads(path.read_text("utf-8"))["holdings"]]
    rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
    return [number(row["MarketValue"]) for row in rows]


_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def workbook_rows(path: Path) -> list[dict[str, str]]:
    """Text by column letter for each row of the first sheet."""
    with zipfile.ZipFile(path) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
        shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
    texts = ["".join(part.text or "" for part in item.iter(f"{_SHEET}t")) for item in shared]
    rows = []
    for row in sheet.iter(f"{_SHEET}row"):
        cells = {}
        for cell in row:
            value = cell.findtext(f"{_SHEET}v")
            if value is not None:
                text = texts[int(value)] if cell.get("t") == "s" else value
                cells[cell.get("r", "").rstrip("0123456789")] = text
        rows.append(cells)
    return rows


def ssga_lines(path: Path) -> Values:
    """The rows below the header that have a weight."""
    rows = workbook_rows(path)
    start = next(i for i, row in enumerate(rows) if row.get("A") == "Name" and row.get("B") == "Ticker")
    place = next(column for column, text in rows[start].items() if text == "Weight")
    return [number(row[place]) for row in rows[start + 1 :] if place in row]


def vanguard_lines(path: Path) -> Values:
    """The entities of the JSON."""
    return [number(entity["marketValue"]) for entity in json.loads(path.read_text("utf-8"))["fund"]["entity"]]


def schwab_lines(path: Path) -> Values:
    """All lines of the table: the quoted sentences below it have no name."""
    rows = csv.DictReader(path.read_text("utf-8-sig").splitlines())
    return [number(row["Percent of Assets"]) for row in rows if row["Name"]]


READERS: dict[str, Callable[[Path], Values]] = {
    "ishares": ishares_lines, "invesco": invesco_lines, "ssga": ssga_lines, "vanguard": vanguard_lines, "schwab": schwab_lines,
}  # fmt: skip


@pytest.fixture(scope="module", params=["sample", pytest.param("real", marks=pytest.mark.more_runs)])
def home_and_landing(request: pytest.FixtureRequest) -> tuple[Home, Path]:
    """The sample market and the real documents."""
    if request.param == "sample":
        home: Home = request.getfixturevalue("sample_home")
        return home, home.path / "landing"
    landing: Path = request.getfixturevalue("real_landing")
    return request.getfixturevalue("real_home"), landing


def accepted(home: Home, landing: Path) -> Iterator[tuple[str, Values]]:
    """Document id and lines of each accepted holdings document."""
    with warehouse(home) as connection:
        ledger = ask(
            connection, "select document_id, path, vendor from raw.documents where kind = 'holdings' and status = 'accepted'"
        )
    for document_id, path, vendor in ledger.rows():
        yield document_id, READERS[vendor](landing / path)


def test_every_line_is_a_holding_or_a_reject(home_and_landing: tuple[Home, Path]) -> None:
    home, landing = home_and_landing
    with warehouse(home) as connection:
        held = dict(ask(connection, "select document_id, count(*) from marts.holdings group by 1").rows())
        refused = dict(ask(connection, "select document_id, count(*) from raw.rejects where line is not null group by 1").rows())
    lines = {document_id: len(values) for document_id, values in accepted(home, landing)}
    assert len(lines) >= 7
    assert min(lines.values()) > 90
    assert {document_id: held[document_id] + refused.get(document_id, 0) for document_id in lines} == lines
    assert set(held) <= set(lines)


def test_weights_equal_those_of_the_file(home_and_landing: tuple[Home, Path]) -> None:
    home, landing = home_and_landing
    with warehouse(home) as connection:
        rows = ask(connection, "select document_id, weight from marts.holdings order by document_id, line").rows()
    ours: dict[str, list[float]] = {}
    for document_id, weight in rows:
        ours.setdefault(document_id, []).append(weight)
    checked = 0
    for document_id, values in accepted(home, landing):
        known = [value for value in values if value is not None]
        total = sum(known, Fraction(0))
        theirs = [float(value / total) for value in known]
        assert ours[document_id] == pytest.approx(theirs, abs=1e-12, rel=0), document_id
        checked += len(theirs)
    assert checked > 5_000


def test_sectors_of_every_snapshot_sum_to_one(home_and_landing: tuple[Home, Path]) -> None:
    with warehouse(home_and_landing[0]) as connection:
        sums = ask(
            connection, "select fund, as_of, sum(weight) as total, count(*) as sectors from marts.sector_weights group by 1, 2"
        )
    assert sums.height >= 7
    assert (sums["total"] - 1).abs().max() <= 1e-9  # type: ignore[operator]
    assert set(sums["sectors"]) == {13}

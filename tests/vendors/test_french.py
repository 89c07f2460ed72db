"""The daily factors: the archive, the table with and without preamble, and files that are something else."""

import zipfile
from datetime import date, datetime
from io import BytesIO
from pathlib import Path

import pytest

from orchestration.vendors import french
from orchestration.vendors.feed import DocumentRejected, Parsed
from tests.vendors.documents import French, context


def parse(content: bytes, symbol: str = "daily") -> Parsed:
    return french.parse(content, context(symbol, "csv"))


def test_the_archive_and_the_table_inside_say_the_same() -> None:
    rows = parse(French().encode()).tables["factors"]
    assert rows.equals(parse(French().archive()).tables["factors"])
    assert rows.equals(parse(French().archive("f-f_research_data_factors_daily.csv")).tables["factors"])
    first = rows.row(0, named=True)
    assert first["_line"] == 6
    assert first["dataset"] == "daily"
    assert [first[name] for name in ("market_excess", "small_minus_large", "high_minus_low", "risk_free")] == [
        0.09,
        -0.25,
        -0.27,
        0.009,
    ]


def test_a_table_as_people_keep_it() -> None:
    """No preamble, no footer, and no line end behind the last row."""
    kept = French(header="Date,Mkt-RF,SMB,HML,RF", preamble=(), footer=()).encode().rstrip()
    assert parse(kept).tables["factors"].height == 28
    assert parse(b"\xef\xbb\xbf" + kept).tables["factors"].height == 28


@pytest.mark.parametrize("value", [-99.99, -999.0])
def test_the_sign_for_missing_is_no_value(value: float) -> None:
    rows = French().rows
    rows[3] = (rows[3][0], 0.1, value, 0.2, 0.009)
    assert parse(French(rows=rows).encode()).tables["factors"]["small_minus_large"][3] is None


def _stated_size(archive: bytes) -> bytes:
    """An archive whose table unpacks to more than any edition has."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as large:
        large.writestr("factors.csv", b"0" * (french.LARGEST_TABLE_BYTES + 10))
    return buffer.getvalue()


def _damaged(archive: bytes) -> bytes:
    """One byte of the packed table flipped: the CRC does not fit, or the data cannot be unpacked."""
    place = len(archive) // 2
    return archive[:place] + bytes([archive[place] ^ 0xFF]) + archive[place + 1 :]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (_damaged(French().archive()), "cannot be unpacked"),
        (French().archive()[:-40], "cannot be unpacked"),
        (_stated_size(b""), "more than 20,000,000 bytes"),
        (French().archive(**{"other.csv": b"x"}), "holds 2 files, not one"),
        (French(header=",Mkt-RF,SMB,HML,RMW,CMA,RF").encode(), "its columns are Mkt-RF, SMB, HML, RMW, CMA, RF.*Download F-F"),
        (French(header=",SMB,Mkt-RF,HML,RF").encode(), "its columns are SMB"),
        (French(header="").encode(), "names the columns"),
        (French(footer=("", " Annual Factors: January-December ", "  1927,   29.47,   -2.46")).encode(), "a second table"),
        (French(rows=[("192607", 2.96, -2.3, -2.87, 0.22)] * 3).encode(), "'192607' is not a day"),
        (French(rows=[*French().rows, ("20260230", 0.1, 0.1, 0.1, 0.1)]).encode(), "'20260230' is not a day"),
        (French(rows=[*French().rows, French().rows[0]]).encode(), "do not follow each other"),
        (French(rows=French().rows[::-1]).encode(), "do not follow each other"),
        (French(footer=()).encode().rstrip()[:-2], "may be truncated"),
        (b"<html>moved</html>", "web page"),
        (b"", "empty"),
    ],
)
def test_what_is_not_a_whole_edition_is_rejected(content: bytes, reason: str) -> None:
    with pytest.raises(DocumentRejected, match=reason):
        parse(content)


@pytest.mark.parametrize("packing", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED])
def test_a_damaged_archive_of_any_packing_is_rejected(packing: int) -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("factors.csv", French().encode(), packing)
    content, whole = buffer.getvalue(), parse(buffer.getvalue()).tables["factors"]
    begin, end, refused = content.index(b"factors.csv") + 11, content.rindex(b"PK\x01\x02"), 0
    for place in range(begin, end):
        damaged = content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
        try:
            assert parse(damaged).tables["factors"].equals(whole)
        except DocumentRejected as rejection:
            refused += "cannot be unpacked" in str(rejection)
    assert refused > 0.8 * (end - begin)


def test_another_folder_is_rejected() -> None:
    with pytest.raises(DocumentRejected, match="french/factors/daily"):
        parse(French().encode(), "monthly")


def test_real_editions(real_longrun: Path) -> None:
    found = {
        path.name[:10]: french.parse(path.read_bytes(), context("daily", "csv", retrieved_at=datetime(2025, 6, 1)))
        for path in sorted((real_longrun / "french/factors/daily").iterdir())
    }
    assert {name: (parsed.tables["factors"].height, parsed.as_of, len(parsed.rejects)) for name, parsed in found.items()} == {
        "2025-02-01": (25_901, date(2024, 12, 31), 0),
        "2025-05-01": (25_961, date(2025, 3, 31), 0),
    }

"""Documents damaged in many ways: a parser rejects them or returns only undamaged values."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.schemas import RAW_TABLES, check_rows
from orchestration.vendors import fred, french, invesco, ishares, schwab, ssga, vanguard
from orchestration.vendors.feed import Context, DocumentRejected, Parsed
from orchestration.vendors.yahoo import prices as yahoo
from tests.vendors import documents as invented

pytestmark = pytest.mark.slow

MODERATE = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True)
class Subject:
    """A vendor's parser, a valid document, and the values that must never change."""

    parse: Callable[[bytes, Context], Parsed]
    content: bytes
    context: Context
    table: str
    key: list[str]
    values: list[str]

    def rows(self, content: bytes) -> dict[tuple[object, ...], tuple[object, ...]] | None:
        """Accepted values by key; None if the document is rejected."""
        try:
            parsed = self.parse(content, self.context)
        except DocumentRejected:
            return None
        good, _ = check_rows(RAW_TABLES[self.table], parsed.tables[self.table])
        return {tuple(row[: len(self.key)]): tuple(row[len(self.key) :]) for row in good.select(*self.key, *self.values).rows()}


HOLDINGS = ["market_value", "stated_weight", "quantity"]
SUBJECTS = {
    "ishares": Subject(
        ishares.parse, invented.IShares().encode(), invented.context("IWM", "csv"), "holdings", ["as_of", "name"], HOLDINGS
    ),
    "invesco_json": Subject(
        invesco.parse, invented.InvescoJson().encode(), invented.context("QQQ", "json"), "holdings", ["as_of", "name"], HOLDINGS
    ),
    "invesco_csv": Subject(
        invesco.parse, invented.InvescoCsv().encode(), invented.context("QQQ", "csv"), "holdings", ["as_of", "name"], HOLDINGS
    ),
    "vanguard": Subject(
        vanguard.parse, invented.Vanguard().encode(), invented.context("VTWO", "json"), "holdings", ["as_of", "name"], HOLDINGS
    ),
    "schwab": Subject(
        schwab.parse, invented.Schwab().encode(), invented.context("SCHA", "csv"), "holdings", ["as_of", "name"], HOLDINGS
    ),
    "fred": Subject(fred.parse, invented.Fred().encode(), invented.context("DFF", "csv"), "rates", ["date"], ["value"]),
    "french": Subject(
        french.parse,
        invented.French(header="Date,Mkt-RF,SMB,HML,RF").encode(),
        invented.context("daily", "csv"),
        "factors",
        ["date"],
        ["market_excess", "small_minus_large", "high_minus_low", "risk_free"],
    ),
    "yahoo": Subject(
        yahoo.parse,
        invented.Prices.invented(invented.session_days(30)).csv(),
        invented.context("IWM", "csv"),
        "price_bars",
        ["session"],
        ["open", "high", "low", "close", "volume", "vendor_adj_close"],
    ),
}
AMERICAN = [(f"4/{day}/2026", f"3.{day:02}") for day in range(1, 29)]


def _other(usual: str, content: bytes) -> Subject:
    """The same parser with a document in another layout."""
    return replace(SUBJECTS[usual], content=content)


_PRICES = invented.Prices.invented(invented.session_days(30))
LAYOUTS = {
    "ishares_overlay": _other("ishares", invented.IShares().overlay().encode()),
    "ishares_2020": _other("ishares", invented.IShares().of_2020().encode()),
    "ishares_xml": _other("ishares", invented.IShares().xml()),
    "vanguard_csv": _other("vanguard", invented.VanguardCsv().encode()),
    "fred_american": _other("fred", invented.Fred(rows=AMERICAN).encode()),
    "yahoo_classic": _other("yahoo", invented.Prices(_PRICES.frame.drop("Dividends", "Stock Splits")).csv()),
    "yahoo_page": _other("yahoo", _PRICES.page()),
    "yahoo_two_levels": _other("yahoo", _PRICES.two_levels(["SPY", "IWM"])),
}
SPREADSHEET = Subject(
    ssga.parse, invented.StateStreet().encode(), invented.context("SPY", "xlsx"), "holdings", ["as_of", "name"], HOLDINGS
)
PARQUET = Subject(
    yahoo.parse,
    invented.Prices.invented(invented.session_days(30)).parquet(),
    invented.context("IWM", "parquet"),
    "price_bars",
    ["session"],
    ["close", "volume"],
)
VENDORS = pytest.mark.parametrize("vendor", sorted(SUBJECTS))
ALL = SUBJECTS | LAYOUTS
EVERY_LAYOUT = pytest.mark.parametrize("vendor", sorted(ALL))


@cache
def originals(content: bytes) -> dict[tuple[object, ...], tuple[object, ...]]:
    """The values of the valid document."""
    subject = next(s for s in (*ALL.values(), SPREADSHEET, PARQUET) if s.content == content)
    return subject.rows(content) or {}


def agrees(subject: Subject, content: bytes, *, may_lack: bool = False) -> None:
    """Accepted values equal those of the valid document; values of a lost column may be missing."""
    original, found = originals(subject.content), subject.rows(content)
    if may_lack and found:
        assert all(
            value in (None, before) for key, values in found.items() for value, before in zip(values, original[key], strict=True)
        )
        return
    assert original
    # A damaged name is another key; its values must still be those of an original line.
    known = set(original.values())
    for key, values in (found or {}).items():
        same = [values == original[key]] if key in original else [values == line for line in known]
        # If the field name in one JSON object is damaged, the value is missing.
        assert any(same) or (subject in (SUBJECTS["invesco_json"], SUBJECTS["vanguard"]) and None in values)


@EVERY_LAYOUT
@MODERATE
@given(data=st.data())
def test_truncated_at_any_byte(vendor: str, data: st.DataObject) -> None:
    subject = ALL[vendor]
    agrees(subject, subject.content[: data.draw(st.integers(0, len(subject.content)))])


@EVERY_LAYOUT
@MODERATE
@given(data=st.data())
def test_lines_removed_duplicated_padded_and_broken(vendor: str, data: st.DataObject) -> None:
    subject = ALL[vendor]
    lines = subject.content.decode("utf-8-sig").splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        line = lines[place]
        middle = data.draw(st.integers(0, len(line)))
        lines[place] = data.draw(
            st.sampled_from(
                ["", line + line, "  " + line, line.rstrip("\r\n") + "   \n", line[:middle] + "\n" + line[middle:], "\n" + line]
            )
        )
    agrees(subject, "".join(lines).encode())


@EVERY_LAYOUT
@MODERATE
@given(data=st.data())
def test_cells_that_are_not_numbers(vendor: str, data: st.DataObject) -> None:
    """Letters, quotes, signs and control characters after the header; no digits, because a changed digit cannot be detected."""
    subject = ALL[vendor]
    text = subject.content.decode("utf-8-sig")
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(text)))
        text = (
            text[:place]
            + data.draw(st.sampled_from(['"', "x", "%", "\0", "$", "\u00a0", "''", "\u2028", "\x85", "é", "abc,"]))
            + text[place:]
        )
    agrees(subject, text.encode())


@VENDORS
@MODERATE
@given(data=st.data())
def test_columns_missing_renamed_reordered_and_extra(vendor: str, data: st.DataObject) -> None:
    subject = SUBJECTS[vendor]
    if vendor == "invesco_json":
        document = invented.InvescoJson()
        lost = data.draw(st.sampled_from(sorted(document.holdings[0])))
        document.holdings = [{k: v for k, v in reversed(line.items()) if k != lost} | {"extra": 1} for line in document.holdings]
        agrees(subject, document.encode(), may_lack=True)
        assert (subject.rows(document.encode()) is None) == (lost == "issuerName")
        return
    if vendor == "vanguard":
        listed = invented.Vanguard()
        lost = data.draw(st.sampled_from(["ticker", "sharesHeld", "marketValue", "percentWeight"]))
        listed.entity = [{k: v for k, v in reversed(line.items()) if k != lost} | {"extra": 1} for line in listed.entity]
        agrees(subject, listed.encode(), may_lack=True)
        assert subject.rows(listed.encode()) is not None
        return
    lines = subject.content.decode("utf-8-sig").splitlines()
    width = max(line.count(",") for line in lines[:12] if "(%)" in line or "Date" in line or "date" in line)
    head = next(i for i, line in enumerate(lines) if line.count(",") == width)
    cells = lines[head].split(",")
    place = data.draw(st.integers(0, len(cells) - 1))
    change = data.draw(st.sampled_from(["rename", "double", "blank", "extra"]))
    cells[place] = {"rename": "Other", "double": cells[place - 1], "blank": "", "extra": cells[place] + ",Extra"}[change]
    agrees(subject, "\n".join([*lines[:head], ",".join(cells), *lines[head + 1 :], ""]).encode(), may_lack=True)


@EVERY_LAYOUT
@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le", "utf-8", "cp1252"])
def test_other_encodings(vendor: str, encoding: str) -> None:
    subject = ALL[vendor]
    agrees(subject, subject.content.decode("utf-8-sig").replace(invented.NBSP, "é").encode(encoding))


@EVERY_LAYOUT
@MODERATE
@given(noise=st.binary(max_size=300))
def test_random_bytes(vendor: str, noise: bytes) -> None:
    subject = ALL[vendor]
    agrees(subject, noise)
    agrees(subject, subject.content + noise)


@pytest.mark.parametrize("subject", [SPREADSHEET, PARQUET], ids=["ssga", "yahoo_parquet"])
@MODERATE
@given(data=st.data())
def test_binary_documents_truncated_or_padded(subject: Subject, data: st.DataObject) -> None:
    size = len(subject.content)
    start = data.draw(st.integers(0, size))
    cut = subject.content[:start] + subject.content[min(size, start + data.draw(st.integers(1, size))) :]
    agrees(subject, data.draw(st.sampled_from([cut, subject.content[:start]])))
    agrees(subject, subject.content[:4] + data.draw(st.binary(max_size=200)))


@MODERATE
@given(data=st.data())
def test_spreadsheet_bytes_changed(data: st.DataObject) -> None:
    """A workbook has checksums: a changed byte is detected or has no effect."""
    content = bytearray(SPREADSHEET.content)
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    agrees(SPREADSHEET, bytes(content))


@MODERATE
@given(data=st.data())
def test_spreadsheet_cells_changed(data: st.DataObject) -> None:
    document = invented.StateStreet()
    rows = document.rows
    for _ in range(data.draw(st.integers(1, 3))):
        row, place = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, 7))
        if len(rows[row]) == 8:
            rows[row][place] = data.draw(st.sampled_from(["", "x", None, True, "-", "n/a", "7,85"]))
        if data.draw(st.booleans()):
            rows.insert(row, data.draw(st.sampled_from([[], list(rows[row]), ["note"]])))
    known = originals(SPREADSHEET.content)
    for key, (_, weight, quantity) in (SPREADSHEET.rows(document.encode()) or {}).items():
        if key in known:
            assert weight == known[key][1]
            assert quantity in (None, known[key][2])  # an empty cell is missing


@pytest.mark.parametrize("column", ["Close", "Date", "Volume"])
@pytest.mark.parametrize("odd", [[1, 2], {"a": 1}, b"x", True])
def test_parquet_with_wrong_types_is_rejected(column: str, odd: object) -> None:
    frame = invented.Prices.invented(invented.session_days(5)).frame.with_columns(pl.Series(column, [odd] * 5))
    with pytest.raises(DocumentRejected):
        yahoo.parse(invented.Prices(frame).parquet(), invented.context("IWM", "parquet"))

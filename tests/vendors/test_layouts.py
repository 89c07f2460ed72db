"""Other layouts of the vendors' files: each gives the same rows as the usual one, or a rejection with advice."""

import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from io import BytesIO
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from orchestration.schemas import RAW_TABLES, check_rows
from orchestration.vendors import fred, invesco, ishares, schwab, ssga, vanguard
from orchestration.vendors.feed import Context, DocumentRejected, Parsed
from orchestration.vendors.formats import workbook
from orchestration.vendors.yahoo import prices as yahoo
from tests.vendors import documents as invented
from tests.vendors.documents import (
    Fred,
    InvescoCsv,
    InvescoJson,
    IShares,
    Prices,
    Schwab,
    StateStreet,
    Vanguard,
    VanguardCsv,
    context,
)

DAYS = invented.session_days(40)
NUMBERS = ["market_value", "stated_weight", "quantity"]


def lines_of(parsed: Parsed, *columns: str) -> list[tuple[object, ...]]:
    """The holdings without line numbers."""
    good, bad = check_rows(RAW_TABLES["holdings"], parsed.tables["holdings"])
    assert bad.is_empty()
    return good.select("ticker", "name", *columns).rows()


def reasons(parsed: Parsed) -> list[str]:
    return [reason for rejects in parsed.rejects for reason in rejects["reason"]]


# Holdings


def read_ishares(content: bytes, **changes: object) -> Parsed:
    return ishares.parse(content, context("IWM", "csv", **changes))


def test_ishares_overlay_layout_uses_the_market_weight() -> None:
    usual, overlay = read_ishares(IShares().encode()), read_ishares(IShares().overlay().encode())
    assert lines_of(overlay, "market_value", "quantity", "price") == lines_of(usual, "market_value", "quantity", "price")
    weights = overlay.tables["holdings"]["stated_weight"]
    assert weights.to_list()[:-1] == usual.tables["holdings"]["stated_weight"].to_list()[:-1]
    assert weights[-1] is None  # a dash on the future is NULL, not zero
    assert overlay.tables["holdings"]["location"].null_count() == weights.len()


def test_ishares_layout_of_2020_keeps_its_identifiers() -> None:
    parsed = read_ishares(IShares().of_2020().encode())
    assert lines_of(parsed, *NUMBERS) == lines_of(read_ishares(IShares().encode()), *NUMBERS)
    first = parsed.tables["holdings"].row(0, named=True)
    assert (first["sedol"], first["isin"], first["cusip"]) == ("S000000", "US0000000007", "000000000")
    assert (first["currency"], first["location"]) == (None, None)


@pytest.mark.parametrize("bare_ampersands", [True, False])
def test_ishares_excel_sheet_in_xml(bare_ampersands: bool) -> None:
    parsed = read_ishares(IShares().xml(bare_ampersands=bare_ampersands))
    assert (parsed.as_of, reasons(parsed)) == (invented.AS_OF, [])
    assert lines_of(parsed, *NUMBERS) == lines_of(read_ishares(IShares().encode()), *NUMBERS)
    facts = dict(parsed.tables["fund_facts"].select("fact", "value_number").rows())
    assert facts["shares_outstanding"] == 117_800
    assert ishares.stated_date(IShares().xml()) == invented.AS_OF


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"<ss:Workbook", b'<!DOCTYPE x [<!ENTITY a "aaaa">]>\n<ss:Workbook', "defines a document type or entities"),
        (b'ss:Name="Holdings"', b'ss:Name="Other"', "no sheet Holdings; download"),
        (b"</ss:Table>", b"", "XML is damaged"),
        (b"<ss:Cell>", b'<ss:Cell ss:Index="99999999">', "index 99999999, outside"),
        (b"<ss:Row>", b'<ss:Row ss:Index="-1">', "index -1, outside"),
        (b"<ss:Row>", b'<ss:Row ss:Index="x">', "not a number"),
        (b'version="1.0"', b'version="1.0" encoding="cp037"', None),
        (b"TRUTH", b"TR\0UTH", "XML is damaged"),
        (b"IWM Invented ETF", b"IVV Invented ETF", "the title is"),
        (b"May 05, 2026", b"05.05.2026", "as-of date '05.05.2026' is invalid"),
        (b"<ss:Table>", b"\xff<ss:Table>", "not UTF-8"),
    ],
)  # fmt: skip
def test_ishares_invalid_xml(old: bytes, new: bytes, reason: str | None) -> None:
    content = IShares().xml().replace(old, new)
    assert content != IShares().xml()
    if reason is None:
        assert read_ishares(content).tables["holdings"].height == len(IShares().rows)
        return
    with pytest.raises(DocumentRejected, match=reason):
        read_ishares(content)


def test_ishares_cell_with_an_explicit_index() -> None:
    moved = (
        IShares()
        .xml()
        .replace(b'<ss:Cell><ss:Data ss:Type="String">TRUE</ss:Data></ss:Cell>\n<ss:Cell>', b'<ss:Cell ss:Index="2">')
    )
    assert lines_of(read_ishares(moved))[0] == (None, "TRUTH & SONS")


def test_state_street_without_preamble_needs_a_date_in_the_file_name() -> None:
    bare = StateStreet(preamble=[]).encode()
    parsed = ssga.parse(bare, context("SPY", "xlsx", declared_as_of=date(2026, 5, 4)))
    assert parsed.as_of == date(2026, 5, 4)
    assert lines_of(parsed, "cusip", "stated_weight") == lines_of(
        ssga.parse(StateStreet().encode(), context("SPY", "xlsx")), "cusip", "stated_weight"
    )
    with pytest.raises(DocumentRejected, match="asof=YYYY-MM-DD"):
        ssga.parse(bare, context("SPY", "xlsx"))


def test_state_street_preamble_without_a_fund_is_rejected() -> None:
    with pytest.raises(DocumentRejected, match="fund '', not SPY"):
        ssga.parse(StateStreet(preamble=[["Holdings:", "As of 05-May-2026"]]).encode(), context("SPY", "xlsx"))


def read_vanguard(document: VanguardCsv, **changes: object) -> Parsed:
    return vanguard.parse(document.encode(), context("VTWO", "csv", **changes))


def test_vanguard_website_csv_equals_the_json() -> None:
    parsed = read_vanguard(VanguardCsv())
    assert (parsed.as_of, reasons(parsed)) == (date(2026, 4, 30), [])
    as_json = vanguard.parse(Vanguard().encode(), context("VTWO", "json"))
    columns = ["sedol", "asset_class_label", *NUMBERS]
    assert lines_of(parsed, *columns) == lines_of(as_json, *columns)
    assert set(parsed.tables["holdings"]["sector_label"]) == {"Invented Machinery"}


def test_vanguard_older_website_csv_has_sectors() -> None:
    document = VanguardCsv()
    document.header[document.header.index("SUB-INDUSTRY")] = "SECTOR"
    assert set(read_vanguard(document).tables["holdings"]["sector_label"]) == {"Invented Machinery"}


def test_vanguard_weight_given_as_upper_bound_is_null() -> None:
    document = VanguardCsv()
    document.rows.append([*document.rows[-1][:4], "<0.01%", *document.rows[-1][5:8], "$1.00", "1"])
    line = read_vanguard(document).tables["holdings"].tail(1).to_dicts()[0]
    assert (line["stated_weight"], line["market_value"]) == (None, 1.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"title": "Invented 500 ETF (VOO)"}, "contains the fund VOO, not VTWO"),
        ({"as_of": "30.04.2026"}, r"'30.04.2026' is invalid \(expected format: 09/30/2025\)"),
        ({"header": ["", "NAME"]}, "no header with HOLDINGS; download"),
    ],
)
def test_vanguard_invalid_website_csv_is_rejected(change: dict[str, object], reason: str) -> None:
    with pytest.raises(DocumentRejected, match=reason):
        read_vanguard(VanguardCsv(**change))  # type: ignore[arg-type]


def test_vanguard_blank_or_broken_line_does_not_end_the_list() -> None:
    document = VanguardCsv()
    document.rows += [[*document.rows[-1][:3], f"Z{i}", "0.00%", *document.rows[-1][5:8], "$1.00", "1"] for i in range(4)]
    whole = read_vanguard(document).tables["holdings"].height
    lines = document.encode().decode().splitlines(keepends=True)
    last = next(i for i, line in enumerate(lines) if ",Z3," in line)
    for odd, lost in (("\n", 0), ("broken,line\n", 1)):  # the line before a broken one is rejected too
        parsed = vanguard.parse("".join([*lines[:last], odd, *lines[last:]]).encode(), context("VTWO", "csv"))
        assert parsed.tables["holdings"].height == whole - lost
        assert len(reasons(parsed)) == 2 * lost


@pytest.mark.parametrize("names", [{"Fund Ticker": "FundTicker", "Holding Ticker": "HoldingsTicker"}])
def test_invesco_csv_of_2018(names: dict[str, str]) -> None:
    document = InvescoCsv()
    lost = [document.header.index(name) for name in ("Security Identifier", "Class of Shares")]
    document.header = [names.get(name, name) for place, name in enumerate(document.header) if place not in lost]
    document.rows = [[cell for place, cell in enumerate(row) if place not in lost] for row in document.rows]
    parsed = invesco.parse(document.encode(), context("QQQ", "csv"))
    usual = invesco.parse(InvescoCsv().encode(), context("QQQ", "csv"))
    assert lines_of(parsed, "sector_label", *NUMBERS) == lines_of(usual, "sector_label", *NUMBERS)
    assert parsed.tables["holdings"]["cusip"].null_count() == 28


# Only columns that are used are required

Read = Callable[[bytes, Context], Parsed]


def ishares_without(name: str) -> bytes:
    document = IShares()
    return document.with_columns({column: column for column in document.header if column != name}).encode()


@pytest.mark.parametrize("name", [name for name in IShares().header if name not in ("Name", "Asset Class")])
def test_ishares_any_other_column_may_be_missing_or_empty(name: str) -> None:
    document = IShares()
    empty = document.with_columns({column: None if column == name else column for column in document.header})
    for content in (ishares_without(name), empty.encode()):
        assert len(lines_of(read_ishares(content))) >= len(document.rows) - (name == "Weight (%)")


@pytest.mark.parametrize("name", [name for name in StateStreet().header if name not in ("Name", "Weight")])
def test_state_street_any_other_column_may_be_missing_or_empty(name: str) -> None:
    for keep in (False, True):
        document = StateStreet()
        place = document.header.index(name)
        if keep:
            document.rows = [[None if i == place else cell for i, cell in enumerate(row)] for row in document.rows]
        else:
            document.header.pop(place)
            document.rows = [[cell for i, cell in enumerate(row) if i != place] for row in document.rows]
        assert len(lines_of(ssga.parse(document.encode(), context("SPY", "xlsx")))) == 29


@pytest.mark.parametrize("name", [name for name in InvescoJson().holdings[0] if name != "issuerName"])
def test_invesco_any_other_field_may_be_missing_or_null(name: str) -> None:
    for keep in (False, True):
        document = InvescoJson()
        document.holdings = [
            {key: None if key == name else value for key, value in line.items() if keep or key != name}
            for line in document.holdings
        ]
        assert len(lines_of(invesco.parse(document.encode(), context("QQQ", "json")))) == 28


@pytest.mark.parametrize("name", [name for name in Vanguard().entity[0] if name not in ("longName", "asOfDate")])
def test_vanguard_any_other_field_may_be_missing_or_null(name: str) -> None:
    for keep in (False, True):
        document = Vanguard()
        document.entity = [
            {key: None if key == name else value for key, value in line.items() if keep or key != name}
            for line in document.entity
        ]
        assert len(lines_of(vanguard.parse(document.encode(), context("VTWO", "json")))) == 28


@pytest.mark.parametrize(
    "name", ["Symbol", "Quantity", "BBG FIGI", "Country", "Currency", "Exchange", "Sector", "Market Currency"]
)
def test_schwab_any_other_column_may_be_missing_or_empty(name: str) -> None:
    for keep in (False, True):
        document = Schwab()
        place = document.header.index(name)
        if keep:
            document.rows = [["" if i == place else cell for i, cell in enumerate(row)] for row in document.rows]
        else:
            document.header.pop(place)
            document.rows = [[cell for i, cell in enumerate(row) if i != place] for row in document.rows]
        assert len(lines_of(schwab.parse(document.encode(), context("SCHA", "csv")))) == 30


@pytest.mark.parametrize(("name", "misspelt"), [("Weight (%)", "Weight (%"), ("Sector", "Sectors"), ("Price", "Prxice")])
def test_a_misspelt_column_is_not_a_missing_column(name: str, misspelt: str) -> None:
    document = IShares()
    document.header[document.header.index(name)] = misspelt
    with pytest.raises(DocumentRejected, match="is missing, and the header has '" + re.escape(misspelt)):
        read_ishares(document.encode())


def test_neither_weights_nor_market_values() -> None:
    document = InvescoJson()
    document.holdings = [
        {k: v for k, v in line.items() if k not in ("marketValueBase", "percentageOfTotalNetAssets")}
        for line in document.holdings
    ]
    with pytest.raises(DocumentRejected, match="neither a weight column nor a market value column; export"):
        invesco.parse(document.encode(), context("QQQ", "json"))


# Complete lists


def many_small(count: int, kept: int | None = None) -> IShares:
    """A fund of a few large lines and thousands whose weights round to zero."""
    document = IShares(tail=[])
    example = document.rows[0]
    values = [3e7 - 1e5 * i for i in range(30)] + [4e4 + i for i in range(count)]
    total = sum(values)
    document.rows = [
        [f"X{i}", f"INVENTED {i}", *example[2:4], f"{value:,.2f}", f"{value / total * 100:.2f}", *example[6:]]
        for i, value in enumerate(values)
    ][:kept]
    return document


def test_weights_that_round_to_zero_are_explained_by_market_values() -> None:
    document = many_small(3000)
    printed = sum(float(row[5]) for row in document.rows)
    assert printed < 97
    assert read_ishares(document.encode()).tables["holdings"].height == 3030


@pytest.mark.parametrize("kept", [2900, 2000, 1000, 30])
def test_a_truncated_list_of_small_lines_is_rejected(kept: int) -> None:
    with pytest.raises(DocumentRejected, match="weights sum to 0.8.*download the complete file again"):
        read_ishares(many_small(3000, kept).encode())


def test_rounding_is_not_accepted_without_complete_market_values() -> None:
    document = many_small(3000)
    document.rows[0][4] = "-"
    with pytest.raises(DocumentRejected, match="weights sum to"):
        read_ishares(document.encode())


def test_a_list_without_a_usable_line_quotes_the_first() -> None:
    document = IShares()
    for row in document.rows:
        row[1] = "-"
    with pytest.raises(DocumentRejected, match=r"the file has 0 usable lines.*; line 11 \(.*TRUE.*\) has no name"):
        read_ishares(document.encode())


# Workbooks


def repacked(change: Callable[[str, bytes], bytes]) -> bytes:
    """State Street's workbook with changed members and valid checksums."""
    packed = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(StateStreet().encode())) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, change(name, source.read(name)))
    return packed.getvalue()


def read_workbook(content: bytes) -> Parsed:
    return ssga.parse(content, context("SPY", "xlsx"))


def test_a_zip_bomb_is_rejected_before_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    content = repacked(lambda name, part: part + b" " * 2_000_000 if name.endswith("styles.xml") else part)
    assert len(content) < 20_000
    assert read_workbook(content).tables["holdings"].height == 29
    monkeypatch.setattr(workbook, "_LARGEST_UNPACKED_BYTES", 1_000_000)
    with pytest.raises(DocumentRejected, match="unpacks to 2,"):
        read_workbook(content)


def test_a_workbook_with_a_distant_cell_is_rejected() -> None:
    """An Excel reader would allocate memory for every cell in between."""
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    content = repacked(lambda name, part: part.replace(b"</sheetData>", far) if name.endswith("sheet1.xml") else part)
    with pytest.raises(DocumentRejected, match="a sheet of 1,048,576 rows and 16,384 columns"):
        read_workbook(content)


def test_a_workbook_with_too_many_members_is_rejected() -> None:
    packed = BytesIO(StateStreet().encode())
    with zipfile.ZipFile(packed, "a") as archive:
        for i in range(1000):
            archive.writestr(f"docProps/{i}.xml", b"")
    with pytest.raises(DocumentRejected, match=r"in 1,0\d\d parts"):
        read_workbook(packed.getvalue())


def test_every_checksum_of_a_workbook_is_verified() -> None:
    """Also for members that no reader opens."""
    content = StateStreet().encode()
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for member in archive.infolist():
            damaged = bytearray(content)
            damaged[member.header_offset + 30 + len(member.filename) + member.compress_size // 2] ^= 0x55
            with pytest.raises(DocumentRejected, match="the workbook is damaged"):
                read_workbook(bytes(damaged))


# Yahoo


def read_prices(content: bytes, extension: str = "csv", symbol: str = "IWM", **changes: object) -> Parsed:
    return yahoo.parse(content, context(symbol, extension, **changes))


def bars_of(parsed: Parsed) -> list[tuple[object, ...]]:
    good, bad = check_rows(RAW_TABLES["price_bars"], parsed.tables["price_bars"])
    assert bad.is_empty()
    return sorted(good.select("session", "open", "high", "low", "close", "vendor_adj_close", "volume").rows())


def actions_of(parsed: Parsed) -> list[tuple[object, ...]]:
    """The actions that are not zero."""
    good, bad = check_rows(RAW_TABLES["corporate_actions"], parsed.tables["corporate_actions"])
    assert bad.is_empty()
    return sorted(good.filter(pl.col("value") > 0).select("ex_date", "kind", "value").rows())


@pytest.fixture
def prices() -> Prices:
    """Bars with a dividend and a split, with two decimals as on the web page."""
    frame = Prices.invented(DAYS).frame
    return Prices(
        frame.with_columns(
            pl.col("Adj Close").round(2),
            pl.when(pl.int_range(pl.len()) == 30).then(2.0).otherwise(pl.col("Stock Splits")).alias("Stock Splits"),
        )
    )


def test_yahoo_download_without_action_columns_lists_the_missing_columns(prices: Prices) -> None:
    bare = Prices(prices.frame.drop("Dividends", "Stock Splits"))
    for content, extension in ((bare.csv(), "csv"), (bare.parquet(), "parquet")):
        parsed = read_prices(content, extension)
        assert bars_of(parsed) == bars_of(read_prices(prices.csv()))
        assert parsed.tables["corporate_actions"].height == 0
        check_rows(RAW_TABLES["corporate_actions"], parsed.tables["corporate_actions"])
        (reason,) = reasons(parsed)
        assert reason.startswith("the file has no column Dividends and no column Stock Splits")


@pytest.mark.parametrize("extension", ["csv", "parquet"])
def test_yahoo_empty_action_columns_change_nothing(prices: Prices, extension: str) -> None:
    for nothing in (pl.lit(None), pl.lit(None, pl.Float64)):
        empty = Prices(prices.frame.with_columns(nothing.alias("Dividends"), nothing.alias("Stock Splits")))
        parsed = read_prices(empty.csv() if extension == "csv" else empty.parquet(), extension)
        assert len(bars_of(parsed)) == 40
        assert parsed.tables["corporate_actions"].height == 0


@pytest.mark.parametrize("tickers_first", [False, True])
@pytest.mark.parametrize("symbols", [["IWM"], ["SPY", "IWM"]])
def test_yahoo_two_header_levels(prices: Prices, symbols: list[str], tickers_first: bool) -> None:
    scaled = prices.frame.with_columns(pl.exclude("Date") / (symbols.index("IWM") + 1))
    content = Prices(scaled).two_levels(symbols, tickers_first=tickers_first)
    parsed = read_prices(content)
    usual = read_prices(prices.csv())
    assert (bars_of(parsed), actions_of(parsed), reasons(parsed)) == (bars_of(usual), actions_of(usual), [])


def test_yahoo_two_header_levels_without_the_line_of_the_index(prices: Prices) -> None:
    lines = prices.two_levels(["IWM"]).decode().splitlines(keepends=True)
    lines[0], lines[1] = lines[0].removeprefix("Price"), lines[1].removeprefix("Ticker")
    for content in (lines, [*lines[:2], *lines[3:]]):
        assert len(bars_of(read_prices("".join(content).encode()))) == 40


def test_yahoo_two_header_levels_of_another_symbol(prices: Prices) -> None:
    with pytest.raises(DocumentRejected, match="contains SPY, QQQ, not IWM"):
        read_prices(prices.two_levels(["SPY", "QQQ"]))


@pytest.mark.parametrize("order", [("{name}", "IWM"), ("IWM", "{name}")])
def test_yahoo_two_header_levels_in_parquet(prices: Prices, order: tuple[str, str]) -> None:
    def renamed(name: str) -> str:
        return str(tuple(part.format(name=name) for part in order))

    midnight = prices.frame.with_columns(pl.col("Date").cast(pl.Datetime("ns")))
    frame = midnight.rename({name: renamed(name) for name in prices.frame.columns if name != "Date"})
    for index in ("Date", "__index_level_0__", "('Date', '')"):
        parsed = read_prices(Prices(frame.rename({"Date": index})).parquet(), "parquet")
        assert (bars_of(parsed), actions_of(parsed)) == (
            bars_of(read_prices(prices.csv())),
            actions_of(read_prices(prices.csv())),
        )
    with pytest.raises(DocumentRejected, match="contains IWM, not SPY"):
        read_prices(Prices(frame).parquet(), "parquet", symbol="SPY")


def test_yahoo_adjusted_frames_are_rejected_with_advice(prices: Prices) -> None:
    adjusted = Prices(prices.frame.drop("Adj Close"))
    for content, extension in (
        (adjusted.csv(), "csv"),
        (adjusted.parquet(), "parquet"),
        (adjusted.two_levels(["IWM"]), "csv"),
    ):
        with pytest.raises(DocumentRejected, match=r"'Adj Close' is missing.*auto_adjust=False, actions=True"):
            read_prices(content, extension)


@pytest.mark.parametrize("explained", [True, False])
@pytest.mark.parametrize("separator", ["\t", ","])
def test_yahoo_page_copy(prices: Prices, separator: str, explained: bool) -> None:
    usual, parsed = read_prices(prices.csv()), read_prices(prices.page(separator=separator, explained=explained))
    assert bars_of(parsed) == bars_of(usual)
    assert actions_of(parsed) == actions_of(usual)
    assert parsed.tables["corporate_actions"].height == 2  # no action rows on the days between
    assert reasons(parsed) == []


def test_yahoo_page_copy_with_stars_and_unusual_rows(prices: Prices) -> None:
    lines = (
        prices.page(explained=False).decode().replace("Adj Close", "Adj Close**").replace("\tClose\t", "\tClose*\t").splitlines()
    )
    lines.insert(1, "May 2, 2026\t0.123 Dividend")  # a Saturday
    lines.insert(2, "May 1, 2026\t0.1x Dividend")
    lines.insert(3, "May 1, 2026\t-\t-\t-\t-\t-\t-")
    parsed = read_prices(("\n".join(lines) + "\n").encode())
    good, bad = check_rows(RAW_TABLES["price_bars"], parsed.tables["price_bars"])
    assert (good["session"].n_unique(), bad.height) == (39, 2)  # the empty row and the duplicate of its day
    assert actions_of(parsed) == actions_of(read_prices(prices.csv()))
    assert reasons(parsed) == ["the line has 2 fields, the header 7", "XNYS does not trade on this day"]


def test_yahoo_page_copy_without_header_is_rejected_with_advice(prices: Prices) -> None:
    content = b"\n".join(prices.page(explained=False).splitlines()[1:]) + b"\n"
    with pytest.raises(DocumentRejected, match=r"'Date' is missing.*; export"):
        read_prices(content)


WINTER = invented.session_days(10, date(2026, 1, 16))


@pytest.mark.parametrize(
    ("days", "stamp"),
    [
        (DAYS[-10:], "%Y-%m-%d 04:00:00+00:00"),
        (DAYS[-10:], "%Y-%m-%dT04:00:00Z"),
        (WINTER, "%Y-%m-%d 05:00:00+00:00"),
        (WINTER, "%Y-%m-%d 00:00:00-05:00"),
        (WINTER, "%Y-%m-%d 00:00:00+00:00"),
    ],
)
def test_yahoo_new_york_midnight_in_utc(days: list[date], stamp: str) -> None:
    parsed = read_prices(Prices.invented(days).stamped(stamp))
    assert [session for session, *_ in bars_of(parsed)] == days


@pytest.mark.parametrize("stamp", ["%Y-%m-%d 05:00:00+00:00", "%Y-%m-%d 13:30:00+00:00", "%Y-%m-%d 09:30:00-04:00", "%d/%m/%Y"])
def test_yahoo_other_timestamps_are_rejected_and_the_first_is_quoted(stamp: str) -> None:
    days = DAYS[-10:]
    with pytest.raises(
        DocumentRejected, match=f"no bar is usable: line 2 is '{days[0]:{stamp}},.*is not a date".replace("+", r"\+")
    ):
        read_prices(Prices.invented(days).stamped(stamp))


@pytest.mark.parametrize("zone", ["America/New_York", "UTC"])
@pytest.mark.parametrize("unit", ["ns", "us", "ms"])
def test_yahoo_parquet_with_zoned_timestamps(zone: str, unit: str) -> None:
    moments = [datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("America/New_York")) for day in DAYS]
    frame = Prices.invented(DAYS).frame.with_columns(
        pl.Series("Date", moments).dt.cast_time_unit(unit).dt.convert_time_zone(zone)  # type: ignore[arg-type]
    )
    assert [session for session, *_ in bars_of(read_prices(Prices(frame).parquet(), "parquet"))] == DAYS


def test_yahoo_parquet_with_an_impossible_date() -> None:
    """polars panics when it formats such a date."""
    number = pl.when(pl.int_range(pl.len()) == 3).then(2_000_000_000).otherwise(pl.col("Date").cast(pl.Int32))
    frame = Prices.invented(DAYS).frame.with_columns(number.cast(pl.Int32).cast(pl.Date).alias("Date"))
    parsed = read_prices(Prices(frame).parquet(), "parquet")
    assert len(bars_of(parsed)) == 39
    assert reasons(parsed) == ["'' is not a date"]


def test_yahoo_bars_before_the_calendar_are_rejected() -> None:
    frame = Prices.invented([date(2019, 11, 26), *DAYS]).frame
    parsed = read_prices(Prices(frame).csv())
    assert reasons(parsed) == [f"the session is before the calendar, which begins on {invented.sessions()['session'].min()}"]


# FRED


def read_fred(rows: list[tuple[str, str]], header: str = "DATE,DFF") -> Parsed:
    return fred.parse(Fred(header, rows).encode(), context("DFF", "csv"))


def test_fred_dates_rewritten_by_a_spreadsheet() -> None:
    parsed = read_fred([("7/9/1954", "1.25"), ("7/10/1954", "."), ("7/13/1954", "1")])
    assert parsed.tables["rates"].select("date", "value").rows() == [
        (date(1954, 7, 9), 1.25), (date(1954, 7, 10), None), (date(1954, 7, 13), 1.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        (["1/7/1954", "13/7/1954", "1/13/1954"], r"begin with the day \(line 3 is '13/7/1954,1'\): save them as YYYY-MM-DD"),
        (
            ["7/1/1954", "8/1/1954", "12/1/1954"],
            r"do not show which number is the month \(line 2 is '7/1/1954,1'\): save",
        ),
        (["7/1/54", "7/13/54"], "the file has no value: line 2 is '7/1/54,1', '7/1/54' is not a date.*download https://fred"),
    ],
)
def test_fred_ambiguous_dates_are_rejected(days: list[str], reason: str) -> None:
    with pytest.raises(DocumentRejected, match=reason):
        read_fred([(day, "1") for day in days])


def test_fred_single_slashed_date_is_rejected() -> None:
    parsed = read_fred([("1954-07-01", "1"), ("7/13/1954", "1")])
    assert parsed.tables["rates"].height == 1
    assert reasons(parsed) == ["'7/13/1954' is not a date (expected format: 2026-05-01)"]


def test_fred_series_without_its_name() -> None:
    assert read_fred([("1954-07-01", "1")], "date,value").tables["rates"]["series"].to_list() == ["DFF"]


# Every rejection of a wrong layout ends with advice

WRONG: dict[str, tuple[Read, str]] = {
    "ishares": (ishares.parse, "IWM"),
    "ssga": (ssga.parse, "SPY"),
    "invesco": (invesco.parse, "QQQ"),
    "vanguard": (vanguard.parse, "VTWO"),
    "schwab": (schwab.parse, "SCHA"),
    "fred": (fred.parse, "DFF"),
    "yahoo": (yahoo.parse, "IWM"),
}


@pytest.mark.parametrize("vendor", sorted(WRONG))
@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"<html></html>", b"", b"{}", b"\0\0\0", b"\xff\xfe", b"[" * 100_000])
def test_a_wrong_layout_is_rejected_with_advice(vendor: str, content: bytes) -> None:
    parse, symbol = WRONG[vendor]
    with pytest.raises(DocumentRejected, match=r"; (download|export|choose) .*"):
        parse(content, context(symbol, "csv"))

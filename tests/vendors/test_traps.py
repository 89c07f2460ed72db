"""Known difficulties of the vendors' files, and how the parsers handle them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from orchestration.schemas import RAW_TABLES, check_rows
from orchestration.vendors import fred, invesco, ishares, schwab, ssga, vanguard
from orchestration.vendors.feed import DocumentRejected, Parsed
from orchestration.vendors.yahoo import prices as yahoo
from tests.vendors import documents as invented
from tests.vendors.documents import NBSP, Fred, InvescoCsv, InvescoJson, IShares, Prices, Schwab, StateStreet, Vanguard, context

LINES = len(IShares().rows)


def read_ishares(document: IShares | bytes, **changes: object) -> Parsed:
    content = document if isinstance(document, bytes) else document.encode()
    return ishares.parse(content, context("IWM", "csv", **changes))


def read_ssga(document: StateStreet, **changes: object) -> Parsed:
    return ssga.parse(document.encode(), context("SPY", "xlsx", **changes))


def read_json(document: InvescoJson, **changes: object) -> Parsed:
    return invesco.parse(document.encode(), context("QQQ", "json", **changes))


def read_csv(document: InvescoCsv, **changes: object) -> Parsed:
    return invesco.parse(document.encode(), context("QQQ", "csv", **changes))


def read_vanguard(document: Vanguard, **changes: object) -> Parsed:
    return vanguard.parse(document.encode(), context("VTWO", "json", **changes))


def read_schwab(document: Schwab, **changes: object) -> Parsed:
    return schwab.parse(document.encode(), context("SCHA", "csv", **changes))


def read_fred(document: Fred | bytes, series: str = "DFF") -> Parsed:
    content = document if isinstance(document, bytes) else document.encode()
    return fred.parse(content, context(series, "csv"))


def reasons(parsed: Parsed) -> list[str]:
    return [reason for rejects in parsed.rejects for reason in rejects["reason"]]


# iShares


def test_ishares_document_as_received() -> None:
    parsed = read_ishares(IShares())
    rows = parsed.tables["holdings"]
    assert (parsed.as_of, rows.height, reasons(parsed)) == (date(2026, 5, 5), LINES, [])
    assert rows["line_no"].to_list() == list(range(1, LINES + 1))
    first = rows.row(0, named=True)
    assert (first["market_value"], first["quantity"], first["price"]) == (900_000.0, 9_000.0, 100.0)
    assert first["stated_weight"] == pytest.approx(float(IShares().rows[0][5]) / 100)
    facts = dict(parsed.tables["fund_facts"].select("fact", "value_number").rows())
    assert facts["shares_outstanding"] == 117_800
    assert facts["net_assets"] == pytest.approx(rows["market_value"].sum())


def test_ishares_net_assets_are_unknown_without_every_market_value() -> None:
    one_missing = IShares()
    one_missing.rows[0][4] = "-"
    plain = IShares()
    without = plain.with_columns({column: column for column in plain.header if column != "Market Value"})
    for document in (one_missing, without):
        facts = dict(read_ishares(document).tables["fund_facts"].select("fact", "value_number").rows())
        assert facts == {"shares_outstanding": 117_800, "holdings_lines": LINES}


@pytest.mark.parametrize("length", range(3, 10))
def test_ishares_preamble_of_three_to_nine_lines(length: int) -> None:
    document = IShares()
    document.preamble = [*document.preamble[: length - 1], NBSP]
    assert len(document.preamble) == length
    assert read_ishares(document).tables["holdings"].height == LINES


def test_ishares_without_byte_order_mark() -> None:
    assert read_ishares(IShares().encode().removeprefix("\ufeff".encode())).tables["holdings"].height == LINES


def test_ishares_with_windows_line_ends() -> None:
    assert read_ishares(IShares().encode().replace(b"\n", b"\r\n")).tables["holdings"].height == LINES


def test_ishares_no_break_space_lines_end_the_table() -> None:
    parsed = read_ishares(IShares(tail=[NBSP, "Holdings, are, subject to change", NBSP, '"Legal text, in quotes"']))
    assert (parsed.tables["holdings"].height, reasons(parsed)) == (LINES, [])


def test_ishares_blank_line_inside_the_table_is_skipped() -> None:
    lines = IShares().lines()
    lines.insert(20, NBSP)
    assert read_ishares("\n".join(lines).encode()).tables["holdings"].height == LINES


def test_ishares_document_repeated_in_one_answer() -> None:
    twice = IShares().encode() + b"\n" + IShares().encode()
    parsed = read_ishares(twice)
    assert (parsed.tables["holdings"].height, reasons(parsed)) == (LINES, [])


def test_ishares_two_different_tables_in_one_answer_are_rejected() -> None:
    other = IShares()
    other.rows[0][4] = "900,001.00"
    with pytest.raises(DocumentRejected, match="two different tables"):
        read_ishares(IShares().encode() + b"\n" + other.encode())


def test_ishares_placeholder_dash_date_is_rejected() -> None:
    document = IShares()
    document.preamble[1] = 'Fund Holdings as of,"-"'
    with pytest.raises(DocumentRejected, match="no holdings for the requested date"):
        read_ishares(document)


def test_ishares_shares_instead_of_quantity() -> None:
    document = IShares()
    document.header[document.header.index("Quantity")] = "Shares"
    assert read_ishares(document).tables["holdings"]["quantity"][0] == 9_000


def test_ishares_columns_are_found_by_name() -> None:
    document = IShares()
    document.header = ["Extra", *document.header[::-1], "Extra"]
    document.rows = [["x", *row[::-1], "y"] for row in document.rows]
    assert (
        read_ishares(document)
        .tables["holdings"]
        .drop("_content")
        .equals(read_ishares(IShares()).tables["holdings"].drop("_content"))
    )


def test_ishares_without_name_or_size_is_rejected_with_advice() -> None:
    for lost in (("Name",), ("Market Value", "Weight (%)")):
        document = IShares()
        document.header = ["Other" if name in lost else name for name in document.header]
        with pytest.raises(DocumentRejected, match=r"no header line with Name .*it begins with '.*IWM Invented ETF'; download"):
            read_ishares(document)


def test_tickers_true_na_nan_remain_text() -> None:
    for parsed in (read_ishares(IShares()), read_ssga(StateStreet()), read_json(InvescoJson()), read_csv(InvescoCsv())):
        assert parsed.tables["holdings"]["ticker"].to_list()[:3] == ["TRUE", "NA", "NAN"]


@pytest.mark.parametrize("ticker", ["BRKB", "MOGA", "MOG A", "MOG.A", "P5N994"])
def test_ishares_tickers_are_kept_as_written(ticker: str) -> None:
    document = IShares()
    document.rows[5][0] = ticker
    assert read_ishares(document).tables["holdings"]["ticker"][5] == ticker


def test_ishares_cash_futures_and_rights_are_kept() -> None:
    rows = read_ishares(IShares()).tables["holdings"]
    cash, right, future = rows.tail(3).to_dicts()
    assert (cash["ticker"], cash["market_value"], cash["exchange"]) == ("USD", -12.5, None)
    assert (right["ticker"], right["name"], right["asset_class_label"]) == (None, "OLD CO INC CVR", "Equity")
    assert (future["market_value"], future["notional_value"]) == (0.0, 287_000_000.0)
    good, bad = check_rows(RAW_TABLES["holdings"], rows)
    assert (good.height, bad.height) == (LINES, 0)


def test_ishares_wrong_title_is_rejected() -> None:
    document = IShares()
    document.preamble[0] = "Another Invented ETF"
    with pytest.raises(DocumentRejected, match="title is 'Another Invented ETF'"):
        read_ishares(document)


def test_undated_file_is_rejected_with_advice() -> None:
    with pytest.raises(DocumentRejected, match="asof=YYYY-MM-DD"):
        read_ishares(IShares(preamble=[]))


def test_undated_file_with_declared_date_is_read() -> None:
    parsed = read_ishares(IShares(preamble=[], tail=[]), declared_as_of=date(2026, 5, 4))
    assert (parsed.as_of, parsed.tables["holdings"].height) == (date(2026, 5, 4), LINES)


def test_declared_date_that_contradicts_the_document_is_rejected() -> None:
    with pytest.raises(DocumentRejected, match="2026-05-05 in the file and 2026-05-04 in the file name"):
        read_ishares(IShares(), declared_as_of=date(2026, 5, 4))


def test_too_few_rows_are_rejected() -> None:
    for read, document, symbol in (
        (read_ishares, IShares(), "IWM"),
        (read_ssga, StateStreet(), "SPY"),
        (read_json, InvescoJson(), "QQQ"),
    ):
        with pytest.raises(DocumentRejected, match="has at least 1000"):
            read(document, fund=replace(invented.UNIVERSE[symbol], min_holdings=1000))  # type: ignore[operator]


def test_weights_that_do_not_sum_to_one_are_rejected() -> None:
    cut = IShares()
    cut.rows = cut.rows[3:]
    state_street, as_json = StateStreet(), InvescoJson()
    state_street.rows[0][4] = 50.0
    as_json.holdings[0]["percentageOfTotalNetAssets"] = 50.0
    for read, document in ((read_ishares, cut), (read_ssga, state_street), (read_json, as_json)):
        with pytest.raises(DocumentRejected, match="weights sum to"):
            read(document)  # type: ignore[operator]


def test_market_value_that_contradicts_its_weight_is_rejected() -> None:
    document = IShares()
    document.rows[0][4], document.rows[20][4] = document.rows[20][4], document.rows[0][4]
    with pytest.raises(DocumentRejected, match="market value and stated weight"):
        read_ishares(document)


@pytest.mark.parametrize(
    "broken", ["12,34,567.00", "1.234,56", "0,640", "12..5", "1O0", "$5", "(12.00)", "1e999x", "12 000", "--5", "."]
)
def test_an_invalid_number_is_rejected_and_never_guessed(broken: str) -> None:
    document = IShares()
    document.rows[24][7] = broken
    parsed = read_ishares(document)
    assert parsed.tables["holdings"].height == LINES - 1
    assert reasons(parsed) == [f"quantity '{broken}' is not a number"]


def test_fund_outside_the_universe_is_rejected() -> None:
    with pytest.raises(DocumentRejected, match="not in seeds/funds.csv"):
        read_ishares(IShares(), fund=None)


# State Street


def test_ssga_document_as_received() -> None:
    parsed = read_ssga(StateStreet())
    rows = parsed.tables["holdings"]
    assert (parsed.as_of, rows.height, reasons(parsed)) == (date(2026, 5, 5), 29, [])
    assert rows["sector_label"].null_count() == 29
    assert rows["market_value"].null_count() == 29
    assert rows.row(0, named=True)["cusip"] == "000000000"
    assert rows["stated_weight"].sum() == pytest.approx(1, abs=0.001)


def test_ssga_cash_has_no_ticker_and_no_cusip() -> None:
    cash = read_ssga(StateStreet()).tables["holdings"].tail(1).to_dicts()[0]
    assert (cash["ticker"], cash["cusip"], cash["sedol"], cash["quantity"]) == (None, None, None, 4321.5)


def test_ssga_disclaimers_are_not_holdings_and_an_empty_row_is_skipped() -> None:
    document = StateStreet()
    document.rows.insert(10, [])
    parsed = read_ssga(document)
    assert (parsed.tables["holdings"].height, reasons(parsed)) == (29, [])


def test_ssga_wrong_fund_is_rejected() -> None:
    document = StateStreet()
    document.preamble[1] = ["Ticker Symbol:", "DIA"]
    with pytest.raises(DocumentRejected, match="fund 'DIA'"):
        read_ssga(document)


def test_ssga_without_date_is_rejected() -> None:
    document = StateStreet()
    document.preamble[2] = ["Holdings:", ""]
    with pytest.raises(DocumentRejected, match="no as-of date"):
        read_ssga(document)


@pytest.mark.parametrize(
    "content", [b"PK", b"PK\x03\x04" + b"\0" * 200, StateStreet().encode()[:-100], b"\xd0\xcf\x11\xe0" * 50, b""]
)
def test_ssga_damaged_workbook_is_rejected(content: bytes) -> None:
    with pytest.raises(DocumentRejected, match="workbook"):
        ssga.parse(content, context("SPY", "xlsx"))


# Invesco


def test_invesco_effective_date_in_the_future_is_not_the_as_of_date() -> None:
    parsed = read_json(InvescoJson())
    assert InvescoJson().fields["effectiveDate"] == "2026-06-30"
    assert parsed.as_of == date(2026, 5, 5)


def test_invesco_stated_count_must_equal_the_length_of_the_list() -> None:
    document = InvescoJson()
    document.fields["totalNumberOfHoldings"] = 99
    with pytest.raises(DocumentRejected, match="states 99 holdings but lists 28"):
        read_json(document)


def test_invesco_entities_in_names_are_read() -> None:
    assert read_json(InvescoJson()).tables["holdings"]["name"][0] == "TRUTH & SONS"


def test_invesco_line_without_weight_keeps_its_market_value() -> None:
    document = InvescoJson()
    document.holdings.append(
        {
            "ticker": "USDPDV",
            "issuerName": "US DOLLAR PENDING",
            "units": 5,
            "marketValueBase": 5.0,
            "percentageOfTotalNetAssets": None,
            "securityTypeCode": "CURR",
        }
    )
    line = read_json(document).tables["holdings"].tail(1).to_dicts()[0]
    assert (line["stated_weight"], line["market_value"], line["asset_class_label"]) == (None, 5.0, "CURR")


def test_invesco_json_of_another_fund_is_rejected() -> None:
    document = InvescoJson()
    document.fields["ticker"] = "SPY"
    with pytest.raises(DocumentRejected, match="fund 'SPY'"):
        read_json(document)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": ', "not valid JSON"),
        ("{}", "field is missing or invalid"),
        ('{"a":' * 100_000, "nested|not valid JSON"),
        ('{"effectiveBusinessDate": "2026-05-05", "totalNumberOfHoldings": 1, "holdings": [3]}', "not a list of objects"),
        ('{"effectiveBusinessDate": 5, "totalNumberOfHoldings": 1, "holdings": []}', "field is missing or invalid"),
    ],
)
def test_invesco_invalid_json_is_rejected(text: str, reason: str) -> None:
    with pytest.raises(DocumentRejected, match=reason):
        invesco.parse(text.encode(), context("QQQ", "json"))


def test_invesco_older_csv_with_trailing_blanks_and_american_dates() -> None:
    parsed = read_csv(InvescoCsv())
    rows = parsed.tables["holdings"]
    assert (parsed.as_of, rows.height) == (date(2026, 5, 5), 28)
    assert rows["ticker"][0] == "TRUE"
    assert rows["sector_label"][0] == "Industrials"


def test_invesco_csv_with_two_dates_is_rejected() -> None:
    document = InvescoCsv()
    document.rows[3][9] = "05/04/2026"
    with pytest.raises(DocumentRejected, match="2 different dates"):
        read_csv(document)


# Vanguard


def test_vanguard_document_as_received() -> None:
    parsed = read_vanguard(Vanguard())
    rows = parsed.tables["holdings"]
    assert (parsed.as_of, rows.height, reasons(parsed)) == (date(2026, 4, 30), 28, [])
    first = rows.row(0, named=True)
    assert (first["ticker"], first["name"]) == ("TRUE", "TRUTH & SONS")
    assert (first["quantity"], first["market_value"]) == (1000.0, 900_000.0)
    assert (first["cusip"], first["isin"], first["sedol"]) == ("000000000", "US0000000007", "S000000")
    assert first["stated_weight"] == pytest.approx(float(str(Vanguard().entity[0]["percentWeight"])) / 100)
    assert set(rows["asset_class_label"]) == {"stock"}


def test_vanguard_weights_without_its_cash_sum_below_one() -> None:
    assert 0.98 < read_vanguard(Vanguard()).tables["holdings"]["stated_weight"].sum() < 0.999


@pytest.mark.parametrize(("factor", "total"), [(0.5, "0.49"), (2, "1.99")])
def test_vanguard_weights_far_from_one_are_rejected(factor: float, total: str) -> None:
    document = Vanguard()
    for line in document.entity:
        line["percentWeight"] = f"{float(str(line['percentWeight'])) * factor:.3f}"
    with pytest.raises(DocumentRejected, match=f"weights sum to {total}"):
        read_vanguard(document)


def test_vanguard_duplicated_list_is_rejected() -> None:
    document = Vanguard()
    document.entity *= 2
    with pytest.raises(DocumentRejected, match=r"weights sum to 1\.9"):
        read_vanguard(document)


@pytest.mark.parametrize("size", [27, "29", 0])
def test_vanguard_stated_size_must_equal_the_length_of_the_list(size: object) -> None:
    with pytest.raises(DocumentRejected, match=f"states {size} holdings but lists 28"):
        read_vanguard(Vanguard(fields={"asOfDate": "2026-04-30T00:00:00-04:00", "size": size}))


def test_vanguard_too_few_lines_are_rejected() -> None:
    with pytest.raises(DocumentRejected, match="has at least 29"):
        read_vanguard(Vanguard(), fund=replace(invented.UNIVERSE["VTWO"], min_holdings=29))


def test_vanguard_date_of_the_lines_is_sufficient() -> None:
    assert read_vanguard(Vanguard(fields={})).as_of == date(2026, 4, 30)


def test_vanguard_two_dates_are_rejected() -> None:
    with pytest.raises(DocumentRejected, match="2 different as-of dates: 2026-04-29, 2026-04-30"):
        read_vanguard(Vanguard(fields={"asOfDate": "2026-04-29T00:00:00-04:00"}))


def test_vanguard_without_date_is_rejected() -> None:
    document = Vanguard(fields={})
    for line in document.entity:
        del line["asOfDate"]
    with pytest.raises(DocumentRejected, match="no as-of date"):
        read_vanguard(document)


def test_vanguard_unreadable_date_is_rejected() -> None:
    document = Vanguard(fields={"asOfDate": "last month"})
    for line in document.entity:
        del line["asOfDate"]
    with pytest.raises(DocumentRejected, match="date is invalid"):
        read_vanguard(document)


@pytest.mark.parametrize("nothing", ["", "-", "\u2014", None])
def test_vanguard_share_without_ticker_is_a_share(nothing: str | None) -> None:
    document = Vanguard()
    document.entity[5]["ticker"] = nothing
    line = read_vanguard(document).tables["holdings"].row(5, named=True)
    assert (line["ticker"], line["asset_class_label"], line["cusip"]) == (None, "stock", "000000005")


def test_vanguard_invalid_number_rejects_its_line() -> None:
    document = Vanguard()
    document.entity.append({**document.entity[27], "percentWeight": "0.00", "marketValue": "12,34x"})
    parsed = read_vanguard(document)
    assert parsed.tables["holdings"].height == 28
    assert reasons(parsed) == ["market_value '12,34x' is not a number"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"size": 1, ', "not valid JSON"),
        ("[]", "is a list"),
        ("{}", "field is missing or invalid"),
        ('{"size": 1, "fund": {"entity": [3]}}', "not a list of objects"),
        ('{"size": 1, "fund": {"entity": [{}]}}', "'longName' is missing from every holding"),
        ('{"size": 0, "fund": {"entity": []}}', "'longName' is missing from every holding"),
    ],
)
def test_vanguard_invalid_json_is_rejected(text: str, reason: str) -> None:
    with pytest.raises(DocumentRejected, match=reason):
        vanguard.parse(text.encode(), context("VTWO", "json"))


# Schwab


def test_schwab_document_as_downloaded() -> None:
    parsed = read_schwab(Schwab())
    rows = parsed.tables["holdings"]
    assert (parsed.as_of, rows.height, reasons(parsed)) == (date(2026, 5, 5), 30, [])
    first = rows.row(0, named=True)
    assert (first["ticker"], first["quantity"], first["sector_label"], first["location"]) == ("TRUE", 1000.0, "Industrials", "US")
    assert first["stated_weight"] == pytest.approx(float(Schwab().rows[0][3]) / 100)
    assert rows["asset_class_label"].to_list() == ["Equity"] * 28 + ["Currency", "Futures"]


@pytest.mark.parametrize(
    ("name", "label"),
    [("SSC GOVERNMENT MM GVMXX", "Money Market"), ("S&P500 EMINI FUT", "Futures"), ("OLD CO INC CVR", None)],
)
def test_schwab_line_without_sector(name: str, label: str | None) -> None:
    document = Schwab()
    document.rows[-2][1], document.rows[-2][4] = "GVMXX", name
    assert read_schwab(document).tables["holdings"]["asset_class_label"][28] == label


def test_schwab_optional_columns_and_a_preamble() -> None:
    document = Schwab()
    kept = [place for place, name in enumerate(document.header) if name not in ("BBG FIGI", "Country", "Sector")]
    document.header = [document.header[place] for place in kept]
    document.rows = [[row[place] for place in kept] for row in document.rows]
    content = b"Schwab U.S. Small-Cap ETF\r\n\r\n" + document.encode()
    parsed = schwab.parse(content, context("SCHA", "csv"))
    assert parsed.tables["holdings"]["line_no"].to_list() == list(range(1, 31))
    assert parsed.tables["holdings"]["sector_label"].null_count() == 30


def test_schwab_american_dates() -> None:
    document = Schwab()
    for row in document.rows:
        row[0] = "05/05/2026"
    assert read_schwab(document).as_of == date(2026, 5, 5)


def test_schwab_disclaimers_are_ignored() -> None:
    assert read_schwab(Schwab(tail=[])).tables["holdings"].equals(read_schwab(Schwab()).tables["holdings"])


def test_schwab_new_name_without_weight_is_rejected() -> None:
    document = Schwab()
    document.rows[27][3] = ""
    rows = read_schwab(document).tables["holdings"]
    good, bad = check_rows(RAW_TABLES["holdings"], rows)
    assert (good.height, bad["line"].to_list()) == (29, [29])


def test_schwab_two_dates_are_rejected() -> None:
    document = Schwab()
    document.rows[3][0] = "2026-05-04"
    with pytest.raises(DocumentRejected, match="2 different dates"):
        read_schwab(document)


@pytest.mark.parametrize("stated", ["", "May 5"])
def test_schwab_without_a_valid_date_is_rejected(stated: str) -> None:
    document = Schwab()
    for row in document.rows:
        row[0] = stated
    with pytest.raises(DocumentRejected, match="no as-of date" if not stated else "'May 5' is invalid"):
        read_schwab(document)


def test_schwab_duplicated_table_is_rejected() -> None:
    document = Schwab()
    document.rows *= 2
    with pytest.raises(DocumentRejected, match="weights sum to 2.0"):
        read_schwab(document)


def test_schwab_another_table_is_rejected() -> None:
    with pytest.raises(DocumentRejected, match="no header line with As-Of-Date"):
        schwab.parse(b"Ex-Date,Record Date,Income\r\n06/24/2026,06/24/2026,0.25\r\n", context("SCHA", "csv"))


# FRED


def test_fred_dot_is_missing_not_zero() -> None:
    rates = read_fred(Fred()).tables["rates"]
    assert rates["value"].to_list()[-2:] == [None, None]
    assert rates["value"][0] == 3.01


@pytest.mark.parametrize("first", ["DATE", "observation_date"])
def test_fred_old_and_new_header(first: str) -> None:
    assert read_fred(Fred(header=f"{first},DFF")).tables["rates"].height == 30


def test_fred_other_series_is_rejected() -> None:
    with pytest.raises(DocumentRejected, match="series DGS10, not DFF"):
        read_fred(Fred(header="DATE,DGS10"))


@pytest.mark.parametrize("content", [b"", b" \n \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n\n", "\u00a0\n".encode()])
def test_fred_blank_file_is_rejected(content: bytes) -> None:
    with pytest.raises(DocumentRejected, match="empty"):
        read_fred(content)


def test_fred_truncated_last_line_is_rejected() -> None:
    parsed = read_fred(b"DATE,DFF\n2026-04-01,3.50\n2026-04-02,3.7")
    assert parsed.tables["rates"]["value"].to_list() == [3.5]
    assert reasons(parsed) == ["the last line has no line end and may be truncated"]


def test_fred_line_broken_in_two_is_rejected() -> None:
    parsed = read_fred(b"DATE,DFF\n2026-04-01,3.50\n2026-04-02,3.7\n5\n2026-04-03,3.75\n")
    assert parsed.tables["rates"]["value"].to_list() == [3.5, 3.75]
    assert reasons(parsed) == ["the line may be incomplete: the next line is too short", "the line has 1 fields, the header 2"]


def test_fred_line_without_a_date_is_rejected() -> None:
    parsed = read_fred(Fred(rows=[("2026-04-01", "3.5"), ("2026-04-31", "3.5"), ("soon", "3.5")]))
    assert reasons(parsed) == [f"'{day}' is not a date (expected format: 2026-05-01)" for day in ("2026-04-31", "soon")]


# Yahoo


def read_prices(prices: Prices, extension: str = "parquet", **changes: object) -> Parsed:
    content = prices.parquet() if extension == "parquet" else prices.csv()
    return yahoo.parse(content, context("IWM", extension, **changes))


def bars(parsed: Parsed) -> pl.DataFrame:
    good, _ = check_rows(RAW_TABLES["price_bars"], parsed.tables["price_bars"])
    return good


@pytest.mark.parametrize("extension", ["parquet", "csv"])
def test_yahoo_bars_and_actions(extension: str) -> None:
    prices = Prices.invented(invented.session_days(40))
    parsed = read_prices(prices, extension)
    assert (bars(parsed).height, parsed.as_of, reasons(parsed)) == (40, invented.AS_OF, [])
    assert bars(parsed)["close"].to_list() == prices.frame["Close"].to_list()
    actions = parsed.tables["corporate_actions"]
    assert actions.height == 80  # zeros are included: they withdraw an action
    assert actions.filter(pl.col("value") > 0)["value"].to_list() == [0.5]


def test_yahoo_open_session_is_rejected() -> None:
    prices = Prices.invented(invented.session_days(5))
    running = datetime(2026, 5, 5, 20, 29, tzinfo=UTC)  # the close was at 20:00 UTC
    parsed = read_prices(prices, retrieved_at=running)
    assert bars(parsed).height == 4
    assert reasons(parsed) == ["the session was still open at the retrieval"]
    assert bars(read_prices(prices, retrieved_at=running + timedelta(minutes=1))).height == 5


def test_yahoo_half_day_closes_at_one() -> None:
    prices = Prices.invented(invented.session_days(3, date(2026, 11, 27)))  # the day after Thanksgiving
    assert bars(read_prices(prices, retrieved_at=datetime(2026, 11, 27, 18, 29, tzinfo=UTC))).height == 2
    assert bars(read_prices(prices, retrieved_at=datetime(2026, 11, 27, 18, 30, tzinfo=UTC))).height == 3


@pytest.mark.parametrize("extension", ["parquet", "csv"])
@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_yahoo_bar_with_null_ohlc_is_rejected(extension: str, nothing: float | None) -> None:
    prices = Prices.invented(invented.session_days(5))
    prices.frame = prices.frame.with_columns(
        pl.when(pl.int_range(pl.len()) == 2).then(pl.lit(nothing, pl.Float64)).otherwise(pl.col(c)).alias(c)
        for c in ("Open", "High", "Low", "Close", "Adj Close")
    )
    good, bad = check_rows(RAW_TABLES["price_bars"], read_prices(prices, extension).tables["price_bars"])
    assert (good.height, bad.height) == (4, 1)
    assert "close is missing" in bad["reason"][0]
    assert bad["line"][0] == 4


def test_bar_on_a_day_without_session() -> None:
    prices = Prices.invented([date(2026, 5, 1), date(2026, 5, 2), date(2026, 5, 4)])  # includes a Saturday
    parsed = read_prices(prices)
    assert bars(parsed).height == 2
    assert reasons(parsed) == ["XNYS does not trade on this day"]


def test_yahoo_ragged_line_is_rejected_alone() -> None:
    lines = Prices.invented(invented.session_days(5)).csv().decode().splitlines(keepends=True)
    lines[2] = lines[2].replace(",", ",,", 1)
    lines[3] = '2026-05-0"1,' + lines[3].partition(",")[2]
    parsed = yahoo.parse("".join(lines).encode(), context("IWM", "csv"))
    assert bars(parsed).height == 3
    assert [reason.partition(" ")[0] for reason in reasons(parsed)] == ["the", "'2026-05-0\"1'"]


@pytest.mark.parametrize("column", ["Close", "Dividends", "Stock Splits"])
def test_yahoo_invalid_number_rejects_the_line(column: str) -> None:
    prices = Prices.invented(invented.session_days(5))
    prices.frame = prices.frame.with_columns(
        pl.when(pl.int_range(pl.len()) == 2).then(pl.lit("0.5x")).otherwise(pl.col(column).cast(pl.String)).alias(column)
    )
    parsed = read_prices(prices, "csv")
    assert bars(parsed).height == 4
    assert reasons(parsed) == [f"{column} '0.5x' is not a number"]


@pytest.mark.parametrize("stamp", ["2026-05-05 00:00:00-04:00", "2026-05-05T00:00:00"])
def test_yahoo_new_york_midnight_is_the_session(stamp: str) -> None:
    content = f"Date,Open,High,Low,Close,Adj Close,Volume\n{stamp},1,2,0.5,1,1,5\n"
    assert yahoo.parse(content.encode(), context("IWM", "csv")).as_of == invented.AS_OF


def test_yahoo_column_missing_is_rejected() -> None:
    prices = Prices.invented(invented.session_days(5))
    prices.frame = prices.frame.drop("Adj Close")
    for extension in ("parquet", "csv"):
        with pytest.raises(DocumentRejected, match="'Adj Close' is missing"):
            read_prices(prices, extension)


def test_yahoo_without_a_usable_bar_is_rejected() -> None:
    with pytest.raises(DocumentRejected, match="no bar is usable"):
        read_prices(Prices.invented([date(2026, 5, 2)]))


def test_yahoo_long_history_is_parsed_quickly() -> None:
    import time

    prices = Prices.invented(invented.session_days(1500))
    content = Prices(pl.concat([prices.frame] * 4)).csv()
    began = time.perf_counter()
    yahoo.parse(content, context("IWM", "csv"))
    assert time.perf_counter() - began < 1


# All


HTML = b"\n <!doctype html><html><head><title>Access denied</title></head></html>"


@pytest.mark.parametrize(
    ("parse", "symbol", "extension"),
    [
        (ishares.parse, "IWM", "csv"),
        (ssga.parse, "SPY", "xlsx"),
        (invesco.parse, "QQQ", "json"),
        (vanguard.parse, "VTWO", "json"),
        (schwab.parse, "SCHA", "csv"),
        (fred.parse, "DFF", "csv"),
        (yahoo.parse, "IWM", "csv"),
    ],
)
def test_web_page_is_rejected(parse: object, symbol: str, extension: str) -> None:
    with pytest.raises(DocumentRejected, match="web page"):
        parse(HTML, context(symbol, extension))  # type: ignore[operator]

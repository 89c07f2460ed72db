"""A company is one security across changes of identifiers, ticker and name; and more snapshots never make a table worse."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import openpyxl
import polars as pl
import pytest
import xlsxwriter

from orchestration.defs.dbt_project import dbt_of
from orchestration.landing.documents import list_documents
from orchestration.raw.ingest import ingest
from orchestration.schemas import RAW_TABLES
from orchestration.universe import load_universe
from orchestration.warehouse.connection import Warehouse
from tests.pipeline.homes import Home, ask, build_models, warehouse

MODELS = ["+holdings_changes", "+sector_coverage", "--exclude-resource-type", "test"]
Snapshot = tuple[str, date]
Line = tuple[str, date, int]


@dataclass(frozen=True)
class Held:
    """One line of a snapshot, with the true company and sector."""

    company: str
    sector: str
    ticker: str
    name: str
    cusip: str | None = None
    sedol: str | None = None
    is_labelled: bool = False
    quantity: float = 100.0


def numbered(company: str, sector: str, ticker: str, name: str, number: int) -> Held:
    """A line in State Street's format: identifiers and no sector."""
    return Held(company, sector, ticker, name, f"{number:08d}7", f"B{number:05d}7")


def labelled(company: str, sector: str, ticker: str, name: str) -> Held:
    """A line in iShares' format: a sector and no identifiers."""
    return Held(company, sector, ticker, name, is_labelled=True)


MAY_24, MAY_25, SEPTEMBER, OCTOBER, NOVEMBER = (
    date(2024, 5, 10), date(2025, 5, 2), date(2025, 9, 5), date(2025, 9, 30), date(2025, 11, 5),
)  # fmt: skip

pytestmark = pytest.mark.more_runs
STEADY = [("Alpha Water", "Utilities"), ("Beta Steel", "Materials"), ("Gamma Homes", "Real Estate")]
HELD: dict[Snapshot, list[Held]] = {
    ("SPY", MAY_24): [
        numbered("split", "Financials", "BLK", "BLACKROCK INC", 11),
        numbered("moved", "Information Technology", "TEL", "TE CONNECTIVITY LTD", 12),
        numbered("renamed", "Health Care", "LH", "LABORATORY CRP OF AMER HLDGS", 13),
        numbered("new ticker", "Energy", "KZOV", "KARST ZONE INC", 14),
        numbered("ticker given up", "Health Care", "RNA", "AVIDITY BIOSCIENCES INC", 15),
        numbered("spelled in two ways", "Industrials", "JBHT", "HUNT (JB) TRANSPRT SVCS INC", 16),
    ],
    ("SPY", SEPTEMBER): [
        numbered("split", "Financials", "BLK", "BLACKROCK INC", 21),
        numbered("moved", "Information Technology", "TEL", "TE CONNECTIVITY PLC", 22),
        numbered("renamed", "Health Care", "LH", "LABCORP HOLDINGS INC", 23),
        numbered("new ticker", "Energy", "LUMQ", "LUMINOUS QUARRY INC", 14),
        numbered("spelled in two ways", "Industrials", "JBHT", "HUNT (JB) TRANSPRT SVCS INC", 16),
    ],
    ("SPY", OCTOBER): [
        numbered("split", "Financials", "BLK", "BLACKROCK INC", 21),
        numbered("moved", "Information Technology", "TEL", "TE CONNECTIVITY PLC", 22),
        numbered("renamed", "Health Care", "LH", "LABCORP HOLDINGS INC", 23),
        numbered("new ticker", "Energy", "LUMQ", "LUMINOUS QUARRY INC", 14),
        numbered("ticker taken", "Energy", "RNA", "RENOVA NATURAL GAS CORP", 25),
        numbered("spelled in two ways", "Industrials", "JBHT", "HUNT (JB) TRANSPRT SVCS INC", 26),
    ],
    ("IWV", MAY_25): [
        labelled("split", "Financials", "BLK", "BLACKROCK"),
        labelled("moved", "Information Technology", "TEL", "TE CONNECTIVITY PLC"),
        labelled("renamed", "Health Care", "LH", "LABCORP HOLDINGS INC"),
        labelled("new ticker", "Energy", "KZOV", "KARST ZONE INC"),
        labelled("ticker given up", "Health Care", "RNA", "AVIDITY BIOSCIENCES INC"),
        labelled("spelled in two ways", "Industrials", "JBHT", "JB HUNT TRANSPORT SERVICES INC"),
    ],
    ("IWM", MAY_25): [labelled("new ticker, no number", "Industrials", "CSWI", "CSW INDUSTRIALS INC")],
    ("IWM", NOVEMBER): [
        labelled("new ticker, no number", "Industrials", "CSW", "CSW INDUSTRIALS INC"),
        labelled("ticker taken", "Energy", "RNA", "RENOVA NATURAL GAS CORP"),
    ],
}  # fmt: skip
for (_, _), _held in HELD.items():
    _held += [
        Held(name, sector, name[:4].upper(), name.upper(), f"9000000{number}7", is_labelled=True)
        for number, (name, sector) in enumerate(STEADY)
    ]


class Identities:
    """A warehouse that builds tables from any selection of snapshots."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.warehouse = Warehouse(home.settings().warehouse_path)
        self.warehouse.prepare()
        dbt_of(home.settings()).manifest_path()  # parsed once for all builds

    def know(self, snapshots: Iterable[Snapshot]) -> None:
        """Write synthetic snapshots to raw, each from a document retrieved a day later."""
        columns = [*RAW_TABLES["holdings"].columns, "observed_at", "document_id"]
        rows = []
        for fund, as_of in snapshots:
            observed_at = datetime(as_of.year, as_of.month, as_of.day) + timedelta(days=1)
            for line_no, held in enumerate(HELD[fund, as_of], 1):
                row = {
                    "fund": fund, "as_of": as_of, "line_no": line_no, "ticker": held.ticker, "name": held.name,
                    "cusip": held.cusip, "sedol": held.sedol,
                    "sector_label": held.sector if held.is_labelled else None, "asset_class_label": "Equity",
                    "stated_weight": 1 / len(HELD[fund, as_of]), "quantity": held.quantity, "observed_at": observed_at,
                    "document_id": f"{fund} {as_of}",
                }  # fmt: skip
                rows.append([row.get(column) for column in columns])
        places = ", ".join("?" * len(columns))
        with self.warehouse.connect() as connection:
            connection.execute("delete from raw.holdings")
            connection.executemany(f"insert into raw.holdings ({', '.join(columns)}) values ({places})", rows)

    def build(self) -> None:
        """Build the holdings tables from scratch, without tables of an earlier selection."""
        with self.warehouse.connect() as connection:
            connection.execute("drop schema if exists build cascade")
        build_models(self.home.settings(), MODELS)

    def sectors(self) -> dict[Line, tuple[str, str | None]]:
        """Security and sector of every equity line."""
        with warehouse(self.home) as connection:
            rows = ask(
                connection,
                "select fund, as_of, line, security_id, gics_sector from marts.holdings where holdings_class = 'equity'",
            ).rows()
        return {(fund, as_of, line): (security, sector) for fund, as_of, line, security, sector in rows}

    def changes(self) -> dict[Snapshot, set[tuple[str, str]]]:
        """Change and security of all names that joined or left, by snapshot."""
        with warehouse(self.home) as connection:
            rows = ask(connection, "select fund, as_of, change, security_id from marts.holdings_changes where change <> 'kept'")
        found: dict[Snapshot, set[tuple[str, str]]] = {}
        for fund, as_of, change, security in rows.rows():
            found.setdefault((fund, as_of), set()).add((change, security))
        return found


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> Identities:
    return Identities(Home(tmp_path_factory.mktemp("identities"), "sample"))


def companies(lines: dict[Line, tuple[str, str | None]]) -> set[tuple[str, str]]:
    """The companies by security_id."""
    return {(HELD[fund, as_of][line - 1].company, security) for (fund, as_of, line), (security, _) in lines.items()}


def test_each_company_is_one_security_and_each_security_one_company(identities: Identities) -> None:
    identities.know(HELD)
    identities.build()
    pairs = companies(identities.sectors())
    assert len(pairs) == len({company for company, _ in pairs}) == len({security for _, security in pairs}) == 11
    ids = dict(pairs)
    assert identities.changes() == {
        ("SPY", SEPTEMBER): {("removed", ids["ticker given up"])},
        ("SPY", OCTOBER): {("added", ids["ticker taken"])},
        ("IWM", NOVEMBER): {("added", ids["ticker taken"])},
    }


def rank(line: Line, sector: str | None) -> int:
    """A right sector ranks above none, and none above a wrong one."""
    fund, as_of, line_no = line
    return 1 if sector is None else 2 if sector == HELD[fund, as_of][line_no - 1].sector else 0


def test_more_snapshots_never_make_a_sector_worse(identities: Identities) -> None:
    draw = random.Random(20261126)
    subsets = [frozenset(draw.sample(list(HELD), size)) for size in (1, 2, 2, 3, 3, 3, 4, 4, 5, 5)]
    # The sequence in which a fault was found: the labels and the newest snapshot, then the older ones.
    chain = [("IWV", MAY_25), ("SPY", OCTOBER), ("SPY", SEPTEMBER), ("SPY", MAY_24), ("IWM", MAY_25), ("IWM", NOVEMBER)]
    subsets += [frozenset(chain[:length]) for length in (2, 3, 4, 6)]
    found = {}
    for snapshots in dict.fromkeys(subsets):
        identities.know(snapshots)
        identities.build()
        found[snapshots] = {line: rank(line, sector) for line, (_, sector) in identities.sectors().items()}
    compared = 0
    for fewer, less in found.items():
        for more, better in found.items():
            if fewer < more:
                compared += 1
                lost = {line: (less[line], better[line]) for line in less if better[line] < less[line]}
                assert lost == {}, (sorted(fewer), sorted(more))
    assert compared >= 15
    assert set(found[frozenset(HELD)].values()) == {2}


OLDER = {"BLK": None, "ANET": None, "LH": "LABORATORY CRP OF AMER HLDGS", "SMCI": None, "APTV": None, "LRCX": None,
         "TEL": "TE CONNECTIVITY LTD"}  # fmt: skip


def write_older(source: Path, target: Path, day: date, *, with_other_numbers: bool) -> None:
    """State Street's workbook under another date, with former identifiers and names of seven companies."""
    sheet = openpyxl.load_workbook(source).active
    assert sheet is not None
    with xlsxwriter.Workbook(str(target)) as book:
        page = book.add_worksheet("holdings")
        for place, cells in enumerate(sheet.iter_rows(values_only=True)):
            row = [f"As of {day:%d-%b-%Y}" if isinstance(cell, str) and cell.startswith("As of ") else cell for cell in cells]
            if with_other_numbers and row[1] in OLDER:
                number = list(OLDER).index(str(row[1]))
                row[0], row[2], row[3] = OLDER[str(row[1])] or row[0], f"9999900{number}1", f"BZZZZ{number}1"
            for column, cell in enumerate(row):
                if cell is not None:
                    page.write(place, column, cell)


@pytest.fixture(scope="module")
def real(real_landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Identities:
    """The real holdings and two older snapshots of SPY, all in raw."""
    root = tmp_path_factory.mktemp("older")
    newest = next((real_landing / "ssga/holdings/SPY").iterdir())
    place = root / "ssga/holdings/SPY"
    place.mkdir(parents=True)
    write_older(newest, place / "2024-05-11T010000Z.xlsx", date(2024, 5, 10), with_other_numbers=True)
    write_older(newest, place / "2025-09-06T010000Z.xlsx", date(2025, 9, 5), with_other_numbers=False)
    identities = Identities(Home(root / "home", "landing"))
    documents = [document for document in list_documents([real_landing, root]) if document.kind == "holdings"]
    with identities.warehouse.connect() as connection:
        ingest(connection, documents, universe=load_universe(), progress=lambda _: None)
        connection.execute("create table raw.all_holdings as from raw.holdings")
    return identities


def choose(identities: Identities, condition: str) -> dict[Line, tuple[str, str | None]]:
    """Select the lines of real documents that meet a condition, and build from these only."""
    with identities.warehouse.connect() as connection:
        connection.execute("delete from raw.holdings")
        connection.execute(f"insert into raw.holdings from raw.all_holdings where {condition}")
    identities.build()
    return identities.sectors()


def test_older_real_snapshots_change_no_sector_and_no_security(real: Identities) -> None:
    """A former fault: BLK, ANET, LH, SMCI and APTV lost their sector, and seven companies were removed and added."""
    few = choose(real, "fund = 'IWV' or (fund = 'SPY' and as_of = '2025-09-30')")
    some = choose(real, "fund in ('IWV', 'QQQ') or (fund = 'SPY' and as_of >= '2025-01-01')")
    all_of_them = choose(real, "true")
    for fewer, more in ((few, some), (some, all_of_them), (few, all_of_them)):
        worse = {line: (held, more[line]) for line, held in fewer.items() if held[1] is not None and more[line][1] != held[1]}
        assert worse == {}
    assert {sector for (fund, _, _), (_, sector) in all_of_them.items() if fund == "SPY" and sector is None} == set()
    assert [snapshot for snapshot in real.changes() if snapshot[0] == "SPY"] == []
    with warehouse(real.home) as connection:
        coverage = ask(connection, "select coverage from marts.sector_coverage where fund = 'SPY' order by as_of")["coverage"]
    assert coverage.to_list() == pytest.approx([1.0] * 3)


def test_a_real_company_that_changed_its_ticker_was_neither_removed_nor_added(real: Identities) -> None:
    """IWM's files have no identifiers: CSWI became CSW, KAR became OPLN, ABL became ABX."""
    choose(real, "fund = 'IWM'")
    with warehouse(real.home) as connection:
        held = ask(
            connection,
            "select security_id, ticker from marts.holdings where ticker in ('CSW', 'CSWI', 'KAR', 'OPLN', 'ABL', 'ABX')",
        )
        banks = ask(connection, "select count(distinct security_id) from marts.holdings where ticker in ('FBP', 'FBNC')").item()
    tickers = held.group_by("security_id").agg(pl.col("ticker").unique().sort())["ticker"].to_list()
    assert sorted(tickers) == [["ABL", "ABX"], ["CSW", "CSWI"], ["KAR", "OPLN"]]
    assert banks == 2  # two companies named First Bancorp

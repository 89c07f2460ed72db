"""A copy of a landing folder whose documents can be read as tables, changed, and written in their vendor's format."""

import csv
import io
import json
import os
import re
import shutil
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import fastexcel
import numpy as np
import polars as pl
import xlsxwriter

from orchestration.landing.documents import Document, document_name, list_documents

VENDOR_OF = {"IWM": "ishares", "IWV": "ishares", "IVV": "ishares", "SPY": "ssga", "QQQ": "invesco"}
_ISHARES_COLUMNS = (
    "Ticker,Name,Sector,Asset Class,Market Value,Weight (%),Notional Value,Quantity,Price,Location,Exchange,Currency,FX Rate,"
    "Market Currency,Accrual Date"
).split(",")
_ISHARES_NAMES = dict(
    zip(
        ("ticker", "name", "sector", "asset_class", "market_value", "weight", "notional", "quantity", "price"),
        _ISHARES_COLUMNS,
        strict=False,
    )
)
_INVESCO_NAMES = {
    "cusip": "Security Identifier",
    "ticker": "Holding Ticker",
    "quantity": "Shares/Par Value",
    "market_value": "MarketValue",
    "weight": "Weight",
    "name": "Name",
    "asset_class": "Class of Shares",
    "sector": "Sector",
}
_SSGA_NAMES = {
    "name": "Name",
    "ticker": "Ticker",
    "cusip": "Identifier",
    "sedol": "SEDOL",
    "weight": "Weight",
    "sector": "Sector",
    "quantity": "Shares Held",
    "currency": "Local Currency",
}
NUMBERS = ("market_value", "weight", "notional", "quantity", "price")
Line = dict[str, Any]


@dataclass
class Snapshot:
    """A fund's holdings file: lines in the file's order, numbers as floats or None, `weight` in percent."""

    fund: str
    as_of: date
    retrieved_at: datetime
    lines: list[Line]
    title: str = ""
    shares: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def equities(self) -> list[Line]:
        """The lines of securities, without cash and derivatives."""
        return [line for line in self.lines if line.get("asset_class") not in ("Cash", "Futures", "Money Market", "CURR")]


class Folder:
    """A landing folder: documents by vendor, kind and symbol."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def copied(cls, landing: Path, target: Path) -> "Folder":
        """A copy that shares the bytes on disk if the file system supports it."""
        shutil.copytree(landing, target, copy_function=_link)
        return cls(target)

    def documents(self, vendor: str, kind: str, symbol: str) -> list[Document]:
        """The documents, oldest retrieval first."""
        return [d for d in list_documents([self.root], vendor=vendor, kind=kind, symbol=symbol) if d.retrieved_at]

    def remove(self, vendor: str, kind: str, symbol: str) -> None:
        """Remove all documents of a symbol."""
        shutil.rmtree(self.root / vendor / kind / symbol)

    def put(self, place: str, at: datetime, content: bytes, extension: str) -> Path:
        """Write one document; `place` is vendor/kind/symbol."""
        path = self.root / place / document_name(at, extension)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            raise FileExistsError(path)
        path.write_bytes(content)
        return path

    # prices

    def prices(self, symbol: str, which: int = -1) -> tuple[pl.DataFrame, datetime]:
        """A symbol's bars with Yahoo's column names and the retrieval time, without bars that lack a price."""
        document = self.documents("yahoo", "prices", symbol)[which]
        content = document.read()
        frame = pl.read_parquet(io.BytesIO(content)) if document.extension == "parquet" else pl.read_csv(content)
        frame = frame.with_columns(pl.col("Date").cast(pl.String).str.slice(0, 10).str.to_date())
        numbers = [pl.col(name).cast(pl.Float64).fill_nan(None) for name in frame.columns if name != "Date"]
        assert document.retrieved_at is not None
        return frame.with_columns(numbers).drop_nulls(["Open", "High", "Low", "Close", "Volume"]), document.retrieved_at

    def put_prices(self, symbol: str, at: datetime, frame: pl.DataFrame, extension: str = "csv") -> Path:
        """Write bars as Yahoo's CSV, or as the Parquet of a fetch."""
        if extension == "parquet":
            buffer = io.BytesIO()
            frame.write_parquet(buffer)
            return self.put(f"yahoo/prices/{symbol}", at, buffer.getvalue(), extension)
        text = frame.with_columns(pl.col("Volume").cast(pl.Int64, strict=False)).write_csv()
        return self.put(f"yahoo/prices/{symbol}", at, text.encode(), extension)

    # rates

    def rates(self, series: str, which: int = -1) -> tuple[pl.DataFrame, datetime]:
        """A series as (date, value as text), with its retrieval time."""
        document = self.documents("fred", "rates", series)[which]
        rows = [line.split(",") for line in document.read().decode("utf-8-sig").splitlines()[1:] if line.strip()]
        assert document.retrieved_at is not None
        frame = pl.DataFrame({"date": [day for day, _ in rows], "value": [value for _, value in rows]})
        return frame.with_columns(pl.col("date").str.to_date()), document.retrieved_at

    def put_rates(self, series: str, at: datetime, frame: pl.DataFrame) -> Path:
        """Write a series as FRED's CSV; `date` may be text, which is not changed."""
        lines = [f"{day},{'' if value is None else value}" for day, value in frame.select("date", "value").iter_rows()]
        return self.put(f"fred/rates/{series}", at, ("\n".join([f"observation_date,{series}", *lines]) + "\n").encode(), "csv")

    # holdings

    def has_fund(self, fund: str) -> bool:
        """Whether the folder has a holdings file of the fund."""
        return bool(self.documents(VENDOR_OF[fund], "holdings", fund))

    def snapshot(self, fund: str, which: int = -1) -> Snapshot:
        """A fund's holdings file, counted with the newest last; files without a date are skipped."""
        found = [self._read(fund, document) for document in self.documents(VENDOR_OF[fund], "holdings", fund)]
        return [one for one in found if one is not None][which]

    def _read(self, fund: str, document: Document) -> Snapshot | None:
        content = document.read()
        reader = {"csv": _read_csv, "xlsx": _read_workbook, "json": _read_json}[document.extension]
        snapshot = reader(fund, content)
        assert document.retrieved_at is not None
        return replace(snapshot, retrieved_at=document.retrieved_at) if snapshot else None

    def put_snapshot(self, snapshot: Snapshot, at: datetime, extension: str = "") -> Path:
        """Write a holdings file in its vendor's format; Invesco's as JSON unless another extension is given."""
        vendor = VENDOR_OF[snapshot.fund]
        extension = extension or {"ishares": "csv", "ssga": "xlsx", "invesco": "json"}[vendor]
        writer = {("ishares", "csv"): _ishares, ("ssga", "xlsx"): _workbook}.get(
            (vendor, extension), _invesco_csv if extension == "csv" else _invesco_json
        )
        return self.put(f"{vendor}/holdings/{snapshot.fund}", at, writer(snapshot), extension)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _number(text: object) -> float | None:
    cleaned = str(text if text is not None else "").replace(",", "").strip()
    try:
        return float(cleaned)
    except ValueError:
        return None


def _with_numbers(line: Line) -> Line:
    return line | {name: _number(line.get(name)) for name in NUMBERS}


_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


def _read_csv(fund: str, content: bytes) -> Snapshot | None:
    text = content.decode("utf-8-sig")
    if text.lstrip().startswith("<"):
        return None
    return _read_ishares(fund, text) if VENDOR_OF[fund] == "ishares" else _read_invesco_csv(fund, text)


def _read_ishares(fund: str, text: str) -> Snapshot | None:
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Ticker,Name"))
    stated = next((m[1] for line in lines[:start] if (m := re.match(r'Fund Holdings as of,"([^"]+)"', line))), None)
    if stated is None:
        return None
    shares = next((m[1] for line in lines[:start] if (m := re.match(r'Shares Outstanding,"([^"]+)"', line))), None)
    header = next(csv.reader([lines[start]]))
    ours = {theirs: name for name, theirs in _ISHARES_NAMES.items()} | {"Shares": "quantity"}
    rows = []
    for line in lines[start + 1 :]:
        if not line.strip():
            break
        cells = dict(zip(header, next(csv.reader([line])), strict=False))
        rows.append(_with_numbers({ours.get(name, name): cell for name, cell in cells.items()}))
    return Snapshot(fund, datetime.strptime(stated, "%b %d, %Y").date(), _UNDATED, rows, lines[0].strip('",'), _number(shares))


def _read_invesco_csv(fund: str, text: str) -> Snapshot:
    ours = {theirs: name for name, theirs in _INVESCO_NAMES.items()}
    rows = [{ours.get(name, name): cell for name, cell in row.items()} for row in csv.DictReader(io.StringIO(text))]
    as_of = datetime.strptime(rows[0]["Date"], "%m/%d/%Y").date()
    return Snapshot(fund, as_of, _UNDATED, [_with_numbers(row) for row in rows])


_JSON_NAMES = {
    "cusip": "cusip",
    "ticker": "ticker",
    "quantity": "units",
    "market_value": "marketValueBase",
    "weight": "percentageOfTotalNetAssets",
    "name": "issuerName",
    "asset_class": "securityTypeCode",
}


def _read_json(fund: str, content: bytes) -> Snapshot:
    answer = json.loads(content)
    ours = {theirs: name for name, theirs in _JSON_NAMES.items()}
    rows = [_with_numbers({ours.get(name, name): cell for name, cell in line.items()}) for line in answer["holdings"]]
    facts = {name: value for name, value in answer.items() if name not in ("holdings", "totalNumberOfHoldings")}
    return Snapshot(fund, date.fromisoformat(answer["effectiveBusinessDate"][:10]), _UNDATED, rows, facts=facts)


def _read_workbook(fund: str, content: bytes) -> Snapshot:
    sheet = fastexcel.read_excel(content).load_sheet(0, header_row=None, skip_rows=0, dtypes="string").to_polars()
    cells = [[(cell or "").strip() for cell in row] for row in sheet.iter_rows()]
    start = next(i for i, row in enumerate(cells) if row[0] == "Name" and "Ticker" in row)
    stated = next(m[1] for row in cells[:start] if (m := re.search(r"As of (\d{1,2}-[A-Za-z]{3}-\d{4})", " ".join(row))))
    ours = {theirs: name for name, theirs in _SSGA_NAMES.items()}
    rows = [
        _with_numbers({ours.get(name, name): cell for name, cell in zip(cells[start], row, strict=True)})
        for row in cells[start + 1 :]
        if _number(row[cells[start].index("Weight")]) is not None
    ]
    return Snapshot(fund, datetime.strptime(stated, "%d-%b-%Y").date(), _UNDATED, rows, cells[0][1])


def _text(value: object, decimals: int = 2) -> str:
    return "-" if value is None or value == "" else f"{value:,.{decimals}f}" if isinstance(value, float) else str(value)


def _ishares(snapshot: Snapshot) -> bytes:
    preamble = [snapshot.title, f'Fund Holdings as of,"{snapshot.as_of:%b %d, %Y}"', 'Inception Date,"May 22, 2000"']
    preamble += [f'Shares Outstanding,"{snapshot.shares:,.2f}"'] if snapshot.shares else []
    preamble += [f'{kind},"-"' for kind in ("Stock", "Bond", "Cash", "Other")]
    names = [next((ours for ours, theirs in _ISHARES_NAMES.items() if theirs == name), name) for name in _ISHARES_COLUMNS]
    table = [",".join('"' + _text(line.get(name)).replace('"', '""') + '"' for name in names) for line in snapshot.lines]
    lines = [*preamble, "\u00a0", ",".join(_ISHARES_COLUMNS), *table, "\u00a0", '"Nothing here is real."']
    return ("\ufeff" + "\n".join(lines) + "\n").encode()


def _invesco_csv(snapshot: Snapshot) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["Fund Ticker", *_INVESCO_NAMES.values(), "Date"])
    day = f"{snapshot.as_of:%m/%d/%Y}"
    for line in snapshot.lines:
        cells = [_text(line.get(name), 3 if name == "weight" else 2) for name in _INVESCO_NAMES]
        writer.writerow([snapshot.fund, *cells, day])
    return buffer.getvalue().encode()


def _invesco_json(snapshot: Snapshot) -> bytes:
    codes = {"Common Stock": "COM", "American Depository Receipt": "ADR"}
    lines = [
        {theirs: line.get(ours) for ours, theirs in _JSON_NAMES.items()}
        | {"currency": "USD", "securityTypeCode": codes.get(str(line.get("asset_class")), line.get("asset_class"))}
        for line in snapshot.lines
    ]
    day = snapshot.as_of.isoformat()
    known = {"effectiveDate": day, "ticker": snapshot.fund, **snapshot.facts, "effectiveBusinessDate": day}
    return json.dumps(known | {"totalNumberOfHoldings": len(lines), "holdings": lines}).encode()


def _workbook(snapshot: Snapshot) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.set_properties({"created": _UNDATED})  # always the same bytes
        sheet = book.add_worksheet("holdings")
        head: list[list[object]] = [
            ["Fund Name:", snapshot.title],
            ["Ticker Symbol:", snapshot.fund],
            ["Holdings:", f"As of {snapshot.as_of:%d-%b-%Y}"],
            [],
            list(_SSGA_NAMES.values()),
        ]
        table = [["-" if line.get(name) is None else line.get(name) for name in _SSGA_NAMES] for line in snapshot.lines]
        for number, row in enumerate([*head, *table, [], [], ["Nothing here is real."]]):
            for place, cell in enumerate(row):
                sheet.write(number, place, cell)
    return buffer.getvalue()


def next_session(day: date) -> date:
    """The next session."""
    from orchestration.market_calendar import sessions_frame

    later = sessions_frame(day + timedelta(days=10), day)["session"]
    return later.filter(later > day)[0]


def a_day_later(snapshot: Snapshot, market: float = 1.004, seed: int = 7) -> Snapshot:
    """An honest file of the next session."""
    return drifted(snapshot, next_session(snapshot.as_of), market, 0.015, seed)


def drifted(snapshot: Snapshot, as_of: date, market: float, sd: float, seed: int = 7) -> Snapshot:
    """An honest file of a later session: prices drift, quantities are unchanged, weights follow; retrieved the next night.

    Args:
        market: the common factor of the securities' moves.
        sd: the standard deviation of the individual moves.
    """
    # The shocks are centred by value, so that the total moves with the market.
    noise = np.exp(np.random.default_rng(seed).normal(0, sd, len(snapshot.lines)))
    by = "market_value" if any(line.get("market_value") for line in snapshot.lines) else "weight"
    sizes = np.array([line.get(by) or 0.0 for line in snapshot.lines])
    noise /= (noise * sizes).sum() / sizes.sum()
    held = {id(line) for line in snapshot.equities}
    lines = []
    for line, shock in zip(snapshot.lines, noise.tolist(), strict=True):
        moved, price = dict(line), line.get("price")
        factor = market * shock if id(line) in held and line.get("ticker") not in ("USD", "-", None, "") else 1.0
        if price and factor != 1:
            moved["price"] = round(price * factor, 2)
            factor = moved["price"] / price
        for name in ("market_value", "notional", "weight"):
            moved[name] = None if line.get(name) is None else line[name] * factor
        lines.append(moved)
    at = datetime.combine(as_of + timedelta(days=1), datetime.min.time(), UTC).replace(hour=1)
    return replace(snapshot, as_of=as_of, retrieved_at=at, lines=reweighted(lines, _sum(snapshot.lines, "weight")))


def reweighted(lines: list[Line], total: float = 100.0) -> list[Line]:
    """The lines with weights (percent) in proportion to market values, or to weights if there are none."""
    by = "market_value" if any(line.get("market_value") for line in lines) else "weight"
    whole = _sum(lines, by)
    return [line | {"weight": None if line.get(by) is None else round(line[by] / whole * total, 6)} for line in lines]


def _sum(lines: list[Line], name: str) -> float:
    return sum(line.get(name) or 0.0 for line in lines)

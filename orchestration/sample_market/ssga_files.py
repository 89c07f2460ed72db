"""Holdings in State Street's format: a workbook with CUSIP and SEDOL, weights with six decimals, no value, no sector."""

from datetime import date, datetime
from io import BytesIO

import numpy as np
import xlsxwriter

from orchestration.sample_market.holdings import equities, rounded_weights
from orchestration.universe import Fund

_CREATED = datetime(2026, 1, 1)  # a fixed date, so that the bytes are always the same
_HEADER = ("Name", "Ticker", "Identifier", "SEDOL", "Weight", "Sector", "Shares Held", "Local Currency")
_CASH_SHARE = 0.0011
_CASH_PLACEHOLDER = "CASH_USD"
_DISCLAIMERS = (
    "Everything in this workbook is invented. It says nothing about any fund.",
    "It has the shape of a fund company's workbook, so that its reader can be tried.",
)

Cells = tuple[str | float, ...]


def workbook(fund: Fund, as_of: date, seed: int) -> bytes:
    """One snapshot."""
    return _xlsx([*_preamble(fund, as_of), (), _HEADER, *_lines(fund, as_of, seed), (), *[(text,) for text in _DISCLAIMERS]])


def _preamble(fund: Fund, as_of: date) -> list[Cells]:
    return [("Fund Name:", fund.name), ("Ticker Symbol:", fund.fund), ("Holdings:", f"As of {as_of:%d-%b-%Y}")]


def _lines(fund: Fund, as_of: date, seed: int) -> list[Cells]:
    held = equities(fund, as_of, "ssga", seed)
    cash = round(float(held["market_value"].sum()) * _CASH_SHARE, 2)
    weights = rounded_weights(np.append(held["market_value"].to_numpy(), cash), 6).tolist()
    rows = held.select("name", "ticker", "cusip", "sedol", "quantity").rows()
    lines: list[Cells] = [
        (name.upper(), ticker, cusip, sedol, weight, "-", quantity, "USD")
        for (name, ticker, cusip, sedol, quantity), weight in zip(rows, weights[:-1], strict=True)
    ]
    lines.append(("US DOLLAR", "-", _CASH_PLACEHOLDER, "-", weights[-1], "-", cash, "USD"))
    return sorted(lines, key=lambda line: -float(line[4]))


def _xlsx(rows: list[Cells]) -> bytes:
    buffer = BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_numbers": False})
    book.set_properties({"created": _CREATED})
    sheet = book.add_worksheet("holdings")
    for position, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(position, column, cell)
            else:
                sheet.write_number(position, column, cell)
    book.close()
    return buffer.getvalue()

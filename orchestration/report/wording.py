"""Formats numbers, dates and labels for people. None is shown as a dash, never as zero."""

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
GAP = "\N{NO-BREAK SPACE}"
TIMES = f"{GAP}\N{MULTIPLICATION SIGN}"
MAIN_FUNDS = ("IWM", "SPY", "QQQ")
# Labels whose display form is not the label with spaces for underscores.
_WORDS = {
    "hand_kept": "entered by hand",
    "risk_on": "risk-on", "risk_off": "risk-off", "small_cap_led": "small-cap led", "spy_only": "SPY only",
    "static_least": "static (least IWM)", "static_middle": "static (middle)", "static_most": "static (most IWM)",
}  # fmt: skip


_LOOSE_PERCENT = re.compile(r"(?<=\d) %")
_LONG_NUMBER = re.compile(r"(?<![\w.,-])\d{4,}(?= (?:million dollars|dollars|contracts)\b)")
_HYPHEN_MINUS = re.compile(r"(?<![^\s(])-(?=\d)")


def typeset(text: str) -> str:
    """A sentence of a table as it is printed: minus signs, and percent signs that stay with their figure."""
    return _HYPHEN_MINUS.sub(MINUS, _LOOSE_PERCENT.sub(f"{GAP}%", text))


def grouped(text: str) -> str:
    """A sentence of a table with thousands separators in its amounts of dollars and contracts."""
    return _LONG_NUMBER.sub(lambda found: number(int(found[0])), text)


def number(value: float | int | None, digits: int = 0, *, signed: bool = False) -> str:
    """1234.5 -> 1,234.5. A value that rounds to zero has no sign."""
    if value is None:
        return DASH
    text = f"{abs(value):,.{digits}f}"
    is_nothing = not text.strip("0.,")
    sign = "" if is_nothing else MINUS if value < 0 else "+" if signed else ""
    return sign + text


def percent(value: float | None, digits: int = 1, *, signed: bool = False) -> str:
    """A fraction as a percentage: 0.0193 -> 1.9 %."""
    return DASH if value is None else f"{number(value * 100, digits, signed=signed)}{GAP}%"


def fee(value: float | None) -> str:
    """An expense ratio with the usual number of digits: 0.0019 -> 0.19 %, 0.000945 -> 0.0945 %."""
    return percent(value, 4 if value is not None and round(value * 1e4, 6) % 1 else 2)


def share(value: float | None) -> str:
    """A fraction with digits that suit its size: 0.4123 -> 41.2 %, 0.0082 -> 0.82 %, 0.000193 -> 0.0193 %."""
    if value is None or abs(value) < 0.001:
        return fee(value)
    return percent(value, 1 if abs(value) >= 0.1 else 2)


def measure(value: float | None, unit: str | None) -> str:
    """A figure in the unit given by its mart. An unknown unit is appended unchanged."""
    if value is None or unit is None:
        return DASH
    of, _, each = unit.partition(" a ")
    forms: dict[str, Callable[[float], str]] = {"fraction": share, "USD": dollars, "equities": number, "events": number}
    if of in forms:
        return forms[of](value) + (f" a {each}" if each else "")
    if unit.startswith(("contracts", "expirations")):
        return f"{number(value)}{GAP}{unit}"
    if unit == "basis points":
        return f"{number(value, 2)}{GAP}{unit}"
    if unit == "ratio":
        return f"{number(value, 1)}{TIMES}"
    return f"{number(value, 4)}{GAP}{unit}"


def points(value: float | None, digits: int = 1, *, signed: bool = True) -> str:
    """A difference of fractions, in percentage points."""
    return DASH if value is None else f"{number(value * 100, digits, signed=signed)}{GAP}pp"


def interval(low: float | None, high: float | None, digits: int = 1, unit: str = "%") -> str:
    """Both ends of an interval of fractions."""
    if low is None or high is None:
        return DASH
    return f"{number(low * 100, digits, signed=True)} to {number(high * 100, digits, signed=True)}{GAP}{unit}"


def dollars(value: float | None) -> str:
    """US dollars; large amounts in millions, billions or trillions."""
    if value is None:
        return DASH
    size = abs(value)
    for least, divisor, name, digits in ((1e12, 1e12, "trn", 2), (1e9, 1e9, "bn", 1), (1e6, 1e6, "m", 1)):
        if size >= least:
            return f"${number(value / divisor, digits)}{GAP}{name}"
    return f"${number(value)}"


def day(value: date | datetime | str | None) -> str:
    """An ISO date such as 2026-09-30, so that month and day cannot be confused."""
    if value is None:
        return DASH
    return value if isinstance(value, str) else f"{value:%Y-%m-%d}"


def label(value: str | None) -> str:
    """The display form of a label."""
    if value is None:
        return DASH
    return _WORDS.get(value, value.replace("_", " "))


def p_value(value: float | None) -> str:
    """Three digits, half up like the sentences of the marts (`p_value_text`); smaller values are shown as < 0.001."""
    if value is None:
        return DASH
    return "< 0.001" if value < 0.001 else f"{math.floor(value * 1e3 + 0.5) / 1e3:.3f}"


def survive(count: int) -> str:
    """A count of tests with its verb: 1 survives, 2 survive."""
    return f"{number(count)} {'survives' if count == 1 else 'survive'}"


def listed(words: list[str]) -> str:
    """a, b and c; "none" for an empty list."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"


def capitalised(sentence: str) -> str:
    """The sentence with a capital first letter; the rest is left as it is."""
    return sentence[:1].upper() + sentence[1:]


def fund_order(fund: str) -> tuple[int, str]:
    """Sort key: IWM, SPY and QQQ first, then the other funds in alphabetical order."""
    return (MAIN_FUNDS.index(fund) if fund in MAIN_FUNDS else len(MAIN_FUNDS), fund)


def plural(count: int, word: str, many: str | None = None) -> str:
    """1 spell, 2 spells."""
    return f"{number(count)}{GAP}{word if count == 1 else many or word + 's'}"


def days_since_epoch(value: date | None) -> int | None:
    """Days since 1970-01-01, the compact form of dates in chart data, free of time zones."""
    return None if value is None else value.toordinal() - _EPOCH


def rounded(values: list[Any], digits: int) -> list[Any]:
    """Values rounded to the precision a screen can show."""
    return [None if value is None else round(value, digits) for value in values]


_EPOCH = date(1970, 1, 1).toordinal()

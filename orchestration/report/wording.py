"""Numbers, dates and labels as people read them. None is written as a dash: never as a zero."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
GAP = "\N{NO-BREAK SPACE}"
TIMES = f"{GAP}\N{MULTIPLICATION SIGN}"
MAIN_FUNDS = ("IWM", "SPY", "QQQ")
# Labels whose plain word is not just the label with blanks.
_WORDS = {"risk_on": "risk-on", "risk_off": "risk-off", "small_cap_led": "small-cap led", "spy_only": "SPY only"}


def number(value: float | int | None, digits: int = 0, *, signed: bool = False) -> str:
    """1234.5 -> 1,234.5; a value that rounds to nothing bears no sign."""
    if value is None:
        return NOTHING
    text = f"{abs(value):,.{digits}f}"
    is_nothing = not text.strip("0.,")
    sign = "" if is_nothing else MINUS if value < 0 else "+" if signed else ""
    return sign + text


def percent(value: float | None, digits: int = 1, *, signed: bool = False) -> str:
    """A fraction as a percentage: 0.0193 -> 1.9 %."""
    return NOTHING if value is None else f"{number(value * 100, digits, signed=signed)}{GAP}%"


def fee(value: float | None) -> str:
    """An expense ratio with the digits it is quoted in: 0.0019 -> 0.19 %, 0.000945 -> 0.0945 %."""
    return percent(value, 4 if value is not None and round(value * 1e4, 6) % 1 else 2)


def share(value: float | None) -> str:
    """A fraction of any size with the digits that tell it apart: 0.4123 -> 41.2 %, 0.0082 -> 0.82 %, 0.000193 -> 0.0193 %."""
    if value is None or abs(value) < 0.001:
        return fee(value)
    return percent(value, 1 if abs(value) >= 0.1 else 2)


def measure(value: float | None, unit: str | None) -> str:
    """A figure in the unit that its mart gives; one it does not know stands behind the number as it is."""
    if value is None or unit is None:
        return NOTHING
    of, _, each = unit.partition(" a ")
    forms: dict[str, Callable[[float], str]] = {"fraction": share, "USD": dollars, "equities": number, "events": number}
    if of in forms:
        return forms[of](value) + (f" a {each}" if each else "")
    if unit == "ratio":
        return f"{number(value, 1)}{TIMES}"
    return f"{number(value, 4)}{GAP}{unit}"


def points(value: float | None, digits: int = 1, *, signed: bool = True) -> str:
    """A difference of fractions, in percentage points."""
    return NOTHING if value is None else f"{number(value * 100, digits, signed=signed)}{GAP}pp"


def interval(low: float | None, high: float | None, digits: int = 1, unit: str = "%") -> str:
    """The two ends of an interval of fractions."""
    if low is None or high is None:
        return NOTHING
    return f"{number(low * 100, digits, signed=True)} to {number(high * 100, digits, signed=True)}{GAP}{unit}"


def dollars(value: float | None) -> str:
    """US dollars, large sums shortened."""
    if value is None:
        return NOTHING
    size = abs(value)
    for least, divisor, name, digits in ((1e12, 1e12, "trn", 2), (1e9, 1e9, "bn", 1), (1e6, 1e6, "m", 1)):
        if size >= least:
            return f"${number(value / divisor, digits)}{GAP}{name}"
    return f"${number(value)}"


def day(value: date | datetime | str | None) -> str:
    """2026-09-30, as ISO writes it: no reader takes the month for the day."""
    if value is None:
        return NOTHING
    return value if isinstance(value, str) else f"{value:%Y-%m-%d}"


def label(value: str | None) -> str:
    """A label of a signal in words."""
    if value is None:
        return NOTHING
    return _WORDS.get(value, value.replace("_", " "))


def p_value(value: float | None) -> str:
    """Three digits; anything smaller says so."""
    if value is None:
        return NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def listed(words: list[str]) -> str:
    """a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"


def fund_order(fund: str) -> tuple[int, str]:
    """Sorts the three funds of the guide first, the others by their letters."""
    return (MAIN_FUNDS.index(fund) if fund in MAIN_FUNDS else len(MAIN_FUNDS), fund)


def plural(count: int, word: str, many: str | None = None) -> str:
    """1 spell, 2 spells."""
    return f"{number(count)}{GAP}{word if count == 1 else many or word + 's'}"


def days_since_epoch(value: date | None) -> int | None:
    """Charts carry dates as days since 1970-01-01: short, and without a time zone."""
    return None if value is None else value.toordinal() - _EPOCH


def rounded(values: list[Any], digits: int) -> list[Any]:
    """Enough digits for a screen."""
    return [None if value is None else round(value, digits) for value in values]


_EPOCH = date(1970, 1, 1).toordinal()

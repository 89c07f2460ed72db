"""CUSIP and SEDOL numbers with valid check digits, from the ranges for private use, which no real security has."""

_CUSIP_VALUES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*@#"
_SEDOL_VALUES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SEDOL_WEIGHTS = (1, 3, 1, 7, 3, 9)
_CONSONANTS = "BCDFGHJKLMNPQRSTVWXYZ"


def cusip(serial: int, foreign: bool = False) -> str:
    """The CUSIP of the serial-th issuer's common stock; those of foreign issuers begin with G."""
    # Issuer numbers 99000A to 99999Z are for private use.
    domestic = f"99{serial // len(_CONSONANTS):03d}{_CONSONANTS[serial % len(_CONSONANTS)]}10"
    body = f"G99{serial:03d}10" if foreign else domestic
    return body + cusip_check_digit(body)


def cusip_check_digit(body: str) -> str:
    """The ninth character, from the first eight."""
    total = 0
    for place, character in enumerate(body):
        value = _CUSIP_VALUES.index(character) * (2 if place % 2 else 1)
        total += value // 10 + value % 10
    return str(-total % 10)


def isin(cusip: str) -> str:
    """The ISIN of a CUSIP: country, CUSIP and check digit."""
    body = ("GB" if cusip.startswith("G") else "US") + cusip
    digits = "".join(str(_CUSIP_VALUES.index(character)) for character in body)
    doubled = (int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return body + str(-sum(value // 10 + value % 10 for value in doubled) % 10)


def sedol(serial: int) -> str:
    """The serial-th SEDOL; numbers that begin with 9 are for private use."""
    body, rest = "", serial * 7 + 1_000_003
    for _ in range(5):
        rest, digit = divmod(rest, 31)
        body = ("0123456789" + _CONSONANTS)[digit] + body
    return "9" + body + sedol_check_digit("9" + body)


def sedol_check_digit(body: str) -> str:
    """The seventh character, from the first six."""
    total = sum(_SEDOL_VALUES.index(character) * weight for character, weight in zip(body, _SEDOL_WEIGHTS, strict=True))
    return str(-total % 10)

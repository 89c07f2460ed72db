"""Names and tickers of the simulated companies."""

from collections.abc import Iterable
from itertools import combinations

import numpy as np

_FIRST = (
    "Al",
    "Bel",
    "Bor",
    "Cal",
    "Cor",
    "Dal",
    "Dor",
    "El",
    "Fal",
    "Fen",
    "Gal",
    "Gor",
    "Hal",
    "Hol",
    "Il",
    "Jor",
    "Kal",
    "Kel",
    "Lor",
    "Lun",
    "Mar",
    "Mel",
    "Mor",
    "Nal",
    "Nor",
    "Or",
    "Pal",
    "Pel",
    "Quel",
    "Ral",
    "Ros",
    "Sal",
    "Sel",
    "Tal",
    "Tor",
    "Ul",
    "Val",
    "Vor",
    "Wal",
    "Wen",
    "Yar",
    "Zel",
)
_MIDDLE = (
    "",
    "a",
    "an",
    "ar",
    "be",
    "bri",
    "da",
    "den",
    "di",
    "e",
    "en",
    "ga",
    "i",
    "ia",
    "in",
    "ka",
    "li",
    "lo",
    "ma",
    "me",
    "mi",
    "ne",
    "ni",
    "o",
    "on",
    "ra",
    "re",
    "ri",
    "ro",
    "sa",
    "ta",
    "te",
    "ti",
    "u",
    "va",
    "vi",
)
_LAST = (
    "bex",
    "bourne",
    "brook",
    "cliff",
    "corin",
    "dane",
    "dell",
    "dorn",
    "fell",
    "field",
    "ford",
    "garth",
    "gate",
    "grave",
    "ham",
    "holt",
    "keld",
    "kirk",
    "lin",
    "lock",
    "mere",
    "mond",
    "moor",
    "nex",
    "quist",
    "ridge",
    "sby",
    "shaw",
    "stow",
    "sund",
    "tarn",
    "thorpe",
    "tide",
    "vane",
    "vex",
    "wick",
    "wold",
    "worth",
    "zane",
)
_TRADES = {
    "Communication Services": ("Media", "Broadcasting", "Telecom", "Interactive", "Studios"),
    "Consumer Discretionary": ("Stores", "Apparel", "Motors", "Restaurants", "Homebuilders", "Resorts"),
    "Consumer Staples": ("Foods", "Beverage", "Household Products", "Grocers"),
    "Energy": ("Petroleum", "Energy", "Midstream", "Oilfield Services"),
    "Financials": ("Bancorp", "Bancshares", "Insurance", "Capital", "Financial"),
    "Health Care": ("Therapeutics", "Biosciences", "Medical", "Pharma", "Diagnostics", "Health"),
    "Industrials": ("Industries", "Aerospace", "Logistics", "Engineering", "Machinery", "Airlines"),
    "Information Technology": ("Systems", "Software", "Semiconductor", "Networks", "Technologies", "Data"),
    "Materials": ("Chemical", "Steel", "Mining", "Packaging", "Minerals"),
    "Real Estate": ("Realty Trust", "Properties", "Reit", "Office Trust"),
    "Utilities": ("Power", "Water", "Gas and Electric", "Utilities"),
}
_FORMS = ("Inc", "Inc", "Inc", "Corp", "Corp", "Co", "Holdings Inc", "Group Inc", "Ltd")
# A few names test a parser's handling of quotes, commas and entities.
_JOINTS = (" & ", ", ", "'s ")
_PLAIN_SHARE = 0.94


def company_names(sectors: list[str], draws: np.random.Generator) -> list[str]:
    """One unique name per company that fits its sector."""
    names: dict[str, None] = {}
    for sector in sectors:
        name = _name(sector, draws)
        while name in names:
            name = _name(sector, draws)
        names[name] = None
    return list(names)


def _name(sector: str, draws: np.random.Generator) -> str:
    stem = _pick(_FIRST, draws) + _pick(_MIDDLE, draws) + _pick(_LAST, draws)
    trade, form = _pick(_TRADES[sector], draws), _pick(_FORMS, draws)
    if draws.random() < _PLAIN_SHARE:
        return f"{stem} {trade} {form}"
    joint = _pick(_JOINTS, draws)
    partner = "" if joint == "'s " else _pick(_FIRST, draws) + _pick(_LAST, draws) + " "
    return f"{stem}{joint}{partner}{trade} {form}"


def _pick(words: tuple[str, ...], draws: np.random.Generator) -> str:
    return words[int(draws.random() * len(words))]


def tickers(names: Iterable[str], taken: set[str]) -> list[str]:
    """One unique ticker per company, from the letters of its name."""
    taken = set(taken)
    found = []
    for name in names:
        ticker = next(candidate for candidate in _candidates(name) if candidate not in taken)
        taken.add(ticker)
        found.append(ticker)
    return found


def _candidates(name: str) -> Iterable[str]:
    letters = [letter for letter in name.upper() if letter.isalpha()]
    for length in (3, 4):
        for rest in combinations(letters[1:12], length - 1):
            yield letters[0] + "".join(rest)

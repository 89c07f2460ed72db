"""The simulated companies: identity, size, and membership of the small-cap index."""

from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import polars as pl

from orchestration.sample_market import truths
from orchestration.sample_market.identifiers import cusip, sedol
from orchestration.sample_market.market_paths import Floats
from orchestration.sample_market.names import company_names, tickers
from orchestration.sample_market.streams import stream

SECTORS = (
    "Communication Services",
    "Consumer Discretionary",
    "Consumer Staples",
    "Energy",
    "Financials",
    "Health Care",
    "Industrials",
    "Information Technology",
    "Materials",
    "Real Estate",
    "Utilities",
)
_LARGE_MIX = (0.08, 0.11, 0.06, 0.04, 0.13, 0.12, 0.10, 0.27, 0.03, 0.03, 0.03)
_SMALL_MIX = (0.03, 0.11, 0.03, 0.05, 0.20, 0.18, 0.16, 0.12, 0.04, 0.06, 0.02)
# The largest companies determine the weights of the large funds.
_LARGEST_SECTORS = (7, 7, 0, 7, 1, 7, 5, 4, 7, 0, 1, 2)
_MEDIAN_CAP, _SPREAD_ABOVE, _SPREAD_BELOW = 1.9e9, 1.7, 1.25
_FOREIGN_CAP = 1.4e10
_FOREIGN_SECTORS = ("Information Technology", "Consumer Discretionary", "Health Care")
_DROPPED = truths.NAMES_LEAVING - truths.NAMES_GRADUATED
_STABLE_LARGE = truths.LARGE_COMPANIES_AFTER - truths.NAMES_GRADUATED
_SMALL_AFTER = truths.IWM_EQUITIES_AFTER
LISTED = _STABLE_LARGE + truths.NAMES_GRADUATED + _SMALL_AFTER + _DROPPED
# Positions of the companies with planted tickers, by size.
LARGE_CLASS, SMALL_CLASS, TICKER_CHANGES, _AWKWARD = 9, 800, 735, (900, 1300, 1700)
# Tickers of funds, of currencies, and of real companies in seeds/sector_overrides.csv.
_RESERVED = {
    "ARM",
    "ASML",
    "AZN",
    "CCEP",
    "FER",
    "MELI",
    "PDD",
    "SHOP",
    "TRI",
    "TEL",
    "STX",
    "ERIE",
    "PSKY",
    "USD",
    "CAD",
    "IWM",
    "SPY",
    "QQQ",
    "IWV",
    "VTWO",
    "SCHA",
    "VOO",
    "IJR",
    "IVV",
    "IWB",
}


@dataclass(frozen=True)
class Companies:
    """Companies by size, largest first, then the foreign ones; all arrays have one value per company (n,).

    `table`: ticker (as iShares writes it), name, sector, cusip, sedol, exchange, is_foreign.
    `cap`: dollars at the reconstitution; `shares`: shares outstanding. `small_before` and `small_after`: members of the small-cap
    index before and after the reconstitution; `large_before` and `large_after`: members of the large-cap index.
    """

    table: pl.DataFrame
    cap: Floats
    shares: Floats
    small_before: np.ndarray
    small_after: np.ndarray
    large_before: np.ndarray
    large_after: np.ndarray


@lru_cache(maxsize=4)
def companies(seed: int) -> Companies:
    """The companies; the same seed gives the same companies."""
    draws = stream(seed, "companies")
    foreign = len(truths.FOREIGN_TICKERS)
    sectors = _sectors(draws) + list(_FOREIGN_SECTORS)
    names = company_names(sectors, draws)
    cap = np.concatenate([_caps(), np.full(foreign, _FOREIGN_CAP)])
    price = np.maximum(np.round(np.exp(draws.normal(3.7, 0.7, cap.size)) * (cap / _MEDIAN_CAP) ** 0.12, 2), 1.0)
    listed_in_new_york = draws.random(cap.size) < np.where(np.array(sectors) == "Information Technology", 0.2, 0.45)
    table = pl.DataFrame(
        {
            "ticker": _with_planted_tickers(names, foreign),
            "name": _with_share_classes(names),
            "sector": sectors,
            "cusip": [cusip(i) for i in range(LISTED)] + [cusip(i, foreign=True) for i in range(foreign)],
            "sedol": [sedol(i) for i in range(LISTED + foreign)],
            "exchange": np.where(listed_in_new_york, "New York Stock Exchange Inc.", "NASDAQ"),
            "is_foreign": np.arange(LISTED + foreign) >= LISTED,
        }
    )
    return Companies(table, cap, np.round(cap / price), *_members(LISTED + foreign, draws))


def _caps() -> Floats:
    """Lognormal market capitalisations at evenly spaced quantiles, without random outliers: dollars (n,), largest first."""
    normal = NormalDist()
    places = np.array([normal.inv_cdf(1 - (i + 0.5) / LISTED) for i in range(LISTED)])
    return np.asarray(_MEDIAN_CAP * np.exp(places * np.where(places > 0, _SPREAD_ABOVE, _SPREAD_BELOW)), dtype=np.float64)


def _sectors(draws: np.random.Generator) -> list[str]:
    large = draws.choice(len(SECTORS), truths.LARGE_COMPANIES_AFTER, p=_LARGE_MIX)
    large[: len(_LARGEST_SECTORS)] = _LARGEST_SECTORS
    small = draws.choice(len(SECTORS), LISTED - truths.LARGE_COMPANIES_AFTER, p=_SMALL_MIX)
    return [SECTORS[i] for i in np.concatenate([large, small])]


def _with_planted_tickers(names: list[str], foreign: int) -> list[str]:
    planted = {
        LARGE_CLASS: truths.LARGE_CLASS_TICKER["ishares"],
        SMALL_CLASS: truths.SMALL_CLASS_TICKER["ishares"],
        TICKER_CHANGES: truths.TICKER_BEFORE,
        **dict(zip(_AWKWARD, truths.AWKWARD_TICKERS, strict=True)),
        **{len(names) - foreign + i: ticker for i, ticker in enumerate(truths.FOREIGN_TICKERS)},
    }
    normalised = {ticker.replace(" ", "") for ticker in planted.values()}
    found = tickers(names, _RESERVED | normalised | {truths.TICKER_AFTER})
    return [planted.get(i, ticker) for i, ticker in enumerate(found)]


def _with_share_classes(names: list[str]) -> list[str]:
    classes = {LARGE_CLASS: " Class B", SMALL_CLASS: " Class A"}
    return [name + classes.get(i, "") for i, name in enumerate(names)]


def _members(count: int, draws: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Members of the small-cap and of the large-cap index, each before and after the reconstitution: companies
    cross the border both ways, new ones join, and the smallest leave."""
    places = np.arange(count)
    # One more than cross the border, because the company that changes its ticker stays small.
    border = np.arange(_STABLE_LARGE, _STABLE_LARGE + truths.NAMES_GRADUATED + truths.NAMES_FALLEN + 1)
    fallen = draws.choice(border[border != TICKER_CHANGES], truths.NAMES_FALLEN, replace=False)
    inner = np.arange(border[-1] + 1, LISTED - _DROPPED)
    newcomers = draws.choice(
        np.setdiff1d(inner, (SMALL_CLASS, *_AWKWARD)), truths.NAMES_JOINING - truths.NAMES_FALLEN, replace=False
    )
    small_after = np.isin(places, np.concatenate([fallen, [TICKER_CHANGES], inner]))
    graduated = np.isin(places, border) & ~small_after
    dropped = (places >= LISTED - _DROPPED) & (places < LISTED)
    small_before = (small_after & ~np.isin(places, np.concatenate([fallen, newcomers]))) | graduated | dropped
    large_after = (places < _STABLE_LARGE) | graduated
    large_before = (places < _STABLE_LARGE) | np.isin(places, fallen)
    return small_before, small_after, large_before, large_after

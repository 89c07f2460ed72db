"""The companies that a fund holds on a day, derived from the name of its index."""

from datetime import date

import numpy as np
from numpy.typing import NDArray

from orchestration.sample_market import truths
from orchestration.sample_market.companies import LISTED, TICKER_CHANGES, Companies
from orchestration.universe import Fund

Places = NDArray[np.int64]

_LARGE_LINES, _SMALL_LINES = 503, 603
_MARGIN = 1.05  # lines per line of the fund's minimum


def index_style(fund: Fund) -> str:
    """`russell_2000`, `small`, `nasdaq`, `all` or `large`."""
    index = fund.index_name.lower()
    if "2000" in index:
        return "russell_2000"
    if "small" in index or "600" in index:
        return "small"
    if "nasdaq" in index:
        return "nasdaq"
    return "all" if "3000" in index or "total" in index else "large"


def members(fund: Fund, as_of: date, listed: Companies) -> Places:
    """Positions of the companies the fund holds, largest (at the reconstitution) first."""
    style = index_style(fund)
    needed = int((fund.min_holdings or 0) * _MARGIN)
    if style == "russell_2000":
        return _russell_2000(as_of, listed)
    if style == "small":
        return np.flatnonzero(listed.small_after)[: max(_SMALL_LINES, needed)]
    if style == "nasdaq":
        return _nasdaq(as_of, listed, max(truths.QQQ_LINES, needed))
    if style == "all":
        if as_of <= truths.RECONSTITUTION:
            return np.flatnonzero(listed.small_before | listed.large_before)
        return np.flatnonzero(listed.small_after | listed.large_after)
    largest = np.flatnonzero(listed.large_after | listed.small_after)[: max(_LARGE_LINES, needed)]
    # Index committees keep some small companies: here the one that changes its ticker, so that its CUSIP is known.
    return largest if TICKER_CHANGES in largest else np.append(largest[:-1], TICKER_CHANGES)


def is_leaving(as_of: date, listed: Companies) -> NDArray[np.bool_]:
    """Names that have left the Russell 2000 and are still being sold (n,)."""
    lingering: NDArray[np.bool_] = listed.small_before & ~listed.small_after & (as_of == truths.LINGERING_SNAPSHOT)
    return lingering


def _russell_2000(as_of: date, listed: Companies) -> Places:
    if as_of <= truths.RECONSTITUTION:
        return np.flatnonzero(listed.small_before)
    return np.flatnonzero(listed.small_after | is_leaving(as_of, listed))


def _nasdaq(as_of: date, listed: Companies, lines: int) -> Places:
    """The largest non-financial companies on Nasdaq; with a few foreign ones after the first snapshot."""
    suits = (listed.table["exchange"].to_numpy() == "NASDAQ") & (listed.table["sector"].to_numpy() != "Financials")
    home = np.flatnonzero(suits & ~listed.table["is_foreign"].to_numpy())
    if as_of <= truths.OTHER_SNAPSHOTS[0]:
        return home[:lines]
    foreign = np.arange(LISTED, listed.cap.size)
    return np.concatenate([home[: lines - foreign.size], foreign])

"""The planted truths of the sample market, by date and size, for tests and for readers.

This module contains only dates and numbers, so importing it is cheap.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime


@dataclass(frozen=True)
class Turn:
    """From this session on, the log ratio IWM/SPY drifts in the direction of the label, by `drift` per session."""

    session: date
    label: str
    drift: float


@dataclass(frozen=True)
class Correction:
    """SPY's log price falls below its path by `depth` from peak to trough and returns to it at the recovery."""

    peak: date
    trough: date
    recovery: date
    depth: float


@dataclass(frozen=True)
class RateCycle:
    """Moves of the policy rate: `moves` steps of `step` percentage points, `days` calendar days apart, the first on `first`."""

    first: date
    moves: int
    days: int
    step: float


@dataclass(frozen=True)
class PriceFault:
    """One bar of one symbol that is wrong or missing in a vendor's answer."""

    symbol: str
    session: date


# --- prices -----------------------------------------------------------------------------------------------------------

FIRST_SESSION = date(2001, 10, 1)
PRICE_RETRIEVALS = (
    datetime(2026, 6, 30, 23, 30, tzinfo=UTC),
    datetime(2026, 9, 28, 23, 30, tzinfo=UTC),
    datetime(2026, 10, 1, 15, 0, tzinfo=UTC),
)
# This session is still open at the last retrieval: its bar must be rejected.
PARTIAL_SESSION = date(2026, 10, 1)

# The ratio begins in the first phase; each later turn changes the label once, within TURN_NOTICED_WITHIN sessions.
TURNS = (
    Turn(FIRST_SESSION, "risk_on", 0.00055),
    Turn(date(2003, 11, 3), "risk_off", 0.00050),
    Turn(date(2005, 10, 17), "risk_on", 0.00055),
    Turn(date(2007, 9, 10), "risk_off", 0.00050),
    Turn(date(2009, 12, 7), "risk_on", 0.00060),
    Turn(date(2011, 10, 3), "risk_off", 0.00060),
    Turn(date(2013, 12, 2), "risk_on", 0.00055),
    Turn(date(2015, 11, 9), "risk_off", 0.00060),
    Turn(date(2017, 2, 6), "risk_on", 0.00060),
    Turn(date(2018, 10, 1), "risk_off", 0.00045),
    Turn(date(2020, 10, 5), "risk_on", 0.00060),
    Turn(date(2022, 8, 1), "risk_off", 0.00060),
    Turn(date(2024, 2, 5), "risk_on", 0.00070),
    Turn(date(2025, 4, 7), "risk_off", 0.00055),
)
TURN_NOTICED_WITHIN = 125

# SPY's annual drift under each label (log points). The drift changes DRIFT_LAG sessions after the turn, about when the label
# changes: labels then have a true effect on later sessions, which the scorecard must find.
SPY_DRIFT_A_YEAR = {"risk_on": 0.16, "risk_off": 0.02}
DRIFT_LAG = 85

# SPY and QQQ rise, IWM does not: for ten sessions and more in a row at the end of the stretch SPY and QQQ have gained more
# than 2 % over 63 sessions while IWM has not gained. The correction that begins with the stretch's last session follows.
NARROW_ADVANCE = (date(2019, 3, 25), date(2019, 8, 1))
NARROW_LEAST_SESSIONS = 10
SPY_NARROW_DRIFT, RATIO_NARROW_DRIFT = 0.0012, -0.0020
CORRECTION_AFTER_NARROW = Correction(date(2019, 8, 1), date(2019, 11, 15), date(2020, 6, 1), 0.22)
CORRECTIONS = (
    Correction(date(2008, 5, 1), date(2009, 1, 20), date(2009, 12, 1), 0.36),
    Correction(date(2012, 5, 1), date(2012, 7, 20), date(2012, 11, 30), 0.17),
    CORRECTION_AFTER_NARROW,
    Correction(date(2023, 2, 15), date(2023, 3, 24), date(2023, 9, 1), 0.18),
)
LEAST_DRAWDOWN = {date(2019, 8, 1): 0.12}
LEAST_OTHER_DRAWDOWN = 0.10

# Split ratio (new shares per old share) by symbol and ex-date. QQQ's split is between the first two retrievals.
SPLITS = {("IWM", date(2005, 6, 9)): 2.0, ("QQQ", date(2026, 8, 17)): 2.0}
# Day of March, June, September and December on which, or on the first session after which, each fund goes ex-dividend.
DIVIDEND_DAY = {"IWM": 16, "SPY": 18, "QQQ": 21}
DIVIDEND_YIELD_A_YEAR = {"IWM": 0.012, "SPY": 0.014, "QQQ": 0.006}
EX_DATES_BETWEEN_RETRIEVALS = {"IWM": date(2026, 9, 16), "SPY": date(2026, 9, 18), "QQQ": date(2026, 9, 21)}

# Annual costs as fractions. A fund earns the return of its index minus its costs.
EXPENSE_RATIO = {"IWM": 0.0019, "SPY": 0.000945, "QQQ": 0.0018, "VTWO": 0.0007, "SCHA": 0.0004, "VOO": 0.0003}
OTHER_EXPENSE_RATIO = 0.0015

MISSING_BAR = PriceFault("IWM", date(2026, 8, 12))
# A volume without prices in the first retrieval, complete in later ones.
HEALED_BAR = PriceFault("SPY", date(2026, 6, 24))
# Too high by this factor in the first retrieval, without an explanation.
RESTATED_BAR = PriceFault("SPY", date(2026, 5, 13))
RESTATED_FACTOR = 1.008
# The newest volume of a retrieval is too low by this share.
VOLUME_STILL_MISSING = 0.03

# --- holdings ---------------------------------------------------------------------------------------------------------

IWM_SNAPSHOTS = (
    date(2026, 3, 31),
    date(2026, 4, 30),
    date(2026, 5, 29),
    date(2026, 6, 26),
    date(2026, 6, 30),
    date(2026, 7, 31),
    date(2026, 8, 31),
    date(2026, 9, 30),
)
OTHER_SNAPSHOTS = (date(2026, 6, 30), date(2026, 9, 30))
# Vanguard publishes a month-end half a month later.
VANGUARD_SNAPSHOTS, VANGUARD_LAG_DAYS = (date(2026, 6, 30), date(2026, 8, 31)), 15
HAND_DROPPED_SNAPSHOT = date(2026, 9, 30)

RECONSTITUTION = date(2026, 6, 26)  # effective after this close
NAMES_JOINING, NAMES_LEAVING = 200, 150
IWM_EQUITIES_BEFORE, IWM_EQUITIES_AFTER = 1920, 1970
# Number of joining companies that were large before, and of leaving companies that became large.
NAMES_FALLEN, NAMES_GRADUATED = 39, 50
LARGE_COMPANIES_AFTER = 730
# Shares outstanding on some days: none are created in the first month although prices move, and 12.5 million in the last one.
SHARES_OUTSTANDING = {
    ("IWM", date(2026, 5, 29)): 186e6,
    ("IWM", date(2026, 6, 26)): 186e6,
    ("IWM", date(2026, 8, 31)): 196e6,
    ("IWM", date(2026, 9, 30)): 208.5e6,
}
# In this snapshot, leaving names are still being sold.
LINGERING_SNAPSHOT = date(2026, 6, 30)

# The fund of the whole market and the market's capitalisations are also known on the rank day, and show who is going to move.
RANK_DAY = date(2026, 4, 30)
MARKET_CAPS_RETRIEVED = datetime(2026, 5, 1, 1, 30, tzinfo=UTC)
PLANTED_MIGRATIONS, RISEN_FACTOR, FALLEN_FACTOR = 12, 2.6, 0.2
PLANTED_CLOSELY_HELD, CLOSELY_HELD_FLOAT = 5, 0.1
PLANTED_CHEAP, CHEAP_PRICE = 3, 0.62
# Large companies that no fund holds yet, so that the market has a thousand large ones.
YOUNG_LARGE_COMPANIES = 281
# What the screener lists and no index takes: receipts, shells, and a foreign company that was large enough and not taken.
NOT_ELIGIBLE = {"ZZADR": "Zzyla Networks ADR", "ZZACU": "Zzorba Acquisition Corp", "ZZFOR": "Zzentral Shipping Ltd"}

# One company held by IWM, IWV and SPY: another ticker from this day on, the same CUSIP.
TICKER_CHANGED_ON, TICKER_BEFORE, TICKER_AFTER = date(2026, 8, 10), "KZOV", "LUMQ"
AWKWARD_TICKERS = ("TRUE", "NA", "NAN")
# One share class in each issuer's spelling.
LARGE_CLASS_TICKER = {"ishares": "QVXB", "ssga": "QVX.B", "invesco": "QVX/B", "vanguard": "QVX.B", "schwab": "QVXB"}
SMALL_CLASS_TICKER = {"ishares": "JQZ A", "ssga": "JQZ.A", "invesco": "JQZ/A", "vanguard": "JQZ.A", "schwab": "JQZA"}
ESCROW_TICKER = "P7K310"

BROKEN_LINE_SNAPSHOT, BROKEN_MARKET_VALUE = date(2026, 5, 29), "12,34x"
REPEATED_SNAPSHOT = date(2026, 8, 31)
UNDATED_COPY_RETRIEVED = datetime(2026, 8, 15, 1, 0, tzinfo=UTC)
UNDATED_COPY_OF = date(2026, 7, 31)
WEB_PAGE_RETRIEVED = datetime(2026, 8, 20, 1, 0, tzinfo=UTC)

# Only in QQQ's second snapshot and in no other file: their sector is unknown.
FOREIGN_TICKERS = ("VOXD", "ZELU", "QARN")
QQQ_LINES = 101
# QQQ's first file gives the company on this line (from 1) a wrong sector: the first of these two that is not its true one.
DISPUTED_QQQ_LINE, DISPUTED_SECTORS = 61, ("Industrials", "Materials")

# --- members' prices --------------------------------------------------------------------------------------------------

FIRST_MEMBER_SESSION = date(2023, 10, 2)
# The first retrieval asks for the whole history, the later ones for the last sessions.
MEMBER_RETRIEVALS = (
    datetime(2026, 6, 30, 23, 40, tzinfo=UTC),
    datetime(2026, 9, 28, 23, 40, tzinfo=UTC),
    datetime(2026, 10, 1, 14, 40, tzinfo=UTC),
)
MEMBERS_A_DOCUMENT, MEMBER_DOCUMENTS, MEMBER_OVERLAP_SESSIONS = 300, 9, 10
# Small companies fall for some sessions, then most of them rise: the share of advances, as an exponential mean of ten sessions,
# goes from below 0.40 to above 0.615 within ten sessions.
THRUST_FALL, THRUST_RISE = (date(2026, 8, 27), date(2026, 9, 10)), (date(2026, 9, 11), date(2026, 9, 24))
THRUST_MOVE = 0.013  # a session
# SPY makes new highs at its end while most of its companies fall; the fund's own path knows nothing of it.
DIVERGENCE = (date(2026, 3, 2), date(2026, 9, 17))
DIVERGENCE_DRIFT, DIVERGENCE_FUND = -0.0022, "SPY"
# Members by position among the companies (sample_market/companies.py): those that leave at the reconstitution are the last ones.
DELISTED_LAST_SESSION = date(2026, 6, 26)
STOPPED_LAST_SESSION = date(2026, 8, 21)
IPO_FIRST_SESSION = date(2026, 5, 4)
MEMBER_SPLIT, MEMBER_SPLIT_RATIO = date(2026, 8, 12), 2.0
# No member has a bar of this session, in any retrieval.
MEMBERS_MISSING_SESSION = date(2026, 7, 15)
# Some members' bars of this session arrive with the last retrieval.
LATE_MEMBER_SESSION = date(2026, 9, 28)
# One member has a volume without prices, another a high below its low.
MEMBER_WITHOUT_PRICES_SESSION, MEMBER_CROSSED_SESSION = date(2026, 6, 10), date(2026, 6, 11)

# --- quotes -----------------------------------------------------------------------------------------------------------

# Inside regular hours, at 15:30 in New York; the last one, of IWM only, is before the open and says little.
QUOTES_BEFORE_OPEN = (datetime(2026, 10, 1, 12, 0, tzinfo=UTC),)
QUOTE_RETRIEVALS = (
    datetime(2026, 9, 28, 19, 30, tzinfo=UTC),
    datetime(2026, 9, 29, 19, 30, tzinfo=UTC),
    datetime(2026, 9, 30, 19, 30, tzinfo=UTC),
    *QUOTES_BEFORE_OPEN,
)
QUOTE_WIDTH_CENTS, OTHER_QUOTE_WIDTH_CENTS = {"IWM": 1, "SPY": 1, "QQQ": 1, "VOO": 3, "VTWO": 8, "SCHA": 4}, 10
# The bid is above the ask, so the session has no quote.
CROSSED_QUOTE = ("SCHA", datetime(2026, 9, 29, 19, 30, tzinfo=UTC))
# The market is open, and the quotes are those of the day before.
STALE_CHAIN = ("QQQ", datetime(2026, 9, 29, 19, 30, tzinfo=UTC))
# Funds with options, others have none: volatility at the money (fraction a year), and the usual number of contracts at a strike.
OPTION_VOLATILITY = {"IWM": 0.22, "SPY": 0.16, "QQQ": 0.20, "VTWO": 0.22}
OPTION_SIZE = {"IWM": 6000.0, "SPY": 9000.0, "QQQ": 7000.0, "VTWO": 3.0}
DAILY_OPTIONS = ("IWM",)
THIN_OPTIONS = "VTWO"  # monthly expirations only, quoted wide
OPTION_SKEW = 0.30  # volatility falls by so much for each log point of the strike
OPTION_RATE, OPTION_DIVIDENDS = 0.039, 0.012  # a year; the forward price follows from them
# One contract's bid is above its ask.
CROSSED_CONTRACT = ("SPY", date(2026, 9, 29))
# The expiration of the next month is listed, but the vendor does not answer for it.
VANISHED_EXPIRATION = ("VTWO", date(2026, 9, 30))
# This expiration is not even listed, and is two days earlier.
UNLISTED_EXPIRATION = ("QQQ", date(2026, 9, 30), date(2026, 10, 9))
# One contract did not trade in the session: its volume is that of the session in which it traded last.
OLD_VOLUME, OLD_TRADE = ("IWM", date(2026, 9, 30)), (datetime(2026, 9, 23, 18, 5), 250_000)

# --- rates ------------------------------------------------------------------------------------------------------------

FIRST_RATE_DAY, FIRST_TARGET = date(2001, 1, 1), 5.50
RANGE_BEGINS = date(2008, 12, 16)  # from here on the target is a range of 0.25 points
RATE_CYCLES = (
    RateCycle(date(2001, 2, 1), 12, 28, -0.25),
    RateCycle(date(2004, 5, 6), 10, 42, 0.25),
    RateCycle(date(2007, 9, 20), 10, 42, -0.25),
    RateCycle(RANGE_BEGINS, 1, 42, -0.25),
    RateCycle(date(2011, 6, 16), 8, 49, 0.25),
    RateCycle(date(2014, 3, 20), 6, 42, -0.25),
    RateCycle(date(2016, 12, 15), 7, 91, 0.25),
    RateCycle(date(2020, 2, 6), 8, 28, -0.25),
    RateCycle(date(2022, 3, 17), 12, 42, 0.25),
    RateCycle(date(2024, 9, 19), 6, 49, -0.25),
)
# Before there is a target, only the effective rate shows the policy of the Fed: it begins at EARLY_RATE and ends at FIRST_TARGET.
FIRST_FUNDS_DAY, EARLY_RATE = date(1954, 7, 1), 2.00
EARLY_RATE_CYCLES = (
    RateCycle(date(1955, 3, 1), 10, 35, 0.25),
    RateCycle(date(1958, 1, 6), 8, 35, -0.25),
    RateCycle(date(1959, 6, 1), 12, 28, 0.25),
    RateCycle(date(1961, 2, 1), 10, 35, -0.25),
    RateCycle(date(1963, 9, 2), 8, 42, 0.25),
    RateCycle(date(1967, 1, 2), 6, 42, -0.25),
    RateCycle(date(1968, 3, 4), 16, 28, 0.25),
    RateCycle(date(1970, 10, 5), 12, 28, -0.25),
    RateCycle(date(1973, 3, 5), 16, 28, 0.25),
    RateCycle(date(1975, 1, 6), 14, 28, -0.25),
    RateCycle(date(1977, 6, 1), 20, 28, 0.25),
    RateCycle(date(1980, 7, 1), 12, 28, -0.25),
    RateCycle(date(1983, 5, 2), 8, 42, 0.25),
    RateCycle(date(1985, 1, 7), 14, 35, -0.25),
    RateCycle(date(1988, 3, 1), 10, 35, 0.25),
    RateCycle(date(1990, 6, 4), 16, 42, -0.25),
    RateCycle(date(1994, 2, 1), 10, 35, 0.25),
    RateCycle(date(1998, 9, 1), 4, 42, -0.25),
)
# First and last month of each recession, as USREC has them: those of the NBER, because the announcements are real.
FIRST_RECESSION_MONTH = date(1926, 7, 1)
RECESSIONS = (
    (date(1926, 11, 1), date(1927, 11, 1)),
    (date(1929, 9, 1), date(1933, 3, 1)),
    (date(1937, 6, 1), date(1938, 6, 1)),
    (date(1945, 3, 1), date(1945, 10, 1)),
    (date(1948, 12, 1), date(1949, 10, 1)),
    (date(1953, 8, 1), date(1954, 5, 1)),
    (date(1957, 9, 1), date(1958, 4, 1)),
    (date(1960, 5, 1), date(1961, 2, 1)),
    (date(1970, 1, 1), date(1970, 11, 1)),
    (date(1973, 12, 1), date(1975, 3, 1)),
    (date(1980, 2, 1), date(1980, 7, 1)),
    (date(1981, 8, 1), date(1982, 11, 1)),
    (date(1990, 8, 1), date(1991, 3, 1)),
    (date(2001, 4, 1), date(2001, 11, 1)),
    (date(2008, 1, 1), date(2009, 6, 1)),
    (date(2020, 3, 1), date(2020, 4, 1)),
)
RATES_RETRIEVED = datetime(2026, 10, 1, 1, 0, tzinfo=UTC)
OLD_HEADER_RETRIEVED = datetime(2023, 12, 1, 1, 0, tzinfo=UTC)
MISSING_RATE_DAY = date(2026, 7, 3)  # DFF prints a dot
MACRO_HOLIDAYS = ("01-01", "07-04", "12-25")  # the daily series beside the policy rate print a dot
# An edition of NFCI in which most weeks have another value than in the last one.
EARLIER_EDITION_RETRIEVED = datetime(2026, 9, 10, 1, 0, tzinfo=UTC)

# --- factors ----------------------------------------------------------------------------------------------------------

FIRST_FACTOR_DAY, LAST_SATURDAY = date(1926, 7, 1), date(1952, 5, 31)
# An edition ends some weeks before it is published; the second one revises the whole history.
FACTOR_EDITIONS = (
    (datetime(2026, 6, 20, 1, 0, tzinfo=UTC), date(2026, 4, 30)),
    (datetime(2026, 9, 20, 1, 0, tzinfo=UTC), date(2026, 7, 31)),
)
# Small companies gain and lose in turn by so much a session (log points), each time for so many sessions: what the regime of
# small minus large says about the size return that follows is then true. Before the funds begin, neither the regime nor the rate
# regime says anything about the market, nor the rate regime about size.
SIZE_DRIFT, SIZE_PHASE_SESSIONS = 0.0006, (300, 600)
LONG_RUN_WORKS = ("regime", "small_minus_large")
LONG_RUN_DOES_NOT_WORK = ("rate_regime", "market")

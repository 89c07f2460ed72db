"""The validation rules for readable documents: one entry per rule, with a sentence that states what must hold.

A rule judges a row or a whole document. An implausible row is quarantined and the rest of its document is used; a document is
quarantined if the fault concerns all of it. Limits are about twice the largest true value of 26 years of IWM, SPY and QQQ, which
is given at each limit.
"""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a rule judges: a row or the whole document."""

    row = "row"
    document = "document"


@dataclass(frozen=True)
class Rule:
    """A rule: its name, the kind of document, what it judges, and the sentence that must hold."""

    name: str
    kind: str
    scope: Scope
    sentence: str


_ROW, _DOCUMENT = Scope.row, Scope.document

RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        # Prices
        Rule("adjusted_close_agrees", "prices", _ROW, "The adjusted close moves by (close + distribution) / previous close."),
        Rule(
            "close_moves_with_others",
            "prices",
            _ROW,
            "A close does not depart from all other funds and return in the next session.",
        ),
        Rule(
            "open_moves_with_others",
            "prices",
            _ROW,
            "A bar does not open far from the previous close and close far from the next open while no other fund does.",
        ),
        Rule(
            "newest_close_is_confirmed",
            "prices",
            _ROW,
            "The newest close does not jump while no other fund does; the next session decides.",
        ),
        Rule(
            "range_is_possible",
            "prices",
            _ROW,
            "High and low are within 60 % of each other, and beyond open and close by at most 5 % or 16 usual ranges.",
        ),
        Rule("volume_is_possible", "prices", _ROW, "A volume is at most 60 times the median of the previous 21 sessions."),
        Rule("bar_is_not_a_copy", "prices", _ROW, "A bar does not repeat the bar of another session."),
        Rule(
            "restated_bar_is_better",
            "prices",
            _ROW,
            "A changed close of a known session is closer to the other funds than the known one. If the close is the same,"
            " high and low widen by at most 2 %.",
        ),
        Rule(
            "known_action_is_kept",
            "prices",
            _ROW,
            "A known dividend or split is withdrawn only if the adjusted close agrees; a missing value is not zero.",
        ),
        Rule("few_rows_are_implausible", "prices", _DOCUMENT, "At most 3 rows, or 0.2 % of the rows, are implausible."),
        Rule("level_is_continuous", "prices", _DOCUMENT, "Closes do not jump to another level while no other fund does."),
        Rule(
            "split_is_rescaled",
            "prices",
            _DOCUMENT,
            "Closes before a split are on the basis after it; the last known close agrees with a split.",
        ),
        Rule("begins_with_the_fund", "prices", _DOCUMENT, "No bar is older than the fund."),
        Rule(
            "sessions_are_complete",
            "prices",
            _DOCUMENT,
            "At most 20 sessions between the first and the last bar, or 1 % of them, are missing.",
        ),
        Rule(
            "history_is_not_restated",
            "prices",
            _DOCUMENT,
            "Without a split, closes and volumes change on at most 3 known sessions, or 1 % of them.",
        ),
        Rule("is_not_another_fund", "prices", _DOCUMENT, "The closes are not those of another fund."),
        Rule(
            "dates_are_aligned",
            "prices",
            _DOCUMENT,
            "Moves correlate with those of the other funds on the same day, not on the day before or after.",
        ),
        Rule(
            "dollar_volume_is_possible",
            "prices",
            _DOCUMENT,
            "The median traded value of a fund is below 300 billion dollars per session.",
        ),
        # Rates
        Rule(
            "rate_is_possible",
            "rates",
            _ROW,
            "A value is within the limits of its series: a rate between -1 % and 25 %, VIXCLS between 5 and 150 points.",
        ),
        Rule(
            "date_is_possible",
            "rates",
            _ROW,
            "A date is neither before the series can begin nor after the retrieval, and, in a daily series, at most 10 days"
            " from the nearest other date.",
        ),
        Rule("recession_is_a_flag", "rates", _ROW, "USREC is 0 or 1, dated on the first day of a month."),
        Rule(
            "step_is_possible",
            "rates",
            _ROW,
            "A value is near its 11-day median (NFCI: 77 days), the target within 2 points; the target does not move for one day"
            " and return.",
        ),
        Rule(
            "series_agree",
            "rates",
            _ROW,
            "A rate agrees with another series: the range is 0.25 points wide and contains the effective rate.",
        ),
        Rule("known_rate_is_kept", "rates", _ROW, "A missing value does not withdraw a known rate."),
        Rule("few_rates_are_implausible", "rates", _DOCUMENT, "At most 3 rows, or 1 %, are implausible."),
        Rule("rates_are_percent", "rates", _DOCUMENT, "In ten years a rate reaches 0.2 %: values are percent, not fractions."),
        Rule(
            "rates_are_not_restated",
            "rates",
            _DOCUMENT,
            "Known rates change on at most 3 days, or 1 % of them; USREC only in its newest 36 months, NFCI by up to 0.5 on any"
            " date.",
        ),
        # Factors
        Rule(
            "factors_are_percent",
            "factors",
            _DOCUMENT,
            "The market's standard deviation is between 0.2 and 5 % per session; size's and value's are 0.12 to 2.2 times as"
            " large. Over 10 000 days no mean is beyond 0.07 points a day (size 0.04, value 0.05).",
        ),
        Rule(
            "factors_are_complete",
            "factors",
            _DOCUMENT,
            "Market, size and T-bill are known on each day, and the value factor on 99 % of them.",
        ),
        Rule("factor_is_possible", "factors", _DOCUMENT, "No day is much larger than the largest since 1926 (October 1987)."),
        Rule(
            "factor_days_are_sessions",
            "factors",
            _DOCUMENT,
            "The days are the exchange's sessions; Saturdays until 1952, no Sunday, none after the retrieval.",
        ),
        Rule("factor_days_are_complete", "factors", _DOCUMENT, "No gap is longer than 15 days, and no year has under 200 days."),
        Rule("edition_is_not_shorter", "factors", _DOCUMENT, "It covers all days of the previous edition."),
        Rule(
            "edition_is_as_before",
            "factors",
            _DOCUMENT,
            "It correlates 0.98 or more with the previous edition, and no day changes by more than 3 points (value: 4).",
        ),
        Rule(
            "edition_has_the_same_level",
            "factors",
            _DOCUMENT,
            "Its mean is within 0.003 points a day of the previous edition's and its standard deviation within 5 %; in each"
            " calendar year within 0.03 points and 10 %. T-bill: within 0.001 points, or 0.0055 if rounded to two decimals.",
        ),
        Rule(
            "factors_move_with_funds",
            "factors",
            _DOCUMENT,
            "The market correlates at least 0.9 with SPY, and size at least 0.5 with IWM - SPY.",
        ),
        Rule(
            "factors_are_as_large_as_funds",
            "factors",
            _DOCUMENT,
            "Over 2 000 sessions the market moves 0.85 to 1.15 times as much as SPY, within 0.01 points a day; size 0.55 to 1.2"
            " times IWM - SPY, within 0.025. Over 250 sessions the limits are wider.",
        ),
        Rule(
            "bill_agrees_with_rates",
            "factors",
            _DOCUMENT,
            "In each calendar year the mean T-bill is within 1.5 points, or 35 %, of DGS3MO, or of DFF where that is not known.",
        ),
        # Market capitalisations
        Rule("caps_are_many", "market_caps", _DOCUMENT, "A session has 2,500 stocks or more."),
        Rule(
            "caps_agree_with_shares",
            "market_caps",
            _DOCUMENT,
            "On four of five stocks the capitalisation is price times shares outstanding, within a factor of 1.5; half have"
            " shares.",
        ),
        Rule(
            "caps_are_as_before",
            "market_caps",
            _DOCUMENT,
            "Four of five stocks of the nearest known session are present. The median change, and that of four of five stocks"
            " relative to it, is less than a factor of 1.6 (after a week: 3).",
        ),
        # Members' prices
        Rule(
            "members_move_with_funds",
            "member_prices",
            _DOCUMENT,
            "In each session the median of 100 members or more moves within 15 points of the nearest fund; of 20 or more, within"
            " 30.",
        ),
        Rule(
            "members_move_together",
            "member_prices",
            _DOCUMENT,
            "In each session the middle half of the moves of 20 members or more spans at most 50 points.",
        ),
        Rule(
            "member_dates_are_aligned",
            "member_prices",
            _DOCUMENT,
            "The median moves correlate with those of a fund on the same session, not on the one before or after.",
        ),
        Rule(
            "member_bars_are_traded",
            "member_prices",
            _DOCUMENT,
            "At most half of the bars of 20 symbols or more are flat or without volume; in a session of 100 or more, three"
            " quarters.",
        ),
        Rule(
            "member_ranges_are_possible",
            "member_prices",
            _DOCUMENT,
            "At most 1.5 % of the bars have a high 50 % above open and close, or a low 50 % below; within fewer than five"
            " sessions 3 %.",
        ),
        Rule(
            "member_closes_are_as_before",
            "member_prices",
            _DOCUMENT,
            "At most 20 % of the known symbols have other closes than before; one ratio for all closes of a symbol, as after a"
            " split, does not count. At most 10 % have the same ratio.",
        ),
        # Holdings
        Rule("as_of_is_a_weekday", "holdings", _DOCUMENT, "The as-of date is a weekday or the last day of a month."),
        Rule("lines_are_not_too_many", "holdings", _DOCUMENT, "The number of lines is at most the fund's maximum (funds.csv)."),
        Rule(
            "lines_are_as_before",
            "holdings",
            _DOCUMENT,
            "The number of lines changes by at most 20 % plus 5 lines from the previous snapshot.",
        ),
        Rule("value_is_price_times_quantity", "holdings", _DOCUMENT, "On each line, price times quantity is the market value."),
        Rule(
            "prices_agree_elsewhere",
            "holdings",
            _DOCUMENT,
            "The value per share agrees with other funds' files of about the same date, within a factor of 2.",
        ),
        Rule(
            "weights_agree_elsewhere",
            "holdings",
            _DOCUMENT,
            "The order of the weights is similar to that in another fund's file.",
        ),
        Rule(
            "net_assets_agree",
            "holdings",
            _DOCUMENT,
            "Market values sum to shares outstanding times the fund's close, within 5 %.",
        ),
        Rule(
            "net_assets_are_as_before",
            "holdings",
            _DOCUMENT,
            "The sum of market values changes by at most a factor of 3 in 120 days.",
        ),
        Rule(
            "names_are_as_before",
            "holdings",
            _DOCUMENT,
            "At least half of the names are those of the previous snapshot, and none of its largest is missing.",
        ),
        Rule("weights_are_as_before", "holdings", _DOCUMENT, "Weights overlap those of the previous snapshot by at least 60 %."),
        Rule(
            "implied_prices_are_as_before",
            "holdings",
            _DOCUMENT,
            "The weight per share changes by less than a factor of 2 on nine of ten lines.",
        ),
        Rule(
            "sectors_are_as_before",
            "holdings",
            _DOCUMENT,
            "No sector's weight changes by more than 8 points from the previous snapshot.",
        ),
        Rule("sectors_are_many", "holdings", _DOCUMENT, "No sector has more than 70 % of the lines of a broad fund."),
        Rule(
            "sectors_agree_elsewhere",
            "holdings",
            _DOCUMENT,
            "At most 20 % of the lines have another sector than in known snapshots and other funds' files.",
        ),
        Rule(
            "tickers_bear_their_names",
            "holdings",
            _DOCUMENT,
            "At most 20 % of the tickers have another name than in known snapshots and other funds' files.",
        ),
        Rule(
            "no_line_dominates",
            "holdings",
            _DOCUMENT,
            "In a fund of 100 or more lines, no line has more than 25 % of the weight.",
        ),
        Rule(
            "snapshot_is_not_a_copy",
            "holdings",
            _DOCUMENT,
            "Quantities and values are not copied from a snapshot of another date.",
        ),
        # Quotes
        Rule(
            "chain_is_of_its_session",
            "quotes",
            _ROW,
            "A contract has traded in the document's session, unless fewer than 100 traded in the newest session in which any"
            " did; else all contracts are quarantined.",
        ),
        Rule(
            "chain_is_whole",
            "quotes",
            _ROW,
            "An expiration has at least half of the contracts of the document before; else all of them are quarantined.",
        ),
        Rule(
            "contracts_are_possible",
            "quotes",
            _ROW,
            "No contract of an expiration has a volume or an open interest above ten million; else all of them are quarantined.",
        ),
        Rule(
            "price_agrees_with_closes",
            "quotes",
            _DOCUMENT,
            "The price is at most 3 % below the low or above the high of its session; without that bar, within 25 % of a close of"
            " the last four days, or 40 % of one of the last ten.",
        ),
        Rule(
            "chain_agrees_with_price",
            "quotes",
            _DOCUMENT,
            "The strike at which calls and puts are worth the same is within 10 % of the fund's price.",
        ),
        Rule(
            "volume_agrees_with_open_interest",
            "quotes",
            _DOCUMENT,
            "For expirations more than a week ahead, the total volume is at most five times the open interest.",
        ),
        Rule(
            "options_agree_with_shares",
            "quotes",
            _DOCUMENT,
            "The shares of all open contracts are at most 200 times the fund's usual volume, and those traded 80 times.",
        ),
        Rule(
            "open_interest_is_as_before",
            "quotes",
            _DOCUMENT,
            "The open interest of common contracts changes by at most a factor of 5 in 15 days.",
        ),
        # Fund data
        Rule(
            "fact_is_possible",
            "fund_data",
            _ROW,
            "Net assets are 1 million to 5 trillion dollars, the mean volume 100 shares to 2 billion shares, the fee at most"
            " 1.5 %, the yield 8 %, a broad fund's largest holding 30 % and sector 80 %.",
        ),
        Rule(
            "fact_agrees_elsewhere",
            "fund_data",
            _ROW,
            "Net assets agree with the issuer's of a date at most 45 days away, and the mean volume with the known bars, within a"
            " factor of 3.",
        ),
        Rule(
            "fund_data_are_as_before",
            "fund_data",
            _DOCUMENT,
            "In 400 days net assets and yield change by at most a factor of 3, the fee 2, the mean volume 10, a holding 8 points,"
            " and a sector 20 points.",
        ),
        # Every document
        Rule("retrieval_is_past", "every", _DOCUMENT, "The retrieval is at most 10 minutes after the clock."),
        Rule("as_of_is_past", "every", _DOCUMENT, "The as-of date is not after the retrieval."),
        Rule("can_be_judged", "every", _DOCUMENT, "No rule fails on it with an error."),
        Rule("lines_are_usable", "every", _DOCUMENT, "At most 10 lines, or 10 % of the lines, are unusable."),
        Rule(
            "is_not_contradicted",
            "every",
            _DOCUMENT,
            "No later document contradicts it and agrees better with its neighbours, and later ones that agree with each other do"
            " not outvote it.",
        ),
    )
}


def as_markdown() -> str:
    """The rules as the table of docs/RELIABILITY.md, one line each."""
    lines = [f"| {rule.kind} | `{rule.name}` | {rule.scope} | {rule.sentence} |" for rule in RULES.values()]
    return "\n".join(["| kind | rule | scope | what must hold |", "|---|---|---|---|", *lines])


# Rules that compare with known values: if only these are broken, either side may be wrong.
CONTRADICTIONS = frozenset(
    {
        "history_is_not_restated",
        "few_rows_are_implausible",
        "rates_are_not_restated",
        "edition_is_as_before",
        "edition_has_the_same_level",
        "caps_are_as_before",
        "open_interest_is_as_before",
        "fund_data_are_as_before",
        "net_assets_are_as_before",
        "lines_are_as_before",
        "names_are_as_before",
        "weights_are_as_before",
        "implied_prices_are_as_before",
        "sectors_are_as_before",
        "tickers_bear_their_names",
        "sectors_agree_elsewhere",
    }
)


@dataclass(frozen=True)
class Finding:
    """A rule that a document breaks, and the reason with its figures."""

    rule: str
    reason: str

    def __post_init__(self) -> None:
        assert self.rule in RULES, self.rule

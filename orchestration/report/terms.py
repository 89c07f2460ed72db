"""The terms that the page explains where they stand. The words are those of docs/GLOSSARY.md; a test compares them."""

# ruff: noqa: RUF001 (formulas have a minus and a times sign)

import re

from markupsafe import Markup, escape

from orchestration.report.wording import typeset

TERMS = {
    "alpha": (
        "What a fund earned beyond its beta times the other fund, per year: the intercept of a regression of session"
        " total returns, times 252, with its standard error."
    ),
    "beta": "The slope of a fund's session total returns on another fund's, over 252 sessions or the whole history.",
    "bootstrap": (
        "Drawing samples with replacement to estimate uncertainty; here the unit drawn is a calendar year or an event, with"
        " 1 000 resamples by default."
    ),
    "breadth": (
        "A label for how IWM, SPY and QQQ moved together over 63 sessions of total return: broad_advance (all above +2"
        " %), narrow_advance (SPY and QQQ above +2 %, IWM at or below 0), small_cap_led (only IWM above +2 %),"
        " broad_decline (all below −2 %), mixed (any other case)."
    ),
    "breadth episode": "A run of at least five sessions with the same breadth label other than mixed.",
    "CAGR": (
        "Compound annual growth rate: (1 + total return)^(1 / years) − 1, where years are calendar days / 365.25; for a"
        " window of one year, the total return."
    ),
    "chance band": (
        "The range that would contain 95 % of the shares of months with a gain if every calendar month were as likely to"
        " gain as the fund's months overall (binomial, two tails)."
    ),
    "channel": "The highest and the lowest ratio of the previous 126 sessions; a trend break is a close outside it.",
    "claim": "A statement of the guide that can be checked against data.",
    "cluster": (
        "An independent piece of evidence in the scorecard: spells of a label that are closer than a horizon, or in one"
        " rate cycle, are one cluster."
    ),
    "cycle phase": (
        "early, mid, late or contraction, derived from the rate regime and the IWM/SPY regime by `seeds/cycle_phases.csv`."
    ),
    "dividend yield": (
        "The last regular dividends, as many as the fund schedules in a year, divided by the last close; special"
        " dividends are reported separately."
    ),
    "drift": "The change of a sector's weight since the fund's previous snapshot; a fraction in the tables.",
    "expense ratio": "The fund's annual fee as a fraction of its assets.",
    "family": (
        "The tests that are corrected together in the scorecard: claims (the guide says what follows), exploratory (it does not)."
    ),
    "fee gap": "The expense ratio of one fund minus that of a cheaper fund of the same market segment.",
    "forward return": (
        "The total return from the close of the session after the label (`entry_sessions`) to the close h sessions later,"
        " where h is the horizon."
    ),
    "guide": "An investment guide of 2026-05-12 whose claims the project checks.",
    "hit rate": "The share of observations with a gain, or in event studies with IWM ahead of SPY.",
    "interval": (
        "A 95 % confidence interval. In the scorecard: the difference ± a number of standard errors that the circular shifts"
        " determine; it excludes zero where the p-value is at most 5 %, and only there. For the satellite and the"
        " reconstitution: percentiles of a bootstrap."
    ),
    "list update": (
        "A later publication of the preliminary lists with their changes, on each Friday before the week of the reconstitution."
    ),
    "lock-down": "The period before a reconstitution in which the lists change only to correct errors.",
    "log points": "The unit of differences of natural logarithms; 0.02 log points are about 2 %.",
    "max drawdown": "The largest fall of the total return index from an earlier high within a window; a fraction, 0 or negative.",
    "net assets": (
        "The sum of the market values of a fund's holdings in the issuer's file if it states them (iShares), otherwise Yahoo's"
        " figure, in US dollars."
    ),
    "overlap": (
        "The sum over all common securities of the smaller of their two weights; 0 means nothing in common; identical"
        " funds have 1 less the weight that is not in equities, such as cash."
    ),
    "p-value": (
        "The probability of a result at least as extreme if the label had no effect: the share of circular shifts (or"
        " shifted calendars), the actual one included, that are at least as extreme; two-sided. In the scorecard, extreme is"
        " measured by the difference over its standard error."
    ),
    "percentage point (pp)": "The unit of a difference between two percentages.",
    "percentile": "The share of the last 252 ratios, the current one included, at or below the current ratio.",
    "placebo band": "The range that contains 95 % of the placebo means.",
    "policy rate": "The federal funds target: one number until 2008-12-15, then the midpoint of the target range.",
    "preliminary list": "The first publication of the additions and deletions of a reconstitution.",
    "proxy": (
        "A series with a longer history that stands in for another: small minus large for IWM − SPY; `long_run_proxy` shows"
        " how well."
    ),
    "quarantine": "Where readable but implausible data go; they are kept and not used until later data or a person decides.",
    "rank day": "The day whose market capitalisation ranks companies for a Russell reconstitution.",
    "rate regime": (
        "hiking or cutting by the direction of the Fed's last move, or hold_after_hikes or hold_after_cuts from 182 days"
        " after it."
    ),
    "reconstitution": (
        "The regular re-selection of the members of the Russell indices: every June, and from 2026 also in December"
        " (`seeds/reconstitutions.csv`)."
    ),
    "regime": (
        "The label of a pair: risk_on when the trend gap rises above +0.02 log points, risk_off when it falls below"
        " −0.02, otherwise the previous label; NULL in the warm-up."
    ),
    "restatement": "A value that a vendor changed later; both values are kept, and the newest is used.",
    "risk-on, risk-off": (
        "The two regimes of a pair: its numerator gains on, or lags, its denominator, measured by the trend gap."
    ),
    "satellite target": "The weight of IWM that a cycle phase sets: 15 % early, 10 % mid, 5 % late or contraction.",
    "session": "A trading day of XNYS.",
    "Sharpe ratio": (
        "(Mean annual return − mean policy rate) / volatility; NULL if the policy rate is known for less than three"
        " quarters of the sessions."
    ),
    "small minus large (SMB)": (
        "The return of small companies less that of large ones, each side equally weighted in value, neutral and growth; a factor"
        " of Fama and French, not a fund."
    ),
    "snapshot": "A fund's holdings on one as-of date.",
    "special dividend": "A dividend off the fund's schedule; it is not part of the dividend yield.",
    "spell": (
        "An unbroken run of one label. In `regime_spells` and `rate_regime_spells` a session without a label neither begins nor"
        " ends one; in the scorecard it ends one."
    ),
    "stale": (
        "Older than the limit for its kind: prices, members' prices and quotes that end before the last final session,"
        " snapshots beyond `stale_after_days`, rates beyond 10 days, factors beyond 100 days; as a verdict of the claims"
        " audit, a figure that differs from the guide's by more than the tolerance."
    ),
    "stress event": "A dated market stress in `seeds/market_stress.csv`, with each fund's total return and max drawdown.",
    "total return": (
        "(close_t + dividend_t) / close_(t−1) − 1 for one session (CRSP convention, dividend on the ex-date), compounded"
        " over longer periods."
    ),
    "tracking volatility": "Standard deviation of the difference of two funds' session returns, annualised.",
    "trend break": (
        "The first close outside the channel on the side opposite to the previous close outside it: break_up or break_down."
    ),
    "trend gap": "The log ratio minus its mean over the last 200 sessions, in log points.",
    "trend mean": "The mean of the log ratio over the last 200 sessions, shown as a ratio.",
    "turnover": (
        "The share of a portfolio moved from one fund to the other: at one close (`turnover`) or per year (`turnover_a_year`)."
    ),
    "verdict": (
        "The result of a test: supported, contradicted or significant (survives the correction for all tests of its"
        " family), bounded (no effect of practical size), suggestive (a small p-value alone) or undecided (too little"
        " data); for the satellite also better or worse; in the claims audit also holds, stale and untestable."
    ),
    "volatility": "The sample standard deviation of daily total returns × √252.",
}
# How a term stands on the page where its heading in the glossary differs.
_FORMS = {
    "risk-on": "risk-on, risk-off", "risk-off": "risk-on, risk-off", "pp": "percentage point (pp)", "episode": "breadth episode",
    "small minus large": "small minus large (SMB)", "drawdown": "max drawdown",
}  # fmt: skip
_HEADINGS = {term: term for term in TERMS if not re.search(r"[,(]", term)} | _FORMS
_FOUND = re.compile(
    r"(?P<date>\b\d{4}-\d{2}(-\d{2})?\b)|\b(?P<term>"
    + "|".join(map(re.escape, sorted(_HEADINGS, key=len, reverse=True)))
    + r")(?P<many>s?)\b",
    re.IGNORECASE,
)
_BY_FORM = {form.lower(): heading for form, heading in _HEADINGS.items()}


def anchor(term: str) -> str:
    """The id of a term's definition in the glossary of the page."""
    return "term-" + re.sub(r"[^a-z]+", "-", term.lower()).strip("-")


class Explainer:
    """Escapes the text of one section; the first use of a term links to its definition, and no date is broken over two lines."""

    def __init__(self) -> None:
        self.used: set[str] = set()

    def __call__(self, text: str) -> Markup:
        """The text as safe markup."""
        return Markup(_FOUND.sub(self._marked, str(escape(typeset(text)))))  # noqa: S704 (the text is escaped before)

    def _marked(self, found: re.Match[str]) -> str:
        if found["date"]:
            return f"<time>{found['date']}</time>"
        term = _BY_FORM[found["term"].lower()]
        if term in self.used:
            return found[0]
        self.used.add(term)
        return f'<a class="term" href="#{anchor(term)}" aria-describedby="{anchor(term)}">{found[0]}</a>'

"""What is compared between releases: labels and figures by session, and dated events, each with the table it is read from."""

from dataclasses import dataclass

BREADTH, CYCLE = "'IWM, SPY, QQQ'", "'rate cycle and IWM/SPY'"
# Stands for the release's last session, for tables without a date.
LAST_SESSION = "last_session"


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A label or a figure of a table, one value per subject and session.

    `subject`, `session` and `where` are SQL; `words` begin a sentence ("Trend gap (IWM/SPY) …"). A label has no unit. Without
    history the table has only the newest value of each subject.
    """

    topic: str
    words: str
    table: str
    field: str
    subject: str
    session: str = "session"
    where: str = "true"
    unit: str | None = None
    has_history: bool = True


@dataclass(frozen=True, kw_only=True)
class Event:
    """A dated event, one row each: when it began, when it was known, and its kind. `began`, `known_on` and `kind` are SQL.

    The end of a breadth episode is not one: it is a flip of the label.
    """

    topic: str
    words: str
    table: str
    subject: str
    began: str
    known_on: str
    kind: str
    change: str
    where: str = "true"


WATCHED = (
    Watched(topic="regime", words="Regime", table="regime_daily", field="regime", subject="pair"),
    Watched(topic="regime", words="Trend gap", table="regime_daily", field="trend_gap", subject="pair", unit="log points"),
    Watched(topic="ratio", words="Price ratio", table="ratio_daily", field="ratio", subject="pair", unit="ratio"),
    Watched(topic="ratio", words="Ratio percentile", table="ratio_daily", field="percentile", subject="pair", unit="fraction"),
    Watched(topic="breadth", words="Breadth", table="breadth_daily", field="breadth", subject=BREADTH),
    Watched(
        topic="breadth", words="Return of IWM over the breadth window", table="breadth_daily", field="iwm_return",
        subject=BREADTH, unit="fraction",
    ),
    Watched(
        topic="rate_regime", words="Rate regime", table="rate_regime_daily", field="rate_regime", subject="'Fed funds target'"
    ),
    Watched(
        topic="rate_regime", words="Policy rate", table="rate_regime_daily", field="policy_rate", subject="'Fed funds target'",
        unit="fraction a year",
    ),
    Watched(topic="cycle_phase", words="Cycle phase", table="cycle_phase_daily", field="cycle_phase", subject=CYCLE),
    Watched(
        topic="satellite", words="Target weight", table="satellite_target", field="iwm_weight",
        subject="'IWM beside a core of SPY'", unit="fraction",
    ),
    Watched(topic="price", words="Close", table="price_daily", field="close", subject="fund", unit="US dollars"),
    Watched(
        topic="reconstitution", words="Stage", table="reconstitution_calendar", field="stage", subject="'Russell ' || event",
        session="counted_from", where="is_next", has_history=False,
    ),
    Watched(
        topic="sector_gap", words="Weight in IWM minus weight in SPY", table="sector_comparison", field="iwm_minus_spy",
        subject="sector", session="greatest(iwm_as_of, spy_as_of)", where="is_comparable", unit="fraction", has_history=False,
    ),
    Watched(
        topic="performance", words="Total return over one year", table="performance", field="total_return", subject="fund",
        session="end_session", where="window_name = '1y'", unit="fraction", has_history=False,
    ),
    Watched(
        topic="evidence", words="Number of surviving tests", table="evidence_summary", field="surviving", subject="family",
        session=LAST_SESSION, unit="tests", has_history=False,
    ),
    Watched(
        topic="evidence", words="Verdict", table="scorecard", field="verdict",
        subject="signal || ' ' || subject || ' ' || label || ': ' || target || ' over ' || horizon || ' sessions'",
        session=LAST_SESSION, has_history=False,
    ),
)  # fmt: skip

EVENTS = (
    Event(
        topic="trend_break", words="Trend break", table="ratio_daily", subject="pair", began="session", known_on="session",
        kind="trend_break", change="trend_break", where="trend_break is not null",
    ),
    Event(
        topic="breadth_episode", words="Breadth episode", table="breadth_episodes", subject=BREADTH, began="first_session",
        known_on="confirmed_on", kind="breadth", change="episode",
    ),
    Event(
        topic="correction", words="Correction", table="corrections", subject="'SPY'", began="peak", known_on="confirmed_on",
        kind="'confirmed on ' || confirmed_on", change="episode",
    ),
    Event(
        topic="correction_end", words="End of the correction", table="corrections", subject="'SPY'", began="peak",
        known_on="ended_on", kind="'ended on ' || ended_on", change="episode", where="ended_on is not null",
    ),
)  # fmt: skip

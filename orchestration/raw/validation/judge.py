"""Validation of documents in the order of retrieval: each is judged by the rules of its kind, against what is known before it.

A judge keeps the known values of one group (vendor, kind, symbol) in memory, so that the documents of a long history are compared
without querying the warehouse again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Protocol

import duckdb
import polars as pl

from orchestration.frames import frame_of
from orchestration.raw.validation.factors import judge_factors
from orchestration.raw.validation.fund_data import FACTS, KnownFund, judge_fund_data
from orchestration.raw.validation.holdings import KnownHoldings, judge_holdings, name_key, shares_outstanding
from orchestration.raw.validation.market_caps import judge_market_caps
from orchestration.raw.validation.members import judge_members, sample_of
from orchestration.raw.validation.prices import KnownPrices, OtherFunds, judge_prices, log_moves
from orchestration.raw.validation.quotes import KnownChain, KnownClose, judge_quotes
from orchestration.raw.validation.rates import disagreement, judge_rates
from orchestration.raw.validation.verdict import Verdict, guarded
from orchestration.settings import SEEDS_DIR
from orchestration.universe import Fund

Rows = dict[str, pl.DataFrame]
_LONG_DOCUMENT = 200


@dataclass(frozen=True)
class Candidate:
    """A parsed document to validate: its order, and its rows by raw table with `_line` and `_content`."""

    document_id: str
    symbol: str
    retrieved_at: datetime
    as_of: date | None
    rows: Rows


class Judge(Protocol):
    """Judges the documents of one kind, group by group, oldest first."""

    def begin(self, symbol: str, before: tuple[datetime, str]) -> None:
        """Load what was known of the symbol before an observation (retrieval, document id)."""

    def judge(self, document: Candidate) -> Verdict:
        """Judge the next document of the group."""

    def learn(self, document: Candidate, rows: Rows) -> None:
        """Add the used rows to what is known."""

    def suppliers(self, document: Candidate) -> set[str]:
        """The documents whose values this one contradicts."""

    def agree(self, one: Candidate, other: Candidate) -> bool:
        """Whether `other` is plausible if only `one` is known."""


def judge_for(
    kind: str,
    connection: duckdb.DuckDBPyConnection,
    batch: list[Candidate],
    universe: dict[str, Fund],
    calendar: pl.DataFrame,
    write_pending: Callable[[], None],
) -> Judge:
    """The judge of a kind; kinds without rules accept everything.

    Args:
        batch: the parsed documents of this run; empty for holdings, which are too large to keep in memory.
        calendar: session, session_no.
        write_pending: writes accepted rows that are not in the warehouse yet.
    """
    judges: dict[str, Callable[[], Judge]] = {
        "prices": lambda: _PriceJudge(connection, batch, universe, calendar),
        "rates": lambda: _RateJudge(connection, batch),
        "holdings": lambda: _HoldingsJudge(connection, universe, calendar, write_pending),
        "factors": lambda: _FactorJudge(connection, calendar, write_pending),
        "market_caps": lambda: _MarketCapJudge(connection, write_pending),
        "member_prices": lambda: _MemberJudge(connection, calendar, write_pending),
        "fund_data": lambda: _FundDataJudge(connection, universe, write_pending),
        "quotes": lambda: _QuoteJudge(connection, universe, write_pending),
        "sessions": lambda: _CalendarJudge(connection, write_pending),
    }
    return judges.get(kind, _NoRules)()


class _NoRules:
    """For kinds without rules, which the parser checks."""

    def begin(self, symbol: str, before: tuple[datetime, str]) -> None:
        """Nothing to load."""

    def judge(self, document: Candidate) -> Verdict:
        """Accept everything."""
        return Verdict(document.rows)

    def learn(self, document: Candidate, rows: Rows) -> None:
        """Nothing to keep."""

    def suppliers(self, document: Candidate) -> set[str]:
        """No document is contradicted."""
        return set()

    def agree(self, one: Candidate, other: Candidate) -> bool:
        """Nothing is compared."""
        return True


def _newest(
    connection: duckdb.DuckDBPyConnection, table: str, key: str, columns: str, where: str, *parameters: object
) -> pl.DataFrame:
    """The last known row per key, of the rows that meet the condition."""
    return frame_of(
        connection.sql(
            f"select {columns} from raw.{table} where {where}"
            f" qualify row_number() over (partition by {key} order by observed_at desc, document_id desc) = 1 order by {key}",
            params=list(parameters),
        )
    )


def _accepted_by_person(connection: duckdb.DuckDBPyConnection, kind: str, symbol: str) -> frozenset[str]:
    """The documents of a kind and symbol that a person accepted."""
    condition = "kind = ? and symbol = ? and status = 'accepted' and decided_by = 'person'"
    return frozenset(
        document_id
        for (document_id,) in connection.execute(
            f"select document_id from raw.documents where {condition}", [kind, symbol]
        ).fetchall()
    )


def _opens(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The open of each session in UTC: session, opens_at."""
    return _newest(connection, "sessions", "session", "session, opens_at", "true")


def _bars_as_shown_then(connection: duckdb.DuckDBPyConnection) -> tuple[pl.DataFrame, pl.DataFrame]:
    """symbol, session, low, high, close, volume on the split basis of the session; and the splits: symbol, ex_date, value."""
    bars = _newest(connection, "price_bars", "symbol, session", "symbol, session, low, high, close, volume, observed_at", "true")
    actions = _newest(connection, "corporate_actions", "symbol, ex_date, kind", "symbol, ex_date, value", "kind = 'split'")
    splits = actions.filter(pl.col("value") > 0)
    later = (
        bars.join(splits.join(_opens(connection), left_on="ex_date", right_on="session"), on="symbol", how="inner")
        .filter((pl.col("ex_date") > pl.col("session")) & (pl.col("opens_at") <= pl.col("observed_at")))
        .group_by("symbol", "session")
        .agg(factor=pl.col("value").product())
    )
    on_basis = bars.join(later, on=["symbol", "session"], how="left").with_columns(pl.col("factor").fill_null(1.0))
    prices, volume = pl.col("low", "high", "close") * pl.col("factor"), pl.col("volume") / pl.col("factor")
    return on_basis.with_columns(prices, volume).drop("observed_at", "factor"), splits


_BEFORE = "(observed_at, document_id) < (?::timestamp, ?::varchar)"


def _nearest(known: Iterable[date], as_of: date) -> date | None:
    """The same date or the last one before; otherwise the first one after."""
    return max((d for d in known if d <= as_of), default=None) or min((d for d in known if d > as_of), default=None)


# Prices

_VALUES = ("open", "high", "low", "close", "volume", "vendor_adj_close")
_BARS = f"session, {', '.join(_VALUES)}, observed_at, document_id"
_ACTIONS = "ex_date, kind, value"


class _PriceJudge:
    def __init__(
        self, connection: duckdb.DuckDBPyConnection, batch: list[Candidate], universe: dict[str, Fund], calendar: pl.DataFrame
    ) -> None:
        self._connection = connection
        self._calendar = calendar = calendar.join(_opens(connection), on="session", maintain_order="left")
        inceptions = {
            f.price_symbol: date.fromisoformat(f.inception) for f in universe.values() if f.price_symbol and f.inception
        }
        self._others = _other_funds(connection, batch, calendar, inceptions)
        self._known = KnownPrices(pl.DataFrame(), pl.DataFrame())

    def begin(self, symbol: str, before: tuple[datetime, str]) -> None:
        where = f"symbol = ? and {_BEFORE}"
        self._known = KnownPrices(
            _newest(self._connection, "price_bars", "session", _BARS, where, symbol, *before),
            _newest(self._connection, "corporate_actions", "ex_date, kind", _ACTIONS, where, symbol, *before),
            _accepted_by_person(self._connection, "prices", symbol),
        )

    def judge(self, document: Candidate) -> Verdict:
        return self._judge(document, self._known)

    def agree(self, one: Candidate, other: Candidate) -> bool:
        verdict = self._judge(other, _with(KnownPrices(*_NOTHING_KNOWN), one, one.rows))
        return not verdict.findings and verdict.contradicts is None

    def _judge(self, document: Candidate, known: KnownPrices) -> Verdict:
        return judge_prices(document.rows, symbol=document.symbol, known=known, others=self._others, calendar=self._calendar)

    def learn(self, document: Candidate, rows: Rows) -> None:
        self._known = _with(self._known, document, rows)

    def suppliers(self, document: Candidate) -> set[str]:
        restated = self._known.bars.join(document.rows["price_bars"].select("session", now="close"), on="session")
        return set(restated.filter((pl.col("now") / pl.col("close") - 1).abs() > 1e-3)["document_id"])


_MOVES = {"session": pl.Date(), "move": pl.Float64(), "overnight": pl.Float64(), "symbol": pl.String()}
_CLOSES = {"version": pl.String(), "symbol": pl.String(), "session": pl.Date(), "close": pl.Float64()}
_NOTHING_KNOWN = (
    pl.DataFrame(
        schema={
            "session": pl.Date,
            "open": pl.Float64,
            "high": pl.Float64,
            "low": pl.Float64,
            "close": pl.Float64,
            "volume": pl.Int64,
            "vendor_adj_close": pl.Float64,
            "observed_at": pl.Datetime("us"),
            "document_id": pl.String,
        }
    ),
    pl.DataFrame(schema={"ex_date": pl.Date, "kind": pl.String, "value": pl.Float64}),
)


def _with(known: KnownPrices, document: Candidate, rows: Rows) -> KnownPrices:
    """The known prices with a document's rows in place of those they restate; an unchanged bar keeps its observation."""
    bars = (
        rows["price_bars"]
        .join(known.bars, on=["session", *_VALUES], how="anti", nulls_equal=True)
        .select(
            "session",
            *_VALUES,
            pl.lit(document.retrieved_at, pl.Datetime("us")).alias("observed_at"),
            pl.lit(document.document_id).alias("document_id"),
        )
    )
    actions = rows["corporate_actions"].select("ex_date", "kind", "value")
    return KnownPrices(
        pl.concat([known.bars, bars]).unique("session", keep="last").sort("session"),
        pl.concat([known.actions, actions]).unique(["ex_date", "kind"], keep="last"),
        known.by_person,
    )


def _other_funds(
    connection: duckdb.DuckDBPyConnection, batch: list[Candidate], calendar: pl.DataFrame, inceptions: dict[str, date]
) -> OtherFunds:
    no_others = OtherFunds(pl.DataFrame(schema=_MOVES), pl.DataFrame(schema=_CLOSES), inceptions=inceptions)

    def is_plausible_alone(one: Candidate) -> bool:
        nothing_known = KnownPrices(*_NOTHING_KNOWN)
        alone = guarded(
            lambda: judge_prices(one.rows, symbol=one.symbol, known=nothing_known, others=no_others, calendar=calendar)
        )
        return not alone.findings

    known = _newest(connection, "price_bars", "symbol, session", "symbol, session, open, close", "true")
    # A document that is implausible on its own is not evidence about others.
    of_batch = [
        one.rows["price_bars"].select("symbol", "session", "open", "close", version=pl.lit(one.document_id))
        for one in batch
        if is_plausible_alone(one)
    ]
    newest = {str(frame["symbol"][0]): frame for frame in of_batch if frame.height}
    versions = [known.with_columns(version=pl.lit("known"))]
    versions += [f for f in of_batch if f.height >= _LONG_DOCUMENT or any(f is n for n in newest.values())]
    closes = pl.concat(versions, how="diagonal").select(*_CLOSES)
    last = pl.concat([*(f.drop("version") for f in of_batch), known]).unique(
        ["symbol", "session"], keep="last", maintain_order=True
    )
    moves = [log_moves(bars, calendar).with_columns(symbol=pl.lit(symbol)) for (symbol,), bars in last.group_by("symbol")]
    return OtherFunds(pl.concat([no_others.moves, *moves]), closes, _disputed(closes), inceptions)


def _disputed(closes: pl.DataFrame) -> frozenset[str]:
    """Symbols with two documents that differ on more than half of their common closes, after removing a constant factor."""
    disputed = set()
    for (symbol,), of_symbol in closes.group_by("symbol"):
        versions = [frame.select("session", "close") for _, frame in of_symbol.group_by("version", maintain_order=True)]
        for place, one in enumerate(versions):
            for other in versions[:place]:
                ratio = one.join(other, on="session").select((pl.col("close") / pl.col("close_right")).log().alias("r"))["r"]
                if len(ratio) >= 20 and float(((ratio - ratio.median()).abs() > 5e-4).mean() or 0) > 0.5:  # type: ignore[arg-type]
                    disputed.add(str(symbol))
    return frozenset(disputed)


# Rates


class _RateJudge:
    def __init__(self, connection: duckdb.DuckDBPyConnection, batch: list[Candidate]) -> None:
        self._connection = connection
        known = _newest(connection, "rates", "series, date", "series, date, value", "true")
        self._all = pl.concat([known, *_agreeing(batch, known)]).unique(["series", "date", "value"])
        self._known = pl.DataFrame()
        self._by_person: frozenset[str] = frozenset()

    def begin(self, symbol: str, before: tuple[datetime, str]) -> None:
        self._known = _newest(
            self._connection, "rates", "date", "date, value, document_id", f"series = ? and {_BEFORE}", symbol, *before
        )
        self._by_person = _accepted_by_person(self._connection, "rates", symbol)

    def judge(self, document: Candidate) -> Verdict:
        by_person = pl.col("document_id").is_in(list(self._by_person))
        return self._judge(document, self._known.select("date", "value", by_person=by_person))

    def agree(self, one: Candidate, other: Candidate) -> bool:
        verdict = self._judge(other, one.rows["rates"].select("date", "value", by_person=pl.lit(False)))
        return not verdict.findings and verdict.contradicts is None

    def _judge(self, document: Candidate, known: pl.DataFrame) -> Verdict:
        others = self._all.filter(pl.col("series") != document.symbol)
        return judge_rates(document.rows, series=document.symbol, retrieved_at=document.retrieved_at, known=known, others=others)

    def learn(self, document: Candidate, rows: Rows) -> None:
        new = rows["rates"].select("date", "value", pl.lit(document.document_id).alias("document_id"))
        self._known = pl.concat([self._known, new]).unique("date", keep="last").sort("date")

    def suppliers(self, document: Candidate) -> set[str]:
        changed = self._known.join(document.rows["rates"].select("date", now="value"), on="date")
        return set(changed.filter(pl.col("value") != pl.col("now"))["document_id"])


def _agreeing(batch: list[Candidate], known: pl.DataFrame) -> list[pl.DataFrame]:
    """The rates of documents that count as evidence about others: plausible on their own, after repeatedly removing the document
    that disagrees most, until the rest agree."""
    no_others = known.clear()
    nothing_known = no_others.select("date", "value", by_person=pl.lit(False))

    def is_plausible_alone(one: Candidate) -> bool:
        alone = guarded(
            lambda: judge_rates(one.rows, series=one.symbol, retrieved_at=one.retrieved_at, known=nothing_known, others=no_others)
        )
        return not alone.findings

    frames = [one.rows["rates"].select("series", "date", "value") for one in batch if is_plausible_alone(one)]
    while frames:
        everything = pl.concat([known, *frames])
        scores = [disagreement(frame, everything) for frame in frames]
        worst = max(range(len(frames)), key=lambda place: scores[place])
        if scores[worst] == (0, 0.0) or scores.count(scores[worst]) > 1:
            break  # all agree, or it is unknown which one is wrong
        del frames[worst]
    return frames


# Market capitalisations

_NO_CAPS = {"symbol": pl.String(), "market_cap": pl.Float64()}


class _MarketCapJudge:
    """Compares a document with the same session, the last one before, or else the first one after, whatever came first."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, write_pending: Callable[[], None]) -> None:
        self._connection, self._write_pending = connection, write_pending
        # Of each session its capitalisations, None while they are only in the warehouse: one session in memory is enough.
        self._known: dict[date, pl.DataFrame | None] = {}

    def begin(self, symbol: str, before: tuple[datetime, str]) -> None:
        self._write_pending()
        sessions = self._connection.execute(f"select distinct as_of from raw.market_caps where {_BEFORE}", list(before))
        self._known = dict.fromkeys(as_of for (as_of,) in sessions.fetchall())

    def judge(self, document: Candidate) -> Verdict:
        assert document.as_of is not None  # the parser requires it
        nearest = _nearest(self._known, document.as_of)
        if nearest is None:
            return judge_market_caps(document.rows, known=pl.DataFrame(schema=_NO_CAPS), days=0)
        days = (document.as_of - nearest).days
        return judge_market_caps(document.rows, known=self._caps(nearest, document), days=days)

    def _caps(self, as_of: date, document: Candidate) -> pl.DataFrame:
        """The capitalisations of a session as last known before the document."""
        caps = self._known[as_of]
        if caps is None:
            self._write_pending()
            caps = self._known[as_of] = frame_of(
                self._connection.sql(
                    f"select symbol, market_cap from raw.market_caps where as_of = ? and {_BEFORE}"
                    " qualify dense_rank() over (order by observed_at desc, document_id desc) = 1",
                    params=[as_of, document.retrieved_at, document.document_id],
                )
            )
        return caps

    def learn(self, document: Candidate, rows: Rows) -> None:
        assert document.as_of is not None
        self._known = dict.fromkeys(self._known) | {document.as_of: rows["market_caps"].select(list(_NO_CAPS))}

    def suppliers(self, document: Candidate) -> set[str]:
        return set()

    def agree(self, one: Candidate, other: Candidate) -> bool:
        assert one.as_of is not None
        assert other.as_of is not None
        caps = one.rows["market_caps"].select(list(_NO_CAPS))
        return not judge_market_caps(other.rows, known=caps, days=(other.as_of - one.as_of).days).findings


# Members' prices

_KNOWN_MEMBERS = f"""
    select symbol, session, close
    from raw.member_bars inner join (select unnest(?) as symbol, unnest(?) as since) as asked using (symbol)
    where session >= since and {_BEFORE}
    qualify row_number() over (partition by symbol, session order by observed_at desc, document_id desc) = 1
"""


class _MemberJudge(_NoRules):
    """Keeps only which symbols are known: their closes are read if a document has such a symbol."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, calendar: pl.DataFrame, write_pending: Callable[[], None]) -> None:
        self._connection, self._calendar, self._write_pending = connection, calendar, write_pending
        self._symbols: set[str] = set()
        self._funds = pl.DataFrame()

    def begin(self, symbol: str, before: tuple[datetime, str]) -> None:
        self._write_pending()
        known = self._connection.execute(f"select distinct symbol from raw.member_bars where {_BEFORE}", list(before))
        self._symbols = {str(one) for (one,) in known.fetchall()}
        self._funds = _newest(self._connection, "price_bars", "symbol, session", "symbol, session, close", "true")

    def judge(self, document: Candidate) -> Verdict:
        sample = sample_of(document.rows)
        known = self._known(document, sample)
        return judge_members(document.rows, sample=sample, known=known, funds=self._funds, calendar=self._calendar)

    def _known(self, document: Candidate, sample: pl.Series) -> pl.DataFrame:
        symbols = [symbol for symbol in sample if symbol in self._symbols]
        if not symbols:
            return pl.DataFrame(schema={"symbol": pl.String, "session": pl.Date, "close": pl.Float64})
        self._write_pending()
        bars = document.rows["member_bars"].filter(pl.col("symbol").is_in(symbols))
        # The session before a symbol's first bar, for its first move.
        before = self._calendar.select("session", since=pl.col("session").shift(1))
        first = bars.group_by("symbol").agg(pl.col("session").min()).join(before, on="session")
        since = pl.coalesce("since", "session")
        asked = first.select("symbol", since).rows()
        parameters = [*(list(column) for column in zip(*asked, strict=True)), document.retrieved_at, document.document_id]
        return frame_of(self._connection.sql(_KNOWN_MEMBERS, params=parameters))

    def learn(self, document: Candidate, rows: Rows) -> None:
        self._symbols |= set(rows["member_bars"]["symbol"].unique())

    def agree(self, one: Candidate, other: Candidate) -> bool:
        return False  # two documents need not have a symbol in common


# Factors

_FACTORS = "date, market_excess, small_minus_large, high_minus_low, risk_free"
_FUND_MOVES = """
    with known as (
        select symbol, session, close from raw.price_bars where symbol in ('SPY', 'IWM')
        qualify row_number() over (partition by symbol, session order by observed_at desc, document_id desc) = 1
    ),
    actions as (
        select symbol, ex_date, value from raw.corporate_actions where kind in ('dividend', 'capital_gain')
        qualify row_number() over (partition by symbol, ex_date, kind order by observed_at desc, document_id desc) = 1
    ),
    paid as (select symbol, ex_date, sum(value) as value from actions group by symbol, ex_date),
    moves as (
        select known.symbol, session, 100 * ((close + coalesce(value, 0)) / lag(close) over days - 1) as move
        from known left join paid on paid.symbol = known.symbol and ex_date = session
        window days as (partition by known.symbol order by session)
    )
    select session, max(move) filter (symbol = 'SPY') as spy, max(move) filter (symbol = 'IWM') as iwm
    from moves group by session order by session
"""
_BILLS = """
    with known as (
        select series, date, value from raw.rates where series in ('DGS3MO', 'DFF')
        qualify row_number() over (partition by series, date order by observed_at desc, document_id desc) = 1
    )
    select date, coalesce(max(value) filter (series = 'DGS3MO'), max(value) filter (series = 'DFF')) as rate
    from known group by date order by date
"""


class _FactorJudge:
    def __init__(self, connection: duckdb.DuckDBPyConnection, calendar: pl.DataFrame, write_pending: Callable[[], None]) -> None:
        self._connection, self._calendar, self._write_pending = connection, calendar, write_pending
        self._known = self._funds = self._bills = pl.DataFrame()

    def begin(self, symbol: str, before: tuple[datetime, str]) -> None:
        self._write_pending()
        self._known = frame_of(
            self._connection.sql(
                f"select {_FACTORS} from raw.factors where dataset = ? and {_BEFORE}"
                " qualify dense_rank() over (order by observed_at desc, document_id desc) = 1 order by date",
                params=[symbol, *before],
            )
        )
        self._funds = frame_of(self._connection.sql(_FUND_MOVES))
        self._bills = frame_of(self._connection.sql(_BILLS))

    def judge(self, document: Candidate) -> Verdict:
        return self._judge(document, self._known)

    def agree(self, one: Candidate, other: Candidate) -> bool:
        return not self._judge(other, one.rows["factors"].select(_FACTORS.split(", "))).findings

    def _judge(self, document: Candidate, known: pl.DataFrame) -> Verdict:
        return judge_factors(
            document.rows, retrieved_at=document.retrieved_at, known=known, funds=self._funds, bills=self._bills,
            calendar=self._calendar,
        )  # fmt: skip

    def learn(self, document: Candidate, rows: Rows) -> None:
        self._known = rows["factors"].select(_FACTORS.split(", "))

    def suppliers(self, document: Candidate) -> set[str]:
        return set()


# Calendar


class _CalendarJudge(_NoRules):
    """Accepts every calendar. A known session that it no longer has, such as a day of mourning, is withdrawn by a row without
    trading time: raw has only the changes of a calendar."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, write_pending: Callable[[], None]) -> None:
        self._connection, self._write_pending = connection, write_pending
        self._known = pl.DataFrame()

    def begin(self, symbol: str, before: tuple[datetime, str]) -> None:
        self._write_pending()
        columns = "session, opens_at, closes_at, is_half_day"
        self._known = _newest(self._connection, "sessions", "session", columns, _BEFORE, *before)

    def judge(self, document: Candidate) -> Verdict:
        rows = document.rows["sessions"]
        within = pl.col("session").is_between(rows["session"].min(), rows["session"].max())
        gone = self._known.filter(within).join(rows, on="session", how="anti").with_columns(closes_at="opens_at")
        return Verdict({"sessions": pl.concat([rows, gone], how="diagonal")})

    def learn(self, document: Candidate, rows: Rows) -> None:
        known = pl.concat([self._known, rows["sessions"].select(self._known.columns)])
        self._known = known.unique("session", keep="last").sort("session")


# Quotes

_CONTRACTS = f"""
    select expiration, count(*) as contracts from raw.option_quotes where fund = ? and {_BEFORE}
    group by expiration, observed_at, document_id
    qualify row_number() over (partition by expiration order by observed_at desc, document_id desc) = 1
"""


# The newest document with an expiration or a quote: one that lists no expirations has a quote only.
_CYCLES = f"""
    with documents as (
        select fund, observed_at, document_id from raw.option_expirations
        union select fund, observed_at, document_id from raw.fund_quotes
    ),
    newest as (select * from documents where fund = ? and {_BEFORE} order by observed_at desc, document_id desc limit 1)
    select expiration, cycle from raw.option_expirations semi join newest using (fund, observed_at, document_id)
"""


_INTEREST = f"""
    select session, contract, open_interest from raw.option_quotes
    where fund = ? and open_interest is not null and {_BEFORE}
    qualify dense_rank() over (order by observed_at desc, document_id desc) = 1
"""


class _QuoteJudge:
    def __init__(
        self, connection: duckdb.DuckDBPyConnection, universe: dict[str, Fund], write_pending: Callable[[], None]
    ) -> None:
        self._connection, self._universe, self._write_pending = connection, universe, write_pending
        self._bars = self._splits = pl.DataFrame()
        self._known = KnownChain()

    def begin(self, symbol: str, before: tuple[datetime, str]) -> None:
        self._write_pending()
        self._bars, self._splits = _bars_as_shown_then(self._connection)
        contracts, cycles = (
            dict(self._connection.execute(query, [symbol, *before]).fetchall()) for query in (_CONTRACTS, _CYCLES)
        )
        held = self._connection.execute(_INTEREST, [symbol, *before]).fetchall()
        interest = {contract: open_interest for _, contract, open_interest in held}
        self._known = KnownChain(cycles, contracts, interest, held[0][0] if held else None)

    def judge(self, document: Candidate) -> Verdict:
        return self._judge(document, self._known)

    def _judge(self, document: Candidate, known: KnownChain) -> Verdict:
        return judge_quotes(document.rows, known=known, close=self._close(document))

    def _close(self, document: Candidate) -> KnownClose | None:
        """The fund's last known bar on or before the document's session, on that session's split basis."""
        of_fund = pl.col("symbol") == (self._universe[document.symbol].price_symbol or "")
        bars = self._bars.filter(of_fund & (pl.col("session") <= document.as_of)).sort("session").tail(21)
        if bars.is_empty():
            return None
        session, low, high, close = bars.select("session", "low", "high", "close").row(-1)
        since = self._splits.filter(of_fund & (pl.col("ex_date") > session) & (pl.col("ex_date") <= document.as_of))
        factor = float(since["value"].product()) if since.height else 1.0
        volume = bars.select(pl.col("volume").median()).item() or 0.0
        return KnownClose(session, low / factor, high / factor, close / factor, volume * factor)

    def learn(self, document: Candidate, rows: Rows) -> None:
        self._known = self._known.with_rows(rows)

    def suppliers(self, document: Candidate) -> set[str]:
        return set()

    def agree(self, one: Candidate, other: Candidate) -> bool:
        return not self._judge(other, KnownChain().with_rows(one.rows)).findings


# Fund data

_YAHOO = "yahoo"


class _FundDataJudge:
    def __init__(
        self, connection: duckdb.DuckDBPyConnection, universe: dict[str, Fund], write_pending: Callable[[], None]
    ) -> None:
        self._connection, self._universe, self._write_pending = connection, universe, write_pending
        self._known = KnownFund()

    def begin(self, symbol: str, before: tuple[datetime, str]) -> None:
        self._write_pending()

        def newest(where: str, *parameters: object) -> pl.DataFrame:
            key, columns = "fact", ", ".join(FACTS)
            where = f"fund = ? and value_number is not null and {_BEFORE} and {where}"
            return _newest(self._connection, "fund_facts", key, columns, where, symbol, *before, *parameters)

        by_person = list(_accepted_by_person(self._connection, "fund_data", symbol))
        bars, _ = _bars_as_shown_then(self._connection)
        self._known = KnownFund(
            facts=newest(f"vendor = '{_YAHOO}'"),
            decided=newest("document_id in (select unnest(?::varchar[]))", by_person),
            issuer=_newest(
                self._connection, "fund_facts", "as_of, vendor", "as_of, value_number",
                f"fund = ? and fact = 'net_assets' and vendor <> '{_YAHOO}'", symbol,
            ),
            bars=bars.filter(pl.col("symbol") == (self._universe[symbol].price_symbol or "")).select("session", "volume"),
        )  # fmt: skip

    def judge(self, document: Candidate) -> Verdict:
        return self._judge(document, self._known)

    def _judge(self, document: Candidate, known: KnownFund) -> Verdict:
        assert document.as_of is not None
        fewest = self._universe[document.symbol].min_holdings
        return judge_fund_data(document.rows, as_of=document.as_of, fewest_lines=fewest, known=known)

    def learn(self, document: Candidate, rows: Rows) -> None:
        new = rows["fund_facts"].drop_nulls("value_number").select(list(FACTS))
        self._known = replace(self._known, facts=pl.concat([self._known.facts, new]).unique("fact", keep="last"))

    def suppliers(self, document: Candidate) -> set[str]:
        return set()

    def agree(self, one: Candidate, other: Candidate) -> bool:
        of_one = one.rows["fund_facts"].drop_nulls("value_number").select(list(FACTS))
        return not self._judge(other, replace(self._known, facts=of_one)).findings


# Holdings

_LINES = "line_no, ticker, name, sector_label, market_value, stated_weight, quantity, price, currency"
_ELSEWHERE = {
    "fund": pl.String(),
    "as_of": pl.Date(),
    "ticker_key": pl.String(),
    "name_key": pl.String(),
    "sector": pl.String(),
    "price": pl.Float64(),
    "weight": pl.Float64(),
}


@dataclass
class _Snapshot:
    as_of: date
    document_id: str
    shares: float | None
    lines: pl.DataFrame | None = None


@dataclass(frozen=True)
class _Elsewhere:
    """A fund's newest snapshot, to compare other funds with: one row per ticker (`_ELSEWHERE`)."""

    as_of: date
    lines: pl.DataFrame


@dataclass
class _HoldingsJudge:
    _connection: duckdb.DuckDBPyConnection
    _universe: dict[str, Fund]
    _calendar: pl.DataFrame
    _write_pending: Callable[[], None]
    _snapshots: dict[date, _Snapshot] = field(default_factory=dict)
    _previous: _Snapshot | None = None
    _learned: dict[str, _Elsewhere] = field(default_factory=dict)

    def begin(self, symbol: str, before: tuple[datetime, str]) -> None:
        found = self._connection.execute(
            "select known.as_of, known.document_id, facts.value_number from"
            " (select as_of, max_by(document_id, (observed_at, document_id)) as document_id from raw.holdings"
            f" where fund = ? and {_BEFORE} group by as_of) as known left join"
            " (select * from raw.fund_facts where fact = 'shares_outstanding') as facts using (document_id)",
            [symbol, *before],
        ).fetchall()
        self._snapshots = {as_of: _Snapshot(as_of, document_id, shares) for as_of, document_id, shares in found}

    def judge(self, document: Candidate) -> Verdict:
        assert document.as_of is not None
        nearest = _nearest(self._snapshots, document.as_of)
        self._previous = self._snapshots[nearest] if nearest else None
        lines = self._lines(self._previous, document) if self._previous else pl.DataFrame()
        return self._judge(document, self._previous, lines)

    def agree(self, one: Candidate, other: Candidate) -> bool:
        assert one.as_of is not None
        previous = _Snapshot(one.as_of, one.document_id, shares_outstanding(one.rows.get("fund_facts")))
        verdict = self._judge(other, previous, one.rows["holdings"])
        return not verdict.findings and verdict.contradicts is None

    def _judge(self, document: Candidate, previous: _Snapshot | None, lines: pl.DataFrame) -> Verdict:
        assert document.as_of is not None
        fund = self._universe[document.symbol]
        known = KnownHoldings(
            previous=lines,
            previous_as_of=previous.as_of if previous else None,
            previous_shares=previous.shares if previous else None,
            net_asset_values=self._closes.filter(pl.col("symbol") == (fund.price_symbol or "")).select("session", "close"),
            elsewhere=self._elsewhere,
            sessions=self._calendar["session"],
            sectors=self._sectors,
            same_era=previous is not None and self._is_one_era(document.as_of, previous.as_of),
        )
        return judge_holdings(document.rows, fund=fund.fund, as_of=document.as_of, most_lines=fund.max_holdings, known=known)

    def learn(self, document: Candidate, rows: Rows) -> None:
        assert document.as_of is not None
        for snapshot in self._snapshots.values():
            snapshot.lines = None  # one snapshot in memory is enough for a history in order
        lines = rows["holdings"]
        shares = shares_outstanding(document.rows.get("fund_facts"))
        self._snapshots[document.as_of] = _Snapshot(document.as_of, document.document_id, shares, lines)
        newest = self._learned.get(document.symbol)
        if newest is None or document.as_of >= newest.as_of:
            self._learned[document.symbol] = _Elsewhere(document.as_of, self._keyed(lines, document.symbol, document.as_of))
            self.__dict__.pop("_elsewhere", None)

    def suppliers(self, document: Candidate) -> set[str]:
        return {self._previous.document_id} if self._previous else set()

    def _lines(self, snapshot: _Snapshot, document: Candidate) -> pl.DataFrame:
        """The lines of a snapshot as last known before the document."""
        if snapshot.lines is None:
            self._write_pending()
            snapshot.lines = frame_of(
                self._connection.sql(
                    f"select {_LINES} from raw.holdings where fund = ? and as_of = ? and {_BEFORE}"
                    " qualify dense_rank() over (order by observed_at desc, document_id desc) = 1 order by line_no",
                    params=[document.symbol, snapshot.as_of, document.retrieved_at, document.document_id],
                )
            )
        return snapshot.lines

    def _is_one_era(self, one: date, other: date) -> bool:
        """Whether no change of the sector standard is between the dates."""
        return not any(min(one, other) < first <= max(one, other) for first in self._eras)

    @cached_property
    def _eras(self) -> list[date]:
        return pl.read_csv(SEEDS_DIR / "gics_eras.csv", try_parse_dates=True)["first_day"].drop_nulls().to_list()

    @cached_property
    def _closes(self) -> pl.DataFrame:
        """Closes on the split basis of their own session, as are the shares outstanding of that day."""
        return _bars_as_shown_then(self._connection)[0]

    @cached_property
    def _sectors(self) -> dict[str, str]:
        labels = pl.read_csv(SEEDS_DIR / "sector_labels.csv")
        return dict(labels.select("sector_label", "gics_sector").iter_rows())

    @cached_property
    def _of_warehouse(self) -> dict[str, _Elsewhere]:
        newest = frame_of(
            self._connection.sql(
                "select fund, as_of, ticker, name, sector_label, market_value, stated_weight, quantity from raw.holdings"
                " qualify dense_rank() over (partition by fund order by as_of desc, observed_at desc, document_id desc) = 1"
            )
        )
        return {
            str(fund): _Elsewhere(as_of, self._keyed(lines, str(fund), as_of))
            for (fund, as_of), lines in newest.group_by("fund", "as_of")
        }

    @cached_property
    def _elsewhere(self) -> pl.DataFrame:
        """The newest snapshot of each fund, from the warehouse or from a document that was just read."""
        known = self._of_warehouse
        later = {fund: one for fund, one in self._learned.items() if fund not in known or one.as_of >= known[fund].as_of}
        return pl.concat([pl.DataFrame(schema=_ELSEWHERE), *(one.lines for one in (known | later).values())])

    def _keyed(self, lines: pl.DataFrame, fund: str, as_of: date) -> pl.DataFrame:
        return (
            lines.select(
                pl.lit(fund).alias("fund"),
                pl.lit(as_of).alias("as_of"),
                pl.col("ticker").str.to_uppercase().str.replace_all(r"[ ./-]", "").alias("ticker_key"),
                name_key("name").alias("name_key"),
                pl.col("sector_label").replace_strict(self._sectors, default=None, return_dtype=pl.String).alias("sector"),
                pl.when((pl.col("quantity") > 0) & (pl.col("market_value") > 0))
                .then(pl.col("market_value") / pl.col("quantity"))
                .alias("price"),
                pl.coalesce("market_value", "stated_weight").alias("weight"),
            )
            .filter(pl.col("ticker_key").is_not_null())
            .unique("ticker_key", keep="none")
        )

"""What every vendor module gives and gets. A vendor offers `fetch` (the network, to bytes) and `parse` (bytes, to rows)."""

from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from orchestration.universe import Fund


class DocumentRejected(Exception):
    """The whole document is unusable; the message says why, in words a person can act on."""


class FetchFailed(Exception):
    """The vendor gave no usable answer; the message says what it gave instead."""


@dataclass(frozen=True)
class Fetched:
    """An answer as received."""

    content: bytes
    extension: str


@dataclass(frozen=True)
class Context:
    """What a parser may know beside the bytes."""

    symbol: str
    extension: str
    retrieved_at: datetime
    declared_as_of: date | None
    fund: Fund | None
    sessions: pl.DataFrame


@dataclass
class Parsed:
    """Rows by raw table, each with the contract's columns plus `_line` and `_content`.

    `main` is the table whose rows the ledger counts. `rejects` holds rows (line, reason, content) that never became one.
    """

    main: str
    tables: dict[str, pl.DataFrame]
    as_of: date | None = None
    rejects: list[pl.DataFrame] = field(default_factory=list)


def require_fund(context: Context) -> Fund:
    """The fund a document speaks of.

    Raises:
        DocumentRejected: the fund is not in the universe.
    """
    if context.fund is None:
        raise DocumentRejected(f"{context.symbol} is not in seeds/funds.csv: add it there, and the next run reads this document")
    return context.fund


def settle_as_of(stated: date | None, context: Context) -> date:
    """The snapshot's date: the document's own, or the one declared in the file's name where the document has none.

    Raises:
        DocumentRejected: there is no date, the two disagree, or it lies after the retrieval.
    """
    as_of = stated or context.declared_as_of
    if as_of is None:
        raise DocumentRejected("the document has no as-of date: if you know it, put asof=YYYY-MM-DD into the file's name")
    if context.declared_as_of and as_of != context.declared_as_of:
        raise DocumentRejected(f"the document speaks of {as_of}, its file name of {context.declared_as_of}")
    if as_of > context.retrieved_at.date():
        raise DocumentRejected(f"its as-of date {as_of} lies after its retrieval on {context.retrieved_at.date()}")
    return as_of


def check_holdings(rows: pl.DataFrame, fund: Fund) -> None:
    """Refuse a holdings file that is cut short or does not add up.

    Raises:
        DocumentRejected: fewer lines than the fund can have, weights that do not sum to 1 within 2 %, or a market value that
            contradicts the weight the issuer states for it.
    """
    if fund.min_holdings is not None and rows.height < fund.min_holdings:
        raise DocumentRejected(f"it has {rows.height} usable lines, and {fund.fund} cannot have fewer than {fund.min_holdings}")
    stated = float(rows["stated_weight"].sum())
    if rows["stated_weight"].is_not_null().any() and abs(stated - 1) > 0.02:
        raise DocumentRejected(f"its weights sum to {stated:.4f}, not to 1")
    valued = rows.filter(pl.col("market_value").is_not_null() & pl.col("stated_weight").is_not_null())
    if valued.is_empty():
        return
    total = float(valued["market_value"].sum())
    if total <= 0:
        raise DocumentRejected(f"its market values sum to {total:,.2f}")
    share_stated = pl.col("stated_weight") / valued["stated_weight"].sum()
    contradictions = valued.select("_line", (pl.col("market_value") / total - share_stated).abs().alias("gap")).filter(
        pl.col("gap") > LARGEST_WEIGHT_GAP
    )
    if contradictions.height:
        line, gap = contradictions.sort("gap").row(-1)
        raise DocumentRejected(
            f"market value and stated weight of line {line} differ by {gap:.2%} of the fund ({contradictions.height} such lines)"
        )


# Published weights are rounded to 0.01 % and may rest on a slightly later net asset value.
LARGEST_WEIGHT_GAP = 0.002

"""Trading: how tight the funds are quoted, how deep their options are, and what flowed into the funds."""

from orchestration.report.blocks import Cell, Chapter, Column, Manifest, Section, Table
from orchestration.report.release_tables import ReleaseTables, Row
from orchestration.report.wording import DASH, MINUS, day, dollars, fund_order, number, percent, plural

_PARTS = ("quoted_spreads", "option_depth", "fund_flows")
_SPREADS = """
select fund, count(spread_bp) as quotes, median(spread_bp) as spread_bp,
    median(case when spread_bp is not null then tick_bp end) as tick_bp
from quoted_spreads
group by fund
"""
# The newest session with totals, in which every expiration was read, else the newest one.
_DEPTH = """
select * from option_depth
where horizon = 'quarter'
qualify row_number() over (partition by fund order by contracts is null, session desc) = 1
"""
_MONTH = """
select fund, session, volatility_expiration, atm_implied_volatility, vendor_implied_volatility, skew_25_delta
from option_depth
where horizon = 'month' and atm_implied_volatility is not null
qualify row_number() over (partition by fund order by session desc) = 1
"""
_FLOWS = "select * from fund_flows where flow is not null order by fund, as_of desc"
_MOST_FLOWS = 12


def _write(tables: ReleaseTables, manifest: Manifest) -> Section:
    """Spreads, options and flows stand alone: what is missing has no table, and a note says so."""
    missing = [mart for mart in _PARTS if tables.unavailable(mart)]
    if len(missing) == len(_PARTS):
        return Section(CHAPTER.name, CHAPTER.title, unavailable=tables.unavailable(*missing))
    spreads = _by_fund(tables, "quoted_spreads", _SPREADS)
    depth, month = (_by_fund(tables, "option_depth", query) for query in (_DEPTH, _MONTH))
    least = int(manifest["parameters"]["fund_facts.least_quotes"]["value"]) if spreads else 0
    flows = [] if "fund_flows" in missing else [row for row in tables.rows(_FLOWS) if row["fund"] == "IWM"][:_MOST_FLOWS]
    tables_shown = [_table(spreads, depth, month, least)] if spreads or depth else []
    tables_shown += [_flows(flows)] if flows else []
    return Section(
        CHAPTER.name,
        CHAPTER.title,
        lead=_lead(spreads, depth, least),
        blocks=[*tables_shown],
        notes=[
            tables.unavailable(*missing) or "",
            "" if flows or "fund_flows" in missing else "No flow of IWM is known yet.",
            "A quote is a sample at one moment of a session, in regular hours; the history begins with the first run during"
            " regular hours.",
            "Implied volatility is computed for European exercise from mid prices, with the forward price of put-call parity.",
        ],
    )


def _by_fund(tables: ReleaseTables, mart: str, query: str) -> dict[str, Row]:
    return {} if tables.unavailable(mart) else {row["fund"]: row for row in tables.rows(query)}


def _lead(spreads: dict[str, Row], depth: dict[str, Row], least: int) -> str:
    quoted = sorted((row for row in spreads.values() if row["quotes"] >= least), key=lambda row: fund_order(row["fund"]))
    words = ", ".join(f"{row['fund']} {number(row['spread_bp'], 2)}" for row in quoted)
    if words:
        said = f"Median quoted spread in basis points: {words}."
    elif any(row["quotes"] for row in spreads.values()):
        said = f"No fund has {plural(least, 'quote')} in regular hours yet: spreads are unknown."
    else:
        said = "No quote has been collected in regular hours yet: spreads are unknown."
    if "IWM" not in depth:
        return said
    return f"{said} IWM's options up to a quarter ahead: {number(depth['IWM']['open_interest'])} contracts open."


def _table(spreads: dict[str, Row], depth: dict[str, Row], month: dict[str, Row], least: int) -> Table:
    funds = sorted(spreads.keys() | depth.keys(), key=fund_order)
    nothing: Row = {}
    return Table(
        caption="Quotes and options",
        columns=[
            Column("Fund", False), Column("Spread"), Column("Open interest"), Column("Volume"), Column("Expirations"),
            Column("Spread at the money"), Column("Implied volatility"), Column("Skew"), Column("Put/call"),
        ],
        rows=[
            [
                fund,
                _spread(spreads.get(fund, nothing), least),
                Cell(number(of.get("open_interest")), note=day(of["session"]) if of else ""),
                number(of.get("volume")),
                Cell(number(of.get("expirations")), note=_cycles(of)),
                percent(of.get("near_spread")),
                _volatility(near),
                percent(near.get("skew_25_delta"), signed=True),
                Cell(number(of.get("put_call_volume"), 2), note=f"open: {number(of.get('put_call_interest'), 2)}" if of else ""),
            ]
            for fund in funds
            for of, near in [(depth.get(fund, nothing), month.get(fund, nothing))]
        ],
        source="Marts quoted_spreads (medians in basis points, beside one tick; none of too few quotes) and option_depth"
        " (expirations up to a quarter ahead, in contracts; open interest is that after the session before; implied volatility"
        " (beside Yahoo's) and 25-delta skew about a month ahead, per year).",
        stacks=True,
    )  # fmt: skip


def _spread(row: Row, least: int) -> Cell:
    if not row or not row["quotes"]:
        return Cell(DASH)
    quotes = plural(row["quotes"], "quote")
    if row["quotes"] < least:
        return Cell(DASH, note=f"{quotes}, too few")
    return Cell(number(row["spread_bp"], 2), note=f"tick {number(row['tick_bp'], 2)}; {quotes}")


def _volatility(row: Row) -> Cell:
    if not row:
        return Cell(DASH)
    vendor = percent(row["vendor_implied_volatility"])
    return Cell(percent(row["atm_implied_volatility"]), note=f"to {day(row['volatility_expiration'])}; Yahoo {vendor}")


def _signed_dollars(value: float) -> str:
    return f"{MINUS if value < 0 else ''}{dollars(abs(value))}"


def _cycles(row: Row) -> str:
    if not row or not row["expirations"]:
        return ""
    return f"{row['weekly_expirations']} weekly, {row['daily_expirations']} daily"


def _flows(rows: list[Row]) -> Table:
    return Table(
        caption="Flows of IWM",
        columns=[Column("To", False), Column("From"), Column("Shares outstanding"), Column("Change"), Column("Flow")],
        rows=[
            [
                day(row["as_of"]), day(row["from_as_of"]), number(row["shares"]), number(row["shares_change"], signed=True),
                Cell(_signed_dollars(row["flow"]), note=percent(row["flow_share"], signed=True)),
            ]
            for row in rows
        ],
        source="Mart fund_flows: the change of the shares outstanding that the issuer states, at the mean of both net asset"
        " values, in US dollars and in percent of the net assets before.",
    )  # fmt: skip


CHAPTER = Chapter("trading", "Spreads, options and flows", (), _write, feeds=("quotes",))

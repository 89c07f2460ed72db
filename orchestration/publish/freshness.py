"""How old each feed is, by the run's clock: the table `freshness`, and the same rows in the manifest."""

from datetime import datetime

import duckdb
import polars as pl

from orchestration.frames import frame_of
from orchestration.market_calendar import FINAL_BAR_DELAY
from orchestration.publish.made import Column, MadeTable
from orchestration.warehouse.withholding import withheld_tables

PRICES = "prices"
FRESHNESS = MadeTable(
    "freshness",
    "One row per feed: the date of its newest data and its age at the run's clock. Prices and rates are as old as the oldest of"
    " the series that the signals need.",
    ("feed",),
    {
        "feed": Column("varchar", "prices (of the subject and its benchmarks), rates (the Fed funds target), or holdings FUND."),
        "newest": Column("date", "Session, date or snapshot date of the newest data in use; NULL if there are none.", True),
        "age_days": Column("integer", "Calendar days from newest to the run date (UTC); NULL if there are no data.", True),
        "sessions_behind": Column("integer", "Sessions with a final close after newest; NULL if there are no data.", True),
        "is_stale": Column("boolean", "Whether the age is beyond the limit, or there are no data."),
        "limit_text": Column("varchar", "The limit in words: the largest age that is not stale."),
    },
)  # fmt: skip

# The newest date by name, of each table that is read; nothing is known of a table that is withheld.
_NEWEST = {
    "stg_price_bars": "select symbol as name, max(session) as newest from staging.stg_price_bars group by symbol",
    "stg_rates": "select series as name, max(date) as newest from staging.stg_rates group by series",
    "stg_holdings": "select fund as name, max(as_of) as newest from staging.stg_holdings group by fund",
}
_NOTHING = "select null::varchar as name, null::date as newest where false"
_FRESHNESS = """
with final_sessions as (select distinct session from raw.sessions where closes_at <= $final),
feeds as (
    select 'prices' as feed, null::integer as limit_days, case when count(*) = count(newest) then min(newest) end as newest
    from seeds.funds as funds
    left join stg_price_bars on funds.price_symbol = stg_price_bars.name
    where funds.role in ('subject', 'benchmark')
    union all
    select
        'rates',
        (select value::integer from seeds.signal_parameters where signal = 'data_quality' and parameter = 'rate_days'),
        case when count(*) = count(newest) then min(newest) end
    from (values ('DFEDTARU'), ('DFEDTARL')) as wanted (name)
    left join stg_rates using (name)
    union all
    select 'holdings ' || funds.fund, funds.stale_after_days::integer, newest
    from seeds.funds as funds
    left join stg_holdings on funds.fund = stg_holdings.name
    where funds.holdings_vendor is not null
),
aged as (
    select feed, limit_days, newest, ($today::date - newest)::integer as age_days,
        case when newest is not null then (select count(*) from final_sessions where session > newest)::integer end
            as sessions_behind
    from feeds
)
select feed, newest, age_days, sessions_behind,
    coalesce(case when limit_days is null then sessions_behind > 0 else age_days > limit_days end, true) as is_stale,
    case when limit_days is null then 'the last completed session' else limit_days || ' days' end as limit_text
from aged
order by feed
"""


def freshness(connection: duckdb.DuckDBPyConnection, clock: datetime) -> pl.DataFrame:
    """The rows of the table.

    Args:
        connection: to a built warehouse.
        clock: the run's clock (UTC).
    """
    withheld = withheld_tables(connection)
    newest = ", ".join(f"{table} as ({_NOTHING if table in withheld else query})" for table, query in _NEWEST.items())
    query = _FRESHNESS.replace("with final_sessions", f"with {newest}, final_sessions", 1)
    final = (clock - FINAL_BAR_DELAY).replace(tzinfo=None)
    return frame_of(connection.sql(query, params={"final": final, "today": clock.date()}))


def sessions_behind(rows: pl.DataFrame) -> int | None:
    """Sessions that the prices are behind the run's clock; None without prices."""
    found: int | None = rows.filter(pl.col("feed") == PRICES)["sessions_behind"].item()
    return found

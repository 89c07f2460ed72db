{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['data_quality']}) }}
{% set p = signal_parameters('data_quality', ['rate_days', 'factor_days', 'least_coverage']) -%}
-- Every finding of every check, one row each: table, symbol and date. The date is NULL where a document has none. Ages are
-- measured against the run's clock and the calendar: the latest data alone cannot show that everything is old.
with newest_bars as (
    select
        fund,
        max(session) as session
    from {{ ref('int_daily_returns') }}
    group by fund
),

newest_member_bars as (
    select max(session) as session from {{ ref('stg_member_observations') }}
),

newest_snapshots as (
    select
        fund,
        max(as_of) as as_of
    from {{ ref('sector_coverage') }}
    group by fund
),

newest_rates as (
    select
        series,
        max(date) as date
    from {{ ref('stg_rates') }}
    where series in ('DFEDTARU', 'DFEDTARL')
    group by series
),

newest_factors as (
    select max(session) as session from {{ ref('stg_factors') }}
)

select 'raw.price_bars' as table_name, 'missing_session' as check_name, fund as symbol, session as found_on
from {{ ref('int_missing_sessions') }}
union all
select 'raw.price_bars', 'provisional_bar', symbol, session
from {{ ref('int_provisional_bars') }}
union all
select 'raw.price_bars', 'restated_' || replace(cause, ' ', '_'), symbol, session
from {{ ref('int_price_restatements') }}
union all
-- One finding per completed session without a price.
select 'raw.price_bars', 'stale_prices', newest_bars.fund, sessions.session
from newest_bars
cross join {{ ref('int_clock') }} as clock
inner join {{ ref('stg_sessions') }} as sessions
    on newest_bars.session < sessions.session and clock.session >= sessions.session
union all
select 'raw.member_bars', 'stale_member_prices', 'US', sessions.session
from newest_member_bars
cross join {{ ref('int_clock') }} as clock
inner join {{ ref('stg_sessions') }} as sessions
    on newest_member_bars.session < sessions.session and clock.session >= sessions.session
union all
select 'raw.holdings', 'stale_snapshot', newest_snapshots.fund, newest_snapshots.as_of
from newest_snapshots
inner join {{ ref('funds') }} as funds on newest_snapshots.fund = funds.fund
cross join {{ ref('int_clock') }} as clock
where {{ days_between('newest_snapshots.as_of', 'clock.clock_date') }} > funds.stale_after_days
union all
select 'raw.rates', 'stale_rate', newest_rates.series, newest_rates.date
from newest_rates
cross join {{ ref('int_clock') }} as clock
where {{ days_between('newest_rates.date', 'clock.clock_date') }} > {{ p.rate_days | int }}
union all
select 'raw.factors', 'stale_factors', 'daily', newest_factors.session
from newest_factors
cross join {{ ref('int_clock') }} as clock
where {{ days_between('newest_factors.session', 'clock.clock_date') }} > {{ p.factor_days | int }}
union all
select 'marts.sector_coverage', 'unknown_sectors', coverage.fund, coverage.as_of
from {{ ref('sector_coverage') }} as coverage
inner join newest_snapshots on coverage.fund = newest_snapshots.fund and coverage.as_of = newest_snapshots.as_of
where coalesce(coverage.coverage, 0) < {{ p.least_coverage }}
union all
select 'raw.documents', 'rejected_document_' || kind, symbol, cast(retrieved_at as date)
from {{ ref('stg_documents') }}
where status = 'rejected'
union all
select 'raw.documents', 'quarantined_document_' || kind, symbol, cast(retrieved_at as date)
from {{ ref('stg_documents') }}
where status = 'quarantined'
union all
select
    'raw.rejects',
    coalesce(rejects.outcome, 'rejected') || '_row_' || documents.kind,
    documents.symbol,
    coalesce(documents.as_of, cast(documents.retrieved_at as date))
from {{ ref('stg_rejects') }} as rejects
inner join {{ ref('stg_documents') }} as documents on rejects.document_id = documents.document_id
where documents.status not in ('rejected', 'quarantined')

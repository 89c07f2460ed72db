{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['data_quality']}) }}
{% set p = signal_parameters('data_quality', ['rate_days', 'factor_days']) -%}
-- How old the newest data of each series are: against the run's clock and the calendar, because the latest data alone cannot show
-- that everything is old. Without a limit in days, every completed session must be there. Members' prices and quotes are fetched only
-- if a person asks for them: without any there is no row.
with expected as (
    select
        'prices' as kind,
        'raw.price_bars' as table_name,
        'stale_prices' as check_name,
        fund as symbol,
        price_symbol as series,
        cast(null as integer) as limit_days,
        role in ('subject', 'benchmark') as is_needed
    from {{ ref('funds') }}
    where price_symbol is not null
    union all
    select 'rates', 'raw.rates', 'stale_rate', 'DFEDTARU', 'DFEDTARU', {{ p.rate_days | int }}, true
    union all
    select 'rates', 'raw.rates', 'stale_rate', 'DFEDTARL', 'DFEDTARL', {{ p.rate_days | int }}, true
    union all
    select 'factors', 'raw.factors', 'stale_factors', 'daily', 'daily', {{ p.factor_days | int }}, true
    union all
    select 'holdings', 'raw.holdings', 'stale_snapshot', fund, fund, cast(stale_after_days as integer), true
    from {{ ref('funds') }}
    where holdings_vendor is not null
),

newest_data as (
    select
        'prices' as kind,
        symbol as series,
        max(session) as newest
    from {{ ref('stg_price_bars') }}
    group by symbol
    union all
    select 'rates', series, max(date)
    from {{ ref('stg_rates') }}
    group by series
    union all
    select 'factors', 'daily', max(session)
    from {{ ref('stg_factors') }}
    union all
    select 'holdings', fund, max(as_of)
    from {{ ref('stg_holdings') }}
    group by fund
),

-- Funds are asked in one round: the one that has been silent for longest is as old as the quotes are.
newest_quotes as (
    select quotes.fund, max(quotes.session) as session
    from {{ ref('stg_fund_quotes') }} as quotes
    inner join {{ ref('funds') }} as funds on quotes.fund = funds.fund
    where funds.role in ('subject', 'benchmark')
    group by quotes.fund
),

series as (
    select
        expected.kind,
        expected.table_name,
        expected.check_name,
        expected.symbol,
        newest_data.newest,
        expected.limit_days,
        expected.is_needed
    from expected
    left join newest_data on expected.kind = newest_data.kind and expected.series = newest_data.series
    union all
    select 'member prices', 'raw.member_bars', 'stale_member_prices', 'US', max(session), cast(null as integer), true
    from {{ ref('stg_member_observations') }}
    having count(*) > 0
    union all
    select 'quotes', 'raw.fund_quotes', 'stale_quotes', 'US', min(session), cast(null as integer), true
    from newest_quotes
    having count(*) > 0
),

missed as (
    select
        series.kind,
        series.symbol,
        count(*) as sessions
    from series
    cross join {{ ref('int_clock') }} as clock
    inner join {{ ref('stg_sessions') }} as sessions on series.newest < sessions.session and clock.session >= sessions.session
    group by series.kind, series.symbol
),

aged as (
    select
        series.*,
        {{ days_between('series.newest', 'clock.clock_date') }} as age_days,
        case when series.newest is not null then coalesce(missed.sessions, 0) end as sessions_behind
    from series
    cross join {{ ref('int_clock') }} as clock
    left join missed on series.kind = missed.kind and series.symbol = missed.symbol
)

select
    kind,
    table_name,
    check_name,
    symbol,
    newest,
    limit_days,
    is_needed,
    age_days,
    sessions_behind,
    case
        when newest is null then true
        when limit_days is null then sessions_behind > 0
        else age_days > limit_days
    end as is_stale
from aged

{{ config(
    schema='intermediate', access='private', contract={'enforced': false},
    meta={'signals': ['guide_claims', 'cycle_phase', 'core_satellite', 'performance']}
) }}
{% set p = signal_parameters('guide_claims', ['low_yield']) -%}
{% set cycle = signal_parameters('cycle_phase', ['low_rate']) -%}
{% set bootstrap = signal_parameters('core_satellite', ['resamples', 'coverage']) -%}
{% set year = signal_parameters('performance', ['sessions_a_year']) -%}
-- How far QQQ leads IWM and SPY while rates are low, with its uncertainty: calendar years are resampled whole, as for the
-- portfolios (int_core_satellite_gaps).
with common_sessions as (
    select session
    from {{ ref('int_daily_returns') }}
    where fund in ('IWM', 'SPY', 'QQQ') and total_return is not null
    group by session
    having count(*) = 3 and min(sessions_spanned) = max(sessions_spanned)
),

-- A rate known at one close earns the return of the next session.
known_rates as (
    select
        'policy rate' as rate,
        session,
        lag(policy_rate) over (order by session) as value,
        cast({{ cycle.low_rate }} as double) as low
    from {{ ref('policy_rate_daily') }}
    union all
    select
        'yield',
        sessions.session,
        yields.value,
        cast({{ p.low_yield }} as double)
    from {{ ref('stg_sessions') }} as sessions
    inner join {{ ref('stg_sessions') }} as previous on sessions.session_no = previous.session_no + 1
    inner join {{ ref('macro_daily') }} as yields on previous.session = yields.date and yields.series = 'DGS10'
),

daily as (
    select
        known_rates.rate,
        known_rates.session,
        returns.fund,
        ln(1 + returns.total_return) as log_return
    from known_rates
    inner join common_sessions on known_rates.session = common_sessions.session
    inner join {{ ref('int_daily_returns') }} as returns
        on known_rates.session = returns.session and returns.fund in ('IWM', 'SPY', 'QQQ')
    where known_rates.value <= known_rates.low
),

years as (
    select
        daily.rate || ' ' || daily.fund as comparison,
        daily.rate,
        daily.fund,
        extract(year from daily.session) as year,
        count(*) as sessions,
        sum(qqq.log_return - daily.log_return) as log_gap,
        cast(count(*) as double) / {{ year.sessions_a_year }} as length
    from daily
    inner join daily as qqq on daily.rate = qqq.rate and daily.session = qqq.session and qqq.fund = 'QQQ'
    where daily.fund <> 'QQQ'
    group by daily.rate, daily.fund, extract(year from daily.session)
),

intervals as (
    {{ bootstrap_of_mean('years', 'comparison', 'year', 'log_gap', 'length', bootstrap.resamples, bootstrap.coverage) }}
),

gaps as (
    select
        comparison,
        rate,
        fund,
        sum(sessions) as sessions,
        count(*) as years,
        sum(log_gap) / nullif(sum(length), 0) as log_gap_a_year
    from years
    group by comparison, rate, fund
),

-- QQQ leads both if it leads the one that it leads less: the fund with the higher return, whose gap and interval are shown.
turns as (
    select
        *,
        row_number() over (partition by rate order by log_gap_a_year, fund) as turn
    from gaps
)

select
    turns.rate,
    turns.fund,
    cast(turns.sessions as integer) as sessions,
    cast(turns.years as integer) as years,
    exp(turns.log_gap_a_year) - 1 as gap_a_year,
    exp(intervals.interval_low) - 1 as interval_low,
    exp(intervals.interval_high) - 1 as interval_high
from turns
inner join intervals on turns.comparison = intervals.comparison
where turns.turn = 1

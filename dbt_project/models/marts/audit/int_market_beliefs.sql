{{ config(
    schema='intermediate', access='private', contract={'enforced': false},
    meta={'signals': ['guide_claims', 'cycle_phase', 'performance', 'scorecard']}
) }}
{% set p = signal_parameters('guide_claims', ['significance', 'low_yield']) -%}
{% set cycle = signal_parameters('cycle_phase', ['low_rate']) -%}
{% set evidence = signal_parameters('scorecard', ['practical_a_year']) -%}
{% set year = signal_parameters('performance', ['sessions_a_year']) -%}
-- Claims of the guide about markets, rates, events and the satellite, each against the mart that tests it.
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

at_low_rates as (
    select
        known_rates.rate,
        returns.fund,
        count(*) as sessions,
        exp(sum(ln(1 + returns.total_return)) * {{ year.sessions_a_year }} / count(*)) - 1 as annual_return
    from known_rates
    inner join common_sessions on known_rates.session = common_sessions.session
    inner join {{ ref('int_daily_returns') }} as returns
        on known_rates.session = returns.session and returns.fund in ('IWM', 'SPY', 'QQQ')
    where known_rates.value <= known_rates.low
    group by known_rates.rate, returns.fund
),

low_rates as (
    select
        rate,
        max(case when fund = 'QQQ' then annual_return end) as qqq_return,
        max(case when fund <> 'QQQ' then annual_return end) as best_other_return,
        max(sessions) as sessions
    from at_low_rates
    group by rate
),

last_session as (
    select max(session) as session from {{ ref('int_daily_returns') }}
),

regional_banks as (
    select
        max(case when fund = 'IWM' then total_return end) as iwm_return,
        max(case when fund = 'SPY' then total_return end) as spy_return,
        max(end_session) as end_session
    from {{ ref('market_events') }}
    where event = 'regional_banks_2023' and fund in ('IWM', 'SPY')
),

events_this_year as (
    select
        count(*) as events,
        max(last_session.session) as session
    from {{ ref('reconstitution_calendar') }} as calendar
    inner join last_session on extract(year from calendar.effective) = extract(year from last_session.session)
),

decades as (
    select
        avg(case when iwm_return > spy_return then 1.0e0 else 0.0e0 end) as share,
        count(*) as windows,
        max(last_session) as as_of
    from {{ ref('int_rolling_decades') }}
),

volatilities as (
    select
        max(case when fund = 'IWM' then volatility end) as iwm_volatility,
        max(case when fund = 'SPY' then volatility end) as spy_volatility,
        max(end_session) as as_of
    from {{ ref('performance') }}
    where window_name = '10y' and fund in ('IWM', 'SPY')
)

select
    case low_rates.rate when 'yield' then 'qqq_leads_at_low_yields' else 'qqq_leads_at_low_rates' end as claim,
    low_rates.qqq_return - low_rates.best_other_return as measured,
    'fraction a year' as unit,
    'annual return of QQQ minus the better of IWM and SPY over ' || {{ counted('low_rates.sessions', 'session') }}
    || case low_rates.rate
        when 'yield' then ' with the 10-year Treasury yield at or below ' || {{ percent(p.low_yield, 0) }}
        else ' with the policy rate at or below ' || {{ percent(cycle.low_rate, 0) }}
    end as reason,
    case when low_rates.qqq_return > low_rates.best_other_return then 'holds' else 'contradicted' end as verdict,
    last_session.session as as_of,
    case low_rates.rate when 'yield' then 'macro_daily' else 'policy_rate_daily' end as read_from
from low_rates
cross join last_session
where low_rates.qqq_return is not null
union all
select 'regional_banks_hit_iwm', iwm_return - spy_return, 'fraction',
    'total return: IWM ' || {{ signed_percent('iwm_return') }} || ', SPY ' || {{ signed_percent('spy_return') }},
    case when iwm_return < spy_return then 'holds' else 'contradicted' end, end_session, 'market_events'
from regional_banks
where iwm_return is not null and spy_return is not null
union all
select 'buying_before_reconstitution', summary.mean_gap, 'fraction',
    'mean of ' || {{ text('summary.events') }} || ' events; median ' || {{ signed_percent('summary.median_gap', 2) }} || ', p '
    || {{ p_value_text('summary.p_value') }},
    case
        when summary.p_value <= {{ p.significance }} and summary.interval_low > 0 then 'holds'
        when summary.p_value <= {{ p.significance }} and summary.interval_high < 0 then 'contradicted'
        else 'undecided'
    end, last_session.session, 'reconstitution_summary'
from {{ ref('reconstitution_summary') }} as summary
cross join last_session
where summary.window_name = 'list_to_effective'
union all
select 'reconstitution_every_june', events, 'events a year', 'reconstitutions in the calendar year of the latest session',
    case when events = 1 then 'holds' else 'stale' end, session, 'reconstitution_calendar'
from events_this_year
where events > 0
union all
select 'small_caps_win_long_periods', share, 'fraction',
    'share of ' || {{ text('windows') }}
    || ' ten-year windows, one per month end, in which IWM outperformed SPY',
    case when share > 0.5e0 then 'holds' else 'contradicted' end, as_of, 'performance'
from decades
where windows > 0
union all
select 'small_caps_are_volatile', iwm_volatility - spy_volatility, 'fraction a year',
    'volatility over ten years: IWM ' || {{ percent('iwm_volatility') }} || ', SPY ' || {{ percent('spy_volatility') }},
    case when iwm_volatility > spy_volatility then 'holds' else 'contradicted' end, as_of, 'performance'
from volatilities
where iwm_volatility is not null and spy_volatility is not null
union all
select 'timed_satellite_pays', gap_to_static, 'fraction a year',
    'annual gap to the static satellite; bootstrap interval '
    || {{ signed_percent('gap_low', 2) }} || ' to ' || {{ signed_percent('gap_high', 2) }},
    case
        when gap_low > 0 then 'holds'
        when gap_high < 0 then 'contradicted'
        when gap_low > -{{ evidence.practical_a_year }} and gap_high < {{ evidence.practical_a_year }} then 'bounded'
        else 'undecided'
    end, last_session, 'core_satellite_summary'
from {{ ref('core_satellite_summary') }}
where strategy = 'timed'

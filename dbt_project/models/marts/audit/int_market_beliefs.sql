{{ config(
    schema='intermediate', access='private', contract={'enforced': false},
    meta={'signals': ['guide_claims', 'cycle_phase', 'scorecard']}
) }}
{% set p = signal_parameters('guide_claims', ['significance', 'low_yield', 'least_years', 'decade_months']) -%}
{% set cycle = signal_parameters('cycle_phase', ['low_rate']) -%}
{% set evidence = signal_parameters('scorecard', ['practical_a_year']) -%}
-- Claims of the guide about markets, rates, events and the satellite, each against the mart that tests it. A claim about what
-- happens in general needs an interval that excludes zero; one about what happened needs the figure alone.
with last_session as (
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
        {{ days_between('min(first_session)', 'max(last_session)') }} / 365.25e0 / ({{ p.decade_months }} / 12) as apart,
        max(last_session) as as_of
    from {{ ref('int_rolling_decades') }}
),

-- Windows that overlap are worth as many as fit side by side: the 95 % interval of a share of so many independent ones, around
-- one half, in which small caps neither win nor lose.
counted_decades as (
    select
        *,
        greatest(share - 1.96e0 * sqrt(0.25e0 / apart), 0.0e0) as interval_low,
        least(share + 1.96e0 * sqrt(0.25e0 / apart), 1.0e0) as interval_high
    from decades
    where windows > 0
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
    case gaps.rate when 'yield' then 'qqq_leads_at_low_yields' else 'qqq_leads_at_low_rates' end as claim,
    gaps.gap_a_year as measured,
    'fraction a year' as unit,
    'annual growth of QQQ relative to ' || gaps.fund || ', the better of IWM and SPY, over ' || {{ counted('gaps.sessions', 'session') }}
    || case gaps.rate
        when 'yield' then ' with the 10-year Treasury yield at or below ' || {{ percent(p.low_yield, 0) }}
        else ' with the policy rate at or below ' || {{ percent(cycle.low_rate, 0) }}
    end
    || case
        when gaps.years < {{ p.least_years | int }}
            then '; in ' || {{ counted('gaps.years', 'calendar year') }} || ', fewer than {{ p.least_years | int }}'
        else '; bootstrap interval ' || {{ signed_percent('gaps.interval_low', 2) }} || ' to '
            || {{ signed_percent('gaps.interval_high', 2) }}
    end as reason,
    case
        when gaps.years < {{ p.least_years | int }} then 'undecided'
        when gaps.interval_low > 0 then 'holds'
        when gaps.interval_high < 0 then 'contradicted'
        else 'undecided'
    end as verdict,
    last_session.session as as_of,
    case gaps.rate when 'yield' then 'macro_daily' else 'policy_rate_daily' end as read_from
from {{ ref('int_low_rate_gaps') }} as gaps
cross join last_session
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
    || ' ten-year windows, one per month end, in which IWM outperformed SPY; they overlap, and '
    || {{ number_text('apart', 1) }} || ' fit side by side: 95 % interval ' || {{ percent('interval_low', 0) }} || ' to '
    || {{ percent('interval_high', 0) }},
    case
        when interval_low > 0.5e0 then 'holds'
        when interval_high < 0.5e0 then 'contradicted'
        else 'undecided'
    end, as_of, 'performance'
from counted_decades
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

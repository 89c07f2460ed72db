{{ config(schema='intermediate', contract={'enforced': false}, meta={'signals': ['clock', 'rate_regime']}) }}
{% set p = signal_parameters('clock', ['stale_sessions']) -%}
{% set rates = signal_parameters('rate_regime', ['hold_days']) -%}
-- Labels that depend on the calendar change without any new price: the last one is current while its data reach the run's clock,
-- and expires once the days since the last move alone would have changed it.
with rate_regime as (
    select
        daily.session,
        daily.rate_regime,
        daily.days_since_move,
        cast({{ dbt.dateadd('day', rates.hold_days | int, 'daily.last_move_date') }} as date) as holds_from
    from {{ ref('rate_regime_daily') }} as daily
    inner join (select max(session) as session from {{ ref('rate_regime_daily') }}) as newest on daily.session = newest.session
),

phase as (
    select
        daily.session,
        daily.cycle_phase
    from {{ ref('cycle_phase_daily') }} as daily
    inner join (select max(session) as session from {{ ref('cycle_phase_daily') }}) as newest on daily.session = newest.session
),

ends as (
    select
        (select max(date) from {{ ref('int_policy_rate') }}) as rates_end,
        (select max(session) from {{ ref('regime_daily') }} where pair = 'IWM/SPY' and regime is not null) as prices_end
),

labels as (
    select 'rate_regime' as topic, session, rate_regime as label from rate_regime
    union all
    select 'cycle_phase', session, cycle_phase from phase
    union all
    select 'satellite', session, cycle_phase from phase
),

aged as (
    select
        labels.topic,
        labels.session,
        labels.label,
        clock.clock_date,
        clock.session_no - sessions.session_no as sessions_behind,
        rate_regime.days_since_move < {{ rates.hold_days | int }} and rate_regime.holds_from <= clock.clock_date as is_overtaken,
        rate_regime.holds_from,
        case
            when labels.topic = 'rate_regime' or ends.rates_end <= ends.prices_end then 'rates end on ' || {{ text('ends.rates_end') }}
            else 'prices end on ' || {{ text('ends.prices_end') }}
        end as end_in_words,
        'rates end on ' || {{ text('ends.rates_end') }} as rates_end_in_words
    from labels
    inner join {{ ref('stg_sessions') }} as sessions on labels.session = sessions.session
    cross join {{ ref('int_clock') }} as clock
    cross join rate_regime
    cross join ends
)

select
    topic,
    session,
    sessions_behind,
    sessions_behind <= {{ p.stale_sessions | int }} and not is_overtaken as is_current,
    case
        when is_overtaken or sessions_behind > {{ p.stale_sessions | int }}
            then case when is_overtaken then rates_end_in_words else end_in_words end
                || '; the last label, ' || label || ', is ' || {{ counted('sessions_behind', 'session') }}
                || ' behind the run date (' || {{ text('clock_date') }} || ')'
                || case
                    when is_overtaken
                        then '; without a newer move the rate regime is a hold from ' || {{ text('holds_from') }}
                    else ''
                end
    end as note
from aged

{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Every label of every signal on the sessions on which it is known, and its spell. Trend breaks, divergences and thrusts are events: the
-- sessions between them have no label. A spell here is unbroken in sessions too: a missing close ends it.
with rates as (
    select
        session,
        rate_regime,
        case when last_move > 0 and lag(last_move) over (order by session) < 0 then 1 else 0 end as is_first_hike
    from {{ ref('rate_regime_daily') }}
),

-- A rate cycle runs from the first hike after cuts to the next one: the spells of a label within it are one piece of evidence.
rate_cycles as (
    select
        session,
        rate_regime,
        cast(sum(is_first_hike) over (order by session rows between unbounded preceding and current row) as integer) as cycle_no
    from rates
),

signals as (
    select 'regime' as signal, pair as subject, session, regime as label, cast(null as integer) as cycle_no
    from {{ ref('regime_daily') }}
    where regime is not null
    union all
    select 'trend_break', pair, session, trend_break, null from {{ ref('ratio_daily') }} where channel_high is not null
    union all
    select 'breadth', 'IWM, SPY, QQQ', session, breadth, null from {{ ref('breadth_daily') }} where breadth is not null
    union all
    select 'rate_regime', 'Fed funds target', session, rate_regime, cycle_no from rate_cycles
    union all
    select 'cycle_phase', 'rate cycle and IWM/SPY', phases.session, phases.cycle_phase, rate_cycles.cycle_no
    from {{ ref('cycle_phase_daily') }} as phases
    inner join rate_cycles on phases.session = rate_cycles.session
    union all
    select 'member_breadth', universe, session, member_breadth, null
    from {{ ref('constituent_breadth') }}
    where member_breadth is not null
    union all
    select 'member_divergence', universe, session, case when is_divergence then 'divergence' end, null
    from {{ ref('constituent_breadth') }}
    where is_divergence is not null
    union all
    select 'member_thrust', universe, session, case when is_thrust then 'thrust' end, null
    from {{ ref('constituent_breadth') }}
    where is_thrust is not null
),

-- Only sessions with trading enter the track record.
traded as (
    select distinct
        session,
        session_no
    from {{ ref('int_daily_returns') }}
    where fund in ('IWM', 'SPY', 'QQQ')
),

numbered as (
    select
        signals.signal,
        signals.subject,
        signals.session,
        traded.session_no,
        signals.label,
        signals.cycle_no,
        lag(signals.label) over signal_sessions as label_before,
        lag(traded.session_no) over signal_sessions as session_no_before
    from signals
    inner join traded on signals.session = traded.session
    window signal_sessions as (partition by signals.signal, signals.subject order by signals.session)
)

select
    signal,
    subject,
    session,
    session_no,
    label,
    cycle_no,
    cast(sum(case
        when session_no = session_no_before + 1 and label is not distinct from label_before then 0
        else 1
    end) over (
        partition by signal, subject order by session rows between unbounded preceding and current row
    ) as bigint) as spell_no
from numbered

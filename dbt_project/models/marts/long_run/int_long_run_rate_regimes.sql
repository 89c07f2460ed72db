{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['rate_regime']}) }}
{% set p = signal_parameters('rate_regime', ['hold_days']) -%}
-- The rule of rate_regime_daily on the calendar of the factors. A session without a known rate has no label.
with sessions as (
    select
        session,
        session_no,
        lag(session) over (order by session) as previous_session
    from {{ ref('int_long_run_sessions') }}
),

booked as (
    select
        sessions.session,
        max(moves.effective_from) as effective_from
    from sessions
    inner join {{ ref('int_long_run_rate_moves') }} as moves
        on moves.effective_from > sessions.previous_session and moves.effective_from <= sessions.session
    group by sessions.session
),

numbered as (
    select
        sessions.session,
        sessions.session_no,
        moves.move,
        moves.effective_from,
        count(moves.move) over (order by sessions.session_no rows between unbounded preceding and current row) as move_no
    from sessions
    left join booked on sessions.session = booked.session
    left join {{ ref('int_long_run_rate_moves') }} as moves on booked.effective_from = moves.effective_from
),

since_move as (
    select
        session,
        session_no,
        max(move) over (partition by move_no) as last_move,
        max(effective_from) over (partition by move_no) as last_move_date
    from numbered
    where move_no > 0
),

known_days as (
    select distinct date
    from {{ ref('stg_rates') }}
    where series in ('DFF', 'DFEDTAR', 'DFEDTARU') and value is not null
),

aged as (
    select
        since_move.*,
        {{ days_between('since_move.last_move_date', 'since_move.session') }} as days_since
    from since_move
    inner join known_days on since_move.session = known_days.date
)

select
    session,
    session_no,
    case
        when last_move > 0 and days_since < {{ p.hold_days | int }} then 'hiking'
        when last_move > 0 then 'hold_after_hikes'
        when days_since < {{ p.hold_days | int }} then 'cutting'
        else 'hold_after_cuts'
    end as rate_regime,
    cast(days_since as integer) as days_since
from aged

{{ config(meta={'signals': ['rate_regime']}) }}
{% set p = signal_parameters('rate_regime', ['hold_days']) -%}
with numbered as (
    select
        session,
        policy_rate,
        move,
        move_date,
        count(move) over (order by session rows between unbounded preceding and current row) as move_no
    from {{ ref('policy_rate_daily') }}
),

-- Only moves already made count: each session knows the last move and nothing of the next.
since_move as (
    select
        session,
        policy_rate,
        max(move) over (partition by move_no) as last_move,
        max(move_date) over (partition by move_no) as last_move_date
    from numbered
    where move_no > 0
),

aged as (
    select
        *,
        {{ days_between('last_move_date', 'session') }} as days_since_move
    from since_move
)

select
    session,
    case
        when last_move > 0 and days_since_move < {{ p.hold_days | int }} then 'hiking'
        when last_move > 0 then 'hold_after_hikes'
        when days_since_move < {{ p.hold_days | int }} then 'cutting'
        else 'hold_after_cuts'
    end as rate_regime,
    policy_rate,
    last_move,
    last_move_date,
    cast(days_since_move as integer) as days_since_move,
    {{ params_id() }} as params_id
from aged

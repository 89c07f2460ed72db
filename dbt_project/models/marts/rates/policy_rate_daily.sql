-- One row per session. A move is recorded on the first session on or after the day it takes effect.
with sessions as (
    select
        session,
        lag(session) over (order by session) as previous_session
    from {{ ref('stg_sessions') }}
),

moves as (
    select
        sessions.session,
        sum(rates.move) as move,
        max(rates.date) as move_date
    from sessions
    inner join {{ ref('int_policy_rate') }} as rates
        on rates.date > sessions.previous_session and rates.date <= sessions.session
    where rates.move is not null
    group by sessions.session
)

select
    sessions.session,
    rates.policy_rate,
    rates.lower_bound,
    rates.upper_bound,
    moves.move,
    moves.move_date
from sessions
inner join {{ ref('int_policy_rate') }} as rates on sessions.session = rates.date
left join moves on sessions.session = moves.session

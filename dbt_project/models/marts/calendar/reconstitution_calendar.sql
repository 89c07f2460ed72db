-- The countdown runs in sessions from the last session with prices, not from the day somebody looks.
with last_session as (
    select max(session) as session
    from {{ ref('int_daily_returns') }}
),

today as (
    select
        sessions.session,
        sessions.session_no
    from {{ ref('stg_sessions') }} as sessions
    inner join last_session on sessions.session = last_session.session
),

events as (
    select
        reconstitutions.event,
        reconstitutions.rank_day,
        reconstitutions.preliminary_list,
        reconstitutions.lock_down,
        reconstitutions.effective,
        reconstitutions.basis,
        today.session as counted_from,
        effective_session.session_no - today.session_no as sessions_to_effective
    from {{ ref('reconstitutions') }} as reconstitutions
    cross join today
    left join {{ ref('stg_sessions') }} as effective_session on reconstitutions.effective = effective_session.session
),

next_event as (
    select min(effective) as effective
    from events
    where sessions_to_effective >= 0
)

select
    events.event,
    events.rank_day,
    events.preliminary_list,
    events.lock_down,
    events.effective,
    events.basis,
    events.counted_from,
    cast(events.sessions_to_effective as integer) as sessions_to_effective,
    coalesce(events.effective = next_event.effective, false) as is_next,
    case
        when events.sessions_to_effective < 0 then 'over'
        when events.counted_from < events.rank_day then 'before the rank day'
        when events.counted_from < events.preliminary_list then 'ranked'
        when events.lock_down is not null and events.counted_from >= events.lock_down then 'locked down'
        when events.preliminary_list is not null then 'preliminary lists out'
    end as stage
from events
cross join next_event
order by events.effective

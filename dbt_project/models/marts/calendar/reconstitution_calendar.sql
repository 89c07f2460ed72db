-- The countdown is in sessions from the latest completed session at the run's clock, however old the prices are.
with events as (
    select
        reconstitutions.event,
        reconstitutions.rank_day,
        reconstitutions.preliminary_list,
        reconstitutions.list_update_1,
        reconstitutions.list_update_2,
        reconstitutions.list_update_3,
        reconstitutions.list_update_4,
        reconstitutions.lock_down,
        reconstitutions.effective,
        reconstitutions.basis,
        reconstitutions.updates_basis,
        today.session as counted_from,
        effective_session.session_no - today.session_no as sessions_to_effective
    from {{ ref('reconstitutions') }} as reconstitutions
    cross join {{ ref('int_clock') }} as today
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
    events.list_update_1,
    events.list_update_2,
    events.list_update_3,
    events.list_update_4,
    events.lock_down,
    events.effective,
    events.basis,
    events.updates_basis,
    events.counted_from,
    cast(events.sessions_to_effective as integer) as sessions_to_effective,
    coalesce(events.effective = next_event.effective, false) as is_next,
    case
        when events.sessions_to_effective < 0 then 'over'
        when events.counted_from < events.rank_day then 'before the rank day'
        when events.counted_from < events.preliminary_list then 'ranked'
        when events.lock_down is not null and events.counted_from >= events.lock_down then 'locked down'
        when events.preliminary_list is not null then 'preliminary lists out'
    end as stage,
    {{ params_id() }} as params_id
from events
cross join next_event

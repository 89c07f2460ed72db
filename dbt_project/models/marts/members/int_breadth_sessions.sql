{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The sessions of each universe, with the snapshot that says who its members are: the latest one of an earlier day (point_in_time), or
-- the newest of all (survivors). The calendar goes on where the bars end.
with sessions as (
    select
        calendar.session,
        calendar.session_no
    from {{ ref('stg_sessions') }} as calendar
    inner join (select max(session) as session from {{ ref('stg_member_observations') }}) as newest
        on calendar.session <= newest.session
),

measured as (
    select
        snapshots.universe,
        'point_in_time' as basis,
        sessions.session,
        sessions.session_no,
        snapshots.as_of,
        sessions.session <= snapshots.as_of as is_inferred
    from sessions
    inner join {{ ref('int_universe_snapshots') }} as snapshots
        on sessions.session >= snapshots.first_day and sessions.session <= snapshots.last_day
    union all
    select
        snapshots.universe,
        'survivors' as basis,
        sessions.session,
        sessions.session_no,
        snapshots.as_of,
        sessions.session <= snapshots.as_of as is_inferred
    from sessions
    inner join {{ ref('int_universe_snapshots') }} as snapshots on sessions.session >= snapshots.inception
    where snapshots.is_newest
)

select
    *,
    cast(row_number() over (order by universe, basis, session) as integer) as breadth_session_no
from measured

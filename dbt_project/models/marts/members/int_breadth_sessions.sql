{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The sessions of each universe, with the snapshot that says who its members are: the latest one by then (point_in_time), or the
-- newest of all (survivors). From the first to the last session on which any member has a bar.
with span as (
    select
        min(session) as first_session,
        max(session) as last_session
    from {{ ref('int_member_measures') }}
),

sessions as (
    select
        sessions.session,
        sessions.session_no
    from {{ ref('stg_sessions') }} as sessions
    cross join span
    where sessions.session between span.first_session and span.last_session
)

select
    snapshots.universe,
    'point_in_time' as basis,
    sessions.session,
    sessions.session_no,
    snapshots.as_of,
    sessions.session < snapshots.as_of as is_inferred
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
    sessions.session < snapshots.as_of as is_inferred
from sessions
inner join {{ ref('int_universe_snapshots') }} as snapshots on sessions.session >= snapshots.inception
where snapshots.is_newest

{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The sessions of each universe, with the snapshot that says who its members are: the latest one by then (point_in_time), or the
-- newest of all (survivors).
select
    snapshots.universe,
    'point_in_time' as basis,
    sessions.session,
    sessions.session_no,
    snapshots.as_of,
    sessions.session < snapshots.as_of as is_inferred
from {{ ref('stg_sessions') }} as sessions
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
from {{ ref('stg_sessions') }} as sessions
inner join {{ ref('int_universe_snapshots') }} as snapshots on sessions.session >= snapshots.inception
where snapshots.is_newest

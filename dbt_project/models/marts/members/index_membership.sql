-- Snapshots in a row that hold a security are one spell: it lasts until the first snapshot without the security.
with held as (
    select
        universe,
        security_id,
        snapshot_no,
        snapshot_no - row_number() over (partition by universe, security_id order by snapshot_no) as spell
    from {{ ref('int_universe_members') }}
),

spells as (
    select
        universe,
        security_id,
        min(snapshot_no) as first_no,
        max(snapshot_no) as last_no
    from held
    group by universe, security_id, spell
),

dated as (
    select
        spells.universe,
        spells.security_id,
        first_snapshots.as_of,
        last_snapshots.last_day,
        first_snapshots.inception,
        spells.first_no = 1 as is_from_the_first,
        last_snapshots.is_newest
    from spells
    inner join {{ ref('int_universe_snapshots') }} as first_snapshots
        on spells.universe = first_snapshots.universe and spells.first_no = first_snapshots.snapshot_no
    inner join {{ ref('int_universe_snapshots') }} as last_snapshots
        on spells.universe = last_snapshots.universe and spells.last_no = last_snapshots.snapshot_no
),

-- Up to the first snapshot the members are unknown: those of the first snapshot are assumed.
days as (
    select
        universe,
        security_id,
        cast({{ dbt.dateadd('day', 1, 'as_of') }} as date) as first_day,
        last_day,
        is_newest,
        false as is_inferred
    from dated
    union all
    select
        universe,
        security_id,
        inception,
        as_of,
        false,
        true
    from dated
    where is_from_the_first
),

distinct_days as (
    select distinct
        first_day,
        last_day
    from days
),

as_sessions as (
    select
        distinct_days.first_day,
        distinct_days.last_day,
        min(sessions.session) as from_session,
        max(sessions.session) as to_session
    from distinct_days
    inner join {{ ref('stg_sessions') }} as sessions
        on distinct_days.first_day <= sessions.session and distinct_days.last_day >= sessions.session
    group by distinct_days.first_day, distinct_days.last_day
)

select
    days.universe,
    days.security_id,
    as_sessions.from_session,
    case when not days.is_newest then as_sessions.to_session end as to_session,
    days.is_inferred,
    {{ params_id() }} as params_id
from days
inner join as_sessions on days.first_day = as_sessions.first_day and days.last_day = as_sessions.last_day

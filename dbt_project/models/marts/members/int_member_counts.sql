{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The counts of every session from the first to the last on which any member has a bar.
with span as (
    select
        min(first_bar) as first_session,
        max(last_bar) as last_session
    from {{ ref('int_member_spans') }}
),

snapshots as (
    select distinct
        universe,
        as_of,
        members_of_snapshot
    from {{ ref('int_universe_members') }}
)

select
    sessions.universe,
    sessions.basis,
    sessions.session,
    sessions.session_no,
    sessions.as_of,
    sessions.is_inferred,
    snapshots.members_of_snapshot as members,
    coalesce(changes.priced, 0) as priced,
    coalesce(changes.priced_weight, 0) as priced_weight,
    coalesce(changes.short_weight, 0) as short_weight,
    coalesce(changes.eligible_50, 0) as eligible_50,
    coalesce(changes.eligible_200, 0) as eligible_200,
    coalesce(changes.eligible_252, 0) as eligible_252,
    changes.members_above_50,
    changes.members_above_200,
    coalesce(extremes.new_highs_close, 0) as new_highs_close,
    coalesce(extremes.new_lows_close, 0) as new_lows_close,
    coalesce(extremes.new_highs_intraday, 0) as new_highs_intraday,
    coalesce(extremes.new_lows_intraday, 0) as new_lows_intraday,
    coalesce(changes.advances, 0) as advances,
    coalesce(changes.declines, 0) as declines,
    coalesce(changes.unchanged, 0) as unchanged,
    coalesce(changes.up_volume, 0) as up_volume,
    coalesce(changes.down_volume, 0) as down_volume,
    changes.member_return
from {{ ref('int_breadth_sessions') }} as sessions
inner join span on sessions.session between span.first_session and span.last_session
inner join snapshots on sessions.universe = snapshots.universe and sessions.as_of = snapshots.as_of
left join {{ ref('int_counted_changes') }} as changes
    on sessions.universe = changes.universe and sessions.basis = changes.basis and sessions.session = changes.session
left join {{ ref('int_counted_extremes') }} as extremes
    on sessions.universe = extremes.universe and sessions.basis = extremes.basis and sessions.session = extremes.session

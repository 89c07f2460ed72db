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
    coalesce(closes.priced, 0) as priced,
    coalesce(closes.priced_weight, 0) as priced_weight,
    coalesce(closes.short_weight, 0) as short_weight,
    coalesce(closes.eligible_50, 0) as eligible_50,
    coalesce(closes.eligible_200, 0) as eligible_200,
    coalesce(closes.eligible_252, 0) as eligible_252,
    closes.members_above_50,
    closes.members_above_200,
    coalesce(closes.new_highs_close, 0) as new_highs_close,
    coalesce(closes.new_lows_close, 0) as new_lows_close,
    coalesce(ranges.new_highs_intraday, 0) as new_highs_intraday,
    coalesce(ranges.new_lows_intraday, 0) as new_lows_intraday,
    coalesce(closes.advances, 0) as advances,
    coalesce(closes.declines, 0) as declines,
    coalesce(closes.unchanged, 0) as unchanged,
    coalesce(closes.up_volume, 0) as up_volume,
    coalesce(closes.down_volume, 0) as down_volume,
    closes.member_return
from {{ ref('int_breadth_sessions') }} as sessions
inner join span on sessions.session between span.first_session and span.last_session
inner join snapshots on sessions.universe = snapshots.universe and sessions.as_of = snapshots.as_of
left join {{ ref('int_counted_closes') }} as closes
    on sessions.universe = closes.universe and sessions.basis = closes.basis and sessions.session = closes.session
left join {{ ref('int_counted_ranges') }} as ranges
    on sessions.universe = ranges.universe and sessions.basis = ranges.basis and sessions.session = ranges.session

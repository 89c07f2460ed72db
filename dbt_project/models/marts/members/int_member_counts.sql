{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The counts of every session from the first to the last on which a member of that session has a bar.
with halves as (
    select * from {{ ref('int_counted_even_members') }}
    union all
    select * from {{ ref('int_counted_odd_members') }}
),

counted as (
    select
        breadth_session_no,
        {%- for column in [
            'priced', 'priced_weight', 'short_weight', 'eligible_50', 'eligible_200', 'eligible_252', 'members_above_50',
            'members_above_200', 'new_highs_close', 'new_lows_close', 'new_highs_intraday', 'new_lows_intraday', 'advances',
            'declines', 'unchanged', 'up_volume', 'down_volume', 'returns'
        ] %}
        cast(sum({{ column }}) as bigint) as {{ column }},
        {%- endfor %}
        sum(sum_of_returns) as sum_of_returns
    from halves
    group by breadth_session_no
),

span as (
    select
        min(sessions.session) as first_session,
        max(sessions.session) as last_session
    from counted
    inner join {{ ref('int_breadth_sessions') }} as sessions on counted.breadth_session_no = sessions.breadth_session_no
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
    coalesce(counted.priced, 0) as priced,
    coalesce(counted.priced_weight, 0) / 1e15 as priced_weight,
    coalesce(counted.short_weight, 0) / 1e15 as short_weight,
    coalesce(counted.eligible_50, 0) as eligible_50,
    coalesce(counted.eligible_200, 0) as eligible_200,
    coalesce(counted.eligible_252, 0) as eligible_252,
    counted.members_above_50,
    counted.members_above_200,
    coalesce(counted.new_highs_close, 0) as new_highs_close,
    coalesce(counted.new_lows_close, 0) as new_lows_close,
    coalesce(counted.new_highs_intraday, 0) as new_highs_intraday,
    coalesce(counted.new_lows_intraday, 0) as new_lows_intraday,
    coalesce(counted.advances, 0) as advances,
    coalesce(counted.declines, 0) as declines,
    coalesce(counted.unchanged, 0) as unchanged,
    coalesce(counted.up_volume, 0) as up_volume,
    coalesce(counted.down_volume, 0) as down_volume,
    cast(counted.sum_of_returns as double) / nullif(counted.returns, 0) as member_return
from {{ ref('int_breadth_sessions') }} as sessions
inner join span on sessions.session between span.first_session and span.last_session
inner join snapshots on sessions.universe = snapshots.universe and sessions.as_of = snapshots.as_of
left join counted on sessions.breadth_session_no = counted.breadth_session_no

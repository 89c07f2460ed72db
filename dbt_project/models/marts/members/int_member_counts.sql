{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The members with a bar, counted by what the bar says.
with counted as (
    select
        sessions.universe,
        sessions.basis,
        sessions.session,
        count(*) as priced,
        sum(members.weight) as priced_weight,
        sum(case when measures.bar_no < 252 then members.weight else 0 end) as short_weight,
        count(measures.is_above_50) as eligible_50,
        count(measures.is_above_200) as eligible_200,
        count(measures.is_high_close) as eligible_252,
        count(case when measures.is_above_50 then 1 end) as members_above_50,
        count(case when measures.is_above_200 then 1 end) as members_above_200,
        count(case when measures.is_high_close then 1 end) as new_highs_close,
        count(case when measures.is_low_close then 1 end) as new_lows_close,
        count(case when measures.is_high_intraday then 1 end) as new_highs_intraday,
        count(case when measures.is_low_intraday then 1 end) as new_lows_intraday,
        count(case when measures.direction = 1 then 1 end) as advances,
        count(case when measures.direction = -1 then 1 end) as declines,
        count(case when measures.direction = 0 then 1 end) as unchanged,
        sum(case when measures.direction = 1 then measures.volume else 0 end) as up_volume,
        sum(case when measures.direction = -1 then measures.volume else 0 end) as down_volume,
        avg(measures.price_return) as member_return
    from {{ ref('int_member_measures') }} as measures
    inner join {{ ref('int_breadth_sessions') }} as sessions on measures.session = sessions.session
    inner join {{ ref('int_universe_members') }} as members
        on sessions.universe = members.universe
        and sessions.as_of = members.as_of
        and measures.security_id = members.security_id
    group by sessions.universe, sessions.basis, sessions.session
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
    sessions.is_inferred,
    snapshots.members_of_snapshot as members,
    coalesce(counted.priced, 0) as priced,
    coalesce(counted.priced_weight, 0) as priced_weight,
    coalesce(counted.short_weight, 0) as short_weight,
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
    counted.member_return
from {{ ref('int_breadth_sessions') }} as sessions
inner join snapshots on sessions.universe = snapshots.universe and sessions.as_of = snapshots.as_of
left join counted
    on sessions.universe = counted.universe and sessions.basis = counted.basis and sessions.session = counted.session

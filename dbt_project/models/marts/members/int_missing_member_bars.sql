{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- Each member without a bar on each session on which breadth is counted, and why; from the gaps, which are few: all members on all
-- sessions would be millions of rows.
with sessions as (
    select
        universe,
        as_of,
        session,
        session_no
    from {{ ref('int_member_counts') }}
    where basis = 'point_in_time'
),

snapshots as (
    select
        universe,
        as_of,
        min(session_no) as first_no,
        max(session_no) as last_no
    from sessions
    group by universe, as_of
),

lacking as (
    select
        members.universe,
        members.as_of,
        members.security_id,
        members.ticker,
        members.weight,
        gaps.first_no,
        gaps.last_no,
        gaps.reason
    from {{ ref('int_universe_members') }} as members
    inner join snapshots on members.universe = snapshots.universe and members.as_of = snapshots.as_of
    inner join {{ ref('int_member_gaps') }} as gaps
        on members.security_no = gaps.security_no
        and gaps.first_no <= snapshots.last_no
        and gaps.last_no >= snapshots.first_no
)

select
    lacking.universe,
    sessions.session,
    lacking.security_id,
    lacking.weight,
    case
        when lacking.ticker is null then 'no_symbol'
        when rejected.security_id is not null then 'bar_rejected'
        else lacking.reason
    end as reason
from lacking
inner join sessions
    on lacking.universe = sessions.universe
    and lacking.as_of = sessions.as_of
    and sessions.session_no >= lacking.first_no
    and sessions.session_no <= lacking.last_no
left join {{ ref('int_rejected_member_bars') }} as rejected
    on lacking.security_id = rejected.security_id and sessions.session = rejected.session

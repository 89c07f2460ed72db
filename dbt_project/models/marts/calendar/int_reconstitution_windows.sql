{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['reconstitution']}) }}
{% set p = signal_parameters('reconstitution', ['week_sessions', 'month_sessions']) -%}
-- The windows around each reconstitution, from one close to another; a stage on a day without a session counts from the last
-- close before it.
with stages as (
    select
        events.event,
        max(case when sessions.session <= events.rank_day then sessions.session_no end) as rank_no,
        max(case when sessions.session <= events.preliminary_list then sessions.session_no end) as list_no,
        max(sessions.session_no) as effective_no
    from {{ ref('reconstitutions') }} as events
    inner join {{ ref('stg_sessions') }} as sessions on sessions.session <= events.effective
    group by events.event
),

windows as (
    select event, 'rank_to_effective' as window_name, rank_no as start_no, effective_no as end_no from stages
    union all
    select event, 'list_to_effective', list_no, effective_no from stages
    union all
    select event, 'week_before', effective_no - {{ p.week_sessions | int }}, effective_no from stages
    union all
    select event, 'effective_day', effective_no - 1, effective_no from stages
    union all
    select event, 'week_after', effective_no, effective_no + {{ p.week_sessions | int }} from stages
    union all
    select event, 'month_after', effective_no, effective_no + {{ p.month_sessions | int }} from stages
)

-- A stage without a known date gives no window.
select
    event,
    window_name,
    start_no,
    end_no,
    end_no - start_no as sessions
from windows
where start_no is not null

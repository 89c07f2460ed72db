{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['reconstitution']}) }}
{% set p = signal_parameters('reconstitution', ['year_sessions']) -%}
-- The placebo: the same windows on other dates. All events are shifted together by every number of sessions, up to a year, that
-- keeps the shifted windows clear of the real ones, those of other years included: years between reconstitutions differ in length.
with real_windows as (
    select
        windows.event,
        windows.window_name,
        windows.start_no,
        windows.end_no,
        max(windows.sessions) over (partition by windows.window_name) as longest
    from {{ ref('int_reconstitution_windows') }} as windows
    inner join {{ ref('reconstitution_study') }} as study
        on windows.event = study.event and windows.window_name = study.window_name
),

shifts as (
    {{ whole_numbers(p.year_sessions | int - 1) }}
),

moved as (
    select
        real_windows.window_name,
        shifts.number as shift,
        real_windows.start_no + shifts.number as start_no,
        real_windows.end_no + shifts.number as end_no,
        (till.iwm_index / since.iwm_index) - (till.spy_index / since.spy_index) as iwm_minus_spy
    from real_windows
    inner join shifts
        on real_windows.longest <= shifts.number and {{ p.year_sessions | int }} - real_windows.longest >= shifts.number
    inner join {{ ref('int_iwm_and_spy') }} as since on real_windows.start_no + shifts.number = since.session_no
    inner join {{ ref('int_iwm_and_spy') }} as till on real_windows.end_no + shifts.number = till.session_no
),

overlapping as (
    select distinct
        moved.window_name,
        moved.shift
    from moved
    inner join {{ ref('int_reconstitution_windows') }} as actual
        on moved.window_name = actual.window_name
        and moved.start_no < actual.end_no
        and moved.end_no > actual.start_no
)

select
    moved.window_name,
    moved.shift,
    count(*) as windows,
    avg(moved.iwm_minus_spy) as mean_iwm_minus_spy
from moved
left join overlapping on moved.window_name = overlapping.window_name and moved.shift = overlapping.shift
where overlapping.shift is null
group by moved.window_name, moved.shift

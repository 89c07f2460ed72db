{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['long_run']}) }}
{% set p = signal_parameters('long_run', ['recovery_days', 'recession_months']) -%}
-- The business cycle as it was announced, never by hindsight: USREC has the months of the turning points, the seed when the NBER
-- announced them. A turning point that the seed does not have counts from the day on which FRED's file showed it to us.
with months as (
    select
        date,
        value,
        observed_at,
        lag(value) over (order by date) as value_before,
        lag(date) over (order by date) as month_before
    from {{ ref('stg_rates') }}
    where series = 'USREC' and value is not null
),

turning_points as (
    select
        case when value = 1 then 'peak' else 'trough' end as turning_point,
        month_before as month_start,
        cast(observed_at as date) as observed_on
    from months
    where value <> value_before
),

announced as (
    select
        turning_points.turning_point,
        coalesce(announcements.announced_on, turning_points.observed_on) as announced_on
    from turning_points
    left join {{ ref('recession_announcements') }} as announcements
        on turning_points.turning_point = announcements.turning_point
        and turning_points.month_start = announcements.month_start
    -- The NBER has announced turning points since 1980.
    where turning_points.month_start >= date '1980-01-01'
),

spans as (
    select
        turning_point,
        announced_on,
        lead(announced_on) over (order by announced_on) as ends_on
    from announced
),

aged as (
    select
        sessions.session,
        sessions.session_no,
        spans.turning_point,
        {{ days_between('spans.announced_on', 'sessions.session') }} as days_since
    from {{ ref('int_long_run_sessions') }} as sessions
    inner join spans
        on spans.announced_on <= sessions.session and (spans.ends_on is null or sessions.session < spans.ends_on)
    where sessions.session < (
        select cast({{ dbt.dateadd('month', p.recession_months | int, 'max(date)') }} as date) from months
    )
)

select
    session,
    session_no,
    case
        when turning_point = 'peak' then 'recession'
        when days_since < {{ p.recovery_days | int }} then 'recovery'
        else 'expansion'
    end as business_cycle,
    cast(days_since as integer) as days_since
from aged

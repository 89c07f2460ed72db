-- A feed is as old as the oldest of the series that the signals need.
with feeds as (
    select
        case when kind = 'holdings' then kind || ' ' || symbol else kind end as feed,
        case when count(*) = count(newest) then min(newest) end as newest,
        case when count(*) = count(newest) then max(age_days) end as age_days,
        case when count(*) = count(newest) then max(sessions_behind) end as sessions_behind,
        max(case when is_stale then 1 else 0 end) as stale,
        max(limit_days) as limit_days
    from {{ ref('int_series_ages') }}
    where is_needed
    group by case when kind = 'holdings' then kind || ' ' || symbol else kind end
)

select
    feed,
    newest,
    cast(age_days as integer) as age_days,
    cast(sessions_behind as integer) as sessions_behind,
    stale = 1 as is_stale,
    case when limit_days is null then 'the last completed session' else {{ text('limit_days') }} || ' days' end as limit_text,
    {{ params_id() }} as params_id
from feeds

-- Whole calendar months only: from the last close of the month before to the last close of the month, once a later one is known.
with month_ends as (
    select
        fund,
        cast({{ dbt.date_trunc('month', 'session') }} as date) as month_start,
        max(session) as session
    from {{ ref('int_daily_returns') }}
    group by fund, month_start
),

closes as (
    select
        month_ends.fund,
        month_ends.month_start,
        returns.total_return_index,
        lag(returns.total_return_index) over by_month as index_before,
        lag(month_ends.month_start) over by_month as month_before,
        lead(month_ends.month_start) over by_month as month_after
    from month_ends
    inner join {{ ref('int_daily_returns') }} as returns
        on month_ends.fund = returns.fund and month_ends.session = returns.session
    window by_month as (partition by month_ends.fund order by month_ends.month_start)
),

monthly as (
    select
        fund,
        cast(extract(month from month_start) as integer) as month,
        -- An unchanged month is no gain: the index leaves a hair at the sixteenth digit.
        round(total_return_index / index_before - 1, 12) as total_return
    from closes
    where month_after is not null and month_before = cast({{ dbt.dateadd('month', -1, 'month_start') }} as date)
)

select
    fund,
    month,
    avg(total_return) as mean_return,
    median(total_return) as median_return,
    avg(case when total_return > 0 then 1.0 else 0.0 end) as hit_rate,
    cast(count(*) as integer) as months
from monthly
group by fund, month
order by fund, month

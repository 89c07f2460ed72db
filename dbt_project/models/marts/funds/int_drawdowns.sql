{{ config(schema='intermediate', access='private', contract={'enforced': false}) }}
-- The max drawdown within each window, with its dates; no recovery date until the high is reached again.
with indexed as (
    select
        windows.fund,
        windows.window_name,
        returns.session,
        -- Equal closes give equal index values: a difference beyond ten decimals is floating-point noise and must not decide a
        -- date.
        {{ rounded('returns.total_return_index', 10) }} as total_return_index
    from {{ ref('int_performance_windows') }} as windows
    inner join {{ ref('int_daily_returns') }} as returns
        on windows.fund = returns.fund and returns.session between windows.start_session and windows.end_session
),

paths as (
    select
        *,
        max(total_return_index) over (
            partition by fund, window_name order by session rows between unbounded preceding and current row
        ) as high
    from indexed
),

depths as (
    select
        *,
        {{ rounded('total_return_index / high - 1', 10) }} as drawdown,
        row_number() over (
            partition by fund, window_name order by {{ rounded('total_return_index / high - 1', 10) }}, session
        ) as depth_rank
    from paths
),

troughs as (
    select
        fund,
        window_name,
        session as trough,
        high,
        drawdown
    from depths
    where depth_rank = 1
)

-- Of equal highs the last is the peak, as in the mart corrections: the fall started from it.
select
    troughs.fund,
    troughs.window_name,
    troughs.drawdown,
    max(case when paths.session <= troughs.trough and paths.total_return_index = troughs.high then paths.session end) as peak,
    troughs.trough,
    min(case when paths.session > troughs.trough and paths.total_return_index >= troughs.high then paths.session end) as recovery
from troughs
inner join paths on troughs.fund = paths.fund and troughs.window_name = paths.window_name
group by troughs.fund, troughs.window_name, troughs.drawdown, troughs.trough, troughs.high

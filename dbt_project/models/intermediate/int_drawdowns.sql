-- The deepest fall from a high inside each window, with its dates; no recovery date while the high has not been seen again.
with paths as (
    select
        windows.fund,
        windows.window_name,
        returns.session,
        returns.total_return_index,
        max(returns.total_return_index) over (
            partition by windows.fund, windows.window_name
            order by returns.session rows between unbounded preceding and current row
        ) as high
    from {{ ref('int_performance_windows') }} as windows
    inner join {{ ref('int_daily_returns') }} as returns
        on windows.fund = returns.fund and returns.session between windows.start_session and windows.end_session
),

depths as (
    select
        *,
        total_return_index / high - 1 as drawdown,
        row_number() over (
            partition by fund, window_name order by total_return_index / high - 1, session
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

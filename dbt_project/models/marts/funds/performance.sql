{{ config(meta={'signals': ['performance']}) }}
{% set p = signal_parameters('performance', ['sessions_a_year', 'least_rate_coverage']) -%}
with windows as (
    select * from {{ ref('int_performance_windows') }}
),

-- Only single-session returns: a return over a gap is not a daily return.
daily as (
    select
        windows.fund,
        windows.window_name,
        stddev_samp(case when returns.sessions_spanned = 1 then returns.total_return end) as deviation,
        avg(case when returns.sessions_spanned = 1 then returns.total_return end) as mean_return,
        avg(rates.policy_rate) as mean_policy_rate,
        count(rates.policy_rate) / cast(count(*) as double) as rate_coverage,
        count(*) as sessions
    from windows
    inner join {{ ref('int_daily_returns') }} as returns
        on windows.fund = returns.fund and returns.session > windows.start_session and returns.session <= windows.end_session
    left join {{ ref('policy_rate_daily') }} as rates on returns.session = rates.session
    group by windows.fund, windows.window_name
),

figures as (
    select
        windows.fund,
        windows.window_name,
        windows.start_session,
        windows.end_session,
        windows.is_complete,
        windows.years,
        daily.sessions,
        last_day.total_return_index / first_day.total_return_index - 1 as total_return,
        daily.deviation * sqrt({{ p.sessions_a_year }}) as volatility,
        daily.mean_return * {{ p.sessions_a_year }} as mean_annual_return,
        daily.mean_policy_rate,
        daily.rate_coverage
    from windows
    inner join daily on windows.fund = daily.fund and windows.window_name = daily.window_name
    inner join {{ ref('int_daily_returns') }} as first_day
        on windows.fund = first_day.fund and windows.start_session = first_day.session
    inner join {{ ref('int_daily_returns') }} as last_day
        on windows.fund = last_day.fund and windows.end_session = last_day.session
)

select
    figures.fund,
    figures.window_name,
    figures.start_session,
    figures.end_session,
    figures.is_complete,
    cast(figures.sessions as integer) as sessions,
    figures.total_return,
    -- Periods shorter than a year are never annualised.
    case when figures.years >= 1 then power(1 + figures.total_return, 1 / figures.years) - 1 end as cagr,
    case when figures.years >= 1 then figures.volatility end as volatility,
    case
        when figures.years >= 1 and figures.rate_coverage >= {{ p.least_rate_coverage }} and figures.volatility > 0
            then (figures.mean_annual_return - figures.mean_policy_rate) / figures.volatility
    end as sharpe,
    figures.rate_coverage,
    drawdowns.drawdown as max_drawdown,
    case when drawdowns.drawdown < 0 then drawdowns.peak end as drawdown_peak,
    case when drawdowns.drawdown < 0 then drawdowns.trough end as drawdown_trough,
    case when drawdowns.drawdown < 0 then drawdowns.recovery end as drawdown_recovery,
    {{ params_id() }} as params_id
from figures
left join {{ ref('int_drawdowns') }} as drawdowns
    on figures.fund = drawdowns.fund and figures.window_name = drawdowns.window_name

{{ config(meta={'signals': ['performance']}) }}
{% set p = signal_parameters('performance', ['sessions_a_year', 'least_rate_coverage']) -%}
-- The same sessions by two conventions: cash is the policy rate of the day, or the T-bill that the factors state for each session.
-- The factors end one to three months ago: a ratio of the whole window would differ by its last months, not by the convention.
with excess as (
    select
        windows.fund,
        windows.window_name,
        windows.start_session,
        windows.end_session,
        returns.session,
        returns.total_return - factors.risk_free as excess_return,
        case when factors.risk_free is not null then returns.total_return end as total_return,
        case when factors.risk_free is not null then rates.policy_rate end as policy_rate
    from {{ ref('int_performance_windows') }} as windows
    inner join {{ ref('int_daily_returns') }} as returns
        on windows.fund = returns.fund and returns.session > windows.start_session and returns.session <= windows.end_session
    left join {{ ref('stg_factors') }} as factors on returns.session = factors.session
    left join {{ ref('policy_rate_daily') }} as rates on returns.session = rates.session
    where returns.sessions_spanned = 1 and windows.years >= 1
),

figures as (
    select
        fund,
        window_name,
        start_session,
        end_session,
        count(*) as sessions,
        count(excess_return) / cast(count(*) as double) as tbill_coverage,
        max(case when excess_return is not null then session end) as tbill_until,
        -- Rounded: the order of a sum moves its sixteenth digit, and a ratio of two would show it.
        {{ rounded('avg(excess_return) * ' ~ p.sessions_a_year, 12) }} as mean_excess_return,
        {{ rounded('stddev_samp(excess_return) * sqrt(' ~ p.sessions_a_year ~ ')', 12) }} as excess_volatility,
        count(policy_rate) / nullif(cast(count(excess_return) as double), 0) as rate_coverage,
        {{ rounded('avg(total_return) * ' ~ p.sessions_a_year ~ ' - avg(policy_rate)', 12) }} as mean_over_policy_rate,
        {{ rounded('stddev_samp(total_return) * sqrt(' ~ p.sessions_a_year ~ ')', 12) }} as volatility
    from excess
    group by fund, window_name, start_session, end_session
)

select
    figures.fund,
    figures.window_name,
    figures.start_session,
    figures.end_session,
    cast(figures.sessions as integer) as sessions,
    case
        when figures.tbill_coverage >= {{ p.least_rate_coverage }} and figures.rate_coverage >= {{ p.least_rate_coverage }}
            and figures.volatility > 0
            then figures.mean_over_policy_rate / figures.volatility
    end as sharpe_policy_rate,
    case
        when figures.tbill_coverage >= {{ p.least_rate_coverage }} and figures.excess_volatility > 0
            then figures.mean_excess_return / figures.excess_volatility
    end as sharpe_tbill,
    case when figures.tbill_coverage >= {{ p.least_rate_coverage }} then figures.mean_excess_return end as mean_excess_return,
    figures.tbill_coverage,
    figures.tbill_until,
    {{ params_id() }} as params_id
from figures

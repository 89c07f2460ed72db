{{ config(meta={'signals': ['performance', 'scorecard']}) }}
{% set evidence = signal_parameters('scorecard', ['practical_a_year']) -%}
{% set p = signal_parameters('performance', ['sessions_a_year', 'least_rate_coverage']) -%}
with daily as (
    select
        strategy,
        session,
        value,
        iwm_weight,
        turnover,
        cost,
        value / lag(value) over strategy_sessions - 1 as total_return,
        value / max(value) over (
            partition by strategy order by session rows between unbounded preceding and current row
        ) - 1 as drawdown
    from {{ ref('core_satellite_daily') }}
    window strategy_sessions as (partition by strategy order by session)
),

figures as (
    select
        daily.strategy,
        min(daily.session) as first_session,
        max(daily.session) as last_session,
        {{ days_between('min(daily.session)', 'max(daily.session)') }} / 365.25e0 as years,
        exp(sum(ln(1 + daily.total_return))) as growth,
        avg(daily.total_return) * {{ p.sessions_a_year }} as mean_annual_return,
        stddev_samp(daily.total_return) * sqrt({{ p.sessions_a_year }}) as volatility,
        avg(rates.policy_rate) as mean_policy_rate,
        count(rates.policy_rate) / cast(count(*) as double) as rate_coverage,
        min(daily.drawdown) as max_drawdown,
        avg(daily.iwm_weight) as mean_iwm_weight,
        sum(daily.turnover) as turnover,
        sum(daily.cost) as cost
    from daily
    left join {{ ref('policy_rate_daily') }} as rates on daily.session = rates.session
    group by daily.strategy
)

select
    figures.strategy,
    figures.first_session,
    figures.last_session,
    figures.growth,
    power(figures.growth, 1 / figures.years) - 1 as cagr,
    figures.volatility,
    case
        when figures.rate_coverage >= {{ p.least_rate_coverage }} and figures.volatility > 0
            then (figures.mean_annual_return - figures.mean_policy_rate) / figures.volatility
    end as sharpe,
    figures.max_drawdown,
    figures.mean_iwm_weight,
    figures.turnover / figures.years as turnover_a_year,
    figures.cost / figures.years as cost_a_year,
    exp(gaps.gap_a_year) - 1 as gap_to_static,
    exp(gaps.interval_low) - 1 as gap_low,
    exp(gaps.interval_high) - 1 as gap_high,
    case
        when figures.strategy = 'static_middle' then 'the static portfolio itself'
        when gaps.interval_low > 0 then 'better than the static portfolio'
        when gaps.interval_high < 0 then 'worse than the static portfolio'
        when gaps.interval_low > -{{ evidence.practical_a_year }} and gaps.interval_high < {{ evidence.practical_a_year }}
            then 'bounded: no gap larger than ' || {{ percent(evidence.practical_a_year) }} || ' a year'
        else 'undecided'
    end as verdict,
    {{ params_id() }} as params_id
from figures
inner join {{ ref('int_core_satellite_gaps') }} as gaps on figures.strategy = gaps.strategy

{{ config(meta={'signals': ['relative_risk']}) }}
{% set p = signal_parameters('relative_risk', ['beta_sessions', 'sessions_a_year']) -%}
{% set window_sessions = p.beta_sessions | int -%}
with rolling as (
    select
        pair,
        session,
        return_no,
        numerator_return,
        denominator_return,
        case when return_no >= {{ window_sessions }} then regr_slope(numerator_return, denominator_return) over last_window end as slope,
        case when return_no >= {{ window_sessions }} then stddev_samp(numerator_return) over last_window end as numerator_deviation,
        case when return_no >= {{ window_sessions }} then stddev_samp(denominator_return) over last_window end as denominator_deviation,
        case
            when return_no >= {{ window_sessions }} then stddev_samp(numerator_return - denominator_return) over last_window
        end as gap_deviation
    from {{ ref('int_pair_returns') }}
    window last_window as (partition by pair order by return_no rows between {{ window_sessions - 1 }} preceding and current row)
),

betas as (
    select
        *,
        case when denominator_deviation > 0 then slope end as beta
    from rolling
),

-- Yesterday's beta: what a hedge that was set at the close before has earned.
adjusted as (
    select
        *,
        numerator_return - lag(beta) over (partition by pair order by return_no) * denominator_return as beta_adjusted_return
    from betas
),

highs as (
    select
        pair,
        session,
        ratio_total_return,
        max(ratio_total_return) over (partition by pair order by session rows between unbounded preceding and current row) as high
    from {{ ref('ratio_daily') }}
    where ratio_total_return is not null
),

dated_highs as (
    select
        *,
        max(case when ratio_total_return = high then session end) over (
            partition by pair order by session rows between unbounded preceding and current row
        ) as high_session
    from highs
)

select
    dated_highs.pair,
    dated_highs.session,
    dated_highs.ratio_total_return / dated_highs.high - 1 as drawdown,
    dated_highs.high_session as drawdown_from,
    adjusted.beta,
    adjusted.beta_adjusted_return,
    adjusted.numerator_deviation / nullif(adjusted.denominator_deviation, 0) as relative_volatility,
    adjusted.gap_deviation * sqrt({{ p.sessions_a_year }}) as tracking_volatility,
    {{ params_id() }} as params_id
from dated_highs
left join adjusted on dated_highs.pair = adjusted.pair and dated_highs.session = adjusted.session

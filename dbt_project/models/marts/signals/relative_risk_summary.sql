{{ config(meta={'signals': ['relative_risk']}) }}
{% set year = signal_parameters('relative_risk', ['sessions_a_year']).sessions_a_year -%}
-- Ordinary least squares of the numerator's session total returns on the denominator's, over all sessions with both.
with moments as (
    select
        pair,
        min(session) as first_session,
        max(session) as last_session,
        count(*) as sessions,
        regr_slope(numerator_return, denominator_return) as beta,
        regr_intercept(numerator_return, denominator_return) as alpha,
        corr(numerator_return, denominator_return) as correlation,
        avg(denominator_return) as denominator_mean,
        var_samp(denominator_return) as denominator_variance,
        var_samp(numerator_return) as numerator_variance,
        stddev_samp(numerator_return - denominator_return) as gap_deviation,
        avg(numerator_return - denominator_return) as mean_gap
    from {{ ref('int_pair_returns') }}
    group by pair
    having count(*) > 2 and var_samp(numerator_return) > 0 and var_samp(denominator_return) > 0
),

errors as (
    select
        *,
        numerator_variance * (1 - correlation * correlation) * (sessions - 1) / (sessions - 2) as residual_variance,
        denominator_variance * (sessions - 1) as denominator_squares
    from moments
),

newest as (
    select
        pair,
        drawdown,
        drawdown_from,
        row_number() over (partition by pair order by session desc) as recency
    from {{ ref('relative_risk_daily') }}
),

deepest as (
    select
        pair,
        session as deepest_session,
        drawdown as deepest_drawdown,
        row_number() over (partition by pair order by drawdown, session) as depth_rank
    from {{ ref('relative_risk_daily') }}
)

select
    errors.pair,
    errors.first_session,
    errors.last_session,
    cast(errors.sessions as integer) as sessions,
    errors.beta,
    sqrt(errors.residual_variance / errors.denominator_squares) as beta_error,
    errors.alpha * {{ year }} as alpha,
    sqrt(
        errors.residual_variance
        * (1.0e0 / errors.sessions + errors.denominator_mean * errors.denominator_mean / errors.denominator_squares)
    ) * {{ year }} as alpha_error,
    errors.correlation,
    errors.mean_gap * {{ year }} as mean_gap,
    sqrt(errors.numerator_variance / errors.denominator_variance) as relative_volatility,
    errors.gap_deviation * sqrt({{ year }}) as tracking_volatility,
    newest.drawdown,
    newest.drawdown_from,
    deepest.deepest_drawdown,
    deepest.deepest_session,
    {{ params_id() }} as params_id
from errors
inner join newest on errors.pair = newest.pair and newest.recency = 1
inner join deepest on errors.pair = deepest.pair and deepest.depth_rank = 1

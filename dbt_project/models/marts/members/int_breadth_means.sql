{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['member_breadth']}) }}
{% set p = signal_parameters('member_breadth', [
    'ema_sessions', 'warm_up_sessions', 'fast_alpha', 'slow_alpha', 'thrust_alpha', 'thrust_low', 'thrust_high', 'thrust_within'
]) -%}
-- Exponential means as weighted sums over the last sessions: each can be computed alone, and an engine needs no recursion. A session
-- without an advance and a decline has no value and is left out. The weights of the sessions that there are sum to 1: (1 - a) ** k over
-- n sessions sums to (1 - (1 - a) ** n) / a. Terms are summed as whole numbers, so that a sum is the same to the last digit whatever
-- the order of the rows.
with daily as (
    select
        universe,
        basis,
        session,
        is_inferred,
        cast(advances as double) / nullif(advances + declines, 0) as advancing,
        1000 * cast(advances - declines as double) / nullif(advances + declines, 0) as net_advances,
        row_number() over (partition by universe, basis order by session) as value_no,
        sum(case when is_inferred then 0 else 1 end) over (
            partition by universe, basis order by session rows between unbounded preceding and current row
        ) as observed_no
    from {{ ref('int_member_counts') }}
    where advances + declines > 0
),

numbers as (
    {{ whole_numbers(p.ema_sessions) }}
),

weights as (
    select
        number - 1 as sessions_later,
        power(1 - cast({{ p.fast_alpha }} as double), number - 1) as fast_weight,
        power(1 - cast({{ p.slow_alpha }} as double), number - 1) as slow_weight,
        power(1 - cast({{ p.thrust_alpha }} as double), number - 1) as thrust_weight
    from numbers
),

-- Each value counts on its own session and on the following ones, less and less.
sums as (
    select
        daily.universe,
        daily.basis,
        daily.value_no + weights.sessions_later as value_no,
        sum({{ nearest_whole('1e12 * weights.fast_weight * daily.net_advances') }}) / 1e12 as fast_sum,
        sum({{ nearest_whole('1e12 * weights.slow_weight * daily.net_advances') }}) / 1e12 as slow_sum,
        sum({{ nearest_whole('1e15 * weights.thrust_weight * daily.advancing') }}) / 1e15 as thrust_sum
    from daily
    cross join weights
    group by daily.universe, daily.basis, daily.value_no + weights.sessions_later
),

means as (
    select
        universe,
        basis,
        value_no,
        fast_sum / {{ sum_of_weights(p.fast_alpha, p.ema_sessions) }} as fast_mean,
        slow_sum / {{ sum_of_weights(p.slow_alpha, p.ema_sessions) }} as slow_mean,
        thrust_sum / {{ sum_of_weights(p.thrust_alpha, p.ema_sessions) }} as thrust_ema
    from sums
),

settled as (
    select
        daily.universe,
        daily.basis,
        daily.session,
        daily.net_advances,
        daily.observed_no,
        case when daily.value_no > {{ p.warm_up_sessions | int }} then means.fast_mean - means.slow_mean end as oscillator,
        case when daily.value_no > {{ p.warm_up_sessions | int }} then means.thrust_ema end as thrust_ema
    from daily
    inner join means on daily.universe = means.universe and daily.basis = means.basis and daily.value_no = means.value_no
),

beside_before as (
    select
        *,
        lag(thrust_ema) over by_session as ema_before,
        min(thrust_ema) over sessions_before as lowest_before,
        count(thrust_ema) over sessions_before as known_before
    from settled
    window
        by_session as (partition by universe, basis order by session),
        sessions_before as (
            partition by universe, basis order by session
            rows between {{ p.thrust_within | int }} preceding and 1 preceding
        )
)

select
    universe,
    basis,
    session,
    net_advances,
    oscillator,
    thrust_ema,
    -- The members of earlier sessions must be observed too: an older snapshot would change them.
    case
        when known_before = {{ p.thrust_within | int }} and observed_no > {{ p.warm_up_sessions | int }}
            then thrust_ema > {{ p.thrust_high }} and ema_before <= {{ p.thrust_high }} and lowest_before < {{ p.thrust_low }}
    end as is_thrust
from beside_before

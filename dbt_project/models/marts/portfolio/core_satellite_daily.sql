{{ config(meta={'signals': ['core_satellite']}) }}
{% set p = signal_parameters('core_satellite', ['cost']) -%}
-- Between two trades the holdings stay and the weights drift; a trade pays its cost on both legs.
with trades as (
    select
        *,
        lag(iwm_weight) over strategy_trades * iwm_index / lag(iwm_index) over strategy_trades as iwm_part,
        (1 - lag(iwm_weight) over strategy_trades) * spy_index / lag(spy_index) over strategy_trades as spy_part
    from {{ ref('int_core_satellite_trades') }}
    window strategy_trades as (partition by strategy order by trade_session)
),

-- Growth since the previous trade, and the drift from the new target weight; none before the first trade.
drifted as (
    select
        *,
        coalesce(iwm_part + spy_part, 1.0e0) as growth,
        coalesce(abs(iwm_weight - iwm_part / (iwm_part + spy_part)), 0.0e0) as turnover
    from trades
),

periods as (
    select
        *,
        2 * {{ p.cost }} * turnover as cost,
        exp(sum(ln(growth * (1 - 2 * {{ p.cost }} * turnover))) over (
            partition by strategy order by trade_session rows between unbounded preceding and current row
        )) as start_value
    from drifted
),

strategies as (
    select
        strategy,
        min(trade_session) as first_session
    from trades
    group by strategy
),

closes as (
    select
        strategies.strategy,
        tradable.session,
        tradable.iwm_index,
        tradable.spy_index
    from strategies
    inner join {{ ref('int_iwm_and_spy') }} as tradable on strategies.first_session <= tradable.session
),

-- A session belongs to the latest trade on or before it.
held as (
    select
        closes.*,
        max(trades.trade_session) over (
            partition by closes.strategy order by closes.session rows between unbounded preceding and current row
        ) as trade_session
    from closes
    left join trades on closes.strategy = trades.strategy and closes.session = trades.trade_session
),

valued as (
    select
        held.strategy,
        held.session,
        periods.start_value * periods.iwm_weight * held.iwm_index / periods.iwm_index as iwm_value,
        periods.start_value * (1 - periods.iwm_weight) * held.spy_index / periods.spy_index as spy_value,
        periods.iwm_weight as target_weight,
        periods.decision_session,
        case when held.session = periods.trade_session then periods.turnover else 0.0e0 end as turnover,
        case when held.session = periods.trade_session then periods.cost else 0.0e0 end as cost
    from held
    inner join periods on held.strategy = periods.strategy and held.trade_session = periods.trade_session
)

select
    strategy,
    session,
    iwm_value + spy_value as value,
    iwm_value / (iwm_value + spy_value) as iwm_weight,
    target_weight,
    decision_session,
    turnover,
    cost,
    {{ params_id() }} as params_id
from valued

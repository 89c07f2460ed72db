-- depends_on: {{ ref('signal_parameters') }}
{% set p = signal_parameters('core_satellite', ['cost', 'least', 'middle', 'most']) -%}
-- Between two trades the shares stay and the weights drift; a trade pays its cost on both legs.
with trades as (
    select * from {{ ref('int_core_satellite_trades') }}
),

held as (
    select
        trades.strategy,
        trades.trade_session,
        trades.decision_session,
        trades.next_trade_session,
        trades.iwm_weight as target_weight,
        iwm.session,
        trades.iwm_weight * iwm.total_return_index / trades.iwm_index as iwm_part,
        (1 - trades.iwm_weight) * spy.total_return_index / trades.spy_index as spy_part
    from trades
    inner join {{ ref('int_daily_returns') }} as iwm
        on iwm.fund = 'IWM'
        and trades.trade_session <= iwm.session
        and iwm.session <= coalesce(trades.next_trade_session, iwm.session)
    inner join {{ ref('int_daily_returns') }} as spy on spy.fund = 'SPY' and iwm.session = spy.session
),

-- What is left of a period at the close of the next trade, and how far the weight has drifted from what is wanted then.
periods as (
    select
        held.strategy,
        held.next_trade_session as trade_session,
        held.iwm_part + held.spy_part as growth,
        abs(trades.iwm_weight - held.iwm_part / (held.iwm_part + held.spy_part)) as turnover
    from held
    inner join trades on held.strategy = trades.strategy and held.next_trade_session = trades.trade_session
    where held.session = held.next_trade_session
),

starts as (
    select
        strategy,
        trade_session,
        turnover,
        exp(sum(ln(growth * (1 - 2 * {{ p.cost }} * turnover))) over (
            partition by strategy order by trade_session rows between unbounded preceding and current row
        )) as value
    from periods
)

select
    held.strategy,
    held.session,
    coalesce(starts.value, 1.0) * (held.iwm_part + held.spy_part) as value,
    held.iwm_part / (held.iwm_part + held.spy_part) as iwm_weight,
    held.target_weight,
    held.decision_session,
    case when held.session = held.trade_session then coalesce(starts.turnover, 0.0) else 0.0 end as turnover,
    case when held.session = held.trade_session then coalesce(2 * {{ p.cost }} * starts.turnover, 0.0) else 0.0 end as cost,
    '{{ p.params_id }}' as params_id
from held
left join starts on held.strategy = starts.strategy and held.trade_session = starts.trade_session
-- The close of the next trade belongs to the next period.
where held.session < coalesce(held.next_trade_session, held.session + 1)
order by held.strategy, held.session

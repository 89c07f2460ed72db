{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['core_satellite']}) }}
{% set p = signal_parameters('core_satellite', ['least', 'middle', 'most']) -%}
-- When each portfolio trades and to which weight of IWM: decided at the close of a month's last session from what is known then,
-- traded at the next close at which both funds have a price. Without a known cycle phase the timed portfolio does not trade.
with month_ends as (
    select
        session as decision_session,
        session_no as decision_session_no
    from {{ ref('session_calendar') }}
    where is_month_end
),

timed_decisions as (
    select
        month_ends.decision_session,
        month_ends.decision_session_no,
        targets.iwm_weight
    from month_ends
    inner join {{ ref('satellite_target') }} as targets on month_ends.decision_session = targets.session
),

start as (
    select min(decision_session) as first_decision from timed_decisions
),

strategies as (
    select 'spy_only' as strategy, cast(0 as double) as iwm_weight
    union all
    select 'static_least', cast({{ p.least }} as double)
    union all
    select 'static_middle', cast({{ p.middle }} as double)
    union all
    select 'static_most', cast({{ p.most }} as double)
),

decisions as (
    select 'timed' as strategy, decision_session, decision_session_no, iwm_weight from timed_decisions
    union all
    select strategies.strategy, month_ends.decision_session, month_ends.decision_session_no, strategies.iwm_weight
    from strategies
    cross join month_ends
    inner join start on month_ends.decision_session >= start.first_decision
),

-- A trade without a price for a whole week is dropped.
waits as (
    {% for sessions in range(1, 6) -%}
    select {{ sessions }} as sessions
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}
),

traded as (
    select
        decisions.strategy,
        decisions.decision_session,
        decisions.iwm_weight,
        min(tradable.session_no) as session_no
    from decisions
    cross join waits
    inner join {{ ref('int_iwm_and_spy') }} as tradable on decisions.decision_session_no + waits.sessions = tradable.session_no
    group by decisions.strategy, decisions.decision_session, decisions.iwm_weight
)

select
    traded.strategy,
    tradable.session as trade_session,
    traded.decision_session,
    traded.iwm_weight,
    tradable.iwm_index,
    tradable.spy_index
from traded
inner join {{ ref('int_iwm_and_spy') }} as tradable on traded.session_no = tradable.session_no

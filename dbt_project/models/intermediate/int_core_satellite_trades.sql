-- depends_on: {{ ref('signal_parameters') }}
{% set p = signal_parameters('core_satellite', ['least', 'middle', 'most']) -%}
-- When each portfolio trades and to which weight of IWM: decided at the close of a month's last session from what is known then,
-- traded at the next close at which both funds have a price. Without a known cycle phase the timed portfolio does not trade.
with tradable as (
    select
        iwm.session,
        iwm.session_no,
        iwm.total_return_index as iwm_index,
        spy.total_return_index as spy_index
    from {{ ref('int_daily_returns') }} as iwm
    inner join {{ ref('int_daily_returns') }} as spy on iwm.session = spy.session and spy.fund = 'SPY'
    where iwm.fund = 'IWM'
),

-- From the calendar, which is known ahead: a month that is not over has no last session yet.
month_ends as (
    select
        max(session) as decision_session,
        max(session_no) as decision_session_no
    from {{ ref('stg_sessions') }}
    group by {{ dbt.date_trunc('month', 'session') }}
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
    inner join tradable on decisions.decision_session_no + waits.sessions = tradable.session_no
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
inner join tradable on traded.session_no = tradable.session_no

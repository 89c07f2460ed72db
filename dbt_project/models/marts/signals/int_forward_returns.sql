{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['scorecard']}) }}
{% set p = signal_parameters(
    'scorecard', ['entry_sessions', 'horizon_month', 'horizon_quarter', 'horizon_half_year', 'horizon_year']
) -%}
-- Total return from the close at which a label can be acted on to the close h sessions later. No row where either bar is missing.
with prices as (
    select
        fund,
        session_no,
        total_return_index
    from {{ ref('int_daily_returns') }}
    where fund in ('IWM', 'SPY', 'QQQ')
),

forward as (
    {% for horizon in [p.horizon_month, p.horizon_quarter, p.horizon_half_year, p.horizon_year] -%}
    select
        entry.fund as target,
        entry.session_no - {{ p.entry_sessions | int }} as session_no,
        {{ horizon | int }} as horizon,
        -- An index is a product of thousands of returns: what it leaves at the sixteenth digit is neither gain nor loss.
        {{ rounded('later.total_return_index / entry.total_return_index - 1', 12) }} as forward_return
    from prices as entry
    inner join prices as later on entry.fund = later.fund and entry.session_no + {{ horizon | int }} = later.session_no
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}
),

relative as (
    select
        'IWM - SPY' as target,
        iwm.session_no,
        iwm.horizon,
        iwm.forward_return - spy.forward_return as forward_return
    from forward as iwm
    inner join forward as spy on iwm.session_no = spy.session_no and iwm.horizon = spy.horizon and spy.target = 'SPY'
    where iwm.target = 'IWM'
),

targets as (
    select target, session_no, horizon, forward_return from forward
    union all
    select target, session_no, horizon, forward_return from relative
)

select
    targets.target,
    targets.horizon,
    sessions.session,
    targets.session_no,
    targets.forward_return
from targets
inner join {{ ref('stg_sessions') }} as sessions on targets.session_no = sessions.session_no

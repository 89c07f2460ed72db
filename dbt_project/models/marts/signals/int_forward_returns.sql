{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['scorecard']}) }}
{% set p = signal_parameters('scorecard', ['horizon_month', 'horizon_quarter', 'horizon_half_year', 'horizon_year']) -%}
-- Total return from each close to the close h sessions later; NULL while that close is unknown or either bar is missing.
{% set horizons = [p.horizon_month, p.horizon_quarter, p.horizon_half_year, p.horizon_year] -%}
with prices as (
    select
        fund,
        session_no,
        total_return_index
    from {{ ref('int_daily_returns') }}
    where fund in ('IWM', 'SPY', 'QQQ')
),

forward_by_fund as (
    {% for horizon in horizons -%}
    select
        earlier.fund,
        earlier.session_no,
        {{ horizon | int }} as horizon,
        -- An index is a product of thousands of returns: a difference in the sixteenth digit is neither a gain nor a loss.
        round(later.total_return_index / earlier.total_return_index - 1, 12) as forward_return
    from prices as earlier
    inner join prices as later on earlier.fund = later.fund and earlier.session_no + {{ horizon | int }} = later.session_no
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}
),

forward as (
    select
        session_no,
        horizon,
        max(case when fund = 'SPY' then forward_return end) as spy,
        max(case when fund = 'IWM' then forward_return end) as iwm,
        max(case when fund = 'QQQ' then forward_return end) as qqq
    from forward_by_fund
    group by session_no, horizon
),

horizons as (
    select distinct horizon from forward
),

span as (
    select
        min(session_no) as first_no,
        max(session_no) as last_no
    from prices
)

select
    sessions.session,
    sessions.session_no,
    horizons.horizon,
    forward.spy,
    forward.iwm,
    forward.qqq,
    forward.iwm - forward.spy as iwm_minus_spy
from {{ ref('stg_sessions') }} as sessions
inner join span on sessions.session_no between span.first_no and span.last_no
cross join horizons
left join forward on sessions.session_no = forward.session_no and horizons.horizon = forward.horizon

{% set pairs = ['IWM/SPY', 'IWM/QQQ', 'QQQ/SPY'] -%}
-- A session on which IWM, SPY or QQQ has a bar. A signal that has no row for it is NULL.
with traded as (
    select distinct session
    from {{ ref('int_daily_returns') }}
    where fund in ('IWM', 'SPY', 'QQQ')
),

ratios as (
    select
        ratios.session
        {%- for pair in pairs %}
        {%- set name = pair | lower | replace('/', '_') %},
        max(case when ratios.pair = '{{ pair }}' then regimes.regime end) as regime_{{ name }},
        max(case when ratios.pair = '{{ pair }}' then regimes.trend_gap end) as trend_gap_{{ name }},
        max(case when ratios.pair = '{{ pair }}' then ratios.trend_break end) as trend_break_{{ name }}
        {%- endfor %}
    from {{ ref('ratio_daily') }} as ratios
    inner join {{ ref('regime_daily') }} as regimes on ratios.pair = regimes.pair and ratios.session = regimes.session
    group by ratios.session
)

select
    traded.session,
    {%- for pair in pairs %}
    {%- set name = pair | lower | replace('/', '_') %}
    ratios.regime_{{ name }},
    ratios.trend_gap_{{ name }},
    ratios.trend_break_{{ name }},
    {%- endfor %}
    breadth.breadth,
    breadth.iwm_return,
    breadth.spy_return,
    breadth.qqq_return,
    rates.rate_regime,
    rates.policy_rate,
    phases.cycle_phase,
    targets.iwm_weight,
    {{ params_id() }} as params_id
from traded
left join ratios on traded.session = ratios.session
left join {{ ref('breadth_daily') }} as breadth on traded.session = breadth.session
left join {{ ref('rate_regime_daily') }} as rates on traded.session = rates.session
left join {{ ref('cycle_phase_daily') }} as phases on traded.session = phases.session
left join {{ ref('satellite_target') }} as targets on traded.session = targets.session

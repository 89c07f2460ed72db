{{ config(meta={'signals': ['regime']}) }}
{% set p = signal_parameters('regime', ['threshold']) -%}
with crossings as (
    select
        pair,
        session,
        trend_gap,
        case
            when trend_gap > {{ p.threshold }} then 'risk_on'
            when trend_gap < -{{ p.threshold }} then 'risk_off'
        end as crossing
    from {{ ref('ratio_daily') }}
),

-- Hysteresis: between the thresholds the last label stays.
groups as (
    select
        *,
        count(crossing) over (partition by pair order by session rows between unbounded preceding and current row) as crossing_no
    from crossings
),

labels as (
    select
        pair,
        session,
        trend_gap,
        max(crossing) over (partition by pair, crossing_no) as regime
    from groups
)

select
    pair,
    session,
    trend_gap,
    -- No close, no label.
    case when trend_gap is not null then regime end as regime,
    case regime when 'risk_on' then trend_gap + {{ p.threshold }} when 'risk_off' then {{ p.threshold }} - trend_gap end as distance,
    abs(trend_gap) <= {{ p.threshold }} as is_inside_band,
    {{ params_id() }} as params_id
from labels

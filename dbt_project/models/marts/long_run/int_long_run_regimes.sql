{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['ratio', 'regime']}) }}
{% set trend = signal_parameters('ratio', ['trend_sessions']).trend_sessions | int -%}
{% set threshold = signal_parameters('regime', ['threshold']).threshold -%}
-- The rule of regime_daily on the cumulated small-minus-large return in place of the ratio of two funds.
with gaps as (
    select
        session,
        session_no,
        case when session_no >= {{ trend }} then size_log_index - avg(size_log_index) over last_trend end as trend_gap
    from {{ ref('int_long_run_sessions') }}
    window last_trend as (order by session_no rows between {{ trend - 1 }} preceding and current row)
),

crossings as (
    select
        *,
        case when trend_gap > {{ threshold }} then 'risk_on' when trend_gap < -{{ threshold }} then 'risk_off' end as crossing
    from gaps
),

groups as (
    select
        *,
        count(crossing) over (order by session_no rows between unbounded preceding and current row) as crossing_no
    from crossings
)

select
    session,
    session_no,
    trend_gap,
    max(crossing) over (partition by crossing_no) as regime
from groups

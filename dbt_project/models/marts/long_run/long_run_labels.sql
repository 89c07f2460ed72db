{{ config(meta={'signals': ['regime']}) }}
{% set p = signal_parameters('regime', ['threshold']) -%}
with labels as (
    select
        session,
        'regime' as signal,
        'small minus large' as series,
        regime as label,
        trend_gap,
        cast(null as integer) as days_since
    from {{ ref('int_long_run_regimes') }}
    union all
    select session, 'rate_regime', 'federal funds rate', rate_regime, cast(null as double), days_since
    from {{ ref('int_long_run_rate_regimes') }}
    union all
    select session, 'business_cycle', 'NBER announcements', business_cycle, cast(null as double), days_since
    from {{ ref('int_long_run_cycles') }}
),

series as (
    select distinct
        signal,
        series
    from labels
)

select
    series.signal,
    series.series,
    sessions.session,
    sessions.session_no,
    labels.label,
    labels.trend_gap,
    case labels.label
        when 'risk_on' then labels.trend_gap + {{ p.threshold }}
        when 'risk_off' then {{ p.threshold }} - labels.trend_gap
    end as distance,
    labels.days_since,
    {{ params_id() }} as params_id
from {{ ref('int_long_run_sessions') }} as sessions
cross join series
left join labels
    on sessions.session = labels.session and series.signal = labels.signal and series.series = labels.series

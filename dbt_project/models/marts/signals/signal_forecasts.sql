{{ config(meta={'signals': ['scorecard']}) }}
select
    signal,
    subject,
    cast(horizon as integer) as horizon,
    target,
    cast(sessions as integer) as sessions,
    r_squared,
    clark_west,
    p_value,
    {{ params_id() }} as params_id
from {{ ref('int_signal_forecasts') }}

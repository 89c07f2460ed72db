{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['scorecard', 'long_run']}) }}
{% set p = signal_parameters('scorecard', ['horizon_month', 'horizon_quarter', 'horizon_half_year', 'horizon_year']) -%}
{% set entry = signal_parameters('long_run', ['entry_sessions']).entry_sessions | int -%}
{% set horizons = [p.horizon_month, p.horizon_quarter, p.horizon_half_year, p.horizon_year] -%}
{% set targets = {'market': 'market_log_index', 'small_minus_large': 'size_log_index'} -%}
-- What was earned after each close: from the next close, at which a portfolio can trade, over the horizon. NULL where it ends after
-- the last known day.
with horizons as (
    {% for horizon in horizons -%}
    select cast({{ horizon | int }} as integer) as horizon
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}
),

indexes as (
    {% for target, index in targets.items() -%}
    select
        '{{ target }}' as target,
        session,
        session_no,
        {{ index }} as log_index
    from {{ ref('int_long_run_sessions') }}
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}
)

select
    indexes.target,
    indexes.session,
    indexes.session_no,
    horizons.horizon,
    {{ rounded('exp(later.log_index - entries.log_index) - 1', 12) }} as forward_return
from indexes
cross join horizons
left join indexes as entries on indexes.target = entries.target and indexes.session_no + {{ entry }} = entries.session_no
left join indexes as later
    on indexes.target = later.target and indexes.session_no + {{ entry }} + horizons.horizon = later.session_no

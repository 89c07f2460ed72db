{{ config(meta={'signals': ['satellite']}) }}
{% set phases = ['early', 'mid', 'late', 'contraction'] -%}
{% set p = signal_parameters('satellite', phases) -%}
with targets as (
    select
        session,
        cycle_phase,
        rate_regime,
        regime,
        reason,
        cast(case cycle_phase {%- for phase in phases %} when '{{ phase }}' then {{ p[phase] }} {%- endfor %} end as double) as iwm_weight
    from {{ ref('cycle_phase_daily') }}
)

select
    session,
    iwm_weight,
    cycle_phase,
    rate_regime,
    regime,
    {{ number_text('100 * iwm_weight', 1) }} || ' % IWM, ' || cycle_phase
    || case when cycle_phase = 'contraction' then '' else ' cycle' end || ': ' || reason as reason,
    {{ params_id() }} as params_id
from targets

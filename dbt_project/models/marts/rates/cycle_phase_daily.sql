-- depends_on: {{ ref('signal_parameters') }}
{% set p = signal_parameters('cycle_phase', [], upstream=['ratio', 'regime', 'rate_regime']) -%}
-- A session has a phase where both the rate regime and the IWM/SPY regime are known.
select
    rates.session,
    phases.cycle_phase,
    rates.rate_regime,
    regimes.regime,
    phases.reason,
    '{{ p.params_id }}' as params_id
from {{ ref('rate_regime_daily') }} as rates
inner join {{ ref('regime_daily') }} as regimes on rates.session = regimes.session and regimes.pair = 'IWM/SPY'
inner join {{ ref('cycle_phases') }} as phases
    on rates.rate_regime = phases.rate_regime and regimes.regime = phases.regime
order by rates.session

{{ config(meta={'signals': ['cycle_phase']}) }}
{% set p = signal_parameters('cycle_phase', ['low_rate']) -%}
-- A session has a phase if both the rate regime and the IWM/SPY regime are known.
select
    rates.session,
    phases.cycle_phase,
    rates.rate_regime,
    regimes.regime,
    -- Rates are called low by their level alone, not because the Fed has cut them.
    replace(
        phases.reason,
        '{level}',
        case
            when rates.policy_rate <= {{ p.low_rate }} then 'low'
            else 'at ' || {{ number_text('100 * rates.policy_rate', 3) }} || ' %'
        end
    ) as reason,
    {{ params_id() }} as params_id
from {{ ref('rate_regime_daily') }} as rates
inner join {{ ref('regime_daily') }} as regimes on rates.session = regimes.session and regimes.pair = 'IWM/SPY'
inner join {{ ref('cycle_phases') }} as phases
    on rates.rate_regime = phases.rate_regime and regimes.regime = phases.regime

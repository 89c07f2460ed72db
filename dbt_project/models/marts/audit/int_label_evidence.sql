{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['scorecard']}) }}
{% set p = signal_parameters('scorecard', ['horizon_year']) -%}
-- One sentence per label: what followed it over a year, the base rate, and whether the difference is statistically significant.
-- The target is SPY for signals read from prices, IWM minus SPY for signals read from the Fed.
select
    signal,
    subject,
    label,
    'a year later ' || replace(target, ' - ', ' minus ') || ' ' || {{ signed_percent('mean_return') }} || ' on average, against '
    || {{ signed_percent('base_return') }} || ' after all sessions (' || {{ counted('independent_spells', 'independent spell') }}
    || coalesce(', p = ' || {{ text('cast(p_value as decimal(4, 3))') }}, '') || '); ' || verdict_in_words as evidence
from {{ ref('scorecard') }}
where
    horizon = {{ p.horizon_year | int }}
    and target = case when signal in ('rate_regime', 'cycle_phase') then 'IWM - SPY' else 'SPY' end

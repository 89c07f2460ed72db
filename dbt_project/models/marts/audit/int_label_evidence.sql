{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['scorecard']}) }}
{% set p = signal_parameters('scorecard', ['horizon_year']) -%}
-- One sentence per label: what followed it over a year, against what followed the rest, and the verdict. The market itself for
-- signals from prices, IWM against SPY for signals from rates.
select
    signal,
    subject,
    label,
    'a year later ' || replace(target, ' - ', ' minus ') || ' ' || {{ signed_percent('mean_return') }} || ' on average, against '
    || {{ signed_percent('rest_return') }} || ' after the rest (' || {{ counted('clusters', 'cluster') }}
    || coalesce(', p ' || {{ p_value_text('p_value') }}, '')
    || coalesce(', for all tests ' || {{ p_value_text('p_family', equals='') }}, '') || '); ' || verdict_in_words as evidence
from {{ ref('scorecard') }}
where
    horizon = {{ p.horizon_year | int }}
    and target = case when signal in ('rate_regime', 'cycle_phase') then 'IWM - SPY' else 'SPY' end

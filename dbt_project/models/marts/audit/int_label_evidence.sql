{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['scorecard']}) }}
{% set p = signal_parameters('scorecard', ['horizon_year']) -%}
-- One sentence per label: what followed it over a year, against what followed the rest, and the verdict. The market itself for
-- signals from prices, IWM against SPY for signals from rates.
select
    scorecard.signal,
    scorecard.subject,
    scorecard.label,
    case
        when scorecard.horizon = {{ p.horizon_year | int }} then 'a year'
        else {{ text('scorecard.horizon') }} || ' sessions'
    end
    || ' later ' || replace(scorecard.target, ' - ', ' minus ') || ' ' || {{ signed_percent('scorecard.mean_return') }}
    || ' on average, against ' || {{ signed_percent('scorecard.rest_return') }} || ' after the rest ('
    || {{ counted('scorecard.clusters', 'cluster') }}
    || coalesce(', p ' || {{ p_value_text('scorecard.p_value') }}, '')
    || coalesce(', corrected ' || {{ p_value_text('scorecard.p_family', equals='') }}, '') || ')'
    || case when horizons.other_horizons <> 'none' then '; shorter horizons that survive: ' || horizons.other_horizons else '' end
    || '; ' || scorecard.verdict_in_words as evidence
from {{ ref('int_audited_horizons') }} as horizons
inner join {{ ref('scorecard') }} as scorecard using (signal, subject, label, target, horizon)
where scorecard.target = case when scorecard.signal in ('rate_regime', 'cycle_phase') then 'IWM - SPY' else 'SPY' end

{{ config(meta={'signals': ['correction']}) }}
{% set p = signal_parameters('correction', ['least_depth', 'high_sessions']) -%}
-- Closes are compared to eight decimals: the noise of a split factor or a retrieval beyond them must not decide a date.
with prices as (
    select
        session,
        {{ rounded('close', 8) }} as close
    from {{ ref('int_daily_returns') }}
    where fund = 'SPY'
),

closes as (
    select
        session,
        close,
        max(close) over (order by session rows between {{ p.high_sessions | int - 1 }} preceding and current row) as high
    from prices
),

-- Every new 252-session high starts a new stretch that includes the closes below it: a fall from a half-recovered market counts
-- on its own, like that of 2011, before the high of 2007 was reached again.
stretches as (
    select
        session,
        close,
        high,
        sum(case when close = high then 1 else 0 end) over (
            order by session rows between unbounded preceding and current row
        ) as stretch
    from closes
),

peaks as (
    select
        stretch,
        session as peak,
        close as peak_close
    from stretches
    where close = high
),

falls as (
    select
        peaks.stretch,
        peaks.peak,
        peaks.peak_close,
        min(stretches.close) as trough_close,
        min(case when stretches.close <= peaks.peak_close * (1 - {{ p.least_depth }}) then stretches.session end) as confirmed_on
    from peaks
    inner join stretches on peaks.stretch = stretches.stretch
    group by peaks.stretch, peaks.peak, peaks.peak_close
    having min(stretches.close) <= peaks.peak_close * (1 - {{ p.least_depth }})
),

troughs as (
    select
        falls.stretch,
        min(stretches.session) as trough
    from falls
    inner join stretches on falls.stretch = stretches.stretch and falls.trough_close = stretches.close
    group by falls.stretch
),

recoveries as (
    select
        falls.stretch,
        min(closes.session) as recovery
    from falls
    inner join closes on falls.peak < closes.session and falls.peak_close <= closes.close
    group by falls.stretch
),

-- How common each label is: a label at many peaks means little if it is that common without a fall. A peak is a session at a high
-- by definition, so the rate by chance is that of the sessions at a high; that of all sessions is stated beside it.
base_rates as (
    {%- for signal, model, condition in [
        ('regime', 'regime_daily', "labels.pair = 'IWM/SPY'"), ('breadth', 'breadth_daily', 'true'),
        ('rate_regime', 'rate_regime_daily', 'true')
    ] %}
    select
        '{{ signal }}' as signal,
        labels.{{ signal }} as label,
        count(peaks.peak) / nullif(sum(cast(count(peaks.peak) as double)) over (), 0) as rate_at_highs,
        count(*) / sum(cast(count(*) as double)) over () as base_rate
    from {{ ref(model) }} as labels
    inner join prices on labels.session = prices.session
    left join peaks on labels.session = peaks.peak
    where {{ condition }} and labels.{{ signal }} is not null
    group by labels.{{ signal }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    falls.peak,
    falls.confirmed_on,
    troughs.trough,
    ends.peak as ended_on,
    recoveries.recovery,
    falls.trough_close / falls.peak_close - 1 as depth,
    regimes.regime as regime_at_peak,
    regime_rates.rate_at_highs as regime_rate_at_highs,
    regime_rates.base_rate as regime_base_rate,
    breadth.breadth as breadth_at_peak,
    breadth_rates.rate_at_highs as breadth_rate_at_highs,
    breadth_rates.base_rate as breadth_base_rate,
    rates.rate_regime as rate_regime_at_peak,
    rate_regime_rates.rate_at_highs as rate_regime_rate_at_highs,
    rate_regime_rates.base_rate as rate_regime_base_rate,
    {{ params_id() }} as params_id
from falls
inner join troughs on falls.stretch = troughs.stretch
left join peaks as ends on falls.stretch + 1 = ends.stretch
left join recoveries on falls.stretch = recoveries.stretch
left join {{ ref('regime_daily') }} as regimes on falls.peak = regimes.session and regimes.pair = 'IWM/SPY'
left join {{ ref('breadth_daily') }} as breadth on falls.peak = breadth.session
left join {{ ref('rate_regime_daily') }} as rates on falls.peak = rates.session
left join base_rates as regime_rates on regime_rates.signal = 'regime' and regimes.regime = regime_rates.label
left join base_rates as breadth_rates on breadth_rates.signal = 'breadth' and breadth.breadth = breadth_rates.label
left join base_rates as rate_regime_rates
    on rate_regime_rates.signal = 'rate_regime' and rates.rate_regime = rate_regime_rates.label

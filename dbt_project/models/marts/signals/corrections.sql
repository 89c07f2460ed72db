-- depends_on: {{ ref('signal_parameters') }}
{% set p = signal_parameters(
    'correction', ['least_depth', 'high_sessions'], upstream=['ratio', 'regime', 'breadth', 'rate_regime']
) -%}
with closes as (
    select
        session,
        close,
        max(close) over (order by session rows between {{ p.high_sessions | int - 1 }} preceding and current row) as high
    from {{ ref('int_daily_returns') }}
    where fund = 'SPY'
),

-- Every new high of the year begins a new stretch, to which the closes below it belong: a fall out of a half-recovered market
-- counts by itself, as 2011 does, which never saw the high of 2007.
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
)

select
    falls.peak,
    falls.confirmed_on,
    troughs.trough,
    ends.peak as ended_on,
    recoveries.recovery,
    falls.trough_close / falls.peak_close - 1 as depth,
    regimes.regime as regime_at_peak,
    breadth.breadth as breadth_at_peak,
    rates.rate_regime as rate_regime_at_peak,
    '{{ p.params_id }}' as params_id
from falls
inner join troughs on falls.stretch = troughs.stretch
left join peaks as ends on falls.stretch + 1 = ends.stretch
left join recoveries on falls.stretch = recoveries.stretch
left join {{ ref('regime_daily') }} as regimes on falls.peak = regimes.session and regimes.pair = 'IWM/SPY'
left join {{ ref('breadth_daily') }} as breadth on falls.peak = breadth.session
left join {{ ref('rate_regime_daily') }} as rates on falls.peak = rates.session
order by falls.peak

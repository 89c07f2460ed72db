{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['ratio', 'regime']}) }}
{% set ratio = signal_parameters('ratio', ['trend_sessions', 'channel_sessions']) -%}
{% set regime = signal_parameters('regime', ['threshold']) -%}
{% set trend, channel = ratio.trend_sessions | int, ratio.channel_sessions | int -%}
-- How far the ratio is from the next close that changes a label, on every session with the label.
with windows as (
    select
        ratios.pair,
        ratios.session,
        ratios.ratio,
        ratios.log_ratio,
        -- The mean of the next session takes in its own ratio: these are the others.
        avg(ratios.log_ratio) over kept as kept_mean,
        max(ratios.ratio) over next_channel as channel_high,
        min(ratios.ratio) over next_channel as channel_low
    from {{ ref('int_pair_ratios') }} as ratios
    where ratios.ratio is not null
    window
        kept as (partition by ratios.pair order by ratios.ratio_no rows between {{ trend - 2 }} preceding and current row),
        next_channel as (partition by ratios.pair order by ratios.ratio_no rows between {{ channel - 1 }} preceding and current row)
),

regimes as (
    select
        pair,
        session,
        regime,
        trend_gap,
        cast(case regime when 'risk_on' then -{{ regime.threshold }} else {{ regime.threshold }} end as double) as threshold
    from {{ ref('regime_daily') }}
    where regime is not null
),

-- A trend break lasts until the ratio leaves the channel on the other side.
breaks as (
    select
        pair,
        session,
        {{ ignoring_nulls('last_value', 'trend_break') }} over (
            partition by pair order by session rows between unbounded preceding and current row
        ) as trend_break
    from {{ ref('ratio_daily') }}
),

flips as (
    select
        'regime' as signal,
        regimes.pair,
        regimes.session,
        regimes.regime as label,
        case regimes.regime when 'risk_on' then 'risk_off' else 'risk_on' end as flips_to,
        regimes.regime = 'risk_on' as is_below,
        regimes.trend_gap as value,
        regimes.threshold,
        -- The ratio x whose log exceeds the mean over itself and those kept by the threshold: ln x - (kept + ln x) / n = threshold.
        exp(windows.kept_mean + regimes.threshold * {{ trend }} / {{ trend - 1 }}) as flip_ratio,
        windows.ratio
    from regimes
    inner join windows on regimes.pair = windows.pair and regimes.session = windows.session
    union all
    select
        'trend_break', breaks.pair, breaks.session, breaks.trend_break,
        case breaks.trend_break when 'break_up' then 'break_down' else 'break_up' end,
        breaks.trend_break = 'break_up',
        ln(windows.ratio / case breaks.trend_break when 'break_up' then windows.channel_low else windows.channel_high end),
        0.0e0,
        case breaks.trend_break when 'break_up' then windows.channel_low else windows.channel_high end,
        windows.ratio
    from breaks
    inner join windows on breaks.pair = windows.pair and breaks.session = windows.session
    where breaks.trend_break is not null
)

select
    signal,
    pair as subject,
    session,
    label,
    flips_to,
    is_below,
    value,
    threshold,
    abs(value - threshold) as distance,
    ratio,
    flip_ratio,
    cast(row_number() over (partition by signal, pair order by session) as integer) as label_no
from flips
